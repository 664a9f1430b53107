/* Requests as bytes: the same outcome however they are cut, and no shape that two readers could
 * take for different requests. Documents: RFC 9112, RFC 9110, RFC 3986. */
#include "net/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAXIMUM        512 /* bytes of request line, headers and what frames the body */
#define MAXIMUM_TARGET 64
#define MAXIMUM_BODY   16
#define MORE           (-1) /* in place of a status: not whole yet */

static const struct http_server_limits limits = {
    .max_header_bytes = MAXIMUM,
    .max_target_bytes = MAXIMUM_TARGET,
    .max_body_bytes = MAXIMUM_BODY,
};

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
        struct http_request *r = http_request_new(&limits, false);
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

/* 0: whole, with nothing of what follows it; or MORE, or the status of a refusal. */
static int outcome(const char *bytes, size_t length, size_t step)
{
    struct http_request *r = http_request_new(&limits, false);
    struct outcome o = feed(r, bytes, length, step);
    int status = r->status;
    assert_true((status != 0) == (o.feed == HTTP_FEED_REFUSED));
    if (!status)
        assert_int_equal(o.used, length);
    if (status) {
        assert_true(strlen(http_request_sentence(r)) > 10);
        assert_false(http_request_in_body(r));
    }
    http_request_free(r);
    return o.feed == HTTP_FEED_MORE ? MORE : status;
}

static void expect_status(const char *bytes, size_t length, int status)
{
    for (size_t step = 1; step < 100; step++)
        if (outcome(bytes, length, step) != status)
            fail_msg("%s, by %zu: %d", bytes, step, outcome(bytes, length, step));
}

struct named_case {
    const char *bytes;
    int status;
};

#define EXPECT_ALL(cases)                                           \
    for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++) \
    expect_status((cases)[i].bytes, strlen((cases)[i].bytes), (cases)[i].status)

