/* What it knows: asking every tier, and turning their parts into one sealed snapshot. Document:
 * docs/ARCHITECTURE.md, "Rounds" and "The cascade". */
#include "collectors/cascade.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "collectors/afterlife.h"
#include "collectors/collectors.h"
#include "collectors/compat.h"
#include "collectors/derive.h"
#include "collectors/inventory.h"
#include "collectors/machine.h"
#include "collectors/merge.h"

#include <assert.h>
#include <stdlib.h>

/* One tier and its part of the round. */
struct tier_slot {
    struct cascade *cascade;
    struct collector *collector;
    struct part part;
    bool waiting; /* collect was called, done was not */
    uint64_t errors[REASON_COUNT];
};

struct cascade {
    const struct clock *clock;
    struct tier_slot *tiers; /* in the configured order, strongest first */
    size_t tier_count;
    size_t waiting_count;
    void (*done)(void *context);
    void *done_context;
    void (*changed)(void *context);
    void *changed_context;
    struct inventory *inventory;
    struct derive *derive;
    struct afterlife *afterlife;
    struct compat *compat;
    struct row_index index;
    uint64_t sealed; /* rounds so far */
    unsigned groups; /* bit per enum metric_group that is shown */
};

static void source_changed(void *context)
{
    struct cascade *c = context;
    if (c->changed)
        c->changed(c->changed_context);
}

/* Simulated values stand in only where nothing real can be had; decided once, so that a failed real
 * read is never replaced by them. */
static bool something_real_works(const struct cascade *c)
{
    for (size_t i = 0; i < c->tier_count; i++) {
        struct collector *collector = c->tiers[i].collector;
        if (collector->kind->check(collector, NULL) == 0)
            return true;
    }
    return false;
}

static void add_tier(struct cascade *c, struct collector *collector)
{
    c->tiers[c->tier_count++] = (struct tier_slot){.cascade = c, .collector = collector};
    collector->changed = source_changed;
    collector->changed_context = c;
}

/* Are both listed, `first` before `second`? */
static bool comes_before(const struct text_list *tiers, const char *first, const char *second)
{
    bool seen = false;
    for (size_t i = 0; i < tiers->count; i++) {
        if (text_equal(tiers->items[i], second))
            return seen;
        seen = seen || text_equal(tiers->items[i], first);
    }
    return false;
}

int cascade_new(const struct collector_options *options, const struct text_list *tiers,
                struct err *e, struct cascade **ret_cascade)
{
    assert(tiers->count > 0);
    struct cascade *c = alloc_zeroed(1, sizeof *c);
    c->clock = options->clock;
    c->groups = options->groups;
    c->derive = derive_new(options->groups);
    c->afterlife = afterlife_new(options->linger_ms, AFTERLIFE_MAX);
    c->inventory = inventory_new();
    c->compat = compat_new(options->groups, MACHINE_HOST_MOUNT);
    struct collector_options shared = *options;
    shared.inventory = c->inventory;
    shared.engine_for_identity = comes_before(tiers, "cgroup", "engine");
    c->tiers = alloc_zeroed(tiers->count, sizeof *c->tiers);
    struct collector *simulated = NULL;
    int r = 0;
    for (size_t i = 0; i < tiers->count && r == 0; i++) {
        struct collector *collector = NULL;
        r = collector_make(tiers->items[i], &shared, e, &collector);
        if (r == 0 && collector->kind->tier == TIER_SIMULATED)
            simulated = collector;
        else if (r == 0)
            add_tier(c, collector);
    }
    if (simulated && (r < 0 || something_real_works(c)))
        simulated->kind->close(simulated);
    else if (simulated)
        add_tier(c, simulated);
    if (r < 0) {
        cascade_close(c);
        return r;
    }
    *ret_cascade = c;
    return 0;
}

void cascade_on_change(struct cascade *c, void (*changed)(void *context), void *context)
{
    c->changed = changed;
    c->changed_context = context;
}

static void tier_done(void *context)
{
    struct tier_slot *slot = context;
    struct cascade *c = slot->cascade;
    assert(slot->waiting && c->waiting_count > 0);
    slot->waiting = false;
    if (--c->waiting_count == 0)
        c->done(c->done_context);
}

void cascade_begin(struct cascade *c, const struct round *round, void (*done)(void *context),
                   void *context)
{
    assert(c->waiting_count == 0);
    c->done = done;
    c->done_context = context;
    c->waiting_count = c->tier_count;
    for (size_t i = 0; i < c->tier_count; i++) {
        struct tier_slot *slot = &c->tiers[i];
        part_reset(&slot->part);
        slot->waiting = true;
        slot->collector->kind->collect(slot->collector, round, &slot->part, tier_done, slot);
    }
}

