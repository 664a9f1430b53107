/* What it knows: the life of one request and of the connection it leaves behind. A caller is only
 * ever called when libcurl has returned, so it may do anything. Documents: libcurl-multi(3),
 * docs/PUSH.md. */
#include "net/http_post.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/curl_loop.h"
#include "net/http_post_answer.h"
#include "net/http_post_failure.h"
#include "net/http_post_setup.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define LAST_LOOK_MS 1 /* so that the loop turns once more */

struct post_transfer {
    struct http_post *post;
    CURL *easy;
    struct curl_slist *headers;
    struct http_post_request request; /* its headers are the list above */
    struct http_post_answer answer;
    uint64_t begun_ns; /* CLOCK_MONOTONIC */
    CURLcode code;     /* when it has ended */
    unsigned requests; /* times it went out: libcurl repeats it where a used connection died */
    bool ended;        /* libcurl has no part of it any more */
    bool last_look;    /* the time is up; what has arrived in it still counts */
    char text[CURL_ERROR_SIZE];
};

struct http_post {
    struct curl_functions curl;
    struct http_post_setup setup;
    struct curl_loop loop;
    struct post_transfer *transfer; /* NULL: none is under way */
    /* The end of the request's time; without a request, of the idle connection's. */
    uv_timer_t timer;
    unsigned references; /* handles that are not closed yet */
    bool closing;
};

static int on_request(void *transfer, char *peer, char *local, int peer_port, int local_port)
{
    struct post_transfer *t = transfer;
    (void)peer, (void)local, (void)peer_port, (void)local_port;
    t->requests++;
    return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *transfer)
{
    struct post_transfer *t = transfer;
    /* Less than there was: libcurl ends the transfer. */
    return http_post_answer_body(&t->answer, bytes, size * count) < 0 ? 0 : size * count;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *transfer)
{
    struct post_transfer *t = transfer;
    int r = http_post_answer_line(&t->answer, bytes, size * count);
    if (r == 1) {
        long status = 0;
        (void)t->post->curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        r = http_post_answer_head(&t->answer, status);
    }
    return r < 0 ? 0 : size * count;
}

static void on_time(uv_timer_t *timer);

/* The loop's time stands still while it works, e.g. encodes; a timer must begin now. */
static void start_timer(struct http_post *p, uint64_t ms)
{
    uv_update_time(p->loop.uv);
    int r = uv_timer_start(&p->timer, on_time, ms, 0);
    assert(r == 0); /* it is not closing */
}

/* Takes the transfer from libcurl and from the post, which is free for another one then. */
static struct post_transfer *detach(struct http_post *p)
{
    struct post_transfer *t = p->transfer;
    p->transfer = NULL;
    if (!t->ended)
        curl_loop_remove(&p->loop, t->easy);
    p->curl.easy_cleanup(t->easy);
    p->curl.slist_free_all(t->headers);
    start_timer(p, HTTP_POST_IDLE_S * 1000);
    return t;
}

static void free_transfer(struct post_transfer *t)
{
    http_post_answer_done(&t->answer);
    free(t);
}

/* The last thing that is done, with a transfer that is detached: the callback may close its post.
 */
static void report(struct post_transfer *t, enum reason reason, const char *text)
{
    struct http_post_answer *a = &t->answer;
    struct http_post_result result = {
        .reason = reason,
        .text = text,
        .body = "",
        .samples_written = -1,
        .histograms_written = -1,
        .exemplars_written = -1,
        .duration_ns = clock_monotonic_ns(&clock_system) - t->begun_ns,
        .resent = t->requests > 1,
    };
    if (reason == REASON_NONE) {
        result.status = a->status;
        result.body = a->body;
        result.body_length = a->body_length;
        result.retry_after = a->retry_after;
        result.content_type = a->content_type;
        result.location = a->location;
        result.samples_written = a->written[WRITTEN_SAMPLES];
        result.histograms_written = a->written[WRITTEN_HISTOGRAMS];
        result.exemplars_written = a->written[WRITTEN_EXEMPLARS];
    }
    t->request.done(t->request.context, &result);
    free_transfer(t);
}

static bool has_passed(const struct http_post *p, CURLINFO moment)
{
    curl_off_t us = 0; /* since the begin; 0: it was not reached */
    (void)p->curl.easy_getinfo(p->transfer->easy, moment, &us);
    return us > 0;
}

static enum http_post_phase phase_of(const struct http_post *p)
{
    const struct post_transfer *t = p->transfer;
    curl_off_t sent = 0;
    (void)p->curl.easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (t->answer.status != 0)
        return POST_READS;
    /* The first is not reached when the first write fails. */
    if (has_passed(p, CURLINFO_PRETRANSFER_TIME_T) ||
        has_passed(p, p->setup.tls ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T))
        return (size_t)sent < t->request.body_length ? POST_SENDS : POST_WAITS;
    return has_passed(p, CURLINFO_NAMELOOKUP_TIME_T) ? POST_CONNECTS : POST_RESOLVES;
}

static void fail(struct http_post *p, uint64_t timeout_ms)
{
    struct post_transfer *t = p->transfer;
    /* A connection that ends within the head is no error to libcurl. */
    CURLcode code = t->code == CURLE_OK ? CURLE_GOT_NOTHING : t->code;
    struct http_post_failure f = {
        .curl = {.code = code,
                 .detail = t->text[0] ? t->text : p->curl.easy_strerror(code),
                 .status = t->answer.status},
        .error = t->answer.error,
        .system_cas = !p->setup.ca_file,
        .tls = p->setup.tls,
        .timeout_ms = timeout_ms,
        .phase = phase_of(p),
    };
    (void)p->curl.easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &f.curl.os_error);
    (void)p->curl.easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &f.proxy_status);
    struct err e;
    enum reason reason = http_post_failure(p->setup.where, &f, &e);
    report(detach(p), reason, e.text);
}

