/* What a destination counts, and its metrics weir_push_*. */
#ifndef WEIR_EXPORTERS_PUSH_TALLY_H
#define WEIR_EXPORTERS_PUSH_TALLY_H

#include "exporters/push_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_post_result;
struct part;
struct push_queue_stats;

#define PUSH_CODES_MAX 16 /* different statuses told apart; a receiver has a handful */

struct push_tally {
    uint64_t sent; /* samples, as are the next three */
    uint64_t retried;
    uint64_t duplicate;
    uint64_t dropped[PUSH_DROPS]; /* by the lane; the queue counts its own */
    uint64_t rounds_dropped[PUSH_DROPS];
    uint64_t success_ms; /* since 1970; 0: never */
    uint64_t duration_ns;
    uint64_t unanswered; /* requests, as are those below */
    uint64_t other;
    size_t code_count;
    struct {
        int status;
        uint64_t count;
    } codes[PUSH_CODES_MAX];
};

/* What the points say beside the counts. */
struct push_tally_view {
    const char *destination;
    enum push_format in_force;
    const struct push_queue_stats *queue;
    uint64_t queue_max_bytes;
    uint64_t now_ms; /* since 1970 */
};

void push_tally_answer(struct push_tally *t, const struct http_post_result *result);
/* `whole`: they were all of a round. */
void push_tally_drop(struct push_tally *t, enum push_drop reason, uint64_t samples, bool whole);
void push_tally_points(const struct push_tally *t, const struct push_tally_view *view,
                       struct part *part);

#endif
