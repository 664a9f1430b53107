/* What it knows: the paths weir answers, which scrapes wait for what, and what is done with those
 * that find no place to wait. Documents: "Writing exporters" of prometheus.io (landing page), RFC
 * 9110 (methods, Vary), and docs/ARCHITECTURE.md (rounds). */
#include "exporters/scrape.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "base/text.h"
#include "exporters/body_cache.h"
#include "exporters/page.h"
#include "exporters/scrape_request.h"
#include "net/http_server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the landing page: its table has a line per engine and collector, a dozen at most. */
#define SCRAPE_PAGE_MAX (UINT64_C(256) << 10)

/* The newest snapshot may be that part of max_age_ms older for those who cannot wait. */
#define LATE_SHARE 4

#define VARY "Vary: Accept, Accept-Encoding\r\n"

/* What a scrape gets. */
struct order {
    struct body_wanted wanted;
    struct negotiated negotiated;
};

/* A request that waits for its round, then perhaps for the compression of its body. */
struct waiting {
    struct demand demand; /* first: done is given this */
    struct body_wait compression;
    bool demanded; /* the source has the demand */
    struct order order;
    struct scrape *scrape;
    struct http_request *request;
    struct waiting *next;
    struct waiting **link; /* what points here */
};

struct scrape {
    char *route_prefix;
    char *telemetry_path;
    char *version;
    struct scrape_options options; /* its texts are the ones above */
    struct body_cache *bodies;
    struct waiting *waiting;
    uint64_t waiting_count;
    uint64_t waiting_since_ns; /* CLOCK_MONOTONIC: somebody waits without a break */
    uint64_t refused;
};

static void free_texts(struct scrape *s)
{
    free(s->route_prefix);
    free(s->telemetry_path);
    free(s->version);
}

static void take_options(struct scrape *s, const struct scrape_options *options)
{
    const char *prefix = options->route_prefix ? options->route_prefix : "";
    size_t length = strlen(prefix);
    assert(length == 0 || (prefix[0] == '/' && prefix[length - 1] != '/'));
    assert(options->telemetry_path[0] == '/');
    s->route_prefix = alloc_string(prefix);
    s->telemetry_path = alloc_string(options->telemetry_path);
    s->version = alloc_string(options->version);
    s->options = *options;
    s->options.route_prefix = s->route_prefix;
    s->options.telemetry_path = s->telemetry_path;
    s->options.version = s->version;
}

struct scrape *scrape_new(struct uv_loop_s *loop, const struct scrape_options *options)
{
    struct scrape *s = alloc_zeroed(1, sizeof *s);
    take_options(s, options);
    s->bodies = body_cache_new(loop);
    return s;
}

/* A new source. What is left of the wait may be too little for a round that others have joined. */
static void ask_again(struct scrape *s, struct waiting *w)
{
    uint64_t least_ns = clock_monotonic_ns(&clock_system) + SCRAPE_REQUEST_WAIT_MIN_MS * NS_PER_MS;
    if (w->demand.deadline_ns < least_ns)
        w->demand.deadline_ns = least_ns;
    s->options.source.demand(s->options.source.context, &w->demand);
}

void scrape_set(struct scrape *s, const struct scrape_options *options)
{
    for (struct waiting *w = s->waiting; w; w = w->next)
        if (w->demanded)
            s->options.source.withdraw(s->options.source.context, &w->demand);
    free_texts(s);
    take_options(s, options);
    body_cache_clear(s->bodies); /* what they were made from is not asked for again */
    for (struct waiting *w = s->waiting; w; w = w->next)
        if (w->demanded)
            ask_again(s, w);
}

uint64_t scrape_refused(const struct scrape *s)
{
    return s->refused;
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
    body_cache_free(s->bodies);
    while (s->waiting) {
        struct http_request *request = s->waiting->request;
        if (s->waiting->demanded)
            s->options.source.withdraw(s->options.source.context, &s->waiting->demand);
        waiting_free(s->waiting);
        http_respond_text(request, 503, NULL, "weir is stopping.");
    }
    free_texts(s);
    free(s);
}

