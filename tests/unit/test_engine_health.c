/* What the engine tier tells of containers beside their values and their ends: health, what they
 * are made from, OOM kills, restarts; and how few calls that takes. */
#include "tests/unit/fake_engine.h"

#include "collectors/inventory.h"

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
    calls_forget();
}

static size_t inspects_made(void)
{
    return calls_made("/json") - calls_made(LIST);
}

static void test_health_by_word(void **state)
{
    (void)state;
    static const struct {
        const char *health, *word;
        int value;
    } cases[] = {{NULL, "none", -1},
                 {"starting", "starting", 0},
                 {"healthy", "healthy", 1},
                 {"unhealthy", "unhealthy", 0}};
    static const char *const states[] = {"running", "paused", "exited", "restarting", "created"};
    for (size_t i = 0; i < 4 * 5; i++) {
        bool live = i / 4 < 2;
        fake_start(FAKE_HOST, NULL);
        struct fake_container *c = fake_add('a', "web", states[i / 4]);
        c->health = cases[i % 4].health;
        c->streak = 3;
        round_whole();
        assert_int_equal(row_lacks('a', CONTAINER_HEALTH_STREAK), c->health == NULL);
        if (c->health)
            assert_int_equal(row_value('a', CONTAINER_HEALTH_STREAK), 3);
        assert_int_equal(row_lacks('a', CONTAINER_HEALTH), !live);
        assert_int_equal(point_of('a', POINT_HEALTH_STATE, NULL), live ? 1 : -1);
        if (live) {
            assert_int_equal(row_value('a', CONTAINER_HEALTH), cases[i % 4].value);
            assert_int_equal(point_of('a', POINT_HEALTH_STATE, cases[i % 4].word), 1);
        }
        fake_end();
    }
}

static void test_health_changes(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    struct fake_container *c = fake_add('a', "web", "running");
    c->health = "starting";
    round_whole();
    calls_forget();
    c->health = "unhealthy";
    c->streak = 3;
    fake.changes = 0;
    event("health_status: unhealthy", 'a');
    assert_int_equal(fake.changes, 1);
    round_whole();
    assert_int_equal(calls_made(inspect_of('a')), 1);
    assert_int_equal(point_of('a', POINT_HEALTH_STATE, "unhealthy"), 1);
    assert_int_equal(row_value('a', CONTAINER_HEALTH_STREAK), 3);
    assert_int_equal(events_counted("container", "health_status"), 1);
    fake_end();
}

/* Events tell of changes, not of every failed check: the streak is looked at once a minute. */
static void test_streak_that_grows(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "sick", "running")->health = "unhealthy";
    fake_add('b', "well", "running")->health = "healthy";
    fake_add('c', "none", "running");
    round_whole();
    calls_forget();
    fake_get('a')->streak = 9;
    for (unsigned i = 0; i < 600; i++) {
        advance_ms(999);
        round_whole();
        if (i % 100 == 0)
            calls_forget(); /* what was made so far is looked at below */
        assert_int_equal(calls_made(inspect_of('b')), 0);
        assert_int_equal(calls_made(inspect_of('c')), 0);
        assert_true(calls_made(inspect_of('a')) <= 2);
    }
    assert_int_equal(row_value('a', CONTAINER_HEALTH_STREAK), 9);
    fake_end();
}

/* An engine that could not send fast enough has dropped an event and told nobody. */
static void test_event_that_was_dropped(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    for (size_t i = 0; i < 8; i++)
        fake_add("abcdef01"[i], "web", "running")->health = "healthy";
    round_whole();
    fake_get('a')->health = "unhealthy";
    fake_get('e')->restarts = 4;
    calls_forget();
    for (unsigned i = 0; i < 9 * 60; i++) {
        advance_ms(1000);
        round_whole();
        assert_int_equal(inspects_made(), 0);
        if (i % 60 == 59)
            calls_forget(); /* lists and stats */
    }
    for (unsigned i = 0; i < 10; i++) {
        calls_forget();
        advance_ms(61000);
        round_whole();
        assert_true(inspects_made() <= 2); /* one old one, and the one found to be unhealthy */
    }
    assert_int_equal(point_of('a', POINT_HEALTH_STATE, "unhealthy"), 1);
    assert_int_equal(row_value('e', CONTAINER_RESTARTS), 4);
    fake_end();
}

