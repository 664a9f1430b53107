/* OTLP requests of small snapshots, case by case: names, resources, start times, stale points, what
 * is made of other values, and the bytes of a whole request by hand. */
#include "exporters/push_filter.h"
#include "exporters/series.h"
#include "tests/unit/otlp_fixture.h"
#include "tests/unit/snapshot_fixture.h"

#include <errno.h>

#define STARTED_NS   UINT64_C(1767225500000000001)
#define ID           "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define AGENT_MS     UINT64_C(1767225000123)
#define WEBSITE_PATH "/system.slice/docker-" ID ".scope"

static const struct push_encode_options plain = {.agent_started_ms = AGENT_MS};

static void describe(struct snapshot *s, size_t row, const char *id, const char *path)
{
    struct identity *who = fixture_identity(s, row);
    who->container_id = arena_string(&who->arena, id);
    who->started_ns = STARTED_NS;
    fixture_name(s, row, path, "web", "nginx:1.27");
    s->rows[row].state = STATE_RUNNING;
}

static struct snapshot *one_container(void)
{
    struct snapshot *s = fixture_snapshot(1);
    s->realtime_ns = OTLP_TIME_NS;
    describe(s, 0, ID, WEBSITE_PATH);
    return s;
}

static otlp_request *request_of(const struct push_encode_options *options,
                                const struct snapshot *previous, const struct snapshot *current)
{
    const struct push_round round = {
        .previous = previous, .current = current, .time_ns = OTLP_TIME_NS};
    uint32_t samples = 0;
    return otlp_round_trip(options, &round, &samples);
}

static const otlp_metric_message *find_metric(const otlp_request *request, size_t resource,
                                              const char *name)
{
    assert_true(resource < request->n_resource_metrics);
    const otlp_scope_metrics *scope = request->resource_metrics[resource]->scope_metrics[0];
    for (size_t m = 0; m < scope->n_metrics; m++)
        if (strcmp(scope->metrics[m]->name, name) == 0)
            return scope->metrics[m];
    return NULL;
}

/* The only point of a metric. */
static const otlp_data_point *find_point(const otlp_request *request, size_t resource,
                                         const char *name)
{
    const otlp_metric_message *m = find_metric(request, resource, name);
    otlp_data_point **points = NULL;
    assert_non_null(m);
    assert_int_equal(otlp_points(m, &points), 1);
    return points[0];
}

static const char *resource_text(const otlp_request *request, const char *key)
{
    const otlp_resource_metrics *rm = request->resource_metrics[0];
    return otlp_attribute(rm->resource->attributes, rm->resource->n_attributes, key);
}

/* By hand, from the encoding guide of protocol buffers and the tables of opentelemetry-proto. */
static void test_known_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x0A, 0x6C, /* resource_metrics, 108 bytes; it has no resource, which would be empty */
        0x12, 0x6A, /* scope_metrics */
        0x0A, 0x0B, /* scope */
        0x0A, 0x04, 'w',  'e',  'i',  'r', /* name */
        0x12, 0x03, '1',  '.',  '2',       /* version */
        0x12, 0x3F,                        /* metrics */
        0x0A, 0x11, 'w',  'e',  'i',  'r',  '_',  'r',  'o',  'u',
        'n',  'd',  's',  '_',  't',  'o',  't',  'a',  'l',  /* name */
        0x1A, 0x07, '{',  'r',  'o',  'u',  'n',  'd',  '}',  /* unit */
        0x3A, 0x21,                                           /* sum */
        0x0A, 0x1B,                                           /* data_points */
        0x11, 0x40, 0x42, 0x0F, 0x00, 0x00, 0x00, 0x00, 0x00, /* start_time_unix_nano */
        0x19, 0x15, 0xCD, 0x55, 0xF5, 0x51, 0x72, 0x86, 0x18, /* time_unix_nano */
        0x31, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* as_int, written though it is 0 */
        0x10, 0x02,                                           /* cumulative */
        0x18, 0x01,                                           /* is_monotonic */
        0x12, 0x1A,                                           /* metrics */
        0x0A, 0x02, 'u',  'p',                                /* name */
        0x2A, 0x14,                                           /* gauge */
        0x0A, 0x12,                                           /* data_points */
        0x19, 0x15, 0xCD, 0x55, 0xF5, 0x51, 0x72, 0x86, 0x18, /* time_unix_nano */
        0x31, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* as_int */
    };
    const struct push_encode_options options = {.agent_started_ms = 1, .scope_version = "1.2"};
    struct snapshot *s = fixture_snapshot(0);
    const struct point rounds = {.metric = AGENT_ROUNDS};
    const struct push_round round = {.current = s, .time_ns = OTLP_TIME_NS};
    struct buf body;
    uint32_t samples = 0;
    s->realtime_ns = OTLP_TIME_NS;
    fixture_points(s, NULL, &rounds, 1);
    buf_init(&body, OTLP_BODY_MAX);
    assert_int_equal(otlp_encode(&options, &round, &body, &samples), 0);
    assert_int_equal(samples, 2);
    assert_int_equal(body.length, sizeof expected);
    assert_memory_equal(body.data, expected, sizeof expected);
    buf_done(&body);
    snapshot_unref(s);
}

