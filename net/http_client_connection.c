/* What it knows: one connection of the client, from connecting over the exchanges it carries to the
 * close of its handle; and that a kept connection may be dead when it is used again. Documents: RFC
 * 9112 section 9; libuv, "Stream handle"; docs/engine-client.md. */
#include "net/http_client_internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/http_failure.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Bytes of one read. An engine's answers have 2 to 100 KiB; larger reads gain nothing. */
#define READ_BUFFER_BYTES 65536
/* Bytes of a request beside its path: the fixed lines and a host name. */
#define REQUEST_BYTES_MAX (HTTP_PATH_MAX + 1024)
/* Seconds of silence after which the kernel asks whether a TCP peer is still there: a stream of
 * events may be silent for days. */
#define TCP_KEEPALIVE_S 60

static void on_closed(uv_handle_t *handle);
static void died(struct client_connection *conn, int error);

static void init_handle(struct client_connection *conn)
{
    uv_loop_t *loop = conn->client->loop;
    int r = conn->client->unix_path ? uv_pipe_init(loop, &conn->io.pipe, 0)
                                    : uv_tcp_init(loop, &conn->io.tcp);
    assert(r == 0); /* neither makes a descriptor yet */
    conn->io.handle.data = conn;
}

static void release(struct client_connection *conn)
{
    struct http_client *c = conn->client;
    LIST_REMOVE(conn, all);
    http_response_done(&conn->response);
    buf_done(&conn->request);
    free(conn);
    if (LIST_EMPTY(&c->connections)) { /* here no read is going on that uses it */
        free(c->read_buffer);
        c->read_buffer = NULL;
    }
    client_release(c);
}

/* It leaves the pool's count, and its exchange. */
static struct http_exchange *detach(struct client_connection *conn)
{
    struct http_exchange *x = conn->exchange;
    conn->exchange = NULL;
    if (x)
        x->carrier = NULL;
    conn->response.body.stopped = true;
    if (conn->counted)
        conn->client->in_use--;
    conn->counted = false;
    return x;
}

void client_connection_close(struct client_connection *conn)
{
    if (conn->state == CLIENT_CLOSING)
        return;
    bool handle_is_closing = conn->state == CLIENT_FAILED;
    if (conn->state == CLIENT_IDLE)
        client_idle_remove(conn);
    (void)detach(conn);
    conn->state = CLIENT_CLOSING;
    if (!handle_is_closing)
        uv_close(&conn->io.handle, on_closed);
}

