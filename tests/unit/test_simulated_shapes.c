/* What simulated containers do over time: counters that never fall, restarts, and the shapes of
 * their load. */
#include "collectors/simulated_model.h"
#include "simulated_fixture.h"

#include <string.h>

/* No counter of the row is below what it was in `before`, the same instance earlier. */
static void assert_rises(const struct container_row *before, const struct container_row *row)
{
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (container_metrics[m].type == METRIC_COUNTER)
            assert_true(row->values[m] >= before->values[m]);
    for (size_t i = 0; i < row->interface_count; i++)
        for (unsigned m = 0; m < INTERFACE_METRICS; m++)
            assert_true(row->interfaces[i].values[m] >= before->interfaces[i].values[m]);
    for (size_t i = 0; i < row->device_count; i++)
        for (unsigned m = 0; m < DEVICE_METRICS; m++)
            assert_true(row->devices[i].values[m] >= before->devices[i].values[m]);
}

/* Gauges are within what the container may have, and parts within wholes. */
static void assert_plausible(const struct container_row *row, uint64_t now_ns)
{
    const uint64_t *v = row->values;
    assert_int_equal(v[CONTAINER_CPU_USER] + v[CONTAINER_CPU_SYSTEM], v[CONTAINER_CPU_USAGE]);
    assert_true(v[CONTAINER_CPU_THROTTLED_PERIODS] <= v[CONTAINER_CPU_PERIODS]);
    assert_true(v[CONTAINER_MEMORY_USAGE] < v[CONTAINER_SUM_MEMORY_LIMIT]);
    assert_true(v[CONTAINER_MEMORY_INACTIVE_FILE] <= v[CONTAINER_MEMORY_CACHE]);
    assert_true(v[CONTAINER_MEMORY_RSS] + v[CONTAINER_MEMORY_CACHE] <= v[CONTAINER_MEMORY_USAGE]);
    assert_true(v[CONTAINER_PIDS] >= 1);
    if (!row_is_unlimited(row, CONTAINER_PIDS_LIMIT))
        assert_true(v[CONTAINER_PIDS] <= v[CONTAINER_PIDS_LIMIT]);
    assert_true(row->identity->created_ns <= row->identity->started_ns);
    assert_true(row->identity->started_ns <= now_ns);
    assert_true(v[CONTAINER_CPU_USAGE] <=
                (now_ns - row->identity->started_ns) * SIMULATED_HOST_CPUS);
}

/* Rounds from `from_ns` on, `step_ns` apart; how many restarts there were. */
static size_t run_rounds(struct fixture *f, uint64_t from_ns, uint64_t step_ns, size_t rounds)
{
    struct part parts[2] = {{.row_count = 0}, {.row_count = 0}};
    size_t restarts = 0;
    for (size_t i = 0; i < rounds; i++) {
        struct part *part = &parts[i % 2];
        const struct part *before = &parts[(i + 1) % 2];
        collect(f, f->collector, part, from_ns + i * step_ns);
        for (size_t n = 0; n < part->row_count; n++) {
            assert_plausible(&part->rows[n], f->hand.realtime_ns);
            if (i == 0)
                continue;
            if (part->rows[n].identity->started_ns == before->rows[n].identity->started_ns)
                assert_rises(&before->rows[n], &part->rows[n]);
            else
                restarts++;
        }
    }
    part_done(&parts[0]);
    part_done(&parts[1]);
    return restarts;
}

static void counters_never_fall_in_a_day(void **state)
{
    struct fixture *f = *state;
    /* Ten containers restart every 5 to 30 minutes and ten every 4 to 12 hours. */
    size_t restarts = run_rounds(f, START, 15 * NS_PER_SECOND, DAY / (15 * NS_PER_SECOND));
    assert_in_range(restarts, 10 * 48 + 10 * 2 - 20, 10 * 288 + 10 * 6 + CONTAINERS);
}

static void counters_never_fall_from_microsecond_to_microsecond(void **state)
{
    (void)run_rounds(*state, START + 12345, 333, 2000);
}

static void counters_never_fall_across_a_quarter(void **state)
{
    /* Each container is replaced once a month. */
    struct fixture *f = *state;
    assert_true(run_rounds(f, START, 3 * HOUR + 1, 90 * 8) > 2 * CONTAINERS);
}

static void restart_begins_counters_anew(void **state)
{
    struct fixture *f = *state;
    collect(f, f->collector, &f->part, START);
    const struct container_row *agent = &f->part.rows[SIMULATED_RESTARTING];
    assert_string_equal(agent->identity->name, "sim-agent-1");
    const struct identity *first = identity_ref(agent->identity);
    uint64_t now_ns = START;
    while (f->part.rows[SIMULATED_RESTARTING].identity == first) {
        now_ns += NS_PER_SECOND;
        assert_true(now_ns < START + 45 * MINUTE); /* 30 minutes and half */
        collect(f, f->collector, &f->part, now_ns);
    }
    agent = &f->part.rows[SIMULATED_RESTARTING];
    assert_true(identity_same_container(first, agent->identity));
    assert_in_range(agent->identity->started_ns, now_ns - NS_PER_SECOND, now_ns);
    assert_true(agent->values[CONTAINER_CPU_USAGE] < NS_PER_SECOND);
    identity_unref(first);
}

/* Thousandths of a CPU that a container used from `from_ns` on for `length_ns`. */
static uint64_t load_milli(struct fixture *f, size_t index, uint64_t from_ns, uint64_t length_ns)
{
    collect(f, f->collector, &f->part, from_ns);
    uint64_t before = f->part.rows[index].values[CONTAINER_CPU_USAGE];
    collect(f, f->collector, &f->part, from_ns + length_ns);
    return (f->part.rows[index].values[CONTAINER_CPU_USAGE] - before) * 1000 / length_ns;
}

