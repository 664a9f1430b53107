/* What it knows: what only v1 has: several files that count the same block I/O, kernels that count
 * none, and containers that are elsewhere in some of the hierarchies. Documents: the kernel's
 * cgroup-v1/blkio-controller.rst and block/blk-throttle.c; cgroups(7), /proc/PID/cgroup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "group_fixture.h"

#include <stdio.h>
#include <string.h>

#define WALK  60 /* seconds after which an I/O scheduler's change is seen */
#define BYTES "blkio.throttle.io_service_bytes"
#define OPS   "blkio.throttle.io_serviced"
#define SCOPE "/system.slice/docker-" ID ".scope"

/* --- block I/O --- */

static void put_block(struct group_fixture *f, const char *path, const char *name, unsigned read)
{
    char text[256];
    (void)snprintf(text, sizeof text, "8:0 Read %u\n8:0 Write 0\n8:0 Total %u\nTotal %u\n", read,
                   read, read);
    put_file(f, "blkio", path, name, text);
}

static void drop_block(struct group_fixture *f, const char *path)
{
    drop_file(f, "blkio", path, BYTES "_recursive");
    drop_file(f, "blkio", path, OPS "_recursive");
}

/* The one device's bytes and operations, read. */
static void assert_reads(const struct group_fixture *f, const char *path, uint64_t bytes,
                         uint64_t operations)
{
    const struct container_row *row = row_at(f, path);
    assert_given(row, GROUP_BLOCK_IO);
    assert_int_equal(row->device_count, 1);
    assert_true((row->devices[0].present >> DEVICE_READ_BYTES) & 1);
    assert_int_equal(row->devices[0].values[DEVICE_READ_BYTES], bytes);
    assert_true((row->devices[0].present >> DEVICE_READS) & 1);
    assert_int_equal(row->devices[0].values[DEVICE_READS], operations);
}

static void test_nothing_is_counted(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "blkio", PATH, BYTES "_recursive", "Total 0\n");
    put_file(f, "blkio", PATH, OPS "_recursive", "Total 0\n");
    put_file(f, "blkio", "", BYTES "_recursive", "Total 0\n"); /* and a disk has done something */
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_BLOCK_IO, REASON_ACCOUNTING_OFF);
    /* What the disk did is in diskstats all the same. */
    assert_given(row_at(f, "/"), GROUP_BLOCK_IO);
    assert_int_equal(row_at(f, "/")->device_count, 1);
    assert_int_equal(row_at(f, "/")->devices[0].values[DEVICE_SECTOR_READS], 303);
    assert_false((row_at(f, "/")->devices[0].present >> DEVICE_READ_BYTES) & 1);
    assert_false((row_at(f, "/")->devices[0].present >> DEVICE_READS) & 1);
    assert_int_equal(row_at(f, PATH)->device_count, 0);
    /* Somebody sets a throttle limit. */
    put_block(f, "", BYTES "_recursive", 900);
    put_block(f, PATH, BYTES "_recursive", 800);
    put_block(f, PATH, OPS "_recursive", 8);
    (void)fixture_run(f, WALK);
    assert_reads(f, PATH, 800, 8);
}

/* No disk has done anything: an idle group is no proof of either. */
static void test_nothing_to_count(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH_2);
    put_file(f, "blkio", PATH, BYTES "_recursive", "Total 0\n");
    put_file(f, "blkio", PATH, OPS "_recursive", "Total 0\n");
    put_file(f, "blkio", "", BYTES "_recursive", "Total 0\n");
    put(f, "   8       0 sda 0 0 0 0 0 0 0 0 0 0 0\n", "proc/diskstats");
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_BLOCK_IO, REASON_NOT_GIVEN);
    assert_reads(f, PATH_2, 1001, 11);
}

/* Where the kernel counts, an idle group has none, and that is a value: no device. */
static void test_idle(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "blkio", PATH, BYTES "_recursive", "Total 0\n");
    put_file(f, "blkio", PATH, OPS "_recursive", "Total 0\n");
    (void)fixture_run(f, 0);
    assert_given(row_at(f, PATH), GROUP_BLOCK_IO);
    assert_int_equal(row_at(f, PATH)->device_count, 0);
}

static void test_unknown_devices(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "blkio", PATH, BYTES "_recursive",
             "(unknown) Read 5\n(unknown) Total 5\n8:0 Read 7\n8:0 Total 7\nTotal 12\n");
    put_file(f, "blkio", PATH, OPS "_recursive", "8:0 Read 1\n8:0 Total 1\nTotal 1\n");
    (void)fixture_run(f, 0);
    assert_reads(f, PATH, 7, 1);
}

