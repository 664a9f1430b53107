/* The delimited protobuf exposition, read by what protoc-c generates from proto/metrics.proto: it
 * is byte for byte what protobuf-c packs, and says family by family and sample by sample what the
 * text exposition says. */
#include "base/buf.h"
#include "base/text.h"
#include "exporters/prometheus.h"
#include "tests/unit/random_snapshot.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <metrics.pb-c.h>

#define BODY_MAX        (UINT64_C(64) << 20) /* bytes; far above what these snapshots need */
#define SMALL_SNAPSHOTS 300
#define LARGE_SNAPSHOTS 10 /* whose families need lengths of three bytes */
#define LARGE_ROWS      400

typedef Io__Prometheus__Client__MetricFamily family_message;
typedef Io__Prometheus__Client__Metric metric_message;

static locale_t c_locale; /* what numbers are read with, whatever the locale of the test */

static struct buf encoded(const struct snapshot *s, enum prometheus_format format)
{
    const struct prometheus_options options = {.format = format, .groups = GROUPS_ALL};
    struct buf b;
    buf_init(&b, BODY_MAX);
    assert_int_equal(prometheus_encode(s, &options, &b), 0);
    assert_int_equal(buf_add_string(&b, ""), 0); /* so that there is a NUL */
    return b;
}

static const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, size_t *ret_value)
{
    size_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(at < end && shift < 63);
        value |= (size_t)(*at & 0x7F) << shift;
        if (!(*at++ & 0x80))
            break;
    }
    assert_true(at[-1] != 0 || value == 0); /* the shortest form */
    *ret_value = value;
    return at;
}

static void assert_packs_alike(const family_message *family, const uint8_t *bytes, size_t length)
{
    assert_int_equal(io__prometheus__client__metric_family__get_packed_size(family), length);
    uint8_t *packed = malloc(length);
    assert_non_null(packed);
    assert_int_equal(io__prometheus__client__metric_family__pack(family, packed), length);
    assert_memory_equal(packed, bytes, length);
    free(packed);
}

/* "# KEYWORD name text"; returns the next line. */
static const char *check_head(const char *line, const char *keyword, const char *name,
                              const char *text)
{
    char expected[4096];
    int length = snprintf(expected, sizeof expected, "# %s %s %s\n", keyword, name, text);
    assert_in_range(length, 1, sizeof expected - 1);
    assert_memory_equal(line, expected, (size_t)length);
    return line + length;
}

/* Reads `expected` as a label value in quotes has it; returns what follows the quote. */
static const char *check_value(const char *at, const char *expected)
{
    for (; *at != '"'; at++, expected++) {
        if (*at == '\\') {
            at++;
            assert_true(*at == 'n' || *at == '"' || *at == '\\');
        }
        bool newline = *at == 'n' && at[-1] == '\\' && *expected == '\n';
        assert_int_equal(newline ? '\n' : *at, *expected);
    }
    assert_int_equal(*expected, '\0');
    return at + 1;
}

static void assert_utf8(const char *text)
{
    while (*text != '\0') {
        size_t length = text_utf8_length(text);
        assert_in_range(length, 1, 4);
        text += length;
    }
}

/* Reads {name="value",...} where there are labels. */
static const char *check_labels(const char *at, const metric_message *metric)
{
    for (size_t l = 0; l < metric->n_label; l++) {
        const Io__Prometheus__Client__LabelPair *pair = metric->label[l];
        assert_int_equal(*at++, l == 0 ? '{' : ',');
        size_t length = strlen(pair->name);
        assert_memory_equal(at, pair->name, length);
        at += length;
        assert_memory_equal(at, "=\"", 2);
        at = check_value(at + 2, pair->value);
        assert_utf8(pair->value);
        assert_true(pair->value[0] != '\0');
    }
    if (metric->n_label > 0)
        assert_int_equal(*at++, '}');
    return at;
}

static double number_of(const metric_message *metric, Io__Prometheus__Client__MetricType type)
{
    assert_null(metric->untyped);
    if (type == IO__PROMETHEUS__CLIENT__METRIC_TYPE__COUNTER) {
        assert_null(metric->gauge);
        assert_non_null(metric->counter);
        assert_true(metric->counter->has_value);
        return metric->counter->value;
    }
    assert_null(metric->counter);
    assert_non_null(metric->gauge);
    assert_true(metric->gauge->has_value);
    return metric->gauge->value;
}

/* A line of the text says what the message says; returns the next line. */
static const char *check_sample(const char *line, const family_message *family, size_t index)
{
    const metric_message *metric = family->metric[index];
    size_t length = strlen(family->name);
    assert_memory_equal(line, family->name, length);
    const char *at = check_labels(line + length, metric);
    assert_int_equal(*at++, ' ');
    char *end = NULL;
    double said = strtod_l(at, &end, c_locale);
    double number = number_of(metric, family->type);
    assert_memory_equal(&number, &said, sizeof said); /* bit for bit */
    assert_int_equal(*end, '\n');
    return end + 1;
}

