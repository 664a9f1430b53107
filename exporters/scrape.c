/* What it knows: the paths weir answers, how long a scrape may wait for its round, and that a body
 * is encoded once per snapshot. Documents: "Writing exporters" of prometheus.io (landing page), and
 * docs/ARCHITECTURE.md (rounds). */
#include "exporters/scrape.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "base/text.h"
#include "exporters/page.h"
#include "exporters/prometheus.h"
#include "net/http_server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of one exposition: some 15 000 containers with a few labels. Past that something is wrong,
 * and a scraper could not take it in either. */
#define SCRAPE_BODY_MAX (UINT64_C(256) << 20)
/* Bytes of the landing page: its table has a line per engine and collector, a dozen at most. */
#define SCRAPE_PAGE_MAX (UINT64_C(256) << 10)

/* What is kept of the scraper's timeout for encoding, sending and the clock that began on the other
 * side: 5 %, at least 100 ms, which covers a slow link. */
#define SCRAPE_MARGIN_PER_CENT 5
#define SCRAPE_MARGIN_MS       100
#define SCRAPE_TIMEOUT_HEADER  "x-prometheus-scrape-timeout-seconds"
/* The least a scrape waits, whatever it says: its deadline is that of the round, which others have
 * joined, and an impatient one must not cost them their values. */
#define SCRAPE_WAIT_MIN_MS 500
/* Scrapes that wait at once. Connections are fewer, but peers that have gone leave theirs until the
 * round ends. */
#define SCRAPE_WAITING_MAX 1024
/* Seconds above which a timeout counts as this one: a year, to stay clear of overflow. */
#define SCRAPE_TIMEOUT_MAX_S (UINT64_C(365) * 24 * 3600)

/* A request that waits for its round. */
struct waiting {
    struct demand demand; /* first: done is given this */
    struct scrape *scrape;
    struct http_request *request;
    struct waiting *next;
    struct waiting **link; /* what points here */
};

struct scrape {
    char *telemetry_path;
    char *version;
    uint64_t max_timeout_ms;
    struct snapshot_source source;
    struct waiting *waiting;
    size_t waiting_count;
    struct bytes *body;   /* the exposition of one snapshot; NULL before the first */
    uint64_t body_number; /* that snapshot's number */
};

struct scrape *scrape_new(const struct scrape_options *options)
{
    assert(options->telemetry_path[0] == '/');
    struct scrape *s = alloc_zeroed(1, sizeof *s);
    s->telemetry_path = alloc_string(options->telemetry_path);
    s->version = alloc_string(options->version);
    s->max_timeout_ms = options->max_timeout_ms;
    s->source = options->source;
    return s;
}

static void waiting_free(struct waiting *w)
{
    w->scrape->waiting_count--;
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    free(w);
}

void scrape_free(struct scrape *s)
{
    while (s->waiting) {
        struct http_request *request = s->waiting->request;
        s->source.withdraw(s->source.context, &s->waiting->demand);
        waiting_free(s->waiting);
        http_respond_text(request, 503, NULL, "weir is stopping.");
    }
    bytes_unref(s->body);
    free(s->telemetry_path);
    free(s->version);
    free(s);
}

/* Brings the cached body up to `snapshot`. The old one is let go first: it will not be asked for
 * again, and two large bodies at a time would double what weir needs at its peak. */
static int encode_body(struct scrape *s, const struct snapshot *snapshot)
{
    if (s->body && s->body_number == snapshot->number)
        return 0;
    size_t expected = s->body ? s->body->length + s->body->length / 16 : 0;
    bytes_unref(s->body);
    s->body = NULL;

    struct buf b;
    buf_init(&b, SCRAPE_BODY_MAX);
    if (expected > 0 && expected < SCRAPE_BODY_MAX)
        (void)buf_reserve(&b,
                          expected); /* about as much as last time, without growing step by step */
    int r = prometheus_encode(snapshot, &prometheus_whole_text, &b);
    if (r < 0) {
        buf_done(&b);
        return r;
    }
    s->body = bytes_from_buf(&b);
    s->body_number = snapshot->number;
    return 0;
}

static void on_snapshot(struct demand *demand, struct snapshot *snapshot)
{
    struct waiting *w = (struct waiting *)demand;
    struct scrape *s = w->scrape;
    struct http_request *request = w->request;
    waiting_free(w);
    if (encode_body(s, snapshot) < 0) {
        http_respond_text(request, 500, NULL,
                          "The metrics do not fit into an answer of 256 MiB; allow fewer container "
                          "labels or include fewer containers.");
        return;
    }
    http_respond(request,
                 &(struct http_reply){.status = 200,
                                      .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                      .body = s->body});
}

/* Reads a positive decimal number of seconds such as "10" or "9.5"; what is finer than a ms is cut.
 * False for anything else. */
