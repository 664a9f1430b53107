/* One accepted connection. Private to net. */
#ifndef WEIR_NET_HTTP_CONNECTION_H
#define WEIR_NET_HTTP_CONNECTION_H

#include "net/http_answer.h"

struct http_request;

enum http_connection_state {
    HTTP_READING,   /* no request, or one that is not whole */
    HTTP_WAITING,   /* the handler has the request */
    HTTP_WRITING,   /* its answer is on the way out */
    HTTP_LINGERING, /* our side is shut; what still comes in is thrown away */
    HTTP_CLOSING,   /* its handle is being closed */
};

struct http_connection {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
    } io; /* `data` is the connection */
    struct http_server *server;
    struct http_connection *next;
    struct http_connection *previous;
    struct http_request *request; /* owned while READING, the handler's while WAITING */
    char *ahead;                  /* bytes that came before their turn; NULL without any */
    size_t ahead_length;          /* at most HTTP_READ_BUFFER_BYTES */
    size_t progress;      /* WRITING: bytes not taken when last looked; LINGERING: discarded */
    uint64_t deadline_ms; /* uv_now, HTTP_NEVER without one */
    enum http_connection_state state;
    bool reading;   /* libuv reads */
    bool peer_done; /* it will send nothing more */
    bool refused;   /* counted in refused_count */
};

/* Sends `a` over `c`; it is WAITING or has been refused. */
void http_connection_answer(struct http_connection *c, const struct http_answer *a);

#endif
