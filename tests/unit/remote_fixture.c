/* What it knows: how to read what a round should be and what was sent of it. */
#include "tests/unit/remote_fixture.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "base/text.h"
#include "exporters/prometheus.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <remote_write.pb-c.h>
#include <remote_write_2.pb-c.h>

#define LABELS_MAX 64 /* of one series */
#define SEPARATOR  '\1'

/* --- lists --- */

struct pair {
    const char *name, *value;
};

void sent_list_done(struct sent_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].key);
        free(list->items[i].help);
        free(list->items[i].unit);
    }
    free(list->items);
    *list = (struct sent_list){0};
}

static struct sent *add(struct sent_list *list)
{
    list->items = alloc_resize(list->items, list->count + 1, sizeof *list->items);
    struct sent *sent = &list->items[list->count];
    *sent = (struct sent){.order = list->count++};
    return sent;
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

static char *key_of(struct pair *pairs, size_t count)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    for (size_t i = 0; i < count; i++) {
        (void)buf_add_string(&b, pairs[i].name);
        (void)buf_add_char(&b, SEPARATOR);
        (void)buf_add_string(&b, pairs[i].value);
        (void)buf_add_char(&b, SEPARATOR);
    }
    assert_false(b.failed);
    return b.data;
}

static int compare_sent(const void *a, const void *b)
{
    const struct sent *left = a;
    const struct sent *right = b;
    int keys = strcmp(left->key, right->key);
    return keys != 0 ? keys : (left->order > right->order) - (left->order < right->order);
}

static void sort(struct sent_list *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare_sent);
}

const struct sent *sent_find(const struct sent_list *list, const char *const labels[])
{
    struct pair pairs[LABELS_MAX];
    size_t count = 0;
    for (; labels[2 * count]; count++)
        pairs[count] = (struct pair){labels[2 * count], labels[2 * count + 1]};
    struct sent wanted = {.key = key_of(pairs, count)};
    const struct sent *found = NULL;
    for (size_t i = 0; i < list->count && !found; i++)
        if (text_equal(list->items[i].key, wanted.key))
            found = &list->items[i];
    free(wanted.key);
    return found;
}

size_t sent_count(const struct sent_list *list, const char *name, const char *value)
{
    struct pair pair = {name, value};
    char *label = key_of(&pair, 1);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *at = strstr(list->items[i].key, label);
        count += at && (at == list->items[i].key || at[-1] == SEPARATOR);
    }
    free(label);
    return count;
}

/* --- messages --- */

static void assert_text(const char *text)
{
    assert_true(*text != '\0');
    while (*text != '\0') {
        size_t length = text_utf8_length(text);
        assert_in_range(length, 1, 4);
        text += length;
    }
}

