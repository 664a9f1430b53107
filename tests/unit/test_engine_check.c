/* What `weir check` says of engines: one that works, and each way in which one does not. */
#include "tests/unit/fake_engine.h"

#include "collectors/engine_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LINES_MAX 8

static struct {
    enum check_result result;
    char subject[128];
    char text[800];
} lines[LINES_MAX];
static size_t line_count;

static void take_line(void *context, enum check_result result, const char *subject,
                      const char *text)
{
    assert_ptr_equal(context, &line_count);
    assert_true(line_count < LINES_MAX);
    lines[line_count].result = result;
    (void)snprintf(lines[line_count].subject, sizeof lines[0].subject, "%s", subject);
    (void)snprintf(lines[line_count].text, sizeof lines[0].text, "%s", text);
    line_count++;
}

static void examine(void)
{
    const struct check_sink sink = {.context = &line_count, .line = take_line};
    line_count = 0;
    fake.collector->kind->examine(fake.collector, &sink);
}

static void expect_line(size_t at, enum check_result result, const char *subject, const char *part)
{
    assert_true(at < line_count);
    if (lines[at].result != result || strcmp(lines[at].subject, subject) != 0 ||
        !strstr(lines[at].text, part))
        fail_msg("line %zu is %d \"%s\": \"%s\", expected %d \"%s\": \"%s\"", at,
                 (int)lines[at].result, lines[at].subject, lines[at].text, (int)result, subject,
                 part);
}

static void test_a_docker_that_works(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "old", "exited");
    round_whole();
    examine();
    assert_int_equal(line_count, 1);
    expect_line(0, CHECK_OK, "engine: " FAKE_HOST, "Docker 25.0.3, API 1.44, cgroup v2");
    expect_line(0, CHECK_OK, "engine: " FAKE_HOST, "0 of 1 containers run");
    fake_end();
}

static void test_a_podman_on_cgroup_v1(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake.podman = true;
    fake.version = "4.3.1";
    fake.cgroup_version = "1";
    round_whole();
    examine();
    assert_int_equal(line_count, 1);
    expect_line(0, CHECK_OK, "engine: " FAKE_HOST, "Podman 4.3.1, API 1.44, cgroup v1");
    fake_end();
}

/* Containers run, and none of their processes is in this /proc. */
static void test_containers_that_are_not_seen_here(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "paused");
    fake_add('c', "old", "exited");
    round_whole();
    examine();
    assert_int_equal(line_count, 2);
    expect_line(0, CHECK_OK, "engine: " FAKE_HOST, "2 of 3 containers run");
    assert_null(strstr(lines[0].text, "on this host"));
    expect_line(1, CHECK_WARN, "engine: " FAKE_HOST, "/nowhere/proc");
    expect_line(1, CHECK_WARN, "engine: " FAKE_HOST, "--path.procfs");
    fake_end();
}

/* Of an engine in the network nobody expects to see them. */
static void test_an_engine_elsewhere(void **state)
{
    (void)state;
    fake_start("tcp://engine.example:2375", NULL);
    fake_add('a', "web", "running");
    round_whole();
    examine();
    assert_int_equal(line_count, 1);
    expect_line(0, CHECK_OK, "engine: tcp://engine.example:2375", "Docker 25.0.3");
    fake_end();
}

static void test_no_events(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake.events_refused = true;
    round_whole();
    examine();
    assert_int_equal(line_count, 2);
    expect_line(0, CHECK_OK, "engine: " FAKE_HOST, "Docker");
    expect_line(1, CHECK_WARN, "engine: " FAKE_HOST, "gives no events");
    expect_line(1, CHECK_WARN, "engine: " FAKE_HOST, "403");
    fake_end();
}

