/* What `weir run` and `weir scrape` share: the loop, the tiers and the rounds. */
#ifndef WEIR_AGENT_CORE_H
#define WEIR_AGENT_CORE_H

#include "agent/log.h"
#include "agent/problems.h"
#include "agent/rounds.h"

#include <uv.h>

struct cascade;
struct part;

struct core {
    uv_loop_t loop;
    struct log log;
    struct cascade *cascade;
    struct rounds *rounds;
    struct problems problems;
    uint64_t started_ms; /* since 1970 */
    /* May be NULL: adds points of whoever uses the core, before each seal. */
    void (*add_points)(void *context, struct part *part);
    void *context;
};

/* Fills `c` with a loop, the configured tiers and rounds. 0, or a negative errno with the sentence
 * in `e`; nothing is left then. */
int core_init(struct core *c, const struct config *config, char *const environment[],
              struct err *e);
/* Closes tiers and rounds; the caller closes its own handles too, then calls core_done. Not from
 * inside a demand's done. */
void core_close(struct core *c);
/* Runs the loop until every handle is closed and ends it. 0, or -EBUSY with `e`: a handle was left
 * open. */
int core_done(struct core *c, struct err *e);

#endif
