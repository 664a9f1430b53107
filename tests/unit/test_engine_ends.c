/* How the engine tier tells of containers that ended: exit codes, how long they are shown, and what
 * stays of those that are removed. */
#include "tests/unit/fake_engine.h"

#include "collectors/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void start_two(void)
{
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
    round_whole();
    calls_forget();
}

/* In ms since 1970. */
static int64_t fake_ms(unsigned seconds)
{
    return (int64_t)(FAKE_EPOCH_S + seconds) * 1000;
}

static void fake_stop(char letter, int exit_code)
{
    struct fake_container *c = fake_get(letter);
    c->state = "exited";
    c->exit_code = exit_code;
    c->finished_s = (unsigned)(fake_now_real_ns() / NS_PER_SECOND - FAKE_EPOCH_S);
}

static void test_exit_code_by_state(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        bool has_code;
    } cases[] = {
        {"running", false}, {"paused", false},  {"restarting", true}, {"exited", true},
        {"dead", true},     {"removing", true}, {"created", true}}; /* it could not be started */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_start(FAKE_HOST, NULL);
        struct fake_container *c = fake_add('a', "web", cases[i].word);
        c->exit_code = 3;
        c->finished_s = 900;
        round_whole();
        assert_int_equal(!row_lacks('a', CONTAINER_EXIT_CODE), cases[i].has_code);
        if (cases[i].has_code)
            assert_int_equal(row_value('a', CONTAINER_EXIT_CODE), 3);
        assert_int_equal(row_value('a', CONTAINER_FINISHED_TIME), fake_ms(900));
        assert_int_equal(row_value('a', CONTAINER_CREATED_TIME), fake_ms(0));
        assert_int_equal(row_value('a', CONTAINER_RESTARTS), 0);
        assert_int_equal(row_value('a', CONTAINER_OOM_KILLED), 0);
        fake_end();
    }
}

/* It has no run whose code that would be, unless the engine says why it could not be started. */
static void test_never_ran(void **state)
{
    (void)state;
    static const char *const words[] = {"created", "exited", "dead"};
    for (size_t i = 0; i < 6; i++) {
        fake_start(FAKE_HOST, NULL);
        struct fake_container *c = fake_add('a', "web", words[i % 3]);
        c->started_s = 0;
        c->exit_code = i < 3 ? 0 : 127;
        round_whole();
        assert_int_equal(row_lacks('a', CONTAINER_EXIT_CODE), i < 3);
        assert_true(row_lacks('a', CONTAINER_FINISHED_TIME));
        assert_false(row_lacks('a', CONTAINER_CREATED_TIME));
        fake_end();
    }
}

static void test_negative_code(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "exited")->exit_code = -1;
    round_whole();
    assert_int_equal(row_value('a', CONTAINER_EXIT_CODE), -1);
    fake_end();
}

static void test_stopped_is_shown_for_its_time(void **state)
{
    (void)state;
    start_two();
    fake_stop('a', 137);
    event_with("die", 'a', "{\"exitCode\":\"137\"}", fake_now_real_ns());
    round_whole();
    expect_life_only('a', STATE_EXITED);
    assert_int_equal(row_value('a', CONTAINER_EXIT_CODE), 137);
    assert_int_equal(engine_containers("exited"), 1);
    advance_ms(FAKE_KEEP_STOPPED_MS - 2000); /* a round takes a millisecond, FinishedAt is whole */
    round_whole();
    expect_life_only('a', STATE_EXITED);
    advance_ms(2000);
    round_whole();
    assert_null(row_of('a'));
    expect_values('b');
    assert_int_equal(engine_containers("exited"), 1); /* it is still there */
    fake_get('a')->state = "running";
    fake_get('a')->started_s = 9000;
    event("start", 'a');
    round_whole();
    expect_values('a');
    assert_int_equal(row_value('a', CONTAINER_FINISHED_TIME),
                     fake_ms(fake_get('a')->finished_s)); /* of the last run that has ended */
    fake_end();
}

