/* The collector and its round: engine.c. Shared by engine*.c and by nobody else. */
#ifndef WEIR_COLLECTORS_ENGINE_ROUND_H
#define WEIR_COLLECTORS_ENGINE_ROUND_H

#include "base/clock.h"
#include "collectors/collector.h"
#include "collectors/container_identity.h"
#include "collectors/engine_state.h"

/* An engine is not blamed for what it does not answer sooner: a one-shot answer may have to wait
 * for a one-second tick. A round that was cut shorter leaves its calls to the next one, which waits
 * for them. */
#define ENGINE_FAIR_WAIT_NS (1500 * NS_PER_MS)

struct engine_collector {
    struct collector collector; /* first: the cascade sees it as this */
    struct collector_options options;
    bool discovers; /* no host is configured: look for new sockets now and then */
    uint64_t discovered_ns;
    struct engine *engines;
    struct arena scratch; /* one answer at a time */
    struct timer *finish; /* ends a round outside collect */

    struct part *part; /* NULL between rounds */
    struct round round;
    void (*done)(void *context);
    void *done_context;
};

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
/* Does this failure mean that nothing can be reached there any more? */
bool engine_unreachable(enum reason reason);
/* What `weir check` says of every engine. */
void engine_examine(struct collector *c, const struct check_sink *sink);
/* What the result of a parser that failed is called. */
enum reason engine_parse_reason(int result);

#endif
