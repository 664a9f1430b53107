/* What it knows: every value of a container's and the host's row, its unit and the file it is from,
 * on v1, v2 and hybrid hosts. Documents: base/metric_list.h; the kernel's cgroup-v1/ and
 * cgroup-v2.rst; Documentation/accounting/psi.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "group_fixture.h"

#include <limits.h>

/* A set of metrics, to say which ones may be there at all. */
static container_bits bits_of(unsigned tier)
{
    container_bits bits = 0;
    for (enum container_metric m = 0; m < CONTAINER_METRICS; m++)
        if (container_metrics[m].tiers & tier)
            bits |= CONTAINER_BIT(m);
    return bits;
}

/* What both versions count, from texts with the same numbers. */
static void assert_common(const struct container_row *row)
{
    assert_value(row, CPU_USER, UINT64_C(654320000000));
    assert_value(row, CPU_PERIODS, 9930);
    assert_value(row, CPU_THROTTLED_PERIODS, 9921);
    assert_value(row, CPU_BURST_PERIODS, 7);
    assert_value(row, MEMORY_USAGE, 104857600);
    assert_value(row, MEMORY_WORKING_SET, 104857600 - 4500480);
    assert_value(row, MEMORY_RSS, 41943040);
    assert_value(row, MEMORY_CACHE, 31001600);
    assert_value(row, MEMORY_SWAP, 38912000);
    assert_value(row, MEMORY_KERNEL, 3670016);
    assert_value(row, MEMORY_MAPPED_FILE, 35000320);
    assert_value(row, MEMORY_ACTIVE_FILE, 46001600);
    assert_value(row, MEMORY_INACTIVE_FILE, 4500480);
    assert_value(row, MEMORY_MAX_USAGE, 209715200);
    assert_value(row, MEMORY_TREE_PGFAULT, 41011);
    assert_value(row, MEMORY_TREE_PGMAJFAULT, 42);
    assert_value(row, MEMORY_FILE_DIRTY, 36864);
    assert_value(row, MEMORY_FILE_WRITEBACK, 40960);
    assert_value(row, PIDS, 12);
    assert_value(row, PIDS_LIMIT, 100);
    assert_value(row, PIDS_LIMIT_HITS, 4);
    assert_value(row, SPEC_CPU_PERIOD, 50000);
    assert_value(row, SPEC_CPU_QUOTA, 10000);
    assert_value(row, SPEC_MEMORY_LIMIT, 536870912);
    assert_value(row, SPEC_SWAP_LIMIT, 1073741824);
    assert_value(row, SPEC_MEMORY_RESERVATION, 268435456);
    assert_value(row, SUM_MEMORY_LIMIT, 536870912);
    assert_int_equal(row->state, STATE_RUNNING);
    assert_int_equal(row->knowledge, KNOWS_ALIVE);
    assert_int_equal(row->cpus, 4);
    assert_true(row->birth != 0);
    assert_false(row->hidden);
}

static uint64_t device_value(const struct device_row *row, enum device_metric metric)
{
    assert_true((row->present >> metric) & 1);
    return row->values[metric];
}

static const struct device_row *only_device(const struct container_row *row)
{
    assert_given(row, GROUP_BLOCK_IO);
    assert_int_equal(row->device_count, 1);
    const struct device_row *d = row->devices;
    assert_string_equal(d->name, "/dev/sda");
    assert_int_equal(d->major, 8);
    assert_int_equal(d->minor, 0);
    return d;
}

static void assert_device(const struct container_row *row)
{
    const struct device_row *d = only_device(row);
    assert_int_equal(device_value(d, DEVICE_READ_BYTES), 1001);
    assert_int_equal(device_value(d, DEVICE_USAGE_READ), 1001);
    assert_int_equal(device_value(d, DEVICE_WRITE_BYTES), 1002);
    assert_int_equal(device_value(d, DEVICE_USAGE_WRITE), 1002);
    assert_int_equal(device_value(d, DEVICE_READS), 11);
    assert_int_equal(device_value(d, DEVICE_WRITES), 12);
    assert_int_equal(device_value(d, DEVICE_USAGE_DISCARD), 1005);
    assert_int_equal(device_value(d, DEVICE_DISCARDS), 15);
}

static void assert_pressure(const struct container_row *row)
{
    assert_value(row, PRESSURE_CPU_WAITING, 5001000);
    assert_value(row, PRESSURE_CPU_STALLED, 5002000);
    assert_value(row, PRESSURE_MEMORY_WAITING, 5003000);
    assert_value(row, PRESSURE_MEMORY_STALLED, 5004000);
    assert_value(row, PRESSURE_IO_WAITING, 5005000);
    assert_value(row, PRESSURE_IO_STALLED, 5006000);
}