static void test_names_of_a_container(void **state)
{
    (void)state;
    struct snapshot *s = one_container();
    struct container_row *row = &s->rows[0];
    row_set(row, CONTAINER_CPU_USAGE, 1500000000);
    row_set(row, CONTAINER_CPU_USER, 1000000000);
    row_set(row, CONTAINER_SUM_CPU_PERCENT, 12345678);
    row_set(row, CONTAINER_MEMORY_USAGE, 0);
    row_set(row, CONTAINER_PIDS, 7);
    otlp_request *request = request_of(&plain, NULL, s);
    assert_int_equal(request->n_resource_metrics, 2); /* and weir's own, which has `up` */

    const otlp_data_point *p = find_point(request, 0, "container.cpu.time");
    assert_int_equal(p->value_case, OTLP_IS_DOUBLE);
    assert_true(p->as_double == 1.5);
    assert_int_equal(p->n_attributes, 0);
    assert_int_equal(p->start_time_unix_nano, STARTED_NS);
    assert_null(find_metric(request, 0, "container_cpu_usage_seconds_total"));
    p = find_point(request, 0, "container_cpu_user_seconds_total");
    assert_true(p->as_double == 1.0);
    p = find_point(request, 0, "container.cpu.usage");
    assert_true(p->as_double == 0.12345678);
    p = find_point(request, 0, "container.memory.usage");
    assert_int_equal(p->value_case, OTLP_IS_INT); /* and it is there */
    assert_int_equal(p->as_int, 0);
    assert_int_equal(p->start_time_unix_nano, 0);
    assert_string_equal(find_metric(request, 0, "container_threads")->unit, "{thread}");
    p = find_point(request, 1, "up");
    assert_int_equal(p->as_int, 1);
    otlp_free(request);
    snapshot_unref(s);
}

/* A sum over containers must not have the host in it. */
static void test_names_of_the_host(void **state)
{
    (void)state;
    struct snapshot *s = fixture_snapshot(2);
    describe(s, 0, "/", "/");
    describe(s, 1, "/system.slice/ssh.service", "/system.slice/ssh.service");
    fixture_identity(s, 0)->kind = IDENTITY_HOST;
    fixture_identity(s, 1)->kind = IDENTITY_SERVICE;
    for (size_t i = 0; i < 2; i++) {
        row_set(&s->rows[i], CONTAINER_CPU_USAGE, 1500000000);
        row_set(&s->rows[i], CONTAINER_STARTED, STARTED_NS / 1000000);
    }
    otlp_request *request = request_of(&plain, NULL, s);
    assert_int_equal(request->n_resource_metrics, 3);
    for (size_t i = 0; i < 2; i++) {
        const otlp_data_point *p = find_point(request, i, "container_cpu_usage_seconds_total");
        assert_string_equal(otlp_attribute(p->attributes, p->n_attributes, "cpu"), "total");
        assert_null(find_metric(request, i, "container.cpu.time"));
        assert_null(find_metric(request, i, "container.uptime"));
    }
    assert_string_equal(resource_text(request, "id"), "/");
    assert_string_equal(resource_text(request, "name"), "web");
    assert_null(resource_text(request, "container.id"));
    otlp_free(request);
    snapshot_unref(s);
}

