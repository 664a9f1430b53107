/* What it knows: how engines list block I/O, when an empty list means zero, and what an empty
 * list means. Document: the Docker Engine API reference, "ContainerStats", blkio_stats. */
#include "collectors/device_name.h"
#include "collectors/engine_row_internal.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>

/* One number on its way into a device's row. */
struct block_value {
    uint32_t major;
    uint32_t minor;
    enum device_metric metric;
    uint64_t value;
};

/* What an operation of io_service_bytes_recursive is called beside its USAGE line;
 * DEVICE_METRICS: nothing else. */
static const struct {
    enum device_metric usage;
    enum device_metric bytes;
} byte_metrics[ENGINE_BLOCK_OPERATIONS] = {
    [ENGINE_BLOCK_READ] = {DEVICE_USAGE_READ, DEVICE_READ_BYTES},
    [ENGINE_BLOCK_WRITE] = {DEVICE_USAGE_WRITE, DEVICE_WRITE_BYTES},
    [ENGINE_BLOCK_SYNC] = {DEVICE_USAGE_SYNC, DEVICE_METRICS},
    [ENGINE_BLOCK_ASYNC] = {DEVICE_USAGE_ASYNC, DEVICE_METRICS},
    [ENGINE_BLOCK_DISCARD] = {DEVICE_USAGE_DISCARD, DEVICE_METRICS},
    [ENGINE_BLOCK_TOTAL] = {DEVICE_USAGE_TOTAL, DEVICE_METRICS},
};

static size_t add_value(const struct engine_facts *facts, struct block_value *to,
                        const struct engine_block_entry *from, enum device_metric metric)
{
    if (metric == DEVICE_METRICS || !(device_metrics[metric].tiers & engine_row_tier(facts)))
        return 0;
    /* Podman splits "8:0" into minor and major, in that order, in every version up to 6 and on both
     * cgroup versions. */
    bool swapped = facts->version.podman;
    *to = (struct block_value){
        .major = swapped ? from->minor : from->major,
        .minor = swapped ? from->major : from->minor,
        .metric = metric,
        .value = from->value,
    };
    return 1;
}

static size_t collect_values(const struct engine_facts *facts, const struct engine_stats *stats,
                             struct block_value *to)
{
    size_t count = 0;
    for (size_t i = 0; i < stats->service_bytes.count; i++) {
        const struct engine_block_entry *entry = &stats->service_bytes.entries[i];
        count += add_value(facts, to + count, entry, byte_metrics[entry->operation].usage);
        count += add_value(facts, to + count, entry, byte_metrics[entry->operation].bytes);
    }
    for (size_t i = 0; i < stats->serviced.count; i++) {
        const struct engine_block_entry *entry = &stats->serviced.entries[i];
        if (entry->operation == ENGINE_BLOCK_READ)
            count += add_value(facts, to + count, entry, DEVICE_READS);
        else if (entry->operation == ENGINE_BLOCK_WRITE)
            count += add_value(facts, to + count, entry, DEVICE_WRITES);
    }
    return count;
}

static int compare_values(const void *a, const void *b)
{
    const struct block_value *left = a;
    const struct block_value *right = b;
    if (left->major != right->major)
        return left->major < right->major ? -1 : 1;
    if (left->minor != right->minor)
        return left->minor < right->minor ? -1 : 1;
    return 0;
}

/* A kernel may list a device twice (one line for each of its queues' groups): the lines are parts
 * of one sum. */
static void add_to_device(struct device_row *device, const struct block_value *value)
{
    uint64_t *sum = &device->values[value->metric];
    if (__builtin_add_overflow(*sum, value->value, sum))
        *sum = UINT64_MAX; /* no disk moves 16 EiB: the answer is wrong, but must not wrap */
    device->present |= UINT64_C(1) << value->metric;
}

static void fill_devices(const struct engine_facts *facts, const struct block_value *values,
                         size_t count, struct arena *arena, struct container_row *row)
{
    size_t devices = 0;
    for (size_t i = 0; i < count; i++)
        devices += i == 0 || compare_values(&values[i - 1], &values[i]) != 0;
    row->devices = arena_alloc(arena, devices * sizeof *row->devices);
    row->device_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_values(&values[i - 1], &values[i]) != 0) {
            struct device_row *device = &row->devices[row->device_count++];
            device->major = values[i].major;
            device->minor = values[i].minor;
            device->name = device_name_find(facts->local ? facts->sysfs : NULL, device->major,
                                            device->minor, arena);
        }
        add_to_device(&row->devices[row->device_count - 1], &values[i]);
    }
}

/* What an answer without a device means. */
static enum reason explain_no_device(const struct engine_facts *facts)
{
    /* A group without I/O has an empty io.stat, which Docker gives as null and Podman as []. The
     * same comes where the io controller is not delegated, as to most rootless engines. On v1 the
     * engine reads files that leave out the groups below, another counter than the cgroup tier's:
     * not given at all. */
    return facts->info.cgroup_version == 2 && !facts->info.rootless ? REASON_NONE
                                                                    : REASON_NOT_GIVEN;
}

enum reason engine_row_fill_block(const struct engine_facts *facts,
                                  const struct engine_stats *stats, struct arena *arena,
                                  struct container_row *row)
{
    /* An entry of io_service_bytes makes two values at most, one of io_serviced one. */
    size_t most = stats->service_bytes.count * 2 + stats->serviced.count;
    struct block_value *values = arena_alloc(arena, most * sizeof *values);
    size_t count = collect_values(facts, stats, values);
    if (count == 0)
        return explain_no_device(facts);
    qsort(values, count, sizeof *values, compare_values);
    fill_devices(facts, values, count, arena, row);
    return REASON_NONE;
}
