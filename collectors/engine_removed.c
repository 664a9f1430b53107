/* What it knows: the containers an engine had and has no more, and for how long how they ended is
 * still told: one that is removed as it ends (docker run --rm) would else leave no trace. Document:
 * docs/ARCHITECTURE.md, "The engine tier". */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "collectors/engine_life.h"
#include "collectors/engine_round.h"
#include "collectors/engine_steps.h"

#include <stdlib.h>
#include <string.h>

/* About 1 KiB each; three a second for the five minutes they are told of. Beyond that the oldest
 * goes. */
#define REMOVED_MAX 1000

static void done_removed(struct engine_removed *r)
{
    identity_unref(r->identity);
    free(r->life);
}

/* Takes `count` from `place` on out of the list: others own them by now, or nobody does. */
static void take_out(struct engine *e, size_t place, size_t count)
{
    if (count == 0)
        return;
    e->removed_count -= count;
    memmove(&e->removed[place], &e->removed[place + count],
            (e->removed_count - place) * sizeof *e->removed);
}

/* One that ended long ago and was shown no more is not brought back because it is removed. */
static bool is_worth_keeping(const struct engine_container *c)
{
    const struct collector_options *options = &c->engine->collector->options;
    uint64_t linger_ns = options->linger_ms * NS_PER_MS;
    uint64_t ended_ns = c->life->finished_ns;
    if (!c->identity || c->unwanted || linger_ns == 0)
        return false;
    return engine_life_is_shown(c->engine, c->identity, c->state, c->life) ||
           clock_realtime_ns(options->clock) - ended_ns < linger_ns;
}

void engine_keep_removed(struct engine_container *c)
{
    struct engine *e = c->engine;
    if (!is_worth_keeping(c))
        return;
    if (e->removed_count == REMOVED_MAX) {
        done_removed(&e->removed[0]);
        take_out(e, 0, 1);
    }
    if (e->removed_count == e->removed_capacity) {
        e->removed_capacity = e->removed_capacity ? e->removed_capacity * 2 : 8;
        e->removed = alloc_resize(e->removed, e->removed_capacity, sizeof *e->removed);
    }
    e->removed[e->removed_count++] = (struct engine_removed){
        .identity = c->identity,
        .life = c->life,
        .removed_ns = engine_now(e),
        .row_round = c->row_round,
    };
    c->identity = NULL;
    c->life = NULL;
}

/* Its place in the list, or the count. */
static size_t find_place(const struct engine *e, const char *id)
{
    size_t place = 0;
    while (place < e->removed_count && !text_equal(e->removed[place].identity->container_id, id))
        place++;
    return place;
}

struct engine_life *engine_find_removed(const struct engine *e, const char *id)
{
    size_t place = find_place(e, id);
    return place < e->removed_count ? e->removed[place].life : NULL;
}

void engine_restore_removed(struct engine_container *c)
{
    struct engine *e = c->engine;
    size_t place = find_place(e, c->id);
    if (place == e->removed_count)
        return;
    const struct engine_removed *r = &e->removed[place];
    free(c->life);
    c->identity = r->identity;
    c->life = r->life;
    c->row_round = r->row_round;
    take_out(e, place, 1);
}

static void add_row(struct engine *e, struct engine_removed *r)
{
    struct engine_collector *self = e->collector;
    struct container_row *row = part_add_row(self->part, r->identity);
    row->state = STATE_REMOVED;
    row->knowledge = KNOWS_ALL; /* also while the engine is away: it cannot come back */
    row->cgroup_version = e->facts.info.cgroup_version == 2 ? 2 : 1;
    row->cpus = e->facts.info.cpus;
    engine_life_fill(e, r->life, &self->part->arena, row);
    r->row_round = self->round.number;
}

void engine_add_removed_rows(struct engine *e)
{
    uint64_t linger_ns = e->collector->options.linger_ms * NS_PER_MS;
    size_t over = 0;
    while (over < e->removed_count && engine_now(e) - e->removed[over].removed_ns >= linger_ns)
        done_removed(&e->removed[over++]);
    take_out(e, 0, over);
    for (size_t i = 0; i < e->removed_count; i++)
        if (e->removed[i].row_round != e->collector->round.number)
            add_row(e, &e->removed[i]);
}

void engine_forget_removed(struct engine *e)
{
    for (size_t i = 0; i < e->removed_count; i++)
        done_removed(&e->removed[i]);
    free(e->removed);
    e->removed = NULL;
    e->removed_count = e->removed_capacity = 0;
}
