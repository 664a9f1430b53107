/* The text encoder, held against the format's specification: every metric absent, zero, unlimited;
 * labels; escaping; one HELP and one TYPE a family; the maximum. */
#include "base/buf.h"
#include "base/text.h"
#include "exporters/prometheus.h"
#include "tests/unit/snapshot_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX (1 << 20) /* bytes; far above what these snapshots need */

static const struct {
    const struct metric *metrics;
    size_t count;
} lists[] = {
    {container_metrics, CONTAINER_METRICS}, {interface_metrics, INTERFACE_METRICS},
    {device_metrics, DEVICE_METRICS},       {point_metrics, POINT_METRICS},
    {agent_metrics, AGENT_METRICS},
};
#define LISTS (sizeof lists / sizeof *lists)

/* The exposition; the caller frees it. */
static char *encoded(const struct snapshot *s)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    assert_int_equal(prometheus_encode(s, &prometheus_whole_text, &b), 0);
    char *text = strdup(b.data ? b.data : "");
    assert_non_null(text);
    assert_int_equal(strlen(text), b.length);
    buf_done(&b);
    return text;
}

/* Asserts that the snapshot gives exactly one family with exactly these samples, and lets go of it.
 */
static void assert_family(struct snapshot *s, const struct metric *m, const char *samples)
{
    char expected[4096];
    assert_null(strpbrk(m->help, "\\\n")); /* else HELP would have to be escaped here */
    int length =
        snprintf(expected, sizeof expected, "# HELP %s %s\n# TYPE %s %s\n%s", m->family, m->help,
                 m->family, m->type == METRIC_COUNTER ? "counter" : "gauge", samples);
    assert_in_range(length, 1, sizeof expected - 1);
    char *text = encoded(s);
    assert_string_equal(text, expected);
    free(text);
    snapshot_unref(s);
}

static void assert_nothing(struct snapshot *s)
{
    char *text = encoded(s);
    assert_string_equal(text, "");
    free(text);
    snapshot_unref(s);
}

/* What a stored 1 is in the exposed unit. */
static const char *one_in(enum metric_unit unit)
{
    switch (unit) {
    case UNIT_NS:
        return "0.000000001";
    case UNIT_MS:
        return "0.001";
    case UNIT_PERCENT:
        return "0.000001";
    case UNIT_COUNT:
    case UNIT_BYTES:
    case UNIT_MICROSECONDS:
        break;
    }
    return "1";
}

static void sample_line(char out[512], const struct metric *m, const char *labels,
                        const char *value)
{
    const char *joint = labels[0] != '\0' && m->labels[0] != '\0' ? "," : "";
    bool braces = labels[0] != '\0' || m->labels[0] != '\0';
    (void)snprintf(out, 512, "%s%s%s%s%s%s %s\n", m->family, braces ? "{" : "", labels, joint,
                   m->labels, braces ? "}" : "", value);
}

static struct snapshot *with_value(enum container_metric metric, uint64_t value)
{
    struct snapshot *s = fixture_snapshot(1);
    row_set(&s->rows[0], metric, value);
    return s;
}

static void test_nothing(void **state)
{
    (void)state;
    assert_nothing(fixture_snapshot(0));
    assert_nothing(fixture_snapshot(3));
}

/* Three answers for every container metric: absent (test_nothing), zero, unlimited. */
static void test_container_triples(void **state)
{
    (void)state;
    char line[512];
    for (unsigned m = 0; m < CONTAINER_METRICS; m++) {
        const struct metric *metric = &container_metrics[m];
        sample_line(line, metric, "", "0");
        assert_family(with_value(m, 0), metric, line);

        struct snapshot *unlimited = with_value(m, 12345);
        row_set_unlimited(&unlimited->rows[0], m);
        if (metric->type == METRIC_GAUGE_ZERO)
            assert_family(unlimited, metric, line);
        else
            assert_nothing(unlimited);

        sample_line(line, metric, "", one_in(metric->unit));
        assert_family(with_value(m, 1), metric, line);
    }
}

static void test_container_signs(void **state)
{
    (void)state;
    char line[512];
    assert_family(with_value(CONTAINER_MEMORY_FAILCNT, UINT64_MAX),
                  &container_metrics[CONTAINER_MEMORY_FAILCNT],
                  "container_memory_failcnt 18446744073709551615\n");
    for (unsigned m = 0; m < CONTAINER_METRICS; m++) {
        const struct metric *metric = &container_metrics[m];
        char minus_one[32];
        (void)snprintf(minus_one, sizeof minus_one, "-%s", one_in(metric->unit));
        sample_line(line, metric, "", minus_one);
        if (metric->type != METRIC_COUNTER)
            assert_family(with_value(m, UINT64_MAX), metric, line);
    }
}

