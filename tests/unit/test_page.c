/* The landing page: what it says of a snapshot, and that no text of it can become markup. */
#include "base/buf.h"
#include "base/clock.h"
#include "exporters/page.h"
#include "tests/unit/snapshot_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAGE_MAX (1 << 16) /* bytes */

static const struct page_options options = {.telemetry_path = "/metrics", .version = "1.2.3"};

/* The page; the caller frees it. */
static char *page_of(const struct page_options *o, const struct snapshot *s, uint64_t now_ns)
{
    struct buf b;
    buf_init(&b, PAGE_MAX);
    assert_int_equal(page_encode(o, s, now_ns, &b), 0);
    char *text = strdup(b.data);
    assert_non_null(text);
    buf_done(&b);
    return text;
}

static void assert_says(const char *page, const char *text)
{
    if (!strstr(page, text))
        fail_msg("\"%s\" is not in:\n%s", text, page);
}

static void test_before_the_first_round(void **state)
{
    (void)state;
    char *page = page_of(&options, NULL, 0);
    assert_says(page, "<!doctype html>");
    assert_says(page, "<h1>weir</h1>");
    assert_says(page, "Version 1.2.3<");
    assert_says(page, "href=\"./metrics\"");
    assert_says(page, "href=\"./-/healthy\"");
    assert_says(page, "color-scheme");
    assert_says(page, "No round has ended yet.");
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "://"));
    free(page);
}

static void test_state(void **state)
{
    (void)state;
    static const struct point points[] = {
        {.metric = AGENT_ENGINE_UP, .value = 1, .labels = {"unix:///run/docker.sock"}},
        {.metric = AGENT_ENGINE_UP, .value = 0, .labels = {"tcp://10.0.0.1:2375"}},
        {.metric = AGENT_COLLECTOR_SUCCESS, .value = 0, .labels = {"engine"}},
        {.metric = AGENT_COLLECTOR_SUCCESS, .value = 1, .labels = {"cgroup"}},
        {.metric = AGENT_COLLECTOR_ERRORS, .value = 3, .labels = {"engine", "timeout"}},
        {.metric = AGENT_COLLECTOR_ERRORS, .value = 0, .labels = {"engine", "tls"}},
        {.metric = AGENT_COLLECTOR_ERRORS, .value = 1, .labels = {"engine", "no_socket"}},
    };
    struct snapshot *s = fixture_snapshot(3);
    s->number = 42;
    s->monotonic_ns = 10 * NS_PER_SECOND;
    s->rows[0].state = STATE_RUNNING;
    s->rows[1].state = STATE_RUNNING;
    s->rows[2].state = STATE_EXITED;
    fixture_points(s, NULL, points, sizeof points / sizeof *points);
    char *page = page_of(&options, s, 13 * NS_PER_SECOND + 260 * NS_PER_MS);
    assert_says(page, "number 42, 3.2 s ago");
    assert_says(page, "3 known, 2 running<");
    assert_says(page, "Engine unix:///run/docker.sock</th><td>up<");
    assert_says(page, "Engine tcp://10.0.0.1:2375</th><td>did not answer<");
    assert_says(page, "Collector engine</th><td>incomplete; errors since the start: 3 timeout, "
                      "1 no_socket<");
    assert_says(page, "Collector cgroup</th><td>complete<");
    free(page);

    fixture_identity(s, 1)->simulated = true;
    page = page_of(&options, s, 0); /* a clock that seems to go backwards */
    assert_says(page, "number 42, 0 s ago");
    assert_says(page, "1 of them simulated");
    free(page);
    snapshot_unref(s);
}

static void test_escaping(void **state)
{
    (void)state;
    static const struct point points[] = {
        {.metric = AGENT_ENGINE_UP, .value = 1, .labels = {"<script>&\"'"}},
        {.metric = AGENT_COLLECTOR_SUCCESS, .value = 0, .labels = {"<b>"}},
        {.metric = AGENT_COLLECTOR_ERRORS, .value = 1, .labels = {"<b>", "<i>"}},
    };
    const struct page_options hostile = {.telemetry_path = "/\"><script>", .version = "<script>"};
    struct snapshot *s = fixture_snapshot(0);
    fixture_points(s, NULL, points, 3);
    char *page = page_of(&hostile, s, 0);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<b>"));
    assert_null(strstr(page, "<i>"));
    assert_says(page, "href=\"./&#34;&#62;&#60;script&#62;\"");
    assert_says(page, "&#60;script&#62;&#38;&#34;&#39;");
    free(page);
    snapshot_unref(s);
}

static void test_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(page_encode(&options, NULL, 0, &b), -EMSGSIZE);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_the_first_round),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
