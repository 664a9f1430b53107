/* What it knows: how a lane ends: the end of all series is queued, what waits is sent while it is
 * taken, the queue is closed, and nothing that hangs holds it up. Document: docs/PUSH.md, "How it
 * works". */
#include "exporters/push_lane_internal.h"

#include "base/alloc.h"
#include "net/timer.h"
#include "net/worker.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* What the thread may take for its job under way and for closing the queue, after the limit: a disk
 * that has not answered then is stuck. */
#define CLOSE_MS 500

bool lane_is_volatile(const struct push_lane *l)
{
    return !l->options.queue.directory || l->stats.memory_bytes > 0;
}

static bool is_sent(const struct push_lane *l)
{
    return l->sender.state == SENDER_EMPTY || l->sender.state == SENDER_OFF;
}

bool lane_stop_order(struct push_lane *l, struct push_work *w)
{
    if (l->phase == LANE_ENDS && !w->append && w->task == PUSH_TASK_NONE && is_sent(l))
        l->phase = LANE_CLOSES;
    w->close = l->phase == LANE_CLOSES;
    return w->close;
}

static void on_limit(void *context)
{
    struct push_lane *l = context;
    if (l->phase == LANE_ENDS) {
        l->phase = LANE_CLOSES;
        sender_cut(l);
        timer_start(l->limit, CLOSE_MS);
        lane_turn(l);
        return;
    }
    lane_stop_finish(l);
}

void push_lane_stop(struct push_lane *l, bool last, uint64_t limit_ms,
                    void (*stopped)(void *context), void *context)
{
    assert(l->phase == LANE_RUNS);
    l->phase = LANE_ENDS;
    l->stopped = stopped;
    l->stopped_context = context;
    l->limit = timer_new(l->options.loop, on_limit, l);
    timer_start(l->limit, limit_ms);
    lane_round_stop(l, last);
    sender_hurry(l, last);
    lane_turn(l);
}

/* What goes with the process, because it was in memory alone. */
static void count_lost(struct push_lane *l)
{
    uint64_t answered = sender_answered(l);
    uint64_t samples = l->stats.samples > answered ? l->stats.samples - answered : 0;
    if (l->options.queue.directory || l->stats.records == 0)
        return;
    l->tally.dropped[PUSH_DROP_STOPPED] += samples;
    l->tally.rounds_dropped[PUSH_DROP_STOPPED] += l->stats.records;
    char *text = alloc_format("%" PRIu64 " samples for \"%s\" were lost: it did not take them in "
                              "time, and they were in memory alone, for it has no queue directory",
                              samples, l->options.name);
    lane_log(l, PUSH_ERROR, text, "");
    free(text);
}

static void tell_lost(struct push_lane *l)
{
    count_lost(l);
    if (l->options.queue.directory && l->stats.memory_bytes > 0) {
        char *text = alloc_format("%" PRIu64 " bytes queued for \"%s\" were lost: they waited in "
                                  "memory because the disk took nothing",
                                  l->stats.memory_bytes, l->options.name);
        lane_log(l, PUSH_ERROR, text, "");
        free(text);
    }
    if (l->append || l->appending || l->last) {
        char *text = alloc_format("the last round for \"%s\" may be lost: the disk of its queue "
                                  "does not answer",
                                  l->options.name);
        push_tally_drop(&l->tally, PUSH_DROP_STUCK, 0, true);
        lane_log(l, PUSH_ERROR, text, "");
        free(text);
    }
}

void lane_stop_finish(struct push_lane *l)
{
    void (*stopped)(void *context) = l->stopped;
    void *context = l->stopped_context;
    tell_lost(l);
    if (worker_is_busy(l->worker))
        push_work_abandon(l->work);
    worker_close(l->worker, push_work_free, l->work);
    lane_round_close(l);
    sender_close(l);
    timer_close(l->limit);
    arena_done(&l->arena);
    free(l);
    stopped(context);
}
