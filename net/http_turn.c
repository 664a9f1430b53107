/* What it knows: whose turn it is on a connection: bytes become requests, requests wait, answers go
 * out, and the next request is read. Document: RFC 9112 section 9.3 (persistence, pipelining). */
#include "net/http_connection.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "net/http_request.h"
#include "net/http_tls_io.h"
#include "net/http_write.h"
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Bytes of an unwanted body that are read and thrown away after a refusal; a peer that sends more
 * may lose the answer. */
#define LINGER_MAX_BYTES (256 * 1024)
/* Requests of one connection that are answered in one turn of the loop, and when its next turn is:
 * one read may hold hundreds, and the others wait meanwhile. */
#define REQUESTS_AT_ONCE 16
#define NEXT_TURN_MS     1

/* Reading. */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_connection *c = handle->data;
    (void)suggested;
    /* One read a turn, where libuv would go on as long as the buffer comes back full. */
    *buf = uv_buf_init(c->server->read_buffer, c->had_turn ? 0 : HTTP_READ_BUFFER_BYTES);
    c->had_turn = false;
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf);

void http_connection_start_reading(struct http_connection *c)
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
    c->had_turn = false;
    c->reading = false;
}

static void discard(struct http_connection *c, size_t length)
{
    c->discarded += (uint32_t)length;
    if (c->discarded > LINGER_MAX_BYTES)
        http_connection_close(c);
}

void http_connection_refuse(struct http_connection *c, int status, const char *headers,
                            const char *sentence)
{
    struct bytes *body = http_sentence_body(sentence);
    const struct http_answer answer = {
        .status = status,
        .content_type = HTTP_TEXT_TYPE,
        .headers = headers,
        .body = body,
        .head = c->request && http_request_is_head(c->request),
    };
    http_connection_answer(c, &answer);
    bytes_unref(body);
}

static void refuse_request(struct http_connection *c)
{
    static const struct {
        int status;
        enum http_refusal why;
    } counted[] = {
        {400, HTTP_REFUSED_MALFORMED},
        {413, HTTP_REFUSED_BODY_BYTES},
        {414, HTTP_REFUSED_TARGET_BYTES},
        {431, HTTP_REFUSED_HEADER_BYTES},
    };
    int status = c->request->status;
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
        if (counted[i].status == status)
            c->server->refusals[counted[i].why]++;
    http_connection_refuse(c, status, http_request_refusal_headers(c->request),
                           http_request_sentence(c->request));
}

static void hand_over(struct http_connection *c)
{
    c->state = HTTP_WAITING;
    c->asked = true;
    c->deadline_ms = HTTP_NEVER;
    http_place_put(c, HTTP_RANK_HELD);
    c->request->connection = c;
    c->server->handler(c->server->context, c->request);
}

/* The request is not whole: how long may the rest take? */
static void wait_for_more(struct http_connection *c, bool fresh)
{
    if (fresh)
        http_connection_set_deadline(c, c->server->limits.header_timeout_ms);
    if (!http_request_in_body(c->request))
        return;
    if (!c->in_body)
        http_connection_set_deadline(c, c->server->limits.body_timeout_ms);
    c->in_body = true;
    if (http_request_wants_continue(c->request) &&
        http_write_text(c, "HTTP/1.1 100 Continue\r\n\r\n") < 0)
        http_connection_close(c);
}

