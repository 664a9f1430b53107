/* Tests exporters/push_lane: what is sent, in which order, and what comes of each answer. From
 * push_lane.h, push_answer.h, docs/PUSH.md and the remote write specifications ("Retries"). */
#include "tests/unit/fake_push.h"

#include "base/alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS UINT64_C(3600000)

static struct push_lane *lane_of(enum push_format format)
{
    const struct push_lane_options o = fake_options(format);
    return fake_lane(&o);
}

/* --- headers --- */

static void remote_write_1_has_its_headers(void **state)
{
    (void)state;
    fake.authorization = "Basic dTpw";
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    check_header("Content-Type: application/x-protobuf");
    check_header("Content-Encoding: snappy");
    check_header("X-Prometheus-Remote-Write-Version: 0.1.0");
    check_header("User-Agent: weir/1.2.3");
    check_header("Authorization: Basic dTpw");
    check_header("X-Scope-OrgID: me");
    check_no_header("Retry-Attempt");
    fake_end(l);
}

static void remote_write_2_has_its_headers(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE_2);
    for (uint64_t i = 1; i < 3; i++) { /* the probe, then data */
        if (i == 1)
            tick(i);
        check_header("Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request");
        check_header("Content-Encoding: snappy");
        check_header("X-Prometheus-Remote-Write-Version: 2.0.0");
        check_no_header("Authorization");
        answer(204, PUSH_SENT);
    }
    fake_end(l);
}

static void otlp_has_its_headers(void **state)
{
    (void)state;
    struct push_lane_options o = fake_options(PUSH_OTLP);
    struct push_lane *l = fake_lane(&o);
    tick(1);
    check_header("Content-Type: application/x-protobuf");
    check_header("Content-Encoding: gzip");
    check_no_header("X-Prometheus");
    answer(503, PUSH_AGAIN);
    advance(500);
    check_no_header("Retry-Attempt");
    answer(200, PUSH_SENT);
    fake_end(l);
    fake.stopped = 0;
    o.coding = PUSH_PLAIN;
    l = fake_lane(&o);
    tick(2);
    check_no_header("Content-Encoding");
    fake_end(l);
}

/* --- again --- */

static void a_retry_sends_the_same_bytes(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    char *body = alloc_string(request()->body);
    static const uint64_t pauses_ms[] = {500, 1000, 2000, 4000};
    for (unsigned i = 0; i < 4; i++) {
        answer(503, PUSH_AGAIN);
        advance(pauses_ms[i] - 1);
        assert_false(fake.under_way);
        advance(1);
        assert_string_equal(request()->body, body);
        char *header = alloc_format("Retry-Attempt: %u", i + 1);
        check_header(header);
        free(header);
        assert_int_equal(point(l, AGENT_PUSH_RETRIED, NULL), 4 * (i + 1));
        assert_int_equal(fake.record_count, 1);
    }
    answer(204, PUSH_SENT);
    assert_int_equal(fake.record_count, 0);
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 4);
    assert_int_equal(point(l, AGENT_PUSH_SUCCESS_TIME, NULL), fake.realtime_ms);
    assert_int_equal(point(l, AGENT_PUSH_RESPONSES, "503"), 4);
    assert_int_equal(point(l, AGENT_PUSH_RESPONSES, "204"), 1);
    assert_int_equal(point(l, AGENT_PUSH_DURATION, NULL), 5 * 5 * NS_PER_MS);
    tick(2);
    check_no_header("Retry-Attempt");
    fake_end(l);
    free(body);
}

static void retry_after_is_kept_to(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    const struct http_post_result result = {.status = 429, .text = "", .body = ""};
    tick(1);
    answer_with(&result, &(struct push_answer){.verdict = PUSH_AGAIN, .retry_after_ms = 100000});
    size_t sent = fake.request_count;
    advance(99999);
    assert_int_equal(fake.request_count, sent);
    publish(2); /* the round that was asked for meanwhile */
    advance(1);
    assert_int_equal(fake.request_count, sent + 1);
    fake_end(l);
}

