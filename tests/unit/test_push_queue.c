/* exporters/push_queue.h: what it promises while nothing is broken: order, the cursor, the caps,
 * the lock, memory. */
#include "exporters/push_queue.h"

#include "base/err.h"
#include "push_queue_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

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

static void check_empty(const struct push_queue *q)
{
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.records, 0);
    assert_int_equal(s.samples, 0);
    assert_int_equal(s.oldest_ms, 0);
    assert_int_equal(s.memory_bytes, 0);
}

/* What was appended is what comes out, in its order, and the counts say so at every step. */
static void check_order(struct queue_test *t)
{
    struct push_queue *q = queue_open(t);
    check_empty(q);
    assert_int_equal(queue_take(t, q, false, NULL), -ENODATA);
    queue_append_many(t, q, 50);
    for (uint64_t i = 0; i < 50; i++) {
        struct push_record record;
        const struct push_queue_stats s = queue_stats(q);
        assert_int_equal(s.records, 50 - i);
        assert_int_equal(s.samples, queue_samples_between(i, 50));
        assert_int_equal(queue_take(t, q, false, &record), 0); /* again and again the same */
        assert_int_equal(record.time_ms, s.oldest_ms);
        assert_int_equal(record.sequence, i + 1);
        assert_false(record.doubtful);
        assert_int_equal(queue_take(t, q, true, &record), 0);
        assert_int_equal(record.sequence, i + 1);
    }
    check_empty(q);
    assert_int_equal(queue_take(t, q, false, NULL), -ENODATA);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.queued_samples, queue_samples_between(0, 50));
    assert_int_equal(queue_dropped_records(&s), 0);
    assert_int_equal(queue_dropped_samples(&s), 0);
    push_queue_close(q);
}

static void test_order(void **state)
{
    check_order(*state);
}

static void test_memory_only(void **state)
{
    struct queue_test *t = *state;
    t->options.directory = NULL;
    check_order(t);
    assert_int_equal(access(t->directory, F_OK), -1);
}

/* Closed and opened between any two steps, it goes on where it was; only the first may have been
 * sent before. */
static void test_reopen(void **state)
{
    struct queue_test *t = *state;
    t->options.max_bytes = 1 << 20; /* segments of 64 KiB */
    t->body_bytes = 20000;
    for (uint64_t i = 0; i < 30; i++) {
        struct push_queue *q = queue_open(t);
        assert_int_equal(queue_stats(q).records, i);
        assert_int_equal(queue_stats(q).samples, queue_samples_between(i, 2 * i));
        assert_int_equal(queue_stats(q).bytes, queue_disk_bytes(t));
        queue_append_many(t, q, 2);
        struct push_record record;
        for (int again = 0; again < 2; again++) {
            assert_int_equal(queue_take(t, q, false, &record), 0);
            assert_int_equal(record.sequence, i + 1);
            assert_int_equal(record.doubtful, i > 0);
        }
        assert_int_equal(queue_take(t, q, true, NULL), 0);
        assert_int_equal(queue_take(t, q, false, &record), 0);
        assert_int_equal(record.sequence, i + 2);
        assert_false(record.doubtful);
        push_queue_close(q);
    }
    struct push_queue *q = queue_open(t);
    assert_int_equal(queue_drain(t, q), 30);
    assert_int_equal(t->received, 60);
    push_queue_close(q);
    q = queue_open(t);
    check_empty(q);
    queue_append_many(t, q, 1);
    struct push_record record;
    assert_int_equal(queue_take(t, q, true, &record), 0);
    assert_int_equal(record.sequence, 61);
    assert_false(record.doubtful); /* nobody before can have had it */
    push_queue_close(q);
}

