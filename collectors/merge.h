/* Merging the tiers' parts into one snapshot, group of values by group of values. */
#ifndef WEIR_COLLECTORS_MERGE_H
#define WEIR_COLLECTORS_MERGE_H

#include "base/snapshot.h"
#include "collectors/row_index.h"

/* Brings the rows of `parts` (strongest first) into `s`, which has none yet. Each group comes from
 * the first part that has it and does not yield; values that its tier may not give (metric_list.h)
 * are added from the next one. Identity and state are those of the row that knows best (enum
 * knowledge); hidden rows go, with whatever others know of them. Everything is copied into the
 * snapshot's arena. */
void merge_rows(struct snapshot *s, const struct part *const parts[], size_t count,
                struct row_index *index);
/* Brings the points of `parts` into `s`, those of one metric together in the order of the metric
 * list. */
void merge_points(struct snapshot *s, const struct part *const parts[], size_t count);

#endif
