/* The engine tier's first and steady rounds: what is asked, in which order, and what the rows are.
 */
#include "tests/unit/fake_engine.h"

#include "base/text.h"

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
}

static void expect_path(size_t index, const char *begin)
{
    const char *path = call_path(index);
    assert_non_null(path);
    if (!text_starts_with(path, begin))
        fail_msg("call %zu is %s, expected %s...", index, path, begin);
}

static void test_first_round_asks_in_order(void **state)
{
    (void)state;
    char path[160];
    start_two();
    fake_add('c', "old", "exited");
    round_whole();
    expect_path(0, "/version");
    assert_string_equal(call_path(0), "/version"); /* without a version: it is not known yet */
    assert_string_equal(call_path(1), "/v1.44/info");
    expect_path(2, "/v1.44/events?");
    assert_string_equal(call_path(3), "/v1.44/containers/json?all=1");
    assert_int_equal(calls_made(inspect_of('a')), 1);
    assert_int_equal(calls_made(inspect_of('b')), 1);
    assert_int_equal(calls_made(inspect_of('c')), 1);
    (void)snprintf(path, sizeof path, "/v1.44%s?stream=false&one-shot=true", stats_of('a'));
    assert_int_equal(calls_made(path), 1);
    assert_int_equal(calls_made("/stats"), 2); /* not of the one that stopped */
    assert_int_equal(calls_made(""), 4 + 3 + 2);
    expect_values('a');
    expect_values('b');
    expect_no_problem();
    assert_int_equal(engine_up(FAKE_HOST), 1);
    fake_end();
}

static void test_rows_say_who_they_are(void **state)
{
    (void)state;
    start_two();
    round_whole();
    const struct container_row *row = row_of('a');
    assert_string_equal(row->identity->engine, FAKE_HOST);
    assert_string_equal(row->identity->name, "web");
    assert_string_equal(row->identity->image, "shop:1");
    assert_int_equal(row->identity->created_ns, FAKE_EPOCH_S * NS_PER_SECOND);
    assert_int_equal(row->identity->started_ns, (FAKE_EPOCH_S + 1) * NS_PER_SECOND);
    assert_int_equal(row->identity->kind, IDENTITY_CONTAINER);
    assert_true(row->identity->local);
    assert_int_equal(row->identity->label_count, 1);
    assert_string_equal(row->identity->labels[0].name, "container_label_team");
    assert_int_equal(row->state, STATE_RUNNING);
    assert_int_equal(row->knowledge, KNOWS_ALL);
    assert_false(row->hidden);
    assert_int_equal(row->cgroup_version, 2);
    assert_int_equal(row->birth, 0); /* that the kernel knows */
    assert_int_equal(row->cpus, 2);
    assert_int_equal(row->cpu_sampled_ns, fake.now_ns);
    fake_end();
}

/* No step waits for a call of a later one, and the round for every call. */
static void test_first_round_step_by_step(void **state)
{
    (void)state;
    start_two();
    round_begin();
    assert_int_equal(calls_open(""), 1);
    answer_as_fake(VERSION);
    assert_int_equal(calls_open(""), 1);
    answer_as_fake(INFO);
    assert_int_equal(calls_open(""), 1);
    events_head();
    assert_int_equal(calls_open(""), 2); /* the stream stays */
    answer_as_fake(LIST);
    assert_int_equal(calls_open("/json"), 2);
    answer_as_fake(inspect_of('a'));
    assert_int_equal(calls_open(stats_of('a')), 1);
    answer_as_fake(inspect_of('b'));
    answer_as_fake(stats_of('b'));
    assert_false(round_is_done());
    answer_as_fake(stats_of('a'));
    assert_true(round_is_done());
    expect_values('a');
    expect_values('b');
    fake_end();
}

static void test_no_containers(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    round_whole();
    expect_no_problem();
    assert_int_equal(engine_up(FAKE_HOST), 1);
    assert_int_equal(fake.part.row_count, 0);
    calls_forget();
    round_begin();
    assert_true(round_is_done()); /* from a timer: round_begin allows no call from inside */
    assert_int_equal(calls_made(""), 0);
    assert_int_equal(engine_up(FAKE_HOST), 1);
    fake_end();
}

struct negotiation {
    const char *api, *min_api, *pinned, *expected; /* NULL expected: it cannot work */
};

