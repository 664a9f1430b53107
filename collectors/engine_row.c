/* What it knows: how Docker and Podman of different ages, on cgroup v1 and v2, word the same
 * numbers. Documents: the Docker Engine API reference, "ContainerStats"; Podman's
 * compatible API. */
#include "collectors/engine_row_internal.h"

#include "base/text.h"

/* Is it Podman, older than this? */
static bool podman_before(const struct engine_facts *facts, unsigned major, unsigned minor,
                          unsigned patch)
{
    const unsigned *release = facts->version.release;
    if (!facts->version.podman)
        return false;
    if (release[0] != major)
        return release[0] < major;
    return release[1] != minor ? release[1] < minor : release[2] < patch;
}

/* User and system time. Podman gives as user time what is left of the total. On cgroup v2 up to
 * 5.8.2 it takes system time in microseconds from a total in nanoseconds: put right. On v1 its
 * system time is cpuacct.usage_sys, another counter than the cpuacct.stat that Docker and the
 * kernel files give, and may run ahead of the total: left out. */
static void fill_cpu_modes(const struct engine_facts *facts, const struct engine_stats *stats,
                           struct container_row *row)
{
    if (!facts->version.podman) {
        engine_row_set_maybe(facts, row, CONTAINER_CPU_USER, stats->cpu_user_ns);
        engine_row_set_maybe(facts, row, CONTAINER_CPU_SYSTEM, stats->cpu_system_ns);
        return;
    }
    uint64_t system_ns = stats->cpu_system_ns.value;
    if (facts->info.cgroup_version != 2 || !stats->cpu_system_ns.given)
        return;
    if (podman_before(facts, 5, 8, 3) && __builtin_mul_overflow(system_ns, 1000, &system_ns))
        return;
    if (system_ns > stats->cpu_total_ns.value)
        return;
    engine_row_set(facts, row, CONTAINER_CPU_SYSTEM, system_ns);
    engine_row_set(facts, row, CONTAINER_CPU_USER, stats->cpu_total_ns.value - system_ns);
}

static enum reason fill_cpu(const struct engine_facts *facts, const struct engine_spec *spec,
                            const struct engine_stats *stats, struct container_row *row)
{
    if (!stats->cpu_total_ns.given)
        return REASON_NOT_GIVEN;
    engine_row_set_maybe(facts, row, CONTAINER_CPU_USAGE, stats->cpu_total_ns);
    fill_cpu_modes(facts, stats, row);
    /* Without a quota nothing is throttled, and Podman never fills these. */
    if (engine_spec_has_quota(spec) && !facts->version.podman) {
        engine_row_set_maybe(facts, row, CONTAINER_CPU_PERIODS, stats->periods);
        engine_row_set_maybe(facts, row, CONTAINER_CPU_THROTTLED_PERIODS, stats->throttled_periods);
        engine_row_set_maybe(facts, row, CONTAINER_CPU_THROTTLED, stats->throttled_ns);
    }
    return REASON_NONE;
}

#define NO_KEY ENGINE_MEMORY_KEY_COUNT

