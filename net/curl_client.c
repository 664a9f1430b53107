/* What it knows: which transfer carries which request; and that libcurl may not be called from
 * inside its own callbacks, so what a caller asks for in there is done when libcurl has returned.
 * Documents: libcurl-multi(3), docs/engine-client.md. */
#include "net/curl_client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/curl_failure.h"
#include "net/curl_loop.h"
#include "net/curl_setup.h"
#include "net/http_body.h"
#include "net/http_exchange.h"
#include "net/http_failure.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct curl_transfer {
    LIST_ENTRY(curl_transfer) all;
    struct curl_client *client;
    struct curl_loop *loop;
    CURL *easy;
    struct http_exchange *exchange; /* NULL: nobody wants it any more */
    struct http_body body;
    int status; /* 0 until the head is there */
    int error;  /* what a callback of ours found: -EMSGSIZE, -E2BIG */
    size_t head_bytes;
    uint64_t begun_ns; /* CLOCK_MONOTONIC */
    bool added;        /* libcurl has it */
    char text[CURL_ERROR_SIZE];
};

struct curl_client {
    struct http_getter getter; /* first: the getter is the client */
    struct http_exchanges exchanges;
    struct curl_functions curl;
    struct curl_setup setup;
    /* Two multi handles, because close_idle must close the connections of one while an event stream
     * runs on the other. */
    struct curl_loop requests;
    struct curl_loop streams;
    LIST_HEAD(curl_transfer_list, curl_transfer) transfers;
    uint32_t max_connections;
    uint32_t running;    /* transfers on `requests` */
    unsigned busy;       /* libcurl or a callback of the caller runs */
    unsigned references; /* handles that are not closed yet */
    bool forget_idle;    /* close_idle was called while busy */
    bool requests_renew; /* the multi handle is to be made anew */
    bool streams_renew;
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

static struct curl_client *client_of(struct http_getter *getter)
{
    return (struct curl_client *)getter;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *transfer)
{
    struct curl_transfer *t = transfer;
    int r = http_body_add(&t->body, bytes, size * count);
    if (r == 0)
        return size * count;
    t->error = r;
    return 0; /* less than there was: libcurl ends the transfer */
}

/* Called for every line of the head; an empty one ends it. */
static size_t on_header(char *bytes, size_t size, size_t count, void *transfer)
{
    struct curl_transfer *t = transfer;
    size_t length = size * count;
    t->head_bytes += length;
    if (t->head_bytes > HTTP_HEAD_BYTES_MAX) {
        t->error = -E2BIG;
        return 0;
    }
    bool is_end = length <= 2 && (bytes[0] == '\r' || bytes[0] == '\n');
    if (!is_end || t->status != 0)
        return length;
    long status = 0;
    (void)t->client->curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return length; /* an interim answer */
    t->status = (int)status;
    int r = http_body_head(&t->body, t->status);
    if (t->exchange && t->body.streaming)
        t->exchange->deadline_ns = UINT64_MAX; /* the timeout was for the head */
    if (r == 0)
        return length;
    t->error = r;
    return 0;
}

static void free_transfer(struct curl_transfer *t)
{
    LIST_REMOVE(t, all);
    if (t->loop == &t->client->requests)
        t->client->running--;
    t->client->curl.easy_cleanup(t->easy);
    http_body_done(&t->body);
    free(t);
}

static struct http_exchange *detach(struct curl_transfer *t)
{
    struct http_exchange *x = t->exchange;
    t->exchange = NULL;
    t->body.stopped = true;
    if (x)
        x->carrier = NULL;
    return x;
}

static void start(struct curl_client *c, struct http_exchange *x)
{
    struct curl_transfer *t = alloc_zeroed(1, sizeof *t);
    t->client = c;
    t->loop = http_exchange_is_stream(x) ? &c->streams : &c->requests;
    if (t->loop == &c->requests)
        c->running++;
    t->exchange = x;
    x->carrier = t;
    t->begun_ns = clock_monotonic_ns(&clock_system);
    http_body_begin(&t->body, &x->options);
    const struct curl_setup_request request = {.path = x->path,
                                               .hooks = {.transfer = t,
                                                         .loop = t->loop,
                                                         .text = t->text,
                                                         .on_body = on_body,
                                                         .on_header = on_header},
                                               .keep = !http_exchange_is_stream(x)};
    CURLcode r = curl_setup_easy(&c->setup, &c->curl, &request, &t->easy);
    assert(r == CURLE_OK); /* the same options were accepted when the client was made */
    LIST_INSERT_HEAD(&c->transfers, t, all);
}

static void tear_down(struct curl_client *c);

static void remove_unwanted(struct curl_client *c)
{
    struct curl_transfer *next;
    for (struct curl_transfer *t = LIST_FIRST(&c->transfers); t; t = next) {
        next = LIST_NEXT(t, all);
        if (t->exchange)
            continue;
        if (t->added)
            curl_loop_remove(t->loop, t->easy);
        free_transfer(t);
    }
}

static void add_new(struct curl_client *c)
{
    for (struct curl_transfer *t = LIST_FIRST(&c->transfers); t; t = LIST_NEXT(t, all)) {
        if (!t->added)
            curl_loop_add(t->loop, t->easy);
        t->added = true;
    }
}

static void renew_if(struct curl_loop *l, bool *renew)
{
    if (*renew)
        curl_loop_forget(l);
    *renew = false;
}

/* Does what had to wait while libcurl or a caller's callback was running. */
static void settle(struct curl_client *c)
{
    if (c->busy > 0)
        return;
    remove_unwanted(c);
    c->requests_renew = c->requests_renew || (c->forget_idle && c->running == 0);
    c->forget_idle = false;
    renew_if(&c->requests, &c->requests_renew);
    renew_if(&c->streams, &c->streams_renew);
    if (c->closing) {
        tear_down(c);
        return;
    }
    struct http_exchange *x;
    while (c->running < c->max_connections && (x = http_exchanges_next(&c->exchanges)))
        start(c, x);
    add_new(c);
}

static void end_exchange(struct curl_client *c, struct http_exchange *x,
                         const struct http_result *result)
{
    c->busy++;
    http_exchange_end(x, result);
    c->busy--;
}

static void fail_exchange(struct curl_client *c, struct http_exchange *x, enum reason reason,
                          const char *text)
{
    struct http_result result = {.reason = reason,
                                 .text = text,
                                 .body = "",
                                 .sent_ns = x->sent_ns,
                                 .received_ns = clock_monotonic_ns(&clock_system)};
    struct curl_transfer *t = x->carrier;
    if (t) {
        result.status = t->status;
        (void)detach(t);
    }
    end_exchange(c, x, &result);
}

static void expire(void *owner, struct http_exchange *x)
{
    struct curl_client *c = owner;
    const struct curl_transfer *t = x->carrier;
    struct err e;
    enum reason reason =
        http_failure_timeout(c->setup.base_url, x,
                             !t               ? "waiting for a free connection"
                             : t->status == 0 ? "connecting or waiting for the head of the answer"
                                              : "reading the body of the answer",
                             &e);
    fail_exchange(c, x, reason, e.text);
    settle(c);
}

static void report_failure(struct curl_transfer *t, CURLcode code)
{
    struct curl_client *c = t->client;
    const char *where = c->setup.base_url;
    struct curl_failure_facts facts = {
        .code = code,
        .detail = t->text[0] ? t->text : c->curl.easy_strerror(code),
        .status = t->status,
    };
    (void)c->curl.easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &facts.os_error);
    struct err e;
    enum reason reason = t->error < 0
                             ? http_failure_answer(where, t->exchange, t->error, facts.detail, &e)
                             : curl_failure(where, t->exchange, &facts, &e);
    fail_exchange(c, t->exchange, reason, e.text);
}

