/* What it knows: what an event says of which container, and what has to be asked thereupon; and how
 * many there were. Documents: Docker Engine API reference (GET /events); Podman's words for the
 * same. */
#include "collectors/engine_events.h"

#include "base/text.h"
#include "collectors/engine_life.h"
#include "collectors/engine_resources.h"
#include "collectors/engine_round.h"
#include "collectors/engine_steps.h"

#include <string.h>

#define EVENT_WORDS(id_, type_, action_, other_) \
    [ENGINE_EVENT_##id_] = {.type = (type_), .action = (action_), .other = (other_)},

static const struct {
    const char *type;
    const char *action;
    const char *other; /* another word for the action, "" none */
} kinds[ENGINE_EVENT_KINDS] = {ENGINE_EVENT_LIST(EVENT_WORDS)};

static bool is_other(enum engine_event_kind kind)
{
    return text_equal(kinds[kind].action, "other");
}

enum engine_event_kind engine_event_kind(const struct engine_event *event)
{
    for (enum engine_event_kind k = 0; k < ENGINE_EVENT_OTHER; k++) {
        if (!text_equal(kinds[k].type, event->type))
            continue;
        /* The last one of a type takes what is none of the others. */
        bool named = text_equal(kinds[k].action, event->action) ||
                     (*kinds[k].other != '\0' && text_equal(kinds[k].other, event->action));
        if (named || is_other(k))
            return k;
    }
    return ENGINE_EVENT_OTHER;
}

/* Does what it tells of change what inspect says? What is killed or out of memory dies or does not,
 * and what is restarted dies and starts: events of their own. */
static bool wants_inspect(enum engine_event_kind kind)
{
    return kind != ENGINE_EVENT_CONTAINER_KILL && kind != ENGINE_EVENT_CONTAINER_OOM &&
           kind != ENGINE_EVENT_CONTAINER_RESTART;
}

static void handle_container_event(struct engine *e, const struct engine_event *event,
                                   enum engine_event_kind kind)
{
    struct engine_container *c = engine_find_container(e, event->id);
    if (!c) {
        struct engine_life *removed = engine_find_removed(e, event->id);
        if (removed)
            engine_life_hear(e, removed, event, kind); /* events overtake each other */
        if (removed || kind == ENGINE_EVENT_CONTAINER_DESTROY)
            return;
        c = engine_get_container(e, event->id);
    }
    if (!c)
        return;
    engine_life_hear(e, c->life, event, kind);
    if (kind == ENGINE_EVENT_CONTAINER_DESTROY) {
        engine_remove_container(c);
        return;
    }
    c->needs_inspect = c->needs_inspect || wants_inspect(kind);
    c->told = e->phase == ENGINE_LISTING;
}

/* Volumes come into use and out of it with containers; what else happens to those changes nothing.
 */
static bool changes_resources(const struct engine_event *event, enum engine_event_kind kind)
{
    return !text_equal(event->type, "container") || kind == ENGINE_EVENT_CONTAINER_CREATE ||
           kind == ENGINE_EVENT_CONTAINER_DESTROY;
}

void engine_handle_event(void *context, const char *line, size_t length)
{
    struct engine *e = context;
    struct err err = {0};
    struct engine_event event;
    struct arena arena = {0};
    if (length == 0)
        return;
    if (engine_parse_event(line, length, &arena, &err, &event) == 0) {
        enum engine_event_kind kind = engine_event_kind(&event);
        e->event_counts[kind]++;
        if (changes_resources(&event, kind))
            engine_resources_event(e->resources, event.type);
        if (text_equal(event.type, "container") && *event.id != '\0')
            handle_container_event(e, &event, kind);
        if (e->collector->collector.changed)
            e->collector->collector.changed(e->collector->collector.changed_context);
    } else {
        e->event_counts[ENGINE_EVENT_OTHER]++;
        e->list_again = true; /* it may have been about any of them */
    }
    arena_done(&arena);
}

void engine_add_event_points(const struct engine *e, struct part *part)
{
    if (e->streams == 0)
        return;
    /* From 0 on, so that the first one is an increase. */
    for (enum engine_event_kind k = 0; k < ENGINE_EVENT_KINDS; k++)
        if (e->event_counts[k] > 0 || !is_other(k))
            part_add_point(
                part, AGENT_ENGINE_EVENTS, e->event_counts[k],
                (const char *const[]){e->endpoint.key, kinds[k].type, kinds[k].action, NULL});
}
