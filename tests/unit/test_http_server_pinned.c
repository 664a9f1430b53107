/* What slow readers hold, of weir's memory and of the kernel's, and when they are cut off.
 * Documents: net/http_server.h, tcp(7). */
#include "http_server_fixture.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST    "Host: weir\r\n"
#define GET_BIG "GET /big HTTP/1.1\r\n" HOST "\r\n"
#define MIB     (1024U * 1024)
#define SMALL   4096 /* bytes of a slow reader's receive buffer */

static char piece[MIB];

static void start(struct fixture *f, uint64_t pinned_bytes, uint64_t write_timeout_ms)
{
    struct http_server_limits limits = http_server_default_limits;
    limits.max_pinned_bytes = pinned_bytes;
    limits.write_timeout_ms = write_timeout_ms;
    fixture_start(f, &limits);
}

static int reader(struct fixture *f, const char *request)
{
    int fd = peer_connect(f, SMALL);
    peer_send(f, fd, request);
    fixture_pump_for(f, 10);
    return fd;
}

static int fresh_reader(struct fixture *f, size_t length)
{
    char request[96];
    (void)snprintf(request, sizeof request, "GET /fresh?%zu HTTP/1.1\r\n" HOST "\r\n", length);
    return reader(f, request);
}

/* How many bytes came before it ended, was reset, or had nothing for `pause_ms`. */
static size_t drain(struct fixture *f, int fd, uint64_t pause_ms)
{
    size_t total = 0;
    for (uint64_t last = now_ms(); now_ms() - last <= pause_ms;) {
        ssize_t got = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        if (got > 0) {
            total += (size_t)got;
            last = now_ms();
        }
        fixture_pump(f, fd, 1);
    }
    return total;
}

static bool is_reset(int fd)
{
    ssize_t got = 1;
    while (got > 0)
        got = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    return got < 0 && errno == ECONNRESET;
}

static void test_a_body_counts_once(void **state)
{
    struct fixture f;
    int fds[3];
    (void)state;
    start(&f, 64 * MIB, 30000);
    assert_int_equal(http_server_pinned_bytes(f.server), 0);
    for (int i = 0; i < 3; i++) {
        fds[i] = reader(&f, GET_BIG);
        assert_int_equal(http_server_pinned_bytes(f.server), BIG_BYTES);
    }
    int other = fresh_reader(&f, 3 * MIB);
    assert_int_equal(http_server_pinned_bytes(f.server), BIG_BYTES + 3 * MIB);
    close(fds[0]);
    close(fds[1]);
    fixture_await_connections(&f, 2);
    assert_int_equal(http_server_pinned_bytes(f.server), BIG_BYTES + 3 * MIB);
    assert_in_range(drain(&f, fds[2], 100), BIG_BYTES, BIG_BYTES + 1000);
    assert_int_equal(http_server_pinned_bytes(f.server), 3 * MIB);
    close(other);
    fixture_await_connections(&f, 1);
    assert_int_equal(http_server_pinned_bytes(f.server), 0);
    close(fds[2]);
    fixture_stop(&f);
}

static void test_the_slowest_are_cut_off(void **state)
{
    struct fixture f;
    int fds[4];
    (void)state;
    start(&f, 8 * MIB, 30000);
    for (int i = 0; i < 4; i++)
        fds[i] = fresh_reader(&f, 3 * MIB);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_PINNED_BYTES), 2);
    assert_int_equal(http_server_pinned_bytes(f.server), 6 * MIB);
    assert_true(is_reset(fds[0]) && is_reset(fds[1]));
    for (int i = 2; i < 4; i++)
        assert_in_range(drain(&f, fds[i], 100), 3 * MIB, 3 * MIB + 1000);
    assert_int_equal(http_server_pinned_bytes(f.server), 0);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    fixture_stop(&f);
}

/* One that is past the limit by itself reaches who takes it, also two at a time. */
static void test_a_large_answer_is_served(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, MIB, 30000);
    int one = reader(&f, GET_BIG);
    int two = reader(&f, GET_BIG);
    assert_in_range(drain(&f, one, 100), BIG_BYTES, BIG_BYTES + 1000);
    assert_in_range(drain(&f, two, 100), BIG_BYTES, BIG_BYTES + 1000);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_PINNED_BYTES), 0);
    /* Slow alone, until somebody else wants another one. */
    peer_send(&f, one, GET_BIG);
    fixture_pump_for(&f, 50);
    assert_int_equal(f.big->references, 2);
    int other = fresh_reader(&f, 3 * MIB);
    assert_int_equal(f.big->references, 1);
    assert_true(is_reset(one));
    assert_in_range(drain(&f, other, 100), 3 * MIB, 3 * MIB + 1000);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_PINNED_BYTES), 1);
    close(one);
    close(two);
    close(other);
    fixture_stop(&f);
}

/* What the kernel takes at once is nobody's burden: it cuts nobody off. */
static void test_small_answers_pin_nothing(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, 4 * MIB, 30000);
    int slow = fresh_reader(&f, 3 * MIB);
    for (int i = 0; i < 50; i++)
        assert_int_equal(peer_ask(&f, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &r), 200);
    assert_int_equal(http_server_pinned_bytes(f.server), 3 * MIB);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_PINNED_BYTES), 0);
    close(slow);
    fixture_stop(&f);
}

