/* What it knows: the options. A new one is an entry here and a field in struct config; flags,
 * environment, file, --help, `weir config` and their tests follow. */
#include "agent/config_table.h"

#include "agent/config_check.h"
#include "agent/config_pairs.h"
#include "agent/config_push_table.h"
#include "agent/config_text.h"
#include "base/buf.h"
#include "base/text.h"
#include "net/http_listen.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define VARIABLE_PREFIX "WEIR_"

#define SECONDS UINT64_C(1000) /* ms */
#define HOURS   (3600 * SECONDS)

/* A field's offset, and at compile time that it has the type the option writes. A type cannot stand
 * in parentheses here. NOLINTBEGIN(bugprone-macro-parentheses) */
#define FIELD(ctype, field)          \
    offsetof(struct config, field) + \
        0 * sizeof(char[_Generic(((struct config *)0)->field, ctype : 1)])
/* NOLINTEND(bugprone-macro-parentheses) */
#define IS_TEXT(field)     .type = OPTION_TEXT, .offset = FIELD(char *, field)
#define IS_LIST(field)     .type = OPTION_LIST, .offset = FIELD(struct text_list, field)
#define IS_DURATION(field) .type = OPTION_DURATION, .offset = FIELD(uint64_t, field)
#define IS_UNSIGNED(field) .type = OPTION_UNSIGNED, .offset = FIELD(uint64_t, field)
#define IS_SIZE(field)     .type = OPTION_SIZE, .offset = FIELD(uint64_t, field)
#define IS_ENUM(field)     .type = OPTION_ENUM, .offset = FIELD(unsigned, field)
#define IS_SWITCH(field)   .type = OPTION_SWITCH, .offset = FIELD(bool, field), .fallback = "false"

/* In the order of enum gzip_mode. */
static const char *const gzip_words[] = {"auto", "always", "never", NULL};
/* In the order of enum collect_scope. */
static const char *const scope_words[] = {"containers", "services", "all", NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};
static const char *const format_words[] = {"logfmt", "json", NULL};

/* The Compose and Swarm labels that public dashboards read and that keep still: one that changes
 * with every deployment (config hash, task id) would begin new series each time. */
#define LABELS_ALLOWED                                                                   \
    "com.docker.compose.project,com.docker.compose.service,"                             \
    "com.docker.compose.container-number,com.docker.stack.namespace,"                    \
    "com.docker.swarm.service.name,com.docker.swarm.task.name,com.docker.swarm.node.id," \
    "org.label-schema.group"

/* Two dozen names do not fit into one sentence. */
#define GROUPS_ALLOWED "the groups that weir --help lists at its end"

