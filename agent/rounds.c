/* What it knows: when a demand starts a round, joins one, or is answered from the newest snapshot.
 * Document: docs/ARCHITECTURE.md, "Rounds". */
#include "agent/rounds.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "collectors/cascade.h"
#include "net/timer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#define REUSE_NS       (100 * NS_PER_MS) /* scrapers that come together share a round */
#define BUCKET_ROUNDS  4                 /* rounds in a burst ... */
#define BUCKET_FILL_NS NS_PER_SECOND     /* ... and one more each second */
#define IDLE_AFTER_MS \
    (300 * UINT64_C(1000)) /* then collectors let go of connections and descriptors */

/* Demands in the order in which they came. */
struct demand_list {
    struct demand *first;
    struct demand *last;
};

struct rounds {
    struct rounds_options options;
    struct snapshot *current;     /* the newest, a reference; NULL before the first */
    bool stale;                   /* a source changed since */
    struct demand_list waiting;   /* answered by the running round; oldest first */
    struct demand_list served;    /* answered from `current` on the next turn of the loop */
    struct demand_list answering; /* whose turn it is; demands made meanwhile are not among them */
    bool running;
    struct round round;
    uint64_t bucket_ns; /* time saved up, at most BUCKET_ROUNDS * BUCKET_FILL_NS */
    uint64_t filled_ns; /* CLOCK_MONOTONIC when it was last topped up */
    struct timer *deadline;
    struct timer *serve;
    struct timer *idle;
};

static uint64_t now_ns(const struct rounds *r)
{
    return clock_monotonic_ns(r->options.clock);
}

static void append(struct demand_list *list, struct demand *d)
{
    d->next = NULL;
    if (list->last)
        list->last->next = d;
    else
        list->first = d;
    list->last = d;
}

static struct demand *take_first(struct demand_list *list)
{
    struct demand *d = list->first;
    if (!d)
        return NULL;
    list->first = d->next;
    if (!list->first)
        list->last = NULL;
    return d;
}

static bool take_out(struct demand_list *list, struct demand *d)
{
    struct demand *before = NULL;
    for (struct demand *at = list->first; at; before = at, at = at->next) {
        if (at != d)
            continue;
        if (before)
            before->next = d->next;
        else
            list->first = d->next;
        if (list->last == d)
            list->last = before;
        return true;
    }
    return false;
}

/* Answers a list. Those who ask from inside an answer go to another one, so that this one ends. */
static void answer(struct rounds *r, struct demand_list *list)
{
    struct snapshot *snapshot = snapshot_ref(r->current);
    r->answering = *list;
    *list = (struct demand_list){0};
    for (struct demand *d = take_first(&r->answering); d; d = take_first(&r->answering))
        d->done(d, snapshot);
    snapshot_unref(snapshot);
}

static void fire_serve(void *context)
{
    struct rounds *r = context;
    answer(r, &r->served);
}

static void seal(struct rounds *r)
{
    struct part own = {0};
    timer_stop(r->deadline);
    r->options.add_points(r->options.context, &own, r->round.begun_ns);
    struct snapshot *sealed = cascade_seal(r->options.cascade, &own);
    part_done(&own);
    snapshot_unref(r->current);
    r->current = sealed;
    r->running = false;
    r->options.sealed(r->options.context, sealed);
    answer(r, &r->waiting);
}

static void fire_deadline(void *context)
{
    struct rounds *r = context;
    if (r->running)
        seal(r);
}

static void collected(void *context)
{
    seal(context);
}

static void fire_idle(void *context)
{
    struct rounds *r = context;
    cascade_close_idle(r->options.cascade);
}

static void arm_deadline(struct rounds *r)
{
    uint64_t now = now_ns(r);
    uint64_t left = r->round.deadline_ns > now ? r->round.deadline_ns - now : 0;
    timer_start(r->deadline, (left + NS_PER_MS - 1) / NS_PER_MS);
}

static void start(struct rounds *r, uint64_t deadline_ns)
{
    uint64_t now = now_ns(r);
    uint64_t latest = now + r->options.timeout_ms * NS_PER_MS;
    r->running = true;
    r->stale = false;
    r->round.number++;
    r->round.begun_ns = now;
    r->round.deadline_ns = deadline_ns < latest ? deadline_ns : latest;
    arm_deadline(r);
    timer_start(r->idle, IDLE_AFTER_MS);
    cascade_begin(r->options.cascade, &r->round, collected, r);
}

/* Takes a round out of the bucket. */
static bool spend(struct rounds *r, uint64_t now)
{
    const uint64_t full = BUCKET_ROUNDS * BUCKET_FILL_NS;
    r->bucket_ns += now - r->filled_ns;
    if (r->bucket_ns > full)
        r->bucket_ns = full;
    r->filled_ns = now;
    if (r->bucket_ns < BUCKET_FILL_NS)
        return false;
    r->bucket_ns -= BUCKET_FILL_NS;
    return true;
}

/* May the newest snapshot answer a demand made now? */
static bool may_reuse(struct rounds *r, uint64_t now)
{
    if (!r->current || r->options.max_age_ms == 0)
        return false;
    uint64_t age = now - r->current->monotonic_ns;
    uint64_t max_age_ns = r->options.max_age_ms * NS_PER_MS;
    if (!r->stale && age < REUSE_NS && age < max_age_ns)
        return true;
    return !spend(r, now) && age < max_age_ns;
}

static void demand(void *context, struct demand *d)
{
    struct rounds *r = context;
    if (r->running) {
        append(&r->waiting, d);
        if (d->deadline_ns < r->round.deadline_ns) {
            r->round.deadline_ns = d->deadline_ns;
            arm_deadline(r);
        }
    } else if (may_reuse(r, now_ns(r))) {
        append(&r->served, d);
        timer_start(r->serve, 0);
    } else {
        append(&r->waiting, d);
        start(r, d->deadline_ns);
    }
}

static void withdraw(void *context, struct demand *d)
{
    struct rounds *r = context;
    if (!take_out(&r->waiting, d) && !take_out(&r->served, d))
        (void)take_out(&r->answering, d); /* in none: it was answered already */
}

static struct snapshot *current(void *context)
{
    const struct rounds *r = context;
    return r->current;
}

struct snapshot_source rounds_source(struct rounds *r)
{
    return (struct snapshot_source){
        .context = r, .demand = demand, .withdraw = withdraw, .current = current};
}

void rounds_mark_stale(struct rounds *r)
{
    r->stale = true;
}

struct rounds *rounds_new(const struct rounds_options *options)
{
    struct rounds *r = alloc_zeroed(1, sizeof *r);
    r->options = *options;
    r->bucket_ns = BUCKET_ROUNDS * BUCKET_FILL_NS;
    r->filled_ns = now_ns(r);
    r->deadline = timer_new(options->loop, fire_deadline, r);
    r->serve = timer_new(options->loop, fire_serve, r);
    r->idle = timer_new(options->loop, fire_idle, r);
    return r;
}

void rounds_close(struct rounds *r)
{
    if (!r)
        return;
    timer_close(r->deadline);
    timer_close(r->serve);
    timer_close(r->idle);
    snapshot_unref(r->current);
    free(r);
}