static bool parse_seconds(const char *text, uint64_t *ret_ms)
{
    size_t length = strcspn(text, ".");
    uint64_t seconds = 0;
    int r = text_parse_u64(text, length, &seconds);
    if (r == -ERANGE || seconds > SCRAPE_TIMEOUT_MAX_S)
        seconds = SCRAPE_TIMEOUT_MAX_S;
    else if (r < 0)
        return false;

    uint64_t fraction_ms = 0;
    uint64_t weight_ms = 100;
    const char *digit = text + length;
    if (*digit == '.' && *++digit == '\0')
        return false;
    for (; *digit != '\0'; digit++, weight_ms /= 10) {
        if (*digit < '0' || *digit > '9')
            return false;
        fraction_ms += (uint64_t)(*digit - '0') * weight_ms;
    }
    *ret_ms = seconds * 1000 + fraction_ms;
    return *ret_ms > 0;
}

/* How long this request may wait for its round. A malformed header is as good as none: it is a hint
 * of the scraper, max_timeout_ms bounds the wait without it, and refusing the scrape would cost the
 * numbers. */
static uint64_t wait_ms(const struct scrape *s, const struct http_request *request)
{
    const char *header = http_request_header(request, SCRAPE_TIMEOUT_HEADER);
    uint64_t timeout_ms = 0;
    if (!header || !parse_seconds(header, &timeout_ms))
        return s->max_timeout_ms;
    uint64_t margin_ms = timeout_ms * SCRAPE_MARGIN_PER_CENT / 100;
    if (margin_ms < SCRAPE_MARGIN_MS)
        margin_ms = SCRAPE_MARGIN_MS;
    uint64_t wait = timeout_ms > margin_ms ? timeout_ms - margin_ms : 0;
    if (wait < SCRAPE_WAIT_MIN_MS)
        wait = SCRAPE_WAIT_MIN_MS;
    return wait < s->max_timeout_ms ? wait : s->max_timeout_ms;
}

static void handle_metrics(struct scrape *s, struct http_request *request)
{
    if (s->waiting_count >= SCRAPE_WAITING_MAX) {
        http_respond_text(request, 503, NULL,
                          "Too many scrapes wait for the same round; ask again in a moment.");
        return;
    }
    s->waiting_count++;
    struct waiting *w = alloc_zeroed(1, sizeof *w);
    w->demand.deadline_ns = clock_monotonic_ns(&clock_system) + wait_ms(s, request) * NS_PER_MS;
    w->demand.done = on_snapshot;
    w->scrape = s;
    w->request = request;
    w->next = s->waiting;
    w->link = &s->waiting;
    if (w->next)
        w->next->link = &w->next;
    s->waiting = w;
    s->source.demand(s->source.context, &w->demand);
}

static void handle_page(struct scrape *s, struct http_request *request)
{
    struct page_options options = {.telemetry_path = s->telemetry_path, .version = s->version};
    struct buf b;
    buf_init(&b, SCRAPE_PAGE_MAX);
    const struct snapshot *newest = s->source.current(s->source.context);
    if (page_encode(&options, newest, clock_monotonic_ns(&clock_system), &b) < 0) {
        buf_done(&b);
        http_respond_text(request, 500, NULL,
                          "The page is larger than weir allows; the metrics are not.");
        return;
    }
    struct bytes *body = bytes_from_buf(&b);
    http_respond(request, &(struct http_reply){
                              .status = 200, .content_type = PAGE_CONTENT_TYPE, .body = body});
    bytes_unref(body);
}

static void handle_ready(struct scrape *s, struct http_request *request)
{
    if (s->source.current(s->source.context))
        http_respond_text(request, 200, NULL, "weir is ready.");
    else
        http_respond_text(request, 503, NULL,
                          "weir is not ready: its first round has not ended yet.");
}

static void handle_unknown(struct scrape *s, struct http_request *request)
{
    struct buf b;
    buf_init(&b, SCRAPE_PAGE_MAX);
    (void)buf_add_string(&b, "There is nothing at this path; the metrics are at ");
    (void)buf_add_string(&b, s->telemetry_path);
    (void)buf_add_char(&b, '.');
    http_respond_text(request, 404, NULL, b.failed ? "There is nothing at this path." : b.data);
    buf_done(&b);
}

void scrape_handle(void *context, struct http_request *request)
{
    struct scrape *s = context;
    const char *path = http_request_path(request);
    if (text_equal(path, s->telemetry_path))
        handle_metrics(s, request);
    else if (text_equal(path, "/"))
        handle_page(s, request);
    else if (text_equal(path, "/-/healthy") || text_equal(path, "/healthz"))
        http_respond_text(request, 200, NULL, "weir is healthy.");
    else if (text_equal(path, "/-/ready"))
        handle_ready(s, request);
    else
        handle_unknown(s, request);
}
