/* What it knows: the scheme's name, base64, and the colon between user and password. Documents: RFC
 * 7617 section 2, RFC 9110 section 11.4, RFC 4648 sections 3 and 4. */
#include "net/http_basic.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SCHEME "Basic"

#define GROUP_CHARS 4 /* of base64 stand for GROUP_BYTES */
#define GROUP_BYTES 3
#define PADS_MAX    2
#define CHAR_BITS   6
#define BYTE_BITS   8

/* 0 to 63, or -1. */
static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* Decodes `length` characters without padding into `ret`; false when one does not belong there or
 * the bits that are left over are not zero, as in no encoder's output. */
static bool decode(const char *text, size_t length, char *ret)
{
    uint32_t bits = 0; /* the low `held` of them count */
    unsigned held = 0;
    for (size_t i = 0; i < length; i++) {
        int value = digit(text[i]);
        if (value < 0)
            return false;
        bits = bits << CHAR_BITS | (uint32_t)value;
        held += CHAR_BITS;
        if (held < BYTE_BITS)
            continue;
        held -= BYTE_BITS;
        *ret++ = (char)(uint8_t)(bits >> held);
    }
    return (bits & ((UINT32_C(1) << held) - 1)) == 0;
}

/* The base64 text after "Basic" and its blanks; NULL for another scheme. */
static const char *skip_scheme(const char *value)
{
    size_t length = strlen(SCHEME);
    if (strncasecmp(value, SCHEME, length) != 0 || value[length] != ' ')
        return NULL;
    return value + length + strspn(value + length, " ");
}

int http_basic_parse(const char *value, struct http_basic *ret)
{
    const char *text = skip_scheme(value);
    size_t whole = text ? strlen(text) : 0;
    size_t length = whole;
    while (length > 0 && whole - length < PADS_MAX && text[length - 1] == '=')
        length--;
    if (length == 0 || whole % GROUP_CHARS != 0)
        return -EINVAL;
    struct http_basic b = {0};
    size_t bytes = whole / GROUP_CHARS * GROUP_BYTES - (whole - length);
    b.user = alloc_zeroed(1, bytes + 1);
    b.user_length = bytes; /* until the colon is found, for http_basic_done */
    char *colon = decode(text, length, b.user) ? memchr(b.user, ':', bytes) : NULL;
    if (!colon) {
        http_basic_done(&b);
        return -EINVAL;
    }
    *colon = '\0';
    b.user_length = (size_t)(colon - b.user);
    b.password = colon + 1;
    b.password_length = bytes - b.user_length - 1;
    *ret = b;
    return 0;
}

void http_basic_done(struct http_basic *b)
{
    if (b->user)
        explicit_bzero(b->user, b->user_length + 1 + b->password_length);
    free(b->user);
    *b = (struct http_basic){0};
}
