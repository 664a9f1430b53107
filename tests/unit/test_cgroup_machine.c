/* What it knows: the machine comes out of the cgroup tier as it was read, with all its labels, and
 * what is not wanted does not. Document: docs/ARCHITECTURE.md, "The cgroup tier". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "cgroup_fixture.h"

#define CPU "sys/devices/system/cpu/cpu0/"

static void put_machine(struct kernel_tier *t)
{
    put(&t->f, "0\n", "sys/devices/system/cpu/online");
    put(&t->f, "0\n", CPU "topology/physical_package_id");
    put(&t->f, "3\n", CPU "topology/core_id");
    put(&t->f, "0\n", CPU "topology/thread_siblings_list");
    put(&t->f, "Data\n", CPU "cache/index0/type");
    put(&t->f, "1\n", CPU "cache/index0/level");
    put(&t->f, "48K\n", CPU "cache/index0/size");
    put(&t->f, "0\n", CPU "cache/index0/shared_cpu_list");
    put(&t->f, "Unified\n", CPU "cache/index1/type");
    put(&t->f, "3\n", CPU "cache/index1/level");
    put(&t->f, "4096K\n", CPU "cache/index1/size");
    put(&t->f, "0\n", CPU "cache/index1/shared_cpu_list");
    put(&t->f, "0\n", "sys/devices/system/node/node2/cpulist");
    put(&t->f, "0f5bbd57-0d0f-4c53-a67b-1a4b2f4b6d29\n", "proc/sys/kernel/random/boot_id");
    put(&t->f, "1f862619-ba9f-4526-8f85-eceaf0c97430\n", "sys/class/dmi/id/product_uuid");
}

static const struct point *find(const struct kernel_tier *t, enum agent_metric metric, size_t nth)
{
    for (size_t i = 0; i < t->part.point_count; i++)
        if (t->part.points[i].metric == metric && nth-- == 0)
            return &t->part.points[i];
    return NULL;
}

static void check_cache(const struct kernel_tier *t, size_t nth, uint64_t bytes,
                        const char *const labels[4])
{
    const struct point *p = find(t, AGENT_MACHINE_CACHE, nth);
    assert_non_null(p);
    assert_int_equal(p->value, bytes);
    assert_string_equal(p->labels[0], "0f5bbd57-0d0f-4c53-a67b-1a4b2f4b6d29");
    assert_string_equal(p->labels[2], "1f862619-ba9f-4526-8f85-eceaf0c97430");
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(p->labels[3 + i], labels[i]);
}

static void test_all(void **state)
{
    struct kernel_tier *t = *state;
    put_machine(t);
    t->options.groups = GROUPS_DEFAULT | GROUP_BIT(GROUP_TOPOLOGY);
    for (unsigned round = 0; round < 3; round++) {
        tier_round(t, 200 * round); /* as it was read, and once anew */
        check_cache(t, 0, 48 * 1024, (const char *const[]){"3", "1", "2", "Data"});
        check_cache(t, 1, 4096 * 1024, (const char *const[]){"", "3", "2", "Unified"});
        assert_null(find(t, AGENT_MACHINE_CACHE, 2));
        assert_int_equal(find(t, AGENT_MACHINE_SIBLINGS, 0)->value, 1);
        assert_int_equal(find(t, AGENT_MACHINE_PHYSICAL_CORES, 0)->value, 1);
        assert_int_equal(find(t, AGENT_MACHINE_SOCKETS, 0)->value, 1);
        assert_null(find(t, AGENT_MACHINE_SOCKETS, 1));
        assert_int_equal(find(t, AGENT_MACHINE_CORES, 0)->value, 1);
        assert_int_equal(tier_row(t, "/")->cpus, 1);
    }
}

static void test_default(void **state)
{
    struct kernel_tier *t = *state;
    put_machine(t);
    tier_round(t, 0);
    assert_null(find(t, AGENT_MACHINE_CACHE, 0));
    assert_null(find(t, AGENT_MACHINE_SIBLINGS, 0));
    assert_non_null(find(t, AGENT_MACHINE_SOCKETS, 0));
    assert_true(text_equal(find(t, AGENT_MACHINE_CORES, 0)->labels[2],
                           "1f862619-ba9f-4526-8f85-eceaf0c97430"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TIER_1(test_all), TIER_2(test_all), TIER_2(test_default)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