static void test_version_is_negotiated(void **state)
{
    (void)state;
    static const struct negotiation cases[] = {
        {"1.41", "1.12", NULL, "/v1.41/"},   {"1.54", "1.40", NULL, "/v1.54/"},
        {"1.55", "1.40", NULL, "/v1.55/"},   {"1.60", "1.40", NULL, "/v1.55/"},
        {"1.60", "1.57", NULL, "/v1.57/"},   {"1.24", "1.12", NULL, "/v1.24/"},
        {"1.23", "1.12", NULL, NULL},        {"1.60", "1.40", "1.43", "/v1.43/"},
        {"1.23", "1.12", "1.30", "/v1.30/"}, {"1.41", "1.12", "newest", NULL},
        {"2.1", "1.24", NULL, "/v1.55/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct negotiation *n = &cases[i];
        char pin[64] = "UNRELATED=1";
        char *environment[] = {pin, NULL};
        if (n->pinned)
            (void)snprintf(pin, sizeof pin, "DOCKER_API_VERSION=%s", n->pinned);
        fake_start_in(environment, NULL, FAKE_HOST);
        fake.api = n->api;
        fake.min_api = n->min_api;
        fake_add('a', "web", "running");
        round_whole();
        if (n->expected) {
            assert_int_equal(calls_made(n->expected), calls_made("") - 1);
            expect_values('a');
        } else {
            assert_int_equal(calls_made(""), 1);
            expect_problem(REASON_API_VERSION);
            assert_int_equal(engine_up(FAKE_HOST), 0);
        }
        fake_end();
    }
}

struct product {
    const char *version, *api;
    bool podman, one_shot, all_at_once;
};

static void test_calls_at_once_by_product(void **state)
{
    (void)state;
    static const struct product products[] = {
        {"20.10.24+dfsg1", "1.41", false, true, true}, {"20.10.0", "1.41", false, true, true},
        {"19.03.15", "1.40", false, false, true},      {"23.0.0", "1.42", false, true, true},
        {"23.0.7", "1.42", false, true, true},         {"23.0.8", "1.42", false, true, false},
        {"24.0.0", "1.43", false, true, true},         {"24.0.6", "1.43", false, true, true},
        {"24.0.7", "1.43", false, true, false},        {"25.0.0", "1.44", false, true, false},
        {"28.0.1", "1.48", false, true, false},        {"4.3.1", "1.41", true, true, false},
        {"3.4.2", "1.40", true, false, false},
    };
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        const struct product *p = &products[i];
        fake_start(FAKE_HOST, NULL);
        fake.version = p->version;
        fake.api = p->api;
        fake.podman = p->podman;
        fake_add('a', "web", "running");
        round_begin();
        serve();
        assert_int_equal(calls_made("one-shot=true"), p->one_shot);
        assert_int_equal(calls_made("stream=false"), 1);
        if (p->all_at_once)
            assert_true(fake.max_connections >= 1000);
        else
            assert_int_equal(fake.max_connections, 16 + 2);
        assert_true(round_is_done());
        fake_end();
    }
}

/* An engine that is replaced by one that needs no crowd is not crowded any more. */
static void test_calls_at_once_after_an_upgrade(void **state)
{
    (void)state;
    start_two();
    fake.version = "20.10.24";
    fake.api = "1.41";
    round_whole();
    assert_true(fake.max_connections >= 1000);
    events_end(REASON_ENDED_EARLY);
    round_begin();
    answer_failure(EVENTS, REASON_CONNECTION_REFUSED);
    assert_true(round_is_done());
    fake.version = "25.0.3";
    fake.api = "1.44";
    round_whole();
    expect_values('a');
    assert_int_equal(fake.max_connections, 16 + 2);
    fake_end();
}

static void test_steady_round_asks_for_stats_alone(void **state)
{
    (void)state;
    start_two();
    fake_add('c', "old", "exited");
    fake_add('d', "held", "paused");
    round_whole();
    for (unsigned round = 0; round < 5; round++) {
        calls_forget();
        advance_ms(10000);
        fake_get('a')->cpu_ns += 5;
        round_whole();
        assert_int_equal(calls_made(""), 3);
        assert_int_equal(calls_made(stats_of('a')), 1);
        assert_int_equal(calls_made(stats_of('b')), 1);
        assert_int_equal(calls_made(stats_of('d')), 1);
        expect_values('a');
        expect_values('d');
        assert_int_equal(row_of('d')->state, STATE_PAUSED);
        expect_no_problem();
    }
    fake_end();
}

static void test_list_after_a_minute(void **state)
{
    (void)state;
    start_two();
    round_whole();
    advance_ms(59000);
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(LIST), 0);
    advance_ms(2000);
    fake_remove('b'); /* without an event: the list is what finds out */
    fake_add('c', "new", "running");
    round_whole();
    assert_int_equal(calls_made(LIST), 1);
    assert_int_equal(calls_made(inspect_of('a')), 0);
    assert_int_equal(calls_made(inspect_of('c')), 1);
    expect_values('a');
    expect_values('c');
    expect_life_only('b', STATE_REMOVED);
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(LIST), 0); /* not again before the next minute */
    fake_end();
}

static void test_list_finds_a_missed_change(void **state)
{
    (void)state;
    start_two();
    round_whole();
    advance_ms(61000);
    fake_get('a')->name = "shop";
    fake_get('b')->state = "exited";
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(inspect_of('a')), 1);
    assert_int_equal(calls_made(inspect_of('b')), 1);
    assert_int_equal(calls_made("/stats"), 1);
    assert_string_equal(row_of('a')->identity->name, "shop");
    assert_int_equal(row_of('b')->state, STATE_EXITED);
    fake_end();
}

