/* push_count, push_split and the reading of fields below them, against requests put together from
 * the field tables of remote write 1.0 and 2.0 and of OTLP 1. Document: exporters/push_encode.h. */
#include "exporters/push_encode.h"
#include "exporters/push_fields.h"
#include "push_body_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "push_body_fixture.h"

#define TIME UINT64_C(1700000000000)

static const enum push_format formats[] = {PUSH_REMOTE_WRITE, PUSH_REMOTE_WRITE_2, PUSH_OTLP};
#define FORMATS (sizeof formats / sizeof *formats)

/* The same numbers in each run. */
static uint32_t next_random(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 20) % below;
}

static uint32_t count_of(enum push_format format, const struct buf *body)
{
    uint32_t samples = UINT32_MAX;
    assert_int_equal(push_count(format, body->data, body->length, &samples), 0);
    return samples;
}

static void assert_same(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->length, b->length);
    if (a->length > 0)
        assert_memory_equal(a->data, b->data, a->length);
}

/* Splits, and holds the halves to what the header says of them. */
static void split(enum push_format format, const struct buf *body, struct buf *first,
                  struct buf *second)
{
    uint32_t samples = count_of(format, body);
    struct buf whole = new_buf();
    struct buf halves = new_buf();
    *first = new_buf();
    *second = new_buf();
    assert_int_equal(push_split(format, body->data, body->length, first, second), 0);
    assert_int_equal(count_of(format, first), samples / 2);
    assert_int_equal(count_of(format, second), samples - samples / 2);
    assert_true(first->length <= body->length && second->length <= body->length);
    push_body_text(format, body->data, body->length, &whole);
    push_body_text(format, first->data, first->length, &halves);
    push_body_text(format, second->data, second->length, &halves);
    assert_same(&whole, &halves);
    buf_done(&whole);
    buf_done(&halves);
}

static void split_down(enum push_format format, const struct buf *body)
{
    struct buf first = new_buf();
    struct buf second = new_buf();
    if (count_of(format, body) < 2) {
        assert_int_equal(push_split(format, body->data, body->length, &first, &second), -ENODATA);
        assert_int_equal(first.length + second.length, 0);
        return;
    }
    split(format, body, &first, &second);
    split_down(format, &first);
    split_down(format, &second);
    buf_done(&first);
    buf_done(&second);
}

static void put_series(struct buf *body, const char *name, unsigned samples)
{
    struct buf series = new_buf();
    put_label(&series, "__name__", name);
    put_label(&series, "job", "weir");
    for (unsigned i = 0; i < samples; i++)
        put_sample(&series, UINT64_C(0x7ff0000000000002), TIME + i, 0);
    put_message(body, 1, &series);
}

