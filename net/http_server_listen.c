/* What it knows: how a listen address is written and becomes a listening socket. Documents:
 * getaddrinfo(3), ipv6(7), RFC 3986 section 3.2.2 (brackets). */
#include "net/http_server_internal.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_MAX_BYTES 255 /* RFC 1035 section 2.3.4 */
#define PORT_MAX       65535
#define BACKLOG        128 /* connections the kernel holds for us; more do not come at once */

struct listen_address {
    char host[HOST_MAX_BYTES + 1]; /* "" means all addresses */
    uint16_t port;
};

static int parse_host(const char *text, size_t length, struct listen_address *a)
{
    bool bracketed = length > 0 && text[0] == '[';
    if (bracketed && (length < 3 || text[length - 1] != ']'))
        return -EINVAL;
    if (bracketed) {
        text++;
        length -= 2;
    }
    bool has_colon = memchr(text, ':', length) != NULL;
    if (length > HOST_MAX_BYTES || has_colon != bracketed)
        return -EINVAL;
    memcpy(a->host, text, length);
    a->host[length] = '\0';
    return 0;
}

static int parse_address(const char *text, struct listen_address *a)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (!colon || text_parse_u64(colon + 1, strlen(colon + 1), &port) < 0 || port > PORT_MAX)
        return -EINVAL;
    a->port = (uint16_t)port;
    return parse_host(text, (size_t)(colon - text), a);
}

/* The negative errno of the step that failed. */
static int open_socket(const struct sockaddr *address, socklen_t length, int *ret_fd)
{
    const int on = 1;
    const int off = 0;
    CLEANUP_FD int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* As libuv does: a restart must not wait for the last connections of the one before. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    /* [::] takes IPv4 peers too, whatever net.ipv6.bindv6only says. */
    if (address->sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -errno;
    if (bind(fd, address, length) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

static int open_all(uint16_t port, int *ret_fd)
{
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    int r = open_socket((const struct sockaddr *)&six, sizeof six, ret_fd);
    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL) /* the host has IPv6 switched off */
        r = open_socket((const struct sockaddr *)&four, sizeof four, ret_fd);
    return r;
}

static void free_addresses(struct addrinfo **list)
{
    if (*list)
        freeaddrinfo(*list);
}

/* A name may have several addresses: the first IPv4 one is taken, as other exporters do, else the
 * first. Names are looked up in the foreground, which only a start may do. */
static int open_host(const struct listen_address *a, const char *address, struct err *e,
                     int *ret_fd)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    __attribute__((cleanup(free_addresses))) struct addrinfo *list = NULL;
    int r = getaddrinfo(a->host, NULL, &hints, &list);
    if (r != 0)
        return err_set(e, -EADDRNOTAVAIL,
                       "cannot listen on %s: the name has no address here (%s); use an address "
                       "of this host",
                       address, gai_strerror(r));
    assert(list); /* getaddrinfo(3) gives at least one when it gives 0 */
    struct addrinfo *chosen = list;
    while (chosen && chosen->ai_family != AF_INET)
        chosen = chosen->ai_next;
    if (!chosen)
        chosen = list;
    if (chosen->ai_family == AF_INET)
        ((struct sockaddr_in *)(void *)chosen->ai_addr)->sin_port = htons(a->port);
    else
        ((struct sockaddr_in6 *)(void *)chosen->ai_addr)->sin6_port = htons(a->port);
    return open_socket(chosen->ai_addr, chosen->ai_addrlen, ret_fd);
}

static int explain(struct err *e, int code, const char *address)
{
    switch (code) {
    case -EADDRINUSE:
        return err_set(e, code,
                       "cannot listen on %s: the address is in use; stop the program that has it "
                       "('ss -ltnp' names it) or choose another port",
                       address);
    case -EACCES:
    case -EPERM:
        return err_set(e, code,
                       "cannot listen on %s: not allowed; ports below 1024 need "
                       "CAP_NET_BIND_SERVICE, so choose one above",
                       address);
    case -EADDRNOTAVAIL:
        return err_set(e, code,
                       "cannot listen on %s: this host does not have that address; use one that "
                       "'ip address' lists, or none for all",
                       address);
    default:
        return err_set_errno(e, code, "cannot listen on %s", address);
    }
}

int http_listen_open(const char *address, struct err *e, int *ret_fd)
{
    struct listen_address a = {0};
    struct err lookup = {0};
    if (parse_address(address, &a) < 0)
        return err_set(e, -EINVAL,
                       "cannot read the listen address \"%s\": write :PORT, HOST:PORT or "
                       "[IPV6]:PORT, for example :10142",
                       address);
    int r = a.host[0] == '\0' ? open_all(a.port, ret_fd) : open_host(&a, address, &lookup, ret_fd);
    if (lookup.code)
        return err_set(e, lookup.code, "%s", lookup.text);
    return r < 0 ? explain(e, r, address) : 0;
}

uint16_t http_listen_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
}
