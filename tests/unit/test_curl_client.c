/* Tests net/curl_client: GET over TLS, against a real TLS server (tls_peer.py) with certificates
 * made for the run. From net/http_get.h, net/curl_client.h and docs/engine-client.md. */
#include "tls_fixture.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY    40 /* requests at once */
#define AT_ONCE 4  /* CROWD of tls_peer.py */

static void every_framing_arrives(void **state)
{
    static const char *const paths[] = {"/length", "/chunked", "/eof", "/interim", "/length"};
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, 2);
    struct got g = {0};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        tls_ask(&loop, client, paths[i], &g);
        assert_string_equal(g.text, "");
        assert_int_equal(g.status, 200);
        assert_string_equal(g.body, "body");
        assert_true(g.sent_ns > 0 && g.received_ns >= g.sent_ns);
    }
    got_clear(&g);
    loop_end(&loop, client);
    (void)state;
}

static void the_request_is_what_the_document_says(void **state)
{
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, 1);
    struct got g = {0};
    (void)unsetenv("no_proxy");
    (void)unsetenv("NO_PROXY");
    (void)setenv("https_proxy", "http://127.0.0.1:1", 1); /* is not asked */
    tls_ask(&loop, client, "/echo", &g);
    (void)unsetenv("https_proxy");
    char expected[256];
    (void)snprintf(expected, sizeof expected,
                   "GET /echo HTTP/1.1\r\nHost: localhost:%u\r\nUser-Agent: weir\r\nAccept: "
                   "application/json\r\n\r\n",
                   tls_port());
    assert_string_equal(g.body, expected);
    got_clear(&g);
    loop_end(&loop, client);
    (void)state;
}

static void any_status_is_an_answer_and_redirects_are_not_followed(void **state)
{
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, 1);
    struct got g = {0};
    tls_ask(&loop, client, "/500", &g);
    assert_int_equal(g.reason, REASON_NONE);
    assert_int_equal(g.status, 500);
    assert_string_equal(g.body, "{\"message\":\"x\"}");
    tls_ask(&loop, client, "/302", &g);
    assert_int_equal(g.reason, REASON_NONE);
    assert_int_equal(g.status, 302);
    assert_string_equal(g.body, "");
    got_clear(&g);
    loop_end(&loop, client);
    (void)state;
}

static unsigned number_at(uv_loop_t *loop, struct http_getter *client, const char *path)
{
    struct got g = {0};
    tls_ask(loop, client, path, &g);
    uint64_t number = 0;
    assert_int_equal(text_parse_u64(g.body, g.body_length, &number), 0);
    got_clear(&g);
    return (unsigned)number;
}

static void a_connection_is_used_again_and_a_stale_one_replaced(void **state)
{
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, 2);
    unsigned before = number_at(&loop, client, "/accepted");
    struct got g = {0};
    for (int i = 0; i < 10; i++)
        tls_ask(&loop, client, "/length", &g);
    assert_int_equal(number_at(&loop, client, "/accepted"), before);
    tls_ask(&loop, client, "/once", &g); /* refused there, because others came before */
    assert_string_equal(g.body, "body");
    assert_int_equal(number_at(&loop, client, "/accepted"), before + 1);
    got_clear(&g);
    loop_end(&loop, client);
    (void)state;
}

static void many_at_once_are_bounded(void **state)
{
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, AT_ONCE);
    unsigned accepted = number_at(&loop, client, "/accepted"); /* this connection too */
    static struct got g[MANY];
    for (size_t i = 0; i < MANY; i++)
        (void)got_get(client, "/crowd", &g[i]);
    for (size_t i = 0; i < MANY; i++) {
        loop_until(&loop, &g[i].done);
        assert_string_equal(g[i].body, "body");
        got_clear(&g[i]);
    }
    assert_int_equal(number_at(&loop, client, "/most"), AT_ONCE);
    assert_int_equal(number_at(&loop, client, "/accepted"), accepted + AT_ONCE - 1);
    loop_end(&loop, client);
    (void)state;
}

