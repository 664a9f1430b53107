/* Tests net/http_post: what is sent, which answers arrive, and the connection that is kept. From
 * net/http_post.h, RFC 9110 and RFC 9112, against scripted servers on loopback. */
#include "post_fixture.h"

#include "base/alloc.h"
#include "base/err.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LARGE    (3 * 1024 * 1024) /* bytes: past 1 MiB, where libcurl would ask before it sends */
#define AT_ONCE  8                 /* posts on one loop */
#define IDLE_MS  55000             /* of the contract */
#define SHORT_MS 20                /* what stands in for it */

/* Lets the end of the idle connection's time come soon. */
int __real_uv_timer_start(uv_timer_t *timer, uv_timer_cb on_time, uint64_t ms, uint64_t repeat);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb on_time, uint64_t ms, uint64_t repeat);
static unsigned shortened; /* times */
static bool shorten;

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb on_time, uint64_t ms, uint64_t repeat)
{
    if (ms == IDLE_MS && shorten) {
        ms = SHORT_MS;
        shortened++;
    }
    return __real_uv_timer_start(timer, on_time, ms, repeat);
}

/* Answers every request with itself. */
static void echo(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    struct seen s = {0};
    while (seen_read(fd, &s) && seen_echo(fd, &s)) {
    }
    seen_clear(&s);
}

