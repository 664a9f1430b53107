/* Remote write 1 and 2: whatever a snapshot holds, what is sent is what the text exposition says,
 * to the last bit, and what has gone is marked; the bytes are those that protobuf-c packs. Rules:
 * the remote write specifications 1.0 and 2.0, "Protocol", "Labels", "Stale markers". */
#include "base/clock.h"
#include "base/snapshot.h"
#include "base/text.h"
#include "exporters/push_filter.h"
#include "tests/unit/count_malloc.h"
#include "tests/unit/random_snapshot.h"
#include "tests/unit/remote_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array)    (sizeof(array) / sizeof *(array))
#define SMALL_ROUNDS    60
#define LARGE_ROUNDS    1
#define LARGE_ROWS      100
#define TIME_NS         (UINT64_C(1790000000123) * NS_PER_MS)
#define ALLOCATIONS_MAX 200 /* of a message: tables, buffers, arenas; they grow by doubling */

static const enum push_format formats[] = {PUSH_REMOTE_WRITE, PUSH_REMOTE_WRITE_2};

static const struct label awkward[] = {
    {"Zone", "before __name__"}, {"__name__", "never"},  {"_a", "after it"},
    {"cpu", "external"},         {"device", "external"}, {"event", "external"},
    {"id", "external"},          {"interface", "x"},     {"job", "weir"},
    {"major", "external"},       {"nothing", ""},        {"scope", "external"},
    {"state", "external"},       {"zz", "last"},
};

static struct buf encoded(enum push_format format, const struct push_encode_options *options,
                          const struct push_round *round, uint32_t *ret_samples)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    assert_int_equal(push_encode(format, options, round, &b, ret_samples), 0);
    return b;
}

static struct sent_list sent(enum push_format format, const struct push_encode_options *options,
                             const struct push_round *round)
{
    uint32_t samples = 0;
    struct buf body = encoded(format, options, round, &samples);
    struct sent_list list = sent_of_body(format, &body);
    assert_int_equal(list.count, samples);
    buf_done(&body);
    return list;
}

static void assert_same(const struct sent_list *a, const struct sent_list *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        assert_string_equal(a->items[i].key, b->items[i].key);
        assert_int_equal(a->items[i].bits, b->items[i].bits);
        assert_int_equal(a->items[i].time_ms, b->items[i].time_ms);
    }
    assert_int_equal(a->count, b->count);
}

static void assert_round(const struct push_encode_options *options, const struct push_round *round)
{
    struct sent_list expected = sent_expected(options, round);
    for (size_t f = 0; f < COUNT(formats); f++) {
        struct sent_list list = sent(formats[f], options, round);
        assert_same(&list, &expected);
        sent_list_done(&list);
    }
    sent_list_done(&expected);
}

/* Encoded part by part it is the same: of version 1 byte for byte, and of version 2 once its
 * symbols are labels again. */
static void assert_parts(const struct push_encode_options *options, const struct push_round *round,
                         uint32_t step)
{
    uint32_t all = 0;
    struct buf whole = encoded(PUSH_REMOTE_WRITE, options, round, &all);
    for (size_t f = 0; f < COUNT(formats); f++) {
        struct push_round part = *round;
        struct buf together;
        uint32_t samples = 0;
        buf_init(&together, BODY_MAX);
        for (part.from = 0; part.from < all; part.from += step) {
            part.until = part.from + step;
            struct buf body = encoded(formats[f], options, &part, &samples);
            assert_int_equal(samples, part.until < all ? step : all - part.from);
            int r = formats[f] == PUSH_REMOTE_WRITE
                        ? buf_add(&together, body.data, body.length)
                        : push_convert_2_to_1(body.data, body.length, &together);
            assert_int_equal(r, 0);
            buf_done(&body);
        }
        assert_int_equal(together.length, whole.length);
        assert_memory_equal(together.data, whole.data, whole.length);
        part.until = part.from + step;
        assert_int_equal(push_encode(formats[f], options, &part, &together, &samples), -ENODATA);
        buf_done(&together);
    }
    buf_done(&whole);
}

/* --- anything --- */

