/* One accepted connection. Private to net. */
#ifndef WEIR_NET_HTTP_CONNECTION_H
#define WEIR_NET_HTTP_CONNECTION_H

#include "net/http_answer.h"

struct http_request;
struct http_write;
struct tls_session;

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
        uv_pipe_t pipe; /* of a unix socket */
    } io;               /* `data` is the connection */
    struct http_server *server;
    struct http_connection *next; /* in the queue of its rank */
    struct http_connection *previous;
    struct http_peer *peer;       /* NULL: a unix socket, or one without a place */
    struct http_request *request; /* owned while READING, the handler's while WAITING */
    struct http_write *write;     /* what is left of the answer; NULL: nothing */
    struct tls_session *tls;      /* NULL: plain */
    char *ahead;                  /* bytes that came before their turn; NULL without any */
    uint64_t deadline_ms;         /* uv_now, HTTP_NEVER without one */
    uint64_t since_ms;     /* uv_now: its rank is IDLE or WRITING, or it is LINGERING, since then */
    uint64_t given;        /* bytes handed to the kernel or to libuv's queue, ever */
    uint64_t taken;        /* of these, the peer's by the last look; WRITING and LINGERING */
    uint32_t ahead_length; /* at most HTTP_AHEAD_MAX_BYTES */
    uint32_t discarded;    /* bytes, LINGERING */
    uint32_t loose;  /* bytes in libuv's queue that belong to no answer: handshakes, interim ones */
    uint8_t state;   /* enum http_connection_state */
    uint8_t rank;    /* enum http_rank; HTTP_RANKS: none */
    bool reading;    /* libuv reads */
    bool had_turn;   /* it was read from in this turn of the loop */
    bool peer_done;  /* it will send nothing more */
    bool refused;    /* counted in refused_count */
    bool local;      /* the peer is on this host */
    bool asked;      /* it has sent a whole request */
    bool in_body;    /* the deadline is that of the request's body */
    bool begun;      /* TLS: its first byte is here */
    bool keep_alive; /* WRITING: it stays after the answer */
    bool consuming;  /* whoever answers need not look for the next request */
};

/* Takes over the accepted socket and, unless `refused`, counts as one of `peer`. `refused`: it gets
 * a 503 and nothing else. 0, or a negative errno and the socket is closed. */
int http_connection_open(struct http_server *s, int fd, const struct sockaddr_storage *address,
                         struct http_peer *peer, bool refused);
/* Does nothing where that is under way. */
void http_connection_close(struct http_connection *c);
/* As close, and what the peer did not take is given up at once. */
void http_connection_cut_off(struct http_connection *c);
/* Shuts our side and waits for the peer to shut its own. */
void http_connection_linger(struct http_connection *c);
void http_connection_start_reading(struct http_connection *c);
/* READING: takes what came before its turn, then what is still to come. */
void http_connection_go_on(struct http_connection *c);
/* Closes one whose place is needed. */
void http_connection_evict(struct http_connection *c);
/* Sends `a`, or a sentence and closes; it is WAITING, or it is refused. */
void http_connection_answer(struct http_connection *c, const struct http_answer *a);
void http_connection_refuse(struct http_connection *c, int status, const char *headers,
                            const char *sentence);
/* The answer's last byte has left libuv's queue, or a negative errno. */
void http_connection_written(struct http_connection *c, int status);
void http_connection_set_deadline(struct http_connection *c, uint64_t after_ms);
/* Its deadline has passed. */
void http_connection_overdue(struct http_connection *c);

#endif
