/* The HTTP server as its peers and its handler see it. Documents: net/http_server.h, RFC 9110, RFC
 * 9112. */
#include "http_server_fixture.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: weir\r\n"

static bool has_line(const struct response *r, const char *line)
{
    const char *at = strstr(r->head, line);
    return at && at[-1] == '\n' && text_starts_with(at + strlen(line), "\r\n");
}

static void test_answers(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    assert_int_equal(peer_ask(&f, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &r), 200);
    assert_string_equal(r.body, "hello");
    assert_true(has_line(&r, "Content-Type: text/plain"));
    assert_true(has_line(&r, "Content-Length: 5"));
    assert_null(strstr(r.head, "Connection:"));
    assert_non_null(strstr(r.head, "\r\nDate: "));
    assert_non_null(strstr(r.head, " GMT\r\n"));
    assert_int_equal(peer_ask(&f, "GET /none HTTP/1.1\r\n" HOST "\r\n", &r), 404);
    assert_int_equal(peer_ask(&f,
                              "GET /echo/%7Ea%2fb?x=%41&y HTTP/1.1\r\n" HOST
                              "aCCept:  text/plain \t\r\nAccept: second\r\n"
                              "X-Prometheus-Scrape-Timeout-Seconds: 10\r\nX-Other: 1\r\n\r\n",
                              &r),
                     200);
    assert_string_equal(r.body, "/echo/~a/b|x=%41&y|text/plain|10");
    assert_int_equal(http_server_answers(f.server, 200), 2);
    assert_int_equal(http_server_answers(f.server, 404), 1);
    assert_int_equal(http_server_answers(f.server, 418), 0);
    fixture_stop(&f);
}

struct refused {
    const char *request;
    int status;
};

static void test_refusals_are_sentences_and_close(void **state)
{
    static const struct refused cases[] = {
        {"DELETE /hello HTTP/1.1\r\n" HOST "\r\n", 405},
        {"BREW /hello HTTP/1.1\r\n" HOST "\r\n", 405},
        {"CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", 405},
        {"GET /hello HTTP/1.1\r\n\r\n", 400},
        {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a%00b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /hello HTTP/2.0\r\n" HOST "\r\n", 505},
        {"GET /hello HTTP/1.2\r\n" HOST "\r\n", 505},
        {"\x16\x03\x01\x02 TLS", 400},
        {"GET /hello HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", 400},
    };
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = peer_connect(&f, 0);
        peer_send(&f, fd, cases[i].request);
        peer_read(&f, fd, false, &r);
        if (r.status != cases[i].status)
            fail_msg("%s: %d", cases[i].request, r.status);
        assert_true(has_line(&r, "Content-Type: text/plain; charset=utf-8"));
        assert_true(has_line(&r, "Connection: close"));
        assert_true(has_line(&r, "Allow: GET, HEAD") == (r.status == 405));
        assert_true(r.length > 10 && r.body[r.length - 1] == '\n');
        assert_ptr_equal(strchr(r.body, '\n'), r.body + r.length - 1);
        peer_expect_end(&f, fd);
        close(fd);
    }
    assert_int_equal(f.handled, 0);
    assert_int_equal(http_server_answers(f.server, 405), 3);
    assert_int_equal(http_server_answers(f.server, 505), 2);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_MALFORMED), 7);
    fixture_stop(&f);
}

