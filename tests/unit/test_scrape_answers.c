/* What an answer has: the format and coding that were negotiated, the sets of metrics that were
 * chosen, and which methods and paths there are below a prefix. */
#include "base/bytes.h"
#include "base/text.h"
#include "exporters/prometheus.h"
#include "tests/unit/scrape_fixture.h"
#include "tests/unit/snapshot_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/gunzip.h"

#define SHORT 20000  /* bytes of an image's name, for a body that is worth compressing */
#define LARGE 300000 /* for one that the thread compresses */

#define CHOSEN_MAX 512 /* bytes of a path with its query */

static struct snapshot *snapshot_with(size_t image_length)
{
    struct snapshot *s = numbered(1, 7);
    char *image = arena_alloc(&s->arena, image_length + 1);
    for (size_t i = 0; i < image_length; i++)
        image[i] = (char)('a' + (i * i / 7 + i) % 26);
    fixture_identity(s, 0)->image = image;
    return s;
}

/* Asks and publishes `s`. */
static void scrape(struct fixture *f, const char *method, const char *path, const char *headers,
                   struct snapshot *s, struct buf *ret)
{
    int fd = ask(f, method, path, headers);
    await_demands(f, 1);
    publish(&f->source, s);
    await_answer(f, fd, ret);
}

/* Does the answer have the exposition of `s`? */
static void check_body(const struct buf *answer, const struct snapshot *s,
                       enum prometheus_format format, unsigned groups, bool gzip)
{
    const struct prometheus_options options = {.format = format, .groups = groups};
    struct buf expected;
    struct buf got;
    buf_init(&expected, ANSWER_MAX);
    buf_init(&got, ANSWER_MAX);
    assert_int_equal(prometheus_encode(s, &options, &expected), 0);
    assert_int_equal(status_of(answer), 200);
    assert_true(has_header(answer, "Vary: Accept, Accept-Encoding"));
    assert_int_equal(has_header(answer, "Content-Encoding: gzip"), gzip);
    assert_int_equal(strstr(answer->data, "Content-Encoding") != NULL, gzip);
    if (gzip)
        gunzip(body_of(answer), body_length(answer), ANSWER_MAX, &got);
    else
        assert_int_equal(buf_add(&got, body_of(answer), body_length(answer)), 0);
    assert_int_equal(got.length, expected.length);
    assert_memory_equal(got.data, expected.data, got.length);
    buf_done(&expected);
    buf_done(&got);
}

static void test_formats(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        const char *content_type;
        enum prometheus_format format;
    } cases[] = {
        {"", "Content-Type: text/plain; version=0.0.4; charset=utf-8", PROMETHEUS_TEXT},
        {"Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.1\r\n",
         "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8; "
         "escaping=underscores",
         PROMETHEUS_OPENMETRICS},
        {"Accept: "
         "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
         "delimited\r\n",
         "Content-Type: application/vnd.google.protobuf; "
         "proto=io.prometheus.client.MetricFamily; encoding=delimited",
         PROMETHEUS_PROTOBUF},
    };
    struct fixture f;
    struct buf answer;
    start(&f, "/metrics");
    struct snapshot *s = numbered(1, 7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scrape(&f, "GET", "/metrics", cases[i].accept, s, &answer);
        assert_true(has_header(&answer, cases[i].content_type));
        check_body(&answer, s, cases[i].format, GROUPS_ALL, false);
        buf_done(&answer);
    }
    snapshot_unref(s);
    stop(&f);
}

static void start_packing(struct fixture *f)
{
    struct scrape_options options = fixture_options(f, "/metrics");
    options.gzip = GZIP_ALWAYS; /* the peers here are local */
    start_with(f, &options);
}

/* Compressed at once or on the thread, to GET and HEAD. */
static void test_gzip(void **state)
{
    (void)state;
    static const size_t lengths[] = {SHORT, LARGE};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct fixture f;
        struct buf answer;
        char length[64];
        start_packing(&f);
        struct snapshot *s = snapshot_with(lengths[i]);
        scrape(&f, "GET", "/metrics", "Accept-Encoding: gzip\r\n", s, &answer);
        check_body(&answer, s, PROMETHEUS_TEXT, GROUPS_ALL, true);
        (void)snprintf(length, sizeof length, "Content-Length: %zu", body_length(&answer));
        assert_true(has_header(&answer, length));
        buf_done(&answer);

        scrape(&f, "HEAD", "/metrics", "Accept-Encoding: gzip\r\n", s, &answer);
        assert_true(has_header(&answer, length));
        assert_true(has_header(&answer, "Content-Encoding: gzip"));
        assert_true(has_header(&answer, "Vary: Accept, Accept-Encoding"));
        assert_int_equal(body_length(&answer), 0);
        buf_done(&answer);

        scrape(&f, "GET", "/metrics", "Accept-Encoding: identity\r\n", s, &answer);
        check_body(&answer, s, PROMETHEUS_TEXT, GROUPS_ALL, false);
        buf_done(&answer);
        snapshot_unref(s);
        stop(&f);
    }
}

