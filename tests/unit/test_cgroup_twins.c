/* Several control groups that are called after one container: whoever has a delegated group can
 * make one, and runtimes leave some behind. One counts, the others are reported. Documents:
 * docs/ARCHITECTURE.md, "The cgroup tier"; systemd's CGROUP_DELEGATION. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cgroup_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RUNTIMES "/system.slice/docker-" ID ".scope"
#define USERS    "/user.slice/user-1000.slice/user@1000.service/app.slice/docker-" ID ".scope"
#define ROUNDS   20
#define STARTED  (UINT64_C(1690000000) * NS_PER_SECOND)
#define WALK     61 /* seconds, after which everything is looked at anew */

/* What tells the two groups apart. */
#define USAGE      UINT64_C(104857600) /* as the fixture has it */
#define OTHERS     "7340032"
#define NET_RIGHT  "right"
#define NET_WRONG  "wrong"
#define RECEIVED   4711
#define PID_RIGHT  100
#define PID_WRONG  200
#define PID_SHARED 300

static uint64_t inode_of(const struct kernel_tier *t, const char *path)
{
    char whole[PATH_MAX];
    struct stat st;
    (void)snprintf(whole, sizeof whole, "%s/%s%s", t->f.top, tree(&t->f, "memory"), path);
    assert_int_equal(stat(whole, &st), 0);
    return st.st_ino;
}

static const char *swap_from, *swap_to;

static void swap_in(struct group_fixture *f, const char *directory)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    size_t above = strlen(directory) - strlen(swap_from);
    (void)snprintf(from, sizeof from, "%s/%s", f->top, directory);
    (void)snprintf(to, sizeof to, "%s/%.*s%s", f->top, (int)above, directory, swap_to);
    assert_int_equal(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE), 0);
}

/* The kernel gives out inodes of control groups in the order they are made, a file system not. */
static void make_in_order(struct kernel_tier *t, const char *first, const char *second)
{
    put_container(&t->f, first);
    put_container(&t->f, second);
    swap_from = first;
    swap_to = second;
    if (inode_of(t, first) > inode_of(t, second))
        each_tree(&t->f, first, swap_in);
    assert_true(inode_of(t, first) < inode_of(t, second));
}

static void fill(struct kernel_tier *t, const char *right, const char *wrong)
{
    put_file(&t->f, "memory", wrong, "memory.usage_in_bytes", OTHERS "\n");
    put_process(&t->f, PID_RIGHT, 5000, NET_RIGHT, right);
    put_bytes_received(&t->f, NET_RIGHT, RECEIVED);
    put_process(&t->f, PID_WRONG, 4000, NET_WRONG, wrong);
}

static void expect_right(const struct kernel_tier *t, const char *path, uint64_t problems)
{
    const struct container_row *row = tier_row(t, ID);
    assert_non_null(row);
    assert_int_equal(row->birth, inode_of(t, path));
    assert_int_equal(row->values[CONTAINER_MEMORY_USAGE], USAGE);
    assert_int_equal(row->tiers[GROUP_NETWORK], TIER_CGROUP);
    assert_int_equal(row->interface_count, 1);
    assert_int_equal(row->interfaces[0].values[INTERFACE_RX_BYTES], RECEIVED);
    assert_int_equal(tier_problems(t, REASON_DUPLICATE_ID), problems);
    assert_int_equal(row->identity->kind, IDENTITY_CONTAINER);
}

static void expect_told(const struct kernel_tier *t, const char *path)
{
    const struct identity *who = tier_row(t, ID)->identity;
    assert_string_equal(who->name, "web");
    assert_string_equal(who->cgroup_path, path);
    assert_int_equal(who->started_ns, STARTED);
}

/* Somebody calls a scope of his own after a container that is there. */
static void test_later_one(void **state)
{
    struct kernel_tier *t = *state;
    make_in_order(t, RUNTIMES, USERS);
    fill(t, RUNTIMES, USERS);
    for (unsigned i = 0; i < ROUNDS; i++) {
        tier_round(t, 10);
        expect_right(t, RUNTIMES, 1);
        assert_string_equal(tier_row(t, ID)->identity->cgroup_path, RUNTIMES);
    }
}