/* Something changes, or nothing. */
static void change(struct random *r, struct snapshot *s)
{
    if (s->row_count > 0 && random_below(r, 4) == 0)
        identity_unref(s->rows[--s->row_count].identity);
    if (s->point_count > 0 && random_below(r, 3) == 0)
        s->point_count--;
    for (size_t i = 0; i < s->row_count; i++) {
        struct container_row *row = &s->rows[i];
        if (random_below(r, 6) == 0)
            fixture_identity(s, i)->name = random_text(r, &fixture_identity(s, i)->arena);
        if (random_below(r, 4) == 0)
            row->present &= ~CONTAINER_BIT(random_below(r, CONTAINER_METRICS));
        if (random_below(r, 4) == 0)
            row_set_unlimited(row, (unsigned)random_below(r, CONTAINER_METRICS));
        if (row->interface_count > 0 && random_below(r, 4) == 0)
            row->interface_count--;
        if (row->device_count > 0 && random_below(r, 4) == 0)
            row->devices[0].present &= random_next(r);
        if (row->point_count > 0 && random_below(r, 4) == 0)
            row->points[0].labels[0] = random_text(r, &s->arena);
    }
}

static void check_random(struct random *r, size_t rows)
{
    struct random again = *r;
    struct snapshot *previous = random_snapshot(r, rows);
    struct snapshot *current = random_snapshot(&again, rows);
    change(r, current);
    const struct push_encode_options options = {.external = awkward,
                                                .external_count = COUNT(awkward)};
    static const struct push_encode_options none;
    const struct push_round rounds[] = {
        {.previous = previous, .current = current, .time_ns = TIME_NS},
        {.previous = NULL, .current = current, .time_ns = TIME_NS},
        {.previous = previous, .current = NULL, .time_ns = random_number(r)},
    };
    for (size_t i = 0; i < COUNT(rounds); i++) {
        assert_round(&options, &rounds[i]);
        assert_round(&none, &rounds[i]);
        assert_parts(&options, &rounds[i], 1 + (uint32_t)random_below(r, 200));
    }
    snapshot_unref(previous);
    snapshot_unref(current);
}

static void test_random_rounds(void **state)
{
    (void)state;
    struct random r = {88172645463325252};
    for (unsigned i = 0; i < SMALL_ROUNDS; i++)
        check_random(&r, 4);
    for (unsigned i = 0; i < LARGE_ROUNDS; i++)
        check_random(&r, LARGE_ROWS);
}

/* --- what has gone --- */

static struct snapshot *one_container(void)
{
    struct snapshot *s = fixture_snapshot(1);
    s->realtime_ns = TIME_NS;
    fixture_name(s, 0, "/docker/1", "web", NULL);
    row_set(&s->rows[0], CONTAINER_MEMORY_USAGE, 4096);
    row_set(&s->rows[0], CONTAINER_CPU_USAGE, UINT64_C(1500000000));
    const struct interface_row interface = {.name = "eth0", .present = 1, .values = {7}};
    fixture_interfaces(s, 0, &interface, 1);
    return s;
}

static size_t stale_count(const struct sent_list *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += list->items[i].bits == STALE_BITS;
    return count;
}

/* `change` is done to the second of two rounds that were alike; returns how many ended. */
static void assert_ends(void (*alter)(struct snapshot *s), size_t series, size_t stale)
{
    static const struct push_encode_options options;
    struct snapshot *previous = one_container();
    struct snapshot *current = one_container();
    alter(current);
    const struct push_round round = {.previous = previous, .current = current, .time_ns = TIME_NS};
    assert_round(&options, &round);
    for (size_t f = 0; f < COUNT(formats); f++) {
        struct sent_list list = sent(formats[f], &options, &round);
        assert_int_equal(list.count, series + stale);
        assert_int_equal(stale_count(&list), stale);
        sent_list_done(&list);
    }
    snapshot_unref(previous);
    snapshot_unref(current);
}

static void nothing(struct snapshot *s)
{
    s->rows[0].values[CONTAINER_MEMORY_USAGE] = 0; /* another value is no end */
}

static void container_gone(struct snapshot *s)
{
    identity_unref(s->rows[--s->row_count].identity);
}

static void interface_gone(struct snapshot *s)
{
    s->rows[0].interface_count = 0;
}

static void value_gone(struct snapshot *s)
{
    s->rows[0].present &= ~CONTAINER_BIT(CONTAINER_MEMORY_USAGE);
}

static void unlimited(struct snapshot *s)
{
    row_set_unlimited(&s->rows[0], CONTAINER_MEMORY_USAGE);
}

static void renamed(struct snapshot *s)
{
    fixture_name(s, 0, "/docker/1", "web_old", NULL);
}

static void group_off(struct snapshot *s)
{
    s->groups &= ~GROUP_BIT(GROUP_NETWORK);
}

static void test_ends(void **state)
{
    (void)state;
    assert_ends(nothing, 4, 0); /* `up` is the fourth */
    assert_ends(container_gone, 1, 3);
    assert_ends(interface_gone, 3, 1);
    assert_ends(value_gone, 3, 1);
    assert_ends(unlimited, 3, 1);
    assert_ends(renamed, 4, 3);
    assert_ends(group_off, 3, 1);
}

