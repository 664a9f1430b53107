/* What it knows: a half of a remote write 2 request has the symbols that its series use and no
 * others, in the order they had, under new numbers; so a single series is as small as can be.
 * Document: the remote write specification 2.0. */
#include "base/buf.h"
#include "exporters/push_body.h"
#include "exporters/push_symbols.h"

#include <errno.h>
#include <stdbool.h>

/* Fields of Metadata that are symbols. */
#define METADATA_HELP 3
#define METADATA_UNIT 4

/* The series are gone through twice: to see which symbols they use, and to write them. */
struct half {
    struct push_symbols symbols;
    struct push_range range;
    bool writing;
    uint64_t at;       /* samples that came by */
    struct buf series; /* the series and the list or metadata of it that is being written */
    struct buf part;
};

/* Appends the new number of a symbol to `part`, or notes that it is used. */
static int take_symbol(struct half *h, uint64_t number)
{
    if (number >= h->symbols.count)
        return -EBADMSG;
    if (!h->writing)
        h->symbols.numbers[number] = 1;
    return 0;
}

static int take_labels(struct half *h, const struct push_field *field)
{
    if (field->wire != PUSH_WIRE_BYTES)
        return -EBADMSG;
    buf_clear(&h->part);
    struct push_span rest = field->bytes;
    while (rest.length > 0) {
        uint64_t number;
        if (push_varint_next(&rest, &number) < 0 || take_symbol(h, number) < 0)
            return -EBADMSG;
        push_add_varint(&h->part, h->symbols.numbers[number]);
    }
    push_add_bytes_field(&h->series, field->number,
                         (struct push_span){h->part.data, h->part.length});
    return 0;
}

static int take_metadata(struct half *h, const struct push_field *field)
{
    if (field->wire != PUSH_WIRE_BYTES)
        return -EBADMSG;
    buf_clear(&h->part);
    struct push_span rest = field->bytes;
    struct push_field inner;
    int r;
    while ((r = push_field_next(&rest, &inner)) > 0) {
        if (inner.number != METADATA_HELP && inner.number != METADATA_UNIT) {
            push_add_span(&h->part, inner.whole);
            continue;
        }
        if (inner.wire != PUSH_WIRE_VARINT || take_symbol(h, inner.value) < 0)
            return -EBADMSG;
        push_add_varint_field(&h->part, inner.number, h->symbols.numbers[inner.value]);
    }
    push_add_bytes_field(&h->series, field->number,
                         (struct push_span){h->part.data, h->part.length});
    return r;
}

static void take_sample(struct half *h, const struct push_field *field)
{
    if (push_range_place(&h->range, h->at, 1) == PUSH_INSIDE)
        push_add_span(&h->series, field->whole);
    h->at++;
}

static int take_field(struct half *h, const struct push_field *field)
{
    switch (field->number) {
    case PUSH_2_LABELS:
        return take_labels(h, field);
    case PUSH_2_SAMPLES:
        take_sample(h, field);
        return 0;
    case PUSH_2_EXEMPLARS: /* weir sends none, so it is damage: they have symbols too */
        return -EBADMSG;
    case PUSH_2_METADATA:
        return take_metadata(h, field);
    default:
        push_add_span(&h->series, field->whole);
        return 0;
    }
}

static int take_series(struct half *h, const struct push_field *series, struct buf *ret)
{
    uint64_t count = 0;
    int r = push_shape_count(push_shape_of(PUSH_REMOTE_WRITE_2), 1, series->bytes, &count);
    if (r < 0)
        return r;
    if (push_range_place(&h->range, h->at, count) == PUSH_OUTSIDE) {
        h->at += count;
        return 0;
    }
    buf_clear(&h->series);
    struct push_span rest = series->bytes;
    struct push_field field;
    while ((r = push_field_next(&rest, &field)) > 0) {
        r = take_field(h, &field);
        if (r < 0)
            return r;
    }
    if (h->writing)
        push_add_bytes_field(ret, series->number,
                             (struct push_span){h->series.data, h->series.length});
    return r;
}

static int take_request(struct half *h, bool writing, struct buf *ret)
{
    h->writing = writing;
    h->at = 0;
    struct push_span rest = h->symbols.body;
    struct push_field field;
    int r;
    while ((r = push_field_next(&rest, &field)) > 0) {
        if (field.number == PUSH_2_TIMESERIES)
            r = take_series(h, &field, ret);
        else if (field.number != PUSH_2_SYMBOLS && h->range.from == 0 && writing)
            push_add_span(ret, field.whole); /* what is unknown goes to the first half */
        if (r < 0)
            return r;
    }
    return r;
}

/* The first one is there in any case. */
static void write_symbols(struct half *h, struct buf *ret)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < h->symbols.count; i++) {
        if (i > 0 && h->symbols.numbers[i] == 0)
            continue;
        struct push_span symbol = {0};
        (void)push_symbols_find(&h->symbols, i, &symbol); /* i is one of them */
        push_add_bytes_field(ret, PUSH_2_SYMBOLS, symbol);
        h->symbols.numbers[i] = next++;
    }
}

int push_split_2(struct push_span body, const struct push_range *range, struct buf *ret)
{
    struct half h = {.range = *range};
    if (push_symbols_load(body, &h.symbols) < 0)
        return -EBADMSG;
    /* Numbers do not grow, so neither does what has them. */
    buf_init(&h.series, body.length + 1);
    buf_init(&h.part, body.length + 1);
    int r = take_request(&h, false, ret);
    if (r == 0) {
        write_symbols(&h, ret);
        r = take_request(&h, true, ret);
    }
    if (r == 0 && (h.series.failed || h.part.failed))
        r = -ENOMEM;
    push_symbols_done(&h.symbols);
    buf_done(&h.series);
    buf_done(&h.part);
    return r;
}
