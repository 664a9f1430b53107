/* Bytes as one gzip member. Document: RFC 1952. */
#ifndef WEIR_EXPORTERS_GZIP_H
#define WEIR_EXPORTERS_GZIP_H

#include <stddef.h>

struct buf;

/* Appends `length` bytes, compressed; the same bytes always give the same. Pure, for any thread.
 * 0, -ENOMEM, or -EMSGSIZE when it does not fit into `ret`. */
int gzip_compress(const char *bytes, size_t length, struct buf *ret);

#endif