static void test_ack_of_another(void **state)
{
    struct queue_test *t = *state;
    struct push_queue *q = queue_open(t);
    struct err e = {0};
    assert_int_equal(push_queue_ack(q, 1, &e), -EINVAL);
    queue_append_many(t, q, 2);
    assert_int_equal(push_queue_ack(q, 1, &e), -EINVAL);
    assert_int_equal(queue_take(t, q, false, NULL), 0);
    assert_int_equal(push_queue_ack(q, 2, &e), -EINVAL);
    assert_int_equal(push_queue_ack(q, 1, &e), 0);
    assert_int_equal(push_queue_ack(q, 1, &e), -EINVAL);
    assert_int_equal(queue_stats(q).records, 1);
    push_queue_close(q);
}

/* After every step the files are no larger than the cap, and what is there is the newest. */
static void test_cap_in_bytes(void **state)
{
    struct queue_test *t = *state;
    t->options.max_bytes = 500000;
    t->body_bytes = 9000;
    struct push_queue *q = queue_open(t);
    for (int i = 0; i < 200; i++) {
        queue_append_many(t, q, 1);
        const struct push_queue_stats s = queue_stats(q);
        assert_true(queue_disk_bytes(t) <= t->options.max_bytes);
        assert_int_equal(s.bytes, queue_disk_bytes(t));
        assert_int_equal(s.records + s.dropped_records[PUSH_DROP_BYTES], i + 1);
        assert_int_equal(s.samples + s.dropped_samples[PUSH_DROP_BYTES], s.queued_samples);
        assert_int_equal(queue_dropped_records(&s), s.dropped_records[PUSH_DROP_BYTES]);
    }
    const struct push_queue_stats s = queue_stats(q);
    assert_true(s.bytes > t->options.max_bytes - 2 * 65536); /* and not much smaller */
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_stats(q).records, s.records);
    assert_int_equal(queue_stats(q).samples, s.samples);
    assert_int_equal(queue_drain(t, q), s.records);
    assert_true(t->seen[199] && t->seen[200 - s.records]);
    push_queue_close(q);
}

/* The one under way is not given up: it can be had and acked though its segment is gone. */
static void test_cap_with_one_under_way(void **state)
{
    struct queue_test *t = *state;
    t->options.max_bytes = 300000;
    t->body_bytes = 9000;
    struct push_queue *q = queue_open(t);
    struct push_record record;
    queue_append_many(t, q, 1);
    assert_int_equal(queue_take(t, q, false, &record), 0);
    for (int i = 0; i < 100; i++) {
        queue_append_many(t, q, 1);
        assert_true(queue_disk_bytes(t) <= t->options.max_bytes);
        const struct push_queue_stats s = queue_stats(q);
        assert_int_equal(s.records + s.dropped_records[PUSH_DROP_BYTES], i + 2);
        assert_int_equal(s.samples + s.dropped_samples[PUSH_DROP_BYTES], s.queued_samples);
        assert_int_equal(s.oldest_ms, record.time_ms);
    }
    assert_int_equal(queue_take(t, q, false, &record), 0);
    assert_int_equal(record.sequence, 1);
    assert_int_equal(queue_take(t, q, true, &record), 0);
    assert_int_equal(record.sequence, 1);
    assert_int_equal(queue_take(t, q, false, &record), 0);
    assert_true(record.sequence > 60);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(queue_drain(t, q), s.records);
    assert_int_equal(s.records + s.dropped_records[PUSH_DROP_BYTES], 100);
    push_queue_close(q);
}

static void test_larger_than_the_cap(void **state)
{
    struct queue_test *t = *state;
    struct push_record record = {.samples = 5};
    for (int memory = 0; memory < 2; memory++) {
        t->options.max_bytes = 3000;
        t->options.directory = memory ? NULL : t->directory;
        struct push_queue *q = queue_open(t);
        queue_append_many(t, q, 3);
        char body[3000] = "";
        struct err e = {0};
        assert_int_equal(push_queue_append(q, &record, body, sizeof body, &e), -EMSGSIZE);
        assert_non_null(strstr(e.text, "3000"));
        const struct push_queue_stats s = queue_stats(q);
        assert_int_equal(s.records, 3);
        assert_int_equal(s.dropped_records[PUSH_DROP_BYTES], 1);
        assert_int_equal(s.dropped_samples[PUSH_DROP_BYTES], 5);
        assert_int_equal(queue_drain(t, q), 3);
        push_queue_close(q);
    }
}

