/* Tests net/http_post: receivers that break off, lie, drip or say nothing, and the ends that a
 * caller makes. From net/http_post.h, RFC 9110 and RFC 9112, against scripted servers. */
#include "post_fixture.h"

#include "base/alloc.h"

#include <errno.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define EARLY_TRIES 100               /* answers that race with the rest of the request */
#define EARLY_BODY  (8 * 1024 * 1024) /* bytes: more than the sockets hold */
#define SHORT_MS \
    1000 /* a timeout that is waited for: the server acts within it on a busy machine */

static bool polls_fail;
int __real_uv_poll_init_socket(uv_loop_t *loop, uv_poll_t *handle, uv_os_sock_t fd);
int __wrap_uv_poll_init_socket(uv_loop_t *loop, uv_poll_t *handle, uv_os_sock_t fd);

int __wrap_uv_poll_init_socket(uv_loop_t *loop, uv_poll_t *handle, uv_os_sock_t fd)
{
    return polls_fail ? -ENOMEM : __real_uv_poll_init_socket(loop, handle, fd);
}

enum after { CLOSES, RESETS, HALF_CLOSES, HANGS };

/* What a server does once it has the request. */
struct scene {
    const char *name;
    const char *bytes;
    enum after after;
    enum reason reason;
    int status; /* of the result */
    const char *body;
    const char *part; /* of the text */
};

static void play(struct peer *p, int fd, unsigned number)
{
    (void)number;
    const struct scene *scene = peer_context(p);
    struct seen s = {0};
    if (seen_read(fd, &s) && peer_send(fd, scene->bytes)) {
        if (scene->after == HALF_CLOSES)
            (void)shutdown(fd, SHUT_WR);
        if (scene->after == HALF_CLOSES || scene->after == HANGS)
            peer_wait_closed(fd);
        if (scene->after == RESETS && peer_wait_taken(fd))
            peer_will_reset(fd);
    }
    seen_clear(&s);
}

static void check_scene(const struct scene *scene)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(play, scene);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    post_begin(p, "body", 4, scene->after == HANGS ? SHORT_MS : 10000, &g);
    loop_until(&loop, &g.done);
    if (g.reason != scene->reason || g.status != scene->status)
        print_message("%s: %s, %d, %s\n", scene->name, reason_name(g.reason), g.status, g.text);
    assert_string_equal(reason_name(g.reason), reason_name(scene->reason));
    assert_int_equal(g.status, scene->status);
    assert_string_equal(g.body, scene->body);
    if (!strstr(g.text, scene->part))
        print_message("%s: %s\n", scene->name, g.text);
    assert_non_null(strstr(g.text, scene->part));
    if (g.reason == REASON_NONE) {
        assert_string_equal(g.text, "");
    } else {
        char where[64];
        (void)snprintf(where, sizeof where, "http://127.0.0.1:%u/write", peer_port(peer));
        assert_non_null(strstr(g.text, where));
        assert_null(g.retry_after);
        assert_int_equal(g.samples, -1);
    }
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
}

