/* What machine_*.c share: the machine's state, reading small files, lists of numbers. */
#ifndef WEIR_COLLECTORS_MACHINE_INTERNAL_H
#define WEIR_COLLECTORS_MACHINE_INTERNAL_H

#include "base/buf.h"
#include "collectors/machine.h"

#include <stdbool.h>
#include <stddef.h>

#define MACHINE_NUMBER_MAX 65535 /* of a CPU or a node; Linux allows 8192 and 1024 */

/* Rising, no two alike. */
struct machine_numbers {
    unsigned *items;
    size_t count;
};

struct machine {
    struct machine_options options; /* architecture is NULL */
    bool mainframe;                 /* s390 */
    struct buf text;                /* the file read last */
    struct arena scratch;           /* of one reading */
    unsigned cpus;                  /* online, 0 not known */
    bool read;                      /* the facts were */
    uint64_t read_ns;               /* CLOCK_MONOTONIC when */
    char *online;                   /* the list of CPUs they were read for; owned */
    const char *boot_id;            /* "" not known; in the arena of `facts`, as the next two */
    const char *machine_id;
    const char *system_uuid;
    struct part facts; /* points that last until they are read again */
};

/* --- machine_files.c --- */

/* The file at that path without white space at its end; NULL where it cannot be read. Valid until
 * the next call. */
const char *machine_text(struct machine *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A file that holds one number from 0 to INT64_MAX; false for any other. */
bool machine_number(struct machine *m, uint64_t *ret, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The numbers of the entries of a directory that are called `prefix`, number, `suffix`; up to
 * `most`. In scratch; none where it cannot be read. */
struct machine_numbers machine_entries(struct machine *m, const char *directory, const char *prefix,
                                       const char *suffix, unsigned most);
/* A list as the kernel writes sets of CPUs, "0-3,8", into scratch. False where it is none. */
bool machine_list(struct machine *m, const char *text, struct machine_numbers *ret);
/* Can it be a label: printable ASCII, not empty and not long? */
bool machine_is_word(const char *text);

/* --- machine_ids.c --- */

/* Sets the three ids. */
void machine_read_ids(struct machine *m);

/* --- machine.c --- */

/* Adds a point to the facts, labelled with the ids and then `more`, NULL-terminated. */
void machine_add_fact(struct machine *m, enum agent_metric metric, uint64_t value,
                      const char *const more[]);
/* The number as a label, in scratch. */
const char *machine_label(struct machine *m, uint64_t number);

/* --- machine_dimms.c --- */

/* Memory modules by kind. */
void machine_add_dimms(struct machine *m);

#endif