static void put_bfq(struct group_fixture *f)
{
    for (unsigned i = 0; i < 2; i++) {
        put_block(f, i == 0 ? "" : PATH, "blkio.bfq.io_service_bytes_recursive", 700 + i);
        put_block(f, i == 0 ? "" : PATH, "blkio.bfq.io_serviced_recursive", 70 + i);
    }
}

/* The kernel counts no I/O in the files of throttling. */
static void put_no_throttling(struct group_fixture *f)
{
    for (unsigned i = 0; i < 2; i++) {
        put_file(f, "blkio", i == 0 ? "" : PATH, BYTES "_recursive", "Total 0\n");
        put_file(f, "blkio", i == 0 ? "" : PATH, OPS "_recursive", "Total 0\n");
    }
}

/* Where the files of every disk stand still, as from Linux 6.10 on, those of the disks with that
 * scheduler do not. */
static void test_bfq(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_no_throttling(f);
    put_bfq(f);
    (void)fixture_run(f, 0);
    assert_reads(f, PATH, 701, 71);
    assert_reads(f, "/", 700, 70);
}

/* Both count the same I/O: one of them, and never the sum. BFQ's knows only disks with that
 * scheduler. */
static void test_both_count(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_bfq(f);
    for (unsigned round = 0; round < 3; round++) {
        (void)fixture_run(f, WALK);
        assert_reads(f, PATH, 1001, 11);
        assert_reads(f, "/", 90, 92);
    }
}

/* Files that count nothing are there on every kernel with BFQ. */
static void test_bfq_that_counts_nothing(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "blkio", "", "blkio.bfq.io_service_bytes_recursive", "Total 0\n");
    put_file(f, "blkio", PATH, "blkio.bfq.io_service_bytes_recursive", "Total 0\n");
    (void)fixture_run(f, 0);
    assert_reads(f, PATH, 1001, 11);
}

/* The scheduler of one disk is changed while weir runs: its own files begin at zero, and know no
 * other disk. */
static void test_bfq_begins(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    assert_reads(f, PATH, 1001, 11);
    assert_reads(f, "/", 90, 92);
    put_bfq(f);
    (void)fixture_run(f, WALK);
    assert_reads(f, PATH, 1001, 11);
    assert_reads(f, "/", 90, 92);
}

/* What counts stays: in another file the counters would begin elsewhere. */
static void test_bfq_goes_on(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_no_throttling(f);
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_BLOCK_IO, REASON_ACCOUNTING_OFF);
    put_bfq(f);
    (void)fixture_run(f, WALK);
    assert_reads(f, PATH, 701, 71);
    assert_reads(f, "/", 700, 70);
    put_block(f, "", BYTES "_recursive", 5);
    put_block(f, PATH, BYTES "_recursive", 4);
    (void)fixture_run(f, WALK);
    assert_reads(f, PATH, 701, 71);
    assert_reads(f, "/", 700, 70);
}

/* And files that were not there at first are looked for again. */
static void test_files_begin(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    drop_block(f, PATH);
    drop_block(f, "");
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_BLOCK_IO, REASON_NO_CONTROLLER);
    assert_false((row_at(f, "/")->devices[0].present >> DEVICE_READ_BYTES) & 1);
    put_bfq(f);
    (void)fixture_run(f, WALK);
    assert_reads(f, PATH, 701, 71);
    assert_reads(f, "/", 700, 70);
}

static void check_names(struct group_fixture *f, const char *bytes, const char *operations)
{
    put_container(f, PATH);
    drop_block(f, PATH);
    drop_block(f, "");
    put_block(f, "", bytes, 600);
    put_block(f, PATH, bytes, 601);
    put_block(f, PATH, operations, 61);
    (void)fixture_run(f, 0);
    assert_reads(f, PATH, 601, 61);
}

static void test_before_4_16(void **state)
{
    check_names(*state, BYTES, OPS);
}

static void test_cfq(void **state)
{
    check_names(*state, "blkio.io_service_bytes_recursive", "blkio.io_serviced_recursive");
}

/* --- elsewhere --- */

static void put_groups(struct group_fixture *f, unsigned pid, const char *lines)
{
    put(f, lines, "proc/%u/cgroup", pid);
}

