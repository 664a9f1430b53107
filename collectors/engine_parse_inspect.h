/* What inspect says of a container. The rules of engine_parse.h hold; texts are "" when missing. */
#ifndef WEIR_COLLECTORS_ENGINE_PARSE_INSPECT_H
#define WEIR_COLLECTORS_ENGINE_PARSE_INSPECT_H

#include "base/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* A raw pair of a container's labels, as the engine gave it. */
struct raw_label {
    const char *key;
    const char *value;
};

/* GET /containers/ID/json. */
struct engine_inspect {
    const char *id;
    const char *name;  /* without the slash */
    const char *image; /* Config.Image, as given at create */
    const struct raw_label *labels;
    size_t label_count;
    enum container_state state;
    uint64_t pid;              /* State.Pid, 0 none */
    uint64_t created_ns;       /* 0 unknown */
    uint64_t started_ns;       /* 0 never or unknown */
    const char *cgroup_parent; /* HostConfig.CgroupParent, "" the engine's default */
    const char *network_mode;  /* HostConfig.NetworkMode: "host", "none", "container:ID", ... */
    int64_t nano_cpus;         /* 0 not set */
    int64_t cpu_quota_us;      /* 0 not set, -1 unlimited */
    int64_t cpu_period_us;     /* 0: 100000 */
    int64_t cpu_shares;        /* 0: 1024 */
    int64_t memory_bytes;      /* 0 unlimited */
    int64_t memory_swap_bytes; /* memory and swap; -1 unlimited, 0 not set */
    int64_t memory_reservation_bytes;
    int64_t pids_limit; /* 0 or -1: unlimited */
};
int engine_parse_inspect(const char *json, size_t length, struct arena *arena, struct err *e,
                         struct engine_inspect *ret);

#endif
