/* What an engine has beside containers: when it is asked for, what is shown, and what a refusal, a
 * stuck engine and an engine that goes away do to it. Document: engine_resources.h. */
#include "collectors/engine_resources.h"

#include "collectors/engine_round.h"
#include "tests/unit/fake_engine.h"
#include "tests/unit/fake_resources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENGINE_ONLY (GROUPS_DEFAULT & ~(GROUP_BIT(GROUP_LIFE) | GROUP_BIT(GROUP_DOCKER)))
#define PASS_CALLS  5

static struct engine *the_engine(void)
{
    return ((struct engine_collector *)fake.collector)->engines;
}

static void tell_event(const char *type)
{
    engine_resources_event(the_engine()->resources, type);
}

static size_t resource_calls(void)
{
    return calls_made(IMAGES) + calls_made(VOLUMES) + calls_made(NETWORKS) + calls_made(USAGE) +
           calls_made(SIZES);
}

/* An engine that is set up, with one container, in a tier that wants these groups. */
static void start(unsigned groups)
{
    fake_resources_show(groups);
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    assert_int_equal(resource_calls(), 0); /* no round has begun with a ready engine */
    calls_forget();
}

static int end(void **state)
{
    (void)state;
    fake_end();
    worker_refuses = false;
    return 0;
}

static void expect_counts(int64_t images, int64_t dangling, int64_t volumes, int64_t unused,
                          int64_t networks)
{
    assert_int_equal(resource_point(AGENT_ENGINE_IMAGES, FAKE_HOST, NULL), images);
    assert_int_equal(resource_point(AGENT_ENGINE_IMAGES_DANGLING, FAKE_HOST, NULL), dangling);
    assert_int_equal(resource_point(AGENT_ENGINE_VOLUMES, FAKE_HOST, NULL), volumes);
    assert_int_equal(resource_point(AGENT_ENGINE_VOLUMES_UNUSED, FAKE_HOST, NULL), unused);
    assert_int_equal(resource_point(AGENT_ENGINE_NETWORKS, FAKE_HOST, NULL), networks);
}

static void test_counts(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    expect_counts(-1, -1, -1, -1, -1);
    round_whole(); /* asks, and does not wait: what it sees is of the next */
    assert_int_equal(resource_calls(), PASS_CALLS);
    round_whole();
    expect_counts(4, 2, 3, 1, 5);
    assert_int_equal(resource_calls(), PASS_CALLS);
    expect_no_problem();
    assert_int_equal(resource_point(AGENT_ENGINE_DISK, NULL, NULL), -1);
    assert_int_equal(resource_point(AGENT_DOCKER_UP, NULL, NULL), -1);
}

static void test_no_round_waits(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    hold(IMAGES);
    for (int i = 0; i < 3; i++) {
        round_whole();
        expect_values('a');
    }
    assert_int_equal(calls_open(IMAGES), 1);
    assert_int_equal(resource_calls(), 1); /* one after the other */
    assert_int_equal(call_timeout_ms(IMAGES), 3000);
    answer(IMAGES, 200, "[{}]"); /* and so on, between rounds */
    assert_int_equal(calls_open(DANGLING), 1);
    answer(DANGLING, 200, "[]");
    answer(VOLUMES, 200, "{\"Volumes\":null}");
    answer(UNUSED, 200, "{\"Volumes\":[]}");
    answer(NETWORKS, 200, "[{},{}]");
    assert_int_equal(calls_open("/"), calls_open(EVENTS));
    hold_none();
    round_whole();
    expect_counts(1, 0, 0, 0, 2);
}

static void test_changed_is_told_once(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    fake.changes = 0;
    round_whole();
    assert_int_equal(fake.changes, 1); /* the pass, not each of its calls */
    advance_ms(61000);
    round_whole();
    assert_int_equal(fake.changes, 1); /* the same numbers */
    fake_has.networks = 6;
    advance_ms(61000);
    round_whole();
    assert_int_equal(fake.changes, 2);
}