static void failures_have_reasons(void **state)
{
    static const struct {
        const char *path;
        enum reason reason;
        int status;
    } cases[] = {
        {"/hang", REASON_TIMEOUT, 0},          {"/empty", REASON_ENDED_EARLY, 0},
        {"/cut", REASON_ENDED_EARLY, 200},     {"/garbage", REASON_MALFORMED, 0},
        {"/bad-chunk", REASON_MALFORMED, 200}, {"/big", REASON_TOO_LARGE, 200},
        {"/big-head", REASON_TOO_LARGE, 0},    {"/cut-head", REASON_ENDED_EARLY, 0},
    };
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct got g = {0};
        struct http_exchange *x;
        uint64_t timeout_ms = cases[i].reason == REASON_TIMEOUT ? 300 : 10000;
        assert_int_equal(got_get_with(client, cases[i].path, timeout_ms, 1024 * 1024, &g, &x), 0);
        loop_until(&loop, &g.done);
        assert_string_equal(reason_name(g.reason), reason_name(cases[i].reason));
        assert_int_equal(g.status, cases[i].status);
        assert_non_null(strstr(g.text, "https://localhost:"));
        assert_string_equal(g.body, "");
        got_clear(&g);
    }
    loop_end(&loop, client);
    (void)state;
}

static void streams_give_lines(void **state)
{
    static const struct {
        const char *path;
        const char *lines;
        enum reason reason;
    } cases[] = {
        {"/events-that-end", "{\"a\":1}|{}|{\"b\":2}|last|", REASON_NONE},
        {"/events-that-break", "{\"a\":1}|{}|{\"b\":2}|", REASON_ENDED_EARLY},
        {"/events-too-long", "{\"a\":1}|{}|{\"b\":2}|", REASON_TOO_LARGE},
        {"/500", "", REASON_NONE},
    };
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct got g = {0};
        (void)got_stream(client, cases[i].path, &g);
        loop_until(&loop, &g.done);
        assert_string_equal(reason_name(g.reason), reason_name(cases[i].reason));
        assert_string_equal(g.lines, cases[i].lines);
        assert_int_equal(g.heads, i == 3 ? 0 : 1);
        assert_int_equal(g.status, i == 3 ? 500 : 200);
        assert_string_equal(g.body, i == 3 ? "{\"message\":\"x\"}" : "");
        got_clear(&g);
    }
    loop_end(&loop, client);
    (void)state;
}

static void the_timeout_of_a_stream_is_for_the_head(void **state)
{
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, 1);
    struct got no_head = {0};
    struct got stream = {0};
    struct got later = {0};
    struct http_exchange *x;
    (void)got_stream_with(client, "/hang", 1000, &no_head);
    (void)got_stream_with(client, "/events", 1000, &stream);
    assert_int_equal(got_get_with(client, "/hang", 2000, 100, &later, &x), 0);
    loop_until(&loop, &later.done); /* twice as long as the stream's timeout */
    assert_int_equal(no_head.reason, REASON_TIMEOUT);
    assert_int_equal(stream.line_count, 3);
    assert_false(stream.done);
    got_clear(&no_head);
    got_clear(&later);
    loop_end(&loop, client);
    (void)state;
}

static bool three_lines_came(void *context)
{
    return ((const struct got *)context)->line_count == 3;
}

static void close_idle_leaves_the_stream(void **state)
{
    uv_loop_t loop;
    struct http_getter *client = tls_client(&loop, AT_ONCE);
    struct got stream = {0};
    struct http_exchange *x = got_stream(client, "/events", &stream);
    loop_until_true(&loop, three_lines_came, &stream);
    struct got g[AT_ONCE] = {{0}};
    for (size_t i = 0; i < AT_ONCE; i++)
        (void)got_get(client, "/length", &g[i]);
    for (size_t i = 0; i < AT_ONCE; i++) {
        loop_until(&loop, &g[i].done);
        got_clear(&g[i]);
    }
    assert_true(number_at(&loop, client, "/open") >= 3);
    unsigned open = 0;
    for (int i = 0; i < 200 && open != 2; i++) { /* the server notices in its own time */
        http_close_idle(client);
        (void)usleep(1000);
        open = number_at(&loop, client, "/open");
    }
    assert_int_equal(open, 2); /* the stream, and the one that asked */
    assert_false(stream.done);
    http_cancel(client, x);
    loop_end(&loop, client);
    assert_int_equal(stream.calls, 0);
    (void)state;
}

struct awkward {
    uv_loop_t *loop;
    struct http_getter *client;
    struct http_exchange *exchange;
    struct got answer;
    bool cancelled;
    bool closed;
};