/* Larger than a segment is meant to be: one of its own. */
static void test_large_records(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    t->options.max_bytes = 3 << 20;
    t->body_bytes = 100000;
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 5);
    assert_int_equal(queue_segments(t, true, path), 5);
    t->body_bytes = 10;
    queue_append_many(t, q, 5);
    assert_int_equal(queue_segments(t, true, path), 6);
    push_queue_close(q);
    q = queue_open(t);
    t->body_bytes = 100000;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(queue_take(t, q, true, NULL), 0);
        if (i == 4)
            t->body_bytes = 10;
    }
    assert_int_equal(queue_segments(t, true, path), 1);
    push_queue_close(q);
}

static void test_empty_bodies(void **state)
{
    struct queue_test *t = *state;
    const struct push_record record = {.samples = 1, .time_ms = t->now_ms};
    struct push_record got;
    struct buf body;
    struct err e = {0};
    buf_init(&body, 100);
    struct push_queue *q = queue_open(t);
    assert_int_equal(push_queue_append(q, &record, NULL, 0, &e), 0);
    assert_int_equal(push_queue_append(q, &record, "x", 1, &e), 0);
    assert_int_equal(buf_add_string(&body, "before"), 0);
    assert_int_equal(push_queue_peek(q, &got, &body, &e), 0);
    assert_string_equal(body.data, "before");
    assert_int_equal(push_queue_ack(q, 1, &e), 0);
    assert_int_equal(push_queue_peek(q, &got, &body, &e), 0);
    assert_string_equal(body.data, "beforex");
    push_queue_close(q);
    buf_done(&body);
}

/* A buffer that is too small for it: an error, nothing lost, the buffer as it was. */
static void test_small_buffer(void **state)
{
    struct queue_test *t = *state;
    struct push_record got;
    struct buf body;
    struct err e = {0};
    buf_init(&body, 50);
    for (int memory = 0; memory < 2; memory++) {
        t->options.directory = memory ? NULL : t->directory;
        struct push_queue *q = queue_open(t);
        queue_append_many(t, q, 1);
        assert_int_equal(push_queue_peek(q, &got, &body, &e), -EMSGSIZE);
        assert_int_equal(body.length, 0);
        assert_false(body.failed);
        assert_int_equal(queue_drain(t, q), 1);
        push_queue_close(q);
    }
    buf_done(&body);
}

static void check_age(struct queue_test *t, bool under_way)
{
    t->options.max_age_ms = 100000; /* a record is made every 15 s */
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 7);
    if (under_way)
        assert_int_equal(queue_take(t, q, false, NULL), 0);
    push_queue_expire(q);
    assert_int_equal(queue_stats(q).records, 7); /* the oldest is 90 s old */
    t->now_ms += 10000;
    push_queue_expire(q);
    assert_int_equal(queue_stats(q).records, 7); /* 100 s: not past it */
    t->now_ms += 1;
    push_queue_expire(q);
    struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.records, under_way ? 7 : 6);
    t->now_ms += 30000;
    push_queue_expire(q);
    s = queue_stats(q);
    assert_int_equal(s.records, under_way ? 5 : 4);
    assert_int_equal(s.dropped_records[PUSH_DROP_AGE], under_way ? 2 : 3);
    assert_int_equal(s.dropped_samples[PUSH_DROP_AGE], queue_samples_between(under_way ? 1 : 0, 3));
    assert_int_equal(s.samples + s.dropped_samples[PUSH_DROP_AGE], s.queued_samples);
    assert_int_equal(queue_drain(t, q), s.records);
    assert_int_equal(t->seen[0], under_way);
    assert_true(!t->seen[1] && !t->seen[2] && t->seen[3] && t->seen[6]);
    check_empty(q);
    push_queue_close(q);
}

static void test_age(void **state)
{
    check_age(*state, false);
}

static void test_age_with_one_under_way(void **state)
{
    check_age(*state, true);
}

static void test_age_in_memory(void **state)
{
    ((struct queue_test *)*state)->options.directory = NULL;
    check_age(*state, false);
}