static void test_interfaces(void **state)
{
    (void)state;
    for (unsigned m = 0; m < INTERFACE_METRICS; m++) {
        struct interface_row rows[3] = {{.name = "eth0"}, {.name = "eth1"}, {.name = "eth2"}};
        rows[0].present = rows[2].present = UINT64_C(1) << m;
        rows[2].values[m] = UINT64_MAX;
        struct snapshot *s = fixture_snapshot(1);
        fixture_interfaces(s, 0, rows, 3);
        char lines[1024];
        (void)snprintf(lines, sizeof lines,
                       "%s{interface=\"eth0\"} 0\n%s{interface=\"eth2\"} 18446744073709551615\n",
                       interface_metrics[m].family, interface_metrics[m].family);
        assert_family(s, &interface_metrics[m], lines);
    }
}

/* Lines that tell operations apart carry the device's numbers, the others do not. */
static void test_devices(void **state)
{
    (void)state;
    for (unsigned m = 0; m < DEVICE_METRICS; m++) {
        struct device_row rows[2] = {{.name = "/dev/vda", .major = 252},
                                     {.name = "8:16", .major = 8, .minor = 4294967295}};
        rows[0].present = rows[1].present = UINT64_C(1) << m;
        rows[1].values[m] = device_metrics[m].unit == UNIT_NS   ? 7000000000
                            : device_metrics[m].unit == UNIT_MS ? 7000
                                                                : 7;
        struct snapshot *s = fixture_snapshot(1);
        fixture_devices(s, 0, rows, 2);
        bool numbered = device_metrics[m].labels[0] != '\0';
        char lines[2][512];
        sample_line(lines[0], &device_metrics[m],
                    numbered ? "device=\"/dev/vda\",major=\"252\",minor=\"0\""
                             : "device=\"/dev/vda\"",
                    "0");
        sample_line(
            lines[1], &device_metrics[m],
            numbered ? "device=\"8:16\",major=\"8\",minor=\"4294967295\"" : "device=\"8:16\"", "7");
        char both[1024];
        (void)snprintf(both, sizeof both, "%s%s", lines[0], lines[1]);
        assert_family(s, &device_metrics[m], both);
    }
}

/* name1="v",name3="v" for the names of a labels column, the second left out. */
static void point_labels(char out[256], const char *names)
{
    char copy[128];
    (void)snprintf(copy, sizeof copy, "%s", names);
    size_t at = 0;
    size_t index = 0;
    char *rest = NULL;
    out[0] = '\0';
    for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest), index++)
        if (index != 1)
            at += (size_t)snprintf(out + at, 256 - at, "%s%s=\"v\"", at > 0 ? "," : "", name);
}

static void check_point(const struct metric *metric, unsigned m, bool of_container)
{
    for (unsigned empty = 0; empty < 2; empty++) { /* NULL and "" are both no label */
        struct point point = {
            .metric = m, .value = 1, .labels = {"v", "v", "v", "v", "v", "v", "v"}};
        point.labels[1] = empty ? "" : NULL;
        struct snapshot *s = fixture_snapshot(1);
        fixture_points(s, of_container ? &s->rows[0] : NULL, &point, 1);
        char labels[256];
        point_labels(labels, metric->labels);
        struct metric plain = *metric;
        plain.labels = "";
        char line[512];
        sample_line(line, &plain, labels, one_in(metric->unit));
        assert_family(s, metric, line);
    }
}

static void test_points(void **state)
{
    (void)state;
    for (unsigned m = 0; m < POINT_METRICS; m++)
        check_point(&point_metrics[m], m, true);
    for (unsigned m = 0; m < AGENT_METRICS; m++)
        check_point(&agent_metrics[m], m, false);
}

