/* What a receiver said in the body of its answer. Pure; private to push_answer. Documents: the
 * OTLP specification ("OTLP/HTTP Response"), the sources of the receivers named in
 * push_complaint.c. */
#ifndef WEIR_EXPORTERS_PUSH_COMPLAINT_H
#define WEIR_EXPORTERS_PUSH_COMPLAINT_H

#include <stdint.h>

struct http_post_result;

enum push_complaint {
    PUSH_COMPLAINT_OTHER,
    PUSH_COMPLAINT_ORDER, /* it has a newer sample, or another one of that time */
    PUSH_COMPLAINT_AGE,   /* older than it takes */
};

enum push_complaint push_complaint_of(const struct http_post_result *result);
/* Data points that an OTLP receiver took the request without; 0 where it does not say so. */
uint64_t push_complaint_rejected(const struct http_post_result *result);

#endif
