/* How values get into an engine's row. Shared by engine_row*.c and by nobody else. */
#ifndef WEIR_COLLECTORS_ENGINE_ROW_INTERNAL_H
#define WEIR_COLLECTORS_ENGINE_ROW_INTERNAL_H

#include "collectors/engine_row.h"

/* The bit of the tiers column that stands for this engine. */
unsigned engine_row_tier(const struct engine_facts *facts);
/* Sets a value that was given, where the metric list lets the engine give it. */
void engine_row_set_maybe(const struct engine_facts *facts, struct container_row *row,
                          enum container_metric metric, struct maybe value);
/* The same for a value that is known. */
void engine_row_set(const struct engine_facts *facts, struct container_row *row,
                    enum container_metric metric, uint64_t value);
/* SUM_MEMORY_LIMIT as docker stats shows it: the host's memory where there is no limit or a larger
 * one; left out where neither is known. */
void engine_row_set_memory_limit(const struct engine_facts *facts, uint64_t limit,
                                 struct container_row *row);
/* The group is the engine's (REASON_NONE), or absent for that reason. */
void engine_row_end_group(struct container_row *row, enum metric_group group, enum reason absent);
/* Does the container have a CPU quota? */
bool engine_spec_has_quota(const struct engine_spec *spec);
/* Fills the devices, sorted by number, into `arena`. REASON_NONE when the group is given (perhaps
 * without a device: nothing was read or written), else why it is not. */
enum reason engine_row_fill_block(const struct engine_facts *facts,
                                  const struct engine_stats *stats, struct arena *arena,
                                  struct container_row *row);

#endif