static void test_states_and_their_time(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "made", "created")->started_s = 0;
    fake_add('b', "loop", "restarting")->finished_s = 10;
    fake_add('c', "gone", "dead")->finished_s = 10;
    fake_add('d', "odd", "exited");                         /* when it ended nobody says */
    fake_add('e', "ahead", "exited")->finished_s = 1000000; /* a clock was set */
    round_whole();
    assert_int_equal(fake.part.row_count, 5);
    advance_ms(FAKE_KEEP_STOPPED_MS);
    round_whole();
    assert_null(row_of('a')); /* an hour after it was created */
    expect_life_only('b', STATE_RESTARTING);
    assert_null(row_of('c'));
    assert_null(row_of('d'));
    expect_life_only('e', STATE_EXITED);
    fake_end();
}

/* docker run --rm: die and destroy come within milliseconds, and no inspect finds it any more. */
static void test_removed_as_it_ends(void **state)
{
    (void)state;
    start_two();
    const struct identity *before = identity_ref(row_of('b')->identity);
    advance_ms(5000);
    uint64_t died_ns = fake_now_real_ns();
    fake_remove('b');
    event_with("oom", 'b', "{}", died_ns - 1000);
    event_with("die", 'b', "{\"exitCode\":\"137\"}", died_ns);
    event("destroy", 'b');
    assert_null(inventory_find(fake.inventory, before->container_id)); /* the others are told */
    round_whole();
    assert_int_equal(calls_made(inspect_of('b')), 0);
    expect_life_only('b', STATE_REMOVED);
    assert_ptr_equal(row_of('b')->identity, before);
    assert_int_equal(row_of('b')->knowledge, KNOWS_ALL);
    assert_int_equal(row_value('b', CONTAINER_EXIT_CODE), 137);
    assert_int_equal(row_value('b', CONTAINER_FINISHED_TIME), (int64_t)(died_ns / NS_PER_MS));
    assert_int_equal(row_value('b', CONTAINER_CREATED_TIME), fake_ms(0));
    assert_int_equal(row_value('b', CONTAINER_OOM_KILLED), 1);
    assert_true(row_of('b')->kills_heard);
    assert_int_equal(row_of('b')->kills_told, 1);
    assert_int_equal(engine_containers("removed"), 0);
    assert_int_equal(engine_containers("running"), 1);
    assert_int_equal(point_of('b', POINT_INFO, "sha256:0123"), 1);
    assert_true(row_lacks('b', CONTAINER_HEALTH)); /* of what runs */
    assert_int_equal(point_of('b', POINT_HEALTH_STATE, NULL), -1);
    advance_ms(FAKE_LINGER_MS - 3); /* and a millisecond each round */
    round_whole();
    expect_life_only('b', STATE_REMOVED);
    round_whole();
    assert_null(row_of('b'));
    expect_values('a');
    identity_unref(before);
    fake_end();
}

/* The inspect that the die event asked for finds nothing, and the rest of the events comes late. */
static void test_removed_before_the_events(void **state)
{
    (void)state;
    start_two();
    fake_remove('b');
    event("kill", 'b');
    event("update", 'b');
    round_whole();
    assert_int_equal(calls_made(inspect_of('b')), 1);
    expect_life_only('b', STATE_REMOVED);
    assert_true(row_lacks('b', CONTAINER_EXIT_CODE)); /* nobody has said */
    event_with("die", 'b', "{\"exitCode\":\"9\"}", fake_now_real_ns());
    event("oom", 'b');
    event("destroy", 'b');
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 1); /* stats of a */
    expect_life_only('b', STATE_REMOVED);
    assert_int_equal(row_value('b', CONTAINER_EXIT_CODE), 9);
    assert_int_equal(row_value('b', CONTAINER_OOM_KILLED), 1);
    assert_int_equal(row_of('b')->kills_told, 1);
    fake_end();
}

/* An inspect that was answered before the end does not undo what the event told. */
static void test_old_inspect_does_not_undo_the_end(void **state)
{
    (void)state;
    start_two();
    event("update", 'b');
    round_begin();
    event_with("die", 'b', "{\"exitCode\":\"5\"}", fake_now_real_ns());
    answer_as_fake(inspect_of('b')); /* it runs, it says */
    fake_remove('b');
    event("destroy", 'b');
    serve();
    assert_true(round_is_done());
    expect_life_only('b', STATE_REMOVED);
    assert_int_equal(row_value('b', CONTAINER_EXIT_CODE), 5);
    fake_end();
}

