/* Who gets a place where places are few, and who makes room. Document: net/http_server.h. */
#include "http_server_fixture.h"

#include "base/bytes.h"
#include "base/err.h"
#include "net/http_peer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST      "Host: weir\r\n"
#define GET_HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define GET_BIG   "GET /big HTTP/1.1\r\n" HOST "\r\n"
#define GET_LATER "GET /later HTTP/1.1\r\n" HOST "\r\n"
#define SMALL     4096 /* bytes of a slow reader's receive buffer */

static struct http_server_limits at_most(uint32_t connections, uint32_t per_peer)
{
    struct http_server_limits limits = http_server_default_limits;
    limits.max_connections = connections;
    limits.max_connections_per_peer = per_peer;
    return limits;
}

static void start(struct fixture *f, uint32_t connections, uint32_t per_peer)
{
    struct http_server_limits limits = at_most(connections, per_peer);
    fixture_start(f, &limits);
}

/* The server has taken it in. */
static int connected_from(struct fixture *f, const char *address, int receive_bytes)
{
    int fd = peer_connect_from(f, address, receive_bytes);
    fixture_pump(f, -1, 0);
    fixture_pump(f, -1, 0);
    return fd;
}

static int connected(struct fixture *f)
{
    return connected_from(f, "127.0.0.1", 0);
}

static int kept(struct fixture *f)
{
    struct response r;
    int fd = connected(f);
    assert_int_equal(peer_ask_on(f, fd, GET_HELLO, &r), 200);
    return fd;
}

static int slow_reader(struct fixture *f, const char *address)
{
    int fd = connected_from(f, address, SMALL);
    peer_send(f, fd, GET_BIG);
    fixture_pump_for(f, 5);
    return fd;
}

static void close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static uint64_t refused(const struct fixture *f, enum http_refusal why)
{
    return http_server_refusals(f->server, why);
}

static void test_the_oldest_silent_one_goes_first(void **state)
{
    struct fixture f;
    struct response r;
    int fds[3];
    (void)state;
    start(&f, 3, 0);
    for (int i = 0; i < 3; i++)
        fds[i] = connected(&f);
    peer_send(&f, fds[0], "GET /hello HT"); /* half a request is none */
    fixture_pump_for(&f, 10);
    int newcomer = connected(&f);
    assert_int_equal(peer_ask_on(&f, newcomer, GET_HELLO, &r), 200);
    peer_expect_gone(&f, fds[0]);
    assert_true(peer_is_open(&f, fds[1]) && peer_is_open(&f, fds[2]));
    assert_int_equal(http_server_connections(f.server), 3);
    assert_int_equal(refused(&f, HTTP_REFUSED_CONNECTIONS), 1);
    assert_int_equal(http_server_answers(f.server, 503), 0);
    assert_int_equal(peer_ask_on(&f, fds[1], GET_HELLO, &r), 200);
    close_all(fds, 3);
    close(newcomer);
    fixture_stop(&f);
}

static void test_silent_ones_go_before_idle_ones(void **state)
{
    struct fixture f;
    struct response r;
    int crowd[40];
    (void)state;
    start(&f, 4, 0);
    int fd = kept(&f);
    for (int i = 0; i < 40; i++) {
        crowd[i] = connected(&f);
        if (i % 10 == 9) /* as a scraper would */
            assert_int_equal(peer_ask_on(&f, fd, GET_HELLO, &r), 200);
    }
    assert_int_equal(refused(&f, HTTP_REFUSED_CONNECTIONS), 37);
    for (int i = 0; i < 40; i++)
        if (i < 37)
            peer_expect_gone(&f, crowd[i]);
        else
            assert_true(peer_is_open(&f, crowd[i]));
    close_all(crowd, 40);
    close(fd);
    fixture_stop(&f);
}

static void test_the_longest_idle_goes_then(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, 3, 0);
    int one = kept(&f);
    int two = kept(&f);
    int three = kept(&f);
    assert_int_equal(peer_ask_on(&f, one, GET_HELLO, &r), 200);
    peer_send(&f, two, "GET /hello HT"); /* a slow head does not make it less idle */
    fixture_pump_for(&f, 10);
    int newcomer = kept(&f);
    peer_expect_gone(&f, two);
    assert_true(peer_is_open(&f, one) && peer_is_open(&f, three));
    int another = kept(&f);
    peer_expect_gone(&f, three);
    assert_true(peer_is_open(&f, one) && peer_is_open(&f, newcomer));
    int fds[] = {one, two, three, newcomer, another};
    close_all(fds, 5);
    fixture_stop(&f);
}

