/* What it knows: every flag of cAdvisor's and of klog, today's and those of older releases, what
 * each is here, and what weir has instead. Documents: cAdvisor's docs/runtime_options.md and
 * `cadvisor --help` of v0.27 to v0.60; klog's InitFlags; Go's flag and strconv.ParseBool. */
#include "agent/config_cadvisor.h"

#include "agent/config_text.h"
#include "base/alloc.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Rests of sentences that begin with the flags. */
static const char asked[] = "weir collects when it is asked, at most every --collect.max-age";
static const char kept[] = "weir keeps no history; Prometheus does";
static const char stored[] =
    "weir sends its numbers in Prometheus' or OpenTelemetry's protocol: --push.url, "
    "docs/PUSH.md";
static const char logged[] = "--log.level and --log.format say what weir writes to stderr";
static const char environment[] = "weir never gives environment variables of containers";
static const char protected[] = "--web.config.file names a file with TLS and passwords, which "
                                "protect every path";
static const char events[] = "weir keeps no events; weir_engine_events_total counts them";
static const char applications[] = "weir gives no metrics of applications; let Prometheus scrape "
                                   "them";
static const char runtimes[] = "weir reads control groups and the runtimes' own files; "
                               "--collect.tiers says which sources are used";
static const char tls[] = "--engine.host=https://HOST:PORT, with certificates from "
                          "$DOCKER_CERT_PATH";
static const char scoped[] = "--collect.scope says which control groups outside containers are "
                             "given";
static const char rooted[] = "the host's own numbers (id=\"/\") are always given; drop them while "
                             "scraping";
static const char hinted[] = "weir finds networks and file systems by itself";
static const char ids[] = "weir reads the ids of the host itself";
static const char load[] = "--metrics.enable=cpuLoad gives what the kernel tells of tasks";
static const char perf[] = "weir has no such group of metrics";
static const char threads[] = "weir works on one thread, with a second one for the kernel's files";
static const char own[] = "process_cpu_seconds_total and its like tell what weir itself uses";

#define IGNORED(name, why)                 \
    {                                      \
        name, why, CADVISOR_IGNORED, false \
    }
#define SWITCH(name, why)                 \
    {                                     \
        name, why, CADVISOR_IGNORED, true \
    }

