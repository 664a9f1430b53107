/* The parts of http_client: pool (http_client.c), connection (http_client_connection.c), addresses
 * (http_client_address.c). Private to these three. */
#ifndef WEIR_NET_HTTP_CLIENT_INTERNAL_H
#define WEIR_NET_HTTP_CLIENT_INTERNAL_H

#include "net/http_client_connection.h"
#include "net/http_exchange.h"
#include "net/http_getter.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <uv.h>

/* Addresses of one name that are tried; more would only make the failure take longer. */
#define CLIENT_ADDRESSES_MAX 8

struct http_client {
    struct http_getter getter; /* first: the getter is the client */
    struct http_exchanges exchanges;
    uv_loop_t *loop;
    char *unix_path;   /* NULL for TCP */
    char *host;        /* NULL for unix */
    char *where;       /* for sentences, e.g. unix:///run/docker.sock */
    char *host_header; /* value of Host */
    uint16_t port;
    struct sockaddr_storage addresses[CLIENT_ADDRESSES_MAX];
    size_t address_count;
    bool literal; /* `host` is an address: nothing to resolve */
    bool resolving;
    uv_getaddrinfo_t resolve;
    LIST_HEAD(client_connection_list, client_connection) connections;
    TAILQ_HEAD(idle_connections, client_connection) idle; /* most recently used first */
    uint32_t max_connections;
    uint32_t max_idle;
    uint32_t in_use; /* connections of the pool that carry or deliver a request */
    uint32_t idle_count;
    unsigned delivering; /* on_done is running: its connection will be free in a moment */
    unsigned references; /* handles and requests that libuv still holds */
    char *read_buffer;   /* shared by all connections; NULL while there is nothing to read */
    char *denied;        /* sentence of the last PERMISSION_DENIED, or NULL */
    uint64_t denied_ns;  /* CLOCK_MONOTONIC when it was written */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

/* http_client_address.c */
/* Looks the name up, once for all connections that wait: each then goes on, or fails. */
void client_address_resolve(struct http_client *c);
/* Fills the addresses of a literal; false when `host` is a name. */
bool client_address_literal(struct http_client *c);

/* http_client.c */
/* The answer on `conn` is whole: tells the asker, keeps or closes the connection. */
void client_answer_complete(struct client_connection *conn);
/* No address could be reached for `x`, whose connection is gone. */
void client_connect_failed(struct http_client *c, struct http_exchange *x, int error);
/* The exchange has failed; its connection, if any, is closed. */
void client_exchange_fail(struct http_client *c, struct http_exchange *x, enum reason reason,
                          const char *text);
/* An idle connection is to be closed: takes it out of the idle ones. */
void client_idle_remove(struct client_connection *conn);
/* One of the things counted in `references` is gone; the last one frees the client. */
void client_release(struct http_client *c);
/* Starts what waits in line and may start. */
void client_pump(struct http_client *c);

#endif
