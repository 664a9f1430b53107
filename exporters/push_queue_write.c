/* What it knows: how a record gets to the end of the files, whole or not at all. Document:
 * docs/QUEUE.md. */
#include "exporters/push_queue_internal.h"

#include "base/crc32c.h"
#include "base/err.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENT_LEAST     ((uint64_t)64 << 10) /* bytes: fewer files than records */
#define SEGMENT_MOST      ((uint64_t)8 << 20)  /* bytes: a file is written to the disk at a blow */
#define SEGMENTS_OF_QUEUE 64 /* so that giving one up costs no more than that part of the queue */

static uint64_t segment_target(const struct push_queue *q)
{
    const uint64_t part = q->options.max_bytes / SEGMENTS_OF_QUEUE;
    return part < SEGMENT_LEAST ? SEGMENT_LEAST : part > SEGMENT_MOST ? SEGMENT_MOST : part;
}

/* Nothing more goes into the last one. Of one whose records are all done with nothing is left to
 * save. */
static int finish_segment(struct push_queue *q)
{
    const struct push_segment *s = &q->segments[q->count - 1];
    if (q->options.sync == PUSH_SYNC_NEVER || s->fd < 0 || q->head.sequence == q->end.sequence)
        return 0;
    return fdatasync(s->fd) < 0 ? -errno : 0;
}

/* One without a single good record has the name that the next one needs. */
static int remove_useless(struct push_queue *q)
{
    if (q->count == 0 || q->segments[q->count - 1].first.sequence != q->end.sequence)
        return 0;
    struct push_segment *s = &q->segments[q->count - 1];
    int r = push_segments_unlink(q, s->first.sequence);
    if (r < 0)
        return r;
    push_segments_close(s);
    q->segment_bytes -= s->bytes;
    q->count--;
    if (q->reading > q->count)
        q->reading = q->count;
    return 0;
}

static int start_segment(struct push_queue *q)
{
    int r = q->count > 0 ? finish_segment(q) : 0;
    if (r == 0)
        r = remove_useless(q);
    if (r < 0)
        return r;
    int fd = push_segments_create(q, q->end.sequence);
    if (fd < 0)
        return fd;
    if (q->options.sync != PUSH_SYNC_NEVER && fsync(q->directory_fd) < 0) {
        r = -errno;
        (void)close(fd); /* empty, and made anew by the next try */
        return r;
    }
    if (q->reading == q->count)
        q->offset = q->least = 0;
    (void)push_segments_add(q, q->end, fd);
    q->sealed = false;
    push_segments_limit_open(q);
    return 0;
}

static bool has_place(const struct push_queue *q, uint64_t need)
{
    if (q->sealed || q->count == 0 || q->reading == q->count)
        return false;
    const struct push_segment *s = &q->segments[q->count - 1];
    return s->fd >= 0 && (s->bytes == 0 || s->bytes + need <= segment_target(q));
}

/* Takes back what was written of a record. Where even that fails, the file ends with garbage and
 * takes no more. */
static void take_back(struct push_queue *q, struct push_segment *s)
{
    struct stat st;
    if (ftruncate(s->fd, (off_t)s->bytes) == 0)
        return;
    q->sealed = true;
    if (fstat(s->fd, &st) < 0 || (uint64_t)st.st_size <= s->bytes)
        return;
    q->segment_bytes += (uint64_t)st.st_size - s->bytes;
    s->bytes = (uint64_t)st.st_size;
}

static int write_whole(const struct push_segment *s, const struct push_block *header,
                       const struct push_waiting *w)
{
    const struct iovec parts[] = {
        {(void *)(uintptr_t)header, sizeof *header},
        {(void *)(uintptr_t)w->body, w->length},
    };
    ssize_t put;
    do
        put = pwritev(s->fd, parts, sizeof parts / sizeof *parts, (off_t)s->bytes);
    while (put < 0 && errno == EINTR);
    if (put < 0)
        return -errno;
    size_t done = (size_t)put;
    int r = 0;
    if (done < sizeof *header) {
        r = push_write_at(s->fd, header->bytes + done, sizeof *header - done, s->bytes + done);
        done = sizeof *header;
    }
    const size_t of_body = done - sizeof *header;
    if (r == 0)
        r = push_write_at(s->fd, w->body + of_body, w->length - of_body, s->bytes + done);
    return r;
}

static int write_record(struct push_queue *q, const struct push_waiting *w)
{
    struct push_segment *s = &q->segments[q->count - 1];
    const struct push_header h = {.at = q->end,
                                  .time_ms = w->record.time_ms,
                                  .samples = w->record.samples,
                                  .length = (uint32_t)w->length,
                                  .body_crc = crc32c(0, w->body, w->length),
                                  .format = (uint8_t)w->record.format,
                                  .coding = (uint8_t)w->record.coding};
    const struct push_block header = push_header_encode(&h);
    int r = write_whole(s, &header, w);
    if (r == 0 && q->options.sync == PUSH_SYNC_RECORD && fdatasync(s->fd) < 0)
        r = -errno;
    if (r < 0) {
        take_back(q, s);
        return r;
    }
    s->bytes += sizeof header + w->length;
    q->segment_bytes += sizeof header + w->length;
    q->end = push_header_next(&h);
    return 0;
}

int push_queue_write(struct push_queue *q, const struct push_waiting *w, struct err *e)
{
    const uint64_t need = PUSH_BLOCK_BYTES + w->length;
    int r = push_disk_reach(q, e);
    if (r == 0)
        r = push_segments_make_room(q, need, e);
    if (r < 0)
        return r;
    /* So that what was sent from memory while the cursor could not be written is not missed. Ack
     * told what was wrong. */
    (void)push_queue_save(q, NULL);
    if (!has_place(q, need))
        r = start_segment(q);
    if (r == 0)
        r = write_record(q, w);
    return r < 0
               ? err_set_errno(e, r,
                               "queue %s: the disk takes no record, so they wait in memory; see to "
                               "that disk",
                               q->options.directory)
               : 0;
}