static void test_fields(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        int result;
        uint32_t number;
        uint64_t value;
    } cases[] = {
        {"", 0, 0, 0, 0},
        {"\x08\x00", 2, 1, 1, 0},
        {"\x08\x96\x01", 3, 1, 1, 150},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, 1, 1, UINT64_MAX},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, -EBADMSG, 0, 0}, /* 65 bits */
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12, -EBADMSG, 0, 0},
        {"\x08\x80\x00", 3, 1, 1, 0}, /* longer than need be, and allowed */
        {"\x08", 1, -EBADMSG, 0, 0},
        {"\x08\x80", 2, -EBADMSG, 0, 0},
        {"\x80", 1, -EBADMSG, 0, 0},
        {"\x00\x00", 2, -EBADMSG, 0, 0},                 /* there is no field 0 */
        {"\x80\x80\x80\x80\x10\x00", 6, -EBADMSG, 0, 0}, /* nor one of 2^29 */
        {"\xf8\xff\xff\xff\x0f\x07", 6, 1, (1u << 29) - 1, 7},
        {"\x0a\x00", 2, 1, 1, 0},
        {"\x0a\x02xy", 4, 1, 1, 0},
        {"\x0a\x03xy", 4, -EBADMSG, 0, 0},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xy", 13, -EBADMSG, 0, 0},
        {"\x09\x01\x02\x03\x04\x05\x06\x07\x08", 9, 1, 1, 0},
        {"\x09\x01\x02\x03\x04\x05\x06\x07", 8, -EBADMSG, 0, 0},
        {"\x0d\x01\x02\x03\x04", 5, 1, 1, 0},
        {"\x0d\x01\x02\x03", 4, -EBADMSG, 0, 0},
        {"\x0b\x0c", 2, -EBADMSG, 0, 0}, /* groups */
        {"\x0c", 1, -EBADMSG, 0, 0},
        {"\x0e\x00", 2, -EBADMSG, 0, 0},
        {"\x0f\x00", 2, -EBADMSG, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct push_span rest = {cases[i].bytes, cases[i].length};
        struct push_field field = {.number = 99};
        assert_int_equal(push_field_next(&rest, &field), cases[i].result);
        assert_int_equal(rest.length, cases[i].result == 1 ? 0 : cases[i].length);
        if (cases[i].result != 1) {
            assert_int_equal(field.number, 99);
            continue;
        }
        assert_int_equal(field.number, cases[i].number);
        assert_int_equal(field.value, cases[i].value);
        assert_ptr_equal(field.whole.at, cases[i].bytes);
        assert_int_equal(field.whole.length, cases[i].length);
        assert_ptr_equal(field.bytes.at + field.bytes.length, cases[i].bytes + cases[i].length);
    }
}

static void test_written_fields(void **state)
{
    static const size_t lengths[] = {0, 1, 127, 128, 16383, 16384, 70000};
    static char zeros[70000];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (uint32_t number = 1; number < 1u << 29; number = number * 5 + 11) {
            struct buf mine = new_buf();
            struct buf theirs = new_buf();
            put_bytes(&theirs, number, zeros, lengths[i]);
            put_varint(&theirs, number, UINT64_MAX - i);
            push_add_bytes_field(&mine, number, (struct push_span){zeros, lengths[i]});
            assert_int_equal(push_bytes_field_size(number, lengths[i]), mine.length);
            push_add_varint_field(&mine, number, UINT64_MAX - i);
            assert_same(&mine, &theirs);
            buf_done(&mine);
            buf_done(&theirs);
        }
}

static void test_count(void **state)
{
    struct buf body = new_buf();
    uint32_t samples = 77;
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) {
        assert_int_equal(push_count(formats[i], "", 0, &samples), 0);
        assert_int_equal(samples, 0);
    }
    samples = 77;
    put_series(&body, "a", 1);
    put_series(&body, "b", 0);
    put_series(&body, "c", 2);
    put_text(&body, 3, "metadata");
    assert_int_equal(push_count((enum push_format)0, body.data, body.length, &samples), -EBADMSG);
    assert_int_equal(push_count((enum push_format)4, body.data, body.length, &samples), -EBADMSG);
    assert_int_equal(push_count(PUSH_REMOTE_WRITE, body.data, body.length - 1, &samples), -EBADMSG);
    assert_int_equal(push_count(PUSH_REMOTE_WRITE, "\x08\x01", 2, &samples), -EBADMSG);
    assert_int_equal(samples, 77);
    assert_int_equal(count_of(PUSH_REMOTE_WRITE, &body), 3);
    buf_done(&body);
}

static void test_remote_write(void **state)
{
    struct buf body = new_buf();
    struct buf left = new_buf();
    struct buf right = new_buf();
    struct buf first;
    struct buf second;
    (void)state;
    put_series(&body, "a", 1);
    put_text(&body, 3, "metadata");
    put_series(&body, "b", 1);
    put_series(&body, "c", 1);
    put_text(&body, 3, "more");
    split(PUSH_REMOTE_WRITE, &body, &first, &second);
    put_series(&left, "a", 1);
    put_text(&left, 3, "metadata");
    put_text(&left, 3, "more");
    put_series(&right, "b", 1);
    put_series(&right, "c", 1);
    assert_same(&first, &left);
    assert_same(&second, &right);
    buf_done(&first);
    buf_done(&second);
    split_down(PUSH_REMOTE_WRITE, &body);
    buf_done(&body);
    buf_done(&left);
    buf_done(&right);
}

