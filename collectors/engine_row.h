/* From an engine's answers to a container's row: units, cgroup versions, and each product's
 * oddities. Pure. */
#ifndef WEIR_COLLECTORS_ENGINE_ROW_H
#define WEIR_COLLECTORS_ENGINE_ROW_H

#include "collectors/engine_parse.h"

/* What is known of the engine and its host. */
struct engine_facts {
    struct engine_version version;
    struct engine_info info;
    bool local;        /* a process of its containers was found here: its host is ours */
    const char *sysfs; /* for device names of a local engine; NULL none */
};

/* What inspect says and never changes while the container runs, kept after the answer is gone.
 * Fills limits and times into the row. */
struct engine_spec {
    int64_t nano_cpus, cpu_quota_us, cpu_period_us, cpu_shares;
    int64_t memory_bytes, memory_swap_bytes, memory_reservation_bytes, pids_limit;
    enum reason network; /* REASON_NONE: the counters are the container's own; HOST_NETWORK,
                            NO_NETWORK or SHARED_NETWORK */
};

/* What a network mode ("host", "none", "container:ID", "ns:PATH", a network's name) says:
 * HOST_NETWORK, NO_NETWORK, SHARED_NETWORK, or REASON_NONE for one of its own. */
enum reason engine_network_of_mode(const char *mode);

struct engine_spec engine_spec_from_inspect(const struct engine_inspect *inspect);

/* The SPEC group (container_spec_*), and SUM_MEMORY_LIMIT unless
 * engine_fill_stats has set it. Marks the group as the engine's. */
void engine_fill_spec(const struct engine_facts *facts, const struct engine_spec *spec,
                      struct container_row *row);

/* Every value of a stats answer, group by group; a group that has no values gets its reason.
 * Interfaces and devices go into `arena`. `stats->empty`: nothing is filled, every group but SPEC
 * is EMPTY_ANSWER. Does not set cpu_sampled_ns. */
void engine_fill_stats(const struct engine_facts *facts, const struct engine_spec *spec,
                       const struct engine_stats *stats, struct arena *arena,
                       struct container_row *row);

#endif
