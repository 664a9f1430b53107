/* exporters/push_queue_examine.h: what is said of a queue's directory without touching it. */
#include "exporters/push_queue_examine.h"

#include "base/err.h"
#include "push_queue_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY      65534
#define CURSOR_LOCK ((uint64_t)1024) /* bytes: what these two files have at most */

static int begin(void **state)
{
    *state = queue_test_begin();
    return 0;
}

static int end(void **state)
{
    queue_test_end(*state);
    return 0;
}

static uint64_t used(const char *directory)
{
    struct err e = {0};
    struct push_queue_place place = {.used_bytes = 1};
    if (push_queue_examine(directory, &place, &e) < 0)
        fail_msg("%s", e.text);
    return place.used_bytes;
}

static void check_refused(const char *directory, int code, const char *word)
{
    struct err e = {0};
    struct push_queue_place place;
    assert_int_equal(push_queue_examine(directory, &place, &e), code);
    if (!strstr(e.text, directory) || !strstr(e.text, word))
        fail_msg("%s", e.text);
}

static void test_nothing_is_made(void **state)
{
    const struct queue_test *t = *state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/not/yet/there", t->parent);
    assert_int_equal(used(path), 0);
    assert_int_equal(used(t->directory), 0);
    assert_int_equal(access(t->directory, F_OK), -1);
    (void)snprintf(path, sizeof path, "%s/not", t->parent);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_room(void **state)
{
    const struct queue_test *t = *state;
    struct statvfs fs;
    struct err e = {0};
    struct push_queue_place place;
    assert_int_equal(push_queue_examine(t->directory, &place, &e), 0);
    assert_true(place.free_bytes > 0);
    assert_int_equal(statvfs(t->parent, &fs), 0);
    assert_true(place.free_bytes <= (uint64_t)fs.f_blocks * fs.f_frsize);
}

/* Where nobody but root may write. */
static void test_the_systems_directories(void **state)
{
    (void)state;
    struct statvfs fs;
    struct err e = {0};
    struct push_queue_place place;
    if (geteuid() != 0)
        skip();
    assert_int_equal(used("/not-there"), 0); /* of which nothing but the root is there */
    assert_int_equal(statvfs("/proc", &fs), 0);
    assert_int_equal(fs.f_bavail, 0);
    assert_int_equal(push_queue_examine("/proc", &place, &e), 0);
    assert_int_equal(place.free_bytes, 0);
}

/* With a weir that has it, and after it. */
static void test_used(void **state)
{
    struct queue_test *t = *state;
    struct push_queue *q = queue_open(t);
    assert_true(used(t->directory) <= CURSOR_LOCK);
    queue_append_many(t, q, 40);
    const uint64_t bytes = used(t->directory);
    assert_true(bytes >= 40 * (uint64_t)t->body_bytes);
    assert_true(bytes <= queue_disk_bytes(t) && bytes + CURSOR_LOCK >= queue_disk_bytes(t));
    push_queue_close(q);
    assert_int_equal(used(t->directory), bytes);
    q = queue_open(t); /* nothing was changed */
    assert_int_equal(queue_drain(t, q), 40);
    push_queue_close(q);
}

static void test_no_directory(void **state)
{
    const struct queue_test *t = *state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/file", t->parent);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    check_refused(path, -ENOTDIR, "no directory");
    (void)snprintf(path, sizeof path, "%s/file/below", t->parent);
    check_refused(path, -ENOTDIR, "cannot be made");
}

static void test_permission(void **state)
{
    struct queue_test *t = *state;
    if (geteuid() != 0)
        skip();
    push_queue_close(queue_open(t));
    char other[256];
    char lock[256];
    (void)snprintf(other, sizeof other, "%s/other", t->parent);
    queue_file(t, "lock", lock);
    assert_int_equal(chmod(t->parent, 0755), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    check_refused(t->directory, -EACCES, "belongs to user 0");
    check_refused(other, -EACCES, "cannot be made by user 65534");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(t->directory, 0777), 0); /* but its files are still root's */
    assert_int_equal(seteuid(NOBODY), 0);
    check_refused(t->directory, -EACCES, "user 65534");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(lock, 0666), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    assert_int_equal(used(t->directory), 0);
    assert_int_equal(seteuid(0), 0);
}

#define EXAMINE_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXAMINE_TEST(test_nothing_is_made),
        EXAMINE_TEST(test_room),
        EXAMINE_TEST(test_the_systems_directories),
        EXAMINE_TEST(test_used),
        EXAMINE_TEST(test_no_directory),
        EXAMINE_TEST(test_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
