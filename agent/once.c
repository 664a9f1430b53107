/* What it knows: `weir scrape`: two demands and no server. */
#include "agent/agent.h"

#include "agent/config.h"
#include "agent/core.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "exporters/prometheus.h"

#include <stddef.h>

#define SCRAPE_MAX_BYTES (256 * 1024 * 1024) /* an exposition of some 15 000 containers */
#define SCRAPE_PAUSE_MS  1050 /* a percentage needs a sample at least one second old */

struct once {
    struct core core;
    struct demand demand;
    uint64_t timeout_ms;
    unsigned rounds;
    uv_timer_t pause;
    struct buf *ret;
    int result;
};

static void once_end(uv_timer_t *timer)
{
    struct once *o = timer->data;
    core_close(&o->core);
    uv_close((uv_handle_t *)&o->pause, NULL);
}

static void once_ask(uv_timer_t *timer)
{
    struct once *o = timer->data;
    struct snapshot_source source = rounds_source(o->core.pipeline->rounds);
    o->demand.deadline_ns = clock_monotonic_ns(&clock_system) + o->timeout_ms * NS_PER_MS;
    source.demand(source.context, &o->demand);
}

static void once_done(struct demand *self, struct snapshot *snapshot)
{
    struct once *o = (struct once *)((char *)self - offsetof(struct once, demand));
    if (++o->rounds == 1) {
        (void)uv_timer_start(&o->pause, once_ask, SCRAPE_PAUSE_MS, 0);
        return;
    }
    o->result = prometheus_encode(snapshot, &prometheus_whole_text, o->ret);
    (void)uv_timer_start(&o->pause, once_end, 0, 0);
}

int agent_scrape_once(const struct config *config, char *const environment[], struct buf *ret,
                      struct err *e)
{
    struct once o = {.ret = ret, .timeout_ms = config->collect_timeout_ms};
    buf_init(ret, SCRAPE_MAX_BYTES);
    int r = core_init(&o.core, config, environment, e);
    if (r < 0)
        return r;
    (void)uv_timer_init(&o.core.loop, &o.pause); /* documented never to fail */
    o.pause.data = &o;
    o.demand.done = once_done;
    once_ask(&o.pause);
    r = core_done(&o.core, e);
    if (r == 0 && o.result < 0)
        r = err_set_errno(e, o.result, "the exposition does not fit");
    return r;
}