/* Where no events come, a health that changed is found so too. */
static void test_health_without_events(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake.events_refused = true;
    fake_add('a', "web", "running")->health = "healthy";
    round_whole();
    fake_get('a')->health = "unhealthy";
    calls_forget();
    for (unsigned i = 0; i < 61; i++) {
        advance_ms(1000);
        round_whole();
    }
    assert_int_equal(point_of('a', POINT_HEALTH_STATE, "unhealthy"), 1);
    assert_int_equal(inspects_made(), 1);
    fake_end();
}

/* Of hundred rounds in which nothing happens none asks who anybody is; one event makes one. */
static void test_no_inspect_in_a_quiet_round(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running")->health = "healthy";
    fake_add('b', "db", "paused");
    fake_add('c', "old", "exited");
    fake_add('d', "loop", "restarting");
    round_whole();
    calls_forget();
    for (unsigned i = 0; i < 100; i++) {
        advance_ms(1000);
        round_whole();
        assert_int_equal(row_of('c')->state, STATE_EXITED);
    }
    assert_int_equal(inspects_made(), 0);
    assert_true(calls_made(LIST) <= 2);
    static const char *const actions[] = {
        "health_status: healthy", "rename", "update", "pause", "unpause", "die", "start"};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        calls_forget();
        event(actions[i], 'a');
        for (unsigned r = 0; r < 5; r++)
            round_whole();
        assert_int_equal(inspects_made(), 1);
    }
    /* What is told of by other events too, or changes nothing. */
    static const char *const quiet[] = {"kill", "oom", "restart"};
    calls_forget();
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
        event(quiet[i], 'a');
        round_whole();
    }
    assert_int_equal(inspects_made(), 0);
    fake_end();
}

static const char *label_of(char letter, size_t index)
{
    const struct container_row *row = row_of(letter);
    for (size_t i = 0; row && i < row->point_count; i++)
        if (row->points[i].metric == POINT_INFO)
            return row->points[i].labels[index];
    fail_msg("%c has no info", letter);
    return NULL;
}

static void expect_info(char letter, const char *ports, const char *mounts, const char *network)
{
    assert_int_equal(point_of(letter, POINT_INFO, "sha256:0123"), 1);
    assert_string_equal(label_of(letter, 2), ports);
    assert_string_equal(label_of(letter, 3), mounts);
    assert_string_equal(label_of(letter, 4), network);
    for (size_t i = 0; i < 5; i++) /* nothing of the host, nothing of the environment */
        assert_null(strstr(label_of(letter, i), "secret"));
}

static void test_info(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    struct fake_container *c = fake_add('a', "web", "running");
    c->ports = "{\"443/tcp\":null,\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}]}";
    c->mounts = "[{\"Type\":\"volume\",\"Name\":\"secret\",\"Destination\":\"/var/lib/x\"},"
                "{\"Type\":\"bind\",\"Source\":\"/secret\",\"Destination\":\"/data\"}]";
    round_whole();
    static const char ports[] = "80/tcp->0.0.0.0:8080,443/tcp";
    static const char mounts[] = "bind:/data,volume:/var/lib/x";
    expect_info('a', ports, mounts, "bridge");
    expect_values('a');
    /* It stops: nothing is published any more, and it is still what it is. */
    c->ports = "{}";
    c->state = "exited";
    event("die", 'a');
    round_whole();
    expect_life_only('a', STATE_EXITED);
    expect_info('a', ports, mounts, "bridge");
    c->state = "running";
    c->ports = "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"9\"}]}";
    event("start", 'a');
    round_whole();
    expect_info('a', "80/tcp->:9", mounts, "bridge");
    fake_end();
}

