/* base/crc32c.h: the examples of RFC 3720 section B.4, and the instruction against the table. */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const void *bytes, size_t length, uint32_t wanted)
{
    assert_int_equal(crc32c(0, bytes, length), wanted);
    assert_int_equal(crc32c_by_table(0, bytes, length), wanted);
}

static void test_examples(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    check("", 0, 0);
    check("123456789", 9, 0xe3069283);
    check(bytes, sizeof bytes, 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    check(bytes, sizeof bytes, 0x62a8ab43);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    check(bytes, sizeof bytes, 0x46dd794e);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(31 - i);
    check(bytes, sizeof bytes, 0x113fdb5c);
    const uint8_t read_pdu[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, 0x28, [40] = 0x02};
    check(read_pdu, sizeof read_pdu, 0xd9963a56);
}

/* Any length at any alignment, whole or in two parts. */
static void test_parts(void **state)
{
    (void)state;
    uint8_t bytes[300];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(random >> 24);
    }
    for (size_t begin = 0; begin < 9; begin++) {
        for (size_t length = 0; length + begin <= sizeof bytes; length++) {
            const uint32_t whole = crc32c(0, bytes + begin, length);
            assert_int_equal(crc32c_by_table(0, bytes + begin, length), whole);
            const size_t half = length / 3;
            const uint32_t first = crc32c(0, bytes + begin, half);
            assert_int_equal(crc32c(first, bytes + begin + half, length - half), whole);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples),
                                       cmocka_unit_test(test_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