static void test_every_minute(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    round_whole();
    advance_ms(59900);
    round_whole();
    assert_int_equal(resource_calls(), PASS_CALLS);
    fake_has.images = 9;
    advance_ms(200);
    round_whole();
    assert_int_equal(resource_calls(), 2 * PASS_CALLS);
    round_whole();
    expect_counts(9, 2, 3, 1, 5);
}

static void test_nobody_makes_rounds(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    round_whole();
    calls_forget();
    for (int i = 0; i < 10; i++) {
        tell_event("image");
        advance_ms(60000);
        timers_run();
    }
    assert_int_equal(resource_calls(), 0);
    assert_true(timer_next_ms() == UINT64_MAX);
}

static void test_events(void **state)
{
    (void)state;
    static const char *const types[] = {"image", "volume", "network", "container"};
    start(ENGINE_ONLY);
    round_whole();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        calls_forget();
        advance_ms(5100);
        round_whole();
        assert_int_equal(resource_calls(), 0); /* nothing happened */
        fake_has.volumes++;
        tell_event(types[i]);
        round_whole();
        assert_int_equal(resource_calls(), PASS_CALLS);
        round_whole();
        assert_int_equal(resource_point(AGENT_ENGINE_VOLUMES, FAKE_HOST, NULL), fake_has.volumes);
    }
    calls_forget();
    advance_ms(5100);
    tell_event("daemon");
    round_whole();
    assert_int_equal(resource_calls(), 0);
}

static void test_burst(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    round_whole();
    calls_forget();
    for (int i = 0; i < 40; i++) { /* 4 s */
        tell_event("image");
        advance_ms(100);
        round_whole();
    }
    assert_int_equal(resource_calls(), 0);
    advance_ms(1100);
    round_whole();
    assert_int_equal(resource_calls(), PASS_CALLS);
    advance_ms(5100);
    round_whole();
    assert_int_equal(resource_calls(), PASS_CALLS); /* all of them were one pass */
}

static void test_event_during_a_pass(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    hold(NETWORKS);
    round_whole(); /* images have been counted */
    tell_event("image");
    hold_none();
    serve();
    calls_forget();
    advance_ms(5100);
    round_whole();
    assert_int_equal(resource_calls(), PASS_CALLS);
}

static void test_refused(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    hold(VOLUMES);
    round_whole();
    answer(VOLUMES, 500, "The disk is broken\n"); /* between rounds */
    hold_none();
    serve();
    round_whole();
    expect_counts(4, 2, -1, 1, 5);
    expect_problem(REASON_HTTP_STATUS);
    assert_non_null(strstr(problem_text(REASON_HTTP_STATUS), "/volumes"));
    assert_non_null(strstr(problem_text(REASON_HTTP_STATUS), "500"));
    assert_non_null(strstr(problem_text(REASON_HTTP_STATUS), "The disk is broken"));
    assert_int_equal(fake.part.problems[0].count, 1);
    round_whole();
    expect_problem(REASON_HTTP_STATUS); /* for as long as it lasts */
    calls_forget();
    tell_event("volume"); /* no reason to try again */
    advance_ms(5100);
    round_whole();
    assert_int_equal(calls_made(VOLUMES), 1); /* the other one */
    advance_ms(55000);
    round_whole();
    round_whole();
    expect_counts(4, 2, 3, 1, 5);
    expect_no_problem();
}

static void test_refused_within_a_round(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    hold("/stats");
    hold(IMAGES);
    round_begin();
    serve();
    answer(IMAGES, 500, "{\"message\":\"no\"}");
    hold_none();
    serve();
    assert_true(round_is_done());
    expect_problem(REASON_HTTP_STATUS);
    assert_int_equal(fake.part.problems[0].count, 1);
    round_whole();
    expect_problem(REASON_HTTP_STATUS);
    expect_counts(-1, 2, 3, 1, 5);
}

/* A proxy that lets only containers through is no fault. */
static void test_not_let_through(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    hold(VOLUMES);
    round_whole();
    answer(VOLUMES, 403, "Forbidden by the proxy\n");
    hold_none();
    serve();
    round_whole();
    expect_counts(4, 2, -1, 1, 5);
    expect_no_problem();
}