/* The specification's words for an answer that was lost: no answer, or a gateway that had none. */
static void what_may_have_arrived_is_doubtful(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool doubtful;
    } cases[] = {{500, false}, {503, false}, {429, false}, {502, true}, {504, true}, {0, true}};
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tick(i + 1);
        if (cases[i].status == 0)
            no_answer();
        else
            answer(cases[i].status, PUSH_AGAIN);
        assert_false(fake.question.doubtful);
        advance(500);
        answer(500, PUSH_AGAIN);
        assert_int_equal(fake.question.doubtful, cases[i].doubtful);
        advance(1000);
        answer(400, cases[i].doubtful ? PUSH_DUPLICATE : PUSH_SENT);
        assert_int_equal(fake.question.doubtful, cases[i].doubtful); /* it stays so */
    }
    assert_int_equal(point(l, AGENT_PUSH_DUPLICATE, NULL), 3 * 4);
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 3 * 4);
    assert_int_equal(fake.record_count, 0);
    assert_int_equal(point(l, AGENT_PUSH_RESPONSES, "none"), 1);
    fake_end(l);
}

/* libcurl itself repeats a request whose used connection died: the first may have been stored. */
static void what_was_sent_twice_is_doubtful(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    const struct http_post_result result = {.status = 400, .text = "", .body = "", .resent = true};
    tick(1);
    answer_with(&result, &(struct push_answer){.verdict = PUSH_DUPLICATE});
    assert_true(fake.question.doubtful);
    assert_int_equal(point(l, AGENT_PUSH_DUPLICATE, NULL), 4);
    tick(2);
    answer(204, PUSH_SENT);
    assert_false(fake.question.doubtful); /* the next one is not */
    fake_end(l);
}

static void the_first_after_a_start_may_be_doubtful(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1000, 2, true);
    leave_record(PUSH_REMOTE_WRITE, 2000, 2, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    expect("11/1000:0-1", 400, PUSH_DUPLICATE);
    assert_true(fake.question.doubtful);
    assert_int_equal(fake.question.samples, 2);
    assert_int_equal(fake.question.format, PUSH_REMOTE_WRITE);
    expect("11/2000:0-1", 204, PUSH_SENT);
    assert_false(fake.question.doubtful);
    fake_end(l);
}

/* Each sample is counted once at any moment: as waiting, or as sent. */
static void a_sample_is_never_in_two_places(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    answer(413, PUSH_SPLIT);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_SAMPLES, NULL), 4);
    expect("11/1700000010000:0-1", 204, PUSH_SENT);
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 2);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_SAMPLES, NULL), 2);
    fake.stuck = true; /* the disk does not let go of it */
    answer(204, PUSH_SENT);
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 4);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_SAMPLES, NULL), 0);
    fake.stuck = false;
    settle();
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_SAMPLES, NULL), 0);
    tick(2);
    assert_int_equal(point(l, AGENT_PUSH_QUEUE_SAMPLES, NULL), 4);
    fake_end(l);
}

/* --- order --- */

static void the_backlog_goes_oldest_first_without_pause(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        leave_record(PUSH_REMOTE_WRITE, i, 1, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    uint64_t at_ms = fake.monotonic_ms;
    expect("11/1:0-0", 204, PUSH_SENT);
    expect("11/2:0-0", 400, PUSH_REFUSED);
    expect("11/3:0-0", 400, PUSH_DUPLICATE);
    expect("11/4:0-0", 204, PUSH_SENT);
    expect("11/5:0-0", 204, PUSH_SENT);
    assert_int_equal(fake.monotonic_ms, at_ms);
    assert_false(fake.under_way);
    fake_end(l);
}

/* A receiver that says 500 for an hour, then is well: attempts and memory stay bounded, every round
 * arrives, in order. */
static void an_hour_of_500(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    uint64_t end_ms = fake.monotonic_ms + HOUR_MS;
    uint64_t number = 0;
    while (fake.monotonic_ms < end_ms) {
        if (fake.under_way)
            answer(500, PUSH_AGAIN);
        if (fake.demand_count > 0)
            publish(++number);
        advance(250);
    }
    /* 0.5 + 1 + ... + 32 s, then one a minute. */
    assert_in_range(fake.request_count, 60, 70);
    assert_int_equal(number, HOUR_MS / INTERVAL_MS);
    assert_int_equal(fake.record_count, number);
    assert_int_equal(lines_with("answered 500"), 1);
    assert_int_equal(fake.line_count, 1);
    while (!fake.under_way)
        advance(250);
    size_t before = fake.request_count - 1;
    while (fake.under_way)
        answer(204, PUSH_SENT);
    assert_int_equal(fake.request_count - before, number);
    assert_int_equal(fake.record_count, 0);
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 4 * number);
    for (uint64_t i = 0; i < number; i++) {
        char *body = alloc_format("11/%" PRIu64 ":0-3", START_MS + 7000 + i * INTERVAL_MS);
        assert_string_equal(fake.requests[before + i].body, body);
        free(body);
    }
    assert_int_equal(lines_with("takes data again after 6"), 1); /* 60 minutes or 61 */
    assert_int_equal(fake.line_count, 2);
    fake_end(l);
}

