/* One round over several tiers that do what a test says. */
#include "tests/unit/fake_tiers.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_done_when_all_are(void **state)
{
    (void)state;
    for (unsigned reversed = 0; reversed < 2; reversed++) {
        start();
        begin();
        assert_true(tiers[ENGINE].turn < tiers[CGROUP].turn); /* the configured order */
        finish(&tiers[reversed ? CGROUP : ENGINE]);
        assert_int_equal(dones, 0);
        finish(&tiers[reversed ? ENGINE : CGROUP]);
        assert_int_equal(dones, 1);
        struct snapshot *s = cascade_seal(cascade, NULL);
        assert_int_equal(dones, 1);
        assert_int_equal(tiers[ENGINE].cancelled + tiers[CGROUP].cancelled, 0);
        end(s);
    }
}

static void test_late_tiers_are_cancelled(void **state)
{
    (void)state;
    start();
    begin();
    finish(&tiers[CGROUP]);
    struct snapshot *s = cascade_seal(cascade, NULL);
    assert_int_equal(tiers[ENGINE].cancelled, 1);
    assert_int_equal(tiers[CGROUP].cancelled, 0);
    assert_int_equal(dones, 0); /* whoever seals knows */
    snapshot_unref(s);
    begin();
    s = cascade_seal(cascade, NULL);
    assert_int_equal(tiers[ENGINE].cancelled, 2);
    assert_int_equal(tiers[CGROUP].cancelled, 1);
    assert_int_equal(dones, 0);
    end(s);
}

static void say_late(struct fake_tier *t)
{
    add(t, "1")->absent[GROUP_CPU] = REASON_TIMEOUT;
    part_add_problem(t->part, REASON_TIMEOUT, "e", "it did not answer");
}

static void test_what_a_cancelled_tier_has_counts(void **state)
{
    (void)state;
    const char *collector = NULL;
    start();
    tiers[ENGINE].on_cancel = say_late;
    begin();
    finish(&tiers[CGROUP]);
    struct snapshot *s = cascade_seal(cascade, NULL);
    assert_int_equal(s->row_count, 1);
    assert_int_equal(s->rows[0].absent[GROUP_CPU], REASON_TIMEOUT);
    assert_int_equal(cascade_problem(cascade, 0, &collector)->reason, REASON_TIMEOUT);
    assert_string_equal(collector, "engine");
    assert_int_equal(point_value(s, AGENT_COLLECTOR_SUCCESS, "engine", NULL), 0);
    end(s);
}

static void test_falls_back_group_by_group(void **state)
{
    (void)state;
    start();
    begin();
    struct container_row *strong = add(&tiers[ENGINE], "1");
    strong->tiers[GROUP_MEMORY] = TIER_ENGINE;
    row_set(strong, CONTAINER_MEMORY_USAGE, 10);
    strong->absent[GROUP_CPU] = REASON_TIMEOUT;
    strong->absent[GROUP_NETWORK] = REASON_HOST_NETWORK;
    struct container_row *weak = add(&tiers[CGROUP], "1");
    weak->tiers[GROUP_CPU] = TIER_CGROUP;
    row_set(weak, CONTAINER_CPU_USAGE, 20);
    weak->tiers[GROUP_MEMORY] = TIER_CGROUP;
    row_set(weak, CONTAINER_MEMORY_USAGE, 21);
    finish(&tiers[ENGINE]);
    finish(&tiers[CGROUP]);
    struct snapshot *s = cascade_seal(cascade, NULL);
    begin(); /* the parts are used again; the snapshot stays */
    assert_int_equal(s->row_count, 1);
    const struct container_row *row = &s->rows[0];
    assert_int_equal(row->values[CONTAINER_MEMORY_USAGE], 10);
    assert_int_equal(row->values[CONTAINER_CPU_USAGE], 20);
    assert_int_equal(row->tiers[GROUP_CPU], TIER_CGROUP);
    unsigned tier_points = 0;
    unsigned absent_points = 0;
    for (size_t i = 0; i < row->point_count; i++) {
        const struct point *p = &row->points[i];
        if (p->metric == POINT_TIER) {
            assert_string_equal(p->labels[0], "cgroup");
            tier_points++;
        }
        if (p->metric == POINT_ABSENT && strcmp(p->labels[0], "network") == 0) {
            assert_string_equal(p->labels[1], "host_network");
            absent_points++;
        }
        assert_false(p->metric == POINT_ABSENT && strcmp(p->labels[0], "cpu") == 0);
    }
    assert_int_equal(tier_points, 1);
    assert_int_equal(absent_points, 1);
    end(s);
}

