/* An HTTP/1.1 server on libuv and llhttp: GET and HEAD, kept connections, bodies served by
 * reference, limits on everything a peer can influence. It knows nothing of metrics. Documents: RFC
 * 9110, RFC 9112. */
#ifndef WEIR_NET_HTTP_SERVER_H
#define WEIR_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct err;
struct uv_loop_s;
struct http_server;  /* opaque */
struct http_request; /* one request that waits for its answer; owned by the server */

/* What a limit is for stands in http_server.c beside its default. */
struct http_server_limits {
    uint32_t max_connections;   /* further ones are answered 503 and closed */
    uint32_t max_header_bytes;  /* request line and headers together; more is 431 */
    uint64_t header_timeout_ms; /* from the first byte of a request to the end of its headers; later
                                   is 408 */
    uint64_t idle_timeout_ms;   /* a kept connection without a request is closed */
    uint64_t write_timeout_ms; /* a peer that takes no byte of an answer for that long is cut off */
};

extern const struct http_server_limits http_server_default_limits;

/* Called for every well-formed GET or HEAD; must call http_respond exactly once, now or later on
 * the loop, also when the server has been closed since: that is what frees the request. */
typedef void (*http_handler)(void *context, struct http_request *request);

/* Counts since the start; `status[i]` belongs to `codes[i]`. */
#define HTTP_STATUS_LIST(S) S(200) S(400) S(404) S(405) S(408) S(431) S(500) S(503) S(505)
enum http_refusal {
    HTTP_REFUSED_CONNECTIONS, /* max_connections */
    HTTP_REFUSED_HEADER_TIMEOUT,
    HTTP_REFUSED_HEADER_BYTES,
    HTTP_REFUSED_MALFORMED,
    HTTP_REFUSED_WRITE_TIMEOUT,
    HTTP_REFUSED_ACCEPT, /* accept(2) failed, e.g. no descriptors left */
    HTTP_REFUSALS,
};

/* A server without listeners. `limits` NULL: the defaults. Never fails. The process ignores SIGPIPE
 * from then on: a peer that has gone is an error of one connection. */
struct http_server *http_server_new(struct uv_loop_s *loop, const struct http_server_limits *limits,
                                    http_handler handler, void *context);
/* Listens on `address`: ":10142" (all addresses, IPv6 and IPv4), "127.0.0.1:10142", "[::1]:10142",
 * "localhost:10142". Port 0 takes a free one. 0, or a negative errno with what, where, why and the
 * mend in `e`. */
int http_server_listen(struct http_server *s, const char *address, struct err *e);
/* The port the `index`-th listener has; 0 past the last one. */
uint16_t http_server_port(const struct http_server *s, size_t index);
/* Stops accepting, drops waiting requests without an answer, closes every handle; `closed` (may be
 * NULL) is called and the server freed when the last one is. Requests the handler still holds stay
 * valid until their http_respond, which then sends nothing; so it is when the peer has gone. */
void http_server_close(struct http_server *s, void (*closed)(void *context), void *context);

/* The path without query, decoded and with no NUL, e.g. "/metrics". Valid until http_respond. */
const char *http_request_path(const struct http_request *r);
/* The query after '?', not decoded, "" when there is none. */
const char *http_request_query(const struct http_request *r);
/* The value of a header, or NULL. `name` in lower case; the first one counts. Only the names listed
 * in http_server.c are kept. */
const char *http_request_header(const struct http_request *r, const char *name);

/* Answers and frees the request. `body` is taken by reference (the caller keeps its own); a HEAD
 * request gets its length and not its bytes. `status` must be one of HTTP_STATUS_LIST. */
void http_respond(struct http_request *r, int status, const char *content_type, struct bytes *body);
/* Answers with one sentence of text. */
void http_respond_text(struct http_request *r, int status, const char *sentence);

/* Answers counted so far with that status; 0 for one not in the list. */
uint64_t http_server_answers(const struct http_server *s, int status);
uint64_t http_server_refusals(const struct http_server *s, enum http_refusal why);
/* The word used in labels, e.g. "connections". */
const char *http_refusal_name(enum http_refusal why);

#endif
