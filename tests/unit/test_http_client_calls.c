/* Tests net/http_client: calls at awkward moments: cancel in each phase, close with requests under
 * way, callbacks that cancel and close. From net/http_get.h. */
#include "http_client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void expect_failure(const struct got *g, enum reason reason, const char *part)
{
    assert_string_equal(reason_name(g->reason), reason_name(reason));
    assert_non_null(strstr(g->text, part));
    assert_string_equal(g->body, "");
}

/* By path: /hang never answers, /head and /body begin to, others are answered. */
static void answer_by_path(struct peer *p, int fd, unsigned number)
{
    (void)p;
    (void)number;
    char head[1024];
    while (peer_read_request(fd, head)) {
        if (strstr(head, "GET /hang "))
            continue;
        if (strstr(head, "GET /head "))
            (void)peer_send(fd, "HTTP/1.1 200 OK\r\nContent-");
        else if (strstr(head, "GET /body ") || strstr(head, "GET /lines "))
            (void)peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na\nb\nc");
        else
            (void)peer_send(fd, OK_ANSWER);
    }
}

static void waiting_in_line_counts(void **state)
{
    struct peer *p = peer_start_unix(place_socket(), answer_by_path, NULL);
    uv_loop_t loop;
    struct http_getter *client = new_client(&loop, 1, 4);
    struct got hang = {0};
    struct got waits = {0};
    struct got later = {0};
    struct http_exchange *x;
    assert_int_equal(got_get_with(client, "/hang", 300, 100, &hang, &x), 0);
    assert_int_equal(got_get_with(client, "/", 100, 100, &waits, &x), 0);
    assert_int_equal(got_get_with(client, "/", 10000, 100, &later, &x), 0);
    loop_until(&loop, &waits.done);
    assert_false(hang.done);
    expect_failure(&waits, REASON_TIMEOUT, "waiting for a free connection");
    loop_until(&loop, &later.done);
    assert_true(hang.done);
    expect_failure(&hang, REASON_TIMEOUT, "within 300 ms");
    assert_string_equal(later.body, "ok");
    got_clear(&hang);
    got_clear(&waits);
    got_clear(&later);
    loop_end(&loop, client);
    peer_stop(p);
    (void)state;
}

static bool one_is_open(void *peer)
{
    return peer_open(peer) == 1;
}

static void cancel_in_each_phase(void **state)
{
    static const char *const paths[] = {"/hang", "/head", "/body", "/connecting"};
    struct peer *p = peer_start_unix(place_socket(), answer_by_path, NULL);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uv_loop_t loop;
        struct http_getter *client = new_client(&loop, 1, 4);
        struct got g = {0};
        struct got waits = {0};
        struct got after = {0};
        struct http_exchange *x = got_get(client, paths[i], &g);
        struct http_exchange *in_line = got_get(client, "/", &waits);
        (void)got_get(client, "/", &after);
        if (i < 3) {
            loop_until_true(&loop, one_is_open, p);
            for (int turn = 0; turn < 5; turn++)
                (void)uv_run(&loop, UV_RUN_NOWAIT);
        }
        http_cancel(client, in_line);
        http_cancel(client, x);
        loop_until(&loop, &after.done);
        assert_string_equal(after.body, "ok");
        assert_int_equal(g.calls + waits.calls, 0);
        http_close_idle(client);
        loop_until_true(&loop, none_is_open, p);
        got_clear(&after);
        loop_end(&loop, client);
    }
    peer_stop(p);
    (void)state;
}

struct awkward {
    struct http_getter *client;
    struct http_exchange *exchange;
    bool cancelled;
    bool closed;
};

static void on_closed(void *context)
{
    ((struct awkward *)context)->closed = true;
}

static void cancel_on_line(struct got *g, const char *line)
{
    struct awkward *a = g->context;
    if (!line || strcmp(line, "b") != 0)
        return;
    http_cancel(a->client, a->exchange);
    http_close_idle(a->client);
    a->cancelled = true;
}

static void close_on_line(struct got *g, const char *line)
{
    struct awkward *a = g->context;
    if (!line)
        http_getter_close(a->client, on_closed, a);
}

