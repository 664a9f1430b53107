/* Who a connection's peer is, as far as limits per peer need it, and how many connections each has.
 * Private to net. Documents: ip(7), ipv6(7), RFC 4291 section 2.5.5.2 (IPv4-mapped addresses). */
#ifndef WEIR_NET_HTTP_PEER_H
#define WEIR_NET_HTTP_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr_storage;

#define HTTP_PEER_BUCKETS 64 /* of the hash; a scrape endpoint has a handful of peers */

/* One IPv4 address or one IPv6 /64: what a single host can have as many addresses from as it likes.
 */
struct http_peer {
    struct http_peer *next; /* in its bucket */
    uint64_t prefix;
    uint32_t connections;
    uint8_t family; /* AF_INET or AF_INET6 */
};

struct http_peers {
    struct http_peer *buckets[HTTP_PEER_BUCKETS];
};

/* One connection more of the peer at `address`. NULL for an address that tells nobody apart, e.g.
 * of a unix socket. */
struct http_peer *http_peer_enter(struct http_peers *p, const struct sockaddr_storage *address);
/* One less; the peer is freed with its last. NULL is allowed. */
void http_peer_leave(struct http_peers *p, struct http_peer *peer);
/* The same number for every connection of the peer; 0 for NULL. */
uint64_t http_peer_number(const struct http_peer *peer);
/* Is it on this host: a loopback address or a unix socket? */
bool http_peer_is_local(const struct sockaddr_storage *address);

#endif