/* Options of one first word stand together: --help and the file group them by it. */
const struct option config_options[] = {
    {"config.file", IS_TEXT(config_file), .value = "FILE", .not_in_file = true,
     .help = "YAML file to read; the key of --collect.max-age is max-age in the section collect, "
             "and so on.",
     .allowed = "the path of a file"},

    {"web.listen-address", IS_LIST(web_listen_address), .fallback = ":10142", .value = "ADDRESS",
     .help = "Where to serve; without a host on every address of this machine.",
     .allowed = ":PORT, HOST:PORT, [IPV6]:PORT, unix:/PATH, unix:/PATH?mode=0660&group=NAME",
     .check = http_listen_check, .least = 1, .distinct = true},
    {"web.telemetry-path", IS_TEXT(web_telemetry_path), .fallback = "/metrics", .value = "PATH",
     .help = "Path of the metrics; with / there is no landing page.",
     .allowed = "a path that begins with /", .check = check_url_path},
    {"web.route-prefix", IS_TEXT(web_route_prefix), .fallback = "/", .value = "PATH",
     .help = "What every path begins with, where a proxy in front hands paths on as they are.",
     .allowed = "a path that begins with /", .check = check_url_path},
    {"web.systemd-socket", IS_SWITCH(web_systemd_socket),
     .help = "Serve on the sockets that systemd passes instead of web.listen-address."},
    {"web.config.file", IS_TEXT(web_config_file), .fallback = "", .value = "FILE", .or_empty = true,
     .help = "File with TLS, passwords, headers and a rate limit, in the format of Prometheus' "
             "exporters; read again when it or a file it names changes.",
     .allowed = "the path of a file, or nothing"},
    {"web.gzip", IS_ENUM(web_gzip), .fallback = "auto", .value = "WHEN",
     .help = "Compress for those who take it: peers on other hosts (and on this one where they "
             "take nothing else), all of them, or nobody.",
     .words = gzip_words},
    {"web.max-requests", IS_UNSIGNED(web_max_requests), .fallback = "40", .value = "NUMBER",
     .help = "Most scrapes that wait for values at once; one more gets those of up to "
             "collect.max-age before, or 503. With 0 there is no limit.",
     .least = 0, .most = 65536},
    {"web.max-connections", IS_UNSIGNED(web_max_connections), .fallback = "512", .value = "NUMBER",
     .help = "Most connections; a new one takes the place of an idle or slow one.", .least = 1,
     .most = 65536},
    {"web.max-connections-per-peer", IS_UNSIGNED(web_max_connections_per_peer), .fallback = "128",
     .value = "NUMBER",
     .help = "Most connections of one IPv4 address or IPv6 /64. With 0 there is no limit.",
     .least = 0, .most = 65536},
    {"web.enable-lifecycle", IS_SWITCH(web_enable_lifecycle),
     .help = "Let POST and PUT to /-/reload read the configuration again, as SIGHUP does."},

    {"collect.tiers", IS_LIST(collect_tiers), .fallback = "engine,cgroup,simulated",
     .value = "TIER",
     .help = "Sources in the order asked; each gives what those before it could not. With cgroup "
             "before engine the kernel's files give the numbers and the engine the names, which "
             "costs the host a tenth or less. Simulated containers are shown only where no other "
             "source can work.",
     .allowed = "engine, cgroup, simulated", .check = check_tier, .least = 1, .distinct = true},
    {"collect.scope", IS_ENUM(collect_scope), .fallback = "containers", .value = "SCOPE",
     .help = "Control groups the cgroup tier shows: those of containers, systemd's services and "
             "slices too, or every one outside containers as well.",
     .words = scope_words},
    {"collect.max-age", IS_DURATION(collect_max_age_ms), .fallback = "1s", .value = "DURATION",
     .help = "Oldest values a scrape may get when many ask at once; with 0 every scrape collects "
             "anew.",
     .least = 0, .most = 1 * HOURS},
    {"collect.timeout", IS_DURATION(collect_timeout_ms), .fallback = "5s", .value = "DURATION",
     .help = "Longest time one collection may take; then it goes out with what it has.",
     .least = 100, .most = 60 * SECONDS},

    {"engine.host", IS_LIST(engine_host), .value = "HOST",
     .help = "Container engines to ask; without any $DOCKER_HOST, $CONTAINER_HOST or the usual "
             "sockets of Docker and Podman.",
     .allowed = "unix:///PATH, tcp://HOST:PORT, http://HOST:PORT, https://HOST:PORT",
     .check = check_engine_host, .distinct = true},
    {"engine.timeout", IS_DURATION(engine_timeout_ms), .fallback = "3s", .value = "DURATION",
     .help = "Longest time one call to an engine may take.", .least = 100, .most = 60 * SECONDS},
    {"engine.max-concurrency", IS_UNSIGNED(engine_max_concurrency), .fallback = "16",
     .value = "NUMBER",
     .help = "Most calls to one engine at a time, beside two that count what it has.", .least = 1,
     .most = 1024},

    {"engine.df-interval", IS_DURATION(engine_df_interval_ms), .fallback = "0s",
     .value = "DURATION",
     .help = "How often an engine is asked how much disk space images, containers, volumes and "
             "caches take; some walk their disks for minutes. With 0 it is never asked.",
     .least = 0, .most = 24 * HOURS},
    {"engine.size-interval", IS_DURATION(engine_size_interval_ms), .fallback = "2m",
     .value = "DURATION",
     .help = "How often an engine is asked for the size of each container's writable layer, with "
             "--metrics.enable=disk.",
     .least = 1 * SECONDS, .most = 24 * HOURS},
    {"engine.df-timeout", IS_DURATION(engine_df_timeout_ms), .fallback = "1m", .value = "DURATION",
     .help = "Longest time these two calls may take; no scrape waits for them.",
     .least = 1 * SECONDS, .most = 1 * HOURS},

    {"cgroup.max-fds", IS_UNSIGNED(cgroup_max_fds), .fallback = "16384", .value = "NUMBER",
     .help = "Most kernel files kept open between rounds; each costs the kernel some 5 KB. With 0 "
             "they are opened in every round.",
     .least = 0, .most = 1000000},

    {"path.procfs", IS_TEXT(path_procfs), .fallback = "/proc", .value = "PATH",
     .help = "Where the host's proc file system is; /rootfs/proc where weir's container has the "
             "host's root at /rootfs, as cAdvisor's have it.",
     .allowed = "an absolute path", .check = check_absolute_path},
    {"path.sysfs", IS_TEXT(path_sysfs), .fallback = "/sys", .value = "PATH",
     .help = "Where the host's sys file system is.", .allowed = "an absolute path",
     .check = check_absolute_path},
    {"path.docker-root", IS_LIST(path_docker_root), .fallback = "/var/lib/docker", .value = "PATH",
     .help = "Where Docker keeps its containers' files, for their names while it is away; looked "
             "for below /rootfs too.",
     .allowed = "absolute paths", .check = check_absolute_path, .distinct = true},
    {"path.docker-exec-root", IS_LIST(path_docker_exec_root), .fallback = "/var/run/docker",
     .value = "PATH", .help = "Where Docker's runtime keeps the state of running containers.",
     .allowed = "absolute paths", .check = check_absolute_path, .distinct = true},

    {"container.label-allow", IS_LIST(container_label_allow), .fallback = LABELS_ALLOWED,
     .value = "GLOB",
     .help = "Container labels to give as container_label_...; * stands for any text, ? for one "
             "character; empty for none.",
     .allowed = "globs on the label's key"},
    {"container.include", IS_LIST(container_include), .value = "MATCH",
     .help = "Containers to measure, by name, image or label.KEY, e.g. name=web-*; without any all "
             "of them.",
     .allowed = "name=GLOB, image=GLOB, label.KEY=GLOB", .check = check_match},
    {"container.exclude", IS_LIST(container_exclude), .value = "MATCH",
     .help = "Containers to leave out; stronger than container.include.",
     .allowed = "name=GLOB, image=GLOB, label.KEY=GLOB", .check = check_match},
    {"container.kubernetes-labels", IS_SWITCH(container_kubernetes_labels),
     .help = "Add container, pod and namespace to every series of a container: Kubernetes' own, "
             "elsewhere its name, Compose service and project."},
    {"container.linger", IS_DURATION(container_linger_ms), .fallback = "5m", .value = "DURATION",
     .help = "How long container_last_seen stays, frozen, after a container has ended.", .least = 0,
     .most = 24 * HOURS},
    {"container.keep-stopped", IS_DURATION(container_keep_stopped_ms), .fallback = "1h",
     .value = "DURATION",
     .help = "How long the state, exit code and the like of a stopped container are shown.",
     .least = 0, .most = 8760 * HOURS},

    {"metrics.enable", IS_LIST(metrics_enable), .value = "GROUP",
     .help = "Groups of metrics to add to the default ones, by cAdvisor's names; stronger than "
             "metrics.disable.",
     .allowed = GROUPS_ALLOWED, .check = check_group, .distinct = true},
    {"metrics.disable", IS_LIST(metrics_disable), .value = "GROUP",
     .help = "Groups of metrics to leave out; all stands for every one.",
     .allowed = "all, " GROUPS_ALLOWED, .check = check_group_or_all, .distinct = true},

    {"push.url", IS_TEXT(push_url), .fallback = "", .value = "URL", .or_empty = true,
     .not_in_file = true,
     .help = "Where to push to, with its path, e.g. http://prometheus:9090/api/v1/write. These "
             "flags are one destination, in the place of those of the file; docs/PUSH.md.",
     .allowed = PUSH_URL_ALLOWED, .check = check_push_url},
    {"push.protocol", IS_ENUM(push_protocol), .fallback = "remote-write", .value = "PROTOCOL",
     .not_in_file = true,
     .help = "What is sent: Prometheus remote write 1 or 2, or OTLP over HTTP. OTLP heeds "
             "$OTEL_EXPORTER_OTLP_ENDPOINT and its like.",
     .words = push_protocol_words, .first = PUSH_PROTOCOL_FIRST},
    {"push.interval", IS_DURATION(push_interval_ms), .fallback = "15s", .value = "DURATION",
     .not_in_file = true, .help = "How often.", .least = PUSH_INTERVAL_LEAST_MS,
     .most = PUSH_INTERVAL_MOST_MS},
    {"push.external-label", IS_LIST(push_external_label), .value = "NAME=VALUE",
     .not_in_file = true,
     .help = "Labels of every series (of OTLP: resource attributes) beside job and instance, or in "
             "their place; without a value one is left out.",
     .allowed = "NAME=VALUE, NAME=", .check = check_push_label},
    {"push.bearer-token-file", IS_TEXT(push_bearer_token_file), .fallback = "", .value = "FILE",
     .or_empty = true, .not_in_file = true,
     .help = "File with the token to send, readable by its owner and group alone; a name without / "
             "is one of systemd's credentials.",
     .allowed = PUSH_SECRET_ALLOWED, .check = check_push_secret},
    {"push.queue-dir", IS_TEXT(push_queue_dir), .fallback = "", .value = "PATH", .or_empty = true,
     .not_in_file = true,
     .help = "Directory below which what is not yet taken waits, also across restarts; without one "
             "it waits in memory.",
     .allowed = "an absolute path, or nothing", .check = check_absolute_path},
    {"push.queue-max-bytes", IS_SIZE(push_queue_max_bytes), .fallback = "256MiB", .value = "SIZE",
     .not_in_file = true,
     .help = "Most bytes that wait; past it the oldest are dropped and counted. In memory 16MiB "
             "unless this is given.",
     .least = PUSH_QUEUE_LEAST_BYTES, .most = PUSH_QUEUE_MOST_BYTES},

    {"simulate.containers", IS_UNSIGNED(simulate_containers), .fallback = "10", .value = "NUMBER",
     .help = "How many containers the simulated tier makes up.", .least = 1, .most = 100000},
    {"simulate.seed", IS_UNSIGNED(simulate_seed), .fallback = "1", .value = "NUMBER",
     .help = "The same seed gives the same simulated containers.", .least = 0, .most = UINT64_MAX},

    {"state-dir", IS_TEXT(state_dir), .fallback = "", .value = "PATH", .or_empty = true,
     .help = "Directory where the names of containers are remembered across restarts; without it "
             "$STATE_DIRECTORY, which systemd sets; with neither they are not kept.",
     .allowed = "an absolute path, or nothing", .check = check_absolute_path},

    {"log.level", IS_ENUM(log_level), .fallback = "info", .value = "LEVEL",
     .help = "Least severe lines to log.", .words = level_words},
    {"log.format", IS_ENUM(log_format), .fallback = "logfmt", .value = "FORMAT",
     .help = "How lines are written to stderr.", .words = format_words},
};
const size_t config_option_count = sizeof config_options / sizeof config_options[0];

