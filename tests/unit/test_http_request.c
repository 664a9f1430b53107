/* Requests as bytes: the same outcome however they are cut. Documents: RFC 9112, RFC 3986. */
#include "net/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAXIMUM 512 /* bytes of request line and headers */

struct outcome {
    enum http_feed feed;
    size_t used;
};

/* Feeds pieces of `step` bytes until something comes of it. */
static struct outcome feed(struct http_request *r, const char *bytes, size_t length, size_t step)
{
    struct outcome o = {HTTP_FEED_MORE, 0};
    while (o.used < length && o.feed == HTTP_FEED_MORE) {
        size_t piece = length - o.used < step ? length - o.used : step;
        size_t used = 0;
        o.feed = http_request_feed(r, bytes + o.used, piece, &used);
        assert_true(used <= piece);
        o.used += used;
    }
    return o;
}

/* `status` 0: a request for the handler, with that path and query. */
static void expect(const char *target, int status, const char *path, const char *query)
{
    for (size_t step = 1; step < 64; step++) {
        char bytes[MAXIMUM];
        struct http_request *r = http_request_new(MAXIMUM);
        int length = snprintf(bytes, sizeof bytes,
                              "GET %s HTTP/1.1\r\nHost: weir:10142\r\nAccept: \r\n\r\nGET", target);
        struct outcome o = feed(r, bytes, (size_t)length, step);
        if (o.feed != (status ? HTTP_FEED_REFUSED : HTTP_FEED_WHOLE) || r->status != status)
            fail_msg("%s: %d", target, r->status);
        if (!status) {
            assert_int_equal(o.used, length - 3);
            assert_string_equal(http_request_path(r), path);
            assert_string_equal(http_request_query(r), query);
            assert_string_equal(http_request_header(r, "host"), "weir:10142");
            assert_string_equal(http_request_header(r, "accept"), "");
            assert_null(http_request_header(r, "authorization"));
            assert_null(http_request_header(r, "transfer-encoding"));
            assert_null(http_request_header(r, "cookie"));
        }
        http_request_free(r);
    }
}

static void test_targets(void **state)
{
    (void)state;
    expect("/", 0, "/", "");
    expect("/metrics?", 0, "/metrics", "");
    expect("/metrics?a=%zz?b", 0, "/metrics", "a=%zz?b");
    expect("/%6d%65trics", 0, "/metrics", "");
    expect("/a%3Fb?c", 0, "/a?b", "c");
    expect("/%25%41", 0, "/%A", "");
    expect("//a/../b", 0, "//a/../b", "");
    expect("/%ff", 0, "/\xff", "");
    expect("http://host:1/a%20b?c", 0, "/a b", "c");
    expect("HTTPS://host", 0, "/", "");
    expect("http://host?x", 0, "/", "x");
    expect("http://host/", 0, "/", "");
}

static void test_refused_targets(void **state)
{
    (void)state;
    expect("*", 400, NULL, NULL);
    expect("/%", 400, NULL, NULL);
    expect("/%4", 400, NULL, NULL);
    expect("/%4g", 400, NULL, NULL);
    expect("/%-1", 400, NULL, NULL);
    expect("/%00", 400, NULL, NULL);
    expect("/%4?1", 400, NULL, NULL);
    expect("/a#b", 400, NULL, NULL);
    expect("/\x80", 400, NULL, NULL);
    expect("/\x7f", 400, NULL, NULL);
    expect("ftp://host/", 400, NULL, NULL);
    expect("http:///a", 400, NULL, NULL);
    expect("metrics", 400, NULL, NULL);
}

static int refusal(const char *bytes, size_t step)
{
    struct http_request *r = http_request_new(MAXIMUM);
    enum http_feed came = feed(r, bytes, strlen(bytes), step).feed;
    int status = r->status;
    assert_true((status != 0) == (came == HTTP_FEED_REFUSED));
    if (status)
        assert_true(strlen(http_request_sentence(r)) > 10);
    http_request_free(r);
    return came == HTTP_FEED_MORE ? -1 : status;
}

static void test_what_is_asked(void **state)
{
    static const struct {
        const char *bytes;
        int status; /* 0: whole, -1: more wanted */
    } cases[] = {
        {"", -1},
        {"GET / HTTP/1.1\r\nHost: a\r\n", -1},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: %s%n\r\n\r\n", 0},
        {"\r\n\r\nHEAD / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: [::1]:10142\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/3.0\r\n", 505},
        {"GET / HTTP/1.10\r\n", 400},
        {"GET / HTTP/x\r\n", 400},
        {"GET / FTP/1.1\r\n", 400},
        {"get / HTTP/1.1\r\n", 405},
        {"GETX / HTTP/1.1\r\n", 405},
        {"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"(GET) / HTTP/1.1\r\n", 400},
        {"\x16\x03\x01", 400},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t step = 1; step < 100; step++)
            if (refusal(cases[i].bytes, step) != cases[i].status)
                fail_msg("%s, by %zu: %d", cases[i].bytes, step, refusal(cases[i].bytes, step));
}

static void test_length(void **state)
{
    char bytes[MAXIMUM + 2];
    (void)state;
    for (size_t length = MAXIMUM - 1; length <= MAXIMUM + 1; length++) {
        for (size_t step = 1; step <= MAXIMUM + 1; step += 51) {
            /* The kept value is as long as it can be. */
            memset(bytes, 'x', length);
            memcpy(bytes, "GET / HTTP/1.0\r\nAccept: ", 24);
            memcpy(bytes + length - 4, "\r\n\r\n", 5);
            assert_int_equal(refusal(bytes, step), length > MAXIMUM ? 431 : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_refused_targets),
        cmocka_unit_test(test_what_is_asked),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