/* The code of an earlier run is not that of the last one. */
static void test_code_of_an_earlier_run(void **state)
{
    (void)state;
    start_two();
    event_with("die", 'b', "{\"exitCode\":\"5\"}", fake_now_real_ns());
    event("start", 'b');
    event("destroy", 'b');
    fake_remove('b');
    round_whole();
    expect_life_only('b', STATE_REMOVED);
    assert_true(row_lacks('b', CONTAINER_EXIT_CODE));
    fake_end();
}

/* It had its row of this round when it was removed: one row a round. */
static void test_removed_after_its_row(void **state)
{
    (void)state;
    start_two();
    round_begin();
    answer_as_fake(stats_of('b'));
    fake_remove('b');
    event("destroy", 'b');
    answer_as_fake(stats_of('a'));
    assert_true(round_is_done());
    assert_int_equal(fake.part.row_count, 2);
    assert_int_equal(row_of('b')->state, STATE_RUNNING);
    round_whole();
    assert_int_equal(fake.part.row_count, 2);
    expect_life_only('b', STATE_REMOVED);
    fake_end();
}

/* Without events it is the list that lacks it. */
static void test_removed_from_the_list(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake.events_refused = true;
    fake_add('a', "web", "running");
    struct fake_container *b = fake_add('b', "db", "exited");
    b->exit_code = 4;
    b->finished_s = 500;
    round_whole();
    fake_remove('b');
    advance_ms(1000);
    round_whole();
    expect_life_only('b', STATE_REMOVED);
    assert_int_equal(row_value('b', CONTAINER_EXIT_CODE), 4);
    assert_int_equal(row_value('b', CONTAINER_FINISHED_TIME), fake_ms(500));
    assert_false(row_of('b')->kills_heard);
    fake_end();
}

/* The list crossed the event: what was known of it is not lost. */
static void test_old_list_does_not_undo_the_end(void **state)
{
    (void)state;
    start_two();
    advance_ms(61000);
    round_begin();
    event_with("die", 'b', "{\"exitCode\":\"6\"}", fake_now_real_ns());
    event("destroy", 'b');
    answer_as_fake(LIST); /* still with b */
    fake_remove('b');
    serve();
    assert_true(round_is_done());
    expect_life_only('b', STATE_REMOVED);
    assert_int_equal(row_value('b', CONTAINER_EXIT_CODE), 6);
    fake_end();
}

/* An answer of 404 was wrong: the list has it, and it is the one it was. */
static void test_not_removed_after_all(void **state)
{
    (void)state;
    start_two();
    event("update", 'b');
    round_begin();
    answer(inspect_of('b'), 404, "{}");
    serve();
    assert_true(round_is_done());
    expect_life_only('b', STATE_REMOVED);
    advance_ms(61000);
    round_whole();
    expect_values('b');
    assert_int_equal(fake.part.row_count, 2);
    fake_end();
}

/* Nobody knows who it was. */
static void test_never_inspected(void **state)
{
    (void)state;
    start_two();
    event("create", 'c');
    event("start", 'c');
    event_with("die", 'c', "{\"exitCode\":\"1\"}", fake_now_real_ns());
    event("destroy", 'c');
    round_whole();
    assert_null(row_of('c'));
    assert_int_equal(calls_made(inspect_of('c')), 0);
    expect_no_problem();
    fake_end();
}

static void test_left_out_stays_left_out(void **state)
{
    (void)state;
    fake_start_in(NULL, "name=web", FAKE_HOST);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
    round_whole();
    fake_remove('b');
    event("destroy", 'b');
    round_whole();
    assert_null(row_of('b'));
    fake_end();
}

