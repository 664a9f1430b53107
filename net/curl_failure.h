/* What libcurl's result codes mean. Private to net/. */
#ifndef WEIR_NET_CURL_FAILURE_H
#define WEIR_NET_CURL_FAILURE_H

#include "base/reason.h"

#include <curl/curl.h>

struct err;
struct http_exchange;

struct curl_failure_facts {
    CURLcode code;      /* not CURLE_OK */
    const char *detail; /* libcurl's text */
    long os_error;      /* errno of the last connect, or 0 */
    int status;         /* of the answer, or 0 */
};

/* What it means, without a sentence. */
enum reason curl_failure_reason(const struct curl_failure_facts *f);

/* A transfer to `where` has failed. Writes the sentence to `e`. */
enum reason curl_failure(const char *where, const struct http_exchange *x,
                         const struct curl_failure_facts *f, struct err *e);

#endif
