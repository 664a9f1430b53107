/* Which series a walk has given: for each set of labels the metrics. Private to series.c. */
#ifndef WEIR_EXPORTERS_SERIES_SEEN_H
#define WEIR_EXPORTERS_SERIES_SEEN_H

#include "base/snapshot.h"

#include <stddef.h>
#include <stdint.h>

struct series_place; /* opaque */

/* Zero is an empty table. */
struct series_seen {
    struct series_place *places; /* owned */
    size_t place_count;
    size_t count;
};

/* Room for `groups` of them; more may come. */
void series_seen_init(struct series_seen *ret, size_t groups);
void series_seen_done(struct series_seen *s);
/* Which of `metrics` were not given yet with labels of this hash; they are now. Two sets with one
 * hash of 64 bits are taken for one. */
container_bits series_seen_add(struct series_seen *s, uint64_t hash, container_bits metrics);

#endif
