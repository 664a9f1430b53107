/* The tricky cases of CPU percent, numbered 1 to 23: those an engine's answers show, and those hand
 * made samples do. What needs the kernel's files or the whole cascade is in
 * test_tricky_cases_host.c: 7, 20, 21 and 23, and 4, 10 to 13 once more.
 *
 * Answers are parsed, made into rows, merged and derived as in a round. Where the way `docker
 * stats` computes percent is what makes a case tricky, that way's result is asserted too, so that
 * it is seen that the answers are those of the case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "collectors/derive.h"
#include "collectors/merge.h"
#include "engine_row_fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NONE     INT64_C(-1)      /* no percentage */
#define PERCENT  INT64_C(1000000) /* one percent as it is stored */
#define REALTIME (1767225600 * NS_PER_SECOND)
#define STARTED  (REALTIME - 3600 * NS_PER_SECOND)
#define ENGINE   "unix:///run/docker.sock"
#define ID       "4f0c2f7be7e0b8f8a8b6c1d2e3f40516273849a0b1c2d3e4f5061728394a5b6c"
#define MS       NS_PER_MS
#define SECOND   NS_PER_SECOND

/* What differs in the stats answers of the cases. */
struct answer {
    uint64_t total_ns, host_ns; /* cpu_usage.total_usage, system_cpu_usage */
    const char *percpu;         /* percpu_usage's entries, NULL none */
    unsigned online_cpus;       /* 0: not said */
    unsigned periods, throttled_periods;
    const char *read; /* NULL: some time */
};

/* One container from round to round. */
struct fixture {
    struct derive *derive;
    struct row_index index;
    struct engine_facts facts;
    struct engine_spec spec;
    const struct identity *identity;
    enum container_state state;
    unsigned cpus;
    uint64_t birth;
    uint64_t realtime_ns;
    struct part engine, kernel; /* of the round that is made */
    struct snapshot *snapshot;  /* of the last */
};

static const struct identity *make_identity(const char *id, uint64_t started_ns)
{
    struct identity *i = identity_new(ENGINE, id);
    i->local = true;
    i->name = arena_string(&i->arena, "burn");
    i->started_ns = started_ns;
    return i;
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){
        .derive = derive_new(GROUPS_ALL),
        .facts = docker(1),
        .identity = make_identity(ID, STARTED),
        .state = STATE_RUNNING,
        .cpus = 4,
        .realtime_ns = REALTIME,
    };
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    derive_free(f->derive);
    row_index_done(&f->index);
    identity_unref(f->identity);
    part_done(&f->engine);
    part_done(&f->kernel);
    snapshot_unref(f->snapshot);
    return row_teardown(state);
}

static void become(struct fixture *f, const char *id, uint64_t started_ns)
{
    identity_unref(f->identity);
    f->identity = make_identity(id, started_ns);
}

/* --- answers --- */

/* The answer to a one-shot call: precpu_stats is there and says nothing. */
static struct engine_stats stats_with(const struct answer *a)
{
    char text[2048];
    char percpu[512] = "";
    char online[64] = "";
    if (a->percpu)
        (void)snprintf(percpu, sizeof percpu, "\"percpu_usage\":[%s],", a->percpu);
    if (a->online_cpus > 0)
        (void)snprintf(online, sizeof online, "\"online_cpus\":%u,", a->online_cpus);
    int length = snprintf(
        text, sizeof text,
        "{\"read\":\"%s\",\"preread\":\"0001-01-01T00:00:00Z\",\"pids_stats\":{\"current\":1},"
        "\"blkio_stats\":{\"io_service_bytes_recursive\":[],\"io_serviced_recursive\":[],"
        "\"io_queue_recursive\":[]},\"num_procs\":0,\"storage_stats\":{},"
        "\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":%" PRIu64 ",%s"
        "\"usage_in_kernelmode\":10000000,\"usage_in_usermode\":20000000},"
        "\"system_cpu_usage\":%" PRIu64 ",%s\"throttling_data\":{\"periods\":%u,"
        "\"throttled_periods\":%u,\"throttled_time\":891234567890}},"
        "\"precpu_stats\":{\"cpu_usage\":{\"total_usage\":0,\"usage_in_kernelmode\":0,"
        "\"usage_in_usermode\":0},\"throttling_data\":{\"periods\":0,\"throttled_periods\":0,"
        "\"throttled_time\":0}},\"memory_stats\":{\"usage\":593920,\"max_usage\":3555328,"
        "\"stats\":{\"total_inactive_file\":4096,\"total_rss\":114688},\"limit\":67108864},"
        "\"name\":\"/burn\",\"id\":\"" ID "\",\"networks\":{\"eth0\":{\"rx_bytes\":586,"
        "\"rx_packets\":7,\"rx_errors\":0,\"rx_dropped\":0,\"tx_bytes\":42,\"tx_packets\":1,"
        "\"tx_errors\":0,\"tx_dropped\":0}}}\n",
        a->read ? a->read : "2026-01-01T00:00:00.12345678Z", a->total_ns, percpu, a->host_ns,
        online, a->periods, a->throttled_periods);
    assert_in_range(length, 1, sizeof text - 1);
    return stats_from(text);
}

