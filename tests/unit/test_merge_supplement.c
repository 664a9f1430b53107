/* Values that the giver of a group may not give, because its source is another counter, come from
 * the next tier that may; values it may give and has not stay absent, since a group is one read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "merge_fixture.h"

#define FROM_FIRST  1000 /* values of the first row begin here */
#define FROM_SECOND 2000

/* Two real tiers in either order, on either cgroup version. */
static const struct order {
    enum tier first, second;
    unsigned version;
    unsigned first_column, second_column;
} orders[] = {
    {TIER_ENGINE, TIER_CGROUP, 1, TIERS_E1, TIERS_C1},
    {TIER_ENGINE, TIER_CGROUP, 2, TIERS_E2, TIERS_C2},
    {TIER_CGROUP, TIER_ENGINE, 1, TIERS_C1, TIERS_E1},
    {TIER_CGROUP, TIER_ENGINE, 2, TIERS_C2, TIERS_E2},
};
#define ORDERS (sizeof orders / sizeof orders[0])

/* A row with every value that `column` lets its tier give, in every group of which it has one. */
static struct container_row *add_full(struct part *part, enum tier tier, unsigned column,
                                      uint64_t first_value)
{
    struct container_row *row = add_local(part, "", "1", "web");
    for (unsigned m = 0; m < CONTAINER_METRICS; m++) {
        if (!(container_metrics[m].tiers & column) || container_metrics[m].group == GROUP_NONE)
            continue;
        give(row, tier, container_metrics[m].group);
        row_set(row, m, first_value + m);
    }
    return row;
}

static bool is_given_by(unsigned m, unsigned column)
{
    return (container_metrics[m].tiers & column) != 0;
}

/* The first that has a value of the group, of those that a row itself holds. */
static enum tier giver_of(const struct order *o, enum metric_group group)
{
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (container_metrics[m].group == group && is_given_by(m, o->first_column))
            return o->first;
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (container_metrics[m].group == group && is_given_by(m, o->second_column))
            return o->second;
    return TIER_NONE;
}

static void test_every_value_from_the_first_that_may(void **state)
{
    (void)state;
    for (size_t i = 0; i < ORDERS; i++) {
        const struct order *o = &orders[i];
        struct fixture f = {0};
        add_full(&f.parts[0], o->first, o->first_column, FROM_FIRST)->cgroup_version = o->version;
        add_full(&f.parts[1], o->second, o->second_column, FROM_SECOND)->cgroup_version =
            o->version;
        const struct container_row *row = merge_one(&f, 2);
        size_t added = 0;
        for (unsigned m = 0; m < CONTAINER_METRICS; m++) {
            bool first = is_given_by(m, o->first_column);
            bool second = is_given_by(m, o->second_column);
            if (container_metrics[m].group == GROUP_NONE)
                continue;
            assert_int_equal(row_has(row, m), first || second);
            if (row_has(row, m))
                assert_int_equal(row->values[m], (first ? FROM_FIRST : FROM_SECOND) + m);
            added += second && !first;
        }
        /* The kernel's files have what no engine has, and an engine knows how a container does. */
        assert_true(added > 0);
        for (enum metric_group g = 0; g < GROUP_COUNT; g++)
            assert_int_equal(row->tiers[g], giver_of(o, g));
        end(&f);
    }
}

static void test_what_it_may_give_and_has_not_stays_absent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ORDERS; i++) {
        const struct order *o = &orders[i];
        for (unsigned missing = 0; missing < CONTAINER_METRICS; missing++) {
            struct fixture f = {0};
            struct container_row *a = add_full(&f.parts[0], o->first, o->first_column, FROM_FIRST);
            a->cgroup_version = o->version;
            if (!row_has(a, missing)) {
                part_done(&f.parts[0]);
                continue;
            }
            a->present &= ~CONTAINER_BIT(missing);
            (void)add_full(&f.parts[1], o->second, o->second_column, FROM_SECOND);
            assert_false(row_has(merge_one(&f, 2), missing));
            end(&f);
        }
    }
}

