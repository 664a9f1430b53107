/* The light order: numbers from the kernel, the engine for names. The cgroup tier is the test: it
 * says in the inventory what it has measured. */
#include "tests/unit/fake_engine.h"

#include "collectors/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BIRTH 77 /* inode of a container's group */

static const char *id_of(char letter)
{
    static char id[65];
    memset(id, letter, 64);
    return id;
}

/* The cgroup tier had the container in the round just begun or ended. */
static void measure(char letter)
{
    inventory_measured(fake.inventory, id_of(letter), BIRTH, fake.round_number, fake.now_ns);
}

static void start_light(void)
{
    fake_start_light(NULL, FAKE_HOST);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
}

/* Who it is and how it does, and no word of values: not even that they are missing. */
static void expect_name_only(char letter)
{
    const struct container_row *row = row_of(letter);
    assert_non_null(row);
    assert_int_equal(row->state, STATE_RUNNING);
    assert_int_equal(row->knowledge, KNOWS_ALL);
    assert_string_equal(row->identity->name, fake_get(letter)->name);
    assert_int_equal(row->tiers[GROUP_SPEC], TIER_ENGINE); /* inspect said it */
    assert_int_equal(row->tiers[GROUP_LIFE], TIER_ENGINE);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++) {
        if (g == GROUP_SPEC || g == GROUP_LIFE || g == GROUP_DISK)
            continue;
        assert_int_equal(row->tiers[g], TIER_NONE);
        assert_int_equal(row->absent[g], REASON_NONE);
    }
    assert_false(row_has(row, CONTAINER_CPU_USAGE));
}

static void test_measured_containers_are_not_asked_for(void **state)
{
    (void)state;
    start_light();
    round_whole();
    for (unsigned i = 0; i < 5; i++) {
        measure('a');
        measure('b');
        calls_forget();
        advance_ms(10000);
        round_whole();
        assert_int_equal(calls_made(""), 0);
        expect_name_only('a');
        expect_name_only('b');
        expect_no_problem();
        assert_int_equal(engine_up(FAKE_HOST), 1);
    }
    fake_end();
}

/* The round in which the engine names it is the cgroup tier's, to find it. */
static void test_grace_after_inspect(void **state)
{
    (void)state;
    start_light();
    round_whole();
    assert_int_equal(calls_made("/json"), 3); /* the list and the inspects */
    assert_int_equal(calls_made("/stats"), 0);
    expect_name_only('a');
    expect_name_only('b');
    expect_no_problem();
    measure('a');
    fake_add('c', "new", "running");
    event("start", 'c');
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(stats_of('a')), 0);
    assert_int_equal(calls_made(stats_of('b')), 1); /* nobody has found it */
    assert_int_equal(calls_made(inspect_of('c')), 1);
    assert_int_equal(calls_made(stats_of('c')), 0);
    expect_name_only('a');
    expect_values('b');
    expect_name_only('c');
    expect_no_problem();
    fake_end();
}

/* It had it, and has it no more: the engine's values come back, and go again. */
static void test_no_longer_measured(void **state)
{
    (void)state;
    start_light();
    round_whole();
    measure('a');
    measure('b');
    round_whole();
    measure('b');
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(stats_of('a')), 1);
    assert_int_equal(calls_made(""), 1);
    expect_values('a');
    expect_name_only('b');
    measure('a');
    measure('b');
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 0);
    expect_name_only('a');
    fake_end();
}

/* A restart is named by an inspect: the same container, and not asked for. */
static void test_restart_in_the_light_order(void **state)
{
    (void)state;
    start_light();
    round_whole();
    measure('a');
    measure('b');
    round_whole();
    measure('b');
    fake_get('a')->started_s = 900;
    event("die", 'a');
    event("start", 'a');
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 1);
    assert_int_equal(calls_made(inspect_of('a')), 1);
    expect_name_only('a');
    assert_int_equal(row_of('a')->identity->started_ns, (FAKE_EPOCH_S + 900) * NS_PER_SECOND);
    fake_end();
}

/* Stats are asked for, do not come, and it is said why: it is the engine's again. */
static void test_unmeasured_and_silent(void **state)
{
    (void)state;
    start_light();
    fake_add('c', "cache", "running");
    round_whole();
    measure('b');
    hold(stats_of('a'));
    round_begin();
    serve();
    assert_false(round_is_done());
    advance_ms(2000);
    round_cancel();
    expect_absent('a', REASON_TIMEOUT);
    expect_name_only('b');
    expect_values('c');
    expect_problem(REASON_TIMEOUT);
    fake_end();
}

/* The kernel knows nothing of other hosts' containers. */
static void test_remote_engine_in_the_light_order(void **state)
{
    (void)state;
    fake_start_light(NULL, "tcp://engine.example:2375");
    fake_add('a', "web", "running");
    for (unsigned i = 0; i < 3; i++) {
        calls_forget();
        round_whole();
        assert_int_equal(calls_made(stats_of('a')), 1);
        expect_values('a');
    }
    fake_end();
}

/* The engine first: whatever the cgroup tier has, the engine is asked. */
static void test_not_the_light_order(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    for (unsigned i = 0; i < 3; i++) {
        calls_forget();
        round_whole();
        assert_int_equal(calls_made(stats_of('a')), 1);
        expect_values('a');
        measure('a');
    }
    fake_end();
}

static void test_left_out_in_the_light_order(void **state)
{
    (void)state;
    fake_start_light("name=web*", FAKE_HOST);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
    for (unsigned i = 0; i < 3; i++) {
        calls_forget();
        round_whole(); /* nobody measures them */
        assert_int_equal(calls_made(stats_of('a')), i > 0);
        assert_int_equal(calls_made(stats_of('b')), 0);
        assert_true(row_of('b')->hidden);
        assert_true(row_of('b')->present == 0);
    }
    fake_end();
}

static void test_stopped_in_the_light_order(void **state)
{
    (void)state;
    fake_start_light(NULL, FAKE_HOST);
    fake_add('a', "old", "exited");
    for (unsigned i = 0; i < 3; i++) {
        round_whole();
        assert_int_equal(calls_made("/stats"), 0);
        expect_life_only('a', STATE_EXITED);
        expect_no_problem();
    }
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured_containers_are_not_asked_for),
        cmocka_unit_test(test_grace_after_inspect),
        cmocka_unit_test(test_no_longer_measured),
        cmocka_unit_test(test_restart_in_the_light_order),
        cmocka_unit_test(test_unmeasured_and_silent),
        cmocka_unit_test(test_remote_engine_in_the_light_order),
        cmocka_unit_test(test_not_the_light_order),
        cmocka_unit_test(test_left_out_in_the_light_order),
        cmocka_unit_test(test_stopped_in_the_light_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
