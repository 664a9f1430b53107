/* CPU percent, case by case, through derive_row. */
#include "base/clock.h"
#include "collectors/derive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NONE     INT64_C(-1)       /* no percentage */
#define PERCENT  INT64_C(1000000)  /* one percent as it is stored */
#define STARTED  UINT64_C(1000000) /* start of the first instance */
#define REALTIME (1700000000 * NS_PER_SECOND)
#define CPUS     4

/* One container from round to round. */
struct fixture {
    struct derive *derive;
    struct arena arena;
    const struct identity *identity;
    enum container_state state;
    enum tier tier;
    uint64_t realtime_ns;
    unsigned cpus;
    bool without_cpu;    /* the next rounds have no CPU values */
    uint64_t birth;      /* of its control group */
    uint64_t emitted_ns; /* CPU_USAGE as the last round left it */
};

static const struct identity *make_identity(const char *id, uint64_t started_ns)
{
    struct identity *i = identity_new("unix:///run/docker.sock", id);
    i->started_ns = started_ns;
    return i;
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){
        .derive = derive_new(GROUPS_ALL),
        .identity = make_identity("a1", STARTED),
        .state = STATE_RUNNING,
        .tier = TIER_ENGINE,
        .realtime_ns = REALTIME,
        .cpus = CPUS,
    };
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    derive_free(f->derive);
    identity_unref(f->identity);
    arena_done(&f->arena);
    return 0;
}

/* A start of the container: another instance of the same id. */
static void restart(struct fixture *f, uint64_t started_ns)
{
    identity_unref(f->identity);
    f->identity = make_identity("a1", started_ns);
}

/* A round in which the counter, read at `at_ms`, was `usage_ns`; the percentage it gave. */
static int64_t round_ns(struct fixture *f, uint64_t at_ms, uint64_t usage_ns)
{
    struct container_row row = {.identity = f->identity, .state = f->state, .birth = f->birth};
    if (!f->without_cpu) {
        row.tiers[GROUP_CPU] = f->tier;
        row.cpu_sampled_ns = at_ms * NS_PER_MS;
        row_set(&row, CONTAINER_CPU_USAGE, usage_ns);
    }
    derive_row(f->derive, &row, &f->arena, f->realtime_ns, f->cpus);
    derive_end_round(f->derive, at_ms * NS_PER_MS);
    f->realtime_ns += NS_PER_SECOND;
    f->emitted_ns = row.values[CONTAINER_CPU_USAGE];
    assert_int_equal(row_has(&row, CONTAINER_CPU_USAGE), !f->without_cpu);
    return row_has(&row, CONTAINER_SUM_CPU_PERCENT) ? (int64_t)row.values[CONTAINER_SUM_CPU_PERCENT]
                                                    : NONE;
}

/* The same with the counter in milliseconds. */
static int64_t round_ms(struct fixture *f, uint64_t at_ms, uint64_t usage_ms)
{
    return round_ns(f, at_ms, usage_ms * NS_PER_MS);
}

static void younger_than_a_second_is_no_baseline(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    assert_int_equal(round_ms(f, 10999, 1100), NONE);
    assert_int_equal(round_ms(f, 11000, 1100), 10 * PERCENT);
}

static void first_sample_has_none(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(round_ms(f, 10000, 5000), NONE);
}

static void own_previous_sample_is_the_baseline(void **state)
{
    /* A long-lived container at 10 %: its totals would say 50 %. */
    struct fixture *f = *state;
    assert_int_equal(round_ms(f, 10000, 698890), NONE);
    assert_int_equal(round_ms(f, 15000, 699390), 10 * PERCENT);
}

static void exact_to_the_last_digit(void **state)
{
    struct fixture *f = *state;
    (void)round_ns(f, 10000, 0);
    /* 1 ns in 1.5 s is 6.67e-8 %: less than a millionth, rounded down. */
    assert_int_equal(round_ns(f, 11500, 1), 0);
    assert_int_equal(round_ns(f, 13000, 1234567890),
                     (1234567890 - 1) * INT64_C(100) * PERCENT / (1500 * (int64_t)NS_PER_MS));
}

static void large_counters_do_not_overflow(void **state)
{
    struct fixture *f = *state;
    (void)round_ns(f, 10000, UINT64_MAX - 4 * NS_PER_SECOND);
    assert_int_equal(round_ns(f, 11000, UINT64_MAX), 400 * PERCENT);
    f->cpus = 0;
    restart(f, STARTED + 1);
    (void)round_ns(f, 20000, 0);
    assert_int_equal(round_ns(f, 21000, UINT64_MAX), UINT64_MAX / 10);
}

