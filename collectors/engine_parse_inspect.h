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

/* A port of a container, and where on the host it is published. */
struct engine_port {
    const char *port;      /* "80/tcp" */
    const char *host_ip;   /* "" every address, or not published */
    const char *host_port; /* "" not published */
};

/* Something mounted; where it is on the host is nobody's business. */
struct engine_mount {
    const char *type;        /* "bind", "volume", "tmpfs", ... */
    const char *destination; /* inside the container */
};

enum engine_health {
    ENGINE_HEALTH_NONE, /* there is no health check */
    ENGINE_HEALTH_STARTING,
    ENGINE_HEALTH_HEALTHY,
    ENGINE_HEALTH_UNHEALTHY,
    ENGINE_HEALTH_COUNT,
};

/* GET /containers/ID/json. */
struct engine_inspect {
    const char *id;
    const char *name;  /* without the slash */
    const char *image; /* Config.Image, as given at create */
    const struct raw_label *labels;
    size_t label_count;
    enum container_state state;
    int64_t exit_code;         /* State.ExitCode; 0 too while it runs or never ran */
    bool oom_killed;           /* State.OOMKilled */
    uint64_t finished_ns;      /* 0: no run has ended, or unknown */
    uint64_t restarts;         /* RestartCount */
    enum engine_health health; /* of State.Health, State.Healthcheck in older Podman */
    uint64_t failing_streak;
    uint64_t pid;              /* State.Pid, 0 none */
    uint64_t created_ns;       /* 0 unknown */
    uint64_t started_ns;       /* 0 never or unknown */
    const char *cgroup_parent; /* HostConfig.CgroupParent, "" the engine's default */
    const char *network_mode;  /* HostConfig.NetworkMode: "host", "none", "container:ID", ... */
    const char *image_id;      /* Image: sha256:... */
    const struct engine_port *ports; /* in no order */
    size_t port_count;
    const struct engine_mount *mounts; /* in no order */
    size_t mount_count;
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