/* One Metric with all its points, whatever group of series they came in. */
static void test_points_of_one_metric(void **state)
{
    (void)state;
    struct snapshot *s = one_container();
    struct interface_row interfaces[2] = {{.name = "eth0", .present = ~UINT64_C(0)},
                                          {.name = "eth1", .present = ~UINT64_C(0)}};
    struct device_row devices[2] = {{.name = "/dev/sda", .present = 3},
                                    {.name = "/dev/sdb", .present = 3}};
    for (size_t i = 0; i < 2; i++) {
        interfaces[i].present = UINT64_C(1) << INTERFACE_RX_BYTES |
                                UINT64_C(1) << INTERFACE_TX_BYTES |
                                UINT64_C(1) << INTERFACE_RX_PACKETS;
        interfaces[i].values[INTERFACE_RX_BYTES] = UINT64_C(1) << 63;
        devices[i].present = UINT64_C(1) << DEVICE_READ_BYTES | UINT64_C(1) << DEVICE_USAGE_READ;
    }
    fixture_interfaces(s, 0, interfaces, 2);
    fixture_devices(s, 0, devices, 2);
    otlp_request *request = request_of(&plain, NULL, s);
    otlp_data_point **p = NULL;
    assert_int_equal(otlp_points(find_metric(request, 0, "container.network.io"), &p), 4);
    assert_string_equal(
        otlp_attribute(p[0]->attributes, p[0]->n_attributes, "network.io.direction"), "receive");
    assert_string_equal(
        otlp_attribute(p[0]->attributes, p[0]->n_attributes, "network.interface.name"), "eth0");
    assert_int_equal(p[0]->n_attributes, 2);
    assert_int_equal(p[0]->value_case, OTLP_IS_DOUBLE); /* no int64 */
    assert_true(p[0]->as_double == 9223372036854775808.0);
    assert_int_equal(
        otlp_points(find_metric(request, 0, "container_network_receive_packets_total"), &p), 2);
    assert_string_equal(otlp_attribute(p[1]->attributes, p[1]->n_attributes, "interface"), "eth1");
    assert_int_equal(otlp_points(find_metric(request, 0, "container.disk.io"), &p), 2);
    assert_string_equal(otlp_attribute(p[1]->attributes, p[1]->n_attributes, "system.device"),
                        "/dev/sdb");
    assert_int_equal(p[1]->n_attributes, 2);
    assert_int_equal(otlp_points(find_metric(request, 0, "container_blkio_device_usage_total"), &p),
                     2);
    assert_int_equal(p[0]->n_attributes, 4); /* operation, device, major, minor */
    otlp_free(request);
    snapshot_unref(s);
}

static void check_image(const char *image, const char *name, const char *tag, const char *digest,
                        const char *id)
{
    struct snapshot *s = one_container();
    fixture_name(s, 0, WEBSITE_PATH, "web", image);
    row_set(&s->rows[0], CONTAINER_PIDS, 1);
    otlp_request *request = request_of(&plain, NULL, s);
    const struct {
        const char *key, *value;
    } parts[] = {{"container.image.name", name},
                 {"container.image.tags", tag},
                 {"container.image.repo_digests", digest},
                 {"container.image.id", id}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *found = resource_text(request, parts[i].key);
        if (parts[i].value)
            assert_string_equal(found, parts[i].value);
        else
            assert_null(found);
    }
    otlp_free(request);
    snapshot_unref(s);
}

