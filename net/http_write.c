/* What it knows: how bytes reach the kernel. Most answers are taken at once and cost no allocation;
 * of the others what is left is queued, the body by reference. Over TLS an answer is encrypted
 * piece by piece, the next one when the kernel has taken the one before, so that a connection holds
 * one piece however long the answer. Documents: the libuv guide (uv_try_write, uv_write), tcp(7)
 * (SIOCOUTQ), RFC 8446 section 5.1 (records). */
#include "net/http_write.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "net/http_connection.h"
#include "net/http_tls_io.h"
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define PIECE_BYTES    (64 * 1024) /* about what the kernel keeps, see HTTP_UNSENT_BYTES */
#define PIECES_AT_ONCE 16          /* then the other connections have their turn */
/* Encrypted and with the head before it; a record grows by at most 64 bytes in 16384. */
#define PIECE_MAX_BYTES (PIECE_BYTES + HTTP_HEAD_MAX_BYTES + 1024)

struct http_write {
    uv_write_t request; /* `data` is the write */
    struct http_connection *connection;
    struct http_pin *pin; /* NULL: no body, or it does not count any more */
    struct bytes *body;   /* a reference; NULL: none */
    size_t offset;        /* of the body: what is before it has been handed on */
    struct buf own;       /* the rest of the head; over TLS a piece */
    size_t own_offset;    /* what is before it has been sent */
    size_t counted;       /* bytes of `own` that count as pinned */
};

/* What is still to be encrypted. */
struct rest {
    const char *head;
    size_t head_length;
    const struct bytes *body; /* NULL: none */
    size_t offset;
};

const struct bytes *http_write_body(const struct http_write *w)
{
    return w ? w->body : NULL;
}

uint64_t http_write_in_kernel(const struct http_connection *c)
{
    int fd = -1;
    int kept = 0;
    if (uv_fileno(&c->io.handle, &fd) < 0 || ioctl(fd, SIOCOUTQ, &kept) < 0 || kept < 0)
        return 0;
    return (uint64_t)kept;
}

/* The kernel takes more from libuv only once a part of its buffer is free: by libuv's queue alone a
 * slow reader looks dead. */
uint64_t http_write_taken(const struct http_connection *c)
{
    uint64_t left = uv_stream_get_write_queue_size(&c->io.stream) + http_write_in_kernel(c);
    return c->given > left ? c->given - left : 0; /* the kernel counts the end of stream too */
}

ssize_t http_write_try(struct http_connection *c, const uv_buf_t *parts, unsigned count)
{
    int sent = uv_try_write(&c->io.stream, parts, count);
    if (sent == UV_EAGAIN)
        return 0;
    if (sent > 0)
        c->given += (unsigned)sent;
    return sent;
}

/* Answers. */

static struct http_write *write_new(struct http_connection *c, struct bytes *body)
{
    struct http_write *w = alloc_zeroed(1, sizeof *w);
    w->request.data = w;
    w->connection = c;
    buf_init(&w->own, PIECE_MAX_BYTES);
    if (body) {
        w->body = bytes_ref(body);
        w->pin = http_pin_add(&c->server->pins, body);
    }
    c->write = w;
    return w;
}

static void count_own(struct http_write *w, size_t length)
{
    struct http_pins *pins = &w->connection->server->pins;
    pins->bytes = pins->bytes - w->counted + length;
    w->counted = length;
}

static void stop_counting(struct http_write *w)
{
    count_own(w, 0);
    http_pin_remove(&w->connection->server->pins, w->pin);
    w->pin = NULL;
}

static void write_free(struct http_write *w)
{
    stop_counting(w);
    w->connection->write = NULL;
    buf_done(&w->own);
    bytes_unref(w->body);
    free(w);
}

void http_write_give_up(struct http_connection *c)
{
    c->server->pins.bytes -= c->loose;
    c->loose = 0;
    if (c->write)
        stop_counting(c->write);
}

static void on_written(uv_write_t *request, int status);

/* Queues what `own` and, unless it goes piece by piece, the body have left. */
static int queue(struct http_write *w)
{
    struct http_connection *c = w->connection;
    uv_buf_t parts[2];
    unsigned count = 0;
    size_t own = w->own.length - w->own_offset;
    if (own > 0)
        parts[count++] = uv_buf_init(w->own.data + w->own_offset, (unsigned)own);
    if (w->body && !c->tls) {
        parts[count].base = w->body->data + w->offset;
        parts[count++].len = w->body->length - w->offset;
        c->given += w->body->length - w->offset;
    }
    c->given += own;
    count_own(w, own);
    return uv_write(&w->request, &c->io.stream, parts, count, on_written);
}