/* Total and host time in nanoseconds, then what else differs. */
#define STATS(total, host, ...) \
    stats_with(&(struct answer){.total_ns = (total), .host_ns = (host), __VA_ARGS__})

/* What a stopped container answers, and with another time a running one that could not be read. */
static struct engine_stats empty_stats(const char *read)
{
    char text[512];
    (void)snprintf(
        text, sizeof text,
        "{\"read\":\"%s\",\"preread\":\"0001-01-01T00:00:00Z\",\"pids_stats\":{},"
        "\"blkio_stats\":{\"io_service_bytes_recursive\":null,\"io_serviced_recursive\":null},"
        "\"num_procs\":0,\"storage_stats\":{},\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":0,"
        "\"usage_in_kernelmode\":0,\"usage_in_usermode\":0},\"throttling_data\":{\"periods\":0,"
        "\"throttled_periods\":0,\"throttled_time\":0}},\"memory_stats\":{},\"name\":\"/burn\","
        "\"id\":\"" ID "\"}\n",
        read);
    return stats_from(text);
}

/* What `docker stats` shows for two answers of a host with so many CPUs. */
static int64_t docker_percent(const struct engine_stats *before, const struct engine_stats *after,
                              unsigned cpus)
{
    uint64_t used_ns = after->cpu_total_ns.value - before->cpu_total_ns.value;
    uint64_t host_ns = after->host_cpu_ns.value - before->host_cpu_ns.value;
    return (int64_t)(100.0 * (double)PERCENT * cpus * (double)used_ns / (double)host_ns);
}

/* --- rounds --- */

static struct container_row *add_row(struct fixture *f, struct part *part, uint64_t at_ms)
{
    struct container_row *row = part_add_row(part, f->identity);
    row->state = f->state;
    row->knowledge = part == &f->engine ? KNOWS_ALL : KNOWS_ALIVE;
    row->cgroup_version = (unsigned)f->facts.info.cgroup_version;
    row->birth = f->birth;
    row->cpus = f->cpus;
    row->cpu_sampled_ns = at_ms * MS;
    return row;
}

/* Merges what the round's parts have, and derives. */
static const struct container_row *seal(struct fixture *f, uint64_t at_ms)
{
    const struct part *const parts[] = {&f->engine, &f->kernel};
    snapshot_unref(f->snapshot);
    f->snapshot = snapshot_new();
    merge_rows(f->snapshot, parts, 2, &f->index);
    assert_int_equal(f->snapshot->row_count, 1);
    struct container_row *row = f->snapshot->rows;
    derive_row(f->derive, row, &f->snapshot->arena, f->realtime_ns, row->cpus);
    derive_end_round(f->derive, at_ms * MS);
    f->realtime_ns += SECOND;
    part_reset(&f->engine);
    part_reset(&f->kernel);
    return row;
}

/* A round in which the engine's answer came at `at_ms`. */
static const struct container_row *answered(struct fixture *f, uint64_t at_ms,
                                            const struct engine_stats *stats)
{
    struct container_row *row = add_row(f, &f->engine, at_ms);
    engine_fill_spec(&f->facts, &f->spec, row);
    engine_fill_stats(&f->facts, &f->spec, stats, &f->engine.arena, row);
    return seal(f, at_ms);
}

static int64_t percent_of(const struct container_row *row)
{
    return row_has(row, CONTAINER_SUM_CPU_PERCENT) ? (int64_t)row->values[CONTAINER_SUM_CPU_PERCENT]
                                                   : NONE;
}

