/* gzip members: header and trailer as RFC 1952 has them, the data read back. */
#include "base/buf.h"
#include "exporters/gzip.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libdeflate.h>

#define PACKED_MAX  (4U << 20) /* bytes */
#define HEADER_SIZE 10         /* RFC 1952 section 2.3, without optional fields */

static uint32_t little_endian(const char *bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)(uint8_t)bytes[i] << (8 * i);
    return value;
}

/* CRC-32 of RFC 1952 section 8, bit by bit. */
static uint32_t crc(const char *bytes, size_t length)
{
    uint32_t value = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        value ^= (uint8_t)bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ (value & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~value;
}

static void check(const char *bytes, size_t length)
{
    struct buf packed;
    buf_init(&packed, PACKED_MAX);
    assert_int_equal(gzip_compress(bytes, length, &packed), 0);
    assert_true(packed.length > HEADER_SIZE + 8);
    assert_memory_equal(packed.data, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8); /* no flags, no time */
    assert_int_equal(little_endian(packed.data + packed.length - 8), crc(bytes, length));
    assert_int_equal(little_endian(packed.data + packed.length - 4), length);

    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    char *back = malloc(length + 1);
    size_t got = 0;
    assert_non_null(d);
    assert_non_null(back);
    assert_int_equal(libdeflate_deflate_decompress(d, packed.data + HEADER_SIZE,
                                                   packed.length - HEADER_SIZE - 8, back,
                                                   length + 1, &got),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(got, length);
    if (length > 0)
        assert_memory_equal(back, bytes, length);
    libdeflate_free_decompressor(d);
    free(back);
    buf_done(&packed);
}

/* Bytes without any pattern, of a xorshift generator. */
static void fill_random(char *bytes, size_t length)
{
    uint64_t state = 88172645463325252;
    for (size_t i = 0; i < length; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (char)(uint8_t)state;
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 255, 32768, 32769, 65536, 1000003};
    char *bytes = malloc(1000003);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        fill_random(bytes, lengths[i]);
        check(bytes, lengths[i]);
        memset(bytes, 'x', lengths[i]);
        check(bytes, lengths[i]);
    }
    free(bytes);
    check(NULL, 0); /* as an empty buffer is */
}

/* What is there already stays; the same bytes give the same. */
static void test_appends(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, PACKED_MAX);
    assert_int_equal(gzip_compress("weir", 4, &b), 0);
    size_t first = b.length;
    assert_int_equal(gzip_compress("weir", 4, &b), 0);
    assert_int_equal(b.length, 2 * first);
    assert_memory_equal(b.data, b.data + first, first);
    buf_done(&b);
}

static void test_no_room(void **state)
{
    (void)state;
    char bytes[4096];
    struct buf b;
    fill_random(bytes, sizeof bytes);
    buf_init(&b, sizeof bytes);
    assert_int_equal(gzip_compress(bytes, sizeof bytes, &b), -EMSGSIZE);
    assert_int_equal(b.length, 0);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
