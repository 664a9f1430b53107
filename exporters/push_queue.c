/* What it knows: which record is the oldest, and what becomes of one that is queued: written, kept
 * in memory while the disk takes none, sent, or given up and counted. Document: docs/QUEUE.md. */
#include "exporters/push_queue.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "exporters/push_queue_internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static struct push_queue *make(const struct push_queue_options *options)
{
    struct push_queue *q = alloc_zeroed(1, sizeof *q);
    q->options = *options;
    q->options.directory = options->directory ? alloc_string(options->directory) : NULL;
    q->directory_fd = q->lock_fd = q->cursor.fd = -1;
    q->head = q->end = (struct push_position){.sequence = 1};
    push_memory_init(&q->memory);
    return q;
}

int push_queue_open(const struct push_queue_options *options, struct err *e,
                    struct push_queue **ret)
{
    struct push_queue *q = make(options);
    int r = 0;
    if (options->directory)
        r = push_disk_enter(q, e);
    if (r == 0 && options->directory)
        r = push_queue_scan(q, e);
    if (r < 0) {
        push_queue_close(q);
        return r;
    }
    if (options->directory) {
        /* What fails here is tried again at every turn, and told then. */
        (void)push_queue_save(q, NULL);
        (void)push_segments_make_room(q, 0, NULL);
        (void)push_queue_settle(q, NULL);
        (void)push_segments_sweep(q, NULL);
    }
    *ret = q;
    return 0;
}

static void drop(struct push_queue *q, const struct push_record *record, enum push_drop reason)
{
    q->counted.dropped_records[reason]++;
    q->counted.dropped_samples[reason] += record->samples;
}

static bool disk_is_empty(const struct push_queue *q)
{
    return q->head.sequence >= q->end.sequence;
}

/* The oldest in memory has the sequence that the disk would give it next. */
static bool oldest_in_memory_is_under_way(const struct push_queue *q)
{
    return q->under_way != 0 && !q->held && disk_is_empty(q) && q->under_way == q->end.sequence;
}

static void drop_from_memory(struct push_queue *q, bool second, enum push_drop reason)
{
    const struct push_waiting *w = push_memory_oldest(&q->memory);
    if (second)
        w = STAILQ_NEXT(w, link);
    drop(q, &w->record, reason);
    push_memory_remove(&q->memory, second);
}

/* False: the record itself had to be dropped. */
static bool put_into_memory(struct push_queue *q, struct push_waiting *w)
{
    const bool disk = q->options.directory != NULL;
    const uint64_t most = disk ? q->options.max_memory_bytes : q->options.max_bytes;
    const enum push_drop reason = disk ? PUSH_DROP_DISK : PUSH_DROP_BYTES;
    const uint64_t size = push_memory_size(w->length);
    const bool second = oldest_in_memory_is_under_way(q);
    const struct push_waiting *oldest = push_memory_oldest(&q->memory);
    const uint64_t kept = second ? push_memory_size(oldest->length) : 0;
    if (size > most || kept > most - size) {
        drop(q, &w->record, reason);
        free(w);
        return false;
    }
    while (q->memory.bytes > most - size)
        drop_from_memory(q, second, reason);
    push_memory_add(&q->memory, w);
    return true;
}

/* What waits in memory goes behind what is on disk. */
static int write_all(struct push_queue *q, struct err *e)
{
    const struct push_waiting *w;
    while (q->options.directory && (w = push_memory_oldest(&q->memory)) != NULL) {
        int r = push_queue_write(q, w, e);
        if (r < 0)
            return r;
        push_memory_remove(&q->memory, false);
    }
    return 0;
}

static int append_to_disk(struct push_queue *q, struct push_waiting *w, struct err *e)
{
    int r = write_all(q, e);
    if (r == 0)
        r = push_queue_write(q, w, e);
    (void)push_segments_sweep(q, NULL); /* what could not be removed earlier; ack tells */
    if (r == 0)
        free(w);
    else if (!put_into_memory(q, w))
        r = err_set(e, r, "queue %s: neither disk nor memory takes the record",
                    q->options.directory);
    return r;
}

