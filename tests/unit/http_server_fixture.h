/* A server on a loop of its own and plain sockets as its peers, all in one thread: while a peer
 * waits for bytes, the loop is run. */
#ifndef WEIR_TESTS_HTTP_SERVER_FIXTURE_H
#define WEIR_TESTS_HTTP_SERVER_FIXTURE_H

#include "net/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <uv.h>

#define HELD_MAX       8
#define PATIENCE_MS    10000 /* what does not happen by then will not */
#define RESPONSE_BYTES 16384
#define BIG_BYTES      (8U * 1024 * 1024)

/* What its handler answers: "/hello" at once, "/big" BIG_BYTES at once, "/fresh?N" N bytes that
 * nobody else has, "/later" when the test says so, "/echo..." what it was asked, "/where" the
 * method and whether the peer is local, anything else 404. */
struct fixture {
    uv_loop_t loop;
    struct http_server *server;
    uint16_t port;
    bool closed;
    struct bytes *hello;
    struct bytes *big;
    struct http_request *held[HELD_MAX]; /* oldest first */
    size_t held_count;
    unsigned handled;
};

/* One answer as it came; `closed` instead when the peer's end came first. */
struct response {
    bool closed;
    int status;
    size_t length; /* of the body by Content-Length */
    char head[1024];
    char body[RESPONSE_BYTES];
};

/* `limits` NULL: the defaults. Listens on 127.0.0.1. */
void fixture_start(struct fixture *f, const struct http_server_limits *limits);
/* Closes the server unless it is NULL, runs the loop until it is empty, holds uv_loop_close and the
 * references of the bodies against what must be. */
void fixture_stop(struct fixture *f);
/* Runs the loop for what is there, waiting up to `ms` for something to do on it or on `fd`. */
void fixture_pump(struct fixture *f, int fd, int ms);
void fixture_pump_for(struct fixture *f, uint64_t ms);
/* Pumps until `*value` is at least `wanted`. */
void fixture_await(struct fixture *f, const size_t *value, size_t wanted);
void fixture_await_refusals(struct fixture *f, enum http_refusal why, uint64_t wanted);
/* Pumps until that many are open. */
void fixture_await_connections(struct fixture *f, uint32_t wanted);
/* Pumps until no deadline is left: nothing would wake an idle process. */
void fixture_await_quiet(struct fixture *f);
uint64_t now_ms(void);

/* A connected, non-blocking socket; `receive_bytes` 0: the kernel's choice of buffer. */
int peer_connect(struct fixture *f, int receive_bytes);
/* The same with an address of 127.0.0.0/8 as the peer's own. */
int peer_connect_from(struct fixture *f, const char *address, int receive_bytes);
void peer_send_bytes(struct fixture *f, int fd, const char *bytes, size_t length);
void peer_send(struct fixture *f, int fd, const char *text);
/* Reads exactly one answer, to a HEAD request without body. */
void peer_read(struct fixture *f, int fd, bool head, struct response *ret);
/* The next thing the peer sees is a clean end without a byte before it. */
void peer_expect_end(struct fixture *f, int fd);
/* The server has closed or reset it; what it sent before is thrown away. */
void peer_expect_gone(struct fixture *f, int fd);
/* Nothing has come and the server has not closed it. */
bool peer_is_open(struct fixture *f, int fd);
/* One request on an open connection; returns the status. */
int peer_ask_on(struct fixture *f, int fd, const char *request, struct response *ret);
/* One request on a connection of its own that is then closed; returns the status. */
int peer_ask(struct fixture *f, const char *request, struct response *ret);

#endif
