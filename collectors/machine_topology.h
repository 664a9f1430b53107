/* What machine_*.c know of CPUs and share: which core, package and node each is of. */
#ifndef WEIR_COLLECTORS_MACHINE_TOPOLOGY_H
#define WEIR_COLLECTORS_MACHINE_TOPOLOGY_H

#include "collectors/machine_internal.h"

/* --- machine_cpus.c --- */

/* One CPU that is online. */
struct machine_cpu {
    unsigned number;
    bool has_package, has_core_id, has_core, has_node;
    uint64_t package; /* which package, on mainframes by drawer and book too */
    uint64_t core_id; /* as the platform calls it; not unique */
    unsigned core;    /* the first CPU of its core */
    uint64_t node;    /* or its package, where the kernel knows no nodes */
};

struct machine_cpus {
    struct machine_cpu *items; /* in scratch */
    size_t count;
    unsigned *threads; /* by core: its CPUs that are online; in scratch */
    size_t limit;      /* above every number and core; length of `threads` */
};

struct machine_cpus machine_read_cpus(struct machine *m, const struct machine_numbers *online);
/* Cores and packages, where they are known of every CPU. */
void machine_add_cores(struct machine *m, const struct machine_cpus *cpus);

/* --- machine_caches.c, machine_nodes.c --- */

/* Says of each CPU which node it is of; adds what nodes have. */
void machine_add_nodes(struct machine *m, const struct machine_cpus *cpus);
/* The caches, by core and node. After machine_add_nodes. */
void machine_add_caches(struct machine *m, const struct machine_cpus *cpus);

#endif
