/* Tests net/http_post over TLS: whom it trusts, what it presents, files that change. From
 * net/http_post.h, against real TLS receivers (post_peer.py) with certificates made for the run. */
#include "post_tls_fixture.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LARGE (3 * 1024 * 1024) /* bytes */

struct trust {
    enum receiver which;
    const char *host;
    const char *ca; /* names of files */
    const char *certificate;
    const char *key;
    bool verify;
    enum reason reason;
    const char *part; /* of the answer or the sentence */
};

static void check_trust(const struct trust *t)
{
    char url[128];
    (void)snprintf(url, sizeof url, "https://%s:%u/write", t->host, receiver_port(t->which));
    const struct http_post_options options = {
        .url = url,
        .ca_file = t->ca ? receiver_file(t->ca) : NULL,
        .cert_file = t->certificate ? receiver_file(t->certificate) : NULL,
        .key_file = t->key ? receiver_file(t->key) : NULL,
        .proxy = "",
        .verify = t->verify};
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct http_post *p = post_with(&loop, &options);
    struct posted g = {0};
    post_ask(&loop, p, &g);
    bool refused_late = t->reason == REASON_TLS && g.reason == REASON_ENDED_EARLY &&
                        t->which == RECEIVER_STRICT; /* the alert lost its race */
    const char *told = g.reason == REASON_NONE ? g.body : g.text;
    if (!refused_late && (g.reason != t->reason || !strstr(told, t->part)))
        print_message("receiver %d at %s: %s, %s\n", t->which, t->host, reason_name(g.reason),
                      told);
    if (!refused_late) {
        assert_string_equal(reason_name(g.reason), reason_name(t->reason));
        assert_non_null(strstr(told, t->part));
    }
    posted_clear(&g);
    post_end(&loop, p);
}

