/* A round as an ExportMetricsServiceRequest of OTLP: a resource for every container, the names of
 * OpenTelemetry's conventions where they have one. Private to push_encode. Documents:
 * proto/otlp_metrics.proto; docs/METRICS.md, "Names in OTLP". */
#ifndef WEIR_EXPORTERS_OTLP_H
#define WEIR_EXPORTERS_OTLP_H

#include "exporters/push_encode.h"

/* As push_encode. Nothing is appended on an error. */
int otlp_encode(const struct push_encode_options *options, const struct push_round *round,
                struct buf *ret, uint32_t *ret_samples);

#endif