const struct option_table config_table = {config_options,
                                          sizeof config_options / sizeof config_options[0]};

_Static_assert(sizeof config_options / sizeof config_options[0] <= OPTION_MAX, "raise OPTION_MAX");

const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < config_option_count; i++)
        if (text_equal(config_options[i].name, name))
            return &config_options[i];
    return NULL;
}

static char variable_char(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    if (c == '.' || c == '-')
        return '_';
    return c;
}

void option_variable(const struct option *o, char ret[OPTION_NAME_MAX])
{
    size_t at = sizeof VARIABLE_PREFIX - 1;
    assert(at + strlen(o->name) < OPTION_NAME_MAX);
    memcpy(ret, VARIABLE_PREFIX, at);
    for (const char *c = o->name; *c != '\0'; c++)
        ret[at++] = variable_char(*c);
    ret[at] = '\0';
}

const char *option_name_below(const struct option *o, const char *path)
{
    size_t length = strlen(path);
    if (o->not_in_file)
        return NULL;
    if (length == 0)
        return o->name;
    bool below = text_starts_with(o->name, path) && o->name[length] == '.';
    return below ? o->name + length + 1 : NULL;
}

void option_key_below(const struct option *o, const char *path, char ret[OPTION_NAME_MAX])
{
    const char *name = option_name_below(o, path);
    size_t length = name ? strcspn(name, ".") : 0;
    assert(length < OPTION_NAME_MAX);
    memcpy(ret, name ? name : "", length);
    ret[length] = '\0';
}

