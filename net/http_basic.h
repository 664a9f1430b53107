/* The value of an Authorization header with the Basic scheme, taken apart. Pure; private to net.
 * Documents: RFC 7617, RFC 9110 section 11.4 (credentials), RFC 4648 section 4 (base64). */
#ifndef WEIR_NET_HTTP_BASIC_H
#define WEIR_NET_HTTP_BASIC_H

#include <stddef.h>

/* Any bytes, also NUL, may be in both; a NUL follows each. */
struct http_basic {
    char *user; /* owned: one allocation for both */
    size_t user_length;
    char *password;
    size_t password_length;
};

/* 0; -EINVAL: another scheme, no base64 with all its padding, or no colon in it. */
int http_basic_parse(const char *value, struct http_basic *ret);
/* Wipes and frees it. */
void http_basic_done(struct http_basic *b);

#endif