static void test_clean_stop(void **state)
{
    (void)state;
    static const struct label external[] = {{"job", "weir"}};
    const struct push_encode_options options = {.external = external, .external_count = 1};
    static const char *const up[] = {"__name__", "up", "job", "weir", NULL};
    struct snapshot *s = one_container();
    const struct push_round round = {.previous = s, .time_ns = TIME_NS};
    for (size_t f = 0; f < COUNT(formats); f++) {
        struct sent_list list = sent(formats[f], &options, &round);
        assert_int_equal(list.count, 4);
        assert_int_equal(stale_count(&list), 4);
        assert_non_null(sent_find(&list, up));
        sent_list_done(&list);
    }
    snapshot_unref(s);
}

/* --- labels --- */

static void test_external_labels(void **state)
{
    (void)state;
    static const struct label external[] = {
        {"bad", "a\xFF"
                "b"},
        {"cpu", "x"},
        {"empty", ""},
        {"name", "y"},
    };
    static const char *const usage[] = {"__name__",
                                        "container_cpu_usage_seconds_total",
                                        "bad",
                                        "a\xEF\xBF\xBD"
                                        "b",
                                        "cpu",
                                        "total",
                                        "id",
                                        "/docker/1",
                                        "name",
                                        "web",
                                        NULL};
    static const char *const memory[] = {"__name__",
                                         "container_memory_usage_bytes",
                                         "bad",
                                         "a\xEF\xBF\xBD"
                                         "b",
                                         "cpu",
                                         "x",
                                         "id",
                                         "/docker/1",
                                         "name",
                                         "web",
                                         NULL};
    const struct push_encode_options options = {.external = external,
                                                .external_count = COUNT(external)};
    struct snapshot *s = one_container();
    const struct push_round round = {.current = s, .time_ns = TIME_NS};
    for (size_t f = 0; f < COUNT(formats); f++) {
        struct sent_list list = sent(formats[f], &options, &round);
        assert_int_equal(list.count, 4);
        assert_non_null(sent_find(&list, usage));
        assert_non_null(sent_find(&list, memory));
        assert_int_equal(sent_count(&list, "name", "y"), 1); /* `up` has no other */
        sent_list_done(&list);
    }
    snapshot_unref(s);
}

/* An external label can make two series one: a receiver would take neither, or the request. */
static void test_twins(void **state)
{
    (void)state;
    static const struct label external[] = {{"name", "web"}};
    const struct push_encode_options options = {.external = external, .external_count = 1};
    struct snapshot *s = fixture_snapshot(2);
    fixture_name(s, 0, "/docker/1", NULL, NULL);
    fixture_name(s, 1, "/docker/1", "web", NULL);
    row_set(&s->rows[0], CONTAINER_MEMORY_USAGE, 1);
    row_set(&s->rows[1], CONTAINER_MEMORY_USAGE, 2);
    row_set(&s->rows[1], CONTAINER_MEMORY_RSS, 3);
    const struct push_round round = {.current = s, .time_ns = TIME_NS};
    assert_round(&options, &round);
    struct sent_list list = sent(PUSH_REMOTE_WRITE, &options, &round);
    assert_int_equal(list.count, 3);
    sent_list_done(&list);
    snapshot_unref(s);
}

/* --- bytes --- */

/* By hand, from the encoding guide of protocol buffers and the table of fields: `up` alone. */
static void test_known_bytes(void **state)
{
    (void)state;
    static const struct label external[] = {{"job", "w"}};
    const struct push_encode_options options = {.external = external, .external_count = 1};
    static const uint8_t message[] = {
        0x0A, 0x28,                                           /* timeseries, 40 bytes */
        0x0A, 0x0E,                                           /* labels, 14 bytes */
        0x0A, 0x08, '_',  '_',  'n',  'a',  'm',  'e',  '_',  /* name */
        '_',  0x12, 0x02, 'u',  'p',                          /* value */
        0x0A, 0x08,                                           /* labels, 8 bytes */
        0x0A, 0x03, 'j',  'o',  'b',  0x12, 0x01, 'w',        /* name, value */
        0x12, 0x0C,                                           /* samples, 12 bytes */
        0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xF0, 0x3F, /* 1.0 */
        0x10, 0xAC, 0x02,                                     /* 300 */
    };
    struct snapshot *s = fixture_snapshot(0);
    const struct push_round round = {.current = s, .time_ns = 300 * NS_PER_MS};
    uint32_t samples = 0;
    struct buf b = encoded(PUSH_REMOTE_WRITE, &options, &round, &samples);
    assert_int_equal(samples, 1);
    assert_int_equal(b.length, sizeof message);
    assert_memory_equal(b.data, message, sizeof message);
    buf_done(&b);
    snapshot_unref(s);
}

