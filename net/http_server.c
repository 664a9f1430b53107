/* What it knows: accepting, the limits and their counts, the one timer, and the end of a server.
 * Documents: accept(2), the libuv guide (uv_poll_t, uv_timer_t).
 *
 * Listeners are polled and accept4(2) is called here instead of by uv_listen: when no descriptor is
 * left, libuv 1.44 closes a spare one and accepts and drops every waiting peer without a word to
 * its caller, so it could not be counted; and where the spare is gone, it calls back with the error
 * over and over without returning to the loop. Here a failed accept is counted, the peers stay in
 * the kernel's queue, and the listeners rest for a moment. */
#include "net/http_connection.h"

#include "base/alloc.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_REST_MS 500 /* after a failed accept: descriptors come back at human speed */
#define ACCEPT_AT_ONCE 16  /* connections per wake-up, so that those who are in get their turn */
/* Connections past max_connections that are told so; the others are closed without a word. */
#define REFUSED_AT_ONCE 16

const struct http_server_limits http_server_default_limits = {
    /* A few Prometheus servers, a few people; what an idle one costs is a descriptor and 1/3 kB. */
    .max_connections = 128,
    /* A scrape has 300 bytes, a browser with cookies up to 4 kB; other servers draw the line at 8
     * to 16 kB. */
    .max_header_bytes = 16 * 1024,
    /* One packet a request: this leaves time for its retransmissions, and no more. */
    .header_timeout_ms = 10 * 1000,
    /* Past the usual longest scrape interval, two minutes, so that scrapes keep their connection.
     */
    .idle_timeout_ms = 180 * 1000,
    /* Three times the usual scrape timeout: whoever waits has given up by then. */
    .write_timeout_ms = 30 * 1000,
};

static void on_timer(uv_timer_t *timer);
static void on_acceptable(uv_poll_t *poll, int status, int events);

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

static void watch(struct http_server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        (void)uv_poll_start(&s->listeners[i]->poll, UV_READABLE, on_acceptable);
}

static void check_deadlines(struct http_server *s, uint64_t now)
{
    struct http_connection *next = NULL;
    for (struct http_connection *c = s->connections; c; c = next) {
        next = c->next;
        if (c->deadline_ms <= now)
            http_connection_overdue(c);
    }
    if (s->accept_again_ms <= now) {
        s->accept_again_ms = HTTP_NEVER;
        watch(s);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct http_server *s = timer->data;
    check_deadlines(s, uv_now(s->loop));
    uint64_t earliest = s->accept_again_ms;
    for (const struct http_connection *c = s->connections; c; c = c->next)
        if (c->deadline_ms < earliest)
            earliest = c->deadline_ms;
    if (earliest != HTTP_NEVER)
        http_server_wake_at(s, earliest);
}

void http_server_connection_gone(struct http_server *s)
{
    if (!s->connections && s->accept_again_ms == HTTP_NEVER)
        (void)uv_timer_stop(&s->timer);
}

/* Accepting. */

static void rest(struct http_server *s)
{
    s->refusals[HTTP_REFUSED_ACCEPT]++;
    for (size_t i = 0; i < s->listener_count; i++)
        (void)uv_poll_stop(&s->listeners[i]->poll);
    s->accept_again_ms = uv_now(s->loop) + ACCEPT_REST_MS;
    http_server_wake_at(s, s->accept_again_ms);
}

static int take_in(struct http_server *s, int fd)
{
    bool full = s->connection_count - s->refused_count >= s->limits.max_connections;
    if (!full || s->refused_count < REFUSED_AT_ONCE)
        return http_connection_open(s, fd, full);
    s->refusals[HTTP_REFUSED_CONNECTIONS]++;
    (void)close(fd);
    return 0;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct http_server *s = poll->data;
    struct http_listener *l = (struct http_listener *)poll;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE && !s->closing; i++) {
        int fd = status < 0 ? -1 : accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && take_in(s, fd) == 0)
            continue;
        if (fd < 0 && status == 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (fd < 0 && status == 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        rest(s);
        return;
    }
}

int http_server_listen(struct http_server *s, const char *address, struct err *e)
{
    int fd = -1;
    assert(!s->closing);
    if (s->listener_count == HTTP_LISTENERS_MAX)
        return err_set(e, -E2BIG, "cannot listen on %s: %d addresses are the most; leave some out",
                       address, HTTP_LISTENERS_MAX);
    int r = http_listen_open(address, e, &fd);
    if (r < 0)
        return r;
    struct http_listener *l = alloc_zeroed(1, sizeof *l);
    l->fd = fd;
    r = uv_poll_init_socket(s->loop, &l->poll, fd);
    if (r < 0) {
        (void)close(fd);
        free(l);
        return err_set_errno(e, r, "cannot watch the listening socket of %s", address);
    }
    l->poll.data = s;
    s->handles++;
    s->listeners[s->listener_count++] = l;
    if (s->accept_again_ms == HTTP_NEVER)
        (void)uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
    return 0;
}

uint16_t http_server_port(const struct http_server *s, size_t index)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (index >= s->listener_count ||
        getsockname(s->listeners[index]->fd, (struct sockaddr *)&address, &length) < 0)
        return 0;
    return http_listen_port(&address);
}

/* The end. */

void http_server_handle_closed(struct http_server *s)
{
    assert(s->handles > 0);
    if (--s->handles > 0)
        return;
    void (*closed)(void *context) = s->closed;
    void *context = s->closed_context;
    free(s);
    if (closed)
        closed(context);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_server *s = handle->data;
    free((struct http_listener *)handle);
    http_server_handle_closed(s);
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
    for (size_t i = 0; i < s->listener_count; i++) {
        struct http_listener *l = s->listeners[i];
        uv_close((uv_handle_t *)&l->poll, on_listener_closed);
        (void)close(l->fd); /* uv_close has taken it off the poll set */
    }
    s->listener_count = 0;
    while (s->connections)
        http_connection_close(s->connections);
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
        [HTTP_REFUSED_HEADER_TIMEOUT] = "header_timeout",
        [HTTP_REFUSED_HEADER_BYTES] = "header_bytes",
        [HTTP_REFUSED_MALFORMED] = "malformed",
        [HTTP_REFUSED_WRITE_TIMEOUT] = "write_timeout",
        [HTTP_REFUSED_ACCEPT] = "accept",
    };
    assert(why < HTTP_REFUSALS);
    return names[why];
}
