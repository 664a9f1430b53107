/* Tests net/http_guard before a real server on loopback, with its peers in the same thread.
 * Documents: net/http_guard.h, RFC 7617, RFC 6585 section 4, RFC 9110 section 10.2.3. */
#include "net/http_guard.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"
#include "net/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <crypt.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define PATIENCE_MS 20000 /* what does not happen by then will not */
#define ANSWER_MAX  2048
#define PEERS_MAX   80
#define QUEUE_MAX   16 /* as http_guard.c has it */
#define WAITING_MAX 64

#define CHEAP   4  /* 1 ms */
#define DEAR    10 /* 50 ms: told from no hash without doubt */
#define DEARER  11 /* 100 ms */
#define DEAREST 12 /* 200 ms: still under way when all peers have asked */

struct fixture {
    uv_loop_t loop;
    struct http_server *server;
    struct http_guard *guard;
    struct bytes *body;
    uint16_t port;
    size_t asked;   /* requests that came to the guard */
    size_t handled; /* and past it */
    size_t closed;
    const struct http_guard_terms *set_in_handler; /* what the handler sets, once */
    uint32_t stranger; /* 1: peers come from another address of this host */
};

static void handle(void *context, struct http_request *r)
{
    struct fixture *f = context;
    f->handled++;
    if (f->set_in_handler)
        assert_int_equal(http_guard_set(f->guard, f->set_in_handler, NULL), 0);
    f->set_in_handler = NULL;
    http_respond(
        r, &(struct http_reply){.status = 200, .content_type = "text/plain", .body = f->body});
}

static void front(void *context, struct http_request *r)
{
    struct fixture *f = context;
    f->asked++;
    http_guard_handle(f->guard, r);
}

static int setup(void **state)
{
    struct http_server_limits limits = http_server_default_limits;
    struct fixture *f = calloc(1, sizeof *f);
    struct err e = {0};
    if (!f || uv_loop_init(&f->loop) < 0)
        return -1;
    limits.max_connections = 2 * PEERS_MAX;
    limits.max_connections_per_peer = 0;
    f->body = bytes_from_string("let in");
    f->guard = http_guard_new(&f->loop, handle, f);
    f->server = http_server_new(&f->loop, &limits, front, f);
    if (http_server_listen(f->server, "127.0.0.1:0", &e) < 0)
        return -1;
    f->port = http_server_port(f->server, 0);
    *state = f;
    return 0;
}

static void on_closed(void *context)
{
    ++*(size_t *)context;
}

/* The server goes, then the guard unless the test has closed it; nothing may be left of either. */
static int teardown(void **state)
{
    struct fixture *f = *state;
    http_server_close(f->server, on_closed, &f->closed);
    if (f->guard)
        http_guard_close(f->guard);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(f->closed, 1);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    assert_int_equal(f->body->references, 1);
    bytes_unref(f->body);
    free(f);
    return 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Of all threads: what a hash costs, however busy the host is. */
/* Hashes computed so far, and the cost of the last; on the guard's thread, read once it answered.
 */
static _Atomic unsigned hashes_done;
static _Atomic unsigned last_work;

bool __real_password_matches(const struct password_library *library, const char *password,
                             const char *hash, unsigned work);
bool __wrap_password_matches(const struct password_library *library, const char *password,
                             const char *hash, unsigned work);

bool __wrap_password_matches(const struct password_library *library, const char *password,
                             const char *hash, unsigned work)
{
    last_work = work;
    hashes_done++;
    return __real_password_matches(library, password, hash, work);
}

static void pump(struct fixture *f, int fd, int ms)
{
    struct pollfd fds[2] = {{.fd = uv_backend_fd(&f->loop), .events = POLLIN},
                            {.fd = fd, .events = POLLIN}};
    uv_run(&f->loop, UV_RUN_NOWAIT);
    (void)poll(fds, fd < 0 ? 1 : 2, ms);
    uv_run(&f->loop, UV_RUN_NOWAIT);
}

static int ask(struct fixture *f, const char *authorization)
{
    char request[8192];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + f->stranger);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    int length =
        snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: weir\r\n%s%s\r\n",
                 authorization, authorization[0] == '\0' ? "" : "\r\n");
    assert_true(length < (int)sizeof request);
    assert_int_equal(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
    return fd;
}

