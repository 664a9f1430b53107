/* The engine tier against time: deadlines, answers that come too late, containers and engines that
 * do not answer. */
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
    calls_forget();
}

/* A round that ends at its deadline, 2 s after its beginning, because `part` is not answered. */
static void round_without(const char *part)
{
    hold(part);
    round_begin();
    serve();
    assert_false(round_is_done());
    advance_ms(2000);
    round_cancel();
    hold_none();
}

/* A round that must not wait for `part`. */
static void round_not_waiting(const char *part)
{
    hold(part);
    round_begin();
    serve();
    assert_true(round_is_done());
    hold_none();
}

static void test_deadline_keeps_what_came(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    expect_absent('a', REASON_TIMEOUT);
    assert_int_equal(row_of('a')->state, STATE_RUNNING);
    expect_values('b');
    expect_problem(REASON_TIMEOUT);
    assert_non_null(strstr(problem_text(REASON_TIMEOUT), "web"));
    assert_int_equal(engine_up(FAKE_HOST), 1);
    fake_end();
}

/* The deadline may come before the tier has said that there is nothing to ask. */
static void test_deadline_before_the_end_is_said(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    round_whole();
    round_begin();
    round_cancel();
    advance_ms(1000);
    timers_run();
    assert_int_equal(fake.done, 0);
    expect_no_problem();
    round_whole();
    fake_end();
}

static void test_hanging_call_is_not_repeated(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    for (unsigned i = 0; i < 3; i++) {
        calls_forget();
        round_not_waiting(stats_of('a'));
        assert_int_equal(calls_made(""), 1);
        expect_absent('a', REASON_TIMEOUT);
        expect_values('b');
        expect_problem(REASON_TIMEOUT);
        assert_int_equal(engine_up(FAKE_HOST), 1);
    }
    fake_end();
}

static void test_late_answer_during_the_next_round(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    fake_get('a')->cpu_ns = 4242;
    hold(stats_of('b'));
    round_begin();
    serve(); /* a's late answer */
    hold_none();
    serve();
    assert_true(round_is_done());
    expect_values('a');
    expect_values('b');
    expect_no_problem();
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 2); /* it is an ordinary container again */
    fake_end();
}

/* Between rounds: for a round that gets no fresh one. */
static void test_late_answer_between_rounds(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    advance_ms(500);
    fake_get('a')->cpu_ns = 4242;
    serve();
    uint64_t read_ns = fake.now_ns;
    advance_ms(1000);
    round_without(stats_of('a')); /* asked again, and stuck again */
    expect_values('a');
    assert_int_equal(row_of('a')->cpu_sampled_ns, read_ns);
    expect_no_problem();
    fake_end();
}

/* What the engine stood for was then, not now. */
static void test_late_answer_has_its_own_last_seen(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    serve();
    uint64_t seen_ms = (fake.now_ns + FAKE_EPOCH_S * NS_PER_SECOND) / NS_PER_MS;
    advance_ms(10000);
    round_without(stats_of('a'));
    expect_values('a');
    assert_true(row_has(row_of('a'), CONTAINER_LAST_SEEN));
    assert_int_equal(row_of('a')->values[CONTAINER_LAST_SEEN], seen_ms);
    fake_end();
}

static void test_fresh_answer_wins(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    fake_get('a')->cpu_ns = 4242;
    serve();
    fake_get('a')->cpu_ns = 5000;
    round_whole();
    expect_cpu('a', 5000);
    fake_end();
}

/* A later round must not go back to it: counters do not fall. */
static void test_late_answer_is_used_once(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    fake_get('a')->cpu_ns = 4242;
    serve();
    fake_get('a')->cpu_ns = 5000;
    round_whole();
    round_without(stats_of('a'));
    expect_absent('a', REASON_TIMEOUT);
    fake_end();

    start_two();
    round_without(stats_of('a'));
    serve();
    round_without(stats_of('a'));
    expect_values('a');
    round_not_waiting(stats_of('a'));
    expect_absent('a', REASON_TIMEOUT);
    fake_end();
}

static void test_late_answer_that_is_too_old(void **state)
{
    (void)state;
    static const struct {
        uint64_t wait_ms;
        bool used;
    } cases[] = {{27000, true}, {29000, false}};
    for (size_t i = 0; i < 2; i++) {
        start_two();
        round_without(stats_of('a'));
        serve();
        advance_ms(cases[i].wait_ms); /* and two seconds of the round */
        round_without(stats_of('a'));
        if (cases[i].used)
            expect_values('a');
        else
            expect_absent('a', REASON_TIMEOUT);
        fake_end();
    }
}