void option_add_keys(const struct option_table *t, const char *path, struct buf *b)
{
    char last[OPTION_NAME_MAX] = "";
    for (size_t i = 0; i < t->count; i++) {
        char key[OPTION_NAME_MAX];
        option_key_below(&t->items[i], path, key);
        if (key[0] == '\0' || text_equal(key, last))
            continue;
        (void)buf_add_format(b, "%s%s", last[0] != '\0' ? ", " : "", key);
        memcpy(last, key, sizeof last);
    }
}

void *option_field(const struct option *o, void *base)
{
    return (char *)base + o->offset;
}

const void *option_field_const(const struct option *o, const void *base)
{
    return (const char *)base + o->offset;
}

static bool list_is_same(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!text_equal(a->items[i], b->items[i]))
            return false;
    return true;
}

static bool text_is_same(const char *a, const char *b)
{
    return a && b ? text_equal(a, b) : a == b;
}

bool option_is_same(const struct option *o, const void *a, const void *b)
{
    const void *left = option_field_const(o, a);
    const void *right = option_field_const(o, b);
    switch (o->type) {
    case OPTION_TEXT:
        return text_is_same(*(char *const *)left, *(char *const *)right);
    case OPTION_LIST:
        return list_is_same(left, right);
    case OPTION_DURATION:
    case OPTION_UNSIGNED:
    case OPTION_SIZE:
        return *(const uint64_t *)left == *(const uint64_t *)right;
    case OPTION_ENUM:
        return *(const unsigned *)left == *(const unsigned *)right;
    case OPTION_SWITCH:
        return *(const bool *)left == *(const bool *)right;
    case OPTION_PAIRS:
        return push_pairs_are_same(left, right);
    }
    __builtin_unreachable();
}

void option_add_allowed(const struct option *o, struct buf *b)
{
    switch (o->type) {
    case OPTION_DURATION:
        text_add_duration(b, o->least);
        (void)buf_add_string(b, " to ");
        text_add_duration(b, o->most);
        return;
    case OPTION_UNSIGNED:
        (void)buf_add_format(b, "%" PRIu64 " to %" PRIu64, o->least, o->most);
        return;
    case OPTION_SIZE:
        text_add_size(b, o->least);
        (void)buf_add_string(b, " to ");
        text_add_size(b, o->most);
        return;
    case OPTION_ENUM:
        for (size_t i = 0; o->words[i]; i++)
            (void)buf_add_format(b, "%s%s", i > 0 ? ", " : "", o->words[i]);
        return;
    case OPTION_SWITCH:
        (void)buf_add_string(b, "true, false");
        return;
    case OPTION_TEXT:
    case OPTION_LIST:
    case OPTION_PAIRS:
        (void)buf_add_string(b, o->allowed);
        return;
    }
}