struct answer {
    int status;
    char text[ANSWER_MAX]; /* all of it */
};

static bool is_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "\r\nContent-Length: ");
    uint64_t value = 0;
    if (!end)
        return false;
    assert_non_null(length);
    length += strlen("\r\nContent-Length: ");
    assert_int_equal(text_parse_u64(length, strcspn(length, "\r"), &value), 0);
    return strlen(end + 4) >= value;
}

/* The answer on `fd`, which is closed. */
static void take_answer(struct fixture *f, int fd, struct answer *ret)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    uint64_t status = 0;
    size_t have = 0;
    *ret = (struct answer){0};
    while (!is_whole(ret->text)) {
        ssize_t got = recv(fd, ret->text + have, sizeof ret->text - have - 1, MSG_DONTWAIT);
        assert_int_not_equal(got, 0);
        assert_true(got > 0 || errno == EAGAIN);
        have += got > 0 ? (size_t)got : 0;
        assert_true(now_ms() < end);
        pump(f, fd, got > 0 ? 0 : 20);
    }
    (void)close(fd);
    assert_int_equal(text_parse_u64(ret->text + strlen("HTTP/1.1 "), 3, &status), 0);
    ret->status = (int)status;
}

static int status_of(struct fixture *f, const char *authorization)
{
    struct answer a;
    take_answer(f, ask(f, authorization), &a);
    return a.status;
}

static bool has_line(const struct answer *a, const char *line)
{
    const char *at = strstr(a->text, line);
    return at && at[-1] == '\n' && text_starts_with(at + strlen(line), "\r\n");
}

/* A sentence and its type. */
static void check_sentence(const struct answer *a)
{
    const char *body = strstr(a->text, "\r\n\r\n") + 4;
    assert_true(has_line(a, "Content-Type: text/plain; charset=utf-8"));
    assert_true(strlen(body) > 20);
    assert_non_null(strchr(body, '.'));
}

/* Retry-After in whole seconds. */
static uint64_t retry_after(const struct answer *a)
{
    const char *at = strstr(a->text, "\r\nRetry-After: ");
    uint64_t value = 0;
    assert_non_null(at);
    at += strlen("\r\nRetry-After: ");
    assert_int_equal(text_parse_u64(at, strcspn(at, "\r"), &value), 0);
    return value;
}

/* The whole header line, RFC 7617, in one of two buffers in turn. */
static const char *basic_bytes(const char *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char lines[2][4096];
    static unsigned turn;
    char *line = lines[turn++ % 2];
    char *at = stpncpy(line, "Authorization: Basic ", sizeof lines[0]);
    assert_true(length < 2048);
    for (size_t i = 0; i < length * 8; i += 6) {
        unsigned value = 0;
        for (size_t bit = i; bit < i + 6; bit++)
            value =
                value * 2 + (bit < length * 8 ? (uint8_t)bytes[bit / 8] >> (7 - bit % 8) & 1U : 0);
        *at++ = digits[value];
    }
    for (size_t i = 0; i < (3 - length % 3) % 3; i++)
        *at++ = '=';
    *at = '\0';
    return line;
}

static const char *basic(const char *user_colon_password)
{
    return basic_bytes(user_colon_password, strlen(user_colon_password));
}

static const char *hash_of(const char *password, unsigned cost)
{
    static char hashes[4][PASSWORD_HASH_BYTES + 1];
    static unsigned turn;
    char setting[32];
    struct password_library library = {0};
    struct crypt_data *data = calloc(1, sizeof *data);
    char *hash = hashes[turn++ % 4];
    assert_int_equal(password_open(NULL, &library), 0);
    (void)snprintf(setting, sizeof setting, "$2y$%02u$abcdefghijklmnopqrstuu", cost);
    const char *computed = library.crypt_rn(password, setting, data, (int)sizeof *data);
    assert_non_null(computed);
    (void)snprintf(hash, sizeof hashes[0], "%s", computed);
    password_close(&library);
    free(data);
    return hash;
}

static void set(struct fixture *f, const struct http_guard_terms *terms)
{
    struct err e = {0};
    if (http_guard_set(f->guard, terms, &e) < 0)
        fail_msg("%s", e.text);
}