/* The percentage of a round whose answer says that so much CPU time was used. */
static int64_t used(struct fixture *f, uint64_t at_ms, uint64_t total_ns)
{
    struct engine_stats stats = STATS(total_ns, 4 * at_ms * MS, .online_cpus = 4);
    const struct container_row *row = answered(f, at_ms, &stats);
    assert_given(row, GROUP_CPU);
    return percent_of(row);
}

/* The kernel's files say it in this round: a row of the cgroup tier. */
static void add_kernel(struct fixture *f, uint64_t at_ms, uint64_t total_ns)
{
    struct container_row *row = add_row(f, &f->kernel, at_ms);
    row->tiers[GROUP_CPU] = TIER_CGROUP;
    row_set(row, CONTAINER_CPU_USAGE, total_ns);
}

/* How many points of the metric the row has with that first label; NULL: any. */
static size_t points_of(const struct container_row *row, enum point_metric metric,
                        const char *first, const char *second)
{
    size_t count = 0;
    for (size_t i = 0; i < row->point_count; i++) {
        const struct point *p = &row->points[i];
        count += p->metric == metric && p->value == 1 &&
                 (!first || text_equal(p->labels[0], first)) &&
                 (!second || text_equal(p->labels[1], second));
    }
    return count;
}

/* --- the cases --- */

static void case_1_first_sample_has_no_value(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(used(f, 10000, 5 * SECOND), NONE);
    assert_value(f->snapshot->rows, CONTAINER_CPU_USAGE, 5 * SECOND);
}

static void case_2_one_shot_uses_its_own_previous_sample(void **state)
{
    struct fixture *f = *state;
    struct engine_stats nothing = {0};
    struct engine_stats first = STATS(698890 * MS, 2801540 * MS, .online_cpus = 2);
    struct engine_stats second = STATS(699390 * MS, 2811540 * MS, .online_cpus = 2);
    assert_in_range(docker_percent(&nothing, &first, 2), 498 * PERCENT / 10, 499 * PERCENT / 10);
    f->cpus = 2;
    assert_int_equal(percent_of(answered(f, 10000, &first)), NONE);
    assert_int_equal(percent_of(answered(f, 15000, &second)), 10 * PERCENT);
}

/* With the new start known, and with nothing but a counter that fell. */
static void case_3_restart_with_a_smaller_counter(void **state)
{
    struct fixture *f = *state;
    for (unsigned start_known = 0; start_known < 2; start_known++) {
        become(f, start_known ? ID : ID "1", STARTED);
        (void)used(f, 5000, 49 * SECOND);
        assert_int_equal(used(f, 10000, 50 * SECOND), 20 * PERCENT);
        if (start_known)
            become(f, ID, REALTIME);
        assert_int_equal(used(f, 15000, 200 * MS), NONE);
        assert_value(f->snapshot->rows, CONTAINER_CPU_USAGE, 200 * MS);
        assert_int_equal(used(f, 20000, 2200 * MS), 40 * PERCENT);
    }
}

static void case_4_restart_with_a_larger_counter(void **state)
{
    struct fixture *f = *state;
    (void)used(f, 10000, 300 * MS);
    become(f, ID, STARTED + SECOND);
    assert_int_equal(used(f, 70000, 4 * SECOND), NONE);
    assert_int_equal(used(f, 75000, 4500 * MS), 10 * PERCENT);
    /* The kernel's word alone: another inode of the control group. */
    f->birth = 7;
    assert_int_equal(used(f, 80000, 5 * SECOND), 10 * PERCENT);
    f->birth = 8;
    assert_int_equal(used(f, 140000, 9 * SECOND), NONE);
    assert_int_equal(used(f, 145000, 9500 * MS), 10 * PERCENT);
}

/* The answer's own time and the seal's go back; the time of the sample is CLOCK_MONOTONIC's. */
static void case_5_realtime_set_back(void **state)
{
    struct fixture *f = *state;
    struct engine_stats first =
        STATS(SECOND, 40 * SECOND, .read = "2026-01-01T12:00:00.000000000Z");
    struct engine_stats second =
        STATS(2 * SECOND, 60 * SECOND, .read = "2026-01-01T11:00:05.000000000Z");
    assert_true(second.read_ns < first.read_ns);
    (void)answered(f, 10000, &first);
    f->realtime_ns -= 3600 * SECOND;
    assert_int_equal(percent_of(answered(f, 15000, &second)), 20 * PERCENT);
}

