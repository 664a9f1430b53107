/* What it knows: the steps of a lane that may block or take long (the queue's disk, encoding,
 * compressing, the files of secrets) and their order. Document: docs/PUSH.md. */
#include "exporters/push_work.h"

#include "base/alloc.h"
#include "exporters/push_coding.h"
#include "exporters/push_filter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Snappy's bound for what it makes of PUSH_BODY_MAX bytes (format_description.txt), and more than
 * gzip's. */
#define WIRE_MAX (PUSH_BODY_MAX + PUSH_BODY_MAX / 6 + 64)

/* Samples of a record at first. A host with fewer has one record a round, unless its labels are
 * long. */
#define SAMPLES_MOST (UINT64_C(1) << 18)

#define METADATA_MAX       ((size_t)256 << 10) /* bytes of a request: small beside one of samples */
#define AUTHORIZATION_MAX  ((size_t)64 << 10)  /* bytes: servers refuse longer headers */
#define AUTHORIZATION_MOST 4096 /* bytes most have: growing would leave copies behind */

#define AUTHORIZATION "Authorization: "

struct push_work *push_work_new(const struct push_encode_options *encode, struct push_queue *queue,
                                struct push_secrets *secrets)
{
    struct push_work *w = alloc_zeroed(1, sizeof *w);
    struct label *labels = arena_alloc(&w->arena, (encode->external_count + 1) * sizeof *labels);
    for (size_t i = 0; i < encode->external_count; i++)
        labels[i] = (struct label){arena_string(&w->arena, encode->external[i].name),
                                   arena_string(&w->arena, encode->external[i].value)};
    w->encode = *encode;
    w->encode.external = labels;
    w->queue = queue;
    w->secrets = secrets;
    w->samples_most = SAMPLES_MOST;
    buf_init(&w->authorization, AUTHORIZATION_MAX);
    int r = pthread_mutex_init(&w->lock, NULL);
    assert(r == 0);
    push_queue_stats(queue, &w->stats);
    return w;
}

void push_part_done(struct push_part *part)
{
    buf_done(&part->body);
    *part = (struct push_part){0};
}

static void wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->capacity);
    buf_clear(b);
}

void push_work_clear(struct push_work *w)
{
    wipe(&w->authorization);
    push_part_done(&w->subject);
    push_part_done(&w->parts[0]);
    push_part_done(&w->parts[1]);
    w->acked = w->queued = w->task_error = w->unlocked = (struct err){0};
    w->round = (struct push_round){0};
    w->ack = 0;
    w->append = w->expire = w->close = w->given_up = false;
    w->task = PUSH_TASK_NONE;
    w->encoded = w->prepared = 0;
    w->records = 0;
}

void push_work_abandon(struct push_work *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->abandoned = true;
    (void)pthread_mutex_unlock(&w->lock);
}

