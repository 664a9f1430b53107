/* Whole expositions, byte for byte: tests/golden/all.prom and all.om have every metric once,
 * hard.prom and hard.om what is hard to write. promtool and the Python client read the same files
 * in tests of their own. With WEIR_GOLDEN_WRITE=1 in the environment the files are written instead
 * of compared: read the difference before it is committed. What the same snapshots are as protocol
 * buffers is written into the folder that WEIR_GOLDEN_PROTOBUF names, for check_protobuf.py. */
#include "base/buf.h"
#include "base/fs.h"
#include "exporters/prometheus.h"
#include "tests/unit/snapshot_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_MAX    (1 << 20) /* bytes of one file */
#define LONG_VALUE    4096      /* bytes of a label value somebody put a document into */
#define ALL_BITS(end) ((UINT64_C(1) << (end)) - 1)
#define COUNT(array)  (sizeof(array) / sizeof *(array))

static void write_golden(const char *path, const struct buf *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content->data, 1, content->length, file), content->length);
    assert_int_equal(fclose(file), 0);
}

static void encode(const struct snapshot *s, enum prometheus_format format, struct buf *ret)
{
    const struct prometheus_options options = {.format = format, .groups = GROUPS_ALL};
    buf_init(ret, GOLDEN_MAX);
    assert_int_equal(prometheus_encode(s, &options, ret), 0);
}

static void assert_format(const struct snapshot *s, enum prometheus_format format, const char *path)
{
    struct buf encoded;
    encode(s, format, &encoded);
    if (getenv("WEIR_GOLDEN_WRITE"))
        write_golden(path, &encoded);
    struct buf golden;
    buf_init(&golden, GOLDEN_MAX);
    assert_int_equal(fs_read_file(path, &golden), 0);
    assert_string_equal(encoded.data, golden.data);
    assert_int_equal(encoded.length, golden.length);
    buf_done(&golden);
    buf_done(&encoded);
}

static void write_protobuf(const struct snapshot *s, const char *name)
{
    const char *folder = getenv("WEIR_GOLDEN_PROTOBUF");
    if (!folder)
        return;
    char path[4096];
    struct buf encoded;
    encode(s, PROMETHEUS_PROTOBUF, &encoded);
    int length = snprintf(path, sizeof path, "%s/%s.pb", folder, name);
    assert_in_range(length, 1, sizeof path - 1);
    write_golden(path, &encoded);
    buf_done(&encoded);
}

static void assert_golden(struct snapshot *s, const char *name)
{
    static const struct {
        enum prometheus_format format;
        const char *ending;
    } files[] = {{PROMETHEUS_TEXT, "prom"}, {PROMETHEUS_OPENMETRICS, "om"}};
    for (size_t f = 0; f < COUNT(files); f++) {
        char path[4096];
        (void)snprintf(path, sizeof path, WEIR_SOURCE_DIR "/tests/golden/%s.%s", name,
                       files[f].ending);
        assert_format(s, files[f].format, path);
    }
    write_protobuf(s, name);
    snapshot_unref(s);
}

static void test_all(void **state)
{
    (void)state;
    struct snapshot *s = fixture_snapshot(1);
    struct interface_row interface = {.name = "eth0", .present = ALL_BITS(INTERFACE_METRICS)};
    struct device_row device = {
        .name = "/dev/vda", .major = 252, .present = ALL_BITS(DEVICE_METRICS)};
    struct point points[POINT_METRICS];
    struct point agent[AGENT_METRICS];
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        interface.values[m] = 1000 + m;
    for (unsigned m = 0; m < DEVICE_METRICS; m++)
        device.values[m] = 2000 + m;
    for (unsigned m = 0; m < POINT_METRICS; m++)
        points[m] = (struct point){.metric = m, .value = 1, .labels = {"a", "b", "c", "d", "e"}};
    for (unsigned m = 0; m < AGENT_METRICS; m++)
        agent[m] = (struct point){.metric = m, .value = m, .labels = {"a", "b", "c", "d", "e"}};
    fixture_name(s, 0, "/docker/0123", "web", "nginx:1.25");
    fixture_interfaces(s, 0, &interface, 1);
    fixture_devices(s, 0, &device, 1);
    fixture_points(s, &s->rows[0], points, POINT_METRICS);
    fixture_points(s, NULL, agent, AGENT_METRICS);
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        row_set(&s->rows[0], m, 100 + m);
    assert_golden(s, "all");
}

