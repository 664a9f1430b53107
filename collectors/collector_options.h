/* What collectors are made from. */
#ifndef WEIR_COLLECTORS_COLLECTOR_OPTIONS_H
#define WEIR_COLLECTORS_COLLECTOR_OPTIONS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct inventory;
struct uv_loop_s;

/* Which control groups the cgroup tier shows. */
enum collect_scope {
    SCOPE_CONTAINERS, /* containers and the host */
    SCOPE_SERVICES,   /* systemd's services and slices too */
    SCOPE_ALL,        /* every group outside containers */
};

/* Each takes what it needs. All of it must outlive them. */
struct collector_options {
    struct uv_loop_s *loop;
    const struct clock *clock;
    char *const *environment; /* NULL-terminated NAME=value, for DOCKER_HOST and its like */
    const char *procfs;
    const char *sysfs;
    struct text_list engine_hosts; /* empty: found by itself */
    uint64_t engine_timeout_ms;    /* one call */
    uint32_t engine_max_concurrency;
    struct text_list label_allow; /* globs on the raw key */
    struct text_list include;     /* field=glob */
    struct text_list exclude;
    struct inventory *inventory; /* who is who, shared by the tiers */
    bool engine_for_identity; /* the cgroup tier comes first: the engine's values are asked for only
                                 where it has none */
    enum collect_scope scope;
    size_t group_max_files;             /* most kernel files kept open between rounds */
    const char *state_directory;        /* "": names are not remembered */
    bool names_read_only;               /* what is there is used, nothing is written */
    struct text_list docker_roots;      /* where Docker keeps its containers' files */
    struct text_list docker_exec_roots; /* and the runtime's state */
    unsigned groups;          /* bit per enum metric_group: what nobody shows need not be read */
    bool kubernetes_labels;   /* container, pod and namespace on every series */
    uint64_t linger_ms;       /* how long container_last_seen outlives a container */
    uint64_t keep_stopped_ms; /* how long a stopped container is told of after its end */
    uint64_t engine_df_interval_ms;   /* between counts of disk usage; 0: none */
    uint64_t engine_size_interval_ms; /* between counts of writable layers, for GROUP_DISK */
    uint64_t engine_df_timeout_ms;    /* of either call */
    size_t simulate_containers;
    uint64_t simulate_seed;
};

#endif