/* While the engine is away only the control group's birth tells of a restart. */
static void restart_that_only_the_kernel_saw(void **state)
{
    struct fixture *f = *state;
    f->birth = 7;
    (void)round_ms(f, 10000, 1000);
    assert_int_equal(round_ms(f, 15000, 1500), 10 * PERCENT);
    f->birth = 8; /* the identity is still what the engine said before */
    assert_int_equal(round_ms(f, 20000, 2000), NONE);
    assert_int_equal(round_ms(f, 25000, 2500), 10 * PERCENT);
}

/* The engine goes away, comes back, and the kernel's files were read all the time. */
static void instance_goes_on_from_tier_to_tier(void **state)
{
    struct fixture *f = *state;
    f->birth = 7;
    (void)round_ms(f, 10000, 1000);
    f->tier = TIER_CGROUP;
    restart(f, 0); /* who it is comes from the kernel alone now */
    assert_int_equal(round_ms(f, 15000, 1500), 10 * PERCENT);
    f->tier = TIER_ENGINE;
    restart(f, STARTED);
    assert_int_equal(round_ms(f, 20000, 2000), 10 * PERCENT);
    f->birth = 0; /* the cgroup tier was not done in time */
    assert_int_equal(round_ms(f, 25000, 2500), 10 * PERCENT);
}

static void restart_with_a_smaller_counter(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 49000);
    assert_int_equal(round_ms(f, 15000, 50000), 20 * PERCENT);
    restart(f, STARTED + 1);
    assert_int_equal(round_ms(f, 20000, 200), NONE);
    assert_int_equal(f->emitted_ns, 200 * NS_PER_MS);
    assert_int_equal(round_ms(f, 25000, 2200), 40 * PERCENT);
}

static void restart_with_a_larger_counter(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 300);
    restart(f, STARTED + 1);
    assert_int_equal(round_ms(f, 70000, 4000), NONE);
    assert_int_equal(round_ms(f, 75000, 4500), 10 * PERCENT);
}

static void restart_that_nobody_reports(void **state)
{
    struct fixture *f = *state;
    restart(f, 0);
    f->cpus = 0;
    (void)round_ms(f, 10000, 50000);
    assert_int_equal(round_ms(f, 15000, 200), NONE);
    assert_int_equal(f->emitted_ns, 200 * NS_PER_MS);
    assert_int_equal(round_ms(f, 20000, 700), 10 * PERCENT);
}

static void stop_between_two_runs_of_unknown_start(void **state)
{
    struct fixture *f = *state;
    restart(f, 0);
    (void)round_ms(f, 10000, 300);
    f->state = STATE_EXITED;
    f->without_cpu = true;
    assert_int_equal(round_ms(f, 12000, 0), NONE);
    f->state = STATE_RUNNING;
    f->without_cpu = false;
    assert_int_equal(round_ms(f, 20000, 4000), NONE);
}

static void realtime_set_back_changes_nothing(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    f->realtime_ns -= 3600 * NS_PER_SECOND;
    assert_int_equal(round_ms(f, 15000, 2000), 20 * PERCENT);
}

static void fewer_cpus_change_nothing(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    f->cpus = 2;
    assert_int_equal(round_ms(f, 15000, 8500), 150 * PERCENT);
}

static void one_busy_thread_on_eight_idle_cpus(void **state)
{
    struct fixture *f = *state;
    f->cpus = 8;
    (void)round_ms(f, 10000, 0);
    assert_int_equal(round_ms(f, 15000, 5000), 100 * PERCENT);
}

static void paused_is_a_real_zero(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    f->state = STATE_PAUSED;
    assert_int_equal(round_ms(f, 11000, 1400), 40 * PERCENT);
    assert_int_equal(round_ms(f, 12000, 1400), 0);
}

static void quota_of_a_tenth_is_ten_percent(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    assert_int_equal(round_ms(f, 15000, 1500), 10 * PERCENT);
}

static void unknown_cpus_have_no_limit(void **state)
{
    struct fixture *f = *state;
    f->cpus = 0;
    (void)round_ms(f, 10000, 0);
    assert_int_equal(round_ms(f, 11000, 64000), 6400 * PERCENT);
    assert_int_equal(derive_out_of_range(f->derive), 0);
}

