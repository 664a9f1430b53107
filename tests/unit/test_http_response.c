/* Tests net/http_response and net/http_body: each way to frame a body, cut at every byte, each way
 * to be wrong, and streams. From RFC 9112 and net/http_get.h. */
#include "net/http_response.h"

#include "net/http_get.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT 4096 /* bytes of a body, unless the case is about it */

struct lines {
    unsigned heads;
    char text[512]; /* the lines, each followed by '|' */
    struct http_response *stop_in;
};

static void nobody_is_called(void *context, const struct http_result *result)
{
    (void)context;
    (void)result;
    fail();
}

static void on_line(void *context, const char *line, size_t length)
{
    struct lines *l = context;
    if (!line) {
        l->heads++;
        return;
    }
    assert_int_equal(strlen(line), length);
    assert_int_equal(l->heads, 1);
    size_t used = strlen(l->text);
    (void)snprintf(l->text + used, sizeof l->text - used, "%s|", line);
    if (l->stop_in)
        l->stop_in->body.stopped = true;
}

static struct http_get_options options_for(struct lines *lines, size_t max_body_bytes)
{
    return (struct http_get_options){.path = "/",
                                     .timeout_ms = 1,
                                     .max_body_bytes = max_body_bytes,
                                     .on_done = nobody_is_called,
                                     .on_line = lines ? on_line : NULL,
                                     .context = lines};
}

/* Feeds `text` in pieces that end at `first`, `second` and the end; each piece is a copy of its own
 * size, so that a sanitizer sees a read past it. */
static int feed(struct http_response *r, const char *text, size_t first, size_t second)
{
    size_t ends[] = {first, second, strlen(text)};
    size_t at = 0;
    int result = 0;
    for (size_t i = 0; i < 3 && result == 0; i++) {
        size_t length = ends[i] - at;
        if (length == 0)
            continue;
        char *piece = malloc(length);
        assert_non_null(piece);
        memcpy(piece, text + at, length);
        result = http_response_feed(r, piece, length);
        free(piece);
        at = ends[i];
    }
    return result;
}

static const char *body_of(const struct http_response *r)
{
    return r->body.bytes.data ? r->body.bytes.data : "";
}

struct framing {
    const char *text;
    const char *body;
    int status;
    bool until_eof;
    bool keep_alive;
};

static const struct framing framings[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nApi-Version: 1.41\r\n\r\n{\"a\":\"b\"}\r\n",
     "{\"a\":\"b\"}\r\n", 200, false, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
     "hello, world", 200, false, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\nEnd: 1\r\n\r\n",
     "abc", 200, false, true},
    {"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end", "until the end", 200, true,
     false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, false, true},
    {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "", 304, false, true},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok", 200, false,
     false},
    {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 15\r\n\r\n{\"message\":\"x\"}",
     "{\"message\":\"x\"}", 500, false, true},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 "
     "OK\r\nContent-Length: 1\r\n\r\nx",
     "x", 200, false, true},
};
#define FRAMINGS (sizeof framings / sizeof framings[0])

static void every_framing_cut_at_every_pair_of_bytes(void **state)
{
    struct http_response r = {0};
    struct http_get_options options = options_for(NULL, LIMIT);
    for (size_t f = 0; f < FRAMINGS; f++) {
        size_t length = strlen(framings[f].text);
        for (size_t first = 0; first <= length; first++)
            for (size_t second = first; second <= length; second++) {
                http_response_begin(&r, &options); /* the same parser all the time */
                int result = feed(&r, framings[f].text, first, second);
                assert_int_equal(result, framings[f].until_eof ? 0 : 1);
                if (framings[f].until_eof)
                    assert_int_equal(http_response_finish(&r), 1);
                assert_string_equal(body_of(&r), framings[f].body);
                assert_int_equal(r.status, framings[f].status);
                assert_int_equal(r.keep_alive, framings[f].keep_alive);
            }
    }
    http_response_done(&r);
    (void)state;
}

static void every_framing_ended_early_at_every_byte(void **state)
{
    struct http_response r = {0};
    struct http_get_options options = options_for(NULL, LIMIT);
    for (size_t f = 0; f < FRAMINGS; f++) {
        const char *text = framings[f].text;
        const char *head_end = strstr(text, "\r\n\r\n");
        size_t whole = framings[f].until_eof ? (size_t)(head_end - text) + 4 : strlen(text);
        for (size_t length = 0; length < whole; length++) {
            char *piece = strndup(text, length);
            assert_non_null(piece);
            http_response_begin(&r, &options);
            assert_int_equal(feed(&r, piece, 0, length), 0);
            assert_int_equal(http_response_finish(&r), -ENODATA);
            free(piece);
        }
    }
    http_response_done(&r);
    (void)state;
}

static void bytes_after_the_answer_end_the_connection(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nx",
        "HTTP/1.1 204 No Content\r\n\r\nx",
    };
    struct http_response r = {0};
    struct http_get_options options = options_for(NULL, LIMIT);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        http_response_begin(&r, &options);
        assert_int_equal(feed(&r, answers[i], 0, 0), 1);
        assert_false(r.keep_alive);
        assert_true(strcmp(body_of(&r), "ok") == 0 || r.status == 204);
    }
    http_response_done(&r);
    (void)state;
}

static void what_is_not_http_is_malformed(void **state)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\x15\x03\x01\x00\x02\x02\x46",
        "{\"message\":\"no head\"}",
        "GET / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: tcp\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    };
    struct http_response r = {0};
    struct http_get_options options = options_for(NULL, LIMIT);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        http_response_begin(&r, &options);
        assert_int_equal(feed(&r, answers[i], 0, 0), -EBADMSG);
        assert_true(strlen(http_response_problem(&r)) > 0);
    }
    http_response_done(&r);
    (void)state;
}