static void assert_values_1(const struct container_row *row)
{
    assert_common(row);
    assert_value(row, CPU_USAGE, UINT64_C(698890123456));
    assert_value(row, CPU_SYSTEM, UINT64_C(12340000000)); /* ticks of 10 ms */
    assert_value(row, CPU_THROTTLED, UINT64_C(887766554433));
    assert_value(row, CPU_BURST, 1234567);
    assert_value(row, MEMORY_FAILCNT, 77);
    assert_value(row, MEMORY_PGFAULT, 20011);
    assert_value(row, MEMORY_PGMAJFAULT, 21);
    assert_value(row, OOM_KILLS, 3);
    assert_value(row, MEMORY_EVENT_OOM_KILL, 3);
    assert_value(row, SPEC_CPU_SHARES, 512);
    assert_device(row);
    const struct device_row *d = row->devices;
    assert_int_equal(device_value(d, DEVICE_USAGE_SYNC), 1003);
    assert_int_equal(device_value(d, DEVICE_USAGE_ASYNC), 1004);
    assert_int_equal(device_value(d, DEVICE_USAGE_TOTAL), 3008);
    assert_int_equal(row->cgroup_version, 1);
    assert_true((row->present & ~bits_of(TIERS_C1)) == 0);
}

static void test_values_1(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    const struct group_result *result = fixture_run(f, 0);
    assert_true(result->complete);
    assert_int_equal(result->part.problem_count, 0);
    assert_int_equal(result->found_count, 2);
    const struct container_row *row = row_at(f, PATH);
    assert_values_1(row);
    assert_absent(row, GROUP_PRESSURE, REASON_NO_PRESSURE); /* v1 alone has none */
    const struct group_found *found = found_at(f, PATH);
    assert_int_equal(found->kind, IDENTITY_CONTAINER);
    assert_int_equal(found->read_ns, f->now_ns);
    assert_int_equal(row->cpu_sampled_ns, f->now_ns);
    assert_true(found->name.hex_id);
    assert_memory_equal(found->name.id, ID, 64);
}

/* The same, and pressure from the group in the v2 tree beside. */
static void test_values_hybrid(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "unified", PATH, "cpu.stat", "usage_usec 1\nuser_usec 1\nsystem_usec 0\n");
    (void)fixture_run(f, 0);
    assert_values_1(row_at(f, PATH));
    assert_pressure(row_at(f, PATH));
    assert_int_equal(problems(f, REASON_MALFORMED), 0);
}

/* An older runtime does not join the v2 tree. */
static void test_hybrid_without_the_group(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    drop(f, "%s%s", tree(f, "unified"), PATH);
    (void)fixture_run(f, 0);
    assert_values_1(row_at(f, PATH));
    assert_absent(row_at(f, PATH), GROUP_PRESSURE, REASON_NO_PRESSURE);
}

static void test_values_2(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    const struct group_result *result = fixture_run(f, 0);
    assert_true(result->complete);
    assert_int_equal(result->part.problem_count, 0);
    assert_int_equal(result->found_count, 2);
    const struct container_row *row = row_at(f, PATH);
    assert_common(row);
    assert_device(row);
    assert_pressure(row);
    assert_value(row, CPU_USAGE, UINT64_C(698890123000));
    assert_value(row, CPU_SYSTEM, UINT64_C(44570123000));
    assert_value(row, CPU_THROTTLED, UINT64_C(887766554000));
    assert_value(row, CPU_BURST, 1234000);
    assert_value(row, MEMORY_FAILCNT, 83);
    assert_value(row, MEMORY_PGSCAN, 67);
    assert_value(row, MEMORY_PGSTEAL, 68);
    assert_value(row, MEMORY_REFAULT_ANON, 61);
    assert_value(row, MEMORY_REFAULT_FILE, 62);
    assert_value(row, MEMORY_HIGH, 82);
    assert_value(row, MEMORY_MAX, 83);
    assert_value(row, MEMORY_EVENT_LOW, 81);
    assert_value(row, MEMORY_EVENT_HIGH, 82);
    assert_value(row, MEMORY_EVENT_MAX, 83);
    assert_value(row, MEMORY_EVENT_OOM, 84);
    assert_value(row, MEMORY_EVENT_OOM_KILL, 85);
    assert_value(row, MEMORY_EVENT_OOM_GROUP_KILL, 86);
    assert_value(row, OOM_KILLS, 85);
    assert_value(row, SWAP_EVENT_HIGH, 91);
    assert_value(row, SWAP_EVENT_MAX, 92);
    assert_value(row, SWAP_EVENT_FAIL, 93);
    assert_value(row, SPEC_CPU_WEIGHT, 79);
    assert_int_equal(device_value(row->devices, DEVICE_COST_USAGE), 1101000);
    assert_int_equal(device_value(row->devices, DEVICE_COST_WAIT), 1102000);
    assert_int_equal(device_value(row->devices, DEVICE_COST_INDEBT), 1103000);
    assert_int_equal(device_value(row->devices, DEVICE_COST_INDELAY), 1104000);
    assert_false((row->devices[0].present >> DEVICE_USAGE_SYNC) & 1);
    assert_false((row->devices[0].present >> DEVICE_USAGE_TOTAL) & 1);
    assert_int_equal(row->cgroup_version, 2);
    assert_true((row->present & ~bits_of(TIERS_C2)) == 0);
}

