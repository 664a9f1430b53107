/* A snapshot in the formats that Prometheus reads: text, OpenMetrics, delimited protobuf.
 * Documents: the exposition formats page of prometheus.io, the OpenMetrics specification 1.0.0,
 * proto/metrics.proto. */
#ifndef WEIR_EXPORTERS_PROMETHEUS_H
#define WEIR_EXPORTERS_PROMETHEUS_H

#include "base/metric.h"

struct buf;
struct snapshot;

enum prometheus_format {
    PROMETHEUS_TEXT,        /* 0.0.4, and 1.0.0, which differs only for names that weir has not */
    PROMETHEUS_OPENMETRICS, /* 1.0.0, and 0.0.1, whose counters look the same */
    PROMETHEUS_PROTOBUF,    /* io.prometheus.client.MetricFamily, each after its length */
    PROMETHEUS_FORMATS,
};

struct prometheus_options {
    enum prometheus_format format;
    unsigned groups; /* bit per enum metric_group: those to write, of those the snapshot shows */
};

/* Every metric in the text format. */
extern const struct prometheus_options prometheus_whole_text;

/* Appends the whole exposition to `ret`: each family once with help and type, in the order of
 * metric_list.h, families without a sample left out. Pure: the same snapshot gives the same bytes,
 * and every format the same samples. 0, or -EMSGSIZE when it does not fit into `ret` (or into
 * memory), whose content is then of no use. */
int prometheus_encode(const struct snapshot *s, const struct prometheus_options *options,
                      struct buf *ret);

#endif
