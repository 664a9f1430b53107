/* What weir serves at its paths, and when: the metrics once per snapshot and not before their
 * round, its page and its health without one. */
#include "base/buf.h"
#include "base/clock.h"
#include "exporters/prometheus.h"
#include "tests/unit/scrape_fixture.h"
#include "tests/unit/snapshot_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes of a label value that cannot fit three times into the longest exposition. */
#define HUGE_LABEL (UINT64_C(90) << 20)

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
    publish(&f.source, s);
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
        publish(&f.source, i < 2 ? first : second);
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
    publish(&f.source, s);
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
    assert_in_range(f->source.demands[0]->deadline_ns, before + wait_ms * NS_PER_MS,
                    after + wait_ms * NS_PER_MS);
    struct snapshot *s = numbered(1, 7);
    publish(&f->source, s);
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
    f.source.current = numbered(1, 7);
    check_get(&f, "/-/ready", 200, "ready");
    assert_int_equal(f.source.demand_count, 0); /* none of them costs a round */
    stop(&f);
}

static void test_landing_page(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "/numbers");
    f.source.current = numbered(5, 7);
    check_get(&f, "/", 200, "\r\nContent-Type: text/html; charset=utf-8\r\n");
    check_get(&f, "/", 200, "<a href=\"./numbers\">");
    check_get(&f, "/", 200, "Version 1.2.3");
    check_get(&f, "/", 200, "number 5, ");
    assert_int_equal(f.source.demand_count, 0);
    stop(&f);
}

static void test_unknown_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {"/metrics", "/numbers/", "/numbersx", "/index.html", "/-/"};
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
    publish(&f.source, s);
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
        publish(&f.source, s);
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
    publish(&f.source, s);
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
    struct demand *middle = f.source.demands[1]; /* one of them is done already */
    f.source.demands[1] = f.source.demands[--f.source.demand_count];
    struct snapshot *s = numbered(1, 7);
    middle->done(middle, s);
    snapshot_unref(s);
    stop(&f);
    assert_int_equal(f.source.withdrawn, 2);
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
