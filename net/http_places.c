/* What it knows: who makes room. One queue a rank, each in the order of arrival there, so that the
 * connection that deserves its place least is found at the head and nothing is searched; among the
 * connections of one peer the search ends at its first.
 *
 * A scraper asks as soon as it is connected and takes its answer as it comes, so it is in a rank
 * that makes room for moments only. Whoever sends a slow head, nothing at all, or reads slowly
 * grows old in one. */
#include "net/http_connection.h"

#include <assert.h>

#define SLOW_READER_MS 500 /* what an answer of some MB may take over a slow link */

void http_place_leave(struct http_connection *c)
{
    struct http_queue *q = &c->server->queues[c->rank];
    if (c->previous)
        c->previous->next = c->next;
    else
        q->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    else
        q->last = c->previous;
    c->next = c->previous = NULL;
    c->rank = HTTP_RANKS;
}

void http_place_put(struct http_connection *c, enum http_rank rank)
{
    if (c->rank != HTTP_RANKS)
        http_place_leave(c);
    struct http_queue *q = &c->server->queues[rank];
    c->rank = (uint8_t)rank;
    c->previous = q->last;
    if (q->last)
        q->last->next = c;
    else
        q->first = c;
    q->last = c;
}

static bool may_go(const struct http_connection *c, const struct http_peer *peer)
{
    if (peer && c->peer != peer)
        return false;
    return c->rank != HTTP_RANK_WRITING || c->since_ms + SLOW_READER_MS <= uv_now(c->server->loop);
}

bool http_place_make(struct http_server *s, const struct http_peer *peer)
{
    for (unsigned rank = 0; rank < HTTP_RANK_HELD; rank++) {
        struct http_connection *c = s->queues[rank].first;
        while (c && !may_go(c, peer))
            c = c->next;
        if (c) {
            http_connection_evict(c);
            return true;
        }
    }
    return false;
}