/* The kernel shows a container before anybody knows that it is left out: no frozen time stays. */
static void test_left_out_does_not_linger(void **state)
{
    (void)state;
    struct snapshot *s = NULL;
    start();
    for (unsigned i = 0; i < 3; i++) {
        now_ns += 15 * NS_PER_SECOND;
        begin();
        if (i < 2)
            (void)add(&tiers[CGROUP], "1");
        if (i == 1)
            add(&tiers[ENGINE], "1")->hidden = true;
        finish(&tiers[ENGINE]);
        finish(&tiers[CGROUP]);
        snapshot_unref(s);
        s = cascade_seal(cascade, NULL);
        assert_int_equal(s->row_count, i == 0);
    }
    end(s);
}

static void test_last_seen(void **state)
{
    (void)state;
    start();
    begin();
    row_set(add(&tiers[ENGINE], "frozen"), CONTAINER_LAST_SEEN, 5);
    (void)add(&tiers[ENGINE], "fresh");
    add(&tiers[ENGINE], "old")->state = STATE_EXITED;
    struct snapshot *s = cascade_seal(cascade, NULL);
    assert_int_equal(s->rows[0].values[CONTAINER_LAST_SEEN], 5);
    assert_int_equal(s->rows[1].values[CONTAINER_LAST_SEEN], now_ns / NS_PER_MS);
    assert_false(row_has(&s->rows[2], CONTAINER_LAST_SEEN));
    end(s);
}

/* CPU percent needs two rounds: the cascade keeps the history. */
static void test_percent_over_rounds(void **state)
{
    (void)state;
    struct snapshot *s = NULL;
    start();
    for (unsigned i = 0; i < 2; i++) {
        now_ns += 2 * NS_PER_SECOND;
        begin();
        struct container_row *row = add(&tiers[ENGINE], "1");
        row->tiers[GROUP_CPU] = TIER_ENGINE;
        row->cpus = 2;
        row->cpu_sampled_ns = now_ns;
        row_set(row, CONTAINER_CPU_USAGE, now_ns / 2);
        snapshot_unref(s);
        s = cascade_seal(cascade, NULL);
        assert_int_equal(row_has(&s->rows[0], CONTAINER_SUM_CPU_PERCENT), i);
    }
    assert_int_equal(s->rows[0].values[CONTAINER_SUM_CPU_PERCENT], 50 * 1000000);
    end(s);
}