static const struct cadvisor_flag cadvisor_flags[] = {
    {"version", NULL, CADVISOR_VERSION, true},
    {"port", NULL, CADVISOR_PORT, false},
    {"listen_ip", NULL, CADVISOR_LISTEN_IP, false},
    {"prometheus_endpoint", NULL, CADVISOR_ENDPOINT, false},
    {"url_base_prefix", NULL, CADVISOR_PREFIX, false},
    {"docker", NULL, CADVISOR_DOCKER, false},
    {"podman", NULL, CADVISOR_PODMAN, false},
    {"docker_only", NULL, CADVISOR_DOCKER_ONLY, true},
    {"docker_root", NULL, CADVISOR_DOCKER_ROOT, false},
    {"store_container_labels", NULL, CADVISOR_STORE_LABELS, true},
    {"whitelisted_container_labels", NULL, CADVISOR_LABELS, false},
    {"disable_metrics", NULL, CADVISOR_DISABLE, false},
    {"enable_metrics", NULL, CADVISOR_ENABLE, false},

    IGNORED("housekeeping_interval", asked),
    IGNORED("max_housekeeping_interval", asked),
    IGNORED("global_housekeeping_interval", asked),
    SWITCH("allow_dynamic_housekeeping", asked),
    IGNORED("update_machine_info_interval", asked),
    IGNORED("initial_splay_factor", asked),
    IGNORED("jitter_factor", asked),
    IGNORED("storage_duration", kept),
    SWITCH("storage_driver_secure", stored),
    SWITCH("storage_driver_es_enable_sniffer", stored),
    SWITCH("storage_driver_kafka_ssl_verify", stored),
    IGNORED("storage_driver*", stored), /* with those of the many builds that add one */
    IGNORED("bq_*", stored),
    IGNORED("event_storage_age_limit", events),
    IGNORED("event_storage_event_limit", events),
    IGNORED("application_metrics_count_limit", applications),
    IGNORED("collector_cert", applications),
    IGNORED("collector_key", applications),
    IGNORED("env_metadata_whitelist", environment),
    IGNORED("docker_env_metadata_whitelist", environment),
    IGNORED("containerd_env_metadata_whitelist", environment),
    IGNORED("http_auth_file", protected),
    IGNORED("http_auth_realm", protected),
    IGNORED("http_digest_file", protected),
    IGNORED("http_digest_realm", protected),
    SWITCH("docker-tls", tls),
    IGNORED("docker-tls-ca", tls),
    IGNORED("docker-tls-cert", tls),
    IGNORED("docker-tls-key", tls),
    IGNORED("docker_run", runtimes),
    IGNORED("containerd", runtimes),
    IGNORED("containerd-namespace", runtimes),
    IGNORED("crio_client_timeout", runtimes),
    IGNORED("mesos_agent", runtimes),
    IGNORED("mesos_agent_timeout", runtimes),
    SWITCH("nosystemd", runtimes),
    IGNORED("raw_cgroup_prefix_whitelist", scoped),
    IGNORED("container_id", scoped),
    SWITCH("disable_root_cgroup_stats", rooted),
    IGNORED("container_hints", hinted),
    IGNORED("machine_id_file", ids),
    IGNORED("boot_id_file", ids),
    SWITCH("enable_load_reader", load),
    IGNORED("perf_events_config", perf),
    IGNORED("resctrl_interval", perf),
    IGNORED("referenced_reset_interval", perf),
    IGNORED("referenced_read_interval", perf),
    IGNORED("max_procs", threads),
    SWITCH("profiling", own),
    SWITCH("log_cadvisor_usage", own),

    /* klog's */
    IGNORED("v", logged),
    IGNORED("vmodule", logged),
    SWITCH("logtostderr", logged),
    SWITCH("alsologtostderr", logged),
    IGNORED("stderrthreshold", logged),
    IGNORED("alsologtostderrthreshold", logged),
    SWITCH("legacy_stderr_threshold_behavior", logged),
    IGNORED("log_dir", logged),
    IGNORED("log_file", logged),
    IGNORED("log_file_max_size", logged),
    IGNORED("log_backtrace_at", logged),
    IGNORED("log_flush_frequency", logged),
    SWITCH("add_dir_header", logged),
    SWITCH("skip_headers", logged),
    SWITCH("skip_log_headers", logged),
    SWITCH("one_output", logged),
};
#define CADVISOR_FLAGS (sizeof cadvisor_flags / sizeof cadvisor_flags[0])

static bool is_called(const struct cadvisor_flag *f, const char *name, size_t length)
{
    size_t own_length = strlen(f->name);
    if (f->name[own_length - 1] == '*')
        return length >= own_length - 1 && memcmp(f->name, name, own_length - 1) == 0;
    return length == own_length && memcmp(f->name, name, length) == 0;
}

const struct cadvisor_flag *cadvisor_find(const char *name, size_t length)
{
    for (size_t i = 0; i < CADVISOR_FLAGS; i++)
        if (is_called(&cadvisor_flags[i], name, length))
            return &cadvisor_flags[i];
    return NULL;
}

const char *cadvisor_switch(const char *text)
{
    static const char *const on[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const off[] = {"0", "f", "F", "FALSE", "false", "False"};
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++) {
        if (text_equal(text, on[i]))
            return "true";
        if (text_equal(text, off[i]))
            return "false";
    }
    return NULL;
}

bool cadvisor_is_program(const char *word)
{
    const char *slash = strrchr(word, '/');
    return text_equal(slash ? slash + 1 : word, "cadvisor");
}

void cadvisor_offer(struct nearest *n)
{
    for (size_t i = 0; i < CADVISOR_FLAGS; i++)
        if (!strchr(cadvisor_flags[i].name, '*'))
            nearest_offer(n, cadvisor_flags[i].name, cadvisor_flags[i].name);
}

void cadvisor_add(struct cadvisor_flags *f, const struct cadvisor_given *given)
{
    f->items = alloc_resize(f->items, f->count + 1, sizeof *f->items);
    f->items[f->count++] = *given;
}

const char *cadvisor_text(const struct cadvisor_flags *f, enum cadvisor_role role)
{
    for (size_t i = f->count; i > 0; i--)
        if (f->items[i - 1].flag->role == role)
            return f->items[i - 1].text;
    return NULL;
}
