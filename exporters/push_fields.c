/* What it knows: varints, tags and the four kinds of fields that proto3 has. Document: the encoding
 * guide of protobuf.dev. */
#include "exporters/push_fields.h"

#include "base/buf.h"

#include <errno.h>

#define VARINT_MAX     10 /* bytes: 64 bits, 7 in each */
#define VARINT_BITS    7
#define VARINT_MORE    0x80u
#define VARINT_MASK    0x7fu
#define WIRE_BITS      3 /* of a tag; the field's number is above them */
#define WIRE_MASK      7u
#define NUMBER_MAX     ((UINT32_C(1) << 29) - 1)
#define LAST_BYTE_MOST 1 /* the tenth byte has the 64th bit alone */

int push_varint_next(struct push_span *rest, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < rest->length && i < VARINT_MAX; i++) {
        uint8_t byte = (uint8_t)rest->at[i];
        if (i == VARINT_MAX - 1 && byte > LAST_BYTE_MOST)
            return -EBADMSG;
        value |= (uint64_t)(byte & VARINT_MASK) << (VARINT_BITS * i);
        if (byte & VARINT_MORE)
            continue;
        *rest = (struct push_span){rest->at + i + 1, rest->length - i - 1};
        *ret = value;
        return 0;
    }
    return -EBADMSG;
}

/* The content's bytes, whose length is the kind's, or stands before them. */
static int take_content(struct push_span *rest, struct push_field *field)
{
    struct push_span begin = *rest;
    uint64_t length = 0;
    int r = 0;
    switch (field->wire) {
    case PUSH_WIRE_VARINT:
        r = push_varint_next(rest, &field->value);
        field->bytes = (struct push_span){begin.at, begin.length - rest->length};
        return r;
    case PUSH_WIRE_FIXED64:
        length = sizeof(uint64_t);
        break;
    case PUSH_WIRE_FIXED32:
        length = sizeof(uint32_t);
        break;
    case PUSH_WIRE_BYTES:
        r = push_varint_next(rest, &length);
        break;
    default:
        return -EBADMSG;
    }
    if (r < 0 || length > rest->length)
        return -EBADMSG;
    field->bytes = (struct push_span){rest->at, (size_t)length};
    *rest = (struct push_span){rest->at + length, rest->length - (size_t)length};
    return 0;
}

int push_field_next(struct push_span *rest, struct push_field *ret)
{
    if (rest->length == 0)
        return 0;
    struct push_span at = *rest;
    struct push_field field = {0};
    uint64_t tag;
    if (push_varint_next(&at, &tag) < 0)
        return -EBADMSG;
    uint64_t number = tag >> WIRE_BITS;
    if (number == 0 || number > NUMBER_MAX)
        return -EBADMSG;
    field.number = (uint32_t)number;
    field.wire = (enum push_wire)(tag & WIRE_MASK);
    if (take_content(&at, &field) < 0)
        return -EBADMSG;
    field.whole = (struct push_span){rest->at, rest->length - at.length};
    *rest = at;
    *ret = field;
    return 1;
}

void push_add_span(struct buf *b, struct push_span span)
{
    (void)buf_add(b, span.at, span.length); /* `failed` tells */
}

void push_add_varint(struct buf *b, uint64_t value)
{
    char bytes[VARINT_MAX];
    size_t length = 0;
    for (; value > VARINT_MASK; value >>= VARINT_BITS)
        bytes[length++] = (char)(uint8_t)(value | VARINT_MORE);
    bytes[length++] = (char)(uint8_t)value;
    (void)buf_add(b, bytes, length);
}

static uint64_t tag_of(uint32_t number, enum push_wire wire)
{
    return (uint64_t)number << WIRE_BITS | (uint64_t)wire;
}

void push_add_varint_field(struct buf *b, uint32_t number, uint64_t value)
{
    push_add_varint(b, tag_of(number, PUSH_WIRE_VARINT));
    push_add_varint(b, value);
}

void push_add_bytes_head(struct buf *b, uint32_t number, size_t length)
{
    push_add_varint(b, tag_of(number, PUSH_WIRE_BYTES));
    push_add_varint(b, length);
}

void push_add_bytes_field(struct buf *b, uint32_t number, struct push_span bytes)
{
    push_add_bytes_head(b, number, bytes.length);
    push_add_span(b, bytes);
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value > VARINT_MASK; value >>= VARINT_BITS)
        size++;
    return size;
}

size_t push_bytes_field_size(uint32_t number, size_t length)
{
    return varint_size(tag_of(number, PUSH_WIRE_BYTES)) + varint_size(length) + length;
}
