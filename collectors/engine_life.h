/* How a container does beside its values: how it ended, how often it was restarted, whether it is
 * healthy, what it was made from; from inspect and, sooner, from events. Shared by engine*.c and by
 * nobody else. */
#ifndef WEIR_COLLECTORS_ENGINE_LIFE_H
#define WEIR_COLLECTORS_ENGINE_LIFE_H

#include "base/identity.h"
#include "collectors/engine_events.h"

struct engine;
struct engine_container;

/* OOM kills told of in one instance. */
struct engine_kills {
    uint64_t count;
    uint64_t heard_ns; /* CLOCK_MONOTONIC of the last, 0 never */
    uint64_t stream;   /* the subscription that has told of the instance since it began or was first
                          seen; 0 none has */
    bool whole;        /* since it began */
};

/* One allocation with its texts, freed by free(). */
struct engine_life {
    bool exit_given; /* the newest run has ended, with exit_code */
    bool oom_killed;
    enum engine_health health;
    int64_t exit_code;
    uint64_t finished_ns; /* realtime; 0: no run has ended */
    uint64_t restarts;
    uint64_t failing_streak;
    uint64_t inspected_ns; /* CLOCK_MONOTONIC of the inspect */
    uint64_t kills_before; /* told of in instances that are over, also those no inspect has seen */
    struct engine_kills kills;
    bool begun;                /* a start event told of a newer instance than inspect has shown */
    struct engine_kills newer; /* in that one */
    /* Texts of weir_container_info. */
    const char *image_id, *ports, *mounts, *network_mode;
};

/* A container that is no more, and how it ended. */
struct engine_removed {
    const struct identity *identity; /* a reference */
    struct engine_life *life;        /* owned */
    uint64_t removed_ns;             /* CLOCK_MONOTONIC when that was heard of */
    uint64_t row_round;              /* the round it last got a row in */
};

/* The life of a container of which nothing is known yet. */
struct engine_life *engine_life_new(void);
/* Takes what inspect says. The container's identity is who it was until now, NULL when this is its
 * first inspect. */
void engine_life_inspected(struct engine_container *c, const struct engine_inspect *inspect);
/* What an event about the container says of it. */
void engine_life_hear(const struct engine *e, struct engine_life *life,
                      const struct engine_event *event, enum engine_event_kind kind);
/* Does the engine tell of every OOM kill of this instance? */
bool engine_life_is_heard(const struct engine *e, const struct engine_life *life);
/* May its failing streak be another one by now, without an event? */
bool engine_life_is_outdated(const struct engine *e, const struct engine_life *life);
/* Was the last look at it so long ago that an event may have been lost? */
bool engine_life_is_old(const struct engine *e, const struct engine_life *life);
/* Is a container in this state told of still, `keep_stopped_ms` after its end? */
bool engine_life_is_shown(const struct engine *e, const struct identity *identity,
                          enum container_state state, const struct engine_life *life);
/* The LIFE group of the row, whose identity and state are set, and the OOM kills told of. Texts are
 * copied into `arena`. */
void engine_life_fill(const struct engine *e, const struct engine_life *life, struct arena *arena,
                      struct container_row *row);

/* --- engine_life_text.c, pure --- */

/* "80/tcp->0.0.0.0:8080,443/tcp" and "bind:/data,volume:/var/lib/x", sorted, of at most
 * LABEL_VALUE_MAX bytes: what is longer ends in ",..." after a whole entry. In `arena`. */
const char *engine_life_ports(const struct engine_inspect *inspect, struct arena *arena);
const char *engine_life_mounts(const struct engine_inspect *inspect, struct arena *arena);
/* The mode without places on the host ("ns:/run/netns/x" is "ns"). In `arena`. */
const char *engine_life_network(const struct engine_inspect *inspect, struct arena *arena);

#endif