static void trust_is_checked(void **state)
{
    static const struct trust cases[] = {
        {RECEIVER, "localhost", "ca.pem", NULL, NULL, true, REASON_NONE, " nobody 4 "},
        {RECEIVER_TLS_1_2, "localhost", "ca.pem", NULL, NULL, true, REASON_NONE, " nobody 4 "},
        {RECEIVER, "localhost", "ca.pem", "client.pem", "client.key", true, REASON_NONE,
         " client 4 "},
        {RECEIVER_STRICT, "localhost", "ca.pem", "client.pem", "client.key", true, REASON_NONE,
         " client 4 "},
        {RECEIVER_STRICT_TLS_1_2, "localhost", "ca.pem", "second.pem", "second.key", true,
         REASON_NONE, " second 4 "},
        {RECEIVER_STRICT, "localhost", "ca.pem", NULL, NULL, true, REASON_TLS, "localhost"},
        {RECEIVER_STRICT_TLS_1_2, "localhost", "ca.pem", NULL, NULL, true, REASON_TLS, "localhost"},
        {RECEIVER, "localhost", "other-ca.pem", NULL, NULL, true, REASON_TLS, "localhost"},
        {RECEIVER, "localhost", NULL, NULL, NULL, true, REASON_TLS, "localhost"},
        {RECEIVER, "127.0.0.1", "ca.pem", NULL, NULL, true, REASON_TLS, "name"},
        {RECEIVER_ELSEWHERE, "localhost", "ca.pem", NULL, NULL, true, REASON_TLS, "name"},
        {RECEIVER_EXPIRED, "localhost", "ca.pem", NULL, NULL, true, REASON_TLS, "expired"},
        {RECEIVER_FOREIGN, "localhost", "ca.pem", NULL, NULL, true, REASON_TLS, "CA"},
        {RECEIVER_FOREIGN, "localhost", "other-ca.pem", NULL, NULL, true, REASON_NONE,
         " nobody 4 "},
        {RECEIVER_EXPIRED, "localhost", "ca.pem", NULL, NULL, false, REASON_NONE, " nobody 4 "},
        {RECEIVER_ELSEWHERE, "127.0.0.1", "ca.pem", NULL, NULL, false, REASON_NONE, " nobody 4 "},
        {RECEIVER_FOREIGN, "localhost", NULL, NULL, NULL, false, REASON_NONE, " nobody 4 "},
        {RECEIVER, "localhost", "log", NULL, NULL, true, REASON_TLS, "CA"},
        {RECEIVER, "localhost", "ca.pem", "log", "client.key", true, REASON_TLS, "certificate"},
        {RECEIVER, "localhost", "ca.pem", "client.pem", "log", true, REASON_TLS, "key"},
        {RECEIVER, "localhost", "ca.pem", "client.pem", "second.key", true, REASON_TLS, "key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_trust(&cases[i]);
    (void)state;
}

static struct http_post *new_post(uv_loop_t *loop, enum receiver which, const char *path)
{
    char url[128];
    const struct http_post_options options = {.url = receiver_url(url, which, path),
                                              .ca_file = receiver_file("ca.pem"),
                                              .proxy = "",
                                              .verify = true};
    assert_int_equal(uv_loop_init(loop), 0);
    return post_with(loop, &options);
}

static void a_connection_carries_many_requests(void **state)
{
    uv_loop_t loop;
    struct http_post *p = new_post(&loop, RECEIVER, "/");
    struct posted g = {0};
    post_ask(&loop, p, &g);
    char *first = alloc_string(g.body); /* begins with the connection's number */
    for (int i = 0; i < 20; i++) {
        post_ask(&loop, p, &g);
        assert_string_equal(g.body, first);
    }
    http_post_close_idle(p);
    post_ask(&loop, p, &g);
    assert_string_not_equal(g.body, first);
    free(first);
    posted_clear(&g);
    post_end(&loop, p);
    (void)state;
}

static void a_large_body_arrives_whole(void **state)
{
    uv_loop_t loop;
    struct http_post *p = new_post(&loop, RECEIVER, "/");
    char *body = alloc_bytes(LARGE);
    uint64_t sum = 0;
    for (size_t i = 0; i < LARGE; i++) {
        body[i] = (char)(i * 7 + i / 251);
        sum += (unsigned char)body[i];
    }
    char expected[64];
    (void)snprintf(expected, sizeof expected, " nobody %d %llu", LARGE, (unsigned long long)sum);
    for (int i = 0; i < 3; i++) {
        struct posted g = {0};
        post_begin(p, body, LARGE, 20000, &g);
        loop_until(&loop, &g.done);
        assert_string_equal(g.text, "");
        assert_non_null(strstr(g.body, expected));
        posted_clear(&g);
    }
    post_end(&loop, p);
    free(body);
    (void)state;
}

static void changed_files_count_from_the_next_connection(void **state)
{
    static const enum receiver kinds[] = {RECEIVER, RECEIVER_TLS_1_2};
    for (size_t i = 0; i < 2; i++) {
        receiver_copy("ca.pem", "my-ca.pem");
        receiver_copy("client.pem", "my.pem");
        receiver_copy("client.key", "my.key");
        char url[128];
        const struct http_post_options options = {.url = receiver_url(url, kinds[i], "/"),
                                                  .ca_file = receiver_file("my-ca.pem"),
                                                  .cert_file = receiver_file("my.pem"),
                                                  .key_file = receiver_file("my.key"),
                                                  .proxy = "",
                                                  .verify = true};
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct http_post *p = post_with(&loop, &options);
        struct posted g = {0};
        post_ask(&loop, p, &g);
        assert_non_null(strstr(g.body, " client 4 "));
        receiver_copy("other-ca.pem", "my-ca.pem");
        receiver_copy("second.pem", "my.pem");
        receiver_copy("second.key", "my.key");
        post_ask(&loop, p, &g); /* on the same connection */
        assert_non_null(strstr(g.body, " client 4 "));
        http_post_close_idle(p);
        post_ask(&loop, p, &g);
        assert_string_equal(reason_name(g.reason), "tls");
        receiver_copy("ca.pem", "my-ca.pem");
        post_ask(&loop, p, &g);
        assert_non_null(strstr(g.body, " second 4 "));
        posted_clear(&g);
        post_end(&loop, p);
    }
    (void)state;
}

/* libcurl must not take up a session that knew the old files, though the multi handle lives on. */
static void a_session_is_not_resumed_past_changed_files(void **state)
{
    static const enum receiver kinds[] = {RECEIVER, RECEIVER_TLS_1_2};
    for (size_t i = 0; i < 2; i++) {
        receiver_copy("ca.pem", "my-ca.pem");
        char url[128];
        const struct http_post_options options = {.url = receiver_url(url, kinds[i], "/end"),
                                                  .ca_file = receiver_file("my-ca.pem"),
                                                  .proxy = "",
                                                  .verify = true};
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct http_post *p = post_with(&loop, &options);
        struct posted g = {0};
        for (int j = 0; j < 3; j++) {
            post_ask(&loop, p, &g); /* the receiver ends the connection */
            assert_string_equal(g.body, "word");
        }
        receiver_copy("other-ca.pem", "my-ca.pem");
        post_ask(&loop, p, &g);
        assert_string_equal(reason_name(g.reason), "tls");
        posted_clear(&g);
        post_end(&loop, p);
    }
    (void)state;
}

static void what_is_cut_is_no_answer(void **state)
{
    static const char *const paths[] = {"/cut", "/cut-head"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uv_loop_t loop;
        struct http_post *p = new_post(&loop, RECEIVER, paths[i]);
        struct posted g = {0};
        post_ask(&loop, p, &g);
        assert_string_equal(reason_name(g.reason), "ended_early");
        assert_int_equal(g.status, 0);
        posted_clear(&g);
        post_end(&loop, p);
    }
    (void)state;
}

static void say_nothing(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    peer_wait_closed(fd);
}

static void answer_plainly(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    (void)peer_send(fd, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    (void)peer_wait_taken(fd);
}

static void a_server_without_tls_is_told(void **state)
{
    const struct {
        peer_script script;
        uint64_t timeout_ms;
        enum reason reason;
    } cases[] = {{say_nothing, 200, REASON_TIMEOUT}, {answer_plainly, 10000, REASON_TLS}};
    for (size_t i = 0; i < 2; i++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct peer *peer = peer_start_tcp(cases[i].script, NULL);
        char url[64];
        (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", peer_port(peer));
        const struct http_post_options options = {.url = url, .proxy = ""};
        struct http_post *p = post_with(&loop, &options);
        struct posted g = {0};
        post_begin(p, "body", 4, cases[i].timeout_ms, &g);
        loop_until(&loop, &g.done);
        assert_string_equal(reason_name(g.reason), reason_name(cases[i].reason));
        assert_non_null(strstr(g.text, url));
        if (cases[i].reason == REASON_TLS)
            assert_non_null(strstr(g.text, "speaks no TLS"));
        posted_clear(&g);
        post_end(&loop, p);
        peer_stop(peer);
    }
    (void)state;
}

static void plain_http_to_a_tls_port_has_no_answer(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct http_post *p = post_to(&loop, receiver_port(RECEIVER));
    struct posted g = {0};
    post_ask(&loop, p, &g);
    assert_true(g.reason == REASON_ENDED_EARLY || g.reason == REASON_MALFORMED);
    posted_clear(&g);
    post_end(&loop, p);
    (void)state;
}

static void cancel_and_close_in_each_phase(void **state)
{
    for (unsigned turns = 0; turns < 60; turns += 2) {
        uv_loop_t loop;
        struct http_post *p = new_post(&loop, RECEIVER, "/hang");
        struct posted g = {0};
        for (int i = 0; i < 2; i++) {
            post_begin(p, "body", 4, 10000, &g);
            for (unsigned j = 0; j < turns; j++) {
                (void)usleep(200);
                (void)uv_run(&loop, UV_RUN_NOWAIT);
            }
            if (i == 0)
                http_post_cancel(p);
        }
        post_end(&loop, p);
        assert_int_equal(g.calls, 0);
    }
    (void)state;
}

int main(void)
{
    int missing = receivers_missing();
    if (missing)
        return missing;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trust_is_checked),
        cmocka_unit_test(a_connection_carries_many_requests),
        cmocka_unit_test(a_large_body_arrives_whole),
        cmocka_unit_test(changed_files_count_from_the_next_connection),
        cmocka_unit_test(a_session_is_not_resumed_past_changed_files),
        cmocka_unit_test(what_is_cut_is_no_answer),
        cmocka_unit_test(a_server_without_tls_is_told),
        cmocka_unit_test(plain_http_to_a_tls_port_has_no_answer),
        cmocka_unit_test(cancel_and_close_in_each_phase),
    };
    return cmocka_run_group_tests(tests, receivers_begin, receivers_end);
}
