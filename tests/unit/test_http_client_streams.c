/* Tests net/http_client: streams of lines. From net/http_get.h and docs/engine-client.md. */
#include "http_client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void echo_ok(int fd)
{
    char head[1024];
    do {
        if (!peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
            return;
    } while (peer_read_request(fd, head));
}

static void send_500(struct peer *p, int fd, unsigned number)
{
    (void)p;
    (void)number;
    char head[1024];
    while (peer_read_request(fd, head))
        (void)peer_send(fd, "HTTP/1.1 500 Internal Server Error\r\nContent-Type: "
                            "application/json\r\nContent-Length: 15\r\n\r\n{\"message\":\"x\"}");
}

/* A stream of three lines in odd pieces, then it waits; anything else is answered at once. */
static void stream_or_answer(struct peer *p, int fd, unsigned number)
{
    (void)p;
    (void)number;
    char head[1024];
    if (!peer_read_request(fd, head))
        return;
    if (strstr(head, "GET /hang")) {
        peer_wait_closed(fd);
        return;
    }
    if (!strstr(head, "GET /events")) {
        echo_ok(fd);
        return;
    }
    static const char *const pieces[] = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                         "5\r\n{\"a\":\r\n", "3\r\n1}\n\r\n", "7\r\n{}\n{\"b\"\r\n",
                                         "4\r\n:2}\n\r\n"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        if (!peer_send(fd, pieces[i]) || !peer_wait_taken(fd))
            return;
    if (strstr(head, "/events-that-end"))
        (void)peer_send(fd, "4\r\nlast\r\n0\r\n\r\n");
    if (strstr(head, "/events-too-long"))
        for (int i = 0; i < 10; i++)
            if (!peer_send(fd, "8\r\n12345678\r\n"))
                return;
    if (!strstr(head, "/events-that-break"))
        peer_wait_closed(fd);
}

static bool three_lines_came(void *context)
{
    const struct got *g = context;
    return g->line_count == 3;
}

static void a_stream_does_not_share_the_pool(void **state)
{
    struct fixture f;
    fixture_begin(&f, stream_or_answer, NULL, 1, 1);
    struct got stream = {0};
    struct http_exchange *x = got_stream(f.client, "/events", &stream);
    loop_until_true(&f.loop, three_lines_came, &stream);
    assert_int_equal(stream.heads, 1);
    assert_string_equal(stream.lines, "{\"a\":1}|{}|{\"b\":2}|");
    struct got g = {0};
    (void)got_get(f.client, "/", &g); /* the only connection of the pool is free */
    loop_until(&f.loop, &g.done);
    assert_string_equal(g.body, "ok");
    assert_false(stream.done);
    assert_int_equal(peer_connections(f.peer), 2);
    http_cancel(f.client, x);
    http_close_idle(f.client);
    loop_until_true(&f.loop, none_is_open, f.peer);
    assert_int_equal(stream.calls, 0);
    got_clear(&g);
    fixture_end(&f);
    (void)state;
}

static void a_stream_ends_as_its_body_does(void **state)
{
    static const struct {
        const char *path;
        const char *lines;
        enum reason reason;
    } cases[] = {
        {"/events-that-end", "{\"a\":1}|{}|{\"b\":2}|last|", REASON_NONE},
        {"/events-that-break", "{\"a\":1}|{}|{\"b\":2}|", REASON_ENDED_EARLY},
        {"/events-too-long", "{\"a\":1}|{}|{\"b\":2}|", REASON_TOO_LARGE},
    };
    struct fixture f;
    fixture_begin(&f, stream_or_answer, NULL, 1, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct got g = {0};
        (void)got_stream(f.client, cases[i].path, &g);
        loop_until(&f.loop, &g.done);
        assert_string_equal(g.lines, cases[i].lines);
        assert_int_equal(g.reason, cases[i].reason);
        assert_int_equal(g.status, 200);
        assert_string_equal(g.body, "");
        assert_int_equal(g.calls, 1);
        got_clear(&g);
    }
    fixture_end(&f);
    (void)state;
}

static void a_refused_stream_brings_its_body(void **state)
{
    struct fixture f;
    fixture_begin(&f, send_500, NULL, 1, 1);
    struct got g = {0};
    (void)got_stream(f.client, "/events", &g);
    loop_until(&f.loop, &g.done);
    assert_int_equal(g.status, 500);
    assert_string_equal(g.body, "{\"message\":\"x\"}");
    assert_int_equal(g.heads, 0);
    got_clear(&g);
    fixture_end(&f);
    (void)state;
}

static void the_timeout_is_for_the_head(void **state)
{
    struct fixture f;
    fixture_begin(&f, stream_or_answer, NULL, 1, 1);
    struct got no_head = {0};
    struct got stream = {0};
    struct got later = {0};
    struct http_exchange *x;
    (void)got_stream_with(f.client, "/hang", 100, &no_head);
    (void)got_stream_with(f.client, "/events", 100, &stream);
    assert_int_equal(got_get_with(f.client, "/hang", 300, 100, &later, &x), 0);
    loop_until(&f.loop, &later.done); /* three times as long as the stream's timeout */
    assert_int_equal(no_head.reason, REASON_TIMEOUT);
    assert_int_equal(stream.line_count, 3);
    assert_false(stream.done);
    got_clear(&no_head);
    got_clear(&later);
    fixture_end(&f);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_does_not_share_the_pool),
        cmocka_unit_test(a_stream_ends_as_its_body_does),
        cmocka_unit_test(a_refused_stream_brings_its_body),
        cmocka_unit_test(the_timeout_is_for_the_head),
    };
    return cmocka_run_group_tests(tests, place_make, place_remove);
}