/* A suspend cannot be had in a test. What gives the answer: the only clock rates are made from is
 * CLOCK_MONOTONIC, which stands still meanwhile (clock_gettime(2)), while realtime, and boottime
 * which weir never asks, go on. So realtime is half an hour further on, and the rate is one over
 * the running time. The gap itself is seen by whoever scrapes. */
static void case_6_suspend(void **state)
{
    struct fixture *f = *state;
    struct timespec before;
    struct timespec after;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    assert_in_range(now_ns, (uint64_t)before.tv_sec * SECOND + (uint64_t)before.tv_nsec,
                    (uint64_t)after.tv_sec * SECOND + (uint64_t)after.tv_nsec);
    (void)used(f, 10000, SECOND);
    f->realtime_ns += 1800 * SECOND;
    assert_int_equal(used(f, 15000, 2 * SECOND), 20 * PERCENT);
}

/* 300 % while there were four is right whatever is left of them when the round is sealed. */
static void case_7_cpus_go_offline(void **state)
{
    struct fixture *f = *state;
    (void)used(f, 10000, 0);
    assert_int_equal(used(f, 15000, 15 * SECOND), 300 * PERCENT);
    f->cpus = 2;
    assert_int_equal(used(f, 20000, 30 * SECOND), 300 * PERCENT);
    assert_int_equal(f->snapshot->rows->cpus, 2);
    assert_int_equal(used(f, 25000, 40 * SECOND), 200 * PERCENT);
    assert_int_equal(derive_out_of_range(f->derive), 0);
    become(f, ID, STARTED + SECOND); /* an instance that never had four */
    (void)used(f, 30000, 0);
    assert_int_equal(used(f, 35000, 15 * SECOND), NONE);
}

static void case_8_fifteen_entries_on_four_cpus(void **state)
{
    struct fixture *f = *state;
    static const char entries[] = "1,1,1,1,0,0,0,0,0,0,0,0,0,0,0";
    struct engine_stats first = STATS(SECOND, 40 * SECOND, .percpu = entries);
    struct engine_stats second = STATS(SECOND + 3750 * MS, 60 * SECOND, .percpu = entries);
    assert_int_equal(second.online_cpus, 0);
    assert_in_range(docker_percent(&first, &second, 15), 281 * PERCENT, 282 * PERCENT);
    (void)answered(f, 10000, &first);
    assert_int_equal(percent_of(answered(f, 15000, &second)), 75 * PERCENT);
}

/* Podman's system_cpu_usage is the time that was busy, not all there was. */
static void case_9_podman_with_one_busy_thread(void **state)
{
    struct fixture *f = *state;
    const char *read = "2026-01-01T08:00:00.123456789+08:00";
    f->facts = podman(2, 4, 6, 0);
    f->cpus = 8;
    struct engine_stats first = STATS(20 * SECOND, 90 * SECOND, .online_cpus = 8, .read = read);
    struct engine_stats second = STATS(25 * SECOND, 95 * SECOND, .online_cpus = 8, .read = read);
    assert_int_equal(docker_percent(&first, &second, 8), 800 * PERCENT);
    (void)answered(f, 10000, &first);
    assert_int_equal(percent_of(answered(f, 15000, &second)), 100 * PERCENT);
}

static void case_10_paused_is_a_real_zero(void **state)
{
    struct fixture *f = *state;
    (void)used(f, 10000, SECOND);
    f->state = STATE_PAUSED;
    assert_int_equal(used(f, 15000, SECOND), 0);
    const struct container_row *row = f->snapshot->rows;
    assert_int_equal(points_of(row, POINT_STATE, "paused", NULL), 1);
    assert_value(row, CONTAINER_MEMORY_USAGE, 593920);
    assert_value(row, CONTAINER_SUM_MEMORY_USAGE, 589824);
}

