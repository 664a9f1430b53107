/* What it knows: which connection carries which request: a line served in order, a bound on what is
 * under way, connections kept between requests, streams apart. Documents: docs/engine-client.md. */
#include "net/http_client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/http_client_internal.h"
#include "net/http_failure.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PATH_MAX (sizeof((struct sockaddr_un *)NULL)->sun_path - 1) /* 107 bytes, unix(7) */
#define HOST_MAX      253                                                /* bytes, RFC 1035 */
/* How long a sentence about missing permission is used again: the look-up of the names may ask the
 * network. */
#define DENIED_KEPT_NS (10 * NS_PER_SECOND)

static struct http_client *client_of(struct http_getter *getter)
{
    return (struct http_client *)getter;
}

void client_idle_remove(struct client_connection *conn)
{
    TAILQ_REMOVE(&conn->client->idle, conn, idle);
    conn->client->idle_count--;
}

static void trim_idle(struct http_client *c, uint32_t kept)
{
    while (c->idle_count > kept)
        client_connection_close(TAILQ_LAST(&c->idle, idle_connections));
}

static void start(struct http_client *c, struct http_exchange *x)
{
    struct client_connection *conn = TAILQ_FIRST(&c->idle);
    if (!conn || !client_connection_reuse(conn, x))
        client_connection_open(c, x, true);
}

void client_pump(struct http_client *c)
{
    while (!c->closing && c->delivering == 0 && c->in_use < c->max_connections) {
        struct http_exchange *x = http_exchanges_next(&c->exchanges);
        if (!x)
            return;
        start(c, x);
    }
}

/* Calls on_done. Whatever it does to the client, the client lives until the loop has closed its
 * handles. */
static void end_exchange(struct http_client *c, struct http_exchange *x,
                         const struct http_result *result)
{
    c->delivering++;
    http_exchange_end(x, result);
    c->delivering--;
}

void client_exchange_fail(struct http_client *c, struct http_exchange *x, enum reason reason,
                          const char *text)
{
    struct http_result result = {.reason = reason,
                                 .text = text,
                                 .body = "",
                                 .sent_ns = x->sent_ns,
                                 .received_ns = clock_monotonic_ns(&clock_system)};
    struct client_connection *conn = x->carrier;
    if (conn && conn->state == CLIENT_BUSY)
        result.status = conn->response.status;
    if (conn)
        client_connection_close(conn);
    end_exchange(c, x, &result);
    client_pump(c);
}

void client_connect_failed(struct http_client *c, struct http_exchange *x, int error)
{
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    bool denied = c->unix_path && (error == -EACCES || error == -EPERM);
    if (denied && c->denied && now_ns - c->denied_ns < DENIED_KEPT_NS) {
        client_exchange_fail(c, x, REASON_PERMISSION_DENIED, c->denied);
        return;
    }
    struct err e;
    enum reason reason = http_failure_connect(c->where, c->unix_path, error, &e);
    if (denied) {
        free(c->denied);
        c->denied = alloc_string(e.text);
        c->denied_ns = now_ns;
    }
    client_exchange_fail(c, x, reason, e.text);
}

static bool may_keep(const struct client_connection *conn)
{
    return conn->response.keep_alive && conn->counted && !conn->writing;
}

void client_answer_complete(struct client_connection *conn)
{
    struct http_client *c = conn->client;
    struct http_exchange *x = conn->exchange;
    const struct http_body *body = &conn->response.body;
    bool has_body = !body->streaming && body->bytes.length > 0;
    struct http_result result = {.reason = REASON_NONE,
                                 .text = "",
                                 .status = conn->response.status,
                                 .body = has_body ? body->bytes.data : "",
                                 .body_length = has_body ? body->bytes.length : 0,
                                 .sent_ns = x->sent_ns,
                                 .received_ns = clock_monotonic_ns(&clock_system)};
    conn->exchange = NULL;
    x->carrier = NULL;
    conn->state = CLIENT_DELIVERING;
    end_exchange(c, x, &result);
    if (conn->state == CLIENT_CLOSING)
        return;
    if (may_keep(conn)) {
        http_body_trim(&conn->response.body);
        conn->counted = false;
        c->in_use--;
        conn->state = CLIENT_IDLE;
        TAILQ_INSERT_HEAD(&c->idle, conn, idle);
        c->idle_count++;
    } else {
        client_connection_close(conn);
    }
    client_pump(c);
    trim_idle(c, c->max_idle);
}

static const char *what_it_does(const struct client_connection *conn)
{
    if (!conn)
        return "waiting for a free connection";
    if (conn->state == CLIENT_RESOLVING)
        return "looking up the name of the host";
    if (conn->state == CLIENT_CONNECTING || conn->state == CLIENT_FAILED)
        return "connecting";
    return conn->response.status == 0 ? "waiting for the head of the answer"
                                      : "reading the body of the answer";
}

static void expire(void *owner, struct http_exchange *x)
{
    struct http_client *c = owner;
    struct err e;
    enum reason reason = http_failure_timeout(c->where, x, what_it_does(x->carrier), &e);
    client_exchange_fail(c, x, reason, e.text);
}

static int client_get(struct http_getter *self, const struct http_get_options *options,
                      struct http_exchange **ret_exchange)
{
    struct http_client *c = client_of(self);
    assert(!c->closing);
    struct http_exchange *x;
    int r = http_exchange_new(&c->exchanges, options, &x);
    if (r < 0)
        return r;
    if (http_exchange_is_stream(x)) {
        client_connection_open(c, x, false);
    } else {
        http_exchange_wait(x);
        client_pump(c);
    }
    *ret_exchange = x;
    return 0;
}

