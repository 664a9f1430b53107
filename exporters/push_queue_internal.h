/* What the parts of a queue share. The order of its records is: the one held, those on disk from
 * `head` to `end`, those in memory. Document: docs/QUEUE.md. */
#ifndef WEIR_EXPORTERS_PUSH_QUEUE_INTERNAL_H
#define WEIR_EXPORTERS_PUSH_QUEUE_INTERNAL_H

#include "exporters/push_cursor.h"
#include "exporters/push_memory.h"
#include "exporters/push_queue.h"
#include "exporters/push_segment.h"

#define PUSH_LOCK_BYTES  ((size_t)16)
#define PUSH_FIXED_BYTES ((uint64_t)PUSH_CURSOR_BYTES + PUSH_LOCK_BYTES)
/* What these hold can be sent and saved when somebody removes the directory. */
#define PUSH_SEGMENTS_OPEN 32

struct push_queue {
    struct push_queue_options options; /* `directory` is owned */
    int directory_fd;                  /* -1: not there, or memory only */
    int lock_fd;
    struct push_cursor cursor;
    struct push_position saved; /* what the cursor says */

    struct push_segment *segments; /* by sequence; owned */
    size_t count;
    size_t capacity;
    size_t reading;         /* index of the one that `head` is in; those before are to be removed */
    uint64_t segment_bytes; /* of all of them */
    bool sealed;            /* nothing more may be written into the last one */

    struct push_position head; /* the first record that is not done with */
    struct push_position end;  /* the next record to be written */
    uint64_t offset;           /* in the segment of `reading`: where to look for the next record */
    uint64_t least;            /* which has at least this sequence */
    bool front_known;          /* the record of `head` was found, its header is `front` */
    struct push_header front;
    uint64_t front_offset;
    unsigned read_failures; /* one after the other, at the same place */
    struct push_memory memory;
    struct push_waiting *held; /* peeked, and its segment has been given up; or NULL */
    uint64_t under_way;        /* sequence of the record that was peeked; 0: none */
    uint32_t under_way_samples;
    uint64_t doubtful_below;         /* sequences that an earlier weir may have sent */
    uint64_t opened_end;             /* `end` when it was opened */
    struct push_queue_stats counted; /* the counters alone */
};

/* push_queue_disk.c: makes the directory and locks it. */
int push_disk_enter(struct push_queue *q, struct err *e);
/* It is there still, or is made again with what the open descriptors of removed files hold. */
int push_disk_reach(struct push_queue *q, struct err *e);
void push_disk_leave(struct push_queue *q);
int push_queue_list(struct push_queue *q, struct err *e); /* fills `segments` from the files */
int push_queue_scan(struct push_queue *q, struct err *e);

/* push_queue_segments.c */
struct push_segment *push_segments_add(struct push_queue *q, struct push_position first, int fd);
struct push_position push_segments_end(const struct push_queue *q, size_t index);
int push_segments_open(const struct push_queue *q, struct push_segment *s);
/* A new file, empty: its descriptor or the negative errno. */
int push_segments_create(const struct push_queue *q, uint64_t first);
int push_segments_unlink(const struct push_queue *q, uint64_t first);
void push_segments_close(struct push_segment *s);
void push_segments_limit_open(struct push_queue *q);
int push_queue_save(struct push_queue *q, struct err *e);
/* Removes the files of segments before `reading`, the cursor first. */
int push_segments_sweep(struct push_queue *q, struct err *e);
/* Segments are given up until `need` more bytes fit. */
int push_segments_make_room(struct push_queue *q, uint64_t need, struct err *e);
/* One record at the end of the files. */
int push_queue_write(struct push_queue *q, const struct push_waiting *w, struct err *e);
void push_queue_pass(struct push_queue *q, struct push_position to, enum push_drop reason);
void push_queue_drop_segment(struct push_queue *q, enum push_drop reason);
/* Finds the record of `head`. -ENODATA: none on disk. */
int push_queue_settle(struct push_queue *q, struct err *e);
int push_queue_read_front(struct push_queue *q, struct buf *ret, struct err *e);
struct push_record push_queue_front_record(const struct push_queue *q);
void push_queue_leave_front(struct push_queue *q);
void push_queue_hold_front(struct push_queue *q);

#endif