/* The marker is a signalling NaN: arithmetic would make another of it. */
static void test_marker_bytes(void **state)
{
    (void)state;
    static const struct push_encode_options options;
    static const uint8_t marker[] = {0x09, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0xF0, 0x7F};
    struct snapshot *s = fixture_snapshot(0);
    const struct push_round round = {.previous = s, .time_ns = TIME_NS};
    for (size_t f = 0; f < COUNT(formats); f++) {
        uint32_t samples = 0;
        struct buf b = encoded(formats[f], &options, &round, &samples);
        assert_int_equal(samples, 1);
        assert_non_null(memmem(b.data, b.length, marker, sizeof marker));
        buf_done(&b);
    }
    snapshot_unref(s);
}

/* A field that is 0 is not written, whether the value or the time is. */
static void test_zeros(void **state)
{
    (void)state;
    static const struct push_encode_options options;
    struct snapshot *s = fixture_snapshot(1);
    row_set(&s->rows[0], CONTAINER_MEMORY_USAGE, 0);
    const struct push_round rounds[] = {{.current = s, .time_ns = TIME_NS}, {.current = s}};
    for (size_t i = 0; i < COUNT(rounds); i++)
        assert_round(&options, &rounds[i]);
    snapshot_unref(s);
}

static void test_too_large(void **state)
{
    (void)state;
    static const struct push_encode_options options;
    struct random r = {4711};
    struct snapshot *s = random_snapshot(&r, 3);
    struct snapshot *before = random_snapshot(&r, 3);
    const struct push_round round = {.previous = before, .current = s, .time_ns = TIME_NS};
    for (size_t f = 0; f < COUNT(formats); f++) {
        uint32_t samples = 0;
        struct buf whole = encoded(formats[f], &options, &round, &samples);
        size_t step = whole.length / 50;
        for (size_t maximum = whole.length % step; maximum <= whole.length; maximum += step) {
            if (maximum == 0)
                continue;
            struct buf b;
            buf_init(&b, maximum);
            uint32_t untouched = 42;
            int result = push_encode(formats[f], &options, &round, &b, &untouched);
            bool fits = maximum == whole.length;
            assert_int_equal(result, fits ? 0 : -EMSGSIZE);
            assert_int_equal(untouched, fits ? samples : 42);
            buf_done(&b);
        }
        buf_done(&whole);
    }
    snapshot_unref(s);
    snapshot_unref(before);
}

static void test_appends(void **state)
{
    (void)state;
    static const struct push_encode_options options;
    struct snapshot *s = one_container();
    const struct push_round round = {.current = s, .time_ns = TIME_NS};
    static const struct push_round nothing_at_all = {.time_ns = TIME_NS};
    for (size_t f = 0; f < COUNT(formats); f++) {
        uint32_t samples = 7;
        struct buf b;
        buf_init(&b, BODY_MAX);
        assert_int_equal(buf_add_string(&b, "head"), 0);
        assert_int_equal(push_encode(formats[f], &options, &nothing_at_all, &b, &samples),
                         -ENODATA);
        assert_int_equal(samples, 7);
        assert_string_equal(b.data, "head");
        assert_int_equal(push_encode(formats[f], &options, &round, &b, &samples), 0);
        struct buf alone = encoded(formats[f], &options, &round, &samples);
        assert_int_equal(b.length, alone.length + 4);
        assert_memory_equal(b.data + 4, alone.data, alone.length);
        buf_done(&alone);
        buf_done(&b);
    }
    snapshot_unref(s);
}

/* --- version 2 --- */

static void test_start_and_metadata(void **state)
{
    (void)state;
    static const struct push_encode_options options = {.agent_started_ms = 1789000000000};
    static const char *const usage[] = {"__name__", "container_cpu_usage_seconds_total",
                                        "cpu",      "total",
                                        "id",       "/docker/1",
                                        "name",     "web",
                                        NULL};
    static const char *const memory[] = {
        "__name__", "container_memory_usage_bytes", "id", "/docker/1", "name", "web", NULL};
    struct snapshot *s = one_container();
    s->rows[0].state = STATE_RUNNING;
    fixture_identity(s, 0)->started_ns = UINT64_C(1789999999999) * NS_PER_MS + 1;
    struct push_round round = {.current = s, .time_ns = TIME_NS};
    struct sent_list list = sent(PUSH_REMOTE_WRITE_2, &options, &round);
    const struct sent *found = sent_find(&list, usage);
    assert_non_null(found);
    assert_int_equal(found->start_ms, 1789999999999);
    assert_int_equal(found->type, 1);
    assert_string_equal(found->unit, "seconds");
    assert_string_equal(found->help, container_metrics[CONTAINER_CPU_USAGE].help);
    found = sent_find(&list, memory);
    assert_non_null(found);
    assert_int_equal(found->start_ms, 0); /* no counter */
    assert_int_equal(found->type, 2);
    assert_string_equal(found->unit, "bytes");
    sent_list_done(&list);

    round.time_ns = UINT64_C(1789999999999) * NS_PER_MS; /* not before the sample */
    list = sent(PUSH_REMOTE_WRITE_2, &options, &round);
    found = sent_find(&list, usage);
    assert_non_null(found);
    assert_int_equal(found->start_ms, 0);
    sent_list_done(&list);
    snapshot_unref(s);
}