static void fill_hostile(struct snapshot *s, size_t row)
{
    static const struct label labels[] = {
        {"container_label_com_docker_compose_project", "a\\b"},
        {"container_label_com_docker_compose_service", "<script>alert(\"1\")</script>"},
        {"container_label_note", "first line\nsecond line\n"},
        {"container_label_org_opencontainers_image_title",
         "W\xC3\xA4hr \xE6\xB0\xB4 \xF0\x9F\x90\xB3"},
        {"container_label_raw", "cut off \xE6\xB0"},
    };
    static const struct interface_row interfaces[] = {
        {.name = "eth0",
         .present = ALL_BITS(INTERFACE_METRICS),
         .values = {UINT64_MAX, 9007199254740993}},
        {.name = "eth0.100@if7", .present = UINT64_C(1) << INTERFACE_RX_BYTES, .values = {1}},
        {.name = "none", .present = 0},
    };
    static const struct device_row devices[] = {
        {.name = "/dev/mapper/vg-\"data\"",
         .major = 253,
         .minor = 7,
         .present = ALL_BITS(DEVICE_METRICS),
         .values = {UINT64_MAX}},
        {.name = "8:0", .major = 8, .present = UINT64_C(1) << DEVICE_USAGE_READ},
    };
    static const struct point points[] = {
        {.metric = POINT_ABSENT, .value = 1, .labels = {"pids", "not_given"}},
        {.metric = POINT_STATE, .value = 1, .labels = {"running"}},
        {.metric = POINT_ABSENT, .value = 1, .labels = {"network", "host_network"}},
        {.metric = POINT_TIER, .value = 1, .labels = {"engine"}},
    };
    fixture_name(s, row, "/system.slice/docker-0123.scope", "we\"b\\\n",
                 "reg.example:5000/a@sha256:01");
    fixture_labels(s, row, labels, COUNT(labels));
    fixture_interfaces(s, row, interfaces, COUNT(interfaces));
    fixture_devices(s, row, devices, COUNT(devices));
    fixture_points(s, &s->rows[row], points, COUNT(points));
    struct container_row *r = &s->rows[row];
    row_set(r, CONTAINER_CPU_USAGE, 1500000000);
    row_set(r, CONTAINER_CPU_USER, 1);
    row_set(r, CONTAINER_CPU_SYSTEM, UINT64_MAX);
    row_set(r, CONTAINER_CPU_PERIODS, UINT64_MAX);
    row_set(r, CONTAINER_CPU_THROTTLED, 0);
    row_set(r, CONTAINER_MEMORY_USAGE, INT64_MAX);
    row_set(r, CONTAINER_MEMORY_WORKING_SET, 0);
    row_set(r, CONTAINER_MEMORY_TREE_PGFAULT, 12);
    row_set(r, CONTAINER_CREATED, 1785715200123);
    row_set(r, CONTAINER_STARTED, 1785715201000);
    row_set(r, CONTAINER_SUM_CPU_PERCENT, 250500001);
    row_set_unlimited(r, CONTAINER_PIDS_LIMIT);
    row_set_unlimited(r, CONTAINER_SPEC_CPU_QUOTA);
    row_set_unlimited(r, CONTAINER_SPEC_MEMORY_LIMIT);
}

static void fill_simulated(struct snapshot *s, size_t row)
{
    char value[LONG_VALUE + 1];
    memset(value, 'x', LONG_VALUE);
    value[LONG_VALUE] = '\0';
    const struct label label = {"container_label_long", value};
    fixture_name(s, row, "/docker/4567", "simulated-1", NULL);
    fixture_labels(s, row, &label, 1);
    fixture_identity(s, row)->simulated = true;
    row_set(&s->rows[row], CONTAINER_CPU_USAGE, 20);
    row_set(&s->rows[row], CONTAINER_MEMORY_RSS, (uint64_t)-4096);
    row_set(&s->rows[row], CONTAINER_SUM_CPU_PERCENT, (uint64_t)-500000);
    row_set(&s->rows[row], CONTAINER_SPEC_MEMORY_LIMIT, 536870912);
}

static void test_hard(void **state)
{
    (void)state;
    static const struct point agent[] = {
        {.metric = AGENT_BUILD_INFO, .value = 1, .labels = {"0.1.0", "", "gcc \"12\""}},
        {.metric = AGENT_ENGINE_UP, .value = 1, .labels = {"unix:///run/docker.sock"}},
        {.metric = AGENT_ENGINE_UP, .value = 0, .labels = {"tcp://[::1]:2375"}},
        {.metric = AGENT_ROUNDS, .value = 1},
        {.metric = AGENT_ROUND_DURATION, .value = 12345678},
        {.metric = AGENT_SNAPSHOT_TIME, .value = 1785715200123456789},
        {.metric = AGENT_COLLECTOR_ERRORS, .value = 3, .labels = {"engine", "timeout"}},
    };
    struct snapshot *s = fixture_snapshot(3);
    fill_hostile(s, 0);
    fill_simulated(s, 1); /* the third has neither a name nor a value */
    fixture_points(s, NULL, agent, COUNT(agent));
    assert_golden(s, "hard");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_hard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
