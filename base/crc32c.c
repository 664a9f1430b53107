/* What it knows: CRC32C one byte at a time by a table, and eight at a time by the instruction of
 * SSE4.2 and of ARMv8. Document: RFC 3720, sections 12.1 and B.4. */
#include "base/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>

#include <asm/hwcap.h>
#endif

/* The remainder is linear, so that of any byte is the sum of those of its bits. */
#define BIT(byte, bit, remainder) (((byte) >> (bit)&1) != 0 ? UINT32_C(remainder) : 0)
#define R1(byte)                                                                      \
    (BIT(byte, 0, 0xf26b8303) ^ BIT(byte, 1, 0xe13b70f7) ^ BIT(byte, 2, 0xc79a971f) ^ \
     BIT(byte, 3, 0x8ad958cf) ^ BIT(byte, 4, 0x105ec76f) ^ BIT(byte, 5, 0x20bd8ede) ^ \
     BIT(byte, 6, 0x417b1dbc) ^ BIT(byte, 7, 0x82f63b78))
#define R4(byte)  R1(byte), R1((byte) + 1), R1((byte) + 2), R1((byte) + 3)
#define R16(byte) R4(byte), R4((byte) + 4), R4((byte) + 8), R4((byte) + 12)
#define R64(byte) R16(byte), R16((byte) + 16), R16((byte) + 32), R16((byte) + 48)

static const uint32_t remainders[256] = {R64(0), R64(64), R64(128), R64(192)};

/* `state` is the register itself, not inverted. */
static uint32_t step_by_table(uint32_t state, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        state = state >> 8 ^ remainders[(state ^ bytes[i]) & 0xff];
    return state;
}

uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t length)
{
    return ~step_by_table(~crc, bytes, length);
}

#if defined(__x86_64__)
static int has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) static uint32_t step_word(uint32_t state, uint64_t word)
{
    return (uint32_t)_mm_crc32_u64(state, word);
}
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
#elif defined(__aarch64__)
static int has_instruction(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

static uint32_t step_word(uint32_t state, uint64_t word)
{
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(state) : "r"(word));
    return state;
}
#define WITH_INSTRUCTION
#endif

#ifdef WITH_INSTRUCTION
WITH_INSTRUCTION static uint32_t step(uint32_t state, const unsigned char *bytes, size_t length)
{
    if (!has_instruction())
        return step_by_table(state, bytes, length);
    for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        state = step_word(state, word);
        bytes += sizeof word;
    }
    return step_by_table(state, bytes, length);
}
#else
#define step step_by_table
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
    return ~step(~crc, bytes, length);
}
