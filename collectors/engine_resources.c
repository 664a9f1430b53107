/* What it knows: nothing yet. */
#include "collectors/engine_resources.h"

#include "base/alloc.h"
#include "collectors/engine_state.h"

#include <stdlib.h>

struct engine_resources {
    struct engine *engine;
};

struct engine_resources *engine_resources_new(struct engine *e)
{
    struct engine_resources *r = alloc_zeroed(1, sizeof *r);
    r->engine = e;
    return r;
}

void engine_resources_free(struct engine_resources *r)
{
    free(r);
}

void engine_resources_begin(struct engine_resources *r)
{
    (void)r;
}

void engine_resources_down(struct engine_resources *r)
{
    (void)r;
}

void engine_resources_event(struct engine_resources *r, const char *type)
{
    (void)r;
    (void)type;
}

void engine_resources_add_points(const struct engine_resources *r, struct part *part)
{
    (void)r;
    (void)part;
}

void engine_resources_add_docker(const struct engine_collector *self, struct part *part)
{
    (void)self;
    (void)part;
}

void engine_resources_fill_row(const struct engine_resources *r, const struct engine_container *c,
                               struct arena *arena, struct container_row *row)
{
    (void)r;
    (void)c;
    (void)arena;
    (void)row;
}

const char *engine_resources_digest(const struct engine_resources *r, const char *image_id)
{
    (void)r;
    (void)image_id;
    return "";
}