static void test_age_in_memory_with_one_under_way(void **state)
{
    ((struct queue_test *)*state)->options.directory = NULL;
    check_age(*state, true);
}

/* Append applies the cap in age by itself; a reopened queue keeps it; whole segments go too. */
static void test_age_of_segments(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    t->options.max_bytes = 1 << 20;
    t->options.max_age_ms = 150000;
    t->body_bytes = 30000; /* two records a segment */
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 9);
    push_queue_close(q);
    q = queue_open(t);
    t->now_ms += 15000 * 8;
    queue_append_many(t, q, 1);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.dropped_records[PUSH_DROP_AGE], 6);
    assert_int_equal(s.records, 4);
    assert_int_equal(queue_segments(t, false, path), 2);
    assert_int_equal(queue_drain(t, q), 4);
    push_queue_close(q);
}

/* A clock that was set back makes nothing old. */
static void test_clock_set_back(void **state)
{
    struct queue_test *t = *state;
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 3);
    t->now_ms = 1;
    push_queue_expire(q);
    assert_int_equal(queue_drain(t, q), 3);
    push_queue_close(q);
}

static void test_memory_cap(void **state)
{
    struct queue_test *t = *state;
    t->options.directory = NULL;
    t->options.max_bytes = 2000;
    struct push_queue *q = queue_open(t);
    for (int under_way = 0; under_way < 2; under_way++) {
        for (int i = 0; i < 50; i++) {
            queue_append_many(t, q, 1);
            if (under_way && i == 0)
                assert_int_equal(queue_take(t, q, false, NULL), 0);
            const struct push_queue_stats s = queue_stats(q);
            assert_true(s.bytes <= 2000);
            assert_int_equal(s.memory_bytes, 0);
            assert_int_equal(s.samples + s.dropped_samples[PUSH_DROP_BYTES] + t->got_samples,
                             s.queued_samples);
        }
        const uint64_t records = queue_stats(q).records;
        assert_true(records > 8);
        assert_int_equal(queue_drain(t, q), records);
        assert_int_equal(t->seen[50], under_way);
        assert_true(t->seen[t->appended - 1]);
        assert_false(t->seen[51]);
        check_empty(q);
    }
    push_queue_close(q);
}

static void test_lock(void **state)
{
    struct queue_test *t = *state;
    struct push_queue *q = queue_open(t);
    struct push_queue *second = NULL;
    struct err e = {0};
    char pid[32];
    queue_append_many(t, q, 1);
    assert_int_equal(push_queue_open(&t->options, &e, &second), -EBUSY);
    (void)snprintf(pid, sizeof pid, " %ld:", (long)getpid());
    assert_non_null(strstr(e.text, t->directory));
    assert_non_null(strstr(e.text, pid));
    assert_null(second);
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_drain(t, q), 1);
    push_queue_close(q);
}

static void check_refused(struct queue_test *t, const char *directory, int code, const char *word)
{
    struct err e = {0};
    struct push_queue *q = NULL;
    t->options.directory = directory;
    assert_int_equal(push_queue_open(&t->options, &e, &q), code);
    assert_int_equal(e.code, code);
    assert_null(q);
    if (!strstr(e.text, directory) || !strstr(e.text, word))
        fail_msg("%s", e.text);
}

static void test_no_directory(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/file", t->parent);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    check_refused(t, path, -ENOTDIR, "no directory");
    (void)snprintf(path, sizeof path, "%s/file/below", t->parent);
    check_refused(t, path, -ENOTDIR, "cannot be made");
    check_refused(t, "/proc/weir/queue", -ENOENT, "cannot be made");
    check_refused(t, "/proc/self", -ENOENT, "belongs to user");
}

