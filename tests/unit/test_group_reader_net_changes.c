/* What it knows: that a container's network is looked for again: processes an engine hints at, that
 * move to another namespace, end, and leave their number to others. Documents:
 * network_namespaces(7); proc(5), /proc/PID/net/dev. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "group_fixture.h"

#include <stdio.h>

#define RECHECK 10 /* seconds within which another namespace is noticed */

/* --- hints of processes --- */

static void check_hinted(struct group_fixture *f, bool at_once)
{
    struct group_hint hints[] = {{.id = ID, .pid = 100}};
    struct err e = {0};
    put_container(f, PATH);
    put_process(f, 90, 400, "b", PATH); /* started earlier: somebody moved it there */
    put_process(f, 100, 500, "a", PATH);
    put_bytes_received(f, "a", 77);
    put_bytes_received(f, "b", 88);
    assert_int_equal(group_reader_new(&f->options, &e, &f->reader), 0);
    if (!at_once) {
        (void)fixture_run(f, 0);
        assert_received(f, PATH, 88);
    }
    hint(f, 1, hints);
    (void)fixture_run(f, at_once ? 0 : RECHECK);
    assert_received(f, PATH, 77);
    (void)fixture_run(f, RECHECK);
    assert_received(f, PATH, 77);
}

static void test_hinted_process(void **state)
{
    check_hinted(*state, true);
}

/* An engine's answer comes after the first round of this tier. */
static void test_hinted_process_later(void **state)
{
    check_hinted(*state, false);
}

/* It has ended, and its number is somebody else's now. */
static void test_hinted_process_of_another(void **state)
{
    struct group_fixture *f = *state;
    struct group_hint hints[] = {{.id = ID, .pid = 300}};
    struct err e = {0};
    put_container(f, PATH);
    put_container(f, PATH_3);
    put_process(f, 100, 500, "a", PATH);
    put_process(f, 300, 400, "c", PATH_3);
    put_bytes_received(f, "a", 77);
    put_bytes_received(f, "c", 33);
    assert_int_equal(group_reader_new(&f->options, &e, &f->reader), 0);
    hint(f, 1, hints);
    (void)fixture_run(f, 0);
    assert_received(f, PATH, 77);
    assert_received(f, PATH_3, 33);
}

/* --- changes --- */

/* A runtime puts its own process into the group before that has a network of its own. */
static void check_own_later(struct group_fixture *f, size_t max_files)
{
    f->options.max_files = max_files;
    put_container(f, PATH);
    put_process(f, 100, 500, HOST_NETWORK, PATH);
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_HOST_NETWORK);
    put_network(f, 100, "a");
    put_bytes_received(f, "a", 77);
    (void)fixture_run(f, RECHECK);
    assert_received(f, PATH, 77);
}

static void test_own_later(void **state)
{
    check_own_later(*state, 10000);
}

static void test_own_later_without_files(void **state)
{
    check_own_later(*state, 0);
}

/* The process ends and another takes its place in the same group, in another network. */
static void check_replaced(struct group_fixture *f, size_t max_files)
{
    f->options.max_files = max_files;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    put_bytes_received(f, "a", 77);
    (void)fixture_run(f, 0);
    assert_received(f, PATH, 77);
    put_file(f, "memory", PATH, "cgroup.procs", "");
    drop(f, "proc/100");
    put_process(f, 101, 900, "b", PATH);
    put_bytes_received(f, "b", 88);
    (void)fixture_run(f, RECHECK);
    (void)fixture_run(f, RECHECK);
    assert_received(f, PATH, 88);
}

static void test_replaced(void **state)
{
    check_replaced(*state, 10000);
}

static void test_replaced_without_files(void **state)
{
    check_replaced(*state, 0);
}

/* The number of the ended process is another container's: that one's counters are not its. */
static void test_number_used_again(void **state)
{
    struct group_fixture *f = *state;
    f->options.max_files = 0;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    put_bytes_received(f, "a", 77);
    (void)fixture_run(f, 0);
    put_file(f, "memory", PATH, "cgroup.procs", "");
    put_container(f, PATH_2);
    put_process(f, 100, 900, "b", PATH_2);
    put_bytes_received(f, "b", 88);
    (void)fixture_run(f, 1);
    (void)fixture_run(f, RECHECK);
    assert_no_network(f, PATH, REASON_NO_PROCESS);
    assert_received(f, PATH_2, 88);
}

/* However networks come and go, descriptors are counted and none is lost. */
static void test_nothing_leaks(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    (void)fixture_run(f, 0);
    size_t before = open_files();
    uint64_t kept = point_of(f, AGENT_GROUP_FILES);
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "n%u", i);
        put_network(f, 100, name);
        (void)fixture_run(f, RECHECK);
        assert_int_equal(open_files(), before);
        assert_int_equal(point_of(f, AGENT_GROUP_FILES), kept);
    }
    drop(f, "proc/100");
    put_file(f, "memory", PATH, "cgroup.procs", "");
    for (unsigned i = 0; i < 3; i++)
        (void)fixture_run(f, RECHECK);
    assert_no_network(f, PATH, REASON_NO_PROCESS);
    assert_int_equal(open_files(), before - 1); /* a namespace is not kept alive */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_hinted_process),
        V2(test_hinted_process),
        V2(test_hinted_process_later),
        V2(test_hinted_process_of_another),
        V2(test_own_later),
        V2(test_own_later_without_files),
        V2(test_replaced),
        V2(test_replaced_without_files),
        V2(test_number_used_again),
        V2(test_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
