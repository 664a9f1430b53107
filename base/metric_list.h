/* Every metric of a container, one line each; those of weir and the host stand in
 * metric_list_agent.h, with the same columns; docs/METRICS.md is generated from this table.
 *
 * Columns: id, family, type, unit of the stored value, group, labels, tiers, help.
 *   type    COUNTER (unsigned, never falls for one instance), GAUGE (signed), GAUGE_ZERO (a gauge
 * whose "unlimited" is written as 0, as cAdvisor does; on other metrics an unlimited value is left
 * out). unit    how the stored integer becomes the exposed number: COUNT, BYTES and MICROSECONDS as
 * they are, NS and MS to seconds, PERCENT from millionths. group   values of one group come from
 * one read and fall back together (NONE: not part of the cascade). labels  container, interface,
 * device: constant labels of this line. point, agent: names of the variable labels. tiers   who may
 * give the value: E1, E2 the engine on cgroup v1, v2; C1, C2 the cgroup files; S simulated; D
 * derived by weir from other values. A tier that is not listed never fills it, because its source
 * is another counter (shared facts: docs/METRICS.md says which). Lines of one family stand
 * together.
 */
#ifndef WEIR_BASE_METRIC_LIST_H
#define WEIR_BASE_METRIC_LIST_H

/* clang-format off: a table reads by its columns. */

