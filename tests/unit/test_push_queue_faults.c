/* exporters/push_queue.h on a disk that fails: the process ends at any system call, any of them
 * returns an error, the disk is full, the directory is removed. */
#include "base/err.h"
#include "push_queue_fixture.h"
#include "syscall_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a process did before it ended, in memory that outlives it. */
struct progress {
    uint64_t appended; /* appends that returned */
    uint64_t asked;    /* acks that were asked for */
    uint64_t acked;    /* and that returned */
    bool finished;
};

static int begin(void **state)
{
    struct queue_test *t = queue_test_begin();
    memset(&faults, 0, sizeof faults);
    t->options.max_bytes = 1 << 20; /* segments of 64 KiB */
    t->body_bytes = 15000;          /* four records in each */
    *state = t;
    return 0;
}

static int end(void **state)
{
    queue_test_end(*state);
    memset(&faults, 0, sizeof faults);
    return 0;
}

static void ack_oldest(struct queue_test *t, struct push_queue *q, struct progress *p)
{
    struct push_record record;
    p->asked++;
    if (queue_take(t, q, true, &record) == 0)
        p->acked++;
}

/* Segments begin and end, some are read to their end, others are not, and it is closed between. */
static void work(struct queue_test *t, struct progress *p)
{
    for (int round = 0; round < 2; round++) {
        struct push_queue *q = queue_open(t);
        for (int i = 0; i < 9; i++) {
            (void)queue_append(t, q);
            p->appended++;
            if (i % 2 == 1)
                ack_oldest(t, q, p);
        }
        for (int i = 0; i < 3 + round; i++)
            ack_oldest(t, q, p);
        push_queue_close(q);
    }
    p->finished = true;
}

/* Afterwards: all that was appended and not acked is there, in order, and but for the one under way
 * nothing that was acked. */
static void check_rest(struct queue_test *t, const struct progress *p)
{
    queue_forget(t);
    t->appended = p->appended + 1; /* the one that was being written may be there */
    struct push_queue *q = queue_open(t);
    const struct push_queue_stats opened = queue_stats(q);
    (void)queue_drain(t, q);
    for (uint64_t i = 0; i < p->appended; i++) {
        if (i < p->acked)
            assert_false(t->seen[i]);
        if (i >= p->asked)
            assert_true(t->seen[i]);
    }
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(opened.records, t->received);
    assert_int_equal(s.dropped_records[PUSH_DROP_TORN], queue_dropped_records(&s));
    assert_true(queue_dropped_records(&s) <= 1);
    assert_true(queue_dropped_records(&s) == 0 || !t->seen[p->appended]);
    push_queue_close(q);
}

/* In a process of its own, which ends at call number `at`. False: it never came to that. */
static bool end_at(struct queue_test *t, struct progress *p, unsigned long at)
{
    memset(p, 0, sizeof *p);
    queue_remove_tree(t->directory);
    queue_forget(t);
    t->appended = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        faults.calls = 0;
        faults.first = at;
        faults.last = faults.first;
        work(t, p);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return !p->finished;
}

static void check_ends(struct queue_test *t, enum fault_how how, enum push_sync sync)
{
    struct progress *p =
        mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    t->options.sync = sync;
    unsigned long at = 1;
    faults.how = how;
    for (; end_at(t, p, at); at++)
        check_rest(t, p);
    if (at < 40)
        fail_msg("%lu calls", at);
    check_rest(t, p);
    assert_int_equal(t->received, 3);
    assert_int_equal(munmap(p, sizeof *p), 0);
}

static void test_ends_before(void **state)
{
    check_ends(*state, FAULT_END_BEFORE, PUSH_SYNC_NEVER);
    check_ends(*state, FAULT_END_BEFORE, PUSH_SYNC_RECORD);
}

static void test_ends_half_way(void **state)
{
    check_ends(*state, FAULT_END_HALF, PUSH_SYNC_SEGMENT);
}

