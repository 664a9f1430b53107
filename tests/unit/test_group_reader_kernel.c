/* What it knows: how the running kernel's own files behave where regular ones do not: groups that
 * vanish while they are open, files that are hidden, namespaces. Groups of its own in a parent of
 * its own; as root on a v1 or hybrid host, else skipped. Documents: cgroups(7);
 * network_namespaces(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "group_kernel_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIMITS_AGE  5  /* seconds for which limits are believed */
#define MISSING_AGE 60 /* seconds for which a file that was not there is not looked for */
#define FDS_MOST    65536

static void test_values(void **state)
{
    struct here *h = begin_whole(state);
    assert_true(make_group(h, h->first));
    assert_true(set(h, CONTROLLER_MEMORY, h->first, "memory.limit_in_bytes", "67108864"));
    assert_true(set(h, CONTROLLER_CPU, h->first, "cpu.cfs_quota_us", "50000"));
    assert_true(set(h, CONTROLLER_PIDS, h->first, "pids.max", "17"));
    pid_t pid = start_process(h, false);
    join_group(h, pid, h->first);
    const struct container_row *row = run(h, 0, h->first);
    assert_non_null(row);
    assert_true(group_reader_result(h->reader)->complete);
    assert_int_equal(row->values[CONTAINER_PIDS], 1);
    assert_int_equal(row->values[CONTAINER_PIDS_LIMIT], 17);
    assert_int_equal(row->values[CONTAINER_SPEC_MEMORY_LIMIT], 67108864);
    assert_int_equal(row->values[CONTAINER_SPEC_CPU_QUOTA], 50000);
    assert_int_equal(row->values[CONTAINER_SPEC_CPU_PERIOD], 100000);
    assert_true(row_has(row, CONTAINER_CPU_PERIODS));
    assert_true(row_has(row, CONTAINER_CPU_USAGE));
    assert_true(row_has(row, CONTAINER_MEMORY_WORKING_SET));
    assert_int_equal(row->state, STATE_RUNNING);
    assert_int_equal(row->absent[GROUP_NETWORK], REASON_HOST_NETWORK);
    assert_true(row->birth != 0);
    assert_true(find(h, "/")->values[CONTAINER_CPU_USAGE] > row->values[CONTAINER_CPU_USAGE]);
    assert_true(find(h, "/")->values[CONTAINER_MEMORY_USAGE] > 0);
    if (group_layout_unified(&h->layout) && access("/proc/pressure/cpu", F_OK) == 0)
        assert_true(row_has(row, CONTAINER_PRESSURE_CPU_WAITING));
}

static bool has_point(const struct container_row *row, enum point_metric metric)
{
    for (size_t i = 0; i < row->point_count; i++)
        if (row->points[i].metric == metric)
            return true;
    return false;
}

/* What is read on request only, where this kernel has it. */
static void test_more_values(void **state)
{
    struct here *h = begin(state);
    char path[PATH_MAX];
    const struct group_tree *tree = group_layout_tree(&h->layout, CONTROLLER_MEMORY);
    h->groups = GROUPS_ALL;
    make_reader(h, 1000);
    assert_true(make_group(h, h->first));
    join_group(h, start_process(h, false), h->first);
    const struct container_row *row = run(h, 0, h->first);
    assert_non_null(row);
    file_of(path, tree, h->first, "memory.numa_stat");
    if (access(path, R_OK) == 0)
        assert_true(has_point(row, POINT_NUMA_PAGES));
    assert_true(has_point(row, POINT_NUMA_PAGES) == (row->tiers[GROUP_NUMA] == TIER_CGROUP));
    assert_true(has_point(row, POINT_HUGETLB_USAGE) == (row->tiers[GROUP_HUGETLB] == TIER_CGROUP));
    if (!set(h, CONTROLLER_CPUSET, h->first, "cpuset.memory_migrate", "1"))
        return;
    row = run(h, 0, h->first);
    assert_int_equal(row->tiers[GROUP_CPUSET], TIER_CGROUP);
    assert_int_equal(row->values[CONTAINER_MEMORY_MIGRATE], 1);
    end_processes(h);
    drop_group(h, h->first);
    assert_null(run(h, 0, h->first));
}