void push_work_free(void *work)
{
    struct push_work *w = work;
    push_work_clear(w);
    buf_done(&w->authorization);
    push_queue_close(w->queue);
    push_secrets_free(w->secrets);
    push_filter_free((struct push_filter *)(uintptr_t)w->encode.filter);
    arena_done(&w->arena);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

/* --- a round into the queue --- */

static int encode(struct push_work *w, struct buf *ret)
{
    (void)pthread_mutex_lock(&w->lock);
    int r = w->abandoned
                ? -ECANCELED
                : push_encode(w->kind.format, &w->encode, &w->round, ret, &w->kind.samples);
    (void)pthread_mutex_unlock(&w->lock);
    return r;
}

static int compress(struct push_part *part, const struct buf *plain)
{
    buf_init(&part->body, WIRE_MAX);
    return push_compress(part->coding, plain->data ? plain->data : "", plain->length, &part->body);
}

/* Did the queue give up the round itself? Others that gave way to it are no reason to think so. */
static void put(struct push_work *w, const struct buf *body)
{
    struct push_queue_stats before;
    struct push_queue_stats after;
    push_queue_stats(w->queue, &before);
    int r = push_queue_append(w->queue, &w->kind, body->data ? body->data : "", body->length,
                              &w->queued);
    push_queue_stats(w->queue, &after);
    w->given_up |=
        r < 0 && after.dropped_records[PUSH_DROP_DISK] > before.dropped_records[PUSH_DROP_DISK];
}

static int append_part(struct push_work *w)
{
    struct buf plain;
    struct push_part part = {.coding = w->kind.coding};
    buf_init(&plain, PUSH_ROUND_MAX);
    int r = encode(w, &plain);
    if (r == 0)
        r = compress(&part, &plain);
    buf_done(&plain); /* as large as the body, or larger: not while the disk takes its time */
    if (r == 0) {
        put(w, &part.body);
        w->records++;
    }
    push_part_done(&part);
    return r;
}

/* One record, or several of one time where the round is larger than a request may be. */
static void append(struct push_work *w)
{
    int r;
    uint64_t from = 0;
    do {
        w->round.from = from;
        w->round.until = from + w->samples_most;
        r = append_part(w);
        if (r == 0)
            from += w->kind.samples;
        else if (r == -EMSGSIZE && w->samples_most > 1)
            w->samples_most /= 2;
        else
            break;
    } while (r < 0 || w->kind.samples == w->samples_most);
    w->encoded = r == -ENODATA && w->records > 0 ? 0 : r;
    if (w->encoded < 0)
        w->samples_most = SAMPLES_MOST; /* that was not what it was too large by */
}

/* --- the next request --- */

static int unpack(const struct push_part *part, struct buf *ret)
{
    buf_init(ret, PUSH_BODY_MAX);
    return push_decompress(part->coding, part->body.data ? part->body.data : "", part->body.length,
                           ret);
}

static int pack(struct push_part *part, const struct buf *plain)
{
    int r = push_count(part->format, plain->data ? plain->data : "", plain->length, &part->samples);
    return r < 0 ? r : compress(part, plain);
}

static int split(struct push_work *w)
{
    struct buf whole;
    struct buf halves[2];
    const struct push_part *subject = &w->subject;
    int r = unpack(subject, &whole);
    for (int i = 0; i < 2; i++) {
        buf_init(&halves[i], PUSH_BODY_MAX);
        w->parts[i] = (struct push_part){.format = subject->format, .coding = subject->coding};
    }
    if (r == 0)
        r = push_split(subject->format, whole.data ? whole.data : "", whole.length, &halves[0],
                       &halves[1]);
    buf_done(&whole);
    for (int i = 0; i < 2; i++) {
        if (r == 0)
            r = pack(&w->parts[i], &halves[i]);
        buf_done(&halves[i]);
    }
    return r;
}

static int convert(struct push_work *w)
{
    struct buf old;
    struct buf new;
    int r = unpack(&w->subject, &old);
    buf_init(&new, PUSH_BODY_MAX);
    w->parts[0] = (struct push_part){
        .samples = w->subject.samples, .format = PUSH_REMOTE_WRITE, .coding = w->subject.coding};
    if (r == 0)
        r = push_convert_2_to_1(old.data ? old.data : "", old.length, &new);
    if (r == 0)
        r = compress(&w->parts[0], &new);
    buf_done(&old);
    buf_done(&new);
    return r;
}

static int peek(struct push_work *w)
{
    struct push_part *part = &w->parts[0];
    buf_init(&part->body, WIRE_MAX);
    int r = push_queue_peek(w->queue, &w->record, &part->body, &w->task_error);
    part->samples = w->record.samples;
    part->format = w->record.format;
    part->coding = w->record.coding;
    return r;
}

/* Requests without samples. */
static int make_small(struct push_work *w, enum push_format format)
{
    struct buf plain;
    buf_init(&plain, PUSH_BODY_MAX);
    w->parts[0] = (struct push_part){.format = format, .coding = PUSH_SNAPPY};
    int r = w->task == PUSH_TASK_METADATA
                ? push_encode_metadata(w->encode.filter, &w->metadata_at, METADATA_MAX, &plain)
                : push_encode_empty(format, &plain);
    if (r == 0)
        r = compress(&w->parts[0], &plain);
    buf_done(&plain);
    return r;
}

static int prepare(struct push_work *w)
{
    switch (w->task) {
    case PUSH_TASK_PEEK:
        return peek(w);
    case PUSH_TASK_SPLIT:
        return split(w);
    case PUSH_TASK_CONVERT:
        return convert(w);
    case PUSH_TASK_PROBE:
        return make_small(w, PUSH_REMOTE_WRITE_2);
    case PUSH_TASK_METADATA:
        return make_small(w, PUSH_REMOTE_WRITE);
    case PUSH_TASK_NONE:
    case PUSH_TASK_SEND:
        return 0;
    }
    __builtin_unreachable();
}

static void authorize(struct push_work *w)
{
    if (!w->secrets)
        return;
    (void)buf_reserve(&w->authorization, AUTHORIZATION_MOST);
    (void)buf_add_string(&w->authorization, AUTHORIZATION);
    (void)push_secrets_authorization(w->secrets, &w->authorization, &w->unlocked);
    if (w->authorization.length == strlen(AUTHORIZATION))
        wipe(&w->authorization);
}

void push_work_run(void *work)
{
    struct push_work *w = work;
    if (w->ack > 0)
        (void)push_queue_ack(w->queue, w->ack, &w->acked);
    if (w->append)
        append(w);
    if (w->expire)
        push_queue_expire(w->queue);
    w->prepared = prepare(w);
    if (w->task != PUSH_TASK_NONE)
        authorize(w);
    push_queue_stats(w->queue, &w->stats);
    if (w->close) {
        push_queue_close(w->queue);
        w->queue = NULL;
    }
}
