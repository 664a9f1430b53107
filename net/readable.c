/* What it knows: one uv_poll_t that fires once. Document: libuv, "Poll handle". */
#include "net/readable.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <uv.h>

struct readable {
    uv_poll_t handle;
    void (*ready)(void *context);
    void *context;
};

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct readable *r = handle->data;
    (void)events;
    (void)uv_poll_stop(handle); /* always 0 for an open handle */
    if (status == 0)
        r->ready(r->context);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct readable *readable_new(struct uv_loop_s *loop, int descriptor, void (*ready)(void *context),
                              void *context)
{
    struct readable *r = alloc_zeroed(1, sizeof *r);
    r->ready = ready;
    r->context = context;
    if (uv_poll_init(loop, &r->handle, descriptor) < 0) {
        free(r);
        return NULL;
    }
    r->handle.data = r;
    uv_unref((uv_handle_t *)&r->handle);
    return r;
}

void readable_start(struct readable *r)
{
    (void)uv_poll_start(&r->handle, UV_READABLE, on_poll); /* fails for a closed handle only */
}

void readable_close(struct readable *r)
{
    if (r)
        uv_close((uv_handle_t *)&r->handle, on_closed);
}