static void test_one_series_of_several_samples(void **state)
{
    struct buf body = new_buf();
    (void)state;
    put_series(&body, "a", 5);
    put_series(&body, "empty", 0);
    split_down(PUSH_REMOTE_WRITE, &body);
    buf_done(&body);
}

/* Symbols of a request with the series a{job="x"}, b{job="x"} and c{job="y"}. */
static const char *const symbols[] = {"",          "__name__", "a", "job",    "x", "b",
                                      "help of b", "seconds",  "c", "unused", "y"};

static void put_symbols(struct buf *body, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_text(body, 4, symbols[numbers[i]]);
}

static void put_series_2(struct buf *body, const uint32_t *labels, const uint32_t *metadata)
{
    struct buf series = new_buf();
    put_labels_2(&series, labels, 4);
    put_sample(&series, 42, TIME, TIME - 1000);
    put_metadata_2(&series, 1, metadata[0], metadata[1]);
    put_message(body, 5, &series);
}

static void put_request_2(struct buf *body)
{
    put_symbols(body, (uint32_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 11);
    put_series_2(body, (uint32_t[]){1, 2, 3, 4}, (uint32_t[]){0, 0});
    put_series_2(body, (uint32_t[]){1, 5, 3, 4}, (uint32_t[]){6, 7});
    put_series_2(body, (uint32_t[]){1, 8, 3, 10}, (uint32_t[]){0, 7});
}

/* Each half has the symbols that it uses, in the order they had. */
static void test_remote_write_2(void **state)
{
    struct buf body = new_buf();
    struct buf left = new_buf();
    struct buf right = new_buf();
    struct buf first;
    struct buf second;
    (void)state;
    put_request_2(&body);
    split(PUSH_REMOTE_WRITE_2, &body, &first, &second);
    put_symbols(&left, (uint32_t[]){0, 1, 2, 3, 4}, 5);
    put_series_2(&left, (uint32_t[]){1, 2, 3, 4}, (uint32_t[]){0, 0});
    put_symbols(&right, (uint32_t[]){0, 1, 3, 4, 5, 6, 7, 8, 10}, 9);
    put_series_2(&right, (uint32_t[]){1, 4, 2, 3}, (uint32_t[]){5, 6});
    put_series_2(&right, (uint32_t[]){1, 7, 2, 8}, (uint32_t[]){0, 6});
    assert_same(&first, &left);
    assert_same(&second, &right);
    buf_done(&first);
    buf_done(&second);
    split_down(PUSH_REMOTE_WRITE_2, &body);
    buf_done(&body);
    buf_done(&left);
    buf_done(&right);
}

static void test_remote_write_2_is_damaged(void **state)
{
    enum { SYMBOL_0, NUMBER_PAST, HELP_PAST, EXEMPLAR, LABELS_UNPACKED, CASES };
    (void)state;
    for (unsigned i = 0; i < CASES; i++) {
        struct buf body = new_buf();
        struct buf series = new_buf();
        struct buf first = new_buf();
        struct buf second = new_buf();
        put_text(&body, 4, i == SYMBOL_0 ? "x" : "");
        put_text(&body, 4, "a");
        if (i == LABELS_UNPACKED)
            put_varint(&series, 1, 1);
        else
            put_labels_2(&series, (uint32_t[]){1, i == NUMBER_PAST ? 2 : 1}, 2);
        put_sample(&series, 1, TIME, 0);
        put_sample(&series, 1, TIME + 1, 0);
        put_metadata_2(&series, 1, i == HELP_PAST ? 2 : 1, 0);
        if (i == EXEMPLAR)
            put_text(&series, 4, "");
        put_message(&body, 5, &series);
        assert_int_equal(push_split(PUSH_REMOTE_WRITE_2, body.data, body.length, &first, &second),
                         -EBADMSG);
        assert_int_equal(first.length + second.length, 0);
        buf_done(&first);
        buf_done(&second);
        buf_done(&body);
    }
}

/* A metric called `name` of `points` data points, as the kind that field `kind` is. */
static void put_metric(struct buf *scope, const char *name, uint32_t kind, unsigned points)
{
    struct buf metric = new_buf();
    struct buf data = new_buf();
    put_text(&metric, 1, name);
    put_text(&metric, 2, "description");
    put_text(&metric, 3, "By");
    for (unsigned i = 0; i < points; i++) {
        struct buf point = new_buf();
        put_fixed64(&point, 3, TIME * 1000000);
        put_fixed64(&point, 6, i);
        put_message(&data, 1, &point);
    }
    if (kind == 7) {
        put_varint(&data, 2, 2);
        put_varint(&data, 3, 1);
    }
    put_message(&metric, kind, &data);
    put_message(scope, 2, &metric);
}

static void put_resource(struct buf *body, const char *name, struct buf *metrics)
{
    struct buf resource = new_buf();
    struct buf scope = new_buf();
    put_text(&resource, 1, name);
    put_text(&scope, 1, "scope");
    buf_add(&scope, metrics->data, metrics->length);
    put_text(&scope, 3, "schema of the scope");
    put_message(&resource, 2, &scope);
    put_text(&resource, 3, "schema of the resource");
    put_message(body, 1, &resource);
    buf_done(metrics);
}

static void test_otlp_by_resource_and_metric(void **state)
{
    struct buf body = new_buf();
    struct buf metrics = new_buf();
    struct buf left = new_buf();
    struct buf right = new_buf();
    struct buf first;
    struct buf second;
    (void)state;
    put_metric(&metrics, "m1", 5, 1);
    put_resource(&left, "r1", &metrics);
    put_metric(&metrics, "m2", 7, 1);
    put_resource(&right, "r2", &metrics);
    buf_add(&body, left.data, left.length);
    buf_add(&body, right.data, right.length);
    split(PUSH_OTLP, &body, &first, &second);
    assert_same(&first, &left);
    assert_same(&second, &right);
    buf_done(&first);
    buf_done(&second);
    buf_clear(&body);
    buf_clear(&left);
    buf_clear(&right);

    put_metric(&metrics, "m1", 5, 2);
    put_resource(&left, "r", &metrics);
    put_metric(&metrics, "m2", 7, 2);
    put_resource(&right, "r", &metrics);
    put_metric(&metrics, "m1", 5, 2);
    put_metric(&metrics, "m2", 7, 2);
    put_resource(&body, "r", &metrics);
    split(PUSH_OTLP, &body, &first, &second);
    assert_same(&first, &left);
    assert_same(&second, &right);
    buf_done(&first);
    buf_done(&second);
    buf_done(&body);
    buf_done(&left);
    buf_done(&right);
}

/* What makes a sum a sum (its temporality, monotonic) is in both halves. */
static void test_otlp_by_data_point(void **state)
{
    static const uint32_t kinds[] = {5, 7, 9, 10, 11};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct buf body = new_buf();
        struct buf metrics = new_buf();
        put_metric(&metrics, "m", kinds[i], 5);
        put_resource(&body, "r", &metrics);
        assert_int_equal(count_of(PUSH_OTLP, &body), 5);
        split_down(PUSH_OTLP, &body);
        buf_done(&body);
    }
}

