/* What it knows: the life of parts and snapshots, and the words for tiers and states. */
#include "base/snapshot.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PART_FIRST_CAPACITY 16 /* entries: a small host's containers */

/* Makes room for one more entry of `size` bytes in a growing array. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : PART_FIRST_CAPACITY;
    return alloc_resize(array, *capacity, size);
}

void part_reset(struct part *p)
{
    for (size_t i = 0; i < p->row_count; i++)
        identity_unref(p->rows[i].identity);
    p->row_count = 0;
    p->point_count = 0;
    p->problem_count = 0;
    arena_reset(&p->arena);
    p->sees_host = false;
}

void part_done(struct part *p)
{
    part_reset(p);
    free(p->rows);
    free(p->points);
    free(p->problems);
    arena_done(&p->arena);
    *p = (struct part){0};
}

struct container_row *part_add_row(struct part *p, const struct identity *identity)
{
    p->rows = grow(p->rows, p->row_count, &p->row_capacity, sizeof *p->rows);
    struct container_row *row = &p->rows[p->row_count++];
    *row = (struct container_row){.identity = identity_ref(identity)};
    return row;
}

void part_add_point(struct part *p, enum agent_metric metric, uint64_t value,
                    const char *const labels[])
{
    p->points = grow(p->points, p->point_count, &p->point_capacity, sizeof *p->points);
    struct point *point = &p->points[p->point_count++];
    *point = (struct point){.metric = metric, .value = value};
    for (size_t i = 0; labels && i < POINT_LABELS_MAX && labels[i]; i++)
        point->labels[i] = arena_string(&p->arena, labels[i]);
}

void part_add_problem(struct part *p, enum reason reason, const char *source, const char *text)
{
    for (size_t i = 0; i < p->problem_count; i++) {
        struct problem *known = &p->problems[i];
        if (known->reason == reason && text_equal(known->source, source)) {
            known->count++;
            return;
        }
    }
    p->problems = grow(p->problems, p->problem_count, &p->problem_capacity, sizeof *p->problems);
    p->problems[p->problem_count++] = (struct problem){
        .reason = reason,
        .source = arena_string(&p->arena, source),
        .text = arena_string(&p->arena, text),
        .count = 1,
    };
}

void row_add_points(struct container_row *row, struct arena *arena, const struct point *points,
                    size_t count)
{
    if (count == 0)
        return;
    struct point *all = arena_alloc(arena, (row->point_count + count) * sizeof *all);
    if (row->point_count > 0)
        memcpy(all, row->points, row->point_count * sizeof *all);
    memcpy(all + row->point_count, points, count * sizeof *all);
    row->points = all;
    row->point_count += count;
}

struct snapshot *snapshot_new(void)
{
    struct snapshot *s = alloc_zeroed(1, sizeof *s);
    s->references = 1;
    s->groups = GROUPS_ALL;
    return s;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    assert(s->references > 0 && s->references < UINT_MAX);
    s->references++;
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (!s)
        return;
    assert(s->references > 0);
    if (--s->references > 0)
        return;
    for (size_t i = 0; i < s->row_count; i++)
        identity_unref(s->rows[i].identity);
    arena_done(&s->arena);
    free(s);
}

const char *tier_name(enum tier tier)
{
    static const char *const names[TIER_COUNT] = {"", "engine", "cgroup", "simulated"};
    assert(tier < TIER_COUNT);
    return names[tier];
}

static const char *const state_names[STATE_COUNT] = {
    [STATE_UNKNOWN] = "",
    [STATE_CREATED] = "created",
    [STATE_RUNNING] = "running",
    [STATE_PAUSED] = "paused",
    [STATE_RESTARTING] = "restarting",
    [STATE_REMOVING] = "removing",
    [STATE_EXITED] = "exited",
    [STATE_DEAD] = "dead",
    [STATE_REMOVED] = "removed",
};

const char *state_name(enum container_state state)
{
    assert(state < STATE_COUNT);
    return state_names[state];
}

enum container_state state_from_name(const char *text)
{
    for (enum container_state s = STATE_CREATED; s < STATE_COUNT; s++)
        if (text_equal(state_names[s], text))
            return s;
    if (text_equal(text, "stopped"))
        return STATE_EXITED;
    if (text_equal(text, "configured") || text_equal(text, "initialized"))
        return STATE_CREATED;
    return STATE_UNKNOWN;
}
