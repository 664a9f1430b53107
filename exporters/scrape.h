/* The HTTP surface: /metrics, the landing page, health. */
#ifndef WEIR_EXPORTERS_SCRAPE_H
#define WEIR_EXPORTERS_SCRAPE_H

#include "exporters/exporter.h"

struct http_request;
struct scrape; /* opaque */

struct scrape_options {
    const char *telemetry_path; /* e.g. "/metrics"; begins with '/'; copied */
    const char *version;        /* for the landing page; copied */
    uint64_t max_timeout_ms;    /* collect.timeout: the longest a scrape waits for its round */
    struct snapshot_source source;
};

struct scrape *scrape_new(const struct scrape_options *options);
/* Withdraws its demands, answers those who wait with 503 and frees it. Its HTTP server must be
 * closed already or be closing. */
void scrape_free(struct scrape *s);
/* An http_handler; `context` is the struct scrape. Paths: the telemetry path, "/" (a short page),
 * /-/healthy and /healthz (200), /-/ready (200 once a first round has sealed, 503 before); anything
 * else is 404 with a sentence. A scrape's deadline is X-Prometheus-Scrape-Timeout-Seconds less a
 * margin, at least 500 ms and at most max_timeout_ms. A body is encoded once per snapshot. */
void scrape_handle(void *context, struct http_request *request);

#endif
