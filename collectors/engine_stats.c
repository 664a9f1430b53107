/* What it knows: a container's stats call, what its failures mean, and the rows of a round.
 * Document: Docker Engine API reference (GET /containers/{id}/stats). */
#include "collectors/engine_life.h"
#include "collectors/engine_resources.h"
#include "collectors/engine_round.h"
#include "collectors/engine_steps.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "collectors/inventory.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATS_MAX_BYTES (1024 * 1024) /* 2 KiB in practice; thousands of devices at worst */
#define RECONCILE_PERIOD_NS \
    (60 * NS_PER_SECOND) /* events are a hint: the list is compared now and then */
#define LATE_ANSWER_MAX_NS (30 * NS_PER_SECOND) /* an older answer says nothing of now */
#define RETRY_FIRST_NS     (5 * NS_PER_SECOND)
#define RETRY_DOUBLINGS    4 /* a container that never answers is asked every 80 s */

/* A container in a quick loop of restarts is gone whenever its stats come, and no round waits until
 * it is over. */
#define THROWN_MAX 2 /* answers of a round */

static const struct api_version first_one_shot = {1, 41};

/* When the counters were read, on CLOCK_MONOTONIC. The answer's own time is nearer to it than its
 * arrival, and is believed where it falls between the request and the answer; a remote or wrong
 * clock does not. */
static uint64_t sampled_at(const struct engine *e, const struct http_result *result,
                           const struct engine_stats *stats)
{
    const struct clock *clock = e->collector->options.clock;
    uint64_t since_arrival = clock_monotonic_ns(clock) - result->received_ns;
    uint64_t arrived_real = clock_realtime_ns(clock) - since_arrival;
    uint64_t duration = result->received_ns - result->sent_ns;
    if (stats->read_ns == 0 || stats->read_ns > arrived_real ||
        arrived_real - stats->read_ns > duration)
        return result->received_ns;
    return result->received_ns - (arrived_real - stats->read_ns);
}

static struct container_row *add_row(struct engine_container *c)
{
    struct engine_collector *self = c->engine->collector;
    const struct engine *e = c->engine;
    struct container_row *row = part_add_row(self->part, c->identity);
    row->state = c->state;
    row->hidden = c->unwanted;
    row->knowledge = e->phase == ENGINE_READY && !e->suspect ? KNOWS_ALL : KNOWS_OF_OLD;
    row->cgroup_version = e->facts.info.cgroup_version == 2 ? 2 : 1;
    row->cpus = e->facts.info.cpus;
    if (row->knowledge == KNOWS_OF_OLD && c->identity->local) {
        const struct inventory_entry *known =
            inventory_find(e->collector->options.inventory, c->id);
        row->birth = known ? known->birth : 0;
    }
    if (!c->unwanted)
        engine_life_fill(e, c->life, &self->part->arena, row);
    engine_resources_fill_row(e->resources, c, &self->part->arena, row);
    c->row_round = self->round.number;
    return row;
}

/* A row with values. The engine stands for the container now. */
static void add_values(struct engine_container *c, const struct engine_stats *stats,
                       uint64_t sampled_ns)
{
    struct engine *e = c->engine;
    struct container_row *row = add_row(c);
    bool answered_now = sampled_ns >= e->collector->round.begun_ns;
    if (answered_now)
        row->knowledge = KNOWS_ALL; /* also while the list is being read */
    /* CPUs may have been added since the engine was set up. */
    if (stats->online_cpus > row->cpus)
        row->cpus = stats->online_cpus;
    row->cpu_sampled_ns = sampled_ns;
    engine_fill_spec(&e->facts, &c->spec, row);
    engine_fill_stats(&e->facts, &c->spec, stats, &e->collector->part->arena, row);
    row_set(row, CONTAINER_LAST_SEEN, c->seen_ns / NS_PER_MS);
    /* Podman lacks or rounds what the kernel has, and names interfaces of its own; an answer from
     * before the round is older than what a tier read in it. */
    if (e->facts.version.podman || !answered_now)
        row->yields = ~(GROUP_BIT(GROUP_SPEC) | GROUP_BIT(GROUP_LIFE) | GROUP_BIT(GROUP_DISK));
    c->failure = REASON_NONE;
    engine_drop_late(c); /* an older one would let counters fall */
}

