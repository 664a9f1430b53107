/* What a tier offers the cascade. A collector knows one source and nothing of HTTP serving or of
 * metric names as text. A new one is one file with one function that makes it, and one line in
 * collectors.c. */
#ifndef WEIR_COLLECTORS_COLLECTOR_H
#define WEIR_COLLECTORS_COLLECTOR_H

#include "base/snapshot.h"
#include "collectors/collector_options.h"

#include <stdint.h>

struct collector;
struct err;

/* One round, as the tiers see it. */
struct round {
    uint64_t number;      /* counts from 1 */
    uint64_t begun_ns;    /* CLOCK_MONOTONIC */
    uint64_t deadline_ns; /* CLOCK_MONOTONIC by which the tier should be done; it is sealed then
                             anyway */
};

enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL };

/* Takes the lines of `weir check`. `subject` is what was looked at ("cgroup: memory"), `text` what
 * was found and, where it is not well, the mend. */
struct check_sink {
    void *context;
    void (*line)(void *context, enum check_result result, const char *subject, const char *text);
};

/* Each kind of collector fills this table; `self` is its own struct, which begins with a struct
 * collector. All calls come on the loop thread. */
struct collector_kind {
    const char *name; /* the label collector=, e.g. "engine" */
    enum tier tier;
    /* Can it work here at all? 0, or a negative errno with why not in `e` (may be NULL). Asked
     * once, at start. */
    int (*check)(struct collector *self, struct err *e);
    /* Says of everything it needs whether it is there, after a round was sealed. May block. */
    void (*examine)(struct collector *self, const struct check_sink *sink);
    /* Fills `part` (empty) with every container it knows, live ones with their values, values it
     * could not read with the reason, and every failure as a problem. Calls `done` once, from the
     * loop and never from inside collect. */
    void (*collect)(struct collector *self, const struct round *round, struct part *part,
                    void (*done)(void *context), void *context);
    /* The round seals now: brings what it has into the part, says of the rest that it is late, and
     * forgets part and done. Calls that are under way go on for the next round. */
    void (*cancel)(struct collector *self);
    /* Nobody asked for a while: lets go of connections and descriptors. */
    void (*close_idle)(struct collector *self);
    /* Ends it: every handle closes, then it is freed. The pointer is invalid at once. */
    void (*close)(struct collector *self);
};

struct collector {
    const struct collector_kind *kind;
    /* Set by the cascade: call it when something changed at the source, so that a snapshot just
     * taken is stale. */
    void (*changed)(void *context);
    void *changed_context;
};

#endif
