/* Rounds: collection driven by demand. Joins, reuses, protects the host by a bucket, keeps the
 * deadline, publishes. Document: docs/ARCHITECTURE.md, "Rounds". */
#ifndef WEIR_AGENT_ROUNDS_H
#define WEIR_AGENT_ROUNDS_H

#include "exporters/exporter.h"

#include <stdint.h>

struct cascade;
struct clock;
struct part;
struct rounds; /* opaque */
struct uv_loop_s;

struct rounds_options {
    struct uv_loop_s *loop;
    const struct clock *clock;
    struct cascade *cascade; /* not owned; must outlive the rounds */
    uint64_t max_age_ms;     /* 0: no reuse and no bucket, every demand gets a round of its own */
    uint64_t timeout_ms;     /* the longest a round may take */
    /* Called before a round is sealed: adds what the agent says of itself. `begun_ns` is when the
     * round began (CLOCK_MONOTONIC). */
    void (*add_points)(void *context, struct part *part, uint64_t begun_ns);
    /* Called after a round was sealed and before its demands are answered. */
    void (*sealed)(void *context, struct snapshot *snapshot);
    void *context;
};

struct rounds *rounds_new(const struct rounds_options *options);
/* Seals nothing more, answers nobody, frees it. The pointer is invalid at once. NULL is allowed. */
void rounds_close(struct rounds *r);
/* For those who make demands; valid as long as the rounds are. */
struct snapshot_source rounds_source(struct rounds *r);
/* Something changed at a source: the newest snapshot is not reused any more. */
void rounds_mark_stale(struct rounds *r);

#endif
