/* How the engine tier follows what happens to containers: events, their loss, the list. */
#include "tests/unit/fake_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void start_two(void)
{
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
    round_whole();
    expect_values('a');
    expect_values('b');
    calls_forget();
    fake.changes = 0;
}

static void test_started_container_is_inspected_once(void **state)
{
    (void)state;
    start_two();
    fake_add('c', "new", "running");
    event("create", 'c');
    event("start", 'c');
    assert_true(fake.changes > 0); /* a snapshot just taken is stale */
    round_whole();
    assert_int_equal(calls_made(inspect_of('c')), 1);
    assert_int_equal(calls_made(stats_of('c')), 1);
    assert_int_equal(calls_made(""), 4);
    expect_values('c');
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 3); /* stats alone again */
    fake_end();
}

static void test_rename(void **state)
{
    (void)state;
    start_two();
    fake_get('a')->name = "shop";
    event("rename", 'a');
    round_whole();
    assert_string_equal(row_of('a')->identity->name, "shop");
    assert_int_equal(calls_made(inspect_of('a')), 1);
    assert_int_equal(calls_made("/json"), 1);
    expect_values('a');
    fake_end();
}

static void test_destroy(void **state)
{
    (void)state;
    static const char *const words[] = {"destroy", "remove"}; /* Docker's and Podman's */
    for (size_t i = 0; i < 2; i++) {
        start_two();
        fake_remove('b');
        event(words[i], 'b');
        round_whole();
        expect_life_only('b', STATE_REMOVED);
        assert_int_equal(calls_made(""), 1);
        expect_no_problem();
        fake_end();
    }
}

static void test_changes_of_state(void **state)
{
    (void)state;
    static const struct {
        const char *action, *word;
        enum container_state state;
        unsigned stats;
    } changes[] = {{"pause", "paused", STATE_PAUSED, 1},
                   {"unpause", "running", STATE_RUNNING, 1},
                   {"die", "exited", STATE_EXITED, 0},
                   {"start", "running", STATE_RUNNING, 1},
                   {"stop", "exited", STATE_EXITED, 0}};
    start_two();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        fake_get('a')->state = changes[i].word;
        event(changes[i].action, 'a');
        calls_forget();
        round_whole();
        assert_int_equal(calls_made(inspect_of('a')), 1);
        assert_int_equal(calls_made(stats_of('a')), changes[i].stats);
        assert_int_equal(row_of('a')->state, changes[i].state);
        expect_no_problem();
    }
    fake_end();
}

static void test_other_events_cost_nothing(void **state)
{
    (void)state;
    start_two();
    event_line("{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"net\"}}");
    event_line("");
    round_whole();
    assert_int_equal(calls_made(""), 2);
    fake_end();
}

/* It may have been about any container. */
static void test_event_that_cannot_be_read(void **state)
{
    (void)state;
    start_two();
    event_line("{\"Type\":\"container\",\"Action\":");
    round_whole();
    assert_int_equal(calls_made(LIST), 1);
    assert_int_equal(calls_made(inspect_of('a')), 1);
    assert_int_equal(calls_made(inspect_of('b')), 1);
    expect_values('a');
    fake_end();
}

/* An inspect answer from before the event says nothing of after it. */
static void test_event_while_inspecting(void **state)
{
    (void)state;
    start_two();
    event("rename", 'a');
    round_begin();
    answer_as_fake(stats_of('b'));
    fake_get('a')->name = "late";
    event("rename", 'a');
    fake_get('a')->name = "web";
    answer_as_fake(inspect_of('a'));
    fake_get('a')->name = "late";
    serve();
    assert_true(round_is_done());
    assert_int_equal(calls_made(inspect_of('a')), 2);
    assert_string_equal(row_of('a')->identity->name, "late");
    expect_values('a');
    fake_end();
}

/* A restart while its stats call is under way: the answer may be of either instance. */
static void test_restart_while_reading(void **state)
{
    (void)state;
    start_two();
    fake_get('a')->cpu_ns = 5000000;
    round_begin();
    answer_as_fake(stats_of('b'));
    fake_get('a')->started_s = 500;
    fake_get('a')->cpu_ns = 77;
    event("die", 'a');
    event("start", 'a');
    serve();
    assert_true(round_is_done());
    const struct container_row *row = row_of('a');
    expect_cpu('a', 77);
    assert_int_equal(row->identity->started_ns, (FAKE_EPOCH_S + 500) * NS_PER_SECOND);
    assert_int_equal(calls_made(inspect_of('a')), 1);
    fake_end();
}

