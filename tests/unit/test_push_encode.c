/* Requests without samples: the metadata of Prometheus' own sender, read by protobuf-c, and the
 * empty ones that probes send. */
#include "exporters/push_encode.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/metric.h"
#include "base/text.h"
#include "exporters/push_filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <remote_write.pb-c.h>
#include <remote_write_2.pb-c.h>

#define LARGE ((size_t)1 << 20) /* bytes: all of it */

typedef Prometheus__WriteRequest request_message;

static request_message *read_request(const struct buf *b)
{
    request_message *request =
        prometheus__write_request__unpack(NULL, b->length, (const uint8_t *)b->data);
    assert_non_null(request);
    assert_int_equal(request->n_timeseries, 0);
    uint8_t *packed = alloc_bytes(b->length);
    assert_int_equal(prometheus__write_request__pack(request, packed), b->length);
    assert_memory_equal(packed, b->data, b->length);
    free(packed);
    return request;
}

static const Prometheus__MetricMetadata *find(const request_message *request, const char *family)
{
    const Prometheus__MetricMetadata *found = NULL;
    for (size_t i = 0; i < request->n_metadata; i++) {
        if (!text_equal(request->metadata[i]->metric_family_name, family))
            continue;
        assert_null(found); /* a family has one */
        found = request->metadata[i];
    }
    return found;
}

static void assert_family(const request_message *request, const struct metric *metric)
{
    const Prometheus__MetricMetadata *m = find(request, metric->family);
    assert_non_null(m);
    assert_int_equal(m->type, metric->type == METRIC_COUNTER ? 1 : 2);
    assert_string_equal(m->help, metric->help);
}

static void test_all_families(void **state)
{
    (void)state;
    struct buf b;
    size_t at = 0;
    buf_init(&b, LARGE);
    assert_int_equal(push_encode_metadata(NULL, &at, LARGE, &b), 0);
    request_message *request = read_request(&b);
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (m == 0 || !text_equal(container_metrics[m].family, container_metrics[m - 1].family))
            assert_family(request, &container_metrics[m]);
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        assert_family(request, &interface_metrics[m]);
    for (unsigned m = 0; m < POINT_METRICS; m++)
        assert_family(request, &point_metrics[m]);
    for (unsigned m = 0; m < AGENT_METRICS; m++)
        assert_family(request, &agent_metrics[m]);
    assert_non_null(find(request, "container_blkio_device_usage_total"));
    assert_non_null(find(request, "up"));
    prometheus__write_request__free_unpacked(request, NULL);
    buf_clear(&b);
    assert_int_equal(push_encode_metadata(NULL, &at, LARGE, &b), -ENODATA);
    assert_int_equal(b.length, 0);
    buf_done(&b);
}

static void test_units(void **state)
{
    (void)state;
    static const char *const units[][2] = {
        {"container_cpu_usage_seconds_total", "seconds"},
        {"container_memory_usage_bytes", "bytes"},
        {"container_network_receive_bytes_total", "bytes"},
        {"weir_container_cpu_usage_percent", "percent"},
        {"container_memory_rss", ""}, /* bytes, and its name does not say so */
        {"container_spec_cpu_period", ""},
        {"container_last_seen", ""},
        {"weir_rounds_total", ""},
    };
    struct buf b;
    size_t at = 0;
    buf_init(&b, LARGE);
    assert_int_equal(push_encode_metadata(NULL, &at, LARGE, &b), 0);
    request_message *request = read_request(&b);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const Prometheus__MetricMetadata *m = find(request, units[i][0]);
        assert_non_null(m);
        assert_string_equal(m->unit, units[i][1]);
    }
    prometheus__write_request__free_unpacked(request, NULL);
    buf_done(&b);
}

/* Together the requests are what one would be. */
static void test_in_parts(void **state)
{
    (void)state;
    struct buf whole, parts;
    size_t at = 0, next = 0, requests = 0;
    buf_init(&whole, LARGE);
    buf_init(&parts, LARGE);
    assert_int_equal(push_encode_metadata(NULL, &at, LARGE, &whole), 0);
    for (int result = 0; result == 0; requests++) {
        static const size_t most = 1000;
        size_t before = parts.length;
        result = push_encode_metadata(NULL, &next, most, &parts);
        assert_int_equal(result, parts.length > before ? 0 : -ENODATA);
        assert_true(parts.length - before <= most);
    }
    assert_true(requests > 10);
    assert_int_equal(parts.length, whole.length);
    assert_memory_equal(parts.data, whole.data, whole.length);
    buf_done(&parts);
    buf_done(&whole);
}

static void test_no_room(void **state)
{
    (void)state;
    struct buf b;
    size_t at = 0;
    buf_init(&b, LARGE);
    assert_int_equal(push_encode_metadata(NULL, &at, 10, &b), -EMSGSIZE);
    assert_int_equal(at, 0);
    buf_done(&b);
    buf_init(&b, 10);
    assert_int_equal(push_encode_metadata(NULL, &at, LARGE, &b), -EMSGSIZE);
    assert_int_equal(at, 0);
    buf_done(&b);
}

static void test_chosen(void **state)
{
    (void)state;
    char *include[] = {(char[]){"container_memory_rss"}};
    const struct push_filter_options options = {.metrics_include = {include, 1}};
    struct push_filter *filter = push_filter_new(&options);
    struct buf b;
    size_t at = 0;
    buf_init(&b, LARGE);
    assert_int_equal(push_encode_metadata(filter, &at, LARGE, &b), 0);
    request_message *request = read_request(&b);
    assert_int_equal(request->n_metadata, 2);
    assert_non_null(find(request, "container_memory_rss"));
    assert_non_null(find(request, "up")); /* which is always sent */
    prometheus__write_request__free_unpacked(request, NULL);
    buf_done(&b);
    push_filter_free(filter);
}

static void test_empty(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, LARGE);
    assert_int_equal(push_encode_empty(PUSH_REMOTE_WRITE, &b), 0);
    assert_int_equal(push_encode_empty(PUSH_OTLP, &b), 0);
    assert_int_equal(b.length, 0);
    assert_int_equal(push_encode_empty(PUSH_REMOTE_WRITE_2, &b), 0);
    Io__Prometheus__Write__V2__Request *request =
        io__prometheus__write__v2__request__unpack(NULL, b.length, (const uint8_t *)b.data);
    assert_non_null(request);
    assert_int_equal(request->n_timeseries, 0);
    assert_int_equal(request->n_symbols, 1);
    assert_string_equal(request->symbols[0], "");
    io__prometheus__write__v2__request__free_unpacked(request, NULL);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_families), cmocka_unit_test(test_units),
        cmocka_unit_test(test_in_parts),     cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_chosen),       cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
