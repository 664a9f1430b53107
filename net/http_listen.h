/* A listening socket: its address read, opened, taken over, closed. Documents:
 * getaddrinfo(3), ipv6(7), unix(7), RFC 3986 section 3.2.2 (brackets). */
#ifndef WEIR_NET_HTTP_LISTEN_H
#define WEIR_NET_HTTP_LISTEN_H

#include <stdint.h>
#include <sys/types.h>

struct err;

struct http_listen {
    int fd;       /* listening, non-blocking, close-on-exec */
    char *path;   /* of the socket file that was made, owned; NULL for none */
    dev_t device; /* of that file, to tell whether it is still ours */
    ino_t inode;
};

/* `address` as http_server_listen has it. 0 or a negative errno with the sentence. */
int http_listen_open(const char *address, struct err *e, struct http_listen *ret);
/* Takes over a socket that already listens. 0, or -EINVAL, -ENOTSOCK, -EBADF with the sentence;
 * then it stays the caller's. */
int http_listen_adopt(int fd, const char *name, struct err *e, struct http_listen *ret);
/* Closes it and removes the socket file while it is still ours. */
void http_listen_close(struct http_listen *l);
/* The port of an IPv4 or IPv6 socket; 0 for others. */
uint16_t http_listen_port(const struct http_listen *l);
/* What is wrong with an address, the rest of a sentence that begins with it, or NULL. Opens
 * nothing. */
const char *http_listen_check(const char *address);

#endif