#define HEAD_200 "HTTP/1.1 200 OK\r\nRetry-After: 1\r\nContent-Length: 9\r\n\r\n"
#define HEAD_400 "HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\n"
#define CHUNKED  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void every_fault_has_its_reason(void **state)
{
    static const struct scene scenes[] = {
        {"empty answer", "", CLOSES, REASON_ENDED_EARLY, 0, "", "without an answer"},
        {"reset", "", RESETS, REASON_ENDED_EARLY, 0, "", "without an answer"},
        {"half close", "", HALF_CLOSES, REASON_ENDED_EARLY, 0, "", "without an answer"},
        {"interim and close", "HTTP/1.1 100 Continue\r\n\r\n", CLOSES, REASON_ENDED_EARLY, 0, "",
         "without an answer"},
        {"head cut", "HTTP/1.1 200 OK\r\nA: b\r\n", CLOSES, REASON_ENDED_EARLY, 0, "", "log"},
        {"head reset", "HTTP/1.1 200 OK\r\nA: b\r\n", RESETS, REASON_ENDED_EARLY, 0, "", "log"},
        {"body cut", HEAD_200 "word", CLOSES, REASON_ENDED_EARLY, 0, "", "status 200"},
        {"body reset", HEAD_200 "word", RESETS, REASON_ENDED_EARLY, 0, "", "status 200"},
        {"chunks cut", CHUNKED "3\r\nabc\r\n", CLOSES, REASON_ENDED_EARLY, 0, "", "status 200"},
        {"bad chunk", CHUNKED "no\r\n", CLOSES, REASON_MALFORMED, 0, "", "not HTTP/1.1"},
        {"body of a refusal cut", HEAD_400 "word", CLOSES, REASON_NONE, 400, "word", ""},
        {"body of a refusal reset", HEAD_400 "word", RESETS, REASON_NONE, 400, "word", ""},
        {"body of a refusal late", HEAD_400 "word", HANGS, REASON_NONE, 400, "word", ""},
        {"garbage", "220 smtp.example.org ready\r\n", CLOSES, REASON_MALFORMED, 0, "",
         "right port"},
        {"bytes", "\x15\x03\x01\x01\x02\x02\x16", CLOSES, REASON_MALFORMED, 0, "", "right port"},
        {"another protocol", "HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n", HANGS, REASON_MALFORMED, 0,
         "", "status"},
        {"status 0", "HTTP/1.1 000 What\r\nContent-Length: 0\r\n\r\n", CLOSES, REASON_MALFORMED, 0,
         "", "not HTTP/1.1"},
        {"no number", "HTTP/1.1 abc What\r\nContent-Length: 0\r\n\r\n", CLOSES, REASON_MALFORMED, 0,
         "", "not HTTP/1.1"},
        {"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", CLOSES,
         REASON_MALFORMED, 0, "", "not HTTP/1.1"},
        {"silence", "", HANGS, REASON_TIMEOUT, 0, "", "waiting for its answer"},
        {"interim and silence", "HTTP/1.1 100 Continue\r\n\r\n", HANGS, REASON_TIMEOUT, 0, "",
         "waiting for its answer"},
        {"half a head", "HTTP/1.1 200 OK\r\n", HANGS, REASON_TIMEOUT, 0, "", "waiting"},
        {"half a body", HEAD_200 "word", HANGS, REASON_TIMEOUT, 0, "", "status is 200"},
    };
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        check_scene(&scenes[i]);
    (void)state;
}

