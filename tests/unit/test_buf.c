/* What it knows: base/buf.h and base/bytes.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/bytes.h"

#include <errno.h>
#include <string.h>

static void test_appends(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_null(b.data);
    assert_int_equal(buf_add_string(&b, "ab"), 0);
    assert_int_equal(buf_add_char(&b, 'c'), 0);
    assert_int_equal(buf_add(&b, "d\0e", 3), 0);
    assert_int_equal(buf_add_u64(&b, 0), 0);
    assert_int_equal(buf_add_u64(&b, UINT64_MAX), 0);
    assert_int_equal(buf_add_i64(&b, INT64_MIN), 0);
    assert_int_equal(buf_add_i64(&b, -1), 0);
    assert_int_equal(buf_add_i64(&b, INT64_MAX), 0);
    assert_int_equal(buf_add_format(&b, "<%s %d>", "x", 7), 0);
    static const char expected[] =
        "abcd\0e018446744073709551615-9223372036854775808-19223372036854775807<x 7>";
    assert_int_equal(b.length, sizeof expected - 1);
    assert_memory_equal(b.data, expected, sizeof expected); /* with the NUL */
    buf_done(&b);
    assert_null(b.data);
    assert_int_equal(b.maximum, 1000);
}

static void test_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    assert_int_equal(buf_add(&b, "12345", 5), 0);
    assert_string_equal(b.data, "12345");
    assert_int_equal(buf_add(&b, "", 0), 0); /* nothing fits into nothing */
    assert_int_equal(buf_add_char(&b, '6'), -EMSGSIZE);
    assert_true(b.failed);
    assert_string_equal(b.data, "12345"); /* nothing of it was appended */
    buf_clear(&b);
    assert_false(b.failed);
    assert_int_equal(b.length, 0);
    assert_string_equal(b.data, "");
    assert_int_equal(buf_add(&b, "123456", 6), -EMSGSIZE);
    /* Once it failed nothing is appended any more, so that no hole arises. */
    assert_true(buf_add(&b, "1", 1) < 0);
    assert_true(buf_add_format(&b, "%d", 1) < 0);
    assert_true(buf_add_u64(&b, 1) < 0);
    assert_int_equal(b.length, 0);
    buf_done(&b);
    assert_int_equal(buf_add_format(&b, "%s", "12345"), 0);
    assert_string_equal(b.data, "12345");
    buf_done(&b);
}

static void test_format_past_the_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 3);
    assert_int_equal(buf_add_format(&b, "%d", 12), 0);
    assert_int_equal(buf_add_format(&b, "%d", 34), -EMSGSIZE);
    assert_int_equal(b.length, 2);
    assert_string_equal(b.data, "12");
    buf_done(&b);
}

static void test_growth(void **state)
{
    (void)state;
    enum { MOST = 100000 };
    struct buf b;
    buf_init(&b, MOST);
    for (int i = 0; i < MOST; i++)
        assert_int_equal(buf_add_char(&b, (char)('a' + i % 26)), 0);
    assert_int_equal(b.length, MOST);
    assert_true(b.capacity <= MOST + 1);
    for (int i = 0; i < MOST; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    assert_int_equal(buf_add_char(&b, 'x'), -EMSGSIZE);
    const char *data = b.data;
    buf_clear(&b);
    assert_int_equal(buf_reserve(&b, MOST), 0);
    assert_ptr_equal(b.data, data); /* the memory was kept */
    assert_int_equal(buf_reserve(&b, MOST + 1), -EMSGSIZE);
    buf_done(&b);
}

static void test_bytes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_int_equal(buf_add_string(&b, "body"), 0);
    struct bytes *taken = bytes_from_buf(&b);
    assert_null(b.data);
    assert_int_equal(b.length, 0);
    assert_int_equal(taken->length, 4);
    assert_string_equal(taken->data, "body");
    assert_ptr_equal(bytes_ref(taken), taken);
    bytes_unref(taken);
    assert_string_equal(taken->data, "body"); /* one reference is left */
    bytes_unref(taken);
    bytes_unref(NULL);
    assert_int_equal(buf_add_string(&b, "next"), 0); /* the buffer is usable again */
    buf_done(&b);
    struct bytes *empty = bytes_from_buf(&b);
    assert_int_equal(empty->length, 0);
    assert_string_equal(empty->data, "");
    bytes_unref(empty);
    struct bytes *text = bytes_from_string("text");
    assert_int_equal(text->length, 4);
    assert_string_equal(text->data, "text");
    bytes_unref(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_format_past_the_maximum),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