/* At most a thousand are told of; the oldest go. */
static void test_many_removed(void **state)
{
    (void)state;
    start_two();
    fake_remove('b');
    for (unsigned i = 0; i < 1005; i++) {
        char id[65];
        char json[2048];
        char line[256];
        (void)snprintf(id, sizeof id, "%064u", i);
        (void)snprintf(line, sizeof line,
                       "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"%s\"}}",
                       id);
        event_line(line);
        round_begin();
        (void)snprintf(json, sizeof json,
                       "{\"Id\":\"%s\",\"Name\":\"/x\",\"State\":{\"Status\":\"running\"}}", id);
        answer(arena_format(&fake.part.arena, "%s/json", id), 200, json);
        (void)snprintf(line, sizeof line,
                       "{\"Type\":\"container\",\"Action\":\"destroy\",\"Actor\":{\"ID\":\"%s\"}}",
                       id);
        event_line(line);
        serve();
        assert_true(round_is_done());
        calls_forget();
    }
    round_whole();
    size_t removed = 0;
    for (size_t i = 0; i < fake.part.row_count; i++)
        removed += fake.part.rows[i].state == STATE_REMOVED;
    assert_int_equal(removed, 1000);
    expect_values('a');
    fake_end();
}

/* docker container prune: what ended long ago and is shown no more does not come back by it. */
static void test_removed_long_after_its_end(void **state)
{
    (void)state;
    start_two();
    fake_stop('a', 3);
    event_with("die", 'a', "{\"exitCode\":\"3\"}", fake_now_real_ns());
    round_whole();
    expect_life_only('a', STATE_EXITED);
    advance_ms(FAKE_KEEP_STOPPED_MS);
    round_whole();
    assert_null(row_of('a'));
    fake_remove('a');
    event("destroy", 'a');
    round_whole();
    assert_null(row_of('a'));
    expect_values('b');
    fake_end();
}

/* The engine is away: what is removed stays so, with what is known of it. */
static void test_removed_while_the_engine_is_away(void **state)
{
    (void)state;
    start_two();
    event_with("die", 'b', "{\"exitCode\":\"2\"}", fake_now_real_ns());
    event("destroy", 'b');
    fake_remove('b');
    round_whole();
    events_end(REASON_ENDED_EARLY);
    advance_ms(1000);
    hold("");
    round_begin();
    while (calls_open("") > 0)
        answer_failure("", REASON_CONNECTION_REFUSED);
    assert_true(round_is_done());
    assert_int_equal(engine_up(FAKE_HOST), 0);
    expect_life_only('b', STATE_REMOVED);
    assert_int_equal(row_of('b')->knowledge, KNOWS_ALL);
    assert_int_equal(row_value('b', CONTAINER_EXIT_CODE), 2);
    /* And what ran is told of as it was. */
    expect_absent('a', REASON_CONNECTION_REFUSED);
    assert_int_equal(row_of('a')->tiers[GROUP_LIFE], TIER_ENGINE);
    assert_int_equal(row_value('a', CONTAINER_RESTARTS), 0);
    assert_int_equal(row_value('a', CONTAINER_HEALTH), -1);
    assert_int_equal(point_of('a', POINT_INFO, NULL), 1);
    hold_none();
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_code_by_state),
        cmocka_unit_test(test_never_ran),
        cmocka_unit_test(test_negative_code),
        cmocka_unit_test(test_stopped_is_shown_for_its_time),
        cmocka_unit_test(test_states_and_their_time),
        cmocka_unit_test(test_removed_as_it_ends),
        cmocka_unit_test(test_removed_before_the_events),
        cmocka_unit_test(test_old_inspect_does_not_undo_the_end),
        cmocka_unit_test(test_code_of_an_earlier_run),
        cmocka_unit_test(test_removed_after_its_row),
        cmocka_unit_test(test_removed_from_the_list),
        cmocka_unit_test(test_old_list_does_not_undo_the_end),
        cmocka_unit_test(test_not_removed_after_all),
        cmocka_unit_test(test_never_inspected),
        cmocka_unit_test(test_left_out_stays_left_out),
        cmocka_unit_test(test_many_removed),
        cmocka_unit_test(test_removed_long_after_its_end),
        cmocka_unit_test(test_removed_while_the_engine_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
