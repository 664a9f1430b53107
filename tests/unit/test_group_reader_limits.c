/* When a changed limit is seen: at once where the kernel says that its file was written, and within
 * five seconds where it does not, because the host allows no more watches. Documents: inotify(7);
 * namespaces(7), for limits per user namespace (/proc/sys/user). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "group_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNHEARD_AGE 5  /* seconds for which limits are believed that no event is told of */
#define CHANGES     4  /* of each limit */
#define SKIPPED     77 /* exit codes of the process without watches */
#define FAILED      1

struct limits {
    const char *cpu, *memory, *pids; /* files */
    const char *quotas[CHANGES];
};

static const struct limits limits_1 = {
    "cpu.cfs_quota_us", "memory.limit_in_bytes", "pids.max", {"10000\n", "20000\n", "-1\n", "5\n"}};
static const struct limits limits_2 = {
    "cpu.max",
    "memory.max",
    "pids.max",
    {"10000 50000\n", "20000 50000\n", "max 50000\n", "5 50000\n"}};
static const uint64_t quotas[CHANGES] = {10000, 20000, 0, 5}; /* 0: none */
static const char *const memories[CHANGES] = {"1048576\n", "2097152\n", "4096\n", "8192\n"};
static const uint64_t bytes[CHANGES] = {1048576, 2097152, 4096, 8192};
static const char *const tasks[CHANGES] = {"11\n", "12\n", "max\n", "13\n"};
static const uint64_t counts[CHANGES] = {11, 12, 0, 13}; /* 0: none */

static const struct limits *limits_of(const struct group_fixture *f)
{
    return f->mode == GROUP_MODE_UNIFIED ? &limits_2 : &limits_1;
}

static void write_limits(struct group_fixture *f, unsigned change)
{
    const struct limits *l = limits_of(f);
    put_file(f, "cpu", PATH, l->cpu, l->quotas[change]);
    put_file(f, "memory", PATH, l->memory, memories[change]);
    put_file(f, "pids", PATH, l->pids, tasks[change]);
}

static bool has_limits(const struct group_fixture *f, unsigned change)
{
    const struct container_row *row = row_at(f, PATH);
    bool quota = row_has(row, CONTAINER_SPEC_CPU_QUOTA);
    return quota == (quotas[change] != 0) &&
           (!quota || row->values[CONTAINER_SPEC_CPU_QUOTA] == quotas[change]) &&
           row->values[CONTAINER_SPEC_MEMORY_LIMIT] == bytes[change] &&
           row_is_unlimited(row, CONTAINER_PIDS_LIMIT) == (counts[change] == 0) &&
           (counts[change] == 0 || row->values[CONTAINER_PIDS_LIMIT] == counts[change]);
}

/* No second passes. */
static void test_at_once(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH_2);
    (void)fixture_run(f, 0);
    for (unsigned i = 0; i < CHANGES; i++) {
        write_limits(f, i);
        (void)fixture_run(f, 0);
        assert_true(has_limits(f, i));
        assert_value(row_at(f, PATH_2), PIDS_LIMIT, 100); /* nobody's else */
        (void)fixture_run(f, 1);
        assert_true(has_limits(f, i));
    }
}

/* One file at a time, and of a group that was made anew. */
static void test_each_at_once(void **state)
{
    struct group_fixture *f = *state;
    const struct limits *l = limits_of(f);
    put_container(f, PATH);
    for (unsigned i = 0; i < 2; i++) {
        (void)fixture_run(f, 1);
        put_file(f, "cpu", PATH, l->cpu, l->quotas[i]);
        (void)fixture_run(f, 0);
        assert_value(row_at(f, PATH), SPEC_CPU_QUOTA, quotas[i]);
        put_file(f, "memory", PATH, l->memory, memories[i]);
        (void)fixture_run(f, 0);
        assert_value(row_at(f, PATH), SPEC_MEMORY_LIMIT, bytes[i]);
        put_file(f, "pids", PATH, l->pids, tasks[i]);
        (void)fixture_run(f, 0);
        assert_value(row_at(f, PATH), PIDS_LIMIT, counts[i]);
        renew_container(f, PATH);
        (void)fixture_run(f, 1);
        assert_value(row_at(f, PATH), PIDS_LIMIT, 100);
    }
}

/* Files that nobody writes are not read in every round: what they are for. */
static void test_not_in_every_round(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    drop_file(f, "pids", PATH, "pids.max");
    (void)fixture_run(f, 30);
    assert_value(row_at(f, PATH), PIDS_LIMIT, 100); /* no event tells that a file is gone */
    (void)fixture_run(f, 31);
    assert_no_value(row_at(f, PATH), PIDS_LIMIT);
}

/* --- without watches --- */

static bool allow_no_watches(void)
{
    if (unshare(CLONE_NEWUSER) < 0)
        return false;
    int fd = open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, "0", 1) == 1; /* of this namespace alone, which ends with the process */
    (void)close(fd);
    return done;
}

/* Which change, if any, was not seen in time. */
static bool sees_changes(struct group_fixture *f)
{
    (void)fixture_run(f, 0);
    for (unsigned i = 0; i < CHANGES; i++) {
        write_limits(f, i);
        (void)fixture_run(f, UNHEARD_AGE);
        if (!has_limits(f, i))
            return false;
    }
    return true;
}

static bool sees_at_once(struct group_fixture *f)
{
    (void)fixture_run(f, UNHEARD_AGE);
    write_limits(f, 0);
    (void)fixture_run(f, 0);
    return has_limits(f, 0);
}

static void test_without_watches(void **state)
{
    struct group_fixture *f = *state;
    int status = 0;
    put_container(f, PATH);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!allow_no_watches())
            _exit(SKIPPED);
        _exit(sees_changes(f) && !sees_at_once(f) ? 0 : FAILED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_at_once),
        V2(test_at_once),
        V1(test_each_at_once),
        V2(test_each_at_once),
        V1(test_not_in_every_round),
        V2(test_not_in_every_round),
        V1(test_without_watches),
        V2(test_without_watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
