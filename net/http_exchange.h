/* The requests of one client: the line they wait in, their deadlines, their end. What http_client.c
 * and curl_client.c have in common; private to net/. */
#ifndef WEIR_NET_HTTP_EXCHANGE_H
#define WEIR_NET_HTTP_EXCHANGE_H

#include "net/http_get.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

/* Longest path with query in bytes; an engine takes 1 MiB, weir's longest is below 1 KiB. */
#define HTTP_PATH_MAX 8191
/* Requests of one client under way or in line: four a container on a host with 4000. */
#define HTTP_EXCHANGES_MAX 16384
/* Streams of one client: each has a connection of its own; weir needs one an engine. */
#define HTTP_STREAMS_MAX 16

struct http_exchange {
    LIST_ENTRY(http_exchange) all;
    TAILQ_ENTRY(http_exchange) line;
    struct http_exchanges *set;
    struct http_get_options options; /* its path is the copy below */
    uint64_t deadline_ns;            /* CLOCK_MONOTONIC; UINT64_MAX for none */
    uint64_t sent_ns;
    void *carrier; /* the connection or transfer; NULL while it waits in line */
    bool waiting;
    bool ended; /* on_done is running */
    char path[];
};

struct http_exchanges {
    LIST_HEAD(http_exchange_list, http_exchange) all;
    struct http_exchange_list expired; /* taken out of `all` to be expired one by one */
    TAILQ_HEAD(http_exchange_line, http_exchange) line; /* first come, first served */
    uv_timer_t timer;  /* runs out at or before the earliest deadline */
    uint64_t armed_ns; /* what it is set to; UINT64_MAX while stopped */
    size_t requests;
    size_t streams;
    /* Must end or drop the exchange, which is not in line any more. */
    void (*expire)(void *owner, struct http_exchange *x);
    void *owner;
};

void http_exchanges_init(struct http_exchanges *set, uv_loop_t *loop,
                         void (*expire)(void *owner, struct http_exchange *x), void *owner);
/* A new exchange that is neither in line nor carried. As http_getter.get. */
int http_exchange_new(struct http_exchanges *set, const struct http_get_options *options,
                      struct http_exchange **ret_exchange);
/* Puts it at the end of the line. */
void http_exchange_wait(struct http_exchange *x);
/* Takes the first out of the line; NULL when it is empty. */
struct http_exchange *http_exchanges_next(struct http_exchanges *set);
/* Calls on_done and frees it. */
void http_exchange_end(struct http_exchange *x, const struct http_result *result);
/* Frees it without a call. */
void http_exchange_drop(struct http_exchange *x);
/* Any exchange that has not ended, or NULL. */
struct http_exchange *http_exchanges_any(struct http_exchanges *set);

static inline bool http_exchange_is_stream(const struct http_exchange *x)
{
    return x->options.on_line != NULL;
}

#endif
