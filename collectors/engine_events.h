/* What engines tell of in their event stream: what happened to which kind of object, counted.
 * Shared by engine*.c and by nobody else. */
#ifndef WEIR_COLLECTORS_ENGINE_EVENTS_H
#define WEIR_COLLECTORS_ENGINE_EVENTS_H

#include "base/snapshot.h"
#include "collectors/engine_parse.h"

/* Every kind that is counted by itself: id, type, action, another word for the action. Docker's
 * words, and Podman's beside them where it has its own. Anything else is "other". */
#define ENGINE_EVENT_LIST(M)                               \
    M(CONTAINER_CREATE, "container", "create", "")         \
    M(CONTAINER_START, "container", "start", "")           \
    M(CONTAINER_RESTART, "container", "restart", "")       \
    M(CONTAINER_PAUSE, "container", "pause", "")           \
    M(CONTAINER_UNPAUSE, "container", "unpause", "")       \
    M(CONTAINER_RENAME, "container", "rename", "")         \
    M(CONTAINER_UPDATE, "container", "update", "")         \
    M(CONTAINER_HEALTH, "container", "health_status", "")  \
    M(CONTAINER_KILL, "container", "kill", "")             \
    M(CONTAINER_OOM, "container", "oom", "")               \
    M(CONTAINER_STOP, "container", "stop", "")             \
    M(CONTAINER_DIE, "container", "die", "died")           \
    M(CONTAINER_DESTROY, "container", "destroy", "remove") \
    M(CONTAINER_PRUNE, "container", "prune", "")           \
    M(CONTAINER_OTHER, "container", "other", "")           \
    M(IMAGE_CREATE, "image", "create", "build")            \
    M(IMAGE_PULL, "image", "pull", "")                     \
    M(IMAGE_LOAD, "image", "load", "loadfromarchive")      \
    M(IMAGE_IMPORT, "image", "import", "")                 \
    M(IMAGE_TAG, "image", "tag", "")                       \
    M(IMAGE_UNTAG, "image", "untag", "")                   \
    M(IMAGE_DELETE, "image", "delete", "remove")           \
    M(IMAGE_PRUNE, "image", "prune", "")                   \
    M(IMAGE_OTHER, "image", "other", "")                   \
    M(VOLUME_CREATE, "volume", "create", "")               \
    M(VOLUME_DESTROY, "volume", "destroy", "remove")       \
    M(VOLUME_PRUNE, "volume", "prune", "")                 \
    M(VOLUME_OTHER, "volume", "other", "")                 \
    M(NETWORK_CREATE, "network", "create", "")             \
    M(NETWORK_DESTROY, "network", "destroy", "remove")     \
    M(NETWORK_PRUNE, "network", "prune", "")               \
    M(NETWORK_OTHER, "network", "other", "")               \
    M(OTHER, "other", "other", "")

#define ENGINE_EVENT_ENUM(id, ...) ENGINE_EVENT_##id,
enum engine_event_kind { ENGINE_EVENT_LIST(ENGINE_EVENT_ENUM) ENGINE_EVENT_KINDS };

/* Which of them it is. */
enum engine_event_kind engine_event_kind(const struct engine_event *event);

#endif
