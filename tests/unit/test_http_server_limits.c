/* What the HTTP server does when a peer, or the host, asks too much of it; and where it listens.
 * Document: net/http_server.h. */
#include "http_server_fixture.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST      "Host: weir\r\n"
#define GET_HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"

static struct http_server_limits with_defaults(void)
{
    return http_server_default_limits;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *list = opendir("/proc/self/fd");
    assert_non_null(list);
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

/* A request of exactly `length` bytes. */
static void send_long_request(struct fixture *f, int fd, size_t length)
{
    static const char start[] = "GET /hello HTTP/1.1\r\n" HOST "X: ";
    char request[2048];
    assert_true(length < sizeof request);
    memset(request, 'x', length);
    memcpy(request, start, sizeof start - 1);
    memcpy(request + length - 4, "\r\n\r\n", 4);
    peer_send_bytes(f, fd, request, length);
}

static void test_header_bytes(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    struct response r;
    (void)state;
    limits.max_header_bytes = 1000;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 0);
    send_long_request(&f, fd, 1000);
    peer_read(&f, fd, false, &r);
    assert_int_equal(r.status, 200);
    send_long_request(&f, fd, 1001);
    peer_read(&f, fd, false, &r);
    assert_int_equal(r.status, 431);
    peer_expect_end(&f, fd);
    close(fd);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_HEADER_BYTES), 1);
    fixture_stop(&f);
}

/* Drips one byte after the other, each well within the time for a whole header. */
static void test_slow_header(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    struct response r;
    (void)state;
    limits.header_timeout_ms = 100;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 0);
    fixture_pump_for(&f, 50); /* no first byte yet: the time has not begun */
    uint64_t begin = now_ms();
    for (const char *c = "GET /hello HTTP/1.1\r\nX: aaaaaaaaa"; *c != '\0'; c++) {
        peer_send_bytes(&f, fd, c, 1);
        fixture_pump_for(&f, 5);
    }
    peer_read(&f, fd, false, &r);
    assert_int_equal(r.status, 408);
    assert_true(now_ms() - begin >= 100);
    peer_expect_end(&f, fd);
    close(fd);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_HEADER_TIMEOUT), 1);
    fixture_stop(&f);
}

static void test_target_and_body_bytes(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    struct response r;
    (void)state;
    limits.max_target_bytes = 10;
    limits.max_body_bytes = 4;
    fixture_start(&f, &limits);
    assert_int_equal(peer_ask(&f, "GET /echo56789 HTTP/1.1\r\n" HOST "\r\n", &r), 200);
    assert_int_equal(peer_ask(&f, "GET /echo567890 HTTP/1.1\r\n" HOST "\r\n", &r), 414);
    assert_int_equal(
        peer_ask(&f, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", &r), 200);
    assert_int_equal(peer_ask(&f, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", &r),
                     413);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_TARGET_BYTES), 1);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_BODY_BYTES), 1);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_MALFORMED), 0);
    fixture_stop(&f);
}

/* The body has a time of its own, from the end of the headers, however it drips. */
static void test_slow_body(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    struct response r;
    (void)state;
    limits.header_timeout_ms = 200;
    limits.body_timeout_ms = 400;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 0);
    uint64_t begin = now_ms();
    peer_send(&f, fd, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    do {
        peer_send(&f, fd, "x");
        fixture_pump_for(&f, 20);
    } while (peer_is_open(&f, fd) && now_ms() - begin < PATIENCE_MS);
    assert_in_range(now_ms() - begin, 400, PATIENCE_MS);
    peer_read(&f, fd, false, &r);
    assert_int_equal(r.status, 408);
    peer_expect_end(&f, fd);
    close(fd);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_BODY_TIMEOUT), 1);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_HEADER_TIMEOUT), 0);
    fixture_stop(&f);
}

/* The second request on a connection has its own times. */
static void test_slow_second_request(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    struct response r;
    (void)state;
    limits.header_timeout_ms = 100;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 0);
    peer_send(&f, fd, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n");
    fixture_pump_for(&f, 10);
    assert_int_equal(peer_ask_on(&f, fd, "xx", &r), 200);
    fixture_pump_for(&f, 200);
    assert_true(peer_is_open(&f, fd));
    assert_int_equal(peer_ask_on(&f, fd, "GET /hello HT", &r), 408);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_HEADER_TIMEOUT), 1);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_BODY_TIMEOUT), 0);
    close(fd);
    fixture_stop(&f);
}

