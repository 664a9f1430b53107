/* The HTTP surface with the real server on a loopback port and a source of snapshots that does as
 * the test says. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "exporters/prometheus.h"
#include "exporters/scrape.h"
#include "net/http_server.h"
#include "tests/unit/snapshot_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#define WAIT_MS     10000     /* longest wait for something that happens at once */
#define ANSWER_MAX  (1 << 20) /* bytes */
#define DEMANDS_MAX 8
#define TIMEOUT_MS  5000 /* scrape_options.max_timeout_ms */
/* Bytes of a label value that cannot fit three times into the longest exposition. */
#define HUGE_LABEL (UINT64_C(90) << 20)

struct fixture {
    uv_loop_t loop;
    struct http_server *server;
    struct scrape *scrape;
    struct demand *demands[DEMANDS_MAX];
    size_t demand_count;
    size_t withdrawn;
    struct snapshot *current; /* a reference */
};

static void source_demand(void *context, struct demand *d)
{
    struct fixture *f = context;
    assert_true(f->demand_count < DEMANDS_MAX);
    f->demands[f->demand_count++] = d;
}

static void source_withdraw(void *context, struct demand *d)
{
    struct fixture *f = context;
    for (size_t i = 0; i < f->demand_count; i++) {
        if (f->demands[i] == d) {
            f->demands[i] = f->demands[--f->demand_count];
            f->withdrawn++;
            return;
        }
    }
    fail_msg("a demand was withdrawn that was not made");
}

static struct snapshot *source_current(void *context)
{
    struct fixture *f = context;
    return f->current;
}

/* Seals: whoever waits gets `s`. */
static void publish(struct fixture *f, struct snapshot *s)
{
    size_t count = f->demand_count;
    f->demand_count = 0;
    for (size_t i = 0; i < count; i++)
        f->demands[i]->done(f->demands[i], s);
}

static void start(struct fixture *f, const char *telemetry_path)
{
    struct err e = {0};
    *f = (struct fixture){0};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    const struct scrape_options options = {
        .telemetry_path = telemetry_path,
        .version = "1.2.3",
        .max_timeout_ms = TIMEOUT_MS,
        .source = {f, source_demand, source_withdraw, source_current},
    };
    f->scrape = scrape_new(&options);
    f->server = http_server_new(&f->loop, NULL, scrape_handle, f->scrape);
    if (http_server_listen(f->server, "127.0.0.1:0", &e) < 0)
        fail_msg("%s", e.text);
}