static void test_known_number_refused(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    round_whole();
    round_whole();
    expect_counts(4, 2, 3, 1, 5);
    hold(NETWORKS);
    advance_ms(61000);
    round_whole();
    fake.changes = 0;
    answer_failure(NETWORKS, REASON_TIMEOUT);
    assert_int_equal(fake.changes, 1); /* it is not known any more */
    round_whole();
    expect_counts(4, 2, 3, 1, -1);
    expect_problem(REASON_TIMEOUT);
}

static void test_nonsense(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum reason reason;
    } cases[] = {{"{}", REASON_MALFORMED},    {"[1]", REASON_MALFORMED},
                 {"[", REASON_MALFORMED},     {"", REASON_EMPTY_ANSWER},
                 {"\"x\"", REASON_MALFORMED}, {"null", REASON_MALFORMED}};
    start(ENGINE_ONLY);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hold(NETWORKS);
        round_whole();
        answer(NETWORKS, 200, cases[i].body);
        hold_none();
        round_whole();
        expect_problem(cases[i].reason);
        assert_int_equal(resource_point(AGENT_ENGINE_NETWORKS, NULL, NULL), -1);
        advance_ms(61000);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    hold(IMAGES);
    round_whole();
    answer_failure(IMAGES, REASON_TOO_LARGE);
    hold_none();
    serve();
    round_whole();
    expect_problem(REASON_TOO_LARGE);
    expect_counts(-1, 2, 3, 1, 5);
}

/* Each timed out call of a stuck engine would be one more for it to be stuck with. */
static void test_stuck_engine(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    hold("/");
    round_begin();
    serve();
    advance_ms(3000);
    answer_failure(stats_of('a'), REASON_TIMEOUT);
    assert_true(round_is_done());
    assert_int_equal(engine_up(FAKE_HOST), 0);
    calls_forget();
    answer_failure(IMAGES, REASON_TIMEOUT);
    assert_int_equal(resource_calls(), 0);
    round_whole();
    assert_int_equal(resource_calls(), 0);
    advance_ms(31000);
    timers_run();
    hold_none();
    serve(); /* the ping */
    advance_ms(31000);
    round_whole();
    round_whole();
    expect_counts(4, 2, 3, 1, 5);
}

static void test_numbers_of_a_stuck_engine_are_not_shown(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    round_whole();
    hold("/");
    round_begin();
    serve();
    advance_ms(3000);
    answer_failure(stats_of('a'), REASON_TIMEOUT);
    assert_true(round_is_done());
    round_whole();
    assert_int_equal(engine_up(FAKE_HOST), 0);
    expect_counts(-1, -1, -1, -1, -1);
}

static void test_away_and_back(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    round_whole();
    round_whole();
    expect_counts(4, 2, 3, 1, 5);
    advance_ms(61000);
    hold(IMAGES);
    hold(stats_of('a'));
    round_begin();
    serve();
    assert_int_equal(calls_open(IMAGES), 1);
    answer_failure(stats_of('a'), REASON_CONNECTION_REFUSED);
    assert_int_equal(calls_open(IMAGES), 0);
    assert_true(round_is_done());
    calls_forget();
    for (int i = 0; i < 3; i++) {
        round_begin();
        answer_failure(VERSION, REASON_CONNECTION_REFUSED);
        assert_true(round_is_done());
        expect_counts(-1, -1, -1, -1, -1);
    }
    assert_int_equal(resource_calls(), 0);
    fake_has.images = 8;
    hold_none();
    round_whole();
    round_whole();
    round_whole();
    expect_counts(8, 2, 3, 1, 5);
    expect_no_problem();
}

static void test_down_forgets(void **state)
{
    (void)state;
    start(ENGINE_ONLY);
    round_whole();
    hold(stats_of('a'));
    round_begin();
    answer_failure(stats_of('a'), REASON_CONNECTION_REFUSED);
    assert_true(round_is_done());
    assert_int_equal(calls_open(IMAGES) + calls_open(VOLUMES) + calls_open(NETWORKS), 0);
    expect_counts(-1, -1, -1, -1, -1);
    calls_forget();
    hold_none();
    round_whole(); /* sets it up again */
    expect_counts(-1, -1, -1, -1, -1);
    round_whole(); /* it may be another engine: nothing of old is good, no pause either */
    assert_int_equal(resource_calls(), PASS_CALLS);
    round_whole();
    expect_counts(4, 2, 3, 1, 5);
}