static void test_new_limits_are_for_what_is_new(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    struct response r;
    (void)state;
    fixture_start(&f, NULL);
    int fd = peer_connect(&f, 0);
    assert_int_equal(peer_ask_on(&f, fd, GET_HELLO, &r), 200);
    limits.max_header_bytes = 20;
    http_server_set_limits(f.server, &limits);
    assert_int_equal(peer_ask_on(&f, fd, GET_HELLO, &r), 431);
    close(fd);
    fixture_stop(&f);
}

static void test_refusals_have_names(void **state)
{
    (void)state;
    for (enum http_refusal i = 0; i < HTTP_REFUSALS; i++) {
        assert_non_null(http_refusal_name(i));
        for (enum http_refusal j = 0; j < i; j++)
            assert_string_not_equal(http_refusal_name(i), http_refusal_name(j));
    }
}

static void test_idle_connections_end_in_silence(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    struct response r;
    (void)state;
    limits.idle_timeout_ms = 300;
    limits.header_timeout_ms = 200; /* all that one has that never asked */
    limits.write_timeout_ms = 50;   /* it has taken its answer: that is no matter of its */
    fixture_start(&f, &limits);
    int fresh = peer_connect(&f, 0);
    int kept = peer_connect(&f, 0);
    for (int i = 0; i < 3; i++) { /* each request gives it new time */
        peer_send(&f, kept, GET_HELLO);
        peer_read(&f, kept, false, &r);
        assert_int_equal(r.status, 200);
        fixture_pump_for(&f, 100);
    }
    uint64_t begin = now_ms();
    peer_expect_end(&f, fresh);
    peer_expect_end(&f, kept);
    assert_true(now_ms() - begin >= 190);
    /* Nothing is left that would wake an idle process. */
    assert_int_equal(uv_backend_timeout(&f.loop), -1);
    close(fresh);
    close(kept);
    fixture_stop(&f);
}

/* A request that waits for its handler has no deadline here. */
static void test_waiting_is_not_idle(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    struct response r;
    (void)state;
    limits.idle_timeout_ms = limits.header_timeout_ms = limits.write_timeout_ms = 20;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 0);
    peer_send(&f, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    fixture_await(&f, &f.held_count, 1);
    fixture_pump_for(&f, 100);
    f.held_count = 0;
    http_respond(f.held[0], &(struct http_reply){
                                .status = 200, .content_type = "text/plain", .body = f.hello});
    peer_read(&f, fd, false, &r);
    assert_int_equal(r.status, 200);
    close(fd);
    fixture_stop(&f);
}

/* One that says it will send nothing more and takes nothing: what the kernel keeps for it must not
 * be without a connection that limits count. */
static void test_half_closed_reader_is_counted_and_cut_off(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    (void)state;
    limits.write_timeout_ms = 400;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 2048);
    for (int i = 0; i < 40; i++)
        peer_send(&f, fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
    peer_send(&f, fd, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    fixture_pump_for(&f, 100);
    assert_int_equal(http_server_connections(f.server), 1);
    uint64_t end = now_ms() + PATIENCE_MS;
    while (http_server_connections(f.server) > 0 && now_ms() < end)
        fixture_pump(&f, -1, 10);
    assert_int_equal(http_server_connections(f.server), 0);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_WRITE_TIMEOUT), 1);
    close(fd);
    fixture_stop(&f);
}

/* All of it is the kernel's already when the peer's end comes. */
static void test_half_closed_reader_of_small_answers(void **state)
{
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    (void)state;
    limits.write_timeout_ms = 400;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 2048);
    for (int i = 0; i < 120; i++)
        peer_send(&f, fd, GET_HELLO);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    fixture_pump_for(&f, 100);
    assert_int_equal(f.handled, 120);
    assert_int_equal(http_server_connections(f.server), 1);
    uint64_t end = now_ms() + PATIENCE_MS;
    while (http_server_connections(f.server) > 0 && now_ms() < end)
        fixture_pump(&f, -1, 10);
    assert_int_equal(http_server_connections(f.server), 0);
    close(fd);
    fixture_stop(&f);
}

