/* The groups of metrics: what is chosen together, and what falls back together. */
#ifndef WEIR_BASE_METRIC_GROUP_H
#define WEIR_BASE_METRIC_GROUP_H

#include <stddef.h>

/* What is chosen together. Of a container's groups up to GROUP_COUNT each comes from one read; the
 * cascade falls back group by group. */
enum metric_group {
    GROUP_CPU,
    GROUP_MEMORY,
    GROUP_NETWORK,
    GROUP_BLOCK_IO,
    GROUP_PIDS,
    GROUP_PRESSURE,
    GROUP_SPEC,
    GROUP_OOM,
    GROUP_LIFE,
    GROUP_DISK,
    GROUP_PROCESS,
    GROUP_SCHED,
    GROUP_LOAD,
    GROUP_CPUSET,
    GROUP_HUGETLB,
    GROUP_NUMA,
    GROUP_TCP,
    GROUP_UDP,
    GROUP_ADVTCP,
    GROUP_COUNT,
    GROUP_NONE = GROUP_COUNT, /* of a container, and no part of the cascade */
    GROUP_AGENT,              /* from here on: of no container */
    GROUP_ENGINE,
    GROUP_MACHINE,
    GROUP_TOPOLOGY,
    GROUP_DOCKER,
    GROUP_ALL,
};
#define GROUP_BIT(group) (1U << (group))
#define GROUPS_ALL       (GROUP_BIT(GROUP_ALL) - 1)
/* The groups that are given unless metrics.enable and metrics.disable say otherwise. */
#define GROUPS_DEFAULT                                                              \
    (GROUPS_ALL &                                                                   \
     ~(GROUP_BIT(GROUP_DISK) | GROUP_BIT(GROUP_PROCESS) | GROUP_BIT(GROUP_SCHED) |  \
       GROUP_BIT(GROUP_LOAD) | GROUP_BIT(GROUP_CPUSET) | GROUP_BIT(GROUP_HUGETLB) | \
       GROUP_BIT(GROUP_NUMA) | GROUP_BIT(GROUP_TCP) | GROUP_BIT(GROUP_UDP) |        \
       GROUP_BIT(GROUP_ADVTCP) | GROUP_BIT(GROUP_TOPOLOGY) | GROUP_BIT(GROUP_DOCKER)))

/* The group's name in labels, flags and queries, cAdvisor's where it has one, e.g. "diskIO". */
const char *metric_group_name(enum metric_group group);
/* The group called `name` (`length` bytes); GROUP_ALL for no such. */
enum metric_group metric_group_find(const char *name, size_t length);
#endif
