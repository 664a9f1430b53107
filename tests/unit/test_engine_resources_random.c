/* What an engine has beside containers, with answers, failures, events, time and rounds in any
 * order: never two calls where one is allowed, numbers exact or absent, and all of it known again
 * when the engine is well. Document: engine_resources.h. */
#include "collectors/engine_resources.h"

#include "collectors/engine_round.h"
#include "tests/unit/fake_engine.h"
#include "tests/unit/fake_resources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RUNS  150
#define STEPS 300

static uint64_t seed;
static bool in_round;

/* xorshift64*: the same on every machine. */
static unsigned pick(unsigned below)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (unsigned)((seed * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % below;
}

static void expect_one_of(enum agent_metric metric, int64_t value)
{
    int64_t shown = resource_point(metric, FAKE_HOST, NULL);
    assert_true(shown == -1 || shown == value);
}

static void look(void)
{
    expect_one_of(AGENT_ENGINE_IMAGES, fake_has.images);
    expect_one_of(AGENT_ENGINE_IMAGES_DANGLING, fake_has.dangling);
    expect_one_of(AGENT_ENGINE_VOLUMES, fake_has.volumes);
    expect_one_of(AGENT_ENGINE_VOLUMES_UNUSED, fake_has.unused);
    expect_one_of(AGENT_ENGINE_NETWORKS, fake_has.networks);
    bool counted = resource_point(AGENT_ENGINE_DISK, FAKE_HOST, "volumes") == 5;
    assert_true(counted == (resource_point(AGENT_ENGINE_DISK_TIME, FAKE_HOST, NULL) != -1));
    for (size_t i = 0; i < fake.part.row_count; i++) {
        const struct container_row *row = &fake.part.rows[i];
        bool given = row->tiers[GROUP_DISK] == TIER_ENGINE;
        const struct point *first = NULL;
        assert_true(given == (disk_points(row, &first) > 0));
        assert_true(!given || row->absent[GROUP_DISK] == REASON_NONE);
        if (given)
            assert_int_equal(first->value, fake_has.size_bytes);
    }
}

static void see_whether_done(void)
{
    assert_true(calls_open(IMAGES) + calls_open(VOLUMES) + calls_open(NETWORKS) <= 1);
    assert_true(calls_open(USAGE) + calls_open(SIZES) <= 1);
    if (!in_round || !round_is_done())
        return;
    look();
    in_round = false;
}

static void fail_something(void)
{
    static const enum reason transport[] = {REASON_NO_SOCKET,         REASON_CONNECTION_REFUSED,
                                            REASON_CONNECTION_FAILED, REASON_TIMEOUT,
                                            REASON_TOO_LARGE,         REASON_ENDED_EARLY};
    static const struct {
        int status;
        const char *body;
    } answers[] = {{500, "oops"}, {404, "{}"}, {200, ""}, {200, "{"}, {200, "[7]"}, {403, ""}};
    size_t open = calls_open("");
    if (open == 0)
        return;
    size_t n = pick((unsigned)open);
    if (pick(2) == 0 && !events_are_live()) {
        unsigned a = pick(sizeof answers / sizeof answers[0]);
        fail_nth(n, REASON_NONE, answers[a].status, answers[a].body);
    } else {
        fail_nth(n, transport[pick(sizeof transport / sizeof transport[0])], 0, "");
    }
}

static void stir(void)
{
    static const char *const types[] = {"image", "volume", "container", "plugin"};
    struct engine *e = ((struct engine_collector *)fake.collector)->engines;
    if (pick(3) == 0)
        e->facts.local = true;
    engine_resources_event(e->resources, types[pick(4)]);
}

static void cancel_or_idle(void)
{
    if (!in_round) {
        fake.collector->kind->close_idle(fake.collector);
        return;
    }
    advance_ms(500);
    timers_run();
    see_whether_done();
    if (!in_round)
        return;
    round_cancel();
    look();
    in_round = false;
}

static void step(void)
{
    size_t open = calls_open("");
    switch (pick(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (open > 0)
            (void)answer_nth(pick((unsigned)open));
        break;
    case 4:
        fail_something();
        break;
    case 5:
        stir();
        break;
    case 6:
        advance_ms(pick(4) == 0 ? pick(400000) : pick(9000));
        timers_run();
        break;
    case 7:
        cancel_or_idle();
        break;
    case 8:
        if (worker_has_job())
            worker_run();
        break;
    default:
        if (!in_round) {
            round_begin();
            in_round = true;
        }
        break;
    }
    see_whether_done();
}

/* The engine is well again and a few rounds pass. */
static void heal(void)
{
    for (unsigned i = 0; i < 6; i++) {
        serve();
        see_whether_done();
        assert_false(in_round);
        if (worker_has_job())
            worker_run();
        advance_ms(100000);
        serve();
        round_begin();
        in_round = true;
    }
    serve();
    see_whether_done();
    assert_false(in_round);
    assert_int_equal(resource_point(AGENT_ENGINE_IMAGES, FAKE_HOST, NULL), fake_has.images);
    assert_int_equal(resource_point(AGENT_ENGINE_NETWORKS, FAKE_HOST, NULL), fake_has.networks);
    assert_int_equal(resource_point(AGENT_ENGINE_DISK, FAKE_HOST, "volumes"), 5);
    assert_int_equal(row_of('a')->tiers[GROUP_DISK], TIER_ENGINE);
}

static void test_any_order(void **state)
{
    (void)state;
    for (unsigned run = 1; run <= RUNS; run++) {
        seed = run * UINT64_C(0x9E3779B97F4A7C15);
        fake_resources_show(GROUPS_ALL);
        fake_resources.df_interval_ms = 60000;
        fake_resources.size_interval_ms = 60000;
        fake_resources.root = WEIR_SOURCE_DIR;
        fake_has.layers_bytes = 1000;
        fake_has.size_letter = "a";
        fake_has.size_bytes = 77;
        fake_start(FAKE_HOST, NULL);
        fake_add('a', "web", "running");
        in_round = false;
        for (unsigned i = 0; i < STEPS; i++)
            step();
        heal();
        calls_forget();
        fake_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
