/* What holds of every format: the same samples under the same names, the sets of metrics a scrape
 * may choose, the maximum. And what OpenMetrics asks beside (its specification 1.0.0, "Text
 * format"). */
#include "base/buf.h"
#include "base/text.h"
#include "exporters/exposition.h"
#include "exporters/prometheus.h"
#include "tests/unit/random_snapshot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX   (UINT64_C(64) << 20) /* bytes; far above what these snapshots need */
#define SNAPSHOTS  300
#define FAMILY_MAX 128 /* bytes of a family's name with its NUL */

static const struct {
    const struct metric *metrics;
    size_t count;
} lists[] = {
    {container_metrics, CONTAINER_METRICS}, {interface_metrics, INTERFACE_METRICS},
    {device_metrics, DEVICE_METRICS},       {point_metrics, POINT_METRICS},
    {agent_metrics, AGENT_METRICS},
};
#define LISTS (sizeof lists / sizeof *lists)

static const struct metric *find_metric(const char *family, size_t length)
{
    for (size_t l = 0; l < LISTS; l++)
        for (size_t m = 0; m < lists[l].count; m++)
            if (strlen(lists[l].metrics[m].family) == length &&
                memcmp(lists[l].metrics[m].family, family, length) == 0)
                return &lists[l].metrics[m];
    return NULL;
}

static struct buf encoded_groups(const struct snapshot *s, enum prometheus_format format,
                                 unsigned groups)
{
    const struct prometheus_options options = {.format = format, .groups = groups};
    struct buf b;
    buf_init(&b, BODY_MAX);
    assert_int_equal(prometheus_encode(s, &options, &b), 0);
    assert_int_equal(buf_add_string(&b, ""), 0); /* so that there is a NUL */
    return b;
}

static struct buf encoded(const struct snapshot *s, enum prometheus_format format)
{
    return encoded_groups(s, format, GROUPS_ALL);
}

/* The lines that are not comments. */
static struct buf samples_of(const struct buf *text)
{
    struct buf samples;
    buf_init(&samples, BODY_MAX);
    assert_int_equal(buf_add_string(&samples, ""), 0);
    for (const char *line = text->data; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        if (*line != '#')
            assert_int_equal(buf_add(&samples, line, length), 0);
        line += length;
    }
    return samples;
}

/* test_prometheus_protobuf.c has the third. */
static void test_same_samples(void **state)
{
    (void)state;
    struct random r = {88172645463325252};
    for (unsigned i = 0; i < SNAPSHOTS; i++) {
        struct snapshot *s = random_snapshot(&r, 5);
        struct buf text = encoded(s, PROMETHEUS_TEXT);
        struct buf open = encoded(s, PROMETHEUS_OPENMETRICS);
        struct buf text_samples = samples_of(&text);
        struct buf open_samples = samples_of(&open);
        assert_string_equal(text_samples.data, open_samples.data);
        buf_done(&open_samples);
        buf_done(&text_samples);
        buf_done(&open);
        buf_done(&text);
        snapshot_unref(s);
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);
    return length > end_length && text_equal(text + length - end_length, end);
}

/* The names of OpenMetrics: a counter's family has none of the ending its samples have. */
static const char *open_type(const struct metric *m, char ret_name[FAMILY_MAX])
{
    int length = snprintf(ret_name, FAMILY_MAX, "%s", m->family);
    assert_in_range(length, 1, FAMILY_MAX - 1);
    if (m->type != METRIC_COUNTER)
        return "gauge";
    if (!ends_with(m->family, "_total"))
        return "unknown";
    ret_name[(size_t)length - strlen("_total")] = '\0';
    return "counter";
}

/* One sample of every metric. */
static struct snapshot *full_snapshot(void)
{
    struct snapshot *s = fixture_snapshot(1);
    struct interface_row interface = {.name = "eth0",
                                      .present = (UINT64_C(1) << INTERFACE_METRICS) - 1};
    struct device_row device = {.name = "/dev/vda", .present = (UINT64_C(1) << DEVICE_METRICS) - 1};
    struct point points[POINT_METRICS];
    struct point agent[AGENT_METRICS];
    for (unsigned m = 0; m < POINT_METRICS; m++)
        points[m] = (struct point){.metric = m, .labels = {"v", "v", "v", "v", "v"}};
    for (unsigned m = 0; m < AGENT_METRICS; m++)
        agent[m] = (struct point){.metric = m, .labels = {"v", "v", "v", "v", "v"}};
    fixture_name(s, 0, "/docker/01", "web", NULL);
    fixture_interfaces(s, 0, &interface, 1);
    fixture_devices(s, 0, &device, 1);
    fixture_points(s, &s->rows[0], points, POINT_METRICS);
    fixture_points(s, NULL, agent, AGENT_METRICS);
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        row_set(&s->rows[0], m, m);
    return s;
}

