/* What it knows: the host as a row, what is said of the machine, and how many descriptors are kept.
 * Documents: proc(5), meminfo, loadavg; Documentation/filesystems/proc.rst;
 * Documentation/accounting/psi.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "group_fixture.h"
#include "group_fixture_texts.h"

#include <stdio.h>
#include <string.h>

#define KIB UINT64_C(1024)

/* --- the row of "/" --- */

static void check_host(struct group_fixture *f)
{
    const struct group_result *result = fixture_run(f, 0);
    assert_int_equal(result->part.problem_count, 0);
    assert_int_equal(result->found_count, 1);
    assert_int_equal(result->found[0].kind, IDENTITY_HOST);
    const struct container_row *row = row_at(f, "/");
    assert_value(row, CPU_USAGE, UINT64_C(7000000000));
    assert_value(row, CPU_USER, UINT64_C(5000000000));
    assert_value(row, CPU_SYSTEM, UINT64_C(2000000000));
    /* Cached is the page cache without buffers and swap cache: those are in memory.stat file. */
    assert_value(row, MEMORY_CACHE, (2000000 + 20000 + 300) * KIB);
    assert_value(row, MEMORY_RSS, 290000 * KIB);
    assert_value(row, MEMORY_USAGE, (2000000 + 20000 + 300 + 290000) * KIB);
    assert_value(row, MEMORY_WORKING_SET, (2000000 + 20000 + 300 + 290000 - 600000) * KIB);
    assert_value(row, MEMORY_ACTIVE_FILE, 700000 * KIB);
    assert_value(row, MEMORY_INACTIVE_FILE, 600000 * KIB);
    assert_value(row, MEMORY_MAPPED_FILE, 130000 * KIB);
    assert_value(row, MEMORY_FILE_DIRTY, 120 * KIB);
    assert_value(row, MEMORY_FILE_WRITEBACK, 40 * KIB);
    assert_value(row, MEMORY_SWAP, 100000 * KIB);
    assert_value(row, SUM_MEMORY_LIMIT, 8000000 * KIB);
    assert_value(row, SPEC_MEMORY_LIMIT, 8000000 * KIB);
    assert_value(row, PIDS, 380);
    assert_value(row, PRESSURE_CPU_WAITING, 6001000);
    assert_no_value(row, PRESSURE_CPU_STALLED); /* of the system it has no meaning */
    assert_value(row, PRESSURE_MEMORY_WAITING, 6003000);
    assert_value(row, PRESSURE_MEMORY_STALLED, 6004000);
    assert_value(row, PRESSURE_IO_WAITING, 6005000);
    assert_value(row, PRESSURE_IO_STALLED, 6006000);
    assert_no_value(row, PIDS_LIMIT);
    assert_no_value(row, CPU_PERIODS);
    assert_int_equal(row->device_count, 1);
    assert_int_equal(row->devices[0].values[DEVICE_READ_BYTES], 90);
    assert_int_equal(row->devices[0].values[DEVICE_WRITES], 93);
    assert_int_equal(row->interface_count, 1);
    assert_string_equal(row->interfaces[0].name, "eth0");
    assert_int_equal(row->state, STATE_RUNNING);
    assert_int_equal(row->cpus, 4);
    assert_int_equal(row->cpu_sampled_ns, f->now_ns);
}

static void test_host_1(void **state)
{
    check_host(*state);
    assert_int_equal(row_at(*state, "/")->cgroup_version, 1);
}

static void test_host_2(void **state)
{
    check_host(*state);
    assert_int_equal(row_at(*state, "/")->cgroup_version, 2);
}

/* What containers do is on their own interfaces; these are its other ends. */
static void test_host_network(void **state)
{
    struct group_fixture *f = *state;
    put_interfaces(f, HOST_NETWORK,
                   "  eth0: 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
                   "docker0: 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
                   "vethab12: 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
                   " wlan0: 4 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, "/");
    assert_int_equal(row->interface_count, 2);
    assert_string_equal(row->interfaces[0].name, "eth0");
    assert_string_equal(row->interfaces[1].name, "wlan0");
    assert_int_equal(row->interfaces[1].values[INTERFACE_RX_BYTES], 4);
}

static void test_nothing_in_procfs(void **state)
{
    struct group_fixture *f = *state;
    drop(f, "proc");
    drop(f, "sys/devices");
    put_directory(f, "proc");
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, "/");
    assert_int_equal(row->tiers[GROUP_MEMORY], TIER_NONE);
    assert_int_equal(row->tiers[GROUP_PIDS], TIER_NONE);
    assert_int_equal(row->tiers[GROUP_NETWORK], TIER_NONE);
    assert_absent(row, GROUP_PRESSURE, REASON_NO_PRESSURE);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++)
        assert_true((row->tiers[g] == TIER_NONE) == (row->absent[g] != REASON_NONE));
    assert_no_value(row, MEMORY_USAGE);
    assert_value(row, CPU_USAGE, UINT64_C(7000000000));
    assert_int_equal(row->cpus, 0);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 104857600);
    assert_value(row_at(f, PATH), SUM_MEMORY_LIMIT, 536870912);
}

