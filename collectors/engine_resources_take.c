/* What it knows: what becomes of an answer, and what is still true when there is none. */
#include "collectors/engine_resources_internal.h"

#include "base/clock.h"

#include <string.h>

static bool same_number(struct maybe a, struct maybe b)
{
    return a.given == b.given && (!a.given || a.value == b.value);
}

static bool set_count(struct engine_resources *r, enum resource what, uint64_t count)
{
    const struct maybe now = {.value = count, .given = true};
    bool changed = !same_number(r->counts[what], now);
    r->counts[what] = now;
    return changed;
}

static int take_images(struct engine_resources *r, const struct http_result *result, struct err *e,
                       bool *ret_changed)
{
    struct arena arena = {0};
    struct engine_images images;
    int parsed = engine_parse_images(result->body, result->body_length, &arena, e, &images);
    if (parsed < 0) {
        arena_done(&arena);
        return parsed;
    }
    *ret_changed = set_count(r, RESOURCE_IMAGES, images.count);
    /* Only containers' information shows digests. */
    if (!resources_want(r, GROUP_BIT(GROUP_LIFE))) {
        arena_done(&arena);
        return 0;
    }
    arena_done(&r->images_arena);
    r->images_arena = arena;
    r->images = images;
    return 0;
}

static int take_usage(struct engine_resources *r, const struct http_result *result, struct err *e,
                      bool *ret_changed)
{
    struct engine_usage usage = {0};
    const struct engine_usage *old = &r->usage;
    int parsed = engine_parse_usage(result->body, result->body_length, e, &usage);
    if (parsed < 0)
        return parsed;
    *ret_changed = !same_number(old->images, usage.images) ||
                   !same_number(old->containers, usage.containers) ||
                   !same_number(old->volumes, usage.volumes) ||
                   !same_number(old->build_cache, usage.build_cache);
    r->usage = usage;
    r->usage_ms = clock_realtime_ns(r->engine->collector->options.clock) / NS_PER_MS;
    return 0;
}

static bool same_sizes(const struct engine_sizes *a, const struct engine_sizes *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].bytes != b->items[i].bytes || strcmp(a->items[i].id, b->items[i].id) != 0)
            return false;
    return true;
}

static int take_sizes(struct engine_resources *r, const struct http_result *result, struct err *e,
                      bool *ret_changed)
{
    struct arena arena = {0};
    struct engine_sizes sizes;
    int parsed = engine_parse_sizes(result->body, result->body_length, &arena, e, &sizes);
    if (parsed < 0) {
        arena_done(&arena);
        return parsed;
    }
    *ret_changed = !same_sizes(&r->sizes, &sizes);
    arena_done(&r->sizes_arena);
    r->sizes_arena = arena;
    r->sizes = sizes;
    r->sizes_ns = engine_now(r->engine);
    return 0;
}

int resources_take(struct engine_resources *r, enum resource what, const struct http_result *result,
                   struct err *e, bool *ret_changed)
{
    uint64_t count = 0;
    int parsed = 0;
    switch (what) {
    case RESOURCE_IMAGES:
        return take_images(r, result, e, ret_changed);
    case RESOURCE_USAGE:
        return take_usage(r, result, e, ret_changed);
    case RESOURCE_SIZES:
        return take_sizes(r, result, e, ret_changed);
    case RESOURCE_VOLUMES:
    case RESOURCE_VOLUMES_UNUSED:
        parsed = engine_parse_volumes(result->body, result->body_length, e, &count);
        break;
    case RESOURCE_IMAGES_DANGLING:
    case RESOURCE_NETWORKS:
    default:
        parsed = engine_parse_count(
            result->body, result->body_length,
            what == RESOURCE_NETWORKS ? "GET /networks" : "GET /images/json", e, &count);
        break;
    }
    if (parsed == 0)
        *ret_changed = set_count(r, what, count);
    return parsed;
}

/* An image's digest is what it was, and a writable layer about as large. */
bool resources_forget(struct engine_resources *r, enum resource what)
{
    if (what < RESOURCE_COUNTED) {
        bool known = r->counts[what].given;
        r->counts[what] = (struct maybe){0};
        return known;
    }
    bool known = what == RESOURCE_USAGE && r->usage_ms != 0;
    if (what == RESOURCE_USAGE) {
        r->usage = (struct engine_usage){0};
        r->usage_ms = 0;
    }
    return known;
}
