/* What it knows: what a row must say for the recorded answers of Docker, and what may never be in
 * one whatever an engine answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_row_fixture.h"

static void test_docker_v1(void **state)
{
    (void)state;
    struct engine_facts facts = docker(1);
    struct engine_spec spec = spec_of("docker-20.10/inspect_web.json");
    struct engine_stats stats = stats_of("docker-20.10/stats_web.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_given(&row, GROUP_CPU);
    assert_value(&row, CONTAINER_CPU_USAGE, 658371351);
    assert_value(&row, CONTAINER_CPU_USER, 650000000);
    assert_value(&row, CONTAINER_CPU_SYSTEM, 0);
    assert_value(&row, CONTAINER_CPU_PERIODS, 66);
    assert_value(&row, CONTAINER_CPU_THROTTLED_PERIODS, 64);
    assert_value(&row, CONTAINER_CPU_THROTTLED, 5702838363);
    assert_given(&row, GROUP_MEMORY);
    assert_value(&row, CONTAINER_MEMORY_USAGE, 593920);
    assert_value(&row, CONTAINER_MEMORY_WORKING_SET, 593920);
    assert_value(&row, CONTAINER_MEMORY_RSS, 114688);
    assert_value(&row, CONTAINER_MEMORY_CACHE, 0);
    assert_value(&row, CONTAINER_MEMORY_MAX_USAGE, 3555328);
    assert_value(&row, CONTAINER_MEMORY_FAILCNT, 0); /* left out of the answer: it is zero */
    assert_value(&row, CONTAINER_MEMORY_PGFAULT, 1110);
    assert_value(&row, CONTAINER_MEMORY_TREE_PGFAULT, 1110);
    assert_value(&row, CONTAINER_MEMORY_FILE_DIRTY, 0);
    assert_absent(&row, CONTAINER_MEMORY_PGSCAN);
    assert_value(&row, CONTAINER_SUM_MEMORY_LIMIT, 67108864);
    assert_given(&row, GROUP_PIDS);
    assert_value(&row, CONTAINER_PIDS, 2);
    assert_value(&row, CONTAINER_PIDS_LIMIT, 50);
    assert_given(&row, GROUP_NETWORK);
    assert_string_equal(row.interfaces[0].name, "eth0");
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_BYTES), 586);
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_PACKETS), 7);
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_DROPPED), 0);
    assert_int_equal(interface_value(&row, 0, INTERFACE_TX_BYTES), 0);
    assert_int_equal(row.cpu_sampled_ns, 0);
}

