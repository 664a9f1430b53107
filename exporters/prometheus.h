/* The Prometheus text format 0.0.4 of a snapshot. Document: the exposition formats page of
 * prometheus.io. */
#ifndef WEIR_EXPORTERS_PROMETHEUS_H
#define WEIR_EXPORTERS_PROMETHEUS_H

struct buf;
struct snapshot;

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends the whole exposition to `ret`: each family once with HELP and TYPE, in the order of
 * metric_list.h, families without a sample left out. Pure: the same snapshot gives the same bytes.
 * 0, or -EMSGSIZE when it does not fit into `ret` (or into memory), whose content is then of no
 * use.
 */
int prometheus_encode(const struct snapshot *s, struct buf *ret);

#endif
