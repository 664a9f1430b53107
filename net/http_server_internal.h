/* What the parts of the HTTP server share: server (limits, counts, time), listeners, connection,
 * answer. Private to net. */
#ifndef WEIR_NET_HTTP_SERVER_INTERNAL_H
#define WEIR_NET_HTTP_SERVER_INTERNAL_H

#include "net/http_listen.h"
#include "net/http_peer.h"
#include "net/http_pinned.h"
#include "net/http_places.h"
#include "net/http_server.h"

#include <time.h>
#include <uv.h>

struct http_connection;

#define HTTP_LISTENERS_MAX     (2 * HTTP_ADDRESSES_MAX) /* the old and the new, in a reload */
#define HTTP_READ_BUFFER_BYTES 4096 /* one read; a scrape's request has some 300 */
#define HTTP_DATE_BYTES        30   /* "Sun, 06 Nov 1994 08:49:37 GMT" and NUL */
#define HTTP_NEVER             UINT64_MAX
#define HTTP_STATUS_ONE(code)  +1
#define HTTP_STATUSES          (0 HTTP_STATUS_LIST(HTTP_STATUS_ONE))

struct http_listener {
    uv_poll_t poll; /* `data` is the server */
    struct http_listen socket;
    char *address; /* as it was given; owned */
    bool reserved; /* nobody is let in yet */
};

struct http_server {
    uv_loop_t *loop;
    struct http_server_limits limits;
    http_handler handler;
    void *context;
    struct tls_context *tls; /* of new connections; a reference, NULL: plain */
    char *headers;           /* lines of every answer, owned; NULL: none */
    struct http_listener *listeners[HTTP_LISTENERS_MAX];
    size_t listener_count;
    struct http_queue queues[HTTP_RANKS]; /* all connections that are not closing */
    struct http_peers peers;
    struct http_pins pins;
    uint32_t connection_count;
    uint32_t refused_count; /* of those, the ones without a place, which only get a 503 */
    uint32_t handles;       /* not yet closed; the server is freed with the last */
    uv_timer_t timer;       /* due at the earliest deadline; stopped when there is none */
    uint64_t timer_due_ms;
    uint64_t accept_again_ms; /* HTTP_NEVER while listeners accept */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
    uint64_t answers[HTTP_STATUSES];
    uint64_t refusals[HTTP_REFUSALS];
    time_t date_second; /* which second `date` says */
    char date[HTTP_DATE_BYTES];
    char read_buffer[HTTP_READ_BUFFER_BYTES]; /* of whichever connection is being read */
};

/* The timer will fire no later than `deadline_ms` (uv_now). */
void http_server_wake_at(struct http_server *s, uint64_t deadline_ms);
/* A connection is being closed. */
void http_server_connection_gone(struct http_server *s);
/* One of `handles` is closed. */
void http_server_handle_closed(struct http_server *s);
/* Listeners accept again after a rest. */
void http_server_accept_again(struct http_server *s);
/* Closes every listener. */
void http_server_close_listeners(struct http_server *s);

#endif
