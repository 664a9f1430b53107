/* What it knows: how bytes become a request for the handler or a refusal, and how its body is
 * passed over. Documents: RFC 9112 (message syntax, framing), RFC 9110 section 10.1.1 (Expect),
 * README of llhttp (callbacks). */
#include "net/http_request.h"

#include "base/alloc.h"
#include "base/text.h"
#include "net/http_fields.h"
#include "net/http_target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_MAX_BYTES 240 /* ours, below 120, and llhttp's reason */
#define DETAIL_MAX_BYTES   120

/* `detail` is "" or a reason of llhttp's. */
static int refuse_with(struct http_request *r, int status, const char *sentence, const char *detail)
{
    if (r->status)
        return HPE_USER;
    r->status = status;
    buf_done(&r->text);
    buf_init(&r->text, SENTENCE_MAX_BYTES);
    buf_add_string(&r->text, sentence);
    buf_add(&r->text, detail, strnlen(detail, DETAIL_MAX_BYTES));
    assert(!r->text.failed);
    return HPE_USER;
}

int http_request_refuse(struct http_request *r, int status, const char *sentence)
{
    return refuse_with(r, status, sentence, "");
}

/* The buffer's maximum is past what the request's own lets in, so a failure means no memory, which
 * ends the process as in base/alloc.h. */
int http_request_keep(struct http_request *r, const char *bytes, size_t length)
{
    int failed = buf_add(&r->text, bytes, length);
    assert(!failed);
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
    return http_request_keep(parser->data, at, length);
}

static int on_url_complete(llhttp_t *parser)
{
    return http_request_keep(parser->data, "", 1);
}

static int refuse_body(struct http_request *r)
{
    return http_request_refuse(r, 413, "The request's body is larger than this server accepts.");
}

/* Fields that say what follows the head. RFC 9110 section 10.1.1: in HTTP/1.0 Expect is not heard.
 */
static int check_body(struct http_request *r)
{
    bool body = r->encoded || r->parser.content_length > 0;
    bool sends = r->lines.method[0] == 'P'; /* POST or PUT */
    if (body && !sends)
        return http_request_refuse(r, 400, "A GET or HEAD request must not have a body here.");
    /* A tab after "chunked" hides it from llhttp, which beside Upgrade then takes it for no body.
     */
    if (r->encoded && !(r->parser.flags & F_CHUNKED))
        return http_request_refuse(r, 400, "White space follows the Transfer-Encoding.");
    if (r->demanding && !http_request_is_old(r))
        return http_request_refuse(r, 417, "The only expectation met here is \"100-continue\".");
    if (r->parser.content_length > r->max_body_bytes)
        return refuse_body(r);
    r->body = r->due = r->parser.content_length;
    r->continues = r->continues && body && !http_request_is_old(r);
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    if (http_fields_check_host(r) || check_body(r))
        return HPE_USER;
    const char *wrong = http_target_split(r->text.data, &r->query);
    if (wrong)
        return http_request_refuse(r, 400, wrong);
    r->keep_alive = !r->close && (r->keep_alive || !http_request_is_old(r));
    r->accepted = true;
    return 0;
}

static int refuse_extension(struct http_request *r)
{
    return http_request_refuse(r, 400,
                               "A chunk extension is not a name with a token or quoted text.");
}

/* llhttp lets names and values be empty, quotes begin amid a value and DEL stand in quotes. */
static int on_extension(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *r = parser->data;
    if (r->extension == 0)
        r->quoted = length > 0 && at[0] == '"';
    r->extension += length;
    for (size_t i = 0; i < length; i++)
        if (at[i] == '\x7f' || (at[i] == '"' && !r->quoted))
            return refuse_extension(r);
    return 0;
}

static int on_extension_complete(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    if (r->extension == 0)
        return refuse_extension(r);
    r->extension = 0;
    return 0;
}

/* Of the last chunk, which has no bytes, it stops llhttp: the trailers are to be read first by
 * http_lines. */
static int on_chunk_header(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    if (parser->content_length > r->max_body_bytes - r->body)
        return refuse_body(r);
    r->due = parser->content_length;
    r->body += r->due;
    if (r->due > 0)
        return 0;
    r->has_trailers = true;
    http_lines_start_trailers(&r->lines);
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *r = parser->data;
    (void)at;
    assert(length <= r->due);
    r->due -= length;
    return 0;
}

