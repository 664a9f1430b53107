/* What it knows: how a block of a queue's file is made, checked and mended. Document:
 * docs/QUEUE.md. */
#include "exporters/push_block.h"

#include "base/crc32c.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#define MAGIC_BYTES ((size_t)4)
#define CRC_BYTES   ((size_t)4)
#define CRC_AT      (PUSH_BLOCK_BYTES - CRC_BYTES)

static void put(struct push_block *b, size_t offset, size_t width, uint64_t value)
{
    for (size_t i = 0; i < width; i++)
        b->bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

void push_block_put(struct push_block *b, size_t offset, size_t width, uint64_t value)
{
    assert(offset >= MAGIC_BYTES && offset + width <= CRC_AT && width <= sizeof value);
    put(b, offset, width, value);
}

uint64_t push_block_get(const struct push_block *b, size_t offset, size_t width)
{
    assert(offset + width <= PUSH_BLOCK_BYTES && width <= sizeof(uint64_t));
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)b->bytes[offset + i] << (8 * i);
    return value;
}

static uint32_t checksum(const struct push_block *b)
{
    return crc32c(0, b->bytes, CRC_AT);
}

void push_block_seal(struct push_block *b, uint32_t magic)
{
    put(b, 0, MAGIC_BYTES, magic);
    put(b, CRC_AT, CRC_BYTES, checksum(b));
}

bool push_block_is_good(const struct push_block *b, uint32_t magic)
{
    return push_block_get(b, 0, MAGIC_BYTES) == magic &&
           push_block_get(b, CRC_AT, CRC_BYTES) == checksum(b);
}

/* Two good blocks of this length differ in at least six bits (the polynomial's Hamming distance up
 * to 5243 bits), so what one bit makes good can have been nothing else, unless more than four
 * were flipped. */
bool push_block_mend(struct push_block *b, uint32_t magic)
{
    if (push_block_is_good(b, magic))
        return true;
    for (size_t bit = 0; bit < PUSH_BLOCK_BYTES * 8; bit++) {
        uint8_t mask = (uint8_t)(1U << (bit % 8));
        b->bytes[bit / 8] ^= mask;
        if (push_block_is_good(b, magic))
            return true;
        b->bytes[bit / 8] ^= mask;
    }
    return false;
}

int push_read_at(int fd, void *ret, size_t length, uint64_t offset)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = pread(fd, (char *)ret + done, length - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        done += (size_t)got;
    }
    return 0;
}

int push_write_at(int fd, const void *bytes, size_t length, uint64_t offset)
{
    for (size_t done = 0; done < length;) {
        ssize_t put_bytes =
            pwrite(fd, (const char *)bytes + done, length - done, (off_t)(offset + done));
        if (put_bytes < 0 && errno == EINTR)
            continue;
        if (put_bytes <= 0)
            return put_bytes < 0 ? -errno : -ENOSPC;
        done += (size_t)put_bytes;
    }
    return 0;
}
