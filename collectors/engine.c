/* What it knows: one round over all engines, from the demand to the rows. How an engine is reached
 * stands in engine_setup.c, which containers it has in engine_inventory.c, their values in
 * engine_stats.c. Document: docs/ARCHITECTURE.md, "The engine tier". */
#include "collectors/engine.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "collectors/engine_resources.h"
#include "collectors/engine_round.h"
#include "collectors/engine_steps.h"
#include "net/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DISCOVER_PERIOD_NS (60 * NS_PER_SECOND) /* how often new sockets are looked for */
#define FORGET_AFTER_NS \
    (300 * NS_PER_SECOND) /* containers of an engine that is away are shown that long */

static struct engine_collector *self_of(struct collector *c)
{
    return (struct engine_collector *)c;
}

uint64_t engine_now(const struct engine *e)
{
    return clock_monotonic_ns(e->collector->options.clock);
}

void engine_problem(struct engine *e, enum reason reason, const char *text)
{
    if (e->collector->part)
        part_add_problem(e->collector->part, reason, e->endpoint.key, text);
}

void engine_note_answer(struct engine *e, const struct http_result *result)
{
    if (result->reason == REASON_TIMEOUT) {
        e->timed_out = true;
        return;
    }
    e->answered = true;
    e->good = e->good || result->reason == REASON_NONE;
    if (e->suspect)
        engine_trust(e);
}

bool engine_unreachable(enum reason reason)
{
    return reason == REASON_NO_SOCKET || reason == REASON_PERMISSION_DENIED ||
           reason == REASON_CONNECTION_REFUSED || reason == REASON_CONNECTION_FAILED ||
           reason == REASON_TLS;
}

enum reason engine_parse_reason(int result)
{
    return result == -ENODATA ? REASON_EMPTY_ANSWER : REASON_MALFORMED;
}

static void finish_part(struct engine_collector *self);

/* The engine has nothing more to wait for. */
static void leave_round(struct engine *e)
{
    e->in_round = false;
    e->pending = 0;
    if (e->timed_out && !e->answered && !e->suspect)
        engine_suspect(e);
}

bool engine_call_begun(struct engine *e, bool doubtful)
{
    if (!e->in_round || doubtful)
        return false;
    e->pending++;
    return true;
}

void engine_call_ended(struct engine *e)
{
    struct engine_collector *self = e->collector;
    assert(e->in_round && e->pending > 0);
    if (--e->pending > 0)
        return;
    leave_round(e);
    for (const struct engine *other = self->engines; other; other = other->next)
        if (other->in_round)
            return;
    timer_stop(self->finish);
    finish_part(self);
}

static void add_points(struct engine *e, struct part *part)
{
    const char *key = e->endpoint.key;
    bool silent = (e->answered || e->timed_out) && !e->good; /* it was asked, and nothing came */
    bool up = e->phase == ENGINE_READY && !e->suspect && !silent;
    part_add_point(part, AGENT_ENGINE_UP, up, (const char *const[]){key, NULL});
    if (e->phase != ENGINE_READY)
        return;
    const struct engine_facts *f = &e->facts;
    char api[24];
    (void)snprintf(api, sizeof api, "%s", e->prefix + 2);
    part_add_point(part, AGENT_ENGINE_INFO, 1,
                   (const char *const[]){key, f->version.podman ? "podman" : "docker",
                                         f->version.version, api,
                                         f->info.cgroup_version == 2 ? "2" : "1", NULL});
    uint64_t states[STATE_COUNT] = {0};
    for (size_t i = 0; i < e->container_count; i++)
        states[e->containers[i]->state]++;
    for (enum container_state s = STATE_CREATED; s < STATE_COUNT; s++)
        if (states[s] > 0)
            part_add_point(part, AGENT_ENGINE_CONTAINERS, states[s],
                           (const char *const[]){key, state_name(s), NULL});
    engine_resources_add_points(e->resources, part);
}

/* Rows, points and problems of every engine; the round is over for this tier. */
static void complete_part(struct engine_collector *self)
{
    struct part *part = self->part;
    for (struct engine *e = self->engines; e; e = e->next) {
        if (e->failure != REASON_NONE)
            engine_problem(e, e->failure, e->failure_text);
        engine_finish_rows(e);
        add_points(e, part);
    }
    engine_resources_add_docker(self, part);
    self->part = NULL;
}

