/* What it knows: how a request becomes two. The cut is after half of the samples wherever that is;
 * what the sample on either side of it is part of (a series' labels; resource, scope and metric) is
 * in both halves, and everything else in one. Documents: as of push_body.c. */
#include "base/buf.h"
#include "exporters/push_body.h"
#include "exporters/push_encode.h"

#include <errno.h>

struct half {
    const struct push_shape *shape;
    struct push_range range;
    uint64_t at; /* samples that came by */
};

static int keep(struct half *h, unsigned level, struct push_span message, struct buf *ret);

/* A message that holds samples of both halves. */
static int keep_part(struct half *h, unsigned level, const struct push_field *field,
                     struct buf *ret)
{
    __attribute__((cleanup(buf_done))) struct buf part;
    buf_init(&part, field->bytes.length + 1); /* what is left is not longer */
    int r = keep(h, level, field->bytes, &part);
    if (r < 0)
        return r;
    if (part.failed)
        return -ENOMEM;
    push_add_bytes_field(ret, field->number, (struct push_span){part.data, part.length});
    return 0;
}

static int keep_samples(struct half *h, unsigned level, const struct push_field *field,
                        struct buf *ret)
{
    uint64_t count = 0;
    int r = push_shape_count(h->shape, level, field->bytes, &count);
    if (r < 0)
        return r;
    enum push_place place = push_range_place(&h->range, h->at, count);
    if (place == PUSH_ACROSS)
        return keep_part(h, level, field, ret);
    if (place == PUSH_INSIDE)
        push_add_span(ret, field->whole);
    h->at += count;
    return 0;
}

/* What leads to no sample: of the request itself (metadata) it goes to the first half, of a message
 * further down to wherever that message goes. */
static int keep(struct half *h, unsigned level, struct push_span message, struct buf *ret)
{
    struct push_field field;
    int r;
    while ((r = push_field_next(&message, &field)) > 0) {
        r = push_shape_leads(h->shape, level, &field);
        if (r > 0)
            r = keep_samples(h, level + 1, &field, ret);
        else if (r == 0 && (level > 0 || h->range.from == 0))
            push_add_span(ret, field.whole);
        if (r < 0)
            return r;
    }
    return r;
}

static int make_half(enum push_format format, struct push_span body, struct push_range range,
                     struct buf *ret)
{
    struct half h = {.shape = push_shape_of(format), .range = range};
    size_t length = ret->length;
    int r =
        format == PUSH_REMOTE_WRITE_2 ? push_split_2(body, &range, ret) : keep(&h, 0, body, ret);
    if (r == 0 && ret->failed)
        r = -EMSGSIZE;
    if (r < 0)
        ret->length = length;
    return r;
}

int push_split(enum push_format format, const char *body, size_t length, struct buf *ret_first,
               struct buf *ret_second)
{
    uint32_t samples;
    int r = push_count(format, body, length, &samples);
    if (r < 0)
        return r;
    if (samples < 2)
        return -ENODATA;
    struct push_span span = {body, length};
    size_t before = ret_first->length;
    r = make_half(format, span, (struct push_range){0, samples / 2}, ret_first);
    if (r < 0)
        return r;
    r = make_half(format, span, (struct push_range){samples / 2, UINT64_MAX}, ret_second);
    if (r < 0)
        ret_first->length = before;
    return r;
}