static void test_restarts(void **state)
{
    (void)state;
    start_two();
    struct fake_container *c = fake_get('a');
    for (unsigned i = 1; i <= 3; i++) {
        c->state = "restarting";
        c->exit_code = 7;
        c->restarts = i;
        c->finished_s = 1000 + 10 * i;
        event_with("die", 'a', "{\"exitCode\":\"7\"}", fake_now_real_ns());
        round_whole();
        expect_life_only('a', STATE_RESTARTING);
        assert_int_equal(row_value('a', CONTAINER_EXIT_CODE), 7);
        assert_int_equal(row_value('a', CONTAINER_RESTARTS), i);
        c->state = "running";
        c->exit_code = 0;
        c->started_s = 1001 + 10 * i;
        event("start", 'a');
        round_whole();
        expect_values('a');
        assert_true(row_lacks('a', CONTAINER_EXIT_CODE));
        assert_int_equal(row_value('a', CONTAINER_RESTARTS), i);
        advance_ms(5000);
    }
    fake_end();
}

/* OOM kills. */

static void test_kills_are_counted(void **state)
{
    (void)state;
    start_two();
    assert_true(row_of('a')->kills_heard);
    assert_int_equal(row_of('a')->kills_told, 0);
    assert_int_equal(row_of('a')->kills_told_ns, 0);
    assert_int_equal(row_value('a', CONTAINER_OOM_KILLED), 0);
    event("oom", 'a');
    advance_ms(700);
    event("oom", 'a');
    uint64_t heard_ns = fake.now_ns;
    round_whole();
    assert_int_equal(inspects_made(), 0);
    assert_int_equal(row_of('a')->kills_told, 2);
    assert_int_equal(row_of('a')->kills_told_ns, heard_ns);
    assert_true(row_of('a')->kills_heard);
    assert_int_equal(row_value('a', CONTAINER_OOM_KILLED), 1);
    assert_int_equal(row_of('b')->kills_told, 0);
    event("rename", 'a'); /* looked at anew, the same instance; the engine does not say it yet */
    round_whole();
    assert_int_equal(row_of('a')->kills_told, 2);
    assert_int_equal(row_value('a', CONTAINER_OOM_KILLED), 1);
    assert_int_equal(events_counted("container", "oom"), 2);
    fake_end();
}

/* A restart policy faster than the rounds: what was told of runs that no inspect has seen stays. */
static void test_kills_of_unseen_instances(void **state)
{
    (void)state;
    start_two();
    event("oom", 'a');
    for (unsigned i = 0; i < 3; i++) {
        event("die", 'a');
        event("start", 'a');
        event("oom", 'a');
    }
    event("die", 'a');
    event("start", 'a');
    fake_get('a')->started_s = 1012;
    for (unsigned i = 0; i < 3; i++) {
        round_whole();
        assert_int_equal(row_of('a')->kills_before, 4);
        assert_int_equal(row_of('a')->kills_told, 0);
        event("rename", 'a');
    }
    fake_end();
}

/* A start begins anew, and what is told of the new instance before it was looked at is its own. */
static void test_kills_of_a_new_instance(void **state)
{
    (void)state;
    start_two();
    event("oom", 'a');
    advance_ms(1000);
    fake_get('a')->started_s = 1002;
    event("die", 'a');
    event("start", 'a');
    event("oom", 'a');
    event("oom", 'a');
    round_whole();
    assert_int_equal(row_of('a')->kills_told, 2);
    assert_true(row_of('a')->kills_heard);
    assert_int_equal(row_value('a', CONTAINER_OOM_KILLED), 1);
    assert_int_equal(row_of('a')->kills_before, 1);
    advance_ms(10000);
    fake_get('a')->started_s = 1012;
    event("start", 'a');
    round_whole();
    assert_int_equal(row_of('a')->kills_before, 3);
    assert_int_equal(row_of('a')->kills_told, 0);
    assert_int_equal(row_of('a')->kills_told_ns, 0);
    assert_int_equal(row_value('a', CONTAINER_OOM_KILLED), 0);
    fake_end();
}

/* Which instance was killed is not mixed up when events overtake inspects: as long as the old one
 * is shown nothing falls. */