static void test_base_labels(void **state)
{
    (void)state;
    const struct metric *threads = &container_metrics[CONTAINER_PIDS];
    const struct label labels[] = {{"container_label_a", "1"}, {"container_label_b", "2"}};
    struct snapshot *s = with_value(CONTAINER_PIDS, 3);
    fixture_name(s, 0, "/docker/01", "web", "nginx:1.25");
    fixture_labels(s, 0, labels, 2);
    fixture_identity(s, 0)->simulated = true;
    assert_family(s, threads,
                  "container_threads{id=\"/docker/01\",image=\"nginx:1.25\",name=\"web\","
                  "container_label_a=\"1\",container_label_b=\"2\",simulated=\"true\"} 3\n");

    s = with_value(CONTAINER_PIDS, 3);
    fixture_name(s, 0, NULL, "web", "");
    assert_family(s, threads, "container_threads{name=\"web\"} 3\n");

    s = with_value(CONTAINER_CPU_USAGE, 3);
    fixture_name(s, 0, "/docker/01", NULL, NULL);
    assert_family(s, &container_metrics[CONTAINER_CPU_USAGE],
                  "container_cpu_usage_seconds_total{id=\"/docker/01\",cpu=\"total\"} "
                  "0.000000003\n");
}

/* On every kind of series. */
static void test_base_labels_everywhere(void **state)
{
    (void)state;
    struct interface_row interface = {.name = "eth0", .present = 1};
    struct device_row device = {.name = "/dev/vda", .present = 1};
    struct point point = {.metric = POINT_STATE, .value = 1, .labels = {"running"}};
    struct snapshot *s = fixture_snapshot(1);
    fixture_name(s, 0, "/docker/01", NULL, NULL);
    fixture_interfaces(s, 0, &interface, 1);
    fixture_devices(s, 0, &device, 1);
    fixture_points(s, &s->rows[0], &point, 1);
    char *text = encoded(s);
    assert_non_null(strstr(text, "{id=\"/docker/01\",interface=\"eth0\"} 0\n"));
    assert_non_null(strstr(text, "{id=\"/docker/01\",device=\"/dev/vda\"} 0\n"));
    assert_non_null(strstr(text, "{id=\"/docker/01\",state=\"running\"} 1\n"));
    free(text);
    snapshot_unref(s);
}

static void check_value(const char *given, const char *written)
{
    char line[512];
    struct snapshot *s = with_value(CONTAINER_PIDS, 0);
    fixture_name(s, 0, NULL, given, NULL);
    (void)snprintf(line, sizeof line, "container_threads{name=\"%s\"} 0\n", written);
    assert_family(s, &container_metrics[CONTAINER_PIDS], line);
}

#define REPLACED "\xEF\xBF\xBD" /* U+FFFD */

static void test_escaping(void **state)
{
    (void)state;
    check_value("\\", "\\\\");
    check_value("\"", "\\\"");
    check_value("\n", "\\n");
    check_value("a\\\"\nb", "a\\\\\\\"\\nb");
    check_value("\t\r\x01\x7F,{}=#", "\t\r\x01\x7F,{}=#"); /* nothing else is escaped */
    check_value("<script>alert('1')</script>", "<script>alert('1')</script>");
}

/* RFC 3629: first and last of each length, what is overlong, a surrogate, too large or cut off. */
static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"\xC2\x80",         "\xDF\xBF",         "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",     "\xEE\x80\x80",     "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "w\xC3\xA4",
                                       REPLACED,           "\xE6\xB0\xB4\x20s"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check_value(good[i], good[i]);
    check_value("a\x80z", "a" REPLACED "z");
    check_value("\xFF", REPLACED);
    check_value("\xC0\x80", REPLACED REPLACED);
    check_value("\xC1\xBF", REPLACED REPLACED);
    check_value("\xE0\x9F\xBF", REPLACED REPLACED REPLACED);
    check_value("\xED\xA0\x80", REPLACED REPLACED REPLACED);
    check_value("\xF0\x8F\xBF\xBF", REPLACED REPLACED REPLACED REPLACED);
    check_value("\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED);
    check_value("\xF5\x80\x80\x80", REPLACED REPLACED REPLACED REPLACED);
    check_value("\xE6\xB0", REPLACED REPLACED);
    check_value("\xF0\x90\x80", REPLACED REPLACED REPLACED);
    check_value("\xC3(", REPLACED "(");
    check_value("\xC3\"", REPLACED "\\\"");
}