static void finish_part(struct engine_collector *self)
{
    complete_part(self);
    self->done(self->done_context);
}

static void finish_now(void *context)
{
    finish_part(context);
}

static struct engine *find_engine(struct engine_collector *self, const char *key)
{
    for (struct engine *e = self->engines; e; e = e->next)
        if (text_equal(e->endpoint.key, key))
            return e;
    return NULL;
}

static int add_engine(struct engine_collector *self, const char *host, struct err *err)
{
    struct engine_endpoint endpoint;
    int r = engine_endpoint_parse(host, self->options.environment, err, &endpoint);
    if (r < 0)
        return r;
    if (find_engine(self, endpoint.key)) {
        engine_endpoint_done(&endpoint);
        return 0;
    }
    struct engine *e = alloc_zeroed(1, sizeof *e);
    e->collector = self;
    e->endpoint = endpoint;
    e->resources = engine_resources_new(e);
    r = engine_open(e, err);
    if (r < 0) {
        engine_resources_free(e->resources);
        engine_endpoint_done(&e->endpoint);
        free(e);
        return r;
    }
    struct engine **last = &self->engines;
    while (*last)
        last = &(*last)->next;
    *last = e;
    return 0;
}

static void free_engine(struct engine *e)
{
    engine_down(e, REASON_NONE, "");
    engine_stop_probe(e);
    timer_close(e->probe_timer);
    engine_forget(e);
    engine_resources_free(e->resources);
    http_getter_close(e->getter, NULL, NULL);
    arena_done(&e->facts_arena);
    arena_done(&e->heard_arena);
    engine_endpoint_done(&e->endpoint);
    free(e->containers);
    free(e);
}

static bool lists(const struct text_list *hosts, const char *key)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (text_equal(hosts->items[i], key))
            return true;
    return false;
}

/* Drops engines whose sockets are gone and whose containers, also removed ones, are forgotten:
 * nobody waits for them, and the next look finds them when they are back. */
static void drop_vanished(struct engine_collector *self, const struct text_list *hosts)
{
    struct engine **place = &self->engines;
    while (*place) {
        struct engine *e = *place;
        bool gone = e->phase == ENGINE_DOWN && e->failure == REASON_NO_SOCKET && !e->suspect;
        if (!gone || e->container_count > 0 || e->removed_count > 0 ||
            lists(hosts, e->endpoint.key)) {
            place = &e->next;
            continue;
        }
        *place = e->next;
        free_engine(e);
    }
}

/* Looks which sockets are there now: engines come and go. */
static int discover(struct engine_collector *self, struct err *err)
{
    struct text_list hosts;
    self->discovered_ns = clock_monotonic_ns(self->options.clock);
    int r = engine_host_discover(self->options.environment, err, &hosts);
    if (r < 0)
        return r;
    for (size_t i = 0; i < hosts.count && r == 0; i++)
        r = add_engine(self, hosts.items[i], err);
    drop_vanished(self, &hosts);
    text_list_done(&hosts);
    return r;
}

static void begin_engine(struct engine *e)
{
    bool away = e->suspect || e->phase == ENGINE_DOWN;
    uint64_t now = engine_now(e);
    e->answered = e->good = e->timed_out = false;
    e->in_round = !e->suspect;
    if (!away)
        e->away_ns = 0;
    else if (e->away_ns == 0)
        e->away_ns = now;
    else if (now - e->away_ns > FORGET_AFTER_NS)
        engine_forget(e);
    if (e->suspect) {
        engine_resume_probe(e);
        return;
    }
    for (size_t i = 0; i < e->container_count; i++)
        e->containers[i]->failure = REASON_NONE;
    if (e->phase == ENGINE_DOWN)
        engine_connect(e);
    else if (e->phase == ENGINE_READY) {
        engine_resources_begin(e->resources); /* before a list takes it out of that phase */
        engine_read_all(e);
    }
    if (e->phase != ENGINE_READY && e->setup_late && !e->setup_doubtful &&
        now - e->setup_ns < ENGINE_FAIR_WAIT_NS)
        e->setup_late = !engine_call_begun(e, false);
    if (e->pending == 0)
        leave_round(e);
}

