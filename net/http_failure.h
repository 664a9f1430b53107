/* Why a request failed: the reason, and the sentence for people. Private to net/. */
#ifndef WEIR_NET_HTTP_FAILURE_H
#define WEIR_NET_HTTP_FAILURE_H

#include "base/reason.h"

#include <stdint.h>

struct err;
struct http_exchange;

/* Connecting failed with `error` (negative errno or UV_EAI_*). `unix_path` is NULL for TCP. Writes
 * the sentence to `e`. */
enum reason http_failure_connect(const char *where, const char *unix_path, int error,
                                 struct err *e);
/* The answer failed: `error` as http_response_feed and _finish give it (`detail` says
 * what is wrong with a malformed one), else the negative errno of reading or writing. */
enum reason http_failure_answer(const char *where, const struct http_exchange *x, int error,
                                const char *detail, struct err *e);
/* The time is up; `doing` completes "while ...". */
enum reason http_failure_timeout(const char *where, const struct http_exchange *x,
                                 const char *doing, struct err *e);

#endif
