/* Sums, points, last seen, and what a steady round costs. */
#include "base/alloc.h"
#include "base/clock.h"
#include "collectors/derive.h"
#include "count_malloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REALTIME  (UINT64_C(1700000000123456789))
#define BIT(x)    (UINT64_C(1) << (x))
#define STEADY    1000 /* containers of a steady round */
#define NO_POINTS SIZE_MAX

struct fixture {
    struct derive *derive;
    struct arena arena;
    struct identity *identity;
    struct container_row row;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.derive = derive_new(GROUPS_ALL), .identity = identity_new("e", "id")};
    f.row = (struct container_row){.identity = f.identity, .state = STATE_RUNNING};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    derive_free(f->derive);
    identity_unref(f->identity);
    arena_done(&f->arena);
    return 0;
}

static void derive(struct fixture *f)
{
    derive_row(f->derive, &f->row, &f->arena, REALTIME, 4);
}

/* The row has this value. */
static void assert_value(const struct fixture *f, enum container_metric metric, uint64_t value)
{
    assert_true(row_has(&f->row, metric));
    assert_false(row_is_unlimited(&f->row, metric));
    assert_int_equal(f->row.values[metric], value);
}

static void assert_absent(const struct fixture *f, enum container_metric metric)
{
    assert_false(row_has(&f->row, metric));
}

static void memory_is_usage_less_inactive_file(void **state)
{
    struct fixture *f = *state;
    row_set(&f->row, CONTAINER_MEMORY_USAGE, 1000);
    row_set(&f->row, CONTAINER_MEMORY_INACTIVE_FILE, 300);
    derive(f);
    assert_value(f, CONTAINER_SUM_MEMORY_USAGE, 700);
}

static void memory_is_usage_where_inactive_file_is_as_large(void **state)
{
    struct fixture *f = *state;
    row_set(&f->row, CONTAINER_MEMORY_USAGE, 1000);
    row_set(&f->row, CONTAINER_MEMORY_INACTIVE_FILE, 1000);
    derive(f);
    assert_value(f, CONTAINER_SUM_MEMORY_USAGE, 1000);
}

static void memory_is_usage_where_inactive_file_is_not_given(void **state)
{
    struct fixture *f = *state;
    row_set(&f->row, CONTAINER_MEMORY_USAGE, 1000);
    derive(f);
    assert_value(f, CONTAINER_SUM_MEMORY_USAGE, 1000);
}

static void memory_is_absent_without_usage(void **state)
{
    struct fixture *f = *state;
    row_set(&f->row, CONTAINER_MEMORY_INACTIVE_FILE, 300);
    derive(f);
    assert_absent(f, CONTAINER_SUM_MEMORY_USAGE);
}

static void network_is_summed_over_interfaces(void **state)
{
    struct fixture *f = *state;
    struct interface_row interfaces[2] = {{.name = "eth0"}, {.name = "eth1"}};
    for (size_t i = 0; i < 2; i++) {
        interfaces[i].present = BIT(INTERFACE_RX_BYTES) | BIT(INTERFACE_TX_BYTES);
        interfaces[i].values[INTERFACE_RX_BYTES] = 10 + i;
        interfaces[i].values[INTERFACE_TX_BYTES] = 100 + i;
    }
    f->row.tiers[GROUP_NETWORK] = TIER_CGROUP;
    f->row.interfaces = interfaces;
    f->row.interface_count = 2;
    derive(f);
    assert_value(f, CONTAINER_SUM_NETWORK_RECEIVE, 21);
    assert_value(f, CONTAINER_SUM_NETWORK_TRANSMIT, 201);
}

static void network_without_interfaces_is_zero(void **state)
{
    struct fixture *f = *state;
    f->row.tiers[GROUP_NETWORK] = TIER_ENGINE;
    derive(f);
    assert_value(f, CONTAINER_SUM_NETWORK_RECEIVE, 0);
    assert_value(f, CONTAINER_SUM_NETWORK_TRANSMIT, 0);
}

