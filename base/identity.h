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

/* How many labels were left out, by reason. */
struct label_drops {
    uint64_t collisions;
    uint64_t too_long;
};

enum identity_kind {
    IDENTITY_CONTAINER,
    IDENTITY_SERVICE, /* a control group that is no container: a systemd service or slice */
    IDENTITY_HOST,    /* the host itself, id="/" */
};

/* Everything it points to lives in its arena. A text that is not known is NULL. */
struct identity {
    unsigned references;
    struct arena arena;
    enum identity_kind kind;
    bool local; /* on this host, so that any tier may know it: its id alone tells it apart */
    const char *engine; /* key of the engine that knows it, e.g. unix:///run/docker.sock, or "" */
    const char *container_id; /* 64 hex digits for engines; never NULL; unique within the host */
    const char *cgroup_path;  /* the id label, e.g. /docker/<64 hex> */
    const char *name;
    const char *image;
    const struct label *labels; /* allowed container labels, sorted by name, no two alike */
    size_t label_count;
    uint64_t created_ns; /* nanoseconds since 1970, 0 unknown */
    uint64_t started_ns; /* the same; a later start is another instance of the container */
    bool simulated;
};

/* An empty identity with one reference, the caller's, who fills it and then leaves it alone. */
struct identity *identity_new(const char *engine, const char *container_id);
/* One more reference; returns `i`. Counting is no change of what it says, so const pointers are
 * accepted. */
const struct identity *identity_ref(const struct identity *i);
/* One reference less; the last one frees. NULL is allowed. */
void identity_unref(const struct identity *i);
/* The same container, whatever its instance? The ids are alike, and both are on this host or known
 * to the same engine. */
bool identity_same_container(const struct identity *a, const struct identity *b);
/* A hash of the id for tables of containers, alike for whatever identity_same_container says
 * is the same; all its bits are good. */
uint64_t identity_hash(const struct identity *i);

#endif
