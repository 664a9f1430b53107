/* What it knows: which header fields are kept for the handlers, and what those say that decide over
 * the message itself: host, connection, transfer encoding, expectation. Content-Length is llhttp's.
 * Documents: RFC 9112 sections 3.2, 6.1 and 9.3, RFC 9110 sections 6.5.1 and 10.1.1. */
#include "net/http_fields.h"

#include "net/http_target.h"

#include <string.h>
#include <strings.h>

/* What the handlers ask for, and what decides over the message itself. */
static const char *const header_names[HTTP_HEADERS_KNOWN] = {
    [HTTP_HEADER_ACCEPT] = "accept",
    [HTTP_HEADER_ACCEPT_ENCODING] = "accept-encoding",
    [HTTP_HEADER_AUTHORIZATION] = "authorization",
    [HTTP_HEADER_CONNECTION] = "connection",
    [HTTP_HEADER_EXPECT] = "expect",
    [HTTP_HEADER_HOST] = "host",
    [HTTP_HEADER_SCRAPE_TIMEOUT] = "x-prometheus-scrape-timeout-seconds",
    [HTTP_HEADER_TRANSFER_ENCODING] = "transfer-encoding",
};

int http_fields_on_name(llhttp_t *parser, const char *at, size_t length)
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

/* They have no say, and those that speak of framing are refused (RFC 9110 section 6.5.1). llhttp
 * does so with Content-Length, but not with a Transfer-Encoding that is empty. */
static int take_trailer(struct http_request *r)
{
    if (r->known == HTTP_HEADER_TRANSFER_ENCODING)
        return http_request_refuse(r, 400, "A trailer must not be a Transfer-Encoding.");
    r->known = HTTP_HEADER_OTHER;
    return 0;
}

int http_fields_on_name_complete(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    r->known = find_header(r->name, r->name_length);
    r->name_length = 0;
    r->start = r->text.length;
    if (r->has_trailers)
        return take_trailer(r);
    if (r->known == HTTP_HEADER_HOST && r->hosted)
        return http_request_refuse(r, 400, "The request has more than one Host header.");
    if (r->known == HTTP_HEADER_HOST)
        r->hosted = true;
    if (r->known < HTTP_HEADERS_KEPT && r->value[r->known] != 0)
        r->known = HTTP_HEADER_OTHER; /* the first one counts */
    return 0;
}

int http_fields_on_value(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *r = parser->data;
    return r->known == HTTP_HEADER_OTHER ? 0 : http_request_keep(r, at, length);
}

/* RFC 9112 section 6.1; what follows any other encoding could only be guessed. */
static int take_encoding(struct http_request *r, const char *value)
{
    if (r->encoded)
        return http_request_refuse(r, 400,
                                   "The request has more than one Transfer-Encoding header.");
    if (http_request_is_old(r))
        return http_request_refuse(r, 400, "HTTP/1.0 has no Transfer-Encoding.");
    if (strcasecmp(value, "chunked") != 0)
        return http_request_refuse(r, 400,
                                   "The only Transfer-Encoding understood here is \"chunked\".");
    r->encoded = true;
    return 0;
}

static int take_expectation(struct http_request *r, const char *value)
{
    if (strcasecmp(value, "100-continue") == 0)
        r->continues = true;
    else if (value[0] != '\0')
        r->demanding = true;
    return 0;
}

/* RFC 9112 section 9.3. llhttp does not know an option that a tab follows. */
static int take_connection(struct http_request *r, const char *value)
{
    for (value += strspn(value, ", \t"); *value != '\0'; value += strspn(value, ", \t")) {
        size_t length = strcspn(value, ",");
        size_t end = length;
        while (value[end - 1] == ' ' || value[end - 1] == '\t')
            end--;
        r->close |= end == strlen("close") && strncasecmp(value, "close", end) == 0;
        r->keep_alive |= end == strlen("keep-alive") && strncasecmp(value, "keep-alive", end) == 0;
        value += length;
    }
    return 0;
}

int http_fields_on_value_complete(llhttp_t *parser)
{
    struct http_request *r = parser->data;
    if (r->known == HTTP_HEADER_OTHER)
        return 0;
    while (r->text.length > r->start &&
           (r->text.data[r->text.length - 1] == ' ' || r->text.data[r->text.length - 1] == '\t'))
        r->text.length--;
    http_request_keep(r, "", 1);
    if (r->known < HTTP_HEADERS_KEPT) {
        r->value[r->known] = r->start;
        return 0;
    }
    r->text.length = r->start;
    const char *value = r->text.data + r->start;
    if (r->known == HTTP_HEADER_CONNECTION)
        return take_connection(r, value);
    return r->known == HTTP_HEADER_EXPECT ? take_expectation(r, value) : take_encoding(r, value);
}

/* RFC 9112 section 3.2: exactly one Host in HTTP/1.1, and never one that cannot be a host. */
int http_fields_check_host(struct http_request *r)
{
    if (!r->hosted && !http_request_is_old(r))
        return http_request_refuse(r, 400, "An HTTP/1.1 request needs a Host header.");
    const char *host = http_request_header(r, "host");
    if (host && !http_target_is_host(host, strlen(host)))
        return http_request_refuse(r, 400, "The Host header is not a host with an optional port.");
    return 0;
}

const char *http_request_header(const struct http_request *r, const char *name)
{
    uint8_t known = find_header(name, strlen(name));
    return known < HTTP_HEADERS_KEPT && r->value[known] ? r->text.data + r->value[known] : NULL;
}
