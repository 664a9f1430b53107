/* GET over unix and plain TCP sockets: llhttp on libuv streams, kept connections. Documents: RFC
 * 9112; the engine's transport facts in docs/engine-client.md. */
#ifndef WEIR_NET_HTTP_CLIENT_H
#define WEIR_NET_HTTP_CLIENT_H

#include "net/http_getter.h"

#include <stdint.h>

struct err;
struct uv_loop_s;

struct http_client_options {
    const char *unix_path; /* a socket's path, at most 107 bytes; or NULL and: */
    const char
        *host; /* a name or an IPv4 or IPv6 address without brackets; resolved off the loop */
    uint16_t port;
    uint32_t max_connections; /* requests under way at once; more wait in line, their time running.
                                 Not 0 */
    uint32_t max_idle;        /* connections kept between requests */
};

/* A client that has not connected yet. Texts are copied. 0 and the client; -EINVAL with the
 * sentence in `e`. The caller ends it with http_getter_close. A request on a kept connection that
 * dies before the first byte of the answer is sent once more on a new one. From then on the process
 * ignores SIGPIPE: a peer that has gone must be an error. */
int http_client_new(struct uv_loop_s *loop, const struct http_client_options *options,
                    struct err *e, struct http_getter **ret_client);

#endif