static void end_waiting(struct cascade *c)
{
    for (size_t i = 0; i < c->tier_count; i++) {
        struct tier_slot *slot = &c->tiers[i];
        if (!slot->waiting)
            continue;
        slot->waiting = false;
        slot->collector->kind->cancel(slot->collector);
    }
    c->waiting_count = 0;
}

/* weir_collector_success and weir_collector_errors_total of one tier. */
static void report_tier(struct tier_slot *slot)
{
    const char *name = slot->collector->kind->name;
    for (size_t i = 0; i < slot->part.problem_count; i++)
        slot->errors[slot->part.problems[i].reason] += slot->part.problems[i].count;
    part_add_point(&slot->part, AGENT_COLLECTOR_SUCCESS, slot->part.problem_count == 0,
                   (const char *const[]){name, NULL});
    for (enum reason reason = 0; reason < REASON_COUNT; reason++)
        if (slot->errors[reason] > 0)
            part_add_point(&slot->part, AGENT_COLLECTOR_ERRORS, slot->errors[reason],
                           (const char *const[]){name, reason_name(reason), NULL});
}

static void derive_all(struct cascade *c, struct snapshot *s)
{
    for (size_t i = 0; i < s->row_count; i++)
        derive_row(c->derive, &s->rows[i], &s->arena, s->realtime_ns, s->rows[i].cpus);
    derive_end_round(c->derive, s->monotonic_ns);
}

/* A container that is left out may have been seen before anybody knew that it is: what was shown of
 * it does not linger. */
static void forget_hidden(struct cascade *c)
{
    for (size_t i = 0; i < c->tier_count; i++)
        for (size_t r = 0; r < c->tiers[i].part.row_count; r++)
            if (c->tiers[i].part.rows[r].hidden)
                afterlife_forget(c->afterlife, c->tiers[i].part.rows[r].identity);
}

struct snapshot *cascade_seal(struct cascade *c, const struct part *agent)
{
    end_waiting(c);
    struct snapshot *s = snapshot_new();
    s->number = ++c->sealed;
    s->groups = c->groups;
    s->realtime_ns = clock_realtime_ns(c->clock);
    s->monotonic_ns = clock_monotonic_ns(c->clock);

    const struct part **parts = alloc_zeroed(c->tier_count + 2, sizeof(struct part *));
    for (size_t i = 0; i < c->tier_count; i++) {
        report_tier(&c->tiers[i]);
        parts[i] = &c->tiers[i].part;
    }
    merge_rows(s, parts, c->tier_count, &c->index);
    derive_all(c, s);
    forget_hidden(c);
    afterlife_apply(c->afterlife, s);

    struct part own = {0};
    part_add_point(&own, AGENT_CPU_OUT_OF_RANGE, derive_out_of_range(c->derive), NULL);
    const struct label_drops *drops = inventory_drops(c->inventory);
    part_add_point(&own, AGENT_LABELS_DROPPED, drops->collisions,
                   (const char *const[]){"collision", NULL});
    part_add_point(&own, AGENT_LABELS_DROPPED, drops->too_long,
                   (const char *const[]){"too_long", NULL});
    part_add_point(&own, AGENT_LINGERING_DROPPED, afterlife_dropped(c->afterlife), NULL);
    part_add_point(&own, AGENT_ROUNDS, s->number, NULL);
    part_add_point(&own, AGENT_SNAPSHOT_TIME, s->realtime_ns, NULL);
    compat_add_points(c->compat, parts, c->tier_count, agent, &own);
    parts[c->tier_count] = &own;
    parts[c->tier_count + 1] = agent;
    merge_points(s, parts, c->tier_count + (agent ? 2 : 1));
    part_done(&own);
    free(parts);
    return s;
}

const struct problem *cascade_problem(const struct cascade *c, size_t index,
                                      const char **ret_collector)
{
    for (size_t i = 0; i < c->tier_count; i++) {
        const struct part *part = &c->tiers[i].part;
        if (index < part->problem_count) {
            *ret_collector = c->tiers[i].collector->kind->name;
            return &part->problems[index];
        }
        index -= part->problem_count;
    }
    return NULL;
}

void cascade_examine(struct cascade *c, const struct check_sink *sink)
{
    for (size_t i = 0; i < c->tier_count; i++)
        c->tiers[i].collector->kind->examine(c->tiers[i].collector, sink);
}

void cascade_close_idle(struct cascade *c)
{
    for (size_t i = 0; i < c->tier_count; i++)
        c->tiers[i].collector->kind->close_idle(c->tiers[i].collector);
}

void cascade_close(struct cascade *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->tier_count; i++) {
        c->tiers[i].collector->kind->close(c->tiers[i].collector);
        part_done(&c->tiers[i].part);
    }
    row_index_done(&c->index);
    derive_free(c->derive);
    afterlife_free(c->afterlife);
    compat_free(c->compat);
    inventory_free(c->inventory);
    free(c->tiers);
    free(c);
}
