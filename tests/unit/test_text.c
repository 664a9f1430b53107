/* What it knows: RFC 3339, the Prometheus duration format, and base/text.h for the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_starts_with(void **state)
{
    (void)state;
    assert_true(text_starts_with("label.x", "label."));
    assert_true(text_starts_with("label.", "label."));
    assert_true(text_starts_with("x", ""));
    assert_false(text_starts_with("label", "label."));
    assert_false(text_starts_with("", "a"));
    assert_false(text_starts_with("Label.", "label."));
}

static void assert_u64(const char *text, int expected, uint64_t value)
{
    uint64_t got = 77;
    assert_int_equal(text_parse_u64(text, strlen(text), &got), expected);
    assert_int_equal(got, expected == 0 ? value : 77); /* written only on success */
}

static void test_numbers(void **state)
{
    (void)state;
    assert_u64("0", 0, 0);
    assert_u64("00012", 0, 12);
    assert_u64("18446744073709551615", 0, UINT64_MAX);
    assert_u64("18446744073709551616", -ERANGE, 0);
    assert_u64("18446744073709551620", -ERANGE, 0);
    assert_u64("99999999999999999999999", -ERANGE, 0);
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1a", "a", "\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_u64(bad[i], -EINVAL, 0);
    uint64_t got = 0;
    assert_int_equal(text_parse_u64("123456", 3, &got), 0); /* the length counts */
    assert_int_equal(got, 123);
}

static void assert_duration(const char *text, int expected, uint64_t ms)
{
    uint64_t got = 77;
    assert_int_equal(text_parse_duration_ms(text, &got), expected);
    assert_int_equal(got, expected == 0 ? ms : 77);
}

static void test_durations(void **state)
{
    (void)state;
    assert_duration("0", 0, 0);
    assert_duration("0s", 0, 0);
    assert_duration("5s", 0, 5000);
    assert_duration("250ms", 0, 250);
    assert_duration("1m", 0, 60000);
    assert_duration("1h30m", 0, 5400000);
    assert_duration("1d2h3m4s5ms", 0, 93784005);
    assert_duration("90s", 0, 90000);
    assert_duration("1m5ms", 0, 60005);
    assert_duration("36500d", 0, UINT64_C(3153600000000));
    assert_duration("36501d", -ERANGE, 0);
    assert_duration("36500d1ms", -ERANGE, 0);
    assert_duration("99999999999999999999s", -ERANGE, 0);
    assert_duration("18446744073709551615h", -ERANGE, 0);
}

static void test_bad_durations(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "5",    "00",    "s",   "-5s", "+5s", " 5s",  "5s ",
                                      "5 s",  "1.5s", "5S",    "5sm", "5us", "1w",  "1y",   "1h30",
                                      "1s1s", "1s1m", "1ms1s", "1hm", "1hh", "1s5", "1m1m", "ms"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_duration(bad[i], -EINVAL, 0);
}

static void assert_time(const char *text, int expected, uint64_t ns)
{
    uint64_t got = 77;
    assert_int_equal(text_parse_rfc3339_ns(text, &got), expected);
    assert_int_equal(got, expected == 0 ? ns : 77);
}

#define SECOND UINT64_C(1000000000)

static void test_times(void **state)
{
    (void)state;
    assert_time("1970-01-01T00:00:00Z", 0, 0);
    assert_time("1970-01-01T00:00:00.000000001Z", 0, 1);
    assert_time("2026-01-02T03:04:05Z", 0, UINT64_C(1767323045) * SECOND);
    assert_time("2000-02-29T12:00:00Z", 0, UINT64_C(951825600) * SECOND);
    assert_time("2024-02-29T23:59:59Z", 0, UINT64_C(1709251199) * SECOND);
    assert_time("2024-03-01T00:00:00Z", 0, UINT64_C(1709251200) * SECOND);
    assert_time("2038-01-19T03:14:08Z", 0, UINT64_C(2147483648) * SECOND);
    assert_time("2100-03-01T00:00:00Z", 0, UINT64_C(4107542400) * SECOND);
}

/* Go cuts trailing zeros: one to nine digits come. */
static void test_fractions(void **state)
{
    (void)state;
    static const char digits[] = "123456789";
    uint64_t fraction = 0;
    for (size_t count = 1; count <= 9; count++) {
        char text[64];
        (void)snprintf(text, sizeof text, "2026-01-02T03:04:05.%.*sZ", (int)count, digits);
        uint64_t unit = 1;
        for (size_t i = count; i < 9; i++)
            unit *= 10;
        fraction = fraction * 10 + count;
        assert_time(text, 0, UINT64_C(1767323045) * SECOND + fraction * unit);
    }
    assert_time("2026-01-02T03:04:05.Z", -EINVAL, 0);
    assert_time("2026-01-02T03:04:05.1234567890Z", -EINVAL, 0);
    assert_time("2026-01-02T03:04:05,5Z", -EINVAL, 0);
    assert_time("2026-01-02T03:04:05.-5Z", -EINVAL, 0);
}