/* Where memory.stat has a value; v1's total_ keys count the groups below too, as v2's all do. */
static const struct {
    enum container_metric metric;
    enum engine_memory_key v1;
    enum engine_memory_key v2;
} memory_values[] = {
    {CONTAINER_MEMORY_RSS, ENGINE_MEMORY_TOTAL_RSS, ENGINE_MEMORY_ANON},
    {CONTAINER_MEMORY_CACHE, ENGINE_MEMORY_TOTAL_CACHE, ENGINE_MEMORY_FILE},
    {CONTAINER_MEMORY_MAPPED_FILE, ENGINE_MEMORY_TOTAL_MAPPED_FILE, ENGINE_MEMORY_FILE_MAPPED},
    {CONTAINER_MEMORY_ACTIVE_FILE, ENGINE_MEMORY_TOTAL_ACTIVE_FILE, ENGINE_MEMORY_ACTIVE_FILE},
    {CONTAINER_MEMORY_INACTIVE_FILE, ENGINE_MEMORY_TOTAL_INACTIVE_FILE,
     ENGINE_MEMORY_INACTIVE_FILE},
    {CONTAINER_MEMORY_PGFAULT, ENGINE_MEMORY_PGFAULT, NO_KEY},
    {CONTAINER_MEMORY_PGMAJFAULT, ENGINE_MEMORY_PGMAJFAULT, NO_KEY},
    {CONTAINER_MEMORY_TREE_PGFAULT, ENGINE_MEMORY_TOTAL_PGFAULT, ENGINE_MEMORY_PGFAULT},
    {CONTAINER_MEMORY_TREE_PGMAJFAULT, ENGINE_MEMORY_TOTAL_PGMAJFAULT, ENGINE_MEMORY_PGMAJFAULT},
    {CONTAINER_MEMORY_FILE_DIRTY, ENGINE_MEMORY_TOTAL_DIRTY, ENGINE_MEMORY_FILE_DIRTY},
    {CONTAINER_MEMORY_FILE_WRITEBACK, ENGINE_MEMORY_TOTAL_WRITEBACK, ENGINE_MEMORY_FILE_WRITEBACK},
    {CONTAINER_MEMORY_PGSCAN, NO_KEY, ENGINE_MEMORY_PGSCAN},
    {CONTAINER_MEMORY_PGSTEAL, NO_KEY, ENGINE_MEMORY_PGSTEAL},
};

static void fill_memory_stat(const struct engine_facts *facts, const struct engine_stats *stats,
                             struct container_row *row)
{
    bool v2 = facts->info.cgroup_version == 2;
    for (size_t i = 0; i < sizeof memory_values / sizeof memory_values[0]; i++) {
        enum engine_memory_key key = v2 ? memory_values[i].v2 : memory_values[i].v1;
        if (key != NO_KEY)
            engine_row_set_maybe(facts, row, memory_values[i].metric, stats->memory[key]);
    }
    struct maybe inactive =
        stats->memory[v2 ? ENGINE_MEMORY_INACTIVE_FILE : ENGINE_MEMORY_TOTAL_INACTIVE_FILE];
    uint64_t usage = stats->memory_usage.value;
    if (inactive.given)
        engine_row_set(facts, row, CONTAINER_MEMORY_WORKING_SET,
                       inactive.value < usage ? usage - inactive.value : 0);
}

static enum reason fill_memory(const struct engine_facts *facts, const struct engine_stats *stats,
                               struct container_row *row)
{
    if (!stats->memory_given)
        return REASON_NOT_GIVEN;
    engine_row_set_maybe(facts, row, CONTAINER_MEMORY_USAGE, stats->memory_usage);
    engine_row_set_maybe(facts, row, CONTAINER_MEMORY_MAX_USAGE, stats->memory_max_usage);
    /* Docker leaves out a count of 0; Podman never has one. */
    if (!facts->version.podman)
        engine_row_set(facts, row, CONTAINER_MEMORY_FAILCNT, stats->memory_failcnt.value);
    fill_memory_stat(facts, stats, row);
    if (stats->memory_limit.value > 0)
        engine_row_set_memory_limit(facts, stats->memory_limit.value, row);
    return REASON_NONE;
}

static void set_interface(const struct engine_facts *facts, struct interface_row *row,
                          enum interface_metric metric, struct maybe value)
{
    if (!value.given || !(interface_metrics[metric].tiers & engine_row_tier(facts)))
        return;
    row->values[metric] = value.value;
    row->present |= UINT64_C(1) << metric;
}