/* Asserts that the line is "# KEYWORD name text" and returns the next one. */
static const char *check_line(const char *line, const char *keyword, const char *name,
                              const char *text)
{
    char expected[4096];
    int length = snprintf(expected, sizeof expected, "# %s %s %s\n", keyword, name, text);
    assert_in_range(length, 1, sizeof expected - 1);
    assert_memory_equal(line, expected, (size_t)length);
    return line + length;
}

static const char *with_quotes_escaped(const char *help)
{
    static char out[2048];
    size_t at = 0;
    for (; *help != '\0'; help++) {
        assert_true(at + 2 < sizeof out);
        if (*help == '"')
            out[at++] = '\\';
        out[at++] = *help;
    }
    out[at] = '\0';
    return out;
}

static void test_openmetrics_heads(void **state)
{
    (void)state;
    struct snapshot *s = full_snapshot();
    struct buf open = encoded(s, PROMETHEUS_OPENMETRICS);
    const char *at = open.data;
    for (size_t l = 0; l < LISTS; l++) {
        for (size_t i = 0; i < lists[l].count; i++) {
            const struct metric *m = &lists[l].metrics[i];
            char name[FAMILY_MAX];
            const char *type = open_type(m, name);
            if (i == 0 || !text_equal(m->family, m[-1].family)) {
                at = check_line(at, "TYPE", name, type);
                at = check_line(at, "HELP", name, with_quotes_escaped(m->help));
            }
            size_t length = strlen(m->family); /* the sample's name is never changed */
            assert_memory_equal(at, m->family, length);
            assert_true(at[length] == '{' || at[length] == ' ');
            at = strchr(at, '\n') + 1;
        }
    }
    assert_string_equal(at, "# EOF\n");
    buf_done(&open);
    snapshot_unref(s);
}

static void test_openmetrics_of_nothing(void **state)
{
    (void)state;
    struct snapshot *s = fixture_snapshot(2);
    struct buf open = encoded(s, PROMETHEUS_OPENMETRICS);
    assert_string_equal(open.data, "# EOF\n");
    buf_done(&open);
    snapshot_unref(s);
}

/* Could `sample` be a sample of the family of `m`? Counters own two endings, and their bare name.
 */
static bool openmetrics_owns(const struct metric *m, const char *sample)
{
    char name[FAMILY_MAX];
    const char *type = open_type(m, name);
    size_t length = strlen(name);
    if (!text_starts_with(sample, name))
        return false;
    if (sample[length] == '\0')
        return true;
    return text_equal(type, "counter") &&
           (text_equal(sample + length, "_total") || text_equal(sample + length, "_created"));
}

/* "The name of a MetricFamily MUST NOT result in a potential clash for sample metric names": a
 * later metric whose name is, or could be, of another family has to be named otherwise. */
static void test_openmetrics_names_do_not_clash(void **state)
{
    (void)state;
    static const char *const endings[] = {"", "_total", "_created"};
    for (size_t l = 0; l < LISTS * LISTS; l++) {
        for (size_t i = 0; i < lists[l % LISTS].count * lists[l / LISTS].count; i++) {
            const struct metric *a = &lists[l % LISTS].metrics[i % lists[l % LISTS].count];
            const struct metric *b = &lists[l / LISTS].metrics[i / lists[l % LISTS].count];
            if (text_equal(a->family, b->family))
                continue;
            char name[FAMILY_MAX];
            bool counter = text_equal(open_type(b, name), "counter");
            for (size_t e = 0; e < (counter ? 3 : 1); e++) {
                char sample[2 * FAMILY_MAX];
                (void)snprintf(sample, sizeof sample, "%s%s", name, endings[e]);
                assert_false(openmetrics_owns(a, sample));
            }
        }
    }
}

/* What a family's lines are for a help that has all that is escaped. */
static struct buf head(const struct exposition_format *format, enum metric_type type,
                       const char *family)
{
    const struct metric metric = {
        .family = family, .labels = "", .help = "A \"quoted\" \\ and\nmore.", .type = type};
    struct buf b;
    buf_init(&b, BODY_MAX);
    struct exposition e = {.out = &b, .metric = &metric, .constant = PIECE_EMPTY};
    e.family = (struct piece){family, strlen(family)};
    format->begin_family(&e);
    return b;
}

static void assert_head(const struct exposition_format *format, enum metric_type type,
                        const char *family, const char *expected)
{
    struct buf b = head(format, type, family);
    assert_string_equal(b.data, expected);
    buf_done(&b);
}