/* --- halves --- */

static void too_large_goes_in_halves_in_order(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 4, false);
    leave_record(PUSH_REMOTE_WRITE, 2, 1, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    expect("11/1:0-3", 413, PUSH_SPLIT);
    expect("11/1:0-1", 413, PUSH_SPLIT);
    expect("11/1:0-0", 204, PUSH_SENT);
    assert_int_equal(fake.record_count, 2); /* not done with until all of it is */
    expect("11/1:1-1", 500, PUSH_AGAIN);
    advance(500);
    check_header("Retry-Attempt: 1");
    expect("11/1:1-1", 204, PUSH_SENT);
    check_no_header("Retry-Attempt");
    expect("11/1:2-3", 204, PUSH_SENT);
    expect("11/2:0-0", 204, PUSH_SENT);
    assert_int_equal(fake.record_count, 0);
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 5);
    assert_int_equal(point(l, AGENT_PUSH_RETRIED, NULL), 1);
    fake_end(l);
}

static void one_sample_too_large_is_dropped(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 2, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    expect("11/1:0-1", 413, PUSH_SPLIT);
    expect("11/1:0-0", 413, PUSH_SPLIT); /* whatever the judge says */
    expect("11/1:1-1", 204, PUSH_SENT);
    assert_int_equal(fake.record_count, 0);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "too_large"), 1);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "too_large"), 0);
    assert_int_equal(lines_with("too_large"), 1);
    fake_end(l);
}

static void a_doubt_is_that_of_both_halves(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 2, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    no_answer();
    advance(500);
    answer(413, PUSH_SPLIT);
    expect("11/1:0-0", 400, PUSH_DUPLICATE);
    assert_true(fake.question.doubtful);
    expect("11/1:1-1", 400, PUSH_DUPLICATE);
    assert_true(fake.question.doubtful);
    fake_end(l);
}

static void a_damaged_message_does_not_block(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 2, false);
    leave_record(PUSH_REMOTE_WRITE, 2, 2, false);
    fake.records[0].body[0] = '9'; /* cannot be unpacked */
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    expect("91/1:0-1", 413, PUSH_SPLIT);
    expect("11/2:0-1", 204, PUSH_SENT);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "corrupt"), 2);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "corrupt"), 1);
    fake_end(l);
}

/* --- verdicts --- */

static void what_was_left_out_is_counted(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    const struct http_post_result result = {.status = 200, .text = "", .body = "3 were too old"};
    tick(1);
    answer_with(&result, &(struct push_answer){
                             .verdict = PUSH_SENT, .rejected = 3, .reason = PUSH_DROP_PARTIAL});
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 1);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "partial"), 3);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "partial"), 0);
    assert_int_equal(lines_with("3 were too old"), 1);
    assert_int_equal(fake.record_count, 0);
    fake_end(l);
}

static void a_refusal_is_told_in_the_receivers_words(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    for (uint64_t i = 1; i <= 20; i++) {
        tick(i);
        answer(400, PUSH_REFUSED);
        assert_int_equal(fake.record_count, 0);
    }
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "refused"), 80);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "refused"), 20);
    assert_int_equal(lines_with("words of the receiver"), 1);
    assert_int_equal(fake.lines[0].severity, PUSH_WARN);
    const struct http_post_result result = {.status = 401, .text = "", .body = "who are you?"};
    tick(21);
    answer_with(&result, &(struct push_answer){.verdict = PUSH_REFUSED,
                                               .reason = PUSH_DROP_REFUSED,
                                               .alarming = true});
    assert_int_equal(lines_with("who are you?"), 1);
    assert_int_equal(lines_with("bearer-token-file"), 1);
    assert_int_equal(fake.lines[1].severity, PUSH_ERROR);
    fake_end(l);
}

