/* What it knows: how a lane is put together, whose turn its thread is, and how what goes wrong gets
 * into the log. Document: docs/PUSH.md, "How it works". */
#include "exporters/push_lane_internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "exporters/push_coding.h"
#include "exporters/push_filter.h"
#include "net/timer.h"
#include "net/worker.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* How long something took, in words: seconds for less than this. */
#define MINUTES_FROM_SECONDS 120

uint64_t lane_now_ns(const struct push_lane *l)
{
    return clock_monotonic_ns(l->options.clock);
}

uint64_t lane_now_ms(const struct push_lane *l)
{
    return clock_realtime_ns(l->options.clock) / NS_PER_MS;
}

/* --- the log --- */

void lane_log(struct push_lane *l, enum push_severity severity, const char *text,
              const char *detail)
{
    if (l->options.log)
        l->options.log(l->options.context, severity, text, detail);
}

/* A trouble is never at the time 0, which stands for none. */
static uint64_t trouble_now_ns(const struct push_lane *l)
{
    return lane_now_ns(l) + 1;
}

bool lane_trouble_due(struct push_lane *l, enum push_trouble_kind kind, int code)
{
    return push_trouble_begin(&l->troubles, kind, code, trouble_now_ns(l));
}

void lane_trouble(struct push_lane *l, enum push_trouble_kind kind, int code, const char *text,
                  const char *detail)
{
    if (lane_trouble_due(l, kind, code))
        lane_log(l, PUSH_WARN, text, detail);
}

void lane_well(struct push_lane *l, enum push_trouble_kind kind)
{
    static const char *const words[PUSH_PASSING] = {
        [PUSH_TROUBLE_RECEIVER] = "takes data again",
        [PUSH_TROUBLE_QUEUE] = "has a queue that can be read and written again",
        [PUSH_TROUBLE_STUCK] = "has a queue whose disk answers again",
        [PUSH_TROUBLE_SECRETS] = "has secrets that can be read again",
        [PUSH_TROUBLE_THREAD] = "has its thread again",
    };
    uint64_t since_ns = 0;
    if (!push_trouble_end(&l->troubles, kind, &since_ns))
        return;
    uint64_t seconds = (trouble_now_ns(l) - since_ns) / NS_PER_SECOND;
    bool long_ago = seconds >= MINUTES_FROM_SECONDS;
    char *text = alloc_format("\"%s\" %s after %" PRIu64 " %s, %" PRIu64 " samples waiting",
                              l->options.name, words[kind], long_ago ? seconds / 60 : seconds,
                              long_ago ? "minutes" : "seconds", l->stats.samples);
    lane_log(l, PUSH_INFO, text, "");
    free(text);
}

static void tell_drops(struct push_lane *l, enum push_drop reason, uint64_t samples)
{
    char *text = alloc_format("the queue of \"%s\" gave up %" PRIu64 " samples (%s)",
                              l->options.name, samples, push_drop_name(reason));
    lane_trouble(l, PUSH_TROUBLE_DROPS, (int)reason, text, "");
    free(text);
}

/* What the thread saw of the queue; what it lost without asking is told of. */
static void take_stats(struct push_lane *l, const struct push_queue_stats *stats)
{
    for (enum push_drop i = 0; i < PUSH_DROPS; i++) {
        uint64_t samples = stats->dropped_samples[i] - l->stats.dropped_samples[i];
        if (stats->dropped_records[i] > l->stats.dropped_records[i] || samples > 0)
            tell_drops(l, i, samples);
    }
    l->stats = *stats;
}

/* --- the thread --- */

static void tell_steps(struct push_lane *l, const struct push_work *w)
{
    if (w->acked.code < 0)
        lane_trouble(l, PUSH_TROUBLE_QUEUE, w->acked.code, w->acked.text, "");
    if (w->queued.code < 0)
        lane_trouble(l, PUSH_TROUBLE_QUEUE, w->queued.code, w->queued.text, "");
    bool unread = w->task == PUSH_TASK_PEEK && w->prepared < 0 && w->prepared != -ENODATA;
    if (w->append && w->encoded == 0 && w->acked.code == 0 && w->queued.code == 0 && !unread)
        lane_well(l, PUSH_TROUBLE_QUEUE);
    if (w->unlocked.code < 0)
        lane_trouble(l, PUSH_TROUBLE_SECRETS, w->unlocked.code, w->unlocked.text, "");
    else if (w->task != PUSH_TASK_NONE)
        lane_well(l, PUSH_TROUBLE_SECRETS);
}

