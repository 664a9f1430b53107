/* Tests net/http_client: what goes out, what comes in, how connections are shared. From
 * net/http_get.h, net/http_client.h and docs/engine-client.md, against real sockets. */
#include "net/http_client.h"

#include "base/clock.h"
#include "base/err.h"
#include "http_client_fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PARALLEL      100 /* requests at once */
#define TWO_ADDRESSES "two-addresses.example.org"
#define IN_FLIGHT     16 /* of them under way */

/* Answers each request with its own head, so that the asker sees what went out. */
static void echo(struct peer *p, int fd, unsigned number)
{
    (void)p;
    (void)number;
    char head[1024];
    char answer[1400];
    while (peer_read_request(fd, head)) {
        (void)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(head), head);
        if (!peer_send(fd, answer))
            return;
    }
}

static void the_request_is_what_the_document_says(void **state)
{
    struct fixture f;
    fixture_begin(&f, echo, NULL, 1, 1);
    struct got g = {0};
    uint64_t before_ns = clock_monotonic_ns(&clock_system);
    (void)got_get(f.client, "/v1.41/containers/json?all=1", &g);
    loop_until(&f.loop, &g.done);
    assert_int_equal(g.reason, REASON_NONE);
    assert_int_equal(g.status, 200);
    assert_string_equal(g.text, "");
    assert_string_equal(g.body, "GET /v1.41/containers/json?all=1 HTTP/1.1\r\nHost: weir\r\n"
                                "User-Agent: weir\r\nAccept: application/json\r\n\r\n");
    assert_true(g.sent_ns >= before_ns && g.received_ns >= g.sent_ns);
    assert_true(g.received_ns <= clock_monotonic_ns(&clock_system));
    got_clear(&g);
    fixture_end(&f);
    (void)state;
}

/* In place of the C library's, for the name TWO_ADDRESSES only: first an address where nobody
 * listens, then the right one. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict name,
                                                       const char *restrict service,
                                                       const struct addrinfo *restrict hints,
                                                       struct addrinfo **restrict ret_list)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &found, sizeof real);
    if (!name || strcmp(name, TWO_ADDRESSES) != 0)
        return real(name, service, hints, ret_list);
    int r = real("127.0.0.2", service, hints, ret_list);
    return r != 0 ? r : real("127.0.0.1", service, hints, &(*ret_list)->ai_next);
}

static void tcp_sends_the_real_host_and_tries_each_address(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", TWO_ADDRESSES};
    struct peer *peer = peer_start_tcp(echo, NULL); /* at 127.0.0.1 only */
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct http_client_options options = {
            .host = hosts[i], .port = peer_port(peer), .max_connections = 4, .max_idle = 4};
        struct err e = {0};
        struct http_getter *client;
        assert_int_equal(http_client_new(&loop, &options, &e, &client), 0);
        struct got g[8] = {{0}};
        for (size_t j = 0; j < 8; j++) /* several wait for one look-up */
            (void)got_get(client, "/", &g[j]);
        char host[64];
        (void)snprintf(host, sizeof host, "\r\nHost: %s:%u\r\n", hosts[i], options.port);
        for (size_t j = 0; j < 8; j++) {
            loop_until(&loop, &g[j].done);
            assert_string_equal(g[j].text, "");
            assert_non_null(strstr(g[j].body, host));
            got_clear(&g[j]);
        }
        loop_end(&loop, client);
    }
    peer_stop(peer);
    (void)state;
}

struct split {
    const char *text;
    bool until_eof;
};

/* Connection `number` cuts the answer after `number` + 1 bytes, and goes on when the client has
 * taken them. */
static void split_answer(struct peer *p, int fd, unsigned number)
{
    const struct split *s = peer_context(p);
    char head[1024];
    if (!peer_read_request(fd, head) || !peer_send_bytes(fd, s->text, number + 1))
        return;
    if (!peer_wait_taken(fd) || !peer_send(fd, s->text + number + 1))
        return;
    if (!s->until_eof)
        peer_wait_closed(fd);
}

