/* What it knows: how to make records that can be told apart, and to look at a queue's files. */
#include "push_queue_fixture.h"

#include "base/err.h"
#include "base/fs.h"

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

#define START_MS  UINT64_C(1790000000000)
#define STEP_MS   15000
#define BODY_MOST ((size_t)64 << 20)

static uint64_t now(void *context)
{
    return ((struct queue_test *)context)->now_ms * NS_PER_MS;
}

struct queue_test *queue_test_begin(void)
{
    struct queue_test *t = calloc(1, sizeof *t);
    assert_non_null(t);
    /* Thousands of small files: in memory where that can be had. */
    const char *base = getenv("TMPDIR");
    if (!base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(t->parent, sizeof t->parent, "%s/weir-queue-XXXXXX", base);
    assert_non_null(mkdtemp(t->parent));
    (void)snprintf(t->directory, sizeof t->directory, "%s/q", t->parent);
    t->now_ms = START_MS;
    t->clock = (struct clock){.context = t, .realtime_ns = now, .monotonic_ns = now};
    t->options = (struct push_queue_options){.directory = t->directory,
                                             .max_bytes = UINT64_C(1) << 30,
                                             .max_age_ms = UINT64_C(7) * 86400 * 1000,
                                             .max_memory_bytes = (uint64_t)16 << 20,
                                             .sync = PUSH_SYNC_NEVER,
                                             .clock = &t->clock};
    t->body_bytes = 100;
    return t;
}

void queue_remove_tree(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *entry;
    while (d && (entry = readdir(d)) != NULL) {
        char below[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (unlink(below) < 0)
            queue_remove_tree(below);
    }
    if (d)
        (void)closedir(d);
    (void)rmdir(path);
}

void queue_test_end(struct queue_test *t)
{
    queue_remove_tree(t->parent);
    free(t);
}

struct push_queue *queue_open(struct queue_test *t)
{
    struct err e = {0};
    struct push_queue *q = NULL;
    if (push_queue_open(&t->options, &e, &q) < 0)
        fail_msg("not opened: %s", e.text);
    assert_non_null(q);
    return q;
}

uint32_t queue_samples(uint64_t index)
{
    return (uint32_t)(index * 7 % 13) + 1;
}

uint64_t queue_samples_between(uint64_t first, uint64_t below)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < below; i++)
        sum += queue_samples(i);
    return sum;
}

void queue_body(const struct queue_test *t, uint64_t index, struct buf *ret)
{
    uint64_t state = index * 2654435761U + 1;
    const size_t length = t->body_bytes < sizeof index ? sizeof index : t->body_bytes;
    assert_int_equal(buf_reserve(ret, length), 0);
    memcpy(ret->data, &index, sizeof index);
    for (size_t i = sizeof index; i < length; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        ret->data[i] = (char)(state >> 56);
    }
    ret->length = length;
}

int queue_append(struct queue_test *t, struct push_queue *q)
{
    struct buf body;
    struct err e = {0};
    buf_init(&body, BODY_MOST);
    queue_body(t, t->appended, &body);
    const struct push_record record = {.time_ms = START_MS + t->appended * STEP_MS,
                                       .samples = queue_samples(t->appended),
                                       .format = 1 + t->appended % 3,
                                       .coding = t->appended % 3};
    assert_true(t->appended < QUEUE_RECORDS_MAX);
    t->appended++;
    if (t->now_ms < record.time_ms)
        t->now_ms = record.time_ms;
    int r = push_queue_append(q, &record, body.data, body.length, &e);
    assert_int_equal(e.code, r);
    assert_true((r < 0) == (e.text[0] != '\0'));
    buf_done(&body);
    return r;
}

void queue_append_many(struct queue_test *t, struct push_queue *q, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(queue_append(t, q), 0);
}

static void check_record(struct queue_test *t, const struct push_record *record,
                         const struct buf *body)
{
    uint64_t index;
    struct buf wanted;
    assert_true(body->length >= sizeof index);
    memcpy(&index, body->data, sizeof index);
    assert_true(index < t->appended);
    buf_init(&wanted, BODY_MOST);
    queue_body(t, index, &wanted);
    assert_int_equal(wanted.length, body->length);
    assert_memory_equal(wanted.data, body->data, body->length);
    assert_int_equal(record->samples, queue_samples(index));
    assert_int_equal(record->time_ms, START_MS + index * STEP_MS);
    assert_int_equal(record->format, 1 + index % 3);
    assert_int_equal(record->coding, index % 3);
    buf_done(&wanted);
    if (index < t->last)
        fail_msg("record %llu after %llu", (unsigned long long)index, (unsigned long long)t->last);
}