/* One value per container. */
#define METRIC_LIST_CONTAINER(M)                                                                   \
    M(CPU_USAGE, "container_cpu_usage_seconds_total", COUNTER, NS, CPU, "cpu=\"total\"",           \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "CPU time consumed; stats cpu_usage.total_usage, cpuacct.usage or cpu.stat usage_usec.")     \
    M(CPU_USER, "container_cpu_user_seconds_total", COUNTER, NS, CPU, "", E1 | E2 | C1 | C2 | S,   \
      "CPU time consumed in user mode; stats usage_in_usermode, cpuacct.stat or cpu.stat "         \
      "user_usec.")                                                                                \
    M(CPU_SYSTEM, "container_cpu_system_seconds_total", COUNTER, NS, CPU, "",                      \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "CPU time consumed in the kernel; stats usage_in_kernelmode, cpuacct.stat or cpu.stat "      \
      "system_usec.")                                                                              \
    M(CPU_PERIODS, "container_cpu_cfs_periods_total", COUNTER, COUNT, CPU, "",                     \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "Elapsed enforcement periods of the CPU quota; cpu.stat nr_periods. Only where a quota is "  \
      "set.")                                                                                      \
    M(CPU_THROTTLED_PERIODS, "container_cpu_cfs_throttled_periods_total", COUNTER, COUNT, CPU, "", \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "Periods in which the CPU quota was used up; cpu.stat nr_throttled. Only where a quota is "  \
      "set.")                                                                                      \
    M(CPU_THROTTLED, "container_cpu_cfs_throttled_seconds_total", COUNTER, NS, CPU, "",            \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "Time tasks waited for CPU quota; cpu.stat throttled_time or throttled_usec. Only where a "  \
      "quota is set.")                                                                             \
    M(CPU_BURST_PERIODS, "container_cpu_cfs_burst_periods_total", COUNTER, COUNT, CPU, "",         \
      C1 | C2,                                                                                     \
      "Periods in which more than the quota was used, from what earlier ones had left; cpu.stat "  \
      "nr_bursts. Only where a quota is set.")                                                     \
    M(CPU_BURST, "container_cpu_cfs_burst_seconds_total", COUNTER, NS, CPU, "", C1 | C2,           \
      "CPU time used beyond the quota in such periods; cpu.stat burst_time or burst_usec. Only "   \
      "where a quota is set.")                                                                     \
    M(MEMORY_USAGE, "container_memory_usage_bytes", GAUGE, BYTES, MEMORY, "",                      \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "Memory in use, page cache included; memory.usage_in_bytes or memory.current.")              \
    M(MEMORY_WORKING_SET, "container_memory_working_set_bytes", GAUGE, BYTES, MEMORY, "",          \
      E1 | E2 | C1 | C2 | S, "Memory in use less inactive file pages, not below 0.")               \
    M(MEMORY_RSS, "container_memory_rss", GAUGE, BYTES, MEMORY, "", E1 | E2 | C1 | C2 | S,         \
      "Anonymous memory and swap cache in bytes; memory.stat total_rss or anon.")                  \
    M(MEMORY_CACHE, "container_memory_cache", GAUGE, BYTES, MEMORY, "", E1 | E2 | C1 | C2 | S,     \
      "Page cache in bytes; memory.stat total_cache or file.")                                     \
    M(MEMORY_SWAP, "container_memory_swap", GAUGE, BYTES, MEMORY, "", C1 | C2,                     \
      "Swap space in use; memory.stat total_swap or memory.swap.current.")                         \
    M(MEMORY_KERNEL, "container_memory_kernel_usage", GAUGE, BYTES, MEMORY, "", C1 | C2,           \
      "Memory the kernel holds for the container; memory.kmem.usage_in_bytes or memory.stat "      \
      "kernel (Linux 5.18 and newer).")                                                            \
    M(MEMORY_MAPPED_FILE, "container_memory_mapped_file", GAUGE, BYTES, MEMORY, "",                \
      E1 | E2 | C1 | C2,                                                                           \
      "Memory mapped files in bytes; memory.stat total_mapped_file or file_mapped.")               \
    M(MEMORY_ACTIVE_FILE, "container_memory_total_active_file_bytes", GAUGE, BYTES, MEMORY, "",    \
      E1 | E2 | C1 | C2, "Active page cache; memory.stat total_active_file or active_file.")       \
    M(MEMORY_INACTIVE_FILE, "container_memory_total_inactive_file_bytes", GAUGE, BYTES, MEMORY,    \
      "", E1 | E2 | C1 | C2 | S,                                                                   \
      "Inactive page cache; memory.stat total_inactive_file or inactive_file.")                    \
    M(MEMORY_MAX_USAGE, "container_memory_max_usage_bytes", GAUGE, BYTES, MEMORY, "",              \
      E1 | C1 | C2, "Highest memory usage so far; memory.max_usage_in_bytes or memory.peak.")      \
    M(MEMORY_FAILCNT, "container_memory_failcnt", COUNTER, COUNT, MEMORY, "", E1 | C1 | C2,        \
      "How often memory usage hit its limit; memory.failcnt or memory.events max.")                \
    M(MEMORY_PGFAULT, "container_memory_failures_total", COUNTER, COUNT, MEMORY,                   \
      "failure_type=\"pgfault\",scope=\"container\"", E1 | C1,                                     \
      "Page faults; memory.stat pgfault and pgmajfault, on cgroup v2 counted for the hierarchy "   \
      "only.")                                                                                     \
    M(MEMORY_PGMAJFAULT, "container_memory_failures_total", COUNTER, COUNT, MEMORY,                \
      "failure_type=\"pgmajfault\",scope=\"container\"", E1 | C1,                                  \
      "Page faults; memory.stat pgfault and pgmajfault, on cgroup v2 counted for the hierarchy "   \
      "only.")                                                                                     \
    M(MEMORY_TREE_PGFAULT, "container_memory_failures_total", COUNTER, COUNT, MEMORY,              \
      "failure_type=\"pgfault\",scope=\"hierarchy\"", E1 | E2 | C1 | C2 | S,                       \
      "Page faults; memory.stat pgfault and pgmajfault, on cgroup v2 counted for the hierarchy "   \
      "only.")                                                                                     \
    M(MEMORY_TREE_PGMAJFAULT, "container_memory_failures_total", COUNTER, COUNT, MEMORY,           \
      "failure_type=\"pgmajfault\",scope=\"hierarchy\"", E1 | E2 | C1 | C2 | S,                    \
      "Page faults; memory.stat pgfault and pgmajfault, on cgroup v2 counted for the hierarchy "   \
      "only.")                                                                                     \
    M(MEMORY_FILE_DIRTY, "container_memory_file_dirty_bytes", GAUGE, BYTES, MEMORY, "",            \
      E1 | E2 | C1 | C2,                                                                           \
      "Page cache waiting to be written; memory.stat total_dirty or file_dirty.")                  \
    M(MEMORY_FILE_WRITEBACK, "container_memory_file_writeback_bytes", GAUGE, BYTES, MEMORY, "",    \
      E1 | E2 | C1 | C2,                                                                           \
      "Page cache being written; memory.stat total_writeback or file_writeback.")                  \
    M(MEMORY_PGSCAN, "container_memory_pgscan_total", COUNTER, COUNT, MEMORY, "", E2 | C2,         \
      "Pages looked at by reclaim; memory.stat pgscan.")                                           \
    M(MEMORY_PGSTEAL, "container_memory_pgsteal_total", COUNTER, COUNT, MEMORY, "", E2 | C2,       \
      "Pages taken back by reclaim; memory.stat pgsteal.")                                         \
    M(MEMORY_REFAULT_FILE, "container_memory_workingset_refault_file_total", COUNTER, COUNT,       \
      MEMORY, "", C2,                                                                              \
      "File pages read again soon after reclaim; memory.stat "                                     \
      "workingset_refault_file.")                                                                  \
    M(MEMORY_REFAULT_ANON, "container_memory_workingset_refault_anon_total", COUNTER, COUNT,       \
      MEMORY, "", C2,                                                                              \
      "Anonymous pages read again soon after reclaim; memory.stat "                                \
      "workingset_refault_anon.")                                                                  \
    M(MEMORY_HIGH, "container_memory_events_high_total", COUNTER, COUNT, MEMORY, "", C2,           \
      "How often usage passed memory.high; memory.events high.")                                   \
    M(MEMORY_MAX, "container_memory_events_max_total", COUNTER, COUNT, MEMORY, "", C2,             \
      "How often usage was about to pass memory.max; memory.events max.")                          \
    M(MEMORY_EVENT_LOW, "weir_container_memory_events_total", COUNTER, COUNT, MEMORY,              \
      "event=\"low\"", C2,                                                                         \
      "Memory events of the container and what is below it, as memory.events counts them; "        \
      "oom_kill "                                                                                  \
      "on cgroup v1 from memory.oom_control.")                                                     \
    M(MEMORY_EVENT_HIGH, "weir_container_memory_events_total", COUNTER, COUNT, MEMORY,             \
      "event=\"high\"", C2,                                                                        \
      "Memory events of the container and what is below it, as memory.events counts them; "        \
      "oom_kill "                                                                                  \
      "on cgroup v1 from memory.oom_control.")                                                     \
    M(MEMORY_EVENT_MAX, "weir_container_memory_events_total", COUNTER, COUNT, MEMORY,              \
      "event=\"max\"", C2,                                                                         \
      "Memory events of the container and what is below it, as memory.events counts them; "        \
      "oom_kill "                                                                                  \
      "on cgroup v1 from memory.oom_control.")                                                     \
    M(MEMORY_EVENT_OOM, "weir_container_memory_events_total", COUNTER, COUNT, MEMORY,              \
      "event=\"oom\"", C2,                                                                         \
      "Memory events of the container and what is below it, as memory.events counts them; "        \
      "oom_kill "                                                                                  \
      "on cgroup v1 from memory.oom_control.")                                                     \
    M(MEMORY_EVENT_OOM_KILL, "weir_container_memory_events_total", COUNTER, COUNT, MEMORY,         \
      "event=\"oom_kill\"", C1 | C2,                                                               \
      "Memory events of the container and what is below it, as memory.events counts them; "        \
      "oom_kill "                                                                                  \
      "on cgroup v1 from memory.oom_control.")                                                     \
    M(MEMORY_EVENT_OOM_GROUP_KILL, "weir_container_memory_events_total", COUNTER, COUNT, MEMORY,   \
      "event=\"oom_group_kill\"", C2,                                                              \
      "Memory events of the container and what is below it, as memory.events counts them; "        \
      "oom_kill "                                                                                  \
      "on cgroup v1 from memory.oom_control.")                                                     \
    M(SWAP_EVENT_HIGH, "weir_container_memory_swap_events_total", COUNTER, COUNT, MEMORY,          \
      "event=\"high\"", C2,                                                                        \
      "Swap events of the container and what is below it, as memory.swap.events counts "           \
      "them.")                                                                                     \
    M(SWAP_EVENT_MAX, "weir_container_memory_swap_events_total", COUNTER, COUNT, MEMORY,           \
      "event=\"max\"", C2,                                                                         \
      "Swap events of the container and what is below it, as memory.swap.events counts "           \
      "them.")                                                                                     \
    M(SWAP_EVENT_FAIL, "weir_container_memory_swap_events_total", COUNTER, COUNT, MEMORY,          \
      "event=\"fail\"", C2,                                                                        \
      "Swap events of the container and what is below it, as memory.swap.events counts "           \
      "them.")                                                                                     \
    M(OOM_KILLS, "container_oom_events_total", COUNTER, COUNT, OOM, "", C1 | C2,                   \
      "Processes killed because memory ran out; memory.oom_control oom_kill or memory.events "     \
      "oom_kill.")                                                                                 \
    M(PIDS, "container_threads", GAUGE, COUNT, PIDS, "", E1 | E2 | C1 | C2 | S,                    \
      "Tasks (processes and threads) in the container; pids.current.")                             \
    M(PIDS_LIMIT, "container_threads_max", GAUGE_ZERO, COUNT, PIDS, "", E1 | E2 | C1 | C2 | S,     \
      "Most tasks the container may have, 0 where unlimited; pids.max.")                           \
    M(PIDS_LIMIT_HITS, "weir_container_pids_limit_hits_total", COUNTER, COUNT, PIDS, "", C1 | C2,  \
      "How often a task could not be made because of the limit; pids.events max.")                 \
    M(SPEC_CPU_PERIOD, "container_spec_cpu_period", GAUGE, MICROSECONDS, SPEC, "",                 \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "Enforcement period of the CPU quota in microseconds; HostConfig.CpuPeriod or the period "   \
      "of cpu.max.")                                                                               \
    M(SPEC_CPU_QUOTA, "container_spec_cpu_quota", GAUGE, MICROSECONDS, SPEC, "",                   \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "CPU quota in microseconds of a period, absent where unlimited; HostConfig.NanoCpus or "     \
      "CpuQuota, or cpu.max.")                                                                     \
    M(SPEC_CPU_SHARES, "container_spec_cpu_shares", GAUGE, COUNT, SPEC, "", E1 | C1,               \
      "CPU shares; HostConfig.CpuShares or cpu.shares.")                                           \
    M(SPEC_CPU_WEIGHT, "weir_container_spec_cpu_weight", GAUGE, COUNT, SPEC, "", C2,               \
      "CPU weight, 100 by default; cpu.weight.")                                                   \
    M(SPEC_MEMORY_LIMIT, "container_spec_memory_limit_bytes", GAUGE_ZERO, BYTES, SPEC, "",         \
      E1 | E2 | C1 | C2 | S, "Memory limit, 0 where unlimited; HostConfig.Memory or memory.max.")  \
    M(SPEC_SWAP_LIMIT, "container_spec_memory_swap_limit_bytes", GAUGE_ZERO, BYTES, SPEC, "",      \
      E1 | E2 | C1 | C2,                                                                           \
      "Limit of memory and swap (cgroup v1) or of swap alone (v2), 0 where unlimited; "            \
      "HostConfig.MemorySwap.")                                                                    \
    M(SPEC_MEMORY_RESERVATION, "container_spec_memory_reservation_limit_bytes", GAUGE_ZERO, BYTES, \
      SPEC, "", E1 | E2 | C1 | C2,                                                                 \
      "Soft memory limit, 0 where none is set; HostConfig.MemoryReservation.")                     \
    M(CREATED, "container_creation_time_seconds", GAUGE, MS, NONE, "", D,                          \
      "When the container was created, in seconds since 1970; inspect Created.")                   \
    M(STARTED, "container_start_time_seconds", GAUGE, MS, NONE, "", D,                             \
      "When the container was last started, in seconds since 1970; inspect State.StartedAt.")      \
    M(LAST_SEEN, "container_last_seen", GAUGE, MS, NONE, "", D,                                    \
      "When weir last knew the container to be running, in seconds since 1970.")                   \
    M(PRESSURE_CPU_WAITING, "container_pressure_cpu_waiting_seconds_total", COUNTER, NS, PRESSURE, \
      "", C1 | C2, "Time in which some tasks waited for a CPU; cpu.pressure some total.")          \
    M(PRESSURE_CPU_STALLED, "container_pressure_cpu_stalled_seconds_total", COUNTER, NS, PRESSURE, \
      "", C1 | C2, "Time in which all tasks waited for a CPU; cpu.pressure full total.")           \
    M(PRESSURE_MEMORY_WAITING, "container_pressure_memory_waiting_seconds_total", COUNTER, NS,     \
      PRESSURE, "", C1 | C2,                                                                       \
      "Time in which some tasks waited for memory; memory.pressure some total.")                   \
    M(PRESSURE_MEMORY_STALLED, "container_pressure_memory_stalled_seconds_total", COUNTER, NS,     \
      PRESSURE, "", C1 | C2,                                                                       \
      "Time in which all tasks waited for memory; memory.pressure full total.")                    \
    M(PRESSURE_IO_WAITING, "container_pressure_io_waiting_seconds_total", COUNTER, NS, PRESSURE,   \
      "", C1 | C2, "Time in which some tasks waited for I/O; io.pressure some total.")             \
    M(PRESSURE_IO_STALLED, "container_pressure_io_stalled_seconds_total", COUNTER, NS, PRESSURE,   \
      "", C1 | C2, "Time in which all tasks waited for I/O; io.pressure full total.")              \
    M(SUM_CPU_PERCENT, "weir_container_cpu_usage_percent", GAUGE, PERCENT, CPU, "", D,             \
      "CPU used since a sample at least one second old, in percent of one CPU. Absent until "      \
      "there is one.")                                                                             \
    M(SUM_MEMORY_USAGE, "weir_container_memory_usage_bytes", GAUGE, BYTES, MEMORY, "", D,          \
      "Memory in use less inactive file pages where those are fewer, as docker stats shows it.")   \
    M(SUM_MEMORY_LIMIT, "weir_container_memory_limit_bytes", GAUGE, BYTES, MEMORY, "",             \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "Memory limit, the host's memory where unlimited, as docker stats shows it.")                \
    M(SUM_NETWORK_RECEIVE, "weir_container_network_receive_bytes_total", COUNTER, BYTES, NETWORK,  \
      "", D, "Bytes received, summed over the interfaces.")                                        \
    M(SUM_NETWORK_TRANSMIT, "weir_container_network_transmit_bytes_total", COUNTER, BYTES,         \
      NETWORK, "", D, "Bytes sent, summed over the interfaces.")                                   \
    M(SUM_BLOCK_READ, "weir_container_block_read_bytes_total", COUNTER, BYTES, BLOCK_IO, "", D,    \
      "Bytes read from block devices, summed over the devices.")                                   \
    M(SUM_BLOCK_WRITE, "weir_container_block_write_bytes_total", COUNTER, BYTES, BLOCK_IO, "", D,  \
      "Bytes written to block devices, summed over the devices.")                                  \
    M(EXIT_CODE, "weir_container_exit_code", GAUGE, COUNT, LIFE, "", E1 | E2,                      \
      "Exit code of the last run, 128 and its number where a signal ended it, 125 to 127 where "   \
      "the container could not be started; inspect State.ExitCode or the event die. Only of one "  \
      "that does not run.")                                                                        \
    M(OOM_KILLED, "weir_container_oom_killed", GAUGE, COUNT, LIFE, "", E1 | E2,                    \
      "1 if a process of the present or last run was killed because memory ran out; "              \
      "inspect State.OOMKilled.")                                                                  \
    M(CREATED_TIME, "weir_container_created_time_seconds", GAUGE, MS, LIFE, "", E1 | E2,           \
      "When the container was created, in seconds since 1970, also of one that does not "          \
      "run; inspect Created.")                                                                     \
    M(FINISHED_TIME, "weir_container_finished_time_seconds", GAUGE, MS, LIFE, "", E1 | E2,         \
      "When the last run that has ended did so, in seconds since 1970; inspect "                   \
      "State.FinishedAt or the event die.")                                                        \
    M(RESTARTS, "weir_container_restarts_total", COUNTER, COUNT, LIFE, "", E1 | E2,                \
      "Restarts by the restart policy, as the engine counts them: a manual start sets "            \
      "it back to 0; inspect RestartCount.")                                                       \
    M(HEALTH_STREAK, "weir_container_health_failing_streak", GAUGE, COUNT, LIFE, "", E1 | E2,      \
      "Health checks that failed since the last one that did not; inspect "                        \
      "State.Health.FailingStreak. Only where there is a health check.")                           \
    M(HEALTH, "container_health_state", GAUGE, COUNT, LIFE, "", E1 | E2,                           \
      "1 healthy, 0 starting or unhealthy, -1 without a health check; inspect "                    \
      "State.Health.Status. Of running containers.")                                               \
    M(MEMORY_MIGRATE, "container_memory_migrate", GAUGE, COUNT, CPUSET, "", C1,                    \
      "1 if pages move when the allowed memory nodes change; cpuset.memory_migrate.")              \
    M(SCHED_RUN, "container_cpu_schedstat_run_seconds_total", COUNTER, NS, SCHED, "", C1 | C2,     \
      "Time the container's processes were seen to have run; /proc/PID/schedstat. What "           \
      "one did after it was last read is not in it.")                                              \
    M(SCHED_WAIT, "container_cpu_schedstat_runqueue_seconds_total", COUNTER, NS, SCHED, "",        \
      C1 | C2,                                                                                     \
      "Time the container's processes were seen to have waited for a CPU; "                        \
      "/proc/PID/schedstat. What one did after it was last read is not in it.")                    \
    M(SCHED_SLICES, "container_cpu_schedstat_run_periods_total", COUNTER, COUNT, SCHED, "",        \
      C1 | C2,                                                                                     \
      "Time slices the container's processes were seen to have got; "                              \
      "/proc/PID/schedstat. What one did after it was last read is not in it.")                    \
    M(PROCESSES, "container_processes", GAUGE, COUNT, PROCESS, "", C1 | C2,                        \
      "Processes in the container and below it; cgroup.procs.")                                    \
    M(FILE_DESCRIPTORS, "container_file_descriptors", GAUGE, COUNT, PROCESS, "", C1 | C2,          \
      "Descriptors its processes have open; /proc/PID/fd. Absent where not all may be "            \
      "read.")                                                                                     \
    M(SOCKETS, "container_sockets", GAUGE, COUNT, PROCESS, "", C1 | C2,                            \
      "Sockets among them; /proc/PID/fd. Absent where not all may be read.")                       \
    M(ULIMIT_FILES, "container_ulimits_soft", GAUGE, COUNT, PROCESS, "ulimit=\"max_open_files\"",  \
      C1 | C2,                                                                                     \
      "Soft limit of open files of its first process, -1 where unlimited; "                        \
      "/proc/PID/limits.")                                                                         \
    M(TASKS_SLEEPING, "container_tasks_state", GAUGE, COUNT, LOAD, "state=\"sleeping\"", C1,       \
      "Tasks by what they are doing, at this moment; taskstats CGROUPSTATS, which the "            \
      "kernel has for cgroup v1 only.")                                                            \
    M(TASKS_RUNNING, "container_tasks_state", GAUGE, COUNT, LOAD, "state=\"running\"", C1,         \
      "Tasks by what they are doing, at this moment; taskstats CGROUPSTATS, which the "            \
      "kernel has for cgroup v1 only.")                                                            \
    M(TASKS_STOPPED, "container_tasks_state", GAUGE, COUNT, LOAD, "state=\"stopped\"", C1,         \
      "Tasks by what they are doing, at this moment; taskstats CGROUPSTATS, which the "            \
      "kernel has for cgroup v1 only.")                                                            \
    M(TASKS_UNINTERRUPTIBLE, "container_tasks_state", GAUGE, COUNT, LOAD,                          \
      "state=\"uninterruptible\"", C1,                                                             \
      "Tasks by what they are doing, at this moment; taskstats CGROUPSTATS, which the "            \
      "kernel has for cgroup v1 only.")                                                            \
    M(TASKS_IOWAITING, "container_tasks_state", GAUGE, COUNT, LOAD, "state=\"iowaiting\"", C1,     \
      "Tasks by what they are doing, at this moment; taskstats CGROUPSTATS, which the "            \
      "kernel has for cgroup v1 only.")

