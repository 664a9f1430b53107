/* What it knows: the whole program. A scrape demands a round, the round publishes a snapshot, the
 * scrape answers with it; SIGHUP reads the configuration again, SIGTERM stops everything in the
 * reverse order of its start. Document:
 * docs/ARCHITECTURE.md. */
#include "agent/agent.h"

#include "agent/core.h"
#include "agent/endpoint.h"
#include "agent/notify.h"
#include "agent/push.h"
#include "agent/reload.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SIGNAL_STATUS 128 /* and the signal's number: how shells tell that one ended a process */

struct agent {
    struct core core;
    const struct config *config;
    struct endpoint *endpoint;
    struct push *push;
    struct reload *reload;
    bool stopping;
    struct demand first; /* the round weir asks for itself, so that it is ready */
    bool first_waits;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    uv_signal_t hangup;
    uv_timer_t watchdog;
};

/* What the agent says of itself in every round. */
static void add_points(void *context, struct part *part)
{
    const struct agent *a = context;
    endpoint_add_points(a->endpoint, part);
    reload_add_points(a->reload, part);
    if (a->push)
        push_add_points(a->push, part);
}

static void warn(const struct agent *a, const struct err *e)
{
    log_line(&a->core.log, LOG_LEVEL_WARN, e->text, NULL, 0);
}

static void tell_systemd(struct agent *a, const char *state)
{
    struct err e = {0};
    if (notify_send(state, &e) < 0)
        warn(a, &e);
}

/* What the first round found, and what to do where that is nothing. */
static void tell_found(struct agent *a, const struct snapshot *s)
{
    size_t live = 0;
    uint64_t engines = 0;
    bool simulated = false;
    size_t named = 0;
    char count[24];
    char names[24];
    for (size_t i = 0; i < s->row_count; i++) {
        const struct identity *who = s->rows[i].identity;
        bool counts = who->kind == IDENTITY_CONTAINER && state_is_live(s->rows[i].state);
        live += counts;
        named += counts && who->name;
    }
    for (size_t i = 0; i < s->point_count; i++) {
        if (s->points[i].metric == AGENT_ENGINE_UP)
            engines += s->points[i].value;
        simulated = simulated || s->points[i].metric == AGENT_SIMULATED;
    }
    (void)snprintf(count, sizeof count, "%zu", live);
    (void)snprintf(names, sizeof names, "%zu", named);
    if (simulated)
        log_line(&a->core.log, LOG_LEVEL_WARN, "showing simulated containers, none of them real",
                 LOG_FIELDS({"containers", count}));
    else if (engines > 0 || live > 0)
        log_line(&a->core.log, LOG_LEVEL_INFO, "found running containers",
                 LOG_FIELDS({"containers", count}, {"named", names}));
    else
        log_line(&a->core.log, LOG_LEVEL_WARN,
                 "no container engine answers and no container is seen; weir goes on looking. "
                 "`weir check` says what is missing; to see it at work without one: "
                 "weir --collect.tiers=simulated",
                 NULL, 0);
}

static void first_done(struct demand *self, struct snapshot *snapshot)
{
    struct agent *a = (struct agent *)((char *)self - offsetof(struct agent, first));
    a->first_waits = false;
    tell_found(a, snapshot);
    tell_systemd(a, "READY=1\nSTATUS=serving");
    reload_begin(a->reload, a->endpoint, a->push);
}

/* Nobody asks for rounds but scrapes. */
static void push_stopped(void *context)
{
    struct agent *a = context;
    a->push = NULL;
    if (a->endpoint)
        endpoint_close(a->endpoint);
    core_close(&a->core);
    uv_close((uv_handle_t *)&a->hangup, NULL);
    uv_close((uv_handle_t *)&a->watchdog, NULL);
    uv_close((uv_handle_t *)&a->interrupt, NULL);
    uv_close((uv_handle_t *)&a->terminate, NULL);
}

/* What is queued is sent before the rest ends, if it can be sent at once: scrapes go on until then.
 */