static void report_success(struct curl_transfer *t)
{
    bool has_body = !t->body.streaming && t->body.bytes.length > 0;
    struct http_exchange *x = detach(t);
    struct http_result result = {.reason = REASON_NONE,
                                 .text = "",
                                 .status = t->status,
                                 .body = has_body ? t->body.bytes.data : "",
                                 .body_length = has_body ? t->body.bytes.length : 0,
                                 .sent_ns = x->sent_ns,
                                 .received_ns = clock_monotonic_ns(&clock_system)};
    end_exchange(t->client, x, &result);
}

static void on_ended(void *owner, CURL *easy, CURLcode code)
{
    struct curl_client *c = owner;
    char *private = NULL;
    (void)c->curl.easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct curl_transfer *t = (struct curl_transfer *)(void *)private;
    curl_off_t before_us = 0; /* from the begin until the request could go out */
    (void)c->curl.easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &before_us);
    if (t->exchange && before_us > 0)
        t->exchange->sent_ns = t->begun_ns + (uint64_t)before_us * 1000;
    if (code == CURLE_OK && t->status == 0)
        code = CURLE_GOT_NOTHING; /* the connection ended within the head: no error to libcurl */
    /* The last line of a stream may not end in a newline; its callback may still cancel. */
    if (t->exchange && code == CURLE_OK)
        (void)http_body_end(&t->body);
    if (t->exchange && code == CURLE_OK)
        report_success(t);
    else if (t->exchange)
        report_failure(t, code);
    free_transfer(t);
}

static void on_enter(void *owner)
{
    struct curl_client *c = owner;
    c->busy++;
}

