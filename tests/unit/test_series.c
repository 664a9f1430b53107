/* The walk itself: in which groups series come, and since when counters count. That it has the
 * series of the exposition, and which have gone, is tested with the messages (test_remote_write.c).
 */
#include "exporters/series.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "exporters/push_filter.h"
#include "tests/unit/random_snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOG_MAX    ((size_t)16 << 20) /* bytes */
#define STARTED_NS (UINT64_C(1780000000) * NS_PER_SECOND)
#define AGENT_NS   (UINT64_C(1785000000) * NS_PER_SECOND)
#define NOW_NS     (UINT64_C(1790000000) * NS_PER_SECOND)

/* A line for each call. */
static void log_group(void *context, const struct series_group *group)
{
    struct buf *b = context;
    (void)buf_add_string(b, group->row ? "row" : "no row");
    for (size_t i = 0; i < group->label_count; i++)
        (void)buf_add_format(b, " %s=%s", group->labels[i].name, group->labels[i].value);
    (void)buf_add_char(b, '\n');
}

static void log_series(void *context, const struct series *series)
{
    struct buf *b = context;
    unsigned count = 0;
    assert_true(series->metric == &series_metrics(series->list, &count)[series->index]);
    assert_true(series->index < count);
    (void)buf_add_format(b, "  %s{%s} %llu%s%s", series->metric->family,
                         series->list <= SERIES_DEVICE ? series->metric->labels : "",
                         (unsigned long long)series->value, series->stale ? " stale" : "",
                         series->started_ns == STARTED_NS ? " from its start"
                         : series->started_ns == AGENT_NS ? " from weir's start"
                                                          : "");
    assert_true(series->started_ns == 0 || series->started_ns == STARTED_NS ||
                series->started_ns == AGENT_NS);
    (void)buf_add_char(b, '\n');
}

/* To be freed. */
static char *walked(const struct series_walk *walk)
{
    struct buf b;
    buf_init(&b, LOG_MAX);
    const struct series_sink sink = {&b, log_group, log_series};
    series_walk(walk, &sink);
    assert_false(b.failed);
    return b.data;
}

static void assert_walk(const struct series_walk *walk, const char *expected)
{
    char *log = walked(walk);
    assert_string_equal(log, expected);
    free(log);
}

static struct snapshot *one_container(void)
{
    struct snapshot *s = fixture_snapshot(1);
    s->realtime_ns = NOW_NS;
    s->rows[0].state = STATE_RUNNING;
    fixture_identity(s, 0)->started_ns = STARTED_NS;
    fixture_name(s, 0, "/docker/1", "web", NULL);
    return s;
}

static void test_groups(void **state)
{
    (void)state;
    static const struct label external[] = {{"Zone", "eu"}, {"job", "weir"}};
    struct snapshot *s = one_container();
    row_set(&s->rows[0], CONTAINER_CPU_USAGE, 5);
    row_set(&s->rows[0], CONTAINER_MEMORY_RSS, 6);
    row_set_unlimited(&s->rows[0], CONTAINER_SPEC_MEMORY_LIMIT);
    const struct interface_row interface = {
        .name = "eth0", .present = 1 << INTERFACE_TX_BYTES, .values = {[INTERFACE_TX_BYTES] = 7}};
    fixture_interfaces(s, 0, &interface, 1);
    const struct device_row device = {
        .name = "/dev/vda",
        .major = 254,
        .minor = 1,
        .present = 1 << DEVICE_READ_BYTES | 1 << DEVICE_USAGE_READ,
        .values = {[DEVICE_READ_BYTES] = 8, [DEVICE_USAGE_READ] = 9},
    };
    fixture_devices(s, 0, &device, 1);
    const struct point point = {POINT_STATE, 1, {"running"}};
    fixture_points(s, &s->rows[0], &point, 1);
    const struct point agent = {AGENT_COLLECTOR_SUCCESS, 1, {"engine"}};
    fixture_points(s, NULL, &agent, 1);
    const struct series_walk walk = {.current = s, .external = external, .external_count = 2};
    assert_walk(&walk,
                "row Zone=eu id=/docker/1 job=weir name=web\n"
                "  container_cpu_usage_seconds_total{cpu=\"total\"} 5 from its start\n"
                "  container_memory_rss{} 6\n"
                "  container_spec_memory_limit_bytes{} 0\n"
                "row Zone=eu id=/docker/1 interface=eth0 job=weir name=web\n"
                "  container_network_transmit_bytes_total{} 7 from its start\n"
                "row Zone=eu device=/dev/vda id=/docker/1 job=weir name=web\n"
                "  container_fs_reads_bytes_total{} 8 from its start\n"
                "row Zone=eu device=/dev/vda id=/docker/1 job=weir major=254 minor=1 name=web\n"
                "  container_blkio_device_usage_total{operation=\"Read\"} 9 from its start\n"
                "row Zone=eu id=/docker/1 job=weir name=web state=running\n"
                "  weir_container_state{} 1\n"
                "no row Zone=eu collector=engine job=weir\n"
                "  weir_collector_success{} 1\n"
                "no row Zone=eu job=weir\n"
                "  up{} 1\n");
    snapshot_unref(s);
}