/* --- limits --- */

static void test_no_limits_1(void **state)
{
    /* LONG_MAX rounded down to a page of 4, 16, 64 KiB; and what somebody wrote as -1 or larger. */
    static const char *const none[] = {"9223372036854771712\n", "9223372036854759424\n",
                                       "9223372036854710272\n", "9223372036854775807\n"};
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "cpu", PATH, "cpu.cfs_quota_us", "-1\n");
    put_file(f, "pids", PATH, "pids.max", "max\n");
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        put_file(f, "memory", PATH, "memory.limit_in_bytes", none[i]);
        put_file(f, "memory", PATH, "memory.memsw.limit_in_bytes", none[i]);
        put_file(f, "memory", PATH, "memory.soft_limit_in_bytes", none[i]);
        (void)fixture_run(f, 5);
        const struct container_row *row = row_at(f, PATH);
        assert_unlimited(row, SPEC_MEMORY_LIMIT);
        assert_unlimited(row, SPEC_SWAP_LIMIT);
        assert_unlimited(row, SPEC_MEMORY_RESERVATION);
        assert_unlimited(row, PIDS_LIMIT);
        assert_no_value(row, SPEC_CPU_QUOTA);
        assert_value(row, SPEC_CPU_PERIOD, 50000);
        assert_value(row, SUM_MEMORY_LIMIT, UINT64_C(8000000) * 1024); /* the host's */
        /* Nothing is throttled without a quota. */
        assert_no_value(row, CPU_PERIODS);
        assert_no_value(row, CPU_THROTTLED_PERIODS);
        assert_no_value(row, CPU_THROTTLED);
        assert_no_value(row, CPU_BURST_PERIODS);
        assert_no_value(row, CPU_BURST);
    }
}

static void test_no_limits_2(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "", PATH, "cpu.max", "max 100000\n");
    put_file(f, "", PATH, "memory.max", "max\n");
    put_file(f, "", PATH, "memory.swap.max", "max\n");
    put_file(f, "", PATH, "memory.low", "0\n");
    put_file(f, "", PATH, "pids.max", "max\n");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_unlimited(row, SPEC_MEMORY_LIMIT);
    assert_unlimited(row, SPEC_SWAP_LIMIT);
    assert_unlimited(row, PIDS_LIMIT);
    assert_value(row, SPEC_MEMORY_RESERVATION, 0); /* "none set" is written as 0 */
    assert_no_value(row, SPEC_CPU_QUOTA);
    assert_no_value(row, CPU_PERIODS);
    assert_no_value(row, CPU_THROTTLED_PERIODS);
    assert_no_value(row, CPU_THROTTLED);
    assert_no_value(row, CPU_BURST_PERIODS);
    assert_no_value(row, CPU_BURST);
    assert_value(row, CPU_USAGE, UINT64_C(698890123000));
    assert_value(row, SUM_MEMORY_LIMIT, UINT64_C(8000000) * 1024);
}

static void test_limit_above_the_host(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "", PATH, "memory.max", "1099511627776\n");
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), SUM_MEMORY_LIMIT, UINT64_C(8000000) * 1024);
    assert_value(row_at(f, PATH), SPEC_MEMORY_LIMIT, UINT64_C(1099511627776)); /* as configured */
}

static void change_limits(struct group_fixture *f, bool v1)
{
    put_file(f, "cpu", PATH, v1 ? "cpu.cfs_quota_us" : "cpu.max", v1 ? "20000\n" : "20000 50000\n");
    put_file(f, "memory", PATH, v1 ? "memory.limit_in_bytes" : "memory.max", "1048576\n");
    put_file(f, "pids", PATH, "pids.max", "200\n");
}

