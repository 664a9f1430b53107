/* The engine tier's own structs, shared by engine*.c and by nobody else. */
#ifndef WEIR_COLLECTORS_ENGINE_INTERNAL_H
#define WEIR_COLLECTORS_ENGINE_INTERNAL_H

#include "base/err.h"
#include "collectors/collector.h"
#include "collectors/container_identity.h"
#include "collectors/engine_host.h"
#include "collectors/engine_row.h"
#include "net/http_get.h"

struct engine;
struct timer;

#define ENGINE_ID_LENGTH 64

/* A container an engine knows. */
struct engine_container {
    struct engine *engine;
    char id[ENGINE_ID_LENGTH + 1];
    const struct identity *identity; /* a reference; NULL until inspected */
    struct engine_spec spec;
    enum container_state state;
    uint64_t seen_ns;           /* realtime when the engine last stood for it */
    struct http_exchange *call; /* its inspect or stats call under way: one at a time */
    bool late;                  /* the round that asked is over; no other waits for the answer */
    bool needs_inspect;         /* something changed since the last one */
    bool unwanted;              /* left out by include or exclude */
    bool listed;                /* in the list being compared */
    uint64_t row_round;         /* the round it last got a row in */
    uint64_t problem_round;     /* the round its failure was last reported in */
    enum reason failure;        /* why it has no values in this round */
    uint64_t retry_ns;          /* CLOCK_MONOTONIC before which it is not asked again */
    unsigned timeouts;          /* in a row */
    char *late_body;            /* an answer that came after its round, owned; NULL none */
    size_t late_length;
    uint64_t late_sampled_ns; /* CLOCK_MONOTONIC of that reading */
};

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
    bool setup_late;              /* no round waits for it */
    bool setup_doubtful;          /* it timed out last time: the next try is not waited for */
    struct http_exchange *events; /* the event stream */
    bool events_live;
    uint64_t events_retry_ns; /* CLOCK_MONOTONIC before which it is not subscribed to again */
    bool inspect_all;         /* events may have been missed: every container is looked at anew */
    struct arena facts_arena;
    struct engine_facts facts;
    char prefix[16];                      /* "/v1.41" */
    struct engine_container **containers; /* sorted by id */
    size_t container_count;
    size_t container_capacity;
    bool too_many;       /* the list was longer than ENGINE_CONTAINERS_MAX */
    uint64_t listed_ns;  /* CLOCK_MONOTONIC of the last list */
    uint64_t contact_ns; /* CLOCK_MONOTONIC of the last answer */

    /* this round */
    bool in_round;
    size_t pending; /* calls the round waits for */
    size_t asked;   /* containers whose values were wanted */
    bool answered;  /* something came, even an error */
    bool good;      /* values came */
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

struct engine_collector {
    struct collector collector; /* first: the cascade sees it as this */
    struct collector_options options;
    bool discovers; /* no host is configured: look for new sockets now and then */
    uint64_t discovered_ns;
    struct engine *engines;
    struct arena scratch; /* one answer at a time */
    struct label_drops drops;
    struct timer *finish; /* ends a round outside collect */

    struct part *part; /* NULL between rounds */
    struct round round;
    void (*done)(void *context);
    void *done_context;
};

/* engine.c */
/* A call begins: is it one that the round waits for? False between rounds and for what timed out
 * last time (`doubtful`). */
bool engine_call_begun(struct engine *e, bool doubtful);
/* A call the round waits for has ended; ends the engine's round when it was the last. Must be the
 * caller's last act: the next round may begin inside. */
void engine_call_ended(struct engine *e);
/* The monotonic time. */
uint64_t engine_now(const struct engine *e);
/* Reports a failure of this round; between rounds it is dropped, the next round meets it again. */
void engine_problem(struct engine *e, enum reason reason, const char *text);
/* What every answer says about the engine's health. */
void engine_note_answer(struct engine *e, const struct http_result *result);

/* engine_setup.c */
/* Makes the client. 0, or a negative errno with the sentence. */
int engine_open(struct engine *e, struct err *err);
/* Begins with the version and goes on to READY. */
void engine_connect(struct engine *e);
/* Subscribes to events, then lists. */
void engine_subscribe(struct engine *e);
/* Drops every call and everything said by the engine but its containers. */
void engine_down(struct engine *e, enum reason reason, const char *text);
/* Gives up waiting for it: asks /_ping in the background until it is back. */
void engine_suspect(struct engine *e);
void engine_trust(struct engine *e);
void engine_stop_probe(struct engine *e);
void engine_resume_probe(struct engine *e);

/* engine_inventory.c */
void engine_list(struct engine *e);
void engine_handle_event(void *context, const char *line, size_t length);
void engine_inspect(struct engine_container *c);
void engine_forget(struct engine *e);

/* engine_stats.c */
/* Keeps why it has no values and reports it; after a timeout it is left alone for a while. */
void engine_container_failed(struct engine_container *c, enum reason reason, const char *text);
/* Asks for whatever a container needs in this round: inspect, stats, or nothing. */
void engine_read_container(struct engine_container *c);
void engine_read_all(struct engine *e);
/* Gives every container without a row one that says why. */
void engine_finish_rows(struct engine *e);

#endif
