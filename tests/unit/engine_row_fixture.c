/* What it knows: the rules that hold for every row an engine gives, and how the tests come to one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_row_fixture.h"

#include "base/err.h"
#include "engine_fixture.h"

#include <string.h>

static struct arena arena;

struct arena *row_arena(void)
{
    return &arena;
}

int row_teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

struct engine_facts docker(int cgroup_version)
{
    return (struct engine_facts){
        .version = {.version = "28.5.2", .release = {28, 5, 2}},
        .info = {.memory_bytes = UINT64_C(16) << 30,
                 .cgroup_version = cgroup_version,
                 .cgroup_driver = "systemd",
                 .id = ""},
    };
}

struct engine_facts podman(int cgroup_version, unsigned major, unsigned minor, unsigned patch)
{
    struct engine_facts facts = docker(cgroup_version);
    facts.version =
        (struct engine_version){.podman = true, .version = "", .release = {major, minor, patch}};
    return facts;
}

struct engine_stats stats_of(const char *name)
{
    struct err e = {0};
    struct engine_stats stats = {0};
    struct buf text = fixture_read(name);
    assert_int_equal(engine_parse_stats(text.data, text.length, &arena, &e, &stats), 0);
    buf_done(&text);
    return stats;
}

struct engine_stats stats_from(const char *json)
{
    struct err e = {0};
    struct engine_stats stats = {0};
    assert_int_equal(engine_parse_stats(json, strlen(json), &arena, &e, &stats), 0);
    return stats;
}

struct engine_spec spec_of(const char *name)
{
    struct err e = {0};
    struct engine_inspect inspect = {0};
    struct buf text = fixture_read(name);
    assert_int_equal(engine_parse_inspect(text.data, text.length, &arena, &e, &inspect), 0);
    buf_done(&text);
    return engine_spec_from_inspect(&inspect);
}

void assert_value(const struct container_row *row, enum container_metric metric, uint64_t value)
{
    assert_true(row_has(row, metric));
    assert_false(row_is_unlimited(row, metric));
    assert_int_equal(row->values[metric], value);
}

void assert_unlimited(const struct container_row *row, enum container_metric metric)
{
    assert_true(row_has(row, metric));
    assert_true(row_is_unlimited(row, metric));
}

void assert_absent(const struct container_row *row, enum container_metric metric)
{
    assert_false(row_has(row, metric));
}

void assert_given(const struct container_row *row, enum metric_group group)
{
    assert_int_equal(row->tiers[group], TIER_ENGINE);
    assert_int_equal(row->absent[group], REASON_NONE);
}

void assert_missing(const struct container_row *row, enum metric_group group, enum reason reason)
{
    assert_int_equal(row->tiers[group], TIER_NONE);
    assert_int_equal(row->absent[group], reason);
}

/* Is there a value of the group that this engine may give? */
static bool may_give(enum metric_group group, unsigned tier)
{
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (container_metrics[m].group == group && (container_metrics[m].tiers & tier))
            return true;
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        if (interface_metrics[m].group == group && (interface_metrics[m].tiers & tier))
            return true;
    for (unsigned m = 0; m < DEVICE_METRICS; m++)
        if (device_metrics[m].group == group && (device_metrics[m].tiers & tier))
            return true;
    return false;
}

/* A group is given, or says why it is not; one that engines do not have is never given. */
static void assert_groups_are_sound(const struct container_row *row, unsigned tier)
{
    for (enum metric_group g = 0; g < GROUP_COUNT; g++) {
        assert_true(row->tiers[g] == TIER_ENGINE || row->tiers[g] == TIER_NONE);
        if (!may_give(g, tier))
            assert_int_equal(row->tiers[g], TIER_NONE);
        if (g != GROUP_LIFE && g != GROUP_DISK) /* of the inventory, not of stats */
            assert_true((row->tiers[g] == TIER_ENGINE) == (row->absent[g] == REASON_NONE));
    }
}

/* The rules that hold for every row, whatever was answered. */
static void assert_sound(const struct engine_facts *facts, const struct container_row *row)
{
    unsigned tier = facts->info.cgroup_version == 2 ? TIERS_E2 : TIERS_E1;
    for (unsigned m = 0; m < CONTAINER_METRICS; m++) {
        if (!row_has(row, m))
            continue;
        assert_true(container_metrics[m].tiers & tier);
        enum metric_group group = container_metrics[m].group;
        if (m != CONTAINER_SUM_MEMORY_LIMIT)
            assert_int_equal(row->tiers[group], TIER_ENGINE);
        if (container_metrics[m].type != METRIC_COUNTER)
            assert_true(row->values[m] <= INT64_MAX);
    }
    assert_true((row->unlimited & ~row->present) == 0);
    for (size_t i = 0; i < row->interface_count; i++)
        for (unsigned m = 0; m < INTERFACE_METRICS; m++)
            if ((row->interfaces[i].present >> m) & 1)
                assert_true(interface_metrics[m].tiers & tier);
    for (size_t i = 0; i < row->device_count; i++)
        for (unsigned m = 0; m < DEVICE_METRICS; m++)
            if ((row->devices[i].present >> m) & 1)
                assert_true(device_metrics[m].tiers & tier);
    assert_groups_are_sound(row, tier);
    assert_true(row->interface_count == 0 || row->tiers[GROUP_NETWORK] == TIER_ENGINE);
    assert_true(row->device_count == 0 || row->tiers[GROUP_BLOCK_IO] == TIER_ENGINE);
}

struct container_row fill(const struct engine_facts *facts, const struct engine_spec *spec,
                          const struct engine_stats *stats)
{
    struct container_row row = {0};
    engine_fill_spec(facts, spec, &row);
    engine_fill_stats(facts, spec, stats, &arena, &row);
    assert_sound(facts, &row);
    return row;
}

struct container_row fill_plain(const struct engine_facts *facts, const char *json)
{
    struct engine_spec spec = {0};
    struct engine_stats stats = stats_from(json);
    return fill(facts, &spec, &stats);
}

uint64_t interface_value(const struct container_row *row, size_t at, enum interface_metric metric)
{
    assert_true(at < row->interface_count);
    assert_true((row->interfaces[at].present >> metric) & 1);
    return row->interfaces[at].values[metric];
}

uint64_t device_value(const struct container_row *row, size_t at, enum device_metric metric)
{
    assert_true(at < row->device_count);
    assert_true((row->devices[at].present >> metric) & 1);
    return row->devices[at].values[metric];
}
