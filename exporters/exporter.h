/* What the exporters ask of the agent, and what the agent sees of them. */
#ifndef WEIR_EXPORTERS_EXPORTER_H
#define WEIR_EXPORTERS_EXPORTER_H

#include <stdint.h>

struct snapshot;

/* A wish for numbers that are fresh: it starts a round, joins a running one or is answered from a
 * young snapshot. */
struct demand {
    uint64_t deadline_ns; /* CLOCK_MONOTONIC by which the snapshot is wanted */
    /* Called once, from the loop and never from inside demand(): `snapshot` is valid during the
     * call; take a reference to keep it. */
    void (*done)(struct demand *self, struct snapshot *snapshot);
    struct demand *next; /* the source's own */
};

/* Where snapshots come from; the agent's rounds. */
struct snapshot_source {
    void *context;
    /* Takes the demand in; its memory is the caller's and must stay until done or withdraw. */
    void (*demand)(void *context, struct demand *d);
    /* The demand is not wanted any more; done will not be called. */
    void (*withdraw)(void *context, struct demand *d);
    /* The newest sealed snapshot, without a demand; NULL before the first. */
    struct snapshot *(*current)(void *context);
};

#endif
