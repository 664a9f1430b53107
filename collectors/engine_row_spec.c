/* What it knows: what inspect says of a container's limits, in the terms of the metric
 * list; and how a value gets into a row. Documents: the Docker Engine API reference,
 * "ContainerInspect", HostConfig; base/metric_list.h for which values an engine may give. */
#include "collectors/engine_row_internal.h"

#include "base/text.h"

#define CPU_PERIOD_DEFAULT_US 100000     /* the kernel's, and what engines use with NanoCpus */
#define CPU_SHARES_DEFAULT    1024       /* the kernel's, cpu.shares */
#define NANO_PER_CPU          1000000000 /* NanoCpus of one CPU */
/* Limits from here on are the kernel's "none": cgroup v1 writes LONG_MAX rounded down to a page, v2
 * 2^64-1, and no host has 4 EiB. */
#define MEMORY_NO_LIMIT UINT64_C(0x4000000000000000)

unsigned engine_row_tier(const struct engine_facts *facts)
{
    return facts->info.cgroup_version == 2 ? TIERS_E2 : TIERS_E1;
}

void engine_row_set_maybe(const struct engine_facts *facts, struct container_row *row,
                          enum container_metric metric, struct maybe value)
{
    const struct metric *m = &container_metrics[metric];
    if (!value.given || !(m->tiers & engine_row_tier(facts)))
        return;
    if (m->type != METRIC_COUNTER && value.value > INT64_MAX)
        return; /* a gauge is signed; no true one is as large */
    row_set(row, metric, value.value);
}

void engine_row_set(const struct engine_facts *facts, struct container_row *row,
                    enum container_metric metric, uint64_t value)
{
    engine_row_set_maybe(facts, row, metric, (struct maybe){.value = value, .given = true});
}

void engine_row_end_group(struct container_row *row, enum metric_group group, enum reason absent)
{
    row->tiers[group] = absent == REASON_NONE ? TIER_ENGINE : TIER_NONE;
    row->absent[group] = absent;
}

enum reason engine_network_of_mode(const char *mode)
{
    if (text_equal(mode, "host"))
        return REASON_HOST_NETWORK;
    if (text_equal(mode, "none"))
        return REASON_NO_NETWORK;
    /* ns: is Podman's word for a namespace that somebody else made. */
    if (text_starts_with(mode, "container:") || text_starts_with(mode, "ns:"))
        return REASON_SHARED_NETWORK;
    return REASON_NONE;
}

struct engine_spec engine_spec_from_inspect(const struct engine_inspect *inspect)
{
    return (struct engine_spec){
        .nano_cpus = inspect->nano_cpus,
        .cpu_quota_us = inspect->cpu_quota_us,
        .cpu_period_us = inspect->cpu_period_us,
        .cpu_shares = inspect->cpu_shares,
        .memory_bytes = inspect->memory_bytes,
        .memory_swap_bytes = inspect->memory_swap_bytes,
        .memory_reservation_bytes = inspect->memory_reservation_bytes,
        .pids_limit = inspect->pids_limit,
        .network = engine_network_of_mode(inspect->network_mode),
    };
}

bool engine_spec_has_quota(const struct engine_spec *spec)
{
    return spec->nano_cpus > 0 || spec->cpu_quota_us > 0;
}

void engine_row_set_memory_limit(const struct engine_facts *facts, uint64_t limit,
                                 struct container_row *row)
{
    uint64_t host = facts->info.memory_bytes;
    if (host > 0 && limit > host)
        limit = host;
    if (limit < MEMORY_NO_LIMIT)
        engine_row_set(facts, row, CONTAINER_SUM_MEMORY_LIMIT, limit);
}

static void fill_cpu_spec(const struct engine_facts *facts, const struct engine_spec *spec,
                          struct container_row *row)
{
    int64_t period = spec->cpu_period_us > 0 ? spec->cpu_period_us : CPU_PERIOD_DEFAULT_US;
    engine_row_set(facts, row, CONTAINER_SPEC_CPU_PERIOD, (uint64_t)period);
    int64_t shares = spec->cpu_shares > 0 ? spec->cpu_shares : CPU_SHARES_DEFAULT;
    engine_row_set(facts, row, CONTAINER_SPEC_CPU_SHARES, (uint64_t)shares);
    if (!engine_spec_has_quota(spec))
        return;
    unsigned __int128 quota = spec->cpu_quota_us > 0 ? (unsigned __int128)spec->cpu_quota_us
                                                     : (unsigned __int128)spec->nano_cpus *
                                                           (unsigned __int128)period / NANO_PER_CPU;
    if (quota <= INT64_MAX)
        engine_row_set(facts, row, CONTAINER_SPEC_CPU_QUOTA, (uint64_t)quota);
}

static void fill_swap_spec(const struct engine_facts *facts, const struct engine_spec *spec,
                           struct container_row *row)
{
    int64_t memory = spec->memory_bytes;
    int64_t both = spec->memory_swap_bytes; /* the engine's word is for memory and swap together */
    if (both < 0 || (both == 0 && memory <= 0)) {
        row_set_unlimited(row, CONTAINER_SPEC_SWAP_LIMIT);
        return;
    }
    if (both == 0)
        return; /* the engine chose one when the container started, and does not say which */
    if (facts->info.cgroup_version != 2)
        engine_row_set(facts, row, CONTAINER_SPEC_SWAP_LIMIT, (uint64_t)both);
    else if (memory > 0 && both >= memory)
        engine_row_set(facts, row, CONTAINER_SPEC_SWAP_LIMIT, (uint64_t)(both - memory));
}

void engine_fill_spec(const struct engine_facts *facts, const struct engine_spec *spec,
                      struct container_row *row)
{
    bool limited = spec->memory_bytes > 0;
    fill_cpu_spec(facts, spec, row);
    if (limited)
        engine_row_set(facts, row, CONTAINER_SPEC_MEMORY_LIMIT, (uint64_t)spec->memory_bytes);
    else
        row_set_unlimited(row, CONTAINER_SPEC_MEMORY_LIMIT);
    fill_swap_spec(facts, spec, row);
    int64_t reservation = spec->memory_reservation_bytes;
    engine_row_set(facts, row, CONTAINER_SPEC_MEMORY_RESERVATION,
                   reservation > 0 ? (uint64_t)reservation : 0);
    /* Only where no stats answer has said it: that one is the limit in force. */
    if (!row_has(row, CONTAINER_SUM_MEMORY_LIMIT))
        engine_row_set_memory_limit(facts, limited ? (uint64_t)spec->memory_bytes : MEMORY_NO_LIMIT,
                                    row);
    engine_row_end_group(row, GROUP_SPEC, REASON_NONE);
}