static void test_images(void **state)
{
    (void)state;
    check_image("nginx", "nginx", NULL, NULL, NULL);
    check_image("nginx:1.27", "nginx", "1.27", NULL, NULL);
    check_image("registry:5000/team/app", "registry:5000/team/app", NULL, NULL, NULL);
    check_image("registry:5000/team/app:v1", "registry:5000/team/app", "v1", NULL, NULL);
    check_image("app@sha256:0a", "app", NULL, "app@sha256:0a", NULL);
    check_image("app:v1@sha256:0a", "app", "v1", "app@sha256:0a", NULL);
    check_image("sha256:" ID, NULL, NULL, NULL, "sha256:" ID);
    check_image("app:", "app:", NULL, NULL, NULL);
    check_image(":v1", ":v1", NULL, NULL, NULL);
    check_image("app@", "app@", NULL, NULL, NULL);
    check_image("app:\xFF", "app:\xEF\xBF\xBD", NULL, NULL, NULL);
    check_image("", NULL, NULL, NULL, NULL);
    check_image(NULL, NULL, NULL, NULL, NULL);
}

static void check_runtime(const char *path, const char *runtime)
{
    struct snapshot *s = one_container();
    fixture_name(s, 0, path, "web", NULL);
    row_set(&s->rows[0], CONTAINER_PIDS, 1);
    otlp_request *request = request_of(&plain, NULL, s);
    const char *found = resource_text(request, "container.runtime.name");
    if (runtime)
        assert_string_equal(found, runtime);
    else
        assert_null(found);
    otlp_free(request);
    snapshot_unref(s);
}

static void test_runtimes(void **state)
{
    (void)state;
    check_runtime("/docker/" ID, "docker");
    check_runtime("/system.slice/docker-" ID ".scope", "docker");
    check_runtime("/machine.slice/libpod-" ID ".scope", "podman");
    check_runtime("/libpod_parent/libpod-" ID, "podman");
    check_runtime("/kubepods.slice/cri-containerd-" ID ".scope", "containerd");
    check_runtime("/kubepods.slice/crio-" ID ".scope", "cri-o");
    check_runtime("/mydocker/" ID, NULL);
    check_runtime("/lxc/web", NULL);
    check_runtime(NULL, NULL);
}

static void test_resource(void **state)
{
    (void)state;
    static const struct label external[] = {
        {"container.name", "gives way"}, {"host.name", "h"}, {"service.name", "weir"}};
    static const struct label labels[] = {
        {"container_label_com_example_a", "1"}, {"container_label_empty", ""}, {"pod", "p"}};
    const struct push_encode_options options = {.external = external, .external_count = 3};
    struct snapshot *s = one_container();
    fixture_labels(s, 0, labels, 3);
    fixture_identity(s, 0)->simulated = true;
    row_set(&s->rows[0], CONTAINER_PIDS, 1);
    otlp_request *request = request_of(&options, NULL, s);
    const otlp_resource_metrics *own = request->resource_metrics[1];
    assert_int_equal(request->resource_metrics[0]->resource->n_attributes, 11);
    assert_string_equal(resource_text(request, "container.id"), ID);
    assert_string_equal(resource_text(request, "container.name"), "web");
    assert_string_equal(resource_text(request, "container.label.com_example_a"), "1");
    assert_string_equal(resource_text(request, "pod"), "p");
    assert_string_equal(resource_text(request, "id"), WEBSITE_PATH);
    assert_string_equal(resource_text(request, "simulated"), "true");
    assert_string_equal(resource_text(request, "host.name"), "h");
    assert_int_equal(own->resource->n_attributes, 3);
    assert_int_equal(find_point(request, 0, "container_threads")->n_attributes, 0);
    otlp_free(request);
    snapshot_unref(s);
}