static void set_user(struct fixture *f, const char *name, const char *hash)
{
    const struct http_guard_user user = {name, hash};
    set(f, &(struct http_guard_terms){.users = &user, .user_count = 1});
}

static void set_nobody(struct fixture *f)
{
    set(f, &(struct http_guard_terms){0});
}

#define CHALLENGE "WWW-Authenticate: Basic realm=\"weir\", charset=\"UTF-8\""

static void test_everybody(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(status_of(f, ""), 200);
    set_nobody(f);
    assert_int_equal(status_of(f, ""), 200);
    assert_int_equal(status_of(f, "Authorization: Bearer x"), 200);
    assert_int_equal(f->handled, 3);
    for (int i = 0; i < HTTP_GUARD_REFUSALS; i++)
        assert_int_equal(http_guard_refusals(f->guard, (enum http_guard_refusal)i), 0);
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < HTTP_GUARD_REFUSALS; i++) {
        const char *name = http_guard_refusal_name((enum http_guard_refusal)i);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, http_guard_refusal_name((enum http_guard_refusal)j));
    }
    assert_string_equal(http_guard_refusal_name(HTTP_GUARD_RATE), "rate_limit");
}

static void test_no_password(void **state)
{
    static const char *const values[] = {"", "Authorization: Bearer QTpC", "Authorization: Basic",
                                         "Authorization: Basic !", "Authorization: Basic QUI="};
    struct fixture *f = *state;
    set_user(f, "bob", hash_of("secret", CHEAP));
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct answer a;
        take_answer(f, ask(f, values[i]), &a);
        assert_int_equal(a.status, 401);
        assert_true(has_line(&a, CHALLENGE));
        check_sentence(&a);
        assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_NO_PASSWORD), i + 1);
    }
    assert_int_equal(f->handled, 0);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_WRONG), 0);
}

static void test_right_and_wrong(void **state)
{
    struct fixture *f = *state;
    struct answer wrong;
    struct answer unknown;
    const struct http_guard_user users[] = {{"alice", hash_of("wonder land", CHEAP)},
                                            {"bob", hash_of("secret", CHEAP + 1)},
                                            {"", hash_of("nameless", CHEAP)}};
    /* No password was found right yet: that is not the empty one. */
    set_user(f, "bob", hash_of("secret", CHEAP));
    assert_int_equal(status_of(f, basic("bob:")), 401);
    assert_int_equal(status_of(f, basic(":")), 401);
    set(f, &(struct http_guard_terms){.users = users, .user_count = 3});
    for (int i = 0; i < 3; i++) { /* computed, then remembered */
        assert_int_equal(status_of(f, basic("alice:wonder land")), 200);
        assert_int_equal(status_of(f, basic("bob:secret")), 200);
        assert_int_equal(status_of(f, basic(":nameless")), 200);
        assert_int_equal(status_of(f, basic("bob:wonder land")), 401);
        assert_int_equal(status_of(f, basic("alice:secret")), 401);
        assert_int_equal(status_of(f, basic("bob:Secret")), 401);
        assert_int_equal(status_of(f, basic("bob:secret ")), 401);
        assert_int_equal(status_of(f, basic("bob:secre")), 401);
        assert_int_equal(status_of(f, basic("bob:")), 401);
        assert_int_equal(status_of(f, basic("Bob:secret")), 401);
        assert_int_equal(status_of(f, basic("bo:secret")), 401);
        assert_int_equal(status_of(f, basic("bobb:secret")), 401);
        assert_int_equal(status_of(f, basic(":secret")), 401);
        assert_int_equal(status_of(f, basic(":")), 401);
        assert_int_equal(status_of(f, basic_bytes("bob\0:secret", 11)), 401);
    }
    assert_int_equal(f->handled, 9);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_WRONG), 38);
    take_answer(f, ask(f, basic("bob:no")), &wrong);
    take_answer(f, ask(f, basic("nobody:no")), &unknown);
    assert_true(has_line(&wrong, CHALLENGE));
    check_sentence(&wrong);
    assert_string_equal(strstr(wrong.text, "\r\n\r\n"), strstr(unknown.text, "\r\n\r\n"));
    assert_true(has_line(&unknown, CHALLENGE));
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_NO_PASSWORD), 0);
}