/* With no group of values wanted a group that vanished is missed all the same. */
static void test_vanishes_unread(void **state)
{
    struct here *h = begin(state);
    h->groups = 0;
    make_reader(h, 1000);
    assert_true(make_group(h, h->first));
    join_group(h, start_process(h, false), h->first);
    const struct container_row *row = run(h, 0, h->first);
    assert_non_null(row);
    assert_true(row->present == 0);
    end_processes(h);
    drop_group(h, h->first);
    assert_null(run(h, 0, h->first));
}

/* Whoever writes a limit is heard: no second passes. */
static void test_limits_change_at_once(void **state)
{
    struct here *h = begin(state);
    char text[32];
    assert_true(make_group(h, h->first));
    join_group(h, start_process(h, false), h->first);
    (void)run(h, 0, h->first);
    for (unsigned i = 1; i <= 3; i++) {
        (void)snprintf(text, sizeof text, "%u", i * 1048576);
        assert_true(set(h, CONTROLLER_MEMORY, h->first, "memory.limit_in_bytes", text));
        assert_int_equal(run(h, 0, h->first)->values[CONTAINER_SPEC_MEMORY_LIMIT], i * 1048576);
        (void)snprintf(text, sizeof text, "%u", i * 10000);
        assert_true(set(h, CONTROLLER_CPU, h->first, "cpu.cfs_quota_us", text));
        assert_int_equal(run(h, 0, h->first)->values[CONTAINER_SPEC_CPU_QUOTA], i * 10000);
        (void)snprintf(text, sizeof text, "%u", i * 10);
        assert_true(set(h, CONTROLLER_PIDS, h->first, "pids.max", text));
        assert_int_equal(run(h, 0, h->first)->values[CONTAINER_PIDS_LIMIT], i * 10);
    }
    assert_true(set(h, CONTROLLER_CPU, h->first, "cpu.cfs_quota_us", "-1"));
    assert_true(set(h, CONTROLLER_PIDS, h->first, "pids.max", "max"));
    const struct container_row *row = run(h, 0, h->first);
    assert_false(row_has(row, CONTAINER_SPEC_CPU_QUOTA));
    assert_true(row_is_unlimited(row, CONTAINER_PIDS_LIMIT));
}

/* Limits are believed for a while, whether the kernel says that they were written or not. */
static void test_limits_change(void **state)
{
    struct here *h = begin(state);
    char text[32];
    assert_true(make_group(h, h->first));
    join_group(h, start_process(h, false), h->first);
    for (unsigned i = 1; i <= 3; i++) {
        (void)snprintf(text, sizeof text, "%u", i * 1048576);
        assert_true(set(h, CONTROLLER_MEMORY, h->first, "memory.limit_in_bytes", text));
        (void)snprintf(text, sizeof text, "%u", i * 10000);
        assert_true(set(h, CONTROLLER_CPU, h->first, "cpu.cfs_quota_us", text));
        (void)snprintf(text, sizeof text, "%u", i * 10);
        assert_true(set(h, CONTROLLER_PIDS, h->first, "pids.max", text));
        const struct container_row *row = run(h, LIMITS_AGE, h->first);
        assert_int_equal(row->values[CONTAINER_SPEC_MEMORY_LIMIT], i * 1048576);
        assert_int_equal(row->values[CONTAINER_SPEC_CPU_QUOTA], i * 10000);
        assert_int_equal(row->values[CONTAINER_PIDS_LIMIT], i * 10);
    }
    assert_true(set(h, CONTROLLER_CPU, h->first, "cpu.cfs_quota_us", "-1"));
    assert_true(set(h, CONTROLLER_PIDS, h->first, "pids.max", "max"));
    const struct container_row *row = run(h, LIMITS_AGE, h->first);
    assert_false(row_has(row, CONTAINER_SPEC_CPU_QUOTA));
    assert_false(row_has(row, CONTAINER_CPU_PERIODS));
    assert_true(row_is_unlimited(row, CONTAINER_PIDS_LIMIT));
}

