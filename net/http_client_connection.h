/* One connection of http_client. Private to its parts. */
#ifndef WEIR_NET_HTTP_CLIENT_CONNECTION_H
#define WEIR_NET_HTTP_CLIENT_CONNECTION_H

#include "net/http_response.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <uv.h>

struct http_client;
struct http_exchange;

enum client_connection_state {
    CLIENT_RESOLVING,  /* waits for the addresses of the name */
    CLIENT_CONNECTING, /* to the address before next_address */
    CLIENT_FAILED,     /* that attempt failed; its handle is being closed */
    CLIENT_BUSY,       /* carries a request */
    CLIENT_DELIVERING, /* the answer is with its asker */
    CLIENT_IDLE,       /* kept for the next request; still read, to notice when the peer leaves */
    CLIENT_CLOSING,    /* its handle is being closed, then it is freed */
};

struct client_connection {
    LIST_ENTRY(client_connection) all;
    TAILQ_ENTRY(client_connection) idle;
    struct http_client *client;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } io; /* `data` is the connection */
    uv_connect_t connect;
    uv_write_t write;
    struct http_exchange *exchange; /* NULL when it carries none */
    struct http_response response;
    struct buf request; /* the bytes being sent */
    enum client_connection_state state;
    size_t next_address;
    int connect_error; /* of the last attempt */
    bool counted;      /* it counts in in_use */
    bool reused;       /* it has carried a request before */
    bool answered;     /* the first byte of the answer came */
    bool writing;      /* the rest of a request is with libuv */
};

/* A new connection for `x`; failures come later, through client_connect_failed. */
void client_connection_open(struct http_client *c, struct http_exchange *x, bool counted);
/* Sends `x` on an idle connection; false when it turned out to be dead and is closed. */
bool client_connection_reuse(struct client_connection *conn, struct http_exchange *x);
/* Closes it; idempotent. The memory stays until the handle is closed. */
void client_connection_close(struct client_connection *conn);
/* It connects to the next address, or fails for good with connect_error. */
void client_connection_next_address(struct client_connection *conn);
/* This attempt failed: on with the next address once the handle is closed. */
void client_connection_attempt_failed(struct client_connection *conn, int error);

#endif