static void stop(struct agent *a)
{
    struct snapshot_source source = rounds_source(a->core.pipeline->rounds);
    a->stopping = true;
    tell_systemd(a, "STOPPING=1");
    if (a->first_waits)
        source.withdraw(source.context, &a->first);
    reload_close(a->reload);
    if (a->push)
        push_stop(a->push, push_stopped, a);
    else
        push_stopped(a);
}

/* The queues are made for this: what is not sent now is sent after the next start. */
static void end_at_once(const struct agent *a, int number)
{
    log_line(&a->core.log, LOG_LEVEL_WARN, "ending at once, at the second signal", NULL, 0);
    _exit(SIGNAL_STATUS + number);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct agent *a = handle->data;
    if (a->stopping)
        end_at_once(a, number);
    log_line(&a->core.log, LOG_LEVEL_INFO, "stopping",
             LOG_FIELDS({"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}));
    stop(a);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct agent *a = handle->data;
    (void)number;
    reload_ask(a->reload, NULL);
}

static void on_watchdog(uv_timer_t *handle)
{
    tell_systemd(handle->data, "WATCHDOG=1");
}

static void start_handles(struct agent *a)
{
    uint64_t watchdog_ms = notify_watchdog_interval_ms();
    uv_loop_t *loop = &a->core.loop;
    /* None of these can fail on a fresh loop with valid numbers. */
    int r = uv_timer_init(loop, &a->watchdog);
    r = r < 0 ? r : uv_signal_init(loop, &a->terminate);
    r = r < 0 ? r : uv_signal_init(loop, &a->interrupt);
    r = r < 0 ? r : uv_signal_init(loop, &a->hangup);
    r = r < 0 ? r : uv_signal_start(&a->hangup, on_hangup, SIGHUP);
    r = r < 0 ? r : uv_signal_start(&a->terminate, on_signal, SIGTERM);
    r = r < 0 ? r : uv_signal_start(&a->interrupt, on_signal, SIGINT);
    a->watchdog.data = a->terminate.data = a->interrupt.data = a->hangup.data = a;
    if (r == 0 && watchdog_ms > 0)
        r = uv_timer_start(&a->watchdog, on_watchdog, watchdog_ms, watchdog_ms);
    assert(r == 0);
}

static void reload_for(void *context, struct http_request *request)
{
    reload_ask(context, request);
}

static int start_serving(struct agent *a, int argc, char *const argv[], char *const environment[],
                         struct err *e)
{
    const struct reload_options reload = {.core = &a->core,
                                          .config = a->config,
                                          .argc = argc,
                                          .argv = argv,
                                          .environment = environment};
    a->reload = reload_new(&reload);
    const struct endpoint_options endpoint = {.core = &a->core,
                                              .config = a->config,
                                              .source = rounds_source(a->core.pipeline->rounds),
                                              .reload = reload_for,
                                              .context = a->reload};
    const struct push_options push = {.core = &a->core,
                                      .config = a->config,
                                      .environment = environment,
                                      .source = endpoint.source};
    int r = endpoint_new(&endpoint, e, &a->endpoint);
    if (r == 0)
        r = push_new(&push, e, &a->push);
    if (r < 0)
        return r;
    a->core.add_points = add_points;
    a->core.context = a;
    return 0;
}

static void ask_first(struct agent *a)
{
    struct snapshot_source source = rounds_source(a->core.pipeline->rounds);
    a->first.done = first_done;
    a->first.deadline_ns =
        clock_monotonic_ns(&clock_system) + a->config->collect_timeout_ms * NS_PER_MS;
    a->first_waits = true;
    source.demand(source.context, &a->first);
}

int agent_run(const struct config *config, int argc, char *const argv[], char *const environment[],
              struct err *e)
{
    struct agent a = {.config = config};
    int r = core_init(&a.core, config, environment, e);
    if (r < 0)
        return r;
    if (geteuid() == 0)
        log_line(&a.core.log, LOG_LEVEL_INFO,
                 "running as root; the docker group is all that weir needs", NULL, 0);
    start_handles(&a);
    r = start_serving(&a, argc, argv, environment, e);
    if (r < 0)
        stop(&a);
    else
        ask_first(&a);
    int ended = core_done(&a.core, r < 0 ? NULL : e);
    reload_free(a.reload);
    return r < 0 ? r : ended;
}
