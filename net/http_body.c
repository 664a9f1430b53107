/* What it knows: gathering a body under its limit and cutting a stream into lines. Document:
 * docs/engine-client.md. */
#include "net/http_body.h"

#include "net/http_get.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Bytes a connection keeps between answers: twice a list of 100 containers; a larger answer is rare
 * and its memory goes back. */
#define BODY_KEPT_MAX (UINT64_C(256) * 1024)

void http_body_begin(struct http_body *b, const struct http_get_options *options)
{
    assert(options->max_body_bytes > 0 && options->max_body_bytes < SIZE_MAX / 2);
    buf_clear(&b->bytes);
    b->bytes.maximum = options->max_body_bytes;
    b->on_line = options->on_line;
    b->context = options->context;
    b->streaming = false;
    b->stopped = false;
}

int http_body_head(struct http_body *b, int status)
{
    if (!b->on_line || status < 200 || status > 299)
        return 0;
    b->streaming = true;
    b->on_line(b->context, NULL, 0);
    return b->stopped ? -ECANCELED : 0;
}

static int deliver_line(struct http_body *b)
{
    b->on_line(b->context, b->bytes.data, b->bytes.length);
    if (b->stopped)
        return -ECANCELED;
    buf_clear(&b->bytes);
    return 0;
}

static int add_lines(struct http_body *b, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t part = newline ? (size_t)(newline - bytes) : length;
        if (buf_add(&b->bytes, bytes, part) < 0)
            return -EMSGSIZE;
        if (!newline)
            return 0;
        int r = deliver_line(b);
        if (r < 0)
            return r;
        bytes += part + 1;
        length -= part + 1;
    }
    return 0;
}

int http_body_add(struct http_body *b, const char *bytes, size_t length)
{
    if (b->stopped)
        return -ECANCELED;
    if (b->streaming)
        return add_lines(b, bytes, length);
    return buf_add(&b->bytes, bytes, length) < 0 ? -EMSGSIZE : 0;
}

int http_body_end(struct http_body *b)
{
    if (b->stopped)
        return -ECANCELED;
    return b->streaming && b->bytes.length > 0 ? deliver_line(b) : 0;
}

void http_body_trim(struct http_body *b)
{
    if (b->bytes.capacity > BODY_KEPT_MAX)
        buf_done(&b->bytes);
}

void http_body_done(struct http_body *b)
{
    buf_done(&b->bytes);
}
