/* What an engine has beside containers, and what takes disk space, as structs. Results are as in
 * engine_parse.h: 0, -EBADMSG, -ENODATA, and live in the arena given. Documents: the Docker Engine
 * API reference (ImageList, VolumeList, NetworkList, SystemDataUsage, ContainerList). */
#ifndef WEIR_COLLECTORS_ENGINE_PARSE_RESOURCES_H
#define WEIR_COLLECTORS_ENGINE_PARSE_RESOURCES_H

#include "collectors/engine_parse.h"

/* An image that a registry knows. */
struct engine_image {
    const char *id;     /* without "sha256:" */
    const char *digest; /* "sha256:..." of its first repository */
};

/* GET /images/json. */
struct engine_images {
    size_t count;               /* all of them */
    struct engine_image *known; /* those with a digest, sorted by id */
    size_t known_count;
};
int engine_parse_images(const char *json, size_t length, struct arena *arena, struct err *e,
                        struct engine_images *ret);
/* The digest of the image with that id, with or without "sha256:"; "" for none. */
const char *engine_images_digest(const struct engine_images *images, const char *id);

/* How many objects an array holds: GET /networks, GET /images/json. `what` is the call. */
int engine_parse_count(const char *json, size_t length, const char *what, struct err *e,
                       uint64_t *ret_count);
/* How many volumes GET /volumes lists; null is none. */
int engine_parse_volumes(const char *json, size_t length, struct err *e, uint64_t *ret_count);

/* GET /system/df, with the arrays of API versions before 1.52, the sums of later ones, or both: in
 * bytes, as `docker system df` adds them up. What the answer does not say exactly is not given. */
struct engine_usage {
    struct maybe images, containers, volumes, build_cache;
};
int engine_parse_usage(const char *json, size_t length, struct err *e, struct engine_usage *ret);

/* The writable layer of one container. */
struct engine_size {
    const char *id;
    uint64_t bytes;
};

/* GET /containers/json?size=1. */
struct engine_sizes {
    struct engine_size *items; /* sorted by id; without those that could not be counted */
    size_t count;
};
int engine_parse_sizes(const char *json, size_t length, struct arena *arena, struct err *e,
                       struct engine_sizes *ret);
/* Bytes of the container with that id. */
struct maybe engine_sizes_find(const struct engine_sizes *sizes, const char *id);

#endif