static void an_outage_is_one_line_a_cause(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    for (int i = 0; i < 10; i++) {
        if (i % 2 == 0)
            no_answer();
        else
            answer(503, PUSH_AGAIN);
        while (!fake.under_way)
            advance(250);
    }
    assert_int_equal(lines_with("nobody listens there"), 1);
    assert_int_equal(lines_with("answered 503"), 1);
    answer(204, PUSH_SENT);
    assert_int_equal(lines_with("\"mimir\" takes data again after"), 1);
    assert_int_equal(fake.line_count, 3);
    publish(2);
    for (uint64_t i = 3; i < 10; i++) { /* one that comes and goes does not fill the log */
        answer(503, PUSH_AGAIN);
        advance(500);
        answer(204, PUSH_SENT);
        tick(i);
    }
    assert_int_equal(fake.line_count, 3);
    fake_end(l);
}

/* --- remote write 2 --- */

static void nothing_goes_to_version_2_before_a_probe(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE_2);
    assert_false(fake.under_way); /* nothing waits */
    tick(1);
    expect("1probe 2", 503, PUSH_AGAIN);
    assert_true(fake.question.probe);
    assert_int_equal(fake.question.samples, 0);
    advance(500);
    assert_string_equal(request()->body, "1probe 2");
    no_answer();
    tick(2);
    assert_int_equal(fake.record_count, 2);
    assert_string_equal(request()->body, "1probe 2");
    answer(204, PUSH_SENT);
    check_no_header("Retry-Attempt"); /* data, for the first time */
    assert_string_equal(request()->body, "12/1700000010000:0-3");
    answer(204, PUSH_SENT);
    assert_false(fake.question.probe);
    expect("12/1700000025000:0-3", 204, PUSH_SENT);
    tick(3);
    assert_string_equal(request()->body, "12/1700000040000:0-3"); /* one probe is enough */
    assert_int_equal(point(l, AGENT_PUSH_RETRIED, NULL), 0);
    assert_int_equal(point(l, AGENT_PUSH_INFO, "remote-write-2"), 1);
    fake_end(l);
}

static void a_probe_that_is_refused_loses_nothing(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE_2);
    tick(1);
    answer(401, PUSH_REFUSED);
    advance(500);
    expect("1probe 2", 204, PUSH_SENT);
    expect("12/1700000010000:0-3", 204, PUSH_SENT);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "refused"), 0);
    fake_end(l);
}

static void version_1_is_fallen_back_to_for_good(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE_2, 1, 2, false);
    leave_record(PUSH_REMOTE_WRITE_2, 2, 2, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE_2);
    expect("1probe 2", 204, PUSH_FALL_BACK);
    check_header("X-Prometheus-Remote-Write-Version: 0.1.0");
    check_header("Content-Type: application/x-protobuf");
    expect("11/1:0-1", 204, PUSH_SENT);
    expect("11/2:0-1", 204, PUSH_SENT);
    tick(1);
    assert_int_equal(fake.records[0].record.format, PUSH_REMOTE_WRITE);
    expect("11/1700000010000:0-3", 204, PUSH_SENT);
    assert_int_equal(point(l, AGENT_PUSH_INFO, "remote-write"), 1);
    assert_int_equal(lines_with("does not know remote write 2"), 1);
    fake_end(l);
}

/* A receiver that is exchanged for an older one. */
static void data_may_show_that_version_2_is_not_known(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE_2, 1, 4, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE_2);
    expect("1probe 2", 204, PUSH_SENT);
    expect("12/1:0-3", 413, PUSH_SPLIT);
    expect("12/1:0-1", 415, PUSH_FALL_BACK);
    expect("11/1:0-1", 204, PUSH_SENT);
    expect("11/1:2-3", 413, PUSH_SPLIT);
    expect("11/1:2-2", 204, PUSH_SENT);
    expect("11/1:3-3", 204, PUSH_SENT);
    assert_int_equal(fake.record_count, 0);
    fake_end(l);
}

