/* What it knows: how the tiers below a cascade can be replaced by ones that wait for the test.
 * Document: collectors/collector.h. */
#include "tests/unit/fake_tiers.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "collectors/collectors.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fake_tier tiers[TIERS];
uint64_t now_ns;
struct cascade *cascade;
uint64_t round_number;
unsigned dones;
unsigned changes;
static unsigned turns;
static bool collecting;

static uint64_t fake_now(void *context)
{
    (void)context;
    return now_ns;
}

const struct clock fake_clock = {NULL, fake_now, fake_now};

static struct fake_tier *tier_of(struct collector *self)
{
    return (struct fake_tier *)self;
}

static int check(struct collector *self, struct err *e)
{
    return tier_of(self)->absent ? err_set(e, -ENOENT, "not here") : 0;
}

static void collect(struct collector *self, const struct round *round, struct part *part,
                    void (*done)(void *context), void *context)
{
    struct fake_tier *t = tier_of(self);
    assert_int_equal(part->row_count + part->point_count + part->problem_count, 0);
    assert_null(t->part);
    assert_true(round->number > 0);
    t->part = part;
    t->done = done;
    t->context = context;
    t->collected++;
    t->turn = ++turns;
}

static void cancel(struct collector *self)
{
    struct fake_tier *t = tier_of(self);
    assert_non_null(t->part);
    if (t->on_cancel)
        t->on_cancel(t);
    t->part = NULL;
    t->cancelled++;
}

static void examine(struct collector *self, const struct check_sink *sink)
{
    sink->line(sink->context, tier_of(self)->absent ? CHECK_FAIL : CHECK_OK, self->kind->name,
               "it was looked at");
}

static void close_idle(struct collector *self)
{
    tier_of(self)->idle++;
}

static void close_tier(struct collector *self)
{
    tier_of(self)->closed++;
}

#define KIND(name_, tier_)                                                                  \
    {                                                                                       \
        .name = name_, .tier = tier_, .check = check, .collect = collect, .cancel = cancel, \
        .close_idle = close_idle, .close = close_tier, .examine = examine,                  \
    }
static const struct collector_kind kinds[TIERS] = {
    KIND("engine", TIER_ENGINE), KIND("cgroup", TIER_CGROUP), KIND("simulated", TIER_SIMULATED)};

int collector_make(const char *name, const struct collector_options *options, struct err *e,
                   struct collector **ret_collector)
{
    for (size_t i = 0; i < TIERS; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        tiers[i].collector.kind = &kinds[i];
        tiers[i].options = *options;
        *ret_collector = &tiers[i].collector;
        return 0;
    }
    return err_set(e, -EINVAL, "there is no tier called \"%s\"", name);
}

void count_done(void *context)
{
    assert_ptr_equal(context, &dones);
    assert_false(collecting);
    dones++;
}

void count_change(void *context)
{
    assert_ptr_equal(context, &changes);
    changes++;
}

int make(const char *const names[], size_t count)
{
    struct err e = {0};
    const struct collector_options options = {
        .clock = &fake_clock, .groups = GROUPS_DEFAULT, .linger_ms = 300000};
    char *items[4];
    for (size_t i = 0; i < count; i++)
        items[i] = alloc_string(names[i]);
    const struct text_list list = {items, count};
    cascade = NULL;
    int r = cascade_new(&options, &list, &e, &cascade);
    assert_int_equal(r < 0, e.text[0] != '\0');
    for (size_t i = 0; i < count; i++)
        free(items[i]);
    return r;
}

void reset(void)
{
    memset(tiers, 0, sizeof tiers);
    turns = dones = changes = 0;
    round_number = 0;
    now_ns = 1000 * NS_PER_SECOND;
}

void start(void)
{
    static const char *const names[] = {"engine", "cgroup"};
    reset();
    assert_int_equal(make(names, 2), 0);
}

void begin(void)
{
    const struct round round = {.number = ++round_number, .begun_ns = now_ns};
    dones = 0;
    collecting = true;
    cascade_begin(cascade, &round, count_done, &dones);
    collecting = false;
    assert_int_equal(dones, 0);
}

void finish(struct fake_tier *t)
{
    assert_non_null(t->part);
    t->part = NULL;
    t->done(t->context);
}

struct container_row *add(struct fake_tier *t, const char *id)
{
    struct identity *identity = identity_new("e", id);
    identity->started_ns = 1;
    struct container_row *row = part_add_row(t->part, identity);
    identity_unref(identity);
    row->state = STATE_RUNNING;
    return row;
}

const struct point *find_point(const struct snapshot *s, enum agent_metric metric,
                               const char *first, const char *second)
{
    for (size_t i = 0; i < s->point_count; i++) {
        const struct point *p = &s->points[i];
        if (p->metric == metric && (!first || strcmp(p->labels[0], first) == 0) &&
            (!second || strcmp(p->labels[1], second) == 0))
            return p;
    }
    return NULL;
}

uint64_t point_value(const struct snapshot *s, enum agent_metric metric, const char *first,
                     const char *second)
{
    const struct point *p = find_point(s, metric, first, second);
    assert_non_null(p);
    return p->value;
}

void end(struct snapshot *s)
{
    snapshot_unref(s);
    cascade_close(cascade);
    assert_int_equal(tiers[ENGINE].closed, 1);
    assert_int_equal(tiers[CGROUP].closed, 1);
}
