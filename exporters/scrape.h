/* The HTTP surface: /metrics, the landing page, health. */
#ifndef WEIR_EXPORTERS_SCRAPE_H
#define WEIR_EXPORTERS_SCRAPE_H

#include "exporters/exporter.h"
#include "exporters/negotiate.h"

struct http_request;
struct uv_loop_s;
struct scrape; /* opaque */

struct scrape_options {
    const char *route_prefix;   /* before every path, e.g. "/weir"; "" or NULL for none; copied */
    const char *telemetry_path; /* below the prefix, e.g. "/metrics"; begins with '/'; copied */
    const char *version;        /* for the landing page; copied */
    uint64_t max_timeout_ms;    /* collect.timeout: the longest a scrape waits for its round */
    uint64_t max_age_ms;   /* collect.max-age: a snapshot that old serves where no more may wait */
    uint64_t max_requests; /* that wait at once for a round or a compression; 0: no limit */
    enum gzip_mode gzip;
    struct snapshot_source source;
    /* POST or PUT to /-/reload; answers the request itself, now or later. NULL: 403. */
    void (*reload)(void *context, struct http_request *request);
    void *context;
};

struct scrape *scrape_new(struct uv_loop_s *loop, const struct scrape_options *options);
/* Other options from now on. Who waits is withdrawn from the old source and asks the new one. */
void scrape_set(struct scrape *s, const struct scrape_options *options);
/* Scrapes answered 503 because too many waited. */
uint64_t scrape_refused(const struct scrape *s);
/* Withdraws its demands, answers those who wait with 503 and frees it. Its HTTP server must be
 * closed already or be closing; the loop must run on until nothing is left to do. */
void scrape_free(struct scrape *s);
/* An http_handler; `context` is the struct scrape. Paths below the prefix: the telemetry path, "/"
 * (a short page), /-/healthy and /healthz (200), /-/ready (200 once a first round has sealed, 503
 * before), /-/reload; anything else is 404 with a sentence. A scrape's deadline is
 * X-Prometheus-Scrape-Timeout-Seconds less a margin, at least 500 ms and at most max_timeout_ms;
 * collect[] and exclude[] choose groups of metrics; format and coding are negotiated. A body is
 * encoded and compressed once per snapshot. */
void scrape_handle(void *context, struct http_request *request);

#endif