/* Numbers of an instance that is no more. */
static void test_late_answer_of_an_earlier_instance(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    fake_get('a')->cpu_ns = 4242;
    serve();
    fake_get('a')->started_s = 900;
    fake_get('a')->cpu_ns = 1;
    event("die", 'a');
    event("start", 'a');
    round_without(stats_of('a'));
    expect_absent('a', REASON_TIMEOUT);
    assert_int_equal(row_of('a')->identity->started_ns, (FAKE_EPOCH_S + 900) * NS_PER_SECOND);
    fake_end();
}

static void test_late_failure_is_no_answer(void **state)
{
    (void)state;
    start_two();
    round_without(stats_of('a'));
    answer_failure(stats_of('a'), REASON_ENDED_EARLY);
    round_whole();
    expect_values('a');
    expect_no_problem();
    fake_end();
}

/* 5, 10, 20, 40, 80, 80 s; no round waits for a try. */
static void test_back_off(void **state)
{
    (void)state;
    static const uint64_t delays_ms[] = {5000, 10000, 20000, 40000, 80000, 80000};
    start_two();
    round_without(stats_of('a'));
    advance_ms(1000);
    answer_failure(stats_of('a'), REASON_TIMEOUT);
    for (size_t i = 0; i < sizeof delays_ms / sizeof delays_ms[0]; i++) {
        advance_ms(delays_ms[i] - 1000);
        calls_forget();
        round_not_waiting(stats_of('a'));
        assert_int_equal(calls_made(stats_of('a')), 0);
        expect_absent('a', REASON_TIMEOUT);
        expect_problem(REASON_TIMEOUT); /* it goes on, and every round says so */
        expect_values('b');
        advance_ms(1000);
        round_not_waiting(stats_of('a'));
        assert_int_equal(calls_made(stats_of('a')), 1);
        expect_absent('a', REASON_TIMEOUT);
        expect_problem(REASON_TIMEOUT);
        expect_values('b');
        assert_int_equal(engine_up(FAKE_HOST), 1);
        advance_ms(3000);
        answer_failure(stats_of('a'), REASON_TIMEOUT);
    }
    advance_ms(81000);
    round_begin();
    serve(); /* now it answers, in time for this round or for the next */
    assert_true(round_is_done());
    advance_ms(1000);
    round_whole();
    expect_values('a');
    expect_no_problem();
    fake_end();
}

static void test_call_times_out_within_the_round(void **state)
{
    (void)state;
    start_two();
    hold(stats_of('a'));
    round_begin();
    serve();
    assert_false(round_is_done());
    advance_ms(3000);
    answer_failure(stats_of('a'), REASON_TIMEOUT);
    assert_true(round_is_done());
    expect_absent('a', REASON_TIMEOUT);
    expect_values('b');
    expect_problem(REASON_TIMEOUT);
    fake_end();
}

/* A container whose inspect hangs has no row, so it is the problem that tells of it. */
static void test_inspect_that_hangs(void **state)
{
    (void)state;
    start_two();
    fake_add('c', "new", "running");
    event("start", 'c');
    round_without(inspect_of('c'));
    expect_values('a');
    assert_null(row_of('c'));
    expect_problem(REASON_TIMEOUT);
    round_not_waiting(inspect_of('c'));
    expect_problem(REASON_TIMEOUT);
    advance_ms(1000);
    answer_failure(inspect_of('c'), REASON_TIMEOUT);
    advance_ms(1000);
    round_whole();
    expect_problem(REASON_TIMEOUT);
    assert_int_equal(engine_up(FAKE_HOST), 1);
    advance_ms(15000);
    round_not_waiting(inspect_of('c')); /* the next try */
    assert_int_equal(calls_open(inspect_of('c')), 1);
    expect_problem(REASON_TIMEOUT);
    serve();
    advance_ms(1000);
    round_whole();
    expect_values('c');
    expect_no_problem();
    fake_end();
}

