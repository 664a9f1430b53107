/* Allocation that cannot fail: a process without memory for its own bookkeeping ends with a
 * message. */
#ifndef WEIR_BASE_ALLOC_H
#define WEIR_BASE_ALLOC_H

#include <stddef.h>

/* `size` bytes, not zeroed; the caller frees them with free(). */
void *alloc_bytes(size_t size) __attribute__((malloc, returns_nonnull));
/* `count * size` zeroed bytes; the caller frees them with free(). */
void *alloc_zeroed(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* As realloc for `count` elements of `size` bytes. */
void *alloc_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/* A copy of `text`; the caller frees it. */
char *alloc_string(const char *text) __attribute__((malloc, returns_nonnull));
/* A NUL-terminated copy of `length` bytes; the caller frees it. */
char *alloc_copy(const char *bytes, size_t length) __attribute__((malloc, returns_nonnull));
/* A formatted text; the caller frees it. */
char *alloc_format(const char *fmt, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#endif
