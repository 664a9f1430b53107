/* What it knows: from the name of a host to its addresses, off the loop. One look-up at a time for
 * all connections that wait: a name server that does not answer holds one thread of libuv's pool
 * and no more. Documents: getaddrinfo(3); libuv, "DNS utility functions". */
#include "net/http_client_internal.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool client_address_literal(struct http_client *c)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memset(&c->addresses[0], 0, sizeof c->addresses[0]);
    if (uv_ip4_addr(c->host, c->port, &v4) == 0)
        memcpy(&c->addresses[0], &v4, sizeof v4);
    else if (uv_ip6_addr(c->host, c->port, &v6) == 0)
        memcpy(&c->addresses[0], &v6, sizeof v6);
    else
        return false;
    c->address_count = 1;
    return true;
}

static void keep_addresses(struct http_client *c, const struct addrinfo *list)
{
    c->address_count = 0;
    for (; list && c->address_count < CLIENT_ADDRESSES_MAX; list = list->ai_next)
        if (list->ai_addrlen <= sizeof c->addresses[0])
            memcpy(&c->addresses[c->address_count++], list->ai_addr, list->ai_addrlen);
}

/* Those that waited go on; nobody is called back before the loop turns. */
static void wake(struct http_client *c, int error)
{
    for (struct client_connection *conn = LIST_FIRST(&c->connections); conn;
         conn = LIST_NEXT(conn, all)) {
        if (conn->state != CLIENT_RESOLVING)
            continue;
        if (error == 0) {
            client_connection_next_address(conn);
        } else {
            conn->next_address = SIZE_MAX; /* no address of an earlier look-up instead */
            client_connection_attempt_failed(conn, error);
        }
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct http_client *c = request->data;
    c->resolving = false;
    if (status == 0)
        keep_addresses(c, list);
    uv_freeaddrinfo(list);
    wake(c, status);
    client_release(c);
}

void client_address_resolve(struct http_client *c)
{
    if (c->resolving)
        return;
    char port[sizeof "65535"];
    (void)snprintf(port, sizeof port, "%u", c->port);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    c->resolve.data = c;
    int r = uv_getaddrinfo(c->loop, &c->resolve, on_resolved, c->host, port, &hints);
    if (r < 0) {
        wake(c, r);
        return;
    }
    c->resolving = true;
    c->references++;
}