/* A container that needs nothing is not missing because of a call that hangs. */
static void test_inspect_of_a_stopped_container_hangs(void **state)
{
    (void)state;
    start_two();
    fake_get('b')->state = "exited";
    event("die", 'b');
    round_whole();
    event("update", 'b');
    round_without(inspect_of('b'));
    expect_values('a');
    assert_int_equal(row_of('b')->state, STATE_EXITED);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++)
        assert_int_equal(row_of('b')->absent[g], REASON_NONE);
    fake_end();
}

/* An engine that answers nothing. */

static void start_stuck(void)
{
    start_two();
    round_without("");
    assert_int_equal(engine_up(FAKE_HOST), 0);
    expect_problem(REASON_TIMEOUT);
    expect_absent('a', REASON_TIMEOUT);
    expect_absent('b', REASON_TIMEOUT);
    calls_forget();
}

static void round_at_once(void)
{
    calls_forget();
    round_begin();
    assert_true(round_is_done());
    assert_int_equal(calls_made("/v1"), 0);
    assert_int_equal(calls_made(VERSION), 0);
    expect_problem(REASON_TIMEOUT);
    assert_int_equal(engine_up(FAKE_HOST), 0);
    expect_absent('a', REASON_TIMEOUT);
}

static void test_stuck_engine_is_waited_for_once(void **state)
{
    (void)state;
    start_stuck();
    for (unsigned i = 0; i < 3; i++)
        round_at_once();
    assert_int_equal(calls_open("/stats"), 2); /* still the first ones */
    fake_end();
}

