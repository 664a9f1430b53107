/* Immutable bytes with a reference count: one encoded body, served to many. Loop thread only. */
#ifndef WEIR_BASE_BYTES_H
#define WEIR_BASE_BYTES_H

#include <stddef.h>

struct buf;

struct bytes {
    size_t length;
    unsigned references;
    char *data; /* owned; NUL-terminated */
};

/* Takes over the content of `b` (which is then empty); one reference, the caller's. */
struct bytes *bytes_from_buf(struct buf *b);
/* A copy of `text`; one reference, the caller's. */
struct bytes *bytes_from_string(const char *text);
/* One more reference; returns `b`. */
struct bytes *bytes_ref(struct bytes *b);
/* One reference less; the last one frees. NULL is allowed. */
void bytes_unref(struct bytes *b);

#endif
