/* What `weir run` and `weir scrape` share: the loop, the tiers and the rounds. */
#ifndef WEIR_AGENT_CORE_H
#define WEIR_AGENT_CORE_H

#include "agent/log.h"
#include "agent/problems.h"
#include "agent/rounds.h"

#include <uv.h>

struct cascade;
struct config;
struct part;

/* What there is of RLIMIT_NOFILE, and what it is for. */
struct descriptors {
    uint64_t wanted;       /* for connections and the kept files that the configuration asks for */
    uint64_t allowed;      /* the soft limit, after it was raised as far as it goes */
    uint64_t files_wanted; /* kernel files kept open, of those: none without the cgroup tier */
    size_t files;          /* how many of them fit below the limit */
};

struct core {
    uv_loop_t loop;
    struct log log;
    struct cascade *cascade;
    struct rounds *rounds;
    struct problems problems;
    struct descriptors descriptors;
    char *state_directory; /* owned; "": names are not remembered */
    uint64_t started_ms;   /* since 1970 */
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
