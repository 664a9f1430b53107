/* A round as one request: the messages of remote write 1 and 2 and of OTLP, and what can be done
 * with a request that is already made. Pure; any thread. Documents: the remote write
 * specifications 1.0 and 2.0, opentelemetry-proto 1; proto/README.md. */
#ifndef WEIR_EXPORTERS_PUSH_ENCODE_H
#define WEIR_EXPORTERS_PUSH_ENCODE_H

#include "base/identity.h"
#include "exporters/push_format.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct push_filter;
struct snapshot;

/* Bytes of a request before compression: Prometheus and VictoriaMetrics take no larger one. */
#define PUSH_BODY_MAX ((size_t)32 << 20)
/* Of one that a round is made into: the OpenTelemetry collector takes 20 MiB, and answers 400 to
 * more, which cannot be told from a refusal. */
#define PUSH_ROUND_MAX ((size_t)16 << 20)

struct push_encode_options {
    const struct push_filter *filter; /* NULL: all; not owned */
    const struct label *external;     /* remote write: labels of every series, sorted by name;
                                         OTLP: attributes of every resource; not owned */
    size_t external_count;
    uint64_t agent_started_ms; /* since 1970: when weir's own counters were 0 */
    const char *scope_version; /* OTLP: weir's version; NULL: left out; not owned */
};

/* What a round is: the snapshot, and the one that was sent before it; or a part of that, where one
 * request would be too large. */
struct push_round {
    const struct snapshot *previous; /* NULL: none */
    const struct snapshot *current;  /* NULL: weir stops, and every series ends */
    uint64_t time_ns;                /* since 1970: the timestamp of every sample */
    /* Samples, numbered in the order they are made: from this one on, and before that one. Both 0:
     * all. */
    uint64_t from;
    uint64_t until;
};

/* Appends the message to `ret`, uncompressed, and says how many samples it has, stale markers among
 * them. `up` is one of the series, 1; OTLP has it too. 0; -ENODATA: no sample in it, nothing to
 * send; -EMSGSIZE: larger than the buffer's maximum, or -ENOMEM. */
int push_encode(enum push_format format, const struct push_encode_options *options,
                const struct push_round *round, struct buf *ret, uint32_t *ret_samples);
/* A WriteRequest of metadata alone: type, help and unit of every family that `filter` lets through,
 * at most `most` bytes a request: `*at` (0 at first) goes on to the family after it. -ENODATA:
 * there are no more. Remote write 1 alone has such requests. */
int push_encode_metadata(const struct push_filter *filter, size_t *at, size_t most,
                         struct buf *ret);
/* The smallest request of that format: no sample. It is what probes send. */
int push_encode_empty(enum push_format format, struct buf *ret);

/* The samples of the message, bodies made by push_encode or push_split; -EBADMSG: it is damaged. */
int push_count(enum push_format format, const char *body, size_t length, uint32_t *ret_samples);
/* Two messages with half of the samples each (the first has the smaller one), in the order they
 * had; every sample is in one of the two, and neither is longer than the whole. What both sides of
 * the cut are part of is in both (resource, scope and metric; labels), metadata of remote write 1
 * in the first; each has the symbols that it uses. -ENODATA: there is only one sample, or none;
 * -EBADMSG: the message is damaged; -EMSGSIZE: a buffer's maximum, -ENOMEM. */
int push_split(enum push_format format, const char *body, size_t length, struct buf *ret_first,
               struct buf *ret_second);
/* A remote write 2 message as one of version 1: the same series and samples, without metadata and
 * start times. It may be many times as long. -EBADMSG; -EMSGSIZE: past the buffer's maximum (its
 * halves may fit), -ENOMEM. */
int push_convert_2_to_1(const char *body, size_t length, struct buf *ret);

#endif
