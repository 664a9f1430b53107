/* An HTTP/1.1 server on libuv and llhttp: kept connections, bodies served by reference, TLS where a
 * context is set, limits on everything a peer can influence. It knows nothing of metrics.
 * Documents: RFC 9110, RFC 9112. */
#ifndef WEIR_NET_HTTP_SERVER_H
#define WEIR_NET_HTTP_SERVER_H

#include "net/http_handler.h"
#include "net/http_limits.h"

#include <stddef.h>

struct err;
struct tls_context;
struct uv_loop_s;
struct http_server; /* opaque */

#define HTTP_ADDRESSES_MAX 8 /* to listen on; more in a configuration is a mistake */

/* A server without listeners. `limits` NULL: the defaults. Never fails. The process ignores SIGPIPE
 * from then on: a peer that has gone is an error of one connection. */
struct http_server *http_server_new(struct uv_loop_s *loop, const struct http_server_limits *limits,
                                    http_handler handler, void *context);
/* Listens on `address`: ":10142" (all addresses, IPv6 and IPv4), "127.0.0.1:10142", "[::1]:10142",
 * "localhost:10142", or "unix:/PATH" with "?mode=0660", "?group=NAME" or both joined by '&'. Port
 * 0 takes a free one; a socket file that nobody listens on is replaced. 0, or a negative errno with
 * what, where, why and the mend in `e`. */
int http_server_listen(struct http_server *s, const char *address, struct err *e);
/* As http_server_listen, but nobody is let in before http_server_open. */
int http_server_reserve(struct http_server *s, const char *address, struct err *e);
/* Lets in those who come to what was reserved. */
void http_server_open(struct http_server *s);
/* As http_server_listen with a listening socket of somebody else's, e.g. systemd's; taken over.
 * `name` is what messages call it. -EINVAL: it is no listening stream socket. */
int http_server_listen_on(struct http_server *s, int fd, const char *name, struct err *e);
/* Stops listening on an address that http_server_listen was given; connections stay. */
void http_server_unlisten(struct http_server *s, const char *address);
/* From now on: for new connections and new requests. */
void http_server_set_limits(struct http_server *s, const struct http_server_limits *limits);
/* Lines for every answer from now on, each ended by CRLF, at most HTTP_REPLY_HEADERS_MAX bytes. */
void http_server_set_headers(struct http_server *s, const char *lines);
/* New connections speak TLS by it, or plain with NULL; a reference is taken. Those that are open
 * keep what they speak, but are closed after the answer they wait for where it was plain and is TLS
 * now, or the other way round. */
void http_server_set_tls(struct http_server *s, struct tls_context *tls);
/* Connections now open. */
uint32_t http_server_connections(const struct http_server *s);
/* Bytes that readers pin now, see max_pinned_bytes. */
uint64_t http_server_pinned_bytes(const struct http_server *s);
/* The port the `index`-th listener has; 0 past the last one and for a unix socket. */
uint16_t http_server_port(const struct http_server *s, size_t index);
/* As http_server_port, of the listener on `address`. */
uint16_t http_server_port_of(const struct http_server *s, const char *address);
/* Stops accepting, drops waiting requests without an answer, closes every handle; `closed` (may be
 * NULL) is called and the server freed when the last one is. Requests the handler still holds stay
 * valid until their http_respond, which then sends nothing; so it is when the peer has gone. */
void http_server_close(struct http_server *s, void (*closed)(void *context), void *context);

/* Answers counted so far with that status; 0 for one not in the list. */
uint64_t http_server_answers(const struct http_server *s, int status);
uint64_t http_server_refusals(const struct http_server *s, enum http_refusal why);

#endif
