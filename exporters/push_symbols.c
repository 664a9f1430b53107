/* What it knows: which field holds the symbols. Four bytes a symbol say where it is, since a
 * damaged message may seem to have millions. Document: the remote write specification 2.0. */
#include "exporters/push_symbols.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static int count_symbols(struct push_span body, uint32_t *ret_count)
{
    uint32_t count = 0;
    struct push_field field;
    int r;
    while ((r = push_field_next(&body, &field)) > 0) {
        if (field.number != PUSH_2_SYMBOLS)
            continue;
        if (field.wire != PUSH_WIRE_BYTES || (count == 0 && field.bytes.length > 0))
            return -EBADMSG;
        count++;
    }
    if (r == 0)
        *ret_count = count;
    return r;
}

int push_symbols_load(struct push_span body, struct push_symbols *ret)
{
    struct push_symbols s = {.body = body};
    if (body.length > UINT32_MAX || count_symbols(body, &s.count) < 0)
        return -EBADMSG;
    s.offsets = alloc_zeroed((size_t)s.count + 1, sizeof *s.offsets);
    s.numbers = alloc_zeroed((size_t)s.count + 1, sizeof *s.numbers);
    struct push_span rest = body;
    struct push_field field;
    uint32_t at = 0;
    while (push_field_next(&rest, &field) > 0)
        if (field.number == PUSH_2_SYMBOLS)
            s.offsets[at++] = (uint32_t)(field.whole.at - body.at);
    assert(at == s.count);
    *ret = s;
    return 0;
}

int push_symbols_find(const struct push_symbols *s, uint64_t number, struct push_span *ret)
{
    if (number >= s->count)
        return -EBADMSG;
    uint32_t offset = s->offsets[number];
    struct push_span rest = {s->body.at + offset, s->body.length - offset};
    struct push_field field;
    int r = push_field_next(&rest, &field);
    assert(r == 1); /* it was read before */
    *ret = field.bytes;
    return 0;
}

void push_symbols_done(struct push_symbols *s)
{
    free(s->offsets);
    free(s->numbers);
    *s = (struct push_symbols){0};
}
