/* Tests exporters/push_probe: the request of `weir check` and the sentence about its answer. From
 * push_probe.h. */
#include "exporters/push_probe.h"

#include "base/alloc.h"
#include "base/err.h"
#include "tests/unit/fake_push.h"

#include <stdlib.h>
#include <string.h>

struct outcome {
    unsigned calls;
    bool well;
    char *text;
};

static void on_done(void *context, bool well, const char *text)
{
    struct outcome *o = context;
    o->calls++;
    o->well = well;
    o->text = alloc_string(text);
}

static void begin(enum push_format format, struct outcome *ret)
{
    struct err e = {0};
    *ret = (struct outcome){0};
    const struct push_lane_options o = fake_options(format);
    if (push_probe_start(&o, on_done, ret, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(ret->calls, 0);
}

static void check(const struct outcome *o, bool well, const char *text)
{
    assert_int_equal(o->calls, 1);
    assert_string_equal(o->text, text);
    assert_int_equal(o->well, well);
    assert_false(fake.opened); /* the queue was not touched */
    free(o->text);
}

static void it_sends_an_empty_request_as_the_lane_would(void **state)
{
    (void)state;
    struct outcome o;
    fake.authorization = "Bearer x";
    begin(PUSH_REMOTE_WRITE, &o);
    assert_string_equal(request()->body, "1probe 1");
    assert_int_equal(request()->timeout_ms, TIMEOUT_MS);
    check_header("Content-Type: application/x-protobuf");
    check_header("Content-Encoding: snappy");
    check_header("X-Prometheus-Remote-Write-Version: 0.1.0");
    check_header("User-Agent: weir/1.2.3");
    check_header("Authorization: Bearer x");
    check_header("X-Scope-OrgID: me");
    answer(204, PUSH_SENT);
    assert_true(fake.question.probe);
    assert_int_equal(fake.question.samples, 0);
    check(&o, true, "answered 204: it takes remote write 1");
}

static void it_says_what_the_receiver_takes(void **state)
{
    (void)state;
    struct outcome o;
    begin(PUSH_OTLP, &o);
    answer(200, PUSH_SENT);
    check(&o, true, "answered 200: it takes OTLP");
    begin(PUSH_REMOTE_WRITE_2, &o);
    assert_int_equal(fake.question.format, PUSH_OTLP);
    answer(204, PUSH_SENT);
    check(&o, true, "answered 204: it takes remote write 2");
    begin(PUSH_REMOTE_WRITE_2, &o);
    answer(204, PUSH_FALL_BACK);
    check(&o, true, "answered 204: it takes remote write 1 only; weir will fall back");
}

static void it_says_what_is_wrong_and_the_mend(void **state)
{
    (void)state;
    struct outcome o;
    begin(PUSH_REMOTE_WRITE, &o);
    answer(401, PUSH_REFUSED);
    check(&o, false,
          "answered 401: words of the receiver; look at basic-auth or bearer-token-file, and at a "
          "header for the tenant");
    begin(PUSH_REMOTE_WRITE, &o);
    answer(503, PUSH_AGAIN);
    check(&o, false, "answered 503: words of the receiver; look at the receiver's log");
    begin(PUSH_REMOTE_WRITE, &o);
    answer(407, PUSH_REFUSED);
    check(&o, false,
          "answered 407: words of the receiver; the proxy wants a user and password, which weir "
          "sends to none: let it admit this host, or go past it with proxy-url: \"\"");
    begin(PUSH_REMOTE_WRITE, &o);
    const struct http_post_result page = {
        .status = 200, .text = "", .body = "<html>", .body_length = 6, .content_type = "text/html"};
    answer_with(&page, &(struct push_answer){.verdict = PUSH_AGAIN, .alarming = true});
    check(&o, false,
          "answered 200: <html>; that is a web page and no receiver: look at the URL, and at "
          "proxies with a login");
    begin(PUSH_REMOTE_WRITE, &o);
    no_answer();
    check(&o, false, "gave no answer: nobody listens there");
    begin(PUSH_REMOTE_WRITE, &o);
    const struct http_post_result silent = {.status = 404, .text = "", .body = ""};
    answer_with(&silent, &(struct push_answer){.verdict = PUSH_REFUSED});
    check(&o, false,
          "answered 404: it said nothing about why; look at the path of the URL, or switch its "
          "receiver on");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(it_sends_an_empty_request_as_the_lane_would),
        TEST(it_says_what_the_receiver_takes),
        TEST(it_says_what_is_wrong_and_the_mend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