static void test_down_ends_calls(void **state)
{
    (void)state;
    start(GROUPS_ALL);
    hold(IMAGES);
    hold(stats_of('a'));
    round_begin();
    serve();
    assert_int_equal(calls_open(IMAGES), 1);
    answer_failure(stats_of('a'), REASON_CONNECTION_REFUSED);
    assert_int_equal(calls_open(IMAGES), 0);
    assert_true(round_is_done());
}

static void test_no_events(void **state)
{
    (void)state;
    fake_resources_show(ENGINE_ONLY);
    fake_start(FAKE_HOST, NULL);
    fake.events_refused = true;
    fake_add('a', "web", "running");
    for (int i = 0; i < 4; i++) /* its list is read in every round */
        round_whole();
    expect_counts(4, 2, 3, 1, 5);
}

static void test_free_while_open(void **state)
{
    (void)state;
    fake_resources_show(GROUPS_ALL);
    fake_resources.df_interval_ms = 60000;
    fake_resources.size_interval_ms = 60000;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    hold(IMAGES);
    hold(USAGE);
    round_whole();
    assert_int_equal(calls_open(IMAGES), 1);
    assert_int_equal(calls_open(USAGE), 1);
    /* fake_end fails where a call is left */
}

static void test_unwanted(void **state)
{
    (void)state;
    start(GROUPS_DEFAULT &
          ~(GROUP_BIT(GROUP_ENGINE) | GROUP_BIT(GROUP_LIFE) | GROUP_BIT(GROUP_DOCKER)));
    round_whole();
    round_whole();
    assert_int_equal(resource_calls(), 0);
}

static void test_wanted_for_totals(void **state)
{
    (void)state;
    start(GROUP_BIT(GROUP_CPU) | GROUP_BIT(GROUP_DOCKER));
    fake_add('b', "off", "exited");
    fake_add('c', "frozen", "paused");
    event("create", 'b');
    event("create", 'c');
    hold(IMAGES);
    round_whole();
    assert_int_equal(resource_point(AGENT_DOCKER_CONTAINERS, NULL, NULL), 3);
    assert_int_equal(resource_point(AGENT_DOCKER_IMAGES, NULL, NULL), -1); /* not counted yet */
    hold_none();
    round_whole();
    assert_int_equal(resource_calls(), 1);
    assert_int_equal(resource_point(AGENT_DOCKER_UP, NULL, NULL), 1);
    assert_int_equal(resource_point(AGENT_DOCKER_CONTAINERS, NULL, NULL), 3);
    assert_int_equal(resource_point(AGENT_DOCKER_RUNNING, NULL, NULL), 1);
    assert_int_equal(resource_point(AGENT_DOCKER_IMAGES, NULL, NULL), 4);
    expect_counts(-1, -1, -1, -1, -1);
}