static void test_docker_v2(void **state)
{
    (void)state;
    struct engine_facts facts = docker(2);
    struct engine_spec spec = {.nano_cpus = 500000000};
    struct engine_stats stats = stats_of("docker-28-cgroup2/stats.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_CPU_USAGE, 12345678000);
    assert_value(&row, CONTAINER_CPU_USER, 8230452000);
    assert_value(&row, CONTAINER_CPU_SYSTEM, 4115226000);
    assert_value(&row, CONTAINER_CPU_THROTTLED, 1234567000);
    assert_value(&row, CONTAINER_MEMORY_USAGE, 33554432);
    assert_value(&row, CONTAINER_MEMORY_WORKING_SET, 33554432 - 6291456);
    assert_value(&row, CONTAINER_MEMORY_RSS, 20971520);
    assert_value(&row, CONTAINER_MEMORY_CACHE, 10485760);
    assert_value(&row, CONTAINER_MEMORY_MAPPED_FILE, 4194304);
    assert_value(&row, CONTAINER_MEMORY_ACTIVE_FILE, 4194304);
    assert_value(&row, CONTAINER_MEMORY_INACTIVE_FILE, 6291456);
    assert_value(&row, CONTAINER_MEMORY_FILE_DIRTY, 8192);
    assert_value(&row, CONTAINER_MEMORY_FILE_WRITEBACK, 4096);
    assert_value(&row, CONTAINER_MEMORY_TREE_PGFAULT, 51234);
    assert_value(&row, CONTAINER_MEMORY_TREE_PGMAJFAULT, 17);
    assert_value(&row, CONTAINER_MEMORY_PGSCAN, 321);
    assert_value(&row, CONTAINER_MEMORY_PGSTEAL, 300);
    assert_absent(&row, CONTAINER_MEMORY_PGFAULT);
    assert_absent(&row, CONTAINER_MEMORY_FAILCNT); /* the engine's is another counter on v2 */
    assert_absent(&row, CONTAINER_MEMORY_MAX_USAGE);
    assert_value(&row, CONTAINER_SUM_MEMORY_LIMIT, 16624025600);
    assert_value(&row, CONTAINER_PIDS, 12);
    assert_unlimited(&row, CONTAINER_PIDS_LIMIT);
    assert_int_equal(row.device_count, 2);
    assert_string_equal(row.devices[0].name, "8:16");
    assert_string_equal(row.devices[1].name, "259:0");
    assert_int_equal(device_value(&row, 1, DEVICE_READ_BYTES), 1048576);
    assert_int_equal(device_value(&row, 1, DEVICE_WRITE_BYTES), 2097152);
    assert_int_equal(device_value(&row, 1, DEVICE_USAGE_READ), 1048576);
    assert_int_equal(device_value(&row, 1, DEVICE_USAGE_WRITE), 2097152);
    assert_int_equal(device_value(&row, 0, DEVICE_WRITE_BYTES), 0);
    assert_int_equal(interface_value(&row, 0, INTERFACE_TX_DROPPED), 2);
}

/* A stopped container (case 16) and a running one that could not be read (case 17). */
static void test_empty_answer(void **state)
{
    (void)state;
    struct engine_facts facts = docker(1);
    struct engine_spec spec = spec_of("docker-20.10/inspect_web.json");
    struct engine_stats stats = stats_of("docker-20.10/stats_made.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_given(&row, GROUP_SPEC);
    assert_missing(&row, GROUP_CPU, REASON_EMPTY_ANSWER);
    assert_missing(&row, GROUP_MEMORY, REASON_EMPTY_ANSWER);
    assert_missing(&row, GROUP_NETWORK, REASON_EMPTY_ANSWER);
    assert_missing(&row, GROUP_BLOCK_IO, REASON_EMPTY_ANSWER);
    assert_missing(&row, GROUP_PIDS, REASON_EMPTY_ANSWER);
    assert_missing(&row, GROUP_PRESSURE, REASON_EMPTY_ANSWER);
    assert_absent(&row, CONTAINER_CPU_USAGE);
    assert_absent(&row, CONTAINER_PIDS_LIMIT);
}

/* Case 10: a paused container uses no time, and still has all its values. */
static void test_paused(void **state)
{
    (void)state;
    struct engine_facts facts = docker(1);
    struct engine_spec spec = {0};
    struct engine_stats stats = stats_of("docker-20.10/stats_paused.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_CPU_USAGE, 35027055);
    assert_value(&row, CONTAINER_MEMORY_USAGE, 548864);
    assert_value(&row, CONTAINER_PIDS, 1);
    assert_unlimited(&row, CONTAINER_PIDS_LIMIT);
}

static void test_throttling_needs_a_quota(void **state)
{
    (void)state;
    struct engine_facts facts = docker(1);
    struct engine_stats stats = stats_of("docker-20.10/stats_lonely.json");
    struct engine_spec spec = {.cpu_quota_us = -1};
    struct container_row row = fill(&facts, &spec, &stats);
    assert_absent(&row, CONTAINER_CPU_PERIODS);
    assert_absent(&row, CONTAINER_CPU_THROTTLED);
    spec.cpu_quota_us = 50000;
    row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_CPU_PERIODS, 0);
}

static void test_memory_odds(void **state)
{
    (void)state;
    struct engine_facts facts = docker(2);
    struct engine_spec spec = {0};
    /* Less in use than inactive: the two were read one after the other. */
    struct engine_stats stats = stats_of("docker-28-cgroup2/stats_idle.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_MEMORY_USAGE, 4096);
    assert_value(&row, CONTAINER_MEMORY_WORKING_SET, 0);
    /* A kernel without the memory controller. */
    row = fill_plain(&facts, "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":5}},"
                             "\"memory_stats\":{},\"pids_stats\":{}}");
    assert_given(&row, GROUP_CPU);
    assert_missing(&row, GROUP_MEMORY, REASON_NOT_GIVEN);
    assert_missing(&row, GROUP_PIDS, REASON_NOT_GIVEN);
    assert_absent(&row, CONTAINER_PIDS_LIMIT);
    /* No map of details: no working set. */
    row = fill_plain(&facts, "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":5}},"
                             "\"memory_stats\":{\"usage\":7,\"failcnt\":1}}");
    assert_given(&row, GROUP_MEMORY);
    assert_absent(&row, CONTAINER_MEMORY_WORKING_SET);
    /* v1 keys say nothing on v2, and the other way round. */
    facts.info.cgroup_version = 0;
    row = fill_plain(&facts, "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":5}},"
                             "\"memory_stats\":{\"usage\":7,\"failcnt\":9,\"stats\":{\"anon\":1,"
                             "\"inactive_file\":2,\"pgscan\":3}}}");
    assert_absent(&row, CONTAINER_MEMORY_RSS);
    assert_absent(&row, CONTAINER_MEMORY_WORKING_SET);
    assert_value(&row, CONTAINER_MEMORY_FAILCNT, 9);
}

