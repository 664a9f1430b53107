/* What it knows: the numbers of images, volumes and networks, and disk usage by kind, as series;
 * and that they are forgotten when the engine is away. Documents: Docker Engine API reference;
 * docs/ARCHITECTURE.md, "The engine tier". */
#include "collectors/engine_resources_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

bool resources_want(const struct engine_resources *r, unsigned groups)
{
    return (r->engine->collector->options.groups & groups) != 0;
}

void resources_notice(struct engine_resources *r, struct notice *n, enum reason reason,
                      const char *text)
{
    n->reason = reason;
    (void)snprintf(n->text, sizeof n->text, "%s", text);
    if (r->engine->collector->part)
        resources_tell(r, n);
}

void resources_tell(struct engine_resources *r, struct notice *n)
{
    if (reason_is_error(n->reason))
        engine_problem(r->engine, n->reason, n->text);
}

struct engine_resources *engine_resources_new(struct engine *e)
{
    struct engine_resources *r = alloc_zeroed(1, sizeof *r);
    r->engine = e;
    for (enum resource i = 0; i < RESOURCES; i++)
        r->calls[i].owner = r;
    return r;
}

void engine_resources_free(struct engine_resources *r)
{
    engine_resources_down(r);
    resources_disk_free(r);
    free(r);
}

void engine_resources_begin(struct engine_resources *r)
{
    for (enum resource i = 0; i < RESOURCES; i++)
        resources_tell(r, &r->calls[i].failure);
    resources_ask(r);
    resources_look(r);
}

void engine_resources_down(struct engine_resources *r)
{
    struct engine *e = r->engine;
    struct disk *disk = r->disk;
    resources_cancel(r);
    arena_done(&r->images_arena);
    arena_done(&r->sizes_arena);
    *r = (struct engine_resources){.engine = e, .disk = disk};
    for (enum resource i = 0; i < RESOURCES; i++)
        r->calls[i].owner = r;
    resources_disk_down(r);
}

void engine_resources_event(struct engine_resources *r, const char *type)
{
    /* A container that comes or goes uses volumes, or no longer. */
    static const char *const types[] = {"container", "image", "volume", "network"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        r->stirred = r->stirred || text_equal(type, types[i]);
}

static void add_usage(const struct engine_resources *r, struct part *part)
{
    const char *key = r->engine->endpoint.key;
    const struct {
        const char *type;
        struct maybe bytes;
    } kinds[] = {{"images", r->usage.images},
                 {"containers", r->usage.containers},
                 {"volumes", r->usage.volumes},
                 {"build_cache", r->usage.build_cache}};
    if (r->usage_ms == 0)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].bytes.given)
            part_add_point(part, AGENT_ENGINE_DISK, kinds[i].bytes.value,
                           (const char *const[]){key, kinds[i].type, NULL});
    part_add_point(part, AGENT_ENGINE_DISK_TIME, r->usage_ms, (const char *const[]){key, NULL});
}

void engine_resources_add_points(const struct engine_resources *r, struct part *part)
{
    static const enum agent_metric metrics[RESOURCE_COUNTED] = {
        [RESOURCE_IMAGES] = AGENT_ENGINE_IMAGES,
        [RESOURCE_IMAGES_DANGLING] = AGENT_ENGINE_IMAGES_DANGLING,
        [RESOURCE_VOLUMES] = AGENT_ENGINE_VOLUMES,
        [RESOURCE_VOLUMES_UNUSED] = AGENT_ENGINE_VOLUMES_UNUSED,
        [RESOURCE_NETWORKS] = AGENT_ENGINE_NETWORKS,
    };
    /* What an engine has that does not answer nobody knows. */
    if (!resources_want(r, GROUP_BIT(GROUP_ENGINE)) || r->engine->suspect)
        return;
    for (enum resource i = 0; i < RESOURCE_COUNTED; i++)
        if (r->counts[i].given)
            part_add_point(part, metrics[i], r->counts[i].value,
                           (const char *const[]){r->engine->endpoint.key, NULL});
    add_usage(r, part);
}

/* As weir_engine_up has it: it answered what this round asked. */
static bool is_up(const struct engine *e)
{
    bool silent = (e->answered || e->timed_out) && !e->good;
    return e->phase == ENGINE_READY && !e->suspect && !silent;
}

/* Of the engines that are there: how many containers, how many run, how many images. */
struct totals {
    uint64_t containers, running;
    struct maybe images; /* not given where an engine has not said it yet */
    bool any, up;
};

static struct totals total_of(const struct engine_collector *self)
{
    struct totals t = {.images = {.given = true}, .up = self->engines != NULL};
    for (const struct engine *e = self->engines; e; e = e->next) {
        t.up = t.up && is_up(e);
        if (e->phase != ENGINE_READY || e->suspect)
            continue;
        t.any = true;
        for (size_t i = 0; i < e->container_count; i++) {
            t.containers += e->containers[i]->state != STATE_REMOVED;
            t.running += e->containers[i]->state == STATE_RUNNING;
        }
        struct maybe images = e->resources->counts[RESOURCE_IMAGES];
        t.images.given = t.images.given && images.given;
        t.images.value += images.value;
    }
    return t;
}

void engine_resources_add_docker(const struct engine_collector *self, struct part *part)
{
    static const char *const none[] = {NULL};
    if (!(self->options.groups & GROUP_BIT(GROUP_DOCKER)))
        return;
    struct totals t = total_of(self);
    part_add_point(part, AGENT_DOCKER_UP, t.up, none);
    if (!t.any)
        return;
    part_add_point(part, AGENT_DOCKER_CONTAINERS, t.containers, none);
    part_add_point(part, AGENT_DOCKER_RUNNING, t.running, none);
    if (t.images.given)
        part_add_point(part, AGENT_DOCKER_IMAGES, t.images.value, none);
}

const char *engine_resources_digest(const struct engine_resources *r, const char *image_id)
{
    return engine_images_digest(&r->images, image_id);
}
