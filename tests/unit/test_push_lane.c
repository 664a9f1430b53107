/* Tests exporters/push_lane: when rounds are asked for, which become records, and what is done by
 * its thread. From push_lane.h and docs/PUSH.md. */
#include "tests/unit/fake_push.h"

#include "base/err.h"
#include "tests/unit/snapshot_fixture.h"

#include <errno.h>

#define PHASE_MS UINT64_C(2000)

/* START_MS is 8 s after a multiple of the interval: the next tick is 7 s away, or 9 s with that
 * phase. */
static void rounds_follow_the_wall_clock(void **state)
{
    (void)state;
    struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    o.phase_ms = PHASE_MS;
    struct push_lane *l = fake_lane(&o);
    advance(8999);
    assert_int_equal(fake.asked, 0);
    advance(1);
    assert_int_equal(fake.asked, 1);
    assert_int_equal(fake.asked_ms % INTERVAL_MS, PHASE_MS);
    assert_int_equal(fake.demands[0]->deadline_ns, (fake.monotonic_ms + TIMEOUT_MS) * NS_PER_MS);
    publish(1);
    advance(INTERVAL_MS - 1);
    assert_int_equal(fake.asked, 1);
    advance(1);
    assert_int_equal(fake.asked, 2);
    fake_end(l);
    assert_int_equal(fake.withdrawn, 1);
}

static void a_clock_that_is_set_does_no_harm(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {7000, -7000, 3600000, -86400000, 1, -1, 14999, -14999};
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        tick(++number);
        advance(1000);
        step(steps_ms[i]);
        await_demand(2 * INTERVAL_MS); /* a tick that comes twice is one still */
        publish(++number);
        tick(++number);
        assert_int_equal(fake.asked_ms % INTERVAL_MS, 0);
        assert_int_equal(fake.realtime_ms, fake.asked_ms);
    }
    fake_end(l);
}

/* Steps of the clock right after a round, and timers that run out early. */
static void no_tick_has_two_rounds(void **state)
{
    (void)state;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    uint64_t first_ms = fake.asked_ms;
    step(-5);
    advance(INTERVAL_MS); /* the timer runs out 5 ms before the wall clock is there */
    assert_int_equal(fake.asked, 1);
    advance(4);
    assert_int_equal(fake.asked, 1);
    advance(1);
    assert_int_equal(fake.asked, 2);
    assert_int_equal(fake.asked_ms, first_ms + INTERVAL_MS);
    fake_end(l);
}

static void a_round_that_lasts_skips_ticks(void **state)
{
    (void)state;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    await_demand(INTERVAL_MS);
    advance(3 * INTERVAL_MS);
    assert_int_equal(fake.asked, 1);
    publish(1);
    tick(2);
    assert_int_equal(fake.asked, 2);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "queue_stuck"), 0);
    fake_end(l);
}

static void a_reused_snapshot_is_no_round(void **state)
{
    (void)state;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    struct snapshot *s = fixture_snapshot(1);
    s->number = 7;
    s->realtime_ns = START_MS * NS_PER_MS;
    for (int i = 0; i < 3; i++) {
        await_demand(INTERVAL_MS);
        struct demand *d = fake.demands[0];
        fake.demand_count = 0;
        d->done(d, s);
        settle();
    }
    assert_int_equal(fake.record_count, 1);
    assert_int_equal(fake.records[0].record.time_ms, START_MS);
    /* Another source counts anew: the number alone says nothing. */
    tick(7);
    assert_int_equal(fake.record_count, 2);
    fake_end(l);
    assert_int_equal(s->references, 1);
    snapshot_unref(s);
}

static void a_record_is_the_round_and_the_one_before(void **state)
{
    (void)state;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE_2);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    assert_int_equal(fake.previous, 0);
    assert_int_equal(fake.current, 1);
    tick(2);
    assert_int_equal(fake.previous, 1);
    assert_int_equal(fake.current, 2);
    assert_int_equal(fake.record_count, 2);
    const struct push_record *r = &fake.records[1].record;
    assert_int_equal(r->time_ms, fake.realtime_ms);
    assert_int_equal(r->samples, 4);
    assert_int_equal(r->format, PUSH_REMOTE_WRITE_2);
    assert_int_equal(r->coding, PUSH_SNAPPY);
    fake_end(l);
}

