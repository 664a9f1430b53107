/* What it knows: the life of one connection, from accept(2) to close(2): whose turn it is, what is
 * kept meanwhile, and how long each step may take. Document: RFC 9112 section 9 (connection
 * management: persistence, pipelining, tear-down). */
#include "net/http_connection.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "net/http_request.h"

#include <assert.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection closed while the peer still sends is reset, and the reset may destroy the answer
 * before the peer has read it (RFC 9112 section 9.6). So what still comes in is read for a while.
 */
#define LINGER_MS 1000 /* a peer on the same network closes within milliseconds */
#define LINGER_MAX_BYTES                                                       \
    (256 * 1024) /* bytes of an unwanted body; a peer that sends more may lose \
                    the answer */

static void set_deadline(struct http_connection *c, uint64_t after_ms)
{
    c->deadline_ms = uv_now(c->server->loop) + after_ms;
    http_server_wake_at(c->server, c->deadline_ms);
}

static void link_in(struct http_connection *c)
{
    struct http_server *s = c->server;
    c->next = s->connections;
    if (c->next)
        c->next->previous = c;
    s->connections = c;
    s->connection_count++;
    s->refused_count += c->refused;
}

static void unlink_from(struct http_connection *c)
{
    struct http_server *s = c->server;
    if (c->previous)
        c->previous->next = c->next;
    else
        s->connections = c->next;
    if (c->next)
        c->next->previous = c->previous;
    s->connection_count--;
    s->refused_count -= c->refused;
}

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *c = handle->data;
    struct http_server *s = c->server;
    free(c->ahead);
    free(c);
    http_server_handle_closed(s);
}

void http_connection_close(struct http_connection *c)
{
    if (c->state == HTTP_CLOSING)
        return;
    if (c->state == HTTP_WAITING)
        c->request->connection = NULL; /* the handler still has it; its answer goes nowhere */
    else
        http_request_free(c->request);
    c->request = NULL;
    c->state = HTTP_CLOSING;
    unlink_from(c);
    uv_close(&c->io.handle, on_closed);
    http_server_connection_gone(c->server);
}

/* As close, and what the peer did not take is given up at once: it may be megabytes of kernel
 * memory. */