static void test_start_times(void **state)
{
    (void)state;
    struct snapshot *s = one_container();
    struct point points[2] = {{.metric = AGENT_ROUNDS, .value = 3},
                              {.metric = AGENT_HTTP_CONNECTIONS, .value = 1}};
    fixture_points(s, NULL, points, 2);
    row_set(&s->rows[0], CONTAINER_CPU_USAGE, 1);
    row_set(&s->rows[0], CONTAINER_OOM_KILLS, 1);
    row_set(&s->rows[0], CONTAINER_PIDS, 1);
    otlp_request *request = request_of(&plain, NULL, s);
    assert_int_equal(find_point(request, 0, "container.cpu.time")->start_time_unix_nano,
                     STARTED_NS);
    /* Those of earlier runs are in it. */
    assert_int_equal(find_point(request, 0, "container_oom_events_total")->start_time_unix_nano, 0);
    assert_int_equal(find_point(request, 0, "container_threads")->start_time_unix_nano, 0);
    assert_int_equal(find_point(request, 1, "weir_rounds_total")->start_time_unix_nano,
                     AGENT_MS * 1000000);
    assert_int_equal(find_point(request, 1, "weir_http_connections")->start_time_unix_nano, 0);
    otlp_free(request);
    snapshot_unref(s);
}

/* A stale point of a container that lives on is in the same resource as the others. */
static void test_stale(void **state)
{
    (void)state;
    struct snapshot *before = one_container(), *now = one_container();
    row_set(&before->rows[0], CONTAINER_CPU_USAGE, 1);
    row_set(&before->rows[0], CONTAINER_MEMORY_USAGE, 1);
    row_set(&before->rows[0], CONTAINER_MEMORY_WORKING_SET, 100);
    row_set(&before->rows[0], CONTAINER_SPEC_MEMORY_LIMIT, 1000);
    row_set(&before->rows[0], CONTAINER_STARTED, STARTED_NS / 1000000);
    row_set(&now->rows[0], CONTAINER_CPU_USAGE, 2);
    row_set(&now->rows[0], CONTAINER_MEMORY_WORKING_SET, 1100);
    row_set(&now->rows[0], CONTAINER_STARTED, STARTED_NS / 1000000);
    now->rows[0].state = STATE_EXITED;
    otlp_request *request = request_of(&plain, before, now);
    assert_int_equal(request->n_resource_metrics, 2);
    static const char *const ended[] = {"container.memory.usage", "container.memory.available",
                                        "container_spec_memory_limit_bytes", "container.uptime"};
    for (size_t i = 0; i < sizeof ended / sizeof *ended; i++) {
        const otlp_data_point *p = find_point(request, 0, ended[i]);
        assert_int_equal(p->flags, 1);
        assert_int_equal(p->value_case, OTLP_IS_NONE);
        assert_int_equal(p->time_unix_nano, OTLP_TIME_NS);
    }
    assert_int_equal(find_point(request, 0, "container.cpu.time")->flags, 0);
    otlp_free(request);

    request = request_of(&plain, before, NULL); /* weir stops */
    assert_int_equal(request->n_resource_metrics, 2);
    assert_int_equal(find_point(request, 0, "container.cpu.time")->flags, 1);
    assert_int_equal(find_point(request, 1, "up")->flags, 1);
    otlp_free(request);
    snapshot_unref(before);
    snapshot_unref(now);
}

static void test_derived(void **state)
{
    (void)state;
    struct snapshot *s = one_container();
    struct container_row *row = &s->rows[0];
    row_set(row, CONTAINER_MEMORY_WORKING_SET, 1100);
    row_set(row, CONTAINER_SPEC_MEMORY_LIMIT, 1000);
    row_set(row, CONTAINER_STARTED, STARTED_NS / 1000000);
    otlp_request *request = request_of(&plain, NULL, s);
    assert_int_equal(find_point(request, 0, "container.memory.available")->as_int, -100);
    assert_int_equal(find_point(request, 0, "container_spec_memory_limit_bytes")->as_int, 1000);
    assert_true(find_point(request, 0, "container.uptime")->as_double == 100.123456788);
    otlp_free(request);

    row_set_unlimited(row, CONTAINER_SPEC_MEMORY_LIMIT);
    request = request_of(&plain, NULL, s);
    assert_null(find_metric(request, 0, "container.memory.available"));
    assert_int_equal(find_point(request, 0, "container_spec_memory_limit_bytes")->as_int, 0);
    otlp_free(request);

    fixture_identity(s, 0)->started_ns = OTLP_TIME_NS + 1; /* a clock was set back */
    request = request_of(&plain, NULL, s);
    assert_null(find_metric(request, 0, "container.uptime"));
    otlp_free(request);
    snapshot_unref(s);
}