static void test_slow_readers_go_last_and_not_at_once(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, 2, 0);
    int one = slow_reader(&f, "127.0.0.1");
    int two = slow_reader(&f, "127.0.0.1");
    assert_int_equal(peer_ask(&f, GET_HELLO, &r), 503); /* they may be on the way */
    assert_int_equal(refused(&f, HTTP_REFUSED_CONNECTIONS), 1);
    fixture_pump_for(&f, 550);
    int newcomer = connected(&f);
    assert_int_equal(peer_ask_on(&f, newcomer, GET_HELLO, &r), 200);
    assert_int_equal(f.big->references, 2); /* of two readers one is left */
    peer_expect_gone(&f, one);
    assert_int_equal(refused(&f, HTTP_REFUSED_CONNECTIONS), 2);
    /* The newcomer is idle now: it goes before the other slow one. */
    int another = connected(&f);
    assert_int_equal(peer_ask_on(&f, another, GET_HELLO, &r), 200);
    peer_expect_gone(&f, newcomer);
    assert_int_equal(f.big->references, 2);
    int fds[] = {one, two, newcomer, another};
    close_all(fds, 4);
    fixture_stop(&f);
}

static void test_waiting_ones_never_go(void **state)
{
    struct fixture f;
    struct response r;
    int fds[2];
    (void)state;
    start(&f, 2, 0);
    for (size_t i = 0; i < 2; i++) {
        fds[i] = connected(&f);
        peer_send(&f, fds[i], GET_LATER);
        fixture_await(&f, &f.held_count, i + 1);
    }
    fixture_pump_for(&f, 600);
    int newcomer = connected(&f);
    peer_send(&f, newcomer, GET_HELLO);
    peer_read(&f, newcomer, false, &r);
    assert_int_equal(r.status, 503);
    assert_true(r.length > 10 && r.body[r.length - 1] == '\n');
    assert_non_null(strstr(r.head, "\r\nConnection: close\r\n"));
    peer_expect_end(&f, newcomer);
    assert_int_equal(f.handled, 2);
    assert_int_equal(refused(&f, HTTP_REFUSED_CONNECTIONS), 1);
    f.held_count = 0;
    for (int i = 0; i < 2; i++) {
        http_respond_text(f.held[i], 200, NULL, "Now.");
        peer_read(&f, fds[i], false, &r);
        assert_int_equal(r.status, 200);
    }
    assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200);
    close_all(fds, 2);
    close(newcomer);
    fixture_stop(&f);
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

/* Peers without a place that do not even take their 503 must not pile up. */
static void test_crowd_past_the_limit(void **state)
{
    struct fixture f;
    int crowd[60];
    (void)state;
    start(&f, 1, 0);
    int held = connected(&f);
    peer_send(&f, held, GET_LATER);
    fixture_await(&f, &f.held_count, 1);
    for (int i = 0; i < 60; i++)
        crowd[i] = peer_connect(&f, 0);
    unsigned before = count_descriptors();
    fixture_await_refusals(&f, HTTP_REFUSED_CONNECTIONS, 60);
    assert_true(count_descriptors() - before <= 20);
    close_all(crowd, 60);
    close(held);
    fixture_stop(&f);
}

static void test_a_peer_makes_room_for_itself(void **state)
{
    struct fixture f;
    struct response r;
    int fds[5];
    (void)state;
    start(&f, 100, 2);
    int other = connected_from(&f, "127.0.0.2", 0); /* older than all of them */
    int third = connected_from(&f, "127.0.0.3", 0);
    for (int i = 0; i < 5; i++)
        fds[i] = connected(&f);
    assert_int_equal(http_server_connections(f.server), 4);
    assert_int_equal(refused(&f, HTTP_REFUSED_PEER), 3);
    assert_int_equal(refused(&f, HTTP_REFUSED_CONNECTIONS), 0);
    for (int i = 0; i < 3; i++)
        peer_expect_gone(&f, fds[i]);
    assert_true(peer_is_open(&f, other) && peer_is_open(&f, third));
    assert_int_equal(peer_ask_on(&f, fds[3], GET_HELLO, &r), 200);
    assert_int_equal(peer_ask_on(&f, fds[4], GET_HELLO, &r), 200);
    assert_int_equal(peer_ask_on(&f, other, GET_HELLO, &r), 200);
    close(fds[3]); /* a place of its own again */
    fixture_await_connections(&f, 3);
    assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200);
    assert_int_equal(refused(&f, HTTP_REFUSED_PEER), 3);
    close_all(fds, 3);
    close(fds[4]);
    close(other);
    close(third);
    fixture_stop(&f);
}