/* It would be longer than the body; who takes nothing else gets it. */
static void test_gzip_of_little(void **state)
{
    (void)state;
    struct fixture f;
    struct buf answer;
    start_packing(&f);
    struct snapshot *s = numbered(1, 7);
    scrape(&f, "GET", "/metrics", "Accept-Encoding: gzip\r\n", s, &answer);
    check_body(&answer, s, PROMETHEUS_TEXT, GROUPS_ALL, false);
    buf_done(&answer);
    scrape(&f, "GET", "/metrics", "Accept-Encoding: gzip, identity;q=0\r\n", s, &answer);
    check_body(&answer, s, PROMETHEUS_TEXT, GROUPS_ALL, true);
    buf_done(&answer);
    snapshot_unref(s);
    stop(&f);
}

static void test_not_acceptable(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "/metrics");
    check_ask(&f, "GET", "/metrics", "Accept: */*;q=0\r\n", 406, "Accept header refuses");
    check_ask(&f, "GET", "/metrics", "Accept: */*;q=0\r\n", 406, "Vary: Accept, Accept-Encoding");
    check_ask(&f, "GET", "/metrics", "Accept-Encoding: *;q=0\r\n", 406, "Accept-Encoding header");
    check_ask(&f, "GET", "/-/healthy", "Accept: */*;q=0\r\n", 200, "healthy");
    assert_int_equal(f.source.demand_count, 0);
    stop(&f);
}

static void test_chosen_groups(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        unsigned groups;
    } cases[] = {
        {"", GROUPS_ALL},
        {"?", GROUPS_ALL},
        {"?x=1&collect=cpu&collect[0]=cpu&&y", GROUPS_ALL},
        {"?collect[]=pids", 1U << GROUP_PIDS},
        {"?collect[]=pids&collect[]=pids&other[]=nothing", 1U << GROUP_PIDS},
        {"?collect%5B%5D=pids&collect%5b%5d=diskIO&collect[]=m%65mory",
         1U << GROUP_PIDS | 1U << GROUP_BLOCK_IO | 1U << GROUP_MEMORY},
        {"?collect[]=state&collect[]=weir", GROUP_BIT(GROUP_NONE) | GROUP_BIT(GROUP_AGENT)},
        {"?exclude[]=pids", GROUPS_ALL & ~(1U << GROUP_PIDS)},
        {"?exclude[]=cpu&exclude[]=network&exclude[]=pressure&exclude[]=spec&exclude[]=weir",
         GROUPS_ALL & ~(1U << GROUP_CPU | 1U << GROUP_NETWORK | 1U << GROUP_PRESSURE |
                        1U << GROUP_SPEC | 1U << GROUP_AGENT)},
    };
    struct fixture f;
    struct buf answer;
    start(&f, "/metrics");
    struct snapshot *s = numbered(1, 7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[CHOSEN_MAX];
        (void)snprintf(path, sizeof path, "/metrics%s", cases[i].query);
        scrape(&f, "GET", path, "", s, &answer);
        check_body(&answer, s, PROMETHEUS_TEXT, cases[i].groups, false);
        buf_done(&answer);
    }
    snapshot_unref(s);
    stop(&f);
}

static void test_wrong_queries(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *text;
    } cases[] = {
        {"collect[]=cpu&exclude[]=pids", "not both"},
        {"collect[]=cpus",
         "There is no group of metrics called \"cpus\"; there are cpu, memory, network, diskIO, "
         "pids, pressure, spec, oom_event, lifecycle, disk, process, sched, cpuLoad, cpuset, "
         "hugetlb, memory_numa, tcp, udp, advtcp, state, weir, engine, machine, cpu_topology, "
         "docker."},
        {"exclude[]=CPU", "called \"CPU\""},
        {"collect[]=", "called \"\""},
        {"collect[]", "called \"\""},
        {"collect[]=cpu&collect[]=%3Cb%3E%22%0d%0a%ff", "called \"<b>????\""},
        {"collect[]=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         "called \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" and so on;"},
        {"collect[]=%zz", "percent escape"},
        {"collect[]=cpu%0", "percent escape"},
        {"collect[]=cpu%00", "percent escape"},
    };
    struct fixture f;
    start(&f, "/metrics");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[CHOSEN_MAX];
        (void)snprintf(path, sizeof path, "/metrics?%s", cases[i].query);
        check_get(&f, path, 400, cases[i].text);
    }
    assert_int_equal(f.source.demand_count, 0);
    stop(&f);
}