static void test_memory_limits(void **state)
{
    (void)state;
    struct engine_facts facts = docker(2);
    struct engine_spec spec = {.memory_bytes = 1000};
    struct engine_stats stats = {
        .memory_given = true, .memory_usage = {1, true}, .memory_limit = {UINT64_MAX, true}};
    struct container_row row = {0};
    engine_fill_stats(&facts, &spec, &stats, row_arena(), &row);
    assert_value(&row, CONTAINER_SUM_MEMORY_LIMIT, UINT64_C(16) << 30);
    /* The limit in force is the answer's, whichever comes first. */
    stats.memory_limit.value = 2000;
    row = (struct container_row){0};
    engine_fill_stats(&facts, &spec, &stats, row_arena(), &row);
    engine_fill_spec(&facts, &spec, &row);
    assert_value(&row, CONTAINER_SUM_MEMORY_LIMIT, 2000);
    row = (struct container_row){0};
    engine_fill_spec(&facts, &spec, &row);
    assert_value(&row, CONTAINER_SUM_MEMORY_LIMIT, 1000);
    engine_fill_stats(&facts, &spec, &stats, row_arena(), &row);
    assert_value(&row, CONTAINER_SUM_MEMORY_LIMIT, 2000);
    /* LONG_MAX rounded to a page of 64 KiB, on a host of unknown size. */
    facts.info.memory_bytes = 0;
    stats.memory_limit.value = UINT64_C(9223372036854710272);
    row = (struct container_row){0};
    engine_fill_stats(&facts, &spec, &stats, row_arena(), &row);
    assert_absent(&row, CONTAINER_SUM_MEMORY_LIMIT);
}

static void test_networks(void **state)
{
    (void)state;
    struct engine_facts facts = docker(1);
    static const struct {
        const char *inspect, *stats;
        enum reason reason;
    } cases[] = {
        {"docker-20.10/inspect_web.json", "docker-20.10/stats_web.json", REASON_NONE},
        {"docker-20.10/inspect_quota.json", "docker-20.10/stats_quota.json", REASON_HOST_NETWORK},
        /* Case 21: the same sandbox would be counted twice. */
        {"docker-20.10/inspect_guest.json", "docker-20.10/stats_guest.json", REASON_SHARED_NETWORK},
        {"docker-20.10/inspect_web.json", "docker-20.10/stats_lonely.json", REASON_NOT_GIVEN},
        {"podman-4.3/inspect_pnone.json", "podman-4.3/stats_pnone.json", REASON_NO_NETWORK},
        {"podman-4.3/inspect_pguest.json", "podman-4.3/stats_pguest.json", REASON_SHARED_NETWORK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine_spec spec = spec_of(cases[i].inspect);
        struct engine_stats stats = stats_of(cases[i].stats);
        struct container_row row = fill(&facts, &spec, &stats);
        if (cases[i].reason == REASON_NONE)
            assert_given(&row, GROUP_NETWORK);
        else
            assert_missing(&row, GROUP_NETWORK, cases[i].reason);
        assert_int_equal(row.interface_count, cases[i].reason == REASON_NONE);
    }
    struct container_row row =
        fill_plain(&facts, "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":5}},\"networks\":{}}");
    assert_missing(&row, GROUP_NETWORK, REASON_NOT_GIVEN);
}

static void test_pids_limits(void **state)
{
    (void)state;
    struct engine_facts facts = docker(2);
    struct engine_stats stats = {.pids = {3, true}};
    struct engine_spec spec = {.pids_limit = -1};
    struct container_row row = fill(&facts, &spec, &stats);
    assert_unlimited(&row, CONTAINER_PIDS_LIMIT);
    spec.pids_limit = 9;
    row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_PIDS_LIMIT, 9);
    stats.pids_limit = (struct maybe){8757, true}; /* the limit in force, as systemd set it */
    spec.pids_limit = 0;
    row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_PIDS_LIMIT, 8757);
    stats.pids_limit.value = UINT64_MAX;
    row = fill(&facts, &spec, &stats);
    assert_unlimited(&row, CONTAINER_PIDS_LIMIT);
}

static void test_engine_without_cgroups(void **state)
{
    (void)state;
    struct engine_facts facts = docker(2);
    facts.info.cgroup_driver = "none";
    facts.info.rootless = true;
    struct engine_spec spec = {0};
    struct engine_stats stats = stats_of("docker-28-cgroup2/stats.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_missing(&row, GROUP_CPU, REASON_NOT_GIVEN);
    assert_missing(&row, GROUP_MEMORY, REASON_NOT_GIVEN);
    assert_missing(&row, GROUP_BLOCK_IO, REASON_NOT_GIVEN);
    assert_missing(&row, GROUP_PIDS, REASON_NOT_GIVEN);
    assert_given(&row, GROUP_NETWORK); /* that is no matter of cgroups */
}

/* No engine has pressure: a group without values gets its reason, and that is the only one there
 * is. */
static void test_pressure_is_not_given(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        struct engine_facts facts = docker(version);
        struct engine_spec spec = {0};
        struct engine_stats stats = stats_of("docker-28-cgroup2/stats.json");
        struct container_row row = fill(&facts, &spec, &stats);
        assert_missing(&row, GROUP_PRESSURE, REASON_NOT_GIVEN);
        facts.info.cgroup_driver = "none";
        row = fill(&facts, &spec, &stats);
        assert_missing(&row, GROUP_PRESSURE, REASON_NOT_GIVEN);
    }
}

