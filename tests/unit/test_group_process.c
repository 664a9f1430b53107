/* What it knows: processes, descriptors, sockets and limits of groups on hosts that stand in for a
 * machine, nested groups, hidden and unreadable processes among them. Documents: cgroups(7);
 * proc(5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric.h"
#include "group_fixture.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

static void put_descriptor(struct group_fixture *f, unsigned pid, unsigned fd, const char *target)
{
    char path[PATH_MAX];
    put_directory(f, "proc/%u/fd", pid);
    (void)snprintf(path, sizeof path, "%s/proc/%u/fd/%u", f->top, pid, fd);
    assert_int_equal(symlink(target, path), 0);
}

static void put_limit(struct group_fixture *f, unsigned pid, const char *soft)
{
    char text[256];
    (void)snprintf(
        text, sizeof text,
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            %-20s 1048576              files     \n",
        soft);
    put(f, text, "proc/%u/limits", pid);
}

/* A process with two descriptors, one of them a socket, and a limit of its own. */
static void put_whole(struct group_fixture *f, unsigned pid, unsigned start, const char *path)
{
    char soft[16];
    put_process(f, pid, start, "a", path);
    put_descriptor(f, pid, 0, "/dev/null");
    put_descriptor(f, pid, 7, "socket:[4242]");
    (void)snprintf(soft, sizeof soft, "%u", pid * 10);
    put_limit(f, pid, soft);
}

static void want(struct group_fixture *f, enum metric_group group)
{
    f->options.groups |= GROUP_BIT(group);
}

static void begin(struct group_fixture *f)
{
    want(f, GROUP_PROCESS);
    put_container(f, PATH);
}

static void check_values(struct group_fixture *f)
{
    begin(f);
    put_whole(f, 100, 500, PATH);
    put_whole(f, 90, 600, PATH);
    put_descriptor(f, 90, 8, "pipe:[1]");
    put_descriptor(f, 90, 9, "/tmp/socket:[1]");
    put_descriptor(f, 90, 10, "socket:[1]");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_value(row, PROCESSES, 2);
    assert_value(row, FILE_DESCRIPTORS, 7);
    assert_value(row, SOCKETS, 3);
    assert_value(row, ULIMIT_FILES, 1000); /* of the one that started first */
    assert_int_equal(group_reader_result(f->reader)->part.problem_count, 0);
}

static void test_values(void **state)
{
    check_values(*state);
}

static void test_not_wanted(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_whole(f, 100, 500, PATH);
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_absent(row, GROUP_PROCESS, REASON_NOT_GIVEN);
    assert_absent(row, GROUP_SCHED, REASON_NOT_GIVEN);
    assert_absent(row, GROUP_LOAD, REASON_NOT_GIVEN);
    assert_no_value(row, PROCESSES);
    assert_no_value(row, FILE_DESCRIPTORS);
    assert_no_value(row, ULIMIT_FILES);
    assert_int_equal(row->point_count, 0);
}

/* cgroup.procs of a group does not have the processes of the groups below it. */
static void test_nested(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_group(f, PATH "/system.slice");
    put_group(f, PATH "/system.slice/a.service");
    put_group(f, PATH "/init.scope");
    put_whole(f, 100, 500, PATH "/init.scope");
    put_whole(f, 101, 600, PATH "/system.slice/a.service");
    put_whole(f, 102, 700, PATH "/system.slice/a.service");
    put_whole(f, 103, 700, "/"); /* of the host */
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_value(row, PROCESSES, 3);
    assert_value(row, FILE_DESCRIPTORS, 6);
    assert_value(row, SOCKETS, 3);
    assert_value(row, ULIMIT_FILES, 1000);
}

/* A v2 file may say one twice; on v1 a process whose threads are in two groups is in both. */
static void test_each_once(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_group(f, PATH "/a");
    put_whole(f, 100, 500, PATH);
    put_process(f, 100, 500, NULL, PATH);
    put_process(f, 100, 500, NULL, PATH "/a");
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), PROCESSES, 1);
    assert_value(row_at(f, PATH), FILE_DESCRIPTORS, 2);
}

static void test_unlimited(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_whole(f, 100, 500, PATH);
    put_limit(f, 100, "unlimited");
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), ULIMIT_FILES, (uint64_t)-1);
    put_limit(f, 100, "65536");
    (void)fixture_run(f, 1);
    assert_value(row_at(f, PATH), ULIMIT_FILES, 65536);
    drop(f, "proc/100/limits");
    (void)fixture_run(f, 1);
    assert_no_value(row_at(f, PATH), ULIMIT_FILES);
    assert_value(row_at(f, PATH), PROCESSES, 1);
    put(f, "Max open files\n", "proc/100/limits");
    (void)fixture_run(f, 1);
    assert_no_value(row_at(f, PATH), ULIMIT_FILES);
    assert_int_equal(problems(f, REASON_MALFORMED), 1);
}

static void assert_no_descriptors(const struct group_fixture *f)
{
    const struct container_row *row = row_at(f, PATH);
    assert_no_value(row, FILE_DESCRIPTORS);
    assert_no_value(row, SOCKETS);
    assert_given(row, GROUP_PROCESS);
    assert_true(row_has(row, CONTAINER_PROCESSES));
    assert_int_equal(problems(f, REASON_PERMISSION_DENIED), 1);
}