static void stop(struct fixture *f)
{
    http_server_close(f->server, NULL, NULL);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    scrape_free(f->scrape);
    snapshot_unref(f->current);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static int open_client(const struct fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(http_server_port(f->server, 0)),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends a request whose connection ends with its answer; `headers` are whole lines or "". */
static int ask(const struct fixture *f, const char *method, const char *path, const char *headers)
{
    char request[512];
    int fd = open_client(f);
    int length = snprintf(request, sizeof request,
                          "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n",
                          method, path, headers);
    assert_in_range(length, 1, sizeof request - 1);
    assert_int_equal(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
    return fd;
}

static uint64_t now_ms(void)
{
    return clock_monotonic_ns(&clock_system) / NS_PER_MS;
}

/* Turns the loop until `count` demands are waiting. */
static void await_demands(struct fixture *f, size_t count)
{
    for (uint64_t end = now_ms() + WAIT_MS; f->demand_count < count;) {
        assert_true(now_ms() < end);
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(f->demand_count, count);
}

/* Turns the loop until the server closes the connection; the whole answer is in `ret`, to be freed
 * with buf_done. */
static void await_answer(struct fixture *f, int fd, struct buf *ret)
{
    char chunk[4096];
    ssize_t got = -1;
    buf_init(ret, ANSWER_MAX);
    for (uint64_t end = now_ms() + WAIT_MS; got != 0;) {
        assert_true(now_ms() < end);
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        (void)poll(&wait, 1, 1);
        got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        assert_true(got >= 0 || errno == EAGAIN);
        if (got > 0)
            assert_int_equal(buf_add(ret, chunk, (size_t)got), 0);
    }
    (void)close(fd);
    assert_non_null(ret->data);
}

static int status_of(const struct buf *answer)
{
    assert_true(text_starts_with(answer->data, "HTTP/1.1 "));
    uint64_t status = 0;
    assert_int_equal(text_parse_u64(answer->data + 9, 3, &status), 0);
    return (int)status;
}

static const char *body_of(const struct buf *answer)
{
    const char *end = strstr(answer->data, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

/* Asserts the status and that `text` is in the answer to a GET. */
static void check_get(struct fixture *f, const char *path, int status, const char *text)
{
    struct buf answer;
    await_answer(f, ask(f, "GET", path, ""), &answer);
    assert_int_equal(status_of(&answer), status);
    if (!strstr(answer.data, text))
        fail_msg("%s: \"%s\" is not in:\n%s", path, text, answer.data);
    buf_done(&answer);
}

static struct snapshot *numbered(uint64_t number, uint64_t threads)
{
    struct snapshot *s = fixture_snapshot(1);
    s->number = number;
    fixture_name(s, 0, "/docker/01", "web", NULL);
    row_set(&s->rows[0], CONTAINER_PIDS, threads);
    return s;
}

static void test_metrics(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "/metrics");
    int fd = ask(&f, "GET", "/metrics?x=1", "");
    await_demands(&f, 1);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1); /* not before the round */

    struct snapshot *s = numbered(1, 7);
    publish(&f, s);
    struct buf answer;
    struct buf expected;
    await_answer(&f, fd, &answer);
    buf_init(&expected, ANSWER_MAX);
    assert_int_equal(prometheus_encode(s, &prometheus_whole_text, &expected), 0);
    assert_int_equal(status_of(&answer), 200);
    assert_non_null(strstr(answer.data, "\r\nContent-Type: text/plain; version=0.0.4; "
                                        "charset=utf-8\r\n"));
    assert_string_equal(body_of(&answer), expected.data);
    buf_done(&answer);
    buf_done(&expected);
    snapshot_unref(s);
    stop(&f);
}

/* A snapshot is encoded once: what changes in it afterwards (which nobody may do) is not seen. */
static void test_encoded_once(void **state)
{
    (void)state;
    struct fixture f;
    struct buf answer;
    start(&f, "/metrics");
    struct snapshot *first = numbered(1, 1111);
    struct snapshot *second = numbered(2, 3333);
    for (unsigned i = 0; i < 3; i++) {
        int fds[2] = {ask(&f, "GET", "/metrics", ""), ask(&f, "GET", "/metrics", "")};
        await_demands(&f, 2);
        publish(&f, i < 2 ? first : second);
        for (unsigned c = 0; c < 2; c++) {
            await_answer(&f, fds[c], &answer);
            assert_non_null(strstr(body_of(&answer), i < 2 ? "} 1111\n" : "} 3333\n"));
            buf_done(&answer);
        }
        row_set(&first->rows[0], CONTAINER_PIDS, 2222);
    }
    snapshot_unref(first);
    snapshot_unref(second);
    stop(&f);
}

static void test_head(void **state)
{
    (void)state;
    struct fixture f;
    struct buf get;
    struct buf head;
    start(&f, "/metrics");
    int fds[2] = {ask(&f, "GET", "/metrics", ""), ask(&f, "HEAD", "/metrics", "")};
    await_demands(&f, 2);
    struct snapshot *s = numbered(1, 7);
    publish(&f, s);
    await_answer(&f, fds[0], &get);
    await_answer(&f, fds[1], &head);
    char length[64];
    (void)snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", strlen(body_of(&get)));
    assert_int_equal(status_of(&head), 200);
    assert_non_null(strstr(head.data, length));
    assert_string_equal(body_of(&head), "");
    buf_done(&get);
    buf_done(&head);
    snapshot_unref(s);
    stop(&f);
}

/* How long a scrape with this timeout header lets its round take. */
static void check_deadline(struct fixture *f, const char *header, uint64_t wait_ms)
{
    struct buf answer;
    uint64_t before = clock_monotonic_ns(&clock_system);
    int fd = ask(f, "GET", "/metrics", header);
    await_demands(f, 1);
    uint64_t after = clock_monotonic_ns(&clock_system);
    assert_in_range(f->demands[0]->deadline_ns, before + wait_ms * NS_PER_MS,
                    after + wait_ms * NS_PER_MS);
    struct snapshot *s = numbered(1, 7);
    publish(f, s);
    snapshot_unref(s);
    await_answer(f, fd, &answer);
    assert_int_equal(status_of(&answer), 200);
    buf_done(&answer);
}

static void test_deadlines(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t wait_ms;
    } cases[] = {
        {"10", TIMEOUT_MS}, /* less 500 ms is still more than the limit */
        {"9.5", TIMEOUT_MS},
        {"5", 4750},    /* less 5 % */
        {"4", 3800},    /* less 5 % */
        {"2.5", 2375},  /* less 5 %, 125 ms */
        {"1", 900},     /* less 100 ms */
        {"0.7", 600},   /* less 100 ms */
        {"0.6", 500},   /* less 100 ms */
        {"0.599", 500}, /* an impatient one must not cut others' round short */
        {"0.050", 500},
        {"0.001", 500},
        {"1.0009999999999999", 900}, /* what is finer than a ms is cut */
        {"010", TIMEOUT_MS},
        {"18446744073709551615", TIMEOUT_MS},
        {"99999999999999999999999999.5", TIMEOUT_MS},
        /* Malformed or pointless: as without the header. */
        {"0", TIMEOUT_MS},
        {"0.0", TIMEOUT_MS},
        {"0.0001", TIMEOUT_MS},
        {"", TIMEOUT_MS},
        {"-1", TIMEOUT_MS},
        {"+1", TIMEOUT_MS},
        {"1.", TIMEOUT_MS},
        {".5", TIMEOUT_MS},
        {"1..5", TIMEOUT_MS},
        {"1.5.5", TIMEOUT_MS},
        {"1e3", TIMEOUT_MS},
        {"1 s", TIMEOUT_MS},
        {"1,5", TIMEOUT_MS},
        {"NaN", TIMEOUT_MS},
        {"0x1", TIMEOUT_MS},
    };
    struct fixture f;
    start(&f, "/metrics");
    check_deadline(&f, "", TIMEOUT_MS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        (void)snprintf(header, sizeof header, "X-Prometheus-Scrape-Timeout-Seconds: %s\r\n",
                       cases[i].value);
        check_deadline(&f, header, cases[i].wait_ms);
    }
    stop(&f);
}

static void test_health(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "/metrics");
    check_get(&f, "/-/healthy", 200, "healthy");
    check_get(&f, "/healthz", 200, "healthy");
    check_get(&f, "/-/ready", 503, "first round");
    check_get(&f, "/", 200, "No round has ended yet.");
    f.current = numbered(1, 7);
    check_get(&f, "/-/ready", 200, "ready");
    assert_int_equal(f.demand_count, 0); /* none of them costs a round */
    stop(&f);
}

static void test_landing_page(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "/numbers");
    f.current = numbered(5, 7);
    check_get(&f, "/", 200, "\r\nContent-Type: text/html; charset=utf-8\r\n");
    check_get(&f, "/", 200, "<a href=\"./numbers\">");
    check_get(&f, "/", 200, "Version 1.2.3");
    check_get(&f, "/", 200, "number 5, ");
    assert_int_equal(f.demand_count, 0);
    stop(&f);
}

static void test_unknown_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {"/metrics",    "/numbers/", "/numbersx",
                                        "/index.html", "/-/",       "/-/reload"};
    struct fixture f;
    start(&f, "/numbers");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        check_get(&f, paths[i], 404, "the metrics are at /numbers.");
    stop(&f);
}

