/* A connection's TLS session: what goes in and out of it. Private to net. */
#ifndef WEIR_NET_HTTP_TLS_IO_H
#define WEIR_NET_HTTP_TLS_IO_H

#include "net/http_server_internal.h"

struct buf;

#define HTTP_TLS_RECORD_BYTES (16 * 1024) /* content of one record, RFC 8446 section 5.1 */
/* What can come of one read and have to wait: the record that it completes, and the read. */
#define HTTP_AHEAD_MAX_BYTES (HTTP_READ_BUFFER_BYTES + HTTP_TLS_RECORD_BYTES)
#define HTTP_TLS_HANDSHAKE   0x16 /* first byte of a TLS connection, RFC 8446 section 5.1 */

/* Takes bytes of the peer, sends what the protocol answers, and gives the request's bytes in
 * `plain` (to be freed by buf_done, whatever comes of it). 0; -EPIPE: the peer has ended the
 * session; or another negative errno, after which the session is of no use. */
int http_tls_read(struct http_connection *c, const char *bytes, size_t length, struct buf *plain);
/* Tells the peer, if the kernel takes it now, that nothing more will come. */
void http_tls_end(struct http_connection *c);
/* The session is over; the connection goes on without. */
void http_tls_drop(struct http_connection *c);

#endif