static void test_methods_and_bodies(void **state)
{
    static const char *const cases[][2] = {
        {"GET /where HTTP/1.1\r\n" HOST "\r\n", "GET local\n"},
        {"POST /where HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "POST local\n"},
        {"POST /where HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", "POST local\n"},
        {"PUT /where HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
         "PUT local\n"},
    };
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    int fd = peer_connect(&f, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(peer_ask_on(&f, fd, cases[i][0], &r), 200);
        assert_string_equal(r.body, cases[i][1]);
    }
    close(fd);
    fixture_stop(&f);
}

static void test_interim_answer(void **state)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char got[sizeof interim] = "";
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    int fd = peer_connect(&f, 0);
    for (int i = 0; i < 2; i++) {
        peer_send(&f, fd,
                  "POST /where HTTP/1.1\r\n" HOST
                  "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
        fixture_pump_for(&f, 10);
        assert_int_equal(recv(fd, got, sizeof interim - 1, MSG_DONTWAIT), sizeof interim - 1);
        assert_string_equal(got, interim);
        assert_true(peer_is_open(&f, fd)); /* nothing more until the body is here */
        peer_send(&f, fd, "body");
        peer_read(&f, fd, false, &r);
        assert_string_equal(r.body, "POST local\n");
    }
    /* With the body already here there is nothing to wait for. */
    assert_int_equal(peer_ask_on(&f, fd,
                                 "POST /where HTTP/1.1\r\n" HOST
                                 "Content-Length: 4\r\nExpect: 100-continue\r\n\r\nbody",
                                 &r),
                     200);
    assert_int_equal(http_server_answers(f.server, 200), 3);
    close(fd);
    fixture_stop(&f);
}

static void test_headers_of_every_answer(void **state)
{
    static const char *const requests[] = {
        "GET /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /none HTTP/1.1\r\n" HOST "\r\n",
        "DELETE /hello HTTP/1.1\r\n" HOST "\r\n",
        "nonsense\r\n\r\n",
    };
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    for (int round = 0; round < 3; round++) {
        if (round == 1)
            http_server_set_headers(f.server, "X-Frame-Options: deny\r\nX-Other: 1\r\n");
        if (round == 2)
            http_server_set_headers(f.server, "");
        for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
            (void)peer_ask(&f, requests[i], &r);
            assert_true(has_line(&r, "X-Frame-Options: deny") == (round == 1));
            assert_true(has_line(&r, "X-Other: 1") == (round == 1));
            assert_non_null(strstr(r.head, "\r\nDate: "));
        }
    }
    fixture_stop(&f);
}

/* The longest of everything fits. */
static void test_longest_head(void **state)
{
    char lines[HTTP_REPLY_HEADERS_MAX + 1];
    struct fixture f;
    struct response r;
    (void)state;
    memset(lines, 'x', sizeof lines);
    memcpy(lines, "X: ", 3);
    memcpy(lines + HTTP_REPLY_HEADERS_MAX - 2, "\r\n", 3);
    fixture_start(&f, NULL);
    http_server_set_headers(f.server, lines);
    int fd = peer_connect(&f, 0);
    peer_send(&f, fd, "GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    fixture_await(&f, &f.held_count, 1);
    f.held_count = 0;
    http_respond_text(f.held[0], 431, lines, "Long.");
    fixture_pump_for(&f, 10);
    char whole[4096];
    ssize_t got = recv(fd, whole, sizeof whole, MSG_DONTWAIT);
    assert_in_range(got, 2 * HTTP_REPLY_HEADERS_MAX, sizeof whole);
    assert_memory_equal(whole + got - 9, "\n\r\nLong.\n", 9);
    assert_int_equal(peer_ask_on(&f, fd, "GET / HTTP/1.1\r\n\r\n", &r), 400);
    close(fd);
    fixture_stop(&f);
}

/* Whatever the second half of these is taken for, it must not be taken for a request. */
static void test_smuggling_shapes(void **state)
{
#define SHAPE(text)                                                  \
    {                                                                \
        text "GET /hello HTTP/1.1\r\n" HOST "\r\n", sizeof(text) - 1 \
    }
    static const struct {
        const char *bytes;
        size_t before; /* bytes before the request that is smuggled */
    } shapes[] = {
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 5\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST
              "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST
              "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 0x0\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 0,0\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\n" HOST "\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\nHost: weir\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"),
        SHAPE("GET /hel\0lo HTTP/1.1\r\n" HOST "\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n" HOST "X\r\n\r\n"),
        SHAPE("GET /hello HTTP/1.1\r\n X: a\r\n" HOST "\r\n"),
    };
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        int fd = peer_connect(&f, 0);
        size_t length = shapes[i].before + strlen("GET /hello HTTP/1.1\r\n" HOST "\r\n");
        peer_send_bytes(&f, fd, shapes[i].bytes, length);
        peer_read(&f, fd, false, &r);
        if (r.status != 400)
            fail_msg("shape %zu: %d", i, r.status);
        peer_expect_end(&f, fd);
        close(fd);
    }
    assert_int_equal(f.handled, 0);
    fixture_stop(&f);
}

static void test_head(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    int fd = peer_connect(&f, 0);
    peer_send(&f, fd, "HEAD /hello HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
    peer_read(&f, fd, true, &r);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.length, 5);
    peer_read(&f, fd, false, &r);
    assert_string_equal(r.body, "hello");
    peer_send(&f, fd, "HEAD /none HTTP/1.1\r\n" HOST "\r\n");
    peer_read(&f, fd, true, &r);
    assert_int_equal(r.status, 404);
    assert_true(r.length > 0);
    peer_send(&f, fd, "HEAD /hello HTTP/1.1\r\n\r\n");
    peer_read(&f, fd, true, &r);
    assert_int_equal(r.status, 400);
    peer_expect_end(&f, fd);
    close(fd);
    fixture_stop(&f);
}

