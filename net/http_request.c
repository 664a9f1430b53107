/* What it knows: how bytes become a GET or HEAD request or a refusal, and which shapes are refused
 * because two readers could understand them differently. Documents: RFC 9112 (message syntax), RFC
 * 9110 (fields), RFC 3986 (percent-encoding), README of llhttp (callbacks). */
#include "net/http_request.h"

#include "base/alloc.h"
#include "base/text.h"
#include "net/http_target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_MAX_BYTES 240 /* ours, below 120, and llhttp's reason */
#define DETAIL_MAX_BYTES   120
#define TLS_HANDSHAKE      0x16 /* first byte of a TLS connection, RFC 8446 section 5.1 */

/* What the handlers ask for, and what decides over the message itself. */
static const char *const header_names[HTTP_HEADERS_KNOWN] = {
    [HTTP_HEADER_ACCEPT] = "accept",
    [HTTP_HEADER_ACCEPT_ENCODING] = "accept-encoding",
    [HTTP_HEADER_AUTHORIZATION] = "authorization",
    [HTTP_HEADER_HOST] = "host",
    [HTTP_HEADER_SCRAPE_TIMEOUT] = "x-prometheus-scrape-timeout-seconds",
    [HTTP_HEADER_TRANSFER_ENCODING] = "transfer-encoding",
};

/* Returns what makes llhttp stop; the first refusal counts. `detail` is "" or a reason of llhttp's.
 */
static int refuse(struct http_request *r, int status, const char *sentence, const char *detail)
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

/* The buffer's maximum is past what the request's own lets in, so a failure means no memory, which
 * ends the process as in base/alloc.h. */
static int keep(struct http_request *r, const char *bytes, size_t length)
{
    int failed = buf_add(&r->text, bytes, length);
    assert(!failed);
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
    return keep(parser->data, at, length);
}

static int on_url_complete(llhttp_t *parser)
{
    return keep(parser->data, "", 1);
}

static int check_version(struct http_request *r)
{
    if (r->parser.http_major == 1 && r->parser.http_minor <= 1)
        return 0;
    return refuse(r, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.", "");
}

static int on_version_complete(llhttp_t *parser)
{
    return check_version(parser->data);
}

static int on_header_field(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *r = parser->data;
    for (size_t i = 0; i < length && r->name_length <= HTTP_HEADER_NAME_MAX; i++) {
        bool upper = at[i] >= 'A' && at[i] <= 'Z';
        if (r->name_length < HTTP_HEADER_NAME_MAX)
            r->name[r->name_length] = upper ? (char)(at[i] - 'A' + 'a') : at[i];
        r->name_length++;
    }
    return 0;
}

static uint8_t find_header(const char *name, size_t length)
{
    uint8_t i = 0;
    while (i < HTTP_HEADERS_KNOWN &&
           (strlen(header_names[i]) != length || memcmp(header_names[i], name, length) != 0))
        i++;
    return i;
}

static int on_header_field_complete(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    r->known = find_header(r->name, r->name_length);
    r->name_length = 0;
    if (r->known == HTTP_HEADER_HOST && ++r->hosts > 1)
        return refuse(r, 400, "The request has more than one Host header.", "");
    if (r->known == HTTP_HEADER_TRANSFER_ENCODING)
        r->encoded = true;
    if (r->known >= HTTP_HEADERS_KEPT || r->value[r->known] != 0)
        r->known = HTTP_HEADER_OTHER; /* the first one counts */
    else
        r->value[r->known] = r->text.length;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *r = parser->data;
    return r->known == HTTP_HEADER_OTHER ? 0 : keep(r, at, length);
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    if (r->known == HTTP_HEADER_OTHER)
        return 0;
    size_t start = r->value[r->known];
    while (r->text.length > start &&
           (r->text.data[r->text.length - 1] == ' ' || r->text.data[r->text.length - 1] == '\t'))
        r->text.length--;
    return keep(r, "", 1);
}

/* RFC 9112 section 3.2: exactly one Host in HTTP/1.1, and never one that cannot be a host. */
static int check_host(struct http_request *r)
{
    if (r->hosts == 0 && !http_request_is_old(r))
        return refuse(r, 400, "An HTTP/1.1 request needs a Host header.", "");
    const char *host = http_request_header(r, "host");
    if (host && host[strcspn(host, " \t/?#@\\\"<>,")] != '\0')
        return refuse(r, 400, "The Host header is not a host with an optional port.", "");
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    if (check_version(r)) /* a request line without a version reports none before */
        return HPE_USER;
    if (parser->method != HTTP_GET && parser->method != HTTP_HEAD)
        return refuse(r, 405, "Only GET and HEAD are allowed.", "");
    if (check_host(r))
        return HPE_USER;
    if (r->encoded || parser->content_length > 0)
        return refuse(r, 400, "A GET or HEAD request must not have a body here.", "");
    const char *wrong = http_target_split(r->text.data, &r->query);
    if (wrong)
        return refuse(r, 400, wrong, "");
    r->keep_alive = llhttp_should_keep_alive(parser) && !(parser->flags & F_CONNECTION_CLOSE);
    return 0;
}

/* Stops llhttp here, so that the bytes of the next request stay with whoever reads it. */
static int on_message_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_version_complete = on_version_complete,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_message_complete = on_message_complete,
};