static void test_slow_reader_is_cut_off(void **state)
{
    static char piece[32768];
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    (void)state;
    limits.write_timeout_ms = 300;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 4096);
    peer_send(&f, fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    fixture_pump_for(&f, 20);
    assert_int_equal(f.big->references, 2);
    uint64_t end = now_ms() + PATIENCE_MS;
    while (f.big->references > 1 && now_ms() < end)
        fixture_pump(&f, -1, 10);
    assert_int_equal(f.big->references, 1);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_WRITE_TIMEOUT), 1);
    assert_int_equal(uv_backend_timeout(&f.loop), -1);
    /* What had not been sent was thrown away at once. */
    ssize_t got = 1;
    while (got > 0)
        got = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    assert_true(got < 0 && errno == ECONNRESET);
    close(fd);
    fixture_stop(&f);
}

/* Takes bytes all the time, but so few that the kernel asks the server for none within the timeout;
 * then the rest. */
static void test_steady_reader_is_served(void **state)
{
    static char piece[65536];
    struct http_server_limits limits = with_defaults();
    struct fixture f;
    size_t total = 0;
    (void)state;
    limits.write_timeout_ms = 400;
    fixture_start(&f, &limits);
    int fd = peer_connect(&f, 32768);
    peer_send(&f, fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    uint64_t begin = now_ms();
    while (total < BIG_BYTES && now_ms() - begin < PATIENCE_MS) {
        bool slow = now_ms() - begin < 1600;
        ssize_t got = recv(fd, piece, slow ? 8192 : sizeof piece, MSG_DONTWAIT);
        assert_true(got > 0 || (got < 0 && errno == EAGAIN));
        total += got > 0 ? (size_t)got : 0;
        fixture_pump_for(&f, slow ? 20 : 0);
        fixture_pump(&f, fd, 5);
    }
    assert_true(total >= BIG_BYTES);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_WRITE_TIMEOUT), 0);
    close(fd);
    fixture_stop(&f);
}

/* After a refusal what still comes in is thrown away, so that the answer arrives, but not for ever.
 */
static void test_end_after_a_refusal(void **state)
{
    static char body[65536];
    struct fixture f;
    struct response r;
    (void)state;
    memset(body, 'x', sizeof body);
    fixture_start(&f, NULL);
    int quiet = peer_connect(&f, 0);
    int loud = peer_connect(&f, 0);
    peer_send(&f, quiet, "POST / HTTP/1.1\r\n" HOST "Content-Length: 70000\r\n\r\n");
    peer_send_bytes(&f, quiet, body, sizeof body);
    peer_read(&f, quiet, false, &r);
    assert_int_equal(r.status, 413);
    peer_expect_end(&f, quiet);
    peer_send(&f, loud, "POST / HTTP/1.1\r\n" HOST "Content-Length: 9000000\r\n\r\n");
    uint64_t begin = now_ms();
    size_t sent = 0;
    bool open = true;
    while (open && sent < 9000000 && now_ms() - begin < PATIENCE_MS) {
        ssize_t n = send(loud, body, sizeof body, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        open = n > 0 || errno == EAGAIN;
        fixture_pump(&f, -1, 0);
    }
    assert_false(open);
    fixture_await_quiet(&f); /* the quiet one is gone too */
    close(quiet);
    close(loud);
    fixture_stop(&f);
}

/* A flood behind a request that waits stays in the kernel. */
static void test_read_ahead_is_bounded(void **state)
{
    static char flood[65536];
    struct fixture f;
    size_t total = 0;
    unsigned refused = 0;
    (void)state;
    memset(flood, 'x', sizeof flood);
    fixture_start(&f, NULL);
    int fd = peer_connect(&f, 0);
    peer_send(&f, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    fixture_await(&f, &f.held_count, 1);
    while (refused < 50 && total < (size_t)64 * 1024 * 1024) {
        ssize_t sent = send(fd, flood, sizeof flood, MSG_DONTWAIT | MSG_NOSIGNAL);
        total += sent > 0 ? (size_t)sent : 0;
        refused = sent > 0 ? 0 : refused + 1;
        fixture_pump(&f, -1, 1);
    }
    assert_int_equal(refused, 50);
    close(fd);
    fixture_stop(&f);
}

static void test_no_descriptors_left(void **state)
{
    struct fixture f;
    struct response r;
    struct rlimit normal;
    (void)state;
    fixture_start(&f, NULL);
    assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200); /* libuv opens what it keeps open */
    fixture_pump_for(&f, 10);
    int fd = peer_connect(&f, 0);
    peer_send_bytes(&f, fd, "", 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &normal), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = normal.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct rusage before;
    struct rusage after;
    getrusage(RUSAGE_SELF, &before);
    fixture_pump_for(&f, 700);
    getrusage(RUSAGE_SELF, &after);
    uint64_t failed = http_server_refusals(f.server, HTTP_REFUSED_ACCEPT);
    assert_true(failed >= 1 && failed <= 3);
    int64_t busy_ms = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000 +
                      (after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1000;
    assert_true(busy_ms < 200);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &normal), 0);
    peer_send(&f, fd, GET_HELLO);
    peer_read(&f, fd, false, &r);
    assert_int_equal(r.status, 200);
    close(fd);
    fixture_stop(&f);
}

