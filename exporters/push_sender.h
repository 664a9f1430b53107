/* What a lane sends: the oldest record, whole or in pieces, until it has its answer, then the next;
 * before the first of remote write 2 a probe, and now and then metadata. */
#ifndef WEIR_EXPORTERS_PUSH_SENDER_H
#define WEIR_EXPORTERS_PUSH_SENDER_H

#include "exporters/push_work.h"

struct push_lane;

enum sender_state {
    SENDER_EMPTY,     /* nothing waits */
    SENDER_READY,     /* the thread is to prepare the next request, */
    SENDER_PREPARING, /* and does */
    SENDER_REQUEST,   /* its answer is waited for */
    SENDER_PAUSE,     /* before it is tried again */
    SENDER_OFF,       /* nothing is sent any more */
};

struct push_sender {
    enum sender_state state;
    struct http_post *post;
    struct timer *pause;
    enum push_task task; /* what is prepared, or was for the request under way */
    bool waiting;        /* the queue may have records beside the one in `parts` */
    uint64_t ack;        /* the record that is done with, 0: none */
    uint32_t leaving;    /* samples of the one that the thread is to let go of */
    struct push_record record;
    struct push_part *parts; /* of it, what has no answer yet; the last is sent first */
    size_t part_count;
    size_t part_capacity;
    bool too_large;         /* that part is to be split */
    struct push_part small; /* a probe or metadata */
    unsigned attempts;      /* of the request, that failed */
    unsigned failures;      /* in vain to prepare one, in a row */
    bool doubtful;          /* that part may have arrived */
    uint64_t random;
    enum push_format in_force; /* what rounds are encoded as */
    bool probed;               /* the receiver knows remote write 2 */
    bool succeeded;
    bool metadata_refused;
    size_t metadata_at;
    uint64_t metadata_due_ns; /* CLOCK_MONOTONIC */
    struct arena scratch;     /* of one request */
};

/* The state must be zero. 0, or a negative errno with the sentence. */
int sender_open(struct push_lane *l, const struct push_lane_options *options, struct err *e);
void sender_close(struct push_lane *l);
/* A record was queued. */
void sender_wake(struct push_lane *l);
/* What the next job is to do for it; false: nothing. */
bool sender_order(struct push_lane *l, struct push_work *w);
/* That job has begun. */
void sender_ordered(struct push_lane *l);
/* That job has ended. */
void sender_prepared(struct push_lane *l, struct push_work *w);
/* The lane is to end: no pause any more. */
void sender_hurry(struct push_lane *l, bool once_more);
/* Nothing is sent any more; a request under way is cancelled. */
void sender_cut(struct push_lane *l);
/* Samples that were answered, and that the stats of the queue still have. */
uint64_t sender_answered(const struct push_lane *l);

/* --- push_judge.c: what an answer changes --- */

/* http_post_request.done; the context is the lane. */
void sender_judge(void *lane, const struct http_post_result *result);
/* The part that was sent is done with. */
void sender_part_done(struct push_lane *l);
/* The part cannot be sent, for a reason of ours. */
void sender_part_drop(struct push_lane *l, enum push_drop reason, const char *why);
/* Metadata is due again after its period, from the first family on. */
void sender_metadata_later(struct push_lane *l);
/* The request is tried again. `failures`: how often it was in vain. */
void sender_pause(struct push_lane *l, unsigned failures, uint64_t retry_after_ms);

#endif
