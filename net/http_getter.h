/* One way to one server, whatever carries the requests: what http_client.h and curl_client.h make.
 */
#ifndef WEIR_NET_HTTP_GETTER_H
#define WEIR_NET_HTTP_GETTER_H

#include "net/http_get.h"

/* Each kind of client fills this table; `self` is its own struct. */
struct http_getter {
    /* Queues the request. 0 and an exchange, or -EINVAL (path), -EMFILE (more than the client's
     * bound under way). Errors of the connection come through on_done. */
    int (*get)(struct http_getter *self, const struct http_get_options *options,
               struct http_exchange **ret_exchange);
    /* Ends a request without a call of on_done; its connection is closed. */
    void (*cancel)(struct http_getter *self, struct http_exchange *exchange);
    /* Closes connections that carry nothing. */
    void (*close_idle)(struct http_getter *self);
    /* Changes the bound on requests under way at once; not 0. */
    void (*set_bound)(struct http_getter *self, uint32_t max_connections);
    /* Cancels everything and frees the client once its handles are closed; `closed` (may be NULL)
     * is called then. The pointer is invalid at once. */
    void (*close)(struct http_getter *self, void (*closed)(void *context), void *context);
};

static inline int http_get(struct http_getter *g, const struct http_get_options *options,
                           struct http_exchange **ret_exchange)
{
    return g->get(g, options, ret_exchange);
}

static inline void http_cancel(struct http_getter *g, struct http_exchange *exchange)
{
    g->cancel(g, exchange);
}

static inline void http_close_idle(struct http_getter *g)
{
    g->close_idle(g);
}

static inline void http_set_bound(struct http_getter *g, uint32_t max_connections)
{
    g->set_bound(g, max_connections);
}

static inline void http_getter_close(struct http_getter *g, void (*closed)(void *), void *context)
{
    g->close(g, closed, context);
}

#endif
