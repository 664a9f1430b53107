/* What it knows: one uv_timer_t behind a type of our own. Document: libuv, "Timer handle". */
#include "net/timer.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

struct timer {
    uv_timer_t handle;
    void (*fire)(void *context);
    void *context;
};

static void on_timer(uv_timer_t *handle)
{
    struct timer *t = handle->data;
    t->fire(t->context);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct timer *timer_new(struct uv_loop_s *loop, void (*fire)(void *context), void *context)
{
    assert(loop && fire);
    struct timer *t = alloc_zeroed(1, sizeof *t);
    *t = (struct timer){.fire = fire, .context = context};
    int r = uv_timer_init(loop, &t->handle);
    assert(r == 0); /* it only fills in the struct */
    t->handle.data = t;
    return t;
}

void timer_start(struct timer *t, uint64_t delay_ms)
{
    /* libuv counts from the time it cached when the loop woke up: after long work in a callback the
     * timer would run out early. */
    uv_update_time(t->handle.loop);
    int r = uv_timer_start(&t->handle, on_timer, delay_ms, 0);
    assert(r == 0); /* fails for a closed timer only */
}

void timer_stop(struct timer *t)
{
    (void)uv_timer_stop(&t->handle); /* always 0 */
}

void timer_close(struct timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->handle, on_closed);
}
