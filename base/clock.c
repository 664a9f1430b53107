/* What it knows: clock_gettime(2). */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    int r = clock_gettime(id, &now);
    assert(r == 0); /* both clocks exist on every Linux */
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t system_monotonic(void *context)
{
    (void)context;
    return read_clock(CLOCK_MONOTONIC);
}

static uint64_t system_realtime(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

const struct clock clock_system = {
    .context = NULL, .monotonic_ns = system_monotonic, .realtime_ns = system_realtime};