/* A loop of restarts quicker than its stats: the round ends with what is known of it. */
static void test_restarts_again_and_again(void **state)
{
    (void)state;
    start_two();
    round_begin();
    answer_as_fake(stats_of('b'));
    for (unsigned i = 0; i < 2; i++) {
        event("die", 'a');
        fake_get('a')->started_s++;
        event("start", 'a');
        answer_as_fake(stats_of('a'));
        assert_false(round_is_done());
        answer_as_fake(inspect_of('a'));
    }
    assert_true(round_is_done());
    assert_int_equal(calls_made(stats_of('a')), 2);
    expect_absent('a', REASON_GONE);
    assert_int_equal(row_of('a')->identity->started_ns, (FAKE_EPOCH_S + 3) * NS_PER_SECOND);
    expect_values('b');
    expect_no_problem();
    round_whole();
    expect_values('a');
    fake_end();
}

static void test_destroy_while_reading(void **state)
{
    (void)state;
    start_two();
    round_begin();
    fake_remove('b');
    event("destroy", 'b'); /* its call ends with it */
    assert_int_equal(calls_open(stats_of('b')), 0);
    assert_false(round_is_done());
    answer_as_fake(stats_of('a'));
    assert_true(round_is_done());
    expect_values('a');
    expect_life_only('b', STATE_REMOVED);
    fake_end();
}

static void test_destroy_ends_the_round(void **state)
{
    (void)state;
    start_two();
    round_begin();
    answer_as_fake(stats_of('a'));
    fake_remove('b');
    event("destroy", 'b');
    assert_true(round_is_done());
    expect_values('a');
    expect_no_problem();
    assert_int_equal(engine_up(FAKE_HOST), 1);
    fake_end();
}

/* It died and was removed, and the events come in the other order. */
static void test_event_after_destroy(void **state)
{
    (void)state;
    start_two();
    fake_remove('b');
    event("destroy", 'b');
    event("die", 'b');
    round_whole();
    expect_life_only('b', STATE_REMOVED);
    expect_no_problem();
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 1);
    fake_end();
}

/* The list is older than the event when it crosses it. */
static void test_container_created_while_listing(void **state)
{
    (void)state;
    start_two();
    advance_ms(61000);
    round_begin();
    assert_int_equal(calls_open(LIST), 1);
    event("create", 'c');
    event("start", 'c');
    answer_as_fake(LIST); /* without c */
    fake_add('c', "new", "running");
    serve();
    assert_true(round_is_done());
    round_whole();
    expect_values('c');
    fake_end();
}

static void test_container_destroyed_while_listing(void **state)
{
    (void)state;
    start_two();
    advance_ms(61000);
    round_begin();
    event("destroy", 'b');
    answer_as_fake(LIST); /* still with b */
    fake_remove('b');
    serve();
    assert_true(round_is_done());
    expect_life_only('b', STATE_REMOVED);
    expect_values('a');
    fake_end();
}

static void test_stream_that_ends_is_taken_again(void **state)
{
    (void)state;
    static const enum reason ends[] = {REASON_NONE, REASON_ENDED_EARLY, REASON_TOO_LARGE};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        start_two();
        events_end(ends[i]);
        assert_true(fake.changes > 0);
        assert_int_equal(calls_made(""), 0); /* nobody asks between rounds */
        round_whole();
        assert_int_equal(calls_made(EVENTS), 1);
        assert_int_equal(calls_made(LIST), 1);
        assert_int_equal(calls_made(inspect_of('a')), 1);
        assert_int_equal(calls_made(inspect_of('b')), 1);
        assert_int_equal(calls_made("/stats"), 2);
        assert_int_equal(calls_made(""), 6);
        expect_values('a');
        expect_no_problem();
        calls_forget();
        round_whole();
        assert_int_equal(calls_made(""), 2);
        fake_end();
    }
}

static void test_subscribes_before_it_lists(void **state)
{
    (void)state;
    start_two();
    events_end(REASON_NONE);
    round_begin();
    assert_int_equal(calls_open(EVENTS), 1);
    assert_int_equal(calls_open(LIST), 0);
    events_head();
    assert_int_equal(calls_open(LIST), 1);
    serve();
    assert_true(round_is_done());
    fake_end();
}

