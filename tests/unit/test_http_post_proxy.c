/* Tests net/http_post through a proxy: the one that is given, that of the environment as curl(1)
 * reads it, and proxies that refuse. From net/http_post.h, RFC 9110 section 9.3.6 (CONNECT) and
 * RFC 9112 section 3.2.2 (absolute-form). */
#include "post_tls_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What the proxy answers CONNECT with. */
struct manner {
    const char *answer; /* one that does not begin with 200 ends the connection */
    unsigned target;    /* the port it connects to, whatever it is asked for */
};

static bool pass_on(int from, int to)
{
    char bytes[65536];
    ssize_t length = recv(from, bytes, sizeof bytes, 0);
    return length > 0 && peer_send_bytes(to, bytes, (size_t)length);
}

static void tunnel(int client, unsigned port)
{
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    bool goes_on = connect(server, (struct sockaddr *)&address, sizeof address) == 0;
    struct pollfd ends[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    while (goes_on && poll(ends, 2, -1) > 0) {
        if (ends[0].revents)
            goes_on = pass_on(client, server);
        if (ends[1].revents && goes_on)
            goes_on = pass_on(server, client);
    }
    (void)close(server);
}

/* CONNECT is tunnelled; any other request answered with itself. */
static void proxy(struct peer *p, int fd, unsigned number)
{
    (void)number;
    const struct manner *m = peer_context(p);
    struct seen s = {0};
    while (seen_read(fd, &s)) {
        if (strncmp(s.head, "CONNECT ", 8) == 0) {
            bool agrees = peer_send(fd, m->answer) && strstr(m->answer, " 200 ");
            if (agrees)
                tunnel(fd, m->target);
            break;
        }
        if (!seen_echo(fd, &s))
            break;
    }
    seen_clear(&s);
}

static void clear_environment(void)
{
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
}

static void ask(const char *url, const char *proxy_url, struct posted *g)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    const struct http_post_options options = {
        .url = url, .proxy = proxy_url, .ca_file = receiver_file("ca.pem"), .verify = true};
    struct http_post *p = post_with(&loop, &options);
    post_ask(&loop, p, g);
    post_end(&loop, p);
}