static void test_ends_after(void **state)
{
    check_ends(*state, FAULT_END_AFTER, PUSH_SYNC_SEGMENT);
}

/* While the cap takes the oldest: what is gone is the oldest, and nothing is called damaged. */
static bool end_while_giving_up(struct queue_test *t, struct progress *p, unsigned long at)
{
    memset(p, 0, sizeof *p);
    queue_remove_tree(t->directory);
    queue_forget(t);
    t->appended = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct push_queue *q = queue_open(t);
        faults.calls = 0;
        faults.first = faults.last = at;
        for (; p->appended < 40; p->appended++)
            (void)queue_append(t, q);
        p->finished = true;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    t->appended = p->appended + 1;
    struct push_queue *q = queue_open(t);
    const uint64_t left = queue_stats(q).records;
    assert_true(queue_disk_bytes(t) <= t->options.max_bytes);
    assert_int_equal(queue_drain(t, q), left);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(queue_dropped_records(&s), s.dropped_records[PUSH_DROP_TORN]);
    const uint64_t next = t->seen[p->appended] ? p->appended + 1 : p->appended;
    assert_true(left <= next && (next < 10 || left >= 8));
    for (uint64_t i = next - left; i < next; i++)
        assert_true(t->seen[i]);
    push_queue_close(q);
    return !p->finished;
}

static void test_ends_while_giving_up(void **state)
{
    struct queue_test *t = *state;
    struct progress *p =
        mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    t->options.max_bytes = 200000;
    for (enum fault_how how = FAULT_END_BEFORE; how <= FAULT_END_AFTER; how++) {
        unsigned long at = 1;
        faults.how = how;
        while (end_while_giving_up(t, p, at))
            at++;
        if (at < 40)
            fail_msg("%lu calls", at);
    }
    assert_int_equal(munmap(p, sizeof *p), 0);
}

/* Calls `first` to `last` fail, then the disk is well again: nothing is lost, nothing comes twice,
 * what was waiting in memory is on disk at the end. */
static bool work_through(struct queue_test *t, unsigned long first, unsigned long calls)
{
    queue_remove_tree(t->directory);
    queue_forget(t);
    t->appended = 0;
    faults.first = 0;
    struct push_queue *q = queue_open(t);
    faults.calls = 0;
    faults.first = first;
    faults.last = first + calls - 1;
    for (int i = 0; i < 20; i++) {
        (void)queue_append(t, q);
        if (i % 2 == 1)
            (void)queue_take(t, q, true, NULL);
        const struct push_queue_stats s = queue_stats(q);
        assert_int_equal(s.samples + t->got_samples, s.queued_samples);
        assert_int_equal(s.records + t->received, t->appended);
    }
    const bool struck = faults.calls >= first;
    faults.first = 0;
    queue_append_many(t, q, 1);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(queue_dropped_records(&s), 0);
    assert_int_equal(s.memory_bytes, 0);
    assert_int_equal(s.bytes, queue_disk_bytes(t));
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_stats(q).records + t->received, t->appended);
    (void)queue_drain(t, q);
    assert_int_equal(t->received, t->appended);
    const struct push_queue_stats again = queue_stats(q);
    assert_int_equal(queue_dropped_records(&again), 0);
    push_queue_close(q);
    return struck;
}

static void check_errors(struct queue_test *t, int code, unsigned long calls, bool reads)
{
    faults.code = code;
    faults.reads_too = reads;
    unsigned long at = 1;
    while (work_through(t, at, calls))
        at++;
    if (at < 20)
        fail_msg("%lu calls", at);
}

static void test_error_once(void **state)
{
    struct queue_test *t = *state;
    faults.how = FAULT_ERROR;
    for (enum push_sync sync = PUSH_SYNC_NEVER; sync <= PUSH_SYNC_RECORD; sync++) {
        t->options.sync = sync;
        check_errors(t, EIO, 1, true);
        check_errors(t, ENOSPC, 1, false);
    }
}