static void test_nothing_is_added_where_nothing_is(void **state)
{
    (void)state;
    struct fixture f = {0};
    add_full(&f.parts[0], TIER_ENGINE, TIERS_E2, FROM_FIRST)->cgroup_version = 2;
    struct container_row *b = add_local(&f.parts[1], "", "1", "web");
    give(b, TIER_CGROUP, GROUP_MEMORY);
    b->values[CONTAINER_MEMORY_SWAP] = 7; /* not present, so it does not count */
    b->absent[GROUP_CPU] = REASON_NO_CONTROLLER;
    const struct container_row *row = merge_one(&f, 2);
    assert_false(row_has(row, CONTAINER_MEMORY_SWAP));
    assert_false(row_has(row, CONTAINER_CPU_BURST));
    assert_int_equal(row->tiers[GROUP_CPU], TIER_ENGINE);
    assert_int_equal(row->absent[GROUP_CPU], REASON_NONE);
    end(&f);
}

/* The engine's row does not say which version its host has; the kernel's does. */
static void test_version_of_either_row(void **state)
{
    (void)state;
    static const struct {
        unsigned first, second;
        bool added; /* the engine has a fail count of its own on v1 alone */
    } cases[] = {{1, 1, false}, {2, 2, true}, {0, 1, false}, {0, 2, true}, {2, 0, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = {0};
        struct container_row *a = add_local(&f.parts[0], "", "1", "web");
        give(a, TIER_ENGINE, GROUP_MEMORY);
        a->cgroup_version = cases[i].first;
        struct container_row *b = add_local(&f.parts[1], "", "1", "web");
        give(b, TIER_CGROUP, GROUP_MEMORY);
        row_set(b, CONTAINER_MEMORY_FAILCNT, 3);
        b->cgroup_version = cases[i].second;
        const struct container_row *row = merge_one(&f, 2);
        assert_int_equal(row_has(row, CONTAINER_MEMORY_FAILCNT), cases[i].added);
        assert_int_equal(row->cgroup_version, cases[i].first ? cases[i].first : cases[i].second);
        end(&f);
    }
}

static void test_no_limit_is_added_as_none(void **state)
{
    (void)state;
    struct fixture f = {0};
    give(add_local(&f.parts[0], "", "1", "web"), TIER_SIMULATED, GROUP_SPEC);
    struct container_row *b = add_local(&f.parts[1], "", "1", "web");
    give(b, TIER_CGROUP, GROUP_SPEC);
    row_set_unlimited(b, CONTAINER_SPEC_MEMORY_RESERVATION);
    const struct container_row *row = merge_one(&f, 2);
    assert_true(row_has(row, CONTAINER_SPEC_MEMORY_RESERVATION));
    assert_true(row_is_unlimited(row, CONTAINER_SPEC_MEMORY_RESERVATION));
    end(&f);
}

/* `names` interfaces, each with the values of `present`, counted from `first_value` on. */
static void add_interfaces(struct part *part, struct container_row *row, const char *const names[],
                           uint64_t present, uint64_t first_value)
{
    size_t count = 0;
    while (names[count])
        count++;
    row->interfaces = arena_alloc(&part->arena, count * sizeof *row->interfaces);
    row->interface_count = count;
    for (size_t i = 0; i < count; i++) {
        row->interfaces[i] = (struct interface_row){.name = arena_string(&part->arena, names[i]),
                                                    .present = present};
        for (unsigned m = 0; m < INTERFACE_METRICS; m++)
            row->interfaces[i].values[m] = first_value + i * 100 + m;
    }
}

static uint64_t interface_bits(unsigned column)
{
    uint64_t bits = 0;
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        if (interface_metrics[m].tiers & column)
            bits |= UINT64_C(1) << m;
    return bits;
}

static void test_interfaces(void **state)
{
    (void)state;
    const uint64_t errors = UINT64_C(1) << INTERFACE_RX_ERRORS | UINT64_C(1) << INTERFACE_TX_ERRORS;
    for (unsigned version = 1; version <= 2; version++) {
        struct fixture f = {0};
        struct container_row *a = add_local(&f.parts[0], "", "1", "web");
        struct container_row *b = add_local(&f.parts[1], "", "1", "web");
        uint64_t of_engine = interface_bits(version == 1 ? TIERS_E1 : TIERS_E2);
        assert_int_equal(of_engine & errors, 0);
        a->cgroup_version = version;
        give(a, TIER_ENGINE, GROUP_NETWORK);
        give(b, TIER_CGROUP, GROUP_NETWORK);
        of_engine &= ~(UINT64_C(1) << INTERFACE_TX_DROPPED); /* it may give that, and has not */
        add_interfaces(&f.parts[0], a, (const char *const[]){"eth1", "eth0", "eth2", NULL},
                       of_engine, FROM_FIRST);
        add_interfaces(&f.parts[1], b, (const char *const[]){"eth0", "eth1", "eth9", NULL},
                       UINT64_MAX >> (64 - INTERFACE_METRICS), FROM_SECOND);
        const struct container_row *row = merge_one(&f, 2);
        assert_int_equal(row->tiers[GROUP_NETWORK], TIER_ENGINE);
        assert_int_equal(row->interface_count, 3); /* which there are, one read says */
        const struct interface_row *eth1 = &row->interfaces[0];
        const struct interface_row *eth0 = &row->interfaces[1];
        const struct interface_row *eth2 = &row->interfaces[2];
        assert_string_equal(eth1->name, "eth1");
        assert_int_equal(eth1->present, of_engine | errors);
        assert_int_equal(eth1->values[INTERFACE_RX_BYTES], FROM_FIRST + INTERFACE_RX_BYTES);
        assert_int_equal(eth1->values[INTERFACE_RX_ERRORS],
                         FROM_SECOND + 100 + INTERFACE_RX_ERRORS);
        assert_string_equal(eth0->name, "eth0");
        assert_int_equal(eth0->present, of_engine | errors);
        assert_int_equal(eth0->values[INTERFACE_TX_BYTES], FROM_FIRST + 100 + INTERFACE_TX_BYTES);
        assert_int_equal(eth0->values[INTERFACE_TX_ERRORS], FROM_SECOND + INTERFACE_TX_ERRORS);
        assert_string_equal(eth2->name, "eth2");
        assert_int_equal(eth2->present, of_engine); /* nobody else knows it */
        end(&f);
    }
}

/* Where the kernel's files come first they have everything. */
static void test_interfaces_in_the_light_order(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a = add_local(&f.parts[0], "", "1", "web");
    struct container_row *b = add_local(&f.parts[1], "", "1", "web");
    give(a, TIER_CGROUP, GROUP_NETWORK);
    give(b, TIER_ENGINE, GROUP_NETWORK);
    add_interfaces(&f.parts[0], a, (const char *const[]){"eth0", NULL}, interface_bits(TIERS_C2),
                   FROM_FIRST);
    add_interfaces(&f.parts[1], b, (const char *const[]){"eth0", "eth1", NULL},
                   interface_bits(TIERS_E2), FROM_SECOND);
    const struct container_row *row = merge_one(&f, 2);
    assert_int_equal(row->interface_count, 1);
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        assert_int_equal(row->interfaces[0].values[m], FROM_FIRST + m);
    end(&f);
}

/* `count` devices 8:0, 8:1, ..., from the last to the first where `backwards`. */
static void add_devices(struct part *part, struct container_row *row, uint32_t count,
                        bool backwards, uint64_t present, uint64_t first_value)
{
    row->devices = arena_alloc(&part->arena, count * sizeof *row->devices);
    row->device_count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t minor = backwards ? count - 1 - i : i;
        row->devices[i] = (struct device_row){.name = arena_format(&part->arena, "8:%u", minor),
                                              .major = 8,
                                              .minor = minor,
                                              .present = present};
        for (unsigned m = 0; m < DEVICE_METRICS; m++)
            row->devices[i].values[m] = first_value + minor * 100 + m;
    }
}