static void test_methods(void **state)
{
    (void)state;
    static const char *const paths[] = {"/metrics", "/", "/-/healthy", "/-/ready", "/nothing"};
    struct fixture f;
    start(&f, "/metrics");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        check_ask(&f, "POST", paths[i], "Content-Length: 0\r\n", 405, "\r\nAllow: GET, HEAD\r\n");
        check_ask(&f, "PUT", paths[i], "Content-Length: 0\r\n", 405, "Only GET and HEAD");
    }
    check_get(&f, "/-/reload", 405, "\r\nAllow: POST, PUT\r\n");
    check_ask(&f, "HEAD", "/-/reload", "", 405, "\r\nAllow: POST, PUT\r\n");
    check_ask(&f, "HEAD", "/-/healthy", "", 200, "");
    check_ask(&f, "POST", "/-/reload", "Content-Length: 0\r\n", 403, "--web.enable-lifecycle");
    stop(&f);
}

static void on_reload(void *context, struct http_request *request)
{
    unsigned *count = context;
    ++*count;
    http_respond_text(request, 200, NULL, "reloaded");
}

static void test_reload(void **state)
{
    (void)state;
    struct fixture f;
    unsigned count = 0;
    struct scrape_options options = fixture_options(&f, "/metrics");
    options.reload = on_reload;
    options.context = &count;
    start_with(&f, &options);
    check_ask(&f, "POST", "/-/reload", "Content-Length: 0\r\n", 200, "reloaded");
    check_ask(&f, "PUT", "/-/reload", "Content-Length: 0\r\n", 200, "reloaded");
    check_get(&f, "/-/reload", 405, "Reload by POST or PUT.");
    check_ask(&f, "POST", "/-/reload/", "Content-Length: 0\r\n", 405, "Only GET and HEAD");
    assert_int_equal(count, 2);
    stop(&f);
}

static void test_prefix(void **state)
{
    (void)state;
    static const char *const outside[] = {"/",        "/numbers", "/weirs",         "/wei",
                                          "/healthz", "/-/ready", "/weirs/numbers", "/WEIR/"};
    struct fixture f;
    struct buf answer;
    struct scrape_options options = fixture_options(&f, "/numbers");
    options.route_prefix = "/monitor/weir";
    start_with(&f, &options);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        check_get(&f, outside[i], 404, "the metrics are at /monitor/weir/numbers.");
    check_get(&f, "/monitor/weir/nothing", 404, "the metrics are at /monitor/weir/numbers.");
    check_get(&f, "/monitor/weir/-/healthy", 200, "healthy");
    check_get(&f, "/monitor/weir/healthz", 200, "healthy");
    check_get(&f, "/monitor/weir/-/ready", 503, "not ready");
    check_get(&f, "/monitor/weir/-/reload", 405, "Allow: POST, PUT");
    /* Links of a page are relative to what stands before the last slash of its path. */
    check_get(&f, "/monitor/weir/", 200, "<a href=\"./numbers\">");
    check_get(&f, "/monitor/weir", 200, "<a href=\"./weir/numbers\">");
    check_get(&f, "/monitor/weir", 200, "<a href=\"./weir/-/ready\">");
    struct snapshot *s = numbered(1, 7);
    scrape(&f, "GET", "/monitor/weir/numbers", "", s, &answer);
    check_body(&answer, s, PROMETHEUS_TEXT, GROUPS_ALL, false);
    buf_done(&answer);
    snapshot_unref(s);
    stop(&f);
}

/* The metrics at the root of the prefix, with and without the slash; no page then. */
static void test_prefix_of_metrics_at_root(void **state)
{
    (void)state;
    static const char *const paths[] = {"/weir", "/weir/"};
    struct fixture f;
    struct buf answer;
    struct scrape_options options = fixture_options(&f, "/");
    options.route_prefix = "/weir";
    start_with(&f, &options);
    struct snapshot *s = numbered(1, 7);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        scrape(&f, "GET", paths[i], "", s, &answer);
        check_body(&answer, s, PROMETHEUS_TEXT, GROUPS_ALL, false);
        buf_done(&answer);
    }
    snapshot_unref(s);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_gzip_of_little), cmocka_unit_test(test_not_acceptable),
        cmocka_unit_test(test_chosen_groups),  cmocka_unit_test(test_wrong_queries),
        cmocka_unit_test(test_methods),        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_prefix),         cmocka_unit_test(test_prefix_of_metrics_at_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
