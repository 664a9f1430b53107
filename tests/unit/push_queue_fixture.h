/* A queue in a directory of its own, and records of which each says itself which one it is, so that
 * what comes out can be held against what went in. */
#ifndef WEIR_TESTS_PUSH_QUEUE_FIXTURE_H
#define WEIR_TESTS_PUSH_QUEUE_FIXTURE_H

#include "base/buf.h"
#include "base/clock.h"
#include "exporters/push_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_RECORDS_MAX 20000

struct queue_test {
    char parent[64];     /* made by queue_test_begin, removed by queue_test_end */
    char directory[128]; /* the queue's, below it */
    uint64_t now_ms;     /* what its clock says */
    struct clock clock;
    struct push_queue_options options;
    size_t body_bytes;    /* of every record; each is at least 8 */
    uint64_t appended;    /* records; the next one has this index */
    uint64_t received;    /* records */
    uint64_t got_samples; /* in them */
    uint64_t last;        /* index after the newest received one: order */
    bool seen[QUEUE_RECORDS_MAX];
};

struct queue_test *queue_test_begin(void);
void queue_test_end(struct queue_test *t);
void queue_remove_tree(const char *path);

struct push_queue *queue_open(struct queue_test *t);
/* Record `index`: its samples, its body, for which `ret` is empty. */
uint32_t queue_samples(uint64_t index);
uint64_t queue_samples_between(uint64_t first, uint64_t below);
void queue_body(const struct queue_test *t, uint64_t index, struct buf *ret);
/* Appends the next one; the result of push_queue_append. */
int queue_append(struct queue_test *t, struct push_queue *q);
void queue_append_many(struct queue_test *t, struct push_queue *q, uint64_t count);
/* Peeks one, holds it against what went in, and acks it where `ack`. The result of peek. */
int queue_take(struct queue_test *t, struct push_queue *q, bool ack, struct push_record *ret);
/* Until it is empty; how many. */
uint64_t queue_drain(struct queue_test *t, struct push_queue *q);
/* Forgets what was received. */
void queue_forget(struct queue_test *t);

struct push_queue_stats queue_stats(const struct push_queue *q);
uint64_t queue_dropped_records(const struct push_queue_stats *s);
uint64_t queue_dropped_samples(const struct push_queue_stats *s);
/* The sum of the sizes of the directory's files. */
uint64_t queue_disk_bytes(const struct queue_test *t);
/* How many segments there are; the path of the newest or the oldest. */
size_t queue_segments(const struct queue_test *t, bool newest, char ret_path[static 256]);
void queue_file(const struct queue_test *t, const char *name, char ret_path[static 256]);
void queue_copy(const char *from, const char *to);

#endif