static void on_closed(void *context)
{
    ((struct awkward *)context)->closed = true;
}

static void ask_and_cancel_on_line(struct got *g, const char *line)
{
    struct awkward *a = g->context;
    if (!line) {
        (void)got_get(a->client, "/length", &a->answer);
        http_close_idle(a->client);
        return;
    }
    if (g->line_count == 2) {
        http_cancel(a->client, a->exchange);
        a->cancelled = true;
    }
}

static void close_on_line(struct got *g, const char *line)
{
    struct awkward *a = g->context;
    if (line && g->line_count == 1)
        http_getter_close(a->client, on_closed, a);
}

static void a_line_may_ask_cancel_and_close(void **state)
{
    uv_loop_t loop;
    struct awkward a = {.client = tls_client(&loop, 1)};
    struct got g = {.on_each = ask_and_cancel_on_line, .context = &a};
    a.exchange = got_stream(a.client, "/events", &g);
    loop_until(&loop, &a.cancelled);
    loop_until(&loop, &a.answer.done);
    assert_string_equal(a.answer.body, "body");
    assert_string_equal(g.lines, "{\"a\":1}|{}|");
    struct got second = {.on_each = close_on_line, .context = &a};
    (void)got_stream(a.client, "/events", &second);
    loop_until(&loop, &a.closed);
    assert_string_equal(second.lines, "{\"a\":1}|");
    assert_int_equal(g.calls + second.calls, 0);
    got_clear(&a.answer);
    loop_end(&loop, NULL);
    (void)state;
}

static void close_then(struct got *g)
{
    struct awkward *a = g->context;
    http_getter_close(a->client, on_closed, a);
}

static void on_done_may_close_the_client(void **state)
{
    static const char *const paths[] = {"/length", "/hang", "/empty"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uv_loop_t loop;
        struct awkward a = {.client = tls_client(&loop, 2)};
        struct got closes = {.then = close_then, .context = &a};
        struct got others[4] = {{0}};
        struct http_exchange *x;
        assert_int_equal(got_get_with(a.client, paths[i], i == 1 ? 200 : 10000, 100, &closes, &x),
                         0);
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(got_get_with(a.client, "/hang", 20000, 100, &others[j], &x), 0);
        loop_until(&loop, &a.closed);
        assert_int_equal(closes.calls, 1);
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(others[j].calls, 0);
        got_clear(&closes);
        loop_end(&loop, NULL);
    }
    (void)state;
}

static void cancel_and_close_in_each_phase(void **state)
{
    for (unsigned turns = 0; turns < 40; turns += 4) {
        uv_loop_t loop;
        struct http_getter *client = tls_client(&loop, 2);
        struct got g[4] = {{0}};
        struct http_exchange *x[4];
        for (size_t i = 0; i < 4; i++)
            x[i] = got_get(client, i == 3 ? "/cut" : "/hang", &g[i]);
        for (unsigned i = 0; i < turns; i++) {
            (void)usleep(500);
            (void)uv_run(&loop, UV_RUN_NOWAIT);
        }
        http_cancel(client, x[2]); /* in line */
        http_cancel(client, x[0]); /* in whatever phase it is */
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&loop, UV_RUN_NOWAIT);
        loop_end(&loop, client);
        assert_int_equal(g[0].calls + g[1].calls + g[2].calls, 0);
        got_clear(&g[3]);
    }
    (void)state;
}

int main(void)
{
    int missing = tls_missing();
    if (missing)
        return missing;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing_arrives),
        cmocka_unit_test(the_request_is_what_the_document_says),
        cmocka_unit_test(any_status_is_an_answer_and_redirects_are_not_followed),
        cmocka_unit_test(a_connection_is_used_again_and_a_stale_one_replaced),
        cmocka_unit_test(many_at_once_are_bounded),
        cmocka_unit_test(failures_have_reasons),
        cmocka_unit_test(streams_give_lines),
        cmocka_unit_test(the_timeout_of_a_stream_is_for_the_head),
        cmocka_unit_test(close_idle_leaves_the_stream),
        cmocka_unit_test(a_line_may_ask_cancel_and_close),
        cmocka_unit_test(on_done_may_close_the_client),
        cmocka_unit_test(cancel_and_close_in_each_phase),
    };
    return cmocka_run_group_tests(tests, tls_begin, tls_end);
}
