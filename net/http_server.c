/* What it knows: the limits and their counts, the one timer, and the end of a server. Document: the
 * libuv guide (uv_timer_t). */
#include "net/http_connection.h"

#include "base/alloc.h"
#include "net/tls.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

const struct http_server_limits http_server_default_limits = {
    /* Some Prometheus servers, some people, and a crowd to drop before one of them is: half of the
     * 1024 descriptors that a process usually has. An idle connection costs half a kB. */
    .max_connections = 512,
    /* A proxy with many behind it is one peer, and one peer alone cannot take all the places. */
    .max_connections_per_peer = 128,
    /* A scrape has 300 bytes, a browser with cookies up to 4 kB; other servers draw the line at 8
     * to 16 kB. */
    .max_header_bytes = 16 * 1024,
    /* The longest path is some 20 bytes; the rest is for a query with a list of names. */
    .max_target_bytes = 4 * 1024,
    /* Nothing here wants a body: this is what a form or a health checker may send along. */
    .max_body_bytes = 64 * 1024,
    /* Bodies of 1000 containers have some MB: a few old ones that slow readers still hold. */
    .max_pinned_bytes = 64 * 1024 * 1024,
    /* One packet a request: this leaves time for its retransmissions, and no more. */
    .header_timeout_ms = 10 * 1000,
    /* 64 KiB at the speed of a telephone line. */
    .body_timeout_ms = 10 * 1000,
    /* Past the usual longest scrape interval, two minutes, so that scrapes keep their connection.
     */
    .idle_timeout_ms = 180 * 1000,
    /* Three times the usual scrape timeout: whoever waits has given up by then. */
    .write_timeout_ms = 30 * 1000,
};

static void on_timer(uv_timer_t *timer);

struct http_server *http_server_new(struct uv_loop_s *loop, const struct http_server_limits *limits,
                                    http_handler handler, void *context)
{
    struct http_server *s = alloc_zeroed(1, sizeof *s);
    s->loop = loop;
    s->limits = limits ? *limits : http_server_default_limits;
    s->handler = handler;
    s->context = context;
    s->accept_again_ms = HTTP_NEVER;
    int r = uv_timer_init(loop, &s->timer);
    assert(r == 0); /* it only fills the struct */
    s->timer.data = s;
    s->handles = 1;
    /* libuv writes with write(2): a peer that has gone must be an error, not the end. */
    (void)signal(SIGPIPE, SIG_IGN);
    return s;
}

/* The timer. */

void http_server_wake_at(struct http_server *s, uint64_t deadline_ms)
{
    if (s->closing || (uv_is_active((uv_handle_t *)&s->timer) && s->timer_due_ms <= deadline_ms))
        return;
    uint64_t now = uv_now(s->loop);
    s->timer_due_ms = deadline_ms;
    (void)uv_timer_start(&s->timer, on_timer, deadline_ms > now ? deadline_ms - now : 0, 0);
}

/* The first one whose time is over, or NULL. `ret_earliest` falls to the earliest deadline of those
 * before it. */
static struct http_connection *find_overdue(const struct http_server *s, uint64_t now,
                                            uint64_t *ret_earliest)
{
    for (unsigned rank = 0; rank < HTTP_RANKS; rank++)
        for (struct http_connection *c = s->queues[rank].first; c; c = c->next) {
            if (c->deadline_ms <= now)
                return c;
            if (c->deadline_ms < *ret_earliest)
                *ret_earliest = c->deadline_ms;
        }
    return NULL;
}

static void on_timer(uv_timer_t *timer)
{
    struct http_server *s = timer->data;
    uint64_t now = uv_now(s->loop);
    uint64_t earliest = HTTP_NEVER;
    struct http_connection *c = NULL;
    /* From the start each time: what is done about one may close others or move them. */
    while ((c = find_overdue(s, now, &earliest)))
        http_connection_overdue(c);
    if (s->accept_again_ms <= now)
        http_server_accept_again(s);
    if (s->accept_again_ms < earliest)
        earliest = s->accept_again_ms;
    if (earliest != HTTP_NEVER)
        http_server_wake_at(s, earliest);
}

void http_server_connection_gone(struct http_server *s)
{
    if (s->connection_count == 0 && s->accept_again_ms == HTTP_NEVER)
        (void)uv_timer_stop(&s->timer);
}

/* What can be changed. */

void http_server_set_limits(struct http_server *s, const struct http_server_limits *limits)
{
    s->limits = *limits;
}

void http_server_set_headers(struct http_server *s, const char *lines)
{
    size_t length = strlen(lines);
    assert(length <= HTTP_REPLY_HEADERS_MAX);
    assert(length == 0 || (length > 2 && strcmp(lines + length - 2, "\r\n") == 0));
    free(s->headers);
    s->headers = length > 0 ? alloc_string(lines) : NULL;
}

void http_server_set_tls(struct http_server *s, struct tls_context *tls)
{
    struct tls_context *old = s->tls;
    bool turned = !old != !tls;
    s->tls = tls ? tls_context_ref(tls) : NULL;
    tls_context_unref(old);
    for (unsigned rank = HTTP_RANK_SILENT; turned && rank <= HTTP_RANK_IDLE; rank++)
        while (s->queues[rank].first)
            http_connection_close(s->queues[rank].first);
}

uint32_t http_server_connections(const struct http_server *s)
{
    return s->connection_count;
}

uint64_t http_server_pinned_bytes(const struct http_server *s)
{
    return s->pins.bytes;
}

/* The end. */

void http_server_handle_closed(struct http_server *s)
{
    assert(s->handles > 0);
    if (--s->handles > 0)
        return;
    void (*closed)(void *context) = s->closed;
    void *context = s->closed_context;
    tls_context_unref(s->tls);
    free(s->headers);
    free(s);
    if (closed)
        closed(context);
}

static void on_timer_closed(uv_handle_t *handle)
{
    http_server_handle_closed(handle->data);
}

void http_server_close(struct http_server *s, void (*closed)(void *context), void *context)
{
    assert(!s->closing);
    s->closing = true;
    s->closed = closed;
    s->closed_context = context;
    http_server_close_listeners(s);
    for (unsigned rank = 0; rank < HTTP_RANKS; rank++)
        while (s->queues[rank].first)
            http_connection_close(s->queues[rank].first);
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

uint64_t http_server_refusals(const struct http_server *s, enum http_refusal why)
{
    assert(why < HTTP_REFUSALS);
    return s->refusals[why];
}

const char *http_refusal_name(enum http_refusal why)
{
    static const char *const names[HTTP_REFUSALS] = {
        [HTTP_REFUSED_CONNECTIONS] = "connections",
        [HTTP_REFUSED_PEER] = "peer",
        [HTTP_REFUSED_HEADER_TIMEOUT] = "header_timeout",
        [HTTP_REFUSED_HEADER_BYTES] = "header_bytes",
        [HTTP_REFUSED_TARGET_BYTES] = "target_bytes",
        [HTTP_REFUSED_BODY_TIMEOUT] = "body_timeout",
        [HTTP_REFUSED_BODY_BYTES] = "body_bytes",
        [HTTP_REFUSED_PINNED_BYTES] = "pinned_bytes",
        [HTTP_REFUSED_TLS] = "tls",
        [HTTP_REFUSED_MALFORMED] = "malformed",
        [HTTP_REFUSED_WRITE_TIMEOUT] = "write_timeout",
        [HTTP_REFUSED_ACCEPT] = "accept",
    };
    assert(why < HTTP_REFUSALS);
    return names[why];
}