static void test_errors_add_up(void **state)
{
    (void)state;
    start();
    begin();
    for (unsigned i = 0; i < 3; i++)
        part_add_problem(tiers[ENGINE].part, REASON_TIMEOUT, "e", "late");
    part_add_problem(tiers[ENGINE].part, REASON_TIMEOUT, "f", "late too");
    part_add_problem(tiers[ENGINE].part, REASON_HTTP_STATUS, "e", "500");
    struct snapshot *s = cascade_seal(cascade, NULL);
    assert_int_equal(point_value(s, AGENT_COLLECTOR_SUCCESS, "engine", NULL), 0);
    assert_int_equal(point_value(s, AGENT_COLLECTOR_SUCCESS, "cgroup", NULL), 1);
    assert_int_equal(point_value(s, AGENT_COLLECTOR_ERRORS, "engine", "timeout"), 4);
    assert_int_equal(point_value(s, AGENT_COLLECTOR_ERRORS, "engine", "http_status"), 1);
    assert_null(find_point(s, AGENT_COLLECTOR_ERRORS, "cgroup", NULL));
    assert_null(find_point(s, AGENT_COLLECTOR_ERRORS, "engine", "gone"));
    snapshot_unref(s);
    begin();
    part_add_problem(tiers[ENGINE].part, REASON_TIMEOUT, "e", "late again");
    snapshot_unref(cascade_seal(cascade, NULL));
    begin();
    s = cascade_seal(cascade, NULL);
    assert_int_equal(point_value(s, AGENT_COLLECTOR_SUCCESS, "engine", NULL), 1);
    assert_int_equal(point_value(s, AGENT_COLLECTOR_ERRORS, "engine", "timeout"), 5);
    assert_int_equal(point_value(s, AGENT_COLLECTOR_ERRORS, "engine", "http_status"), 1);
    end(s);
}

static void test_problems_are_listed(void **state)
{
    (void)state;
    const char *collector = NULL;
    start();
    begin();
    part_add_problem(tiers[ENGINE].part, REASON_TIMEOUT, "e", "late");
    part_add_problem(tiers[ENGINE].part, REASON_TLS, "f", "no");
    part_add_problem(tiers[CGROUP].part, REASON_MALFORMED, "g", "what");
    struct snapshot *s = cascade_seal(cascade, NULL);
    assert_string_equal(cascade_problem(cascade, 0, &collector)->text, "late");
    assert_string_equal(collector, "engine");
    assert_string_equal(cascade_problem(cascade, 1, &collector)->source, "f");
    assert_string_equal(collector, "engine");
    assert_int_equal(cascade_problem(cascade, 2, &collector)->reason, REASON_MALFORMED);
    assert_string_equal(collector, "cgroup");
    assert_null(cascade_problem(cascade, 3, &collector));
    end(s);
}

static void test_points(void **state)
{
    (void)state;
    struct part agent = {0};
    start();
    for (uint64_t round = 1; round <= 3; round++) {
        begin();
        part_add_point(tiers[ENGINE].part, AGENT_ENGINE_UP, 1, (const char *const[]){"e", NULL});
        part_add_point(tiers[CGROUP].part, AGENT_ENGINE_UP, 0, (const char *const[]){"f", NULL});
        part_reset(&agent);
        part_add_point(&agent, AGENT_BUILD_INFO, 1, (const char *const[]){"v", "r", "c", NULL});
        struct snapshot *s = cascade_seal(cascade, &agent);
        assert_int_equal(s->number, round);
        assert_int_equal(s->monotonic_ns, now_ns);
        assert_int_equal(s->realtime_ns, now_ns);
        assert_int_equal(point_value(s, AGENT_ROUNDS, NULL, NULL), round);
        assert_int_equal(point_value(s, AGENT_SNAPSHOT_TIME, NULL, NULL), now_ns);
        assert_int_equal(point_value(s, AGENT_BUILD_INFO, "v", "r"), 1);
        for (size_t i = 1; i < s->point_count; i++)
            assert_true(s->points[i - 1].metric <= s->points[i].metric);
        snapshot_unref(s);
    }
    part_done(&agent);
    end(NULL);
}

static void test_changes_come_through(void **state)
{
    (void)state;
    start();
    tiers[CGROUP].collector.changed(tiers[CGROUP].collector.changed_context); /* nobody listens */
    cascade_on_change(cascade, count_change, &changes);
    tiers[ENGINE].collector.changed(tiers[ENGINE].collector.changed_context);
    assert_int_equal(changes, 1);
    cascade_on_change(cascade, NULL, NULL);
    tiers[ENGINE].collector.changed(tiers[ENGINE].collector.changed_context);
    assert_int_equal(changes, 1);
    cascade_close_idle(cascade);
    assert_int_equal(tiers[ENGINE].idle, 1);
    assert_int_equal(tiers[CGROUP].idle, 1);
    end(NULL);
}

