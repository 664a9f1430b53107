/* What it knows: which request is next, what has to be done before it can go, and when. Document:
 * docs/PUSH.md, "How it works". */
#include "exporters/push_sender.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "exporters/push_answer.h"
#include "exporters/push_lane_internal.h"
#include "exporters/push_request.h"
#include "net/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* Metadata is nothing that samples may wait long for. */
#define METADATA_TIMEOUT_MS 5000

static struct push_part *first(struct push_sender *s)
{
    return s->part_count > 0 ? &s->parts[s->part_count - 1] : NULL;
}

static void push(struct push_sender *s, struct push_part *part)
{
    if (s->part_count == s->part_capacity) {
        s->part_capacity = s->part_capacity > 0 ? 2 * s->part_capacity : 2;
        s->parts = alloc_resize(s->parts, s->part_capacity, sizeof *s->parts);
    }
    s->parts[s->part_count++] = *part;
    *part = (struct push_part){0};
}

static void pop(struct push_sender *s)
{
    push_part_done(&s->parts[--s->part_count]);
}

static bool is_remote_write(enum push_format format)
{
    return format == PUSH_REMOTE_WRITE || format == PUSH_REMOTE_WRITE_2;
}

/* --- its life --- */

static void on_pause(void *context)
{
    struct push_lane *l = context;
    l->sender.state = SENDER_READY;
    lane_turn(l);
}

int sender_open(struct push_lane *l, const struct push_lane_options *options, struct err *e)
{
    struct push_sender *s = &l->sender;
    int r = http_post_new(options->loop, &options->post, e, &s->post);
    if (r < 0)
        return r;
    s->pause = timer_new(options->loop, on_pause, l);
    s->in_force = options->format;
    if (getrandom(&s->random, sizeof s->random, GRND_NONBLOCK) != sizeof s->random)
        s->random = clock_realtime_ns(options->clock);
    return 0;
}

void sender_close(struct push_lane *l)
{
    struct push_sender *s = &l->sender;
    while (s->part_count > 0)
        pop(s);
    free(s->parts);
    push_part_done(&s->small);
    arena_done(&s->scratch);
    timer_close(s->pause);
    http_post_close(s->post);
}

void sender_wake(struct push_lane *l)
{
    struct push_sender *s = &l->sender;
    s->waiting = true;
    if (s->state == SENDER_EMPTY)
        s->state = SENDER_READY;
}

void sender_cut(struct push_lane *l)
{
    http_post_cancel(l->sender.post);
    timer_stop(l->sender.pause);
    l->sender.state = SENDER_OFF;
}

void sender_hurry(struct push_lane *l, bool once_more)
{
    struct push_sender *s = &l->sender;
    bool is_metadata = s->state == SENDER_REQUEST && s->task == PUSH_TASK_METADATA;
    if (s->state != SENDER_PAUSE && !is_metadata)
        return;
    if (is_metadata)
        http_post_cancel(s->post);
    timer_stop(s->pause);
    s->attempts = is_metadata ? 0 : s->attempts;
    s->failures = 0;
    s->state = once_more || is_metadata || lane_is_volatile(l) ? SENDER_READY : SENDER_OFF;
}

uint64_t sender_answered(const struct push_lane *l)
{
    const struct push_sender *s = &l->sender;
    if (s->part_count == 0)
        return s->ack > 0 ? s->record.samples : s->leaving;
    uint64_t left = 0;
    for (size_t i = 0; i < s->part_count; i++)
        left += s->parts[i].samples;
    return s->record.samples > left ? s->record.samples - left : 0;
}

