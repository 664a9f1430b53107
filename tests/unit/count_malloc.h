/* Counts the allocations of the test program: the C library's malloc family, wrapped. The
 * sanitizers bring a malloc of their own, so there is nothing to count in their builds:
 * COUNTS_MALLOC is 0 and tests of it are skipped. To be included by one file of a program. */
#ifndef WEIR_TESTS_COUNT_MALLOC_H
#define WEIR_TESTS_COUNT_MALLOC_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define COUNTS_MALLOC 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef COUNTS_MALLOC
#define COUNTS_MALLOC 0
#endif
#ifndef COUNTS_MALLOC
#define COUNTS_MALLOC 1
#endif

static size_t allocations; /* calls so far */

#if COUNTS_MALLOC
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

#endif
