/* Blocks of the queue's files: 64 bytes of little-endian fields between a magic number and a
 * CRC32C. Document: docs/QUEUE.md. */
#ifndef WEIR_EXPORTERS_PUSH_BLOCK_H
#define WEIR_EXPORTERS_PUSH_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUSH_BLOCK_BYTES ((size_t)64) /* the fields of a record with room for more */

struct push_block {
    uint8_t bytes[PUSH_BLOCK_BYTES];
};

/* `width` bytes at `offset`. The first 4 bytes and the last 4 are the block's own. */
void push_block_put(struct push_block *b, size_t offset, size_t width, uint64_t value);
uint64_t push_block_get(const struct push_block *b, size_t offset, size_t width);

/* Fills in magic number and checksum. */
void push_block_seal(struct push_block *b, uint32_t magic);
bool push_block_is_good(const struct push_block *b, uint32_t magic);
/* Puts a single flipped bit right, wherever it is. False, and the block as it was: it is not good
 * and no single bit makes it so. */
bool push_block_mend(struct push_block *b, uint32_t magic);

/* 0; -ENODATA: the file ends before; or the negative errno. */
int push_read_at(int fd, void *ret, size_t length, uint64_t offset);
int push_write_at(int fd, const void *bytes, size_t length, uint64_t offset);

#endif
