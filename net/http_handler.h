/* What a handler of the HTTP server sees of a request, and how it answers. Documents: RFC 9110. */
#ifndef WEIR_NET_HTTP_HANDLER_H
#define WEIR_NET_HTTP_HANDLER_H

#include <stdbool.h>
#include <stdint.h>

struct bytes;
struct http_request; /* one request that waits for its answer; owned by the server */

/* Called for every well-formed GET, HEAD, POST or PUT, after its body has been read and thrown
 * away; must call http_respond exactly once, now or later on the loop, also when the server has
 * been closed since: that is what frees the request. */
typedef void (*http_handler)(void *context, struct http_request *request);

/* The path without query, decoded and with no NUL, e.g. "/metrics". Valid until http_respond. */
const char *http_request_path(const struct http_request *r);
/* The query after '?', not decoded, "" when there is none. */
const char *http_request_query(const struct http_request *r);
/* The value of a header, or NULL. `name` in lower case; the first one counts. Only the names listed
 * in http_fields.c are kept. */
const char *http_request_header(const struct http_request *r, const char *name);

/* "GET", "HEAD", "POST" or "PUT". */
const char *http_request_method(const struct http_request *r);
/* The same number for requests of one peer: one IPv4 address, one IPv6 /64; 0 for unix sockets. */
uint64_t http_request_peer(const struct http_request *r);
/* Is the peer on this host: a loopback address or a unix socket? */
bool http_request_is_local(const struct http_request *r);

/* Bytes of http_reply.headers; the longest of ours has some 100. */
#define HTTP_REPLY_HEADERS_MAX 512

/* One answer; all of it is the caller's and needed during the call only. */
struct http_reply {
    int status; /* one of HTTP_STATUS_LIST */
    const char *content_type;
    const char *headers; /* more header lines, each ended by CRLF, e.g. Vary; NULL for none */
    struct bytes *body;  /* taken by reference */
};

/* Answers and frees the request; a HEAD request gets the body's length and not its bytes. */
void http_respond(struct http_request *r, const struct http_reply *reply);
/* Answers with one sentence of text; `headers` as in http_reply. */
void http_respond_text(struct http_request *r, int status, const char *headers,
                       const char *sentence);

/* Every status that is answered. */
#define HTTP_STATUS_LIST(S) \
    S(200)                  \
    S(400)                  \
    S(401)                  \
    S(403)                  \
    S(404)                  \
    S(405)                  \
    S(406)                  \
    S(408)                  \
    S(413)                  \
    S(414)                  \
    S(417)                  \
    S(429)                  \
    S(431)                  \
    S(500)                  \
    S(503)                  \
    S(505)

#endif
