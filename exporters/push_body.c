/* What it knows: through which fields of each message the way to its samples leads. Documents: the
 * remote write specifications 1.0 and 2.0, opentelemetry-proto 1. */
#include "exporters/push_body.h"

#include "exporters/push_encode.h"

#include <errno.h>

#define BIT(number) (UINT64_C(1) << (number))
#define BITS        64

/* TimeSeries, Sample. */
static const struct push_shape remote_write = {2, {BIT(1), BIT(2)}};
static const struct push_shape remote_write_2 = {2, {BIT(5), BIT(2)}};
/* ResourceMetrics, ScopeMetrics, Metric, its data of one of five kinds, data point. */
static const struct push_shape otlp = {
    5, {BIT(1), BIT(2), BIT(2), BIT(5) | BIT(7) | BIT(9) | BIT(10) | BIT(11), BIT(1)}};

const struct push_shape *push_shape_of(enum push_format format)
{
    switch (format) {
    case PUSH_REMOTE_WRITE:
        return &remote_write;
    case PUSH_REMOTE_WRITE_2:
        return &remote_write_2;
    case PUSH_OTLP:
        return &otlp;
    }
    return NULL; /* the number comes from a file */
}

int push_shape_leads(const struct push_shape *shape, unsigned level, const struct push_field *field)
{
    if (field->number >= BITS || !(shape->leads[level] & BIT(field->number)))
        return 0;
    return field->wire == PUSH_WIRE_BYTES ? 1 : -EBADMSG;
}

int push_shape_count(const struct push_shape *shape, unsigned level, struct push_span message,
                     uint64_t *samples)
{
    if (level == shape->levels) {
        ++*samples;
        return 0;
    }
    struct push_field field;
    int r;
    while ((r = push_field_next(&message, &field)) > 0) {
        r = push_shape_leads(shape, level, &field);
        if (r > 0)
            r = push_shape_count(shape, level + 1, field.bytes, samples);
        if (r < 0)
            return r;
    }
    return r;
}

enum push_place push_range_place(const struct push_range *range, uint64_t at, uint64_t count)
{
    uint64_t end = at + count;
    if (at >= range->to || (count > 0 ? end <= range->from : at < range->from))
        return PUSH_OUTSIDE;
    return at >= range->from && end <= range->to ? PUSH_INSIDE : PUSH_ACROSS;
}

int push_count(enum push_format format, const char *body, size_t length, uint32_t *ret_samples)
{
    const struct push_shape *shape = push_shape_of(format);
    uint64_t samples = 0;
    if (!shape || push_shape_count(shape, 0, (struct push_span){body, length}, &samples) < 0 ||
        samples > UINT32_MAX)
        return -EBADMSG;
    *ret_samples = (uint32_t)samples;
    return 0;
}
