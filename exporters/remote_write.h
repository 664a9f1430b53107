/* Remote write, version 1: prometheus.WriteRequest. Private to push_encode.c, which says what the
 * arguments are. Documents: the remote write specification 1.0, proto/remote_write.proto. */
#ifndef WEIR_EXPORTERS_REMOTE_WRITE_H
#define WEIR_EXPORTERS_REMOTE_WRITE_H

#include "base/metric.h"
#include "exporters/push_encode.h"

#include <stddef.h>
#include <stdint.h>

/* -ENODATA, -EMSGSIZE. */
int remote_write_encode(const struct push_encode_options *options, const struct push_round *round,
                        struct buf *ret, uint32_t *ret_samples);
int remote_write_metadata(const struct push_filter *filter, size_t *at, size_t most,
                          struct buf *ret);

/* The unit that a family's name ends with, before "_total": "seconds", "bytes", "percent"; "" for
 * none. As OpenMetrics means it. */
const char *remote_write_unit(const struct metric *metric);

#endif