static void each_record_goes_in_its_own_format(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 2, false);
    leave_record(PUSH_OTLP, 2, 3, false);
    leave_record(PUSH_REMOTE_WRITE_2, 3, 2, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE_2);
    check_header("X-Prometheus-Remote-Write-Version: 0.1.0");
    expect("11/1:0-1", 204, PUSH_SENT); /* which needs no probe */
    expect("1probe 2", 204, PUSH_SENT);
    expect("12/3:0-1", 204, PUSH_SENT);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "format"), 3);
    assert_int_equal(point(l, AGENT_PUSH_ROUNDS_DROPPED, "format"), 1);
    fake_end(l);
}

static void version_2_is_converted_for_version_1(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE_2, 1, 2, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    expect("11/1:0-1", 204, PUSH_SENT);
    fake_end(l);
}

/* Version 1 repeats every label, so the same samples may be longer than a request may be. */
static void what_conversion_makes_too_long_is_split(void **state)
{
    (void)state;
    fake.samples_most = 2;
    leave_record(PUSH_REMOTE_WRITE_2, 1, 5, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    expect("11/1:0-1", 204, PUSH_SENT);
    expect("11/1:2-2", 204, PUSH_SENT);
    expect("11/1:3-4", 204, PUSH_SENT);
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 5);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "corrupt"), 0);
    fake_end(l);
}

static void otlp_gets_no_remote_write(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 2, false);
    leave_record(PUSH_OTLP, 2, 3, false);
    struct push_lane *l = lane_of(PUSH_OTLP);
    expect("23/2:0-2", 200, PUSH_SENT);
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "format"), 2);
    fake_end(l);
}

/* --- metadata --- */

static void metadata_follows_the_first_success(void **state)
{
    (void)state;
    fake.families = 2;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    answer(500, PUSH_AGAIN);
    advance(500);
    answer(204, PUSH_SENT);
    check_header("X-Prometheus-Remote-Write-Version: 0.1.0");
    assert_in_range(request()->timeout_ms, 1, TIMEOUT_MS);
    expect("1meta:0", 204, PUSH_SENT);
    expect("1meta:1", 204, PUSH_SENT);
    assert_false(fake.under_way);
    uint64_t at_ms = fake.monotonic_ms;
    uint64_t number = 1;
    do {
        tick(++number);
        answer(204, PUSH_SENT);
    } while (!fake.under_way);
    assert_in_range(fake.monotonic_ms - at_ms, 300000, 300000 + INTERVAL_MS);
    /* An error is not tried again, but the next time is. */
    expect("1meta:0", 500, PUSH_AGAIN);
    assert_false(fake.under_way);
    assert_int_equal(point(l, AGENT_PUSH_SENT, NULL), 4 * number);
    assert_int_equal(point(l, AGENT_PUSH_RETRIED, NULL), 4);
    for (; !fake.under_way;) {
        tick(++number);
        answer(204, PUSH_SENT);
    }
    expect("1meta:0", 404, PUSH_REFUSED);
    size_t sent = fake.request_count;
    for (int i = 0; i < 100; i++) {
        tick(++number);
        answer(204, PUSH_SENT);
    }
    assert_int_equal(fake.request_count - sent, 100); /* it is not asked again */
    assert_int_equal(point(l, AGENT_PUSH_DROPPED, "refused"), 0);
    fake_end(l);
}

static void metadata_waits_for_samples(void **state)
{
    (void)state;
    fake.families = 2;
    leave_record(PUSH_REMOTE_WRITE, 1, 1, false);
    leave_record(PUSH_REMOTE_WRITE, 2, 1, false);
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    expect("11/1:0-0", 204, PUSH_SENT);
    expect("11/2:0-0", 204, PUSH_SENT);
    assert_string_equal(request()->body, "1meta:0");
    tick(1);
    answer(204, PUSH_SENT);
    expect("11/1700000010000:0-3", 204, PUSH_SENT);
    expect("1meta:1", 204, PUSH_SENT);
    fake_end(l);
}

