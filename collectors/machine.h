/* The host as machine_* metrics: processors, memory, modules, topology, and the three ids that
 * label them. What does not change while it runs is read once and again every five minutes, and
 * when CPUs went on or off line. A value whose file is not there is absent. On the cgroup reader's
 * thread. */
#ifndef WEIR_COLLECTORS_MACHINE_H
#define WEIR_COLLECTORS_MACHINE_H

#include "base/snapshot.h"

#include <stdint.h>

/* Where a container that watches its host has the host's root, by the custom of cAdvisor. */
#define MACHINE_HOST_MOUNT "/rootfs"

struct machine; /* opaque; machine_internal.h */

/* procfs, sysfs and root must outlive the machine. */
struct machine_options {
    const char *procfs;
    const char *sysfs;
    const char *root;         /* of the host's files, as machine_host_root says */
    const char *architecture; /* as uname(2) calls it, e.g. "x86_64" */
    unsigned groups;          /* bit per enum metric_group; others than GROUP_MACHINE and
                                 GROUP_TOPOLOGY do not matter */
};

/* Reads nothing yet. */
struct machine *machine_new(const struct machine_options *options);
/* NULL is allowed. */
void machine_free(struct machine *m);
/* Reads which CPUs are online, and what else is due of the wanted groups. `now_ns` is
 * CLOCK_MONOTONIC. How many CPUs are online; 0 where that is not known. */
unsigned machine_begin(struct machine *m, uint64_t now_ns);
/* Adds all that is known since machine_begin, with the memory and swap of /proc/meminfo in bytes
 * (NULL: not known). */
void machine_add_points(const struct machine *m, const uint64_t *memory, const uint64_t *swap,
                        struct part *part);

/* `mount` where it holds a host's root, that is, where "proc" is in it; else "", weir's own. */
const char *machine_host_root(const char *mount);

#endif
