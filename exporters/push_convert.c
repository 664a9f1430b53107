/* What it knows: how a remote write 2 request reads as one of version 1. Each symbol is written out
 * wherever it is used, so the result may be many times as large. Documents: the remote write
 * specifications 1.0 and 2.0. */
#include "base/buf.h"
#include "exporters/push_encode.h"
#include "exporters/push_symbols.h"

#include <errno.h>

/* Fields of version 1. */
#define WRITE_REQUEST_TIMESERIES 1
#define TIMESERIES_LABELS        1
#define TIMESERIES_SAMPLES       2
#define LABEL_NAME               1
#define LABEL_VALUE              2
/* Of a Sample, in both versions. */
#define SAMPLE_VALUE     1
#define SAMPLE_TIMESTAMP 2

struct conversion {
    struct push_symbols symbols;
    struct buf series; /* the one that is being written */
};

/* proto3 leaves out what is empty. */
static size_t text_size(uint32_t number, struct push_span text)
{
    return text.length > 0 ? push_bytes_field_size(number, text.length) : 0;
}

static void add_text(struct buf *b, uint32_t number, struct push_span text)
{
    if (text.length > 0)
        push_add_bytes_field(b, number, text);
}

static void add_label(struct buf *b, struct push_span name, struct push_span value)
{
    push_add_bytes_head(b, TIMESERIES_LABELS,
                        text_size(LABEL_NAME, name) + text_size(LABEL_VALUE, value));
    add_text(b, LABEL_NAME, name);
    add_text(b, LABEL_VALUE, value);
}

static int convert_labels(struct conversion *c, const struct push_field *field)
{
    if (field->wire != PUSH_WIRE_BYTES)
        return -EBADMSG;
    struct push_span rest = field->bytes;
    while (rest.length > 0 && !c->series.failed) {
        uint64_t numbers[2];
        struct push_span texts[2] = {0};
        for (unsigned i = 0; i < 2; i++)
            if (push_varint_next(&rest, &numbers[i]) < 0 ||
                push_symbols_find(&c->symbols, numbers[i], &texts[i]) < 0)
                return -EBADMSG;
        add_label(&c->series, texts[0], texts[1]);
    }
    return 0;
}

/* Value and time as they are, bit for bit; not the start. */
static int convert_sample(struct conversion *c, const struct push_field *field)
{
    if (field->wire != PUSH_WIRE_BYTES)
        return -EBADMSG;
    __attribute__((cleanup(buf_done))) struct buf sample;
    buf_init(&sample, field->bytes.length + 1);
    struct push_span rest = field->bytes;
    struct push_field inner;
    int r;
    while ((r = push_field_next(&rest, &inner)) > 0)
        if (inner.number == SAMPLE_VALUE || inner.number == SAMPLE_TIMESTAMP)
            push_add_span(&sample, inner.whole);
    push_add_bytes_field(&c->series, TIMESERIES_SAMPLES,
                         (struct push_span){sample.data, sample.length});
    return sample.failed ? -ENOMEM : r;
}

static int convert_series(struct conversion *c, const struct push_field *series, struct buf *ret)
{
    if (series->wire != PUSH_WIRE_BYTES)
        return -EBADMSG;
    buf_clear(&c->series);
    struct push_span rest = series->bytes;
    struct push_field field;
    int r;
    while ((r = push_field_next(&rest, &field)) > 0) {
        r = field.number == PUSH_2_LABELS    ? convert_labels(c, &field)
            : field.number == PUSH_2_SAMPLES ? convert_sample(c, &field)
                                             : 0;
        if (r < 0)
            return r;
        if (c->series.failed)
            return -EMSGSIZE;
    }
    push_add_bytes_field(ret, WRITE_REQUEST_TIMESERIES,
                         (struct push_span){c->series.data, c->series.length});
    return r;
}

static int convert(struct conversion *c, struct buf *ret)
{
    struct push_span rest = c->symbols.body;
    struct push_field field;
    int r;
    while ((r = push_field_next(&rest, &field)) > 0) {
        if (field.number == PUSH_2_TIMESERIES)
            r = convert_series(c, &field, ret);
        if (r < 0)
            return r;
        if (ret->failed)
            return -EMSGSIZE;
    }
    return r;
}

int push_convert_2_to_1(const char *body, size_t length, struct buf *ret)
{
    struct conversion c = {0};
    if (push_symbols_load((struct push_span){body, length}, &c.symbols) < 0)
        return -EBADMSG;
    buf_init(&c.series, ret->maximum);
    size_t before = ret->length;
    int r = convert(&c, ret);
    if (r < 0)
        ret->length = before;
    push_symbols_done(&c.symbols);
    buf_done(&c.series);
    return r;
}
