/* The requests of one destination that wait for their answer: segments on disk, or memory alone.
 * One record is one round, or a part of a large one. Blocking: called from one thread at a time,
 * never from the loop. The format of the files: docs/QUEUE.md. */
#ifndef WEIR_EXPORTERS_PUSH_QUEUE_H
#define WEIR_EXPORTERS_PUSH_QUEUE_H

#include "exporters/push_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct clock;
struct err;
struct push_queue; /* opaque */

/* When what was written is told to go to the disk itself (fdatasync). A killed process loses
 * nothing in any case; a power cut may lose what the kernel still held. */
enum push_sync {
    PUSH_SYNC_NEVER,
    PUSH_SYNC_SEGMENT, /* when a segment is full */
    PUSH_SYNC_RECORD,  /* after every record */
};

struct push_queue_options {
    const char *directory;     /* this queue's own, made if it is not there; NULL: memory only */
    uint64_t max_bytes;        /* of all its files, or of memory without a directory */
    uint64_t max_age_ms;       /* of a record */
    uint64_t max_memory_bytes; /* of records that wait in memory while the disk takes none */
    enum push_sync sync;
    const struct clock *clock;
};

struct push_record {
    uint64_t sequence; /* set by the queue: from 1, rising by 1 */
    uint64_t time_ms;  /* of the round, since 1970 */
    uint32_t samples;
    enum push_format format;
    enum push_coding coding;
    bool doubtful; /* set by push_queue_peek: an earlier weir may have sent it, its answer is not
                      known */
};

struct push_queue_stats {
    uint64_t bytes;          /* of its files, or of memory */
    uint64_t memory_bytes;   /* of records that wait for the disk */
    uint64_t records;        /* that wait, the one under way among them */
    uint64_t samples;        /* in them */
    uint64_t oldest_ms;      /* time_ms of the oldest, 0: none waits */
    uint64_t queued_samples; /* ever appended since it was opened */
    uint64_t dropped_samples[PUSH_DROPS];
    uint64_t dropped_records[PUSH_DROPS];
};

/* Opens or makes it, and takes it for itself (flock). What a crash left is put in order: a torn end
 * is cut off after the last good record, a damaged record is passed over, both are counted. 0, or a
 * negative errno with the sentence: -EBUSY: another process has it. */
int push_queue_open(const struct push_queue_options *options, struct err *e,
                    struct push_queue **ret);
/* Puts a record behind the others; older ones give way to the caps, counted. The body is copied. It
 * is accounted for in any case: in the queue, or dropped with a reason. 0, or a negative errno with
 * the sentence when the disk did not take it: it waits in memory then, or was dropped. */
int push_queue_append(struct push_queue *q, const struct push_record *record, const char *body,
                      size_t length, struct err *e);
/* The oldest record and its body, appended to `ret_body`. It stays until push_queue_ack, and is not
 * given up by the caps until then. 0; -ENODATA: none; any other errno: it cannot be read now. */
int push_queue_peek(struct push_queue *q, struct push_record *ret, struct buf *ret_body,
                    struct err *e);
/* That record is done with, sent or given up: the cursor moves past it. */
int push_queue_ack(struct push_queue *q, uint64_t sequence, struct err *e);
/* Applies the cap in age. */
void push_queue_expire(struct push_queue *q);
void push_queue_stats(const struct push_queue *q, struct push_queue_stats *ret);
/* Closes the files; records in memory are lost and counted to nobody: look at the stats before.
 * NULL is allowed. */
void push_queue_close(struct push_queue *q);

#endif
