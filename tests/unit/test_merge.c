/* Merging parts: which tier's values win, group by group, and that nothing points back into a part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "merge_fixture.h"

static void test_nothing(void **state)
{
    (void)state;
    struct fixture f = {0};
    (void)merge(&f, 2);
    assert_int_equal(f.snapshot->row_count, 0);
    assert_int_equal(f.snapshot->point_count, 0);
    end(&f);
}

static void test_strongest_gives_identity_and_state(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct identity *named = identity_new("e", "1");
    named->name = arena_string(&named->arena, "web");
    struct container_row *strong = part_add_row(&f.parts[0], named);
    identity_unref(named);
    strong->state = STATE_PAUSED;
    add(&f.parts[1], "e", "1")->state = STATE_RUNNING;
    const struct container_row *row = merge(&f, 2);
    assert_int_equal(f.snapshot->row_count, 1);
    assert_string_equal(row->identity->name, "web");
    assert_int_equal(row->state, STATE_PAUSED);
    end(&f);
}

static void test_each_group_from_the_first_that_has_it(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a = add(&f.parts[0], "e", "1");
    give(a, TIER_ENGINE, GROUP_MEMORY);
    row_set(a, CONTAINER_MEMORY_USAGE, 10);
    a->absent[GROUP_CPU] = REASON_TIMEOUT;
    a->absent[GROUP_PIDS] = REASON_TIMEOUT;
    struct container_row *b = add(&f.parts[1], "e", "1");
    give(b, TIER_CGROUP, GROUP_MEMORY);
    give(b, TIER_CGROUP, GROUP_CPU);
    row_set(b, CONTAINER_MEMORY_USAGE, 20);
    row_set(b, CONTAINER_MEMORY_RSS, 21); /* of a group that is the first one's */
    row_set(b, CONTAINER_CPU_USAGE, 22);
    b->cpu_sampled_ns = 23;
    b->cpus = 4;
    b->absent[GROUP_PIDS] = REASON_NOT_GIVEN;
    struct container_row *c = add(&f.parts[2], "e", "1");
    give(c, TIER_SIMULATED, GROUP_CPU);
    row_set(c, CONTAINER_CPU_USAGE, 30);
    const struct container_row *row = merge(&f, 3);
    assert_int_equal(f.snapshot->row_count, 1);
    assert_int_equal(row->tiers[GROUP_MEMORY], TIER_ENGINE);
    assert_int_equal(row->values[CONTAINER_MEMORY_USAGE], 10);
    assert_false(row_has(row, CONTAINER_MEMORY_RSS));
    assert_int_equal(row->tiers[GROUP_CPU], TIER_CGROUP);
    assert_int_equal(row->absent[GROUP_CPU], REASON_NONE);
    assert_int_equal(row->values[CONTAINER_CPU_USAGE], 22);
    assert_int_equal(row->cpu_sampled_ns, 23); /* the time belongs to the counter */
    assert_int_equal(row->cpus, 4);
    assert_int_equal(row->tiers[GROUP_PIDS], TIER_NONE);
    assert_int_equal(row->absent[GROUP_PIDS], REASON_TIMEOUT); /* the strongest one's */
    end(&f);
}

static void test_unlimited_goes_with_its_group(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a = add(&f.parts[0], "e", "1");
    give(a, TIER_ENGINE, GROUP_PIDS);
    row_set_unlimited(a, CONTAINER_PIDS_LIMIT);
    struct container_row *b = add(&f.parts[1], "e", "1");
    give(b, TIER_CGROUP, GROUP_SPEC);
    row_set_unlimited(b, CONTAINER_SPEC_MEMORY_LIMIT);
    give(b, TIER_CGROUP, GROUP_PIDS);
    row_set(b, CONTAINER_PIDS_LIMIT, 7);
    const struct container_row *row = merge(&f, 2);
    assert_true(row_is_unlimited(row, CONTAINER_PIDS_LIMIT));
    assert_true(row_has(row, CONTAINER_SPEC_MEMORY_LIMIT));
    assert_true(row_is_unlimited(row, CONTAINER_SPEC_MEMORY_LIMIT));
    end(&f);
}

static void add_interface(struct part *part, struct container_row *row, const char *name)
{
    row->interfaces = arena_alloc(&part->arena, sizeof *row->interfaces);
    row->interfaces[0] =
        (struct interface_row){.name = arena_string(&part->arena, name), .present = 1};
    row->interfaces[0].values[0] = 99;
    row->interface_count = 1;
}

static void add_device(struct part *part, struct container_row *row, const char *name)
{
    row->devices = arena_alloc(&part->arena, sizeof *row->devices);
    row->devices[0] = (struct device_row){
        .name = arena_string(&part->arena, name), .major = 8, .minor = 1, .present = 1};
    row->device_count = 1;
}

