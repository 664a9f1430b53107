/* What it knows: amortised growth of a byte buffer up to its maximum. */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_CAPACITY 256 /* bytes: most small buffers never grow again */

void buf_init(struct buf *b, size_t maximum)
{
    assert(maximum > 0 && maximum < SIZE_MAX / 2);
    *b = (struct buf){.maximum = maximum};
}

void buf_done(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.maximum = b->maximum};
}

void buf_clear(struct buf *b)
{
    b->length = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t more)
{
    assert(b->maximum > 0);
    if (more > b->maximum - b->length) {
        b->failed = true;
        return -EMSGSIZE;
    }
    size_t needed = b->length + more + 1;
    if (needed <= b->capacity)
        return 0;
    size_t capacity = b->capacity ? b->capacity : BUF_FIRST_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > b->maximum + 1)
        capacity = b->maximum + 1;
    char *data = realloc(b->data, capacity);
    if (!data) {
        b->failed = true;
        return -ENOMEM;
    }
    b->data = data;
    b->capacity = capacity;
    return 0;
}

int buf_add(struct buf *b, const char *bytes, size_t length)
{
    if (b->failed)
        return -EMSGSIZE;
    int r = buf_reserve(b, length);
    if (r < 0)
        return r;
    if (length > 0)
        memcpy(b->data + b->length, bytes, length);
    b->length += length;
    b->data[b->length] = '\0';
    return 0;
}

int buf_add_string(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

int buf_add_char(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int buf_add_u64(struct buf *b, uint64_t value)
{
    char digits[20]; /* 2^64-1 has 20 */
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return buf_add(b, digits + at, sizeof digits - at);
}

int buf_add_i64(struct buf *b, int64_t value)
{
    if (value >= 0)
        return buf_add_u64(b, (uint64_t)value);
    int r = buf_add_char(b, '-');
    return r < 0 ? r : buf_add_u64(b, -(uint64_t)value);
}

int buf_add_format(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (b->failed || length < 0)
        return -EMSGSIZE;
    int r = buf_reserve(b, (size_t)length);
    if (r < 0)
        return r;
    va_start(args, fmt);
    (void)vsnprintf(b->data + b->length, (size_t)length + 1, fmt, args);
    va_end(args);
    b->length += (size_t)length;
    return 0;
}