static void test_zones(void **state)
{
    (void)state;
    assert_time("2026-01-02T11:04:05+08:00", 0, UINT64_C(1767323045) * SECOND);
    assert_time("2026-01-02T11:04:05.5+08:00", 0, UINT64_C(1767323045) * SECOND + SECOND / 2);
    assert_time("2026-01-01T21:34:05-05:30", 0, UINT64_C(1767323045) * SECOND);
    assert_time("2026-01-02T03:04:05+00:00", 0, UINT64_C(1767323045) * SECOND);
    assert_time("1970-01-01T00:30:00+01:00", -ENODATA, 0);
    assert_time("1969-12-31T23:30:00-01:00", 0, UINT64_C(1800) * SECOND);
    static const char *const bad[] = {"",      "+8",      "+0800", "+08:0", "+08:60", "+24:00",
                                      "08:00", "+08:00Z", "Z ",    "ZZ",    "+-8:00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "2026-01-02T03:04:05%s", bad[i]);
        assert_time(text, -EINVAL, 0);
    }
}

static void test_zero_times(void **state)
{
    (void)state;
    assert_time("0001-01-01T00:00:00Z", -ENODATA, 0);
    assert_time("0000-01-01T00:00:00Z", -ENODATA, 0);
    assert_time("1969-12-31T23:59:59.999999999Z", -ENODATA, 0);
}

static void test_bad_times(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "yesterday",
        "2026-01-02",
        "2026-01-02 03:04:05Z",
        "2026-1-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-32T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T03:04Z",
        "-026-01-02T03:04:05Z",
        "2026-01-02T03:04:05",
        " 2026-01-02T03:04:05Z",
        "20260102T030405Z",
        "2026/01/02T03:04:05Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_time(bad[i], -EINVAL, 0);
}

static void test_dates_that_never_were(void **state)
{
    (void)state;
    assert_time("2026-02-29T00:00:00Z", -EINVAL, 0);
    assert_time("2026-02-30T00:00:00Z", -EINVAL, 0);
    assert_time("2026-04-31T00:00:00Z", -EINVAL, 0);
    assert_time("2100-02-29T00:00:00Z", -EINVAL, 0);
}

/* 2^64 nanoseconds end on 21 July 2554. */
static void test_times_past_64_bits(void **state)
{
    (void)state;
    assert_time("2554-07-21T00:00:00Z", 0, UINT64_C(18446659200) * SECOND);
    assert_time("2554-07-22T00:00:00Z", -EINVAL, 0);
    assert_time("9999-12-31T23:59:59Z", -EINVAL, 0);
}

static void test_globs(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"", "", true},          {"", "a", false},        {"a", "a", true},
        {"a", "", false},        {"a", "b", false},       {"a", "ab", false},
        {"ab", "a", false},      {"*", "", true},         {"*", "anything/at all", true},
        {"a*", "a", true},       {"a*", "abc", true},     {"*c", "abc", true},
        {"*c", "abcd", false},   {"a*c", "abbbc", true},  {"a*c", "abbb", false},
        {"?", "", false},        {"?", "a", true},        {"?", "ab", false},
        {"a?c", "abc", true},    {"**", "x", true},       {"*a*b*", "xxaxxbxx", true},
        {"*aab", "aaaab", true}, {"a.c", "abc", false},   {"*a*b*", "xxbxxaxx", false},
        {"\\*", "*", true},      {"\\*", "a", false},     {"\\?", "?", true},
        {"\\?", "a", false},     {"\\a", "a", true},      {"\\\\", "\\", true},
        {"\\", "\\", true},      {"*\\*", "ab*", true},   {"*\\*", "ab", false},
        {"*\\?x", "a?x", true},  {"[a]", "a", false},     {"[a]", "[a]", true},
        {"A", "a", false},       {"?\\**", "x*yz", true}, {"*?", "", false},
        {"*?", "x", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (text_glob(cases[i].pattern, cases[i].text) != cases[i].matches)
            fail_msg("glob %s on %s", cases[i].pattern, cases[i].text);
}