static void test_paused(void **state)
{
    struct here *h = begin(state);
    assert_true(make_group(h, h->first));
    join_group(h, start_process(h, false), h->first);
    if (!set(h, CONTROLLER_FREEZER, h->first, "freezer.state", "FROZEN"))
        skip();
    const struct container_row *row = run(h, 0, h->first);
    const struct timespec moment = {.tv_nsec = 1000000};
    for (unsigned i = 0; i < WAIT_MS && row->state != STATE_PAUSED; i++) {
        (void)nanosleep(&moment, NULL); /* FREEZING for as long as a process is in the kernel */
        row = run(h, 1, h->first);
    }
    assert_int_equal(row->state, STATE_PAUSED);
    assert_true(set(h, CONTROLLER_FREEZER, h->first, "freezer.state", "THAWED"));
    assert_int_equal(run(h, 1, h->first)->state, STATE_RUNNING);
}

static void drop_first(struct here *h)
{
    end_processes(h);
    drop_group(h, h->first);
}

static void renew_first(struct here *h)
{
    drop_first(h);
    assert_true(make_group(h, h->first));
    join_group(h, start_process(h, false), h->first);
}

/* Reading an open file of a group that is gone says ENODEV. */
static void check_vanishes(struct here *h, size_t max_files)
{
    make_reader(h, max_files);
    for (unsigned calls = 1; calls <= 3; calls++) {
        assert_true(make_group(h, h->first));
        join_group(h, start_process(h, false), h->first);
        assert_non_null(run(h, 1, h->first)); /* now its files are open */
        h->at_clock = drop_first;
        h->at_clock_calls = calls; /* 1: the job's begin, 2: the first file, 3: after CPU usage */
        assert_null(run(h, 1, h->first));
        assert_int_equal(h->at_clock_calls, 0);
        assert_int_equal(group_reader_result(h->reader)->part.problem_count, 0);
        assert_null(run(h, 1, h->first));
    }
}

static void test_vanishes(void **state)
{
    check_vanishes(begin(state), 1000);
}

static void test_vanishes_without_files(void **state)
{
    check_vanishes(begin(state), 0);
}

/* It is gone and another one is in its place: that is read in the next round, under its own birth.
 */
static void test_renewed_in_a_job(void **state)
{
    struct here *h = begin(state);
    assert_true(make_group(h, h->first));
    join_group(h, start_process(h, false), h->first);
    assert_non_null(run(h, 0, h->first));
    uint64_t birth = find(h, h->first)->birth;
    h->at_clock = renew_first;
    h->at_clock_calls = 2;
    const struct container_row *row = run(h, 1, h->first);
    if (row)
        assert_int_not_equal(row->birth, birth); /* the new one's values are not the old one's */
    row = run(h, 1, h->first);
    assert_non_null(row);
    assert_int_not_equal(row->birth, birth);
    assert_true(row_has(row, CONTAINER_MEMORY_USAGE));
}

/* cgroup.pressure switches the files off and on; an open one says ENODEV. */
static void test_pressure_is_hidden(void **state)
{
    struct here *h = begin(state);
    const struct group_tree *unified = group_layout_unified(&h->layout);
    char path[PATH_MAX];
    assert_true(make_group(h, h->first));
    join_group(h, start_process(h, false), h->first);
    if (!unified || !row_has(run(h, 0, h->first), CONTAINER_PRESSURE_CPU_WAITING))
        skip();
    file_of(path, unified, h->first, "cgroup.pressure");
    if (!write_file(path, "0"))
        skip();
    const struct container_row *row = run(h, 1, h->first);
    assert_non_null(row);
    assert_int_equal(row->absent[GROUP_PRESSURE], REASON_NO_PRESSURE);
    assert_true(row_has(row, CONTAINER_MEMORY_USAGE));
    assert_true(write_file(path, "1"));
    row = run(h, MISSING_AGE, h->first);
    assert_int_equal(row->absent[GROUP_PRESSURE], REASON_NONE);
}

