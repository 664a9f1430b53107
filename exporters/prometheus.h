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

/* Sets of metrics a scrape may choose: bit per enum metric_group; GROUP_NONE's bit are those of no
 * group (state, last seen, tiers), and above it weir's own. */
#define PROMETHEUS_SET_AGENT (1U << (GROUP_COUNT + 1))
#define PROMETHEUS_SETS_ALL  ((1U << (GROUP_COUNT + 2)) - 1)

struct prometheus_options {
    enum prometheus_format format;
    unsigned sets; /* those to write */
};

/* Every metric in the text format. */
extern const struct prometheus_options prometheus_whole_text;

/* Appends the whole exposition to `ret`: each family once with help and type, in the order of
 * metric_list.h, families without a sample left out. Pure: the same snapshot gives the same bytes,
 * and every format the same samples. 0, or -EMSGSIZE when it does not fit into `ret` (or into
 * memory), whose content is then of no use. */
int prometheus_encode(const struct snapshot *s, const struct prometheus_options *options,
                      struct buf *ret);
/* The sets called `name` (`length` bytes), e.g. "cpu", "network", "state", "weir"; 0 for no such.
 */
unsigned prometheus_set_find(const char *name, size_t length);
/* Appends their names, comma and blank between, for messages. */
void prometheus_add_set_names(struct buf *b);

#endif