/* Reads one request at most; returns how many of the bytes it took. */
static size_t take(struct http_connection *c, const char *bytes, size_t length)
{
    size_t used = 0;
    bool fresh = !c->request;
    if (fresh) {
        c->request = http_request_new(&c->server->limits, c->local);
        c->request->peer = http_peer_number(c->peer);
        c->in_body = false;
    }
    switch (http_request_feed(c->request, bytes, length, &used)) {
    case HTTP_FEED_MORE:
        wait_for_more(c, fresh);
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
    assert(!c->ahead && length <= HTTP_AHEAD_MAX_BYTES);
    c->ahead = alloc_copy(bytes, length);
    c->ahead_length = (uint32_t)length;
    if (c->reading)
        stop_reading(c);
}

/* Takes requests until one waits for its answer or the bytes are used up. A loop and no recursion:
 * one read may hold many requests that are answered at once. */
static void consume(struct http_connection *c, const char *bytes, size_t length)
{
    unsigned taken = 0;
    c->consuming = true;
    while (length > 0 && c->state == HTTP_READING && taken++ < REQUESTS_AT_ONCE) {
        size_t used = take(c, bytes, length);
        bytes += used;
        length -= used;
    }
    c->consuming = false;
    if (length > 0 && c->state != HTTP_LINGERING && c->state != HTTP_CLOSING)
        keep_ahead(c, bytes, length);
}

/* All that is here has been looked at. */
static void settle(struct http_connection *c)
{
    const struct http_server_limits *limits = &c->server->limits;
    if (c->state != HTTP_READING)
        return;
    if (c->ahead) {
        http_connection_set_deadline(c, NEXT_TURN_MS);
        return;
    }
    if (c->peer_done) {
        http_connection_linger(c);
        return;
    }
    /* The first look is for peers that do not take what the kernel has for them. */
    if (!c->request && c->deadline_ms == HTTP_NEVER)
        http_connection_set_deadline(c, limits->write_timeout_ms < limits->idle_timeout_ms
                                            ? limits->write_timeout_ms
                                            : limits->idle_timeout_ms);
    http_connection_start_reading(c);
}

static void on_bytes(struct http_connection *c, const char *bytes, size_t length)
{
    consume(c, bytes, length);
    settle(c);
}

/* The peer may shut its side after its last request and still wait for answers. */
static void on_end(struct http_connection *c)
{
    c->peer_done = true;
    if (c->reading)
        stop_reading(c);
    if (c->state == HTTP_READING)
        http_connection_linger(c);
    else if (c->state == HTTP_LINGERING && http_write_in_kernel(c) <= HTTP_END_BYTES)
        http_connection_close(c);
}

static void on_tls_failed(struct http_connection *c, int why)
{
    if (why != -ECONNRESET)
        c->server->refusals[HTTP_REFUSED_TLS]++;
    http_tls_drop(c);
    if (c->state == HTTP_READING && !c->request)
        http_connection_linger(c); /* the alert has been sent and should arrive */
    else
        http_connection_close(c);
}

static void on_plain_at_tls(struct http_connection *c)
{
    c->server->refusals[HTTP_REFUSED_TLS]++;
    http_tls_drop(c);
    http_connection_refuse(c, 400, NULL, "This port speaks TLS: use https:// in the address.");
}

static void on_encrypted(struct http_connection *c, const char *bytes, size_t length)
{
    struct buf plain;
    if (!c->begun && (unsigned char)bytes[0] != HTTP_TLS_HANDSHAKE) {
        on_plain_at_tls(c);
        return;
    }
    c->begun = true;
    int r = http_tls_read(c, bytes, length, &plain);
    if (plain.length > 0 && (r == 0 || r == -EPIPE))
        on_bytes(c, plain.data, plain.length);
    buf_done(&plain);
    if (c->state == HTTP_CLOSING || r == 0)
        return;
    if (r == -EPIPE)
        on_end(c);
    else
        on_tls_failed(c, r);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf)
{
    struct http_connection *c = stream->data;
    if (length == UV_ENOBUFS) /* it has had its turn */
        return;
    c->had_turn = length == HTTP_READ_BUFFER_BYTES;
    if (length < 0 && c->begun && c->tls && !tls_session_is_ready(c->tls))
        c->server->refusals[HTTP_REFUSED_TLS]++; /* it does not like what it got */
    if (length == UV_EOF)
        on_end(c);
    else if (length < 0)
        http_connection_close(c);
    else if (length > 0 && c->state == HTTP_LINGERING)
        discard(c, (size_t)length);
    else if (length > 0 && c->tls)
        on_encrypted(c, buf->base, (size_t)length);
    else if (length > 0)
        on_bytes(c, buf->base, (size_t)length);
}

/* Answering. */

void http_connection_go_on(struct http_connection *c)
{
    char *ahead = c->ahead;
    c->ahead = NULL;
    if (ahead)
        consume(c, ahead, c->ahead_length);
    free(ahead);
    settle(c);
}

/* The answer is out: the next request, from what was kept or from the peer. */
static void next_request(struct http_connection *c)
{
    if (!c->keep_alive) {
        http_connection_linger(c);
        return;
    }
    c->state = HTTP_READING;
    c->since_ms = uv_now(c->server->loop);
    http_place_put(c, HTTP_RANK_IDLE);
    if (!c->consuming)
        http_connection_go_on(c);
}

void http_connection_written(struct http_connection *c, int status)
{
    c->deadline_ms = HTTP_NEVER;
    if (status < 0)
        http_connection_close(c);
    else
        next_request(c);
}

/* The peer did not take all of it at once. */
static void watch_reader(struct http_connection *c)
{
    c->since_ms = uv_now(c->server->loop);
    c->taken = http_write_taken(c);
    if (!c->refused)
        http_place_put(c, HTTP_RANK_WRITING);
    http_connection_set_deadline(c, c->server->limits.write_timeout_ms);
    http_pinned_enforce(c->server);
}

void http_connection_answer(struct http_connection *c, const struct http_answer *a)
{
    char head[HTTP_HEAD_MAX_BYTES];
    struct http_answer own = *a;
    own.keep_alive = a->keep_alive && !c->tls == !c->server->tls; /* TLS was turned on or off */
    a = &own;
    size_t length = http_answer_head(c->server, a, head);
    if (c->state == HTTP_READING)
        http_request_free(c->request);
    c->request = NULL;
    c->state = HTTP_WRITING;
    c->keep_alive = a->keep_alive;
    c->deadline_ms = HTTP_NEVER;
    bool has_body = !a->head && a->body->length > 0;
    int r = http_write_answer(c, head, length, has_body ? a->body : NULL);
    if (r > 0)
        watch_reader(c);
    else
        http_connection_written(c, r);
}
