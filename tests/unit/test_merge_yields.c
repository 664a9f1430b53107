/* Groups that count only where no other tier has them, and why a group is absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "merge_fixture.h"

/* A row that has the memory group, with this usage; the time of its CPU reading is the same. */
static struct container_row *add_usage(struct part *part, enum tier tier, uint64_t usage,
                                       bool yields)
{
    struct container_row *row = add_local(part, "", "1", "web");
    give(row, tier, GROUP_MEMORY);
    give(row, tier, GROUP_CPU);
    row_set(row, CONTAINER_MEMORY_USAGE, usage);
    row_set(row, CONTAINER_CPU_USAGE, usage);
    row->cpu_sampled_ns = usage;
    row->cpus = (unsigned)usage;
    if (yields)
        row->yields = 1U << GROUP_MEMORY | 1U << GROUP_CPU;
    return row;
}

static void test_whose_group_it_is(void **state)
{
    (void)state;
    static const struct {
        bool yields[PARTS_MAX];
        size_t parts;
        unsigned winner;
    } cases[] = {
        {{false}, 1, 0},
        {{true}, 1, 0}, /* there is no other */
        {{false, false}, 2, 0},
        {{false, true}, 2, 0},
        {{true, false}, 2, 1},
        {{true, true}, 2, 0},
        {{true, false, false}, 3, 1},
        {{true, true, false}, 3, 2},
        {{false, true, false}, 3, 0},
        {{true, false, true}, 3, 1},
    };
    static const enum tier tiers[PARTS_MAX] = {TIER_ENGINE, TIER_CGROUP, TIER_SIMULATED};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = {0};
        for (size_t p = 0; p < cases[i].parts; p++)
            (void)add_usage(&f.parts[p], tiers[p], 10 + p, cases[i].yields[p]);
        const struct container_row *row = merge_one(&f, cases[i].parts);
        uint64_t expected = 10 + cases[i].winner;
        assert_int_equal(row->tiers[GROUP_MEMORY], tiers[cases[i].winner]);
        assert_int_equal(row->tiers[GROUP_CPU], tiers[cases[i].winner]);
        assert_int_equal(row->values[CONTAINER_MEMORY_USAGE], expected);
        assert_int_equal(row->values[CONTAINER_CPU_USAGE], expected);
        assert_int_equal(row->cpu_sampled_ns, expected);
        assert_int_equal(row->cpus, expected);
        end(&f);
    }
}

/* A group yields to one that is there, and for itself alone. */
static void test_group_by_group(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a = add_usage(&f.parts[0], TIER_ENGINE, 1, true);
    a->yields = ~(1U << GROUP_SPEC);
    give(a, TIER_ENGINE, GROUP_SPEC);
    row_set(a, CONTAINER_SPEC_MEMORY_LIMIT, 1);
    give(a, TIER_ENGINE, GROUP_PIDS);
    row_set(a, CONTAINER_PIDS, 1);
    struct container_row *b = add_local(&f.parts[1], "", "1", "web");
    give(b, TIER_CGROUP, GROUP_MEMORY);
    row_set(b, CONTAINER_MEMORY_USAGE, 2);
    give(b, TIER_CGROUP, GROUP_SPEC);
    row_set(b, CONTAINER_SPEC_MEMORY_LIMIT, 2);
    b->absent[GROUP_PIDS] = REASON_NO_CONTROLLER;
    b->absent[GROUP_CPU] = REASON_NO_CONTROLLER;
    const struct container_row *row = merge_one(&f, 2);
    assert_int_equal(row->values[CONTAINER_MEMORY_USAGE], 2);
    assert_int_equal(row->values[CONTAINER_SPEC_MEMORY_LIMIT], 1);
    assert_int_equal(row->values[CONTAINER_CPU_USAGE], 1);
    assert_int_equal(row->values[CONTAINER_PIDS], 1);
    assert_int_equal(row->tiers[GROUP_CPU], TIER_ENGINE);
    assert_int_equal(row->tiers[GROUP_PIDS], TIER_ENGINE);
    assert_int_equal(row->absent[GROUP_PIDS], REASON_NONE);
    end(&f);
}