/* A matcher that tries every way would need longer than there is time. */
static void test_glob_that_would_explode(void **state)
{
    (void)state;
    char text[4001];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(text_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
    assert_true(text_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a", text));
}

static void test_container_ids(void **state)
{
    (void)state;
    static const char id[] = "589def48f99de698a49d166066adfa22748cca0e4a5a2bd25d15d6760aa4b83d";
    assert_true(text_is_container_id(id, 64));
    assert_false(text_is_container_id(id, 63));
    assert_false(text_is_container_id("", 0));
    static const char bad[] = "gG/:A@`"; /* the neighbours of digits and letters, and the NUL */
    for (size_t i = 0; i < sizeof bad; i++) {
        char changed[65];
        memcpy(changed, id, sizeof changed);
        changed[i * 9] = bad[i];
        assert_false(text_is_container_id(changed, 64));
    }
}

/* RFC 3629, section 4: every sequence and its neighbours. */
static void test_utf8_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\x01", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2}, /* U+0080 */
        {"\xdf\xbf", 2}, /* U+07FF */
        {"\xc3\xa4z", 2},
        {"\xe0\xa0\x80", 3}, /* U+0800 */
        {"\xed\x9f\xbf", 3}, /* U+D7FF */
        {"\xee\x80\x80", 3}, /* U+E000 */
        {"\xef\xbf\xbd", 3},
        {"\xef\xbf\xbf", 3},     /* U+FFFF */
        {"\xf0\x90\x80\x80", 4}, /* U+10000 */
        {"\xf4\x8f\xbf\xbf", 4}, /* U+10FFFF */
        /* none: a continuation alone, what no sequence begins with */
        {"\x80", 0},
        {"\xbf", 0},
        {"\xfe", 0},
        {"\xff", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xf8\x88\x80\x80\x80", 0},
        /* overlong */
        {"\xc0\x80", 0},
        {"\xc0\xaf", 0},
        {"\xc1\xbf", 0},
        {"\xe0\x80\x80", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xf0\x80\x80\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        /* surrogates, and past the last */
        {"\xed\xa0\x80", 0},
        {"\xed\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0},
        /* cut off, by the end or another byte */
        {"\xc3", 0},
        {"\xe2\x82", 0},
        {"\xe2", 0},
        {"\xf0\x9f\x98", 0},
        {"\xf0\x9f", 0},
        {"\xf0", 0},
        {"\xc3(", 0},
        {"\xe2\x82(", 0},
        {"\xe2(\xa1", 0},
        {"\xf0\x9f\x98(", 0},
        {"\xf0(\x98\x80", 0},
        {"\xc3\xc3", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* Of its own size, so that a sanitizer sees what is read past the end. */
        char *text = strdup(cases[i].text);
        assert_non_null(text);
        if (text_utf8_length(text) != cases[i].length)
            fail_msg("case %zu has %zu bytes", i, text_utf8_length(text));
        free(text);
    }
}

/* Every text of up to three bytes, and of four the ones that may be a sequence: as decoded by hand.
 */
static size_t decoded_length(const unsigned char *p)
{
    static const uint32_t first[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = p[0] < 0x80       ? 1
                    : p[0] >> 5 == 6  ? 2
                    : p[0] >> 4 == 14 ? 3
                    : p[0] >> 3 == 30 ? 4
                                      : 0;
    uint32_t code = length < 2 ? p[0] : p[0] & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        code = code << 6 | (p[i] & 0x3FU);
    }
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return length > 0 && (code < first[length] || surrogate || code > 0x10FFFF) ? 0 : length;
}

static void test_whole_text_is_utf8(void **state)
{
    (void)state;
    assert_true(text_is_utf8(""));
    assert_true(text_is_utf8("a\xc3\xa4\xf0\x9f\x98\x80z"));
    assert_false(text_is_utf8("a\xc3"));
    assert_false(text_is_utf8("\xff"
                              "a"));
    assert_false(text_is_utf8("a\xed\xa0\x80z"));
}

static void test_every_utf8_sequence(void **state)
{
    (void)state;
    static const unsigned char fourths[] = {0, 'a', 0x7F, 0x80, 0xA5, 0xBF, 0xC0, 0xFF};
    for (uint32_t n = 1; n <= 0xFFFFFF; n++) {
        unsigned char text[5] = {(unsigned char)(n >> 16), (unsigned char)(n >> 8),
                                 (unsigned char)n};
        bool four = text[0] >= 0xF0;
        for (size_t i = 0; i < (four ? sizeof fourths : 1); i++) {
            text[3] = fourths[i];
            if (text[0] != 0 && text_utf8_length((const char *)text) != decoded_length(text))
                fail_msg("%02x %02x %02x %02x", text[0], text[1], text[2], text[3]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_with),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_bad_durations),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_fractions),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_zero_times),
        cmocka_unit_test(test_bad_times),
        cmocka_unit_test(test_dates_that_never_were),
        cmocka_unit_test(test_times_past_64_bits),
        cmocka_unit_test(test_globs),
        cmocka_unit_test(test_glob_that_would_explode),
        cmocka_unit_test(test_container_ids),
        cmocka_unit_test(test_utf8_lengths),
        cmocka_unit_test(test_whole_text_is_utf8),
        cmocka_unit_test(test_every_utf8_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
