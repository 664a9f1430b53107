/* The kernel files that are read of each control group. Documents: as group_parse.h. */
#ifndef WEIR_COLLECTORS_GROUP_FILE_LIST_H
#define WEIR_COLLECTORS_GROUP_FILE_LIST_H

/* Columns: id, cgroup version (0: of the v2 tree, whatever the controllers' version), controller,
 * name. Read in every round where their group of values is wanted. */
#define GROUP_FILE_LIST(F)                                                  \
    F(CPU_USAGE_1, 1, CPUACCT, "cpuacct.usage")                             \
    F(CPU_MODES_1, 1, CPUACCT, "cpuacct.stat")                              \
    F(CPU_STAT_1, 1, CPU, "cpu.stat")                                       \
    F(MEMORY_USAGE_1, 1, MEMORY, "memory.usage_in_bytes")                   \
    F(MEMORY_STAT_1, 1, MEMORY, "memory.stat")                              \
    F(MEMORY_PEAK_1, 1, MEMORY, "memory.max_usage_in_bytes")                \
    F(MEMORY_FAILCNT_1, 1, MEMORY, "memory.failcnt")                        \
    F(MEMORY_KERNEL_1, 1, MEMORY, "memory.kmem.usage_in_bytes")             \
    F(MEMORY_OOM_1, 1, MEMORY, "memory.oom_control")                        \
    F(BLOCK_BYTES_1, 1, BLKIO, "blkio.throttle.io_service_bytes_recursive") \
    F(BLOCK_COUNTS_1, 1, BLKIO, "blkio.throttle.io_serviced_recursive")     \
    F(PIDS_1, 1, PIDS, "pids.current")                                      \
    F(PIDS_EVENTS_1, 1, PIDS, "pids.events")                                \
    F(FREEZER_1, 1, FREEZER, "freezer.state")                               \
    F(CPU_STAT_2, 2, CPU, "cpu.stat")                                       \
    F(MEMORY_USAGE_2, 2, MEMORY, "memory.current")                          \
    F(MEMORY_STAT_2, 2, MEMORY, "memory.stat")                              \
    F(MEMORY_PEAK_2, 2, MEMORY, "memory.peak")                              \
    F(MEMORY_EVENTS_2, 2, MEMORY, "memory.events")                          \
    F(SWAP_2, 2, MEMORY, "memory.swap.current")                             \
    F(BLOCK_2, 2, BLKIO, "io.stat")                                         \
    F(SWAP_EVENTS_2, 2, MEMORY, "memory.swap.events")                       \
    F(PIDS_2, 2, PIDS, "pids.current")                                      \
    F(PIDS_EVENTS_2, 2, PIDS, "pids.events")                                \
    F(EVENTS_2, 2, FREEZER, "cgroup.events")                                \
    F(CPU_PRESSURE, 0, CPU, "cpu.pressure")                                 \
    F(MEMORY_PRESSURE, 0, MEMORY, "memory.pressure")                        \
    F(IO_PRESSURE, 0, BLKIO, "io.pressure")                                 \
    F(MIGRATE_1, 1, CPUSET, "cpuset.memory_migrate")                        \
    F(NUMA_1, 1, MEMORY, "memory.numa_stat")                                \
    F(NUMA_2, 2, MEMORY, "memory.numa_stat")

/* The same, read every few seconds and never kept open: limits. cpu.max has the period too. */
#define GROUP_LIMIT_LIST(F)                                 \
    F(QUOTA, 1, CPU, "cpu.cfs_quota_us")                    \
    F(PERIOD, 1, CPU, "cpu.cfs_period_us")                  \
    F(SHARES, 1, CPU, "cpu.shares")                         \
    F(MEMORY, 1, MEMORY, "memory.limit_in_bytes")           \
    F(SWAP, 1, MEMORY, "memory.memsw.limit_in_bytes")       \
    F(RESERVATION, 1, MEMORY, "memory.soft_limit_in_bytes") \
    F(PIDS, 1, PIDS, "pids.max")                            \
    F(QUOTA, 2, CPU, "cpu.max")                             \
    F(WEIGHT, 2, CPU, "cpu.weight")                         \
    F(MEMORY, 2, MEMORY, "memory.max")                      \
    F(SWAP, 2, MEMORY, "memory.swap.max")                   \
    F(RESERVATION, 2, MEMORY, "memory.low")                 \
    F(PIDS, 2, PIDS, "pids.max")

enum group_limit {
    GROUP_LIMIT_QUOTA,  /* microseconds of a period */
    GROUP_LIMIT_PERIOD, /* microseconds */
    GROUP_LIMIT_SHARES, /* v1 */
    GROUP_LIMIT_WEIGHT, /* v2 */
    GROUP_LIMIT_MEMORY, /* bytes */
    GROUP_LIMIT_SWAP,   /* bytes: memory and swap on v1, swap alone on v2 */
    GROUP_LIMIT_RESERVATION,
    GROUP_LIMIT_PIDS,
    GROUP_LIMITS,
};

#define GROUP_FILE_ENUM(id, ...) GROUP_FILE_##id,
enum group_file { GROUP_FILE_LIST(GROUP_FILE_ENUM) GROUP_FILES };
#endif
