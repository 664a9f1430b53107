/* The header Retry-After. Pure; private to push_answer. Documents: RFC 9110 sections 10.2.3 and
 * 5.6.7. */
#ifndef WEIR_EXPORTERS_PUSH_RETRY_AFTER_H
#define WEIR_EXPORTERS_PUSH_RETRY_AFTER_H

#include <stdint.h>

/* A receiver that asks for more is asked again after this: it may be back long before. */
#define PUSH_RETRY_AFTER_MOST_MS UINT64_C(3600000)

/* How long from `now_ms` (since 1970): seconds, or a date in one of the three forms that HTTP has
 * known. 0: NULL, neither of the two, or a date that is past. */
uint64_t push_retry_after_ms(const char *value, uint64_t now_ms);

#endif
