/* The points of a request, put in order and written: resource by resource, metric by metric.
 * Knows nothing of snapshots. Document: opentelemetry-proto 1, as proto/otlp_metrics.proto has it.
 */
#ifndef WEIR_EXPORTERS_OTLP_MESSAGE_H
#define WEIR_EXPORTERS_OTLP_MESSAGE_H

#include "base/buf.h"
#include "exporters/exposition.h"
#include "exporters/otlp_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A run of the message's `bytes`. */
struct otlp_span {
    uint32_t start;
    uint32_t length;
};

enum otlp_value {
    OTLP_NO_VALUE, /* a stale point */
    OTLP_INTEGER,  /* an int64_t */
    OTLP_DOUBLE,
};

struct otlp_point {
    struct otlp_span constant;   /* attributes, formatted; these come first */
    struct otlp_span attributes; /* more of them */
    uint64_t start_ns;           /* 0: not known */
    uint64_t bits;               /* of the value */
    enum otlp_value kind;
    uint32_t slot; /* its metric: index into `names` */
    uint32_t next; /* the message's own */
};

struct otlp_resource {
    struct otlp_span attributes; /* formatted; no two resources have the same */
    uint64_t hash;
    uint32_t first; /* of its points */
    uint32_t last;
    unsigned marks; /* its user's own */
};

struct otlp_bucket; /* private */

/* Zero-initialise, then otlp_message_init. */
struct otlp_message {
    struct buf bytes;        /* attributes, appended by the user */
    struct otlp_name *names; /* `slots` of them, filled in by the user before a point needs it */
    uint32_t slots;
    struct otlp_resource *resources; /* owned, in the order they came */
    uint32_t resource_count;
    uint32_t resource_capacity;
    uint32_t *table; /* of their numbers, open addressing, twice as large; owned */
    struct otlp_point *points;
    uint32_t point_count;
    uint32_t point_capacity;
    struct otlp_bucket *buckets; /* by slot, of the resource that is being written */
    uint64_t time_ns;            /* of every point */
    const char *scope_version;   /* of weir; NULL: left out; not owned */
};

void otlp_message_init(struct otlp_message *m, uint32_t slots);
void otlp_message_done(struct otlp_message *m);
/* The number of the resource whose attributes stand at the end of `bytes`, from `start` on; they
 * are taken away again where there is such a resource already. */
uint32_t otlp_message_resource(struct otlp_message *m, size_t start);
void otlp_message_add(struct otlp_message *m, uint32_t resource, const struct otlp_point *point);
/* Appends the ExportMetricsServiceRequest: resources and slots that have points alone. 0,
 * -EMSGSIZE, -ENOMEM; nothing is appended on an error. */
int otlp_message_write(struct otlp_message *m, struct buf *ret);

#endif
