/* What is remembered of each container from round to round: a hash table keyed by
 * container. */
#ifndef WEIR_COLLECTORS_HISTORY_H
#define WEIR_COLLECTORS_HISTORY_H

#include "base/identity.h"
#include "collectors/cpu_history.h"

#include <stddef.h>
#include <stdint.h>

#define HISTORY_UNSEEN_MAX_NS UINT64_C(300000000000) /* 5 min: as old as a CPU baseline may be */

struct history {
    struct history *next;            /* in its bucket */
    const struct identity *identity; /* a reference, to the instance seen last */
    uint64_t hash;                   /* of its key */
    uint64_t round;                  /* the table's round it was seen in last */
    uint64_t seen_ns;                /* CLOCK_MONOTONIC when that round ended */
    uint64_t birth;                  /* of its control group, 0 unknown */
    unsigned cpus;                   /* most its host has had while the instance ran, 0 unknown */
    struct cpu_history cpu;
};

/* Zero is an empty table. */
struct history_table {
    struct history **buckets; /* owned; NULL while there is no entry */
    size_t bucket_count;      /* a power of two */
    size_t count;             /* of entries */
    uint64_t round;           /* rounds ended so far */
};

/* Frees every entry; the table is empty and usable again. */
void history_table_done(struct history_table *t);

/* The entry of the container, made when it is new, and marked as seen in this round. Another
 * instance than the entry's empties its samples: another `birth` (0 unknown) or, where one of the
 * two births is not known, another started_ns (0 is one of its own); with one birth, two known and
 * different starts. The pointer is valid until the round ends. */
struct history *history_table_get(struct history_table *t, const struct identity *identity,
                                  uint64_t birth);

/* The entry of the container, whatever its instance; NULL when there is none. Marks nothing. */
struct history *history_table_find(const struct history_table *t, const struct identity *identity);

/* Ends a round at `now_ns` (CLOCK_MONOTONIC): what no round has seen for HISTORY_UNSEEN_MAX_NS is
 * dropped. */
void history_table_end_round(struct history_table *t, uint64_t now_ns);

#endif
