/* Tests net/http_client: everything that can go wrong between it and a server. From net/http_get.h
 * and docs/engine-client.md, against real sockets. */
#include "net/http_client.h"

#include "base/err.h"
#include "http_client_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY      65534 /* a user without rights */
#define SKIPPED     77    /* exit status of a child that could not try */
#define OK_ANSWER   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BIG_BYTES   (64 * 1024 * 1024)
#define LIMIT_BYTES (1024 * 1024)

/* One request to whatever is at place_socket(). */
static void ask_once(struct got *g, uint64_t timeout_ms)
{
    uv_loop_t loop;
    struct http_getter *client = new_client(&loop, 1, 4);
    struct http_exchange *x;
    assert_int_equal(got_get_with(client, "/info", timeout_ms, LIMIT_BYTES, g, &x), 0);
    loop_until(&loop, &g->done);
    loop_end(&loop, client);
    assert_int_equal(g->calls, 1);
}

static void expect_failure(const struct got *g, enum reason reason, const char *part)
{
    assert_string_equal(reason_name(g->reason), reason_name(reason));
    assert_non_null(strstr(g->text, part));
    assert_string_equal(g->body, "");
}

static void a_missing_socket(void **state)
{
    struct got g = {0};
    ask_once(&g, 5000);
    expect_failure(&g, REASON_NO_SOCKET, place_socket());
    assert_int_equal(g.status, 0);
    got_clear(&g);
    (void)state;
}