/* Two in one namespace that is not the host's, with lo alone. */
static void test_networks(void **state)
{
    struct here *h = begin(state);
    assert_true(make_group(h, h->first));
    assert_true(make_group(h, h->second));
    pid_t pid = start_process(h, true);
    if (pid < 0)
        skip();
    join_group(h, pid, h->first);
    join_group(h, start_process(h, false), h->second);
    (void)run(h, 0, h->first);
    assert_int_equal(find(h, h->first)->absent[GROUP_NETWORK], REASON_NO_NETWORK);
    assert_int_equal(find(h, h->second)->absent[GROUP_NETWORK], REASON_HOST_NETWORK);
    /* The process ends, another takes its place. */
    end_processes(h);
    assert_null(run(h, 10, h->first)); /* a group that nobody is in is no container */
    join_group(h, start_process(h, false), h->first);
    assert_int_equal(run(h, 10, h->first)->absent[GROUP_NETWORK], REASON_HOST_NETWORK);
}

/* Where the container is only in "/" it does not get what the host has. */
static void test_elsewhere(void **state)
{
    struct here *h = begin_whole(state);
    char path[PATH_MAX];
    char text[32];
    const struct group_tree *pids = group_layout_tree(&h->layout, CONTROLLER_PIDS);
    const struct group_tree *usage = group_layout_tree(&h->layout, CONTROLLER_CPUACCT);
    if (!pids || !usage || pids->version != 1)
        skip();
    assert_true(make_group(h, h->first));
    pid_t pid = start_process(h, false);
    join_group(h, pid, h->first);
    (void)snprintf(text, sizeof text, "%d\n", (int)pid);
    file_of(path, pids, "", "cgroup.procs");
    assert_true(write_file(path, text));
    file_of(path, pids, h->first, "");
    drop_one(path);
    const struct container_row *row = run(h, 0, h->first);
    assert_non_null(row);
    assert_int_equal(row->absent[GROUP_PIDS], REASON_NO_CONTROLLER);
    assert_false(row_has(row, CONTAINER_PIDS));
    assert_true(row_has(row, CONTAINER_CPU_USAGE));
    assert_int_equal(mkdir(path, 0755), 0);
    file_of(path, pids, h->first, "cgroup.procs");
    assert_true(write_file(path, text));
    row = run(h, MISSING_AGE, h->first);
    assert_int_equal(row->values[CONTAINER_PIDS], 1);
}

/* Descriptors of files in these groups, and of the network of process `pid`. */
static size_t open_files(const struct here *h, pid_t pid)
{
    char link[64];
    char target[PATH_MAX];
    char network[64];
    size_t count = 0;
    (void)snprintf(network, sizeof network, "/proc/%d/net/dev", (int)pid);
    for (int fd = 0; fd < FDS_MOST; fd++) {
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        count += strstr(target, h->first) != NULL || text_starts_with(target, network);
    }
    return count;
}

static void test_nothing_leaks(void **state)
{
    struct here *h = begin(state);
    (void)run(h, 0, "/");
    for (unsigned i = 0; i < 5; i++) {
        assert_true(make_group(h, h->first));
        pid_t pid = start_process(h, true);
        if (pid < 0)
            skip();
        join_group(h, pid, h->first);
        assert_non_null(run(h, 1, h->first));
        assert_non_null(run(h, 10, h->first));
        assert_true(open_files(h, pid) > 10);
        if (i == 3)
            group_reader_close_files(h->reader);
        assert_true((open_files(h, pid) == 0) == (i == 3));
        drop_first(h);
        assert_null(run(h, 1, h->first));
        assert_int_equal(open_files(h, pid), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, here_setup, here_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values),           TEST(test_limits_change_at_once),
        TEST(test_limits_change),    TEST(test_paused),
        TEST(test_vanishes),         TEST(test_vanishes_without_files),
        TEST(test_renewed_in_a_job), TEST(test_pressure_is_hidden),
        TEST(test_networks),         TEST(test_elsewhere),
        TEST(test_nothing_leaks),    TEST(test_more_values),
        TEST(test_vanishes_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
