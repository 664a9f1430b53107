/* What it knows: how the simulated containers become a tier of the cascade. Document: collector.h,
 * simulated.h. */
#include "collectors/simulated.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "collectors/simulated_model.h"
#include "net/timer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct simulated_container {
    struct simulated_profile profile;
    struct simulated_instance instance;
    const struct identity
        *identity; /* a reference, of this instance; NULL before the first round */
};

struct simulated {
    struct collector base; /* first: the collector is this struct */
    const struct clock *clock;
    struct timer *answer;        /* owned; lets collect say done from the loop */
    void (*done)(void *context); /* NULL unless a round waits for it */
    void *done_context;
    struct simulated_container *containers; /* owned */
    size_t count;
};

static struct simulated *simulated_of(struct collector *self)
{
    return (struct simulated *)self;
}

static int check(struct collector *self, struct err *e)
{
    (void)self;
    (void)e;
    return 0;
}

/* Brings the container to the instance that runs now. Nothing to do in nearly every round. */
static void follow(struct simulated_container *c, uint64_t now_ns)
{
    if (c->identity && now_ns >= c->instance.started_ns && now_ns < c->instance.ends_ns)
        return;
    identity_unref(c->identity);
    c->instance = simulated_instance_at(&c->profile, now_ns);
    c->identity = simulated_identity_make(&c->profile, &c->instance);
}

static void examine(struct collector *self, const struct check_sink *sink)
{
    char text[96];
    (void)snprintf(text, sizeof text, "%zu simulated containers are shown, none of them real",
                   simulated_of(self)->count);
    sink->line(sink->context, CHECK_WARN, "simulated", text);
}

static void collect(struct collector *self, const struct round *round, struct part *part,
                    void (*done)(void *context), void *context)
{
    (void)round; /* far faster than any deadline */
    struct simulated *s = simulated_of(self);
    assert(!s->done);
    uint64_t now_ns = clock_realtime_ns(s->clock);
    uint64_t sampled_ns = clock_monotonic_ns(s->clock);
    for (size_t i = 0; i < s->count; i++) {
        struct simulated_container *c = &s->containers[i];
        follow(c, now_ns);
        struct container_row *row = part_add_row(part, c->identity);
        simulated_fill(&c->profile, &c->instance, now_ns, row, &part->arena);
        row->cpu_sampled_ns = sampled_ns;
    }
    part_add_point(part, AGENT_SIMULATED, 1, NULL);
    s->done = done;
    s->done_context = context;
    timer_start(s->answer, 0);
}

static void answer(void *context)
{
    struct simulated *s = context;
    void (*done)(void *) = s->done;
    s->done = NULL;
    if (done)
        done(s->done_context);
}

/* The part is complete since collect. */
static void cancel(struct collector *self)
{
    struct simulated *s = simulated_of(self);
    s->done = NULL;
    timer_stop(s->answer);
}

static void close_idle(struct collector *self)
{
    (void)self; /* nothing is open */
}

static void close_simulated(struct collector *self)
{
    struct simulated *s = simulated_of(self);
    timer_close(s->answer);
    for (size_t i = 0; i < s->count; i++)
        identity_unref(s->containers[i].identity);
    free(s->containers);
    free(s);
}

static const struct collector_kind simulated_kind = {
    .name = "simulated",
    .tier = TIER_SIMULATED,
    .check = check,
    .examine = examine,
    .collect = collect,
    .cancel = cancel,
    .close_idle = close_idle,
    .close = close_simulated,
};

struct collector *simulated_new(const struct simulated_options *options)
{
    struct simulated *s = alloc_zeroed(1, sizeof *s);
    s->base.kind = &simulated_kind;
    s->clock = options->clock;
    s->answer = timer_new(options->loop, answer, s);
    s->count = options->containers;
    s->containers = alloc_zeroed(s->count, sizeof *s->containers);
    for (size_t i = 0; i < s->count; i++) {
        s->containers[i].profile = simulated_profile_make(options->seed, i);
        s->containers[i].profile.pod_labels = options->pod_labels;
    }
    return &s->base;
}