static int too_large(struct push_queue *q, const struct push_record *record, size_t length,
                     struct err *e)
{
    drop(q, record, PUSH_DROP_BYTES);
    return err_set(e, -EMSGSIZE,
                   "queue %s: a record of %zu bytes does not fit into the %" PRIu64
                   " it may have: let it have more",
                   q->options.directory ? q->options.directory : "in memory", length,
                   q->options.max_bytes);
}

int push_queue_append(struct push_queue *q, const struct push_record *record, const char *body,
                      size_t length, struct err *e)
{
    const uint64_t most = q->options.max_bytes;
    const uint64_t need = q->options.directory ? PUSH_FIXED_BYTES + PUSH_BLOCK_BYTES + length
                                               : push_memory_size(length);
    q->counted.queued_samples += record->samples;
    push_queue_expire(q);
    if (need > most || length > UINT32_MAX)
        return too_large(q, record, length, e);
    struct push_waiting *w = push_waiting_new(record, body, length);
    int r = 0;
    if (q->options.directory)
        r = append_to_disk(q, w, e);
    else if (!put_into_memory(q, w))
        r = err_set(e, -EMSGSIZE, "the queue in memory is full of the record under way");
    (void)push_queue_settle(q, NULL); /* peek tells what is wrong */
    return r;
}

static int hand_out(const struct push_waiting *w, uint64_t sequence, struct push_record *ret,
                    struct buf *ret_body)
{
    if (w->length > ret_body->maximum - ret_body->length)
        return -EMSGSIZE;
    int r = buf_add(ret_body, w->body, w->length);
    if (r < 0)
        return r;
    *ret = w->record;
    ret->sequence = sequence;
    return 0;
}

static int peek_disk(struct push_queue *q, struct push_record *ret, struct buf *ret_body,
                     struct err *e)
{
    int r;
    do {
        r = push_queue_settle(q, e);
        if (r == 0)
            r = push_queue_read_front(q, ret_body, e);
    } while (r == -EAGAIN);
    if (r == 0)
        *ret = push_queue_front_record(q);
    return r;
}

static void mark_under_way(struct push_queue *q, struct push_record *record)
{
    /* What was queued before the start may have been sent; of later ones none was, and of earlier
     * ones no other than the first. */
    if (record->sequence < q->opened_end && q->doubtful_below <= record->sequence)
        q->doubtful_below = record->sequence + 1;
    q->opened_end = 0;
    q->under_way = record->sequence;
    q->under_way_samples = record->samples;
    record->doubtful = record->sequence < q->doubtful_below;
}

static int peek_oldest(struct push_queue *q, struct push_record *ret, struct buf *ret_body,
                       struct err *e)
{
    (void)write_all(q, NULL); /* append tells what is wrong */
    if (q->held)
        return hand_out(q->held, q->under_way, ret, ret_body);
    int r = peek_disk(q, ret, ret_body, e);
    const struct push_waiting *w = push_memory_oldest(&q->memory);
    if (r == -ENODATA && w)
        r = hand_out(w, q->end.sequence, ret, ret_body);
    return r;
}

int push_queue_peek(struct push_queue *q, struct push_record *ret, struct buf *ret_body,
                    struct err *e)
{
    struct push_record record = {0};
    int r = peek_oldest(q, &record, ret_body, e);
    /* Past what was damaged. Tried again by append and ack, which tell. */
    (void)push_queue_save(q, NULL);
    (void)push_segments_sweep(q, NULL);
    if (r < 0)
        return r;
    mark_under_way(q, &record);
    *ret = record;
    return 0;
}

/* On disk. It may have come there since it was peeked, and not be readable now. */
static void leave_under_way(struct push_queue *q)
{
    if (q->front_known) {
        push_queue_leave_front(q);
    } else {
        q->head.sequence++;
        q->head.samples += q->under_way_samples;
        q->read_failures = 0;
    }
}