static void test_probes_back_off(void **state)
{
    (void)state;
    static const uint64_t delays_ms[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    start_stuck();
    for (size_t i = 0; i < sizeof delays_ms / sizeof delays_ms[0]; i++) {
        assert_int_equal(timer_next_ms(), delays_ms[i]);
        advance_ms(delays_ms[i]);
        calls_forget();
        timers_run();
        assert_int_equal(calls_made(""), 1);
        assert_string_equal(call_path(0), "/_ping"); /* of no version: it always works */
        round_at_once();
        advance_ms(3000);
        answer_failure(PING, REASON_TIMEOUT);
    }
    fake_end();
}

static void expect_back(void)
{
    for (unsigned i = 0; i < 3; i++) {
        advance_ms(6000);
        serve();
        round_begin();
        serve();
        assert_true(round_is_done());
    }
    expect_values('a');
    expect_values('b');
    expect_no_problem();
    assert_int_equal(engine_up(FAKE_HOST), 1);
    assert_int_equal(timer_next_ms(), UINT64_MAX); /* nobody probes any more */
}

static void test_probe_is_answered(void **state)
{
    (void)state;
    static const int statuses[] = {200, 500};
    for (size_t i = 0; i < 2; i++) {
        start_stuck();
        advance_ms(1000);
        timers_run();
        answer_failure(stats_of('a'), REASON_TIMEOUT);
        answer_failure(stats_of('b'), REASON_TIMEOUT);
        fake.changes = 0;
        answer(PING, statuses[i], "OK");
        assert_true(fake.changes > 0);
        expect_back();
        fake_end();
    }
}

static void test_late_answer_makes_it_trusted(void **state)
{
    (void)state;
    start_stuck();
    answer_as_fake(stats_of('a'));
    assert_int_equal(timer_next_ms(), UINT64_MAX);
    round_begin();
    serve();
    assert_true(round_is_done());
    expect_values('a');
    expect_back();
    fake_end();
}

static void test_late_answer_ends_the_probe(void **state)
{
    (void)state;
    start_stuck();
    advance_ms(1000);
    timers_run();
    assert_int_equal(calls_open(PING), 1);
    answer_as_fake(stats_of('a'));
    assert_int_equal(calls_open(PING), 0);
    expect_back();
    fake_end();
}

static void test_probe_is_refused(void **state)
{
    (void)state;
    start_stuck();
    advance_ms(1000);
    timers_run();
    answer_failure(PING, REASON_CONNECTION_REFUSED);
    assert_int_equal(timer_next_ms(), UINT64_MAX);
    calls_forget();
    hold(VERSION);
    round_begin();
    assert_int_equal(calls_made(VERSION), 1); /* it says no at once, so a round may ask */
    answer_failure(VERSION, REASON_CONNECTION_REFUSED);
    assert_true(round_is_done());
    expect_problem(REASON_CONNECTION_REFUSED);
    expect_absent('a', REASON_CONNECTION_REFUSED);
    hold_none();
    expect_back();
    fake_end();
}

/* Trusted by its ping, and still no values: no round waits for the same again. */
static void test_ping_answers_and_nothing_else(void **state)
{
    (void)state;
    start_stuck();
    advance_ms(1000);
    timers_run();
    answer_as_fake(PING);
    for (unsigned i = 0; i < 6; i++) {
        round_not_waiting("/stats");
        expect_absent('a', REASON_TIMEOUT);
        expect_problem(REASON_TIMEOUT);
        advance_ms(3000);
        while (calls_open(stats_of('a')) > 0)
            answer_failure(stats_of('a'), REASON_TIMEOUT);
        while (calls_open(stats_of('b')) > 0)
            answer_failure(stats_of('b'), REASON_TIMEOUT);
        advance_ms(3000);
        serve(); /* pings, if it is suspect again */
    }
    fake_end();
}

static void test_stuck_while_setting_up(void **state)
{
    (void)state;
    static const char *const steps[] = {VERSION, INFO, LIST};
    for (size_t s = 0; s < 3; s++) {
        for (unsigned deadline_first = 0; deadline_first < 2; deadline_first++) {
            fake_start(FAKE_HOST, NULL);
            fake_add('a', "web", "running");
            fake_add('b', "db", "running");
            hold(steps[s]);
            hold(PING);
            round_begin();
            serve();
            assert_false(round_is_done());
            advance_ms(2000);
            if (deadline_first)
                round_cancel();
            advance_ms(1000);
            answer_failure(steps[s], REASON_TIMEOUT);
            if (!deadline_first)
                assert_true(round_is_done());
            expect_problem(REASON_TIMEOUT);
            assert_int_equal(engine_up(FAKE_HOST), 0);
            for (unsigned i = 0; i < 5; i++) {
                advance_ms(5000);
                round_begin();
                serve();
                assert_true(round_is_done());
                expect_problem(REASON_TIMEOUT);
                assert_int_equal(engine_up(FAKE_HOST), 0);
                advance_ms(3000);
                while (calls_open(steps[s]) > 0)
                    answer_failure(steps[s], REASON_TIMEOUT);
            }
            hold_none();
            serve();
            expect_back();
            fake_end();
        }
    }
}

static void test_setting_up_goes_on_between_rounds(void **state)
{
    (void)state;
    static const char *const steps[] = {VERSION, INFO, LIST};
    for (size_t s = 0; s < 3; s++) {
        fake_start(FAKE_HOST, NULL);
        fake_add('a', "web", "running");
        round_without(steps[s]);
        expect_problem(REASON_TIMEOUT);
        serve(); /* its late answer and what follows */
        round_whole();
        expect_values('a');
        expect_no_problem();
        fake_end();
    }
}

/* A round that comes while setting up is late does not wait for it, whatever is answered then. */
static void test_round_while_setting_up_is_late(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_without(VERSION);
    answer_as_fake(VERSION);
    round_begin();
    serve();
    assert_true(round_is_done());
    advance_ms(1000);
    round_whole();
    expect_values('a');
    expect_no_problem();
    fake_end();
}

static void test_containers_of_a_stuck_engine(void **state)
{
    (void)state;
    start_stuck();
    answer_failure(stats_of('a'), REASON_TIMEOUT);
    hold(PING);
    for (unsigned s = 0; s < 290; s += 10) {
        round_at_once();
        assert_int_equal(fake.part.row_count, 2);
        advance_ms(10000);
    }
    advance_ms(20000);
    round_begin();
    assert_true(round_is_done());
    assert_int_equal(fake.part.row_count, 0);
    expect_problem(REASON_TIMEOUT);
    hold_none();
    timers_run();
    answer_as_fake(PING);
    expect_back();
    fake_end();
}

/* An answer of before the engine was set up again, while what it says of itself is not known. */
static void test_late_answer_across_a_new_set_up(void **state)
{
    (void)state;
    for (unsigned when = 0; when < 3; when++) {
        start_two();
        fake_add('c', "cache", "running");
        event("start", 'c');
        round_whole();
        event("update", 'b');
        hold(inspect_of('b'));
        round_without(stats_of('a'));
        expect_values('c');
        events_end(REASON_ENDED_EARLY);
        round_begin();
        answer_failure(EVENTS, REASON_CONNECTION_REFUSED);
        assert_true(round_is_done());
        if (when == 0)
            answer_as_fake(stats_of('a'));
        round_begin();
        answer_as_fake(VERSION);
        if (when == 1 && calls_open(stats_of('a')) > 0)
            answer_as_fake(stats_of('a'));
        if (when == 2 && calls_open(inspect_of('b')) > 0)
            answer_as_fake(inspect_of('b'));
        advance_ms(2000);
        round_cancel(); /* INFO is late */
        assert_non_null(row_of('a'));
        assert_false(row_has(row_of('a'), CONTAINER_MEMORY_FAILCNT)); /* no number of cgroup v1 */
        hold_none();
        expect_back();
        fake_end();
    }
}

/* A round may begin from inside the end of the one before. */
static void begin_again(void)
{
    fake.on_done = NULL;
    round_begin();
}

static void test_round_from_inside_a_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        start_two();
        if (i == 2) {
            fake_remove('a');
            fake_remove('b');
            advance_ms(61000);
        }
        round_begin();
        fake.on_done = begin_again;
        if (i == 0) {
            serve();
        } else if (i == 1) {
            answer_as_fake(stats_of('a'));
            fake_remove('b');
            event("destroy", 'b');
        } else if (i == 2) {
            answer_as_fake(LIST);
        } else {
            answer_failure(stats_of('a'), REASON_CONNECTION_REFUSED);
            answer_failure(stats_of('b'), REASON_CONNECTION_REFUSED);
        }
        assert_null(fake.on_done);
        serve();
        assert_true(round_is_done());
        for (size_t c = 0; c < fake.container_count; c++)
            expect_values(fake.containers[c].letter);
        fake_end();
    }
}

