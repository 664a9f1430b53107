/* What it knows: the metric list turned into tables. */
#include "base/metric.h"

#include <assert.h>
#include <string.h>

#define E1 TIERS_E1
#define E2 TIERS_E2
#define C1 TIERS_C1
#define C2 TIERS_C2
#define S  TIERS_S
#define D  TIERS_D

#define METRIC_ROW(id_, family_, type_, unit_, group_, labels_, tiers_, help_) \
    {.family = (family_),                                                      \
     .labels = (labels_),                                                      \
     .help = (help_),                                                          \
     .type = METRIC_##type_,                                                   \
     .unit = UNIT_##unit_,                                                     \
     .group = GROUP_##group_,                                                  \
     .tiers = (tiers_)},

const struct metric container_metrics[CONTAINER_METRICS] = {METRIC_LIST_CONTAINER(METRIC_ROW)};
const struct metric interface_metrics[INTERFACE_METRICS] = {METRIC_LIST_INTERFACE(METRIC_ROW)};
const struct metric device_metrics[DEVICE_METRICS] = {METRIC_LIST_DEVICE(METRIC_ROW)};
const struct metric point_metrics[POINT_METRICS] = {METRIC_LIST_POINT(METRIC_ROW)};
const struct metric agent_metrics[AGENT_METRICS] = {METRIC_LIST_AGENT(METRIC_ROW)};

const char *metric_group_name(enum metric_group group)
{
    static const char *const names[GROUP_ALL] = {
        [GROUP_CPU] = "cpu",         [GROUP_MEMORY] = "memory",
        [GROUP_NETWORK] = "network", [GROUP_BLOCK_IO] = "diskIO",
        [GROUP_PIDS] = "pids",       [GROUP_PRESSURE] = "pressure",
        [GROUP_SPEC] = "spec",       [GROUP_OOM] = "oom_event",
        [GROUP_LIFE] = "lifecycle",  [GROUP_DISK] = "disk",
        [GROUP_PROCESS] = "process", [GROUP_SCHED] = "sched",
        [GROUP_LOAD] = "cpuLoad",    [GROUP_CPUSET] = "cpuset",
        [GROUP_HUGETLB] = "hugetlb", [GROUP_NUMA] = "memory_numa",
        [GROUP_TCP] = "tcp",         [GROUP_UDP] = "udp",
        [GROUP_ADVTCP] = "advtcp",   [GROUP_NONE] = "state",
        [GROUP_AGENT] = "weir",      [GROUP_ENGINE] = "engine",
        [GROUP_MACHINE] = "machine", [GROUP_TOPOLOGY] = "cpu_topology",
        [GROUP_DOCKER] = "docker",
    };
    assert(group < GROUP_ALL);
    return names[group];
}

enum metric_group metric_group_find(const char *name, size_t length)
{
    for (enum metric_group group = 0; group < GROUP_ALL; group++)
        if (strlen(metric_group_name(group)) == length &&
            memcmp(metric_group_name(group), name, length) == 0)
            return group;
    return GROUP_ALL;
}

const char *metric_type_name(enum metric_type type)
{
    return type == METRIC_COUNTER ? "counter" : "gauge";
}