void engine_container_failed(struct engine_container *c, enum reason reason, const char *text)
{
    struct engine *e = c->engine;
    c->failure = reason;
    if (reason_is_error(reason)) {
        engine_problem(e, reason, text);
        c->problem_round = e->collector->part ? e->collector->round.number : 0;
    }
    if (reason != REASON_TIMEOUT)
        return;
    unsigned doublings = c->timeouts < RETRY_DOUBLINGS ? c->timeouts : RETRY_DOUBLINGS;
    c->retry_ns = engine_now(e) + (RETRY_FIRST_NS << doublings);
    c->timeouts++;
}

/* What is wrong with an answer that came in whole; REASON_NONE when it can be read. Writes the
 * sentence. */
static enum reason judge_answer(struct engine_container *c, const struct http_result *result,
                                struct engine_stats *ret_stats, char text[static ERR_TEXT_MAX])
{
    struct engine *e = c->engine;
    struct arena *scratch = &e->collector->scratch;
    struct err err = {0};
    if (result->status == 404 || result->status == 409)
        return REASON_GONE;
    if (result->status != 200) {
        (void)snprintf(text, ERR_TEXT_MAX, "stats of %s on %s: the engine answered %d: %s",
                       c->identity->name, e->endpoint.key, result->status,
                       engine_parse_message(result->body, result->body_length, scratch));
        return REASON_HTTP_STATUS;
    }
    int r = engine_parse_stats(result->body, result->body_length, scratch, &err, ret_stats);
    if (r == 0 && !ret_stats->empty)
        return REASON_NONE;
    if (r < 0 && r != -ENODATA) {
        (void)snprintf(text, ERR_TEXT_MAX, "stats of %s on %s: %.200s", c->identity->name,
                       e->endpoint.key, err.text);
        return REASON_MALFORMED;
    }
    return REASON_EMPTY_ANSWER;
}

void engine_drop_late(struct engine_container *c)
{
    free(c->late_body);
    c->late_body = NULL;
}

static void keep_late(struct engine_container *c, const struct http_result *result,
                      uint64_t sampled_ns)
{
    engine_drop_late(c);
    c->late_body = alloc_copy(result->body, result->body_length);
    c->late_length = result->body_length;
    c->late_sampled_ns = sampled_ns;
}

/* An answer as of a stopped container may be right: the event that says so is still on its way. It
 * is looked at anew, and only one that goes on running has failed. */
static void doubt(struct engine_container *c, enum reason reason)
{
    c->doubt = reason;
    c->doubt_round = c->engine->collector->round.number;
    c->needs_inspect = true;
    engine_read_container(c);
}

/* It runs, and its stats say that it does not. */
static void fail_doubted(struct engine_container *c)
{
    char text[ERR_TEXT_MAX];
    (void)snprintf(text, sizeof text, "stats of %s on %s: an answer without values, though it runs",
                   c->identity->name, c->engine->endpoint.key);
    engine_container_failed(c, c->doubt, text);
}

static void stats_answer(struct engine_container *c, const struct http_result *result)
{
    struct engine *e = c->engine;
    struct engine_stats stats = {0};
    char text[ERR_TEXT_MAX] = "";
    c->timeouts = 0;
    if (c->needs_inspect) {
        /* It was started or stopped meanwhile: which instance this is about nobody knows. */
        uint64_t round = e->collector->round.number;
        c->thrown = c->thrown_round == round ? c->thrown + 1 : 1;
        c->thrown_round = round;
        engine_read_container(c);
        return;
    }
    arena_reset(&e->collector->scratch);
    enum reason reason = judge_answer(c, result, &stats, text);
    if (reason == REASON_GONE || reason == REASON_EMPTY_ANSWER) {
        doubt(c, reason);
        return;
    }
    if (reason != REASON_NONE) {
        engine_container_failed(c, reason, text);
        return;
    }
    uint64_t sampled_ns = sampled_at(e, result, &stats);
    c->seen_ns = clock_realtime_ns(e->collector->options.clock);
    if (e->collector->part && c->row_round != e->collector->round.number)
        add_values(c, &stats, sampled_ns);
    else
        keep_late(c, result, sampled_ns);
}