/* A meminfo that leaves something out, as emulated ones do. */
static void test_short_meminfo(void **state)
{
    struct group_fixture *f = *state;
    put(f,
        "MemTotal: 8000 kB\nMemFree: 1000 kB\nBuffers: 20 kB\nCached: 2000 kB\n"
        "AnonPages: 290 kB\nInactive(file): 600 kB\n",
        "proc/meminfo");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, "/");
    assert_value(row, MEMORY_RSS, 290 * KIB);
    assert_no_value(row, MEMORY_SWAP);
    assert_no_value(row, SPEC_SWAP_LIMIT);
    assert_no_value(row, MEMORY_MAPPED_FILE);
    assert_no_value(row, MEMORY_ACTIVE_FILE);
    assert_no_value(row, MEMORY_FILE_DIRTY);
    assert_no_value(row, MEMORY_FILE_WRITEBACK);
    assert_int_equal(point_of(f, AGENT_MACHINE_MEMORY), 8000 * KIB);
    put(f, "garbage\n", "proc/meminfo");
    (void)fixture_run(f, 1);
    assert_int_equal(row_at(f, "/")->tiers[GROUP_MEMORY], TIER_NONE);
}

static void test_garbage_in_procfs(void **state)
{
    static const char *const garbage[] = {"", "\n", "0.20 0.18 0.12 1 380 11206\n",
                                          "0.20 0.18 0.12 1/x 11206\n"};
    struct group_fixture *f = *state;
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        put(f, garbage[i], "proc/loadavg");
        put(f, garbage[i], "proc/pressure/io");
        put(f, i == 0 ? "3-1\n" : "x\n", "sys/devices/system/cpu/online");
        (void)fixture_run(f, 1);
        assert_int_equal(row_at(f, "/")->tiers[GROUP_PIDS], TIER_NONE);
        assert_no_value(row_at(f, "/"), PIDS);
        assert_no_value(row_at(f, "/"), PRESSURE_IO_WAITING);
        assert_value(row_at(f, "/"), PRESSURE_CPU_WAITING, 6001000);
        assert_int_equal(row_at(f, "/")->cpus, 0);
    }
    put(f, PSI("18446744073709551615", "7"), "proc/pressure/io");
    (void)fixture_run(f, 1);
    assert_no_value(row_at(f, "/"), PRESSURE_IO_WAITING);
    assert_value(row_at(f, "/"), PRESSURE_IO_STALLED, 7000);
}

static void check_machine(struct group_fixture *f, const char *mode)
{
    const struct group_result *result = fixture_run(f, 0);
    bool found = false;
    assert_int_equal(point_of(f, AGENT_MACHINE_CORES), 4);
    assert_int_equal(point_of(f, AGENT_MACHINE_MEMORY), 8000000 * KIB);
    assert_int_equal(point_of(f, AGENT_MACHINE_SWAP), 500000 * KIB);
    for (size_t i = 0; i < result->part.point_count; i++) {
        if (result->part.points[i].metric != AGENT_GROUP_INFO)
            continue;
        found = true;
        assert_string_equal(result->part.points[i].labels[0], mode);
        assert_int_equal(result->part.points[i].value, 1);
    }
    assert_true(found);
}

static void test_machine_1(void **state)
{
    check_machine(*state, "legacy");
}

static void test_machine_2(void **state)
{
    check_machine(*state, "unified");
}

static void test_machine_hybrid(void **state)
{
    check_machine(*state, "hybrid");
}

/* --- descriptors --- */

static struct group_reader *reader_with(struct group_fixture *f, size_t max_files)
{
    struct group_reader_options options = f->options;
    struct group_reader *r = NULL;
    struct err e = {0};
    options.max_files = max_files;
    assert_int_equal(group_reader_new(&options, &e, &r), 0);
    return r;
}

