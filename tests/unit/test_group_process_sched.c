/* What it knows: the sums of threads' times on hosts that stand in for a machine, and that they
 * never fall while threads end, are replaced, move and hide. Documents: proc(5), /proc/PID/task;
 * Documentation/scheduler/sched-stats.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric.h"
#include "group_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS_MOST 16384 /* kept of one group */

/* A thread that waited twice as long as it ran. */
static void put_thread(struct group_fixture *f, unsigned pid, unsigned tid, unsigned start,
                       unsigned run)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "%u (a) S 1 1 1 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 %u 1000 1 0 0\n", tid, start);
    put(f, text, "proc/%u/task/%u/stat", pid, tid);
    (void)snprintf(text, sizeof text, "%u %u %u\n", run, 2 * run, run / 10);
    put(f, text, "proc/%u/task/%u/schedstat", pid, tid);
}

static void begin(struct group_fixture *f)
{
    f->options.groups |= GROUP_BIT(GROUP_SCHED);
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    put_thread(f, 100, 100, 500, 1000);
    put_thread(f, 100, 105, 510, 200);
}

static void assert_times(struct group_fixture *f, unsigned run)
{
    const struct container_row *row = row_at(f, PATH);
    assert_value(row, SCHED_RUN, run);
    assert_value(row, SCHED_WAIT, 2 * run);
    assert_value(row, SCHED_SLICES, run / 10);
}

/* Every thread counts, not the leading ones alone. */
static void test_sum(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_group(f, PATH "/below");
    put_process(f, 101, 600, "a", PATH "/below");
    put_thread(f, 101, 101, 600, 30);
    (void)fixture_run(f, 0);
    assert_times(f, 1230);
    put_thread(f, 100, 105, 510, 250);
    (void)fixture_run(f, 1);
    assert_times(f, 1280);
}

static void test_thread_ends(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    (void)fixture_run(f, 0);
    drop(f, "proc/100/task/105");
    (void)fixture_run(f, 1);
    assert_times(f, 1200);
    put_thread(f, 100, 100, 500, 1010);
    (void)fixture_run(f, 1);
    assert_times(f, 1210);
}

static void test_process_ends(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_process(f, 101, 600, "a", PATH);
    put_thread(f, 101, 101, 600, 30);
    (void)fixture_run(f, 0);
    put_file(f, "memory", PATH, "cgroup.procs", "101\n");
    drop(f, "proc/100");
    for (unsigned i = 0; i < 3; i++) {
        (void)fixture_run(f, 1);
        assert_times(f, 1230);
    }
    put_file(f, "memory", PATH, "cgroup.procs", "");
    drop(f, "proc/101");
    put_process(f, 102, 700, "a", PATH);
    put_thread(f, 102, 102, 700, 70);
    (void)fixture_run(f, 1);
    assert_times(f, 1300);
}

/* The number of one that ended is given away: a thread with another start is another. */
static void test_number_again(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    (void)fixture_run(f, 0);
    put_thread(f, 100, 105, 999, 5000); /* more than the one before had */
    (void)fixture_run(f, 1);
    assert_times(f, 6200);
    put_thread(f, 100, 105, 1500, 10);
    (void)fixture_run(f, 1);
    assert_times(f, 6210);
    (void)fixture_run(f, 1);
    assert_times(f, 6210);
}

/* Another thread took the place of the leader when it called execve. */
static void test_falls(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    (void)fixture_run(f, 0);
    put_thread(f, 100, 100, 500, 40);
    (void)fixture_run(f, 1);
    assert_times(f, 1240);
}

/* It is seen in no list for a moment, and lives. */
static void test_moves(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_process(f, 101, 600, "a", PATH);
    put_thread(f, 101, 101, 600, 30);
    (void)fixture_run(f, 0);
    put_file(f, "memory", PATH, "cgroup.procs", "100\n");
    put_thread(f, 101, 101, 600, 50);
    (void)fixture_run(f, 1);
    assert_times(f, 1230); /* what it did elsewhere is not known */
    put_file(f, "memory", PATH, "cgroup.procs", "100\n101\n");
    (void)fixture_run(f, 1);
    assert_times(f, 1250); /* and it is not counted twice */
}

/* A kernel without it has no file; one that does not count writes zeros. */
static void test_not_counted(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    drop(f, "proc/100/task/100/schedstat");
    drop(f, "proc/100/task/105/schedstat");
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_SCHED, REASON_NOT_GIVEN);
    assert_no_value(row_at(f, PATH), SCHED_RUN);
    put_thread(f, 100, 100, 500, 0);
    put_thread(f, 100, 105, 510, 0);
    (void)fixture_run(f, 1);
    assert_absent(row_at(f, PATH), GROUP_SCHED, REASON_NOT_GIVEN);
    assert_int_equal(group_reader_result(f->reader)->part.problem_count, 0);
}

/* A part of the threads would be a wrong sum; what was known stays. */
static void test_hidden(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    (void)fixture_run(f, 0);
    put_process(f, 101, 600, NULL, PATH);
    (void)fixture_run(f, 1);
    assert_absent(row_at(f, PATH), GROUP_SCHED, REASON_PERMISSION_DENIED);
    assert_no_value(row_at(f, PATH), SCHED_RUN);
    assert_int_equal(problems(f, REASON_PERMISSION_DENIED), 1);
    put_file(f, "memory", PATH, "cgroup.procs", "100\n");
    (void)fixture_run(f, 1);
    assert_times(f, 1200);
}

static void test_broken(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put(f, "1 2\n", "proc/100/task/105/schedstat");
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_SCHED, REASON_MALFORMED);
    assert_int_equal(problems(f, REASON_MALFORMED), 1);
}

/* A container that is made anew begins anew. */
static void test_renewed(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    (void)fixture_run(f, 0);
    renew_container(f, PATH);
    drop(f, "proc/100");
    put_process(f, 200, 900, "a", PATH);
    put_thread(f, 200, 200, 900, 10);
    (void)fixture_run(f, 1);
    assert_times(f, 10);
}

static void test_too_many(void **state)
{
    struct group_fixture *f = *state;
    char path[PATH_MAX];
    begin(f);
    put_thread(f, 100, 100002, 600, 10);
    for (unsigned i = 3; i < THREADS_MOST; i++) { /* all the same but for their numbers */
        (void)snprintf(path, sizeof path, "%s/proc/100/task/%u", f->top, 100000 + i);
        assert_int_equal(symlink("100002", path), 0);
    }
    (void)fixture_run(f, 0);
    assert_times(f, 1200 + (THREADS_MOST - 2) * 10);
    put_thread(f, 100, 99999, 600, 10);
    (void)fixture_run(f, 1);
    assert_absent(row_at(f, PATH), GROUP_SCHED, REASON_TOO_MANY);
    assert_int_equal(problems(f, REASON_TOO_MANY), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_sum),          V2(test_sum),          V1(test_thread_ends),  V2(test_thread_ends),
        V1(test_process_ends), V2(test_process_ends), V2(test_number_again), V2(test_falls),
        V1(test_moves),        V2(test_moves),        V1(test_not_counted),  V2(test_hidden),
        V2(test_broken),       V1(test_renewed),      V2(test_renewed),      V2(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
