/* push_convert_2_to_1: a remote write 2 request as the bytes of version 1, from the field tables of
 * both specifications. Document: exporters/push_encode.h. */
#include "exporters/push_encode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "push_body_fixture.h"

#define TIME      UINT64_C(1700000000000)
#define STALE     UINT64_C(0x7ff0000000000002)
#define MINUS_ONE UINT64_MAX /* a time before 1970, in ten bytes */

static void test_bytes(void **state)
{
    struct buf body = new_buf();
    struct buf wanted = new_buf();
    struct buf got = new_buf();
    struct buf series = new_buf();
    (void)state;
    put_labels_2(&series, (uint32_t[]){1, 2, 3, 4}, 4);
    put_sample(&series, STALE, TIME, TIME - 5);
    put_metadata_2(&series, 1, 5, 6);
    put_message(&body, 5, &series);
    put_labels_2(&series, (uint32_t[]){1, 5, 3, 4}, 4);
    put_sample(&series, 7, MINUS_ONE, 0);
    put_sample(&series, 8, TIME, 1);
    put_text(&series, 3, "a histogram");
    put_message(&body, 5, &series);
    put_text(&body, 4, "");
    put_text(&body, 4, "__name__");
    put_text(&body, 4, "a");
    put_text(&body, 4, "job");
    put_text(&body, 4, "\xc3\xbc");
    put_text(&body, 4, "help");
    put_text(&body, 4, "unit");

    put_label(&series, "__name__", "a");
    put_label(&series, "job", "\xc3\xbc");
    put_sample(&series, STALE, TIME, 0);
    put_message(&wanted, 1, &series);
    put_label(&series, "__name__", "help");
    put_label(&series, "job", "\xc3\xbc");
    put_sample(&series, 7, MINUS_ONE, 0);
    put_sample(&series, 8, TIME, 0);
    put_message(&wanted, 1, &series);

    assert_int_equal(push_convert_2_to_1(body.data, body.length, &got), 0);
    assert_int_equal(got.length, wanted.length);
    assert_memory_equal(got.data, wanted.data, wanted.length);
    buf_done(&body);
    buf_done(&wanted);
    buf_done(&got);
}

static void test_empty(void **state)
{
    struct buf got = new_buf();
    (void)state;
    assert_int_equal(push_convert_2_to_1("", 0, &got), 0);
    assert_int_equal(push_convert_2_to_1("\x22\x00", 2, &got), 0); /* the first symbol alone */
    assert_int_equal(got.length, 0);
    buf_done(&got);
}

/* An empty text is left out, as proto3 has it. */
static void test_empty_text(void **state)
{
    struct buf body = new_buf();
    struct buf series = new_buf();
    struct buf got = new_buf();
    (void)state;
    put_text(&body, 4, "");
    put_text(&body, 4, "a");
    put_labels_2(&series, (uint32_t[]){1, 0}, 2);
    put_message(&body, 5, &series);
    assert_int_equal(push_convert_2_to_1(body.data, body.length, &got), 0);
    assert_int_equal(got.length, 7);
    assert_memory_equal(got.data,
                        "\x0a\x05\x0a\x03\x0a\x01"
                        "a",
                        7);
    buf_done(&body);
    buf_done(&got);
}

static void test_damaged(void **state)
{
    enum { SYMBOL_0, NUMBER_PAST, ODD, LABELS_WIRE, SAMPLE_WIRE, SERIES_WIRE, SYMBOL_WIRE, CASES };
    (void)state;
    for (unsigned i = 0; i < CASES; i++) {
        struct buf body = new_buf();
        struct buf series = new_buf();
        struct buf got = new_buf();
        buf_add_string(&got, "before");
        put_text(&body, 4, i == SYMBOL_0 ? "x" : "");
        put_text(&body, 4, "a");
        put_labels_2(&series, (uint32_t[]){1, i == NUMBER_PAST ? 2 : 1, 0}, i == ODD ? 3 : 2);
        put_sample(&series, 1, TIME, 0);
        if (i == LABELS_WIRE || i == SAMPLE_WIRE)
            put_varint(&series, i == LABELS_WIRE ? 1 : 2, 1);
        put_message(&body, 5, &series);
        if (i == SERIES_WIRE || i == SYMBOL_WIRE)
            put_varint(&body, i == SERIES_WIRE ? 5 : 4, 1);
        assert_int_equal(push_convert_2_to_1(body.data, body.length, &got), -EBADMSG);
        assert_int_equal(got.length, 6);
        buf_done(&got);
        buf_done(&body);
    }
}

/* A few bytes of labels that name a long symbol again and again: bounded by the buffer. */
static void test_blown_up(void **state)
{
    enum { SYMBOL = 100000, LABELS = 200000 };
    struct buf body = new_buf();
    struct buf series = new_buf();
    struct buf packed = new_buf();
    struct buf got = new_buf();
    char *symbol = calloc(1, SYMBOL);
    (void)state;
    assert_non_null(symbol);
    put_text(&body, 4, "");
    put_bytes(&body, 4, symbol, SYMBOL);
    for (unsigned i = 0; i < LABELS; i++)
        buf_add_char(&packed, 1);
    put_message(&series, 1, &packed);
    put_message(&body, 5, &series);
    assert_int_equal(push_convert_2_to_1(body.data, body.length, &got), -EMSGSIZE);
    assert_int_equal(got.length, 0);
    assert_true(got.capacity <= BODY_MAX + 1);
    free(symbol);
    buf_done(&body);
    buf_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),      cmocka_unit_test(test_empty),
        cmocka_unit_test(test_empty_text), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_blown_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