static void test_kills_while_the_instance_changes(void **state)
{
    (void)state;
    start_two();
    event("oom", 'a');
    event("update", 'a');
    round_begin();
    event("die", 'a');
    event("start", 'a');
    event("oom", 'a');
    answer_as_fake(inspect_of('a')); /* of before */
    advance_ms(2000);
    round_cancel(); /* the second one is still under way */
    assert_int_equal(row_of('a')->identity->started_ns, (FAKE_EPOCH_S + 1) * NS_PER_SECOND);
    assert_int_equal(row_of('a')->kills_told, 2);
    fake_get('a')->started_s = 1002;
    serve();
    round_whole();
    assert_int_equal(row_of('a')->identity->started_ns, (FAKE_EPOCH_S + 1002) * NS_PER_SECOND);
    assert_int_equal(row_of('a')->kills_told, 1);
    assert_true(row_of('a')->kills_heard);
    /* The inspect overtakes the event. */
    fake_get('a')->started_s = 1005;
    event("update", 'a');
    round_whole();
    assert_int_equal(row_of('a')->kills_told, 0);
    event("start", 'a');
    event("oom", 'a');
    round_whole();
    event("oom", 'a');
    round_whole();
    assert_int_equal(row_of('a')->kills_told, 2);
    assert_true(row_of('a')->kills_heard);
    fake_end();
}

/* A new instance whose start nobody told of, found by the list. */
static void test_kills_of_a_missed_instance(void **state)
{
    (void)state;
    start_two();
    event("oom", 'a');
    fake_get('a')->started_s = 1030;
    fake_get('a')->oom_killed = true; /* the engine says it, events do not */
    advance_ms(40000);
    event("update", 'a');
    round_whole();
    assert_int_equal(row_of('a')->kills_told, 0);
    assert_int_equal(row_value('a', CONTAINER_OOM_KILLED), 1);
    assert_true(row_of('a')->kills_heard); /* since it was first seen */
    fake_end();
}

/* What the stream missed nobody knows: only what began or was first seen with it is heard. */
static void test_stream_lost_and_regained(void **state)
{
    (void)state;
    static const enum reason ends[] = {REASON_NONE, REASON_ENDED_EARLY, REASON_CONNECTION_FAILED};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        start_two();
        fake_add('c', "shop", "running");
        event("start", 'c');
        event("oom", 'a');
        event_line("{\"Type\":\"image\",\"Action\":\"pull\",\"Actor\":{\"ID\":\"x\"}}");
        round_whole();
        assert_int_equal(events_counted("container", "oom"), 1);
        assert_int_equal(events_counted("image", "pull"), 1);
        events_end(ends[i]);
        fake_get('a')->health = "unhealthy"; /* all of it missed */
        fake_get('b')->state = "exited";
        fake_get('b')->exit_code = 3;
        fake_get('b')->finished_s = 1000;
        fake_remove('c');
        fake_add('d', "new", "running");
        advance_ms(1000);
        round_whole();
        assert_int_equal(calls_made(EVENTS), 1);
        assert_int_equal(point_of('a', POINT_HEALTH_STATE, "unhealthy"), 1);
        expect_life_only('b', STATE_EXITED);
        assert_int_equal(row_value('b', CONTAINER_EXIT_CODE), 3);
        expect_life_only('c', STATE_REMOVED);
        expect_values('d');
        assert_false(row_of('a')->kills_heard);
        assert_int_equal(row_of('a')->kills_told, 1); /* never falls */
        assert_true(row_of('d')->kills_heard);
        assert_int_equal(events_counted("container", "oom"), 1);
        assert_int_equal(events_counted("image", "pull"), 1);
        event("oom", 'a');
        event_line("{\"Type\":\"image\",\"Action\":\"pull\",\"Actor\":{\"ID\":\"x\"}}");
        round_whole();
        assert_int_equal(events_counted("container", "oom"), 2);
        assert_int_equal(events_counted("image", "pull"), 2);
        assert_int_equal(row_of('a')->kills_told, 2);
        assert_false(row_of('a')->kills_heard);
        fake_get('a')->started_s = 1002; /* an instance of its own is heard again */
        event("start", 'a');
        round_whole();
        assert_true(row_of('a')->kills_heard);
        assert_int_equal(row_of('a')->kills_told, 0);
        fake_end();
    }
}

/* The engine restarts: counts go on from what they were, also while it is away. */
static void test_counts_while_the_engine_is_away(void **state)
{
    (void)state;
    start_two();
    event("pause", 'a');
    round_whole();
    events_end(REASON_ENDED_EARLY);
    hold("");
    round_begin();
    while (calls_open("") > 0)
        answer_failure("", REASON_CONNECTION_REFUSED);
    assert_true(round_is_done());
    hold_none();
    assert_int_equal(engine_up(FAKE_HOST), 0);
    assert_int_equal(events_counted("container", "pause"), 1);
    assert_false(row_of('a')->kills_heard);
    fake.collector->kind->close_idle(fake.collector);
    advance_ms(400000);
    round_whole();
    assert_int_equal(events_counted("container", "pause"), 1);
    fake_end();
}