static void many_cpus_are_not_clamped_to_one(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 0);
    assert_int_equal(round_ms(f, 11000, 3000), 300 * PERCENT);
    assert_int_equal(derive_out_of_range(f->derive), 0);
}

static void above_the_cpus_is_left_out_and_counted(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 0);
    assert_int_equal(round_ms(f, 11000, 4200), 420 * PERCENT); /* 4 CPUs and 5 % */
    assert_int_equal(derive_out_of_range(f->derive), 0);
    assert_int_equal(round_ns(f, 12000, 8400 * NS_PER_MS + 100), NONE);
    assert_int_equal(derive_out_of_range(f->derive), 1);
    assert_int_equal(round_ms(f, 13000, 8500), 9999990); /* the sample itself counts */
    assert_int_equal(derive_out_of_range(f->derive), 1);
}

static void rounds_at_100_ms_find_a_baseline_of_a_second(void **state)
{
    /* The counter steps by 4 ms as the kernel's tick does: over 100 ms that is 4 points, over a
     * second 0.4. */
    struct fixture *f = *state;
    for (uint64_t ms = 0; ms <= 60000; ms += 100) {
        int64_t percent = round_ms(f, 10000 + ms, ms / 40 * 4);
        if (ms < 1000) {
            assert_int_equal(percent, NONE);
            continue;
        }
        assert_in_range(percent, 9600000, 10400000);
    }
}

static void baseline_stays_just_above_a_second(void **state)
{
    /* A counter that stands still until 20 s and is busy from then on: once the busy time is as old
     * as the oldest possible baseline, the percentage is the new one. */
    static const uint64_t spacings_ms[] = {1, 7, 50, 100, 149, 150, 151, 299, 500, 999};
    for (size_t i = 0; i < sizeof spacings_ms / sizeof *spacings_ms; i++) {
        struct fixture *f = *state;
        restart(f, STARTED + 1 + i);
        uint64_t spacing = spacings_ms[i];
        uint64_t oldest = 1000 + (spacing > 150 ? spacing : 300); /* ms */
        uint64_t base = 10000 + 100000 * i;
        for (uint64_t ms = 0; ms < 25000; ms += spacing) {
            int64_t percent = round_ms(f, base + ms, ms < 20000 ? 0 : ms - 20000);
            if (ms >= 1000)
                assert_true(percent != NONE);
            if (ms >= 20000 + oldest)
                assert_int_equal(percent, 100 * PERCENT);
        }
    }
}

static void half_of_the_cpu_stolen_is_half(void **state)
{
    struct fixture *f = *state;
    f->cpus = 1;
    (void)round_ms(f, 10000, 0);
    assert_int_equal(round_ms(f, 20000, 5000), 50 * PERCENT);
}

static void stopped_container_has_none(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    f->state = STATE_EXITED;
    f->without_cpu = true;
    assert_int_equal(round_ms(f, 15000, 0), NONE);
}

static void failed_read_keeps_the_baseline(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 600000);
    f->without_cpu = true;
    assert_int_equal(round_ms(f, 15000, 0), NONE);
    f->without_cpu = false;
    assert_int_equal(round_ms(f, 20000, 601000), 10 * PERCENT);
}

static void late_round_divides_by_the_real_time(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    assert_int_equal(round_ms(f, 50000, 5000), 10 * PERCENT);
}

static void baseline_older_than_five_minutes_is_none(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    assert_int_equal(round_ms(f, 310000, 31000), 10 * PERCENT);
    assert_int_equal(round_ms(f, 610001, 61000), NONE);
    assert_int_equal(round_ms(f, 611001, 61500), 50 * PERCENT);
}

static void other_tier_goes_on_with_the_same_baseline(void **state)
{
    struct fixture *f = *state;
    (void)round_ns(f, 10000, 1000 * NS_PER_MS + 999);
    f->tier = TIER_CGROUP; /* its counter has microseconds, cut */
    assert_int_equal(round_ns(f, 10500, 1000 * NS_PER_MS), NONE);
    assert_int_equal(f->emitted_ns, 1000 * NS_PER_MS + 999);
    f->tier = TIER_ENGINE;
    assert_int_equal(round_ns(f, 12000, 1100 * NS_PER_MS + 999), 6666666); /* since 10.5 s */
}

