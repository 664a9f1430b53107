/* Remote write, version 2: io.prometheus.write.v2.Request. Private to push_encode.c, which says
 * what the arguments are. Documents: the remote write specification 2.0 (release candidate 4),
 * proto/remote_write_2.proto. */
#ifndef WEIR_EXPORTERS_REMOTE_WRITE_2_H
#define WEIR_EXPORTERS_REMOTE_WRITE_2_H

#include "exporters/push_encode.h"

#include <stdint.h>

/* -ENODATA, -EMSGSIZE. */
int remote_write_2_encode(const struct push_encode_options *options, const struct push_round *round,
                          struct buf *ret, uint32_t *ret_samples);
/* A request without a series: the one symbol that each has. -EMSGSIZE. */
int remote_write_2_empty(struct buf *ret);

#endif
