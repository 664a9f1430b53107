/* What it knows: how records lie in a segment file, and how to go on behind a damaged one.
 * Document: docs/QUEUE.md. */
#include "exporters/push_segment.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAGIC UINT32_C(0x315157f7) /* f7 'W' 'Q' '1': f7 begins nothing in UTF-8 */
#define NAME_DIGITS  ((size_t)20)         /* of 2^64 */
#define NAME_SUFFIX  ".seg"
#define WINDOW_BYTES ((size_t)64 << 10) /* read at a time while a header is searched for */

/* Where the fields of a header begin, and how many bytes they have. */
#define AT_LENGTH   4, 4
#define AT_SEQUENCE 8, 8
#define AT_TIME     16, 8
#define AT_BEFORE   24, 8
#define AT_SAMPLES  32, 4
#define AT_BODY_CRC 36, 4
#define AT_FORMAT   40, 1
#define AT_CODING   41, 1

void push_segment_name(uint64_t first, char ret[static PUSH_SEGMENT_NAME_MAX])
{
    int length = snprintf(ret, PUSH_SEGMENT_NAME_MAX, "%020" PRIu64 NAME_SUFFIX, first);
    assert(length > 0 && length < PUSH_SEGMENT_NAME_MAX);
}

bool push_segment_parse_name(const char *name, uint64_t *ret_first)
{
    uint64_t first;
    if (strlen(name) != NAME_DIGITS + strlen(NAME_SUFFIX) ||
        !text_equal(name + NAME_DIGITS, NAME_SUFFIX) ||
        text_parse_u64(name, NAME_DIGITS, &first) < 0 || first == 0 || first >= PUSH_NUMBER_MAX)
        return false;
    *ret_first = first;
    return true;
}

struct push_block push_header_encode(const struct push_header *h)
{
    struct push_block b = {0};
    push_block_put(&b, AT_LENGTH, h->length);
    push_block_put(&b, AT_SEQUENCE, h->at.sequence);
    push_block_put(&b, AT_TIME, h->time_ms);
    push_block_put(&b, AT_BEFORE, h->at.samples);
    push_block_put(&b, AT_SAMPLES, h->samples);
    push_block_put(&b, AT_BODY_CRC, h->body_crc);
    push_block_put(&b, AT_FORMAT, h->format);
    push_block_put(&b, AT_CODING, h->coding);
    push_block_seal(&b, RECORD_MAGIC);
    return b;
}

/* Of a block that is good. */
static struct push_header decode(const struct push_block *b)
{
    return (struct push_header){
        .at = {push_block_get(b, AT_SEQUENCE), push_block_get(b, AT_BEFORE)},
        .time_ms = push_block_get(b, AT_TIME),
        .samples = (uint32_t)push_block_get(b, AT_SAMPLES),
        .length = (uint32_t)push_block_get(b, AT_LENGTH),
        .body_crc = (uint32_t)push_block_get(b, AT_BODY_CRC),
        .format = (uint8_t)push_block_get(b, AT_FORMAT),
        .coding = (uint8_t)push_block_get(b, AT_CODING),
    };
}

struct push_position push_header_next(const struct push_header *h)
{
    return (struct push_position){h->at.sequence + 1, h->at.samples + h->samples};
}

uint64_t push_header_end(const struct push_header *h, uint64_t offset)
{
    return offset + PUSH_BLOCK_BYTES + h->length;
}

static bool fits(const struct push_header *h, const struct push_range *range)
{
    return h->at.sequence >= range->least && h->at.sequence < range->below &&
           h->at.samples < PUSH_NUMBER_MAX;
}

static bool has_block(const struct push_range *range)
{
    return range->offset <= range->bytes && range->bytes - range->offset >= PUSH_BLOCK_BYTES;
}

/* A record where one is expected. */
static int read_expected(const struct push_range *range, struct push_header *ret)
{
    struct push_block b;
    if (!has_block(range))
        return -ENODATA;
    int r = push_read_at(range->fd, &b, sizeof b, range->offset);
    if (r < 0)
        return r;
    if (!push_block_mend(&b, RECORD_MAGIC))
        return -ENODATA;
    const struct push_header h = decode(&b);
    if (!fits(&h, range))
        return -ENODATA;
    *ret = h;
    return 0;
}

/* The first whole record of the range in the window, which stands at `offset` of the file. */
static int search_window(const uint8_t *window, size_t length, uint64_t offset,
                         const struct push_range *range, struct push_header *ret)
{
    const uint8_t magic[] = {RECORD_MAGIC & 0xff, RECORD_MAGIC >> 8 & 0xff,
                             RECORD_MAGIC >> 16 & 0xff, RECORD_MAGIC >> 24};
    const uint8_t *end = window + length;
    for (const uint8_t *at = window;
         (at = memmem(at, (size_t)(end - at), magic, sizeof magic)) != NULL; at++) {
        struct push_block b;
        if ((size_t)(end - at) < sizeof b)
            return -ENODATA;
        memcpy(&b, at, sizeof b);
        const struct push_header h = decode(&b);
        if (!push_block_is_good(&b, RECORD_MAGIC) || !fits(&h, range) ||
            push_header_end(&h, offset + (uint64_t)(at - window)) > range->bytes)
            continue;
        *ret = h;
        return (int)(at - window);
    }
    return -ENODATA;
}

static void free_cleanup(uint8_t **p)
{
    free(*p);
}

/* A record anywhere behind the place where one was expected. */
static int search(const struct push_range *range, struct push_header *ret, uint64_t *ret_offset)
{
    __attribute__((cleanup(free_cleanup))) uint8_t *window = alloc_bytes(WINDOW_BYTES);
    struct push_range rest = *range;
    rest.offset++;
    while (has_block(&rest)) {
        const uint64_t left = rest.bytes - rest.offset;
        const size_t length = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
        int r = push_read_at(rest.fd, window, length, rest.offset);
        if (r < 0)
            return r;
        r = search_window(window, length, rest.offset, range, ret);
        if (r >= 0) {
            *ret_offset = rest.offset + (uint64_t)r;
            return 0;
        }
        rest.offset += length - PUSH_BLOCK_BYTES + 1;
    }
    return -ENODATA;
}

int push_segment_find(const struct push_range *range, struct push_header *ret, uint64_t *ret_offset)
{
    int r = read_expected(range, ret);
    if (r == -ENODATA)
        return search(range, ret, ret_offset);
    if (r == 0)
        *ret_offset = range->offset;
    return r;
}

int push_segment_walk(const struct push_range *range, struct push_position first,
                      struct push_tail *ret)
{
    struct push_tail tail = {.end = first, .bytes = range->offset};
    struct push_range rest = *range;
    struct push_header h;
    int r;
    while ((r = push_segment_find(&rest, &h, &rest.offset)) == 0) {
        tail.damaged |= rest.offset != tail.bytes;
        if (push_header_end(&h, rest.offset) > rest.bytes) {
            tail.torn_samples = h.samples;
            break;
        }
        rest.offset = tail.bytes = push_header_end(&h, rest.offset);
        tail.end = push_header_next(&h);
        rest.least = tail.end.sequence;
    }
    if (r < 0 && r != -ENODATA)
        return r;
    *ret = tail;
    return 0;
}