static void test_totals_of_two_engines(void **state)
{
    (void)state;
    fake_resources_show(GROUPS_ALL);
    fake_start(FAKE_HOST, FAKE_OTHER_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    round_whole();
    round_whole();
    assert_int_equal(resource_point(AGENT_DOCKER_UP, NULL, NULL), 1);
    assert_int_equal(resource_point(AGENT_DOCKER_CONTAINERS, NULL, NULL), 2);
    assert_int_equal(resource_point(AGENT_DOCKER_IMAGES, NULL, NULL), 8);
    assert_int_equal(resource_point(AGENT_ENGINE_IMAGES, FAKE_OTHER_HOST, NULL), 4);
    calls_at(FAKE_OTHER_HOST);
    hold(stats_of('a'));
    round_begin();
    answer_failure(stats_of('a'), REASON_CONNECTION_REFUSED);
    calls_at(FAKE_HOST);
    hold_none();
    serve();
    assert_true(round_is_done());
    assert_int_equal(resource_point(AGENT_DOCKER_UP, NULL, NULL), 0);
    assert_int_equal(resource_point(AGENT_DOCKER_CONTAINERS, NULL, NULL), 1);
    assert_int_equal(resource_point(AGENT_DOCKER_IMAGES, NULL, NULL), 4);
    calls_at(NULL);
}

static void test_no_engine_answers(void **state)
{
    (void)state;
    fake_resources_show(GROUPS_ALL);
    fake_start(FAKE_HOST, NULL);
    round_begin();
    answer_failure(VERSION, REASON_NO_SOCKET);
    assert_true(round_is_done());
    assert_int_equal(resource_point(AGENT_DOCKER_UP, NULL, NULL), 0);
    assert_int_equal(resource_point(AGENT_DOCKER_CONTAINERS, NULL, NULL), -1);
    assert_int_equal(resource_point(AGENT_DOCKER_RUNNING, NULL, NULL), -1);
    assert_int_equal(resource_point(AGENT_DOCKER_IMAGES, NULL, NULL), -1);
}

static void test_digest(void **state)
{
    (void)state;
    start(GROUP_BIT(GROUP_CPU) | GROUP_BIT(GROUP_LIFE));
    const struct engine_resources *r = the_engine()->resources;
    assert_string_equal(engine_resources_digest(r, "sha256:2"), "");
    round_whole();
    assert_int_equal(resource_calls(), 1);
    assert_string_equal(engine_resources_digest(r, "sha256:2"), "sha256:d2");
    assert_string_equal(engine_resources_digest(r, "2"), "sha256:d2");
    assert_string_equal(engine_resources_digest(r, "sha256:9"), "");
    assert_string_equal(engine_resources_digest(r, ""), "");
    /* What it was it is, though the engine refuses to say so again. */
    hold(IMAGES);
    advance_ms(61000);
    round_whole();
    answer(IMAGES, 500, "{\"message\":\"no\"}");
    assert_string_equal(engine_resources_digest(r, "sha256:2"), "sha256:d2");
    hold_none();
    round_begin();
    answer_failure(stats_of('a'), REASON_CONNECTION_REFUSED);
    assert_string_equal(engine_resources_digest(r, "sha256:2"), "");
    assert_true(round_is_done());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_counts, end),
        cmocka_unit_test_teardown(test_no_round_waits, end),
        cmocka_unit_test_teardown(test_changed_is_told_once, end),
        cmocka_unit_test_teardown(test_every_minute, end),
        cmocka_unit_test_teardown(test_nobody_makes_rounds, end),
        cmocka_unit_test_teardown(test_events, end),
        cmocka_unit_test_teardown(test_burst, end),
        cmocka_unit_test_teardown(test_event_during_a_pass, end),
        cmocka_unit_test_teardown(test_refused, end),
        cmocka_unit_test_teardown(test_refused_within_a_round, end),
        cmocka_unit_test_teardown(test_not_let_through, end),
        cmocka_unit_test_teardown(test_known_number_refused, end),
        cmocka_unit_test_teardown(test_nonsense, end),
        cmocka_unit_test_teardown(test_too_large, end),
        cmocka_unit_test_teardown(test_stuck_engine, end),
        cmocka_unit_test_teardown(test_numbers_of_a_stuck_engine_are_not_shown, end),
        cmocka_unit_test_teardown(test_away_and_back, end),
        cmocka_unit_test_teardown(test_down_forgets, end),
        cmocka_unit_test_teardown(test_down_ends_calls, end),
        cmocka_unit_test_teardown(test_no_events, end),
        cmocka_unit_test_teardown(test_free_while_open, end),
        cmocka_unit_test_teardown(test_unwanted, end),
        cmocka_unit_test_teardown(test_wanted_for_totals, end),
        cmocka_unit_test_teardown(test_totals_of_two_engines, end),
        cmocka_unit_test_teardown(test_no_engine_answers, end),
        cmocka_unit_test_teardown(test_digest, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
