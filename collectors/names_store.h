/* The names of containers across restarts: an inventory as a file. Lines of JSON: a head with the
 * version, the boot and the rules it was made under, a line for each container, and a last one with
 * their number, so that a file that was cut short is told from a whole one. */
#ifndef WEIR_COLLECTORS_NAMES_STORE_H
#define WEIR_COLLECTORS_NAMES_STORE_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct collector_options;
struct err;
struct inventory;

#define NAMES_STORE_MAX_BYTES ((size_t)64 << 20) /* 20 000 containers of 3 KiB */

/* What holds only for as long as it stays as it is. */
struct names_store_terms {
    char boot_id[40]; /* of the running kernel, "" unknown: control groups and starts are of one
                         boot */
    char rules[20];   /* of label-allow, kubernetes-labels, include and exclude: labels and hiding
                         follow from them */
};

/* Those in force now; reads below options->procfs. */
struct names_store_terms names_store_terms_now(const struct collector_options *options);

/* Appends every container that somebody has named. One whose line would pass 1 MiB is left out. 0,
 * or -EMSGSIZE past the buffer's maximum. */
int names_store_encode(const struct inventory *v, const struct names_store_terms *terms,
                       struct buf *ret);
/* Tells every container as INVENTORY_REMEMBERED at `now_ns` (CLOCK_MONOTONIC): after another boot
 * without its start and control group, and never with a start that no control group stands for.
 * Nothing, where the rules were others. 0; -EBADMSG with the sentence in `e` and nothing told where
 * any of it is broken, or of another version. */
int names_store_decode(const char *text, size_t length, const struct names_store_terms *terms,
                       uint64_t now_ns, struct inventory *v, struct err *e);

/* Reads the file in `directory` and decodes it. 0, also where there is none yet; else a negative
 * errno with file and mend in `e`, and nothing told. Blocking. */
int names_store_load(const char *directory, const struct names_store_terms *terms, uint64_t now_ns,
                     struct inventory *v, struct err *e);
/* Puts the bytes in the place of the file in `directory`, whole or not at all, readable by its
 * owner alone. 0, -EBUSY while another process does the same, or a negative errno; with the mend in
 * `e`. Blocking, from any thread. */
int names_store_save(const char *directory, const char *bytes, size_t length, struct err *e);

#endif