/* What a job does, in the order it has to be done in. */
static void a_job_has_one_order(void **state)
{
    (void)state;
    fake.authorization = "Bearer x";
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    assert_string_equal(request()->body, "11/1700000010000:0-3");
    buf_clear(&fake.steps);
    fake.stuck = true; /* in the job that a tick begins, so that the next has more to do */
    await_demand(INTERVAL_MS);
    publish(2);
    answer(204, PUSH_SENT);
    fake.stuck = false;
    settle();
    assert_string_equal(fake.steps.data, "expire|ack encode append peek secrets|");
    assert_string_equal(request()->body, "11/1700000025000:0-3");
    fake_end(l);
}

static void a_disk_that_hangs_costs_rounds_and_no_memory(void **state)
{
    (void)state;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    answer(204, PUSH_SENT);
    fake.stuck = true;
    tick(2);
    size_t asked = fake.asked;
    advance(100 * INTERVAL_MS);
    assert_int_equal(fake.asked, asked); /* what could not be queued is not even collected */
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "queue_stuck"), 100);
    assert_int_equal(lines_with("has not answered since the round before"), 1);
    fake.stuck = false;
    settle();
    assert_int_equal(fake.current, 2);
    assert_int_equal(lines_with("answers again"), 1);
    tick(3);
    assert_int_equal(fake.previous, 2);
    assert_int_equal(fake.record_count, 2);
    fake_end(l);
}

static void what_the_queue_gave_up_was_not_the_one_before(void **state)
{
    (void)state;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    fake.append_error = -ENOSPC;
    fake.append_gives_up = true;
    tick(2);
    tick(3);
    assert_int_equal(fake.previous, 1);
    fake.append_gives_up = false; /* it waits in memory */
    tick(4);
    assert_int_equal(fake.previous, 1);
    fake.append_error = 0;
    tick(5);
    assert_int_equal(fake.previous, 4);
    assert_int_equal(lines_with("the disk is full"), 1);
    assert_int_equal(lines_with("can be read and written again"), 1);
    assert_int_equal(lines_with("gave up 4 samples (queue_disk)"), 1);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "queue_disk"), 8);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "queue_disk"), 2);
    fake_end(l);
}

static void a_round_too_large_is_counted(void **state)
{
    (void)state;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    fake.encode_error = -EMSGSIZE;
    tick(2);
    tick(3);
    fake.encode_error = -ENODATA; /* nothing to send is no loss */
    tick(4);
    fake.encode_error = 0;
    tick(5);
    assert_int_equal(fake.previous, 1);
    assert_int_equal(fake.record_count, 2);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "encoding"), 2);
    assert_int_equal(lines_with("cannot be put into requests of 16 MiB"), 1);
    fake_end(l);
}

/* A host with very many containers: nothing is lost, and every request is of one size that fits. */
static void a_large_round_is_several_records(void **state)
{
    (void)state;
    fake.samples = 1000000;
    fake.samples_most = 100000;
    const struct push_lane_options o = fake_options(PUSH_OTLP);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    assert_int_equal(point(l, AGENT_PUSH_QUEUED, NULL), 1000000);
    assert_int_equal(fake.record_count, 16);
    assert_string_equal(fake.records[1].body + strlen(fake.records[1].body) - 12, "65536-131071");
    uint64_t samples = 0;
    for (size_t i = 0; i < fake.record_count; i++) {
        assert_in_range(fake.records[i].record.samples, 1, fake.samples_most);
        assert_int_equal(fake.records[i].record.time_ms, fake.realtime_ms);
        samples += fake.records[i].record.samples;
    }
    assert_int_equal(samples, 1000000);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "encoding"), 0);
    buf_clear(&fake.steps);
    tick(2); /* what did not fit is not tried again */
    assert_int_equal(fake.record_count, 32);
    assert_null(strstr(fake.steps.data, "encode encode encode"));
    assert_int_equal(fake.previous, 1);
    fake_end(l);
}

/* The last record is full to the brim: an empty one does not follow. */
static void a_round_may_fill_its_records(void **state)
{
    (void)state;
    fake.samples = 1 << 17;
    fake.samples_most = 1 << 16;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    assert_int_equal(fake.record_count, 2);
    tick(2);
    assert_int_equal(fake.record_count, 4);
    assert_int_equal(fake.previous, 1);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "encoding"), 0);
    fake_end(l);
}

