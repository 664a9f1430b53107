/* What it knows: how long a destination is waited for, how what it says becomes a line, and when
 * the place of its queue is good enough. */
#include "agent/check_push.h"

#include "agent/config.h"
#include "agent/config_text.h"
#include "agent/core.h"
#include "agent/push_plan.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "collectors/collector.h"
#include "exporters/push_format.h"
#include "exporters/push_probe.h"
#include "exporters/push_queue_examine.h"
#include "net/timer.h"

#include <stdlib.h>

#define TIMEOUT_MOST_MS 10000          /* somebody sits in front of it */
#define TEXT_MAX_BYTES  ((size_t)8192) /* a sentence with a path */
#define MIB             (UINT64_C(1) << 20)

/* One destination's answer. */
struct asked {
    struct check_push *all;
    const struct push_destination *destination;
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
        p->items[i] = (struct asked){
            .all = p, .destination = d, .subject = alloc_format("push: %s", d->name)};
        ask(&p->items[i], d, &surroundings);
    }
    if (p->count == 0)
        timer_start(p->turn, 0);
    return p;
}

/* To the MiB: what is free is never so exact. */
static void add_about(struct buf *b, uint64_t bytes)
{
    text_add_size(b, bytes < MIB ? bytes : bytes - bytes % MIB);
}

static enum check_result look_at_directory(const char *directory, uint64_t most, struct buf *ret)
{
    struct err e = {0};
    struct push_queue_place place;
    if (push_queue_examine(directory, &place, &e) < 0) {
        (void)buf_add_string(ret, e.text);
        return CHECK_FAIL;
    }
    bool fits = place.used_bytes + place.free_bytes >= most;
    (void)buf_add_format(ret, "%s: holds ", directory);
    add_about(ret, place.used_bytes);
    (void)buf_add_string(ret, " of at most ");
    text_add_size(ret, most);
    (void)buf_add_string(ret, ", ");
    add_about(ret, place.free_bytes);
    (void)buf_add_string(ret, " free on its disk");
    if (!fits)
        (void)buf_add_string(ret, ", too few for it: make room, or lower queue.max-bytes "
                                  "(--push.queue-max-bytes)");
    return fits ? CHECK_OK : CHECK_WARN;
}

static void say_queue(const struct push_destination *d, const struct check_sink *sink)
{
    struct buf text;
    enum check_result result = CHECK_OK;
    char *subject = alloc_format("queue: %s", d->name);
    char *directory = push_destination_directory(d);
    buf_init(&text, TEXT_MAX_BYTES);
    if (directory) {
        result = look_at_directory(directory, d->queue_max_bytes, &text);
    } else {
        (void)buf_add_string(&text, "in memory, at most ");
        text_add_size(&text, d->queue_max_bytes);
        (void)buf_add_string(
            &text, "; what waits is lost when weir ends: queue.dir (--push.queue-dir) keeps it");
    }
    sink->line(sink->context, result, subject, text.data);
    buf_done(&text);
    free(directory);
    free(subject);
}

void check_push_say(const struct check_push *p, const struct check_sink *sink)
{
    for (size_t i = 0; i < p->count; i++) {
        sink->line(sink->context, p->items[i].well ? CHECK_OK : CHECK_FAIL, p->items[i].subject,
                   p->items[i].text);
        say_queue(p->items[i].destination, sink);
    }
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
