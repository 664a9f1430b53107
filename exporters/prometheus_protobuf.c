/* What it knows: the messages of proto/metrics.proto in the protocol buffers' wire format, each
 * MetricFamily after its length (the exposition formats page of prometheus.io, "Protobuf format").
 * Written by hand, because nearly all bytes are labels that are formatted once per container; tests
 * hold it to what protobuf-c makes of the same messages. */
#include "exporters/decimal.h"
#include "exporters/wire.h"

#define FAMILY_NAME       WIRE_TAG(1, WIRE_BYTES)
#define FAMILY_HELP       WIRE_TAG(2, WIRE_BYTES)
#define FAMILY_TYPE       WIRE_TAG(3, WIRE_VARINT)
#define FAMILY_METRIC     WIRE_TAG(4, WIRE_BYTES)
#define METRIC_LABEL      WIRE_TAG(1, WIRE_BYTES)
#define METRIC_OF_GAUGE   WIRE_TAG(2, WIRE_BYTES)
#define METRIC_OF_COUNTER WIRE_TAG(3, WIRE_BYTES)
#define LABEL_NAME        WIRE_TAG(1, WIRE_BYTES)
#define LABEL_VALUE       WIRE_TAG(2, WIRE_BYTES)
#define NUMBER_VALUE      WIRE_TAG(1, WIRE_DOUBLE)

enum type_number { TYPE_COUNTER = 0, TYPE_GAUGE = 1 };

/* The bytes of a label value without those that are not UTF-8. */
static size_t clean_length(const char *value)
{
    size_t length = 0;
    while (*value != '\0') {
        bool plain = (unsigned char)*value < 0x80;
        length += plain ? 1 : label_character(&value).length;
        value += plain;
    }
    return length;
}

static char *put_clean(char *at, const char *value, size_t clean_length)
{
    if (strlen(value) == clean_length) /* what is replaced grows, so nothing was */
        return piece_put(at, (struct piece){value, clean_length});
    while (*value != '\0')
        at = piece_put(at, label_character(&value));
    return at;
}

/* The field `label` of a Metric. */
static void add_label(struct buf *b, const char *name, size_t name_length, const char *value)
{
    if (!value || value[0] == '\0')
        return;
    size_t value_length = clean_length(value);
    size_t pair = wire_bytes_size(name_length) + wire_bytes_size(value_length);
    char *at = exposition_room(b, wire_bytes_size(pair));
    if (!at)
        return;
    *at++ = METRIC_LABEL;
    at = wire_put_varint(at, pair);
    at = wire_put_bytes(at, LABEL_NAME, (struct piece){name, name_length});
    *at++ = LABEL_VALUE;
    at = put_clean(wire_put_varint(at, value_length), value, value_length);
    wire_end(b, at);
}

/* How long the message will be is not known yet, but most families are about as long as the one
 * before: room for as large a length is left, and end_family moves the message where it was not. */
static void begin_family(struct exposition *e)
{
    size_t help_length = strlen(e->metric->help);
    if (e->length_size == 0)
        e->length_size = 1;
    e->begin = e->out->length;
    char *at = exposition_room(e->out, e->length_size + wire_bytes_size(e->family.length) +
                                           wire_bytes_size(help_length) + 2);
    if (!at)
        return;
    at = wire_put_bytes(at + e->length_size, FAMILY_NAME, e->family);
    at = wire_put_bytes(at, FAMILY_HELP, (struct piece){e->metric->help, help_length});
    *at++ = FAMILY_TYPE;
    *at++ = e->metric->type == METRIC_COUNTER ? TYPE_COUNTER : TYPE_GAUGE;
    wire_end(e->out, at);
}

/* The field `metric` of the family: a Metric of labels and one number. */
static void add_sample(struct exposition *e, struct piece labels, struct piece more, uint64_t value)
{
    size_t length =
        labels.length + more.length + e->constant.length + wire_bytes_size(WIRE_DOUBLE_FIELD);
    char *at = exposition_room(e->out, 1 + WIRE_VARINT_MAX + length);
    if (!at)
        return;
    *at++ = FAMILY_METRIC;
    at = wire_put_varint(at, length);
    at = piece_put(at, labels);
    at = piece_put(at, more);
    at = piece_put(at, e->constant);
    *at++ = e->metric->type == METRIC_COUNTER ? METRIC_OF_COUNTER : METRIC_OF_GAUGE;
    *at++ = WIRE_DOUBLE_FIELD;
    at = wire_put_double(at, NUMBER_VALUE,
                         wire_double_bits(decimal_nearest_value(e->metric, value)));
    wire_end(e->out, at);
}

static void end_family(struct exposition *e)
{
    struct buf *out = e->out;
    size_t kept = e->length_size;
    if (!exposition_room(out, WIRE_VARINT_MAX))
        return;
    size_t length = out->length - e->begin - kept;
    size_t needed = wire_varint_size(length);
    char *begin = out->data + e->begin;
    if (needed != kept)
        memmove(begin + needed, begin + kept, length + 1);
    (void)wire_put_varint(begin, length);
    out->length = e->begin + needed + length;
    e->length_size = needed;
}

static void end(struct exposition *e)
{
    (void)e;
}

const struct exposition_format exposition_protobuf = {
    .add_label = add_label,
    .begin_family = begin_family,
    .add_sample = add_sample,
    .end_family = end_family,
    .end = end,
};
