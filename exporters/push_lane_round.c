/* What it knows: when a lane asks for a round, and which of them become records. Document:
 * docs/PUSH.md, "How it works". */
#include "exporters/push_lane_internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "net/timer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* --- ticks --- */

/* Since 1970, shifted so that ticks are its multiples of the interval. */
static uint64_t shifted_ms(const struct push_lane *l, uint64_t now_ms)
{
    return now_ms + l->options.interval_ms - l->options.phase_ms;
}

/* Computed from the wall clock every time: one that was set does no harm for longer than one
 * interval. */
static void arm(struct push_lane *l, uint64_t now_ms)
{
    uint64_t interval_ms = l->options.interval_ms;
    timer_start(l->tick, interval_ms - shifted_ms(l, now_ms) % interval_ms);
}

static void ask(struct push_lane *l)
{
    l->demand.deadline_ns = lane_now_ns(l) + l->options.timeout_ms * NS_PER_MS;
    l->demanded = true;
    l->options.source.demand(l->options.source.context, &l->demand);
}

/* The round before is not in the queue yet: this one is not even asked for. How many samples it
 * would have had nobody knows. */
static void drop_stuck(struct push_lane *l)
{
    char *text = alloc_format("the queue of \"%s\" has not answered since the round before: rounds "
                              "are left out until it does",
                              l->options.name);
    push_tally_drop(&l->tally, PUSH_DROP_STUCK, 0, true);
    lane_trouble(l, PUSH_TROUBLE_STUCK, 0, text, "");
    free(text);
}

static void on_tick(void *context)
{
    struct push_lane *l = context;
    uint64_t now_ms = lane_now_ms(l);
    uint64_t slot = shifted_ms(l, now_ms) / l->options.interval_ms;
    arm(l, now_ms);
    if (slot == l->slot)
        return; /* the timer ran out a moment early, or the clock was set back a little */
    l->slot = slot;
    l->expire = true;
    if (l->append || l->appending)
        drop_stuck(l);
    else if (!l->demanded)
        ask(l);
    lane_turn(l);
}

/* A snapshot that serves several demands is one round still. */
static bool is_queued(const struct push_lane *l, const struct snapshot *s)
{
    return l->previous && l->previous->number == s->number &&
           l->previous->realtime_ns == s->realtime_ns;
}

static void on_snapshot(struct demand *demand, struct snapshot *snapshot)
{
    struct push_lane *l = (struct push_lane *)((char *)demand - offsetof(struct push_lane, demand));
    l->demanded = false;
    if (is_queued(l, snapshot))
        return;
    l->current = snapshot_ref(snapshot);
    l->append = true;
    lane_turn(l);
}

void lane_round_open(struct push_lane *l)
{
    uint64_t now_ms = lane_now_ms(l);
    l->demand.done = on_snapshot;
    l->slot = shifted_ms(l, now_ms) / l->options.interval_ms;
    l->tick = timer_new(l->options.loop, on_tick, l);
    arm(l, now_ms);
}

static void withdraw(struct push_lane *l)
{
    if (l->demanded)
        l->options.source.withdraw(l->options.source.context, &l->demand);
    l->demanded = false;
}

void push_lane_set_source(struct push_lane *l, const struct snapshot_source *source)
{
    bool asks = l->demanded;
    withdraw(l);
    l->options.source = *source;
    if (asks)
        ask(l);
}

void lane_round_stop(struct push_lane *l, bool last)
{
    withdraw(l);
    timer_stop(l->tick);
    l->last = last;
}

void lane_round_close(struct push_lane *l)
{
    snapshot_unref(l->previous);
    snapshot_unref(l->current);
    timer_close(l->tick);
}

/* --- into the queue --- */

/* The end of all series comes after every record, whatever the clock says. */
static uint64_t end_ns(const struct push_lane *l)
{
    uint64_t now_ns = clock_realtime_ns(l->options.clock);
    uint64_t least_ns = l->last_ns + NS_PER_MS;
    return now_ns > least_ns ? now_ns : least_ns;
}

bool lane_round_order(struct push_lane *l, struct push_work *w)
{
    w->expire = l->expire;
    if (!l->append && l->last) {
        l->last = false;
        l->append = l->previous != NULL; /* else nothing began */
    }
    if (!l->append)
        return w->expire;
    uint64_t time_ns = l->current ? l->current->realtime_ns : end_ns(l);
    w->append = true;
    w->round =
        (struct push_round){.previous = l->previous, .current = l->current, .time_ns = time_ns};
    w->kind = (struct push_record){
        .time_ms = time_ns / NS_PER_MS, .format = l->sender.in_force, .coding = l->options.coding};
    return true;
}

void lane_round_ordered(struct push_lane *l)
{
    l->expire = false;
    l->appending = l->append;
    l->append = false;
}

/* A single sample is larger than a request may be, or memory is short. */
static void drop_unencoded(struct push_lane *l, int code)
{
    char *text = alloc_format("a round for \"%s\" was lost from its sample %" PRIu64 " on: it "
                              "cannot be put into requests of %zu MiB",
                              l->options.name, l->work->round.from, PUSH_ROUND_MAX >> 20);
    push_tally_drop(&l->tally, PUSH_DROP_ENCODING, 0, true);
    lane_trouble(l, PUSH_TROUBLE_ROUND, code, text, "");
    free(text);
}

/* What was queued last is what the next one is compared with: a series that ends gets its stale
 * marker though rounds between were lost. */
void lane_round_queued(struct push_lane *l, struct push_work *w)
{
    if (!l->appending)
        return;
    l->appending = false;
    if (w->encoded < 0 && w->encoded != -ENODATA)
        drop_unencoded(l, w->encoded);
    if (w->records > 0) {
        l->last_ns = w->round.time_ns;
        sender_wake(l);
    }
    if (w->encoded == 0 && !w->given_up) {
        snapshot_unref(l->previous);
        l->previous = l->current;
    } else {
        snapshot_unref(l->current);
    }
    l->current = NULL;
}