static void another_source_is_asked_in_its_place(void **state)
{
    (void)state;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    push_lane_set_source(l, &o.source);
    assert_int_equal(fake.withdrawn, 0);
    assert_int_equal(fake.asked, 0);
    await_demand(INTERVAL_MS);
    push_lane_set_source(l, &o.source);
    assert_int_equal(fake.withdrawn, 1);
    assert_int_equal(fake.asked, 2);
    publish(1);
    assert_int_equal(fake.record_count, 1);
    fake_end(l);
}

static void without_a_thread_it_is_tried_again(void **state)
{
    (void)state;
    fake.no_thread = true;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    advance(2 * INTERVAL_MS);
    assert_int_equal(lines_with("no thread can be had"), 1);
    assert_int_equal(fake.record_count, 0);
    fake.no_thread = false;
    advance(INTERVAL_MS);
    assert_int_equal(fake.record_count, 1);
    assert_int_equal(request()->timeout_ms, TIMEOUT_MS);
    assert_int_equal(lines_with("has its thread again"), 1);
    fake_end(l);
}

static void without_a_thread_it_ends_all_the_same(void **state)
{
    (void)state;
    fake.no_thread = true;
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    push_lane_stop(l, true, 3000, fake_stopped, &fake);
    advance(3000 + 500);
    assert_int_equal(fake.stopped, 1);
}

static void a_queue_in_use_is_an_error(void **state)
{
    (void)state;
    struct err e = {0};
    struct push_lane *l = NULL;
    fake.open_error = -EBUSY;
    fake.authorization = "Bearer x";
    const struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    assert_int_equal(push_lane_new(&o, &e, &l), -EBUSY);
    assert_string_equal(e.text, "the queue is in use");
    assert_null(l);
}

static void it_counts_what_the_queue_counts(void **state)
{
    (void)state;
    fake.stats.dropped_samples[PUSH_DROP_TORN] = 9;
    fake.stats.dropped_records[PUSH_DROP_TORN] = 1;
    fake.stats.bytes = 1234;
    struct push_lane_options o = fake_options(PUSH_REMOTE_WRITE);
    o.queue.max_bytes = 65536;
    leave_record(PUSH_REMOTE_WRITE, START_MS - 5000, 6, true);
    struct push_lane *l = fake_lane(&o);
    assert_int_equal(lines_with("gave up 9 samples (torn)"), 1);
    assert_int_equal(point(l, AGENT_PUSH_INFO, "remote-write"), 1);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_BYTES, NULL), 1234);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_MAX, NULL), 65536);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_SAMPLES, NULL), 6);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_AGE, NULL), 5000);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "torn"), 9);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "torn"), 1);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "queue_age"), 0);
    assert_int_equal(point(l, AGENT_PUSH_SUCCESS_TIME, NULL), -1);
    assert_int_equal(point(l, AGENT_PUSH_RESPONSES, "none"), 0);
    tick(1);
    assert_int_equal(point(l, AGENT_PUSH_QUEUED, NULL), 4);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_SAMPLES, NULL), 10);
    step(-3600000); /* the oldest is of the future now */
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_AGE, NULL), 0);
    fake_end(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(rounds_follow_the_wall_clock),
        TEST(a_clock_that_is_set_does_no_harm),
        TEST(no_tick_has_two_rounds),
        TEST(a_round_that_lasts_skips_ticks),
        TEST(a_reused_snapshot_is_no_round),
        TEST(a_record_is_the_round_and_the_one_before),
        TEST(a_job_has_one_order),
        TEST(a_disk_that_hangs_costs_rounds_and_no_memory),
        TEST(what_the_queue_gave_up_was_not_the_one_before),
        TEST(a_round_too_large_is_counted),
        TEST(a_large_round_is_several_records),
        TEST(a_round_may_fill_its_records),
        TEST(another_source_is_asked_in_its_place),
        TEST(without_a_thread_it_is_tried_again),
        TEST(without_a_thread_it_ends_all_the_same),
        TEST(a_queue_in_use_is_an_error),
        TEST(it_counts_what_the_queue_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