static void a_file_and_a_directory_in_its_place(void **state)
{
    struct got g = {0};
    int fd = open(place_socket(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    ask_once(&g, 5000);
    expect_failure(&g, REASON_NO_SOCKET, "is not a socket");
    assert_int_equal(unlink(place_socket()), 0);
    got_clear(&g);
    assert_int_equal(mkdir(place_socket(), 0700), 0);
    ask_once(&g, 5000);
    expect_failure(&g, REASON_NO_SOCKET, "is a directory");
    assert_int_equal(rmdir(place_socket()), 0);
    got_clear(&g);
    (void)state;
}

static void bind_only(mode_t mode)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", place_socket());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(chmod(place_socket(), mode), 0);
    (void)close(fd); /* the file stays, nobody listens */
}

static void a_socket_nobody_listens_on(void **state)
{
    struct got g = {0};
    bind_only(0666);
    ask_once(&g, 5000);
    expect_failure(&g, REASON_CONNECTION_REFUSED, "nobody listens");
    assert_int_equal(unlink(place_socket()), 0);
    got_clear(&g);
    (void)state;
}

static void tcp_refused_and_no_such_name(void **state)
{
    struct peer *peer = peer_start_tcp(NULL, NULL);
    uint16_t port = peer_port(peer);
    peer_stop(peer); /* so nobody listens there */
    static const struct {
        const char *host;
        enum reason reason;
    } cases[] = {{"127.0.0.1", REASON_CONNECTION_REFUSED}, {"a..b", REASON_CONNECTION_FAILED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct http_client_options options = {
            .host = cases[i].host, .port = port, .max_connections = 2, .max_idle = 1};
        struct http_getter *client;
        assert_int_equal(http_client_new(&loop, &options, NULL, &client), 0);
        struct got g[2] = {{0}};
        (void)got_get(client, "/", &g[0]);
        (void)got_get(client, "/", &g[1]);
        loop_until(&loop, &g[0].done);
        loop_until(&loop, &g[1].done);
        expect_failure(&g[0], cases[i].reason, cases[i].host);
        expect_failure(&g[1], cases[i].reason, cases[i].host);
        got_clear(&g[0]);
        got_clear(&g[1]);
        loop_end(&loop, client);
    }
    (void)state;
}

/* A child without rights asks; its sentence must contain `part`. */
static void expect_denied(const char *part)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
            setresuid(NOBODY, NOBODY, NOBODY) < 0)
            _exit(SKIPPED);
        struct got g = {0};
        ask_once(&g, 5000);
        bool good = g.reason == REASON_PERMISSION_DENIED && strstr(g.text, part) &&
                    strstr(g.text, place_socket());
        if (!good)
            print_message("%s\n", g.text);
        got_clear(&g);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_socket_of_a_group_names_the_remedy(void **state)
{
    if (geteuid() != 0) {
        print_message("SKIP: only root can become another user\n");
        skip();
    }
    struct group *adm = getgrnam("adm");
    assert_non_null(adm);
    assert_int_equal(chmod(place_directory(), 0755), 0);
    bind_only(0660);
    assert_int_equal(chown(place_socket(), 0, adm->gr_gid), 0);
    expect_denied("sudo usermod -aG adm nobody");
    expect_denied("SupplementaryGroups=adm");
    assert_int_equal(chown(place_socket(), 0, 54321), 0); /* a group without a name */
    expect_denied("--group-add 54321");
    assert_int_equal(chmod(place_socket(), 0600), 0);
    expect_denied("only its owner root");
    assert_int_equal(unlink(place_socket()), 0);
    (void)state;
}

static void a_closed_directory_is_named(void **state)
{
    if (geteuid() != 0) {
        print_message("SKIP: only root can become another user\n");
        skip();
    }
    char part[128];
    (void)snprintf(part, sizeof part, "the directory %s (mode 0000, owner root)",
                   place_directory());
    bind_only(0666);
    assert_int_equal(chmod(place_directory(), 0), 0);
    expect_denied(part);
    assert_int_equal(chmod(place_directory(), 0755), 0);
    assert_int_equal(unlink(place_socket()), 0);
    (void)state;
}

struct fault {
    const char *answer; /* sent after the request; "" nothing */
    bool hang;          /* then the connection stays open */
    enum reason reason;
    int status;
    const char *part; /* of the sentence */
};

static void answer_wrongly(struct peer *p, int fd, unsigned number)
{
    (void)number;
    const struct fault *f = peer_context(p);
    char head[1024];
    if (!peer_read_request(fd, head) || !peer_send(fd, f->answer))
        return;
    if (f->hang)
        peer_wait_closed(fd); /* which the client must do */
}

static void wrong_answers_have_reasons(void **state)
{
    static const struct fault faults[] = {
        {"", true, REASON_TIMEOUT, 0, "head of the answer"},
        {"HTTP/1.1 200 O", true, REASON_TIMEOUT, 0, "head of the answer"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", true, REASON_TIMEOUT, 200, "body"},
        {"", false, REASON_ENDED_EARLY, 0, "before the answer was whole"},
        {"HTTP/1.1 200 OK\r\nContent-", false, REASON_ENDED_EARLY, 0, "/info"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", false, REASON_ENDED_EARLY, 200, "/info"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nx", false, REASON_ENDED_EARLY,
         200, "/info"},
        {"220 smtp.example.org\r\n", true, REASON_MALFORMED, 0, "not HTTP/1.1"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n", true, REASON_MALFORMED, 200,
         "not HTTP/1.1"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", true, REASON_TOO_LARGE, 200,
         "1048576 bytes"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct peer *p = peer_start_unix(place_socket(), answer_wrongly, &faults[i]);
        struct got g = {0};
        ask_once(&g, faults[i].reason == REASON_TIMEOUT ? 100 : 10000);
        expect_failure(&g, faults[i].reason, faults[i].part);
        assert_int_equal(g.status, faults[i].status);
        assert_int_equal(peer_connections(p), 1); /* a fresh one is not tried again */
        got_clear(&g);
        peer_stop(p);
    }
    (void)state;
}

static void send_big(struct peer *p, int fd, unsigned number)
{
    (void)number;
    bool *cut = peer_context(p);
    char head[1024];
    static char zeros[65536];
    if (!peer_read_request(fd, head) || !peer_send(fd, "HTTP/1.1 200 OK\r\n\r\n"))
        return;
    for (size_t sent = 0; sent < BIG_BYTES; sent += sizeof zeros)
        if (!peer_send_bytes(fd, zeros, sizeof zeros)) {
            *cut = true;
            return;
        }
}

static void a_body_past_the_limit_is_not_read(void **state)
{
    bool cut = false;
    struct peer *p = peer_start_unix(place_socket(), send_big, &cut);
    struct got g = {0};
    ask_once(&g, 20000);
    expect_failure(&g, REASON_TOO_LARGE, "limit");
    got_clear(&g);
    peer_stop(p);
    assert_true(cut);
    (void)state;
}

/* Connection 0 answers once; the first `dies` connections close when asked (again). */
struct stale {
    unsigned dies;
};

static void die_when_asked_again(struct peer *p, int fd, unsigned number)
{
    const struct stale *s = peer_context(p);
    char head[1024];
    if (number == 0 && (!peer_read_request(fd, head) || !peer_send(fd, OK_ANSWER)))
        return;
    if (!peer_read_request(fd, head) || number < s->dies)
        return;
    if (peer_send(fd, OK_ANSWER))
        peer_wait_closed(fd);
}

static void a_stale_connection_is_tried_once_more(void **state)
{
    for (unsigned dies = 1; dies <= 2; dies++) {
        struct stale s = {.dies = dies};
        struct peer *p = peer_start_unix(place_socket(), die_when_asked_again, &s);
        uv_loop_t loop;
        struct http_getter *client = new_client(&loop, 1, 4);
        struct got g = {0};
        (void)got_get(client, "/", &g);
        loop_until(&loop, &g.done);
        assert_int_equal(g.reason, REASON_NONE);
        got_clear(&g);
        (void)got_get(client, "/", &g);
        loop_until(&loop, &g.done);
        assert_int_equal(g.reason, dies == 1 ? REASON_NONE : REASON_ENDED_EARLY);
        assert_int_equal(g.calls, 1);
        assert_int_equal(peer_connections(p), 2);
        got_clear(&g);
        loop_end(&loop, client);
        peer_stop(p);
    }
    (void)state;
}

/* Answers, then closes its side, or says something nobody asked for. */
static void leave_while_idle(struct peer *p, int fd, unsigned number)
{
    (void)number;
    char head[1024];
    if (!peer_read_request(fd, head) || !peer_send(fd, OK_ANSWER) || !peer_wait_taken(fd))
        return;
    const char *said = peer_context(p);
    if (said)
        (void)peer_send(fd, said);
    else
        (void)shutdown(fd, SHUT_WR);
    peer_wait_closed(fd); /* the client closes too, without a request */
}

static void a_peer_that_leaves_is_noticed(void **state)
{
    static const char unasked[] = "HTTP/1.1 408 Request Timeout\r\n\r\n";
    const char *const said[] = {NULL, unasked};
    for (size_t i = 0; i < 2; i++) {
        struct peer *p = peer_start_unix(place_socket(), leave_while_idle, said[i]);
        uv_loop_t loop;
        struct http_getter *client = new_client(&loop, 1, 4);
        for (unsigned round = 1; round <= 3; round++) {
            struct got g = {0};
            (void)got_get(client, "/", &g);
            loop_until(&loop, &g.done);
            assert_int_equal(g.reason, REASON_NONE);
            loop_until_true(&loop, none_is_open, p);
            assert_int_equal(peer_connections(p), round);
            got_clear(&g);
        }
        loop_end(&loop, client);
        peer_stop(p);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_socket),
        cmocka_unit_test(a_file_and_a_directory_in_its_place),
        cmocka_unit_test(a_socket_nobody_listens_on),
        cmocka_unit_test(tcp_refused_and_no_such_name),
        cmocka_unit_test(a_socket_of_a_group_names_the_remedy),
        cmocka_unit_test(a_closed_directory_is_named),
        cmocka_unit_test(wrong_answers_have_reasons),
        cmocka_unit_test(a_body_past_the_limit_is_not_read),
        cmocka_unit_test(a_stale_connection_is_tried_once_more),
        cmocka_unit_test(a_peer_that_leaves_is_noticed),
    };
    return cmocka_run_group_tests(tests, place_make, place_remove);
}