static void test_events_refused(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake.events_refused = true;
    round_whole();
    assert_int_equal(calls_made(EVENTS), 1);
    expect_values('a');
    expect_problem(REASON_EVENTS_LOST);
    assert_non_null(strstr(problem_text(REASON_EVENTS_LOST), "403"));
    assert_non_null(strstr(problem_text(REASON_EVENTS_LOST), "Forbidden by the proxy"));
    assert_int_equal(engine_up(FAKE_HOST), 1);
    for (unsigned i = 0; i < 3; i++) {
        calls_forget();
        advance_ms(15000);
        round_whole();
        assert_int_equal(calls_made(EVENTS), 0);
        assert_int_equal(calls_made(LIST), 1);
        assert_int_equal(calls_made(""), 2);
        expect_values('a');
        expect_problem(REASON_EVENTS_LOST);
    }
    fake_add('b', "new", "running"); /* found by the list */
    advance_ms(1000);
    round_whole();
    expect_values('b');
    calls_forget();
    advance_ms(16000); /* a minute has passed since the subscription was refused */
    round_whole();
    assert_int_equal(calls_made(EVENTS), 1);
    expect_problem(REASON_EVENTS_LOST);
    fake.events_refused = false;
    advance_ms(61000);
    round_whole();
    expect_no_problem();
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 2);
    fake_end();
}

/* One scrape pays for an event stream that never begins, and one only. */
static void test_events_that_never_begin(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    hold(EVENTS);
    round_begin();
    serve();
    assert_false(round_is_done());
    advance_ms(3000);
    answer_failure(EVENTS, REASON_TIMEOUT);
    serve();
    assert_true(round_is_done());
    expect_values('a');
    expect_problem(REASON_EVENTS_LOST);
    for (unsigned minute = 0; minute < 3; minute++) {
        advance_ms(61000);
        calls_forget();
        round_begin();
        serve();
        assert_int_equal(calls_made(EVENTS), 1);
        assert_int_equal(calls_made(LIST), 1);
        assert_true(round_is_done()); /* without an answer about events */
        expect_values('a');
        expect_problem(REASON_EVENTS_LOST);
        assert_int_equal(engine_up(FAKE_HOST), 1);
        advance_ms(3000);
        answer_failure(EVENTS, REASON_TIMEOUT);
    }
    advance_ms(61000);
    hold_none();
    round_whole(); /* the stream begins beside the round */
    advance_ms(1000);
    calls_forget();
    round_whole();
    expect_no_problem();
    assert_int_equal(calls_made(LIST), 1); /* what happened before it began is not known */
    calls_forget();
    advance_ms(1000);
    round_whole();
    assert_int_equal(calls_made(""), 1);
    fake_end();
}

/* The same where the round's deadline comes before the call's. */
static void test_events_that_never_begin_at_the_deadline(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    hold(EVENTS);
    round_begin();
    serve();
    assert_false(round_is_done());
    advance_ms(2000);
    round_cancel();
    expect_problem(REASON_TIMEOUT);
    assert_int_equal(engine_up(FAKE_HOST), 0);
    advance_ms(1000);
    answer_failure(EVENTS, REASON_TIMEOUT);
    serve();
    round_begin();
    serve();
    assert_true(round_is_done());
    expect_values('a');
    assert_int_equal(engine_up(FAKE_HOST), 1);
    fake_end();
}

/* It ended after this round had asked for everything: the next one takes it again. */
static void test_stream_ends_in_a_round(void **state)
{
    (void)state;
    start_two();
    round_begin();
    events_end(REASON_ENDED_EARLY);
    serve();
    assert_true(round_is_done());
    expect_values('a');
    assert_non_null(strstr(problem_text(REASON_EVENTS_LOST), "ended"));
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(EVENTS), 1);
    assert_int_equal(calls_made(LIST), 1);
    expect_no_problem();
    fake_end();
}

static void test_events_head_late(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    hold(EVENTS);
    round_begin();
    serve();
    advance_ms(2000);
    round_cancel();
    events_head();
    serve(); /* the rest of setting up goes on between rounds */
    round_whole();
    expect_values('a');
    expect_no_problem();
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_started_container_is_inspected_once),
        cmocka_unit_test(test_rename),
        cmocka_unit_test(test_destroy),
        cmocka_unit_test(test_changes_of_state),
        cmocka_unit_test(test_other_events_cost_nothing),
        cmocka_unit_test(test_event_that_cannot_be_read),
        cmocka_unit_test(test_event_while_inspecting),
        cmocka_unit_test(test_restart_while_reading),
        cmocka_unit_test(test_restarts_again_and_again),
        cmocka_unit_test(test_destroy_while_reading),
        cmocka_unit_test(test_destroy_ends_the_round),
        cmocka_unit_test(test_event_after_destroy),
        cmocka_unit_test(test_container_created_while_listing),
        cmocka_unit_test(test_container_destroyed_while_listing),
        cmocka_unit_test(test_stream_that_ends_is_taken_again),
        cmocka_unit_test(test_subscribes_before_it_lists),
        cmocka_unit_test(test_events_refused),
        cmocka_unit_test(test_events_that_never_begin),
        cmocka_unit_test(test_events_that_never_begin_at_the_deadline),
        cmocka_unit_test(test_stream_ends_in_a_round),
        cmocka_unit_test(test_events_head_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
