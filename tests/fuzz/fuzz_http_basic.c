/* Any text as the value of an Authorization header: what is taken must be what its base64 says,
 * told by encoding it again, which has one way. Documents: net/http_basic.h, RFC 7617, RFC 4648. */
#include "net/http_basic.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *encode(const uint8_t *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = alloc_zeroed(1, length / 3 * 4 + 5);
    char *at = text;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (uint32_t)(left > 1 ? bytes[i + 1] : 0) << 8 |
                         (uint32_t)(left > 2 ? bytes[i + 2] : 0);
        *at++ = digits[group >> 18];
        *at++ = digits[group >> 12 & 63];
        *at++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[group & 63] : '=';
    }
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_basic b = {0};
    char *value = alloc_copy((const char *)data, size);
    if (http_basic_parse(value, &b) == 0) {
        assert(!memchr(b.user, ':', b.user_length));
        assert(b.user[b.user_length] == '\0' && b.password[b.password_length] == '\0');
        assert(b.password == b.user + b.user_length + 1);
        b.user[b.user_length] = ':';
        char *again = encode((const uint8_t *)b.user, b.user_length + 1 + b.password_length);
        assert(strcmp(again, strrchr(value, ' ') + 1) == 0);
        free(again);
    } else {
        assert(!b.user && !b.password);
    }
    http_basic_done(&b);
    free(value);
    return 0;
}
