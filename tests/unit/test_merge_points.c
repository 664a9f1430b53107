/* Values with labels of their own go with their group, and what an engine tells of OOM kills with
 * the row that knows best. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/merge_fixture.h"

/* Gives the row a point, whose texts live in the part as a collector's do. */
static void put(struct part *part, struct container_row *row, enum point_metric metric,
                const char *label, uint64_t value)
{
    const struct point point = {
        .metric = metric, .value = value, .labels = {arena_string(&part->arena, label)}};
    row_add_points(row, &part->arena, &point, 1);
}

static const struct point *find(const struct container_row *row, enum point_metric metric,
                                const char *label)
{
    for (size_t i = 0; i < row->point_count; i++)
        if (row->points[i].metric == metric && text_equal(row->points[i].labels[0], label))
            return &row->points[i];
    return NULL;
}

static void test_alone(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *row = add_local(&f.parts[0], "", "1", "web");
    give(row, TIER_CGROUP, GROUP_TCP);
    put(&f.parts[0], row, POINT_TCP, "listen", 2);
    put(&f.parts[0], row, POINT_TCP, "established", 0);
    const struct container_row *merged = merge_one(&f, 1);
    assert_int_equal(merged->point_count, 2);
    assert_int_equal(find(merged, POINT_TCP, "listen")->value, 2);
    assert_int_equal(find(merged, POINT_TCP, "established")->value, 0);
    end(&f);
}

/* Each group's from whoever gives the group, none twice. */
static void test_by_group(void **state)
{
    (void)state;
    for (unsigned turned = 0; turned < 2; turned++) {
        struct fixture f = {0};
        struct container_row *engine = add_local(&f.parts[turned], "e", "1", "web");
        give(engine, TIER_ENGINE, GROUP_LIFE);
        engine->knowledge = KNOWS_ALL;
        put(&f.parts[turned], engine, POINT_HEALTH_STATE, "healthy", 1);
        struct container_row *kernel = add_local(&f.parts[1 - turned], "", "1", NULL);
        give(kernel, TIER_CGROUP, GROUP_TCP);
        give(kernel, TIER_CGROUP, GROUP_UDP);
        put(&f.parts[1 - turned], kernel, POINT_TCP, "listen", 3);
        put(&f.parts[1 - turned], kernel, POINT_UDP, "listen", 4);
        const struct container_row *merged = merge_one(&f, 2);
        assert_int_equal(merged->point_count, 3);
        assert_int_equal(find(merged, POINT_HEALTH_STATE, "healthy")->value, 1);
        assert_int_equal(find(merged, POINT_TCP, "listen")->value, 3);
        assert_int_equal(find(merged, POINT_UDP, "listen")->value, 4);
        end(&f);
    }
}

static void test_the_stronger_gives_all_of_a_group(void **state)
{
    (void)state;
    for (unsigned yields = 0; yields < 2; yields++) {
        struct fixture f = {0};
        struct container_row *first = add_local(&f.parts[0], "", "1", "web");
        give(first, TIER_CGROUP, GROUP_TCP);
        put(&f.parts[0], first, POINT_TCP, "listen", 1);
        first->yields = yields ? GROUP_BIT(GROUP_TCP) : 0;
        struct container_row *second = add_local(&f.parts[1], "", "1", "web");
        give(second, TIER_SIMULATED, GROUP_TCP);
        put(&f.parts[1], second, POINT_TCP, "listen", 9);
        put(&f.parts[1], second, POINT_TCP, "closing", 9);
        const struct container_row *merged = merge_one(&f, 2);
        assert_int_equal(merged->point_count, yields ? 2 : 1);
        assert_int_equal(find(merged, POINT_TCP, "listen")->value, yields ? 9 : 1);
        end(&f);
    }
}

static void test_kills_are_told_by_who_knows_best(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *kernel = add_local(&f.parts[0], "", "1", "web");
    kernel->knowledge = KNOWS_ALIVE;
    give(kernel, TIER_CGROUP, GROUP_OOM);
    row_set(kernel, CONTAINER_OOM_KILLS, 1);
    kernel->kills_read_ns = 5;
    struct container_row *engine = add_local(&f.parts[1], "e", "1", "web");
    engine->knowledge = KNOWS_ALL;
    engine->kills_heard = true;
    engine->kills_told = 2;
    engine->kills_told_ns = 7;
    const struct container_row *merged = merge_one(&f, 2);
    assert_true(merged->kills_heard);
    assert_int_equal(merged->kills_told, 2);
    assert_int_equal(merged->kills_told_ns, 7);
    assert_int_equal(merged->kills_read_ns, 5);
    assert_int_equal(merged->values[CONTAINER_OOM_KILLS], 1);
    end(&f);

    f = (struct fixture){0};
    engine = add_local(&f.parts[0], "e", "1", "web");
    engine->knowledge = KNOWS_ALL;
    engine->kills_told = 2;
    kernel = add_local(&f.parts[1], "", "1", "web");
    give(kernel, TIER_CGROUP, GROUP_OOM);
    kernel->kills_read_ns = 5;
    merged = merge_one(&f, 2);
    assert_int_equal(merged->kills_told, 2);
    assert_int_equal(merged->kills_read_ns, 5);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_by_group),
        cmocka_unit_test(test_the_stronger_gives_all_of_a_group),
        cmocka_unit_test(test_kills_are_told_by_who_knows_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