static void plain_requests_go_in_absolute_form(void **state)
{
    static const struct manner none = {0};
    struct peer *peer = peer_start_tcp(proxy, &none);
    char url[64];
    struct posted g = {0};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", peer_port(peer));
    ask("http://receiver.example.org/write?x=y", url, &g);
    assert_int_equal(g.status, 200);
    assert_non_null(strstr(g.body, "POST http://receiver.example.org/write?x=y HTTP/1.1\r\nHost: "
                                   "receiver.example.org\r\n"));
    assert_string_equal(g.body + g.body_length - 4, "body");
    ask("http://receiver.example.org/", url + strlen("http://"), &g); /* the scheme is optional */
    assert_int_equal(g.status, 200);
    (void)snprintf(url, sizeof url, "http://me:secret@127.0.0.1:%u", peer_port(peer));
    ask("http://receiver.example.org/", url, &g);
    assert_non_null(strstr(g.body, "\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
    posted_clear(&g);
    peer_stop(peer);
    (void)state;
}

static void echo(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    struct seen s = {0};
    while (seen_read(fd, &s) && seen_echo(fd, &s)) {
    }
    seen_clear(&s);
}

static void the_environment_is_read_as_curl_does(void **state)
{
    static const struct manner none = {0};
    struct peer *through = peer_start_tcp(proxy, &none);
    struct peer *direct = peer_start_tcp(echo, NULL);
    char by[64];
    char url[64];
    (void)snprintf(by, sizeof by, "http://127.0.0.1:%u", peer_port(through));
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/write", peer_port(direct));
    const struct {
        const char *name;
        const char *no_proxy;
        const char *option;
        const char *line;
    } cases[] = {
        {"http_proxy", NULL, NULL, "POST http://127"},
        {"HTTP_PROXY", NULL, NULL, "POST /write"}, /* a CGI header could set it */
        {"all_proxy", NULL, NULL, "POST http://127"},
        {"https_proxy", NULL, NULL, "POST /write"},
        {"http_proxy", "127.0.0.1", NULL, "POST /write"},
        {"http_proxy", "*", NULL, "POST /write"},
        {"http_proxy", "example.org", NULL, "POST http://127"},
        {"http_proxy", NULL, "", "POST /write"},
        {"no_proxy", NULL, by, "POST http://127"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct posted g = {0};
        clear_environment();
        (void)setenv(cases[i].name, strcmp(cases[i].name, "no_proxy") == 0 ? "example.org" : by, 1);
        if (cases[i].no_proxy)
            (void)setenv("no_proxy", cases[i].no_proxy, 1);
        ask(url, cases[i].option, &g);
        assert_int_equal(g.status, 200);
        assert_int_equal(strncmp(g.body, cases[i].line, strlen(cases[i].line)), 0);
        posted_clear(&g);
    }
    clear_environment();
    peer_stop(direct);
    peer_stop(through);
    (void)state;
}

static void tls_goes_through_a_tunnel(void **state)
{
    struct manner m = {"HTTP/1.1 200 Connected\r\nRetry-After: 7\r\n"
                       "X-Prometheus-Remote-Write-Samples-Written: 9\r\n\r\n",
                       receiver_port(RECEIVER)};
    struct peer *peer = peer_start_tcp(proxy, &m);
    char by[64];
    char url[128];
    (void)snprintf(by, sizeof by, "http://127.0.0.1:%u", peer_port(peer));
    for (int i = 0; i < 2; i++) {
        struct posted g = {0};
        if (i == 1)
            (void)setenv("https_proxy", by, 1);
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        const struct http_post_options options = {.url = receiver_url(url, RECEIVER, "/"),
                                                  .proxy = i == 0 ? by : NULL,
                                                  .ca_file = receiver_file("ca.pem"),
                                                  .verify = true};
        struct http_post *p = post_with(&loop, &options);
        post_ask(&loop, p, &g);
        post_ask(&loop, p, &g); /* through the same tunnel */
        assert_non_null(strstr(g.body, " nobody 4 "));
        assert_null(g.retry_after); /* the proxy's */
        assert_int_equal(g.samples, -1);
        assert_int_equal(peer_connections(peer), i + 1);
        posted_clear(&g);
        post_end(&loop, p);
    }
    clear_environment();
    peer_stop(peer);
    (void)state;
}

static void a_proxy_that_refuses_is_told_from_the_receiver(void **state)
{
    static const struct {
        const char *answer;
        enum reason reason;
        const char *part;
    } cases[] = {
        {"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nword", REASON_CONNECTION_FAILED, "403"},
        {"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\n",
         REASON_CONNECTION_FAILED, "password"},
        {"HTTP/1.1 502 Gone\r\nRetry-After: 3\r\n\r\n", REASON_CONNECTION_FAILED, "the proxy"},
        {"", REASON_CONNECTION_FAILED, "roxy"},
        {"garbage\r\n\r\n", REASON_CONNECTION_FAILED, "roxy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct manner m = {.answer = cases[i].answer};
        struct peer *peer = peer_start_tcp(proxy, &m);
        char by[64];
        struct posted g = {0};
        (void)snprintf(by, sizeof by, "http://me:secret@127.0.0.1:%u", peer_port(peer));
        ask("https://receiver.example.org/write", by, &g);
        if (g.reason != cases[i].reason || !strstr(g.text, cases[i].part))
            print_message("%s: %s, %s\n", cases[i].answer, reason_name(g.reason), g.text);
        assert_string_equal(reason_name(g.reason), reason_name(cases[i].reason));
        assert_int_equal(g.status, 0);
        assert_non_null(strstr(g.text, cases[i].part));
        assert_null(strstr(g.text, "secret"));
        assert_null(g.retry_after);
        posted_clear(&g);
        peer_stop(peer);
    }
    (void)state;
}

static void a_proxy_that_is_not_there_is_no_answer(void **state)
{
    static const struct {
        const char *by;
        enum reason reason;
    } cases[] = {{"http://127.0.0.1:1", REASON_CONNECTION_REFUSED},
                 {"socks5h://127.0.0.1:1", REASON_CONNECTION_REFUSED},
                 {"http://a..b:3128", REASON_CONNECTION_FAILED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct posted g = {0};
        ask("http://receiver.example.org/write", cases[i].by, &g);
        if (g.reason != cases[i].reason)
            print_message("%s: %s\n", cases[i].by, g.text);
        assert_string_equal(reason_name(g.reason), reason_name(cases[i].reason));
        assert_non_null(strstr(g.text, "proxy"));
        posted_clear(&g);
    }
    (void)state;
}

static void hang(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    peer_wait_closed(fd);
}

static void a_proxy_that_hangs_times_out(void **state)
{
    struct peer *peer = peer_start_tcp(hang, NULL);
    char by[64];
    (void)snprintf(by, sizeof by, "http://127.0.0.1:%u", peer_port(peer));
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    const struct http_post_options options = {.url = "https://receiver.example.org/", .proxy = by};
    struct http_post *p = post_with(&loop, &options);
    struct posted g = {0};
    post_begin(p, "body", 4, 200, &g);
    loop_until(&loop, &g.done);
    assert_int_equal(g.reason, REASON_TIMEOUT);
    assert_non_null(strstr(g.text, "connecting"));
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

int main(void)
{
    int missing = receivers_missing();
    if (missing)
        return missing;
    clear_environment();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_requests_go_in_absolute_form),
        cmocka_unit_test(the_environment_is_read_as_curl_does),
        cmocka_unit_test(tls_goes_through_a_tunnel),
        cmocka_unit_test(a_proxy_that_refuses_is_told_from_the_receiver),
        cmocka_unit_test(a_proxy_that_is_not_there_is_no_answer),
        cmocka_unit_test(a_proxy_that_hangs_times_out),
    };
    return cmocka_run_group_tests(tests, receivers_begin, receivers_end);
}
