/* The engine's JSON answers as structs. Pure functions of text; every result lives in the arena
 * given. Documents: the Docker Engine API reference (versions 1.24 to 1.55) and Podman's compatible
 * API.
 *
 * All return 0, -EBADMSG (not JSON, or not of the shape: `e` says what is wrong and where), or
 * -ENODATA (an empty answer). Missing, null and wrong-typed optional members are simply not there;
 * a missing required member (an id) is -EBADMSG. */
#ifndef WEIR_COLLECTORS_ENGINE_PARSE_H
#define WEIR_COLLECTORS_ENGINE_PARSE_H

#include "base/snapshot.h"
#include "collectors/engine_parse_inspect.h"
#include "collectors/engine_parse_stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct api_version {
    unsigned major;
    unsigned minor;
};

/* "1.41" to numbers; 0 or -EINVAL. */
int engine_parse_api_version(const char *text, struct api_version *ret);
/* Below 0, 0, above 0 as `a` is older than, the same as, newer than `b`. */
int api_version_compare(struct api_version a, struct api_version b);

/* GET /version. */
struct engine_version {
    bool podman;         /* Components name "Podman Engine" */
    const char *version; /* e.g. "20.10.24+dfsg1", "4.3.1"; "" when missing */
    unsigned release[3]; /* its leading numbers, 20 10 24; 0 where missing */
    struct api_version api;
    struct api_version min_api; /* 1.24 when not said */
};
int engine_parse_version(const char *json, size_t length, struct arena *arena, struct err *e,
                         struct engine_version *ret);

/* GET /info. */
struct engine_info {
    unsigned cpus;             /* NCPU, 0 unknown */
    uint64_t memory_bytes;     /* MemTotal, 0 unknown */
    int cgroup_version;        /* 1, 2, or 0 when not said (API < 1.41: v1) */
    const char *cgroup_driver; /* "cgroupfs", "systemd", "none"; "" when missing */
    const char *id;            /* the same for every way to one engine; "" when missing */
    bool rootless;             /* SecurityOptions hold name=rootless */
    const char *root_dir;      /* where it keeps images and containers; "" when missing */
};
int engine_parse_info(const char *json, size_t length, struct arena *arena, struct err *e,
                      struct engine_info *ret);

/* GET /containers/json?all=1: what is needed before inspect. */
struct engine_list_entry {
    const char *id;   /* 64 hex digits */
    const char *name; /* its own name (others are links) without the slash; "" when missing */
    enum container_state state;
};
int engine_parse_list(const char *json, size_t length, struct arena *arena, struct err *e,
                      struct engine_list_entry **ret_entries, size_t *ret_count);

/* One line of GET /events, with and without the legacy keys. */
struct engine_event {
    const char *type;   /* "container", ... */
    const char *action; /* "start", "die", ...: what is before a colon */
    const char *id;     /* Actor.ID; "" where it is about none in particular ("prune") */
    uint64_t time_ns;   /* timeNano, 0 unknown */
    bool exit_given;    /* it tells how a container ended */
    int64_t exit_code;
};
int engine_parse_event(const char *json, size_t length, struct arena *arena, struct err *e,
                       struct engine_event *ret);

/* The "message" member of an error answer, or the text itself when it is not JSON; at most 200
 * bytes, one line. Never fails. */
const char *engine_parse_message(const char *body, size_t length, struct arena *arena);

#endif