static void network_that_nobody_gave_is_absent(void **state)
{
    struct fixture *f = *state;
    f->row.absent[GROUP_NETWORK] = REASON_HOST_NETWORK;
    derive(f);
    assert_absent(f, CONTAINER_SUM_NETWORK_RECEIVE);
    assert_absent(f, CONTAINER_SUM_NETWORK_TRANSMIT);
}

static void interface_without_the_value_makes_its_sum_absent(void **state)
{
    struct fixture *f = *state;
    struct interface_row interfaces[2] = {{.name = "eth0"}, {.name = "eth1"}};
    interfaces[0].present = BIT(INTERFACE_RX_BYTES) | BIT(INTERFACE_TX_BYTES);
    interfaces[0].values[INTERFACE_TX_BYTES] = 5;
    interfaces[1].present = BIT(INTERFACE_TX_BYTES);
    interfaces[1].values[INTERFACE_TX_BYTES] = 6;
    f->row.tiers[GROUP_NETWORK] = TIER_ENGINE;
    f->row.interfaces = interfaces;
    f->row.interface_count = 2;
    derive(f);
    assert_absent(f, CONTAINER_SUM_NETWORK_RECEIVE);
    assert_value(f, CONTAINER_SUM_NETWORK_TRANSMIT, 11);
}

static void sums_past_64_bits_are_absent(void **state)
{
    struct fixture *f = *state;
    struct interface_row interfaces[2] = {{.name = "eth0"}, {.name = "eth1"}};
    for (size_t i = 0; i < 2; i++) {
        interfaces[i].present = BIT(INTERFACE_RX_BYTES) | BIT(INTERFACE_TX_BYTES);
        interfaces[i].values[INTERFACE_RX_BYTES] = UINT64_MAX;
    }
    f->row.tiers[GROUP_NETWORK] = TIER_ENGINE;
    f->row.interfaces = interfaces;
    f->row.interface_count = 2;
    derive(f);
    assert_absent(f, CONTAINER_SUM_NETWORK_RECEIVE);
    assert_value(f, CONTAINER_SUM_NETWORK_TRANSMIT, 0);
}

static void block_io_is_summed_and_a_missing_operation_is_zero(void **state)
{
    struct fixture *f = *state;
    struct device_row devices[2] = {{.name = "/dev/sda"}, {.name = "/dev/sdb"}};
    devices[0].present = BIT(DEVICE_READ_BYTES) | BIT(DEVICE_WRITE_BYTES);
    devices[0].values[DEVICE_READ_BYTES] = 4096;
    devices[0].values[DEVICE_WRITE_BYTES] = 8192;
    devices[1].present = BIT(DEVICE_WRITE_BYTES);
    devices[1].values[DEVICE_READ_BYTES] = 77; /* not present, so it does not count */
    devices[1].values[DEVICE_WRITE_BYTES] = 1;
    f->row.tiers[GROUP_BLOCK_IO] = TIER_ENGINE;
    f->row.devices = devices;
    f->row.device_count = 2;
    derive(f);
    assert_value(f, CONTAINER_SUM_BLOCK_READ, 4096);
    assert_value(f, CONTAINER_SUM_BLOCK_WRITE, 8193);
}

static void block_io_that_nobody_gave_is_absent(void **state)
{
    struct fixture *f = *state;
    f->row.absent[GROUP_BLOCK_IO] = REASON_ACCOUNTING_OFF;
    derive(f);
    assert_absent(f, CONTAINER_SUM_BLOCK_READ);
    assert_absent(f, CONTAINER_SUM_BLOCK_WRITE);
}

static void last_seen_is_for_live_states_only(void **state)
{
    for (enum container_state s = STATE_UNKNOWN; s < STATE_COUNT; s++) {
        struct fixture *f = *state;
        f->row = (struct container_row){.identity = f->identity, .state = s};
        derive(f);
        if (s == STATE_RUNNING || s == STATE_PAUSED)
            assert_value(f, CONTAINER_LAST_SEEN, UINT64_C(1700000000123));
        else
            assert_absent(f, CONTAINER_LAST_SEEN);
    }
}