static void test_podman_tells_of_no_kills(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake.podman = true;
    fake.version = "4.3.1";
    fake_add('a', "web", "running");
    round_whole();
    assert_false(row_of('a')->kills_heard);
    fake_end();
}

static void test_events_are_counted(void **state)
{
    (void)state;
    start_two();
    round_whole();
    assert_int_equal(events_counted("container", "die"), 0); /* so that the first is an increase */
    assert_int_equal(events_counted("volume", "prune"), 0);
    assert_int_equal(events_counted("container", "other"), -1);
    assert_int_equal(events_counted("other", "other"), -1);
    event("create", 'c');
    event("checkpoint", 'a');
    event("died", 'b');
    event_line("{\"Type\":\"container\",\"Action\":\"prune\",\"Actor\":{\"ID\":\"\"}}");
    event_line("{\"Type\":\"volume\",\"Action\":\"remove\",\"Actor\":{\"ID\":\"v\"}}");
    event_line("{\"Type\":\"network\",\"Action\":\"create\",\"Actor\":{\"ID\":\"n\"}}");
    event_line("{\"Type\":\"image\",\"Action\":\"\\u0000\",\"Actor\":{\"ID\":\"n\"}}");
    event_line("{\"Type\":\"plugin\",\"Action\":\"enable\",\"Actor\":{\"ID\":\"n\"}}");
    calls_forget();
    round_whole();
    assert_int_equal(events_counted("container", "create"), 1);
    assert_int_equal(events_counted("container", "die"), 1);
    assert_int_equal(events_counted("container", "prune"), 1);
    assert_int_equal(events_counted("container", "other"), 1);
    assert_int_equal(events_counted("volume", "destroy"), 1);
    assert_int_equal(events_counted("network", "create"), 1);
    assert_int_equal(events_counted("other", "other"), 2); /* one that cannot be read */
    fake_end();
}

/* Everything above is told in the light order too, where the kernel has the values. */
static void test_light_order(void **state)
{
    (void)state;
    fake_start_light(NULL, FAKE_HOST);
    struct fake_container *c = fake_add('a', "web", "running");
    c->health = "healthy";
    c->restarts = 2;
    for (unsigned i = 0; i < 3; i++) {
        round_whole();
        inventory_measured(fake.inventory, row_of('a')->identity->container_id, 77,
                           fake.round_number, fake.now_ns);
        assert_int_equal(calls_made("/stats"), 0);
        assert_int_equal(row_value('a', CONTAINER_HEALTH), 1);
        assert_int_equal(row_value('a', CONTAINER_RESTARTS), 2);
        assert_int_equal(point_of('a', POINT_INFO, NULL), 1);
        assert_int_equal(point_of('a', POINT_HEALTH_STATE, "healthy"), 1);
        assert_int_equal(row_of('a')->tiers[GROUP_LIFE], TIER_ENGINE);
        assert_true(row_of('a')->kills_heard);
        advance_ms(1000);
    }
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_by_word),
        cmocka_unit_test(test_health_changes),
        cmocka_unit_test(test_streak_that_grows),
        cmocka_unit_test(test_event_that_was_dropped),
        cmocka_unit_test(test_health_without_events),
        cmocka_unit_test(test_no_inspect_in_a_quiet_round),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_kills_are_counted),
        cmocka_unit_test(test_kills_of_unseen_instances),
        cmocka_unit_test(test_kills_of_a_new_instance),
        cmocka_unit_test(test_kills_while_the_instance_changes),
        cmocka_unit_test(test_kills_of_a_missed_instance),
        cmocka_unit_test(test_stream_lost_and_regained),
        cmocka_unit_test(test_counts_while_the_engine_is_away),
        cmocka_unit_test(test_podman_tells_of_no_kills),
        cmocka_unit_test(test_events_are_counted),
        cmocka_unit_test(test_light_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