static void test_lists_go_with_their_group(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a = add(&f.parts[0], "e", "1");
    give(a, TIER_ENGINE, GROUP_NETWORK);
    add_interface(&f.parts[0], a, "eth0");
    struct container_row *b = add(&f.parts[1], "e", "1");
    give(b, TIER_CGROUP, GROUP_NETWORK);
    give(b, TIER_CGROUP, GROUP_BLOCK_IO);
    add_interface(&f.parts[1], b, "eth1");
    add_device(&f.parts[1], b, "/dev/sda");
    const struct container_row *row = merge(&f, 2);
    assert_int_equal(row->interface_count, 1);
    assert_string_equal(row->interfaces[0].name, "eth0");
    assert_int_equal(row->interfaces[0].values[0], 99);
    assert_int_equal(row->device_count, 1);
    assert_string_equal(row->devices[0].name, "/dev/sda");
    assert_int_equal(row->devices[0].major, 8);
    end(&f);
}

/* A group without a value, e.g. no device was used yet, is given all the same. */
static void test_empty_group_is_given(void **state)
{
    (void)state;
    struct fixture f = {0};
    give(add(&f.parts[0], "e", "1"), TIER_ENGINE, GROUP_BLOCK_IO);
    struct container_row *b = add(&f.parts[1], "e", "1");
    give(b, TIER_CGROUP, GROUP_BLOCK_IO);
    add_device(&f.parts[1], b, "/dev/sda");
    const struct container_row *row = merge(&f, 2);
    assert_int_equal(row->tiers[GROUP_BLOCK_IO], TIER_ENGINE);
    assert_int_equal(row->device_count, 0);
    end(&f);
}

static void test_containers_are_told_apart(void **state)
{
    (void)state;
    struct fixture f = {0};
    add(&f.parts[0], "e", "12");
    add(&f.parts[0], "e1", "2"); /* the same letters in a row */
    add(&f.parts[0], "e", "2");
    add(&f.parts[1], "e", "2");
    add(&f.parts[1], "f", "2");
    const struct container_row *rows = merge(&f, 2);
    assert_int_equal(f.snapshot->row_count, 4);
    assert_string_equal(rows[0].identity->container_id, "12");
    assert_string_equal(rows[1].identity->engine, "e1");
    assert_string_equal(rows[3].identity->engine, "f");
    end(&f);
}

/* The index is kept from round to round and must forget the round before. */
static void test_index_over_rounds(void **state)
{
    (void)state;
    static const size_t sizes[] = {3000, 5, 0, 700, 6000};
    struct fixture f = {0};
    for (size_t round = 0; round < sizeof sizes / sizeof sizes[0]; round++) {
        for (size_t i = 0; i < sizes[round]; i++) {
            char id[32];
            (void)snprintf(id, sizeof id, "%zu", i * 7919);
            give(add(&f.parts[0], "e", id), TIER_ENGINE, GROUP_MEMORY);
            struct container_row *weak = add(&f.parts[1], "e", id);
            give(weak, TIER_CGROUP, GROUP_CPU);
            row_set(weak, CONTAINER_CPU_USAGE, i);
        }
        const struct container_row *rows = merge(&f, 2);
        assert_int_equal(f.snapshot->row_count, sizes[round]);
        for (size_t i = 0; i < sizes[round]; i++) {
            assert_int_equal(rows[i].tiers[GROUP_MEMORY], TIER_ENGINE);
            assert_int_equal(rows[i].tiers[GROUP_CPU], TIER_CGROUP);
            assert_int_equal(rows[i].values[CONTAINER_CPU_USAGE], i);
        }
        snapshot_unref(f.snapshot);
    }
    row_index_done(&f.index);
}

static void test_points_stand_together(void **state)
{
    (void)state;
    struct fixture f = {0};
    const enum agent_metric scattered[] = {AGENT_ROUNDS, AGENT_ENGINE_UP, AGENT_PROCESS_CPU,
                                           AGENT_ENGINE_UP};
    for (size_t p = 0; p < PARTS_MAX; p++)
        for (size_t i = 0; i < sizeof scattered / sizeof scattered[0]; i++) {
            char label[32];
            (void)snprintf(label, sizeof label, "%zu.%zu", p, i);
            part_add_point(&f.parts[p], scattered[i], p * 10 + i,
                           (const char *const[]){label, NULL});
        }
    (void)merge(&f, 3);
    assert_int_equal(f.snapshot->point_count, 12);
    for (size_t i = 1; i < f.snapshot->point_count; i++) {
        assert_true(f.snapshot->points[i - 1].metric <= f.snapshot->points[i].metric);
        if (f.snapshot->points[i - 1].metric == f.snapshot->points[i].metric)
            assert_true(f.snapshot->points[i - 1].value < f.snapshot->points[i].value);
    }
    const struct point *first = &f.snapshot->points[0];
    assert_int_equal(first->metric, AGENT_ENGINE_UP);
    assert_string_equal(first->labels[0], "0.1");
    assert_null(first->labels[1]);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_strongest_gives_identity_and_state),
        cmocka_unit_test(test_each_group_from_the_first_that_has_it),
        cmocka_unit_test(test_unlimited_goes_with_its_group),
        cmocka_unit_test(test_lists_go_with_their_group),
        cmocka_unit_test(test_empty_group_is_given),
        cmocka_unit_test(test_containers_are_told_apart),
        cmocka_unit_test(test_index_over_rounds),
        cmocka_unit_test(test_points_stand_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
