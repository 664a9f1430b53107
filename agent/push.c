/* What it knows: which lanes run, and that a destination that changes gets its new lane once the
 * old one has let go of its queue. Document: docs/PUSH.md. */
#include "agent/push.h"

#include "agent/config.h"
#include "agent/core.h"
#include "agent/push_plan.h"
#include "base/alloc.h"
#include "base/err.h"
#include "net/timer.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#define END_LIMIT_MS     5000  /* for what is queued still; systemd waits for 90 s */
#define REPLACE_LIMIT_MS 1000  /* for the request under way: the queue stays where it is */
#define RETRY_LEAST_MS   1000  /* a lane that cannot begin is tried again: ... */
#define RETRY_MOST_MS    60000 /* ... after twice as long each time, up to this */

/* A destination's lane: it runs, or waits to begin, or stops. */
struct member {
    struct push *push;
    struct member *next;
    const struct push_destination *destination; /* the configuration's; NULL: it leaves */
    char *name;
    char *directory;        /* of the queue, NULL: in memory */
    struct push_lane *lane; /* NULL: waits to begin */
    struct timer *retry;
    uint64_t pause_ms;
    char *told; /* why it cannot begin, as the log has it */
};

struct push {
    struct push_surroundings surroundings;
    struct snapshot_source source;
    struct member *members;
    struct timer *end; /* calls `stopped` from the loop where there is no lane */
    bool ends;
    void (*stopped)(void *context);
    void *context;
};

static const struct log *log_of(const struct push *p)
{
    return &p->surroundings.core->log;
}

/* What a lane says goes to the log, with its name. */
static void lane_said(void *context, enum push_severity severity, const char *text,
                      const char *detail)
{
    static const enum log_level levels[] = {
        [PUSH_INFO] = LOG_LEVEL_INFO,
        [PUSH_WARN] = LOG_LEVEL_WARN,
        [PUSH_ERROR] = LOG_LEVEL_ERROR,
    };
    const struct member *m = context;
    const struct log_field fields[] = {{"destination", m->name}, {"detail", detail}};
    log_line(log_of(m->push), levels[severity], text, fields, detail && *detail != '\0' ? 2 : 1);
}

static void member_try(void *context);

static void member_free(struct member *m)
{
    struct member **at = &m->push->members;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    timer_close(m->retry);
    free(m->name);
    free(m->directory);
    free(m->told);
    free(m);
}

static struct member *member_new(struct push *p, const struct push_destination *d)
{
    struct member *m = alloc_zeroed(1, sizeof *m);
    struct member **end = &p->members;
    while (*end)
        end = &(*end)->next;
    *end = m;
    m->push = p;
    m->destination = d;
    m->name = alloc_string(d->name);
    m->directory = push_destination_directory(d);
    m->retry = timer_new(&p->surroundings.core->loop, member_try, m);
    m->pause_ms = RETRY_LEAST_MS;
    return m;
}

static int member_begin(struct member *m, struct err *e)
{
    struct push_plan plan;
    push_plan_init(&plan, m->destination, &m->push->surroundings);
    plan.options.encode.filter = push_plan_filter(m->destination);
    plan.options.source = m->push->source;
    plan.options.log = lane_said;
    plan.options.context = m;
    int r = push_lane_new(&plan.options, e, &m->lane);
    if (r == 0 && !m->told)
        log_line(log_of(m->push), LOG_LEVEL_INFO, "pushing",
                 LOG_FIELDS({"destination", m->name},
                            {"protocol", push_format_name(plan.options.format)},
                            {"queue", m->directory ? m->directory : "memory"}));
    push_plan_done(&plan);
    return r;
}

/* Does a lane that stops still have the name, under which it counts, or the queue? */
static bool must_wait(const struct member *m)
{
    for (const struct member *o = m->push->members; o; o = o->next)
        if (!o->destination &&
            (text_equal(o->name, m->name) ||
             (o->directory && m->directory && text_equal(o->directory, m->directory))))
            return true;
    return false;
}

static void tell_failure(struct member *m, const struct err *e)
{
    if (m->told && text_equal(m->told, e->text))
        return;
    free(m->told);
    m->told = alloc_string(e->text);
    log_line(log_of(m->push), LOG_LEVEL_ERROR, "nothing is pushed there; weir goes on trying",
             LOG_FIELDS({"destination", m->name}, {"error", e->text}));
}

static void member_try(void *context)
{
    struct member *m = context;
    struct err e = {0};
    if (m->lane || must_wait(m))
        return; /* what stops tries it again */
    if (member_begin(m, &e) == 0) {
        if (m->told)
            lane_said(m, PUSH_INFO, "pushing begins after all", NULL);
        return;
    }
    tell_failure(m, &e);
    timer_start(m->retry, m->pause_ms);
    m->pause_ms = m->pause_ms < RETRY_MOST_MS / 2 ? m->pause_ms * 2 : RETRY_MOST_MS;
}