static void test_odd_passwords(void **state)
{
    struct fixture *f = *state;
    char long_one[600] = "bob:";
    char name[400];
    memset(long_one + 4, 'x', 100);
    const struct http_guard_user users[] = {{"bob", hash_of(long_one + 4, CHEAP)},
                                            {"eve", hash_of("secret", CHEAP)},
                                            {"mr", hash_of("", CHEAP)},
                                            {"j\xc3\xb6rg", hash_of("\xe2\x82\xac:\xff", CHEAP)}};
    set(f, &(struct http_guard_terms){.users = users, .user_count = 4});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(status_of(f, basic(long_one)), 200);
        assert_int_equal(status_of(f, basic("mr:")), 200);
        assert_int_equal(status_of(f, basic("j\xc3\xb6rg:\xe2\x82\xac:\xff")), 200);
        /* A NUL matches nothing, though libcrypt would stop at it. */
        assert_int_equal(status_of(f, basic_bytes("eve:secret\0", 11)), 401);
        assert_int_equal(status_of(f, basic_bytes("eve:secret\0x", 12)), 401);
        assert_int_equal(status_of(f, basic_bytes("mr:\0", 4)), 401);
        assert_int_equal(status_of(f, basic("eve:secret")), 200);
    }
    /* bcrypt reads 72 bytes. */
    memset(long_one + 4 + 72, 'y', 400);
    assert_int_equal(status_of(f, basic(long_one)), 200);
    long_one[4 + 71] = 'y';
    assert_int_equal(status_of(f, basic(long_one)), 401);
    long_one[4 + 71] = '\0';
    assert_int_equal(status_of(f, basic(long_one)), 401);
    memset(name, 'n', sizeof name);
    memcpy(name + sizeof name - 8, ":secret", 8);
    assert_int_equal(status_of(f, basic(name)), 401);
}

/* How many hashes the answer to a request costs. */
static unsigned hashes_for(struct fixture *f, const char *authorization, int expected)
{
    unsigned before = hashes_done;
    assert_int_equal(status_of(f, authorization), expected);
    return hashes_done - before;
}

static void test_right_is_remembered(void **state)
{
    struct fixture *f = *state;
    set_user(f, "bob", hash_of("secret", DEARER));
    assert_int_equal(hashes_for(f, basic("bob:secret"), 200), 1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(hashes_for(f, basic("bob:secret"), 200), 0);
    /* One that is wrong is computed each time. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(hashes_for(f, basic("bob:wrong"), 401), 1);
    assert_int_equal(hashes_for(f, basic("bob:secret"), 200), 0);
}

/* Each costs one hash of the dearest user's cost. */
static void test_unknown_users_take_the_same_time(void **state)
{
    struct fixture *f = *state;
    const struct http_guard_user users[] = {{"cheap", hash_of("secret", CHEAP)},
                                            {"dear", hash_of("secret", DEAR)}};
    set(f, &(struct http_guard_terms){.users = users, .user_count = 2});
    assert_int_equal(status_of(f, basic("cheap:secret")), 200); /* also once one is remembered */
    const char *const wrong[] = {"dear:wrong", "cheap:wrong", "nobody:wrong", "nobody:secret"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(hashes_for(f, basic(wrong[i]), 401), 1);
        assert_int_equal(last_work, DEAR);
    }
    assert_int_equal(hashes_for(f, basic_bytes("dear:\0", 6), 401), 1);
    assert_int_equal(last_work, DEAR);
}

/* The rate. */

static void test_rate(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    set(f, &(struct http_guard_terms){.rate_interval_ms = 60000, .rate_burst = 3});
    for (int i = 0; i < 3; i++)
        assert_int_equal(status_of(f, ""), 200);
    for (unsigned i = 1; i <= 2; i++) {
        take_answer(f, ask(f, ""), &a);
        assert_int_equal(a.status, 429);
        assert_in_range(retry_after(&a), 60 - PATIENCE_MS / 1000, 60);
        check_sentence(&a);
        assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_RATE), i);
    }
    assert_int_equal(f->handled, 3);
    /* The same terms again are not a new bucket, others are. */
    set(f, &(struct http_guard_terms){.rate_interval_ms = 60000, .rate_burst = 3});
    assert_int_equal(status_of(f, ""), 429);
    set(f, &(struct http_guard_terms){.rate_interval_ms = 60000, .rate_burst = 1});
    assert_int_equal(status_of(f, ""), 200);
    assert_int_equal(status_of(f, ""), 429);
    set_nobody(f);
    for (int i = 0; i < 10; i++)
        assert_int_equal(status_of(f, ""), 200);
}