/* What a reader finds once the server does nothing any more was the kernel's; tcp_wmem allows
 * megabytes. */
static void test_the_kernel_keeps_little(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 64 * MIB, 30000);
    int fd = reader(&f, GET_BIG);
    fixture_pump_for(&f, 50);
    size_t total = 0;
    for (uint64_t last = now_ms(); now_ms() - last < 300;) {
        ssize_t got = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        total += got > 0 ? (size_t)got : 0;
        if (got > 0)
            last = now_ms();
    }
    assert_in_range(total, 1, 256 * 1024);
    close(fd);
    fixture_stop(&f);
}

/* One whose kernel tells ours of at most 2 kB at a time. */
static int tiny_reader(struct fixture *f)
{
    const int receive_bytes = 2048;
    const int segment_bytes = 536;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes),
                     0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof segment_bytes),
                     0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    peer_send(f, fd, GET_BIG);
    fixture_pump_for(f, 10);
    return fd;
}

/* Takes a few bytes all the time: never nothing within the timeout, and never enough. */
static void test_a_trickle_is_cut_off(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 64 * MIB, 3000);
    int fd = tiny_reader(&f);
    uint64_t begin = now_ms();
    while (f.big->references > 1 && now_ms() - begin < PATIENCE_MS) {
        (void)recv(fd, piece, 40, MSG_DONTWAIT);
        fixture_pump_for(&f, 50); /* 800 bytes a second */
    }
    assert_int_equal(f.big->references, 1);
    assert_in_range(now_ms() - begin, 2900, PATIENCE_MS);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_WRITE_TIMEOUT), 1);
    close(fd);
    fixture_stop(&f);
}

/* Twice the least rate is enough. */
static void test_a_steady_reader_is_not(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 64 * MIB, 1000);
    int fd = reader(&f, GET_BIG);
    uint64_t begin = now_ms();
    while (now_ms() - begin < 3500) {
        (void)recv(fd, piece, 1000, MSG_DONTWAIT);
        fixture_pump_for(&f, 50); /* 20 kB a second: the kernel tells of it in steps of some kB */
    }
    assert_int_equal(f.big->references, 2);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_WRITE_TIMEOUT), 0);
    close(fd);
    fixture_stop(&f);
}

/* An answer that is all in the kernel and that nobody takes: neither a kept connection nor one that
 * is about to be closed may leave it there. */
static void test_untaken_answers_are_given_up(void **state)
{
    static const char *const requests[] = {
        "GET /fresh?60000 HTTP/1.1\r\n" HOST "\r\n",
        "GET /fresh?60000 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        start(&f, 64 * MIB, 1500);
        uint64_t begin = now_ms();
        int fd = reader(&f, requests[i]);
        assert_int_equal(http_server_pinned_bytes(f.server), 0);
        assert_int_equal(http_server_connections(f.server), 1);
        fixture_await_connections(&f, 0);
        assert_in_range(now_ms() - begin, 1400, 5000);
        assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_WRITE_TIMEOUT), 1);
        assert_true(is_reset(fd));
        close(fd);
        fixture_stop(&f);
    }
}

/* The same, taken steadily and longer than a peer that has it all may linger: it gets all of it and
 * a clean end. */
static void test_a_last_answer_may_take_its_time(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 64 * MIB, 500);
    int fd = reader(&f, "GET /fresh?60000 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    size_t total = 0;
    ssize_t got = 1;
    uint64_t begin = now_ms();
    while (got != 0 && now_ms() - begin < PATIENCE_MS) {
        got = recv(fd, piece, 1000, MSG_DONTWAIT);
        assert_true(got >= 0 || errno == EAGAIN);
        total += got > 0 ? (size_t)got : 0;
        fixture_pump_for(&f, 25);
    }
    assert_int_equal(got, 0);
    assert_in_range(total, 60000, 60500);
    assert_in_range(now_ms() - begin, 1500, PATIENCE_MS);
    close(fd);
    fixture_await_quiet(&f);
    fixture_stop(&f);
}

static void test_server_closed_under_readers(void **state)
{
    struct fixture f;
    int fds[4];
    (void)state;
    start(&f, 64 * MIB, 30000);
    for (int i = 0; i < 4; i++)
        fds[i] = i % 2 ? reader(&f, GET_BIG) : fresh_reader(&f, 2 * MIB);
    fixture_stop(&f);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_counts_once),
        cmocka_unit_test(test_the_slowest_are_cut_off),
        cmocka_unit_test(test_a_large_answer_is_served),
        cmocka_unit_test(test_small_answers_pin_nothing),
        cmocka_unit_test(test_the_kernel_keeps_little),
        cmocka_unit_test(test_a_trickle_is_cut_off),
        cmocka_unit_test(test_a_steady_reader_is_not),
        cmocka_unit_test(test_untaken_answers_are_given_up),
        cmocka_unit_test(test_a_last_answer_may_take_its_time),
        cmocka_unit_test(test_server_closed_under_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