/* Where none of its own can go, nobody else's does. */
static void test_a_peer_that_only_waits_gets_no_more(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, 100, 1);
    int other = connected_from(&f, "127.0.0.2", 0);
    int held = connected(&f);
    peer_send(&f, held, GET_LATER);
    fixture_await(&f, &f.held_count, 1);
    assert_int_equal(peer_ask(&f, GET_HELLO, &r), 503);
    assert_int_equal(refused(&f, HTTP_REFUSED_PEER), 1);
    assert_true(peer_is_open(&f, other));
    close(other);
    close(held);
    fixture_stop(&f);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void test_unix_sockets_count_in_all_only(void **state)
{
    struct fixture f;
    struct response r;
    struct err e = {0};
    char directory[] = "/tmp/weir-test-XXXXXX";
    char address[64];
    int fds[4];
    (void)state;
    start(&f, 3, 1);
    assert_non_null(mkdtemp(directory));
    (void)snprintf(address, sizeof address, "unix:%s/s", directory);
    if (http_server_listen(f.server, address, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(http_server_port(f.server, 1), 0);
    for (int i = 0; i < 4; i++) {
        fds[i] = connect_unix(address + strlen("unix:"));
        fixture_pump_for(&f, 5);
    }
    assert_int_equal(refused(&f, HTTP_REFUSED_PEER), 0);
    assert_int_equal(refused(&f, HTTP_REFUSED_CONNECTIONS), 1);
    peer_expect_gone(&f, fds[0]);
    assert_int_equal(peer_ask_on(&f, fds[1], "GET /where HTTP/1.1\r\n" HOST "\r\n", &r), 200);
    assert_string_equal(r.body, "GET local\n");
    assert_int_equal(peer_ask_on(&f, fds[1], GET_HELLO, &r), 200);
    close_all(fds, 4);
    fixture_stop(&f);
    assert_int_equal(access(address + strlen("unix:"), F_OK), -1);
    assert_int_equal(rmdir(directory), 0);
}

static void test_lower_limits_are_reached_with_the_next_one(void **state)
{
    struct fixture f;
    struct response r;
    int fds[10];
    (void)state;
    start(&f, 100, 0);
    for (int i = 0; i < 10; i++)
        fds[i] = connected(&f);
    struct http_server_limits limits = at_most(4, 0);
    http_server_set_limits(f.server, &limits);
    assert_int_equal(http_server_connections(f.server), 10);
    int newcomer = kept(&f);
    assert_int_equal(http_server_connections(f.server), 4);
    assert_true(peer_is_open(&f, fds[9]));
    assert_int_equal(peer_ask_on(&f, newcomer, GET_HELLO, &r), 200);
    close_all(fds, 10);
    close(newcomer);
    fixture_stop(&f);
}

/* Everything a crowd can do to hold a place, from many addresses, and a scraper among them. */
static void misbehave(struct fixture *f, int fd, unsigned how)
{
    static const char *const texts[] = {
        "",
        "GET /hello HTTP/1.1\r\n" HOST "X: ",
        GET_HELLO,
        GET_BIG,
        "nonsense\r\n\r\n",
        GET_HELLO "GET /hello HT",
        "GET /hello HTTP/1.0\r\n\r\n",
        "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nx",
    };
    const char *text = texts[how % (sizeof texts / sizeof texts[0])];
    (void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    fixture_pump(f, -1, 0);
}

static void test_a_crowd_does_not_keep_a_scraper_out(void **state)
{
    /* So that the slow readers among them who may still be on the way leave half of the places. */
    enum { CROWD = 600, PLACES = 24, PACE_MS = 130 };
    static int crowd[CROWD];
    struct fixture f;
    struct response r;
    char from[32];
    (void)state;
    start(&f, PLACES, 0);
    for (unsigned i = 0; i < CROWD; i++) {
        (void)snprintf(from, sizeof from, "127.0.%u.%u", i / 200 + 1, i % 200 + 1);
        crowd[i] = connected_from(&f, from, SMALL);
        misbehave(&f, crowd[i], i);
        if (i % PLACES == PLACES - 1) {
            fixture_pump_for(&f, PACE_MS);
            assert_int_equal(peer_ask(&f, GET_HELLO, &r), 200);
        }
        assert_true(http_server_connections(f.server) <= PLACES);
    }
    assert_int_equal(http_server_answers(f.server, 503), 0);
    close_all(crowd, CROWD);
    fixture_stop(&f);
}

static void test_a_kept_connection_survives_a_silent_crowd(void **state)
{
    enum { CROWD = 500, PLACES = 16 };
    static int crowd[CROWD];
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, PLACES, 0);
    int fd = kept(&f);
    for (unsigned i = 0; i < CROWD; i++) {
        crowd[i] = connected(&f);
        misbehave(&f, crowd[i], i % 2); /* nothing, or a slow head */
        if (i % 50 == 0)
            assert_int_equal(peer_ask_on(&f, fd, GET_HELLO, &r), 200);
    }
    assert_int_equal(peer_ask_on(&f, fd, GET_HELLO, &r), 200);
    close_all(crowd, CROWD);
    close(fd);
    fixture_stop(&f);
}

/* Who is one peer. */

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage a = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&a;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        a.ss_family = AF_INET;
        four->sin_port = htons((uint16_t)strlen(text)); /* ports differ and do not matter */
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
        a.ss_family = AF_INET6;
    }
    return a;
}