/* Each failure of the transport, with the sentence that came with it. */
static void test_engines_that_cannot_be_reached(void **state)
{
    (void)state;
    static const enum reason reasons[] = {REASON_NO_SOCKET, REASON_PERMISSION_DENIED,
                                          REASON_CONNECTION_REFUSED, REASON_CONNECTION_FAILED,
                                          REASON_TIMEOUT};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        fake_start(FAKE_HOST, NULL);
        round_begin();
        answer_failure(VERSION, reasons[i]);
        assert_true(round_is_done());
        examine();
        assert_int_equal(line_count, 1);
        assert_non_null(problem_text(reasons[i]));
        expect_line(0, CHECK_FAIL, "engine: " FAKE_HOST, problem_text(reasons[i]));
        fake_end();
    }
}

static void test_an_engine_that_refuses(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    round_begin();
    answer(VERSION, 403, "{\"message\":\"not for you\"}");
    assert_true(round_is_done());
    examine();
    assert_int_equal(line_count, 1);
    expect_line(0, CHECK_FAIL, "engine: " FAKE_HOST, "403: not for you");
    fake_end();
}

static void test_an_engine_that_says_nothing(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    round_begin();
    advance_ms(5000);
    round_cancel();
    examine();
    assert_int_equal(line_count, 1);
    expect_line(0, CHECK_FAIL, "engine: " FAKE_HOST, "did not answer");
    fake_end();
}

/* The round ended too soon to blame it. */
static void test_a_round_that_was_cut_short(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    round_begin();
    advance_ms(100);
    round_cancel();
    examine();
    assert_int_equal(line_count, 1);
    expect_line(0, CHECK_FAIL, "engine: " FAKE_HOST, "");
    assert_true(strlen(lines[0].text) > 20);
    fake_end();
}

static void test_each_engine_has_its_line(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, FAKE_OTHER_HOST, NULL);
    round_begin();
    calls_at(FAKE_HOST);
    answer_failure(VERSION, REASON_PERMISSION_DENIED);
    calls_at(NULL);
    serve();
    assert_true(round_is_done());
    examine();
    assert_int_equal(line_count, 2);
    expect_line(0, CHECK_FAIL, "engine: " FAKE_HOST, "");
    expect_line(1, CHECK_OK, "engine: " FAKE_OTHER_HOST, "Docker");
    fake_end();
}

/* Every socket this machine may have is gone. */
static void refuse_all(void)
{
    round_begin();
    while (calls_open("") > 0)
        fail_nth(0, REASON_NO_SOCKET, 0, "");
    assert_true(round_is_done());
}

static void test_no_engine_at_all(void **state)
{
    (void)state;
    char *environment[] = {NULL};
    fake_start_in(environment, NULL, NULL);
    refuse_all();
    examine();
    assert_int_equal(line_count, 1);
    expect_line(0, CHECK_WARN, "engine", "/run/podman");
    expect_line(0, CHECK_WARN, "engine", "--engine.host");
    fake_end();
}

/* Somebody said that there is one. */
static void test_an_engine_of_the_environment_is_missed(void **state)
{
    (void)state;
    char variable[] = "DOCKER_HOST=" FAKE_HOST;
    char *environment[] = {variable, NULL};
    fake_start_in(environment, NULL, NULL);
    refuse_all();
    examine();
    assert_int_equal(line_count, 1);
    expect_line(0, CHECK_FAIL, "engine: " FAKE_HOST, "");
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_docker_that_works),
        cmocka_unit_test(test_a_podman_on_cgroup_v1),
        cmocka_unit_test(test_containers_that_are_not_seen_here),
        cmocka_unit_test(test_an_engine_elsewhere),
        cmocka_unit_test(test_no_events),
        cmocka_unit_test(test_engines_that_cannot_be_reached),
        cmocka_unit_test(test_an_engine_that_refuses),
        cmocka_unit_test(test_an_engine_that_says_nothing),
        cmocka_unit_test(test_a_round_that_was_cut_short),
        cmocka_unit_test(test_each_engine_has_its_line),
        cmocka_unit_test(test_no_engine_at_all),
        cmocka_unit_test(test_an_engine_of_the_environment_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
