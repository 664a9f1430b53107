/* Numbers as they are exposed: exact, without a fraction that is not there; and the doubles that
 * stand for the same. */
#include "exporters/decimal.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 200000 /* random numbers: half a second under the sanitizers */

static const char *written(uint64_t magnitude, unsigned places)
{
    static char out[DECIMAL_MAX + 1];
    memset(out, 'x', sizeof out);
    size_t length = decimal_write(out, magnitude, places);
    assert_true(length < DECIMAL_MAX);
    assert_int_equal(out[DECIMAL_MAX], 'x'); /* zeros it cut may stand before that */
    out[length] = '\0';
    return out;
}

/* The same by way of text: pad with zeros, put the point in, cut the zeros. */
static const char *expected(uint64_t magnitude, unsigned places)
{
    static char out[64];
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%0*llu", (int)places + 1, (unsigned long long)magnitude);
    size_t whole = strlen(digits) - places;
    (void)snprintf(out, sizeof out, "%.*s.%s", (int)whole, digits, digits + whole);
    size_t length = strlen(out);
    while (out[length - 1] == '0')
        length--;
    if (out[length - 1] == '.')
        length--;
    out[length] = '\0';
    return out;
}

static void test_known_numbers(void **state)
{
    (void)state;
    assert_string_equal(written(0, 0), "0");
    assert_string_equal(written(0, 9), "0");
    assert_string_equal(written(1500000000, 9), "1.5");
    assert_string_equal(written(1, 9), "0.000000001");
    assert_string_equal(written(999999999, 9), "0.999999999");
    assert_string_equal(written(1000000000, 9), "1");
    assert_string_equal(written(100000000000, 9), "100");
    assert_string_equal(written(1785715200123, 3), "1785715200.123");
    assert_string_equal(written(UINT64_MAX, 0), "18446744073709551615");
    assert_string_equal(written(UINT64_MAX, 9), "18446744073.709551615");
}

static void test_around_powers_of_ten(void **state)
{
    (void)state;
    uint64_t power = 1;
    for (unsigned digits = 1; digits <= 20; digits++, power *= 10) {
        for (unsigned places = 0; places <= 9; places++) {
            assert_string_equal(written(power - 1, places), expected(power - 1, places));
            assert_string_equal(written(power, places), expected(power, places));
            assert_string_equal(written(power + 1, places), expected(power + 1, places));
        }
    }
}

static void test_random_numbers(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252; /* xorshift64; any seed but 0 */
    for (unsigned i = 0; i < ROUNDS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint64_t value = x >> (i % 64); /* all lengths */
        assert_string_equal(written(value, i % 10), expected(value, i % 10));
    }
}

static const char *value_of(enum metric_type type, enum metric_unit unit, uint64_t bits)
{
    static char out[DECIMAL_MAX + 1];
    struct metric m = {.type = type, .unit = unit};
    out[decimal_write_value(out, &m, bits)] = '\0';
    return out;
}

static void test_units(void **state)
{
    (void)state;
    assert_string_equal(value_of(METRIC_COUNTER, UNIT_NS, 1500000000), "1.5");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_MS, 1500), "1.5");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_PERCENT, 250500000), "250.5");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_MICROSECONDS, 100000), "100000");
    assert_string_equal(value_of(METRIC_GAUGE_ZERO, UNIT_BYTES, 4096), "4096");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_COUNT, 7), "7");
}

static void test_signs(void **state)
{
    (void)state;
    assert_string_equal(value_of(METRIC_COUNTER, UNIT_COUNT, UINT64_MAX), "18446744073709551615");
    assert_string_equal(value_of(METRIC_COUNTER, UNIT_NS, UINT64_MAX), "18446744073.709551615");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_COUNT, UINT64_MAX), "-1");
    assert_string_equal(value_of(METRIC_GAUGE_ZERO, UNIT_COUNT, UINT64_MAX), "-1");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_PERCENT, (uint64_t)-500000), "-0.5");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_BYTES, (uint64_t)INT64_MIN),
                        "-9223372036854775808");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_BYTES, INT64_MAX), "9223372036854775807");
    assert_string_equal(value_of(METRIC_GAUGE, UNIT_NS, (uint64_t)INT64_MIN),
                        "-9223372036.854775808");
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Bit for bit, so that 0 and -0 are not alike. */
#define assert_double(given, expected) assert_int_equal(bits_of(given), bits_of(expected))