void client_connection_attempt_failed(struct client_connection *conn, int error)
{
    conn->connect_error = error;
    conn->state = CLIENT_FAILED;
    uv_close(&conn->io.handle, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct client_connection *conn = handle->data;
    struct http_client *c = conn->client;
    if (conn->state == CLIENT_CLOSING) {
        release(conn);
        return;
    }
    assert(conn->state == CLIENT_FAILED);
    if (!c->unix_path && conn->next_address < c->address_count) {
        init_handle(conn);
        client_connection_next_address(conn);
        return;
    }
    struct http_exchange *x = detach(conn);
    int error = conn->connect_error;
    release(conn);
    client_connect_failed(c, x, error);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    (void)suggested;
    struct client_connection *conn = handle->data;
    struct http_client *c = conn->client;
    if (!c->read_buffer)
        c->read_buffer = alloc_bytes(READ_BUFFER_BYTES);
    *ret_buf = uv_buf_init(c->read_buffer, READ_BUFFER_BYTES);
}

static void fail(struct client_connection *conn, int error)
{
    struct http_client *c = conn->client;
    struct err e;
    enum reason reason = http_failure_answer(c->where, conn->exchange, error,
                                             http_response_problem(&conn->response), &e);
    client_exchange_fail(c, conn->exchange, reason, e.text);
}

static void on_bytes(struct client_connection *conn, const char *bytes, size_t length)
{
    conn->answered = true;
    int r = http_response_feed(&conn->response, bytes, length);
    if (r == -ECANCELED)
        return; /* the line callback has closed this connection */
    if (r < 0)
        fail(conn, r);
    else if (r == 1)
        client_answer_complete(conn);
    else if (conn->response.body.streaming)
        conn->exchange->deadline_ns = UINT64_MAX; /* the timeout was for the head */
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf)
{
    struct client_connection *conn = stream->data;
    if (length == 0)
        return; /* nothing to read after all */
    if (conn->state != CLIENT_BUSY)
        client_connection_close(conn); /* the peer left, or sent what nobody asked for */
    else if (length < 0)
        died(conn, (int)length);
    else
        on_bytes(conn, buf->base, (size_t)length);
}

/* The connection is dead. A kept one may have been so before the request was sent: the server saw
 * nothing of it, so it goes out once more. */
static void died(struct client_connection *conn, int error)
{
    struct http_client *c = conn->client;
    if (conn->reused && !conn->answered) {
        bool counted = conn->counted;
        struct http_exchange *x = detach(conn);
        client_connection_close(conn);
        client_connection_open(c, x, counted);
        return;
    }
    int r = error == UV_EOF ? http_response_finish(&conn->response) : error;
    if (r == 1)
        client_answer_complete(conn);
    else if (r != -ECANCELED)
        fail(conn, r);
}

static void on_written(uv_write_t *write, int status)
{
    struct client_connection *conn = write->data;
    conn->writing = false;
    if (status < 0 && conn->state == CLIENT_BUSY)
        died(conn, status);
}

static void format_request(struct client_connection *conn)
{
    struct buf *request = &conn->request;
    buf_clear(request);
    (void)buf_add_string(request, "GET ");
    (void)buf_add_string(request, conn->exchange->path);
    (void)buf_add_string(request, " HTTP/1.1\r\nHost: ");
    (void)buf_add_string(request, conn->client->host_header);
    int r = buf_add_string(request, "\r\nUser-Agent: weir\r\nAccept: application/json\r\n\r\n");
    assert(r == 0); /* path and host were measured when they were taken */
}

/* Sends the request of its exchange. 0 or the negative errno. */
static int send_request(struct client_connection *conn)
{
    conn->state = CLIENT_BUSY;
    conn->answered = false;
    http_response_begin(&conn->response, &conn->exchange->options);
    format_request(conn);
    conn->exchange->sent_ns = clock_monotonic_ns(&clock_system);
    /* A request fits into an empty socket buffer, so it goes out at once and without a callback
     * that might come after the answer. */
    uv_buf_t rest = uv_buf_init(conn->request.data, (unsigned)conn->request.length);
    int sent = uv_try_write(&conn->io.stream, &rest, 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0)
        return sent;
    if ((unsigned)sent == rest.len)
        return 0;
    rest = uv_buf_init(rest.base + sent, (unsigned)rest.len - (unsigned)sent);
    conn->write.data = conn;
    int r = uv_write(&conn->write, &conn->io.stream, &rest, 1, on_written);
    conn->writing = r == 0;
    return r;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct client_connection *conn = request->data;
    if (conn->state != CLIENT_CONNECTING)
        return; /* closed meanwhile */
    if (status < 0) {
        client_connection_attempt_failed(conn, status);
        return;
    }
    if (!conn->client->unix_path) {
        /* Both only make it better; a socket without them works. */
        (void)uv_tcp_nodelay(&conn->io.tcp, 1);
        (void)uv_tcp_keepalive(&conn->io.tcp, 1, TCP_KEEPALIVE_S);
    }
    int r = uv_read_start(&conn->io.stream, on_alloc, on_read);
    assert(r == 0); /* fails for a handle that is closed or not connected only */
    r = send_request(conn);
    if (r < 0)
        died(conn, r);
}

void client_connection_next_address(struct client_connection *conn)
{
    struct http_client *c = conn->client;
    conn->state = CLIENT_CONNECTING;
    int r = conn->connect_error;
    if (conn->next_address < c->address_count) {
        const struct sockaddr_storage *address = &c->addresses[conn->next_address++];
        r = uv_tcp_connect(&conn->connect, &conn->io.tcp, (const struct sockaddr *)address,
                           on_connected);
    }
    if (r < 0)
        client_connection_attempt_failed(conn, r);
}

void client_connection_open(struct http_client *c, struct http_exchange *x, bool counted)
{
    struct client_connection *conn = alloc_zeroed(1, sizeof *conn);
    conn->client = c;
    conn->exchange = x;
    conn->counted = counted;
    conn->connect.data = conn;
    conn->connect_error = UV_EAI_NODATA;
    buf_init(&conn->request, REQUEST_BYTES_MAX);
    init_handle(conn);
    x->carrier = conn;
    LIST_INSERT_HEAD(&c->connections, conn, all);
    c->references++;
    if (counted)
        c->in_use++;
    if (c->unix_path) {
        conn->state = CLIENT_CONNECTING;
        uv_pipe_connect(&conn->connect, &conn->io.pipe, c->unix_path, on_connected);
    } else if (c->literal) {
        client_connection_next_address(conn);
    } else {
        conn->state = CLIENT_RESOLVING;
        client_address_resolve(c);
    }
}

bool client_connection_reuse(struct client_connection *conn, struct http_exchange *x)
{
    assert(conn->state == CLIENT_IDLE);
    client_idle_remove(conn);
    conn->exchange = x;
    conn->reused = true;
    conn->counted = true;
    conn->client->in_use++;
    x->carrier = conn;
    if (send_request(conn) == 0)
        return true;
    (void)detach(conn);
    client_connection_close(conn);
    return false;
}