/* xorshift: the same numbers in every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static struct maybe random_maybe(uint64_t *seed)
{
    static const uint64_t edges[] = {0, 1, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
    uint64_t r = next_random(seed);
    bool edge = r % 3 == 0;
    return (struct maybe){.value = edge ? edges[r / 3 % 5] : next_random(seed) >> (r % 64),
                          .given = r % 7 != 0};
}

static int64_t random_i64(uint64_t *seed)
{
    return (int64_t)random_maybe(seed).value;
}

static struct engine_spec random_spec(uint64_t *seed)
{
    return (struct engine_spec){
        .nano_cpus = random_i64(seed),
        .cpu_quota_us = random_i64(seed),
        .cpu_period_us = random_i64(seed),
        .cpu_shares = random_i64(seed),
        .memory_bytes = random_i64(seed),
        .memory_swap_bytes = random_i64(seed),
        .memory_reservation_bytes = random_i64(seed),
        .pids_limit = random_i64(seed),
    };
}

static struct engine_block_list random_blocks(uint64_t *seed, struct engine_block_entry entries[5])
{
    for (size_t i = 0; i < 5; i++)
        entries[i] = (struct engine_block_entry){
            .major = (uint32_t)(next_random(seed) % 3),
            .minor = (uint32_t)(next_random(seed) % 3),
            .operation = next_random(seed) % ENGINE_BLOCK_OPERATIONS,
            .value = random_maybe(seed).value,
        };
    return (struct engine_block_list){
        .given = next_random(seed) % 2, .entries = entries, .count = next_random(seed) % 6};
}

/* Whatever the numbers, a row holds only what the metric list lets an engine give. */
static void test_random_answers(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int round = 0; round < 20000; round++) {
        struct engine_network network = {.name = "eth0",
                                         .rx_bytes = random_maybe(&seed),
                                         .rx_packets = random_maybe(&seed),
                                         .tx_bytes = random_maybe(&seed),
                                         .tx_dropped = random_maybe(&seed)};
        struct engine_block_entry bytes[5];
        struct engine_block_entry operations[5];
        struct engine_stats stats = {
            .empty = next_random(&seed) % 50 == 0,
            .cpu_total_ns = random_maybe(&seed),
            .cpu_user_ns = random_maybe(&seed),
            .cpu_system_ns = random_maybe(&seed),
            .periods = random_maybe(&seed),
            .throttled_ns = random_maybe(&seed),
            .memory_usage = random_maybe(&seed),
            .memory_max_usage = random_maybe(&seed),
            .memory_failcnt = random_maybe(&seed),
            .memory_limit = random_maybe(&seed),
            .pids = random_maybe(&seed),
            .pids_limit = random_maybe(&seed),
            .networks_given = true,
            .networks = &network,
            .network_count = next_random(&seed) % 2,
            .service_bytes = random_blocks(&seed, bytes),
            .serviced = random_blocks(&seed, operations),
        };
        stats.memory_given = stats.memory_usage.given;
        for (size_t i = 0; i < ENGINE_MEMORY_KEY_COUNT; i++)
            stats.memory[i] = random_maybe(&seed);
        int cgroup_version = (int)(next_random(&seed) % 3);
        struct engine_facts facts =
            next_random(&seed) % 2 ? docker(cgroup_version)
                                   : podman(cgroup_version, 2 + (unsigned)(next_random(&seed) % 5),
                                            (unsigned)(next_random(&seed) % 9), 0);
        facts.info.memory_bytes = random_maybe(&seed).value;
        struct engine_spec spec = random_spec(&seed);
        (void)fill(&facts, &spec, &stats); /* which looks whether the row is sound */
        arena_reset(row_arena());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_docker_v1),
        cmocka_unit_test(test_docker_v2),
        cmocka_unit_test(test_empty_answer),
        cmocka_unit_test(test_paused),
        cmocka_unit_test(test_throttling_needs_a_quota),
        cmocka_unit_test(test_memory_odds),
        cmocka_unit_test(test_memory_limits),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_pids_limits),
        cmocka_unit_test(test_engine_without_cgroups),
        cmocka_unit_test(test_pressure_is_not_given),
        cmocka_unit_test(test_random_answers),
    };
    return cmocka_run_group_tests(tests, NULL, row_teardown);
}