static void test_who_is_one_peer(void **state)
{
    static const struct {
        const char *one;
        const char *other;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"0.0.0.0", "::1", false},
        {"::1", "::2", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_peers peers = {0};
        struct sockaddr_storage one = address_of(cases[i].one);
        struct sockaddr_storage other = address_of(cases[i].other);
        struct http_peer *a = http_peer_enter(&peers, &one);
        struct http_peer *b = http_peer_enter(&peers, &other);
        if ((a == b) != cases[i].same)
            fail_msg("%s and %s", cases[i].one, cases[i].other);
        assert_int_equal(a->connections, cases[i].same ? 2 : 1);
        http_peer_leave(&peers, a);
        assert_int_equal(b->connections, 1);
        http_peer_leave(&peers, b);
    }
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    struct http_peers peers = {0};
    assert_null(http_peer_enter(&peers, &local));
    http_peer_leave(&peers, NULL);
}

/* More peers than buckets, left in another order than they came. */
static void test_many_peers(void **state)
{
    enum { PEERS = 1000 };
    static struct http_peer *entered[PEERS];
    struct http_peers peers = {0};
    char text[48];
    (void)state;
    for (unsigned i = 0; i < PEERS; i++) {
        (void)snprintf(text, sizeof text, i % 2 ? "2001:db8:%x:%x::1" : "10.0.%u.%u", i / 200,
                       i % 200);
        struct sockaddr_storage address = address_of(text);
        entered[i] = http_peer_enter(&peers, &address);
        assert_ptr_equal(http_peer_enter(&peers, &address), entered[i]);
        assert_int_equal(entered[i]->connections, 2);
    }
    for (unsigned i = 0; i < 2 * PEERS; i++)
        http_peer_leave(&peers, entered[i * 7 % PEERS]);
    for (size_t i = 0; i < HTTP_PEER_BUCKETS; i++)
        assert_null(peers.buckets[i]);
}

static void test_who_is_local(void **state)
{
    static const char *const local[] = {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.2"};
    static const char *const remote[] = {
        "128.0.0.1", "10.0.0.1", "::", "::2", "::ffff:10.0.0.1", "fe80::1"};
    (void)state;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        struct sockaddr_storage address = address_of(local[i]);
        assert_true(http_peer_is_local(&address));
    }
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        struct sockaddr_storage address = address_of(remote[i]);
        assert_false(http_peer_is_local(&address));
    }
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    assert_true(http_peer_is_local(&address));
    address.ss_family = AF_UNSPEC;
    assert_false(http_peer_is_local(&address));
}

static void test_mapped_addresses_are_ipv4(void **state)
{
    struct fixture f;
    struct response r;
    struct err e = {0};
    (void)state;
    start(&f, 100, 2);
    assert_int_equal(http_server_listen(f.server, ":0", &e), 0);
    int one = connected(&f);
    f.port = http_server_port(f.server, 1);
    int two = connected(&f);
    int three = connected(&f);
    assert_int_equal(refused(&f, HTTP_REFUSED_PEER), 1);
    peer_expect_gone(&f, one);
    assert_int_equal(peer_ask_on(&f, two, "GET /where HTTP/1.1\r\n" HOST "\r\n", &r), 200);
    assert_string_equal(r.body, "GET local\n");
    close(one);
    close(two);
    close(three);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_silent_one_goes_first),
        cmocka_unit_test(test_silent_ones_go_before_idle_ones),
        cmocka_unit_test(test_the_longest_idle_goes_then),
        cmocka_unit_test(test_slow_readers_go_last_and_not_at_once),
        cmocka_unit_test(test_waiting_ones_never_go),
        cmocka_unit_test(test_crowd_past_the_limit),
        cmocka_unit_test(test_a_peer_makes_room_for_itself),
        cmocka_unit_test(test_a_peer_that_only_waits_gets_no_more),
        cmocka_unit_test(test_unix_sockets_count_in_all_only),
        cmocka_unit_test(test_lower_limits_are_reached_with_the_next_one),
        cmocka_unit_test(test_a_crowd_does_not_keep_a_scraper_out),
        cmocka_unit_test(test_a_kept_connection_survives_a_silent_crowd),
        cmocka_unit_test(test_who_is_one_peer),
        cmocka_unit_test(test_many_peers),
        cmocka_unit_test(test_who_is_local),
        cmocka_unit_test(test_mapped_addresses_are_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