static void collect(struct collector *c, const struct round *round, struct part *part,
                    void (*done)(void *context), void *context)
{
    struct engine_collector *self = self_of(c);
    assert(!self->part);
    self->part = part;
    self->round = *round;
    self->done = done;
    self->done_context = context;
    if (self->discovers && round->begun_ns - self->discovered_ns > DISCOVER_PERIOD_NS)
        (void)discover(self, NULL); /* what it found wrong was said at start */
    bool waiting = false;
    for (struct engine *e = self->engines; e; e = e->next) {
        begin_engine(e);
        waiting = waiting || e->in_round;
    }
    if (!waiting)
        timer_start(self->finish, 0);
}

/* No round waits any more for what is under way. */
static void give_up_waiting(struct engine *e)
{
    e->pending = 0;
    e->in_round = false;
    e->setup_late = true;
    for (size_t i = 0; i < e->container_count; i++)
        e->containers[i]->late = true;
}

/* The round ends without what is still under way; its answers count for the next one. */
static void end_early(struct engine *e)
{
    if (!e->in_round)
        return;
    bool waited_enough = engine_now(e) - e->collector->round.begun_ns >= ENGINE_FAIR_WAIT_NS;
    e->timed_out = e->timed_out || (e->pending > 0 && waited_enough);
    if (!e->setup_late && (e->setup || e->phase == ENGINE_SUBSCRIBING)) {
        e->failure = REASON_TIMEOUT;
        (void)snprintf(e->failure_text, sizeof e->failure_text,
                       "%s did not answer before the round's deadline", e->endpoint.key);
    }
    for (size_t i = 0; i < e->container_count; i++)
        if (e->containers[i]->call && !e->containers[i]->late)
            e->containers[i]->failure = REASON_TIMEOUT;
    give_up_waiting(e);
    leave_round(e);
}

static void cancel(struct collector *c)
{
    struct engine_collector *self = self_of(c);
    timer_stop(self->finish);
    for (struct engine *e = self->engines; e; e = e->next)
        end_early(e);
    complete_part(self);
}

/* A socket that exists, or a host in the network, may answer some day; a machine without either has
 * no engine. */
static int check(struct collector *c, struct err *err)
{
    const struct engine_collector *self = self_of(c);
    for (const struct engine *e = self->engines; e; e = e->next)
        if (e->endpoint.kind != ENGINE_UNIX || access(e->endpoint.path, F_OK) == 0)
            return 0;
    return err_set(err, -ENOENT, "there is no engine's socket on this machine");
}

static void close_idle(struct collector *c)
{
    for (struct engine *e = self_of(c)->engines; e; e = e->next) {
        engine_stop_probe(e);
        if (e->events) {
            http_cancel(e->getter, e->events);
            e->events = NULL;
        }
        e->events_live = false;
        e->inspect_all = true;
        e->events_retry_ns = 0;
        if (e->phase == ENGINE_SUBSCRIBING)
            e->phase = ENGINE_DOWN; /* that call was the subscription */
        http_close_idle(e->getter);
    }
}

static void close_collector(struct collector *c)
{
    struct engine_collector *self = self_of(c);
    self->part = NULL;
    for (struct engine *e = self->engines; e; e = e->next)
        give_up_waiting(e);
    while (self->engines) {
        struct engine *e = self->engines;
        self->engines = e->next;
        free_engine(e);
    }
    timer_close(self->finish);
    arena_done(&self->scratch);
    free(self);
}

static const struct collector_kind engine_kind = {
    .name = "engine",
    .tier = TIER_ENGINE,
    .check = check,
    .examine = engine_examine,
    .collect = collect,
    .cancel = cancel,
    .close_idle = close_idle,
    .close = close_collector,
};

int engine_new(const struct collector_options *options, struct err *e,
               struct collector **ret_collector)
{
    struct engine_collector *self = alloc_zeroed(1, sizeof *self);
    self->collector.kind = &engine_kind;
    self->options = *options;
    self->discovers = options->engine_hosts.count == 0;
    self->finish = timer_new(options->loop, finish_now, self);
    int r = self->discovers ? discover(self, e) : 0;
    for (size_t i = 0; i < options->engine_hosts.count && r == 0; i++)
        r = add_engine(self, options->engine_hosts.items[i], e);
    if (r < 0) {
        close_collector(&self->collector);
        return r;
    }
    *ret_collector = &self->collector;
    return 0;
}
