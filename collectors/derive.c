/* What it knows: which values follow from other values of the same row and from the rounds before.
 * Document: metric_list.h (tiers D), docs/ARCHITECTURE.md.
 *
 * The block I/O sums take a missing operation of a device as 0, since engines list only what
 * happened; an interface always has both directions, so one without makes the sum unknown. */
#include "collectors/derive.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "collectors/history.h"

#include <stdlib.h>
#include <string.h>

/* 105 % of a CPU, in millionths of a percent: the two readings of a sample are not at the very same
 * moment, so a little above 100 % is real; more is a broken source. */
#define PERCENT_PER_CPU_MAX UINT64_C(105000000)

#define ROW_POINTS_MAX (2 + GROUP_COUNT) /* state, tier, and an absent line for each group */

struct derive {
    struct history_table histories;
    uint64_t out_of_range;
    unsigned told; /* bit per group whose absence is told */
};

struct derive *derive_new(unsigned groups)
{
    struct derive *d = alloc_zeroed(1, sizeof *d);
    /* Who has no limits says so by their absence, and OOM kills are where memory is. */
    d->told = groups & ~(GROUP_BIT(GROUP_SPEC) | GROUP_BIT(GROUP_LIFE) | GROUP_BIT(GROUP_OOM));
    return d;
}

void derive_free(struct derive *d)
{
    if (!d)
        return;
    history_table_done(&d->histories);
    free(d);
}

/* Does the row hold a number for it? */
static bool has_number(const struct container_row *row, enum container_metric metric)
{
    return row_has(row, metric) && !row_is_unlimited(row, metric);
}

/* Sets the percentage. Why it is left out although it can be computed, else REASON_NONE. */
static enum reason derive_cpu(struct derive *d, struct container_row *row, unsigned cpus)
{
    if (!state_is_live(row->state)) {
        /* It stopped, so what runs next is another instance, even if its start is not known. */
        struct history *stopped = history_table_find(&d->histories, row->identity);
        if (stopped && row->state != STATE_UNKNOWN)
            cpu_history_clear(&stopped->cpu);
        return REASON_NONE;
    }
    struct history *history = history_table_get(&d->histories, row->identity, row->birth);
    if (cpus > history->cpus)
        history->cpus = cpus;
    if (!has_number(row, CONTAINER_CPU_USAGE))
        return REASON_NONE;
    struct cpu_sample sample = {row->cpu_sampled_ns, row->values[CONTAINER_CPU_USAGE]};
    sample.usage_ns = cpu_history_add(&history->cpu, sample);
    row_set(row, CONTAINER_CPU_USAGE, sample.usage_ns);
    uint64_t percent = 0;
    if (!cpu_history_percent(&history->cpu, sample, &percent))
        return REASON_NONE;
    /* CPUs that went offline may have been at work when the time since the baseline began. */
    if (cpus > 0 && percent > history->cpus * PERCENT_PER_CPU_MAX) {
        d->out_of_range++;
        return REASON_OUT_OF_RANGE;
    }
    row_set(row, CONTAINER_SUM_CPU_PERCENT, percent);
    return REASON_NONE;
}

static void derive_memory(struct container_row *row)
{
    if (!has_number(row, CONTAINER_MEMORY_USAGE))
        return;
    uint64_t usage = row->values[CONTAINER_MEMORY_USAGE];
    uint64_t inactive = row->values[CONTAINER_MEMORY_INACTIVE_FILE];
    bool subtract = has_number(row, CONTAINER_MEMORY_INACTIVE_FILE) && inactive < usage;
    row_set(row, CONTAINER_SUM_MEMORY_USAGE, subtract ? usage - inactive : usage);
}

/* Sets the sum, unless an interface lacks the value or the sum passes 64 bits. */
static void sum_interfaces(struct container_row *row, enum interface_metric of,
                           enum container_metric sum)
{
    uint64_t total = 0;
    for (size_t i = 0; i < row->interface_count; i++) {
        const struct interface_row *interface = &row->interfaces[i];
        if (!((interface->present >> of) & 1) ||
            __builtin_add_overflow(total, interface->values[of], &total))
            return;
    }
    row_set(row, sum, total);
}

