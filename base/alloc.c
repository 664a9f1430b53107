/* What it knows: malloc, and what to do when it says no. */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t size)
{
    (void)fprintf(stderr, "weir: out of memory (%zu bytes asked for)\n", size);
    abort();
}

void *alloc_bytes(size_t size)
{
    void *bytes = malloc(size ? size : 1);
    if (!bytes)
        out_of_memory(size);
    return bytes;
}

void *alloc_zeroed(size_t count, size_t size)
{
    void *bytes = calloc(count ? count : 1, size ? size : 1);
    if (!bytes)
        out_of_memory(size);
    return bytes;
}

void *alloc_resize(void *old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        out_of_memory(SIZE_MAX);
    size_t total = count * size;
    void *bytes = realloc(old, total ? total : 1);
    if (!bytes)
        out_of_memory(total);
    return bytes;
}

char *alloc_string(const char *text)
{
    return alloc_copy(text, strlen(text));
}

char *alloc_copy(const char *bytes, size_t length)
{
    char *copy = alloc_bytes(length + 1);
    if (length > 0)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

char *alloc_format(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    if (length < 0)
        out_of_memory(0);
    return text;
}
