/* What it knows: llhttp's callbacks for one answer: its head is bounded, interim answers (1xx) are
 * skipped, the body goes to http_body. Documents: RFC 9112, RFC 9110 section 15.2; llhttp. */
#include "net/http_response.h"

#include "net/http_get.h"

#include <assert.h>
#include <errno.h>

/* Bytes reserved at once for an announced body: saves the growing, and a false announcement costs
 * no more than this. */
#define BODY_RESERVE_MAX (UINT64_C(64) * 1024)

static struct http_response *response_of(llhttp_t *parser)
{
    return parser->data;
}

/* Ends the parsing: llhttp_execute returns once a callback has said HPE_USER. */
static int stop(struct http_response *r, int error)
{
    r->error = error;
    return HPE_USER;
}

static int on_head_bytes(llhttp_t *parser, const char *at, size_t length)
{
    (void)at;
    struct http_response *r = response_of(parser);
    r->head_bytes += length + 1; /* plus one: empty values are not free */
    return r->head_bytes > HTTP_HEAD_BYTES_MAX ? stop(r, -E2BIG) : 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_response *r = response_of(parser);
    int status = llhttp_get_status_code(parser);
    if (status == HTTP_STATUS_SWITCHING_PROTOCOLS) {
        llhttp_set_error_reason(parser, "101 Switching Protocols, which nobody asked for");
        stop(r, -EBADMSG);
        return -1;
    }
    if (status < 200) /* an interim one; without any text it still counts */
        return on_head_bytes(parser, NULL, sizeof "HTTP/1.1 100") == 0 ? 0 : -1;
    r->status = status;
    int e = http_body_head(&r->body, status);
    if (e == 0 && (parser->flags & F_CONTENT_LENGTH) && !r->body.streaming) {
        if (parser->content_length > r->body.bytes.maximum)
            e = -EMSGSIZE;
        else if (parser->content_length <= BODY_RESERVE_MAX)
            e = buf_reserve(&r->body.bytes, (size_t)parser->content_length);
    }
    if (e == 0)
        return 0;
    stop(r, e);
    return -1; /* the only value this callback may fail with */
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct http_response *r = response_of(parser);
    int e = http_body_add(&r->body, at, length);
    return e < 0 ? stop(r, e) : 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http_response *r = response_of(parser);
    if (r->status == 0)
        return 0; /* an interim answer: the real one follows */
    int e = http_body_end(&r->body);
    if (e < 0) {
        r->error = e;
        return -1;
    }
    r->complete = true;
    r->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED; /* what follows is not part of this answer */
}

static const llhttp_settings_t settings = {
    .on_status = on_head_bytes,
    .on_header_field = on_head_bytes,
    .on_header_value = on_head_bytes,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_response_begin(struct http_response *r, const struct http_get_options *options)
{
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    r->parser.data = r;
    http_body_begin(&r->body, options);
    r->head_bytes = 0;
    r->status = 0;
    r->error = 0;
    r->complete = false;
    r->keep_alive = false;
}

int http_response_feed(struct http_response *r, const char *bytes, size_t length)
{
    assert(!r->complete && r->error == 0);
    llhttp_errno_t e = llhttp_execute(&r->parser, bytes, length);
    if (r->error < 0)
        return r->error;
    if (r->complete) {
        /* Bytes after the answer belong to no request: the connection is out of step. */
        if (llhttp_get_error_pos(&r->parser) != bytes + length)
            r->keep_alive = false;
        return 1;
    }
    if (e != HPE_OK)
        r->error = -EBADMSG;
    return r->error;
}

int http_response_finish(struct http_response *r)
{
    assert(!r->complete && r->error == 0);
    (void)llhttp_finish(&r->parser); /* the callbacks have told what came of it */
    if (r->error < 0)
        return r->error;
    r->keep_alive = false;
    return r->complete ? 1 : -ENODATA;
}

const char *http_response_problem(const struct http_response *r)
{
    const char *reason = llhttp_get_error_reason(&r->parser);
    return reason && reason[0] ? reason : "unknown";
}

void http_response_done(struct http_response *r)
{
    http_body_done(&r->body);
}