/* Whoever gave the row: an identity says when its container was made and started, while it runs. */
static void times_come_from_the_identity(void **state)
{
    for (enum container_state s = STATE_UNKNOWN; s < STATE_COUNT; s++) {
        struct fixture *f = *state;
        f->identity->created_ns = UINT64_C(1600000000999999999);
        f->identity->started_ns = UINT64_C(1650000000000000001);
        f->row = (struct container_row){.identity = f->identity, .state = s};
        derive(f);
        if (!state_is_live(s)) {
            assert_absent(f, CONTAINER_CREATED);
            assert_absent(f, CONTAINER_STARTED);
            continue;
        }
        assert_value(f, CONTAINER_CREATED, UINT64_C(1600000000999));
        assert_value(f, CONTAINER_STARTED, UINT64_C(1650000000000));
    }
}

static void unknown_times_are_absent(void **state)
{
    struct fixture *f = *state;
    f->identity->created_ns = UINT64_C(1600000000000000000);
    derive(f);
    assert_value(f, CONTAINER_CREATED, UINT64_C(1600000000000));
    assert_absent(f, CONTAINER_STARTED); /* the kernel does not say when */
    f->identity->created_ns = 0;
    f->identity->started_ns = UINT64_C(1650000000000000000);
    f->row = (struct container_row){.identity = f->identity, .state = STATE_RUNNING};
    derive(f);
    assert_absent(f, CONTAINER_CREATED);
    assert_value(f, CONTAINER_STARTED, UINT64_C(1650000000000));
}

/* A tier that could not reach the container has said when it last did. */
static void last_seen_of_a_tier_stays(void **state)
{
    struct fixture *f = *state;
    row_set(&f->row, CONTAINER_LAST_SEEN, 5);
    derive(f);
    assert_value(f, CONTAINER_LAST_SEEN, 5);
}

/* Where the row has the point; NO_POINTS when it has not. */
static size_t find_point(const struct container_row *row, enum point_metric metric,
                         const char *first, const char *second)
{
    for (size_t i = 0; i < row->point_count; i++) {
        const struct point *p = &row->points[i];
        if (p->metric != metric || strcmp(p->labels[0], first) != 0)
            continue;
        if (second ? p->labels[1] && strcmp(p->labels[1], second) == 0 : !p->labels[1]) {
            assert_int_equal(p->value, 1);
            return i;
        }
    }
    return NO_POINTS;
}

static void state_and_tier_are_points(void **state)
{
    struct fixture *f = *state;
    f->row.state = STATE_PAUSED;
    for (enum metric_group g = 0; g < GROUP_COUNT; g++)
        f->row.tiers[g] = g == GROUP_CPU ? TIER_CGROUP : TIER_ENGINE;
    derive(f);
    assert_int_equal(f->row.point_count, 2);
    assert_int_equal(find_point(&f->row, POINT_STATE, "paused", NULL), 0);
    assert_int_equal(find_point(&f->row, POINT_TIER, "cgroup", NULL), 1);
}

static void stopped_container_has_its_state_alone(void **state)
{
    struct fixture *f = *state;
    f->row.state = STATE_EXITED;
    derive(f);
    assert_int_equal(f->row.point_count, 1);
    assert_int_equal(find_point(&f->row, POINT_STATE, "exited", NULL), 0);
    assert_true(f->row.present == 0);
}

static void unknown_state_has_no_points(void **state)
{
    struct fixture *f = *state;
    f->row.state = STATE_UNKNOWN;
    derive(f);
    assert_int_equal(f->row.point_count, 0);
}

static void absent_groups_of_a_live_container_say_why(void **state)
{
    struct fixture *f = *state;
    f->row.tiers[GROUP_CPU] = TIER_ENGINE;
    f->row.tiers[GROUP_MEMORY] = TIER_ENGINE;
    f->row.absent[GROUP_NETWORK] = REASON_HOST_NETWORK;
    f->row.absent[GROUP_BLOCK_IO] = REASON_TIMEOUT;
    f->row.absent[GROUP_SPEC] = REASON_TIMEOUT; /* nothing is said of limits */
    derive(f);
    size_t wanted_groups = GROUP_COUNT - 3; /* nothing is said of limits, life and OOM kills */
    assert_int_equal(f->row.point_count, 2 + wanted_groups - 2);
    assert_true(find_point(&f->row, POINT_ABSENT, "network", "host_network") != NO_POINTS);
    assert_true(find_point(&f->row, POINT_ABSENT, "diskIO", "timeout") != NO_POINTS);
    /* A tier that gave no reason did not have the values. */
    assert_true(find_point(&f->row, POINT_ABSENT, "pids", "not_given") != NO_POINTS);
    assert_true(find_point(&f->row, POINT_ABSENT, "pressure", "not_given") != NO_POINTS);
}