static void other_protocols_have_no_metadata_requests(void **state)
{
    (void)state;
    static const enum push_format formats[] = {PUSH_REMOTE_WRITE_2, PUSH_OTLP};
    fake.families = 2;
    for (size_t i = 0; i < 2; i++) {
        struct push_lane *l = lane_of(formats[i]);
        tick(i + 1);
        if (formats[i] == PUSH_REMOTE_WRITE_2)
            answer(204, PUSH_SENT);
        answer(204, PUSH_SENT);
        assert_false(fake.under_way);
        fake_end(l);
        fake.stopped = 0;
    }
}

/* --- what else may fail --- */

static void a_queue_that_cannot_be_read_is_tried_again(void **state)
{
    (void)state;
    leave_record(PUSH_REMOTE_WRITE, 1, 1, false);
    fake.peek_error = -EIO;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    advance(5000);
    assert_false(fake.under_way);
    assert_int_equal(lines_with("cannot be read"), 1);
    fake.peek_error = 0;
    advance(5000);
    check_no_header("Retry-Attempt");
    expect("11/1:0-0", 204, PUSH_SENT);
    fake_end(l);
}

static void secrets_are_read_for_every_request(void **state)
{
    (void)state;
    fake.authorization = "Bearer old";
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    tick(1);
    check_header("Authorization: Bearer old");
    fake.authorization = "Bearer new";
    answer(503, PUSH_AGAIN);
    advance(500);
    check_header("Authorization: Bearer new");
    fake.secrets_error = -EACCES; /* what was read before goes on */
    answer(503, PUSH_AGAIN);
    advance(1000);
    check_header("Authorization: Bearer new");
    assert_int_equal(lines_with("the token cannot be read"), 1);
    fake.secrets_error = 0;
    answer(204, PUSH_SENT);
    assert_int_equal(lines_with("secrets that can be read again"), 1);
    fake_end(l);
}

static void answers_are_counted_in_a_bounded_table(void **state)
{
    (void)state;
    struct push_lane *l = lane_of(PUSH_REMOTE_WRITE);
    static const int odd[] = {0x7fffffff, 99, 600, 999, -1};
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        tick(++number);
        answer(odd[i], PUSH_SENT);
    }
    assert_int_equal(point(l, AGENT_PUSH_RESPONSES, "other"), 5);
    for (int status = 200; status < 300; status++) {
        tick(++number);
        answer(status, PUSH_SENT);
    }
    assert_int_equal(point(l, AGENT_PUSH_RESPONSES, "200"), 1);
    assert_int_equal(point(l, AGENT_PUSH_RESPONSES, "299"), -1);
    assert_in_range(point(l, AGENT_PUSH_RESPONSES, "other"), 5 + 80, 5 + 99);
    fake_end(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(remote_write_1_has_its_headers),
        TEST(remote_write_2_has_its_headers),
        TEST(otlp_has_its_headers),
        TEST(a_retry_sends_the_same_bytes),
        TEST(retry_after_is_kept_to),
        TEST(what_may_have_arrived_is_doubtful),
        TEST(what_was_sent_twice_is_doubtful),
        TEST(the_first_after_a_start_may_be_doubtful),
        TEST(a_sample_is_never_in_two_places),
        TEST(the_backlog_goes_oldest_first_without_pause),
        TEST(an_hour_of_500),
        TEST(too_large_goes_in_halves_in_order),
        TEST(one_sample_too_large_is_dropped),
        TEST(a_doubt_is_that_of_both_halves),
        TEST(a_damaged_message_does_not_block),
        TEST(what_was_left_out_is_counted),
        TEST(a_refusal_is_told_in_the_receivers_words),
        TEST(an_outage_is_one_line_a_cause),
        TEST(nothing_goes_to_version_2_before_a_probe),
        TEST(a_probe_that_is_refused_loses_nothing),
        TEST(version_1_is_fallen_back_to_for_good),
        TEST(data_may_show_that_version_2_is_not_known),
        TEST(each_record_goes_in_its_own_format),
        TEST(version_2_is_converted_for_version_1),
        TEST(what_conversion_makes_too_long_is_split),
        TEST(otlp_gets_no_remote_write),
        TEST(metadata_follows_the_first_success),
        TEST(metadata_waits_for_samples),
        TEST(other_protocols_have_no_metadata_requests),
        TEST(a_queue_that_cannot_be_read_is_tried_again),
        TEST(secrets_are_read_for_every_request),
        TEST(answers_are_counted_in_a_bounded_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