static void test_error_for_a_while(void **state)
{
    struct queue_test *t = *state;
    faults.how = FAULT_ERROR;
    for (enum push_sync sync = PUSH_SYNC_NEVER; sync <= PUSH_SYNC_RECORD; sync++) {
        t->options.sync = sync;
        check_errors(t, ENOSPC, 2, false);
        check_errors(t, EROFS, 13, false);
    }
}

static void test_half_written(void **state)
{
    struct queue_test *t = *state;
    faults.how = FAULT_SHORT;
    check_errors(t, ENOSPC, 2, false); /* and then truncate works */
    check_errors(t, EIO, 3, false);    /* or does not */
}

static void check_cap(void *context)
{
    const struct queue_test *t = context;
    assert_true(queue_disk_bytes(t) <= t->options.max_bytes);
}

/* Not only between the calls of the queue: after each system call. */
static void test_cap_at_every_moment(void **state)
{
    struct queue_test *t = *state;
    t->options.max_bytes = 400000;
    struct push_queue *q = queue_open(t);
    faults.after = check_cap;
    faults.context = t;
    for (int i = 0; i < 100; i++) {
        queue_append_many(t, q, 1);
        if (i % 7 == 0)
            assert_int_equal(queue_take(t, q, true, NULL), 0);
    }
    push_queue_close(q);
    assert_true(faults.calls > 100);
}

static void test_sync_policies(void **state)
{
    struct queue_test *t = *state;
    unsigned long syncs[3];
    for (enum push_sync sync = PUSH_SYNC_NEVER; sync <= PUSH_SYNC_RECORD; sync++) {
        queue_remove_tree(t->directory);
        queue_forget(t);
        t->appended = 0;
        t->options.sync = sync;
        struct push_queue *q = queue_open(t);
        faults.syncs = 0;
        queue_append_many(t, q, 20); /* five segments */
        syncs[sync] = faults.syncs;
        push_queue_close(q);
    }
    assert_int_equal(syncs[PUSH_SYNC_NEVER], 0);
    assert_int_equal(syncs[PUSH_SYNC_SEGMENT],
                     4 + 5); /* those that are full; five in the directory */
    assert_int_equal(syncs[PUSH_SYNC_RECORD], 20 + 4 + 5);
}

/* A place that cannot be read: told each time, given up after many, counted. */
static void test_bad_sector(void **state)
{
    struct queue_test *t = *state;
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 3);
    faults.how = FAULT_ERROR;
    faults.code = EIO;
    faults.reads_too = true;
    for (int i = 0; i < 99; i++) {
        faults.first = faults.calls + 1;
        faults.last = faults.first + 3;
        assert_int_equal(queue_take(t, q, false, NULL), -EIO);
        assert_int_equal(queue_stats(q).records, 3);
    }
    faults.first = faults.calls + 1;
    faults.last = faults.first;
    assert_int_equal(queue_take(t, q, true, NULL), 0);
    assert_true(t->seen[1]);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.dropped_samples[PUSH_DROP_DISK], queue_samples(0));
    assert_int_equal(queue_drain(t, q), 1);
    push_queue_close(q);
}

/* The memory in the disk's place has its own cap; what it drops is counted, its order kept. */
static void check_memory_cap(struct queue_test *t, bool under_way)
{
    t->options.max_memory_bytes = 100000;
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 1);
    assert_int_equal(queue_take(t, q, true, NULL), 0);
    faults.how = FAULT_ERROR;
    faults.code = ENOSPC;
    faults.first = faults.calls + 1;
    faults.last = ~0UL;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(queue_append(t, q), -ENOSPC);
        if (i == 0 && under_way)
            assert_int_equal(queue_take(t, q, false, NULL), 0);
        const struct push_queue_stats s = queue_stats(q);
        assert_true(s.memory_bytes <= 100000);
        assert_int_equal(s.samples + t->got_samples + s.dropped_samples[PUSH_DROP_DISK],
                         s.queued_samples);
    }
    struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.records, 6);
    assert_int_equal(s.dropped_records[PUSH_DROP_DISK], 14);
    if (under_way) {
        assert_int_equal(queue_take(t, q, true, NULL), 0);
        assert_true(t->seen[1]);
    }
    faults.first = 0;
    queue_append_many(t, q, 1);
    assert_int_equal(queue_stats(q).memory_bytes, 0);
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_drain(t, q), under_way ? 6 : 7);
    s = queue_stats(q);
    assert_int_equal(queue_dropped_records(&s), 0);
    push_queue_close(q);
}