static void points_of_the_row_stay(void **state)
{
    struct fixture *f = *state;
    struct point own = {.metric = POINT_ABSENT, .value = 1, .labels = {"pressure", "not_given"}};
    f->row.state = STATE_CREATED;
    f->row.points = &own;
    f->row.point_count = 1;
    derive(f);
    assert_int_equal(f->row.point_count, 2);
    assert_int_equal(find_point(&f->row, POINT_ABSENT, "pressure", "not_given"), 0);
    assert_int_equal(find_point(&f->row, POINT_STATE, "created", NULL), 1);
}

/* A round of `STEADY` containers, `number` seconds after the first. */
static void steady_round(struct derive *d, struct identity *identities[], struct arena *arena,
                         uint64_t number)
{
    struct device_row device = {.name = "/dev/sda"};
    arena_reset(arena);
    for (size_t i = 0; i < STEADY; i++) {
        struct container_row row = {.identity = identities[i], .state = STATE_RUNNING};
        for (enum metric_group g = 0; g < GROUP_COUNT; g++)
            row.tiers[g] = TIER_ENGINE;
        row.cpu_sampled_ns = (number + 1) * NS_PER_SECOND;
        row_set(&row, CONTAINER_CPU_USAGE, number * i);
        row_set(&row, CONTAINER_MEMORY_USAGE, 1);
        row.devices = &device;
        row.device_count = 1;
        derive_row(d, &row, arena, REALTIME, 4);
        assert_int_equal(row_has(&row, CONTAINER_SUM_CPU_PERCENT), number > 0);
    }
    derive_end_round(d, (number + 1) * NS_PER_SECOND);
}

static void steady_round_allocates_nothing(void **state)
{
    (void)state;
    if (!COUNTS_MALLOC) {
        print_message("SKIP: the sanitizers bring an allocator of their own\n");
        skip();
    }
    struct derive *d = derive_new(GROUPS_ALL);
    struct arena arena = {0};
    static struct identity *identities[STEADY];
    for (size_t i = 0; i < STEADY; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "%zu", i);
        identities[i] = identity_new("e", id);
    }
    for (uint64_t number = 0; number < 3; number++) /* the arena takes two rounds to settle */
        steady_round(d, identities, &arena, number);
    size_t before = allocations;
    for (uint64_t number = 3; number < 400; number++)
        steady_round(d, identities, &arena, number);
    assert_int_equal(allocations - before, 0);
    free(alloc_bytes(1));
    assert_int_equal(allocations - before, 1); /* the counter counts */
    derive_free(d);
    arena_done(&arena);
    for (size_t i = 0; i < STEADY; i++)
        identity_unref(identities[i]);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(memory_is_usage_less_inactive_file),
        CASE(memory_is_usage_where_inactive_file_is_as_large),
        CASE(memory_is_usage_where_inactive_file_is_not_given),
        CASE(memory_is_absent_without_usage),
        CASE(network_is_summed_over_interfaces),
        CASE(network_without_interfaces_is_zero),
        CASE(network_that_nobody_gave_is_absent),
        CASE(interface_without_the_value_makes_its_sum_absent),
        CASE(sums_past_64_bits_are_absent),
        CASE(block_io_is_summed_and_a_missing_operation_is_zero),
        CASE(block_io_that_nobody_gave_is_absent),
        CASE(last_seen_is_for_live_states_only),
        CASE(times_come_from_the_identity),
        CASE(unknown_times_are_absent),
        CASE(last_seen_of_a_tier_stays),
        CASE(state_and_tier_are_points),
        CASE(stopped_container_has_its_state_alone),
        CASE(unknown_state_has_no_points),
        CASE(absent_groups_of_a_live_container_say_why),
        CASE(points_of_the_row_stay),
        cmocka_unit_test(steady_round_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