/* A bijection that makes a counter look random: splitmix64. */
static uint64_t next_random(struct push_sender *s)
{
    uint64_t x = s->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* At the end of the lane nobody waits for what the disk keeps. */
void sender_pause(struct push_lane *l, unsigned failures, uint64_t retry_after_ms)
{
    struct push_sender *s = &l->sender;
    bool ends = l->phase == LANE_ENDS;
    if (ends && !lane_is_volatile(l)) {
        s->state = SENDER_OFF;
        return;
    }
    if (ends)
        failures = 1; /* what is in memory alone has no time for long pauses */
    s->state = SENDER_PAUSE;
    timer_start(s->pause, push_pause_ms(failures, retry_after_ms, next_random(s)));
}

/* --- what is next --- */

static bool wants_metadata(const struct push_lane *l)
{
    const struct push_sender *s = &l->sender;
    return s->succeeded && s->in_force == PUSH_REMOTE_WRITE && !s->metadata_refused &&
           l->phase == LANE_RUNS && lane_now_ns(l) >= s->metadata_due_ns;
}

static enum push_task next_task(struct push_lane *l)
{
    struct push_sender *s = &l->sender;
    const struct push_part *part = first(s);
    if (!part && s->waiting)
        return PUSH_TASK_PEEK;
    if (!part)
        return wants_metadata(l) ? PUSH_TASK_METADATA : PUSH_TASK_NONE;
    if (s->too_large)
        return PUSH_TASK_SPLIT;
    if (part->format == PUSH_REMOTE_WRITE_2 && s->in_force == PUSH_REMOTE_WRITE)
        return PUSH_TASK_CONVERT;
    if (part->format == PUSH_REMOTE_WRITE_2 && !s->probed)
        return PUSH_TASK_PROBE;
    return PUSH_TASK_SEND;
}

bool sender_order(struct push_lane *l, struct push_work *w)
{
    struct push_sender *s = &l->sender;
    w->ack = s->ack;
    if (s->state != SENDER_READY)
        return w->ack > 0;
    s->task = w->task = next_task(l);
    if (w->task == PUSH_TASK_NONE) {
        s->state = SENDER_EMPTY;
        return w->ack > 0;
    }
    if (w->task == PUSH_TASK_SPLIT || w->task == PUSH_TASK_CONVERT)
        w->subject = *first(s); /* sender_ordered gives it away */
    w->metadata_at = s->metadata_at;
    return true;
}

void sender_ordered(struct push_lane *l)
{
    struct push_sender *s = &l->sender;
    s->leaving = s->ack > 0 ? s->record.samples : 0;
    s->ack = 0;
    if (s->state != SENDER_READY)
        return;
    s->state = SENDER_PREPARING;
    if (s->task == PUSH_TASK_SPLIT || s->task == PUSH_TASK_CONVERT)
        first(s)->body = (struct buf){0};
}

/* --- sending --- */

static void send(struct push_lane *l, const struct push_work *w, const struct push_part *part)
{
    struct push_sender *s = &l->sender;
    const struct push_request_head head = {
        .format = part->format,
        .coding = part->coding,
        .user_agent = l->options.user_agent,
        .authorization = w->authorization.length > 0 ? w->authorization.data : NULL,
        .headers = l->options.headers,
        .attempt = s->attempts,
    };
    uint64_t timeout_ms = l->options.timeout_ms;
    if (s->task == PUSH_TASK_METADATA && timeout_ms > METADATA_TIMEOUT_MS)
        timeout_ms = METADATA_TIMEOUT_MS;
    if (s->attempts > 0)
        l->tally.retried += part->samples;
    arena_reset(&s->scratch);
    s->state = SENDER_REQUEST;
    http_post_send(s->post, &(struct http_post_request){
                                .headers = push_request_headers(&head, &s->scratch),
                                .body = part->body.data ? part->body.data : "",
                                .body_length = part->body.length,
                                .timeout_ms = timeout_ms,
                                .context = l,
                                .done = sender_judge,
                            });
}

/* --- what the thread has prepared --- */

static void take_record(struct push_lane *l, struct push_work *w)
{
    struct push_sender *s = &l->sender;
    enum push_format format = w->record.format;
    s->record = w->record;
    s->attempts = 0;
    s->doubtful = w->record.doubtful;
    push(s, &w->parts[0]);
    if (is_remote_write(format) != is_remote_write(l->options.format) ||
        (format != PUSH_OTLP && !is_remote_write(format)))
        sender_part_drop(l, PUSH_DROP_FORMAT, "it was queued for another protocol");
}

/* Two halves, or one in another version, in place of the first part. */
static void replace(struct push_lane *l, struct push_work *w)
{
    struct push_sender *s = &l->sender;
    bool two = s->task == PUSH_TASK_SPLIT;
    s->record.doubtful = s->record.doubtful || s->doubtful;
    s->doubtful = s->record.doubtful;
    s->attempts = 0;
    s->too_large = s->too_large && !two;
    pop(s);
    if (two)
        push(s, &w->parts[1]);
    push(s, &w->parts[0]);
}

static void fail_piece(struct push_lane *l, struct push_work *w)
{
    struct push_sender *s = &l->sender;
    first(s)->body = w->subject.body;
    w->subject = (struct push_part){0};
    if (w->prepared == -ENOMEM) {
        sender_pause(l, ++s->failures, 0);
        return;
    }
    bool longer = s->task == PUSH_TASK_CONVERT && w->prepared == -EMSGSIZE;
    if (longer && first(s)->samples > 1) {
        s->too_large = true; /* its halves may fit */
        return;
    }
    s->too_large = false;
    if (w->prepared == -ENODATA)
        sender_part_drop(l, PUSH_DROP_TOO_LARGE, "the receiver does not take even one sample");
    else
        sender_part_drop(l, PUSH_DROP_CORRUPT, "its message is damaged");
}

static void fail(struct push_lane *l, struct push_work *w)
{
    struct push_sender *s = &l->sender;
    bool is_end = w->prepared == -ENODATA;
    s->state = SENDER_READY;
    switch (s->task) {
    case PUSH_TASK_PEEK:
        s->waiting = !is_end;
        if (is_end)
            return;
        lane_trouble(l, PUSH_TROUBLE_QUEUE, w->prepared, w->task_error.text, "");
        sender_pause(l, ++s->failures, 0);
        return;
    case PUSH_TASK_SPLIT:
    case PUSH_TASK_CONVERT:
        fail_piece(l, w);
        return;
    case PUSH_TASK_METADATA:
        sender_metadata_later(l);
        return;
    case PUSH_TASK_PROBE:
    case PUSH_TASK_SEND:
    case PUSH_TASK_NONE:
        sender_pause(l, ++s->failures, 0);
        return;
    }
}

static void succeed(struct push_lane *l, struct push_work *w)
{
    struct push_sender *s = &l->sender;
    s->failures = 0;
    switch (s->task) {
    case PUSH_TASK_PEEK:
        take_record(l, w);
        break;
    case PUSH_TASK_SPLIT:
    case PUSH_TASK_CONVERT:
        replace(l, w);
        break;
    case PUSH_TASK_METADATA:
        s->metadata_at = w->metadata_at;
        break;
    case PUSH_TASK_PROBE:
    case PUSH_TASK_SEND:
    case PUSH_TASK_NONE:
        break;
    }
    s->state = SENDER_READY;
    if (s->task == PUSH_TASK_METADATA && l->phase != LANE_RUNS)
        return;
    if (s->task == PUSH_TASK_PROBE || s->task == PUSH_TASK_METADATA) {
        s->small = w->parts[0];
        w->parts[0] = (struct push_part){0};
        send(l, w, &s->small);
        return;
    }
    if (first(s) && next_task(l) == PUSH_TASK_SEND) {
        s->task = PUSH_TASK_SEND;
        send(l, w, first(s));
    }
}

void sender_prepared(struct push_lane *l, struct push_work *w)
{
    struct push_sender *s = &l->sender;
    if (s->state != SENDER_PREPARING)
        return; /* the job was not for it, or nothing is to be sent any more */
    if (w->prepared < 0)
        fail(l, w);
    else
        succeed(l, w);
}

void sender_part_done(struct push_lane *l)
{
    struct push_sender *s = &l->sender;
    pop(s);
    s->attempts = 0;
    s->too_large = false;
    s->doubtful = s->record.doubtful;
    s->state = SENDER_READY;
    if (s->part_count > 0)
        return;
    assert(s->ack == 0);
    s->ack = s->record.sequence;
}
