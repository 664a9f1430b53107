/* Digits within a text, for the parsers of control group files alone: what text_parse_u64 does,
 * where the end of the number is not known yet and tens of numbers come in a row. */
#ifndef WEIR_COLLECTORS_GROUP_PARSE_NUMBER_H
#define WEIR_COLLECTORS_GROUP_PARSE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* The number at `at`; its text is followed by a byte that is no digit. Returns where its digits
 * end, or NULL where there are none or the number is past 2^64-1. `ret` is written on success. */
static inline const char *group_scan_u64(const char *at, uint64_t *ret)
{
    const char *const begin = at;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, digit, &value))
            return NULL;
    }
    if (at == begin)
        return NULL;
    *ret = value;
    return at;
}

#endif
