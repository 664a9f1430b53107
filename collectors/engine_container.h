/* A container an engine knows, and its values: engine_stats.c. Shared by engine*.c and by nobody
 * else. */
#ifndef WEIR_COLLECTORS_ENGINE_CONTAINER_H
#define WEIR_COLLECTORS_ENGINE_CONTAINER_H

#include "collectors/engine_row.h"
#include "net/http_getter.h"

struct engine;
struct engine_life;

#define ENGINE_ID_LENGTH 64

/* A container an engine knows. */
struct engine_container {
    struct engine *engine;
    char id[ENGINE_ID_LENGTH + 1];
    const struct identity *identity; /* a reference; NULL until inspected */
    struct engine_spec spec;
    struct engine_life *life; /* owned; never NULL */
    enum container_state state;
    uint64_t seen_ns;           /* realtime when the engine last stood for it */
    struct http_exchange *call; /* its inspect or stats call under way: one at a time */
    uint64_t asked_ns;          /* CLOCK_MONOTONIC when that call began */
    bool late;                  /* the round that asked is over; no other waits for the answer */
    bool needs_inspect;         /* something changed since the last one */
    bool unwanted;              /* left out by include or exclude */
    bool listed;                /* in the list being compared */
    bool told;                  /* an event named it while the list was under way */
    uint64_t inspected_round;   /* the round in which it was last inspected, 0 none */
    uint64_t row_round;         /* the round it last got a row in */
    uint64_t problem_round;     /* the round its failure was last reported in */
    enum reason failure;        /* why it has no values in this round */
    enum reason doubt;          /* what its stats said in doubt_round, until inspect tells more */
    uint64_t doubt_round;
    uint64_t
        thrown_round; /* the round in which `thrown` answers were of nobody knows which instance */
    unsigned thrown;
    uint64_t retry_ns; /* CLOCK_MONOTONIC before which it is not asked again */
    unsigned timeouts; /* in a row */
    char *late_body;   /* an answer that came after its round, owned; NULL none */
    size_t late_length;
    uint64_t late_sampled_ns; /* CLOCK_MONOTONIC of that reading */
};

/* Keeps why it has no values and reports it; after a timeout it is left alone for a while. */
void engine_container_failed(struct engine_container *c, enum reason reason, const char *text);
/* Forgets an answer kept for the next round. */
void engine_drop_late(struct engine_container *c);
/* Asks for whatever a container needs in this round: inspect, stats, or nothing. */
void engine_read_container(struct engine_container *c);
/* A process of one of its containers was found here: this host's files are the engine's. A unix
 * socket alone does not say so, it may be forwarded from elsewhere. */
void engine_is_local(struct engine *e);
/* Does what the round needs of an engine that is set up: subscribe, list, or read every container.
 */
void engine_read_all(struct engine *e);
/* Gives every container without a row one that says why, the removed ones theirs, and says what
 * events told. */
void engine_finish_rows(struct engine *e);

#endif
