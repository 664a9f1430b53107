/* Tests exporters/push_lane: how a lane ends. From push_lane.h, worker.h and docs/PUSH.md. */
#include "tests/unit/fake_push.h"

#include <errno.h>

#define LIMIT_MS 3000
#define CLOSE_MS 500 /* docs/PUSH.md: what the queue may take to be closed after the limit */

static struct push_lane *lane_of(enum push_format format)
{
    const struct push_lane_options o = fake_options(format);
    return fake_lane(&o);
}

static void begin_stop(struct push_lane *l, bool last)
{
    push_lane_stop(l, last, LIMIT_MS, fake_stopped, &fake);
    assert_int_equal(fake.stopped, 0); /* from the loop, never from inside */
    settle();
}

static void a_last_record_ends_all_series(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    answer(204, PUSH_SENT);
    advance(2000);
    begin_stop(l, true);
    assert_int_equal(fake.previous, 1);
    assert_int_equal(fake.current, 0);
    assert_int_equal(fake.records[0].record.time_ms, fake.realtime_ms);
    assert_int_equal(fake.stopped, 0);
    answer(204, PUSH_SENT);
    assert_int_equal(fake.stopped, 1);
    assert_true(fake.closed_before_stopped);
    assert_int_equal(fake.record_count, 0);
    assert_int_equal(fake.line_count, 0);
}

static void the_last_record_is_later_than_the_others(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    answer(204, PUSH_SENT);
    uint64_t round_ms = fake.realtime_ms;
    step(-3600000);
    begin_stop(l, true);
    assert_int_equal(fake.records[0].record.time_ms, round_ms + 1);
    answer(204, PUSH_SENT);
    assert_int_equal(fake.stopped, 1);
}

static void without_rounds_nothing_ends(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    begin_stop(l, true);
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(fake.record_count, 0);
    assert_int_equal(fake.request_count, 0);
}

static void a_reload_ends_no_series(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    answer(204, PUSH_SENT);
    await_demand(INTERVAL_MS);
    begin_stop(l, false);
    assert_int_equal(fake.withdrawn, 1);
    assert_int_equal(fake.stopped, 1);
    assert_true(fake.closed_before_stopped);
    assert_int_equal(fake.record_count, 0);
}

static void the_backlog_is_sent_while_it_is_taken(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 4; i++)
        leave_record(PUSH_REMOTE_WRITE, i, 1, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    begin_stop(l, true);
    expect("11/1:0-0", 204, PUSH_SENT);
    expect("11/2:0-0", 400, PUSH_REFUSED); /* that is no reason to stop */
    expect("11/3:0-0", 503, PUSH_AGAIN);   /* that is */
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(fake.record_count, 2);
    assert_int_equal(lines_with("lost"), 0); /* the disk keeps them */
}

static void a_pause_ends_with_one_more_try(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 1, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    answer(503, PUSH_AGAIN);
    assert_false(fake.under_way);
    begin_stop(l, true);
    expect("11/1:0-0", 503, PUSH_AGAIN);
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(fake.record_count, 1);
}

/* The next lane goes on with the queue. */
static void a_reload_does_not_wait_for_a_dead_receiver(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 1, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    answer(503, PUSH_AGAIN);
    size_t sent = fake.request_count;
    begin_stop(l, false);
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(fake.request_count, sent);
}

static void memory_alone_is_tried_until_the_limit(void **state)
{
    (void)state;
    fake.has_directory = false;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    for (int i = 0; i < 7; i++) { /* the pause is long by now */
        answer(503, PUSH_AGAIN);
        while (!fake.under_way)
            advance(250);
    }
    answer(503, PUSH_AGAIN);
    size_t sent = fake.request_count;
    uint64_t at_ms = fake.monotonic_ms;
    begin_stop(l, true);
    while (fake.stopped == 0) {
        if (fake.under_way)
            answer(503, PUSH_AGAIN);
        advance(50);
    }
    assert_in_range(fake.monotonic_ms - at_ms, LIMIT_MS, LIMIT_MS + CLOSE_MS);
    assert_in_range(fake.request_count - sent, 4, 10);
    assert_int_equal(lines_with("8 samples for \"mimir\" were lost"), 1);
}

static void memory_alone_that_is_sent_is_not_lost(void **state)
{
    (void)state;
    fake.has_directory = false;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    begin_stop(l, true);
    answer(503, PUSH_AGAIN);
    advance(500);
    answer(204, PUSH_SENT);
    answer(204, PUSH_SENT);
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(lines_with("lost"), 0);
}

/* Half of a record was taken: only the other half is lost. */
static void what_was_answered_is_not_lost(void **state)
{
    (void)state;
    fake.has_directory = false;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    answer(413, PUSH_SPLIT);
    answer(204, PUSH_SENT);
    begin_stop(l, false);
    advance(LIMIT_MS + CLOSE_MS);
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(lines_with("2 samples for \"mimir\" were lost"), 1);
}

static void what_the_disk_did_not_take_is_told_of(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    fake.append_error = -ENOSPC;
    fake.append_in_memory = true;
    tick(1);
    begin_stop(l, false);
    answer(503, PUSH_AGAIN); /* worth more than one try */
    assert_int_equal(fake.stopped, 0);
    advance(LIMIT_MS + CLOSE_MS);
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(lines_with("were lost: they waited in memory"), 1);
}

static void a_receiver_that_hangs_is_cut_off(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    begin_stop(l, true);
    advance(LIMIT_MS - 1);
    assert_int_equal(fake.stopped, 0);
    assert_true(fake.under_way);
    advance(1);
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(fake.cancelled, 1);
    assert_true(fake.closed_before_stopped);
    assert_int_equal(fake.record_count, 2); /* the round and the end, for the next weir */
}

static void a_disk_that_hangs_does_not_hold_it_up(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    answer(204, PUSH_SENT);
    fake.stuck = true;
    tick(2);
    push_lane_stop(l, true, LIMIT_MS, fake_stopped, &fake);
    advance(LIMIT_MS + CLOSE_MS - 1);
    assert_int_equal(fake.stopped, 0);
    advance(1);
    assert_int_equal(fake.stopped, 1);
    assert_true(fake.opened); /* the thread has it still */
    assert_int_equal(lines_with("the last round for \"mimir\" may be lost"), 1);
    buf_clear(&fake.steps);
    late_end(); /* what it uses is there still, but for the snapshots, which it leaves alone */
    assert_string_equal(fake.steps.data, "expire|");
    assert_false(fake.opened);
}

static void metadata_is_not_waited_for(void **state)
{
    (void)state;
    fake.families = 1;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    answer(204, PUSH_SENT);
    assert_string_equal(request()->body, "1meta:0");
    begin_stop(l, false);
    assert_int_equal(fake.cancelled, 1);
    assert_int_equal(fake.stopped, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_last_record_ends_all_series),
        TEST(the_last_record_is_later_than_the_others),
        TEST(without_rounds_nothing_ends),
        TEST(a_reload_ends_no_series),
        TEST(the_backlog_is_sent_while_it_is_taken),
        TEST(a_pause_ends_with_one_more_try),
        TEST(a_reload_does_not_wait_for_a_dead_receiver),
        TEST(memory_alone_is_tried_until_the_limit),
        TEST(memory_alone_that_is_sent_is_not_lost),
        TEST(what_was_answered_is_not_lost),
        TEST(what_the_disk_did_not_take_is_told_of),
        TEST(a_receiver_that_hangs_is_cut_off),
        TEST(a_disk_that_hangs_does_not_hold_it_up),
        TEST(metadata_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