static void test_memory_cap(void **state)
{
    check_memory_cap(*state, false);
}

static void test_memory_cap_with_one_under_way(void **state)
{
    check_memory_cap(*state, true);
}

/* Neither takes it. */
static void test_no_memory_allowed(void **state)
{
    struct queue_test *t = *state;
    t->options.max_memory_bytes = 100;
    struct push_queue *q = queue_open(t);
    faults.how = FAULT_ERROR;
    faults.code = ENOSPC;
    faults.first = faults.calls + 1;
    faults.last = ~0UL;
    assert_int_equal(queue_append(t, q), -ENOSPC);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.records, 0);
    assert_int_equal(s.dropped_samples[PUSH_DROP_DISK], s.queued_samples);
    push_queue_close(q);
}

static void test_file_size_limit(void **state)
{
    struct queue_test *t = *state;
    struct rlimit before;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 2);
    for (rlim_t limit = 30128; limit < 45000; limit += 500) {
        const struct rlimit now = {limit, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        assert_int_equal(queue_append(t, q), -EFBIG);
        assert_int_equal(queue_disk_bytes(t), 30128 + 592);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    }
    const uint64_t records = queue_stats(q).records;
    assert_int_equal(queue_drain(t, q), records);
    assert_int_equal(records, 32);
    push_queue_close(q);
}

/* A file system of 256 KiB of its own; in a process of its own, whose exit status is the line that
 * is wrong. */
#define CHECK(condition)                                                  \
    do {                                                                  \
        if (!(condition)) {                                               \
            (void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            _exit(1);                                                     \
        }                                                                 \
    } while (0)

static void fill_small_disk(struct queue_test *t)
{
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0 ||
        mkdir(t->directory, 0700) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", t->directory, "tmpfs", 0, "size=256k") < 0)
        _exit(77);
    struct push_queue *q = queue_open(t);
    int full = 0;
    for (int i = 0; i < 60; i++)
        full += queue_append(t, q) == -ENOSPC;
    struct push_queue_stats s = queue_stats(q);
    CHECK(full > 30 && s.records == 60 && queue_dropped_records(&s) == 0);
    CHECK(s.memory_bytes > 30 * t->body_bytes);
    push_queue_close(q); /* what was in memory is lost with it */
    q = queue_open(t);   /* a full disk is no reason not to begin */
    const uint64_t left = queue_stats(q).records;
    CHECK(left == (uint64_t)(60 - full));
    for (int i = 0; i < 60; i++)
        (void)queue_append(t, q);
    CHECK(queue_stats(q).records == left + 60);
    CHECK(queue_drain(t, q) == left + 60);
    s = queue_stats(q);
    CHECK(queue_dropped_records(&s) == 0 && s.memory_bytes == 0);
    push_queue_close(q);
    q = queue_open(t);
    CHECK(queue_stats(q).records == 0);
    push_queue_close(q);
    _exit(0);
}

static void test_small_disk(void **state)
{
    struct queue_test *t = *state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        fill_small_disk(t);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("no file system may be mounted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Somebody removes the directory: it is made again with all that was in it. */
static void test_directory_removed(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 20);
    for (int i = 0; i < 6; i++)
        assert_int_equal(queue_take(t, q, true, NULL), 0);
    queue_remove_tree(t->directory);
    assert_int_equal(queue_take(t, q, true, NULL), 0);
    queue_append_many(t, q, 1);
    assert_int_equal(queue_segments(t, true, path), 5);
    assert_int_equal(queue_stats(q).bytes, queue_disk_bytes(t));
    assert_int_equal(queue_take(t, q, true, NULL), 0);
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_drain(t, q), 13);
    assert_int_equal(t->received, 21);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(queue_dropped_records(&s), 0);
    push_queue_close(q);
}

/* Only its files. */
static void test_files_removed(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    struct push_queue *q = queue_open(t);
    for (int i = 0; i < 4; i++) {
        queue_append_many(t, q, 6);
        if (i == 0) {
            queue_file(t, "cursor", path);
            assert_int_equal(unlink(path), 0);
        } else if (i == 1) {
            (void)queue_segments(t, true, path);
            assert_int_equal(unlink(path), 0);
        } else if (i == 2) {
            queue_file(t, "lock", path);
            assert_int_equal(unlink(path), 0);
        }
        assert_int_equal(queue_take(t, q, true, NULL), 0);
    }
    struct push_queue *second;
    struct err e = {0};
    assert_int_equal(push_queue_open(&t->options, &e, &second), -EBUSY);
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_drain(t, q), 20);
    push_queue_close(q);
}