static void test_help_escapes(void **state)
{
    (void)state;
    assert_head(&exposition_text, METRIC_COUNTER, "a_total",
                "# HELP a_total A \"quoted\" \\\\ and\\nmore.\n# TYPE a_total counter\n");
    assert_head(&exposition_openmetrics, METRIC_COUNTER, "a_total",
                "# TYPE a counter\n# HELP a A \\\"quoted\\\" \\\\ and\\nmore.\n");
    assert_head(&exposition_openmetrics, METRIC_COUNTER, "failcnt",
                "# TYPE failcnt unknown\n# HELP failcnt A \\\"quoted\\\" \\\\ and\\nmore.\n");
    assert_head(&exposition_openmetrics, METRIC_GAUGE_ZERO, "b_total",
                "# TYPE b_total gauge\n# HELP b_total A \\\"quoted\\\" \\\\ and\\nmore.\n");
}

/* Exactly the samples of the chosen groups, in the same order. */
static void assert_groups(const struct snapshot *s, unsigned groups)
{
    struct buf whole = encoded(s, PROMETHEUS_TEXT);
    struct buf chosen = encoded_groups(s, PROMETHEUS_TEXT, groups);
    const char *at = chosen.data;
    for (const char *line = whole.data; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        const char *name = *line == '#' ? line + strlen("# HELP ") : line;
        const struct metric *m = find_metric(name, strcspn(name, " {"));
        assert_non_null(m);
        if (groups & GROUP_BIT(m->group)) {
            assert_memory_equal(at, line, length);
            at += length;
        }
        line += length;
    }
    assert_string_equal(at, "");
    buf_done(&chosen);
    buf_done(&whole);
}

static void test_groups(void **state)
{
    (void)state;
    struct snapshot *s = full_snapshot();
    for (unsigned bit = 1; bit < GROUPS_ALL; bit <<= 1) {
        assert_groups(s, bit);
        assert_groups(s, GROUPS_ALL & ~bit);
    }
    assert_groups(s, GROUP_BIT(GROUP_CPU) | GROUP_BIT(GROUP_AGENT));
    assert_groups(s, GROUPS_ALL);
    assert_groups(s, 0);
    /* What the snapshot does not show nobody can choose. */
    s->groups = GROUP_BIT(GROUP_CPU);
    struct buf shown = encoded_groups(s, PROMETHEUS_TEXT, GROUPS_ALL);
    s->groups = GROUPS_ALL;
    struct buf chosen = encoded_groups(s, PROMETHEUS_TEXT, GROUP_BIT(GROUP_CPU));
    assert_string_equal(shown.data, chosen.data);
    buf_done(&shown);
    buf_done(&chosen);
    struct buf none = encoded_groups(s, PROMETHEUS_OPENMETRICS, 0);
    assert_string_equal(none.data, "# EOF\n");
    buf_done(&none);
    none = encoded_groups(s, PROMETHEUS_PROTOBUF, 0);
    assert_int_equal(none.length, 0);
    buf_done(&none);
    snapshot_unref(s);
}

/* However little room there is: -EMSGSIZE, and nothing past the end. */
static void test_maximum(void **state)
{
    (void)state;
    struct snapshot *s = full_snapshot();
    for (unsigned format = 0; format < PROMETHEUS_FORMATS; format++) {
        const struct prometheus_options options = {.format = format, .groups = GROUPS_ALL};
        struct buf whole = encoded(s, format);
        for (size_t maximum = 1; maximum < whole.length; maximum += maximum / 50 + 1) {
            struct buf b;
            buf_init(&b, maximum);
            assert_int_equal(prometheus_encode(s, &options, &b), -EMSGSIZE);
            assert_true(b.length <= maximum);
            buf_done(&b);
        }
        struct buf b;
        buf_init(&b, whole.length + 512); /* the last sample asks for more room than it takes */
        assert_int_equal(prometheus_encode(s, &options, &b), 0);
        assert_int_equal(b.length, whole.length);
        buf_done(&b);
        buf_done(&whole);
    }
    snapshot_unref(s);
}

/* A buffer that has content, and one that is used again, give the same bytes. */
static void test_appends(void **state)
{
    (void)state;
    struct snapshot *s = full_snapshot();
    for (unsigned format = 0; format < PROMETHEUS_FORMATS; format++) {
        const struct prometheus_options options = {.format = format, .groups = GROUPS_ALL};
        struct buf whole = encoded(s, format);
        struct buf b;
        buf_init(&b, BODY_MAX);
        assert_int_equal(buf_add_string(&b, "before\n"), 0);
        for (size_t i = 0; i < 2; i++) {
            size_t start = b.length;
            assert_int_equal(prometheus_encode(s, &options, &b), 0);
            assert_int_equal(b.length - start, whole.length);
            assert_memory_equal(b.data + start, whole.data, whole.length);
            assert_int_equal(b.data[b.length], '\0');
        }
        assert_memory_equal(b.data, "before\n", 7);
        buf_done(&b);
        buf_done(&whole);
    }
    snapshot_unref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_samples),
        cmocka_unit_test(test_openmetrics_heads),
        cmocka_unit_test(test_openmetrics_of_nothing),
        cmocka_unit_test(test_openmetrics_names_do_not_clash),
        cmocka_unit_test(test_help_escapes),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