static void test_thousand_requests_leave_nothing(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    unsigned outside = count_descriptors();
    fixture_start(&f, NULL);
    int kept = peer_connect(&f, 0);
    peer_send(&f, kept, GET_HELLO);
    peer_read(&f, kept, false, &r);
    unsigned before = count_descriptors();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200);
        peer_send(&f, kept, GET_HELLO);
        peer_read(&f, kept, false, &r);
        assert_int_equal(r.status, 200);
    }
    fixture_pump_for(&f, 10);
    assert_int_equal(count_descriptors(), before);
    assert_int_equal(http_server_answers(f.server, 200), 2001);
    close(kept);
    fixture_pump_for(&f, 10);
    assert_int_equal(uv_backend_timeout(&f.loop), -1); /* no connection, no timer */
    fixture_stop(&f);
    assert_int_equal(count_descriptors(), outside);
}

/* Reserved: the kernel takes connections, nobody is let in before the server is opened. */
static void test_reserved_address(void **state)
{
    struct fixture f;
    struct response r;
    struct err e = {0};
    (void)state;
    fixture_start(&f, NULL);
    assert_int_equal(http_server_reserve(f.server, "127.0.0.1:0", &e), 0);
    uint16_t first = f.port;
    f.port = http_server_port(f.server, 1);
    int fd = peer_connect(&f, 0);
    peer_send(&f, fd, GET_HELLO);
    fixture_pump_for(&f, 30);
    assert_int_equal(http_server_connections(f.server), 0);
    f.port = first;
    assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200);
    assert_int_equal(f.handled, 1);
    http_server_open(f.server);
    peer_read(&f, fd, false, &r);
    assert_int_equal(r.status, 200);
    close(fd);
    fixture_stop(&f);
}

static void expect_listen_error(struct http_server *s, const char *address, int code,
                                const char *word)
{
    struct err e = {0};
    assert_int_equal(http_server_listen(s, address, &e), code);
    if (!strstr(e.text, word) || !strstr(e.text, address))
        fail_msg("%s: %s", address, e.text);
}

static void test_listen_errors(void **state)
{
    struct fixture f;
    struct err e = {0};
    char address[32];
    (void)state;
    fixture_start(&f, NULL);
    expect_listen_error(f.server, "10142", -EINVAL, "10142");
    snprintf(address, sizeof address, "127.0.0.1:%u", f.port);
    expect_listen_error(f.server, address, -EADDRINUSE, "in use");
    expect_listen_error(f.server, "192.0.2.1:0", -EADDRNOTAVAIL, "does not have");
    assert_int_equal(http_server_port(f.server, 1), 0);
    for (int i = 1; i < 2 * HTTP_ADDRESSES_MAX; i++) /* the old and the new of a reload */
        assert_int_equal(http_server_listen(f.server, "127.0.0.1:0", &e), 0);
    expect_listen_error(f.server, "127.0.0.2:0", -E2BIG, "leave some out");
    fixture_stop(&f);
}