static void test_nearest_known(void **state)
{
    (void)state;
    assert_double(decimal_nearest(0, 0), 0.0);
    assert_double(decimal_nearest(0, 9), 0.0);
    assert_double(decimal_nearest(1, 9), 0.000000001);
    assert_double(decimal_nearest(1500000000, 9), 1.5);
    assert_double(decimal_nearest(1785715200123, 3), 1785715200.123);
    assert_double(decimal_nearest(1785715200123456789, 9), 1785715200.123456789);
    assert_double(decimal_nearest(9007199254740992, 9), 9007199.254740992);
    assert_double(decimal_nearest(9007199254740993, 9), 9007199.254740993);
    assert_double(decimal_nearest(9007199254740993, 0), 9007199254740993.0);
    assert_double(decimal_nearest(UINT64_MAX, 0), 18446744073709551615.0);
    assert_double(decimal_nearest(UINT64_MAX, 1), 1844674407370955161.5);
    assert_double(decimal_nearest(UINT64_MAX, 9), 18446744073.709551615);
}

/* Between 2^52 and 2^53 doubles are the integers, so n + 1/2 lies in the middle of two. */
static void test_nearest_ties(void **state)
{
    (void)state;
    const uint64_t even = UINT64_C(1) << 52;
    for (uint64_t n = even; n < even + 100; n++) {
        uint64_t tenths = 10 * n + 5;
        assert_double(decimal_nearest(tenths, 1), (double)(n + n % 2));
        assert_double(decimal_nearest(tenths - 1, 1), (double)n);
        assert_double(decimal_nearest(tenths + 1, 1), (double)(n + 1));
        assert_double(decimal_nearest(100 * tenths, 3), (double)(n + n % 2));
        assert_double(decimal_nearest(100 * tenths - 1, 3), (double)n);
        assert_double(decimal_nearest(100 * tenths + 1, 3), (double)(n + 1));
    }
}

/* As the C library reads the text, whatever the locale of the test. */
static void test_nearest_random(void **state)
{
    (void)state;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", NULL);
    assert_true(c_locale != NULL);
    uint64_t x = 88172645463325252; /* xorshift64; any seed but 0 */
    for (unsigned i = 0; i < ROUNDS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint64_t value = x >> (i % 64); /* all lengths */
        const char *text = written(value, i % 10);
        assert_double(decimal_nearest(value, i % 10), strtod_l(text, NULL, c_locale));
    }
    freelocale(c_locale);
}

static double nearest_of(enum metric_type type, enum metric_unit unit, uint64_t bits)
{
    struct metric m = {.type = type, .unit = unit};
    return decimal_nearest_value(&m, bits);
}

static void test_nearest_values(void **state)
{
    (void)state;
    assert_double(nearest_of(METRIC_COUNTER, UNIT_NS, 1500000000), 1.5);
    assert_double(nearest_of(METRIC_GAUGE, UNIT_MS, 1500), 1.5);
    assert_double(nearest_of(METRIC_GAUGE, UNIT_PERCENT, 250500001), 250.500001);
    assert_double(nearest_of(METRIC_GAUGE, UNIT_MICROSECONDS, 100000), 100000.0);
    assert_double(nearest_of(METRIC_GAUGE_ZERO, UNIT_BYTES, 0), 0.0);
    assert_double(nearest_of(METRIC_COUNTER, UNIT_COUNT, UINT64_MAX), 18446744073709551615.0);
    assert_double(nearest_of(METRIC_GAUGE, UNIT_COUNT, UINT64_MAX), -1.0);
    assert_double(nearest_of(METRIC_GAUGE, UNIT_PERCENT, (uint64_t)-500000), -0.5);
    assert_double(nearest_of(METRIC_GAUGE, UNIT_NS, (uint64_t)INT64_MIN), -9223372036.854775808);
    assert_double(nearest_of(METRIC_GAUGE, UNIT_BYTES, (uint64_t)INT64_MIN),
                  -9223372036854775808.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_numbers),  cmocka_unit_test(test_around_powers_of_ten),
        cmocka_unit_test(test_random_numbers), cmocka_unit_test(test_units),
        cmocka_unit_test(test_signs),          cmocka_unit_test(test_nearest_known),
        cmocka_unit_test(test_nearest_ties),   cmocka_unit_test(test_nearest_random),
        cmocka_unit_test(test_nearest_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