/* A line whose constant label an external one is named like has a group without that. */
static void test_constant_wins(void **state)
{
    (void)state;
    static const struct label external[] = {{"__name__", "x"}, {"cpu", "x"}, {"scope", "y"}};
    struct snapshot *s = one_container();
    row_set(&s->rows[0], CONTAINER_CPU_USAGE, 1);
    row_set(&s->rows[0], CONTAINER_CPU_USER, 2);
    row_set(&s->rows[0], CONTAINER_MEMORY_PGFAULT, 3);
    const struct series_walk walk = {.current = s, .external = external, .external_count = 3};
    assert_walk(&walk,
                "row cpu=x id=/docker/1 name=web scope=y\n"
                "  container_cpu_user_seconds_total{} 2 from its start\n"
                "row id=/docker/1 name=web scope=y\n"
                "  container_cpu_usage_seconds_total{cpu=\"total\"} 1 from its start\n"
                "row cpu=x id=/docker/1 name=web\n"
                "  container_memory_failures_total{failure_type=\"pgfault\",scope=\"container\"} 3"
                " from its start\n"
                "no row cpu=x scope=y\n"
                "  up{} 1\n");
    snapshot_unref(s);
}

static void test_stale_keeps_its_row(void **state)
{
    (void)state;
    struct snapshot *before = one_container();
    struct snapshot *after = fixture_snapshot(0);
    row_set(&before->rows[0], CONTAINER_CPU_USAGE, 5);
    const struct series_walk walk = {.previous = before, .current = after};
    assert_walk(&walk, "no row\n"
                       "  up{} 1\n"
                       "row id=/docker/1 name=web\n"
                       "  container_cpu_usage_seconds_total{cpu=\"total\"} 0 stale\n");
    snapshot_unref(before);
    snapshot_unref(after);
}

/* --- since when --- */

static bool counts_from_start(struct snapshot *s, enum container_metric metric)
{
    row_set(&s->rows[0], metric, 1);
    const struct series_walk walk = {.current = s, .agent_started_ns = AGENT_NS};
    char *log = walked(&walk);
    bool result = strstr(log, "from its start") != NULL;
    assert_null(strstr(log, "from weir's start"));
    free(log);
    s->rows[0].present = 0;
    return result;
}

