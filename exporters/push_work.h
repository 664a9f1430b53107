/* What a lane has its thread do: one job after the other, each some steps in one order. Between the
 * jobs all of it is the loop's, during one the thread's. Document: docs/PUSH.md. */
#ifndef WEIR_EXPORTERS_PUSH_WORK_H
#define WEIR_EXPORTERS_PUSH_WORK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "exporters/push_lane.h"

#include <pthread.h>

/* What is prepared for the next request; each but NONE reads the authorization too. */
enum push_task {
    PUSH_TASK_NONE,
    PUSH_TASK_PEEK,     /* the oldest record */
    PUSH_TASK_SPLIT,    /* `subject` in two */
    PUSH_TASK_CONVERT,  /* `subject`, of remote write 2, to version 1 */
    PUSH_TASK_PROBE,    /* the empty request of remote write 2 */
    PUSH_TASK_METADATA, /* the families from `metadata_at` on */
    PUSH_TASK_SEND,     /* nothing more: what is there is sent (again) */
};

/* A request: the record, or a piece of it. */
struct push_part {
    struct buf body; /* as it goes over the wire */
    uint32_t samples;
    enum push_format format;
    enum push_coding coding;
};

struct push_work {
    void *owner;              /* whose orders they are; not the thread's */
    struct push_queue *queue; /* NULL: closed */
    struct push_secrets *secrets;
    uint64_t samples_most; /* of a record; fewer once those did not fit into a request */
    struct push_encode_options encode;
    struct arena arena; /* the texts of `encode` */
    pthread_mutex_t lock;
    bool abandoned; /* under the lock: snapshots are not to be looked at any more */

    /* the order, in this order */
    uint64_t ack; /* a sequence, or 0 */
    bool append, expire;
    struct push_round round;
    struct push_record kind; /* format, coding and time_ms of what is appended */
    enum push_task task;
    struct push_part subject; /* owned during the job */
    size_t metadata_at;
    bool close; /* the queue */

    /* what came of it; an err of each step */
    struct err acked;
    int encoded;       /* of append: 0, or what push_encode said: the rest was not appended */
    unsigned records;  /* that the round became: one, or more where it is large */
    bool given_up;     /* the queue could not even keep one of them in memory */
    struct err queued; /* what the disk said */
    int prepared;      /* of task: 0 or a negative errno */
    struct err task_error;
    struct err unlocked;       /* of the secrets */
    struct push_record record; /* peeked */
    struct push_part parts[2]; /* of task: one, of SPLIT two; given to the loop */
    struct buf authorization;  /* the whole header, or empty */
    struct push_queue_stats stats;
};

/* Owns what it is given, and copies the external labels. */
struct push_work *push_work_new(const struct push_encode_options *encode, struct push_queue *queue,
                                struct push_secrets *secrets);
/* Does what is ordered, on the thread. */
void push_work_run(void *work);
/* Empties the order and what came of it. */
void push_work_clear(struct push_work *w);
/* A job under way looks at no snapshot any more; waits while it does, which no disk makes long. */
void push_work_abandon(struct push_work *w);
/* Closes the queue if it is open, and frees all. Any thread. */
void push_work_free(void *work);
void push_part_done(struct push_part *part);

#endif
