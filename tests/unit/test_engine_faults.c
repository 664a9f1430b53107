/* Every way a call of the engine tier can fail, at every step: the round ends, says why, keeps what
 * is known, and the next ones recover. */
#include "tests/unit/fake_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What an answer can be instead of a good one. */
struct fault {
    enum reason reason; /* what is reported */
    int status;         /* 0: the transport failed with `reason` */
    const char *body;
    bool lost; /* nothing can be reached there any more */
};

static const struct fault faults[] = {
    {REASON_NO_SOCKET, 0, NULL, true},
    {REASON_PERMISSION_DENIED, 0, NULL, true},
    {REASON_CONNECTION_REFUSED, 0, NULL, true},
    {REASON_CONNECTION_FAILED, 0, NULL, true},
    {REASON_TLS, 0, NULL, true},
    {REASON_TIMEOUT, 0, NULL, false},
    {REASON_MALFORMED, 0, NULL, false},
    {REASON_TOO_LARGE, 0, NULL, false},
    {REASON_ENDED_EARLY, 0, NULL, false},
    {REASON_HTTP_STATUS, 500, "{\"message\":\"the daemon has a cold\"}", false},
    {REASON_MALFORMED, 200, "{\"half\":", false},
    {REASON_MALFORMED, 200, "\"wrong\"", false},
    {REASON_EMPTY_ANSWER, 200, "", false},
    {REASON_EMPTY_ANSWER, 200, " \n", false},
};
#define FAULTS (sizeof faults / sizeof faults[0])

static void start_two(void)
{
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
}

static void inflict(const char *step, const struct fault *fault)
{
    if (fault->reason == REASON_TIMEOUT)
        advance_ms(3000);
    if (fault->status != 0)
        answer(step, fault->status, fault->body);
    else
        answer_failure(step, fault->reason);
}

/* A round in which this one call fails. */
static void round_with(const char *step, const struct fault *fault)
{
    hold(step);
    round_begin();
    serve();
    assert_false(round_is_done());
    inflict(step, fault);
    hold_none();
    serve();
    if (!round_is_done())
        fail_msg("%s with %s: the round waits", step, reason_name(fault->reason));
}

/* Whatever it was, a few rounds later everything is there again. */
static void expect_recovery(void)
{
    for (unsigned i = 0; i < 4; i++) {
        advance_ms(15000);
        serve();
        round_begin();
        serve();
        assert_true(round_is_done());
    }
    expect_values('a');
    expect_values('b');
    expect_no_problem();
    assert_int_equal(engine_up(FAKE_HOST), 1);
    advance_ms(1000);
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 2); /* and steady */
}

static void test_setting_up_fails(void **state)
{
    (void)state;
    static const char *const steps[] = {VERSION, INFO, LIST};
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        for (size_t f = 0; f < FAULTS; f++) {
            start_two();
            round_with(steps[s], &faults[f]);
            expect_problem(faults[f].reason);
            assert_int_equal(engine_up(FAKE_HOST), 0);
            assert_int_equal(fake.part.row_count, 0);
            expect_recovery();
            fake_end();
        }
    }
}

static void test_status_is_told(void **state)
{
    (void)state;
    static const char *const steps[] = {VERSION, INFO, LIST};
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        start_two();
        round_with(steps[s], &faults[9]);
        const char *text = problem_text(REASON_HTTP_STATUS);
        assert_non_null(strstr(text, "500"));
        assert_non_null(strstr(text, "the daemon has a cold"));
        assert_non_null(strstr(text, FAKE_HOST));
        assert_non_null(strstr(text, steps[s]));
        fake_end();
    }
}

static void test_version_refused(void **state)
{
    (void)state;
    start_two();
    hold(INFO);
    round_begin();
    serve();
    answer(INFO, 400, "{\"message\":\"client version 1.44 is too old\"}");
    assert_true(round_is_done());
    expect_problem(REASON_API_VERSION);
    assert_non_null(strstr(problem_text(REASON_API_VERSION), "too old"));
    assert_int_equal(engine_up(FAKE_HOST), 0);
    hold_none();
    expect_recovery();
    fake_end();
}

