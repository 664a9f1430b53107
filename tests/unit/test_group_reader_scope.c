/* What it knows: which groups the scopes show, and what can be said where only a part of the groups
 * is mounted. Documents: docs/ARCHITECTURE.md, "The cgroup tier"; cgroup_namespaces(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "group_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define WALK 60 /* seconds between looks at every directory */

/* --- services --- */

#define SERVICE "/system.slice/web.service"

static void test_services(void **state)
{
    struct group_fixture *f = *state;
    f->options.scope = SCOPE_SERVICES;
    put_container(f, SERVICE); /* the same files */
    put_container(f, "/weir-test/odd.service");
    put_container(f, PATH);
    for (unsigned round = 0; round < 3; round++) {
        (void)fixture_run(f, 1);
        const struct group_found *found = found_at(f, SERVICE);
        assert_non_null(found);
        assert_int_equal(found->kind, IDENTITY_SERVICE);
        assert_value(&found->row, MEMORY_USAGE, 104857600);
        assert_absent(&found->row, GROUP_NETWORK, REASON_NO_NETWORK);
        assert_non_null(found_at(f, "/weir-test/odd.service"));
        assert_null(found_at(f, "/weir-test"));
        assert_null(found_at(f, "/docker"));
        assert_int_equal(containers(f), 1);
    }
    put_container(f, "/system.slice/new.service");
    (void)fixture_run(f, 1);
    assert_non_null(found_at(f, "/system.slice/new.service"));
    put_container(f, "/system.slice/new.slice/deep.service");
    (void)fixture_run(f, 1);
    assert_non_null(found_at(f, "/system.slice/new.slice/deep.service"));
    drop_container(f, SERVICE);
    (void)fixture_run(f, 1);
    assert_null(found_at(f, SERVICE));
}

/* An idle service is there all the same: only a container without processes is none. */
static void test_service_without_processes(void **state)
{
    struct group_fixture *f = *state;
    f->options.scope = SCOPE_SERVICES;
    put_container(f, SERVICE);
    put_file(f, "", SERVICE, "cgroup.events", "populated 0\nfrozen 0\n");
    (void)fixture_run(f, 1);
    assert_non_null(found_at(f, SERVICE));
}

static void test_all(void **state)
{
    struct group_fixture *f = *state;
    f->options.scope = SCOPE_ALL;
    put_container(f, "/weir-test/deeper");
    put_container(f, PATH);
    for (unsigned round = 0; round < 3; round++) {
        (void)fixture_run(f, 1);
        assert_value(row_at(f, "/weir-test/deeper"), MEMORY_USAGE, 104857600);
        assert_non_null(found_at(f, "/weir-test"));
        assert_non_null(found_at(f, "/docker"));
        assert_int_equal(found_at(f, "/weir-test")->kind, IDENTITY_SERVICE);
    }
    drop_container(f, "/weir-test/deeper");
    put_container(f, "/weir-test/other");
    (void)fixture_run(f, 1);
    assert_null(found_at(f, "/weir-test/deeper"));
    assert_non_null(found_at(f, "/weir-test/other"));
}

/* --- mounts --- */

static void put_mount(struct group_fixture *f, const char *root)
{
    char real[4096];
    char line[8192];
    assert_non_null(realpath(f->sysfs, real));
    (void)snprintf(line, sizeof line, "32 31 0:29 %s %s/fs/cgroup ro - cgroup2 cgroup2 rw\n", root,
                   real);
    put(f, line, "proc/self/mountinfo");
}

/* What the host's disks did is no control group's. */
static void assert_only_disks(const struct container_row *row)
{
    assert_int_equal(row->device_count, 1);
    assert_true((row->devices[0].present >> DEVICE_IO_TIME) & 1);
    assert_false((row->devices[0].present >> DEVICE_READ_BYTES) & 1);
}

/* Of a part nobody can say that a container without a row is not running, and its top is not the
 * host. */
static void test_partial_mount(void **state)
{
    struct group_fixture *f = *state;
    put_mount(f, "/kubepods");
    put_container(f, PATH);
    assert_false(fixture_run(f, 0)->complete);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 104857600);
    assert_false(row_has(row_at(f, "/"), CONTAINER_CPU_USAGE));
    assert_int_equal(row_at(f, "/")->tiers[GROUP_CPU], TIER_NONE);
    assert_only_disks(row_at(f, "/"));
    assert_value(row_at(f, "/"), MEMORY_RSS, UINT64_C(290000) * 1024);
}

static void test_whole_mount(void **state)
{
    struct group_fixture *f = *state;
    put_mount(f, "/");
    put_container(f, PATH);
    assert_true(fixture_run(f, 0)->complete);
    assert_value(row_at(f, "/"), CPU_USAGE, UINT64_C(7000000000));
}

/* A container's own group, mounted in a namespace of its own, calls itself "/"; the host's has no
 * cgroup.events. */
static void test_top_that_is_no_root(void **state)
{
    struct group_fixture *f = *state;
    put_mount(f, "/");
    put_container(f, "");
    (void)fixture_run(f, 0);
    assert_int_equal(row_at(f, "/")->tiers[GROUP_CPU], TIER_NONE);
    assert_only_disks(row_at(f, "/"));
}

static void test_nothing_can_be_listed(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    assert_true(fixture_run(f, 0)->complete);
    drop(f, "sys/fs/cgroup");
    assert_false(fixture_run(f, 1)->complete);
    assert_true(problems(f, REASON_NO_HIERARCHY) + problems(f, REASON_PERMISSION_DENIED) == 1);
    assert_false(fixture_run(f, WALK)->complete);
    fixture_again(f);
    struct err e = {0};
    struct group_reader *none = NULL;
    assert_true(group_reader_new(&f->options, &e, &none) < 0);
    assert_null(none);
    assert_true(e.text[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V2(test_services),
        V1(test_services),
        V2(test_service_without_processes),
        V2(test_all),
        V2(test_partial_mount),
        V2(test_whole_mount),
        V2(test_top_that_is_no_root),
        V1(test_nothing_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