static int connect_v6(uint16_t port)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    to.sin6_addr = in6addr_loopback;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void test_listens_on_all_addresses(void **state)
{
    struct fixture f;
    struct response r;
    struct err e = {0};
    (void)state;
    fixture_start(&f, NULL);
    assert_int_equal(http_server_listen(f.server, ":0", &e), 0);
    assert_int_equal(http_server_listen(f.server, "localhost:0", &e), 0);
    for (size_t i = 1; i < 3; i++) {
        f.port = http_server_port(f.server, i);
        assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200);
    }
    if (http_server_listen(f.server, "[::1]:0", &e) < 0) {
        assert_int_equal(e.code, -EADDRNOTAVAIL);
        fixture_stop(&f);
        skip(); /* no IPv6 on this host */
    }
    for (size_t i = 1; i < 4; i += 2) {
        int fd = connect_v6(http_server_port(f.server, i));
        assert_true(fd >= 0);
        peer_send(&f, fd, GET_HELLO);
        peer_read(&f, fd, false, &r);
        assert_int_equal(r.status, 200);
        close(fd);
    }
    fixture_stop(&f);
}

static bool can_connect(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = connect(fd, (struct sockaddr *)&to, sizeof to);
    close(fd);
    return r == 0;
}

static void test_unlisten(void **state)
{
    struct fixture f;
    struct response r;
    struct err e = {0};
    char address[32];
    (void)state;
    fixture_start(&f, NULL);
    assert_int_equal(http_server_listen(f.server, "127.0.0.2:0", &e), 0);
    uint16_t second = http_server_port(f.server, 1);
    int kept = peer_connect(&f, 0);
    assert_int_equal(peer_ask_on(&f, kept, GET_HELLO, &r), 200);
    unsigned before = count_descriptors();
    http_server_unlisten(f.server, "127.0.0.1:1"); /* nobody's */
    assert_int_equal(count_descriptors(), before);
    http_server_unlisten(f.server, "127.0.0.1:0"); /* the fixture's */
    assert_int_equal(count_descriptors(), before - 1);
    assert_false(can_connect(f.port));
    assert_int_equal(http_server_port(f.server, 0), second);
    assert_int_equal(peer_ask_on(&f, kept, GET_HELLO, &r), 200);
    snprintf(address, sizeof address, "127.0.0.1:%u", f.port);
    if (http_server_listen(f.server, address, &e) < 0) /* it is free again */
        fail_msg("%s", e.text);
    assert_int_equal(http_server_port(f.server, 1), f.port);
    assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200);
    http_server_unlisten(f.server, address);
    assert_false(can_connect(f.port));
    close(kept);
    fixture_stop(&f);
}

static void test_somebody_elses_socket(void **state)
{
    struct fixture f;
    struct response r;
    struct err e = {0};
    (void)state;
    fixture_start(&f, NULL);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(http_server_listen_on(f.server, fd, "weir.socket", &e), -EINVAL);
    assert_non_null(strstr(e.text, "weir.socket"));
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0); /* it is still ours */
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(http_server_listen_on(f.server, fd, "weir.socket", &e), 0);
    f.port = http_server_port(f.server, 1);
    assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200);
    fixture_stop(&f);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_bytes),
        cmocka_unit_test(test_slow_header),
        cmocka_unit_test(test_target_and_body_bytes),
        cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_slow_second_request),
        cmocka_unit_test(test_new_limits_are_for_what_is_new),
        cmocka_unit_test(test_refusals_have_names),
        cmocka_unit_test(test_idle_connections_end_in_silence),
        cmocka_unit_test(test_waiting_is_not_idle),
        cmocka_unit_test(test_half_closed_reader_is_counted_and_cut_off),
        cmocka_unit_test(test_half_closed_reader_of_small_answers),
        cmocka_unit_test(test_slow_reader_is_cut_off),
        cmocka_unit_test(test_steady_reader_is_served),
        cmocka_unit_test(test_end_after_a_refusal),
        cmocka_unit_test(test_read_ahead_is_bounded),
        cmocka_unit_test(test_no_descriptors_left),
        cmocka_unit_test(test_thousand_requests_leave_nothing),
        cmocka_unit_test(test_reserved_address),
        cmocka_unit_test(test_listen_errors),
        cmocka_unit_test(test_listens_on_all_addresses),
        cmocka_unit_test(test_unlisten),
        cmocka_unit_test(test_somebody_elses_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
