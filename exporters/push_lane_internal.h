/* The parts of a lane: rounds come in (push_lane_round.c), requests go out (push_sender.h), both by
 * jobs of one thread (push_work.h), until it ends (push_lane_stop.c). */
#ifndef WEIR_EXPORTERS_PUSH_LANE_INTERNAL_H
#define WEIR_EXPORTERS_PUSH_LANE_INTERNAL_H

#include "exporters/push_sender.h"
#include "exporters/push_tally.h"
#include "exporters/push_trouble.h"

enum lane_phase {
    LANE_RUNS,
    LANE_ENDS,   /* no more rounds; what is queued is sent */
    LANE_CLOSES, /* nothing is sent any more; the queue is closed */
};

struct push_lane {
    struct push_lane_options options; /* texts in the arena; without what others took over */
    struct arena arena;
    enum lane_phase phase;
    struct worker *worker;
    struct push_work *work;
    struct push_queue_stats stats; /* as the last job left them */
    struct push_tally tally;
    struct push_troubles troubles;
    struct push_sender sender;

    /* rounds */
    struct timer *tick;
    uint64_t slot; /* of the last tick: intervals since 1970, less the phase */
    struct demand demand;
    bool demanded;
    bool expire;
    struct snapshot *previous; /* what was queued last; a reference, as is the next */
    struct snapshot *current;  /* what is to be queued; NULL: the end of all series */
    bool append;               /* a round is to be queued, */
    bool appending;            /* and the thread does */
    bool last;                 /* the end of all series is to be queued still */
    uint64_t last_ns;          /* the time of the newest record */

    /* its end */
    struct timer *limit;
    void (*stopped)(void *context);
    void *stopped_context;
};

/* Gives the thread its next job, if it has none. What happens calls it. */
void lane_turn(struct push_lane *l);
uint64_t lane_now_ns(const struct push_lane *l); /* CLOCK_MONOTONIC */
uint64_t lane_now_ms(const struct push_lane *l); /* since 1970 */

void lane_log(struct push_lane *l, enum push_severity severity, const char *text,
              const char *detail);
bool lane_trouble_due(struct push_lane *l, enum push_trouble_kind kind, int code);
/* The same, and logs `text` if a line is due. */
void lane_trouble(struct push_lane *l, enum push_trouble_kind kind, int code, const char *text,
                  const char *detail);
/* As push_trouble_end, and logs that it is over if a line is due. */
void lane_well(struct push_lane *l, enum push_trouble_kind kind);

/* --- push_lane_round.c --- */
void lane_round_open(struct push_lane *l);
/* No more of them but, where `last`, the end of all series. */
void lane_round_stop(struct push_lane *l, bool last);
/* Lets go of everything. */
void lane_round_close(struct push_lane *l);
bool lane_round_order(struct push_lane *l, struct push_work *w);
void lane_round_ordered(struct push_lane *l);
void lane_round_queued(struct push_lane *l, struct push_work *w);

/* --- push_lane_stop.c --- */
/* Would what is queued be lost if the lane ended now? */
bool lane_is_volatile(const struct push_lane *l);
bool lane_stop_order(struct push_lane *l, struct push_work *w);
/* Everything is closed, the lane is freed and whoever waits is told. */
void lane_stop_finish(struct push_lane *l);

#endif
