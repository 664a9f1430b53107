/* One table of options (config_table.c), read from flags, environment and a YAML file; cAdvisor's
 * flags are taken too. */
#ifndef WEIR_AGENT_CONFIG_H
#define WEIR_AGENT_CONFIG_H

#include "agent/config_push.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum command {
    COMMAND_RUN,
    COMMAND_SCRAPE,
    COMMAND_CHECK,
    COMMAND_CONFIG,
    COMMAND_VERSION,
    COMMAND_HELP,
};

/* What is to be said once there is a log, e.g. of a flag that has no effect. */
struct config_notice {
    enum log_level level;
    char *text;
};

/* Every text and list is owned by the struct; config_done frees them. */
struct config {
    enum command command;
    uint64_t given;                /* bit per option of the table: some source set it */
    struct config_notice *notices; /* in the order they are to be told */
    size_t notice_count;
    char *config_file;                      /* --config.file, NULL without one */
    struct text_list web_listen_address;    /* --web.listen-address, default ":10142" */
    char *web_telemetry_path;               /* --web.telemetry-path, default "/metrics" */
    char *web_route_prefix;                 /* --web.route-prefix, default "/" */
    bool web_systemd_socket;                /* --web.systemd-socket */
    char *web_config_file;                  /* --web.config.file, default "" */
    unsigned web_gzip;                      /* --web.gzip, enum gzip_mode of negotiate.h */
    uint64_t web_max_requests;              /* --web.max-requests, default 40; 0: no limit */
    uint64_t web_max_connections;           /* --web.max-connections, default 512 */
    uint64_t web_max_connections_per_peer;  /* --web.max-connections-per-peer, default 128 */
    bool web_enable_lifecycle;              /* --web.enable-lifecycle */
    struct text_list collect_tiers;         /* --collect.tiers, default engine,cgroup,simulated */
    unsigned collect_scope;                 /* --collect.scope, enum collect_scope of collector.h */
    uint64_t collect_max_age_ms;            /* --collect.max-age, default 1s; 0: no reuse at all */
    uint64_t collect_timeout_ms;            /* --collect.timeout, default 5s */
    struct text_list engine_host;           /* --engine.host, default none: found by itself */
    uint64_t engine_timeout_ms;             /* --engine.timeout, default 3s: one call */
    uint64_t engine_max_concurrency;        /* --engine.max-concurrency, default 16 */
    uint64_t cgroup_max_fds;                /* --cgroup.max-fds, default 16384; 0: keeps none */
    char *path_procfs;                      /* --path.procfs, default /proc */
    char *path_sysfs;                       /* --path.sysfs, default /sys */
    struct text_list path_docker_root;      /* --path.docker-root, default /var/lib/docker */
    struct text_list path_docker_exec_root; /* --path.docker-exec-root, default /var/run/docker */
    struct text_list container_label_allow; /* --container.label-allow, globs on the raw key */
    struct text_list container_include;     /* --container.include, field=glob */
    struct text_list container_exclude;     /* --container.exclude, field=glob */
    bool container_kubernetes_labels;       /* --container.kubernetes-labels */
    uint64_t container_linger_ms;           /* --container.linger, default 5m */
    uint64_t container_keep_stopped_ms;     /* --container.keep-stopped, default 1h */
    struct text_list metrics_enable;        /* --metrics.enable, names of groups */
    struct text_list metrics_disable;       /* --metrics.disable, likewise; all: every one */
    uint64_t engine_df_interval_ms;         /* --engine.df-interval, default 0: never */
    uint64_t engine_size_interval_ms;       /* --engine.size-interval, default 2m */
    uint64_t engine_df_timeout_ms;          /* --engine.df-timeout, default 1m */
    char *push_url;                         /* --push.url, default "": no destination by flags */
    unsigned push_protocol;                 /* --push.protocol, enum push_format */
    uint64_t push_interval_ms;              /* --push.interval, default 15s */
    struct text_list push_external_label;   /* --push.external-label, NAME=VALUE */
    char *push_bearer_token_file;           /* --push.bearer-token-file, default "" */
    char *push_queue_dir;                   /* --push.queue-dir, default "" */
    uint64_t push_queue_max_bytes;          /* --push.queue-max-bytes, default 256MiB */
    struct push_destinations push;          /* of these flags, or of the file's section push */
    uint64_t simulate_containers;           /* --simulate.containers, default 10 */
    uint64_t simulate_seed;                 /* --simulate.seed, default 1 */
    char *state_dir;                        /* --state-dir, default "" */
    enum log_level log_level;               /* --log.level, default info */
    enum log_format log_format;             /* --log.format, default logfmt */
};

/* Reads flags (`argc`, `argv` as main has them), `environment` (as environ) and the file they name.
 * 0; a negative errno with file, line, column (or flag, or variable) and what is allowed in `e`;
 * `*ret` is then untouched. COMMAND_VERSION and COMMAND_HELP leave all at its default: a broken
 * configuration must not keep anybody from the help. */
int config_load(int argc, char *const argv[], char *const environment[], struct err *e,
                struct config *ret);
/* The groups of metrics that are wanted, bit per enum metric_group: the default ones less
 * metrics.disable, and metrics.enable. */
unsigned config_groups(const struct config *c);
/* Frees what config_load filled. */
void config_done(struct config *c);
/* Reads only a YAML text (`name` for messages) over the defaults. For tests and fuzzing. */
int config_parse_yaml(const char *name, const char *yaml, size_t length, struct err *e,
                      struct config *ret);

/* The effective configuration as YAML that config_parse_yaml reads back, but for the command and
 * the name of the file. -EMSGSIZE, -ENOMEM. */
int config_print(const struct config *c, struct buf *ret);
/* The text of --help: commands, then every option with default, range and environment variable,
 * then the groups of metrics. -EMSGSIZE, -ENOMEM. */
int config_help(struct buf *ret);

#endif
