/* What it knows: fixed-point integers as decimal digits and as doubles. The units are those of
 * base/metric_list.h; their exposed forms (seconds, percent) are in docs/METRICS.md. */
#include "exporters/decimal.h"

#include <assert.h>
#include <string.h>

#define DECIMAL_PLACES_MAX 9 /* nanoseconds to seconds */
/* Up to here every integer is a double: 104 days in nanoseconds. */
#define DOUBLE_INTEGER_MAX (UINT64_C(1) << 53)

static const uint64_t powers_of_ten[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* Two digits a division halve the divisions of a scrape's thousands of numbers. */
static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

static unsigned digit_count(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12; /* bits * log10(2), at most one too few */
    return guess + (value >= powers_of_ten[guess]) + (value == 0);
}

/* Exactly `count` digits of `value`, with zeros in front where it has fewer. */
static void write_digits(char *out, uint64_t value, unsigned count)
{
    while (count >= 2) {
        count -= 2;
        memcpy(out + count, &digit_pairs[value % 100 * 2], 2);
        value /= 100;
    }
    if (count > 0)
        out[0] = (char)('0' + value % 10);
}

size_t decimal_write(char *out, uint64_t magnitude, unsigned places)
{
    assert(places <= DECIMAL_PLACES_MAX);
    uint64_t whole = magnitude / powers_of_ten[places];
    uint64_t fraction = magnitude - whole * powers_of_ten[places];
    size_t length = digit_count(whole);
    write_digits(out, whole, (unsigned)length);
    if (fraction == 0)
        return length;
    out[length++] = '.';
    write_digits(out + length, fraction, places);
    length += places;
    while (out[length - 1] == '0')
        length--;
    return length;
}

static unsigned unit_places(enum metric_unit unit)
{
    switch (unit) {
    case UNIT_NS:
        return 9;
    case UNIT_PERCENT:
        return 6;
    case UNIT_MS:
        return 3;
    case UNIT_COUNT:
    case UNIT_BYTES:
    case UNIT_MICROSECONDS:
        break;
    }
    return 0;
}

size_t decimal_write_value(char *out, const struct metric *metric, uint64_t bits)
{
    unsigned places = unit_places(metric->unit);
    if (metric->type == METRIC_COUNTER || bits <= INT64_MAX)
        return decimal_write(out, bits, places);
    out[0] = '-';
    return 1 + decimal_write(out + 1, -bits, places);
}

/* Division of integers that fills 63 or 64 bits of a quotient: far more than the 53 of a double, so
 * what is cut off matters only where the rest is exactly half, and one bit tells that. */
static double divide_exactly(uint64_t magnitude, uint64_t divisor)
{
    int up = __builtin_clzll(magnitude);
    int more = 63 - __builtin_clzll(divisor);
    __extension__ unsigned __int128 wide = (unsigned __int128)(magnitude << up) << more;
    uint64_t quotient = (uint64_t)(wide / divisor);
    quotient |= wide % divisor != 0;
    return (double)quotient / (double)(UINT64_C(1) << up) / (double)(UINT64_C(1) << more);
}

double decimal_nearest(uint64_t magnitude, unsigned places)
{
    assert(places <= DECIMAL_PLACES_MAX);
    /* Both sides are exact as doubles, so the division rounds once; or there is none. */
    if (magnitude <= DOUBLE_INTEGER_MAX || places == 0)
        return (double)magnitude / (double)powers_of_ten[places];
    return divide_exactly(magnitude, powers_of_ten[places]);
}

double decimal_nearest_value(const struct metric *metric, uint64_t bits)
{
    unsigned places = unit_places(metric->unit);
    if (metric->type == METRIC_COUNTER || bits <= INT64_MAX)
        return decimal_nearest(bits, places);
    return -decimal_nearest(-bits, places);
}
