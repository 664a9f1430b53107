/* The samples of a request of the push exporter as text, one a line, each with all that it is part
 * of: a reading of its own, so that bodies can be compared by what they mean. For the tests and the
 * fuzz target of push_split and push_convert_2_to_1. Documents: as of exporters/push_encode.h. */
#ifndef WEIR_TESTS_PUSH_BODY_TEXT_H
#define WEIR_TESTS_PUSH_BODY_TEXT_H

#include "base/buf.h"
#include "exporters/push_format.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 << 20)

struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* A field: its number, and where it and its content are. */
struct item {
    uint32_t number;
    unsigned wire;
    const uint8_t *begin;
    struct reader content;
};

static inline uint64_t read_number(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert(r->at < r->end && shift < 64);
        value |= (uint64_t)(*r->at & 0x7f) << shift;
        if (!(*r->at++ & 0x80))
            return value;
    }
}

static inline bool read_item(struct reader *r, struct item *ret)
{
    if (r->at == r->end)
        return false;
    ret->begin = r->at;
    uint64_t tag = read_number(r);
    ret->number = (uint32_t)(tag >> 3);
    ret->wire = tag & 7;
    const uint8_t *content = r->at;
    size_t length = ret->wire == 1 ? 8 : 4;
    if (ret->wire == 0) {
        (void)read_number(r);
        length = (size_t)(r->at - content);
        r->at = content;
    } else if (ret->wire == 2) {
        length = (size_t)read_number(r);
        content = r->at;
    }
    assert((size_t)(r->end - r->at) >= length);
    r->at += length;
    ret->content = (struct reader){content, content + length};
    return true;
}

static inline void text_bytes(struct buf *b, const uint8_t *begin, const uint8_t *end)
{
    for (; begin < end; begin++) {
        buf_add_char(b, "0123456789abcdef"[*begin >> 4]);
        buf_add_char(b, "0123456789abcdef"[*begin & 15]);
    }
    buf_add_char(b, ' ');
}

static inline struct reader text_symbol(struct reader body, uint64_t number)
{
    struct item item;
    while (read_item(&body, &item))
        if (item.number == 4 && number-- == 0)
            return item.content;
    assert(false && "there is a symbol of that number");
    return body;
}

/* Labels and metadata of remote write 2 by their symbols; false for another field. */
static inline bool text_of_symbols(struct buf *b, struct reader body, const struct item *item)
{
    struct reader content = item->content;
    struct item inner;
    struct reader symbol;
    if (item->number != 1 && item->number != 5)
        return false;
    while (item->number == 1 && content.at < content.end) {
        symbol = text_symbol(body, read_number(&content));
        text_bytes(b, symbol.at, symbol.end);
    }
    while (item->number == 5 && read_item(&content, &inner)) {
        if (inner.number != 3 && inner.number != 4) {
            text_bytes(b, inner.begin, inner.content.end);
            continue;
        }
        symbol = text_symbol(body, read_number(&inner.content));
        buf_add_format(b, "%u:", inner.number);
        text_bytes(b, symbol.at, symbol.end);
    }
    return true;
}

/* Which fields lead on to samples, by format and level. */
static inline bool leads_on(enum push_format format, unsigned level, uint32_t number)
{
    if (format != PUSH_OTLP)
        return level == 0 ? number == (format == PUSH_REMOTE_WRITE ? 1u : 5u) : number == 2;
    if (level == 0 || level == 4)
        return number == 1;
    if (level < 3)
        return number == 2;
    return number == 5 || number == 7 || (number >= 9 && number <= 11);
}

static inline void text_level(enum push_format format, struct reader body, unsigned level,
                              struct item at, struct buf *above, struct buf *ret)
{
    struct reader rest = at.content;
    struct item item;
    size_t before = above->length;
    if (level == (format == PUSH_OTLP ? 5u : 2u)) {
        buf_add(ret, above->data ? above->data : "", above->length);
        text_bytes(ret, at.content.at, at.content.end);
        buf_add_char(ret, '\n');
        return;
    }
    buf_add_format(above, "%u[", at.number);
    while (level > 0 && read_item(&rest, &item))
        if (!leads_on(format, level, item.number) &&
            !(format == PUSH_REMOTE_WRITE_2 && text_of_symbols(above, body, &item)))
            text_bytes(above, item.begin, item.content.end);
    rest = at.content;
    while (read_item(&rest, &item))
        if (leads_on(format, level, item.number))
            text_level(format, body, level + 1, item, above, ret);
    above->length = before;
}

static inline void push_body_text(enum push_format format, const char *body, size_t length,
                                  struct buf *ret)
{
    struct buf above;
    const uint8_t *begin = (const uint8_t *)body;
    struct item whole = {.content = {begin, begin + length}};
    buf_init(&above, TEXT_MAX);
    text_level(format, whole.content, 0, whole, &above, ret);
    assert(!above.failed && !ret->failed);
    buf_done(&above);
}

#endif
