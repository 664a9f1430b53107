/* One request from its first byte until its answer: bytes in, a method, a path with query and
 * headers or a refusal out. No sockets, so that it can be fuzzed. Private to net. */
#ifndef WEIR_NET_HTTP_REQUEST_H
#define WEIR_NET_HTTP_REQUEST_H

#include "base/buf.h"
#include "net/http_lines.h"
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
    HTTP_HEADER_CONNECTION = HTTP_HEADERS_KEPT, /* from here on: looked at and not kept */
    HTTP_HEADER_EXPECT,
    HTTP_HEADER_TRANSFER_ENCODING,
    HTTP_HEADERS_KNOWN,
    HTTP_HEADER_OTHER = HTTP_HEADERS_KNOWN,
};

#define HTTP_HEADER_NAME_MAX 35 /* bytes: the last of those kept is the longest known */

enum http_feed {
    HTTP_FEED_MORE,
    HTTP_FEED_WHOLE,   /* one for the handler: a GET, HEAD, POST or PUT, its body thrown away */
    HTTP_FEED_REFUSED, /* `status` and the sentence say why; nothing after it can be understood */
};

struct http_request {
    struct http_connection *connection; /* who waits for the answer; NULL once nobody does */
    llhttp_t parser;
    struct http_lines lines; /* what llhttp gets to see has passed here */
    struct buf text; /* target and kept values, each NUL-terminated; on a refusal the sentence */
    size_t max_header_bytes, max_body_bytes;
    size_t framing;     /* bytes taken that are no body's: head, chunk sizes, trailers */
    uint64_t body, due; /* bytes of the body as announced so far; of those, what is to come */
    uint64_t peer;      /* http_request_peer's answer; the connection sets it */
    size_t query;       /* offset into text; the path is at 0 */
    size_t value[HTTP_HEADERS_KEPT]; /* 0: absent, the target stands there */
    size_t start;                    /* offset of the value being read */
    size_t extension;                /* bytes of the chunk extension's name or value being read */
    int status;                      /* of a refusal, e.g. 400; 0 while there is none */
    uint8_t known, name_length;      /* the header being read; past the maximum it is not known */
    bool keep_alive, close;          /* does the connection stay after it; does it say "close" */
    bool local, quoted;              /* the peer is on this host; the chunk extension's value is */
    bool hosted, encoded;            /* it has a Host line; a Transfer-Encoding, chunked */
    bool continues; /* it expects an interim answer, and nobody has asked for it yet */
    bool demanding, accepted, whole; /* it expects something else; its headers are good; all is */
    bool has_trailers;               /* the last chunk has come */
    char name[HTTP_HEADER_NAME_MAX];
};

/* A request of which nothing was read; of the limits those of header, target and body count. */
struct http_request *http_request_new(const struct http_server_limits *limits, bool local);
/* NULL is allowed. */
void http_request_free(struct http_request *r);
/* Reads on. `*ret_used` is how many bytes belong to this request: only with HTTP_FEED_WHOLE does
 * something follow them. Not to be called again after WHOLE or REFUSED. */
enum http_feed http_request_feed(struct http_request *r, const char *bytes, size_t length,
                                 size_t *ret_used);
/* Are its headers complete and its body is not? */
bool http_request_in_body(const struct http_request *r);
/* Does the client wait for "100 Continue" before it sends the body? True at most once. */
bool http_request_wants_continue(struct http_request *r);
/* Why it was refused, a sentence without newline. */
const char *http_request_sentence(const struct http_request *r);
/* Lines for the answer of a refusal, each ended by CRLF; NULL for none. */
const char *http_request_refusal_headers(const struct http_request *r);
bool http_request_is_head(const struct http_request *r);
/* HTTP/1.0, where a kept connection must be said? */
bool http_request_is_old(const struct http_request *r);

#endif