static void assert_labels(const struct pair *pairs, size_t count)
{
    bool named = false;
    assert_true(count > 0 && count < LABELS_MAX);
    for (size_t i = 0; i < count; i++) {
        assert_text(pairs[i].name);
        assert_text(pairs[i].value);
        named |= text_equal(pairs[i].name, "__name__");
        assert_true(i == 0 || strcmp(pairs[i - 1].name, pairs[i].name) < 0);
    }
    assert_true(named);
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static void assert_bytes(const struct buf *body, const uint8_t *packed, size_t length)
{
    assert_int_equal(length, body->length);
    assert_memory_equal(packed, body->data, length);
}

static struct sent_list read_1(const struct buf *body)
{
    struct sent_list list = {0};
    Prometheus__WriteRequest *request =
        prometheus__write_request__unpack(NULL, body->length, (const uint8_t *)body->data);
    assert_non_null(request);
    assert_int_equal(request->n_metadata, 0);
    for (size_t i = 0; i < request->n_timeseries; i++) {
        const Prometheus__TimeSeries *series = request->timeseries[i];
        struct pair pairs[LABELS_MAX];
        assert_in_range(series->n_labels, 1, LABELS_MAX - 1);
        for (size_t l = 0; l < series->n_labels; l++)
            pairs[l] = (struct pair){series->labels[l]->name, series->labels[l]->value};
        assert_labels(pairs, series->n_labels);
        assert_int_equal(series->n_samples, 1);
        struct sent *sent = add(&list);
        sent->key = key_of(pairs, series->n_labels);
        sent->bits = bits_of(series->samples[0]->value);
        sent->time_ms = series->samples[0]->timestamp;
    }
    uint8_t *packed = alloc_bytes(body->length + 1);
    assert_bytes(body, packed, prometheus__write_request__pack(request, packed));
    free(packed);
    prometheus__write_request__free_unpacked(request, NULL);
    return list;
}

/* Each symbol once, the first empty, none without a use. */
static void assert_symbols(const Io__Prometheus__Write__V2__Request *request)
{
    bool *used = alloc_zeroed(request->n_symbols, sizeof *used);
    assert_true(request->n_symbols > 0);
    assert_string_equal(request->symbols[0], "");
    used[0] = true;
    for (size_t i = 0; i < request->n_timeseries; i++) {
        const Io__Prometheus__Write__V2__TimeSeries *series = request->timeseries[i];
        for (size_t l = 0; l < series->n_labels_refs; l++) {
            assert_in_range(series->labels_refs[l], 1, request->n_symbols - 1);
            used[series->labels_refs[l]] = true;
        }
        used[series->metadata->help_ref] = true;
        used[series->metadata->unit_ref] = true;
    }
    struct pair *sorted = alloc_zeroed(request->n_symbols, sizeof *sorted);
    for (size_t i = 0; i < request->n_symbols; i++) {
        assert_true(used[i]);
        sorted[i].name = request->symbols[i];
    }
    qsort(sorted, request->n_symbols, sizeof *sorted, compare_pairs);
    for (size_t i = 1; i < request->n_symbols; i++)
        assert_true(strcmp(sorted[i - 1].name, sorted[i].name) < 0);
    free(sorted);
    free(used);
}

static void read_series_2(const Io__Prometheus__Write__V2__Request *request,
                          const Io__Prometheus__Write__V2__TimeSeries *series, struct sent *ret)
{
    struct pair pairs[LABELS_MAX];
    assert_int_equal(series->n_labels_refs % 2, 0);
    size_t count = series->n_labels_refs / 2;
    assert_in_range(count, 1, LABELS_MAX - 1);
    for (size_t l = 0; l < count; l++)
        pairs[l] = (struct pair){request->symbols[series->labels_refs[2 * l]],
                                 request->symbols[series->labels_refs[2 * l + 1]]};
    assert_labels(pairs, count);
    assert_int_equal(series->n_samples, 1);
    ret->key = key_of(pairs, count);
    ret->bits = bits_of(series->samples[0]->value);
    ret->time_ms = series->samples[0]->timestamp;
    ret->start_ms = series->samples[0]->start_timestamp;
    ret->type = (int)series->metadata->type;
    assert_true(series->metadata->help_ref != 0);
    ret->help = alloc_string(request->symbols[series->metadata->help_ref]);
    ret->unit = alloc_string(request->symbols[series->metadata->unit_ref]);
}

static struct sent_list read_2(const struct buf *body)
{
    struct sent_list list = {0};
    Io__Prometheus__Write__V2__Request *request =
        io__prometheus__write__v2__request__unpack(NULL, body->length, (const uint8_t *)body->data);
    assert_non_null(request);
    for (size_t i = 0; i < request->n_timeseries; i++) {
        assert_non_null(request->timeseries[i]->metadata);
        read_series_2(request, request->timeseries[i], add(&list));
    }
    assert_symbols(request);
    uint8_t *packed = alloc_bytes(body->length + 1);
    assert_bytes(body, packed, io__prometheus__write__v2__request__pack(request, packed));
    free(packed);
    io__prometheus__write__v2__request__free_unpacked(request, NULL);
    return list;
}

struct sent_list sent_of_body(enum push_format format, const struct buf *body)
{
    struct sent_list list = format == PUSH_REMOTE_WRITE ? read_1(body) : read_2(body);
    sort(&list);
    return list;
}

/* --- the text exposition --- */

/* Reads a label's value behind its quote; returns what follows the quote. */
static char *read_value(char *at, const char **ret_value)
{
    char *to = at;
    *ret_value = at;
    for (; *at != '"'; at++) {
        bool escaped = *at == '\\';
        at += escaped;
        *to++ = escaped && *at == 'n' ? '\n' : *at;
    }
    *to = '\0';
    return at + 1;
}

/* Reads a line's labels, and ends the name before them. */
static char *read_labels(char *at, struct pair *pairs, size_t *count)
{
    at += strcspn(at, "{ ");
    bool labelled = *at == '{';
    *at++ = '\0';
    while (labelled && at[-1] != '}') {
        pairs[*count].name = at;
        at += strcspn(at, "=");
        *at = '\0';
        at = read_value(at + 2, &pairs[*count].value) + 1;
        ++*count;
    }
    return at + labelled;
}

static void add_external(const struct push_encode_options *options, struct pair *pairs,
                         size_t *count)
{
    size_t own = *count;
    for (size_t i = 0; i < options->external_count; i++) {
        const struct label *external = &options->external[i];
        bool collides = external->value[0] == '\0';
        for (size_t p = 0; p < own; p++)
            collides |= text_equal(pairs[p].name, external->name);
        if (!collides)
            pairs[(*count)++] = (struct pair){external->name, external->value};
    }
}

static char *read_line(const struct push_encode_options *options, char *line, locale_t locale,
                       struct sent *ret)
{
    struct pair pairs[LABELS_MAX] = {{"__name__", line}};
    size_t count = 1;
    char *at = read_labels(line, pairs, &count);
    char *end = NULL;
    ret->bits = bits_of(strtod_l(at, &end, locale));
    assert_int_equal(*end, '\n');
    add_external(options, pairs, &count);
    ret->key = key_of(pairs, count);
    return end + 1;
}

static void remove_twins(struct sent_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (kept > 0 && text_equal(list->items[kept - 1].key, list->items[i].key))
            free(list->items[i].key);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

static struct sent_list read_text(const struct push_encode_options *options,
                                  const struct snapshot *s)
{
    const struct prometheus_options whole = {.format = PROMETHEUS_TEXT, .groups = GROUPS_ALL};
    struct sent_list list = {0};
    struct buf text;
    locale_t locale = newlocale(LC_ALL_MASK, "C", NULL);
    buf_init(&text, BODY_MAX);
    if (s) {
        assert_int_equal(prometheus_encode(s, &whole, &text), 0);
        assert_int_equal(buf_add_string(&text, "up 1\n"), 0);
    }
    for (char *line = text.data; line && *line != '\0';) {
        if (*line == '#')
            line += strcspn(line, "\n") + 1;
        else
            line = read_line(options, line, locale, add(&list));
    }
    freelocale(locale);
    buf_done(&text);
    sort(&list);
    remove_twins(&list);
    return list;
}

struct sent_list sent_expected(const struct push_encode_options *options,
                               const struct push_round *round)
{
    struct sent_list all = read_text(options, round->current);
    struct sent_list before = read_text(options, round->previous);
    size_t current = all.count;
    for (size_t i = 0, at = 0; i < before.count; i++) {
        while (at < current && strcmp(all.items[at].key, before.items[i].key) < 0)
            at++;
        if (at < current && text_equal(all.items[at].key, before.items[i].key))
            continue;
        struct sent *stale = add(&all);
        stale->key = alloc_string(before.items[i].key);
        stale->bits = STALE_BITS;
    }
    sent_list_done(&before);
    sort(&all);
    for (size_t i = 0; i < all.count; i++)
        all.items[i].time_ms = (int64_t)(round->time_ns / NS_PER_MS);
    return all;
}
