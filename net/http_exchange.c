/* What it knows: one timer for all deadlines of a client, set to the earliest and only set again
 * when it has run out, so that a request costs no timer of its own. Document:
 * docs/engine-client.md. */
#include "net/http_exchange.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void on_timer(uv_timer_t *timer);

void http_exchanges_init(struct http_exchanges *set, uv_loop_t *loop,
                         void (*expire)(void *owner, struct http_exchange *x), void *owner)
{
    *set = (struct http_exchanges){.armed_ns = UINT64_MAX, .expire = expire, .owner = owner};
    LIST_INIT(&set->all);
    LIST_INIT(&set->expired);
    TAILQ_INIT(&set->line);
    int r = uv_timer_init(loop, &set->timer);
    assert(r == 0); /* it only fills in the struct */
    set->timer.data = set;
}

static void arm(struct http_exchanges *set, uint64_t deadline_ns, uint64_t now_ns)
{
    if (deadline_ns >= set->armed_ns)
        return;
    set->armed_ns = deadline_ns;
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    /* The loop's cached time may be behind, and the timer then early: on_timer looks again. */
    int r = uv_timer_start(&set->timer, on_timer, left_ns / NS_PER_MS + 1, 0);
    assert(r == 0); /* fails for a closed timer only */
}

static void stop_waiting(struct http_exchange *x)
{
    if (!x->waiting)
        return;
    TAILQ_REMOVE(&x->set->line, x, line);
    x->waiting = false;
}

/* Moves those whose time is up to `expired`; gives the earliest deadline of the rest. */
static uint64_t sort_out_expired(struct http_exchanges *set, uint64_t now_ns)
{
    uint64_t earliest_ns = UINT64_MAX;
    struct http_exchange *next;
    for (struct http_exchange *x = LIST_FIRST(&set->all); x; x = next) {
        next = LIST_NEXT(x, all);
        if (x->deadline_ns <= now_ns) {
            stop_waiting(x);
            LIST_REMOVE(x, all);
            LIST_INSERT_HEAD(&set->expired, x, all);
        } else if (x->deadline_ns < earliest_ns) {
            earliest_ns = x->deadline_ns;
        }
    }
    return earliest_ns;
}

static void on_timer(uv_timer_t *timer)
{
    struct http_exchanges *set = timer->data;
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    set->armed_ns = UINT64_MAX;
    uint64_t earliest_ns = sort_out_expired(set, now_ns);
    if (earliest_ns != UINT64_MAX)
        arm(set, earliest_ns, now_ns);
    struct http_exchange *x;
    while ((x = LIST_FIRST(&set->expired)))
        set->expire(set->owner, x);
}

/* A blank or a control character would end the request line early and let a caller smuggle in
 * another request. */
static bool path_is_valid(const char *path, size_t length)
{
    if (path[0] != '/' || length > HTTP_PATH_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)path[i] <= ' ' || path[i] == 0x7f)
            return false;
    return true;
}

static uint64_t deadline_after(uint64_t now_ns, uint64_t timeout_ms)
{
    if (timeout_ms > (UINT64_MAX - now_ns) / NS_PER_MS)
        return UINT64_MAX;
    return now_ns + timeout_ms * NS_PER_MS;
}

int http_exchange_new(struct http_exchanges *set, const struct http_get_options *options,
                      struct http_exchange **ret_exchange)
{
    assert(options->path && options->on_done);
    assert(options->timeout_ms > 0 && options->max_body_bytes > 0);
    size_t length = strlen(options->path);
    if (!path_is_valid(options->path, length))
        return -EINVAL;
    bool full =
        options->on_line ? set->streams >= HTTP_STREAMS_MAX : set->requests >= HTTP_EXCHANGES_MAX;
    if (full)
        return -EMFILE;
    struct http_exchange *x = alloc_zeroed(1, sizeof *x + length + 1);
    memcpy(x->path, options->path, length + 1);
    x->options = *options;
    x->options.path = x->path;
    x->set = set;
    if (options->on_line)
        set->streams++;
    else
        set->requests++;
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    x->deadline_ns = deadline_after(now_ns, options->timeout_ms);
    LIST_INSERT_HEAD(&set->all, x, all);
    arm(set, x->deadline_ns, now_ns);
    *ret_exchange = x;
    return 0;
}

void http_exchange_wait(struct http_exchange *x)
{
    assert(!x->waiting && !x->carrier);
    TAILQ_INSERT_TAIL(&x->set->line, x, line);
    x->waiting = true;
}

struct http_exchange *http_exchanges_next(struct http_exchanges *set)
{
    struct http_exchange *x = TAILQ_FIRST(&set->line);
    if (x)
        stop_waiting(x);
    return x;
}

static void unlink_exchange(struct http_exchange *x)
{
    struct http_exchanges *set = x->set;
    stop_waiting(x);
    LIST_REMOVE(x, all);
    if (http_exchange_is_stream(x))
        set->streams--;
    else
        set->requests--;
    if (set->streams + set->requests == 0) {
        (void)uv_timer_stop(&set->timer); /* always 0 */
        set->armed_ns = UINT64_MAX;
    }
}

void http_exchange_end(struct http_exchange *x, const struct http_result *result)
{
    unlink_exchange(x);
    x->ended = true;
    x->options.on_done(x->options.context, result);
    free(x);
}

void http_exchange_drop(struct http_exchange *x)
{
    unlink_exchange(x);
    free(x);
}

struct http_exchange *http_exchanges_any(struct http_exchanges *set)
{
    struct http_exchange *x = LIST_FIRST(&set->all);
    return x ? x : LIST_FIRST(&set->expired);
}
