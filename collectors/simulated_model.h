/* What a simulated container is, which instance of it runs at a moment, and its values then. Pure
 * functions; times are CLOCK_REALTIME. */
#ifndef WEIR_COLLECTORS_SIMULATED_MODEL_H
#define WEIR_COLLECTORS_SIMULATED_MODEL_H

#include "base/snapshot.h"
#include "collectors/simulated_time.h"

#define SIMULATED_HOST_CPUS         8
#define SIMULATED_HOST_MEMORY_BYTES (UINT64_C(32) << 30)

/* How a service loads its host, and why. */
enum simulated_shape {
    SIMULATED_WAVE,       /* web: people come by day */
    SIMULATED_BURSTY,     /* api: a batch of calls now and then */
    SIMULATED_STEADY,     /* db */
    SIMULATED_THROTTLED,  /* worker: bursts that hit its CPU quota */
    SIMULATED_LEAKING,    /* cache: memory grows until a restart */
    SIMULATED_RESTARTING, /* agent: ends every few minutes */
    SIMULATED_SHAPES,
};

/* One container's parameters, from the seed and its index. */
struct simulated_profile {
    uint64_t seed; /* the container's own */
    size_t index;
    enum simulated_shape shape;
    uint64_t phase_ns;    /* sets its days and generations apart from other containers' */
    uint64_t restart_ns;  /* mean time from one start to the next; 0: only with a new generation */
    uint32_t idle_milli;  /* CPU it always uses, in thousandths of a CPU */
    uint32_t wave_milli;  /* and at its noon */
    uint32_t burst_milli; /* and in a burst */
    struct simulated_bursts bursts;
    uint32_t quota_milli;              /* 0 unlimited */
    uint64_t memory_limit, pids_limit; /* 0 unlimited */
    uint64_t rss_bytes, leak_bytes;    /* at the start, and what a leak adds by the end */
    uint64_t cache_bytes;              /* most page cache */
    uint64_t pids;
    uint64_t receive, transmit, read, write; /* bytes for each millisecond of CPU time */
    size_t interfaces, devices;
    bool pod_labels; /* container, pod and namespace are wanted; false as made */
};

struct simulated_profile simulated_profile_make(uint64_t seed, size_t index);

/* From one start to the next. A generation is one container, which a deployment replaces by the
 * next with a new id; within it a restart begins a new instance with counters from 0. */
struct simulated_instance {
    uint64_t generation;
    uint64_t created_ns, started_ns;
    uint64_t ends_ns;            /* the next instance runs from this moment on */
    uint64_t wave_ns, bursts_ns; /* the integrals at started_ns */
};

struct simulated_instance simulated_instance_at(const struct simulated_profile *profile,
                                                uint64_t now_ns);
/* A new identity with one reference, the caller's. */
const struct identity *simulated_identity_make(const struct simulated_profile *profile,
                                               const struct simulated_instance *instance);

/* Every value of the row but its identity and cpu_sampled_ns; interfaces and devices go into
 * `arena`. */
void simulated_fill(const struct simulated_profile *profile,
                    const struct simulated_instance *instance, uint64_t now_ns,
                    struct container_row *row, struct arena *arena);

#endif
