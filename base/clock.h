/* The two clocks, as something that can be replaced: tests and the simulated tier bring their own.
 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)
#define NS_PER_US     UINT64_C(1000)

struct clock {
    void *context; /* handed to both; not owned */
    uint64_t (*monotonic_ns)(void *context);
    uint64_t (*realtime_ns)(void *context);
};

/* The kernel's CLOCK_MONOTONIC and CLOCK_REALTIME (clock_gettime(2)). */
extern const struct clock clock_system;

static inline uint64_t clock_monotonic_ns(const struct clock *c)
{
    return c->monotonic_ns(c->context);
}

static inline uint64_t clock_realtime_ns(const struct clock *c)
{
    return c->realtime_ns(c->context);
}

#endif
