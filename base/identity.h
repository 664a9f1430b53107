/* Who a container is. One identity per instance (a start makes a new one), immutable once built and
 * shared by reference among rows and snapshots. Loop thread only. */
#ifndef WEIR_BASE_IDENTITY_H
#define WEIR_BASE_IDENTITY_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct label {
    const char
        *name; /* a valid Prometheus label name, e.g. container_label_com_docker_compose_project */
    const char *value; /* UTF-8, as the engine gave it; never empty */
};

/* Everything it points to lives in its arena. A text that is not known is NULL. */
struct identity {
    unsigned references;
    struct arena arena;
    const char
        *engine; /* key of the engine that knows it, e.g. unix:///run/docker.sock; never NULL */
    const char *container_id; /* 64 hex digits for engines; never NULL; unique within `engine` */
    const char *cgroup_path;  /* the id label, e.g. /docker/<64 hex> */
    const char *name;
    const char *image;
    const struct label *labels; /* allowed container labels, sorted by name, no two alike */
    size_t label_count;
    uint64_t
        started_ns; /* nanoseconds since 1970, 0 unknown: which instance of the container this is */
    bool simulated;
};

/* An empty identity with one reference, the caller's, who fills it and then leaves it alone. */
struct identity *identity_new(const char *engine, const char *container_id);
/* One more reference; returns `i`. Counting is no change of what it says, so const pointers are
 * accepted. */
const struct identity *identity_ref(const struct identity *i);
/* One reference less; the last one frees. NULL is allowed. */
void identity_unref(const struct identity *i);
/* The same container (engine and id), whatever its instance? */
bool identity_same_container(const struct identity *a, const struct identity *b);
/* A hash of engine and id for tables of containers, alike for whatever identity_same_container says
 * is the same; all its bits are good. */
uint64_t identity_hash(const struct identity *i);

#endif