/* One value per container and network interface (label interface). */
#define METRIC_LIST_INTERFACE(M)                                                                   \
    M(RX_BYTES, "container_network_receive_bytes_total", COUNTER, BYTES, NETWORK, "",              \
      E1 | E2 | C1 | C2 | S, "Bytes received; stats networks rx_bytes or /proc/PID/net/dev.")      \
    M(RX_PACKETS, "container_network_receive_packets_total", COUNTER, COUNT, NETWORK, "",          \
      E1 | E2 | C1 | C2 | S, "Packets received; stats networks rx_packets or /proc/PID/net/dev.")  \
    M(RX_DROPPED, "container_network_receive_packets_dropped_total", COUNTER, COUNT, NETWORK, "",  \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "Received packets that were dropped; stats networks rx_dropped or /proc/PID/net/dev.")       \
    M(RX_ERRORS, "container_network_receive_errors_total", COUNTER, COUNT, NETWORK, "",            \
      C1 | C2 | S, "Errors while receiving; /proc/PID/net/dev (the engine never fills its own).")  \
    M(TX_BYTES, "container_network_transmit_bytes_total", COUNTER, BYTES, NETWORK, "",             \
      E1 | E2 | C1 | C2 | S, "Bytes sent; stats networks tx_bytes or /proc/PID/net/dev.")          \
    M(TX_PACKETS, "container_network_transmit_packets_total", COUNTER, COUNT, NETWORK, "",         \
      E1 | E2 | C1 | C2 | S, "Packets sent; stats networks tx_packets or /proc/PID/net/dev.")      \
    M(TX_DROPPED, "container_network_transmit_packets_dropped_total", COUNTER, COUNT, NETWORK, "", \
      E1 | E2 | C1 | C2 | S,                                                                       \
      "Packets dropped while sending; stats networks tx_dropped or /proc/PID/net/dev.")            \
    M(TX_ERRORS, "container_network_transmit_errors_total", COUNTER, COUNT, NETWORK, "",           \
      C1 | C2 | S, "Errors while sending; /proc/PID/net/dev (the engine never fills its own).")