static const char *check_family(const char *line, const family_message *family)
{
    assert_non_null(family->name);
    assert_non_null(family->help);
    assert_true(family->has_type);
    assert_null(strpbrk(family->help, "\\\n")); /* else HELP would have to be escaped here */
    line = check_head(line, "HELP", family->name, family->help);
    line = check_head(line, "TYPE", family->name,
                      family->type == IO__PROMETHEUS__CLIENT__METRIC_TYPE__COUNTER ? "counter"
                                                                                   : "gauge");
    assert_true(family->n_metric > 0);
    for (size_t m = 0; m < family->n_metric; m++)
        line = check_sample(line, family, m);
    return line;
}

/* Lets go of the snapshot; returns the length of its largest family. */
static size_t assert_same(struct snapshot *s)
{
    struct buf text = encoded(s, PROMETHEUS_TEXT);
    struct buf bytes = encoded(s, PROMETHEUS_PROTOBUF);
    const char *line = text.data;
    const uint8_t *at = (const uint8_t *)bytes.data;
    const uint8_t *end = at + bytes.length;
    size_t largest = 0;
    while (at < end) {
        size_t length = 0;
        at = read_varint(at, end, &length);
        assert_true(length > 0 && length <= (size_t)(end - at));
        family_message *family = io__prometheus__client__metric_family__unpack(NULL, length, at);
        assert_non_null(family);
        line = check_family(line, family);
        assert_packs_alike(family, at, length);
        io__prometheus__client__metric_family__free_unpacked(family, NULL);
        largest = length > largest ? length : largest;
        at += length;
    }
    assert_string_equal(line, "");
    buf_done(&bytes);
    buf_done(&text);
    snapshot_unref(s);
    return largest;
}

static void test_random_snapshots(void **state)
{
    (void)state;
    struct random r = {88172645463325252};
    for (unsigned i = 0; i < SMALL_SNAPSHOTS; i++)
        (void)assert_same(random_snapshot(&r, 4));
    size_t largest = 0;
    for (unsigned i = 0; i < LARGE_SNAPSHOTS; i++) {
        size_t length = assert_same(random_snapshot(&r, LARGE_ROWS));
        largest = length > largest ? length : largest;
    }
    assert_true(largest >= 1 << 14); /* else lengths of three bytes were not seen */
}

static void test_nothing(void **state)
{
    (void)state;
    struct snapshot *s = fixture_snapshot(3);
    struct buf b = encoded(s, PROMETHEUS_PROTOBUF);
    assert_int_equal(b.length, 0);
    buf_done(&b);
    snapshot_unref(s);
}

/* By hand, from the encoding guide of protocol buffers and the table of fields. */
static void test_known_bytes(void **state)
{
    (void)state;
    static const uint8_t metric[] = {
        0x22, 0x1A,                                           /* metric, 26 bytes */
        0x0A, 0x0D,                                           /* its label, 13 bytes */
        0x0A, 0x04, 'n',  'a',  'm',  'e',                    /* name */
        0x12, 0x05, 'a',  '"',  '\\', '\n', 'z',              /* value, without escapes */
        0x12, 0x09,                                           /* gauge, 9 bytes */
        0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xF8, 0x3F, /* 1.5 */
    };
    struct snapshot *s = fixture_snapshot(1);
    fixture_name(s, 0, NULL, "a\"\\\nz", NULL);
    row_set(&s->rows[0], CONTAINER_CREATED, 1500);
    struct buf b = encoded(s, PROMETHEUS_PROTOBUF);
    assert_true(b.length > sizeof metric);
    const char *tail = b.data + b.length - sizeof metric;
    assert_memory_equal(tail, metric, sizeof metric);
    assert_memory_equal(tail - 2, "\x18\x01", 2); /* type, gauge */
    buf_done(&b);
    snapshot_unref(s);
}

/* Protocol buffers have no rule for names, so a counter is one whatever its name. */
static void test_every_counter(void **state)
{
    (void)state;
    struct snapshot *s = fixture_snapshot(1);
    row_set(&s->rows[0], CONTAINER_MEMORY_FAILCNT, UINT64_MAX);
    struct buf b = encoded(s, PROMETHEUS_PROTOBUF);
    size_t length = 0;
    const uint8_t *end = (const uint8_t *)b.data + b.length;
    const uint8_t *at = read_varint((const uint8_t *)b.data, end, &length);
    family_message *family = io__prometheus__client__metric_family__unpack(NULL, length, at);
    assert_non_null(family);
    assert_string_equal(family->name, "container_memory_failcnt");
    assert_int_equal(family->type, IO__PROMETHEUS__CLIENT__METRIC_TYPE__COUNTER);
    assert_true(number_of(family->metric[0], family->type) == 18446744073709551615.0);
    assert_int_equal(family->metric[0]->n_label, 0);
    io__prometheus__client__metric_family__free_unpacked(family, NULL);
    buf_done(&b);
    snapshot_unref(s);
}

static int set_up(void **state)
{
    (void)state;
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
    return c_locale ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    freelocale(c_locale);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_snapshots),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_every_counter),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
