/* What it knows: the order of a reload. Where collection changes, a second pipeline is made beside
 * the first, which goes on serving until the second has had two rounds, so that no scrape lacks a
 * number, CPU percentages included. */
#include "agent/reload.h"

#include "agent/config.h"
#include "agent/core.h"
#include "agent/endpoint.h"
#include "agent/notify.h"
#include "agent/push.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "collectors/cascade.h"
#include "net/http_server.h"
#include "net/timer.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS     2
#define ASKERS_MAX 64   /* requests that wait: those of peers that have gone keep memory too */
#define PAUSE_MS   1050 /* a percentage needs a sample at least one second old */

/* A request that waits for the end of a reload. */
struct asker {
    struct http_request *request;
    struct asker *next;
};

struct reload {
    struct reload_options options;
    struct endpoint *endpoint;          /* NULL before reload_begin */
    struct push *push;                  /* likewise */
    const struct config *endpoint_uses; /* and push; ours unless it is options.config */
    const struct config *pipeline_uses; /* likewise */
    bool again;                         /* one more afterwards: ... */
    struct asker *later;                /* ... for these, and for signals */
    size_t asker_count;                 /* in both lists */
    bool closing;
    bool well;
    uint64_t done_ms; /* since 1970, when what is in force was read */

    /* under way */
    struct config *next;       /* NULL while nothing is */
    struct pipeline *pipeline; /* NULL where the old one serves on */
    struct asker *askers;
    struct demand demand;
    bool waits; /* for the demand */
    unsigned rounds;
    struct timer *step; /* goes on outside a demand's done */
};

static void begin_next(struct reload *r);

static void free_config(struct reload *r, const struct config *c)
{
    if (c == r->options.config)
        return;
    struct config *own = (struct config *)(uintptr_t)c; /* made here, by read_config */
    config_done(own);
    free(own);
}

static uint64_t now_ms(void)
{
    return clock_realtime_ns(&clock_system) / NS_PER_MS;
}

static void tell_systemd(const struct reload *r, const char *state)
{
    struct err e = {0};
    if (notify_send(state, &e) < 0)
        log_line(&r->options.core->log, LOG_LEVEL_WARN, e.text, NULL, 0);
}

/* An answer may bring the next request of its connection, and that may ask again. */
static void answer(struct reload *r, struct asker *askers, int status, const char *sentence)
{
    while (askers) {
        struct asker *a = askers;
        askers = a->next;
        r->asker_count--;
        http_respond_text(a->request, status, NULL, sentence);
        free(a);
    }
}

/* It is over, one way or the other. */
static void end(struct reload *r, const struct err *e)
{
    struct asker *askers = r->askers;
    r->askers = NULL;
    r->next = NULL;
    r->pipeline = NULL;
    r->rounds = 0;
    r->well = !e;
    tell_systemd(r, e ? "READY=1\nSTATUS=serving; the configuration was refused, see the log"
                      : "READY=1\nSTATUS=serving");
    rounds_mark_stale(r->options.core->pipeline->rounds); /* the next scrape shall say so */
    if (e) {
        log_line(&r->options.core->log, LOG_LEVEL_ERROR,
                 "the configuration cannot be used; the one before stays in force",
                 LOG_FIELDS({"error", e->text}));
        answer(r, askers, 500, e->text);
    } else {
        r->done_ms = now_ms();
        log_line(&r->options.core->log, LOG_LEVEL_INFO, "the configuration was read again", NULL,
                 0);
        answer(r, askers, 200, "The configuration was read again.");
    }
    if (r->again && !r->next)
        begin_next(r);
}

static void fail(struct reload *r, const struct err *e)
{
    pipeline_close(r->pipeline);
    endpoint_abandon(r->endpoint);
    free_config(r, r->next);
    end(r, e);
}

static void commit(struct reload *r)
{
    struct core *core = r->options.core;
    const struct config *old_endpoint = r->endpoint_uses;
    const struct config *old_pipeline = r->pipeline_uses;
    struct pipeline *serving = r->pipeline ? r->pipeline : core->pipeline;
    struct snapshot_source source = rounds_source(serving->rounds);
    struct err e = {0};
    if (endpoint_commit(r->endpoint, &source, &e) < 0) {
        fail(r, &e);
        return;
    }
    log_init(&core->log, r->next->log_level, r->next->log_format);
    push_set(r->push, r->next, &source); /* before the rounds that it asked until now are gone */
    r->endpoint_uses = r->next;
    if (r->pipeline) {
        pipeline_close(core->pipeline);
        core->pipeline = r->pipeline;
        r->pipeline_uses = r->next;
        if (old_pipeline != old_endpoint)
            free_config(r, old_pipeline);
        free_config(r, old_endpoint);
    } else if (old_endpoint != old_pipeline) {
        free_config(r, old_endpoint);
    }
    end(r, NULL);
}

