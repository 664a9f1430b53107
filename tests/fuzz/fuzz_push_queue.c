/* A queue's directory made of any bytes: it is opened, what it holds adds up, and it takes and
 * gives back new records afterwards. Half of the files are raw, the others have good checksums
 * around any fields, so that the code behind the checksums is reached as well. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "exporters/push_cursor.h"
#include "exporters/push_queue.h"
#include "exporters/push_segment.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX   6
#define RECORDS_MAX 2000 /* far more than an input can hold */
#define BODY_MAX    ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static char directory[64];

static uint64_t take(struct input *in, size_t width)
{
    uint64_t value = 0;
    for (; width > 0 && in->left > 0; width--, in->left--)
        value = value << 8 | *in->at++;
    return value;
}

static void write_bytes(int fd, const void *bytes, size_t length)
{
    if (length > 0)
        assert(write(fd, bytes, length) == (ssize_t)length);
}

static void write_raw(int fd, struct input *in, size_t most)
{
    const size_t length = in->left < most ? in->left : most;
    write_bytes(fd, in->at, length);
    in->at += length;
    in->left -= length;
}

/* A record with good checksums but for what `how` says; between records anything. */
static void write_record(int fd, struct input *in, uint64_t first)
{
    const uint8_t how = (uint8_t)take(in, 1);
    const size_t length = take(in, 1);
    struct push_header h = {.at = {first + take(in, how & 1 ? 4 : 1), take(in, how & 2 ? 8 : 1)},
                            .time_ms = take(in, how & 4 ? 8 : 1),
                            .samples = (uint32_t)take(in, 1),
                            .length = how & 8 ? (uint32_t)take(in, 4) : (uint32_t)length,
                            .body_crc = how & 16 ? (uint32_t)take(in, 4) : 0,
                            .format = (uint8_t)take(in, 1),
                            .coding = how};
    if (!(how & 24))
        h.length = 0; /* whose checksum is 0 */
    struct push_block b = push_header_encode(&h);
    if (how & 32)
        b.bytes[take(in, 1) % PUSH_BLOCK_BYTES] ^= (uint8_t)take(in, 1);
    write_bytes(fd, &b, sizeof b);
    write_raw(fd, in, how & 64 ? take(in, 1) : h.length);
}

static void write_segment(struct input *in, uint8_t how)
{
    char name[PUSH_SEGMENT_NAME_MAX];
    char path[128];
    const uint64_t first = take(in, how & 2 ? 4 : 1) + 1;
    push_segment_name(first, name);
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0);
    if (how & 4)
        write_raw(fd, in, take(in, 2));
    else
        for (uint64_t records = take(in, 1) % 16; records > 0 && in->left > 0; records--)
            write_record(fd, in, first);
    assert(close(fd) == 0);
}

static void write_cursor(struct input *in, uint8_t how)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/cursor", directory);
    if (how & 4) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert(fd >= 0);
        write_raw(fd, in, take(in, 2));
        assert(close(fd) == 0);
        return;
    }
    struct push_cursor c = {.fd = -1};
    int parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct push_position at = {take(in, how & 2 ? 4 : 1), take(in, 1)};
    assert(parent >= 0 && push_cursor_make(&c, parent, at) == 0);
    push_cursor_close(&c);
    assert(close(parent) == 0);
}

static uint64_t dropped(const struct push_queue *q, struct push_queue_stats *s)
{
    uint64_t sum = 0;
    push_queue_stats(q, s);
    for (int i = 0; i < PUSH_DROPS; i++)
        sum += s->dropped_records[i];
    return sum;
}

static uint64_t drain(struct push_queue *q, struct buf *body)
{
    struct push_record record;
    uint64_t last = 0;
    uint64_t count = 0;
    struct err e = {0};
    int r;
    while (buf_clear(body), (r = push_queue_peek(q, &record, body, &e)) == 0) {
        assert(record.sequence > last && ++count < RECORDS_MAX);
        last = record.sequence;
        r = push_queue_ack(q, last, &e);
        assert(r == 0);
    }
    assert(r == -ENODATA);
    return count;
}

static struct push_queue *open_queue(const struct push_queue_options *options)
{
    struct push_queue *q = NULL;
    struct err e = {0};
    int r = push_queue_open(options, &e, &q);
    assert(r == 0);
    return q;
}

static void check(const struct push_queue_options *options, struct buf *body)
{
    struct push_queue_stats before;
    struct push_queue_stats after;
    struct push_queue *q = open_queue(options);
    const uint64_t lost = dropped(q, &before);
    const uint64_t received = drain(q, body);
    assert(before.records + lost == received + dropped(q, &after));
    assert(after.records == 0 && after.samples == 0 && after.oldest_ms == 0);
    const struct push_record record = {.samples = 3, .format = PUSH_OTLP};
    for (int i = 0; i < 3; i++) {
        struct err e = {0};
        int r = push_queue_append(q, &record, "body", 4, &e);
        assert(r == 0);
    }
    push_queue_close(q);
    q = open_queue(options);
    assert(dropped(q, &before) == 0 && before.records == 3 && before.samples == 9);
    assert(drain(q, body) == 3 && dropped(q, &after) == 0);
    push_queue_close(q);
}

static void remove_directory(void)
{
    DIR *d = opendir(directory);
    const struct dirent *entry;
    while (d && (entry = readdir(d)) != NULL)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(d), entry->d_name, 0);
    if (d)
        (void)closedir(d);
    (void)rmdir(directory);
}

static void make_directory(void)
{
    const char *base = getenv("TMPDIR");
    if (!base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(directory, sizeof directory, "%.40s/fuzz-queue-XXXXXX", base);
    assert(mkdtemp(directory));
}

static uint64_t no_time(void *context)
{
    (void)context;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct clock clock = {.realtime_ns = no_time, .monotonic_ns = no_time};
    struct input in = {data, size};
    struct buf body;
    make_directory();
    buf_init(&body, BODY_MAX);
    for (int files = 0; files < FILES_MAX && in.left > 0; files++) {
        const uint8_t how = (uint8_t)take(&in, 1);
        if (how & 1)
            write_cursor(&in, how);
        else
            write_segment(&in, how);
    }
    const struct push_queue_options options = {.directory = directory,
                                               .max_bytes = UINT64_C(1) << 30,
                                               .max_age_ms = UINT64_MAX,
                                               .max_memory_bytes = BODY_MAX,
                                               .clock = &clock};
    check(&options, &body);
    remove_directory();
    buf_done(&body);
    return 0;
}