static void cut_off(struct http_connection *c)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    int fd = -1;
    if (uv_fileno(&c->io.handle, &fd) == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    http_connection_close(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_connection *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->server->read_buffer, HTTP_READ_BUFFER_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf);

static void start_reading(struct http_connection *c)
{
    if (c->reading || c->peer_done)
        return;
    c->reading = uv_read_start(&c->io.stream, on_alloc, on_read) == 0;
    if (!c->reading)
        http_connection_close(c);
}

static void stop_reading(struct http_connection *c)
{
    (void)uv_read_stop(&c->io.stream); /* always 0 */
    c->reading = false;
}

/* Shuts our side and waits for the peer to shut its own. */
static void linger(struct http_connection *c)
{
    int fd = -1;
    if (c->peer_done || uv_fileno(&c->io.handle, &fd) < 0 || shutdown(fd, SHUT_WR) < 0) {
        http_connection_close(c);
        return;
    }
    free(c->ahead);
    c->ahead = NULL;
    c->progress = 0;
    c->state = HTTP_LINGERING;
    set_deadline(c, LINGER_MS);
    start_reading(c);
}

static void discard(struct http_connection *c, size_t length)
{
    c->progress += length;
    if (c->progress > LINGER_MAX_BYTES)
        http_connection_close(c);
}

static void refuse(struct http_connection *c, int status, const char *sentence)
{
    struct bytes *body = http_sentence_body(sentence);
    struct http_answer answer = {
        .status = status,
        .content_type = HTTP_TEXT_TYPE,
        .body = body,
        .head = c->request && http_request_is_head(c->request),
    };
    http_connection_answer(c, &answer);
    bytes_unref(body);
}

static void refuse_request(struct http_connection *c)
{
    int status = c->request->status;
    if (status == 400)
        c->server->refusals[HTTP_REFUSED_MALFORMED]++;
    if (status == 431)
        c->server->refusals[HTTP_REFUSED_HEADER_BYTES]++;
    refuse(c, status, http_request_sentence(c->request));
}

static void hand_over(struct http_connection *c)
{
    c->state = HTTP_WAITING;
    c->deadline_ms = HTTP_NEVER;
    c->request->connection = c;
    c->server->handler(c->server->context, c->request);
}

/* Reads one request at most; returns how many of the bytes it took. */
static size_t take(struct http_connection *c, const char *bytes, size_t length)
{
    size_t used = 0;
    bool fresh = !c->request;
    if (fresh)
        c->request = http_request_new(c->server->limits.max_header_bytes);
    switch (http_request_feed(c->request, bytes, length, &used)) {
    case HTTP_FEED_MORE:
        if (fresh)
            set_deadline(c, c->server->limits.header_timeout_ms);
        break;
    case HTTP_FEED_WHOLE:
        hand_over(c);
        break;
    case HTTP_FEED_REFUSED:
        refuse_request(c);
        break;
    }
    return used;
}

/* Keeps what came before its turn and reads no more until then: that bounds it to one read. */
static void keep_ahead(struct http_connection *c, const char *bytes, size_t length)
{
    if (c->state == HTTP_CLOSING)
        return;
    assert(!c->ahead && length <= HTTP_READ_BUFFER_BYTES);
    c->ahead = alloc_copy(bytes, length);
    c->ahead_length = length;
    if (c->reading)
        stop_reading(c);
}

static void on_bytes(struct http_connection *c, const char *bytes, size_t length)
{
    if (c->state == HTTP_LINGERING) {
        discard(c, length);
        return;
    }
    size_t used = c->state == HTTP_READING ? take(c, bytes, length) : 0;
    if (used < length)
        keep_ahead(c, bytes + used, length - used);
}

/* The peer may shut its side after its last request and still wait for answers. */
static void on_end(struct http_connection *c)
{
    c->peer_done = true;
    c->reading = false;
    if (c->state == HTTP_READING || c->state == HTTP_LINGERING)
        http_connection_close(c);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf)
{
    struct http_connection *c = stream->data;
    if (length > 0)
        on_bytes(c, buf->base, (size_t)length);
    else if (length == UV_EOF)
        on_end(c);
    else if (length < 0)
        http_connection_close(c);
}

/* The answer is out: the next request, from what was kept or from the peer. */
static void next_request(struct http_connection *c)
{
    assert(c->state == HTTP_WRITING);
    c->state = HTTP_READING;
    c->deadline_ms = HTTP_NEVER;
    char *ahead = c->ahead;
    c->ahead = NULL;
    if (ahead) {
        size_t used = take(c, ahead, c->ahead_length);
        if (used < c->ahead_length)
            keep_ahead(c, ahead + used, c->ahead_length - used);
        free(ahead);
    }
    if (c->state != HTTP_READING)
        return;
    if (c->peer_done) {
        http_connection_close(c);
        return;
    }
    if (!c->request)
        set_deadline(c, c->server->limits.idle_timeout_ms);
    start_reading(c);
}

static void on_written(struct http_write *w, void *stream_data, int status)
{
    struct http_connection *c = stream_data;
    bool keep_alive = http_write_keeps_alive(w);
    http_write_free(w);
    if (c->state == HTTP_CLOSING)
        return;
    if (status < 0)
        http_connection_close(c);
    else if (keep_alive)
        next_request(c);
    else
        linger(c);
}

/* What the peer has not acknowledged, in libuv's queue and in the kernel's (SIOCOUTQ, tcp(7)). The
 * kernel takes more from us only once a third of its buffer, up to megabytes, is free: by libuv's
 * queue alone a slow reader looks dead. */
static size_t not_taken(struct http_connection *c)
{
    size_t queued = uv_stream_get_write_queue_size(&c->io.stream);
    int fd = -1;
    int kernel = 0;
    if (uv_fileno(&c->io.handle, &fd) < 0 || ioctl(fd, SIOCOUTQ, &kernel) < 0 || kernel < 0)
        return queued;
    return queued + (size_t)kernel;
}

void http_connection_answer(struct http_connection *c, const struct http_answer *a)
{
    struct http_write *w = http_write_new(c->server, a);
    if (c->state == HTTP_READING)
        http_request_free(c->request);
    c->request = NULL;
    c->state = HTTP_WRITING;
    c->deadline_ms = HTTP_NEVER;
    if (http_write_start(w, &c->io.stream, on_written) < 0) {
        http_write_free(w);
        http_connection_close(c);
        return;
    }
    if (uv_stream_get_write_queue_size(&c->io.stream) > 0) {
        c->progress = not_taken(c);
        set_deadline(c, c->server->limits.write_timeout_ms);
    }
}

static void on_slow_reader(struct http_connection *c)
{
    size_t left = not_taken(c);
    if (left < c->progress) {
        c->progress = left;
        set_deadline(c, c->server->limits.write_timeout_ms);
        return;
    }
    c->server->refusals[HTTP_REFUSED_WRITE_TIMEOUT]++;
    cut_off(c);
}

void http_connection_overdue(struct http_connection *c)
{
    c->deadline_ms = HTTP_NEVER;
    if (c->state == HTTP_WRITING) {
        on_slow_reader(c);
    } else if (c->state == HTTP_READING && c->request) {
        c->server->refusals[HTTP_REFUSED_HEADER_TIMEOUT]++;
        refuse(c, 408, "The request was not complete in time.");
    } else {
        http_connection_close(c);
    }
}

int http_connection_open(struct http_server *s, int fd, bool refused)
{
    struct http_connection *c = alloc_zeroed(1, sizeof *c);
    int r = uv_tcp_init(s->loop, &c->io.tcp);
    assert(r == 0); /* it makes no socket, so nothing can fail */
    c->io.handle.data = c;
    c->server = s;
    c->refused = refused;
    c->deadline_ms = HTTP_NEVER;
    s->handles++;
    link_in(c);
    r = uv_tcp_open(&c->io.tcp, fd);
    if (r < 0) {
        (void)close(fd);
        http_connection_close(c);
        return r;
    }
    /* The last, short segment of an answer must not wait for an acknowledgement. */
    (void)uv_tcp_nodelay(&c->io.tcp, 1);
    if (refused) {
        s->refusals[HTTP_REFUSED_CONNECTIONS]++;
        refuse(c, 503, "All connections of this server are in use; try again in a moment.");
        return 0;
    }
    /* One that has never asked gets no more time than a request's head: silent peers must not fill
     * the places for long. */
    set_deadline(c, s->limits.header_timeout_ms);
    start_reading(c);
    return 0;
}