static void on_job(void *context)
{
    struct push_work *w = context;
    struct push_lane *l = w->owner;
    take_stats(l, &w->stats);
    l->sender.leaving = 0;
    tell_steps(l, w);
    lane_well(l, PUSH_TROUBLE_STUCK);
    lane_round_queued(l, w);
    sender_prepared(l, w);
    push_work_clear(w);
    if (!w->queue)
        lane_stop_finish(l);
    else
        lane_turn(l);
}

void lane_turn(struct push_lane *l)
{
    struct push_work *w = l->work;
    if (worker_is_busy(l->worker))
        return;
    bool round = lane_round_order(l, w);
    bool request = sender_order(l, w);
    bool close = lane_stop_order(l, w);
    if (!round && !request && !close)
        return;
    /* What the order lends is the thread's from here on, and given up here only once it began. */
    int r = worker_start(l->worker, push_work_run, on_job, w);
    if (r < 0) {
        w->subject = (struct push_part){0}; /* still the sender's */
        push_work_clear(w);
        lane_trouble(l, PUSH_TROUBLE_THREAD, r, "no thread can be had for a push queue", "");
        return;
    }
    lane_well(l, PUSH_TROUBLE_THREAD);
    if (round)
        lane_round_ordered(l);
    if (request)
        sender_ordered(l);
}

/* --- making it --- */

static void copy_options(struct push_lane *l, const struct push_lane_options *options)
{
    size_t count = 0;
    while (options->headers && options->headers[count])
        count++;
    const char **headers = arena_alloc(&l->arena, (count + 1) * sizeof *headers);
    for (size_t i = 0; i < count; i++)
        headers[i] = arena_string(&l->arena, options->headers[i]);
    l->options = *options;
    l->options.headers = headers;
    l->options.name = arena_string(&l->arena, options->name);
    l->options.user_agent = arena_string(&l->arena, options->user_agent);
    l->options.queue.directory = arena_string(&l->arena, options->queue.directory);
    l->options.post = (struct http_post_options){0};
    l->options.secrets = (struct push_secrets_options){0};
    l->options.encode = (struct push_encode_options){0};
}

/* What may fail, the queue last: it is locked then. */
static int open_parts(struct push_lane *l, const struct push_lane_options *options, struct err *e)
{
    struct push_secrets *secrets = NULL;
    struct push_queue *queue = NULL;
    int r = push_coding_check(options->coding, e);
    if (r == 0)
        r = push_secrets_new(&options->secrets, e, &secrets);
    if (r == 0)
        r = sender_open(l, options, e);
    if (r < 0) {
        push_secrets_free(secrets);
        return r;
    }
    r = push_queue_open(&l->options.queue, e, &queue);
    if (r < 0) {
        sender_close(l);
        push_secrets_free(secrets);
        return r;
    }
    l->work = push_work_new(&options->encode, queue, secrets);
    l->work->owner = l;
    return 0;
}

int push_lane_new(const struct push_lane_options *options, struct err *e, struct push_lane **ret)
{
    assert(options->interval_ms > 0 && options->phase_ms < options->interval_ms);
    struct push_lane *l = alloc_zeroed(1, sizeof *l);
    copy_options(l, options);
    int r = open_parts(l, options, e);
    if (r < 0) {
        push_filter_free((struct push_filter *)(uintptr_t)options->encode.filter);
        arena_done(&l->arena);
        free(l);
        return r;
    }
    l->worker = worker_new(options->loop);
    take_stats(l, &l->work->stats);
    lane_round_open(l);
    sender_wake(l); /* what an earlier weir left */
    lane_turn(l);
    *ret = l;
    return 0;
}

/* What was sent is not in the queue any more, though the thread has yet to take it out: whoever
 * adds up the counters finds each sample once. */
void push_lane_add_points(const struct push_lane *l, struct part *part)
{
    struct push_queue_stats queue = l->stats;
    uint64_t answered = sender_answered(l);
    queue.samples -= answered < queue.samples ? answered : queue.samples;
    push_tally_points(&l->tally,
                      &(struct push_tally_view){.destination = l->options.name,
                                                .in_force = l->sender.in_force,
                                                .queue_max_bytes = l->options.queue.max_bytes,
                                                .queue = &queue,
                                                .now_ms = lane_now_ms(l)},
                      part);
}