static void test_unknown_tier(void **state)
{
    (void)state;
    static const char *const names[] = {"engine", "oracle"};
    reset();
    assert_int_equal(make(names, 2), -EINVAL);
    assert_null(cascade);
    assert_int_equal(tiers[ENGINE].closed, 1); /* nothing is left of those made before it */
}

static void test_close_in_a_round(void **state)
{
    (void)state;
    start();
    begin();
    (void)add(&tiers[ENGINE], "1");
    end(NULL);
    assert_int_equal(dones, 0);
    cascade_close(NULL);
}

/* Sealing and beginning again from inside done, as the agent does. */
static unsigned inside_rounds;

static void seal_inside(void *context)
{
    struct snapshot *s = cascade_seal(cascade, NULL);
    assert_int_equal(s->row_count, 1);
    snapshot_unref(s);
    if (++inside_rounds < 3) {
        const struct round round = {.number = ++round_number, .begun_ns = now_ns};
        cascade_begin(cascade, &round, seal_inside, context);
    }
}

static void test_next_round_from_inside_done(void **state)
{
    (void)state;
    start();
    inside_rounds = 0;
    const struct round round = {.number = ++round_number, .begun_ns = now_ns};
    cascade_begin(cascade, &round, seal_inside, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        (void)add(&tiers[ENGINE], "1");
        finish(&tiers[CGROUP]);
        finish(&tiers[ENGINE]);
        assert_int_equal(inside_rounds, i);
    }
    end(NULL);
}

/* Simulated values stand in where nothing else can work, decided at start. */
static void test_simulated_stands_in(void **state)
{
    (void)state;
    static const struct {
        const char *names[3];
        size_t count;
        bool absent;
        unsigned simulated; /* does it take part? */
    } cases[] = {
        {{"engine", "cgroup", "simulated"}, 3, false, 0},
        {{"engine", "cgroup", "simulated"}, 3, true, 1},
        {{"simulated"}, 1, false, 1},
        {{"simulated", "engine"}, 2, false, 0}, /* never beside real ones, whatever the order */
        {{"simulated", "engine"}, 2, true, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reset();
        tiers[ENGINE].absent = tiers[CGROUP].absent = cases[i].absent;
        assert_int_equal(make(cases[i].names, cases[i].count), 0);
        assert_int_equal(tiers[SIMULATED].closed, !cases[i].simulated);
        begin();
        assert_int_equal(tiers[SIMULATED].collected, cases[i].simulated);
        snapshot_unref(cascade_seal(cascade, NULL));
        tiers[ENGINE].absent = tiers[CGROUP].absent = true; /* decided once */
        begin();
        assert_int_equal(tiers[SIMULATED].collected, 2 * cases[i].simulated);
        snapshot_unref(cascade_seal(cascade, NULL));
        cascade_close(cascade);
        assert_int_equal(tiers[SIMULATED].closed, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done_when_all_are),
        cmocka_unit_test(test_late_tiers_are_cancelled),
        cmocka_unit_test(test_what_a_cancelled_tier_has_counts),
        cmocka_unit_test(test_falls_back_group_by_group),
        cmocka_unit_test(test_left_out_does_not_linger),
        cmocka_unit_test(test_last_seen),
        cmocka_unit_test(test_percent_over_rounds),
        cmocka_unit_test(test_errors_add_up),
        cmocka_unit_test(test_problems_are_listed),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_changes_come_through),
        cmocka_unit_test(test_unknown_tier),
        cmocka_unit_test(test_close_in_a_round),
        cmocka_unit_test(test_next_round_from_inside_done),
        cmocka_unit_test(test_simulated_stands_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
