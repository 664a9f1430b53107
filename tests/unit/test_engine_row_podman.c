/* What it knows: where Podman of each age differs from Docker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_row_fixture.h"

/* Podman 4.3 on cgroup v1, as recorded: 1220 bytes came in, 516 went out. */
static void test_podman_v1(void **state)
{
    (void)state;
    struct engine_facts facts = podman(1, 4, 3, 1);
    struct engine_spec spec = spec_of("podman-4.3/inspect_pweb.json");
    struct engine_stats stats = stats_of("podman-4.3/stats_pweb.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_CPU_USAGE, 460197832);
    assert_absent(&row, CONTAINER_CPU_USER); /* not the kernel's cpuacct.stat */
    assert_absent(&row, CONTAINER_CPU_SYSTEM);
    assert_absent(&row,
                  CONTAINER_CPU_PERIODS); /* zeros that nothing fills, in spite of the quota */
    assert_value(&row, CONTAINER_MEMORY_USAGE, 593920);
    assert_absent(&row, CONTAINER_MEMORY_WORKING_SET);
    assert_absent(&row, CONTAINER_MEMORY_FAILCNT);
    assert_value(&row, CONTAINER_PIDS, 2);
    assert_value(&row, CONTAINER_PIDS_LIMIT, 50); /* from inspect: the answer never has it */
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_BYTES), 1220);
    assert_int_equal(interface_value(&row, 0, INTERFACE_TX_BYTES), 516);
    assert_int_equal(row.interfaces[0].present,
                     1U << INTERFACE_RX_BYTES | 1U << INTERFACE_TX_BYTES);
    assert_value(&row, CONTAINER_SPEC_CPU_QUOTA, 10000);
    assert_missing(&row, GROUP_BLOCK_IO, REASON_NOT_GIVEN);
}

static void test_podman_device_numbers(void **state)
{
    (void)state;
    struct engine_facts facts = podman(1, 4, 3, 1);
    struct engine_spec spec = {0};
    struct engine_stats stats = stats_of("podman-4.3/stats_pnone.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_missing(&row, GROUP_BLOCK_IO, REASON_NOT_GIVEN); /* v1: no engine's is the whole */
    assert_int_equal(row.device_count, 0);
    facts = podman(2, 4, 3, 1);
    row = fill(&facts, &spec, &stats);
    assert_int_equal(row.device_count, 1);
    assert_int_equal(row.devices[0].major, 254); /* the answer says major 0, minor 254 */
    assert_int_equal(row.devices[0].minor, 0);
    assert_string_equal(row.devices[0].name, "254:0");
    assert_int_equal(device_value(&row, 0, DEVICE_WRITE_BYTES), 478617600);
    assert_int_equal(row.devices[0].present & (1U << DEVICE_READS | 1U << DEVICE_WRITES), 0);
}

static void test_podman_v2(void **state)
{
    (void)state;
    struct engine_facts facts = podman(2, 5, 8, 2);
    struct engine_spec spec = {.pids_limit = 2048};
    struct engine_stats stats = stats_of("podman-5-cgroup2/stats.json");
    struct container_row row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_CPU_USAGE, 407550299000);
    assert_value(&row, CONTAINER_CPU_SYSTEM, 94477338000); /* the answer has microseconds */
    assert_value(&row, CONTAINER_CPU_USER, 407550299000 - 94477338000);
    assert_value(&row, CONTAINER_PIDS_LIMIT, 2048);
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_BYTES), 700);
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_PACKETS), 7);
    assert_int_equal(row.device_count, 1);
    assert_int_equal(row.devices[0].major, 259);
    /* Later ones say nanoseconds. */
    facts = podman(2, 5, 8, 3);
    row = fill(&facts, &spec, &stats);
    assert_value(&row, CONTAINER_CPU_SYSTEM, 94477338);
    assert_value(&row, CONTAINER_CPU_USER, 407550299000 - 94477338);
    /* More system time than there is, or than fits: no guess. */
    stats.cpu_system_ns.value = stats.cpu_total_ns.value + 1;
    row = fill(&facts, &spec, &stats);
    assert_absent(&row, CONTAINER_CPU_SYSTEM);
    assert_absent(&row, CONTAINER_CPU_USER);
    facts = podman(2, 4, 9, 0);
    stats.cpu_system_ns.value = UINT64_MAX / 999;
    row = fill(&facts, &spec, &stats);
    assert_absent(&row, CONTAINER_CPU_SYSTEM);
}

static void test_podman_ages(void **state)
{
    (void)state;
    struct engine_spec spec = {0};
    struct engine_stats stats = stats_of("podman-4.3/stats_pweb.json");
    struct engine_facts facts = podman(1, 3, 4, 4);
    struct container_row row = fill(&facts, &spec, &stats);
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_BYTES), 1220);
    facts = podman(1, 4, 4, 0); /* no longer swapped */
    row = fill(&facts, &spec, &stats);
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_BYTES), 516);
    assert_int_equal(row.interfaces[0].present >> INTERFACE_RX_PACKETS & 1, 0);
    facts = podman(1, 5, 0, 0); /* packets are filled */
    row = fill(&facts, &spec, &stats);
    assert_int_equal(interface_value(&row, 0, INTERFACE_RX_PACKETS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_podman_v1),
        cmocka_unit_test(test_podman_device_numbers),
        cmocka_unit_test(test_podman_v2),
        cmocka_unit_test(test_podman_ages),
    };
    return cmocka_run_group_tests(tests, NULL, row_teardown);
}
