/* One request from its first byte until its answer: bytes in, a path with query and headers or a
 * refusal out. No sockets, so that it can be fuzzed. Private to net. */
#ifndef WEIR_NET_HTTP_REQUEST_H
#define WEIR_NET_HTTP_REQUEST_H

#include "base/buf.h"
#include "net/http_server.h"

#include <llhttp.h>

struct http_connection;

enum {
    HTTP_HEADER_ACCEPT,
    HTTP_HEADER_ACCEPT_ENCODING,
    HTTP_HEADER_AUTHORIZATION,
    HTTP_HEADER_HOST,
    HTTP_HEADER_SCRAPE_TIMEOUT,
    HTTP_HEADERS_KEPT,
    HTTP_HEADER_TRANSFER_ENCODING = HTTP_HEADERS_KEPT, /* known, its value is not kept */
    HTTP_HEADERS_KNOWN,
    HTTP_HEADER_OTHER = HTTP_HEADERS_KNOWN,
};

#define HTTP_HEADER_NAME_MAX                                            \
    35 /* bytes: x-prometheus-scrape-timeout-seconds, the longest known \
        */

enum http_feed {
    HTTP_FEED_MORE,    /* not whole yet */
    HTTP_FEED_WHOLE,   /* a GET or HEAD for the handler */
    HTTP_FEED_REFUSED, /* `status` and `sentence` say why; nothing after it can be understood */
};

struct http_request {
    struct http_connection *connection; /* who waits for the answer; NULL once nobody does */
    llhttp_t parser;
    struct buf text; /* the target, then the kept values, each NUL-terminated; on a refusal the
                        sentence */
    size_t maximum;  /* bytes of request line and headers */
    size_t fed;      /* bytes taken so far */
    size_t query;    /* offset into text; the path is at 0 */
    size_t value[HTTP_HEADERS_KEPT]; /* 0: absent, the target stands there */
    int status;                      /* of a refusal, e.g. 400; 0 while there is none */
    unsigned hosts;                  /* Host lines seen */
    uint8_t known;                   /* the header being read */
    uint8_t name_length;             /* of `name`; past the maximum it is no known header */
    bool keep_alive;
    bool encoded; /* it has a Transfer-Encoding */
    char name[HTTP_HEADER_NAME_MAX];
};

/* A request of which nothing was read, at most `max_header_bytes` long. */
struct http_request *http_request_new(size_t max_header_bytes);
/* NULL is allowed. */
void http_request_free(struct http_request *r);
/* Reads on. `*ret_used` is how many bytes belong to this request; only with HTTP_FEED_WHOLE does
 * what follows them belong to the next. Not to be called again after WHOLE or REFUSED. */
enum http_feed http_request_feed(struct http_request *r, const char *bytes, size_t length,
                                 size_t *ret_used);
/* Why it was refused, a sentence without newline. */
const char *http_request_sentence(const struct http_request *r);
bool http_request_is_head(const struct http_request *r);
/* HTTP/1.0, where a kept connection must be said? */
bool http_request_is_old(const struct http_request *r);

#endif
