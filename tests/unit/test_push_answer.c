/* What answers mean: the retry tables of the remote write specifications 1.0 and 2.0 and of OTLP,
 * what receivers are known to say, Retry-After, and the pauses between tries. Documents:
 * exporters/push_answer.h, RFC 9110 sections 10.2.3 and 15. */
#include "base/buf.h"
#include "exporters/push_answer.h"
#include "net/http_post.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW     UINT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110 */
#define HOUR    3600000
#define SAMPLES 100

#define RW1  PUSH_REMOTE_WRITE
#define RW2  PUSH_REMOTE_WRITE_2
#define OTLP PUSH_OTLP

static struct http_post_result result_of(int status, const char *body)
{
    return (struct http_post_result){.text = "",
                                     .status = status,
                                     .body = body,
                                     .body_length = strlen(body),
                                     .samples_written = -1,
                                     .histograms_written = -1,
                                     .exemplars_written = -1};
}

static struct push_answer judge(enum push_format format, const struct http_post_result *result)
{
    struct push_question question = {.format = format, .samples = SAMPLES};
    return push_answer_of(&question, result, NOW);
}

static void test_statuses(void **state)
{
    static const struct {
        int status;
        enum push_verdict verdict[3]; /* remote write, remote write 2, OTLP */
        bool alarming;
    } cases[] = {
        {100, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, false},
        {200, {PUSH_SENT, PUSH_FALL_BACK, PUSH_SENT}, false},
        {202, {PUSH_SENT, PUSH_FALL_BACK, PUSH_SENT}, false},
        {204, {PUSH_SENT, PUSH_FALL_BACK, PUSH_SENT}, false},
        {301, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, true},
        {302, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, true},
        {307, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, true},
        {308, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, true},
        {400, {PUSH_REFUSED, PUSH_REFUSED, PUSH_REFUSED}, false},
        {401, {PUSH_REFUSED, PUSH_REFUSED, PUSH_REFUSED}, true},
        {403, {PUSH_REFUSED, PUSH_REFUSED, PUSH_REFUSED}, true},
        {404, {PUSH_REFUSED, PUSH_REFUSED, PUSH_REFUSED}, true},
        {405, {PUSH_REFUSED, PUSH_REFUSED, PUSH_REFUSED}, true},
        {407, {PUSH_REFUSED, PUSH_REFUSED, PUSH_REFUSED}, true},
        {422, {PUSH_REFUSED, PUSH_REFUSED, PUSH_REFUSED}, false},
        {408, {PUSH_AGAIN, PUSH_AGAIN, PUSH_REFUSED}, false},
        {413, {PUSH_SPLIT, PUSH_SPLIT, PUSH_SPLIT}, false},
        {429, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, false},
        {500, {PUSH_AGAIN, PUSH_AGAIN, PUSH_REFUSED}, false},
        {501, {PUSH_AGAIN, PUSH_AGAIN, PUSH_REFUSED}, false},
        {502, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, false},
        {503, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, false},
        {504, {PUSH_AGAIN, PUSH_AGAIN, PUSH_AGAIN}, false},
        {505, {PUSH_AGAIN, PUSH_AGAIN, PUSH_REFUSED}, false},
        {599, {PUSH_AGAIN, PUSH_AGAIN, PUSH_REFUSED}, false},
        {600, {PUSH_AGAIN, PUSH_AGAIN, PUSH_REFUSED}, false}, /* as 5xx: RFC 9110 section 15 */
        {999, {PUSH_AGAIN, PUSH_AGAIN, PUSH_REFUSED}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t j = 0; j < 3; j++) {
            struct http_post_result result = result_of(cases[i].status, "bad");
            struct push_answer answer = judge((enum push_format)(j + RW1), &result);
            assert_int_equal(answer.verdict, cases[i].verdict[j]);
            assert_int_equal(answer.alarming, cases[i].alarming);
            assert_int_equal(answer.rejected, 0);
            if (answer.verdict == PUSH_REFUSED)
                assert_int_equal(answer.reason, PUSH_DROP_REFUSED);
        }
}

static void test_every_status(void **state)
{
    (void)state;
    for (int status = 400; status < 600; status++)
        for (unsigned format = RW1; format <= OTLP; format++) {
            struct http_post_result result = result_of(status, "");
            enum push_verdict verdict = judge((enum push_format)format, &result).verdict;
            bool may = status == 429 || (format == OTLP ? status >= 502 && status <= 504
                                                        : status >= 500 || status == 408);
            assert_int_equal(verdict == PUSH_AGAIN, may);
            assert_true(verdict != PUSH_SENT && verdict != PUSH_DUPLICATE);
        }
}

/* A login page in the receiver's place; an empty body has a type without being one. */
static void test_web_page(void **state)
{
    (void)state;
    for (int format = RW1; format <= OTLP; format++) {
        struct http_post_result result = result_of(200, "<!DOCTYPE html><html>");
        result.content_type = "text/html; charset=utf-8";
        struct push_answer answer = judge((enum push_format)format, &result);
        assert_int_equal(answer.verdict, PUSH_AGAIN);
        assert_true(answer.alarming);
        result.status = 404;
        assert_int_equal(judge((enum push_format)format, &result).verdict, PUSH_REFUSED);
        result.status = 200;
        result.body_length = 0;
        assert_int_not_equal(judge((enum push_format)format, &result).verdict, PUSH_AGAIN);
    }
}

static void test_no_answer(void **state)
{
    (void)state;
    for (unsigned format = RW1; format <= OTLP; format++)
        for (unsigned reason = REASON_NONE; reason < REASON_COUNT; reason++)
            for (int status = 0; status <= 200; status += 200) {
                struct http_post_result result = result_of(status, "");
                result.reason = (enum reason)reason;
                if (reason == REASON_NONE && status > 0)
                    continue;
                struct push_answer answer = judge((enum push_format)format, &result);
                assert_int_equal(answer.verdict, PUSH_AGAIN);
                assert_int_equal(answer.alarming, reason == REASON_TLS);
            }
}

static void test_too_large(void **state)
{
    struct http_post_result result = result_of(413, "");
    (void)state;
    for (unsigned format = RW1; format <= OTLP; format++)
        for (uint32_t samples = 0; samples < 4; samples++) {
            struct push_question question = {.format = (enum push_format)format,
                                             .samples = samples};
            struct push_answer answer = push_answer_of(&question, &result, NOW);
            assert_int_equal(answer.verdict, samples > 1 ? PUSH_SPLIT : PUSH_REFUSED);
            assert_int_equal(answer.reason, PUSH_DROP_TOO_LARGE);
        }
}

static void test_unknown_type(void **state)
{
    struct http_post_result result = result_of(415, "");
    (void)state;
    assert_int_equal(judge(RW1, &result).verdict, PUSH_REFUSED);
    assert_true(judge(RW1, &result).alarming);
    assert_int_equal(judge(RW2, &result).verdict, PUSH_FALL_BACK);
    assert_int_equal(judge(OTLP, &result).verdict, PUSH_REFUSED);
}

static void test_written(void **state)
{
    static const struct {
        int status;
        int64_t samples;
        int64_t histograms;
        const char *body;
        enum push_verdict verdict;
        uint64_t rejected;
        enum push_drop reason;
    } cases[] = {
        {204, 100, 0, "", PUSH_SENT, 0, PUSH_DROP_PARTIAL},
        {204, 100, -1, "", PUSH_SENT, 0, PUSH_DROP_PARTIAL},
        {200, 101, 0, "", PUSH_SENT, 0, PUSH_DROP_PARTIAL},
        {200, 60, 0, "", PUSH_SENT, 40, PUSH_DROP_PARTIAL},
        {200, 0, 0, "", PUSH_SENT, 100, PUSH_DROP_PARTIAL},
        {200, -1, 0, "", PUSH_SENT, 100, PUSH_DROP_PARTIAL}, /* missing beside others: 0 */
        {200, -1, -1, "", PUSH_FALL_BACK, 0, 0},
        {400, 99, 0, "out of order sample", PUSH_SENT, 1, PUSH_DROP_OUT_OF_ORDER},
        {400, 1, 0, "out of bounds", PUSH_SENT, 99, PUSH_DROP_TOO_OLD},
        {400, 50, 0, "invalid labels", PUSH_SENT, 50, PUSH_DROP_PARTIAL},
        {400, 100, 0, "an exemplar", PUSH_SENT, 0, PUSH_DROP_PARTIAL},
        {400, 0, 0, "out of order sample", PUSH_REFUSED, 0, PUSH_DROP_OUT_OF_ORDER},
        {400, -1, -1, "bad", PUSH_REFUSED, 0, PUSH_DROP_REFUSED},
        {429, 50, 0, "", PUSH_AGAIN, 0, 0}, /* asks for the whole of it */
        {500, 50, 0, "", PUSH_AGAIN, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_post_result result = result_of(cases[i].status, cases[i].body);
        result.samples_written = cases[i].samples;
        result.histograms_written = cases[i].histograms;
        struct push_answer answer = judge(RW2, &result);
        assert_int_equal(answer.verdict, cases[i].verdict);
        assert_int_equal(answer.rejected, cases[i].rejected);
        assert_int_equal(answer.reason, cases[i].reason);
        /* The first version knows nothing of them. */
        if (cases[i].status < 300)
            assert_int_equal(judge(RW1, &result).rejected, 0);
    }
}

/* An empty request that is bad at once is of a kind the receiver does not know. */
static void test_probe(void **state)
{
    struct push_question question = {.format = RW2, .probe = true};
    struct http_post_result result = result_of(400, "snappy: corrupt input");
    (void)state;
    assert_int_equal(push_answer_of(&question, &result, NOW).verdict, PUSH_FALL_BACK);
    result = result_of(204, "");
    assert_int_equal(push_answer_of(&question, &result, NOW).verdict, PUSH_FALL_BACK);
    result.samples_written = 0;
    assert_int_equal(push_answer_of(&question, &result, NOW).verdict, PUSH_SENT);
    assert_int_equal(push_answer_of(&question, &result, NOW).rejected, 0);
    result = result_of(404, "");
    assert_int_equal(push_answer_of(&question, &result, NOW).verdict, PUSH_REFUSED);
    question.format = RW1;
    result = result_of(400, "");
    assert_int_equal(push_answer_of(&question, &result, NOW).verdict, PUSH_REFUSED);
}

static void test_complaints(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum push_drop reason;
    } cases[] = {
        /* Prometheus */
        {400, "out of order sample\n", PUSH_DROP_OUT_OF_ORDER},
        {400, "Out of order sample from remote write\n", PUSH_DROP_OUT_OF_ORDER},
        {400, "duplicate sample for timestamp\n", PUSH_DROP_OUT_OF_ORDER},
        {400, "duplicate sample for timestamp 1; overrides not allowed: existing 1, new value 2",
         PUSH_DROP_OUT_OF_ORDER},
        {400, "out of bounds\n", PUSH_DROP_TOO_OLD},
        {400, "too old sample\n", PUSH_DROP_TOO_OLD},
        {400, "out of bounds: timestamp is too far in the future\n", PUSH_DROP_REFUSED},
        {400, "out of order exemplar\n", PUSH_DROP_REFUSED},
        {400, "snappy: corrupt input\n", PUSH_DROP_REFUSED},
        {400, "invalid metric name or labels", PUSH_DROP_REFUSED},
        /* Mimir */
        {400,
         "failed pushing to ingester: user=1: the sample has been rejected because another sample "
         "with a more recent timestamp has already been ingested and out-of-order samples are not "
         "allowed (err-mimir-sample-out-of-order)",
         PUSH_DROP_OUT_OF_ORDER},
        {400,
         "another sample with the same timestamp, but a different value, has already been ingested "
         "(err-mimir-sample-duplicate-timestamp)",
         PUSH_DROP_OUT_OF_ORDER},
        {400, "its timestamp is too old (err-mimir-sample-timestamp-too-old)", PUSH_DROP_TOO_OLD},
        {400,
         "this sample is beyond the out-of-order time window of 2h "
         "(err-mimir-sample-timestamp-too-old)",
         PUSH_DROP_TOO_OLD},
        {400,
         "received a sample whose timestamp is too far in the future (err-mimir-too-far-in-"
         "future)",
         PUSH_DROP_REFUSED},
        /* Cortex */
        {400, "sample timestamp out of order; last timestamp: 2, incoming timestamp: 1",
         PUSH_DROP_OUT_OF_ORDER},
        {400, "sample with repeated timestamp but different value", PUSH_DROP_OUT_OF_ORDER},
        /* Thanos */
        {409, "store locally for endpoint : conflict", PUSH_DROP_OUT_OF_ORDER},
        {409, "add 3 samples: out of order sample", PUSH_DROP_OUT_OF_ORDER},
        {409, "add 3 samples: out of bounds", PUSH_DROP_TOO_OLD},
        {409, "", PUSH_DROP_OUT_OF_ORDER},
        {400, "add 3 series: out of order labels", PUSH_DROP_REFUSED},
        {400, "", PUSH_DROP_REFUSED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned format = RW1; format <= RW2; format++) {
            struct http_post_result result = result_of(cases[i].status, cases[i].body);
            struct push_question question = {.format = (enum push_format)format,
                                             .samples = SAMPLES};
            struct push_answer answer = push_answer_of(&question, &result, NOW);
            assert_int_equal(answer.verdict, PUSH_REFUSED);
            assert_int_equal(answer.reason, cases[i].reason);
            /* What may have arrived before is there already. */
            question.doubtful = true;
            answer = push_answer_of(&question, &result, NOW);
            assert_int_equal(answer.verdict,
                             cases[i].reason == PUSH_DROP_REFUSED ? PUSH_REFUSED : PUSH_DUPLICATE);
        }
}

/* A body as it may be, without a NUL behind it. */
static void test_body_is_no_text(void **state)
{
    struct http_post_result result = result_of(400, "out of order");
    (void)state;
    result.body_length = strlen("out of orde");
    assert_int_equal(judge(RW1, &result).reason, PUSH_DROP_REFUSED);
    result = result_of(400, "");
    result.body = "\0\0out of order";
    result.body_length = 14;
    assert_int_equal(judge(RW1, &result).reason, PUSH_DROP_OUT_OF_ORDER);
}

static struct http_post_result otlp_result(int status, const char *body, size_t length)
{
    struct http_post_result result = result_of(status, "");
    result.content_type = "application/x-protobuf";
    result.body = body;
    result.body_length = length;
    return result;
}

#define MINUS_ONE "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"

static void test_partial_success(void **state)
{
    static const struct {
        const char *body;
        size_t length;
        uint64_t rejected;
        const char *words;
    } cases[] = {
        {"", 0, 0, ""},
        {"\x0a\x00", 2, 0, ""},
        {"\x0a\x02\x08\x03", 4, 3, ""},
        {"\x0a\x09\x08\x03\x12\x05words", 11, 3, "words"},
        {"\x0a\x09\x12\x05words\x08\x03", 11, 3, "words"},
        {"\x0a\x07\x12\x05words", 9, 0, "words"}, /* a warning alone */
        {"\x12\x01x\x0a\x02\x08\x03", 7, 3, ""},  /* behind a field of later versions */
        {"\x0a\x03\x08\xe8\x07", 5, SAMPLES, ""}, /* more than were sent */
        {"\x0a\x0b\x08" MINUS_ONE, 13, 0, ""},
        {"\x0a\x7f\x08\x03\x12\x7dwords", 11, 3, "words"}, /* the end was let go */
        {"\x0a\x02\x08\x80", 4, 0, ""},
        {"\x08\x03", 2, 0, ""},
        {"{\"partialSuccess\":{}}", 21, 0, ""},
        {"\xff\xff\xff\xff\xff\xff", 6, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_post_result result = otlp_result(200, cases[i].body, cases[i].length);
        struct push_answer answer = judge(OTLP, &result);
        struct buf words;
        buf_init(&words, 1000);
        assert_int_equal(answer.verdict, PUSH_SENT);
        assert_int_equal(answer.rejected, cases[i].rejected);
        assert_int_equal(answer.reason, PUSH_DROP_PARTIAL);
        push_answer_words(OTLP, &result, &words);
        assert_string_equal(words.data ? words.data : "", cases[i].words);
        buf_done(&words);
    }
}

static void check_words(enum push_format format, const struct http_post_result *result,
                        const char *wanted)
{
    struct buf words;
    buf_init(&words, 1000);
    buf_add_string(&words, ">");
    push_answer_words(format, result, &words);
    assert_string_equal(words.data + 1, wanted);
    buf_done(&words);
}

static void test_words(void **state)
{
    char many[5000];
    struct http_post_result result = result_of(400, "  out of\torder\r\n sample \n\n");
    struct buf words;
    (void)state;
    check_words(RW1, &result, "out of order sample");
    result = result_of(400, "a\x1b[31mred\x7f \xc2\x9b"
                            "2J b\xff\xc3\xbc\xe2\x82");
    check_words(RW1, &result, "a [31mred 2J b \xc3\xbc");
    result = result_of(302, "<html>moved</html>");
    result.location = "https://elsewhere/";
    check_words(RW1, &result, "https://elsewhere/");
    result = result_of(0, "");
    result.reason = REASON_TIMEOUT;
    result.text = "no answer within 5 s";
    check_words(OTLP, &result, "no answer within 5 s");
    /* google.rpc.Status; a proxy's own words; of JSON, which has no place here */
    result = otlp_result(400, "\x08\x03\x12\x07no \nway", 11);
    check_words(OTLP, &result, "no way");
    result.content_type = "text/plain; charset=utf-8";
    result.body = "bad gateway";
    check_words(OTLP, &result, "bad gateway");
    result = otlp_result(400, "\x08\x03", 2);
    check_words(OTLP, &result, "");

    memset(many, 'x', sizeof many);
    result = result_of(400, "");
    result.body = many;
    result.body_length = sizeof many;
    buf_init(&words, sizeof many);
    push_answer_words(RW1, &result, &words);
    assert_in_range(words.length, 200, 500);
    buf_done(&words);
}

static void test_duplicate_of_otlp(void **state)
{
    static const char body[] = "\x08\x03\x12\x13out of order sample";
    struct http_post_result result = otlp_result(400, body, sizeof body - 1);
    struct push_question question = {.format = OTLP, .samples = SAMPLES, .doubtful = true};
    (void)state;
    assert_int_equal(push_answer_of(&question, &result, NOW).verdict, PUSH_DUPLICATE);
    question.doubtful = false;
    assert_int_equal(push_answer_of(&question, &result, NOW).reason, PUSH_DROP_OUT_OF_ORDER);
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *value;
        uint64_t ms;
    } cases[] = {
        {NULL, 0},
        {"", 0},
        {"0", 0},
        {"1", 1000},
        {"120", 120000},
        {"3600", HOUR},
        {"3601", HOUR},
        {"99999999999999999999999", HOUR},
        {"-1", 0},
        {"+1", 0},
        {"1.5", 0},
        {"1s", 0},
        {" 1", 0},
        {"soon", 0},
        /* The three forms of RFC 9110 section 5.6.7, of now, and a minute and a day later. */
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 0},
        {"Sun Nov  6 08:49:37 1994", 0},
        {"Sun, 06 Nov 1994 08:50:37 GMT", 60000},
        {"Sunday, 06-Nov-94 08:50:37 GMT", 60000},
        {"Sun Nov  6 08:50:37 1994", 60000},
        {"Wed Nov 16 08:50:37 1994", HOUR},
        {"Mon, 07 Nov 1994 08:49:37 GMT", HOUR},
        {"Sun, 06 Nov 1994 08:49:36 GMT", 0}, /* past */
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Mon, 01 Jan 0001 00:00:00 GMT", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 0},     /* past what nanoseconds hold: no date */
        {"Sunday, 06-Nov-44 08:49:37 GMT", HOUR}, /* 50 years ahead */
        {"Sunday, 06-Nov-45 08:49:37 GMT", 0},    /* 51: meant 1945 */
        {"Sun, 6 Nov 1994 08:50:37 GMT", 0},
        {"Sun, 06 nov 1994 08:50:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:50:37 UTC", 0},
        {"Sun, 06 Nov 1994 08:50:37", 0},
        {"Sun, 06 Nov 1994 08:50:37 GMT ", 0},
        {"Sun, 31 Nov 1994 08:50:37 GMT", 0},
        {"Sun, 06 Nov 1994 24:50:37 GMT", 0},
        {"06 Nov 1994 08:50:37 GMT", 0},
        {"Sun, 0x Nov 1994 08:50:37 GMT", 0},
        {"Sun, DD N YYYY hh:mm:ss GMT", 0},
        {"Sun", 0},
    };
    static const int statuses[] = {302, 408, 429, 500, 503};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t j = 0; j < sizeof statuses / sizeof *statuses; j++) {
            struct http_post_result result = result_of(statuses[j], "");
            result.retry_after = cases[i].value;
            assert_int_equal(judge(RW1, &result).retry_after_ms, cases[i].ms);
        }
    struct http_post_result result = result_of(404, "");
    result.retry_after = "10";
    assert_int_equal(judge(RW1, &result).retry_after_ms, 0);
}