static void a_body_may_have_the_limit_and_no_byte_more(void **state)
{
    struct http_response r = {0};
    struct http_get_options options = options_for(NULL, 5);
    http_response_begin(&r, &options);
    assert_int_equal(feed(&r, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", 0, 0), 1);
    http_response_begin(&r, &options); /* announced: refused before it comes */
    assert_int_equal(feed(&r, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", 0, 0), -EMSGSIZE);
    http_response_begin(&r, &options);
    const char *chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n2\r\n56\r\n";
    assert_int_equal(feed(&r, chunked, 0, 0), -EMSGSIZE);
    http_response_begin(&r, &options);
    assert_int_equal(feed(&r, "HTTP/1.0 200 OK\r\n\r\n123456", 0, 0), -EMSGSIZE);
    http_response_done(&r);
    (void)state;
}

static void an_endless_head_is_refused(void **state)
{
    struct http_response r = {0};
    struct http_get_options options = options_for(NULL, LIMIT);
    http_response_begin(&r, &options);
    int result = feed(&r, "HTTP/1.1 200 OK\r\n", 0, 0);
    size_t sent = 0;
    const char *line = "a: \r\n";
    while (result == 0 && sent < 16 * HTTP_HEAD_BYTES_MAX) {
        result = feed(&r, line, 0, 0);
        sent += strlen(line);
    }
    assert_int_equal(result, -E2BIG);
    http_response_begin(&r, &options); /* interim answers without an end are no way around it */
    result = 0;
    for (sent = 0; result == 0 && sent < 16 * HTTP_HEAD_BYTES_MAX; sent += 25)
        result = feed(&r, "HTTP/1.1 100\r\n\r\n", 0, 0);
    assert_int_equal(result, -E2BIG);
    http_response_done(&r);
    (void)state;
}

static void a_stream_gives_lines_however_it_is_cut(void **state)
{
    const char *text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "6\r\n{\"a\":1\r\n4\r\n}\n\n{\r\n3\r\n}\nx\r\n0\r\n\r\n";
    struct http_response r = {0};
    size_t length = strlen(text);
    for (size_t first = 0; first <= length; first++)
        for (size_t second = first; second <= length; second++) {
            struct lines lines = {0};
            struct http_get_options options = options_for(&lines, LIMIT);
            http_response_begin(&r, &options);
            assert_int_equal(feed(&r, text, first, second), 1);
            assert_string_equal(lines.text, "{\"a\":1}||{}|x|");
        }
    http_response_done(&r);
    (void)state;
}

static void a_torn_line_is_not_given_out(void **state)
{
    struct http_response r = {0};
    struct lines lines = {0};
    struct http_get_options options = options_for(&lines, LIMIT);
    http_response_begin(&r, &options);
    const char *text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\none\ntw\r\n";
    assert_int_equal(feed(&r, text, 0, 0), 0);
    assert_int_equal(http_response_finish(&r), -ENODATA);
    assert_string_equal(lines.text, "one|");
    http_response_done(&r);
    (void)state;
}

static void a_line_has_a_limit_and_a_stream_none(void **state)
{
    struct http_response r = {0};
    struct lines lines = {0};
    struct http_get_options options = options_for(&lines, 4);
    http_response_begin(&r, &options);
    assert_int_equal(
        feed(&r, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n1234\n1234\n1234\n", 0, 0), 0);
    assert_string_equal(lines.text, "1234|1234|1234|");
    assert_int_equal(feed(&r, "12345", 0, 0), -EMSGSIZE);
    http_response_done(&r);
    (void)state;
}

static void a_stream_with_an_error_status_is_gathered(void **state)
{
    struct http_response r = {0};
    struct lines lines = {0};
    struct http_get_options options = options_for(&lines, LIMIT);
    http_response_begin(&r, &options);
    assert_int_equal(feed(&r, "HTTP/1.1 400 Bad\r\nContent-Length: 4\r\n\r\na\nb\n", 0, 0), 1);
    assert_int_equal(lines.heads, 0);
    assert_string_equal(body_of(&r), "a\nb\n");
    http_response_done(&r);
    (void)state;
}

static void a_stopped_stream_gives_nothing_more(void **state)
{
    struct http_response r = {0};
    struct lines lines = {.stop_in = &r};
    struct http_get_options options = options_for(&lines, LIMIT);
    http_response_begin(&r, &options);
    assert_int_equal(feed(&r, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na\nb\nc\n", 0, 0),
                     -ECANCELED);
    assert_string_equal(lines.text, "a|");
    http_response_done(&r);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing_cut_at_every_pair_of_bytes),
        cmocka_unit_test(every_framing_ended_early_at_every_byte),
        cmocka_unit_test(bytes_after_the_answer_end_the_connection),
        cmocka_unit_test(what_is_not_http_is_malformed),
        cmocka_unit_test(a_body_may_have_the_limit_and_no_byte_more),
        cmocka_unit_test(an_endless_head_is_refused),
        cmocka_unit_test(a_stream_gives_lines_however_it_is_cut),
        cmocka_unit_test(a_torn_line_is_not_given_out),
        cmocka_unit_test(a_line_has_a_limit_and_a_stream_none),
        cmocka_unit_test(a_stream_with_an_error_status_is_gathered),
        cmocka_unit_test(a_stopped_stream_gives_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