static void each_framing_split_at_every_byte(void **state)
{
    static const struct split splits[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n",
         false},
        {"HTTP/1.0 200 OK\r\n\r\nbody", true},
    };
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        struct fixture f;
        fixture_begin(&f, split_answer, &splits[i], 1, 0); /* a connection each */
        size_t length = strlen(splits[i].text);
        for (size_t at = 1; at < length; at++) {
            struct got g = {0};
            (void)got_get(f.client, "/", &g);
            loop_until(&f.loop, &g.done);
            assert_string_equal(g.text, "");
            assert_string_equal(g.body, "body");
            got_clear(&g);
        }
        assert_int_equal(peer_connections(f.peer), length - 1);
        fixture_end(&f);
    }
    (void)state;
}

static void a_connection_is_used_again(void **state)
{
    struct fixture f;
    fixture_begin(&f, echo, NULL, 4, 4);
    for (int i = 0; i < 20; i++) {
        struct got g = {0};
        (void)got_get(f.client, "/", &g);
        loop_until(&f.loop, &g.done);
        assert_int_equal(g.status, 200);
        got_clear(&g);
    }
    assert_int_equal(peer_connections(f.peer), 1);
    fixture_end(&f);
    (void)state;
}

struct chain {
    struct http_getter *client;
    unsigned left;
    bool done;
};

static void ask_again(struct got *g)
{
    struct chain *c = g->context;
    assert_int_equal(g->reason, REASON_NONE);
    if (c->left == 0) {
        c->done = true;
        return;
    }
    c->left--;
    (void)got_get(c->client, "/", g);
}

static void on_done_may_ask_again(void **state)
{
    struct fixture f;
    fixture_begin(&f, echo, NULL, 4, 4);
    struct chain chain = {.client = f.client, .left = 20};
    struct got g = {.then = ask_again, .context = &chain};
    (void)got_get(f.client, "/", &g);
    loop_until(&f.loop, &chain.done);
    assert_int_equal(g.calls, 21);
    assert_int_equal(peer_connections(f.peer), 1);
    got_clear(&g);
    fixture_end(&f);
    (void)state;
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

static void an_error_status_is_an_answer(void **state)
{
    struct fixture f;
    fixture_begin(&f, send_500, NULL, 1, 1);
    struct got g = {0};
    (void)got_get(f.client, "/", &g);
    loop_until(&f.loop, &g.done);
    assert_int_equal(g.reason, REASON_NONE);
    assert_int_equal(g.status, 500);
    assert_string_equal(g.body, "{\"message\":\"x\"}");
    got_clear(&g);
    fixture_end(&f);
    (void)state;
}

/* Counts the requests that are being answered; holds the first ones back until IN_FLIGHT are. */
struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t full;
    unsigned now;
    unsigned most;
};

static void crowd_answer(struct peer *p, int fd, unsigned number)
{
    (void)number;
    struct crowd *c = peer_context(p);
    char head[1024];
    while (peer_read_request(fd, head)) {
        struct timespec limit;
        (void)clock_gettime(CLOCK_REALTIME, &limit);
        limit.tv_sec += 10;
        pthread_mutex_lock(&c->lock);
        if (++c->now > c->most)
            c->most = c->now;
        if (c->most >= IN_FLIGHT)
            (void)pthread_cond_broadcast(&c->full);
        while (c->most < IN_FLIGHT && pthread_cond_timedwait(&c->full, &c->lock, &limit) == 0) {
        }
        c->now--;
        pthread_mutex_unlock(&c->lock);
        if (!peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
            return;
    }
}

static bool two_are_open(void *peer)
{
    return peer_open(peer) == 2;
}

static void many_at_once_are_bounded(void **state)
{
    struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER, .full = PTHREAD_COND_INITIALIZER};
    struct fixture f;
    fixture_begin(&f, crowd_answer, &crowd, IN_FLIGHT, 2);
    static struct got g[PARALLEL];
    for (size_t i = 0; i < PARALLEL; i++)
        (void)got_get(f.client, "/", &g[i]);
    for (size_t i = 0; i < PARALLEL; i++) {
        loop_until(&f.loop, &g[i].done);
        assert_string_equal(g[i].body, "ok");
        got_clear(&g[i]);
    }
    assert_int_equal(crowd.most, IN_FLIGHT); /* as many as allowed, and no more */
    assert_int_equal(peer_connections(f.peer), IN_FLIGHT);
    loop_until_true(&f.loop, two_are_open, f.peer); /* max_idle */
    http_close_idle(f.client);
    loop_until_true(&f.loop, none_is_open, f.peer);
    fixture_end(&f);
    (void)state;
}