/* One value per container and block device (label device; lines with an operation also carry major
 * and minor). */
#define METRIC_LIST_DEVICE(M)                                                                     \
    M(READ_BYTES, "container_fs_reads_bytes_total", COUNTER, BYTES, BLOCK_IO, "",                 \
      E2 | C1 | C2 | S,                                                                           \
      "Bytes read from the device; blkio io_service_bytes Read or io.stat rbytes.")               \
    M(WRITE_BYTES, "container_fs_writes_bytes_total", COUNTER, BYTES, BLOCK_IO, "",               \
      E2 | C1 | C2 | S,                                                                           \
      "Bytes written to the device; blkio io_service_bytes Write or io.stat wbytes.")             \
    M(READS, "container_fs_reads_total", COUNTER, COUNT, BLOCK_IO, "", C1 | C2 | S,               \
      "Reads completed; blkio io_serviced Read or io.stat rios.")                                 \
    M(WRITES, "container_fs_writes_total", COUNTER, COUNT, BLOCK_IO, "", C1 | C2 | S,             \
      "Writes completed; blkio io_serviced Write or io.stat wios.")                               \
    M(DISCARDS, "weir_container_fs_discards_total", COUNTER, COUNT, BLOCK_IO, "", C1 | C2,        \
      "Discards completed; blkio io_serviced Discard or io.stat dios.")                           \
    M(USAGE_READ, "container_blkio_device_usage_total", COUNTER, BYTES, BLOCK_IO,                 \
      "operation=\"Read\"", E2 | C1 | C2 | S,                                                     \
      "Bytes moved to and from the device by operation; blkio io_service_bytes or io.stat.")      \
    M(USAGE_WRITE, "container_blkio_device_usage_total", COUNTER, BYTES, BLOCK_IO,                \
      "operation=\"Write\"", E2 | C1 | C2 | S,                                                    \
      "Bytes moved to and from the device by operation; blkio io_service_bytes or io.stat.")      \
    M(USAGE_SYNC, "container_blkio_device_usage_total", COUNTER, BYTES, BLOCK_IO,                 \
      "operation=\"Sync\"", C1,                                                                   \
      "Bytes moved to and from the device by operation; blkio io_service_bytes or io.stat.")      \
    M(USAGE_ASYNC, "container_blkio_device_usage_total", COUNTER, BYTES, BLOCK_IO,                \
      "operation=\"Async\"", C1,                                                                  \
      "Bytes moved to and from the device by operation; blkio io_service_bytes or io.stat.")      \
    M(USAGE_DISCARD, "container_blkio_device_usage_total", COUNTER, BYTES, BLOCK_IO,              \
      "operation=\"Discard\"", C1 | C2,                                                           \
      "Bytes moved to and from the device by operation; blkio io_service_bytes or io.stat.")      \
    M(USAGE_TOTAL, "container_blkio_device_usage_total", COUNTER, BYTES, BLOCK_IO,                \
      "operation=\"Total\"", C1,                                                                  \
      "Bytes moved to and from the device by operation; blkio io_service_bytes or io.stat.")      \
    M(COST_USAGE, "container_fs_io_cost_usage_seconds_total", COUNTER, NS, BLOCK_IO, "", C2,      \
      "Device time that I/O was charged by the cost model; io.stat cost.usage. Only "             \
      "where io.cost is on.")                                                                     \
    M(COST_WAIT, "container_fs_io_cost_wait_seconds_total", COUNTER, NS, BLOCK_IO, "", C2,        \
      "Time I/O waited for budget of the cost model; io.stat cost.wait. Only where "              \
      "io.cost is on.")                                                                           \
    M(COST_INDEBT, "container_fs_io_cost_indebt_seconds_total", COUNTER, NS, BLOCK_IO, "", C2,    \
      "Time in debt to the cost model; io.stat cost.indebt. Only where io.cost is on.")           \
    M(COST_INDELAY, "container_fs_io_cost_indelay_seconds_total", COUNTER, NS, BLOCK_IO, "", C2,  \
      "Time delayed to pay such debt back; io.stat cost.indelay. Only where io.cost is "          \
      "on.")                                                                                      \
    M(SECTOR_READS, "container_fs_sector_reads_total", COUNTER, COUNT, BLOCK_IO, "", C1 | C2,     \
      "Sectors of 512 bytes read; /proc/diskstats. Of the host (id=\"/\") alone.")                \
    M(SECTOR_WRITES, "container_fs_sector_writes_total", COUNTER, COUNT, BLOCK_IO, "", C1 | C2,   \
      "Sectors of 512 bytes written; /proc/diskstats. Of the host (id=\"/\") alone.")             \
    M(READS_MERGED, "container_fs_reads_merged_total", COUNTER, COUNT, BLOCK_IO, "", C1 | C2,     \
      "Reads merged with others; /proc/diskstats. Of the host (id=\"/\") alone.")                 \
    M(WRITES_MERGED, "container_fs_writes_merged_total", COUNTER, COUNT, BLOCK_IO, "", C1 | C2,   \
      "Writes merged with others; /proc/diskstats. Of the host (id=\"/\") alone.")                \
    M(READ_TIME, "container_fs_read_seconds_total", COUNTER, MS, BLOCK_IO, "", C1 | C2,           \
      "Time reads took, all added up; /proc/diskstats. Of the host (id=\"/\") alone.")            \
    M(WRITE_TIME, "container_fs_write_seconds_total", COUNTER, MS, BLOCK_IO, "", C1 | C2,         \
      "Time writes took, all added up; /proc/diskstats. Of the host (id=\"/\") alone.")           \
    M(IO_CURRENT, "container_fs_io_current", GAUGE, COUNT, BLOCK_IO, "", C1 | C2,                 \
      "Reads and writes under way; /proc/diskstats. Of the host (id=\"/\") alone.")               \
    M(IO_TIME, "container_fs_io_time_seconds_total", COUNTER, MS, BLOCK_IO, "", C1 | C2,          \
      "Time in which the device was busy; /proc/diskstats. Of the host (id=\"/\") alone.")        \
    M(IO_TIME_WEIGHTED, "container_fs_io_time_weighted_seconds_total", COUNTER, MS, BLOCK_IO, "", \
      C1 | C2,                                                                                    \
      "That time, times the reads and writes under way; /proc/diskstats. Of the host "            \
      "(id=\"/\") alone.")

