/* What it knows: how loop, log and pipeline are put together and taken apart. */
#include "agent/core.h"

#include "agent/config.h"
#include "agent/config_notice.h"
#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <signal.h>

int core_init(struct core *c, const struct config *config, char *const environment[], struct err *e)
{
    *c = (struct core){.started_ms = clock_realtime_ns(&clock_system) / NS_PER_MS};
    log_init(&c->log, config->log_level, config->log_format);
    config_notices_log(config, &c->log);
    /* A peer that has gone is an error of one write, not the end of the process. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return err_set_errno(e, -errno, "SIGPIPE cannot be ignored");
    int r = uv_loop_init(&c->loop);
    if (r < 0)
        return err_set_errno(e, r, "the event loop cannot be made");
    r = pipeline_new(c, config, environment, e, &c->pipeline);
    if (r < 0)
        (void)core_done(c, NULL);
    return r;
}

void core_close(struct core *c)
{
    pipeline_close(c->pipeline);
    c->pipeline = NULL;
}

int core_done(struct core *c, struct err *e)
{
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&c->loop) < 0)
        return err_set(e, -EBUSY, "a handle was left open at the end: this is a defect of weir");
    return 0;
}