static void test_request_lines(void **state)
{
    static const struct named_case cases[] = {
        {"", MORE},
        {"GET / HTTP/1.1\r\nHost: a\r\n", MORE},
        {"\r\n\r\nHEAD / HTTP/1.0\r\n\r\n", 0},
        {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        {"PUT / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/3.0\r\n", 505},
        {"GET / HTTP/1.10\r\n", 400},
        {"GET / HTTP/11\r\n", 400},
        {"GET / HTTP/x\r\n", 400},
        {"GET / http/1.1\r\n", 400},
        {"GET / FTP/1.1\r\n", 400},
        {"GET / RTSP/1.0\r\n\r\n", 400},
        {"GET /\r\n", 400},
        {"GET /\r\nHost: a\r\n\r\n", 400},
        {"GET / \r\n", 400},
        {"GET\r\n", 400},
        {"GET  / HTTP/1.1\r\n", 400},
        {"GET /  HTTP/1.1\r\n", 400},
        {"GET / HTTP/1.1 \r\n", 400},
        {"GET\t/ HTTP/1.1\r\n", 400},
        {" GET / HTTP/1.1\r\n", 400},
        {"get / HTTP/1.1\r\n", 405},
        {"GETX / HTTP/1.1\r\n", 405},
        {"GE / HTTP/1.1\r\n", 405},
        {"HEADHEADHEAD / HTTP/1.1\r\n", 405},
        {"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"DELETE / HTTP/1.1\r\n", 405},
        {"OPTIONS * HTTP/1.1\r\n", 405},
        {"CONNECT a:80 HTTP/1.1\r\n", 405},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405},
        {"(GET) / HTTP/1.1\r\n", 400},
        {"GET: / HTTP/1.1\r\n", 400},
        {"\x16\x03\x01", 400},
    };
    (void)state;
    EXPECT_ALL(cases);
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

static void test_line_ends(void **state)
{
    static const struct named_case cases[] = {
        {"GET / HTTP/1.1\nHost: a\n\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\n", 400},
        {GET "\n", 400},
        {"\nGET / HTTP/1.1\r\n", 400},
        {"\rGET / HTTP/1.1\r\n", 400},
        {"GET / HTTP/1.1\rHost: a\r\r", 400},
        {GET "X: a\rb\r\n\r\n", 400},
        {GET "X: a\r\r\n\r\n", 400},
        {GET "\rX", 400},
        {GET "X: a\r\n b\r\n\r\n", 400},
        {GET "X: a\r\n\tb\r\n\r\n", 400},
        {GET "X:\r\n b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", 400},
    };
    (void)state;
    EXPECT_ALL(cases);
}

static void test_headers(void **state)
{
    static const struct named_case cases[] = {
        {GET "X: %s%n\r\n\r\n", 0},
        {GET "X:\r\n\r\n", 0},
        {GET "X: \xe9\t\xff\r\n\r\n", 0},
        {GET "!#$%&'*+-.^_`|~1aZ: \r\n\r\n", 0},
        {GET "X : a\r\n\r\n", 400},
        {GET "X\t: a\r\n\r\n", 400},
        {GET ": a\r\n\r\n", 400},
        {GET "X\r\n\r\n", 400},
        {GET "X(: a\r\n\r\n", 400},
        {GET "\xe9: a\r\n\r\n", 400},
        {GET "X: \x01\r\n\r\n", 400},
        {GET "X: a\x0b\r\n\r\n", 400},
        {GET "X: a\x7f\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: [::1]:10142\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a@b\r\n\r\n", 400},
        {GET "host: a\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", 400},
        {"GET http://a/ HTTP/1.1\r\n\r\n", 400},
        {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 0},
    };
    (void)state;
    EXPECT_ALL(cases);
}

/* A NUL may stand nowhere in a head. */
static void test_nul(void **state)
{
    char bytes[] = GET "X: ab\r\n\r\n";
    size_t length = sizeof bytes - 1;
    (void)state;
    for (size_t i = 0; i < length; i++) {
        char kept = bytes[i];
        bytes[i] = '\0';
        assert_int_equal(outcome(bytes, length, 1), 400);
        assert_int_equal(outcome(bytes, length, length), 400);
        bytes[i] = kept;
    }
    assert_int_equal(outcome(bytes, length, 1), 0);
}

#define POST    "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static void test_lengths(void **state)
{
    static const struct named_case cases[] = {
        {POST "Content-Length: 4\r\n\r\nbody", 0},
        {POST "Content-Length: 4\r\n\r\nbod", MORE},
        {POST "Content-Length:00004 \r\n\r\nbody", 0},
        {POST "Content-Length: 16\r\n\r\n0123456789abcdef", 0},
        {POST "Content-Length: 17\r\n\r\n", 413},
        {POST "Content-Length: 18446744073709551615\r\n\r\n", 413},
        {POST "Content-Length: 18446744073709551616\r\n\r\n", 400},
        {POST "Content-Length: +4\r\n\r\nbody", 400},
        {POST "Content-Length: -4\r\n\r\nbody", 400},
        {POST "Content-Length: 0x4\r\n\r\nbody", 400},
        {POST "Content-Length: 4.0\r\n\r\nbody", 400},
        {POST "Content-Length: 1 2\r\n\r\nbody", 400},
        {POST "Content-Length:\r\n\r\nbody", 400},
        {POST "Content-Length: \r\n\r\nbody", 400},
        {POST "Content-Length: 4, 4\r\n\r\nbody", 400},
        {POST "Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody", 400},
        {POST "Content-Length: 4\r\ncontent-length: 5\r\n\r\nbody", 400},
        {POST "Content-Length : 4\r\n\r\nbody", 400},
        {POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nbody", 400},
        {POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nbody", 400},
        {GET "Content-Length: 0\r\n\r\n", 0},
        {GET "Content-Length: 1\r\n\r\n1", 400},
        {GET "Content-Length: 18446744073709551616\r\n\r\n", 400},
        {"HEAD / HTTP/1.0\r\nContent-Length: 1\r\n\r\n1", 400},
    };
    (void)state;
    EXPECT_ALL(cases);
}

static void test_encodings(void **state)
{
    static const struct named_case cases[] = {
        {POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
        {POST "TRANSFER-ENCODING:CHUNKED \r\n\r\n0\r\n\r\n", 0},
        {POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n0\r\n\r\n",
         400},
        {POST "Transfer-Encoding: identity\r\n\r\n", 400},
        {POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked\t\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 400},
        {POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {GET "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {GET "Transfer-Encoding: identity\r\n\r\n", 400},
    };
    (void)state;
    EXPECT_ALL(cases);
}

static void test_chunks(void **state)
{
    static const struct named_case cases[] = {
        {CHUNKED "4\r\nbody\r\n0\r\n\r\n", 0},
        {CHUNKED "4\r\nbody\r\n0\r\n", MORE},
        {CHUNKED "A\r\n0123456789\r\n006\r\nabcdef\r\n00\r\n\r\n", 0},
        {CHUNKED "10\r\n0123456789abcdef\r\n1\r\n", 413},
        {CHUNKED "11\r\n", 413},
        {CHUNKED "ffffffffffffffff\r\n", 413},
        {CHUNKED "10000000000000000\r\n", 400},
        {CHUNKED " 4\r\nbody\r\n", 400},
        {CHUNKED "4 \r\nbody\r\n", 400},
        {CHUNKED "4x\r\nbody\r\n", 400},
        {CHUNKED "0x4\r\nbody\r\n", 400},
        {CHUNKED "+4\r\nbody\r\n", 400},
        {CHUNKED "-4\r\nbody\r\n", 400},
        {CHUNKED "\r\nbody\r\n", 400},
        {CHUNKED "4\nbody\r\n", 400},
        {CHUNKED "4\rbody\r\n", 400},
        {CHUNKED "4\r\nbody\n0\r\n\r\n", 400},
        {CHUNKED "4\r\nbodyx\r\n0\r\n\r\n", 400},
        {CHUNKED "5\r\nbody\r\n0\r\n\r\n", 400},
        {CHUNKED "4;a;b=c;d=\"e;\\\"f\"\r\nbody\r\n0;g\r\n\r\n", 0},
        {CHUNKED "4;\r\nbody\r\n", 400},
        {CHUNKED "4;=a\r\nbody\r\n", 400},
        {CHUNKED "4;a=\r\nbody\r\n", 400},
        {CHUNKED "4;a=b\"c\"\r\nbody\r\n", 400},
        {CHUNKED "4;a=\"b\"c\r\nbody\r\n", 400},
        {CHUNKED "4;a=\"b\r\nbody\r\n", 400},
        {CHUNKED "4;a=\"\x7f\"\r\nbody\r\n", 400},
        {CHUNKED "4;a=\"\\\x7f\"\r\nbody\r\n", 400},
        {CHUNKED "4;a=\"\n\"\r\nbody\r\n", 400},
        {CHUNKED "4;a\nbody\r\n", 400},
        {CHUNKED "0\r\nA: b\r\nHost: c\r\nExpect: d\r\n\r\n", 0},
        {CHUNKED "0\r\nA: b\n\r\n", 400},
        {CHUNKED "0\r\n\n", 400},
        {CHUNKED "0\r\n A: b\r\n\r\n", 400},
        {CHUNKED "0\r\nA : b\r\n\r\n", 400},
        {CHUNKED "0\r\nContent-Length: 4\r\n\r\n", 400},
        {CHUNKED "0\r\nContent-Length:\r\n\r\n", 400},
        {CHUNKED "0\r\nTransfer-Encoding:\r\n\r\n", 400},
        {CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    };
    (void)state;
    EXPECT_ALL(cases);
}

static void test_expectations(void **state)
{
    static const struct named_case cases[] = {
        {POST "Expect: 100-Continue\r\n\r\n", 0},
        {POST "Expect:\r\n\r\n", 0},
        {POST "Expect: 100-continued\r\n\r\n", 417},
        {POST "Expect: 100\r\n\r\n", 417},
        {POST "Expect: 100-continue\r\nExpect: x\r\n\r\n", 417},
        {GET "Expect: x\r\n\r\n", 417},
        {"POST / HTTP/1.0\r\nExpect: x\r\n\r\n", 0},
    };
    (void)state;
    EXPECT_ALL(cases);
}

/* Is the interim answer wanted once its head has come, and then no more? */
static bool continues(const char *head, bool in_body)
{
    struct http_request *r = http_request_new(&limits, false);
    for (size_t i = 0; i < strlen(head); i++) {
        size_t used = 0;
        assert_false(http_request_in_body(r) || http_request_wants_continue(r));
        http_request_feed(r, head + i, 1, &used);
    }
    assert_int_equal(http_request_in_body(r), in_body);
    bool wants = http_request_wants_continue(r);
    assert_false(http_request_wants_continue(r));
    assert_int_equal(http_request_in_body(r), in_body);
    http_request_free(r);
    return wants;
}

static void test_continue(void **state)
{
    (void)state;
    assert_true(continues(POST "Content-Length: 4\r\nexpect: 100-CONTINUE\r\n\r\n", true));
    assert_true(continues(POST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", true));
    assert_false(continues(POST "Content-Length: 4\r\n\r\n", true));
    assert_false(continues(POST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", false));
    assert_false(continues(POST "Expect: 100-continue\r\n\r\n", false));
    assert_false(continues(GET "Expect: 100-continue\r\n\r\n", false));
    assert_false(continues(POST "Expect: 100-continue\r\nContent-Length: 17\r\n\r\n", false));
    assert_false(
        continues("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", true));
}

/* In the body from the end of the headers to its last byte. */
static void test_in_body(void **state)
{
    static const char bytes[] = CHUNKED "4\r\nbody\r\n0\r\nA: b\r\n\r\n";
    struct http_request *r = http_request_new(&limits, true);
    enum http_feed came = HTTP_FEED_MORE;
    (void)state;
    assert_true(http_request_is_local(r));
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        size_t used = 0;
        assert_int_equal(came, HTTP_FEED_MORE);
        assert_int_equal(http_request_in_body(r), i >= sizeof CHUNKED - 1);
        came = http_request_feed(r, bytes + i, 1, &used);
        assert_int_equal(used, 1);
    }
    assert_int_equal(came, HTTP_FEED_WHOLE);
    assert_false(http_request_in_body(r));
    assert_string_equal(http_request_method(r), "POST");
    http_request_free(r);
}

/* One after the other, by their own ends. */
static void test_pipeline(void **state)
{
    static const struct {
        const char *bytes;
        const char *method;
        bool keep_alive;
    } cases[] = {
        {GET "\r\n", "GET", true},
        {GET "Connection: ,keep-alive ,\tclose\t\r\n\r\n", "GET", false},
        {GET "Connection: closed, close x\r\n\r\n", "GET", true},
        {"\r\nHEAD / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "HEAD", false},
        {POST "Content-Length: 4\r\n\r\nGET ", "POST", true},
        {"PUT / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n\r\n", "PUT", true},
        {CHUNKED "4\r\n0\r\n\r\r\n0\r\nConnection: close\r\n\r\n", "POST", true},
        {POST "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", "POST", true},
        {"GET / HTTP/1.0\r\n\r\n", "GET", false},
    };
    char stream[2048] = "";
    size_t length = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        length += (size_t)snprintf(stream + length, sizeof stream - length, "%s", cases[i].bytes);
    for (size_t step = 1; step < length; step++) {
        size_t at = 0;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct http_request *r = http_request_new(&limits, false);
            struct outcome o = feed(r, stream + at, length - at, step);
            assert_int_equal(o.feed, HTTP_FEED_WHOLE);
            assert_int_equal(o.used, strlen(cases[i].bytes));
            assert_string_equal(http_request_method(r), cases[i].method);
            assert_int_equal(http_request_is_head(r), strcmp(cases[i].method, "HEAD") == 0);
            assert_int_equal(r->keep_alive, cases[i].keep_alive);
            assert_false(http_request_is_local(r));
            at += o.used;
            http_request_free(r);
        }
        assert_int_equal(at, length);
    }
}

static void test_refusal_headers(void **state)
{
    static const struct {
        const char *bytes;
        const char *headers;
    } cases[] = {{"DELETE / HTTP/1.1\r\n", "Allow: GET, HEAD\r\n"}, {"GET / HTTP/2.0\r\n", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request *r = http_request_new(&limits, false);
        assert_int_equal(feed(r, cases[i].bytes, strlen(cases[i].bytes), 99).feed,
                         HTTP_FEED_REFUSED);
        if (cases[i].headers)
            assert_string_equal(http_request_refusal_headers(r), cases[i].headers);
        else
            assert_null(http_request_refusal_headers(r));
        assert_false(http_request_is_head(r));
        http_request_free(r);
    }
}

/* Limits: `head` and `tail` around as many `x` as make `length` bytes of framing. */

static int sized(const char *head, const char *tail, size_t length, size_t step)
{
    char bytes[MAXIMUM + 64];
    size_t before = strlen(head);
    size_t after = strlen(tail);
    memset(bytes, 'x', length);
    memcpy(bytes, head, before);
    memcpy(bytes + length - after, tail, after);
    return outcome(bytes, length, step);
}

static void expect_limit(const char *head, const char *tail, size_t most, int status)
{
    for (size_t step = 1; step <= most + 1; step += 17) {
        assert_int_equal(sized(head, tail, most - 1, step), 0);
        assert_int_equal(sized(head, tail, most, step), 0);
        assert_int_equal(sized(head, tail, most + 1, step), status);
    }
}

static void test_length(void **state)
{
    (void)state;
    /* The kept value is as long as it can be. */
    expect_limit("GET / HTTP/1.0\r\nAccept: ", "\r\n\r\n", MAXIMUM, 431);
    expect_limit("GET / HTTP/1.0\r\n", ":\r\n\r\n", MAXIMUM, 431);
    expect_limit("GET /", " HTTP/1.0\r\n\r\n", 4 + MAXIMUM_TARGET + 13, 414);
    expect_limit(CHUNKED "0;", "\r\n\r\n", MAXIMUM, 431);
    expect_limit(CHUNKED "0;x=\"", "\"\r\n\r\n", MAXIMUM, 431);
    expect_limit(CHUNKED "0\r\nA: ", "\r\n\r\n", MAXIMUM, 431);
    /* Bytes of the body are counted apart. */
    expect_limit(CHUNKED "4\r\nbody\r\n0;", "\r\n\r\n", MAXIMUM + 4, 431);
    expect_limit("POST / HTTP/1.0\r\nContent-Length: 4\r\nA: ", "\r\n\r\nbody", MAXIMUM + 4, 431);
}

/* What never ends is refused all the same. */
static void test_endless(void **state)
{
    static const struct {
        const char *head;
        const char *more;
        int status;
    } cases[] = {
        {"", "\r\n", 431},
        {"", "a", 431},
        {"GET /", "a", 414},
        {GET, "A: b\r\n", 431},
        {CHUNKED, "1\r\nx\r\n", 413},
        {CHUNKED, "0", 431},
        {CHUNKED "0\r\n", "A: b\r\n", 431},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[2 * MAXIMUM];
        size_t length = strlen(cases[i].head);
        memcpy(bytes, cases[i].head, length);
        for (size_t piece = strlen(cases[i].more); length + piece <= sizeof bytes; length += piece)
            memcpy(bytes + length, cases[i].more, piece);
        for (size_t step = 1; step <= length; step += 101)
            assert_int_equal(outcome(bytes, length, step), cases[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),       cmocka_unit_test(test_refused_targets),
        cmocka_unit_test(test_request_lines), cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_headers),       cmocka_unit_test(test_nul),
        cmocka_unit_test(test_lengths),       cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_chunks),        cmocka_unit_test(test_expectations),
        cmocka_unit_test(test_continue),      cmocka_unit_test(test_in_body),
        cmocka_unit_test(test_pipeline),      cmocka_unit_test(test_refusal_headers),
        cmocka_unit_test(test_length),        cmocka_unit_test(test_endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
