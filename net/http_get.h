/* GET over HTTP/1.1 as the collectors see it, whatever carries it: http_client.h (llhttp on unix
 * and TCP sockets) or curl_client.h (libcurl, TLS). GET is the only method there is. All on the
 * loop thread; callbacks are never called from inside the function that asked for them. */
#ifndef WEIR_NET_HTTP_GET_H
#define WEIR_NET_HTTP_GET_H

#include "base/reason.h"

#include <stddef.h>
#include <stdint.h>

/* What came of a request. Valid during the callback only. */
struct http_result {
    /* REASON_NONE: an answer with any status came in whole. Otherwise the transport failed:
     * NO_SOCKET, PERMISSION_DENIED, CONNECTION_REFUSED, CONNECTION_FAILED, TLS, TIMEOUT, MALFORMED
     * (not HTTP), TOO_LARGE, ENDED_EARLY. */
    enum reason reason;
    const char *text; /* a failure's sentence for people: what, where, why and the mend; else "" */
    int status;       /* e.g. 200; 0 when the transport failed before a head was there */
    const char *body; /* NUL-terminated; "" when there is none */
    size_t body_length;
    uint64_t sent_ns;     /* CLOCK_MONOTONIC when the request went out; 0 when it did not */
    uint64_t received_ns; /* CLOCK_MONOTONIC when the last byte came */
};

struct http_get_options {
    const char *path;      /* absolute path with query, e.g. /v1.41/containers/json; copied */
    uint64_t timeout_ms;   /* from now to the last byte; a stream: to the head. Not 0 */
    size_t max_body_bytes; /* of the body; a stream: of one line. More is TOO_LARGE. Not 0 */
    /* Called once when the request has ended, unless it was cancelled. Either may close the
     * getter. */
    void (*on_done)(void *context, const struct http_result *result);
    /* Not NULL makes it a stream: the head of an answer with a 2xx status is reported by one call
     * with NULL and 0, then each line of the body as it comes, without its newline, NUL-terminated;
     * on_done tells the end (status set, no body). An answer with another status is gathered and
     * given to on_done like any other. */
    void (*on_line)(void *context, const char *line, size_t length);
    void *context;
};

/* One request under way; owned by the client, invalid after on_done or cancel. */
struct http_exchange;

#endif