static void test_nothing_and_too_much(void **state)
{
    (void)state;
    struct snapshot *s = one_container();
    struct buf body;
    uint32_t samples = 77;
    buf_init(&body, 300);
    assert_int_equal(buf_add_string(&body, "before"), 0);
    const struct push_round nothing = {.previous = NULL, .current = NULL, .time_ns = OTLP_TIME_NS};
    assert_int_equal(otlp_encode(&plain, &nothing, &body, &samples), -ENODATA);
    const struct push_round same = {.previous = s, .current = s, .time_ns = OTLP_TIME_NS};
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        row_set(&s->rows[0], m, 1);
    assert_int_equal(otlp_encode(&plain, &same, &body, &samples), -EMSGSIZE);
    assert_int_equal(samples, 77);
    assert_int_equal(body.length, 6);
    assert_memory_equal(body.data, "before", 6);
    buf_done(&body);
    snapshot_unref(s);
}

/* What is made of two families goes with either of them. */
static void test_filters(void **state)
{
    (void)state;
    char used[] = "container_memory_working_set_bytes", limit[] = "container_spec_memory_*";
    char start[] = "container_start_time_seconds", name[] = "name=web";
    char *both[] = {used, limit}, *one[] = {used, start}, *web[] = {name};
    const struct push_filter_options wanted[] = {{.metrics_include = {both, 2}},
                                                 {.metrics_include = {one, 2}},
                                                 {.containers_exclude = {web, 1}}};
    struct snapshot *s = one_container();
    row_set(&s->rows[0], CONTAINER_MEMORY_WORKING_SET, 1);
    row_set(&s->rows[0], CONTAINER_SPEC_MEMORY_LIMIT, 1000);
    row_set(&s->rows[0], CONTAINER_STARTED, STARTED_NS / 1000000);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct push_filter *filter = push_filter_new(&wanted[i]);
        const struct push_encode_options options = {.filter = filter};
        otlp_request *request = request_of(&options, NULL, s);
        assert_int_equal(request->n_resource_metrics, i == 2 ? 1 : 2);
        assert_int_equal(find_metric(request, 0, "container.memory.available") != NULL, i == 0);
        assert_int_equal(find_metric(request, 0, "container.uptime") != NULL, i == 1);
        otlp_free(request);
        push_filter_free(filter);
    }
    snapshot_unref(s);
}

/* Labels that a container's resource has are left out of its points. */
static void test_no_label_is_a_base_label(void **state)
{
    (void)state;
    static const char *const base[] = {"id",        "image", "name",     "simulated",
                                       "container", "pod",   "namespace"};
    for (enum series_list list = 0; list < SERIES_LISTS; list++) {
        unsigned count = 0;
        const struct metric *metrics = series_metrics(list, &count);
        for (unsigned m = 0; list != SERIES_AGENT && m < count; m++) {
            for (const char *at = metrics[m].labels; *at != '\0'; at += *at == ',') {
                size_t length = strcspn(at, "=,");
                for (size_t b = 0; b < sizeof base / sizeof *base; b++)
                    assert_false(strlen(base[b]) == length && strncmp(at, base[b], length) == 0);
                at += strcspn(at, ",");
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_names_of_a_container),
        cmocka_unit_test(test_names_of_the_host),
        cmocka_unit_test(test_points_of_one_metric),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_runtimes),
        cmocka_unit_test(test_resource),
        cmocka_unit_test(test_start_times),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_derived),
        cmocka_unit_test(test_nothing_and_too_much),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_no_label_is_a_base_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
