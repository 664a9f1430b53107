/* What it knows: how the few bytes go out that are no answer: handshakes, interim answers, ends of
 * sessions. Document: the libuv guide (uv_write). */
#include "net/http_write.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "net/http_connection.h"
#include "net/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A handshake's certificates have some kB. More than this waits only for a peer that asks on and on
 * and does not read. */
#define LOOSE_MAX_BYTES (128 * 1024)

struct loose {
    uv_write_t request; /* `data` is this */
    struct http_connection *connection;
    struct buf bytes;
    uint32_t length; /* of what is queued */
};

static void on_loose_written(uv_write_t *request, int status)
{
    struct loose *l = request->data;
    struct http_connection *c = l->connection;
    if (c->state != HTTP_CLOSING) {
        c->loose -= l->length;
        c->server->pins.bytes -= l->length;
        if (status < 0)
            http_connection_close(c);
    }
    buf_done(&l->bytes);
    free(l);
}

/* Queues what is after `offset`, and takes over the content of `b`. */
static int queue_loose(struct http_connection *c, struct buf *b, size_t offset)
{
    size_t length = b->length - offset;
    if (c->loose + length > LOOSE_MAX_BYTES)
        return -ENOBUFS;
    struct loose *l = alloc_zeroed(1, sizeof *l);
    *l = (struct loose){.connection = c, .bytes = *b, .length = (uint32_t)length};
    l->request.data = l;
    buf_init(b, b->maximum);
    const uv_buf_t part = uv_buf_init(l->bytes.data + offset, (unsigned)length);
    int r = uv_write(&l->request, &c->io.stream, &part, 1, on_loose_written);
    if (r < 0) {
        buf_done(&l->bytes);
        free(l);
        return r;
    }
    c->given += length;
    c->loose += l->length;
    c->server->pins.bytes += length;
    return 0;
}

int http_write_raw(struct http_connection *c, struct buf *b)
{
    const uv_buf_t part = uv_buf_init(b->data, (unsigned)b->length);
    ssize_t sent = b->length > 0 ? http_write_try(c, &part, 1) : 0;
    int r = sent < 0 ? (int)sent : 0;
    if (r == 0 && (size_t)sent < b->length)
        r = queue_loose(c, b, (size_t)sent);
    buf_done(b);
    return r;
}

int http_write_text(struct http_connection *c, const char *text)
{
    struct buf b;
    buf_init(&b, LOOSE_MAX_BYTES);
    int r = c->tls ? tls_session_write(c->tls, text, strlen(text), &b) : buf_add_string(&b, text);
    if (r < 0) {
        buf_done(&b);
        return r;
    }
    return http_write_raw(c, &b);
}