/* Each controller's path is that of a process; where it is "/" the numbers would be the host's. */
static void test_elsewhere(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, SCOPE);
    put_process(f, 100, 500, "a", PATH);
    put_groups(f, 100,
               "11:memory:" PATH "\n10:cpu,cpuacct:" SCOPE "\n9:pids:" SCOPE "\n8:blkio:/\n"
               "7:freezer:/docker\n1:name=systemd:" SCOPE "\n0::/\n");
    drop(f, "%s%s", tree(f, "cpu"), PATH);
    drop(f, "%s%s", tree(f, "pids"), PATH);
    drop(f, "%s%s", tree(f, "blkio"), PATH);
    drop(f, "%s%s", tree(f, "freezer"), PATH);
    drop(f, "%s%s", tree(f, "memory"), SCOPE);
    put_file(f, "cpuacct", SCOPE, "cpuacct.usage", "4711\n");
    put_file(f, "cpu", SCOPE, "cpu.shares", "333\n");
    put_file(f, "pids", SCOPE, "pids.current", "33\n");
    put_file(f, "pids", SCOPE, "pids.max", "34\n");
    put_file(f, "freezer", "/docker", "freezer.state", "FROZEN\n");
    for (unsigned round = 0; round < 8; round++) {
        (void)fixture_run(f, 1);
        assert_int_equal(containers(f), 1);
        const struct container_row *row = row_at(f, PATH);
        assert_value(row, CPU_USAGE, 4711);
        assert_value(row, SPEC_CPU_SHARES, 333);
        assert_value(row, PIDS, 33);
        assert_value(row, PIDS_LIMIT, 34);
        assert_value(row, MEMORY_USAGE, 104857600);
        assert_absent(row, GROUP_BLOCK_IO, REASON_NO_CONTROLLER);
        assert_int_equal(row->device_count, 0);
        assert_int_equal(row->state, STATE_RUNNING); /* a group above is not the container */
    }
}

/* Nobody can tell where it is. */
static void test_elsewhere_without_process(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    drop(f, "%s%s", tree(f, "cpu"), PATH);
    drop(f, "%s%s", tree(f, "pids"), PATH);
    put_file(f, "pids", "", "pids.current", "999\n");
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_CPU, REASON_NO_CONTROLLER);
    assert_absent(row_at(f, PATH), GROUP_PIDS, REASON_NO_CONTROLLER);
    assert_no_value(row_at(f, PATH), CPU_USAGE);
    assert_no_value(row_at(f, PATH), SPEC_CPU_SHARES);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 104857600);
    /* A process comes to be seen. */
    put_process(f, 100, 500, "a", PATH);
    put_container(f, SCOPE);
    drop(f, "%s%s", tree(f, "memory"), SCOPE);
    put_file(f, "memory", PATH, "cgroup.procs", "100\n");
    put_groups(f, 100, "11:memory:" PATH "\n10:cpuacct,cpu:" SCOPE "\n9:pids:" SCOPE "\n");
    (void)fixture_run(f, 5);
    (void)fixture_run(f, 5);
    assert_value(row_at(f, PATH), CPU_USAGE, UINT64_C(698890123456));
    assert_value(row_at(f, PATH), PIDS, 12);
}

/* Another container's group, or one that is gone, is not its own. */
static void test_elsewhere_is_anothers(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH_2);
    put_process(f, 100, 500, "a", PATH);
    put_groups(f, 100,
               "11:memory:" PATH "\n10:cpu,cpuacct:" PATH_2 "\n9:pids:/gone/" ID "\n"
               "8:blkio:" PATH " (deleted)\n7:freezer:/../.." PATH "\n");
    drop(f, "%s%s", tree(f, "cpu"), PATH);
    drop(f, "%s%s", tree(f, "pids"), PATH);
    drop(f, "%s%s", tree(f, "blkio"), PATH);
    drop(f, "%s%s", tree(f, "freezer"), PATH);
    const struct group_result *result = fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_absent(row, GROUP_CPU, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_PIDS, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_BLOCK_IO, REASON_NO_CONTROLLER);
    assert_no_value(row, CPU_USAGE);
    assert_value(row, MEMORY_USAGE, 104857600);
    assert_int_equal(result->part.problem_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_nothing_is_counted),
        V1(test_nothing_to_count),
        V1(test_idle),
        V1(test_unknown_devices),
        V1(test_bfq),
        HYBRID(test_bfq),
        V1(test_bfq_that_counts_nothing),
        V1(test_both_count),
        V1(test_bfq_begins),
        V1(test_bfq_goes_on),
        V1(test_files_begin),
        V1(test_before_4_16),
        V1(test_cfq),
        V1(test_elsewhere),
        HYBRID(test_elsewhere),
        V1(test_elsewhere_without_process),
        V1(test_elsewhere_is_anothers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