static void shapes_look_like_what_they_are_called(void **state)
{
    struct fixture *f = *state;
    uint64_t least[SIMULATED_SHAPES];
    uint64_t most[SIMULATED_SHAPES] = {0};
    memset(least, 0xff, sizeof least);
    for (uint64_t at = 0; at < DAY; at += 5 * MINUTE) {
        for (size_t shape = 0; shape < SIMULATED_SHAPES; shape++) {
            if (shape == SIMULATED_LEAKING || shape == SIMULATED_RESTARTING)
                continue;
            uint64_t load = load_milli(f, shape, START + at, 10 * NS_PER_SECOND);
            least[shape] = load < least[shape] ? load : least[shape];
            most[shape] = load > most[shape] ? load : most[shape];
        }
    }
    assert_int_equal(least[SIMULATED_STEADY], most[SIMULATED_STEADY]);
    assert_true(least[SIMULATED_STEADY] > 0);
    assert_true(most[SIMULATED_WAVE] > 2 * least[SIMULATED_WAVE]);
    assert_true(most[SIMULATED_BURSTY] > 2 * least[SIMULATED_BURSTY]);
    assert_int_equal(most[SIMULATED_THROTTLED], 500); /* its quota, and never above */
    assert_true(least[SIMULATED_THROTTLED] < 100);
}

static void throttled_counts_its_periods(void **state)
{
    struct fixture *f = *state;
    collect(f, f->collector, &f->part, START);
    struct container_row before = f->part.rows[SIMULATED_THROTTLED];
    assert_int_equal(before.values[CONTAINER_SPEC_CPU_QUOTA], 50000);
    assert_int_equal(before.values[CONTAINER_SPEC_CPU_PERIOD], 100000);
    collect(f, f->collector, &f->part, START + HOUR);
    const struct container_row *row = &f->part.rows[SIMULATED_THROTTLED];
    uint64_t periods = row->values[CONTAINER_CPU_PERIODS] - before.values[CONTAINER_CPU_PERIODS];
    uint64_t throttled = row->values[CONTAINER_CPU_THROTTLED_PERIODS] -
                         before.values[CONTAINER_CPU_THROTTLED_PERIODS];
    assert_int_equal(periods, 36000);
    assert_in_range(throttled, 36000 / 10, 36000 / 2);
    assert_int_equal(row->values[CONTAINER_CPU_THROTTLED] - before.values[CONTAINER_CPU_THROTTLED],
                     throttled * 50 * NS_PER_MS);
}

static void leak_grows_until_the_restart(void **state)
{
    struct fixture *f = *state;
    collect(f, f->collector, &f->part, START);
    uint64_t started_ns = f->part.rows[SIMULATED_LEAKING].identity->started_ns;
    uint64_t most = 0;
    size_t restarts = 0;
    for (uint64_t at = 0; at < 2 * DAY; at += 20 * MINUTE) { /* whole sways, so that only the leak
                                                                moves it */
        collect(f, f->collector, &f->part, START + at);
        const struct container_row *row = &f->part.rows[SIMULATED_LEAKING];
        uint64_t rss = row->values[CONTAINER_MEMORY_RSS];
        if (row->identity->started_ns != started_ns) {
            started_ns = row->identity->started_ns;
            restarts++;
            assert_true(rss < most);
            most = 0;
        }
        assert_true(rss > most);
        most = rss;
    }
    assert_in_range(restarts, 3, 13);
}

static void wave_is_the_integral_of_its_load(void **state)
{
    (void)state;
    assert_int_equal(simulated_wave_ns(0, 1500), 0);
    /* A day uses two thirds of what the peak would, half a day half of that. */
    assert_int_equal(simulated_wave_ns(DAY, 1500), DAY);
    assert_int_equal(simulated_wave_ns(DAY / 2, 1500), DAY / 2);
    assert_int_equal(simulated_wave_ns(20000 * DAY + DAY / 2, 1500), 20000 * DAY + DAY / 2);
    uint64_t at_noon =
        simulated_wave_ns(DAY / 2 + MINUTE, 1500) - simulated_wave_ns(DAY / 2 - MINUTE, 1500);
    assert_in_range(at_noon, 3 * MINUTE - MINUTE / 1000, 3 * MINUTE);
    assert_true(simulated_wave_ns(MINUTE, 1500) < MINUTE / 100);
    for (uint64_t t = 0; t < 3 * DAY; t += 97 * NS_PER_SECOND)
        assert_true(simulated_wave_ns(t + 97 * NS_PER_SECOND, 65535) > simulated_wave_ns(t, 65535));
}

static void bursts_are_on_for_their_length_in_each_period(void **state)
{
    (void)state;
    const struct simulated_bursts bursts = {.seed = 3, .period_ns = 1000, .length_ns = 200};
    assert_int_equal(simulated_bursts_ns(&bursts, 0), 0);
    for (uint64_t period = 0; period < 100; period++)
        assert_int_equal(simulated_bursts_ns(&bursts, period * 1000), period * 200);
    for (uint64_t t = 0; t < 100000; t++) {
        uint64_t more = simulated_bursts_ns(&bursts, t + 1) - simulated_bursts_ns(&bursts, t);
        assert_in_range(more, 0, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counters_never_fall_in_a_day),
        CASE(counters_never_fall_from_microsecond_to_microsecond),
        CASE(counters_never_fall_across_a_quarter),
        CASE(restart_begins_counters_anew),
        CASE(shapes_look_like_what_they_are_called),
        CASE(throttled_counts_its_periods),
        CASE(leak_grows_until_the_restart),
        cmocka_unit_test(wave_is_the_integral_of_its_load),
        cmocka_unit_test(bursts_are_on_for_their_length_in_each_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