static void client_cancel(struct http_getter *self, struct http_exchange *x)
{
    struct http_client *c = client_of(self);
    if (x->ended)
        return; /* from inside its own on_done */
    struct client_connection *conn = x->carrier;
    if (conn)
        client_connection_close(conn);
    http_exchange_drop(x);
    client_pump(c);
}

static void client_close_idle(struct http_getter *self)
{
    trim_idle(client_of(self), 0);
}

void client_release(struct http_client *c)
{
    if (--c->references > 0)
        return;
    void (*closed)(void *) = c->closed;
    void *context = c->closed_context;
    free(c->unix_path);
    free(c->host);
    free(c->where);
    free(c->host_header);
    free(c->read_buffer);
    free(c->denied);
    free(c);
    if (closed)
        closed(context);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_exchanges *set = handle->data;
    client_release(set->owner);
}

static void client_close(struct http_getter *self, void (*closed)(void *), void *context)
{
    struct http_client *c = client_of(self);
    assert(!c->closing);
    c->closing = true;
    c->closed = closed;
    c->closed_context = context;
    struct http_exchange *x;
    while ((x = http_exchanges_any(&c->exchanges)))
        client_cancel(self, x);
    for (struct client_connection *conn = LIST_FIRST(&c->connections); conn;
         conn = LIST_NEXT(conn, all))
        client_connection_close(conn);
    if (c->resolving)
        (void)uv_cancel((uv_req_t *)&c->resolve); /* one that runs already is waited for */
    uv_close((uv_handle_t *)&c->exchanges.timer, on_timer_closed);
}

static void client_set_bound(struct http_getter *self, uint32_t max_connections)
{
    assert(max_connections > 0);
    struct http_client *c = client_of(self);
    c->max_connections = max_connections;
    client_pump(c);
}

static const struct http_getter getter_table = {.get = client_get,
                                                .cancel = client_cancel,
                                                .close_idle = client_close_idle,
                                                .set_bound = client_set_bound,
                                                .close = client_close};

/* The name goes into the Host line, where a blank or a control character would begin another. */
static bool host_is_valid(const char *host)
{
    size_t length = strlen(host);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)host[i] <= ' ' || host[i] == 0x7f || host[i] == '/')
            return false;
    return length > 0 && length <= HOST_MAX;
}

static int check_options(const struct http_client_options *o, struct err *e)
{
    if (!o->unix_path && !o->host)
        return err_set(e, -EINVAL, "neither a socket's path nor a host is given: give one");
    if (o->unix_path && strlen(o->unix_path) > UNIX_PATH_MAX)
        return err_set(e, -EINVAL,
                       "the socket's path is %zu bytes long and the kernel takes %zu: %.100s...; "
                       "use a shorter path or a symbolic link",
                       strlen(o->unix_path), UNIX_PATH_MAX, o->unix_path);
    if (o->unix_path && o->unix_path[0] == '\0')
        return err_set(e, -EINVAL, "the socket's path is empty: give the path of a unix socket");
    if (!o->unix_path && !host_is_valid(o->host))
        return err_set(e, -EINVAL,
                       "\"%.100s\" is not the name or address of a host: give it without scheme, "
                       "path and blanks",
                       o->host);
    if (!o->unix_path && o->port == 0)
        return err_set(e, -EINVAL, "the port of %.100s is 0: give one from 1 to 65535", o->host);
    return 0;
}

static char *format_host(const char *scheme, const char *host, unsigned port)
{
    struct buf text;
    buf_init(&text, HOST_MAX + 64);
    bool v6 = strchr(host, ':') != NULL;
    (void)buf_add_string(&text, scheme);
    (void)buf_add_format(&text, v6 ? "[%s]:%u" : "%s:%u", host, port);
    return text.data;
}

static void take_options(struct http_client *c, const struct http_client_options *o)
{
    c->max_connections = o->max_connections;
    c->max_idle = o->max_idle;
    if (o->unix_path) {
        c->unix_path = alloc_string(o->unix_path);
        struct buf where;
        buf_init(&where, UNIX_PATH_MAX + 64);
        (void)buf_add_format(&where, "unix://%s", o->unix_path);
        c->where = where.data;
        c->host_header = alloc_string("weir"); /* any word without a slash does */
        return;
    }
    c->host = alloc_string(o->host);
    c->port = o->port;
    c->where = format_host("http://", o->host, o->port);
    c->host_header = format_host("", o->host, o->port);
    c->literal = client_address_literal(c);
}

int http_client_new(struct uv_loop_s *loop, const struct http_client_options *options,
                    struct err *e, struct http_getter **ret_client)
{
    assert(options->max_connections > 0);
    (void)signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL; EPIPE tells */
    int r = check_options(options, e);
    if (r < 0)
        return r;
    struct http_client *c = alloc_zeroed(1, sizeof *c);
    c->getter = getter_table;
    c->loop = loop;
    c->references = 1; /* the timer */
    LIST_INIT(&c->connections);
    TAILQ_INIT(&c->idle);
    take_options(c, options);
    http_exchanges_init(&c->exchanges, loop, expire, c);
    *ret_client = &c->getter;
    return 0;
}