/* A reader with that budget finds what the fixture's, with enough, finds; round after round. */
static void check_budget(struct group_fixture *f, size_t max_files)
{
    size_t without = open_files();
    struct group_reader *r = reader_with(f, max_files);
    size_t bare = open_files();
    for (unsigned round = 0; round < 8; round++) {
        f->now_ns += NS_PER_SECOND;
        group_reader_run(r);
        size_t kept = open_files() - bare;
        assert_true(kept <= max_files);
        (void)fixture_run(f, 0);
        assert_same_rows(group_reader_result(r), group_reader_result(f->reader));
        if (round != 4)
            continue;
        assert_int_equal(kept, max_files); /* there are more files than that */
        group_reader_close_files(r);
        assert_int_equal(open_files(), bare);
    }
    group_reader_free(r);
    assert_int_equal(open_files(), without);
}

static void check_budgets(struct group_fixture *f)
{
    static const size_t budgets[] = {0, 1, 2, 17, 40};
    put_container(f, PATH);
    put_container(f, PATH_2);
    put_container(f, PATH_3);
    put_process(f, 100, 500, "a", PATH);
    put_process(f, 200, 400, "a", PATH_2);
    put_process(f, 300, 300, HOST_NETWORK, PATH_3);
    (void)fixture_run(f, 0); /* all it keeps is open before anything is counted */
    for (unsigned i = 0; i < 4; i++)
        (void)fixture_run(f, 5);
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++)
        check_budget(f, budgets[i]);
}

static void test_budgets_1(void **state)
{
    check_budgets(*state);
}

static void test_budgets_2(void **state)
{
    check_budgets(*state);
}

static void test_close_files(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    struct group_reader *other = reader_with(f, 0);
    f->reader = reader_with(f, 10000);
    size_t bare = open_files();
    (void)fixture_run(f, 0);
    size_t kept = open_files() - bare;
    assert_true(kept > 10);
    assert_int_equal(point_of(f, AGENT_GROUP_FILES), kept);
    group_reader_run(other);
    group_reader_close_files(f->reader);
    assert_int_equal(open_files(), bare);
    group_reader_close_files(f->reader); /* once more does no harm */
    (void)fixture_run(f, 0);
    assert_same_rows(group_reader_result(other), group_reader_result(f->reader));
    assert_int_equal(open_files(), bare + kept);
    assert_int_equal(point_of(f, AGENT_GROUP_FILES), kept);
    drop_container(f, PATH);
    (void)fixture_run(f, 1);
    assert_int_equal(open_files() - bare, point_of(f, AGENT_GROUP_FILES));
    group_reader_free(other);
}

/* --- weir check --- */

struct said {
    unsigned counts[CHECK_FAIL + 1];
    char fails[1024];
};

static void on_line(void *context, enum check_result result, const char *subject, const char *text)
{
    struct said *said = context;
    assert_true(subject[0] != '\0' && text[0] != '\0');
    said->counts[result]++;
    if (result == CHECK_FAIL)
        (void)snprintf(said->fails, sizeof said->fails, "%s", subject);
}

static struct said examine(struct group_fixture *f)
{
    struct said said = {0};
    const struct check_sink sink = {&said, on_line};
    group_reader_examine(f->reader, &sink);
    return said;
}

static void test_check(void **state)
{
    struct group_fixture *f = *state;
    (void)fixture_run(f, 0);
    struct said said = examine(f);
    assert_int_equal(said.counts[CHECK_FAIL], 0);
    assert_int_equal(said.counts[CHECK_WARN], 0);
    assert_true(said.counts[CHECK_OK] > 5);
    put_container(f, PATH); /* nobody knows its name */
    (void)fixture_run(f, 1);
    said = examine(f);
    assert_int_equal(said.counts[CHECK_WARN], 1);
    drop(f, "proc/1");
    (void)fixture_run(f, 1);
    said = examine(f);
    assert_int_equal(said.counts[CHECK_FAIL], 1);
    assert_string_equal(said.fails, "network");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_host_1),
        HYBRID(test_host_1),
        V2(test_host_2),
        V2(test_host_network),
        V1(test_nothing_in_procfs),
        V2(test_nothing_in_procfs),
        V2(test_short_meminfo),
        V2(test_garbage_in_procfs),
        V1(test_machine_1),
        V2(test_machine_2),
        HYBRID(test_machine_hybrid),
        V1(test_budgets_1),
        HYBRID(test_budgets_1),
        V2(test_budgets_2),
        V1(test_close_files),
        V2(test_close_files),
        V2(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