static void heads_are_bounded(void **state)
{
    static const struct {
        size_t line;  /* bytes */
        size_t count; /* lines */
        const char *first;
    } cases[] = {
        {1000, 100, "HTTP/1.1 200 OK\r\n"},
        {200000, 1, "HTTP/1.1 200 OK\r\n"},
        {1000, 100, "HTTP/1.1 103 Early Hints\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].first);
        char *head = alloc_zeroed(1, length + cases[i].count * (cases[i].line + 6) + 1);
        memcpy(head, cases[i].first, length);
        for (size_t j = 0; j < cases[i].count; j++) {
            memcpy(head + length, "a: ", 3);
            memset(head + length + 3, 'x', cases[i].line);
            length += 3 + cases[i].line;
            memcpy(head + length, "\r\n", 3);
            length += 2;
        }
        const struct scene scene = {
            "head", head, CLOSES, REASON_TOO_LARGE, 0, "", "longer than 64 KiB"};
        check_scene(&scene);
        free(head);
    }
    (void)state;
}

/* One byte every 20 ms, for ever. */
static void drip(struct peer *p, int fd, unsigned number)
{
    (void)number;
    struct seen s = {0};
    if (seen_read(fd, &s) && peer_send(fd, peer_context(p)))
        while (peer_send(fd, "x"))
            (void)usleep(20000);
    seen_clear(&s);
}

static void the_timeout_is_for_the_whole_request(void **state)
{
    static const struct {
        const char *head;
        enum reason reason;
        int status;
    } cases[] = {{"HTTP/1.1 200 OK\r\n\r\n", REASON_TIMEOUT, 0},
                 {"HTTP/1.1 200 OK\r\nA: ", REASON_TIMEOUT, 0},
                 {"HTTP/1.1 503 Away\r\n\r\n", REASON_NONE, 503}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct peer *peer = peer_start_tcp(drip, cases[i].head);
        struct http_post *p = post_to(&loop, peer_port(peer));
        struct posted g = {0};
        (void)usleep(50000); /* the loop's time stands still meanwhile, and must not count */
        post_begin(p, "body", 4, SHORT_MS, &g);
        loop_until(&loop, &g.done);
        assert_string_equal(reason_name(g.reason), reason_name(cases[i].reason));
        assert_int_equal(g.status, cases[i].status);
        assert_true(g.duration_ns >= (SHORT_MS - 2) * UINT64_C(1000000));
        assert_true(g.duration_ns < 10 * SHORT_MS * UINT64_C(1000000));
        posted_clear(&g);
        post_end(&loop, p);
        peer_stop(peer);
    }
    (void)state;
}

static void never_read(struct peer *p, int fd, unsigned number)
{
    (void)fd, (void)number;
    sem_t *end = peer_context(p);
    (void)sem_wait(end);
}

static void a_body_that_nobody_takes_times_out(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    sem_t end;
    assert_int_equal(sem_init(&end, 0, 0), 0);
    struct peer *peer = peer_start_tcp(never_read, &end);
    struct http_post *p = post_to(&loop, peer_port(peer));
    char *body = alloc_zeroed(1, EARLY_BODY);
    struct posted g = {0};
    post_begin(p, body, EARLY_BODY, SHORT_MS, &g);
    loop_until(&loop, &g.done);
    assert_int_equal(g.reason, REASON_TIMEOUT);
    assert_non_null(strstr(g.text, "sending the request"));
    assert_int_equal(sem_post(&end), 0);
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    free(body);
    (void)sem_destroy(&end);
    (void)state;
}

/* A listener whose queue is full drops what asks to connect. */
static void connecting_times_out(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(listen(listener, 0), 0);
    int fillers[4];
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    struct http_post *p = post_to(&loop, ntohs(address.sin_port));
    struct posted g = {0};
    post_begin(p, "body", 4, SHORT_MS, &g);
    loop_until(&loop, &g.done);
    assert_int_equal(g.reason, REASON_TIMEOUT);
    assert_non_null(strstr(g.text, "while connecting"));
    posted_clear(&g);
    post_end(&loop, p);
    for (size_t i = 0; i < 4; i++)
        (void)close(fillers[i]);
    (void)close(listener);
    (void)state;
}

static void where_nobody_is_there_is_no_answer(void **state)
{
    static const struct {
        const char *url;
        enum reason reason;
    } cases[] = {
        {"http://127.0.0.1:1/write?token=secret", REASON_CONNECTION_REFUSED},
        {"https://127.0.0.1:1/write", REASON_CONNECTION_REFUSED},
        {"http://a..b/write", REASON_CONNECTION_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        const struct http_post_options options = {.url = cases[i].url, .proxy = "", .verify = true};
        struct http_post *p = post_with(&loop, &options);
        struct posted g = {0};
        post_ask(&loop, p, &g);
        assert_string_equal(reason_name(g.reason), reason_name(cases[i].reason));
        assert_int_equal(g.status, 0);
        assert_non_null(strstr(g.text, "/write"));
        assert_null(strstr(g.text, "secret"));
        posted_clear(&g);
        post_end(&loop, p);
    }
    (void)state;
}

static void without_descriptors_the_sentence_says_so(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct http_post *p = post_to(&loop, 1);
    struct posted g = {0};
    post_ask(&loop, p, &g); /* the loop has what it needs */
    int first = dup(0);
    assert_true(first >= 0);
    (void)close(first);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {.rlim_cur = (rlim_t)first, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    post_ask(&loop, p, &g);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (!strstr(g.text, "descriptors"))
        print_message("%s\n", g.text);
    assert_int_equal(g.reason, REASON_CONNECTION_FAILED);
    assert_non_null(strstr(g.text, "descriptors"));
    posted_clear(&g);
    post_end(&loop, p);
    (void)state;
}

static void answer_all(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    struct seen s = {0};
    while (seen_read(fd, &s) && peer_send(fd, "HTTP/1.1 204 Good\r\n\r\n")) {
    }
    seen_clear(&s);
}

static void a_broken_libcurl_is_made_anew(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(answer_all, NULL);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    for (int i = 0; i < 3; i++) {
        polls_fail = true;
        post_ask(&loop, p, &g);
        polls_fail = false;
        assert_int_equal(g.reason, REASON_CONNECTION_FAILED);
        assert_int_equal(g.status, 0);
        post_ask(&loop, p, &g);
        assert_int_equal(g.status, 204);
        http_post_close_idle(p);
    }
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

/* Refuses on seeing the head and closes, which resets the connection: the rest was not read. */
static void refuse_early(struct peer *p, int fd, unsigned number)
{
    (void)p, (void)number;
    struct seen s = {0};
    if (seen_read_head(fd, &s))
        (void)peer_send(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nhuge");
    seen_clear(&s);
}

/* As servers should: the rest is read and let go. */
static void refuse_gently(struct peer *p, int fd, unsigned number)
{
    refuse_early(p, fd, number);
    (void)shutdown(fd, SHUT_WR);
    peer_wait_closed(fd);
}

static void refuse_and_keep(struct peer *p, int fd, unsigned number)
{
    refuse_early(p, fd, number);
    (void)sem_wait(peer_context(p));
}

static unsigned early_answers(peer_script script, size_t length, sem_t *end)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(script, end);
    struct http_post *p = post_to(&loop, peer_port(peer));
    char *body = alloc_zeroed(1, length);
    struct posted g = {0};
    unsigned answers = 0;
    for (unsigned i = 0; i < EARLY_TRIES; i++) {
        posted_clear(&g);
        post_begin(p, body, length, 10000, &g);
        loop_until(&loop, &g.done);
        if (end) { /* it is for this connection: the next must not find it */
            assert_int_equal(sem_post(end), 0);
            loop_until_true(&loop, none_is_open, peer);
        }
        if (g.reason == REASON_NONE) {
            assert_int_equal(g.status, 413);
            answers++;
        } else {
            assert_string_equal(reason_name(g.reason), reason_name(REASON_ENDED_EARLY));
        }
    }
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    free(body);
    return answers;
}

static void an_answer_may_come_before_the_body_has_gone(void **state)
{
    sem_t end;
    assert_int_equal(sem_init(&end, 0, 0), 0);
    assert_int_equal(early_answers(refuse_gently, EARLY_BODY, NULL), EARLY_TRIES);
    assert_int_equal(early_answers(refuse_and_keep, EARLY_BODY, &end), EARLY_TRIES);
    (void)sem_destroy(&end);
    /* Here the reset may overtake the answer, and the request is tried again. */
    assert_true(early_answers(refuse_early, EARLY_BODY, NULL) > EARLY_TRIES / 2);
    assert_true(early_answers(refuse_early, 100000, NULL) > EARLY_TRIES / 2);
    (void)state;
}

/* A server that answers on command. */
struct orders {
    sem_t asked;
    sem_t go;
    sem_t answered;
};

static void obey(struct peer *p, int fd, unsigned number)
{
    (void)number;
    struct orders *o = peer_context(p);
    struct seen s = {0};
    if (seen_read(fd, &s) && sem_post(&o->asked) == 0 && sem_wait(&o->go) == 0 &&
        peer_send(fd, "HTTP/1.1 204 Good\r\n\r\n") && peer_wait_taken(fd))
        (void)sem_post(&o->answered);
    peer_wait_closed(fd);
    seen_clear(&s);
}

static bool is_posted(void *semaphore)
{
    return sem_trywait(semaphore) == 0;
}

static void an_answer_in_time_counts_though_the_loop_was_held_up(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct orders o;
    assert_int_equal(sem_init(&o.asked, 0, 0), 0);
    assert_int_equal(sem_init(&o.go, 0, 0), 0);
    assert_int_equal(sem_init(&o.answered, 0, 0), 0);
    struct peer *peer = peer_start_tcp(obey, &o);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    post_begin(p, "body", 4, 2 * SHORT_MS, &g);
    loop_until_true(&loop, is_posted, &o.asked);
    for (int i = 0; i < 400; i++) { /* until libcurl has no timer of its own, which would look */
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    assert_false(g.done);
    assert_int_equal(sem_post(&o.go), 0);
    assert_int_equal(sem_wait(&o.answered), 0);
    (void)usleep((2 * SHORT_MS + 100) *
                 1000); /* the loop works at something else past the timeout */
    loop_until(&loop, &g.done);
    assert_string_equal(g.text, "");
    assert_int_equal(g.status, 204);
    posted_clear(&g);
    post_end(&loop, p);
    peer_stop(peer);
    (void)sem_destroy(&o.asked);
    (void)sem_destroy(&o.go);
    (void)sem_destroy(&o.answered);
    (void)state;
}

struct hasty {
    struct http_post *post;
    struct posted second;
    unsigned left; /* requests yet to be sent from done */
};

static void cancel_then(struct posted *g)
{
    http_post_cancel(((struct hasty *)g->context)->post);
}

static void send_then(struct posted *g)
{
    struct hasty *h = g->context;
    if (h->left-- > 0)
        post_begin(h->post, "body", 4, 10000, &h->second);
}

static void send_and_cancel_then(struct posted *g)
{
    send_then(g);
    cancel_then(g);
}

static void close_then(struct posted *g)
{
    http_post_close(((struct hasty *)g->context)->post);
}

static void send_and_close_then(struct posted *g)
{
    send_then(g);
    close_then(g);
}

static void close_idle_then(struct posted *g)
{
    http_post_close_idle(((struct hasty *)g->context)->post);
}

static void done_may_do_anything(void **state)
{
    static const struct {
        void (*then)(struct posted *g);
        bool closes;
        unsigned second; /* calls of its done */
    } cases[] = {{cancel_then, false, 0},          {send_then, false, 1},
                 {send_and_cancel_then, false, 0}, {close_then, true, 0},
                 {send_and_close_then, true, 0},   {close_idle_then, false, 0}};
    static const struct scene ways[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nword", .after = HANGS},
        {.bytes = "", .after = HANGS},
        {.bytes = "", .after = RESETS},
        {.bytes = "garbage\r\n\r\n", .after = CLOSES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] * 4; i++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct peer *peer = peer_start_tcp(play, &ways[i % 4]);
        struct hasty h = {.post = post_to(&loop, peer_port(peer)), .left = 1};
        struct posted first = {.then = cases[i / 4].then, .context = &h};
        post_begin(h.post, "body", 4, SHORT_MS / 20, &first);
        loop_until(&loop, &first.done);
        if (cases[i / 4].second) {
            /* The server answers one request a connection: the second has only its time. */
            http_post_cancel(h.post);
            struct posted third = {0};
            post_begin(h.post, "body", 4, SHORT_MS / 20, &third);
            loop_until(&loop, &third.done);
            posted_clear(&third);
        }
        assert_int_equal(first.calls, 1);
        post_end(&loop, cases[i / 4].closes ? NULL : h.post);
        assert_int_equal(h.second.calls, 0);
        posted_clear(&first);
        posted_clear(&h.second);
        peer_stop(peer);
    }
    (void)state;
}

static void send_again(struct posted *g)
{
    struct hasty *h = g->context;
    if (h->left == 0) {
        h->second.done = true;
        return;
    }
    h->left--;
    post_begin(h->post, "body", 4, 10000, g);
}

static void done_may_send_the_next(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(answer_all, NULL);
    struct hasty h = {.post = post_to(&loop, peer_port(peer)), .left = 100};
    struct posted g = {.then = send_again, .context = &h};
    post_begin(h.post, "body", 4, 10000, &g);
    loop_until(&loop, &h.second.done);
    assert_int_equal(g.calls, 101);
    assert_int_equal(g.status, 204);
    assert_int_equal(peer_connections(peer), 1);
    posted_clear(&g);
    post_end(&loop, h.post);
    peer_stop(peer);
    (void)state;
}

/* With a name to look up, so that its thread is a phase too. */
static void cancel_and_close_in_each_phase(void **state)
{
    static const struct scene hang = {.bytes = "HTTP/1.1 200 OK\r\n", .after = HANGS};
    char *body = alloc_zeroed(1, EARLY_BODY);
    for (unsigned turns = 0; turns < 60; turns++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct peer *peer = peer_start_tcp(play, &hang);
        char url[64];
        (void)snprintf(url, sizeof url, "http://localhost:%u/", peer_port(peer));
        const struct http_post_options options = {.url = url, .proxy = ""};
        struct http_post *p = post_with(&loop, &options);
        struct posted g[2] = {{0}};
        for (int i = 0; i < 2; i++) {
            post_begin(p, body, EARLY_BODY, 10000, &g[i]);
            for (unsigned j = 0; j < turns; j++) {
                (void)usleep(100);
                (void)uv_run(&loop, UV_RUN_NOWAIT);
            }
            if (i == 0)
                http_post_cancel(p);
        }
        post_end(&loop, p);
        assert_int_equal(g[0].calls + g[1].calls, 0);
        peer_stop(peer);
    }
    free(body);
    (void)state;
}

static void cancelling_closes_the_connection(void **state)
{
    static const struct scene hang = {.bytes = "", .after = HANGS};
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct peer *peer = peer_start_tcp(play, &hang);
    struct http_post *p = post_to(&loop, peer_port(peer));
    struct posted g = {0};
    http_post_cancel(p); /* nothing is under way */
    post_begin(p, "body", 4, 10000, &g);
    for (int i = 0; i < 2000 && peer_connections(peer) == 0; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    assert_int_equal(peer_connections(peer), 1);
    http_post_cancel(p);
    loop_until_true(&loop, none_is_open, peer);
    assert_int_equal(g.calls, 0);
    post_end(&loop, p);
    peer_stop(peer);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_reason),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(the_timeout_is_for_the_whole_request),
        cmocka_unit_test(a_body_that_nobody_takes_times_out),
        cmocka_unit_test(connecting_times_out),
        cmocka_unit_test(where_nobody_is_there_is_no_answer),
        cmocka_unit_test(without_descriptors_the_sentence_says_so),
        cmocka_unit_test(a_broken_libcurl_is_made_anew),
        cmocka_unit_test(an_answer_may_come_before_the_body_has_gone),
        cmocka_unit_test(an_answer_in_time_counts_though_the_loop_was_held_up),
        cmocka_unit_test(done_may_do_anything),
        cmocka_unit_test(done_may_send_the_next),
        cmocka_unit_test(cancel_and_close_in_each_phase),
        cmocka_unit_test(cancelling_closes_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