static void test_rate_adds_tokens(void **state)
{
    struct fixture *f = *state;
    enum { INTERVAL_MS = 300, WANTED = 3 };
    set(f, &(struct http_guard_terms){.rate_interval_ms = INTERVAL_MS, .rate_burst = 1});
    uint64_t start = now_ms();
    for (size_t in = 0; in < WANTED + 1;) {
        struct answer a;
        take_answer(f, ask(f, ""), &a);
        in += a.status == 200;
        if (a.status != 200) {
            assert_int_equal(a.status, 429);
            assert_int_equal(retry_after(&a), 1); /* rounded up */
        }
        assert_true(now_ms() < start + PATIENCE_MS);
        pump(f, -1, 10);
    }
    /* libuv's clock has whole milliseconds and is that of the turn of the loop. */
    assert_true(now_ms() - start + 20 >= INTERVAL_MS * WANTED);
}

/* A bucket that was left alone has its burst, and no more. */
static void test_rate_fills_up_to_the_burst(void **state)
{
    struct fixture *f = *state;
    set(f, &(struct http_guard_terms){.rate_interval_ms = 500, .rate_burst = 2});
    uint64_t end = now_ms() + 1700;
    while (now_ms() < end)
        pump(f, -1, 50);
    uint64_t begin = now_ms();
    assert_int_equal(status_of(f, ""), 200);
    assert_int_equal(status_of(f, ""), 200);
    int third = status_of(f, "");
    if (now_ms() - begin < 400)
        assert_int_equal(third, 429);
    /* An interval of a lifetime and more tokens than can be counted overflow nothing. */
    set(f, &(struct http_guard_terms){.rate_interval_ms = UINT64_MAX, .rate_burst = 1});
    assert_int_equal(status_of(f, ""), 200);
    assert_int_equal(status_of(f, ""), 429);
    set(f, &(struct http_guard_terms){.rate_interval_ms = 1, .rate_burst = UINT64_MAX});
    assert_int_equal(status_of(f, ""), 200);
}

static void test_rate_comes_first(void **state)
{
    struct fixture *f = *state;
    const struct http_guard_user user = {"bob", hash_of("secret", CHEAP)};
    set(f, &(struct http_guard_terms){
               .users = &user, .user_count = 1, .rate_interval_ms = 60000, .rate_burst = 2});
    assert_int_equal(status_of(f, ""), 401);
    assert_int_equal(status_of(f, basic("bob:secret")), 200);
    assert_int_equal(status_of(f, basic("bob:secret")), 429);
    assert_int_equal(status_of(f, ""), 429);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_NO_PASSWORD), 1);
}

/* Those who wait. */

/* Asks on `count` connections, with one password or with the numbers from 0. */
static void ask_many(struct fixture *f, int *fds, int count, const char *user, bool differ)
{
    char text[64];
    for (int i = 0; i < count; i++) {
        if (differ)
            (void)snprintf(text, sizeof text, "%s:%d", user, i);
        else
            (void)snprintf(text, sizeof text, "%s:secret", user);
        fds[i] = ask(f, basic(text));
    }
}

static void await_answers(struct fixture *f, int status, uint64_t wanted)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (http_server_answers(f->server, status) < wanted && now_ms() < end)
        pump(f, -1, 10);
    assert_int_equal(http_server_answers(f->server, status), wanted);
}

static void test_queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    int fds[QUEUE_MAX + 4];
    struct answer a;
    unsigned busy = 0;
    set_user(f, "bob", hash_of("secret", DEAREST));
    assert_int_equal(status_of(f, basic("bob:secret")), 200);
    ask_many(f, fds, QUEUE_MAX + 4, "bob", true); /* one is computed, 16 wait */
    await_answers(f, 503, 3);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_BUSY), 3);
    /* Whoever is remembered does not wait behind them. */
    assert_int_equal(status_of(f, basic("bob:secret")), 200);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_WRONG), 0);
    http_guard_close(f->guard);
    f->guard = NULL;
    for (int i = 0; i < QUEUE_MAX + 4; i++) {
        take_answer(f, fds[i], &a);
        assert_int_equal(a.status, 503);
        check_sentence(&a);
        if (strstr(a.text, "Retry-After")) {
            assert_true(retry_after(&a) > 0);
            busy++;
        }
    }
    assert_int_equal(busy, 3);
}