static void put_random(struct buf *body, enum push_format format, uint64_t *seed)
{
    unsigned parts = 1 + next_random(seed, 12);
    uint32_t texts = sizeof symbols / sizeof *symbols;
    if (format == PUSH_REMOTE_WRITE_2)
        put_symbols(body, (uint32_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, texts);
    for (unsigned i = 0; i < parts; i++) {
        struct buf inner = new_buf();
        switch (format) {
        case PUSH_REMOTE_WRITE:
            put_series(body, symbols[next_random(seed, texts)], next_random(seed, 4));
            break;
        case PUSH_REMOTE_WRITE_2:
            put_labels_2(&inner, (uint32_t[]){1, next_random(seed, texts)}, 2);
            for (unsigned n = next_random(seed, 4); n > 0; n--)
                put_sample(&inner, i, TIME + n, next_random(seed, 2));
            put_metadata_2(&inner, i % 8, next_random(seed, texts), next_random(seed, texts));
            put_message(body, 5, &inner);
            break;
        case PUSH_OTLP:
            buf_add_string(&inner, "");
            for (unsigned n = next_random(seed, 5); n > 0; n--)
                put_metric(&inner, symbols[n], n % 2 ? 5 : 7, next_random(seed, 6));
            put_resource(body, symbols[i % texts], &inner);
            break;
        }
    }
}

static void test_random(void **state)
{
    uint64_t seed = 88172645463325252;
    (void)state;
    for (unsigned round = 0; round < 60; round++)
        for (size_t i = 0; i < FORMATS; i++) {
            struct buf body = new_buf();
            put_random(&body, formats[i], &seed);
            split_down(formats[i], &body);
            buf_done(&body);
        }
}

/* Cut off anywhere, or with any bit turned: an errno or two halves that can be read again. */
static void check_damaged(enum push_format format, const char *body, size_t length)
{
    struct buf first = new_buf();
    struct buf second = new_buf();
    char *copy = malloc(length + 1); /* the sanitizer sees a read past its end */
    uint32_t samples;
    assert_non_null(copy);
    memcpy(copy, body, length);
    copy = realloc(copy, length > 0 ? length : 1);
    int r = push_split(format, copy, length, &first, &second);
    assert_true(r == 0 || r == -EBADMSG || r == -ENODATA);
    if (r == 0) {
        assert_int_equal(push_count(format, first.data, first.length, &samples), 0);
        assert_int_equal(push_count(format, second.data, second.length, &samples), 0);
    } else {
        assert_int_equal(first.length + second.length, 0);
    }
    free(copy);
    buf_done(&first);
    buf_done(&second);
}

static void test_damaged(void **state)
{
    uint64_t seed = 4101842887655102017;
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) {
        struct buf body = new_buf();
        put_random(&body, formats[i], &seed);
        for (size_t length = 0; length < body.length; length++)
            check_damaged(formats[i], body.data, length);
        for (size_t bit = 0; bit < body.length * 8; bit++) {
            body.data[bit / 8] = (char)(body.data[bit / 8] ^ (1 << bit % 8));
            check_damaged(formats[i], body.data, body.length);
            body.data[bit / 8] = (char)(body.data[bit / 8] ^ (1 << bit % 8));
        }
        buf_done(&body);
    }
}

/* Nothing is left behind in a buffer that had something before. */
static void test_buffer_is_too_small(void **state)
{
    struct buf body = new_buf();
    (void)state;
    put_request_2(&body);
    for (unsigned small = 0; small < 2; small++) {
        struct buf halves[2];
        buf_init(&halves[0], BODY_MAX);
        buf_init(&halves[1], BODY_MAX);
        halves[small].maximum = 20;
        buf_add_string(&halves[0], "before");
        buf_add_string(&halves[1], "before");
        assert_int_equal(
            push_split(PUSH_REMOTE_WRITE_2, body.data, body.length, &halves[0], &halves[1]),
            -EMSGSIZE);
        assert_int_equal(halves[0].length, 6);
        assert_int_equal(halves[1].length, 6);
        buf_done(&halves[0]);
        buf_done(&halves[1]);
    }
    buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_written_fields),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_remote_write),
        cmocka_unit_test(test_one_series_of_several_samples),
        cmocka_unit_test(test_remote_write_2),
        cmocka_unit_test(test_remote_write_2_is_damaged),
        cmocka_unit_test(test_otlp_by_resource_and_metric),
        cmocka_unit_test(test_otlp_by_data_point),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_buffer_is_too_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