static void a_stream_may_be_ended_by_its_own_line(void **state)
{
    struct peer *p = peer_start_unix(place_socket(), answer_by_path, NULL);
    uv_loop_t loop;
    struct awkward a = {.client = new_client(&loop, 1, 4)};
    struct got g = {.on_each = cancel_on_line, .context = &a};
    a.exchange = got_stream(a.client, "/lines", &g);
    loop_until(&loop, &a.cancelled);
    assert_string_equal(g.lines, "a|b|");
    struct got second = {.on_each = close_on_line, .context = &a};
    (void)got_stream(a.client, "/lines", &second);
    loop_until(&loop, &a.closed);
    assert_string_equal(second.lines, "");
    assert_int_equal(g.calls + second.calls, 0);
    loop_end(&loop, NULL);
    peer_stop(p);
    (void)state;
}

static void close_then(struct got *g)
{
    struct awkward *a = g->context;
    http_getter_close(a->client, on_closed, a);
}

static void on_done_may_close_the_client(void **state)
{
    static const char *const paths[] = {"/", "/hang"}; /* told by an answer, by a timeout */
    struct peer *p = peer_start_unix(place_socket(), answer_by_path, NULL);
    for (size_t i = 0; i < 2; i++) {
        uv_loop_t loop;
        struct awkward a = {.client = new_client(&loop, 2, 4)};
        struct got closes = {.then = close_then, .context = &a};
        struct got others[4] = {{0}};
        struct http_exchange *x;
        assert_int_equal(got_get_with(a.client, paths[i], 50, 100, &closes, &x), 0);
        for (size_t j = 0; j < 4; j++) /* the same deadline: they are due at the same moment */
            assert_int_equal(got_get_with(a.client, "/hang", 50, 100, &others[j], &x), 0);
        loop_until(&loop, &a.closed);
        assert_int_equal(closes.calls, 1);
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(others[j].calls, 0);
        got_clear(&closes);
        loop_end(&loop, NULL);
    }
    peer_stop(p);
    (void)state;
}

static void cancel_the_other(struct got *g)
{
    struct awkward *a = g->context;
    http_cancel(a->client, a->exchange);
    a->cancelled = true;
}

static void on_done_may_cancel_others_and_itself(void **state)
{
    struct peer *p = peer_start_unix(place_socket(), answer_by_path, NULL);
    uv_loop_t loop;
    struct awkward a = {.client = new_client(&loop, 2, 4)};
    struct got g = {.then = cancel_the_other, .context = &a};
    struct got other = {0};
    (void)got_get(a.client, "/", &g);
    a.exchange = got_get(a.client, "/hang", &other);
    loop_until(&loop, &a.cancelled);
    assert_int_equal(other.calls, 0);
    a.cancelled = false;
    a.exchange = got_get(a.client, "/", &g); /* now itself, which has ended: nothing happens */
    loop_until(&loop, &a.cancelled);
    assert_int_equal(g.calls, 2);
    /* two run out at the same moment and the first to be told cancels the second */
    struct got both[2] = {{.then = cancel_the_other, .context = &a}, {0}};
    a.cancelled = false;
    struct http_exchange *x;
    assert_int_equal(got_get_with(a.client, "/hang", 50, 100, &both[0], &x), 0);
    assert_int_equal(got_get_with(a.client, "/hang", 50, 100, &both[1], &a.exchange), 0);
    loop_until(&loop, &a.cancelled);
    assert_int_equal(both[0].calls, 1);
    assert_int_equal(both[1].calls, 0);
    got_clear(&g);
    got_clear(&both[0]);
    loop_end(&loop, a.client);
    peer_stop(p);
    (void)state;
}

static void close_with_requests_under_way(void **state)
{
    struct peer *p = peer_start_unix(place_socket(), answer_by_path, NULL);
    for (unsigned turns = 0; turns < 6; turns++) {
        uv_loop_t loop;
        struct http_getter *client = new_client(&loop, 2, 4);
        struct got g[6] = {{0}};
        static const char *const paths[] = {"/hang", "/body", "/hang", "/", "/", "/"};
        for (size_t i = 0; i < 6; i++)
            (void)got_get(client, paths[i], &g[i]);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&loop, UV_RUN_NOWAIT);
        loop_end(&loop, client);
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(g[i].calls, 0);
    }
    peer_stop(p);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_in_line_counts),
        cmocka_unit_test(cancel_in_each_phase),
        cmocka_unit_test(a_stream_may_be_ended_by_its_own_line),
        cmocka_unit_test(on_done_may_close_the_client),
        cmocka_unit_test(on_done_may_cancel_others_and_itself),
        cmocka_unit_test(close_with_requests_under_way),
    };
    return cmocka_run_group_tests(tests, place_make, place_remove);
}