static int queue_or_free(struct http_write *w)
{
    int r = queue(w);
    if (r < 0)
        write_free(w);
    return r < 0 ? r : 1;
}

static int answer_plain(struct http_connection *c, const char *head, size_t length,
                        struct bytes *body)
{
    uv_buf_t parts[2] = {{.base = (char *)(uintptr_t)head, .len = length}};
    if (body)
        parts[1] = (uv_buf_t){.base = body->data, .len = body->length};
    ssize_t sent = http_write_try(c, parts, body ? 2 : 1);
    if (sent < 0)
        return (int)sent;
    size_t done = (size_t)sent;
    if (done == length + (body ? body->length : 0))
        return 0;
    struct http_write *w = write_new(c, body);
    if (done < length)
        (void)buf_add(&w->own, head + done, length - done);
    w->offset = done > length ? done - length : 0;
    return queue_or_free(w);
}

/* Over TLS. */

static int encrypt(struct http_connection *c, struct rest *rest, struct buf *ret)
{
    size_t length = rest->body ? rest->body->length - rest->offset : 0;
    if (length > PIECE_BYTES)
        length = PIECE_BYTES;
    int r = 0;
    if (rest->head_length > 0)
        r = tls_session_write(c->tls, rest->head, rest->head_length, ret);
    if (r == 0 && length > 0)
        r = tls_session_write(c->tls, rest->body->data + rest->offset, length, ret);
    rest->head_length = 0;
    rest->offset += length;
    return r;
}

/* Sends pieces as long as the kernel takes them whole. 0: there is no more; 1: `piece` from
 * `*ret_offset` on is to be queued; or a negative errno. */
static int send_pieces(struct http_connection *c, struct rest *rest, struct buf *piece,
                       size_t *ret_offset)
{
    for (unsigned i = 0; rest->head_length > 0 || (rest->body && rest->offset < rest->body->length);
         i++) {
        buf_clear(piece);
        int r = encrypt(c, rest, piece);
        if (r < 0)
            return r;
        const uv_buf_t part = uv_buf_init(piece->data, (unsigned)piece->length);
        ssize_t sent = i < PIECES_AT_ONCE ? http_write_try(c, &part, 1) : 0;
        if (sent < 0)
            return (int)sent;
        if ((size_t)sent < piece->length) {
            *ret_offset = (size_t)sent;
            return 1;
        }
    }
    return 0;
}

static int answer_encrypted(struct http_connection *c, const char *head, size_t length,
                            struct bytes *body)
{
    struct rest rest = {.head = head, .head_length = length, .body = body};
    struct buf piece;
    size_t offset = 0;
    buf_init(&piece, PIECE_MAX_BYTES);
    int r = send_pieces(c, &rest, &piece, &offset);
    if (r <= 0) {
        buf_done(&piece);
        return r;
    }
    struct http_write *w = write_new(c, body);
    w->own = piece;
    w->own_offset = offset;
    w->offset = rest.offset;
    return queue_or_free(w);
}

/* The piece is out. 1: the next one is queued; 0: it was the last; or a negative errno. */
static int next_pieces(struct http_write *w)
{
    struct http_connection *c = w->connection;
    struct rest rest = {.body = w->body, .offset = w->offset};
    int r = send_pieces(c, &rest, &w->own, &w->own_offset);
    w->offset = rest.offset;
    if (r <= 0)
        return r;
    r = queue(w);
    return r < 0 ? r : 1;
}

static void on_written(uv_write_t *request, int status)
{
    struct http_write *w = request->data;
    struct http_connection *c = w->connection;
    bool open = c->state != HTTP_CLOSING;
    if (open && status == 0 && c->tls) {
        status = next_pieces(w);
        if (status > 0) {
            http_pinned_enforce(c->server);
            return;
        }
    }
    write_free(w);
    if (open)
        http_connection_written(c, status);
}

int http_write_answer(struct http_connection *c, const char *head, size_t length,
                      struct bytes *body)
{
    assert(!c->write);
    return c->tls ? answer_encrypted(c, head, length, body) : answer_plain(c, head, length, body);
}