/* Stops llhttp here, so that the bytes of the next request stay with whoever reads it. */
static int on_message_complete(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    r->whole = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = http_fields_on_name,
    .on_header_field_complete = http_fields_on_name_complete,
    .on_header_value = http_fields_on_value,
    .on_header_value_complete = http_fields_on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_name_complete = on_extension_complete,
    .on_chunk_extension_value = on_extension,
    .on_chunk_extension_value_complete = on_extension_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

struct http_request *http_request_new(const struct http_server_limits *limits, bool local)
{
    struct http_request *r = alloc_zeroed(1, sizeof *r);
    r->max_header_bytes = limits->max_header_bytes;
    r->max_body_bytes = limits->max_body_bytes;
    r->local = local;
    http_lines_init(&r->lines, limits->max_target_bytes);
    /* A NUL after the target and each value is all that is kept beyond what came in. */
    buf_init(&r->text, r->max_header_bytes + HTTP_HEADERS_KNOWN + 1);
    llhttp_init(&r->parser, HTTP_REQUEST, &settings); /* strict: it has no lenient flag set */
    r->parser.data = r;
    return r;
}

void http_request_free(struct http_request *r)
{
    if (!r)
        return;
    if (r->text.data && http_request_header(r, "authorization"))
        explicit_bzero(r->text.data, r->text.length);
    buf_done(&r->text);
    free(r);
}

/* Gives llhttp bytes; returns how many it read. */
static size_t run(struct http_request *r, const char *bytes, size_t length)
{
    llhttp_errno_t error = llhttp_execute(&r->parser, bytes, length);
    if (error == HPE_PAUSED) {
        size_t used = (size_t)(llhttp_get_error_pos(&r->parser) - bytes);
        llhttp_resume(&r->parser);
        return used;
    }
    if (error != HPE_OK) /* does nothing where a callback has refused already */
        refuse_with(r, 400, "The request is not valid HTTP: ", llhttp_get_error_reason(&r->parser));
    return length;
}

/* What is refused after llhttp has read all before it. */
static void check_lines(struct http_request *r, size_t length, size_t taken, size_t used)
{
    bool done = r->lines.state == HTTP_LINES_DONE;
    if (r->lines.status)
        http_request_refuse(r, r->lines.status, r->lines.sentence);
    else if (used != taken || done != (r->has_trailers ? r->whole : r->accepted))
        http_request_refuse(r, 400, "The end of the request's headers can be read in two ways.");
    else if (!done && taken < length && r->framing == r->max_header_bytes)
        http_request_refuse(r, 431,
                            "The request line and headers are longer than this server accepts.");
}

/* Head or trailers. llhttp sees nothing of a request before its method is one that is served. */
static size_t feed_lines(struct http_request *r, const char *bytes, size_t length)
{
    size_t room = r->max_header_bytes - r->framing;
    bool named = r->lines.method != NULL;
    size_t taken = http_lines_scan(&r->lines, bytes, length < room ? length : room);
    size_t used = taken;
    r->framing += taken;
    if (named) {
        used = run(r, bytes, taken);
    } else if (r->lines.method) {
        run(r, r->lines.method, strlen(r->lines.method));
        run(r, " ", 1);
    }
    check_lines(r, length, taken, used);
    return taken;
}

/* The body: bytes that are due are free, those of chunk sizes count as the head's. */
static size_t feed_body(struct http_request *r, const char *bytes, size_t length)
{
    uint64_t most = r->due > 0 ? r->due : r->max_header_bytes - r->framing;
    uint64_t before = r->body - r->due;
    if (most == 0) {
        http_request_refuse(r, 431, "Headers and chunk sizes are longer than this server accepts.");
        return 0;
    }
    size_t used = run(r, bytes, length < most ? length : (size_t)most);
    r->framing += used - (size_t)(r->body - r->due - before);
    return used;
}

enum http_feed http_request_feed(struct http_request *r, const char *bytes, size_t length,
                                 size_t *ret_used)
{
    assert(!r->status && !r->whole);
    size_t used = 0;
    while (used < length && !r->status && !r->whole)
        used += r->lines.state == HTTP_LINES_DONE ? feed_body(r, bytes + used, length - used)
                                                  : feed_lines(r, bytes + used, length - used);
    *ret_used = r->status ? length : used;
    if (r->status)
        return HTTP_FEED_REFUSED;
    return r->whole ? HTTP_FEED_WHOLE : HTTP_FEED_MORE;
}

bool http_request_in_body(const struct http_request *r)
{
    return r->accepted && !r->whole && !r->status;
}

bool http_request_wants_continue(struct http_request *r)
{
    bool wants = r->continues && http_request_in_body(r);
    if (wants)
        r->continues = false;
    return wants;
}

const char *http_request_sentence(const struct http_request *r)
{
    assert(r->status);
    return r->text.data;
}

const char *http_request_refusal_headers(const struct http_request *r)
{
    return r->status == 405 ? "Allow: GET, HEAD\r\n" : NULL;
}

bool http_request_is_head(const struct http_request *r)
{
    return r->lines.method && text_equal(r->lines.method, "HEAD");
}

const char *http_request_method(const struct http_request *r)
{
    return r->lines.method;
}

uint64_t http_request_peer(const struct http_request *r)
{
    return r->peer;
}

bool http_request_is_local(const struct http_request *r)
{
    return r->local;
}

bool http_request_is_old(const struct http_request *r)
{
    return r->lines.minor == 0;
}

const char *http_request_path(const struct http_request *r)
{
    return r->text.data;
}

const char *http_request_query(const struct http_request *r)
{
    return r->text.data + r->query;
}
