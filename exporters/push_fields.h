/* Protocol buffers on the wire: the fields of a message taken one after the other, and the few
 * forms that are written again. Private to the push exporter. Document: the encoding guide of
 * protobuf.dev. */
#ifndef WEIR_EXPORTERS_PUSH_FIELDS_H
#define WEIR_EXPORTERS_PUSH_FIELDS_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/* Bytes of somebody else's. */
struct push_span {
    const char *at;
    size_t length;
};

enum push_wire {
    PUSH_WIRE_VARINT = 0,
    PUSH_WIRE_FIXED64 = 1,
    PUSH_WIRE_BYTES = 2,
    PUSH_WIRE_FIXED32 = 5,
};

struct push_field {
    uint32_t number;
    enum push_wire wire;
    uint64_t value;         /* of a varint; 0 else */
    struct push_span bytes; /* the content */
    struct push_span whole; /* with the tag before it */
};

/* Takes the next field off `rest`. 1; 0: there is none; -EBADMSG: what is there is no field (groups
 * are none). */
int push_field_next(struct push_span *rest, struct push_field *ret);
/* Takes a varint off `rest`. 0; -EBADMSG: it does not end, or is past 64 bits. */
int push_varint_next(struct push_span *rest, uint64_t *ret);

/* A buffer that does not take them says so in `failed`. */
void push_add_span(struct buf *b, struct push_span span);
void push_add_varint(struct buf *b, uint64_t value);
void push_add_varint_field(struct buf *b, uint32_t number, uint64_t value);
/* What comes before a content of `length` bytes. */
void push_add_bytes_head(struct buf *b, uint32_t number, size_t length);
void push_add_bytes_field(struct buf *b, uint32_t number, struct push_span bytes);
/* What push_add_bytes_field appends, in bytes. */
size_t push_bytes_field_size(uint32_t number, size_t length);

#endif
