/* The places of a server: which connections there are, by how much each deserves its own, and who
 * makes room for a new one. Private to net. */
#ifndef WEIR_NET_HTTP_PLACES_H
#define WEIR_NET_HTTP_PLACES_H

#include <stdbool.h>
#include <stdint.h>

struct http_connection;
struct http_peer;
struct http_server;

/* In the order in which they make room. */
enum http_rank {
    HTTP_RANK_SILENT,  /* has never sent a whole request */
    HTTP_RANK_IDLE,    /* has had its answers and has no whole request now */
    HTTP_RANK_WRITING, /* takes an answer, and not at once */
    HTTP_RANK_HELD,    /* its request waits, or it has no place at all: never makes room */
    HTTP_RANKS,
};

/* The connections of one rank; who got it first is first. */
struct http_queue {
    struct http_connection *first;
    struct http_connection *last;
};

/* The connection is of `rank` from now on, the last of it. */
void http_place_put(struct http_connection *c, enum http_rank rank);
/* It is of no rank any more. */
void http_place_leave(struct http_connection *c);
/* Closes the one connection, of `peer` if that is not NULL, that deserves its place least. False:
 * there is none. */
bool http_place_make(struct http_server *s, const struct http_peer *peer);

#endif
