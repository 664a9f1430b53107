/* What it knows: closed forms of the integrals of a daily wave and of bursts. The hash is
 * splitmix64's output function (Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", 2014). Document: simulated_time.h. */
#include "collectors/simulated_time.h"

#include "base/clock.h"

#include <assert.h>

#define DAY_US (SIMULATED_WAVE_NS / NS_PER_US)

uint64_t simulated_hash(uint64_t seed, uint64_t number)
{
    uint64_t z = seed + (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t simulated_pick(uint64_t seed, uint64_t number, uint64_t low, uint64_t high)
{
    assert(low <= high && high - low < UINT64_MAX);
    return low + simulated_hash(seed, number) % (high - low + 1);
}

/* With x the part of the day that has passed, the load is peak * 4x(1 - x), so a whole day uses
 * peak * 2/3 day and the part peak * (2x^2 - 4x^3/3) day. Time is in microseconds, since the cube
 * of a day's nanoseconds does not fit into 128 bits; microseconds times thousandths of a CPU are
 * nanoseconds of CPU time. */
uint64_t simulated_wave_ns(uint64_t t_ns, uint32_t peak_milli)
{
    assert(peak_milli <= UINT16_MAX);
    const unsigned __int128 day = DAY_US;
    unsigned __int128 days = t_ns / SIMULATED_WAVE_NS;
    unsigned __int128 part = t_ns % SIMULATED_WAVE_NS / NS_PER_US;
    unsigned __int128 whole = days * (2 * day / 3) * peak_milli;
    return (uint64_t)(whole +
                      2 * part * part * (3 * day - 2 * part) * peak_milli / (3 * day * day));
}

uint64_t simulated_bursts_ns(const struct simulated_bursts *bursts, uint64_t t_ns)
{
    assert(bursts->length_ns < bursts->period_ns);
    uint64_t period = t_ns / bursts->period_ns;
    uint64_t into = t_ns % bursts->period_ns;
    uint64_t before = period * bursts->length_ns;
    uint64_t begin =
        simulated_hash(bursts->seed, period) % (bursts->period_ns - bursts->length_ns + 1);
    if (into <= begin)
        return before;
    uint64_t on = into - begin;
    return before + (on < bursts->length_ns ? on : bursts->length_ns);
}