struct http_request *http_request_new(size_t max_header_bytes)
{
    struct http_request *r = alloc_zeroed(1, sizeof *r);
    r->maximum = max_header_bytes;
    /* A NUL after the target and each value is all that is kept beyond what came in. */
    buf_init(&r->text, max_header_bytes + HTTP_HEADERS_KEPT + 1);
    llhttp_init(&r->parser, HTTP_REQUEST, &settings);
    /* Any version of the form digit.digit reaches check_version, which answers 505 instead of 400.
     */
    llhttp_set_lenient_version(&r->parser, 1);
    r->parser.data = r;
    return r;
}

void http_request_free(struct http_request *r)
{
    if (!r)
        return;
    buf_done(&r->text);
    free(r);
}

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static void refuse_syntax(struct http_request *r, llhttp_errno_t error)
{
    const char *at = llhttp_get_error_pos(&r->parser);
    if (error == HPE_INVALID_METHOD && at && is_token_char(*at))
        refuse(r, 405, "Only GET and HEAD are allowed.", "");
    else if (error == HPE_INVALID_METHOD && at && *at == TLS_HANDSHAKE)
        refuse(r, 400, "This port speaks plain HTTP, not TLS: use http:// in the address.", "");
    else
        refuse(r, 400, "The request is not valid HTTP: ", llhttp_get_error_reason(&r->parser));
}

enum http_feed http_request_feed(struct http_request *r, const char *bytes, size_t length,
                                 size_t *ret_used)
{
    assert(!r->status && !r->connection);
    size_t room = r->maximum - r->fed;
    size_t taken = length < room ? length : room;
    llhttp_errno_t error = llhttp_execute(&r->parser, bytes, taken);
    *ret_used = taken;
    if (!r->status && error == HPE_PAUSED) {
        *ret_used = (size_t)(llhttp_get_error_pos(&r->parser) - bytes);
        r->fed += *ret_used;
        return HTTP_FEED_WHOLE;
    }
    r->fed += taken;
    if (error != HPE_OK)
        refuse_syntax(r, error); /* does nothing where a callback has refused already */
    else if (taken < length)
        refuse(r, 431, "The request line and headers are longer than this server accepts.", "");
    return r->status ? HTTP_FEED_REFUSED : HTTP_FEED_MORE;
}

const char *http_request_sentence(const struct http_request *r)
{
    assert(r->status);
    return r->text.data;
}

bool http_request_is_head(const struct http_request *r)
{
    return r->parser.method == HTTP_HEAD;
}

bool http_request_is_old(const struct http_request *r)
{
    return r->parser.http_minor == 0;
}

const char *http_request_path(const struct http_request *r)
{
    return r->text.data;
}

const char *http_request_query(const struct http_request *r)
{
    return r->text.data + r->query;
}

const char *http_request_header(const struct http_request *r, const char *name)
{
    uint8_t known = find_header(name, strlen(name));
    return known < HTTP_HEADERS_KEPT && r->value[known] ? r->text.data + r->value[known] : NULL;
}
