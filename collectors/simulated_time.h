/* Shapes of load as integrals over time: what was used up to a moment, computed from the moment
 * alone. Integers only, so that every machine computes the same. */
#ifndef WEIR_COLLECTORS_SIMULATED_TIME_H
#define WEIR_COLLECTORS_SIMULATED_TIME_H

#include <stdint.h>

#define SIMULATED_WAVE_NS UINT64_C(86400000000000) /* a day: the period of the wave */

/* A number that depends on both and looks random. */
uint64_t simulated_hash(uint64_t seed, uint64_t number);
/* The same, in [low, high]. */
uint64_t simulated_pick(uint64_t seed, uint64_t number, uint64_t low, uint64_t high);

/* A wave that rises from 0 at midnight to `peak_milli` thousandths of a CPU at noon and falls back:
 * CPU time in ns that it used from time 0 to `t_ns`. `peak_milli` is at most 65535. */
uint64_t simulated_wave_ns(uint64_t t_ns, uint32_t peak_milli);

/* Bursts: one of `length_ns` in every period, at a moment that differs from period to period.
 * length_ns < period_ns. */
struct simulated_bursts {
    uint64_t seed;
    uint64_t period_ns;
    uint64_t length_ns;
};

/* How long it was on from time 0 to `t_ns`, in ns. */
uint64_t simulated_bursts_ns(const struct simulated_bursts *bursts, uint64_t t_ns);

#endif
