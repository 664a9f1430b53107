/* What it knows: what HostConfig means on cgroup v1 and v2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_row_fixture.h"

static void test_spec_v1(void **state)
{
    (void)state;
    struct engine_facts facts = docker(1);
    struct engine_spec spec = spec_of("docker-20.10/inspect_web.json");
    struct container_row row = {0};
    engine_fill_spec(&facts, &spec, &row);
    assert_given(&row, GROUP_SPEC);
    assert_value(&row, CONTAINER_SPEC_CPU_PERIOD, 100000);
    assert_value(&row, CONTAINER_SPEC_CPU_QUOTA, 10000); /* case 12: NanoCpus alone */
    assert_value(&row, CONTAINER_SPEC_CPU_SHARES, 1024);
    assert_value(&row, CONTAINER_SPEC_MEMORY_LIMIT, 67108864);
    assert_value(&row, CONTAINER_SPEC_SWAP_LIMIT, 134217728);
    assert_value(&row, CONTAINER_SPEC_MEMORY_RESERVATION, 33554432);
    assert_value(&row, CONTAINER_SUM_MEMORY_LIMIT, 67108864);
    spec = spec_of("docker-20.10/inspect_quota.json");
    row = (struct container_row){0};
    engine_fill_spec(&facts, &spec, &row);
    assert_value(&row, CONTAINER_SPEC_CPU_PERIOD, 200000);
    assert_value(&row, CONTAINER_SPEC_CPU_QUOTA, 50000);
    assert_value(&row, CONTAINER_SPEC_CPU_SHARES, 512);
    assert_unlimited(&row, CONTAINER_SPEC_SWAP_LIMIT);
    assert_value(&row, CONTAINER_SPEC_MEMORY_RESERVATION, 0);
}

/* Case 12: quota -1, and nothing set. */
static void test_spec_without_limits(void **state)
{
    (void)state;
    struct engine_facts facts = docker(2);
    struct engine_spec spec = {.cpu_quota_us = -1, .pids_limit = -1};
    struct container_row row = {0};
    engine_fill_spec(&facts, &spec, &row);
    assert_value(&row, CONTAINER_SPEC_CPU_PERIOD, 100000);
    assert_absent(&row, CONTAINER_SPEC_CPU_QUOTA);
    assert_absent(&row, CONTAINER_SPEC_CPU_SHARES); /* v2 has weights */
    assert_unlimited(&row, CONTAINER_SPEC_MEMORY_LIMIT);
    assert_unlimited(&row, CONTAINER_SPEC_SWAP_LIMIT);
    assert_value(&row, CONTAINER_SUM_MEMORY_LIMIT, UINT64_C(16) << 30); /* the host's */
    facts.info.memory_bytes = 0;
    row = (struct container_row){0};
    engine_fill_spec(&facts, &spec, &row);
    assert_absent(&row, CONTAINER_SUM_MEMORY_LIMIT); /* nobody knows */
    spec.nano_cpus = INT64_MAX; /* a quota that no integer holds is not cut to one */
    spec.cpu_period_us = INT64_MAX;
    row = (struct container_row){0};
    engine_fill_spec(&facts, &spec, &row);
    assert_absent(&row, CONTAINER_SPEC_CPU_QUOTA);
}

static void test_swap_limits(void **state)
{
    (void)state;
    static const struct {
        int cgroup_version;
        int64_t memory, both;
        uint64_t expected; /* UINT64_MAX: unlimited, UINT64_MAX - 1: absent */
    } cases[] = {
        {1, 100, 250, 250},           {2, 100, 250, 150},
        {1, 100, 100, 100},           {2, 100, 100, 0},
        {1, 100, -1, UINT64_MAX},     {2, 100, -1, UINT64_MAX},
        {1, 0, 0, UINT64_MAX},        {2, 0, 0, UINT64_MAX},
        {1, 100, 0, UINT64_MAX - 1},  {2, 100, 0, UINT64_MAX - 1},
        {2, 100, 50, UINT64_MAX - 1}, {2, 0, 50, UINT64_MAX - 1},
        {0, 100, 250, 250},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine_facts facts = docker(cases[i].cgroup_version);
        struct engine_spec spec = {.memory_bytes = cases[i].memory,
                                   .memory_swap_bytes = cases[i].both};
        struct container_row row = {0};
        engine_fill_spec(&facts, &spec, &row);
        if (cases[i].expected == UINT64_MAX)
            assert_unlimited(&row, CONTAINER_SPEC_SWAP_LIMIT);
        else if (cases[i].expected == UINT64_MAX - 1)
            assert_absent(&row, CONTAINER_SPEC_SWAP_LIMIT);
        else
            assert_value(&row, CONTAINER_SPEC_SWAP_LIMIT, cases[i].expected);
    }
}

static void test_network_modes(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        enum reason reason;
    } cases[] = {
        {"", REASON_NONE},
        {"default", REASON_NONE},
        {"bridge", REASON_NONE},
        {"host", REASON_HOST_NETWORK},
        {"hostess", REASON_NONE},
        {"none", REASON_NO_NETWORK},
        {"container:abc", REASON_SHARED_NETWORK},
        {"ns:/run/netns/x", REASON_SHARED_NETWORK},
        {"slirp4netns", REASON_NONE},
        {"pasta", REASON_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct engine_inspect inspect = {.network_mode = cases[i].mode};
        assert_int_equal(engine_spec_from_inspect(&inspect).network, cases[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_v1),
        cmocka_unit_test(test_spec_without_limits),
        cmocka_unit_test(test_swap_limits),
        cmocka_unit_test(test_network_modes),
    };
    return cmocka_run_group_tests(tests, NULL, row_teardown);
}
