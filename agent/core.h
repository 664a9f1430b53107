/* What `weir run`, `weir scrape` and `weir check` share: the loop, the log and a pipeline. */
#ifndef WEIR_AGENT_CORE_H
#define WEIR_AGENT_CORE_H

#include "agent/log.h"
#include "agent/pipeline.h"

#include <uv.h>

struct config;
struct part;

struct core {
    uv_loop_t loop;
    struct log log;
    struct pipeline *pipeline;
    uint64_t started_ms; /* since 1970 */
    /* May be NULL: adds points of whoever uses the core, before each seal. */
    void (*add_points)(void *context, struct part *part);
    void *context;
};

/* Fills `c` with a loop and the configured pipeline. 0, or a negative errno with the sentence
 * in `e`; nothing is left then. */
int core_init(struct core *c, const struct config *config, char *const environment[],
              struct err *e);
/* Closes the pipeline; the caller closes its own handles too, then calls core_done. Not from
 * inside a demand's done. */
void core_close(struct core *c);
/* Runs the loop until every handle is closed and ends it. 0, or -EBUSY with `e`: a handle was left
 * open. */
int core_done(struct core *c, struct err *e);

#endif