/* All get their answers in the end, one after another. */
/* A peer that guesses fills its own places and not those of others. */
static void test_queue_is_each_peers_own(void **state)
{
    struct fixture *f = *state;
    int fds[QUEUE_MAX + 4];
    struct answer a;
    set_user(f, "bob", hash_of("secret", DEAR));
    f->stranger = 1;
    ask_many(f, fds, QUEUE_MAX + 4, "bob", true);
    await_answers(f, 503, 3);
    f->stranger = 0;
    assert_int_equal(status_of(f, basic("bob:secret")), 200);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_BUSY), 3);
    for (int i = 0; i < QUEUE_MAX + 4; i++)
        take_answer(f, fds[i], &a);
}

static void test_queue_is_worked_off(void **state)
{
    struct fixture *f = *state;
    int fds[QUEUE_MAX];
    struct answer a;
    set_user(f, "bob", hash_of("7", CHEAP + 2));
    ask_many(f, fds, QUEUE_MAX, "bob", true);
    for (int i = 0; i < QUEUE_MAX; i++) {
        take_answer(f, fds[i], &a);
        assert_int_equal(a.status, i == 7 ? 200 : 401);
    }
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_WRONG), QUEUE_MAX - 1);
    assert_int_equal(f->handled, 1);
}

static void join(struct fixture *f, const char *user, int status)
{
    enum { PEERS = 20 };
    int fds[PEERS];
    struct answer a;
    unsigned before = hashes_done;
    ask_many(f, fds, PEERS, user, false);
    for (int i = 0; i < PEERS; i++) {
        take_answer(f, fds[i], &a);
        assert_int_equal(a.status, status);
    }
    assert_in_range(hashes_done - before, 1, 2); /* those that came after the first was done */
}

static void test_same_are_joined(void **state)
{
    struct fixture *f = *state;
    set_user(f, "bob", hash_of("secret", DEAR));
    join(f, "bob", 200);
    join(f, "nobody", 401);
    assert_int_equal(f->handled, 20);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_WRONG), 20);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_BUSY), 0);
}

static void test_joined_are_bounded(void **state)
{
    struct fixture *f = *state;
    int fds[WAITING_MAX + 5];
    struct answer a;
    set_user(f, "bob", hash_of("secret", DEAREST));
    ask_many(f, fds, WAITING_MAX + 5, "bob", false);
    await_answers(f, 503, 5);
    assert_int_equal(f->handled, 0);
    unsigned in = 0;
    for (int i = 0; i < WAITING_MAX + 5; i++) {
        take_answer(f, fds[i], &a);
        assert_true(a.status == 200 || a.status == 503);
        in += a.status == 200;
    }
    assert_int_equal(in, WAITING_MAX);
    assert_int_equal(http_guard_refusals(f->guard, HTTP_GUARD_BUSY), 5);
    /* The places are free again. */
    ask_many(f, fds, WAITING_MAX, "nobody", false);
    for (int i = 0; i < WAITING_MAX; i++) {
        take_answer(f, fds[i], &a);
        assert_int_equal(a.status, 401);
    }
}

static void await_refusals(struct fixture *f, enum http_guard_refusal why, uint64_t wanted)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (http_guard_refusals(f->guard, why) < wanted && now_ms() < end)
        pump(f, -1, 10);
    assert_int_equal(http_guard_refusals(f->guard, why), wanted);
}

static void await_asked(struct fixture *f, size_t wanted)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (f->asked < wanted && now_ms() < end)
        pump(f, -1, 10);
    assert_int_equal(f->asked, wanted);
}

static void test_peer_that_has_gone(void **state)
{
    struct fixture *f = *state;
    set_user(f, "bob", hash_of("secret", DEAR));
    int wrong = ask(f, basic("bob:wrong"));
    int right = ask(f, basic("bob:secret"));
    await_asked(f, 2);
    assert_int_equal(f->handled, 0);
    (void)close(wrong);
    (void)close(right);
    await_refusals(f, HTTP_GUARD_WRONG, 1);
    uint64_t end = now_ms() + PATIENCE_MS;
    while (f->handled == 0 && now_ms() < end)
        pump(f, -1, 10);
    assert_int_equal(f->handled, 1); /* and answered, which frees it: the leak check sees */
}

