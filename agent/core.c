/* What it knows: how loop, tiers and rounds are put together and taken apart. */
#include "agent/core.h"

#include "agent/process_stats.h"
#include "agent/version.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "collectors/cascade.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#define DESCRIPTORS_WANTED 4096 /* 1024 calls, as many scrapers and a margin */

static void add_points(void *context, struct part *part, uint64_t begun_ns)
{
    const struct core *c = context;
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
    struct core *c = context;
    (void)snapshot;
    problems_log(&c->problems, c->cascade, &c->log);
}

static void source_changed(void *context)
{
    struct core *c = context;
    rounds_mark_stale(c->rounds);
}

static struct collector_options collector_options_from(struct core *c, const struct config *config,
                                                       char *const environment[])
{
    return (struct collector_options){
        .loop = &c->loop,
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
        .simulate_containers = config->simulate_containers,
        .simulate_seed = config->simulate_seed,
    };
}

/* An engine whose answers wait for a tick is asked about all its containers at once. Where the
 * limit cannot be raised, what does not fit is counted as failed connections. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int core_init(struct core *c, const struct config *config, char *const environment[], struct err *e)
{
    *c = (struct core){.started_ms = clock_realtime_ns(&clock_system) / NS_PER_MS};
    log_init(&c->log, config->log_level, config->log_format);
    /* A peer that has gone is an error of one write, not the end of the process. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return err_set_errno(e, -errno, "SIGPIPE cannot be ignored");
    raise_descriptor_limit();
    int r = uv_loop_init(&c->loop);
    if (r < 0)
        return err_set_errno(e, r, "the event loop cannot be made");
    const struct collector_options options = collector_options_from(c, config, environment);
    r = cascade_new(&options, &config->collect_tiers, e, &c->cascade);
    if (r < 0) {
        (void)core_done(c, NULL);
        return r;
    }
    const struct rounds_options rounds = {
        .loop = &c->loop,
        .clock = &clock_system,
        .cascade = c->cascade,
        .max_age_ms = config->collect_max_age_ms,
        .timeout_ms = config->collect_timeout_ms,
        .add_points = add_points,
        .sealed = round_sealed,
        .context = c,
    };
    c->rounds = rounds_new(&rounds);
    cascade_on_change(c->cascade, source_changed, c);
    return 0;
}

void core_close(struct core *c)
{
    rounds_close(c->rounds);
    c->rounds = NULL;
    cascade_on_change(c->cascade, NULL, NULL);
    cascade_close(c->cascade);
    c->cascade = NULL;
    problems_done(&c->problems);
}

int core_done(struct core *c, struct err *e)
{
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&c->loop) < 0)
        return err_set(e, -EBUSY, "a handle was left open at the end: this is a defect of weir");
    return 0;
}