static void stats_done(void *context, const struct http_result *result)
{
    struct engine_container *c = context;
    struct engine *e = c->engine;
    bool waited = !c->late;
    c->call = NULL;
    engine_note_answer(e, result);
    if (result->reason == REASON_NONE) {
        stats_answer(c, result);
    } else {
        engine_container_failed(c, result->reason, result->text);
        if (engine_unreachable(result->reason) && e->phase == ENGINE_READY)
            engine_down(e, result->reason, result->text);
    }
    if (waited)
        engine_call_ended(e);
}

static void ask_stats(struct engine_container *c)
{
    struct engine *e = c->engine;
    char path[160];
    bool one_shot = api_version_compare(e->facts.version.api, first_one_shot) >= 0;
    (void)snprintf(path, sizeof path, "%s/containers/%s/stats?stream=false%s", e->prefix, c->id,
                   one_shot ? "&one-shot=true" : "");
    const struct http_get_options options = {
        .path = path,
        .timeout_ms = e->collector->options.engine_timeout_ms,
        .max_body_bytes = STATS_MAX_BYTES,
        .on_done = stats_done,
        .context = c,
    };
    if (http_get(e->getter, &options, &c->call) < 0) {
        c->call = NULL;
        engine_container_failed(c, REASON_TOO_MANY, "stats could not be queued");
        return;
    }
    c->asked_ns = engine_now(e);
    c->late = !engine_call_begun(e, c->timeouts > 0);
    if (c->late)
        c->failure = REASON_TIMEOUT; /* until the answer that no round waits for is there */
}

/* Where the engine is asked for names only: does the cgroup tier have the container's values? It
 * gets the round after the inspect to find a new one. */
static bool is_kernels(const struct engine_container *c)
{
    const struct collector_options *options = &c->engine->collector->options;
    uint64_t round = c->engine->collector->round.number;
    if (!options->engine_for_identity || !c->identity || !c->identity->local)
        return false;
    const struct inventory_entry *known = inventory_find(options->inventory, c->id);
    return c->inspected_round == round || (known && known->measured_round + 1 >= round);
}

void engine_read_container(struct engine_container *c)
{
    struct engine *e = c->engine;
    bool wanted = !c->unwanted && state_is_live(c->state) && !is_kernels(c);
    if (!e->in_round || e->phase != ENGINE_READY)
        return;
    if (c->call) {
        bool cut_short = c->timeouts == 0 && engine_now(e) - c->asked_ns < ENGINE_FAIR_WAIT_NS;
        if (c->late && cut_short)
            c->late = !engine_call_begun(e, false);
        c->failure = REASON_TIMEOUT; /* until its late answer comes */
        return;
    }
    if (!wanted && !c->needs_inspect)
        return;
    if (c->timeouts > 0 && engine_now(e) < c->retry_ns) {
        c->failure = REASON_TIMEOUT;
        return;
    }
    if (c->needs_inspect)
        engine_inspect(c);
    else if (c->doubt_round == e->collector->round.number)
        fail_doubted(c);
    else if (c->thrown_round == e->collector->round.number && c->thrown >= THROWN_MAX)
        c->failure = REASON_GONE;
    else
        ask_stats(c);
}

void engine_is_local(struct engine *e)
{
    e->facts.local = true;
    e->facts.sysfs = e->collector->options.sysfs;
}