static void check_change(struct group_fixture *f, bool v1)
{
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    change_limits(f, v1);
    (void)fixture_run(f, 5);
    const struct container_row *row = row_at(f, PATH);
    assert_value(row, SPEC_CPU_QUOTA, 20000);
    assert_value(row, SPEC_MEMORY_LIMIT, 1048576);
    assert_value(row, SUM_MEMORY_LIMIT, 1048576);
    assert_value(row, PIDS_LIMIT, 200);
    /* Taken away: the numbers of throttling go with the quota. */
    put_file(f, "cpu", PATH, v1 ? "cpu.cfs_quota_us" : "cpu.max", v1 ? "-1\n" : "max 50000\n");
    drop_file(f, "pids", PATH, "pids.max");
    (void)fixture_run(f, 5);
    row = row_at(f, PATH);
    assert_no_value(row, SPEC_CPU_QUOTA);
    assert_no_value(row, CPU_PERIODS);
    assert_no_value(row, PIDS_LIMIT);
    assert_value(row, PIDS, 12);
}

static void test_limits_change_1(void **state)
{
    check_change(*state, true);
}

static void test_limits_change_2(void **state)
{
    check_change(*state, false);
}

/* --- state --- */

static void test_paused_1(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    put_file(f, "freezer", PATH, "freezer.state", "FREEZING\n");
    (void)fixture_run(f, 1);
    assert_int_equal(row_at(f, PATH)->state, STATE_RUNNING);
    put_file(f, "freezer", PATH, "freezer.state", "FROZEN\n");
    (void)fixture_run(f, 1);
    assert_int_equal(row_at(f, PATH)->state, STATE_PAUSED);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 104857600);
    put_file(f, "freezer", PATH, "freezer.state", "THAWED\n");
    (void)fixture_run(f, 1);
    assert_int_equal(row_at(f, PATH)->state, STATE_RUNNING);
}

static void test_paused_2(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    put_file(f, "", PATH, "cgroup.events", "populated 1\nfrozen 1\n");
    (void)fixture_run(f, 1);
    assert_int_equal(row_at(f, PATH)->state, STATE_PAUSED);
    assert_value(row_at(f, PATH), CPU_USAGE, UINT64_C(698890123000));
    put_file(f, "", PATH, "cgroup.events", "frozen 0\npopulated 1\n");
    (void)fixture_run(f, 1);
    assert_int_equal(row_at(f, PATH)->state, STATE_RUNNING);
}

/* A v2 group that no process is in is what a container left behind, or one not started yet. */
static void test_without_processes_2(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH_2);
    put_file(f, "", PATH, "cgroup.events", "populated 0\nfrozen 0\n");
    assert_true(fixture_run(f, 0)->complete);
    assert_null(found_at(f, PATH));
    assert_int_equal(containers(f), 1);
    put_file(f, "", PATH, "cgroup.events", "populated 1\nfrozen 0\n");
    (void)fixture_run(f, 1);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 104857600);
    put_file(f, "", PATH, "cgroup.events", "populated 0\nfrozen 0\n");
    (void)fixture_run(f, 1);
    assert_null(found_at(f, PATH));
    assert_non_null(found_at(f, PATH_2));
}

/* The values are those of now, not of the first read. */
static void check_counting(struct group_fixture *f, const char *file, const char *text,
                           uint64_t usage_ns)
{
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    put_file(f, "cpuacct", PATH, file, text);
    (void)fixture_run(f, 1);
    assert_value(row_at(f, PATH), CPU_USAGE, usage_ns);
    assert_int_equal(row_at(f, PATH)->cpu_sampled_ns, f->now_ns);
}

static void test_counting_1(void **state)
{
    check_counting(*state, "cpuacct.usage", "698890123457\n", UINT64_C(698890123457));
}

static void test_counting_2(void **state)
{
    check_counting(*state, "cpu.stat", "usage_usec 4294967297\nuser_usec 1\nsystem_usec 2\n",
                   UINT64_C(4294967297000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_values_1),
        HYBRID(test_values_hybrid),
        HYBRID(test_hybrid_without_the_group),
        V2(test_values_2),
        V1(test_no_limits_1),
        V2(test_no_limits_2),
        V2(test_limit_above_the_host),
        V1(test_limits_change_1),
        HYBRID(test_limits_change_1),
        V2(test_limits_change_2),
        V1(test_paused_1),
        HYBRID(test_paused_1),
        V2(test_paused_2),
        V2(test_without_processes_2),
        V1(test_counting_1),
        HYBRID(test_counting_1),
        V2(test_counting_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
