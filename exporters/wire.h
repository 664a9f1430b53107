/* The wire format of protocol buffers, as far as weir writes it. Whoever calls these has made room.
 * Document: the encoding guide of protobuf.dev. */
#ifndef WEIR_EXPORTERS_WIRE_H
#define WEIR_EXPORTERS_WIRE_H

#include "exporters/exposition.h"

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How a field is written. */
#define WIRE_VARINT 0
#define WIRE_DOUBLE 1 /* eight bytes */
#define WIRE_BYTES  2 /* length and bytes: texts, messages, packed numbers */

/* What stands before a field: its number, at most 15, and how it is written. One byte. */
#define WIRE_TAG(number, kind) ((char)((number) << 3 | (kind)))

#define WIRE_VARINT_MAX   10 /* bytes: seven bits in each */
#define WIRE_DOUBLE_FIELD 9  /* bytes of a double with its tag */

static inline size_t wire_varint_size(uint64_t value)
{
    size_t bits = 64 - (size_t)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

static inline char *wire_put_varint(char *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (char)(value | 0x80);
    *at++ = (char)value;
    return at;
}

/* Bytes of a field of `length` bytes, its tag and length too. */
static inline size_t wire_bytes_size(size_t length)
{
    return 1 + wire_varint_size(length) + length;
}

static inline char *wire_put_bytes(char *at, char tag, struct piece piece)
{
    *at++ = tag;
    return piece_put(wire_put_varint(at, piece.length), piece);
}

/* The eight bytes of a double, given as its bits: a signalling NaN must never be in a register that
 * would make it a quiet one. */
static inline char *wire_put_double(char *at, char tag, uint64_t bits)
{
    *at++ = tag;
    bits = htole64(bits);
    memcpy(at, &bits, sizeof bits);
    return at + sizeof bits;
}

static inline uint64_t wire_double_bits(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* The content ends at `end`, which is in the room behind it. */
static inline void wire_end(struct buf *out, char *end)
{
    *end = '\0';
    out->length = (size_t)(end - out->data);
}

#endif
