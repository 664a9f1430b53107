/* Why a POST failed: the reason, and the sentence for people. Private to net/. */
#ifndef WEIR_NET_HTTP_POST_FAILURE_H
#define WEIR_NET_HTTP_POST_FAILURE_H

#include "net/curl_failure.h"

#include <stdbool.h>
#include <stdint.h>

enum http_post_phase { POST_RESOLVES, POST_CONNECTS, POST_SENDS, POST_WAITS, POST_READS };

struct http_post_failure {
    struct curl_failure_facts curl; /* its code is not looked at in a timeout */
    int error;                      /* what the answer's callbacks found: -E2BIG, -EBADMSG, or 0 */
    long proxy_status;              /* of the proxy's answer to CONNECT, or 0 */
    bool system_cas;                /* no CA file was given */
    bool tls;                       /* between weir and the receiver */
    uint64_t timeout_ms;            /* in a timeout, else 0 */
    enum http_post_phase phase;
};

/* A POST to `where` has failed. Writes the sentence to `e`. */
enum reason http_post_failure(const char *where, const struct http_post_failure *f, struct err *e);

#endif