/* The share of the limit and the ratio are the reader's to compute; weir has what they need. */
static void case_11_quota_of_a_tenth(void **state)
{
    struct fixture *f = *state;
    f->spec.nano_cpus = 100000000;
    struct engine_stats first =
        STATS(SECOND, 40 * SECOND, .online_cpus = 4, .periods = 9880, .throttled_periods = 9871);
    struct engine_stats second =
        STATS(1500 * MS, 60 * SECOND, .online_cpus = 4, .periods = 9930, .throttled_periods = 9921);
    const struct container_row *row = answered(f, 10000, &first);
    assert_value(row, CONTAINER_CPU_PERIODS, 9880);
    assert_value(row, CONTAINER_CPU_THROTTLED_PERIODS, 9871);
    row = answered(f, 15000, &second);
    assert_int_equal(percent_of(row), 10 * PERCENT);
    assert_value(row, CONTAINER_CPU_PERIODS, 9930); /* 50 more, and in all of them throttled */
    assert_value(row, CONTAINER_CPU_THROTTLED_PERIODS, 9921);
    assert_value(row, CONTAINER_SPEC_CPU_QUOTA, 10000);
    assert_value(row, CONTAINER_SPEC_CPU_PERIOD, 100000);
    assert_int_equal((uint64_t)percent_of(row) * row->values[CONTAINER_SPEC_CPU_PERIOD] /
                         row->values[CONTAINER_SPEC_CPU_QUOTA],
                     100 * PERCENT);
}

/* A limit that is none is absent, and what counts its use with it; NanoCpus alone is a quota. */
static void case_12_no_quota_and_nano_cpus(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t nano_cpus, quota_us, period_us;
        uint64_t expected_us; /* of a period of 100 ms; 0: no limit */
    } cases[] = {
        {0, 0, 0, 0},
        {0, -1, 0, 0},
        {0, -1, 100000, 0},
        {1500000000, 0, 0, 150000},
        {1500000000, -1, 0, 150000},
        {0, 25000, 0, 25000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->spec = (struct engine_spec){.nano_cpus = cases[i].nano_cpus,
                                       .cpu_quota_us = cases[i].quota_us,
                                       .cpu_period_us = cases[i].period_us};
        struct engine_stats stats = STATS(SECOND, 40 * SECOND, .online_cpus = 4);
        const struct container_row *row = answered(f, 10000 + 5000 * i, &stats);
        assert_value(row, CONTAINER_SPEC_CPU_PERIOD, 100000);
        assert_int_equal(percent_of(row), i == 0 ? NONE : 0);
        if (cases[i].expected_us > 0) {
            assert_value(row, CONTAINER_SPEC_CPU_QUOTA, cases[i].expected_us);
            assert_value(row, CONTAINER_CPU_PERIODS, 0);
            continue;
        }
        assert_absent(row, CONTAINER_SPEC_CPU_QUOTA);
        assert_absent(row, CONTAINER_CPU_PERIODS);
        assert_absent(row, CONTAINER_CPU_THROTTLED_PERIODS);
        assert_absent(row, CONTAINER_CPU_THROTTLED);
    }
}

/* What is impossible is absent with a reason, not clamped; the group's other values stay. */
static void case_13_several_cpus_and_impossible_values(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(point_metrics[POINT_ABSENT].family, "weir_container_absent");
    assert_string_equal(point_metrics[POINT_ABSENT].labels, "group,reason");
    assert_string_equal(agent_metrics[AGENT_CPU_OUT_OF_RANGE].family,
                        "weir_cpu_percent_out_of_range_total");
    (void)used(f, 10000, 0);
    assert_int_equal(used(f, 11000, 3 * SECOND), 300 * PERCENT);
    assert_int_equal(used(f, 12000, 7200 * MS), 420 * PERCENT); /* 105 % of each */
    assert_int_equal(derive_out_of_range(f->derive), 0);
    assert_int_equal(points_of(f->snapshot->rows, POINT_ABSENT, "cpu", NULL), 0);
    assert_int_equal(used(f, 13000, 11400 * MS + 100), NONE);
    const struct container_row *row = f->snapshot->rows;
    assert_int_equal(points_of(row, POINT_ABSENT, "cpu", "out_of_range"), 1);
    assert_int_equal(points_of(row, POINT_ABSENT, "cpu", NULL), 1);
    assert_int_equal(points_of(row, POINT_TIER, "engine", NULL), 1);
    assert_value(row, CONTAINER_CPU_USAGE, 11400 * MS + 100);
    assert_value(row, CONTAINER_CPU_USER, 20 * MS);
    assert_value(row, CONTAINER_SUM_MEMORY_USAGE, 589824);
    assert_int_equal(derive_out_of_range(f->derive), 1);
    assert_int_equal(used(f, 14000, 12400 * MS + 100), 100 * PERCENT);
    assert_int_equal(points_of(f->snapshot->rows, POINT_ABSENT, "cpu", NULL), 0);
    assert_int_equal(derive_out_of_range(f->derive), 1);
}

