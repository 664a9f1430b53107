/* The part of http_judge that knows hosts, and what both parts call digits and letters. */
#ifndef WEIR_TESTS_FUZZ_HTTP_JUDGE_HOST_H
#define WEIR_TESTS_FUZZ_HTTP_JUDGE_HOST_H

#include "http_judge.h"

/* uri-host [ ":" port ], RFC 9110 section 7.2. */
bool judge_is_host(struct judge_span s, bool may_be_empty);

static inline bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_alpha(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static inline int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