/* Any number of values per container, told apart by the labels named here. */
#define METRIC_LIST_POINT(M)                                                                      \
    M(STATE, "weir_container_state", GAUGE, COUNT, NONE, "state", D,                              \
      "1 for the state the container is in: created, running, paused, restarting, removing, "     \
      "exited, dead, removed.")                                                                   \
    M(TIER, "weir_container_tier", GAUGE, COUNT, NONE, "tier", D,                                 \
      "1 for the tier that gave the container's CPU values: engine, cgroup, simulated.")          \
    M(ABSENT, "weir_container_absent", GAUGE, COUNT, NONE, "group,reason", D,                     \
      "1 for a group of values, or a percentage, that a running container lacks.")                \
    M(HEALTH_STATE, "weir_container_health_state", GAUGE, COUNT, LIFE, "state", E1 | E2,          \
      "1 for the state of its health check: none, starting, healthy, unhealthy. Of "              \
      "running containers.")                                                                      \
    M(INFO, "weir_container_info", GAUGE, COUNT, LIFE,                                            \
      "image_id,image_digest,ports,mounts,network_mode", E1 | E2,                                 \
      "1, with what the container was made from: the image's id and digest, ports "               \
      "(80/tcp->0.0.0.0:8080), mounts (kind:place inside) and network mode.")                     \
    M(FS_USAGE, "container_fs_usage_bytes", GAUGE, BYTES, DISK, "device", E1 | E2,                \
      "Bytes of the container's writable layer, as the engine has counted them last; "            \
      "SizeRw.")                                                                                  \
    M(FS_LIMIT, "container_fs_limit_bytes", GAUGE, BYTES, DISK, "device", E1 | E2,                \
      "Size of the file system that holds the engine's data, where it is this host's; "           \
      "statvfs(3).")                                                                              \
    M(FS_INODES_FREE, "container_fs_inodes_free", GAUGE, COUNT, DISK, "device", E1 | E2,          \
      "Inodes free in that file system.")                                                         \
    M(FS_INODES_TOTAL, "container_fs_inodes_total", GAUGE, COUNT, DISK, "device", E1 | E2,        \
      "Inodes of that file system.")                                                              \
    M(HUGETLB_USAGE, "container_hugetlb_usage_bytes", GAUGE, BYTES, HUGETLB, "pagesize", C1 | C2, \
      "Huge pages in use; hugetlb.SIZE.usage_in_bytes or .current, of reserved ones "             \
      "where the kernel counts those.")                                                           \
    M(HUGETLB_MAX_USAGE, "container_hugetlb_max_usage_bytes", GAUGE, BYTES, HUGETLB, "pagesize",  \
      C1, "Most huge pages in use so far; hugetlb.SIZE.max_usage_in_bytes.")                      \
    M(HUGETLB_FAILCNT, "container_hugetlb_failcnt", COUNTER, COUNT, HUGETLB, "pagesize", C1 | C2, \
      "How often the limit of huge pages was hit; hugetlb.SIZE.failcnt or max of "                \
      ".events.")                                                                                 \
    M(NUMA_PAGES, "container_memory_numa_pages", GAUGE, COUNT, NUMA, "type,scope,node", C1 | C2,  \
      "Pages on each memory node; memory.numa_stat, whose bytes on cgroup v2 are "                \
      "divided by the size of a page.")                                                           \
    M(TCP, "container_network_tcp_usage_total", GAUGE, COUNT, TCP, "tcp_state", C1 | C2,          \
      "TCP sockets over IPv4 in the container's network, by state; /proc/PID/net/tcp.")           \
    M(TCP6, "container_network_tcp6_usage_total", GAUGE, COUNT, TCP, "tcp_state", C1 | C2,        \
      "TCP sockets over IPv6 in the container's network, by state; /proc/PID/net/tcp6.")          \
    M(UDP, "container_network_udp_usage_total", GAUGE, COUNT, UDP, "udp_state", C1 | C2,          \
      "UDP over IPv4 in the container's network: sockets (listen), packets dropped, "             \
      "bytes queued; /proc/PID/net/udp.")                                                         \
    M(UDP6, "container_network_udp6_usage_total", GAUGE, COUNT, UDP, "udp_state", C1 | C2,        \
      "UDP over IPv6 in the container's network: sockets (listen), packets dropped, "             \
      "bytes queued; /proc/PID/net/udp6.")                                                        \
    M(ADVTCP, "container_network_advance_tcp_stats_total", GAUGE, COUNT, ADVTCP, "tcp_state",     \
      C1 | C2,                                                                                    \
      "The kernel's TCP counters of the container's network, by their names in lower "            \
      "case; Tcp of /proc/PID/net/snmp and TcpExt of /proc/PID/net/netstat.")

#endif