static void test_persistence(void **state)
{
    static const struct {
        const char *request;
        bool kept;
        bool said; /* the answer says keep-alive */
    } cases[] = {
        {"GET /hello HTTP/1.1\r\n" HOST "\r\n", true, false},
        {"GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false, false},
        {"GET /hello HTTP/1.1\r\n" HOST "Connection: x, CLOSE\r\n\r\n", false, false},
        {"GET /hello HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", true, false},
        {"GET /hello HTTP/1.0\r\n\r\n", false, false},
        {"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, true},
        {"GET /hello HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", false, false},
    };
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = peer_connect(&f, 0);
        peer_send(&f, fd, cases[i].request);
        peer_read(&f, fd, false, &r);
        assert_int_equal(r.status, 200);
        assert_true(has_line(&r, "Connection: close") == !cases[i].kept);
        assert_true(has_line(&r, "Connection: keep-alive") == cases[i].said);
        if (cases[i].kept) {
            peer_send(&f, fd, "GET /none HTTP/1.1\r\n" HOST "\r\n");
            peer_read(&f, fd, false, &r);
            assert_int_equal(r.status, 404);
        } else {
            peer_expect_end(&f, fd);
        }
        close(fd);
    }
    fixture_stop(&f);
}

static void test_nothing_after_close_is_answered(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    int fd = peer_connect(&f, 0);
    peer_send(&f, fd, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    peer_send(&f, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    peer_read(&f, fd, false, &r);
    assert_int_equal(r.status, 200);
    peer_expect_end(&f, fd);
    assert_int_equal(f.handled, 1);
    close(fd);
    fixture_stop(&f);
}

static void test_pipeline_split_everywhere(void **state)
{
    static const char requests[] = "GET /echo1?a HTTP/1.1\r\n" HOST "\r\n"
                                   "\r\nGET http://h/echo2 HTTP/1.1\r\n" HOST "Accept: b\r\n\r\n"
                                   "GET /echo3 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    for (size_t split = 0; split < sizeof requests; split++) {
        int fd = peer_connect(&f, 0);
        peer_send_bytes(&f, fd, requests, split);
        fixture_pump(&f, -1, 0);
        peer_send_bytes(&f, fd, requests + split, sizeof requests - 1 - split);
        peer_read(&f, fd, false, &r);
        assert_string_equal(r.body, "/echo1|a|-|-");
        peer_read(&f, fd, false, &r);
        assert_string_equal(r.body, "/echo2||b|-");
        peer_read(&f, fd, false, &r);
        assert_string_equal(r.body, "/echo3||-|-");
        peer_expect_end(&f, fd);
        close(fd);
    }
    fixture_stop(&f);
}

static void test_answers_keep_their_order(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    int fd = peer_connect(&f, 0);
    peer_send(&f, fd, "GET /later HTTP/1.1\r\n" HOST "\r\nGET /echo HTTP/1.1\r\n" HOST "\r\n");
    fixture_await(&f, &f.held_count, 1);
    peer_send(&f, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    fixture_pump_for(&f, 20);
    assert_int_equal(f.handled, 1); /* one at a time */
    f.held_count = 0;
    http_respond_text(f.held[0], 503, NULL, "First.");
    peer_read(&f, fd, false, &r);
    assert_string_equal(r.body, "First.\n");
    peer_read(&f, fd, false, &r);
    assert_string_equal(r.body, "/echo||-|-");
    peer_read(&f, fd, false, &r);
    assert_string_equal(r.body, "hello");
    close(fd);
    fixture_stop(&f);
}

/* Its end is seen while the handler has the request, or only once the kept bytes are used up. */
static void half_close(struct fixture *f, const char *more, unsigned answers)
{
    struct response r;
    int fd = peer_connect(f, 0);
    peer_send(f, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    peer_send(f, fd, more);
    shutdown(fd, SHUT_WR);
    fixture_await(f, &f->held_count, 1);
    fixture_pump_for(f, 10);
    f->held_count = 0;
    http_respond(f->held[0], &(struct http_reply){
                                 .status = 200, .content_type = "text/plain", .body = f->hello});
    for (unsigned i = 0; i < answers; i++) {
        peer_read(f, fd, false, &r);
        assert_string_equal(r.body, "hello");
    }
    peer_expect_end(f, fd);
    close(fd);
    fixture_pump_for(f, 10);
    assert_int_equal(uv_backend_timeout(&f->loop), -1); /* it is gone, not idle */
}

static void test_half_closed_peer_gets_its_answers(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, NULL);
    half_close(&f, "", 1);
    half_close(&f, "GET /hello HTTP/1.1\r\n" HOST "\r\n", 2);
    half_close(&f, "GET /hello HTT", 1);
    fixture_stop(&f);
}

static void test_peer_gone_before_the_answer(void **state)
{
    struct fixture f;
    struct response r;
    struct linger reset = {.l_onoff = 1};
    (void)state;
    fixture_start(&f, NULL);
    for (int with_reset = 0; with_reset < 2; with_reset++) {
        int fd = peer_connect(&f, 0);
        peer_send(&f, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
        fixture_await(&f, &f.held_count, 1);
        if (with_reset)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        fixture_pump_for(&f, 10);
        assert_string_equal(http_request_path(f.held[0]), "/later");
        f.held_count = 0;
        http_respond(f.held[0], &(struct http_reply){
                                    .status = 200, .content_type = "text/plain", .body = f.big});
        fixture_pump_for(&f, 10);
    }
    assert_int_equal(f.big->references, 1);
    assert_int_equal(peer_ask(&f, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &r), 200);
    fixture_stop(&f);
}

static void test_server_closed_while_held(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, NULL);
    int held = peer_connect(&f, 0);
    int idle = peer_connect(&f, 0);
    int half = peer_connect(&f, 0);
    peer_send(&f, held, "GET /later HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n\r\n");
    peer_send(&f, half, "GET /hello HTT");
    fixture_await(&f, &f.held_count, 1);
    fixture_stop(&f); /* answers the held request at its end, when the server is freed */
    close(held);
    close(idle);
    close(half);
}

static void close_then_respond(void *context, struct http_request *r)
{
    struct fixture *f = context;
    http_server_close(f->server, NULL, NULL);
    f->server = NULL;
    http_respond(
        r, &(struct http_reply){.status = 200, .content_type = "text/plain", .body = f->hello});
}

static void respond_then_close(void *context, struct http_request *r)
{
    struct fixture *f = context;
    http_respond(
        r, &(struct http_reply){.status = 200, .content_type = "text/plain", .body = f->hello});
    http_server_close(f->server, NULL, NULL);
    f->server = NULL;
}

static void test_server_closed_by_its_handler(void **state)
{
    static const http_handler handlers[] = {close_then_respond, respond_then_close};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct err e = {0};
        fixture_start(&f, NULL);
        http_server_close(f.server, NULL, NULL);
        f.server = http_server_new(&f.loop, NULL, handlers[i], &f);
        assert_int_equal(http_server_listen(f.server, "127.0.0.1:0", &e), 0);
        f.port = http_server_port(f.server, 0);
        int fd = peer_connect(&f, 0);
        peer_send(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
        fixture_stop(&f);
        close(fd);
    }
}

static void test_body_is_served_by_reference(void **state)
{
    static char whole[BIG_BYTES];
    struct fixture f;
    (void)state;
    fixture_start(&f, NULL);
    int fd = peer_connect(&f, 4096);
    peer_send(&f, fd, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    fixture_pump_for(&f, 10);
    assert_int_equal(f.big->references, 2);
    size_t total = 0;
    uint64_t end = now_ms() + PATIENCE_MS;
    for (;;) {
        ssize_t got = recv(fd, whole, sizeof whole, MSG_DONTWAIT);
        if (got == 0)
            break;
        total += got > 0 ? (size_t)got : 0;
        fixture_pump(&f, fd, 10);
        assert_true(now_ms() < end);
    }
    assert_true(total > BIG_BYTES && total < BIG_BYTES + 400);
    assert_int_equal(f.big->references, 1);
    close(fd);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_refusals_are_sentences_and_close),
        cmocka_unit_test(test_methods_and_bodies),
        cmocka_unit_test(test_interim_answer),
        cmocka_unit_test(test_headers_of_every_answer),
        cmocka_unit_test(test_longest_head),
        cmocka_unit_test(test_smuggling_shapes),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_persistence),
        cmocka_unit_test(test_nothing_after_close_is_answered),
        cmocka_unit_test(test_pipeline_split_everywhere),
        cmocka_unit_test(test_answers_keep_their_order),
        cmocka_unit_test(test_half_closed_peer_gets_its_answers),
        cmocka_unit_test(test_peer_gone_before_the_answer),
        cmocka_unit_test(test_server_closed_while_held),
        cmocka_unit_test(test_server_closed_by_its_handler),
        cmocka_unit_test(test_body_is_served_by_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