/* Events help and are not needed: only where nothing can be reached, they end the round. */
static void test_subscribing_fails(void **state)
{
    (void)state;
    for (size_t f = 0; f < FAULTS; f++) {
        if (faults[f].status == 200)
            continue; /* 200 is a stream */
        start_two();
        round_with(EVENTS, &faults[f]);
        if (faults[f].lost) {
            expect_problem(faults[f].reason);
            assert_int_equal(engine_up(FAKE_HOST), 0);
        } else {
            expect_problem(REASON_EVENTS_LOST);
            assert_int_equal(engine_up(FAKE_HOST), 1);
            expect_values('a');
            expect_values('b');
        }
        advance_ms(61000);
        expect_recovery();
        fake_end();
    }
}

static void test_inspect_fails(void **state)
{
    (void)state;
    for (size_t f = 0; f < FAULTS; f++) {
        start_two();
        round_with(inspect_of('a'), &faults[f]);
        expect_problem(faults[f].reason);
        assert_null(row_of('a')); /* who it is is not known */
        expect_values('b');
        if (!faults[f].lost)
            assert_int_equal(engine_up(FAKE_HOST), 1);
        expect_recovery();
        fake_end();
    }
}

static void test_later_inspect_fails(void **state)
{
    (void)state;
    for (size_t f = 0; f < FAULTS; f++) {
        start_two();
        round_whole();
        event("update", 'a');
        round_with(inspect_of('a'), &faults[f]);
        expect_problem(faults[f].reason);
        expect_absent('a', faults[f].reason);
        assert_int_equal(row_of('a')->state, STATE_RUNNING);
        assert_string_equal(row_of('a')->identity->name, "web");
        expect_values('b');
        expect_recovery();
        fake_end();
    }
}

static void test_stats_fails(void **state)
{
    (void)state;
    for (size_t f = 0; f < FAULTS; f++) {
        for (unsigned later = 0; later < 2; later++) {
            start_two();
            if (later)
                round_whole();
            round_with(stats_of('a'), &faults[f]);
            expect_problem(faults[f].reason);
            expect_absent('a', faults[f].reason);
            assert_int_equal(row_of('a')->state, STATE_RUNNING);
            assert_string_equal(row_of('a')->identity->name, "web");
            assert_true(row_has(row_of('a'), CONTAINER_LAST_SEEN));
            expect_values('b');
            assert_int_equal(engine_up(FAKE_HOST), !faults[f].lost);
            expect_recovery();
            fake_end();
        }
    }
}

/* weir_engine_up is about the engine: it answered, and said no. */
static void test_up_is_about_the_engine(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        int up;
    } answers[] = {{500, "oops", 1}, {404, "{}", 1}, {200, "", 1}, {200, "{", 1}};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        start_two();
        fake_remove('b');
        round_whole();
        round_begin();
        answer(stats_of('a'), answers[i].status, answers[i].body);
        serve(); /* the inspect that an answer as of a stopped container asks for */
        assert_true(round_is_done());
        assert_int_equal(engine_up(FAKE_HOST), answers[i].up);
        fake_end();
    }
    start_two();
    round_whole();
    round_begin();
    answer_failure(stats_of('a'), REASON_ENDED_EARLY);
    answer_failure(stats_of('b'), REASON_ENDED_EARLY);
    assert_true(round_is_done());
    assert_int_equal(engine_up(FAKE_HOST), 0); /* not one answer */
    fake_end();
}

static void test_list_fails_later(void **state)
{
    (void)state;
    for (size_t f = 0; f < FAULTS; f++) {
        start_two();
        round_whole();
        uint64_t seen_ms = (fake.now_ns + FAKE_EPOCH_S * NS_PER_SECOND) / NS_PER_MS;
        advance_ms(61000);
        round_with(LIST, &faults[f]);
        expect_problem(faults[f].reason);
        assert_int_equal(engine_up(FAKE_HOST), 0);
        expect_absent('a', faults[f].reason);
        expect_absent('b', faults[f].reason);
        assert_int_equal(row_of('a')->values[CONTAINER_LAST_SEEN], seen_ms);
        expect_recovery();
        fake_end();
    }
}

