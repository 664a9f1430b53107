/* Hosts, targets and queries, from RFC 3986 and RFC 9110: what they decode to and what is no host,
 * no target or no parameter. */
#include "net/http_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_hosts(void **state)
{
    static const struct {
        const char *host;
        bool good;
    } cases[] = {
        {"", true},
        {"weir", true},
        {"weir.example:10142", true},
        {":80", true},
        {"weir:", true},
        {"127.0.0.1", true},
        {"a-b_c~d!$&'()*+;=e", true},
        {"a%41%c3%A9", true},
        {"[::]", true},
        {"[::1]:10142", true},
        {"[1:2:3:4:5:6:7:8]", true},
        {"[1:2:3:4:5:6:7::]", true},
        {"[fe80::1:127.0.0.1]", true},
        {"[FFFF:ffff:FFFF:ffff:FFFF:ffff:255.255.255.255]", true},
        {"[1:2:3:4:5:6:7:8:9]", false},
        {"[1::2::3]", false},
        {"[12345::]", false},
        {"[::1.2.3.256]", false},
        {"[fe80::1%25eth0]", false},
        {"[v1.a]", false},
        {"[127.0.0.1]", false},
        {"[weir]", false},
        {"[]", false},
        {"[", false},
        {"[::1", false},
        {"::1", false},
        {"[::1]x", false},
        {"a:8x", false},
        {"a:1:2", false},
        {"a,b", false},
        {"a b", false},
        {" a", false},
        {"a/b", false},
        {"a?b", false},
        {"a#b", false},
        {"u@a", false},
        {"a\\b", false},
        {"a\"b", false},
        {"a<b>", false},
        {"%4", false},
        {"%4g", false},
        {"a\x80", false},
        {"a\x7f", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (http_target_is_host(cases[i].host, strlen(cases[i].host)) != cases[i].good)
            fail_msg("%s", cases[i].host);
    assert_false(http_target_is_host("a\0b", 3));
}

/* The length given counts, not a NUL after it. */
static void test_host_in_target(void **state)
{
    (void)state;
    assert_true(http_target_is_host("a/b", 1));
    assert_true(http_target_is_host("[::1]/", 5));
    assert_false(http_target_is_host("[::1]/", 4));
    assert_true(http_target_is_host("%41", 3));
    assert_false(http_target_is_host("%41", 2));
}

static void split(const char *target, const char *path, const char *query)
{
    char text[64];
    size_t at = 0;
    snprintf(text, sizeof text, "%s", target);
    const char *wrong = http_target_split(text, &at);
    if (!path) {
        if (!wrong)
            fail_msg("%s: taken", target);
        return;
    }
    if (wrong)
        fail_msg("%s: %s", target, wrong);
    assert_string_equal(text, path);
    assert_string_equal(text + at, query);
}

static void test_targets(void **state)
{
    (void)state;
    split("/", "/", "");
    split("/a?b?c", "/a", "b?c");
    split("/%61%3f?%3f", "/a?", "%3f");
    split("http://weir:10142/metrics?x", "/metrics", "x");
    split("https://[::1]", "/", "");
    split("HtTp://weir?x", "/", "x");
    split("http://u@weir/", NULL, NULL);
    split("http://u:p@weir/", NULL, NULL);
    split("http://:80/", NULL, NULL);
    split("http:///", NULL, NULL);
    split("http://a,b/", NULL, NULL);
    split("http://a:x/", NULL, NULL);
    split("http:/a", NULL, NULL);
    split("*", NULL, NULL);
    split("weir:10142", NULL, NULL);
    split("/%0", NULL, NULL);
    split("/%00", NULL, NULL);
}

static struct http_parameter next(const char **query)
{
    struct http_parameter p = {.bad = true};
    assert_true(http_query_next(query, &p));
    return p;
}

static void expect(const char **query, const char *name, const char *value)
{
    struct http_parameter p = next(query);
    assert_string_equal(p.name, name);
    assert_string_equal(p.value, value);
    assert_false(p.bad);
}

static void expect_end(const char **query)
{
    struct http_parameter p = {.name = "untouched"};
    assert_false(http_query_next(query, &p));
    assert_false(http_query_next(query, &p));
    assert_string_equal(p.name, "untouched");
}

static void test_query(void **state)
{
    const char *query = "&a=b&&c&d=&=e&f=g=h+i&%6A+k%26=%3D%25%2b&name[]=x?/&";
    (void)state;
    expect(&query, "a", "b");
    expect(&query, "c", "");
    expect(&query, "d", "");
    expect(&query, "", "e");
    expect(&query, "f", "g=h i");
    expect(&query, "j k&", "=%+");
    expect(&query, "name[]", "x?/");
    expect_end(&query);
    query = "";
    expect_end(&query);
    query = "&&";
    expect_end(&query);
    query = "%ff=\xff";
    expect(&query, "\xff", "\xff");
}

static void test_bad_parameters(void **state)
{
    static const char *const pieces[] = {"%=a",  "%4=a",  "%4g=a", "%g4",   "a=%",    "a=%4",
                                         "a=b%", "a=%zz", "%00=a", "a=%00", "a=b%00c"};
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        char text[32];
        const char *query = text;
        /* What follows must not complete an escape, and comes out as it is. */
        snprintf(text, sizeof text, "%s&41=ok", pieces[i]);
        if (!next(&query).bad)
            fail_msg("%s", pieces[i]);
        expect(&query, "41", "ok");
        expect_end(&query);
    }
    const char *query = "ab%zz=c&d=ef%00g";
    struct http_parameter p = next(&query);
    assert_string_equal(p.name, "ab");
    assert_string_equal(p.value, "");
    p = next(&query);
    assert_string_equal(p.name, "d");
    assert_string_equal(p.value, "ef");
}

/* As long as there is room for, and one byte longer; an escape counts as the byte it stands for. */
static void test_long_parameters(void **state)
{
    enum { NAME = sizeof(((struct http_parameter *)NULL)->name) - 1 };
    enum { VALUE = sizeof(((struct http_parameter *)NULL)->value) - 1 };
    (void)state;
    for (int more = 0; more <= 1; more++) {
        char text[1024];
        const char *query = text;
        snprintf(text, sizeof text, "%%41%0*d=%%42%0*d&%0*d=a&b=%0*d&c", NAME - 1, 0, VALUE - 1, 0,
                 NAME + more, 0, VALUE + more, 0);
        struct http_parameter p = next(&query);
        assert_false(p.bad);
        assert_int_equal(strlen(p.name), NAME);
        assert_int_equal(strlen(p.value), VALUE);
        assert_int_equal(next(&query).bad, more);
        p = next(&query);
        assert_int_equal(p.bad, more);
        assert_int_equal(strlen(p.value), VALUE);
        expect(&query, "c", "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),          cmocka_unit_test(test_host_in_target),
        cmocka_unit_test(test_targets),        cmocka_unit_test(test_query),
        cmocka_unit_test(test_bad_parameters), cmocka_unit_test(test_long_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