/* `body` NULL: it does not fit. */
static void respond(struct http_request *request, const struct order *order,
                    const struct body *body)
{
    if (!body) {
        http_respond_text(request, 500, NULL,
                          "The metrics do not fit into an answer of 256 MiB; allow fewer container "
                          "labels or include fewer containers.");
        return;
    }
    http_respond(request, &(struct http_reply){
                              .status = 200,
                              .content_type = order->negotiated.content_type,
                              .headers = body->gzip ? VARY "Content-Encoding: gzip\r\n" : VARY,
                              .body = body->bytes});
}

static void on_compressed(struct body_wait *wait, const struct body *body)
{
    struct waiting *w = (struct waiting *)((char *)wait - offsetof(struct waiting, compression));
    struct http_request *request = w->request;
    struct order order = w->order;
    waiting_free(w);
    respond(request, &order, body);
}

static void on_snapshot(struct demand *demand, struct snapshot *snapshot)
{
    struct waiting *w = (struct waiting *)demand;
    struct body body;
    w->demanded = false;
    int r = body_cache_get(w->scrape->bodies, snapshot, &w->order.wanted, &w->compression, &body);
    if (r != -EINPROGRESS)
        on_compressed(&w->compression, r < 0 ? NULL : &body);
}

static void wait_for_round(struct scrape *s, struct http_request *request,
                           const struct order *order)
{
    uint64_t wait_ms = scrape_request_wait_ms(http_request_header(request, SCRAPE_TIMEOUT_HEADER),
                                              s->options.max_timeout_ms);
    struct waiting *w = alloc_zeroed(1, sizeof *w);
    w->demand.deadline_ns = clock_monotonic_ns(&clock_system) + wait_ms * NS_PER_MS;
    w->demand.done = on_snapshot;
    w->compression.done = on_compressed;
    w->demanded = true;
    w->order = *order;
    w->scrape = s;
    w->request = request;
    w->next = s->waiting;
    w->link = &s->waiting;
    if (w->next)
        w->next->link = &w->next;
    s->waiting = w;
    if (s->waiting_count++ == 0)
        s->waiting_since_ns = clock_monotonic_ns(&clock_system);
    s->options.source.demand(s->options.source.context, &w->demand);
}

/* May the newest snapshot serve one for whom there is no place to wait? Those who have a place
 * began to wait because it had just become too old, so it may be somewhat older than that, and as
 * much older as they have waited. */
static bool newest_may_serve(const struct scrape *s, const struct snapshot *newest)
{
    uint64_t max_age_ns = s->options.max_age_ms * NS_PER_MS;
    uint64_t waited_ns = clock_monotonic_ns(&clock_system) - s->waiting_since_ns;
    uint64_t age_ns = clock_monotonic_ns(&clock_system) - newest->monotonic_ns;
    return max_age_ns > 0 && age_ns <= max_age_ns + max_age_ns / LATE_SHARE + waited_ns;
}

/* No place to wait: what is there serves, so that a flood does not cost a well-behaved scraper its
 * scrape. */
static void serve_newest(struct scrape *s, struct http_request *request, const struct order *order)
{
    struct snapshot *newest = s->options.source.current(s->options.source.context);
    if (!newest || !newest_may_serve(s, newest)) {
        s->refused++;
        http_respond_text(request, 503, "Retry-After: 1\r\n",
                          "As many scrapes wait as may at once; ask again in a moment.");
        return;
    }
    struct body body;
    int r = body_cache_get(s->bodies, newest, &order->wanted, NULL, &body);
    respond(request, order, r < 0 ? NULL : &body);
}