int push_queue_ack(struct push_queue *q, uint64_t sequence, struct err *e)
{
    if (sequence == 0 || sequence != q->under_way)
        return err_set(e, -EINVAL, "record %" PRIu64 " is not the one under way", sequence);
    if (q->held) {
        free(q->held);
        q->held = NULL;
    } else if (!disk_is_empty(q) && q->head.sequence == sequence) {
        leave_under_way(q);
    } else if (oldest_in_memory_is_under_way(q)) {
        const struct push_record *record = &push_memory_oldest(&q->memory)->record;
        q->end = (struct push_position){sequence + 1, q->end.samples + record->samples};
        q->head = q->end;
        push_memory_remove(&q->memory, false);
    }
    q->under_way = 0;
    (void)push_queue_settle(q, NULL); /* peek tells what is wrong */
    int r = push_queue_save(q, e);
    return r == 0 ? push_segments_sweep(q, e) : r;
}

static bool is_too_old(const struct push_queue *q, uint64_t time_ms)
{
    const uint64_t now_ms = clock_realtime_ns(q->options.clock) / NS_PER_MS;
    return now_ms > time_ms && now_ms - time_ms > q->options.max_age_ms;
}

static bool expire_on_disk(struct push_queue *q)
{
    bool any = false;
    while (push_queue_settle(q, NULL) == 0 && is_too_old(q, q->front.time_ms)) {
        any = true;
        if (q->under_way == q->head.sequence && !q->held) {
            push_queue_hold_front(q);
            continue;
        }
        const struct push_record record = push_queue_front_record(q);
        drop(q, &record, PUSH_DROP_AGE);
        push_queue_leave_front(q);
    }
    return any;
}

static void expire_in_memory(struct push_queue *q)
{
    const bool second = oldest_in_memory_is_under_way(q);
    for (;;) {
        const struct push_waiting *w = push_memory_oldest(&q->memory);
        if (w && second)
            w = STAILQ_NEXT(w, link);
        if (!w || !is_too_old(q, w->record.time_ms))
            return;
        drop_from_memory(q, second, PUSH_DROP_AGE);
    }
}

void push_queue_expire(struct push_queue *q)
{
    /* What fails here is tried again by the next append or ack, and told then. */
    if (expire_on_disk(q)) {
        (void)push_queue_save(q, NULL);
        (void)push_segments_sweep(q, NULL);
    }
    if (disk_is_empty(q))
        expire_in_memory(q);
}

static uint64_t oldest_ms(const struct push_queue *q)
{
    const struct push_waiting *w = q->held ? q->held : push_memory_oldest(&q->memory);
    if (!q->held && q->front_known)
        return q->front.time_ms;
    return w ? w->record.time_ms : 0;
}

void push_queue_stats(const struct push_queue *q, struct push_queue_stats *ret)
{
    *ret = q->counted;
    const bool disk = q->options.directory != NULL;
    const uint64_t held = q->held ? push_memory_size(q->held->length) : 0;
    ret->bytes = disk ? PUSH_FIXED_BYTES + q->segment_bytes : q->memory.bytes;
    ret->memory_bytes = disk ? q->memory.bytes + held : 0;
    ret->records = q->end.sequence - q->head.sequence + q->memory.records + (q->held ? 1 : 0);
    ret->samples = q->memory.samples + (q->held ? q->held->record.samples : 0);
    if (!disk_is_empty(q) && q->end.samples > q->head.samples)
        ret->samples += q->end.samples - q->head.samples;
    ret->oldest_ms = oldest_ms(q);
}

void push_queue_close(struct push_queue *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->count; i++)
        push_segments_close(&q->segments[i]);
    push_disk_leave(q);
    push_memory_done(&q->memory);
    free(q->held);
    free(q->segments);
    free((char *)(uintptr_t)q->options.directory);
    free(q);
}