static void the_request_is_exact(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(echo, NULL);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    post_ask(&loop, p, &g);
    char expected[512];
    (void)snprintf(expected, sizeof expected,
                   "POST /write HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
                   "Content-Type: application/x-protobuf\r\nUser-Agent: weir/1 (test)\r\n"
                   "Content-Length: 4\r\n\r\nbody",
                   peer_port(peer));
    assert_string_equal(g.body, expected);
    assert_int_equal(g.status, 200);
    assert_string_equal(g.text, "");
    assert_true(g.duration_ns > 0);
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

static void on_bare(void *context, const struct http_post_result *result)
{
    struct posted *g = context;
    g->body = alloc_copy(result->body, result->body_length);
    g->done = true;
}

static void nothing_is_said_that_was_not_asked_for(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(echo, NULL);
    char url[128];
    (void)snprintf(url, sizeof url, "HTTP://localhost:%u/a/../b?db=x%%20y&z", peer_port(peer));
    struct http_post *p = post_with(&loop, &(struct http_post_options){.url = url, .proxy = ""});
    struct posted g = {0};
    http_post_send(
        p, &(struct http_post_request){.timeout_ms = 10000, .context = &g, .done = on_bare});
    loop_until(&loop, &g.done);
    char expected[256];
    (void)snprintf(expected, sizeof expected,
                   "POST /a/../b?db=x%%20y&z HTTP/1.1\r\nHost: localhost:%u\r\nUser-Agent: weir\r\n"
                   "Accept: */*\r\nContent-Length: 0\r\n\r\n",
                   peer_port(peer));
    assert_string_equal(g.body, expected);
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

/* Says whether the body came as it was sent and how often the head asked for leave. */
static void judge(struct peer *p, int fd, unsigned number)
{
    (void)number;
    struct seen s = {0};
    while (seen_read(fd, &s)) {
        bool good = s.body_length == LARGE && memcmp(s.body, peer_context(p), LARGE) == 0 &&
                    !strcasestr(s.head, "expect");
        if (!peer_send(fd, good ? "HTTP/1.1 204 Good\r\n\r\n" : "HTTP/1.1 400 Bad\r\n\r\n"))
            break;
    }
    seen_clear(&s);
}

static void a_large_body_arrives_whole_and_is_not_announced(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    char *body = alloc_bytes(LARGE);
    uint32_t random = 1;
    for (size_t i = 0; i < LARGE; i++) {
        random = random * 1664525 + 1013904223;
        body[i] = (char)(random >> 24); /* every value, NUL too */
    }
    struct peer *peer = peer_start_tcp(judge, body);
    struct http_post *p = post_to(&loop, peer_port(peer));
    for (int i = 0; i < 3; i++) {
        struct posted g = {0};
        post_begin(p, body, LARGE, 10000, &g);
        loop_until(&loop, &g.done);
        assert_int_equal(g.status, 204);
        posted_clear(&g);
    }
    assert_int_equal(peer_connections(peer), 1);
    post_end(&loop, p);
    peer_stop(peer);
    free(body);
    (void)state;
}

/* Sends what the test says once the request is there; the first byte: 'k' keeps the connection, 'c'
 * closes it, 'h' shuts its sending side. */
static void recite(struct peer *p, int fd, unsigned number)
{
    (void)number;
    const char *text = peer_context(p);
    struct seen s = {0};
    while (seen_read(fd, &s) && peer_send(fd, text + 1) && text[0] == 'k') {
    }
    if (text[0] == 'h') {
        (void)shutdown(fd, SHUT_WR);
        peer_wait_closed(fd);
    }
    seen_clear(&s);
}

static void ask_reciter(const char *text, struct posted *g, unsigned connections)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(recite, text);
    struct http_post *p = post_to(&loop, peer_port(peer));
    post_ask(&loop, p, g);
    post_ask(&loop, p, g);
    assert_int_equal(peer_connections(peer), connections);
    post_end(&loop, p);
    peer_stop(peer);
}

static void every_answer_arrives(void **state)
{
    static const struct {
        const char *text;
        int status;
        const char *body;
        unsigned connections; /* for two requests */
    } cases[] = {
        {"kHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nword", 200, "word", 1},
        {"kHTTP/1.1 204 No Content\r\n\r\n", 204, "", 1},
        {"kHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "", 1},
        {"kHTTP/1.1 200 OK\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nwor\r\n1;x=y\r\nd\r\n0\r\n\r\n",
         200, "word", 1},
        {"kHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nword\r\n0\r\nA: b\r\n\r\n",
         200, "word", 1},
        {"kHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
         "OK\r\n"
         "Content-Length: 4\r\n\r\nword",
         200, "word", 1},
        {"kHTTP/1.1 999 Odd\r\nContent-Length: 4\r\n\r\nword", 999, "word", 1},
        {"kHTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nword", 500, "word", 1},
        {"kHTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\nword",
         401, "word", 1},
        {"kHTTP/1.1 417 No\r\nContent-Length: 4\r\n\r\nword", 417, "word", 1},
        {"kHTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nword", 200, "word",
         1},
        {"kHTTP/1.1 200 OK\nContent-Length: 4\n\nword", 200, "word", 1},
        {"cHTTP/1.0 200 OK\r\n\r\nword", 200, "word", 2},
        {"cHTTP/1.1 200 OK\r\n\r\nword", 200, "word", 2},
        {"hHTTP/1.1 200 OK\r\n\r\nword", 200, "word", 2},
        {"cHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nword", 200, "word", 2},
        {"cHTTP/1.1 503 Away\r\nConnection: close\r\n\r\n", 503, "", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct posted g = {0};
        ask_reciter(cases[i].text, &g, cases[i].connections);
        if (g.status != cases[i].status)
            print_message("%s: %s\n", cases[i].text, g.text);
        assert_int_equal(g.status, cases[i].status);
        assert_int_equal(g.reason, REASON_NONE);
        assert_string_equal(g.text, "");
        assert_string_equal(g.body, cases[i].body);
        assert_null(g.retry_after);
        assert_null(g.location);
        assert_null(g.content_type);
        assert_int_equal(g.samples, -1);
        posted_clear(&g);
    }
    (void)state;
}

static void a_redirect_is_an_answer(void **state)
{
    struct posted g = {0};
    ask_reciter("kHTTP/1.1 307 There\r\nLocation:  http://127.0.0.1:1/other \r\nContent-Length: "
                "0\r\n\r\n",
                &g, 1);
    assert_int_equal(g.status, 307);
    assert_string_equal(g.location, "http://127.0.0.1:1/other");
    posted_clear(&g);
    (void)state;
}

static void headers_are_read_in_any_case(void **state)
{
    struct posted g = {0};
    ask_reciter("kHTTP/1.1 429 Slow\r\nRETRY-AFTER: 120\r\ncontent-type:text/plain; charset=x\t\r\n"
                "x-prometheus-remote-write-samples-written: 17\r\n"
                "X-PROMETHEUS-REMOTE-WRITE-HISTOGRAMS-WRITTEN:0\r\n"
                "X-Prometheus-Remote-Write-Exemplars-Written: 9223372036854775807\r\n"
                "X-Retry-After: 1\r\nContent-Length: 0\r\n\r\n",
                &g, 1);
    assert_int_equal(g.status, 429);
    assert_string_equal(g.retry_after, "120");
    assert_string_equal(g.content_type, "text/plain; charset=x");
    assert_int_equal(g.samples, 17);
    assert_int_equal(g.histograms, 0);
    assert_true(g.exemplars == INT64_MAX);
    posted_clear(&g);
    ask_reciter(
        "kHTTP/1.1 200 OK\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nRetry-After: 9\r\n"
        "X-Prometheus-Remote-Write-Samples-Written: -1\r\n"
        "X-Prometheus-Remote-Write-Histograms-Written: 1x\r\n"
        "X-Prometheus-Remote-Write-Exemplars-Written: 9223372036854775808\r\n"
        "Content-Length: 0\r\n\r\n",
        &g, 1);
    assert_string_equal(g.retry_after, "Fri, 31 Dec 1999 23:59:59 GMT"); /* the first of two */
    assert_int_equal(g.samples, -1);
    assert_int_equal(g.histograms, -1);
    assert_int_equal(g.exemplars, -1);
    posted_clear(&g);
    (void)state;
}

static void headers_of_interim_answers_and_trailers_do_not_count(void **state)
{
    struct posted g = {0};
    ask_reciter("kHTTP/1.1 103 Early\r\nRetry-After: 1\r\n"
                "X-Prometheus-Remote-Write-Samples-Written: 5\r\n\r\n"
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nRetry-After: 2\r\n"
                "X-Prometheus-Remote-Write-Samples-Written: 6\r\n\r\n",
                &g, 1);
    assert_int_equal(g.status, 200);
    assert_null(g.retry_after);
    assert_int_equal(g.samples, -1);
    posted_clear(&g);
    (void)state;
}

/* Answers with as many bytes as the context says. */
static void babble(struct peer *p, int fd, unsigned number)
{
    (void)number;
    size_t length = *(const size_t *)peer_context(p);
    char *bytes = alloc_bytes(length);
    memset(bytes, 'x', length);
    bytes[0] = 'b';
    char head[128];
    (void)snprintf(head, sizeof head, "HTTP/1.1 500 No\r\nContent-Length: %zu\r\n\r\n", length);
    struct seen s = {0};
    while (seen_read(fd, &s) && peer_send(fd, head) && peer_send_bytes(fd, bytes, length)) {
    }
    seen_clear(&s);
    free(bytes);
}

static void of_a_long_body_the_beginning_is_kept(void **state)
{
    static const struct {
        size_t length;
        unsigned connections; /* for two requests */
    } cases[] = {{4095, 1},
                 {4096, 1},
                 {4097, 1},
                 {1024 * 1024, 1},
                 {4 * 1024 * 1024, 1},
                 {4 * 1024 * 1024 + 1, 2},
                 {64 * 1024 * 1024, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct peer *peer = peer_start_tcp(babble, &cases[i].length);
        struct http_post *p = post_to(&loop, peer_port(peer));
        struct posted g = {0};
        for (int j = 0; j < 2; j++) {
            post_ask(&loop, p, &g);
            assert_int_equal(g.reason, REASON_NONE);
            assert_int_equal(g.status, 500);
            assert_int_equal(g.body_length, cases[i].length < 4096 ? cases[i].length : 4096);
            assert_true(g.body[0] == 'b' && g.body[g.body_length - 1] == 'x');
        }
        assert_int_equal(peer_connections(peer), cases[i].connections);
        posted_clear(&g);
        post_end(&loop, p);
        peer_stop(peer);
    }
    (void)state;
}

/* One answer a connection, which then is closed without a word. */
static void answer_once(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    struct seen s = {0};
    if (seen_read(fd, &s))
        (void)seen_echo(fd, &s);
    seen_clear(&s);
}

static void a_connection_closed_while_idle_is_replaced(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(answer_once, NULL);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    for (unsigned i = 1; i <= 20; i++) {
        post_ask(&loop, p, &g);
        assert_int_equal(g.status, 200);
        loop_until_true(&loop, none_is_open, peer);
        assert_int_equal(peer_connections(peer), i);
    }
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

/* Answers one request of a connection; the second is read and the connection closed. */
static void forget_second(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    struct seen s = {0};
    if (seen_read(fd, &s) && seen_echo(fd, &s))
        (void)seen_read(fd, &s);
    seen_clear(&s);
}

/* It arrives twice; the answer is the second's. */
static void a_request_is_sent_again_when_a_used_connection_dies(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(forget_second, NULL);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    for (unsigned i = 1; i <= 10; i++) {
        post_ask(&loop, p, &g);
        assert_int_equal(g.status, 200);
        assert_string_equal(g.body + g.body_length - 4, "body");
        assert_int_equal(peer_connections(peer), i);
        assert_int_equal(g.resent, i > 1); /* on the first connection it went out once */
    }
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

static void close_idle_closes_what_carries_nothing(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(echo, NULL);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    http_post_close_idle(p); /* nothing is there */
    post_ask(&loop, p, &g);
    http_post_close_idle(p);
    loop_until_true(&loop, none_is_open, peer);
    posted_clear(&g);
    post_begin(p, "x", 1, 10000, &g);
    http_post_close_idle(p); /* it carries something */
    loop_until(&loop, &g.done);
    assert_int_equal(g.status, 200);
    assert_int_equal(peer_connections(peer), 2);
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

static void an_idle_connection_is_closed_in_time(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(echo, NULL);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    shorten = true;
    shortened = 0;
    post_ask(&loop, p, &g);
    assert_int_equal(shortened, 1);
    loop_until_true(&loop, none_is_open, peer);
    post_ask(&loop, p, &g);
    assert_int_equal(g.status, 200);
    assert_int_equal(peer_connections(peer), 2);
    shorten = false;
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

static void say_nothing(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    peer_wait_closed(fd);
}

static void many_share_a_loop_and_one_that_hangs_holds_up_none(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *good = peer_start_tcp(echo, NULL);
    struct peer *silent = peer_start_tcp(say_nothing, NULL);
    struct http_post *hanging = post_to(&loop, peer_port(silent));
    struct posted none = {0};
    post_begin(hanging, "body", 4, 20000, &none);
    struct http_post *p[AT_ONCE];
    struct posted g[AT_ONCE] = {{0}};
    for (size_t i = 0; i < AT_ONCE; i++)
        p[i] = post_to(&loop, peer_port(good));
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < AT_ONCE; i++) {
            posted_clear(&g[i]);
            post_begin(p[i], "body", 4, 10000, &g[i]);
        }
        for (size_t i = 0; i < AT_ONCE; i++) {
            loop_until(&loop, &g[i].done);
            assert_int_equal(g[i].status, 200);
        }
    }
    assert_int_equal(peer_connections(good), AT_ONCE);
    assert_false(none.done);
    for (size_t i = 0; i < AT_ONCE; i++) {
        posted_clear(&g[i]);
        http_post_close(p[i]);
    }
    post_end(&loop, hanging);
    assert_int_equal(none.calls, 0);
    peer_stop(silent);
    peer_stop(good);
    (void)state;
}

static void bad_options_are_refused_with_a_sentence(void **state)
{
    static char longest[2100];
    memset(longest, 'x', sizeof longest - 1);
    memcpy(longest, "http://host/", strlen("http://host/"));
    const char *good = "http://host:9090/api/v1/write";
    const struct {
        struct http_post_options options;
        const char *part;
    } cases[] = {
        {{.url = ""}, "not a URL to push to"},
        {{.url = "host:9090/api/v1/write"}, "not a URL to push to"},
        {{.url = "ftp://host/"}, "not a URL to push to"},
        {{.url = "http://"}, "not a URL to push to"},
        {{.url = "https:///path"}, "not a URL to push to"},
        {{.url = "http://:80/"}, "valid URL"},
        {{.url = "http://host:99999/"}, "valid URL"},
        {{.url = "http://[::1/"}, "valid URL"},
        {{.url = "http://user:secret@host/p"}, "for host holds"},
        {{.url = "http://user@host:80?x"}, "password-file"},
        {{.url = "http://u:p@x@host/"}, "for host holds"},
        {{.url = "http://host/a b"}, "byte 14"},
        {{.url = "http://host/\n"}, "byte 13"},
        {{.url = "http://h\xc3\xb6st/"}, "byte 9"},
        {{.url = "http://host/p?q#f"}, "fragment"},
        {{.url = longest}, "longer than 2048"},
        {{.url = good, .proxy = "gopher://host"}, "the proxy"},
        {{.url = good, .proxy = "http://host:port"}, "the proxy"},
        {{.url = good, .ca_file = "/nonexistent/ca.pem"}, "/nonexistent/ca.pem"},
        {{.url = good, .cert_file = "/nonexistent/c.pem"}, "No such file"},
        {{.url = good, .key_file = "/etc/passwd"}, "without its certificate"},
        {{.url = good, .ca_file = "/"}, "is a directory"},
    };
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err e = {0};
        struct http_post *p = NULL;
        assert_int_equal(http_post_new(&loop, &cases[i].options, &e, &p), -EINVAL);
        assert_null(p);
        if (!strstr(e.text, cases[i].part))
            print_message("%s: %s\n", cases[i].options.url, e.text);
        assert_non_null(strstr(e.text, cases[i].part));
        assert_null(strstr(e.text, "secret"));
        for (const char *c = e.text; *c; c++)
            assert_true(*c >= ' ' && *c < 0x7f);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    http_post_close(NULL);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_exact),
        cmocka_unit_test(nothing_is_said_that_was_not_asked_for),
        cmocka_unit_test(a_large_body_arrives_whole_and_is_not_announced),
        cmocka_unit_test(every_answer_arrives),
        cmocka_unit_test(a_redirect_is_an_answer),
        cmocka_unit_test(headers_are_read_in_any_case),
        cmocka_unit_test(headers_of_interim_answers_and_trailers_do_not_count),
        cmocka_unit_test(of_a_long_body_the_beginning_is_kept),
        cmocka_unit_test(a_connection_closed_while_idle_is_replaced),
        cmocka_unit_test(a_request_is_sent_again_when_a_used_connection_dies),
        cmocka_unit_test(close_idle_closes_what_carries_nothing),
        cmocka_unit_test(an_idle_connection_is_closed_in_time),
        cmocka_unit_test(many_share_a_loop_and_one_that_hangs_holds_up_none),
        cmocka_unit_test(bad_options_are_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
