/* What the parts of the HTTP server share: server (listeners, limits, counts), connection, answer.
 * Private to net. */
#ifndef WEIR_NET_HTTP_SERVER_INTERNAL_H
#define WEIR_NET_HTTP_SERVER_INTERNAL_H

#include "net/http_server.h"

#include <time.h>
#include <uv.h>

struct http_connection;

#define HTTP_LISTENERS_MAX     8    /* addresses; more in a configuration is a mistake */
#define HTTP_READ_BUFFER_BYTES 4096 /* one read; a scrape's request has some 300 */
#define HTTP_DATE_BYTES        30   /* "Sun, 06 Nov 1994 08:49:37 GMT" and NUL */
#define HTTP_NEVER             UINT64_MAX
#define HTTP_STATUS_ONE(code)  +1
#define HTTP_STATUSES          (0 HTTP_STATUS_LIST(HTTP_STATUS_ONE))

struct http_listener {
    uv_poll_t poll; /* `data` is the server */
    int fd;
};

struct http_server {
    uv_loop_t *loop;
    struct http_server_limits limits;
    http_handler handler;
    void *context;
    struct http_listener *listeners[HTTP_LISTENERS_MAX];
    size_t listener_count;
    struct http_connection *connections; /* all that are not closing */
    uint32_t connection_count;
    uint32_t refused_count; /* of those, the ones past max_connections, which only get a 503 */
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

/* A listening, non-blocking socket on `address`. 0 or a negative errno with the sentence. */
int http_listen_open(const char *address, struct err *e, int *ret_fd);
/* The port of an IPv4 or IPv6 address. */
uint16_t http_listen_port(const struct sockaddr_storage *address);

/* Takes the accepted socket over. `refused`: it gets a 503 and nothing else. 0, or a negative errno
 * and the socket is closed. */
int http_connection_open(struct http_server *s, int fd, bool refused);
void http_connection_close(struct http_connection *c);
/* Its deadline has passed. */
void http_connection_overdue(struct http_connection *c);

/* The timer will fire no later than `deadline_ms` (uv_now). */
void http_server_wake_at(struct http_server *s, uint64_t deadline_ms);
/* A connection is being closed. */
void http_server_connection_gone(struct http_server *s);
/* One of `handles` is closed. */
void http_server_handle_closed(struct http_server *s);

#endif