/* What yields goes as a whole: one group is one read. */
static void test_nothing_is_left_of_what_yields(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a = add_usage(&f.parts[0], TIER_ENGINE, 1, true);
    a->cgroup_version = 2;
    row_set(a, CONTAINER_MEMORY_RSS, 1);
    row_set_unlimited(a, CONTAINER_PIDS_LIMIT);
    give(a, TIER_ENGINE, GROUP_PIDS);
    a->yields |= 1U << GROUP_PIDS | 1U << GROUP_NETWORK;
    give(a, TIER_ENGINE, GROUP_NETWORK);
    struct interface_row own = {.name = "tap0", .present = 1};
    a->interfaces = &own;
    a->interface_count = 1;
    struct container_row *b = add_usage(&f.parts[1], TIER_CGROUP, 2, false);
    give(b, TIER_CGROUP, GROUP_PIDS);
    row_set(b, CONTAINER_PIDS_LIMIT, 9);
    give(b, TIER_CGROUP, GROUP_NETWORK);
    struct interface_row kernels[] = {{.name = "eth0", .present = 1},
                                      {.name = "eth1", .present = 1}};
    b->interfaces = kernels;
    b->interface_count = 2;
    const struct container_row *row = merge_one(&f, 2);
    assert_false(row_has(row, CONTAINER_MEMORY_RSS));
    assert_false(row_is_unlimited(row, CONTAINER_PIDS_LIMIT));
    assert_int_equal(row->values[CONTAINER_PIDS_LIMIT], 9);
    assert_int_equal(row->interface_count, 2);
    assert_string_equal(row->interfaces[0].name, "eth0");
    end(&f);
}

/* The first tier's reason counts, unless it says only that it has no such values, or that a read
 * failed where the next one knows how the container is. */
static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        enum reason first, second, expected;
    } cases[] = {
        {REASON_TIMEOUT, REASON_PERMISSION_DENIED, REASON_TIMEOUT},
        {REASON_TIMEOUT, REASON_NO_CONTROLLER, REASON_NO_CONTROLLER},
        {REASON_TIMEOUT, REASON_NOT_GIVEN, REASON_TIMEOUT},
        {REASON_TIMEOUT, REASON_NONE, REASON_TIMEOUT},
        {REASON_HOST_NETWORK, REASON_NO_PROCESS, REASON_HOST_NETWORK},
        {REASON_NONE, REASON_NO_PRESSURE, REASON_NO_PRESSURE},
        {REASON_NOT_GIVEN, REASON_NO_PRESSURE, REASON_NO_PRESSURE},
        {REASON_NOT_GIVEN, REASON_ACCOUNTING_OFF, REASON_ACCOUNTING_OFF},
        {REASON_NOT_GIVEN, REASON_NOT_GIVEN, REASON_NOT_GIVEN},
        {REASON_NO_PRESSURE, REASON_NOT_GIVEN, REASON_NO_PRESSURE},
        {REASON_NONE, REASON_NONE, REASON_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = {0};
        for (enum metric_group g = 0; g < GROUP_COUNT; g++) {
            if (g == 0) {
                (void)add_local(&f.parts[0], "", "1", "web");
                (void)add_local(&f.parts[1], "", "1", "web");
            }
            f.parts[0].rows[0].absent[g] = cases[i].first;
            f.parts[1].rows[0].absent[g] = cases[i].second;
        }
        const struct container_row *row = merge_one(&f, 2);
        for (enum metric_group g = 0; g < GROUP_COUNT; g++) {
            assert_int_equal(row->tiers[g], TIER_NONE);
            assert_int_equal(row->absent[g], cases[i].expected);
        }
        end(&f);
    }
}

/* A group that somebody has is not absent, whatever the others say. */
static void test_no_reason_where_it_is_given(void **state)
{
    (void)state;
    for (size_t giver = 0; giver < 2; giver++) {
        struct fixture f = {0};
        struct container_row *rows[2];
        for (size_t i = 0; i < 2; i++) {
            rows[i] = add_local(&f.parts[i], "", "1", "web");
            rows[i]->absent[GROUP_CPU] = REASON_TIMEOUT;
        }
        give(rows[giver], TIER_CGROUP, GROUP_CPU);
        const struct container_row *row = merge_one(&f, 2);
        assert_int_equal(row->tiers[GROUP_CPU], TIER_CGROUP);
        assert_int_equal(row->absent[GROUP_CPU], REASON_NONE);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whose_group_it_is),
        cmocka_unit_test(test_group_by_group),
        cmocka_unit_test(test_nothing_is_left_of_what_yields),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_no_reason_where_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
