/* What an engine has beside containers: images, volumes, networks, and the disk space all of it
 * takes. Asked for when an event says that something changed, and on slow periods; no round ever
 * waits for it. Documents: Docker Engine API reference (GET /images/json, /volumes, /networks,
 * /system/df, /containers/json?size=1). */
#ifndef WEIR_COLLECTORS_ENGINE_RESOURCES_H
#define WEIR_COLLECTORS_ENGINE_RESOURCES_H

#include "base/snapshot.h"

struct engine;
struct engine_container;
struct engine_collector;
struct engine_resources; /* opaque */

/* For an engine that was just made; `e` outlives it. */
struct engine_resources *engine_resources_new(struct engine *e);
void engine_resources_free(struct engine_resources *r);
/* A round begins and the engine is ready: asks for what is due, if nothing of it is under way. */
void engine_resources_begin(struct engine_resources *r);
/* The engine is away: calls end, what was said is forgotten. */
void engine_resources_down(struct engine_resources *r);
/* An event of this type ("container", "image", "volume", "network", ...) came. */
void engine_resources_event(struct engine_resources *r, const char *type);
/* The points of the groups ENGINE and, over all engines, DOCKER. */
void engine_resources_add_points(const struct engine_resources *r, struct part *part);
void engine_resources_add_docker(const struct engine_collector *self, struct part *part);
/* GROUP_DISK of a container's row, as counted last; its points go into `arena`. */
void engine_resources_fill_row(const struct engine_resources *r, const struct engine_container *c,
                               struct arena *arena, struct container_row *row);
/* The digest under which an image (sha256:...) is known to its registry, "" for none. Valid until
 * the loop goes on. */
const char *engine_resources_digest(const struct engine_resources *r, const char *image_id);

#endif
