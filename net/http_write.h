/* Bytes on their way to the peer: handed to the kernel at once as far as it takes them, else
 * queued; encrypted piece by piece where the connection speaks TLS. Private to net. */
#ifndef WEIR_NET_HTTP_WRITE_H
#define WEIR_NET_HTTP_WRITE_H

#include <sys/types.h>
#include <uv.h>

/* The kernel counts the end of a stream as a byte that was not taken. */
#define HTTP_END_BYTES 1

struct buf;
struct bytes;
struct http_connection;
struct http_write; /* what is left of an answer */

/* Sends `head` and, unless it is NULL, `body`. 0: all of it is the kernel's; 1: the rest is on its
 * way and http_connection_written will be called; or a negative errno. */
int http_write_answer(struct http_connection *c, const char *head, size_t length,
                      struct bytes *body);
/* Sends a few bytes that are no answer. 0 or a negative errno. */
int http_write_text(struct http_connection *c, const char *text);
/* Sends bytes as they are and leaves `b` empty. 0 or a negative errno. */
int http_write_raw(struct http_connection *c, struct buf *b);
/* How many bytes the kernel takes now, or a negative errno. */
ssize_t http_write_try(struct http_connection *c, const uv_buf_t *parts, unsigned count);
/* The connection is being closed: nothing of it counts as pinned any more. */
void http_write_give_up(struct http_connection *c);
/* NULL: it has none, or `w` is NULL. */
const struct bytes *http_write_body(const struct http_write *w);

/* Bytes sent that the peer has not acknowledged and that the kernel keeps for it. */
uint64_t http_write_in_kernel(const struct http_connection *c);
/* Bytes the peer has acknowledged since the connection was made. */
uint64_t http_write_taken(const struct http_connection *c);

#endif