/* A thread at 10 %, whose counter moves in steps of 4 ms, and a round every 100 ms. */
static void case_14_rounds_at_100_ms(void **state)
{
    struct fixture *f = *state;
    for (uint64_t ms = 0; ms <= 5000; ms += 100) {
        int64_t percent = used(f, 10000 + ms, SECOND + ms / 40 * 4 * MS);
        if (ms < 1000)
            assert_int_equal(percent, NONE);
        else
            assert_in_range(percent, 96 * PERCENT / 10, 104 * PERCENT / 10);
    }
}

/* Steal cannot be made in a test. What gives the answer: the host's CPU time, which lacks what was
 * stolen, is in no rate. */
static void case_15_half_of_the_cpu_is_stolen(void **state)
{
    struct fixture *f = *state;
    f->cpus = 1;
    struct engine_stats first = STATS(SECOND, 40 * SECOND, .online_cpus = 1);
    struct engine_stats second = STATS(3500 * MS, 42500 * MS, .online_cpus = 1);
    assert_int_equal(docker_percent(&first, &second, 1), 100 * PERCENT);
    (void)answered(f, 10000, &first);
    assert_int_equal(percent_of(answered(f, 15000, &second)), 50 * PERCENT);
}

/* The object of year 1, and Podman's body of no bytes. */
static void case_16_stopped_has_its_state_alone(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct engine_stats stats = empty_stats("0001-01-01T00:00:00Z");
    assert_true(stats.empty);
    assert_int_equal(engine_parse_stats("", 0, row_arena(), &e, &stats), -ENODATA);
    assert_true(stats.empty); /* as it was */
    stats = STATS(SECOND, 40 * SECOND, .read = "0001-01-01T00:00:00Z");
    assert_true(stats.empty); /* whatever else it says */
    (void)used(f, 10000, SECOND);
    f->state = STATE_EXITED;
    struct container_row *stopped = add_row(f, &f->engine, 15000);
    engine_fill_stats(&f->facts, &f->spec, &stats, &f->engine.arena, stopped);
    const struct container_row *row = seal(f, 15000);
    assert_int_equal(points_of(row, POINT_STATE, "exited", NULL), 1);
    assert_int_equal(row->point_count, 1);
    for (enum metric_group group = 0; group < GROUP_COUNT; group++)
        assert_int_equal(row->tiers[group], TIER_NONE);
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        assert_true(container_metrics[m].group == GROUP_NONE || !row_has(row, m));
    f->state = STATE_RUNNING;
    assert_int_equal(used(f, 20000, 2 * SECOND), NONE); /* another run of it */
}

/* By itself an error of this round; with the kernel's files beside it no gap at all. */
static void case_17_running_and_an_empty_object(void **state)
{
    struct fixture *f = *state;
    struct engine_stats empty = empty_stats("2026-01-01T00:00:05.5Z");
    assert_true(empty.empty);
    (void)used(f, 10000, 600 * SECOND);
    const struct container_row *row = answered(f, 15000, &empty);
    assert_int_equal(percent_of(row), NONE);
    assert_absent(row, CONTAINER_CPU_USAGE);
    assert_int_equal(points_of(row, POINT_ABSENT, "cpu", "empty_answer"), 1);
    assert_int_equal(points_of(row, POINT_STATE, "running", NULL), 1);
    assert_true(reason_is_error(REASON_EMPTY_ANSWER));
    assert_int_equal(used(f, 20000, 601 * SECOND), 10 * PERCENT);
    add_kernel(f, 27000, 601700 * MS); /* read later than the engine answered */
    row = answered(f, 25000, &empty);
    assert_int_equal(percent_of(row), 10 * PERCENT);
    assert_int_equal(points_of(row, POINT_ABSENT, "cpu", NULL), 0);
    assert_int_equal(used(f, 30000, 602 * SECOND), 10 * PERCENT);
}

static void case_18_late_round_divides_by_the_real_time(void **state)
{
    struct fixture *f = *state;
    (void)used(f, 10000, SECOND);
    assert_int_equal(used(f, 50000, 5 * SECOND), 10 * PERCENT);
}

