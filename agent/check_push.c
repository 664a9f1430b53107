/* What it knows: how long a destination is waited for, and how what it says becomes a line. */
#include "agent/check_push.h"

#include "agent/config.h"
#include "agent/core.h"
#include "agent/push_plan.h"
#include "base/alloc.h"
#include "base/err.h"
#include "collectors/collector.h"
#include "exporters/push_format.h"
#include "exporters/push_probe.h"
#include "net/timer.h"

#include <stdlib.h>

#define TIMEOUT_MOST_MS 10000 /* somebody sits in front of it */

/* One destination's answer. */
struct asked {
    struct check_push *all;
    char *subject;
    char *text;
    bool well;
};

struct check_push {
    struct asked *items;
    size_t count;
    size_t waits; /* for as many answers */
    struct timer *turn;
    void (*done)(void *context);
    void *context;
};

static void all_done(void *context)
{
    struct check_push *p = context;
    timer_close(p->turn);
    p->turn = NULL;
    p->done(p->context);
}

static void take(struct asked *a, bool well, const char *text)
{
    a->well = well;
    a->text = alloc_string(text);
    if (--a->all->waits == 0)
        timer_start(a->all->turn, 0);
}

static void answered(void *context, bool well, const char *text)
{
    take(context, well, text);
}

static void ask(struct asked *a, const struct push_destination *d,
                const struct push_surroundings *surroundings)
{
    struct push_plan plan;
    struct err e = {0};
    push_plan_init(&plan, d, surroundings);
    if (plan.options.timeout_ms > TIMEOUT_MOST_MS)
        plan.options.timeout_ms = TIMEOUT_MOST_MS;
    if (push_probe_start(&plan.options, answered, a, &e) < 0)
        take(a, false, e.text);
    push_plan_done(&plan);
}

struct check_push *check_push_new(struct core *core, const struct config *config,
                                  char *const environment[], void (*done)(void *context),
                                  void *context)
{
    struct check_push *p = alloc_zeroed(1, sizeof *p);
    const struct push_surroundings surroundings = {.core = core, .environment = environment};
    *p = (struct check_push){.items = alloc_zeroed(config->push.count, sizeof *p->items),
                             .count = config->push.count,
                             .waits = config->push.count,
                             .turn = timer_new(&core->loop, all_done, p),
                             .done = done,
                             .context = context};
    for (size_t i = 0; i < p->count; i++) {
        const struct push_destination *d = &config->push.items[i];
        p->items[i] = (struct asked){.all = p, .subject = alloc_format("push: %s", d->name)};
        ask(&p->items[i], d, &surroundings);
    }
    if (p->count == 0)
        timer_start(p->turn, 0);
    return p;
}

void check_push_say(const struct check_push *p, const struct check_sink *sink)
{
    for (size_t i = 0; i < p->count; i++)
        sink->line(sink->context, p->items[i].well ? CHECK_OK : CHECK_FAIL, p->items[i].subject,
                   p->items[i].text);
}

void check_push_free(struct check_push *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].subject);
        free(p->items[i].text);
    }
    free(p->items);
    free(p);
}