/* It is in the group, and procfs does not show it. */
static void test_hidden(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_whole(f, 100, 500, PATH);
    put_process(f, 101, 600, NULL, PATH);
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), PROCESSES, 2);
    assert_no_descriptors(f);
    put_whole(f, 101, 600, "/none");
    (void)fixture_run(f, 1);
    assert_value(row_at(f, PATH), FILE_DESCRIPTORS, 4);
}

/* A v2 file has a 0 for each process of another pid namespace. */
static void test_other_namespace(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_whole(f, 100, 500, PATH);
    put_process(f, 0, 0, NULL, PATH);
    put_process(f, 0, 0, NULL, PATH);
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), PROCESSES, 3);
    assert_no_descriptors(f);
}

/* A v1 file leaves them out: a group of tasks without a process is such. */
static void test_none_seen(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_PROCESS, REASON_NO_PROCESS);
    assert_no_value(row_at(f, PATH), PROCESSES);
}

static void test_not_readable(void **state)
{
    struct group_fixture *f = *state;
    char path[PATH_MAX];
    if (geteuid() != 0)
        skip();
    begin(f);
    put_whole(f, 100, 500, PATH);
    put_whole(f, 101, 600, PATH);
    (void)snprintf(path, sizeof path, "%s/proc/101/fd", f->top);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(f->top, 0755), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    (void)fixture_run(f, 0);
    assert_int_equal(seteuid(0), 0);
    assert_value(row_at(f, PATH), PROCESSES, 2);
    assert_no_descriptors(f);
}

static void test_broken(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_file(f, "memory", PATH, "cgroup.procs", "12\nx\n");
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_PROCESS, REASON_MALFORMED);
    assert_true(problems(f, REASON_MALFORMED) > 0);
}

/* What ended is counted no more, and the first process may be another. */
static void test_changes(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_whole(f, 100, 500, PATH);
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), ULIMIT_FILES, 1000);
    put_file(f, "memory", PATH, "cgroup.procs", "");
    put_whole(f, 110, 900, PATH);
    drop(f, "proc/100");
    (void)fixture_run(f, 1);
    assert_value(row_at(f, PATH), PROCESSES, 1);
    assert_value(row_at(f, PATH), FILE_DESCRIPTORS, 2);
    assert_value(row_at(f, PATH), ULIMIT_FILES, 1100);
}

/* Services have them too, where they are shown. */
static void test_services(void **state)
{
    struct group_fixture *f = *state;
    f->options.scope = SCOPE_SERVICES;
    want(f, GROUP_PROCESS);
    put_container(f, "/system.slice/ssh.service");
    put_whole(f, 100, 500, "/system.slice/ssh.service");
    put_whole(f, 101, 400, "/system.slice/ssh.service");
    (void)fixture_run(f, 0);
    assert_value(row_at(f, "/system.slice/ssh.service"), PROCESSES, 2);
    assert_value(row_at(f, "/system.slice/ssh.service"), ULIMIT_FILES, 1010);
}

/* The kernel refuses a directory that is no v1 control group; a v2 tree is not even tried. */
static void test_no_task_states(void **state)
{
    struct group_fixture *f = *state;
    want(f, GROUP_LOAD);
    put_container(f, PATH);
    size_t before = open_files();
    (void)fixture_run(f, 0);
    (void)fixture_run(f, 1);
    assert_absent(row_at(f, PATH), GROUP_LOAD, REASON_NOT_GIVEN);
    fixture_again(f);
    assert_int_equal(open_files(), before);
}

/* As systemd's RestrictAddressFamilies= has it. */
static bool forbidden;
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol)
{
    if (!forbidden || domain != AF_NETLINK)
        return __real_socket(domain, type, protocol);
    errno = EAFNOSUPPORT;
    return -1;
}

static void test_netlink_forbidden(void **state)
{
    struct group_fixture *f = *state;
    f->options.groups |= GROUP_BIT(GROUP_LOAD);
    put_container(f, PATH);
    forbidden = true;
    (void)fixture_run(f, 0);
    forbidden = false;
    assert_absent(row_at(f, PATH), GROUP_LOAD, REASON_PERMISSION_DENIED);
    assert_int_equal(problems(f, REASON_PERMISSION_DENIED), 1);
}

static void test_nothing_stays_open(void **state)
{
    struct group_fixture *f = *state;
    f->options.max_files = 0;
    size_t before = open_files();
    f->options.groups = GROUPS_ALL;
    put_container(f, PATH);
    put_whole(f, 100, 500, PATH);
    for (unsigned i = 0; i < 10; i++)
        (void)fixture_run(f, 1);
    fixture_again(f);
    assert_int_equal(open_files(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_values),
        V2(test_values),
        HYBRID(test_values),
        V1(test_not_wanted),
        V2(test_not_wanted),
        V1(test_nested),
        V2(test_nested),
        V1(test_each_once),
        V2(test_each_once),
        V2(test_unlimited),
        V1(test_hidden),
        V2(test_hidden),
        V2(test_other_namespace),
        V1(test_none_seen),
        V1(test_not_readable),
        V2(test_not_readable),
        V1(test_broken),
        V2(test_broken),
        V1(test_changes),
        V2(test_changes),
        V2(test_services),
        V1(test_no_task_states),
        V2(test_no_task_states),
        V1(test_nothing_stays_open),
        V1(test_netlink_forbidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
