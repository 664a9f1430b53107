/* What the HTTP server bounds, and what it counts when a bound is reached. */
#ifndef WEIR_NET_HTTP_LIMITS_H
#define WEIR_NET_HTTP_LIMITS_H

#include <stdint.h>

/* What a limit is for stands in http_server.c beside its default. Where a new connection finds no
 * place, the one that deserves its own least goes: of those that have never sent a whole request
 * the oldest, then the longest idle, then the slowest reader; where none of these is there, the new
 * one is answered 503, or over TLS closed without a word. */
struct http_server_limits {
    uint32_t max_connections;
    uint32_t
        max_connections_per_peer; /* of one IPv4 address or IPv6 /64; 0: as many as there are */
    uint32_t max_header_bytes;    /* request line and headers together; more is 431 */
    uint32_t max_target_bytes;    /* of the request line's target; more is 414 */
    uint32_t max_body_bytes;      /* of a request's body, which is thrown away; more is 413 */
    uint64_t max_pinned_bytes;  /* that readers hold: the bodies they have not all of, each once and
                                   whole, and what is queued beside them; past it the slowest is
                                   cut off */
    uint64_t header_timeout_ms; /* from the first byte of a request to the end of its headers, and
                                   for a TLS handshake; later is 408 */
    uint64_t body_timeout_ms; /* from the end of the headers to the end of the body; later is 408 */
    uint64_t idle_timeout_ms; /* a kept connection without a request is closed */
    uint64_t write_timeout_ms; /* a peer that takes less of an answer than 1 KiB a second for that
                                  long is cut off */
};

extern const struct http_server_limits http_server_default_limits;

/* Why a connection or a request was turned away. */
enum http_refusal {
    HTTP_REFUSED_CONNECTIONS, /* max_connections: the new one, or the one that made room for it */
    HTTP_REFUSED_PEER,        /* max_connections_per_peer, likewise */
    HTTP_REFUSED_HEADER_TIMEOUT,
    HTTP_REFUSED_HEADER_BYTES,
    HTTP_REFUSED_TARGET_BYTES,
    HTTP_REFUSED_BODY_TIMEOUT,
    HTTP_REFUSED_BODY_BYTES,
    HTTP_REFUSED_PINNED_BYTES,
    HTTP_REFUSED_TLS, /* a handshake or session that failed */
    HTTP_REFUSED_MALFORMED,
    HTTP_REFUSED_WRITE_TIMEOUT,
    HTTP_REFUSED_ACCEPT, /* accept(2) failed, e.g. no descriptors left */
    HTTP_REFUSALS,
};

/* The word used in labels, e.g. "connections". */
const char *http_refusal_name(enum http_refusal why);

#endif