/* Other terms. */

static void test_waiting_are_judged_by_the_old(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    set_user(f, "bob", hash_of("secret", DEAR));
    int computed = ask(f, basic("nobody:x"));
    int waits = ask(f, basic("bob:secret"));
    await_asked(f, 2);
    assert_int_equal(f->handled, 0);
    set_user(f, "alice", hash_of("other", CHEAP));
    int late = ask(f, basic("bob:secret"));
    int alice = ask(f, basic("alice:other"));
    take_answer(f, computed, &a);
    assert_int_equal(a.status, 401);
    take_answer(f, waits, &a);
    assert_int_equal(a.status, 200);
    take_answer(f, late, &a);
    assert_int_equal(a.status, 401);
    take_answer(f, alice, &a);
    assert_int_equal(a.status, 200);
    /* What the old ones found right does not count for the new. */
    set_user(f, "bob", hash_of("changed", CHEAP));
    assert_int_equal(status_of(f, basic("bob:secret")), 401);
    assert_int_equal(status_of(f, basic("bob:changed")), 200);
    set_user(f, "bob", hash_of("again", CHEAP)); /* nothing but the hash differs */
    assert_int_equal(status_of(f, basic("bob:changed")), 401);
    assert_int_equal(status_of(f, basic("bob:again")), 200);
    set_nobody(f);
    assert_int_equal(status_of(f, ""), 200);
}

static void test_same_users_are_kept(void **state)
{
    struct fixture *f = *state;
    char name[] = "bob";
    char hash[PASSWORD_HASH_BYTES + 1];
    (void)snprintf(hash, sizeof hash, "%s", hash_of("secret", DEARER));
    const struct http_guard_user user = {name, hash};
    set(f, &(struct http_guard_terms){.users = &user, .user_count = 1});
    assert_int_equal(hashes_for(f, basic("bob:secret"), 200), 1);
    set(f, &(struct http_guard_terms){
               .users = &user, .user_count = 1, .rate_interval_ms = 1, .rate_burst = 100});
    assert_int_equal(hashes_for(f, basic("bob:secret"), 200), 0);
    memset(name, 'x', 3); /* the terms were copied */
    memset(hash, 'x', 60);
    assert_int_equal(hashes_for(f, basic("bob:secret"), 200), 0);
    set_user(f, "bob", hash_of("secret", DEARER));
    assert_int_equal(hashes_for(f, basic("bob:secret"), 200), 0);
    /* They differ: forgotten, though bob is the same. */
    const struct http_guard_user users[] = {{"bob", hash_of("secret", DEARER)},
                                            {"eve", hash_of("secret", CHEAP)}};
    set(f, &(struct http_guard_terms){.users = users, .user_count = 2});
    assert_int_equal(hashes_for(f, basic("bob:secret"), 200), 1);
}

static void test_wrong_terms_change_nothing(void **state)
{
    static const struct {
        struct http_guard_user user;
        const char *word;
    } wrong[] = {
        {{"eve", "secret"}, "bcrypt"},
        {{"eve", "$2b$03$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"}, "cost"},
        {{"eve", "$6$abcdefgh$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv"}, "htpasswd"},
        {{"e:ve", "$2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"}, "colon"},
        {{NULL, "$2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"}, "255"},
    };
    struct fixture *f = *state;
    char name[257];
    memset(name, 'n', 256);
    name[256] = '\0';
    set_user(f, "bob", hash_of("secret", CHEAP));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct err e = {0};
        struct http_guard_user users[] = {{"alice", hash_of("x", CHEAP)}, wrong[i].user};
        users[1].name = users[1].name ?: name;
        const struct http_guard_terms terms = {
            .users = users, .user_count = 2, .rate_interval_ms = 60000, .rate_burst = 1};
        assert_int_equal(http_guard_set(f->guard, &terms, &e), -EINVAL);
        if (!strstr(e.text, wrong[i].word) || strstr(e.text, users[1].hash))
            fail_msg("%s", e.text);
        assert_int_equal(http_guard_set(f->guard, &terms, NULL), -EINVAL);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(status_of(f, basic("bob:secret")), 200);
    assert_int_equal(status_of(f, basic("alice:x")), 401);
    name[255] = '\0'; /* the longest that is allowed */
    set_user(f, name, hash_of("secret", CHEAP));
    char text[300];
    (void)snprintf(text, sizeof text, "%s:secret", name);
    assert_int_equal(status_of(f, basic(text)), 200);
    (void)snprintf(text, sizeof text, "%sn:secret", name);
    assert_int_equal(status_of(f, basic(text)), 401);
}