/* How it does and nothing else: it uses nothing, so nothing is missing. */
static void test_stopped_containers(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum container_state state;
    } states[] = {{"created", STATE_CREATED},
                  {"exited", STATE_EXITED},
                  {"dead", STATE_DEAD},
                  {"restarting", STATE_RESTARTING},
                  {"removing", STATE_REMOVING}};
    fake_start(FAKE_HOST, NULL);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        fake_add((char)('a' + i), "gone", states[i].word);
    round_whole();
    assert_int_equal(calls_made("/stats"), 0);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        expect_life_only((char)('a' + i), states[i].state);
    }
    expect_no_problem();
    assert_int_equal(engine_up(FAKE_HOST), 1);
    fake_end();
}

/* A row says that nobody is to show it, whoever measures it; there are no values in it. */
static void test_containers_left_out(void **state)
{
    (void)state;
    fake_start_in(NULL, "name=web*", FAKE_HOST);
    fake_add('a', "web1", "running");
    fake_add('b', "db", "running");
    round_whole();
    assert_int_equal(calls_made("/stats"), 1);
    expect_values('a');
    assert_false(row_of('a')->hidden);
    const struct container_row *hidden = row_of('b');
    assert_non_null(hidden);
    assert_true(hidden->hidden);
    assert_true(hidden->present == 0);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++)
        assert_int_equal(hidden->tiers[g], TIER_NONE);
    expect_no_problem();
    fake_end();
}

/* `read` is believed where it falls between the request and the answer. */
static void test_when_counters_were_read(void **state)
{
    (void)state;
    static const struct {
        uint64_t ago_ms; /* UINT64_MAX: not said */
        uint64_t expected_ago_ms;
    } cases[] = {{0, 0}, {100, 100}, {300, 300}, {301, 0}, {UINT64_MAX, 0}, {90000, 0}};
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        round_begin();
        advance_ms(300);
        fake_get('a')->read_ago_ns =
            cases[i].ago_ms == UINT64_MAX ? UINT64_MAX : cases[i].ago_ms * NS_PER_MS;
        serve();
        assert_true(round_is_done());
        assert_int_equal(row_of('a')->cpu_sampled_ns,
                         fake.now_ns - cases[i].expected_ago_ms * NS_PER_MS);
    }
    fake_end();
}

/* A clock that runs ahead is wrong too. */
static void test_counters_of_the_future(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    struct fake_container *c = fake_add('a', "web", "running");
    c->stats = "{\"read\":\"2030-01-01T00:00:00Z\",\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":9}"
               ",\"system_cpu_usage\":1}}";
    round_whole();
    assert_int_equal(row_of('a')->cpu_sampled_ns, fake.now_ns);
    assert_int_equal(row_of('a')->values[CONTAINER_CPU_USAGE], 9);
    fake_end();
}

static void test_engine_info_and_counts(void **state)
{
    (void)state;
    start_two();
    fake_add('c', "old", "exited");
    round_whole();
    unsigned infos = 0;
    uint64_t running = 0;
    uint64_t exited = 0;
    for (size_t i = 0; i < fake.part.point_count; i++) {
        const struct point *p = &fake.part.points[i];
        if (p->metric == AGENT_ENGINE_INFO) {
            infos++;
            assert_string_equal(p->labels[0], FAKE_HOST);
            assert_string_equal(p->labels[1], "docker");
            assert_string_equal(p->labels[2], "25.0.3");
            assert_string_equal(p->labels[3], "1.44");
            assert_string_equal(p->labels[4], "2");
        }
        if (p->metric == AGENT_ENGINE_CONTAINERS && text_equal(p->labels[1], "running"))
            running = p->value;
        if (p->metric == AGENT_ENGINE_CONTAINERS && text_equal(p->labels[1], "exited"))
            exited = p->value;
    }
    assert_int_equal(infos, 1);
    assert_int_equal(running, 2);
    assert_int_equal(exited, 1);
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_round_asks_in_order),
        cmocka_unit_test(test_rows_say_who_they_are),
        cmocka_unit_test(test_first_round_step_by_step),
        cmocka_unit_test(test_no_containers),
        cmocka_unit_test(test_version_is_negotiated),
        cmocka_unit_test(test_calls_at_once_by_product),
        cmocka_unit_test(test_calls_at_once_after_an_upgrade),
        cmocka_unit_test(test_steady_round_asks_for_stats_alone),
        cmocka_unit_test(test_list_after_a_minute),
        cmocka_unit_test(test_list_finds_a_missed_change),
        cmocka_unit_test(test_stopped_containers),
        cmocka_unit_test(test_containers_left_out),
        cmocka_unit_test(test_when_counters_were_read),
        cmocka_unit_test(test_counters_of_the_future),
        cmocka_unit_test(test_engine_info_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