static const char year_one[] =
    "{\"read\":\"0001-01-01T00:00:00Z\",\"preread\":\"0001-01-01T00:00:00Z\",\"pids_stats\":{},"
    "\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":0}},\"memory_stats\":{}}";

static const char *const empty_answers[] = {year_one, ""};
#define EMPTY_ANSWERS (sizeof empty_answers / sizeof empty_answers[0])

/* It goes on running, so the answer was wrong: one look at it, and no second question in that
 * round. */
static void test_answer_without_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < EMPTY_ANSWERS; i++) {
        start_two();
        round_whole();
        fake_get('a')->stats = empty_answers[i];
        calls_forget();
        round_whole();
        expect_problem(REASON_EMPTY_ANSWER);
        assert_non_null(strstr(problem_text(REASON_EMPTY_ANSWER), "web"));
        expect_absent('a', REASON_EMPTY_ANSWER);
        expect_values('b');
        assert_int_equal(calls_made(stats_of('a')), 1);
        assert_int_equal(calls_made(inspect_of('a')), 1);
        fake_get('a')->stats = NULL;
        round_whole();
        expect_values('a');
        expect_no_problem();
        fake_end();
    }
}

/* A container that stopped before its stats were read, its event still on the way: nothing went
 * wrong. */
static void test_stats_overtake_the_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < EMPTY_ANSWERS; i++) {
        start_two();
        round_whole();
        fake_get('a')->stats = empty_answers[i];
        fake_get('a')->state = "exited";
        calls_forget();
        round_whole();
        assert_int_equal(calls_made(inspect_of('a')), 1);
        expect_life_only('a', STATE_EXITED);
        expect_values('b');
        expect_no_problem();
        fake_end();
    }
}

static void test_container_gone(void **state)
{
    (void)state;
    static const int statuses[] = {404, 409};
    for (size_t i = 0; i < 2; i++) {
        start_two();
        round_whole();
        round_begin();
        fake_remove('a');
        calls_forget();
        answer(stats_of('a'), statuses[i], "{\"message\":\"No such container\"}");
        serve();
        assert_true(round_is_done());
        assert_int_equal(calls_made(inspect_of('a')), 1); /* 404: so it is */
        expect_life_only('a', STATE_REMOVED);
        expect_values('b');
        expect_no_problem(); /* containers come and go */
        calls_forget();
        round_whole();
        assert_int_equal(calls_made(""), 1);
        fake_end();
    }
}

/* Answers whatever is open with a failure until the round ends. */
static void round_refused(enum reason reason)
{
    hold("");
    round_begin();
    while (calls_open("") > 0)
        answer_failure("", reason);
    assert_true(round_is_done());
    hold_none();
}

static void test_containers_of_an_engine_that_is_away(void **state)
{
    (void)state;
    start_two();
    fake_add('c', "old", "exited");
    round_whole();
    uint64_t seen_ms = (fake.now_ns + FAKE_EPOCH_S * NS_PER_SECOND) / NS_PER_MS;
    events_end(REASON_ENDED_EARLY);
    for (unsigned s = 15; s <= 315; s += 15) {
        advance_ms(15000);
        round_refused(REASON_CONNECTION_REFUSED);
        assert_int_equal(engine_up(FAKE_HOST), 0);
        expect_problem(REASON_CONNECTION_REFUSED);
        assert_int_equal(fake.part.row_count, 3);
        expect_absent('a', REASON_CONNECTION_REFUSED);
        assert_int_equal(row_of('a')->state, STATE_RUNNING);
        assert_int_equal(row_of('a')->values[CONTAINER_LAST_SEEN], seen_ms);
        expect_life_only('c', STATE_EXITED);
    }
    advance_ms(30000);
    round_refused(REASON_CONNECTION_REFUSED);
    assert_int_equal(fake.part.row_count, 0);
    expect_problem(REASON_CONNECTION_REFUSED);
    expect_recovery();
    fake_end();
}

