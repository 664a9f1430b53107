/* What it knows: when the protecting file is read again. It is read whole and compared by a digest:
 * times of change tell nothing within one tick of the clock, and inotify nothing of a directory
 * above that is swapped, as Kubernetes swaps those of secrets. */
#include "agent/web_watch.h"

#include "base/alloc.h"
#include "base/err.h"
#include "net/timer.h"
#include "net/worker.h"

#include <stdlib.h>

#define LOOK_MS 1000 /* a look costs some 50 us: four small files read and compared */

/* What the thread works on; nobody else touches it meanwhile. */
struct job {
    char *path;
    uint64_t known; /* digest of what is in force */
    int result;
    bool changed; /* `loaded` is filled */
    struct web_loaded loaded;
    struct err e;
};

struct web_watch {
    struct timer *timer;
    struct worker *worker;
    struct web_watch_events events;
    struct job *job;
};

/* What is wrong with a certificate is told with the file that names it. */
static int make_tls(const char *path, struct web_loaded *l, struct err *e)
{
    struct err why = {0};
    int r = l->config.has_tls ? tls_context_new(&l->config.tls, &why, &l->tls) : 0;
    return r < 0 ? err_set(e, r, "%s: tls_server_config: %s", path, why.text) : 0;
}

int web_loaded_read(const char *path, struct err *e, struct web_loaded *ret)
{
    struct web_loaded l = {0};
    int r = *path == '\0' ? web_config_parse("", "/", "", 0, e, &l.config)
                          : web_config_load(path, e, &l.config);
    if (r < 0)
        return r;
    r = make_tls(path, &l, e);
    if (r < 0)
        web_loaded_done(&l);
    else
        *ret = l;
    return r;
}

void web_loaded_done(struct web_loaded *l)
{
    web_config_done(&l->config);
    tls_context_unref(l->tls);
    *l = (struct web_loaded){0};
}

/* On the thread. */
static void look(void *context)
{
    struct job *j = context;
    struct web_loaded l = {0};
    j->e = (struct err){0};
    j->changed = false;
    j->result = web_config_load(j->path, &j->e, &l.config);
    if (j->result < 0)
        return;
    if (l.config.digest != j->known)
        j->result = make_tls(j->path, &l, &j->e);
    if (j->result < 0 || l.config.digest == j->known) {
        web_loaded_done(&l);
        return;
    }
    j->loaded = l;
    j->changed = true;
}

static void looked(void *context)
{
    struct web_watch *w = context;
    struct job *j = w->job;
    timer_start(w->timer, LOOK_MS);
    if (j->result < 0) {
        w->events.failed(w->events.context, &j->e);
    } else if (j->changed) {
        uint64_t digest = j->loaded.config.digest;
        j->changed = false;
        if (w->events.changed(w->events.context, &j->loaded) == 0)
            j->known = digest;
    } else {
        w->events.well(w->events.context);
    }
}

static void run_job(void *context)
{
    look(((struct web_watch *)context)->job);
}

static void begin(void *context)
{
    struct web_watch *w = context;
    if (worker_start(w->worker, run_job, looked, w) == 0)
        return;
    look(w->job); /* no thread can be had: better a short stall than an old certificate */
    looked(w);
}

struct web_watch *web_watch_new(struct uv_loop_s *loop, const char *path, uint64_t digest,
                                const struct web_watch_events *events)
{
    struct web_watch *w = alloc_zeroed(1, sizeof *w);
    w->timer = timer_new(loop, begin, w);
    w->worker = worker_new(loop);
    w->events = *events;
    w->job = alloc_zeroed(1, sizeof *w->job);
    w->job->path = alloc_string(path);
    w->job->known = digest;
    timer_start(w->timer, LOOK_MS);
    return w;
}

static void free_watch(void *context)
{
    struct web_watch *w = context;
    if (w->job->changed)
        web_loaded_done(&w->job->loaded);
    free(w->job->path);
    free(w->job);
    free(w);
}

void web_watch_close(struct web_watch *w)
{
    if (!w)
        return;
    timer_close(w->timer);
    worker_close(w->worker, free_watch, w);
}