static void test_permission(void **state)
{
    struct queue_test *t = *state;
    if (geteuid() != 0)
        skip();
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 1);
    push_queue_close(q);
    assert_int_equal(chmod(t->parent, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    check_refused(t, t->directory, -EACCES, "belongs to user 0");
    char path[256];
    (void)snprintf(path, sizeof path, "%s/other", t->parent);
    check_refused(t, path, -EACCES, "cannot be made by user 65534");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(t->directory, 0777), 0);
    char lock[256];
    queue_file(t, "lock", lock);
    assert_int_equal(chmod(lock, 0666), 0);
    assert_int_equal(seteuid(65534), 0);
    check_refused(t, t->directory, -EACCES, "user 65534");
    assert_int_equal(seteuid(0), 0);
    t->options.directory = t->directory;
    q = queue_open(t);
    assert_int_equal(queue_drain(t, q), 1);
    push_queue_close(q);
}

/* With the directories above it; nobody else may read them. */
static void test_modes(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    struct stat st;
    (void)snprintf(t->directory, sizeof t->directory, "%s/a/b//c/", t->parent);
    t->options.sync = PUSH_SYNC_RECORD;
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 3);
    assert_int_equal(stat(t->directory, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    static const char *const names[] = {"lock", "cursor", "00000000000000000001.seg"};
    for (size_t i = 0; i < 3; i++) {
        queue_file(t, names[i], path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    assert_int_equal(queue_drain(t, q), 3);
    push_queue_close(q);
}

/* The files of others are left alone. */
static void test_foreign_files(void **state)
{
    struct queue_test *t = *state;
    static const char *const names[] = {"notes.txt",
                                        "1.seg",
                                        "00000000000000000000.seg",
                                        "99999999999999999999.seg",
                                        "0000000000000000001x.seg",
                                        "00000000000000000001.seg.old"};
    char path[256];
    assert_int_equal(mkdir(t->directory, 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        queue_file(t, names[i], path);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0 && write(fd, "foreign", 7) == 7 && close(fd) == 0);
    }
    queue_file(t, "00000000000000000002.seg", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    queue_file(t, "00000000000000000003.seg", path);
    assert_int_equal(mkdir(path, 0700), 0);
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 3);
    assert_int_equal(queue_drain(t, q), 3);
    push_queue_close(q);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        queue_file(t, names[i], path);
        assert_int_equal(access(path, F_OK), 0);
    }
}

/* A smaller cap than before holds from the start on. */
static void test_smaller_cap(void **state)
{
    struct queue_test *t = *state;
    t->options.max_bytes = 1 << 20;
    t->body_bytes = 9000;
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 60);
    push_queue_close(q);
    t->options.max_bytes = 200000;
    q = queue_open(t);
    const struct push_queue_stats s = queue_stats(q);
    assert_true(queue_disk_bytes(t) <= 200000);
    assert_int_equal(s.records + s.dropped_records[PUSH_DROP_BYTES], 60);
    assert_int_equal(queue_drain(t, q), s.records);
    push_queue_close(q);
}

static void test_close_nothing(void **state)
{
    (void)state;
    push_queue_close(NULL);
}

#define QUEUE_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_order),
        QUEUE_TEST(test_memory_only),
        QUEUE_TEST(test_reopen),
        QUEUE_TEST(test_ack_of_another),
        QUEUE_TEST(test_cap_in_bytes),
        QUEUE_TEST(test_cap_with_one_under_way),
        QUEUE_TEST(test_larger_than_the_cap),
        QUEUE_TEST(test_large_records),
        QUEUE_TEST(test_empty_bodies),
        QUEUE_TEST(test_small_buffer),
        QUEUE_TEST(test_age),
        QUEUE_TEST(test_age_with_one_under_way),
        QUEUE_TEST(test_age_in_memory),
        QUEUE_TEST(test_age_in_memory_with_one_under_way),
        QUEUE_TEST(test_age_of_segments),
        QUEUE_TEST(test_clock_set_back),
        QUEUE_TEST(test_memory_cap),
        QUEUE_TEST(test_lock),
        QUEUE_TEST(test_no_directory),
        QUEUE_TEST(test_permission),
        QUEUE_TEST(test_modes),
        QUEUE_TEST(test_foreign_files),
        QUEUE_TEST(test_smaller_cap),
        QUEUE_TEST(test_close_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