/* What happened while it was away no event tells: everything is looked at anew. */
static void test_restarted_while_away(void **state)
{
    (void)state;
    start_two();
    round_whole();
    round_with(stats_of('a'), &faults[2]); /* its event stream had not ended by then */
    assert_int_equal(calls_open(EVENTS), 0);
    fake_get('a')->started_s = 800;
    fake_get('a')->cpu_ns = 3;
    advance_ms(1000);
    round_whole();
    expect_values('a');
    assert_int_equal(row_of('a')->identity->started_ns, (FAKE_EPOCH_S + 800) * NS_PER_SECOND);
    expect_recovery();
    fake_end();
}

/* Seen is seen, with numbers or without: a container whose stats never came has a last seen too,
 * and it stands still as the others' does. */
static void test_last_seen_without_stats(void **state)
{
    (void)state;
    start_two();
    fake_get('a')->stats_status = 500;
    fake_get('a')->stats = "{}";
    round_whole();
    uint64_t seen_ms = (fake.now_ns + FAKE_EPOCH_S * NS_PER_SECOND) / NS_PER_MS;
    events_end(REASON_ENDED_EARLY);
    advance_ms(15000);
    round_refused(REASON_CONNECTION_REFUSED);
    assert_true(row_has(row_of('a'), CONTAINER_LAST_SEEN));
    assert_int_equal(row_of('a')->values[CONTAINER_LAST_SEEN], seen_ms);
    fake_end();
}

/* The engine is set up again and stops in the middle of it: nothing of the rows may depend on what
 * it has not said yet. */
static void test_away_half_way(void **state)
{
    (void)state;
    static const char *const steps[] = {VERSION, INFO, EVENTS, LIST};
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        start_two();
        round_whole();
        struct container_row before = *row_of('a');
        events_end(REASON_ENDED_EARLY);
        advance_ms(1000);
        round_refused(REASON_CONNECTION_REFUSED);
        struct container_row down = *row_of('a');
        for (unsigned cancelled = 0; cancelled < 2; cancelled++) {
            advance_ms(1000);
            hold(steps[s]);
            round_begin();
            serve();
            if (cancelled) {
                round_cancel();
                answer_failure(steps[s], REASON_TIMEOUT);
            } else {
                answer_failure(steps[s], REASON_CONNECTION_REFUSED);
                assert_true(round_is_done());
            }
            hold_none();
            const struct container_row *row = row_of('a');
            assert_true(row->present == down.present);
            assert_true(row->unlimited == down.unlimited);
            assert_int_equal(row->values[CONTAINER_SUM_MEMORY_LIMIT],
                             before.values[CONTAINER_SUM_MEMORY_LIMIT]);
            serve();
            /* whatever that has led to, the next turn begins with the engine away */
            round_refused(REASON_CONNECTION_REFUSED);
            advance_ms(1000);
            round_refused(REASON_CONNECTION_REFUSED);
        }
        advance_ms(61000); /* events that did not begin are asked for again so late */
        expect_recovery();
        fake_end();
    }
}

/* A proxy's page instead of the list. */
static void test_answer_of_another_shape(void **state)
{
    (void)state;
    start_two();
    hold(LIST);
    round_begin();
    serve();
    answer(LIST, 200, "{\"message\":\"page not found\"}");
    assert_true(round_is_done());
    expect_problem(REASON_MALFORMED);
    hold_none();
    expect_recovery();
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setting_up_fails),
        cmocka_unit_test(test_status_is_told),
        cmocka_unit_test(test_version_refused),
        cmocka_unit_test(test_subscribing_fails),
        cmocka_unit_test(test_inspect_fails),
        cmocka_unit_test(test_later_inspect_fails),
        cmocka_unit_test(test_stats_fails),
        cmocka_unit_test(test_up_is_about_the_engine),
        cmocka_unit_test(test_list_fails_later),
        cmocka_unit_test(test_answer_without_values),
        cmocka_unit_test(test_stats_overtake_the_event),
        cmocka_unit_test(test_container_gone),
        cmocka_unit_test(test_containers_of_an_engine_that_is_away),
        cmocka_unit_test(test_restarted_while_away),
        cmocka_unit_test(test_last_seen_without_stats),
        cmocka_unit_test(test_away_half_way),
        cmocka_unit_test(test_answer_of_another_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
