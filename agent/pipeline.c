/* What it knows: how a configuration becomes tiers and rounds, and which options those depend on.
 */
#include "agent/pipeline.h"

#include "agent/config_table.h"
#include "agent/core.h"
#include "agent/process_stats.h"
#include "agent/version.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "collectors/cascade.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define DESCRIPTORS_WANTED 4096 /* 1024 calls, as many scrapers and a margin */

_Static_assert(SCOPE_CONTAINERS == 0 && SCOPE_SERVICES == 1 && SCOPE_ALL == 2,
               "the words of --collect.scope are in this order");

static void add_points(void *context, struct part *part, uint64_t begun_ns)
{
    const struct core *c = ((const struct pipeline *)context)->core;
    part_add_point(part, AGENT_BUILD_INFO, 1,
                   (const char *const[]){WEIR_VERSION, WEIR_REVISION, WEIR_COMPILER, NULL});
    if (c->add_points)
        c->add_points(c->context, part);
    process_stats_add(part, c->started_ms);
    /* Last, so that it covers everything but the encoding. */
    part_add_point(part, AGENT_ROUND_DURATION, clock_monotonic_ns(&clock_system) - begun_ns, NULL);
}

static void round_sealed(void *context, struct snapshot *snapshot)
{
    struct pipeline *p = context;
    (void)snapshot;
    problems_log(&p->problems, p->cascade, &p->core->log);
}

static void source_changed(void *context)
{
    const struct pipeline *p = context;
    rounds_mark_stale(p->rounds);
}

/* Where names are remembered: as configured, else the first of the directories systemd made. */
static char *state_directory_from(const struct config *config, char *const environment[])
{
    static const char variable[] = "STATE_DIRECTORY=";
    if (*config->state_dir != '\0')
        return alloc_string(config->state_dir);
    for (size_t i = 0; environment[i]; i++) {
        if (!text_starts_with(environment[i], variable))
            continue;
        const char *value = environment[i] + sizeof variable - 1;
        return alloc_copy(value, strcspn(value, ":"));
    }
    return alloc_string("");
}

static struct collector_options collector_options_from(struct pipeline *p,
                                                       const struct config *config,
                                                       char *const environment[])
{
    return (struct collector_options){
        .loop = &p->core->loop,
        .clock = &clock_system,
        .environment = environment,
        .procfs = config->path_procfs,
        .sysfs = config->path_sysfs,
        .engine_hosts = config->engine_host,
        .engine_timeout_ms = config->engine_timeout_ms,
        .engine_max_concurrency = (uint32_t)config->engine_max_concurrency,
        .label_allow = config->container_label_allow,
        .include = config->container_include,
        .exclude = config->container_exclude,
        .scope = (enum collect_scope)config->collect_scope,
        .group_max_files = p->descriptors.files,
        .state_directory = p->state_directory,
        .names_read_only =
            config->command != COMMAND_RUN, /* the service's file is not a command's */
        .docker_roots = config->path_docker_root,
        .docker_exec_roots = config->path_docker_exec_root,
        .groups = config_groups(config),
        .kubernetes_labels = config->container_kubernetes_labels,
        .linger_ms = config->container_linger_ms,
        .keep_stopped_ms = config->container_keep_stopped_ms,
        .engine_df_interval_ms = config->engine_df_interval_ms,
        .engine_size_interval_ms = config->engine_size_interval_ms,
        .engine_df_timeout_ms = config->engine_df_timeout_ms,
        .simulate_containers = config->simulate_containers,
        .simulate_seed = config->simulate_seed,
    };
}

/* Kernel files are kept by that tier alone. */
static uint64_t files_wanted(const struct config *config)
{
    for (size_t i = 0; i < config->collect_tiers.count; i++)
        if (text_equal(config->collect_tiers.items[i], "cgroup"))
            return config->cgroup_max_fds;
    return 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* An engine whose answers wait for a tick is asked about all its containers at once, and the kept
 * files come on top. Where the limit cannot be raised so far, connections and files share what
 * there is: connections past it are counted as failed, files past it are opened in every round. */
static struct descriptors raise_descriptor_limit(uint64_t max_files)
{
    struct descriptors d = {.wanted = DESCRIPTORS_WANTED + max_files, .files_wanted = max_files};
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return d; /* only a sandbox that forbids the question: nothing is kept then */
    d.allowed = limit.rlim_cur;
    if (limit.rlim_cur < d.wanted) {
        limit.rlim_cur = smaller(limit.rlim_max, d.wanted);
        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
            d.allowed = limit.rlim_cur;
    }
    uint64_t reserved = smaller(DESCRIPTORS_WANTED, d.allowed / 2);
    d.files = (size_t)smaller(max_files, d.allowed - reserved);
    return d;
}

static void make_rounds(struct pipeline *p, const struct config *config)
{
    const struct rounds_options rounds = {
        .loop = &p->core->loop,
        .clock = &clock_system,
        .cascade = p->cascade,
        .max_age_ms = config->collect_max_age_ms,
        .timeout_ms = config->collect_timeout_ms,
        .add_points = add_points,
        .sealed = round_sealed,
        .context = p,
    };
    p->rounds = rounds_new(&rounds);
    cascade_on_change(p->cascade, source_changed, p);
}

int pipeline_new(struct core *core, const struct config *config, char *const environment[],
                 struct err *e, struct pipeline **ret)
{
    struct pipeline *p = alloc_zeroed(1, sizeof *p);
    p->core = core;
    p->descriptors = raise_descriptor_limit(files_wanted(config));
    p->state_directory = state_directory_from(config, environment);
    const struct collector_options options = collector_options_from(p, config, environment);
    int r = cascade_new(&options, &config->collect_tiers, e, &p->cascade);
    if (r < 0) {
        pipeline_close(p);
        return r;
    }
    make_rounds(p, config);
    *ret = p;
    return 0;
}

void pipeline_close(struct pipeline *p)
{
    if (!p)
        return;
    rounds_close(p->rounds);
    if (p->cascade)
        cascade_on_change(p->cascade, NULL, NULL);
    cascade_close(p->cascade);
    problems_done(&p->problems);
    free(p->state_directory);
    free(p);
}

bool pipeline_is_same(const struct config *a, const struct config *b)
{
    static const char *const others[] = {"config.", "web.", "push.", "log."};
    for (size_t i = 0; i < config_option_count; i++) {
        const struct option *o = &config_options[i];
        bool other = false;
        for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
            other = other || text_starts_with(o->name, others[k]);
        if (!other && !option_is_same(o, a, b))
            return false;
    }
    return true;
}
