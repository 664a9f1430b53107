/* What it knows: the messages of proto/metrics.proto in the protocol buffers' wire format, each
 * MetricFamily after its length (the exposition formats page of prometheus.io, "Protobuf format").
 * Written by hand, because nearly all bytes are labels that are formatted once per container; tests
 * hold it to what protobuf-c makes of the same messages. */
#include "exporters/decimal.h"
#include "exporters/exposition.h"

#include <endian.h>

/* Tags: the field's number and how it is written, 0 varint, 1 eight bytes, 2 length and bytes. */
#define TAG(number, kind) ((char)((number) << 3 | (kind)))
#define FAMILY_NAME       TAG(1, 2)
#define FAMILY_HELP       TAG(2, 2)
#define FAMILY_TYPE       TAG(3, 0)
#define FAMILY_METRIC     TAG(4, 2)
#define METRIC_LABEL      TAG(1, 2)
#define METRIC_OF_GAUGE   TAG(2, 2)
#define METRIC_OF_COUNTER TAG(3, 2)
#define LABEL_NAME        TAG(1, 2)
#define LABEL_VALUE       TAG(2, 2)
#define NUMBER_VALUE      TAG(1, 1)

enum type_number { TYPE_COUNTER = 0, TYPE_GAUGE = 1 };

#define VARINT_MAX   10 /* bytes: seven bits in each */
#define NUMBER_BYTES 9  /* of a Gauge or a Counter: a tag and a double */

static size_t varint_size(uint64_t value)
{
    size_t bits = 64 - (size_t)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

static char *put_varint(char *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (char)(value | 0x80);
    *at++ = (char)value;
    return at;
}

static char *put_bytes(char *at, char tag, struct piece piece)
{
    *at++ = tag;
    return piece_put(put_varint(at, piece.length), piece);
}

static size_t bytes_size(size_t length)
{
    return 1 + varint_size(length) + length;
}

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
    size_t pair = bytes_size(name_length) + bytes_size(value_length);
    char *at = exposition_room(b, bytes_size(pair));
    if (!at)
        return;
    *at++ = METRIC_LABEL;
    at = put_varint(at, pair);
    at = put_bytes(at, LABEL_NAME, (struct piece){name, name_length});
    *at++ = LABEL_VALUE;
    at = put_clean(put_varint(at, value_length), value, value_length);
    *at = '\0';
    b->length = (size_t)(at - b->data);
}

/* How long the message will be is not known yet, but most families are about as long as the one
 * before: room for as large a length is left, and end_family moves the message where it was not. */
static void begin_family(struct exposition *e)
{
    size_t help_length = strlen(e->metric->help);
    if (e->length_size == 0)
        e->length_size = 1;
    e->begin = e->out->length;
    char *at = exposition_room(e->out, e->length_size + bytes_size(e->family.length) +
                                           bytes_size(help_length) + 2);
    if (!at)
        return;
    at = put_bytes(at + e->length_size, FAMILY_NAME, e->family);
    at = put_bytes(at, FAMILY_HELP, (struct piece){e->metric->help, help_length});
    *at++ = FAMILY_TYPE;
    *at++ = e->metric->type == METRIC_COUNTER ? TYPE_COUNTER : TYPE_GAUGE;
    *at = '\0';
    e->out->length = (size_t)(at - e->out->data);
}

/* The field `metric` of the family: a Metric of labels and one number. */
static void add_sample(struct exposition *e, struct piece labels, struct piece more, uint64_t value)
{
    size_t length = labels.length + more.length + e->constant.length + bytes_size(NUMBER_BYTES);
    char *at = exposition_room(e->out, 1 + VARINT_MAX + length);
    if (!at)
        return;
    *at++ = FAMILY_METRIC;
    at = put_varint(at, length);
    at = piece_put(at, labels);
    at = piece_put(at, more);
    at = piece_put(at, e->constant);
    *at++ = e->metric->type == METRIC_COUNTER ? METRIC_OF_COUNTER : METRIC_OF_GAUGE;
    *at++ = NUMBER_BYTES;
    *at++ = NUMBER_VALUE;
    double number = decimal_nearest_value(e->metric, value);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits = htole64(bits);
    memcpy(at, &bits, sizeof bits);
    at += sizeof bits;
    *at = '\0';
    e->out->length = (size_t)(at - e->out->data);
}

static void end_family(struct exposition *e)
{
    struct buf *out = e->out;
    size_t kept = e->length_size;
    if (!exposition_room(out, VARINT_MAX))
        return;
    size_t length = out->length - e->begin - kept;
    size_t needed = varint_size(length);
    char *begin = out->data + e->begin;
    if (needed != kept)
        memmove(begin + needed, begin + kept, length + 1);
    (void)put_varint(begin, length);
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