/* A tier that has microseconds after one that has nanoseconds: rounding is no reset. */
static void case_19_switch_of_tiers(void **state)
{
    struct fixture *f = *state;
    const uint64_t total_ns = 5000000999;
    (void)used(f, 10000, total_ns);
    add_kernel(f, 15000, total_ns / 1000 * 1000);
    const struct container_row *row = seal(f, 15000);
    assert_int_equal(row->tiers[GROUP_CPU], TIER_CGROUP);
    assert_int_equal(percent_of(row), 0);
    assert_int_equal(row->values[CONTAINER_CPU_USAGE], total_ns); /* it does not fall */
    assert_int_equal(used(f, 20000, total_ns + 500 * MS), 10 * PERCENT);
    add_kernel(f, 25000, total_ns + 1000 * MS);
    assert_int_equal(percent_of(seal(f, 25000)), 10 * PERCENT);
    add_kernel(f, 30000, total_ns + 999 * MS); /* 1 ms: that is no rounding */
    assert_int_equal(percent_of(seal(f, 30000)), NONE);
}

/* Removed and created again under one name: another id. By path: test_tricky_cases_host.c. */
static void case_20_same_name_is_another_container(void **state)
{
    struct fixture *f = *state;
    (void)used(f, 10000, SECOND);
    become(f, "5b6c" ID, STARTED);
    assert_int_equal(used(f, 15000, 2 * SECOND), NONE);
    assert_int_equal(used(f, 20000, 2500 * MS), 10 * PERCENT);
}

/* The engine answers with the other container's counters: they are that one's alone. Nested
 * containers: test_tricky_cases_host.c. */
static void case_21_shared_network_is_counted_once(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct engine_inspect inspect = {0};
    static const char text[] = "{\"Id\":\"" ID "\",\"Name\":\"/burn\",\"State\":{\"Status\":"
                               "\"running\",\"Running\":true,\"Pid\":7},\"HostConfig\":{"
                               "\"NetworkMode\":\"container:5b6c\"},\"Config\":{\"Image\":\"x\"}}";
    assert_int_equal(engine_parse_inspect(text, strlen(text), row_arena(), &e, &inspect), 0);
    f->spec = engine_spec_from_inspect(&inspect);
    (void)used(f, 10000, SECOND);
    const struct container_row *row = f->snapshot->rows;
    assert_int_equal(row->interface_count, 0);
    assert_absent(row, CONTAINER_SUM_NETWORK_RECEIVE);
    assert_int_equal(points_of(row, POINT_ABSENT, "network", "shared_network"), 1);
}

static void case_22_seen_once_has_no_rate(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(used(f, 10000, 250 * MS), NONE);
    assert_value(f->snapshot->rows, CONTAINER_CPU_USAGE, 250 * MS);
    f->state = STATE_EXITED;
    (void)add_row(f, &f->engine, 15000);
    const struct container_row *row = seal(f, 15000);
    assert_int_equal(percent_of(row), NONE);
    assert_absent(row, CONTAINER_CPU_USAGE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(case_1_first_sample_has_no_value),
        CASE(case_2_one_shot_uses_its_own_previous_sample),
        CASE(case_3_restart_with_a_smaller_counter),
        CASE(case_4_restart_with_a_larger_counter),
        CASE(case_5_realtime_set_back),
        CASE(case_6_suspend),
        CASE(case_7_cpus_go_offline),
        CASE(case_8_fifteen_entries_on_four_cpus),
        CASE(case_9_podman_with_one_busy_thread),
        CASE(case_10_paused_is_a_real_zero),
        CASE(case_11_quota_of_a_tenth),
        CASE(case_12_no_quota_and_nano_cpus),
        CASE(case_13_several_cpus_and_impossible_values),
        CASE(case_14_rounds_at_100_ms),
        CASE(case_15_half_of_the_cpu_is_stolen),
        CASE(case_16_stopped_has_its_state_alone),
        CASE(case_17_running_and_an_empty_object),
        CASE(case_18_late_round_divides_by_the_real_time),
        CASE(case_19_switch_of_tiers),
        CASE(case_20_same_name_is_another_container),
        CASE(case_21_shared_network_is_counted_once),
        CASE(case_22_seen_once_has_no_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