static void ask_round(struct reload *r)
{
    struct snapshot_source source = rounds_source(r->pipeline->rounds);
    r->demand.deadline_ns =
        clock_monotonic_ns(&clock_system) + r->next->collect_timeout_ms * NS_PER_MS;
    r->waits = true;
    source.demand(source.context, &r->demand);
}

static void round_done(struct demand *self, struct snapshot *snapshot)
{
    struct reload *r = (struct reload *)((char *)self - offsetof(struct reload, demand));
    (void)snapshot;
    r->waits = false;
    r->rounds++;
    timer_start(r->step, r->rounds < ROUNDS ? PAUSE_MS : 0);
}

static void go_on(void *context)
{
    struct reload *r = context;
    if (r->pipeline && r->rounds < ROUNDS)
        ask_round(r);
    else
        commit(r);
}

static int read_config(struct reload *r, struct err *e)
{
    const struct reload_options *o = &r->options;
    struct config *c = alloc_zeroed(1, sizeof *c);
    int result = config_load(o->argc, o->argv, o->environment, e, c);
    if (result == 0)
        result = endpoint_prepare(r->endpoint, c, e);
    if (result < 0) {
        config_done(c);
        free(c);
        return result;
    }
    r->next = c;
    return 0;
}

static void begin_next(struct reload *r)
{
    char state[64];
    struct err e = {0};
    r->again = false;
    r->askers = r->later;
    r->later = NULL;
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                   clock_monotonic_ns(&clock_system) / 1000);
    tell_systemd(r, state);
    if (read_config(r, &e) < 0) {
        end(r, &e);
        return;
    }
    if (pipeline_is_same(r->pipeline_uses, r->next)) {
        timer_start(r->step, 0);
        return;
    }
    /* Both pipelines keep descriptors for a moment: the old one opens anew what it needs. */
    cascade_close_idle(r->options.core->pipeline->cascade);
    if (pipeline_new(r->options.core, r->next, r->options.environment, &e, &r->pipeline) < 0)
        fail(r, &e);
    else
        ask_round(r);
}

struct reload *reload_new(const struct reload_options *options)
{
    struct reload *r = alloc_zeroed(1, sizeof *r);
    r->options = *options;
    r->endpoint_uses = r->pipeline_uses = options->config;
    r->well = true;
    r->done_ms = now_ms();
    r->demand.done = round_done;
    r->step = timer_new(&options->core->loop, go_on, r);
    return r;
}

void reload_begin(struct reload *r, struct endpoint *endpoint, struct push *push)
{
    r->endpoint = endpoint;
    r->push = push;
    if (r->again)
        begin_next(r);
}

void reload_ask(struct reload *r, struct http_request *request)
{
    if (request && (r->closing || r->asker_count == ASKERS_MAX)) {
        http_respond_text(request, 503, "Retry-After: 5\r\n",
                          r->closing ? "weir is stopping."
                                     : "As many wait for a reload as may at once; ask again in a "
                                       "moment.");
        return;
    }
    if (request) {
        struct asker *a = alloc_zeroed(1, sizeof *a);
        a->request = request;
        a->next = r->later;
        r->later = a;
        r->asker_count++;
    }
    r->again = true;
    if (!r->next && r->endpoint && !r->closing)
        begin_next(r);
}

void reload_add_points(const struct reload *r, struct part *part)
{
    part_add_point(part, AGENT_CONFIG_WELL, r->well, NULL);
    part_add_point(part, AGENT_CONFIG_TIME, r->done_ms, NULL);
}

void reload_close(struct reload *r)
{
    if (r->waits) {
        struct snapshot_source source = rounds_source(r->pipeline->rounds);
        source.withdraw(source.context, &r->demand);
    }
    pipeline_close(r->pipeline);
    r->closing = true; /* what is asked from inside an answer is not kept any more */
    answer(r, r->askers, 503, "weir is stopping.");
    answer(r, r->later, 503, "weir is stopping.");
    r->askers = r->later = NULL;
    timer_close(r->step);
}

void reload_free(struct reload *r)
{
    if (r->next)
        free_config(r, r->next);
    if (r->pipeline_uses != r->endpoint_uses)
        free_config(r, r->pipeline_uses);
    free_config(r, r->endpoint_uses);
    free(r);
}
