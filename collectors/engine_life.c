/* What it knows: what inspect and events say of how a container does, which of the two is newer,
 * and the LIFE group made from them. Documents: Docker Engine API reference ("ContainerInspect",
 * "SystemEvents"); Podman's compatible API for where it differs. */
#include "collectors/engine_life.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "collectors/container_identity.h"
#include "collectors/engine_resources.h"
#include "collectors/engine_round.h"

#include <stdlib.h>
#include <string.h>

/* A failing streak grows without an event: it is looked at anew that often where it may have. */
#define STREAK_PERIOD_NS (60 * NS_PER_SECOND)
/* An engine whose events are not taken quickly enough drops some, and says so to nobody. What the
 * list does not show (health, a restart) is not missed for longer than this and a list or two. */
#define OLD_AFTER_NS (600 * NS_PER_SECOND)

static const char *const health_words[ENGINE_HEALTH_COUNT] = {
    [ENGINE_HEALTH_NONE] = "none",
    [ENGINE_HEALTH_STARTING] = "starting",
    [ENGINE_HEALTH_HEALTHY] = "healthy",
    [ENGINE_HEALTH_UNHEALTHY] = "unhealthy",
};

struct engine_life *engine_life_new(void)
{
    struct engine_life *life = alloc_zeroed(1, sizeof *life);
    life->image_id = life->ports = life->mounts = life->network_mode = "";
    return life;
}

/* A copy of `text` at `*end`, which moves behind it. */
static const char *put_text(char **end, const char *text)
{
    size_t size = strlen(text) + 1;
    char *place = memcpy(*end, text, size);
    *end += size;
    return place;
}

/* With its texts and nothing else. */
static struct engine_life *make_life(const struct engine_life *old,
                                     const struct engine_inspect *inspect, struct arena *arena)
{
    const char *image = strlen(inspect->image_id) <= LABEL_VALUE_MAX ? inspect->image_id : "";
    const char *ports = engine_life_ports(inspect, arena);
    const char *mounts = engine_life_mounts(inspect, arena);
    const char *network = engine_life_network(inspect, arena);
    /* Without a process nothing is published, and the configuration does not say all of it. */
    if (!state_is_live(inspect->state) && *old->ports != '\0')
        ports = old->ports;
    struct engine_life *life = alloc_zeroed(1, sizeof *life + strlen(image) + strlen(ports) +
                                                   strlen(mounts) + strlen(network) + 4);
    char *end = (char *)(life + 1);
    life->image_id = put_text(&end, image);
    life->ports = put_text(&end, ports);
    life->mounts = put_text(&end, mounts);
    life->network_mode = put_text(&end, network);
    return life;
}

/* How the newest run ended. An answer from before the end, which an event has told of meanwhile,
 * does not undo it. */
/* A program that is not there, a mount that fails: the engine gives a code, and the container stays
 * as it was created. */
static bool could_not_start(const struct engine_inspect *inspect)
{
    return inspect->started_ns == 0 && inspect->exit_code != 0;
}

static void take_end(struct engine_life *life, const struct engine_life *old,
                     const struct engine_inspect *inspect)
{
    bool live = state_is_live(inspect->state);
    bool ended_since = old->exit_given && old->finished_ns >= inspect->started_ns;
    life->finished_ns = inspect->finished_ns;
    if (live && ended_since) {
        life->exit_given = true;
        life->exit_code = old->exit_code;
        life->finished_ns = old->finished_ns;
    } else if (!live && (inspect->started_ns != 0 || could_not_start(inspect))) {
        life->exit_given = true;
        life->exit_code = inspect->exit_code;
    }
}

static void add_kills(struct engine_kills *to, const struct engine_kills *from)
{
    to->count += from->count;
    if (from->heard_ns != 0)
        to->heard_ns = from->heard_ns;
}

/* Kills are counted by instance. One that a start event told of began with it; what is seen for the
 * first time begins now; of what began unheard they were missed. An answer that was asked for
 * before the newest event (it needs another inspect) may be of the instance before. */
static void take_kills(struct engine_life *life, const struct engine_container *c,
                       const struct engine_inspect *inspect)
{
    const struct engine_life *old = c->life;
    const struct engine_kills none = {.stream = c->engine->events_live ? c->engine->streams : 0};
    bool same = c->identity && c->identity->started_ns == inspect->started_ns;
    bool shown = old->begun && !c->needs_inspect;
    life->begun = old->begun && !shown;
    life->kills_before = old->kills_before;
    if (!same && (c->identity || shown))
        life->kills_before += old->kills.count;
    if (life->begun)
        life->newer = old->newer;
    if (same) {
        life->kills = old->kills;
        if (shown)
            add_kills(&life->kills, &old->newer);
    } else if (shown) {
        life->kills = old->newer;
    } else {
        life->kills = none;
        if (!c->identity) { /* told of before anybody asked */
            life->kills.count = old->kills.count;
            life->kills.heard_ns = old->kills.heard_ns;
        }
    }
}

void engine_life_inspected(struct engine_container *c, const struct engine_inspect *inspect)
{
    struct engine_life *old = c->life;
    struct engine_life *life = make_life(old, inspect, &c->engine->collector->scratch);
    life->oom_killed = inspect->oom_killed;
    life->restarts = inspect->restarts;
    life->health = inspect->health;
    life->failing_streak = inspect->failing_streak;
    life->inspected_ns = engine_now(c->engine);
    take_end(life, old, inspect);
    take_kills(life, c, inspect);
    c->life = life;
    free(old);
}

