/* What is computed at seal from this round and the ones before: CPU percent, sums, last seen. Keeps
 * the history of each instance; knows no source. */
#ifndef WEIR_COLLECTORS_DERIVE_H
#define WEIR_COLLECTORS_DERIVE_H

#include "base/snapshot.h"

#include <stdint.h>

struct derive; /* the histories; opaque */

/* `groups` (bit per enum metric_group) are wanted: of others no absence is told. */
struct derive *derive_new(unsigned groups);
void derive_free(struct derive *d);

/* Fills the derived values of one row, from its own values and the history of its instance
 * (history.h); points of METRIC_LIST_POINT go into `arena`, after those the row has.
 * `now_real_ns` is the time of the seal, `cpus` the most CPUs the container can have (0 unknown).
 * To be called once per row and round.
 *
 * CPU percent comes from the row's counter and cpu_sampled_ns alone, whatever the state: a paused
 * container has a real 0 once its counter has stood still. No percent without a baseline at least
 * 1 s and at most 5 min older than the sample; none for a sample that is not newer than the last
 * one, unless it is the very same. One above 105 % of every CPU is left out, and a POINT_ABSENT
 * with REASON_OUT_OF_RANGE says so; the group's other values stay. CPU_USAGE may be raised to the
 * last value emitted, so that the counter of an instance never falls (cpu_history.h says when). */
void derive_row(struct derive *d, struct container_row *row, struct arena *arena,
                uint64_t now_real_ns, unsigned cpus);
/* Ends the round that was sealed at `now_mono_ns`: histories of containers not seen in it for five
 * minutes are dropped. */
void derive_end_round(struct derive *d, uint64_t now_mono_ns);
/* CPU percentages left out so far because they were above what `cpus` can do. */
uint64_t derive_out_of_range(const struct derive *d);

#endif
