/* What it knows: where the oldest record on disk is, what was lost before it, and whether its body
 * is what was written. Document: docs/QUEUE.md. */
#include "exporters/push_queue_internal.h"

#include "base/buf.h"
#include "base/crc32c.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* A place that cannot be read so often in a row is given up, so that one bad sector does not hold
 * up for ever what is behind it. With some tries in every round that is about ten minutes. */
#define READ_TRIES 100U

void push_queue_pass(struct push_queue *q, struct push_position to, enum push_drop reason)
{
    assert(to.sequence >= q->head.sequence);
    q->counted.dropped_records[reason] += to.sequence - q->head.sequence;
    if (to.sequence > q->head.sequence && to.samples > q->head.samples)
        q->counted.dropped_samples[reason] += to.samples - q->head.samples;
    q->head = to;
    q->front_known = false;
    q->read_failures = 0;
}

/* The next record is looked for there, and is none of those before it. */
static void look_from(struct push_queue *q, uint64_t offset, uint64_t least)
{
    q->offset = offset;
    q->least = least;
}

static void next_segment(struct push_queue *q)
{
    q->reading++;
    look_from(q, 0, 0);
}

void push_queue_leave_front(struct push_queue *q)
{
    assert(q->front_known);
    q->head = push_header_next(&q->front);
    look_from(q, push_header_end(&q->front, q->front_offset), q->head.sequence);
    q->front_known = false;
    q->read_failures = 0;
}

/* 0: gone on, past what cannot be read; else `r`. */
static int failed(struct push_queue *q, int r, struct push_position next, struct err *e)
{
    if (++q->read_failures < READ_TRIES)
        return err_set_errno(e, r, "queue %s: record %" PRIu64 " cannot be read",
                             q->options.directory, q->head.sequence);
    push_queue_pass(q, next, PUSH_DROP_DISK);
    return 0;
}

/* In the segment of `reading`. -ENODATA: nothing more in it. */
static int find_front(struct push_queue *q)
{
    struct push_segment *s = &q->segments[q->reading];
    int r = push_segments_open(q, s);
    struct push_range range = {
        .fd = s->fd, .bytes = s->bytes, .below = push_segments_end(q, q->reading).sequence};
    struct push_header h;
    uint64_t offset;
    while (r == 0) {
        range.offset = q->offset;
        range.least = q->least > s->first.sequence ? q->least : s->first.sequence;
        r = push_segment_find(&range, &h, &offset);
        if (r < 0)
            return r;
        if (push_header_end(&h, offset) > s->bytes)
            return -ENODATA;
        if (h.at.sequence >= q->head.sequence) {
            push_queue_pass(q, h.at, PUSH_DROP_CORRUPT);
            q->front_known = true;
            q->front = h;
            q->front_offset = offset;
            return 0;
        }
        look_from(q, push_header_end(&h, offset), h.at.sequence + 1);
    }
    return r;
}

int push_queue_settle(struct push_queue *q, struct err *e)
{
    while (!q->front_known) {
        while (q->reading + 1 < q->count &&
               q->segments[q->reading + 1].first.sequence <= q->head.sequence)
            next_segment(q);
        if (q->head.sequence >= q->end.sequence)
            return -ENODATA;
        if (q->reading == q->count) {
            push_queue_pass(q, q->end, PUSH_DROP_CORRUPT);
            continue;
        }
        const struct push_position rest = push_segments_end(q, q->reading);
        int r = find_front(q);
        if (r == -ENODATA)
            push_queue_pass(q, rest, PUSH_DROP_CORRUPT);
        else if (r == -ENOENT)
            push_queue_pass(q, rest, PUSH_DROP_DISK);
        else if (r < 0 && (r = failed(q, r, rest, e)) < 0)
            return r;
    }
    return 0;
}

/* -EBADMSG: it is not what was written. */
static int read_body(const struct push_queue *q, struct buf *ret)
{
    const struct push_header *h = &q->front;
    int r = h->length > ret->maximum - ret->length ? -EMSGSIZE : buf_reserve(ret, h->length);
    if (r < 0 || h->length == 0)
        return r < 0 ? r : h->body_crc == 0 ? 0 : -EBADMSG;
    char *body = ret->data + ret->length;
    r = push_read_at(q->segments[q->reading].fd, body, h->length,
                     q->front_offset + PUSH_BLOCK_BYTES);
    if (r == 0 && crc32c(0, body, h->length) != h->body_crc)
        r = -EBADMSG;
    if (r == 0)
        ret->length += h->length;
    if (ret->data)
        ret->data[ret->length] = '\0';
    return r == -ENODATA ? -EBADMSG : r;
}

/* 0; -EAGAIN: it was given up, counted, and there may be another; or the negative errno. */
int push_queue_read_front(struct push_queue *q, struct buf *ret, struct err *e)
{
    assert(q->front_known);
    int r = read_body(q, ret);
    if (r == 0)
        return 0;
    const struct push_position next = push_header_next(&q->front);
    const uint64_t behind = push_header_end(&q->front, q->front_offset);
    if (r == -EBADMSG) {
        push_queue_pass(q, next, PUSH_DROP_CORRUPT);
    } else {
        r = failed(q, r, next, e);
        if (r < 0)
            return r;
    }
    look_from(q, behind, next.sequence);
    return -EAGAIN;
}

struct push_record push_queue_front_record(const struct push_queue *q)
{
    const struct push_header *h = &q->front;
    return (struct push_record){.sequence = h->at.sequence,
                                .time_ms = h->time_ms,
                                .samples = h->samples,
                                .format = h->format,
                                .coding = h->coding};
}

/* The record under way leaves the files and stays in memory. */
void push_queue_hold_front(struct push_queue *q)
{
    assert(q->front_known && !q->held && q->under_way == q->head.sequence);
    struct buf body;
    buf_init(&body, (size_t)q->front.length + 1);
    const struct push_position next = push_header_next(&q->front);
    const struct push_record record = push_queue_front_record(q);
    int r = read_body(q, &body);
    if (r == 0) {
        push_queue_leave_front(q);
        q->held = push_waiting_new(&record, body.data, body.length);
    } else {
        const uint64_t behind = push_header_end(&q->front, q->front_offset);
        push_queue_pass(q, next, r == -EBADMSG ? PUSH_DROP_CORRUPT : PUSH_DROP_DISK);
        look_from(q, behind, next.sequence);
    }
    buf_done(&body);
}

static bool front_is_under_way(const struct push_queue *q)
{
    return q->under_way != 0 && !q->held && q->under_way == q->head.sequence;
}

void push_queue_drop_segment(struct push_queue *q, enum push_drop reason)
{
    assert(q->reading == 0 && q->count > 0);
    /* It may be done with, or have got the record under way from memory just now. */
    const bool found = push_queue_settle(q, NULL) == 0;
    if (q->reading > 0)
        return;
    if (found && front_is_under_way(q))
        push_queue_hold_front(q);
    const struct push_position rest = push_segments_end(q, 0);
    if (rest.sequence > q->head.sequence)
        push_queue_pass(q, rest, reason);
    q->front_known = false;
    next_segment(q);
}