/* A handler may reload, also while the answer of a check is being given. */
static void test_set_in_handler(void **state)
{
    struct fixture *f = *state;
    const struct http_guard_user user = {"alice", hash_of("other", CHEAP)};
    const struct http_guard_terms terms = {.users = &user, .user_count = 1};
    int fds[5];
    struct answer a;
    set_user(f, "bob", hash_of("secret", DEAR));
    f->set_in_handler = &terms;
    ask_many(f, fds, 5, "bob", false);
    for (int i = 0; i < 5; i++) {
        take_answer(f, fds[i], &a);
        assert_int_equal(a.status, 200);
    }
    assert_null(f->set_in_handler);
    assert_int_equal(status_of(f, basic("bob:secret")), 401);
    assert_int_equal(status_of(f, basic("alice:other")), 200);
    f->set_in_handler = &(const struct http_guard_terms){0};
    assert_int_equal(status_of(f, basic("alice:other")), 200);
    assert_int_equal(status_of(f, ""), 200);
}

/* The end. */

static size_t threads(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while (readdir(tasks))
        count++;
    (void)closedir(tasks);
    return count;
}

static void test_close_while_computing(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    size_t before = threads();
    set_user(f, "bob", hash_of("secret", 14)); /* 900 ms, longer than closing waits */
    int computed = ask(f, basic("bob:secret"));
    int waits = ask(f, basic("bob:x"));
    int gone = ask(f, basic("bob:y"));
    await_asked(f, 3);
    set_user(f, "bob", hash_of("x", CHEAP)); /* so that two sets of users are in use */
    (void)close(gone);
    pump(f, -1, 0);
    http_guard_close(f->guard);
    f->guard = NULL;
    assert_true(threads() > before); /* the hash is still computed */
    take_answer(f, computed, &a);
    assert_int_equal(a.status, 503);
    check_sentence(&a);
    take_answer(f, waits, &a);
    assert_int_equal(a.status, 503);
    assert_int_equal(f->handled, 0);
    uint64_t end = now_ms() + PATIENCE_MS;
    while (threads() > before && now_ms() < end)
        pump(f, -1, 20); /* until it has freed what is its own, which the leak check sees */
    assert_int_equal(threads(), before);
}

static void test_close_after_the_hash(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    set_user(f, "bob", hash_of("secret", CHEAP));
    assert_int_equal(status_of(f, basic("bob:secret")), 200);
    int fd = ask(f, basic("bob:wrong"));
    await_asked(f, 2);
    /* The hash may be ready or not; its answer is not told any more. */
    uint64_t answered = http_server_answers(f->server, 401);
    http_guard_close(f->guard);
    f->guard = NULL;
    take_answer(f, fd, &a);
    assert_int_equal(a.status, answered > 0 ? 401 : 503);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_everybody),
        TEST(test_names),
        TEST(test_no_password),
        TEST(test_right_and_wrong),
        TEST(test_odd_passwords),
        TEST(test_right_is_remembered),
        TEST(test_unknown_users_take_the_same_time),
        TEST(test_rate),
        TEST(test_rate_adds_tokens),
        TEST(test_rate_fills_up_to_the_burst),
        TEST(test_rate_comes_first),
        TEST(test_queue_is_bounded),
        TEST(test_queue_is_each_peers_own),
        TEST(test_queue_is_worked_off),
        TEST(test_same_are_joined),
        TEST(test_joined_are_bounded),
        TEST(test_peer_that_has_gone),
        TEST(test_waiting_are_judged_by_the_old),
        TEST(test_same_users_are_kept),
        TEST(test_wrong_terms_change_nothing),
        TEST(test_set_in_handler),
        TEST(test_close_while_computing),
        TEST(test_close_after_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