static uint64_t device_bits(unsigned column)
{
    uint64_t bits = 0;
    for (unsigned m = 0; m < DEVICE_METRICS; m++)
        if (device_metrics[m].tiers & column)
            bits |= UINT64_C(1) << m;
    return bits;
}

/* Operation counts on v2: the engine leaves them out, io.stat has them. */
static void test_devices(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a = add_local(&f.parts[0], "", "1", "web");
    struct container_row *b = add_local(&f.parts[1], "", "1", "web");
    const uint64_t of_engine = device_bits(TIERS_E2) & ~(UINT64_C(1) << DEVICE_WRITE_BYTES);
    const uint64_t more = device_bits(TIERS_C2) & ~device_bits(TIERS_E2);
    assert_true((more >> DEVICE_READS) & (more >> DEVICE_WRITES) & 1);
    a->cgroup_version = 2;
    give(a, TIER_ENGINE, GROUP_BLOCK_IO);
    give(b, TIER_CGROUP, GROUP_BLOCK_IO);
    add_devices(&f.parts[0], a, 2, false, of_engine, FROM_FIRST);
    add_devices(&f.parts[1], b, 3, true, device_bits(TIERS_C2), FROM_SECOND);
    b->devices[2].major = 9; /* 9:0 is another device than 8:0 */
    const struct container_row *row = merge_one(&f, 2);
    assert_int_equal(row->tiers[GROUP_BLOCK_IO], TIER_ENGINE);
    assert_int_equal(row->device_count, 2);
    assert_string_equal(row->devices[0].name, "8:0");
    assert_int_equal(row->devices[0].present, of_engine);
    assert_string_equal(row->devices[1].name, "8:1");
    assert_int_equal(row->devices[1].present, of_engine | more);
    assert_int_equal(row->devices[1].values[DEVICE_READ_BYTES],
                     FROM_FIRST + 100 + DEVICE_READ_BYTES);
    assert_int_equal(row->devices[1].values[DEVICE_READS], FROM_SECOND + 100 + DEVICE_READS);
    assert_int_equal(row->devices[1].values[DEVICE_WRITES], FROM_SECOND + 100 + DEVICE_WRITES);
    end(&f);
}