int queue_take(struct queue_test *t, struct push_queue *q, bool ack, struct push_record *ret)
{
    struct buf body;
    struct err e = {0};
    struct push_record record;
    buf_init(&body, BODY_MOST);
    int r = push_queue_peek(q, &record, &body, &e);
    if (r == 0) {
        check_record(t, &record, &body);
        if (ret)
            *ret = record;
    }
    if (r == 0 && ack) {
        uint64_t index;
        memcpy(&index, body.data, sizeof index);
        t->received++;
        t->got_samples += record.samples;
        t->seen[index] = true;
        t->last = index + 1;
        (void)push_queue_ack(q, record.sequence, &e); /* its own tests look at the result */
    }
    buf_done(&body);
    return r;
}

uint64_t queue_drain(struct queue_test *t, struct push_queue *q)
{
    uint64_t count = 0;
    int r;
    while ((r = queue_take(t, q, true, NULL)) == 0)
        count++;
    assert_int_equal(r, -ENODATA);
    return count;
}

void queue_forget(struct queue_test *t)
{
    t->received = t->got_samples = t->last = 0;
    memset(t->seen, 0, sizeof t->seen);
}

struct push_queue_stats queue_stats(const struct push_queue *q)
{
    struct push_queue_stats s;
    push_queue_stats(q, &s);
    return s;
}

uint64_t queue_dropped_records(const struct push_queue_stats *s)
{
    uint64_t sum = 0;
    for (int i = 0; i < PUSH_DROPS; i++)
        sum += s->dropped_records[i];
    return sum;
}

uint64_t queue_dropped_samples(const struct push_queue_stats *s)
{
    uint64_t sum = 0;
    for (int i = 0; i < PUSH_DROPS; i++)
        sum += s->dropped_samples[i];
    return sum;
}

uint64_t queue_disk_bytes(const struct queue_test *t)
{
    uint64_t sum = 0;
    DIR *d = opendir(t->directory);
    const struct dirent *entry;
    while (d && (entry = readdir(d)) != NULL) {
        struct stat st;
        if (fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
    }
    if (d)
        (void)closedir(d);
    return sum;
}

void queue_file(const struct queue_test *t, const char *name, char ret_path[static 256])
{
    (void)snprintf(ret_path, 256, "%s/%s", t->directory, name);
}

size_t queue_segments(const struct queue_test *t, bool newest, char ret_path[static 256])
{
    char best[64] = "";
    size_t count = 0;
    DIR *d = opendir(t->directory);
    const struct dirent *entry;
    while (d && (entry = readdir(d)) != NULL) {
        if (strlen(entry->d_name) != 24)
            continue;
        const int order = strcmp(entry->d_name, best);
        if (count++ == 0 || (newest ? order > 0 : order < 0))
            (void)snprintf(best, sizeof best, "%.24s", entry->d_name);
    }
    if (d)
        (void)closedir(d);
    queue_file(t, best, ret_path);
    return count;
}

static void copy_file(const char *from, const char *to)
{
    struct buf b;
    buf_init(&b, BODY_MOST);
    assert_int_equal(fs_read_file(from, &b), 0);
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(b.length > 0 ? write(fd, b.data, b.length) : 0, b.length);
    assert_int_equal(close(fd), 0);
    buf_done(&b);
}

void queue_copy(const char *from, const char *to)
{
    DIR *d = opendir(from);
    const struct dirent *entry;
    assert_non_null(d);
    queue_remove_tree(to);
    assert_int_equal(mkdir(to, 0700), 0);
    while ((entry = readdir(d)) != NULL) {
        char a[512];
        char b[512];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(a, sizeof a, "%s/%s", from, entry->d_name);
        (void)snprintf(b, sizeof b, "%s/%s", to, entry->d_name);
        copy_file(a, b);
    }
    (void)closedir(d);
}
