/* What it knows: handing one job at a time to a thread and its end back to the loop, and parting
 * from a thread that may never come back. Document: libuv's guide, "Threads", uv_async_t. */
#include "net/worker.h"

#include "base/alloc.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#define STACK_BYTES (1024 * 1024) /* a walk keeps a path a level; pages not used cost nothing */
#define LEAVE_MS    200           /* a job takes milliseconds: longer, and it is stuck */

struct worker {
    uv_async_t async; /* the loop's; the thread touches it only under the lock, while not closed */
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t wake;
    bool has_thread;
    bool busy; /* the loop's view: started, and done not called */

    /* under the lock */
    unsigned sides;              /* that still use it: the loop, the thread */
    void (*work)(void *context); /* NULL: nothing to do */
    bool finished;               /* the job ended, the loop has not been told */
    bool closed;
    void (*left)(void *context);
    void *left_context;

    void (*done)(void *context);
    void *context;
};

/* The last of the two sides, loop and thread, frees it. */
static void release(struct worker *w)
{
    uv_mutex_lock(&w->lock);
    bool last = --w->sides == 0;
    uv_mutex_unlock(&w->lock);
    if (!last)
        return;
    uv_mutex_destroy(&w->lock);
    uv_cond_destroy(&w->wake);
    free(w);
}

/* Waits for the next job; false when there will be none. */
static bool next_job(struct worker *w, void (**ret_work)(void *context))
{
    uv_mutex_lock(&w->lock);
    while (!w->work && !w->closed)
        uv_cond_wait(&w->wake, &w->lock);
    *ret_work = w->work;
    w->work = NULL;
    uv_mutex_unlock(&w->lock);
    return *ret_work != NULL;
}

/* The job has ended; false when nobody waits for it any more. */
static bool tell_loop(struct worker *w)
{
    uv_mutex_lock(&w->lock);
    bool open = !w->closed;
    w->finished = true;
    if (open)
        (void)uv_async_send(&w->async);
    uv_mutex_unlock(&w->lock);
    return open;
}

static void run(void *argument)
{
    struct worker *w = argument;
    void (*work)(void *context) = NULL;
    while (next_job(w, &work)) {
        work(w->context);
        if (!tell_loop(w))
            break;
    }
    w->left(w->left_context);
    release(w);
}

static void on_finished(uv_async_t *async)
{
    struct worker *w = async->data;
    uv_mutex_lock(&w->lock);
    bool finished = w->finished;
    w->finished = false;
    uv_mutex_unlock(&w->lock);
    if (!finished)
        return;
    w->busy = false;
    uv_unref((uv_handle_t *)&w->async);
    w->done(w->context);
}

struct worker *worker_new(struct uv_loop_s *loop)
{
    struct worker *w = alloc_zeroed(1, sizeof *w);
    w->sides = 1;
    int r = uv_mutex_init(&w->lock);
    assert(r == 0);
    r = uv_cond_init(&w->wake);
    assert(r == 0);
    r = uv_async_init(loop, &w->async, on_finished);
    assert(r == 0);
    w->async.data = w;
    uv_unref((uv_handle_t *)&w->async); /* waiting for nothing must not keep the loop alive */
    return w;
}

int worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                 void *context)
{
    assert(!w->busy);
    if (!w->has_thread) {
        const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                             .stack_size = STACK_BYTES};
        w->sides = 2;
        int r = uv_thread_create_ex(&w->thread, &options, run, w);
        if (r < 0) {
            w->sides = 1;
            return r;
        }
        w->has_thread = true;
    }
    w->busy = true;
    uv_ref((uv_handle_t *)&w->async);
    w->done = done;
    w->context = context;
    uv_mutex_lock(&w->lock);
    w->work = work;
    uv_cond_signal(&w->wake);
    uv_mutex_unlock(&w->lock);
    return 0;
}

bool worker_is_busy(const struct worker *w)
{
    return w->busy;
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

/* Waits for the thread a moment, so that nothing of it is left at the end of the process. */
static void part_from(uv_thread_t thread)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LEAVE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    if (pthread_timedjoin_np(thread, NULL, &until) != 0)
        (void)pthread_detach(thread);
}

void worker_close(struct worker *w, void (*left)(void *context), void *context)
{
    uv_mutex_lock(&w->lock);
    w->closed = true;
    w->left = left;
    w->left_context = context;
    uv_cond_signal(&w->wake);
    uv_mutex_unlock(&w->lock);
    uv_close((uv_handle_t *)&w->async, on_closed);
    if (w->has_thread)
        part_from(w->thread);
    else
        left(context);
}
