/* Requests of OTLP, encoded and read back by what protoc-c generates from
 * proto/otlp_metrics.proto. */
#ifndef WEIR_TESTS_OTLP_FIXTURE_H
#define WEIR_TESTS_OTLP_FIXTURE_H

#include "base/buf.h"
#include "exporters/otlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <otlp_metrics.pb-c.h>

#define OTLP_TIME_NS  UINT64_C(1767225600123456789) /* of every round of the tests */
#define OTLP_BODY_MAX (UINT64_C(64) << 20)          /* bytes; far above what they need */

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest otlp_request;
typedef Opentelemetry__Proto__Collector__Metrics__V1__ResourceMetrics otlp_resource_metrics;
typedef Opentelemetry__Proto__Collector__Metrics__V1__ScopeMetrics otlp_scope_metrics;
typedef Opentelemetry__Proto__Collector__Metrics__V1__Metric otlp_metric_message;
typedef Opentelemetry__Proto__Collector__Metrics__V1__NumberDataPoint otlp_data_point;
typedef Opentelemetry__Proto__Collector__Metrics__V1__KeyValue otlp_key_value;

#define OTLP_CASE(message, name) OPENTELEMETRY__PROTO__COLLECTOR__METRICS__V1__##message##_##name
#define OTLP_IS_GAUGE            OTLP_CASE(METRIC__DATA, GAUGE)
#define OTLP_IS_SUM              OTLP_CASE(METRIC__DATA, SUM)
#define OTLP_IS_DOUBLE           OTLP_CASE(NUMBER_DATA_POINT__VALUE, AS_DOUBLE)
#define OTLP_IS_INT              OTLP_CASE(NUMBER_DATA_POINT__VALUE, AS_INT)
#define OTLP_IS_NONE             OTLP_CASE(NUMBER_DATA_POINT__VALUE, _NOT_SET)
#define OTLP_IS_STRING           OTLP_CASE(ANY_VALUE__VALUE, STRING_VALUE)
#define OTLP_IS_ARRAY            OTLP_CASE(ANY_VALUE__VALUE, ARRAY_VALUE)

static inline otlp_request *otlp_unpack(const struct buf *body)
{
    otlp_request *request =
        opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
            NULL, body->length, (const uint8_t *)body->data);
    assert_non_null(request);
    return request;
}

static inline void otlp_free(otlp_request *request)
{
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(
        request, NULL);
}

/* The bytes are those that protobuf-c makes of the message. */
static inline void otlp_assert_packs_alike(const otlp_request *request, const struct buf *body)
{
    uint8_t *packed = malloc(body->length);
    assert_non_null(packed);
    assert_int_equal(
        opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__get_packed_size(
            request),
        body->length);
    (void)opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__pack(
        request, packed);
    assert_memory_equal(packed, body->data, body->length);
    free(packed);
}

/* Encodes, reads back and compares the bytes. */
static inline otlp_request *otlp_round_trip(const struct push_encode_options *options,
                                            const struct push_round *round, uint32_t *ret_samples)
{
    struct buf body;
    buf_init(&body, OTLP_BODY_MAX);
    assert_int_equal(otlp_encode(options, round, &body, ret_samples), 0);
    otlp_request *request = otlp_unpack(&body);
    otlp_assert_packs_alike(request, &body);
    buf_done(&body);
    return request;
}

/* The value of a string attribute; NULL for none. */
static inline const char *otlp_attribute(otlp_key_value *const *attributes, size_t count,
                                         const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(attributes[i]->key, key) == 0)
            return attributes[i]->value->value_case == OTLP_IS_STRING
                       ? attributes[i]->value->string_value
                       : attributes[i]->value->array_value->values[0]->string_value;
    return NULL;
}

static inline size_t otlp_points(const otlp_metric_message *m, otlp_data_point ***ret)
{
    if (m->data_case == OTLP_IS_GAUGE) {
        *ret = m->gauge->data_points;
        return m->gauge->n_data_points;
    }
    assert_int_equal(m->data_case, OTLP_IS_SUM);
    *ret = m->sum->data_points;
    return m->sum->n_data_points;
}

#endif
