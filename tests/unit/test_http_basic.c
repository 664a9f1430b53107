/* Tests net/http_basic. Documents: RFC 7617 section 2 (and its examples), RFC 9110 section 11.4,
 * RFC 4648 sections 3.2, 3.3, 3.5 and 4. */
#include "net/http_basic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(const char *value, const char *user, const char *password)
{
    struct http_basic b = {0};
    assert_int_equal(http_basic_parse(value, &b), 0);
    assert_int_equal(b.user_length, strlen(user));
    assert_string_equal(b.user, user);
    assert_int_equal(b.password_length, strlen(password));
    assert_string_equal(b.password, password);
    http_basic_done(&b);
    assert_null(b.user);
    assert_null(b.password);
}

static void test_examples(void **state)
{
    (void)state;
    expect("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame");
    expect("Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3");
    expect("basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3");   /* the scheme is case-insensitive */
    expect("BASIC   dGVzdDoxMjPCow==", "test", "123\xc2\xa3"); /* 1*SP */
    expect("Basic Og==", "", "");
    expect("Basic dTo=", "u", "");
    expect("Basic OnA=", "", "p");
    expect("Basic YTpiOmM=", "a", "b:c");         /* the first colon divides */
    expect("Basic Pj8+Pj86Pj8/", ">?>>?", ">??"); /* + and / */
}

static void test_refused(void **state)
{
    static const char *const values[] = {
        "",
        "Basic",
        "Basic ",
        "Basic    ",
        "Basic\tQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basi QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",    /* padding must be there */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=",   /* all of it */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ===", /* and no more */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ======",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== x",
        "Basic QWxhZGRpbjpvcGVuI HNlc2FtZQ==",
        "Basic QWxh=GRpbjpvcGVuIHNlc2FtZQ==",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", /* left-over bits */
        "Basic Pj8-Pj86Pj8_",                 /* the alphabet for file names */
        "Basic QWxhZGRpbg==",                 /* no colon */
        "Basic ====",
        "Basic =",
        "Basic Og\x80=",
        "Basic username=\"a\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct http_basic b = {0};
        if (http_basic_parse(values[i], &b) != -EINVAL)
            fail_msg("taken: %s", values[i]);
        assert_null(b.user); /* written on success only */
        http_basic_done(&b);
    }
}

/* RFC 4648 section 4, bit by bit. */
static void encode(const uint8_t *bytes, size_t length, char *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bits = length * 8;
    for (size_t at = 0; at < bits; at += 6) {
        unsigned value = 0;
        for (size_t i = at; i < at + 6; i++)
            value = value * 2 + (i < bits ? bytes[i / 8] >> (7 - i % 8) & 1U : 0);
        *ret++ = digits[value];
    }
    for (size_t i = 0; i < (3 - length % 3) % 3; i++)
        *ret++ = '=';
    *ret = '\0';
}

static void test_every_byte_and_length(void **state)
{
    uint8_t bytes[256];
    char value[512] = "Basic ";
    (void)state;
    for (size_t length = 1; length <= sizeof bytes; length++) {
        struct http_basic b = {0};
        size_t colon = length / 2;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)(255 - i == ':' ? ';' : 255 - i);
        bytes[colon] = ':';
        encode(bytes, length, value + strlen("Basic "));
        assert_int_equal(http_basic_parse(value, &b), 0);
        assert_int_equal(b.user_length, colon);
        assert_int_equal(b.password_length, length - colon - 1);
        assert_memory_equal(b.user, bytes, colon);
        assert_memory_equal(b.password, bytes + colon + 1, length - colon - 1);
        assert_int_equal(b.user[b.user_length], 0);
        assert_int_equal(b.password[b.password_length], 0);
        http_basic_done(&b);
    }
}

static void test_nul_is_kept(void **state)
{
    struct http_basic b = {0};
    char value[64] = "Basic ";
    (void)state;
    encode((const uint8_t *)"a\0b:c\0d", 7, value + strlen("Basic "));
    assert_int_equal(http_basic_parse(value, &b), 0);
    assert_int_equal(b.user_length, 3);
    assert_memory_equal(b.user, "a\0b", 4);
    assert_int_equal(b.password_length, 3);
    assert_memory_equal(b.password, "c\0d", 4);
    http_basic_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_byte_and_length),
        cmocka_unit_test(test_nul_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