void engine_life_hear(const struct engine *e, struct engine_life *life,
                      const struct engine_event *event, enum engine_event_kind kind)
{
    if (kind == ENGINE_EVENT_CONTAINER_START) {
        life->exit_given = false;
        life->begun = true;
        add_kills(&life->kills, &life->newer); /* of one that is over: what is shown never falls */
        life->newer = (struct engine_kills){.stream = e->streams, .whole = true};
    } else if (kind == ENGINE_EVENT_CONTAINER_OOM) {
        struct engine_kills *kills = life->begun ? &life->newer : &life->kills;
        kills->count++;
        kills->heard_ns = engine_now(e);
    } else if (kind == ENGINE_EVENT_CONTAINER_DIE && event->exit_given) {
        life->exit_given = true;
        life->exit_code = event->exit_code;
        life->finished_ns =
            event->time_ns != 0 ? event->time_ns : clock_realtime_ns(e->collector->options.clock);
    }
}

/* The subscription that is there now has told of the instance since it began, or, where it ran
 * already, since it was first seen: what was before that no engine event can add. A subscription
 * that ended and was taken again may have missed one, so nothing that was running then is heard.
 * Podman never tells of OOM kills. */
bool engine_life_is_heard(const struct engine *e, const struct engine_life *life)
{
    return e->events_live && life->kills.stream == e->streams && !e->facts.version.podman;
}

/* Events tell when the health is another one, not of every failed check. A healthy container whose
 * last look found no failure is left alone: more failures than its retries would be told. */
bool engine_life_is_outdated(const struct engine *e, const struct engine_life *life)
{
    if (life->health == ENGINE_HEALTH_NONE || engine_now(e) - life->inspected_ns < STREAK_PERIOD_NS)
        return false;
    return !e->events_live || life->health != ENGINE_HEALTH_HEALTHY || life->failing_streak > 0;
}

bool engine_life_is_old(const struct engine *e, const struct engine_life *life)
{
    return engine_now(e) - life->inspected_ns >= OLD_AFTER_NS;
}

bool engine_life_is_shown(const struct engine *e, const struct identity *identity,
                          enum container_state state, const struct engine_life *life)
{
    const struct collector_options *options = &e->collector->options;
    uint64_t now_ns = clock_realtime_ns(options->clock);
    bool ended = state == STATE_CREATED || state == STATE_EXITED || state == STATE_DEAD ||
                 state == STATE_REMOVING;
    /* One that was created and never ran ended where it began. */
    uint64_t end_ns =
        state != STATE_CREATED && life->finished_ns != 0 ? life->finished_ns : identity->created_ns;
    if (!ended || end_ns == 0 || end_ns > now_ns)
        return true;
    return (now_ns - end_ns) / NS_PER_MS < options->keep_stopped_ms;
}

static void fill_health(const struct engine_life *life, struct container_row *row)
{
    static const int64_t values[ENGINE_HEALTH_COUNT] = {
        [ENGINE_HEALTH_NONE] = -1, [ENGINE_HEALTH_HEALTHY] = 1}; /* as cAdvisor has them */
    if (life->health != ENGINE_HEALTH_NONE)
        row_set(row, CONTAINER_HEALTH_STREAK, life->failing_streak);
    if (state_is_live(row->state))
        row_set(row, CONTAINER_HEALTH, (uint64_t)values[life->health]);
}

/* The life may be another one before the row is merged: its texts are copied. */
static void add_points(const struct engine *e, const struct engine_life *life, struct arena *arena,
                       struct container_row *row)
{
    const char *digest = engine_resources_digest(e->resources, life->image_id);
    const struct point points[] = {
        {
            .metric = POINT_INFO,
            .value = 1,
            .labels = {arena_string(arena, life->image_id), arena_string(arena, digest),
                       arena_string(arena, life->ports), arena_string(arena, life->mounts),
                       arena_string(arena, life->network_mode)},
        },
        {.metric = POINT_HEALTH_STATE, .value = 1, .labels = {health_words[life->health]}},
    };
    row_add_points(row, arena, points, state_is_live(row->state) ? 2 : 1);
}

void engine_life_fill(const struct engine *e, const struct engine_life *life, struct arena *arena,
                      struct container_row *row)
{
    bool over = !state_is_live(row->state) && row->state != STATE_UNKNOWN;
    row->kills_heard = engine_life_is_heard(e, life);
    row->kills_whole = row->kills_heard && life->kills.whole;
    row->kills_before = life->kills_before;
    row->kills_told = life->kills.count + life->newer.count;
    row->kills_told_ns = life->newer.heard_ns != 0 ? life->newer.heard_ns : life->kills.heard_ns;
    row->tiers[GROUP_LIFE] = TIER_ENGINE;
    if (life->exit_given && over)
        row_set(row, CONTAINER_EXIT_CODE, (uint64_t)life->exit_code);
    /* Some engines say so only once the first process has ended. */
    row_set(row, CONTAINER_OOM_KILLED, life->oom_killed || row->kills_told > 0);
    row_set(row, CONTAINER_RESTARTS, life->restarts);
    if (row->identity->created_ns != 0)
        row_set(row, CONTAINER_CREATED_TIME, row->identity->created_ns / NS_PER_MS);
    if (life->finished_ns != 0)
        row_set(row, CONTAINER_FINISHED_TIME, life->finished_ns / NS_PER_MS);
    fill_health(life, row);
    add_points(e, life, arena, row);
}
