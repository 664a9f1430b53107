/* What it knows: which addresses are one peer, and which are this host. Documents: ip(7), ipv6(7),
 * unix(7), RFC 4291 (sections 2.5.4 and 2.5.5.2: interface identifiers, IPv4-mapped addresses),
 * RFC 1122 section 3.2.1.3 (127.0.0.0/8). */
#include "net/http_peer.h"

#include "base/alloc.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAPPED_OFFSET     12 /* bytes of an IPv4-mapped address before its IPv4 address */
#define HASH_MULTIPLIER   UINT64_C(0x9e3779b97f4a7c15) /* 2^64 divided by the golden ratio */
#define HASH_BUCKET_SHIFT 58                           /* leaves log2(HTTP_PEER_BUCKETS) bits */
_Static_assert(HTTP_PEER_BUCKETS == 1 << (64 - HASH_BUCKET_SHIFT), "the shift fits the buckets");

/* The IPv4 address in network order, also of a mapped one. */
static bool find_ipv4(const struct sockaddr_storage *address, struct in_addr *ret)
{
    if (address->ss_family == AF_INET) {
        *ret = ((const struct sockaddr_in *)(const void *)address)->sin_addr;
        return true;
    }
    const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (address->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(six))
        return false;
    memcpy(ret, six->s6_addr + MAPPED_OFFSET, sizeof *ret);
    return true;
}

/* False: it tells nobody apart. */
static bool find_key(const struct sockaddr_storage *address, struct http_peer *ret)
{
    struct in_addr four;
    *ret = (struct http_peer){.family = AF_INET};
    if (find_ipv4(address, &four)) {
        ret->prefix = four.s_addr;
        return true;
    }
    if (address->ss_family != AF_INET6)
        return false;
    ret->family = AF_INET6;
    memcpy(&ret->prefix, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
           sizeof ret->prefix);
    return true;
}

static struct http_peer **bucket(struct http_peers *p, const struct http_peer *key)
{
    return &p->buckets[key->prefix * HASH_MULTIPLIER >> HASH_BUCKET_SHIFT];
}

struct http_peer *http_peer_enter(struct http_peers *p, const struct sockaddr_storage *address)
{
    struct http_peer key;
    if (!find_key(address, &key))
        return NULL;
    struct http_peer **first = bucket(p, &key);
    struct http_peer *peer = *first;
    while (peer && (peer->prefix != key.prefix || peer->family != key.family))
        peer = peer->next;
    if (!peer) {
        peer = alloc_bytes(sizeof *peer);
        *peer = key;
        peer->next = *first;
        *first = peer;
    }
    peer->connections++;
    return peer;
}

void http_peer_leave(struct http_peers *p, struct http_peer *peer)
{
    if (!peer)
        return;
    assert(peer->connections > 0);
    if (--peer->connections > 0)
        return;
    struct http_peer **link = bucket(p, peer);
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    free(peer);
}

bool http_peer_is_local(const struct sockaddr_storage *address)
{
    struct in_addr four;
    if (address->ss_family == AF_UNIX)
        return true;
    if (find_ipv4(address, &four))
        return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

uint64_t http_peer_number(const struct http_peer *peer)
{
    return peer ? peer->prefix * HASH_MULTIPLIER + peer->family : 0;
}