void engine_read_all(struct engine *e)
{
    uint64_t now = engine_now(e);
    if (!e->in_round)
        return;
    if (!e->events && now >= e->events_retry_ns && !e->events_live &&
        e->listed_ns < e->collector->round.begun_ns) {
        engine_subscribe(e);
        return;
    }
    bool due = !e->events_live || e->list_again || now - e->listed_ns > RECONCILE_PERIOD_NS;
    if (due && e->listed_ns < e->collector->round.begun_ns) {
        engine_list(e);
        return;
    }
    for (size_t i = 0; i < e->container_count && e->phase == ENGINE_READY; i++)
        engine_read_container(e->containers[i]);
}

/* Uses an answer that came after its round, if it is not too old. True when the container got its
 * row. */
static bool use_late(struct engine_container *c)
{
    struct engine *e = c->engine;
    struct engine_stats stats = {0};
    struct arena arena = {0};
    if (!c->late_body)
        return false;
    const struct inventory_entry *known =
        c->identity->local ? inventory_find(e->collector->options.inventory, c->id) : NULL;
    bool outdated = known && known->measured_ns > c->late_sampled_ns; /* counters would fall */
    bool usable = !outdated && engine_now(e) - c->late_sampled_ns <= LATE_ANSWER_MAX_NS &&
                  engine_parse_stats(c->late_body, c->late_length, &arena, NULL, &stats) == 0;
    if (usable)
        add_values(c, &stats, c->late_sampled_ns);
    arena_done(&arena);
    engine_drop_late(c);
    return usable;
}

/* A row without values, and why. */
static void add_empty_row(struct engine_container *c)
{
    struct engine *e = c->engine;
    struct container_row *row = add_row(c);
    enum reason reason = c->failure != REASON_NONE ? c->failure : e->failure;
    if (!state_is_live(c->state) || c->unwanted)
        return;
    if (reason == REASON_NONE && !is_kernels(c))
        reason = REASON_TIMEOUT;
    engine_fill_spec(&e->facts, &c->spec, row);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++)
        if (row->tiers[g] == TIER_NONE && row->absent[g] == REASON_NONE)
            row->absent[g] = reason;
    if (c->seen_ns != 0)
        row_set(row, CONTAINER_LAST_SEEN, c->seen_ns / NS_PER_MS);
}

/* Reports a container that gave no answer in time, unless this round has said so already. */
static void report_timeout(struct engine_container *c)
{
    struct engine *e = c->engine;
    char text[ERR_TEXT_MAX];
    if (c->failure != REASON_TIMEOUT || c->problem_round == e->collector->round.number ||
        e->failure != REASON_NONE)
        return;
    (void)snprintf(text, sizeof text,
                   "container %s on %s: no answer in time; the engine may be stuck on it",
                   c->identity && c->identity->name ? c->identity->name : c->id, e->endpoint.key);
    engine_problem(e, REASON_TIMEOUT, text);
}

/* Gives it a row where it is to have one and has none. */
static void finish_row(struct engine_container *c)
{
    bool wants_late = state_is_live(c->state) && !c->unwanted;
    if (!c->identity || c->row_round == c->engine->collector->round.number)
        return;
    if (wants_late && use_late(c))
        return;
    if (engine_life_is_shown(c->engine, c->identity, c->state, c->life))
        add_empty_row(c);
}

void engine_finish_rows(struct engine *e)
{
    char text[ERR_TEXT_MAX + 64];
    for (size_t i = 0; i < e->container_count; i++) {
        finish_row(e->containers[i]);
        if (!e->containers[i]->unwanted)
            report_timeout(e->containers[i]);
    }
    engine_add_removed_rows(e);
    engine_add_event_points(e, e->collector->part);
    if (e->too_many)
        engine_problem(
            e, REASON_TOO_MANY,
            "the engine lists more containers than weir reads (10000); the rest is left out");
    if (e->phase != ENGINE_READY || e->suspect || e->events_live)
        return;
    (void)snprintf(text, sizeof text, "%.*s; without events its list is read in every round",
                   ERR_TEXT_MAX, e->events_failure);
    engine_problem(e, REASON_EVENTS_LOST, text);
}