/* The compliance suite wants each gap to be at least 0.8 of the one before it, and at most 60 s. */
static void test_pauses(void **state)
{
    static const uint64_t spread[] = {0, 1, 12345, UINT64_C(1) << 40, UINT64_MAX};
    uint64_t longest_before = 0;
    (void)state;
    for (unsigned attempt = 1; attempt < 200; attempt++) {
        uint64_t most = attempt < 8 ? 500u << (attempt - 1) : 60000;
        uint64_t longest = 0;
        uint64_t shortest = UINT64_MAX;
        for (uint64_t random = 0; random < 60000; random += 7) {
            uint64_t pause = push_pause_ms(attempt, 0, random);
            longest = pause > longest ? pause : longest;
            shortest = pause < shortest ? pause : shortest;
        }
        for (size_t i = 0; i < sizeof spread / sizeof *spread; i++)
            assert_in_range(push_pause_ms(attempt, 0, spread[i]), most / 2, most);
        assert_in_range(longest, most - 7, most);
        assert_in_range(shortest, most / 2, most * 4 / 5 + 7);
        assert_true(shortest * 10 >= longest_before * 8);
        longest_before = longest;
    }
    assert_int_equal(push_pause_ms(UINT32_MAX, 0, 0), 48000);
    assert_in_range(push_pause_ms(0, 0, 9), 250, 500);
}

static void test_pauses_that_were_asked_for(void **state)
{
    (void)state;
    for (uint64_t random = 0; random < 100000; random += 13) {
        assert_in_range(push_pause_ms(1, 30000, random), 30000, 33000);
        assert_in_range(push_pause_ms(20, HOUR, random), HOUR, HOUR + HOUR / 10);
        assert_in_range(push_pause_ms(20, 1000, random), 48000, 60000);
    }
    assert_true(push_pause_ms(1, 30000, 1) != push_pause_ms(1, 30000, 1001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_web_page),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_unknown_type),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_body_is_no_text),
        cmocka_unit_test(test_partial_success),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_duplicate_of_otlp),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_pauses_that_were_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
