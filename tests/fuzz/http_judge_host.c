/* What it knows: what a host is, written down again from RFC 3986 section 3.2.2. Brackets hold an
 * IPv6 address: no other version is defined, and one that is not known is not to be used. */
#include "http_judge_host.h"

#include <string.h>

/* dec-octet "." dec-octet "." dec-octet "." dec-octet to the end. */
static bool is_ipv4(struct judge_span s)
{
    int octets = 0;
    while (octets < 4) {
        size_t digits = 0;
        int value = 0;
        while (digits < s.length && digits < 4 && is_digit(s.at[digits]))
            value = value * 10 + (s.at[digits++] - '0');
        if (digits == 0 || value > 255 || (digits > 1 && s.at[0] == '0'))
            return false;
        octets++;
        s.at += digits;
        s.length -= digits;
        if (octets < 4 && (s.length == 0 || s.at[0] != '.'))
            return false;
        if (octets < 4) {
            s.at++;
            s.length--;
        }
    }
    return s.length == 0;
}

/* Counts the 16-bit pieces of "h16:h16:...", the last of which may be an IPv4 address that counts
 * for two where `ipv4_may_end`; -1 for anything else. */
static int count_pieces(struct judge_span s, bool ipv4_may_end)
{
    int pieces = 0;
    while (s.length > 0) {
        size_t digits = 0;
        if (ipv4_may_end && is_ipv4(s))
            return pieces + 2;
        while (digits < s.length && hex_value(s.at[digits]) >= 0)
            digits++;
        if (digits == 0 || digits > 4)
            return -1;
        pieces++;
        if (digits == s.length)
            return pieces;
        if (s.at[digits] != ':' || digits + 1 == s.length)
            return -1;
        s.at += digits + 1;
        s.length -= digits + 1;
    }
    return pieces;
}

static bool is_ipv6(struct judge_span s)
{
    for (size_t i = 0; i + 1 < s.length; i++) {
        if (s.at[i] != ':' || s.at[i + 1] != ':')
            continue;
        int before = count_pieces((struct judge_span){s.at, i}, false);
        int after = count_pieces((struct judge_span){s.at + i + 2, s.length - i - 2}, true);
        return before >= 0 && after >= 0 && before + after <= 7;
    }
    return count_pieces(s, true) == 8;
}

static bool is_name_byte(uint8_t c)
{
    return is_alpha(c) || is_digit(c) || (c != '\0' && strchr("-._~!$&'()*+,;=", c));
}

/* How many bytes at the beginning are a host; `ret_good` false where brackets hold no address. */
static size_t host_length(struct judge_span s, bool *ret_good)
{
    size_t i = 0;
    *ret_good = true;
    if (s.length > 0 && s.at[0] == '[') {
        const uint8_t *close = memchr(s.at, ']', s.length);
        i = close ? (size_t)(close - s.at) : 0;
        *ret_good = close && is_ipv6((struct judge_span){s.at + 1, i - 1});
        return i + 1;
    }
    while (i < s.length) {
        if (s.at[i] == '%' && i + 2 < s.length && hex_value(s.at[i + 1]) >= 0 &&
            hex_value(s.at[i + 2]) >= 0)
            i += 3;
        else if (is_name_byte(s.at[i]))
            i++;
        else
            break;
    }
    return i;
}

bool judge_is_host(struct judge_span s, bool may_be_empty)
{
    bool good = false;
    size_t i = host_length(s, &good);
    if (!good || (i == 0 && !may_be_empty))
        return false;
    if (i < s.length && s.at[i] == ':')
        for (i++; i < s.length && is_digit(s.at[i]);)
            i++;
    return i == s.length;
}
