/* Requests of the push exporter put together field by field, as the field tables have them. Include
 * after cmocka.h. */
#ifndef WEIR_TESTS_PUSH_BODY_FIXTURE_H
#define WEIR_TESTS_PUSH_BODY_FIXTURE_H

#include "base/buf.h"

#include <stdint.h>
#include <string.h>

#define BODY_MAX ((size_t)1 << 20)

static inline struct buf new_buf(void)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    return b;
}

static inline void put_number(struct buf *b, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        buf_add_char(b, (char)(uint8_t)(value | 0x80));
    buf_add_char(b, (char)(uint8_t)value);
}

static inline void put_varint(struct buf *b, uint32_t field, uint64_t value)
{
    put_number(b, (uint64_t)field << 3);
    put_number(b, value);
}

static inline void put_fixed64(struct buf *b, uint32_t field, uint64_t value)
{
    put_number(b, (uint64_t)field << 3 | 1);
    for (unsigned i = 0; i < 8; i++)
        buf_add_char(b, (char)(uint8_t)(value >> (8 * i)));
}

static inline void put_bytes(struct buf *b, uint32_t field, const char *bytes, size_t length)
{
    put_number(b, (uint64_t)field << 3 | 2);
    put_number(b, length);
    buf_add(b, bytes, length);
}

static inline void put_text(struct buf *b, uint32_t field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

/* Appends `inner` as a message, and frees it. */
static inline void put_message(struct buf *b, uint32_t field, struct buf *inner)
{
    put_bytes(b, field, inner->data ? inner->data : "", inner->length);
    buf_done(inner);
}

/* The Sample of both versions; `start` 0: version 1. */
static inline void put_sample(struct buf *series, uint64_t value_bits, uint64_t time,
                              uint64_t start)
{
    struct buf sample = new_buf();
    put_fixed64(&sample, 1, value_bits);
    put_varint(&sample, 2, time);
    if (start > 0)
        put_varint(&sample, 3, start);
    put_message(series, 2, &sample);
}

static inline void put_label(struct buf *series, const char *name, const char *value)
{
    struct buf label = new_buf();
    put_text(&label, 1, name);
    put_text(&label, 2, value);
    put_message(series, 1, &label);
}

static inline void put_labels_2(struct buf *series, const uint32_t *numbers, size_t count)
{
    struct buf packed = new_buf();
    for (size_t i = 0; i < count; i++)
        put_number(&packed, numbers[i]);
    put_message(series, 1, &packed);
}

static inline void put_metadata_2(struct buf *series, uint32_t type, uint32_t help, uint32_t unit)
{
    struct buf metadata = new_buf();
    put_varint(&metadata, 1, type);
    put_varint(&metadata, 3, help);
    put_varint(&metadata, 4, unit);
    put_message(series, 5, &metadata);
}

#endif