/* Two containers with everything. */
static struct snapshot *full_snapshot(void)
{
    struct snapshot *s = fixture_snapshot(2);
    struct interface_row interface = {.present = (UINT64_C(1) << INTERFACE_METRICS) - 1};
    struct device_row device = {.present = (UINT64_C(1) << DEVICE_METRICS) - 1};
    struct point points[POINT_METRICS];
    struct point agent[AGENT_METRICS];
    for (unsigned m = 0; m < POINT_METRICS; m++)
        points[m] = (struct point){.metric = m, .labels = {"v", "v", "v", "v", "v"}};
    for (unsigned m = 0; m < AGENT_METRICS; m++) /* in an order that is not the list's */
        agent[AGENT_METRICS - 1 - m] = (struct point){.metric = m, .labels = {"v"}};
    fixture_points(s, NULL, agent, AGENT_METRICS);
    for (size_t r = 0; r < 2; r++) {
        fixture_name(s, r, r ? "/docker/02" : "/docker/01", "web", NULL);
        interface.name = r ? "eth1" : "eth0";
        device.name = r ? "/dev/vdb" : "/dev/vda";
        fixture_interfaces(s, r, &interface, 1);
        fixture_devices(s, r, &device, 1);
        fixture_points(s, &s->rows[r], points, POINT_METRICS);
        for (unsigned m = 0; m < CONTAINER_METRICS; m++)
            row_set(&s->rows[r], m, m);
    }
    return s;
}

static bool line_is_of(const char *line, const char *family)
{
    size_t length = strlen(family);
    return strncmp(line, family, length) == 0 && (line[length] == '{' || line[length] == ' ');
}

/* Reads HELP and TYPE of `m` and at least one sample; returns where the next family begins. */
static const char *skip_family(const char *at, const struct metric *m)
{
    assert_true(text_starts_with(at, "# HELP ") && line_is_of(at + 7, m->family));
    at = strchr(at, '\n') + 1;
    assert_true(text_starts_with(at, "# TYPE ") && line_is_of(at + 7, m->family));
    at = strchr(at, '\n') + 1;
    assert_true(line_is_of(at, m->family));
    while (line_is_of(at, m->family))
        at = strchr(at, '\n') + 1;
    return at;
}

static void test_order(void **state)
{
    (void)state;
    struct snapshot *s = full_snapshot();
    char *text = encoded(s);
    const char *at = text;
    for (size_t l = 0; l < LISTS; l++)
        for (size_t m = 0; m < lists[l].count; m++)
            if (m == 0 || !text_equal(lists[l].metrics[m].family, lists[l].metrics[m - 1].family))
                at = skip_family(at, &lists[l].metrics[m]);
    assert_string_equal(at, "");
    assert_int_equal(at[-1], '\n');
    char *again = encoded(s);
    assert_string_equal(text, again);
    free(again);
    free(text);
    snapshot_unref(s);
}

/* A family in two lists, or in two places of one, would get two HELP lines. */
static void test_families_stand_together(void **state)
{
    (void)state;
    const char *seen[256];
    size_t count = 0;
    for (size_t l = 0; l < LISTS; l++) {
        for (size_t m = 0; m < lists[l].count; m++) {
            const struct metric *metric = &lists[l].metrics[m];
            if (m > 0 && text_equal(metric->family, metric[-1].family))
                continue;
            for (size_t i = 0; i < count; i++)
                assert_string_not_equal(metric->family, seen[i]);
            assert_true(count < sizeof seen / sizeof *seen);
            seen[count++] = metric->family;
        }
    }
}

static void test_maximum(void **state)
{
    (void)state;
    struct snapshot *s = full_snapshot();
    char *whole = encoded(s);
    size_t length = strlen(whole);
    for (size_t maximum = 1; maximum < length; maximum += maximum / 50 + 1) {
        struct buf b;
        buf_init(&b, maximum);
        assert_int_equal(prometheus_encode(s, &prometheus_whole_text, &b), -EMSGSIZE);
        assert_true(b.length <= maximum);
        buf_done(&b);
    }
    free(whole);
    snapshot_unref(s);
}

static void test_appends(void **state)
{
    (void)state;
    struct snapshot *s = with_value(CONTAINER_PIDS, 1);
    struct buf b;
    buf_init(&b, BODY_MAX);
    assert_int_equal(buf_add_string(&b, "before\n"), 0);
    assert_int_equal(prometheus_encode(s, &prometheus_whole_text, &b), 0);
    assert_true(text_starts_with(b.data, "before\n# HELP container_threads "));
    buf_done(&b);
    snapshot_unref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),         cmocka_unit_test(test_container_triples),
        cmocka_unit_test(test_container_signs), cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_devices),         cmocka_unit_test(test_points),
        cmocka_unit_test(test_base_labels),     cmocka_unit_test(test_base_labels_everywhere),
        cmocka_unit_test(test_escaping),        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_order),           cmocka_unit_test(test_families_stand_together),
        cmocka_unit_test(test_maximum),         cmocka_unit_test(test_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
