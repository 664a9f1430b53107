/* CRC32C, the Castagnoli polynomial (RFC 3720 appendix B.4): 0xe3069283 for "123456789". */
#ifndef WEIR_BASE_CRC32C_H
#define WEIR_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* `crc` is 0, or the checksum of the bytes that came before these. Uses the processor's instruction
 * where it has one. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);
/* The same without the instruction; for the test that compares the two. */
uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t length);

#endif