static void handle_metrics(struct scrape *s, struct http_request *request)
{
    struct order order = {0};
    struct err e = {0};
    const char *sentence = NULL;
    if (scrape_request_groups(http_request_query(request), &e, &order.wanted.options.groups) < 0) {
        http_respond_text(request, 400, NULL, e.text);
        return;
    }
    if (negotiate(http_request_header(request, "accept"),
                  http_request_header(request, "accept-encoding"), s->options.gzip,
                  http_request_is_local(request), &order.negotiated, &sentence) < 0) {
        http_respond_text(request, 406, VARY, sentence);
        return;
    }
    order.wanted.options.format = order.negotiated.format;
    order.wanted.gzip = order.negotiated.gzip;
    order.wanted.gzip_only = order.negotiated.gzip_only;
    if (s->options.max_requests > 0 && s->waiting_count >= s->options.max_requests)
        serve_newest(s, request, &order);
    else
        wait_for_round(s, request, &order);
}

/* Links are relative to the page's own path: without a slash at its end that is where its last part
 * stands. */
static char *link_base(const struct scrape *s, const struct http_request *request)
{
    const char *path = http_request_path(request);
    return alloc_format(".%s", text_equal(path, s->route_prefix) ? strrchr(path, '/') : "");
}

static void handle_page(struct scrape *s, struct http_request *request)
{
    char *base = link_base(s, request);
    struct page_options options = {
        .link_base = base, .telemetry_path = s->telemetry_path, .version = s->version};
    struct buf b;
    buf_init(&b, SCRAPE_PAGE_MAX);
    const struct snapshot *newest = s->options.source.current(s->options.source.context);
    int r = page_encode(&options, newest, clock_monotonic_ns(&clock_system), &b);
    free(base);
    if (r < 0) {
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
    if (s->options.source.current(s->options.source.context))
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
    (void)buf_add_string(&b, s->route_prefix);
    (void)buf_add_string(&b, s->telemetry_path);
    (void)buf_add_char(&b, '.');
    http_respond_text(request, 404, NULL, b.failed ? "There is nothing at this path." : b.data);
    buf_done(&b);
}

/* POST or PUT. */
static void handle_change(struct scrape *s, struct http_request *request, const char *path)
{
    if (!path || !text_equal(path, "/-/reload"))
        http_respond_text(request, 405, "Allow: GET, HEAD\r\n", "Only GET and HEAD are allowed.");
    else if (s->options.reload)
        s->options.reload(s->options.context, request);
    else
        http_respond_text(request, 403, NULL,
                          "Reloading by HTTP is off; to have it, start weir with "
                          "--web.enable-lifecycle.");
}

/* `path` is NULL outside the prefix. */
static void handle_read(struct scrape *s, struct http_request *request, const char *path)
{
    path = path ? path : "";
    if (text_equal(path, s->telemetry_path))
        handle_metrics(s, request);
    else if (text_equal(path, "/"))
        handle_page(s, request);
    else if (text_equal(path, "/-/healthy") || text_equal(path, "/healthz"))
        http_respond_text(request, 200, NULL, "weir is healthy.");
    else if (text_equal(path, "/-/ready"))
        handle_ready(s, request);
    else if (text_equal(path, "/-/reload"))
        http_respond_text(request, 405, "Allow: POST, PUT\r\n", "Reload by POST or PUT.");
    else
        handle_unknown(s, request);
}

/* The path below the prefix; NULL for one that is not. */
static const char *path_below(const struct scrape *s, const char *path)
{
    if (!text_starts_with(path, s->route_prefix))
        return NULL;
    path += strlen(s->route_prefix);
    if (*path == '\0')
        return "/";
    return *path == '/' ? path : NULL;
}

void scrape_handle(void *context, struct http_request *request)
{
    struct scrape *s = context;
    const char *method = http_request_method(request);
    const char *path = path_below(s, http_request_path(request));
    if (text_equal(method, "POST") || text_equal(method, "PUT"))
        handle_change(s, request, path);
    else
        handle_read(s, request, path);
}