static void fill_interface(const struct engine_facts *facts, const struct engine_network *from,
                           struct interface_row *to)
{
    bool swapped = podman_before(facts, 4, 4, 0);
    set_interface(facts, to, INTERFACE_RX_BYTES, swapped ? from->tx_bytes : from->rx_bytes);
    set_interface(facts, to, INTERFACE_TX_BYTES, swapped ? from->rx_bytes : from->tx_bytes);
    if (podman_before(facts, 5, 0, 0))
        return; /* its packets are zeros that nothing ever fills */
    set_interface(facts, to, INTERFACE_RX_PACKETS, from->rx_packets);
    set_interface(facts, to, INTERFACE_RX_DROPPED, from->rx_dropped);
    set_interface(facts, to, INTERFACE_TX_PACKETS, from->tx_packets);
    set_interface(facts, to, INTERFACE_TX_DROPPED, from->tx_dropped);
}

static enum reason fill_network(const struct engine_facts *facts, const struct engine_spec *spec,
                                const struct engine_stats *stats, struct arena *arena,
                                struct container_row *row)
{
    if (spec->network != REASON_NONE)
        return spec->network;
    struct interface_row *interfaces =
        arena_alloc(arena, stats->network_count * sizeof *interfaces);
    size_t count = 0;
    for (size_t i = 0; i < stats->network_count; i++) {
        fill_interface(facts, &stats->networks[i], &interfaces[count]);
        if (interfaces[count].present)
            interfaces[count++].name = arena_string(arena, stats->networks[i].name);
    }
    if (count == 0)
        return REASON_NOT_GIVEN; /* no interface was read: that is not the same as no traffic */
    row->interfaces = interfaces;
    row->interface_count = count;
    return REASON_NONE;
}

static enum reason fill_pids(const struct engine_facts *facts, const struct engine_spec *spec,
                             const struct engine_stats *stats, struct container_row *row)
{
    if (!stats->pids.given)
        return REASON_NOT_GIVEN;
    engine_row_set_maybe(facts, row, CONTAINER_PIDS, stats->pids);
    /* Docker's limit is the one in force, which systemd may have set; it leaves out "none", as does
     * Podman always. */
    uint64_t limit = stats->pids_limit.value;
    if (limit == 0)
        limit = spec->pids_limit > 0 ? (uint64_t)spec->pids_limit : UINT64_MAX;
    if (limit == UINT64_MAX)
        row_set_unlimited(row, CONTAINER_PIDS_LIMIT);
    else
        engine_row_set(facts, row, CONTAINER_PIDS_LIMIT, limit);
    return REASON_NONE;
}

void engine_fill_stats(const struct engine_facts *facts, const struct engine_spec *spec,
                       const struct engine_stats *stats, struct arena *arena,
                       struct container_row *row)
{
    if (stats->empty) {
        for (enum metric_group g = 0; g < GROUP_COUNT; g++)
            if (g != GROUP_SPEC && g != GROUP_LIFE && g != GROUP_DISK)
                engine_row_end_group(row, g, REASON_EMPTY_ANSWER);
        return;
    }
    /* Engines have none of these. */
    engine_row_end_group(row, GROUP_PRESSURE, REASON_NOT_GIVEN);
    engine_row_end_group(row, GROUP_OOM, REASON_NOT_GIVEN);
    for (enum metric_group g = GROUP_PROCESS; g < GROUP_COUNT; g++)
        engine_row_end_group(row, g, REASON_NOT_GIVEN);
    engine_row_end_group(row, GROUP_NETWORK, fill_network(facts, spec, stats, arena, row));
    if (text_equal(facts->info.cgroup_driver, "none")) {
        /* A rootless engine that may not use cgroups fills their values with zeros. */
        static const enum metric_group groups[] = {GROUP_CPU, GROUP_MEMORY, GROUP_BLOCK_IO,
                                                   GROUP_PIDS};
        for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
            engine_row_end_group(row, groups[i], REASON_NOT_GIVEN);
        return;
    }
    engine_row_end_group(row, GROUP_CPU, fill_cpu(facts, spec, stats, row));
    engine_row_end_group(row, GROUP_MEMORY, fill_memory(facts, stats, row));
    engine_row_end_group(row, GROUP_BLOCK_IO, engine_row_fill_block(facts, stats, arena, row));
    engine_row_end_group(row, GROUP_PIDS, fill_pids(facts, spec, stats, row));
}