static void finish(void *context)
{
    struct push *p = context;
    void (*stopped)(void *context) = p->stopped;
    void *whom = p->context;
    assert(!p->members);
    timer_close(p->end);
    free(p);
    if (stopped)
        stopped(whom);
}

static void member_stopped(void *context)
{
    struct member *m = context;
    struct push *p = m->push;
    member_free(m);
    if (p->ends) {
        if (!p->members)
            finish(p);
        return;
    }
    for (m = p->members; m; m = m->next)
        if (m->destination && !m->lane)
            member_try(m);
}

/* It leaves: at once where it has no lane. */
static void member_stop(struct member *m, bool last, uint64_t limit_ms)
{
    m->destination = NULL;
    if (m->lane)
        push_lane_stop(m->lane, last, limit_ms, member_stopped, m);
    else
        member_free(m);
}

static void stop_all(struct push *p, bool last, uint64_t limit_ms)
{
    struct member *next = NULL;
    p->ends = true;
    for (struct member *m = p->members; m; m = next) {
        next = m->next;
        if (m->destination)
            member_stop(m, last, limit_ms);
    }
    if (!p->members)
        timer_start(p->end, 0);
}

int push_new(const struct push_options *options, struct err *e, struct push **ret)
{
    struct push *p = alloc_zeroed(1, sizeof *p);
    (void)signal(SIGXFSZ, SIG_IGN); /* a queue past RLIMIT_FSIZE is a full disk, not the end */
    p->surroundings = (struct push_surroundings){.core = options->core,
                                                 .environment = options->environment,
                                                 .phase = push_phase(options->config)};
    p->source = options->source;
    p->end = timer_new(&options->core->loop, finish, p);
    for (size_t i = 0; i < options->config->push.count; i++) {
        struct member *m = member_new(p, &options->config->push.items[i]);
        int r = member_begin(m, e);
        if (r < 0) {
            stop_all(p, false, 0);
            return r;
        }
    }
    *ret = p;
    return 0;
}

/* Do the series that went there go on, under the same names at the same place? Else they end for
 * their receiver. */
static bool series_go_on(const struct push_destination *d, const struct push_destinations *next)
{
    static const char *const keys[] = {"url",
                                       "protocol",
                                       "external-labels",
                                       "metrics.include",
                                       "metrics.exclude",
                                       "containers.include",
                                       "containers.exclude"};
    for (size_t i = 0; i < next->count; i++) {
        bool same = text_equal(d->name, next->items[i].name);
        for (size_t k = 0; same && k < sizeof keys / sizeof keys[0]; k++)
            same = push_destination_has_same(d, &next->items[i], keys[k]);
        if (same)
            return true;
    }
    return false;
}

/* The destination of `next` that says the same, NULL without. */
static const struct push_destination *find_same(const struct push_destination *d,
                                                const struct push_destinations *next)
{
    for (size_t i = 0; i < next->count; i++)
        if (push_destination_is_same(d, &next->items[i]))
            return &next->items[i];
    return NULL;
}

static bool is_at_work(const struct push *p, const struct push_destination *d)
{
    for (const struct member *m = p->members; m; m = m->next)
        if (m->destination == d)
            return true;
    return false;
}

void push_set(struct push *p, const struct config *config, const struct snapshot_source *source)
{
    struct member *next = NULL;
    assert(!p->ends);
    p->source = *source;
    p->surroundings.phase = push_phase(config);
    for (struct member *m = p->members; m; m = next) {
        next = m->next;
        if (!m->destination)
            continue;
        const struct push_destination *same = find_same(m->destination, &config->push);
        if (m->lane)
            push_lane_set_source(m->lane, source);
        if (same) {
            m->destination = same;
            continue;
        }
        bool last = !series_go_on(m->destination, &config->push);
        member_stop(m, last, last || !m->directory ? END_LIMIT_MS : REPLACE_LIMIT_MS);
    }
    for (size_t i = 0; i < config->push.count; i++)
        if (!is_at_work(p, &config->push.items[i]))
            member_try(member_new(p, &config->push.items[i]));
}

void push_stop(struct push *p, void (*stopped)(void *context), void *context)
{
    assert(!p->ends);
    p->stopped = stopped;
    p->context = context;
    stop_all(p, true, END_LIMIT_MS);
}

void push_add_points(const struct push *p, struct part *part)
{
    for (const struct member *m = p->members; m; m = m->next)
        if (m->lane)
            push_lane_add_points(m->lane, part);
}