/* Sets the sum, unless no device has the value where there are some, or it passes 64 bits. */
static void sum_devices(struct container_row *row, enum device_metric of, enum container_metric sum)
{
    uint64_t total = 0;
    bool any = row->device_count == 0;
    for (size_t i = 0; i < row->device_count; i++) {
        const struct device_row *device = &row->devices[i];
        bool given = (device->present >> of) & 1;
        any = any || given;
        if (given && __builtin_add_overflow(total, device->values[of], &total))
            return;
    }
    if (any)
        row_set(row, sum, total);
}

/* The reason a live container has no value of the group; REASON_NONE where nothing is to be said.
 */
static enum reason reason_absent(const struct derive *d, const struct container_row *row,
                                 enum metric_group group)
{
    if (!state_is_live(row->state) || !(d->told >> group & 1) || row->tiers[group] != TIER_NONE)
        return REASON_NONE;
    return row->absent[group] == REASON_NONE ? REASON_NOT_GIVEN : row->absent[group];
}

/* `percent` is why the CPU percentage alone is absent, which is said beside the group's values. */
static void derive_points(const struct derive *d, struct container_row *row, struct arena *arena,
                          enum reason percent)
{
    struct point points[ROW_POINTS_MAX];
    size_t count = 0;
    if (row->state != STATE_UNKNOWN)
        points[count++] =
            (struct point){.metric = POINT_STATE, .value = 1, .labels = {state_name(row->state)}};
    if (row->tiers[GROUP_CPU] != TIER_NONE)
        points[count++] = (struct point){
            .metric = POINT_TIER, .value = 1, .labels = {tier_name(row->tiers[GROUP_CPU])}};
    for (enum metric_group group = 0; group < GROUP_COUNT; group++) {
        enum reason reason = reason_absent(d, row, group);
        if (group == GROUP_CPU && reason == REASON_NONE)
            reason = percent;
        if (reason != REASON_NONE)
            points[count++] = (struct point){
                .metric = POINT_ABSENT,
                .value = 1,
                .labels = {metric_group_name(group), reason_name(reason)},
            };
    }
    row_add_points(row, arena, points, count);
}

/* Of one that does not run only the state is told. */
static void derive_times(struct container_row *row, uint64_t now_real_ns)
{
    if (!state_is_live(row->state))
        return;
    /* A tier that could not reach the container has put there when it last did. */
    if (!row_has(row, CONTAINER_LAST_SEEN))
        row_set(row, CONTAINER_LAST_SEEN, now_real_ns / NS_PER_MS);
    if (row->identity->created_ns > 0)
        row_set(row, CONTAINER_CREATED, row->identity->created_ns / NS_PER_MS);
    if (row->identity->started_ns > 0)
        row_set(row, CONTAINER_STARTED, row->identity->started_ns / NS_PER_MS);
}

void derive_row(struct derive *d, struct container_row *row, struct arena *arena,
                uint64_t now_real_ns, unsigned cpus)
{
    derive_times(row, now_real_ns);
    enum reason percent = derive_cpu(d, row, cpus);
    derive_memory(row);
    /* A host's bridges hold once more what its interfaces do: no sum. */
    if (row->tiers[GROUP_NETWORK] != TIER_NONE && row->identity->kind != IDENTITY_HOST) {
        sum_interfaces(row, INTERFACE_RX_BYTES, CONTAINER_SUM_NETWORK_RECEIVE);
        sum_interfaces(row, INTERFACE_TX_BYTES, CONTAINER_SUM_NETWORK_TRANSMIT);
    }
    if (row->tiers[GROUP_BLOCK_IO] != TIER_NONE) {
        sum_devices(row, DEVICE_READ_BYTES, CONTAINER_SUM_BLOCK_READ);
        sum_devices(row, DEVICE_WRITE_BYTES, CONTAINER_SUM_BLOCK_WRITE);
    }
    derive_points(d, row, arena, percent);
}

void derive_end_round(struct derive *d, uint64_t now_mono_ns)
{
    history_table_end_round(&d->histories, now_mono_ns);
}

uint64_t derive_out_of_range(const struct derive *d)
{
    return d->out_of_range;
}