/* libcurl's own state is lost, e.g. no descriptor could be watched: all its transfers fail. */
static void break_loop(struct curl_client *c, struct curl_loop *l, CURLMcode r)
{
    struct err e;
    err_set(&e, -EIO, "requests to %s failed inside libcurl: %s; are there free descriptors?",
            c->setup.base_url, c->curl.multi_strerror(r));
    if (l == &c->requests)
        c->requests_renew = true;
    else
        c->streams_renew = true;
    for (struct curl_transfer *t = LIST_FIRST(&c->transfers); t; t = LIST_NEXT(t, all)) {
        if (t->loop == l && t->exchange && t->added)
            fail_exchange(c, t->exchange, REASON_CONNECTION_FAILED, e.text);
    }
}

static void on_leave(void *owner, struct curl_loop *l, CURLMcode r)
{
    struct curl_client *c = owner;
    if (r != CURLM_OK)
        break_loop(c, l, r);
    c->busy--;
    settle(c);
}

static void on_opened(void *owner)
{
    struct curl_client *c = owner;
    c->references++;
}

static void release(void *owner)
{
    struct curl_client *c = owner;
    if (--c->references > 0)
        return;
    void (*closed)(void *) = c->closed;
    void *context = c->closed_context;
    curl_setup_done(&c->setup, &c->curl);
    curl_unload(&c->curl);
    free(c);
    if (closed)
        closed(context);
}

static const struct curl_loop_hooks hooks = {.enter = on_enter,
                                             .leave = on_leave,
                                             .ended = on_ended,
                                             .opened = on_opened,
                                             .released = release};

static int client_get(struct http_getter *self, const struct http_get_options *options,
                      struct http_exchange **ret_exchange)
{
    struct curl_client *c = client_of(self);
    assert(!c->closing);
    struct http_exchange *x;
    int r = http_exchange_new(&c->exchanges, options, &x);
    if (r < 0)
        return r;
    if (http_exchange_is_stream(x))
        start(c, x);
    else
        http_exchange_wait(x);
    settle(c);
    *ret_exchange = x;
    return 0;
}

static void cancel_exchange(struct http_exchange *x)
{
    if (x->carrier)
        (void)detach(x->carrier);
    http_exchange_drop(x);
}

static void client_cancel(struct http_getter *self, struct http_exchange *x)
{
    if (x->ended)
        return; /* from inside its own on_done */
    cancel_exchange(x);
    settle(client_of(self));
}

static void client_close_idle(struct http_getter *self)
{
    struct curl_client *c = client_of(self);
    c->forget_idle = true;
    settle(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_exchanges *set = handle->data;
    release(set->owner);
}

static void tear_down(struct curl_client *c)
{
    curl_loop_close(&c->requests);
    curl_loop_close(&c->streams);
    uv_close((uv_handle_t *)&c->exchanges.timer, on_timer_closed);
}

static void client_close(struct http_getter *self, void (*closed)(void *), void *context)
{
    struct curl_client *c = client_of(self);
    assert(!c->closing);
    c->closing = true;
    c->closed = closed;
    c->closed_context = context;
    struct http_exchange *x;
    while ((x = http_exchanges_any(&c->exchanges)))
        cancel_exchange(x);
    settle(c);
}

/* Requests that wait in line begin with the next call or answer. */
static void client_set_bound(struct http_getter *self, uint32_t max_connections)
{
    assert(max_connections > 0);
    client_of(self)->max_connections = max_connections;
}

static const struct http_getter getter_table = {.get = client_get,
                                                .cancel = client_cancel,
                                                .close_idle = client_close_idle,
                                                .set_bound = client_set_bound,
                                                .close = client_close};

int curl_client_new(struct uv_loop_s *loop, const struct curl_client_options *options,
                    struct err *e, struct http_getter **ret_client)
{
    assert(options->max_connections > 0);
    (void)signal(SIGPIPE, SIG_IGN); /* TLS libraries write without MSG_NOSIGNAL; EPIPE tells */
    int r = curl_setup_check(options, e);
    if (r < 0)
        return r;
    struct curl_client *c = alloc_zeroed(1, sizeof *c);
    r = curl_load(&c->curl, e);
    if (r < 0) {
        free(c);
        return r;
    }
    r = curl_setup_init(&c->setup, &c->curl, options, e);
    if (r < 0) {
        curl_unload(&c->curl);
        free(c);
        return r;
    }
    c->getter = getter_table;
    c->max_connections = options->max_connections;
    LIST_INIT(&c->transfers);
    curl_loop_init(&c->requests, loop, &c->curl, (long)c->max_connections, &hooks, c);
    curl_loop_init(&c->streams, loop, &c->curl, 1, &hooks, c);
    http_exchanges_init(&c->exchanges, loop, expire, c);
    c->references++; /* the timer of the exchanges */
    *ret_client = &c->getter;
    return 0;
}
