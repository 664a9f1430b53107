/* What the tests of the HTTP clients share: a scripted server (one thread a connection, blocking
 * sockets) and a loop that runs until something is true. */
#ifndef WEIR_TESTS_HTTP_CLIENT_FIXTURE_H
#define WEIR_TESTS_HTTP_CLIENT_FIXTURE_H

#include "net/http_getter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* Group set-up and tear-down: a directory of its own. */
int place_make(void **state);
int place_remove(void **state);
const char *place_directory(void);
const char *place_socket(void); /* a path in it for a unix socket */

/* A loop, a server of `script` at place_socket(), and a client of it. */
struct peer;
struct fixture {
    uv_loop_t loop;
    struct peer *peer;
    struct http_getter *client;
};

/* Serves one connection; `number` counts connections from 0. Returning closes it. */
typedef void (*peer_script)(struct peer *p, int fd, unsigned number);

struct peer *peer_start_unix(const char *path, peer_script script, const void *context);
struct peer *peer_start_tcp(peer_script script, const void *context);
/* Ends all connections and threads. */
void peer_stop(struct peer *p);
uint16_t peer_port(const struct peer *p);
void *peer_context(const struct peer *p);
unsigned peer_connections(struct peer *p); /* accepted so far */
unsigned peer_open(struct peer *p);        /* whose script has not returned */

/* For scripts. Reads a request's head; false when the client closed. `ret_head` of 1024 bytes. */
bool peer_read_request(int fd, char *ret_head);
/* The client is gone when these fail: they say so, and the script should return. */
bool peer_send(int fd, const char *text);
bool peer_send_bytes(int fd, const char *bytes, size_t length);
/* Waits until the client's end has taken all that was sent. */
bool peer_wait_taken(int fd);
/* Waits until the client closes. */
void peer_wait_closed(int fd);

/* What came of one request. */
struct got {
    bool done;
    unsigned calls;
    enum reason reason;
    int status;
    char *body;
    size_t body_length;
    char text[512];
    uint64_t sent_ns;
    uint64_t received_ns;
    char lines[4096]; /* of a stream, each followed by '|' */
    unsigned heads;
    unsigned line_count;
    void (*then)(struct got *g); /* called at the end of on_done; may be NULL */
    void (*on_each)(struct got *g, const char *line);
    void *context;
};

void got_clear(struct got *g);
/* Starts a request for `path` whose outcome goes to `g`; the timeout is 10 s, the limit 1 MiB. */
struct http_exchange *got_get(struct http_getter *client, const char *path, struct got *g);
struct http_exchange *got_stream(struct http_getter *client, const char *path, struct got *g);
struct http_exchange *got_stream_with(struct http_getter *client, const char *path,
                                      uint64_t timeout_ms, struct got *g);
int got_get_with(struct http_getter *client, const char *path, uint64_t timeout_ms,
                 size_t max_body_bytes, struct got *g, struct http_exchange **ret_exchange);

struct http_getter *new_client(uv_loop_t *loop, uint32_t max_connections, uint32_t max_idle);
void fixture_begin(struct fixture *f, peer_script script, const void *context,
                   uint32_t max_connections, uint32_t max_idle);
void fixture_end(struct fixture *f);
bool none_is_open(void *peer);

/* Turns the loop until `*flag`; fails the test after 20 s. */
void loop_until(uv_loop_t *loop, const bool *flag);
void loop_until_true(uv_loop_t *loop, bool (*is_true)(void *context), void *context);
/* Closes the client and the loop; fails when a handle is left. */
void loop_end(uv_loop_t *loop, struct http_getter *client);

#endif
