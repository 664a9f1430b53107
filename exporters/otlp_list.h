/* Which values have a name in OpenTelemetry's conventions for containers; docs/METRICS.md is
 * generated from it. Document: semantic-conventions 1.44, model/container/metrics.yaml. */
#ifndef WEIR_EXPORTERS_OTLP_LIST_H
#define WEIR_EXPORTERS_OTLP_LIST_H

/* id, name, kind, unit, what the page says of it. */
#define OTLP_METRIC_LIST(M)                                                                     \
    M(UPTIME, "container.uptime", GAUGE, "s",                                                   \
      "time since the container was started, while it runs; added")                             \
    M(CPU_TIME, "container.cpu.time", COUNTER, "s",                                             \
      "without `cpu.mode`: user and system time, which do not always add up to it, keep their " \
      "own names")                                                                              \
    M(CPU_USAGE, "container.cpu.usage", GAUGE, "{cpu}", "a hundredth of the percentage")        \
    M(MEMORY_USAGE, "container.memory.usage", UPDOWN, "By", "")                                 \
    M(MEMORY_AVAILABLE, "container.memory.available", UPDOWN, "By",                             \
      "memory limit less working set, where there is a limit; negative above it; added")        \
    M(MEMORY_RSS, "container.memory.rss", UPDOWN, "By", "")                                     \
    M(MEMORY_WORKING_SET, "container.memory.working_set", UPDOWN, "By", "")                     \
    M(PAGING_FAULTS, "container.paging.faults", COUNTER, "{fault}",                             \
      "without `system.paging.fault.type`: minor faults are counted nowhere; major ones keep "  \
      "their own name")                                                                         \
    M(DISK_IO, "container.disk.io", COUNTER, "By", "")                                          \
    M(NETWORK_IO, "container.network.io", COUNTER, "By", "")                                    \
    M(FILESYSTEM_CAPACITY, "container.filesystem.capacity", UPDOWN, "By", "")                   \
    M(FILESYSTEM_USAGE, "container.filesystem.usage", UPDOWN, "By", "")

/* Metric, and the line of the metric list that goes by it; its list, its id, and the attributes it
 * has in the place of the line's constant labels. */
#define OTLP_LINE_LIST(M)                                                   \
    M(CPU_TIME, CONTAINER, CPU_USAGE, "")                                   \
    M(CPU_USAGE, CONTAINER, SUM_CPU_PERCENT, "")                            \
    M(MEMORY_USAGE, CONTAINER, MEMORY_USAGE, "")                            \
    M(MEMORY_RSS, CONTAINER, MEMORY_RSS, "")                                \
    M(MEMORY_WORKING_SET, CONTAINER, MEMORY_WORKING_SET, "")                \
    M(PAGING_FAULTS, CONTAINER, MEMORY_TREE_PGFAULT, "")                    \
    M(DISK_IO, DEVICE, READ_BYTES, "disk.io.direction=\"read\"")            \
    M(DISK_IO, DEVICE, WRITE_BYTES, "disk.io.direction=\"write\"")          \
    M(NETWORK_IO, INTERFACE, RX_BYTES, "network.io.direction=\"receive\"")  \
    M(NETWORK_IO, INTERFACE, TX_BYTES, "network.io.direction=\"transmit\"") \
    M(FILESYSTEM_CAPACITY, POINT, FS_LIMIT, "")                             \
    M(FILESYSTEM_USAGE, POINT, FS_USAGE, "")

/* Variable labels of those lines, and the attributes they become. */
#define OTLP_ATTRIBUTE_LIST(M)   \
    M("device", "system.device") \
    M("interface", "network.interface.name")

#endif
