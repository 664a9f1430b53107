/* The file of a unix socket that is listened on. Private to http_listen.c. Document: unix(7). */
#ifndef WEIR_NET_HTTP_LISTEN_UNIX_H
#define WEIR_NET_HTTP_LISTEN_UNIX_H

struct err;
struct http_listen;
struct http_listen_address;

/* Makes socket and file, listening with `backlog`. 0 or a negative errno with the sentence. */
int http_listen_unix_open(const struct http_listen_address *a, int backlog, struct err *e,
                          struct http_listen *ret);
/* Removes the file while it is still the one that was made. Before the descriptor is closed: until
 * then the kernel gives its inode number to nobody else. */
void http_listen_unix_remove(const struct http_listen *l);

#endif
