/* What it knows: the whole program. A scrape demands a round, the round publishes a snapshot, the
 * scrape answers with it; a signal stops everything in the reverse order of its start. Document:
 * docs/ARCHITECTURE.md. */
#include "agent/agent.h"

#include "agent/core.h"
#include "agent/notify.h"
#include "agent/version.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "exporters/prometheus.h"
#include "exporters/scrape.h"
#include "net/http_server.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCRAPE_MAX_BYTES (256 * 1024 * 1024) /* an exposition of some 15 000 containers */
#define SCRAPE_PAUSE_MS  1050 /* a percentage needs a sample at least one second old */

struct agent {
    struct core core;
    const struct config *config;
    struct http_server *server;
    struct scrape *scrape;
    struct demand first; /* the round weir asks for itself, so that it is ready */
    bool first_waits;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    uv_timer_t watchdog;
};

/* What the endpoint counted. */
static void add_http_points(void *context, struct part *part)
{
    const struct agent *a = context;
    static const int statuses[] = {
#define STATUS(code) code,
        HTTP_STATUS_LIST(STATUS)};
    char code[16];
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        (void)snprintf(code, sizeof code, "%d", statuses[i]);
        part_add_point(part, AGENT_HTTP_REQUESTS, http_server_answers(a->server, statuses[i]),
                       (const char *const[]){code, NULL});
    }
    for (enum http_refusal why = 0; why < HTTP_REFUSALS; why++)
        part_add_point(part, AGENT_HTTP_REFUSED, http_server_refusals(a->server, why),
                       (const char *const[]){http_refusal_name(why), NULL});
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
}

static void stop(struct agent *a)
{
    struct snapshot_source source = rounds_source(a->core.rounds);
    tell_systemd(a, "STOPPING=1");
    if (a->first_waits)
        source.withdraw(source.context, &a->first);
    http_server_close(a->server, NULL, NULL);
    scrape_free(a->scrape);
    core_close(&a->core);
    uv_close((uv_handle_t *)&a->watchdog, NULL);
    uv_close((uv_handle_t *)&a->interrupt, NULL);
    uv_close((uv_handle_t *)&a->terminate, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct agent *a = handle->data;
    log_line(&a->core.log, LOG_LEVEL_INFO, "stopping",
             LOG_FIELDS({"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}));
    stop(a);
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
    r = r < 0 ? r : uv_signal_start(&a->terminate, on_signal, SIGTERM);
    r = r < 0 ? r : uv_signal_start(&a->interrupt, on_signal, SIGINT);
    a->watchdog.data = a->terminate.data = a->interrupt.data = a;
    if (r == 0 && watchdog_ms > 0)
        r = uv_timer_start(&a->watchdog, on_watchdog, watchdog_ms, watchdog_ms);
    assert(r == 0);
}

static int start_server(struct agent *a, struct err *e)
{
    const struct config *c = a->config;
    const struct scrape_options options = {
        .telemetry_path = c->web_telemetry_path,
        .max_age_ms = c->collect_max_age_ms,
        .version = WEIR_VERSION,
        .max_timeout_ms = c->collect_timeout_ms,
        .source = rounds_source(a->core.rounds),
    };
    a->scrape = scrape_new(&a->core.loop, &options);
    a->server = http_server_new(&a->core.loop, NULL, scrape_handle, a->scrape);
    a->core.add_points = add_http_points;
    a->core.context = a;
    for (size_t i = 0; i < c->web_listen_address.count; i++) {
        const char *address = c->web_listen_address.items[i];
        char url[320];
        int r = http_server_listen(a->server, address, e);
        if (r < 0)
            return r;
        size_t host_length = (size_t)(strrchr(address, ':') - address);
        (void)snprintf(url, sizeof url, "http://%.*s:%u%s",
                       host_length > 0 ? (int)host_length : (int)strlen("localhost"),
                       host_length > 0 ? address : "localhost", http_server_port(a->server, i),
                       c->web_telemetry_path);
        log_line(&a->core.log, LOG_LEVEL_INFO, "listening",
                 LOG_FIELDS({"url", url}, {"version", WEIR_VERSION}));
    }
    return 0;
}

static void ask_first(struct agent *a)
{
    struct snapshot_source source = rounds_source(a->core.rounds);
    a->first.done = first_done;
    a->first.deadline_ns =
        clock_monotonic_ns(&clock_system) + a->config->collect_timeout_ms * NS_PER_MS;
    a->first_waits = true;
    source.demand(source.context, &a->first);
}

int agent_run(const struct config *config, char *const environment[], struct err *e)
{
    struct agent a = {.config = config};
    int r = core_init(&a.core, config, environment, e);
    if (r < 0)
        return r;
    if (geteuid() == 0)
        log_line(&a.core.log, LOG_LEVEL_INFO,
                 "running as root; the docker group is all that weir needs", NULL, 0);
    start_handles(&a);
    r = start_server(&a, e);
    if (r < 0)
        stop(&a);
    else
        ask_first(&a);
    int ended = core_done(&a.core, r < 0 ? NULL : e);
    return r < 0 ? r : ended;
}

/* `weir scrape`: two demands and no server. */
struct once {
    struct core core;
    struct demand demand;
    uint64_t timeout_ms;
    unsigned rounds;
    uv_timer_t pause;
    struct buf *ret;
    int result;
};

static void once_end(uv_timer_t *timer)
{
    struct once *o = timer->data;
    core_close(&o->core);
    uv_close((uv_handle_t *)&o->pause, NULL);
}

static void once_ask(uv_timer_t *timer)
{
    struct once *o = timer->data;
    struct snapshot_source source = rounds_source(o->core.rounds);
    o->demand.deadline_ns = clock_monotonic_ns(&clock_system) + o->timeout_ms * NS_PER_MS;
    source.demand(source.context, &o->demand);
}

static void once_done(struct demand *self, struct snapshot *snapshot)
{
    struct once *o = (struct once *)((char *)self - offsetof(struct once, demand));
    if (++o->rounds == 1) {
        (void)uv_timer_start(&o->pause, once_ask, SCRAPE_PAUSE_MS, 0);
        return;
    }
    o->result = prometheus_encode(snapshot, &prometheus_whole_text, o->ret);
    (void)uv_timer_start(&o->pause, once_end, 0, 0);
}

int agent_scrape_once(const struct config *config, char *const environment[], struct buf *ret,
                      struct err *e)
{
    struct once o = {.ret = ret, .timeout_ms = config->collect_timeout_ms};
    buf_init(ret, SCRAPE_MAX_BYTES);
    int r = core_init(&o.core, config, environment, e);
    if (r < 0)
        return r;
    (void)uv_timer_init(&o.core.loop, &o.pause); /* documented never to fail */
    o.pause.data = &o;
    o.demand.done = once_done;
    once_ask(&o.pause);
    r = core_done(&o.core, e);
    if (r == 0 && o.result < 0)
        r = err_set_errno(e, o.result, "the exposition does not fit");
    return r;
}
