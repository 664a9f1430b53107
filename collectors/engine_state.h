/* All that is known of one engine. Shared by engine*.c and by nobody else. */
#ifndef WEIR_COLLECTORS_ENGINE_STATE_H
#define WEIR_COLLECTORS_ENGINE_STATE_H

#include "base/err.h"
#include "collectors/engine_container.h"
#include "collectors/engine_events.h"
#include "collectors/engine_host.h"

struct engine_collector;
struct engine_removed;
struct engine_resources;
struct timer;

/* Where setting up stands; each step is one call. */
enum engine_phase {
    ENGINE_DOWN,
    ENGINE_ASKING_VERSION,
    ENGINE_ASKING_INFO,
    ENGINE_SUBSCRIBING,
    ENGINE_LISTING,
    ENGINE_READY,
};

struct engine {
    struct engine_collector *collector;
    struct engine *next;
    struct engine_endpoint endpoint;
    struct http_getter *getter;
    enum engine_phase phase;
    struct http_exchange *setup;  /* version, info or list under way */
    uint64_t setup_ns;            /* CLOCK_MONOTONIC when the step under way began */
    bool setup_late;              /* no round waits for it */
    bool setup_doubtful;          /* it timed out last time: the next try is not waited for */
    struct http_exchange *events; /* the event stream */
    bool events_live;
    uint64_t streams;                          /* how often it began: a number for each */
    uint64_t event_counts[ENGINE_EVENT_KINDS]; /* of all streams together */
    bool events_doubtful; /* it did not begin in time: no round waits for the next try */
    char events_failure[ERR_TEXT_MAX]; /* why there is none */
    uint64_t events_retry_ns; /* CLOCK_MONOTONIC before which it is not subscribed to again */
    bool list_again;  /* events since the newest list may have been missed: it is read anew */
    bool inspect_all; /* events may have been missed: every container is looked at anew */
    struct engine_facts facts; /* of the last time it was set up in full: rows are made from it */
    struct arena facts_arena;
    struct engine_facts heard; /* while it is set up: what it has said so far */
    struct arena heard_arena;
    char prefix[16];                      /* "/v1.41" */
    struct engine_container **containers; /* sorted by id */
    size_t container_count;
    size_t container_capacity;
    struct engine_removed *removed; /* oldest first; engine_removed.c */
    size_t removed_count;
    size_t removed_capacity;
    struct engine_resources *resources; /* engine_resources.c */
    bool too_many;                      /* the list was longer than ENGINE_CONTAINERS_MAX */
    uint64_t listed_ns;                 /* CLOCK_MONOTONIC of the last list */
    uint64_t away_ns; /* CLOCK_MONOTONIC of the first round that found it away; 0: it is not */

    /* this round */
    bool in_round;
    size_t pending; /* calls the round waits for */
    bool answered;  /* something came, even an error */
    bool good;      /* an answer came in whole, whatever it says */
    bool timed_out;

    /* why it is down */
    enum reason failure;
    char failure_text[ERR_TEXT_MAX];

    /* the circuit breaker */
    bool suspect;
    uint64_t probe_delay_ms;
    struct timer *probe_timer;
    bool probe_armed; /* probe_timer runs */
    struct http_exchange *probe;
};

#endif