static void fall_by_rounding_is_held_and_a_larger_one_is_not(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 5000);
    assert_int_equal(round_ns(f, 12000, 4999 * NS_PER_MS + 1), 0);
    assert_int_equal(f->emitted_ns, 5000 * NS_PER_MS);
    assert_int_equal(round_ms(f, 14000, 4999), NONE); /* 1 ms below what was emitted */
    assert_int_equal(f->emitted_ns, 4999 * NS_PER_MS);
}

static void other_id_is_another_container(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    identity_unref(f->identity);
    f->identity = make_identity("b2", STARTED);
    assert_int_equal(round_ms(f, 15000, 2000), NONE);
}

static void same_id_at_another_engine_is_another_container(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    identity_unref(f->identity);
    struct identity *i = identity_new("tcp://10.0.0.7:2375", "a1");
    i->started_ns = STARTED;
    f->identity = i;
    assert_int_equal(round_ms(f, 15000, 2000), NONE);
}

static void repeated_sample_repeats_its_percentage(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    assert_int_equal(round_ms(f, 12000, 1500), 25 * PERCENT);
    assert_int_equal(round_ms(f, 12000, 1500), 25 * PERCENT);
    assert_int_equal(round_ms(f, 14000, 2000), 25 * PERCENT);
}

static void late_sample_adds_nothing_and_lowers_nothing(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    assert_int_equal(round_ms(f, 12000, 1500), 25 * PERCENT);
    assert_int_equal(round_ms(f, 11500, 1400), NONE);
    assert_int_equal(f->emitted_ns, 1500 * NS_PER_MS);
    assert_int_equal(round_ms(f, 14000, 2500), 50 * PERCENT);
}

static void two_samples_of_one_moment_are_one(void **state)
{
    struct fixture *f = *state;
    (void)round_ms(f, 10000, 1000);
    (void)round_ms(f, 12000, 1500);
    assert_int_equal(round_ms(f, 12000, 1600), NONE);
    assert_int_equal(round_ms(f, 14000, 2500), 50 * PERCENT); /* since the first of the two */
}

static void sample_of_unknown_time_is_no_baseline(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(round_ms(f, 0, 1000), NONE);
    assert_int_equal(round_ms(f, 10000, 2000), NONE);
    assert_int_equal(round_ms(f, 0, 1500), NONE);
    assert_int_equal(f->emitted_ns, 2000 * NS_PER_MS);
    assert_int_equal(round_ms(f, 12000, 3000), 50 * PERCENT);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(first_sample_has_none),
        CASE(younger_than_a_second_is_no_baseline),
        CASE(own_previous_sample_is_the_baseline),
        CASE(exact_to_the_last_digit),
        CASE(large_counters_do_not_overflow),
        CASE(restart_that_only_the_kernel_saw),
        CASE(instance_goes_on_from_tier_to_tier),
        CASE(restart_with_a_smaller_counter),
        CASE(restart_with_a_larger_counter),
        CASE(restart_that_nobody_reports),
        CASE(stop_between_two_runs_of_unknown_start),
        CASE(realtime_set_back_changes_nothing),
        CASE(fewer_cpus_change_nothing),
        CASE(one_busy_thread_on_eight_idle_cpus),
        CASE(paused_is_a_real_zero),
        CASE(quota_of_a_tenth_is_ten_percent),
        CASE(unknown_cpus_have_no_limit),
        CASE(many_cpus_are_not_clamped_to_one),
        CASE(above_the_cpus_is_left_out_and_counted),
        CASE(rounds_at_100_ms_find_a_baseline_of_a_second),
        CASE(baseline_stays_just_above_a_second),
        CASE(half_of_the_cpu_stolen_is_half),
        CASE(stopped_container_has_none),
        CASE(failed_read_keeps_the_baseline),
        CASE(late_round_divides_by_the_real_time),
        CASE(baseline_older_than_five_minutes_is_none),
        CASE(other_tier_goes_on_with_the_same_baseline),
        CASE(fall_by_rounding_is_held_and_a_larger_one_is_not),
        CASE(other_id_is_another_container),
        CASE(same_id_at_another_engine_is_another_container),
        CASE(repeated_sample_repeats_its_percentage),
        CASE(late_sample_adds_nothing_and_lowers_nothing),
        CASE(two_samples_of_one_moment_are_one),
        CASE(sample_of_unknown_time_is_no_baseline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