static void the_bound_can_be_raised(void **state)
{
    struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER, .full = PTHREAD_COND_INITIALIZER};
    struct fixture f;
    fixture_begin(&f, crowd_answer, &crowd, 1, IN_FLIGHT); /* the first waits for the others */
    static struct got g[IN_FLIGHT];
    for (size_t i = 0; i < IN_FLIGHT; i++)
        (void)got_get(f.client, "/", &g[i]);
    http_set_bound(f.client, IN_FLIGHT);
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        loop_until(&f.loop, &g[i].done);
        got_clear(&g[i]);
    }
    assert_int_equal(crowd.most, IN_FLIGHT);
    fixture_end(&f);
    (void)state;
}

static char order[PARALLEL + 1];

static void note_order(struct got *g)
{
    order[strlen(order)] = *(const char *)g->context;
}

static void the_line_is_served_in_order(void **state)
{
    struct fixture f;
    fixture_begin(&f, echo, NULL, 1, 1);
    static const char names[] = "abcdefgh";
    static struct got g[sizeof names - 1];
    for (size_t i = 0; i < sizeof names - 1; i++) {
        g[i] = (struct got){.then = note_order, .context = (void *)(uintptr_t)&names[i]};
        (void)got_get(f.client, "/", &g[i]);
    }
    for (size_t i = 0; i < sizeof names - 1; i++) {
        loop_until(&f.loop, &g[i].done);
        got_clear(&g[i]);
    }
    assert_string_equal(order, names);
    fixture_end(&f);
    (void)state;
}

static void bad_options_are_refused_with_a_sentence(void **state)
{
    char long_path[200];
    memset(long_path, 'a', sizeof long_path);
    long_path[108] = '\0'; /* one more than the kernel takes */
    const struct http_client_options cases[] = {
        {.max_connections = 1},
        {.unix_path = "", .max_connections = 1},
        {.unix_path = long_path, .max_connections = 1},
        {.host = "", .port = 1, .max_connections = 1},
        {.host = "a b", .port = 1, .max_connections = 1},
        {.host = "http://a", .port = 1, .max_connections = 1},
        {.host = "a\r\nX: y", .port = 1, .max_connections = 1},
        {.host = "a", .port = 0, .max_connections = 1},
    };
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err e = {0};
        struct http_getter *client = NULL;
        assert_int_equal(http_client_new(&loop, &cases[i], &e, &client), -EINVAL);
        assert_null(client);
        assert_true(strlen(e.text) > 20);
    }
    long_path[107] = '\0';
    struct http_getter *client;
    const struct http_client_options longest = {.unix_path = long_path, .max_connections = 1};
    assert_int_equal(http_client_new(&loop, &longest, NULL, &client), 0);
    loop_end(&loop, client);
    (void)state;
}

static void bad_paths_and_too_many_are_refused(void **state)
{
    static char long_path[8194];
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[0] = '/';
    const char *const paths[] = {"", "x", "/a b", "/a\r\nHost: x", "/\x7f", long_path};
    struct fixture f;
    fixture_begin(&f, echo, NULL, 1, 1);
    struct got g = {0};
    struct http_exchange *x = NULL;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_int_equal(got_get_with(f.client, paths[i], 1000, 100, &g, &x), -EINVAL);
    assert_null(x);
    int r = 0;
    size_t accepted = 0;
    while (r == 0 && accepted < 100000) {
        r = got_get_with(f.client, "/", 10000, 100, &g, &x);
        accepted += r == 0;
    }
    assert_int_equal(r, -EMFILE);
    assert_true(accepted >= 4000); /* hosts have that many containers */
    fixture_end(&f);
    assert_int_equal(g.calls, 0); /* closed before the loop turned */
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_what_the_document_says),
        cmocka_unit_test(tcp_sends_the_real_host_and_tries_each_address),
        cmocka_unit_test(each_framing_split_at_every_byte),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(on_done_may_ask_again),
        cmocka_unit_test(an_error_status_is_an_answer),
        cmocka_unit_test(many_at_once_are_bounded),
        cmocka_unit_test(the_bound_can_be_raised),
        cmocka_unit_test(the_line_is_served_in_order),
        cmocka_unit_test(bad_options_are_refused_with_a_sentence),
        cmocka_unit_test(bad_paths_and_too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, place_make, place_remove);
}
