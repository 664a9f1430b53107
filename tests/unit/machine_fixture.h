/* A machine made of files: a temporary sysfs, procfs and host's root, and what is said of them.
 * Included after cmocka. */
#ifndef WEIR_TESTS_UNIT_MACHINE_FIXTURE_H
#define WEIR_TESTS_UNIT_MACHINE_FIXTURE_H

#include "base/snapshot.h"
#include "collectors/machine.h"

#include <stdint.h>

#define NOTHING UINT64_MAX /* no such series */

struct machine_fixture {
    char top[64]; /* the temporary directory */
    char procfs[80];
    char sysfs[80];
    char root[80];
    struct machine_options options;
    struct machine *machine; /* made by the first run */
    uint64_t now_ns;
    unsigned cpus; /* what machine_begin said */
    struct part part;
};

int machine_setup(void **state);
int machine_teardown(void **state);

/* Writes a file below the temporary directory, with the directories above it. */
void put(struct machine_fixture *f, const char *text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Takes away what is there. */
void drop(struct machine_fixture *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A file of devices/system/cpu/cpuN. */
void put_cpu(struct machine_fixture *f, unsigned cpu, const char *name, const char *text);
/* Its topology; the list of its core's threads may be NULL: no such file. */
void put_topology(struct machine_fixture *f, unsigned cpu, unsigned package, unsigned core,
                  const char *threads);
void put_cache(struct machine_fixture *f, unsigned cpu, unsigned index, const char *type,
               unsigned level, const char *size, const char *shared);

/* Another machine at the next run, of the options as they are then. */
void again(struct machine_fixture *f);
/* A round `seconds` after the last. Every series has the labels its metric has, and no two are
 * alike. */
void run(struct machine_fixture *f, unsigned seconds);
/* The value of the series whose labels behind the ids are these, in the order of the metric list
 * and with "/" between them; NOTHING where there is none. */
uint64_t value_of(const struct machine_fixture *f, enum agent_metric metric, const char *labels);
/* How many series the metric has. */
size_t count_of(const struct machine_fixture *f, enum agent_metric metric);

#endif