/* With the metrics at "/" there is no landing page. */
static void test_metrics_at_root(void **state)
{
    (void)state;
    struct fixture f;
    struct buf answer;
    start(&f, "/");
    int fd = ask(&f, "GET", "/", "");
    await_demands(&f, 1);
    struct snapshot *s = numbered(1, 7);
    publish(&f, s);
    snapshot_unref(s);
    await_answer(&f, fd, &answer);
    assert_non_null(strstr(body_of(&answer), "# TYPE container_threads gauge\n"));
    buf_done(&answer);
    check_get(&f, "/-/healthy", 200, "healthy");
    stop(&f);
}

static void test_too_large(void **state)
{
    (void)state;
    struct fixture f;
    struct buf answer;
    char *value = malloc(HUGE_LABEL + 1);
    assert_non_null(value);
    memset(value, 'x', HUGE_LABEL);
    value[HUGE_LABEL] = '\0';
    start(&f, "/metrics");
    struct snapshot *s = numbered(1, 7);
    fixture_identity(s, 0)->image = value;
    for (unsigned i = 0; i < 2; i++) {
        int fd = ask(&f, "GET", "/metrics", "");
        await_demands(&f, 1);
        publish(&f, s);
        await_answer(&f, fd, &answer);
        assert_int_equal(status_of(&answer), 500);
        assert_non_null(strstr(body_of(&answer), "256 MiB"));
        buf_done(&answer);
        fixture_identity(s, 0)->image = value + 1;
    }
    snapshot_unref(s);
    free(value);
    stop(&f);
}

/* Scrapers that went away while their round ran. */
static void test_peer_gone(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "/metrics");
    int gone = ask(&f, "GET", "/metrics", "");
    int patient = ask(&f, "GET", "/metrics", "");
    await_demands(&f, 2);
    struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(gone, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    (void)close(gone);
    (void)uv_run(&f.loop, UV_RUN_NOWAIT);
    struct snapshot *s = numbered(1, 7);
    publish(&f, s);
    snapshot_unref(s);
    struct buf answer;
    await_answer(&f, patient, &answer);
    assert_int_equal(status_of(&answer), 200);
    buf_done(&answer);
    stop(&f);
}

/* Freed while scrapes wait: the demands are withdrawn, the requests answered. */
static void test_freed_while_waiting(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "/metrics");
    int fds[3];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = ask(&f, "GET", "/metrics", "");
        await_demands(&f, i + 1);
    }
    struct demand *middle = f.demands[1]; /* one of them is done already */
    f.demands[1] = f.demands[--f.demand_count];
    struct snapshot *s = numbered(1, 7);
    middle->done(middle, s);
    snapshot_unref(s);
    stop(&f);
    assert_int_equal(f.withdrawn, 2);
    for (unsigned i = 0; i < 3; i++)
        (void)close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_encoded_once),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_landing_page),
        cmocka_unit_test(test_unknown_paths),
        cmocka_unit_test(test_metrics_at_root),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_peer_gone),
        cmocka_unit_test(test_freed_while_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
