/* What it knows: how a listen address becomes a listening socket, and which sockets of others can
 * be one. Documents: getaddrinfo(3), ipv6(7), socket(7) (SO_ACCEPTCONN), sd_listen_fds(3). */
#include "net/http_listen.h"

#include "net/http_listen_address.h"
#include "net/http_listen_unix.h"

#include "base/err.h"
#include "base/fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128 /* connections the kernel holds for us; more do not come at once */

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
 * first. Names are looked up in the foreground, which only a start or a reload may do. */
static int open_host(const struct http_listen_address *a, const char *address, struct err *e,
                     int *ret_fd)
{
    const struct addrinfo hints = {.ai_flags = a->is_six ? AI_NUMERICHOST : 0,
                                   .ai_family = a->is_six ? AF_INET6 : AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
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

int http_listen_open(const char *address, struct err *e, struct http_listen *ret)
{
    struct http_listen_address a = {0};
    struct err lookup = {0};
    int fd = -1;
    const char *wrong = http_listen_parse(address, &a);
    if (wrong)
        return err_set(e, -EINVAL,
                       "cannot listen: the address \"%.128s\" %s; write HOST:PORT, [IPV6]:PORT or "
                       "unix:/PATH, for example :10142",
                       address, wrong);
    if (a.path[0] != '\0')
        return http_listen_unix_open(&a, BACKLOG, e, ret);
    int r = a.host[0] == '\0' ? open_all(a.port, &fd) : open_host(&a, address, &lookup, &fd);
    if (lookup.code)
        return err_set(e, lookup.code, "%s", lookup.text);
    if (r < 0)
        return explain(e, r, address);
    *ret = (struct http_listen){.fd = fd};
    return 0;
}

static int socket_option(int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &length) < 0 ? -errno : value;
}

/* NULL, or what an open socket lacks. */
static const char *objection(int fd)
{
    int family = socket_option(fd, SO_DOMAIN);
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return "is a socket of another family than IPv4, IPv6 and unix";
    if (socket_option(fd, SO_TYPE) != SOCK_STREAM)
        return "is no stream socket; its unit needs ListenStream= instead";
    if (socket_option(fd, SO_ACCEPTCONN) != 1)
        return "is a socket that does not listen; its unit needs Accept=no";
    return NULL;
}

int http_listen_adopt(int fd, const char *name, struct err *e, struct http_listen *ret)
{
    int r = socket_option(fd, SO_TYPE);
    if (r == -EBADF)
        return err_set(e, r, "cannot listen on %s: descriptor %d is not open", name, fd);
    if (r == -ENOTSOCK)
        return err_set(e, r, "cannot listen on %s: descriptor %d is no socket", name, fd);
    if (r < 0)
        return err_set_errno(e, -EINVAL, "cannot listen on %s: descriptor %d", name, fd);
    const char *wrong = objection(fd);
    if (wrong)
        return err_set(e, -EINVAL, "cannot listen on %s: descriptor %d %s", name, fd, wrong);
    int status = fcntl(fd, F_GETFL);
    int flags = fcntl(fd, F_GETFD);
    if (status < 0 || flags < 0 || fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
        return err_set_errno(e, -errno, "cannot listen on %s: descriptor %d", name, fd);
    *ret = (struct http_listen){.fd = fd};
    return 0;
}

void http_listen_close(struct http_listen *l)
{
    if (l->path)
        http_listen_unix_remove(l);
    (void)close(l->fd);
    free(l->path);
    *l = (struct http_listen){.fd = -1};
}

uint16_t http_listen_port(const struct http_listen *l)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(l->fd, (struct sockaddr *)&address, &length) < 0)
        return 0;
    if (address.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port);
    return 0;
}
