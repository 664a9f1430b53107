/* The tiers beside each other: what they are made from, in which order they are looked at, and one
 * container that both know. */
#include "tests/unit/fake_tiers.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The tiers share one inventory; the engine is asked for names alone where the cgroup tier comes
 * before it. */
static void test_what_tiers_are_made_from(void **state)
{
    (void)state;
    static const struct {
        const char *names[3];
        size_t count;
        bool light;
    } cases[] = {
        {{"engine", "cgroup"}, 2, false},
        {{"cgroup", "engine"}, 2, true},
        {{"engine"}, 1, false},
        {{"cgroup"}, 1, false},
        {{"cgroup", "simulated", "engine"}, 3, true},
        {{"engine", "cgroup", "simulated"}, 3, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct inventory *shared = NULL;
        reset();
        assert_int_equal(make(cases[i].names, cases[i].count), 0);
        for (size_t t = 0; t < TIERS; t++) {
            const struct collector_options *options = &tiers[t].options;
            if (!tiers[t].collector.kind)
                continue;
            assert_int_equal(options->engine_for_identity, cases[i].light);
            assert_non_null(options->inventory);
            assert_true(!shared || options->inventory == shared);
            shared = options->inventory;
            assert_ptr_equal(options->clock, &fake_clock); /* the rest is as it was given */
        }
        cascade_close(cascade);
    }
}

/* What cascade_examine hears, in its order. */
static char examined[128];

static void take_line(void *context, enum check_result result, const char *subject,
                      const char *text)
{
    assert_ptr_equal(context, examined);
    assert_string_equal(text, "it was looked at");
    size_t length = strlen(examined);
    (void)snprintf(examined + length, sizeof examined - length, "%s=%d ", subject, (int)result);
}

static void test_every_tier_is_examined(void **state)
{
    (void)state;
    static const char *const names[] = {"cgroup", "engine"};
    const struct check_sink sink = {.context = examined, .line = take_line};
    reset();
    tiers[ENGINE].absent = true;
    examined[0] = '\0';
    assert_int_equal(make(names, 2), 0);
    begin();
    snapshot_unref(cascade_seal(cascade, NULL));
    cascade_examine(cascade, &sink);
    assert_string_equal(examined, "cgroup=0 engine=2 ");
    end(NULL);
}

/* The engine goes away within a round: the kernel's values, the engine's names, one counter. */
static void test_engine_goes_away(void **state)
{
    (void)state;
    struct snapshot *s = NULL;
    start();
    for (unsigned i = 0; i < 3; i++) {
        bool away = i == 1;
        now_ns += 2 * NS_PER_SECOND;
        begin();
        for (unsigned t = ENGINE; t <= CGROUP; t++) {
            struct container_row *row = add(&tiers[t], "1");
            row->knowledge = t == CGROUP ? KNOWS_ALIVE : away ? KNOWS_OF_OLD : KNOWS_ALL;
            row->birth = t == CGROUP ? 7 : 0;
            row->cpu_sampled_ns = now_ns;
            if (t == ENGINE && away) {
                row->absent[GROUP_CPU] = REASON_CONNECTION_REFUSED;
                row_set(row, CONTAINER_LAST_SEEN, 5);
                continue;
            }
            row->tiers[GROUP_CPU] = t == ENGINE ? TIER_ENGINE : TIER_CGROUP;
            row_set(row, CONTAINER_CPU_USAGE, now_ns / 2);
        }
        tiers[CGROUP].part->sees_host = true;
        snapshot_unref(s);
        s = cascade_seal(cascade, NULL);
        assert_int_equal(s->row_count, 1);
        assert_int_equal(s->rows[0].tiers[GROUP_CPU], away ? TIER_CGROUP : TIER_ENGINE);
        assert_int_equal(s->rows[0].state, STATE_RUNNING);
        assert_int_equal(row_has(&s->rows[0], CONTAINER_SUM_CPU_PERCENT), i > 0);
        if (i > 0)
            assert_int_equal(s->rows[0].values[CONTAINER_SUM_CPU_PERCENT], 50 * 1000000);
        assert_int_equal(s->rows[0].values[CONTAINER_LAST_SEEN], now_ns / NS_PER_MS);
    }
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_tiers_are_made_from),
        cmocka_unit_test(test_every_tier_is_examined),
        cmocka_unit_test(test_engine_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
