/* What it knows: reference counting of an encoded body. */
#include "base/bytes.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static struct bytes *bytes_new(char *data, size_t length)
{
    struct bytes *b = alloc_bytes(sizeof *b);
    *b = (struct bytes){.length = length, .references = 1, .data = data};
    return b;
}

struct bytes *bytes_from_buf(struct buf *b)
{
    assert(!b->failed);
    char *data = b->data ? b->data : alloc_string("");
    struct bytes *taken = bytes_new(data, b->length);
    b->data = NULL;
    buf_done(b);
    return taken;
}

struct bytes *bytes_from_string(const char *text)
{
    return bytes_new(alloc_string(text), strlen(text));
}

struct bytes *bytes_ref(struct bytes *b)
{
    assert(b->references > 0 && b->references < UINT_MAX);
    b->references++;
    return b;
}

void bytes_unref(struct bytes *b)
{
    if (!b)
        return;
    assert(b->references > 0);
    if (--b->references > 0)
        return;
    free(b->data);
    free(b);
}