/* On v1 the engine has none of it: the whole group is the kernel's. */
static void test_devices_of_v1(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a = add_local(&f.parts[0], "", "1", "web");
    struct container_row *b = add_local(&f.parts[1], "", "1", "web");
    a->cgroup_version = 1;
    a->absent[GROUP_BLOCK_IO] = REASON_NOT_GIVEN;
    give(b, TIER_CGROUP, GROUP_BLOCK_IO);
    add_devices(&f.parts[1], b, 2, false, device_bits(TIERS_C1), FROM_SECOND);
    const struct container_row *row = merge_one(&f, 2);
    assert_int_equal(row->tiers[GROUP_BLOCK_IO], TIER_CGROUP);
    assert_int_equal(row->absent[GROUP_BLOCK_IO], REASON_NONE);
    assert_int_equal(row->device_count, 2);
    assert_int_equal(row->devices[1].present, device_bits(TIERS_C1));
    assert_int_equal(row->devices[1].values[DEVICE_USAGE_SYNC],
                     FROM_SECOND + 100 + DEVICE_USAGE_SYNC);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_from_the_first_that_may),
        cmocka_unit_test(test_what_it_may_give_and_has_not_stays_absent),
        cmocka_unit_test(test_nothing_is_added_where_nothing_is),
        cmocka_unit_test(test_version_of_either_row),
        cmocka_unit_test(test_no_limit_is_added_as_none),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_interfaces_in_the_light_order),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_devices_of_v1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
