/* The CPU samples of one instance of a container, and the percentage that follows from them. */
#ifndef WEIR_COLLECTORS_CPU_HISTORY_H
#define WEIR_COLLECTORS_CPU_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

/* Samples kept: eight at least 150 ms apart reach back 1050 ms, so that however often rounds come
 * one of them is a second old. */
#define CPU_SAMPLES_MAX 8

struct cpu_sample {
    uint64_t sampled_ns; /* CLOCK_MONOTONIC of the reading */
    uint64_t usage_ns;   /* CPU time used by then */
};

/* Zero is an empty history. */
struct cpu_history {
    struct cpu_sample kept[CPU_SAMPLES_MAX]; /* a ring, oldest overwritten first */
    unsigned count;                          /* of kept */
    unsigned newest;                         /* index in kept, while count > 0 */
    struct cpu_sample last;                  /* as emitted, whether kept or not; while count > 0 */
};

/* Forgets every sample: what comes next is another instance. */
void cpu_history_clear(struct cpu_history *h);

/* Takes a sample and returns the usage to emit, which never falls: a fall by less than 1 ms is the
 * rounding of a coarser source and is held at the last value; a larger one is another instance, so
 * the samples before it are forgotten. A sample that is not newer than the last one (a late or
 * repeated answer; a sampled_ns of 0 is unknown) adds nothing and cannot lower the usage. */
uint64_t cpu_history_add(struct cpu_history *h, struct cpu_sample sample);

/* The percentage of one CPU, in millionths of a percent rounded down, used between the baseline and
 * `sample`, which must be the last one that was added, with the usage as emitted; given again it
 * has the same answer, any other sample has none. The baseline is the newest kept sample that is at
 * least 1 s and at most 5 min older. False, and nothing written, where there is none. */
bool cpu_history_percent(const struct cpu_history *h, struct cpu_sample sample,
                         uint64_t *ret_millionths);

#endif