/* And it cannot be made again for a while: what is open is sent, what is new waits in memory. */
static void test_directory_away(void **state)
{
    struct queue_test *t = *state;
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 10);
    queue_remove_tree(t->directory);
    int fd = open(t->directory, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* a file in its place */
    assert_true(fd >= 0 && close(fd) == 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(queue_append(t, q), -ENOTDIR);
        assert_int_equal(queue_take(t, q, true, NULL), 0);
    }
    assert_int_equal(queue_stats(q).records, 10);
    assert_int_equal(queue_take(t, q, true, NULL), 0); /* from memory */
    assert_int_equal(unlink(t->directory), 0);
    queue_append_many(t, q, 1);
    const struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.memory_bytes, 0);
    assert_int_equal(s.bytes, queue_disk_bytes(t));
    assert_int_equal(queue_dropped_records(&s), 0);
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_stats(q).records, 10);
    assert_int_equal(queue_drain(t, q), 10);
    assert_int_equal(t->received, 21);
    push_queue_close(q);
}

/* Of more segments than are kept open those in the middle are gone, and counted to the sample. */
static void test_long_queue_removed(void **state)
{
    struct queue_test *t = *state;
    t->options.max_bytes = UINT64_C(60) << 20;
    t->body_bytes = 600000; /* one in each */
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, 40);
    queue_remove_tree(t->directory);
    queue_append_many(t, q, 1);
    assert_int_equal(queue_drain(t, q), 33);
    struct push_queue_stats s = queue_stats(q);
    assert_int_equal(s.dropped_records[PUSH_DROP_DISK], 8);
    assert_int_equal(s.dropped_samples[PUSH_DROP_DISK], queue_samples_between(31, 39));
    assert_int_equal(s.samples, 0);
    assert_true(t->seen[30] && !t->seen[31] && t->seen[39] && t->seen[40]);
    push_queue_close(q);
}

#define QUEUE_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_ends_before),        QUEUE_TEST(test_ends_half_way),
        QUEUE_TEST(test_ends_after),         QUEUE_TEST(test_ends_while_giving_up),
        QUEUE_TEST(test_error_once),         QUEUE_TEST(test_error_for_a_while),
        QUEUE_TEST(test_half_written),       QUEUE_TEST(test_cap_at_every_moment),
        QUEUE_TEST(test_sync_policies),      QUEUE_TEST(test_bad_sector),
        QUEUE_TEST(test_memory_cap),         QUEUE_TEST(test_memory_cap_with_one_under_way),
        QUEUE_TEST(test_no_memory_allowed),  QUEUE_TEST(test_file_size_limit),
        QUEUE_TEST(test_small_disk),         QUEUE_TEST(test_directory_removed),
        QUEUE_TEST(test_files_removed),      QUEUE_TEST(test_directory_away),
        QUEUE_TEST(test_long_queue_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