/* The same, and who it is an engine has said: its start is not forgotten. */
static void test_later_one_of_a_known(void **state)
{
    struct kernel_tier *t = *state;
    make_in_order(t, RUNTIMES, USERS);
    fill(t, RUNTIMES, USERS);
    t->f.now_ns += NS_PER_SECOND;
    tier_tell(t, ID, RUNTIMES, PID_RIGHT, STARTED);
    for (unsigned i = 0; i < ROUNDS; i++) {
        tier_round(t, 10);
        expect_right(t, RUNTIMES, 1);
        expect_told(t, RUNTIMES);
    }
}

/* It comes while the container is known, and goes. */
static void test_comes_and_goes(void **state)
{
    struct kernel_tier *t = *state;
    make_in_order(t, RUNTIMES, USERS);
    fill(t, RUNTIMES, USERS);
    char from[PATH_MAX];
    char aside[PATH_MAX];
    (void)snprintf(from, sizeof from, "%s/%s%s", t->f.top, tree(&t->f, "memory"), USERS);
    (void)snprintf(aside, sizeof aside, "%s/aside", t->f.top);
    assert_int_equal(rename(from, aside), 0);
    tier_tell(t, ID, RUNTIMES, PID_RIGHT, STARTED);
    tier_round(t, WALK);
    expect_right(t, RUNTIMES, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rename(aside, from), 0);
        tier_round(t, WALK);
        expect_right(t, RUNTIMES, 1);
        expect_told(t, RUNTIMES);
        assert_int_equal(rename(from, aside), 0);
        tier_round(t, WALK);
        expect_right(t, RUNTIMES, 0);
        expect_told(t, RUNTIMES);
    }
}

/* A group that was left behind is older, and an engine says where the container is. */
static void test_older_one(void **state)
{
    struct kernel_tier *t = *state;
    make_in_order(t, PATH, RUNTIMES);
    fill(t, RUNTIMES, PATH);
    t->f.now_ns += NS_PER_SECOND;
    tier_tell(t, ID, RUNTIMES, PID_RIGHT, STARTED);
    for (unsigned i = 0; i < ROUNDS; i++) {
        tier_round(t, 10);
        expect_right(t, RUNTIMES, 1);
        expect_told(t, RUNTIMES);
    }
}

/* The engine's word comes after the first look. */
static void check_older_one_later(struct kernel_tier *t)
{
    tier_round(t, 0);
    assert_int_equal(tier_row(t, ID)->birth, inode_of(t, PATH)); /* nobody says otherwise */
    assert_int_equal(tier_problems(t, REASON_DUPLICATE_ID), 1);
    t->f.now_ns += NS_PER_SECOND;
    tier_tell(t, ID, RUNTIMES, PID_RIGHT, STARTED);
    for (unsigned i = 0; i < ROUNDS; i++) {
        tier_round(t, 10);
        expect_right(t, RUNTIMES, 1);
        expect_told(t, RUNTIMES);
    }
}

static void test_older_one_later(void **state)
{
    struct kernel_tier *t = *state;
    make_in_order(t, PATH, RUNTIMES);
    fill(t, RUNTIMES, PATH);
    check_older_one_later(t);
}

/* The container's own network, in which a process of the other group is too. */
static void test_older_one_in_the_same_network(void **state)
{
    struct kernel_tier *t = *state;
    make_in_order(t, PATH, RUNTIMES);
    fill(t, RUNTIMES, PATH);
    put_network(&t->f, PID_WRONG, NET_RIGHT);
    check_older_one_later(t);
}

/* Three with one id, and another container beside them. */
static void test_three(void **state)
{
    struct kernel_tier *t = *state;
    make_in_order(t, RUNTIMES, USERS);
    make_in_order(t, RUNTIMES, PATH);
    make_in_order(t, RUNTIMES, USERS);
    if (inode_of(t, RUNTIMES) > inode_of(t, PATH))
        make_in_order(t, RUNTIMES, PATH);
    fill(t, RUNTIMES, USERS);
    put_container(&t->f, PATH_2);
    put_process(&t->f, PID_SHARED, 6000, "another", PATH_2);
    for (unsigned i = 0; i < 3; i++) {
        tier_round(t, 10);
        expect_right(t, RUNTIMES, 2);
        assert_non_null(tier_row(t, ID_2));
        assert_int_equal(t->part.row_count, 3); /* and the host */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIER_1(test_later_one),       TIER_1(test_later_one_of_a_known),
        TIER_1(test_comes_and_goes),  TIER_1(test_older_one),
        TIER_1(test_older_one_later), TIER_1(test_older_one_in_the_same_network),
        TIER_1(test_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