static void test_filter(void **state)
{
    (void)state;
    char *families[] = {(char[]){"container_memory_*"}};
    const struct push_filter_options chosen = {.metrics_include = {families, 1}};
    struct push_filter *filter = push_filter_new(&chosen);
    const struct push_encode_options options = {.filter = filter};
    struct snapshot *s = one_container();
    const struct push_round rounds[] = {{.current = s, .time_ns = TIME_NS},
                                        {.previous = s, .time_ns = TIME_NS}};
    for (size_t i = 0; i < COUNT(rounds); i++) {
        struct sent_list list = sent(PUSH_REMOTE_WRITE, &options, &rounds[i]);
        assert_int_equal(list.count, 2);
        assert_int_equal(sent_count(&list, "__name__", "up"), 1);
        assert_int_equal(sent_count(&list, "__name__", "container_memory_usage_bytes"), 1);
        sent_list_done(&list);
    }
    push_filter_free(filter);
    snapshot_unref(s);
}

static void test_allocations(void **state)
{
    (void)state;
#if COUNTS_MALLOC
    static const struct push_encode_options options;
    struct random r = {4711};
    struct snapshot *s = random_snapshot(&r, 4000);
    const struct push_round round = {.previous = s, .current = s, .time_ns = TIME_NS};
    for (size_t f = 0; f < COUNT(formats); f++) {
        uint32_t samples = 0;
        size_t before = allocations;
        struct buf b = encoded(formats[f], &options, &round, &samples);
        assert_in_range(allocations - before, 1, ALLOCATIONS_MAX);
        assert_true(samples > 100 * ALLOCATIONS_MAX);
        buf_done(&b);
    }
    snapshot_unref(s);
#else
    skip();
#endif
}

/* --- for check_remote_write.py --- */

static void write_file(const char *folder, unsigned number, const char *ending, const struct buf *b)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%u.%s", folder, number, ending);
    assert_in_range(length, 1, sizeof path - 1);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(b->data, 1, b->length, file), b->length);
    assert_int_equal(fclose(file), 0);
}

/* Into the folder that WEIR_REMOTE_WRITE names: messages, and what should be in them. */
static void test_written_out(void **state)
{
    (void)state;
    static const struct label external[] = {
        {"Zone", "eu"}, {"instance", "host:10142"}, {"job", "weir"}};
    const struct push_encode_options options = {.external = external,
                                                .external_count = COUNT(external)};
    const char *folder = getenv("WEIR_REMOTE_WRITE");
    struct random r = {31};
    for (unsigned i = 0; folder && i < 20; i++) {
        struct random again = r;
        struct snapshot *previous = random_snapshot(&r, 20);
        struct snapshot *current = random_snapshot(&again, 20);
        change(&r, current);
        const struct push_round round = {
            .previous = previous, .current = current, .time_ns = TIME_NS};
        struct sent_list expected = sent_expected(&options, &round);
        struct buf text;
        buf_init(&text, BODY_MAX);
        for (size_t s = 0; s < expected.count; s++)
            (void)buf_add_format(&text, "%016llx %s%c", (unsigned long long)expected.items[s].bits,
                                 expected.items[s].key, '\2');
        write_file(folder, i, "expected", &text);
        buf_done(&text);
        for (size_t f = 0; f < COUNT(formats); f++) {
            uint32_t samples = 0;
            struct buf b = encoded(formats[f], &options, &round, &samples);
            write_file(folder, i, f == 0 ? "1" : "2", &b);
            buf_done(&b);
        }
        sent_list_done(&expected);
        snapshot_unref(previous);
        snapshot_unref(current);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_rounds),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_clean_stop),
        cmocka_unit_test(test_external_labels),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_marker_bytes),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_start_and_metadata),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_written_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