/* A scrape in a hurry ends its round before any engine can be blamed: the calls belong to the next
 * round, which waits for them. */
static void test_round_cut_short(void **state)
{
    (void)state;
    start_two();
    round_whole();
    calls_forget();
    round_begin();
    advance_ms(600);
    round_cancel();
    expect_absent('a', REASON_TIMEOUT);
    assert_int_equal(timer_next_ms(), UINT64_MAX); /* not suspect: nothing probes */
    advance_ms(100);
    round_begin();
    assert_false(round_is_done());
    serve();
    assert_true(round_is_done());
    expect_values('a');
    expect_values('b');
    expect_no_problem();
    assert_int_equal(calls_made(stats_of('a')), 1);
    fake_end();
}

/* The same while it is set up. */
static void test_setup_cut_short(void **state)
{
    (void)state;
    start_two();
    round_begin();
    advance_ms(600);
    round_cancel();
    round_begin();
    assert_false(round_is_done());
    serve();
    assert_true(round_is_done());
    expect_values('a');
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline_keeps_what_came),
        cmocka_unit_test(test_deadline_before_the_end_is_said),
        cmocka_unit_test(test_hanging_call_is_not_repeated),
        cmocka_unit_test(test_late_answer_during_the_next_round),
        cmocka_unit_test(test_late_answer_between_rounds),
        cmocka_unit_test(test_late_answer_has_its_own_last_seen),
        cmocka_unit_test(test_fresh_answer_wins),
        cmocka_unit_test(test_late_answer_is_used_once),
        cmocka_unit_test(test_late_answer_that_is_too_old),
        cmocka_unit_test(test_late_answer_of_an_earlier_instance),
        cmocka_unit_test(test_late_failure_is_no_answer),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_call_times_out_within_the_round),
        cmocka_unit_test(test_inspect_that_hangs),
        cmocka_unit_test(test_inspect_of_a_stopped_container_hangs),
        cmocka_unit_test(test_stuck_engine_is_waited_for_once),
        cmocka_unit_test(test_probes_back_off),
        cmocka_unit_test(test_probe_is_answered),
        cmocka_unit_test(test_late_answer_makes_it_trusted),
        cmocka_unit_test(test_late_answer_ends_the_probe),
        cmocka_unit_test(test_probe_is_refused),
        cmocka_unit_test(test_ping_answers_and_nothing_else),
        cmocka_unit_test(test_stuck_while_setting_up),
        cmocka_unit_test(test_setting_up_goes_on_between_rounds),
        cmocka_unit_test(test_round_while_setting_up_is_late),
        cmocka_unit_test(test_containers_of_a_stuck_engine),
        cmocka_unit_test(test_late_answer_across_a_new_set_up),
        cmocka_unit_test(test_round_from_inside_a_round),
        cmocka_unit_test(test_round_cut_short),
        cmocka_unit_test(test_setup_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
