/* The simulated tier: a seeded, deterministic set of containers for demonstrations and load tests.
 * Every series of it is marked.
 *
 * Every value is a function in closed form of (seed, index of the container, CLOCK_REALTIME), so
 * rounds may come at any moments and every process with the same seed shows the same. Counters
 * never fall for one instance while the clock does not. */
#ifndef WEIR_COLLECTORS_SIMULATED_H
#define WEIR_COLLECTORS_SIMULATED_H

#include "collectors/collector.h"

#include <stddef.h>
#include <stdint.h>

struct clock;
struct uv_loop_s;

struct simulated_options {
    size_t containers;
    uint64_t seed;
    bool pod_labels; /* container, pod and namespace on every series */
    struct uv_loop_s *loop;
    const struct clock *clock; /* values depend on it alone; must outlive the collector */
};

/* Its check always succeeds; collect fills the part at once and says so from the loop. */
struct collector *simulated_new(const struct simulated_options *options);

#endif