static void on_time(uv_timer_t *timer)
{
    struct http_post *p = timer->data;
    struct post_transfer *t = p->transfer;
    if (!t) {
        curl_loop_forget(&p->loop);
    } else if (!t->last_look) {
        t->last_look = true;
        start_timer(p, LAST_LOOK_MS);
    } else if (http_post_answer_stands(&t->answer, false)) {
        report(detach(p), REASON_NONE, "");
    } else {
        fail(p, t->request.timeout_ms);
    }
}

static void on_enter(void *owner)
{
    (void)owner;
}

static void on_ended(void *owner, CURL *easy, CURLcode code)
{
    struct http_post *p = owner;
    assert(p->transfer && p->transfer->easy == easy);
    p->transfer->ended = true;
    p->transfer->code = code;
}

/* libcurl's own state is lost, e.g. no descriptor could be watched. */
static void break_off(struct http_post *p, CURLMcode r)
{
    struct err e;
    err_set(&e, -EIO, "POST to %s failed inside libcurl: %s; are there free descriptors?",
            p->setup.where, p->curl.multi_strerror(r));
    struct post_transfer *t = p->transfer ? detach(p) : NULL;
    curl_loop_forget(&p->loop);
    if (t)
        report(t, REASON_CONNECTION_FAILED, e.text);
}

static void on_leave(void *owner, struct curl_loop *l, CURLMcode r)
{
    (void)l;
    struct http_post *p = owner;
    const struct post_transfer *t = p->transfer;
    if (r != CURLM_OK)
        break_off(p, r);
    else if (t && t->ended && http_post_answer_stands(&t->answer, t->code == CURLE_OK))
        report(detach(p), REASON_NONE, "");
    else if (t && t->ended)
        fail(p, 0);
}

static void on_opened(void *owner)
{
    struct http_post *p = owner;
    p->references++;
}

static void release(void *owner)
{
    struct http_post *p = owner;
    if (--p->references > 0)
        return;
    http_post_setup_done(&p->setup);
    curl_unload(&p->curl);
    free(p);
}

static const struct curl_loop_hooks hooks = {.enter = on_enter,
                                             .leave = on_leave,
                                             .ended = on_ended,
                                             .opened = on_opened,
                                             .released = release};

static int check_options(const struct http_post_options *options, struct err *e)
{
    const struct curl_trust trust = {.ca_file = options->ca_file,
                                     .cert_file = options->cert_file,
                                     .key_file = options->key_file};
    int r = http_post_setup_check(options, e);
    return r < 0 ? r : curl_setup_check_trust(&trust, e);
}

int http_post_new(struct uv_loop_s *loop, const struct http_post_options *options, struct err *e,
                  struct http_post **ret)
{
    (void)signal(SIGPIPE, SIG_IGN); /* TLS libraries write without MSG_NOSIGNAL; EPIPE tells */
    int r = check_options(options, e);
    if (r < 0)
        return r;
    struct http_post *p = alloc_zeroed(1, sizeof *p);
    r = curl_load(&p->curl, e);
    if (r < 0) {
        free(p);
        return r;
    }
    r = http_post_setup_init(&p->setup, &p->curl, options, e);
    if (r < 0) {
        curl_unload(&p->curl);
        free(p);
        return r;
    }
    curl_loop_init(&p->loop, loop, &p->curl, 1, &hooks, p);
    r = uv_timer_init(loop, &p->timer);
    assert(r == 0); /* it only fills in the struct */
    p->timer.data = p;
    p->references++;
    *ret = p;
    return 0;
}

void http_post_send(struct http_post *p, const struct http_post_request *request)
{
    assert(!p->transfer && !p->closing && request->timeout_ms > 0);
    struct post_transfer *t = alloc_zeroed(1, sizeof *t);
    t->post = p;
    t->request = *request;
    t->headers = http_post_setup_headers(&p->curl, request->headers);
    t->begun_ns = clock_monotonic_ns(&clock_system);
    http_post_answer_init(&t->answer);
    const struct http_post_setup_request setup = {.hooks = {.transfer = t,
                                                            .loop = &p->loop,
                                                            .text = t->text,
                                                            .on_body = on_body,
                                                            .on_header = on_header},
                                                  .headers = t->headers,
                                                  .on_request = on_request,
                                                  .body = request->body,
                                                  .body_length = request->body_length};
    CURLcode r = http_post_setup_easy(&p->setup, &p->curl, &setup, &t->easy);
    assert(r == CURLE_OK); /* the same options were accepted when it was made */
    p->transfer = t;
    start_timer(p, request->timeout_ms);
    curl_loop_add(&p->loop, t->easy);
}

void http_post_cancel(struct http_post *p)
{
    if (p->transfer)
        free_transfer(detach(p));
}

void http_post_close_idle(struct http_post *p)
{
    if (p->transfer)
        return;
    curl_loop_forget(&p->loop);
    (void)uv_timer_stop(&p->timer);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void http_post_close(struct http_post *p)
{
    if (!p)
        return;
    http_post_cancel(p);
    p->closing = true;
    curl_loop_close(&p->loop);
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}