static void test_start_of_containers(void **state)
{
    (void)state;
    static const enum container_metric from_start[] = {
        CONTAINER_CPU_USAGE,       CONTAINER_CPU_PERIODS,
        CONTAINER_MEMORY_FAILCNT,  CONTAINER_MEMORY_EVENT_OOM_KILL,
        CONTAINER_PIDS_LIMIT_HITS, CONTAINER_PRESSURE_IO_STALLED,
        CONTAINER_SUM_BLOCK_READ,  CONTAINER_SUM_NETWORK_RECEIVE,
    };
    static const enum container_metric not [] = {
        CONTAINER_MEMORY_USAGE, /* no counter */
        CONTAINER_OOM_KILLS,    /* of all instances */
        CONTAINER_RESTARTS,     /* the engine's */
        CONTAINER_SCHED_RUN,    /* since weir first looked */
    };
    struct snapshot *s = one_container();
    for (size_t i = 0; i < sizeof from_start / sizeof *from_start; i++)
        assert_true(counts_from_start(s, from_start[i]));
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        assert_false(counts_from_start(s, not [i]));
    snapshot_unref(s);
}

static void test_start_not_known(void **state)
{
    (void)state;
    struct snapshot *s = one_container();
    assert_true(counts_from_start(s, CONTAINER_CPU_USAGE));
    s->rows[0].state = STATE_EXITED;
    assert_false(counts_from_start(s, CONTAINER_CPU_USAGE));
    s->rows[0].state = STATE_PAUSED;
    assert_true(counts_from_start(s, CONTAINER_CPU_USAGE));
    s->realtime_ns = STARTED_NS; /* the clock of another host */
    assert_false(counts_from_start(s, CONTAINER_CPU_USAGE));
    s->realtime_ns = NOW_NS;
    fixture_identity(s, 0)->kind = IDENTITY_HOST;
    assert_false(counts_from_start(s, CONTAINER_CPU_USAGE));
    snapshot_unref(s);
}

static void test_start_of_weir(void **state)
{
    (void)state;
    static const struct point points[] = {
        {AGENT_ENGINE_EVENTS, 3, {"e", "container", "die"}},
        {AGENT_ROUNDS, 4, {NULL}},
        {AGENT_HTTP_CONNECTIONS, 5, {NULL}},
    };
    struct snapshot *s = fixture_snapshot(0);
    s->realtime_ns = NOW_NS;
    fixture_points(s, NULL, points, 3);
    const struct series_walk walk = {.current = s, .agent_started_ns = AGENT_NS};
    assert_walk(&walk, "no row action=die engine=e type=container\n"
                       "  weir_engine_events_total{} 3\n"
                       "no row\n"
                       "  weir_rounds_total{} 4 from weir's start\n"
                       "no row\n"
                       "  weir_http_connections{} 5\n"
                       "no row\n"
                       "  up{} 1\n");
    snapshot_unref(s);
}

/* --- filters, and the same again --- */

static void test_containers_left_out(void **state)
{
    (void)state;
    char *exclude[] = {(char[]){"name=web"}};
    const struct push_filter_options options = {.containers_exclude = {exclude, 1}};
    struct push_filter *filter = push_filter_new(&options);
    struct snapshot *s = one_container();
    row_set(&s->rows[0], CONTAINER_MEMORY_RSS, 6);
    const struct series_walk now = {.current = s, .filter = filter};
    assert_walk(&now, "no row\n  up{} 1\n");
    const struct series_walk end = {.previous = s, .filter = filter};
    assert_walk(&end, "no row\n  up{} 0 stale\n");
    push_filter_free(filter);
    snapshot_unref(s);
}

static void test_pure(void **state)
{
    (void)state;
    struct random r = {99};
    struct snapshot *s = random_snapshot(&r, 40);
    struct snapshot *before = random_snapshot(&r, 40);
    const struct series_walk walk = {.previous = before, .current = s};
    char *first = walked(&walk);
    assert_walk(&walk, first);
    assert_non_null(strstr(first, "stale"));
    free(first);
    snapshot_unref(s);
    snapshot_unref(before);
}

static void test_nothing(void **state)
{
    (void)state;
    static const struct series_walk walk;
    char *log = walked(&walk);
    assert_null(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_constant_wins),
        cmocka_unit_test(test_stale_keeps_its_row),
        cmocka_unit_test(test_start_of_containers),
        cmocka_unit_test(test_start_not_known),
        cmocka_unit_test(test_start_of_weir),
        cmocka_unit_test(test_containers_left_out),
        cmocka_unit_test(test_pure),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
