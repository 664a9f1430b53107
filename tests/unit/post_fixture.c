/* The reading server and the record of a request that post_fixture.h promises. */
#include "post_fixture.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

void seen_clear(struct seen *s)
{
    free(s->body);
    *s = (struct seen){0};
}

bool seen_read_head(int fd, struct seen *ret)
{
    seen_clear(ret);
    size_t length = 0;
    char *end = NULL;
    while (!end) {
        ssize_t r = recv(fd, ret->head + length, sizeof ret->head - 1 - length, 0);
        if (r <= 0)
            return false;
        length += (size_t)r;
        ret->head[length] = '\0';
        end = strstr(ret->head, "\r\n\r\n");
    }
    const char *field = strstr(ret->head, "\r\nContent-Length: ");
    uint64_t value = 0;
    if (field) {
        field += strlen("\r\nContent-Length: ");
        (void)text_parse_u64(field, strcspn(field, "\r"), &value);
    }
    ret->body_length = value;
    ret->body = alloc_bytes(value + 1);
    ret->rest_length = length - (size_t)(end + 4 - ret->head);
    memcpy(ret->body, end + 4, ret->rest_length < value ? ret->rest_length : value);
    end[4] = '\0';
    return true;
}

bool seen_read(int fd, struct seen *ret)
{
    if (!seen_read_head(fd, ret))
        return false;
    size_t length = ret->rest_length;
    while (length < ret->body_length) {
        ssize_t r = recv(fd, ret->body + length, ret->body_length - length, 0);
        if (r <= 0)
            return false;
        length += (size_t)r;
    }
    ret->body[length] = '\0';
    return true;
}

bool seen_echo(int fd, const struct seen *s)
{
    char head[128];
    size_t length = strlen(s->head);
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                   length + s->body_length);
    return peer_send(fd, head) && peer_send_bytes(fd, s->head, length) &&
           peer_send_bytes(fd, s->body, s->body_length);
}

void peer_will_reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static char *copy_or_null(const char *text)
{
    return text ? alloc_string(text) : NULL;
}

static void free_texts(struct posted *g)
{
    free(g->body);
    free(g->retry_after);
    free(g->content_type);
    free(g->location);
}

static void on_done(void *context, const struct http_post_result *result)
{
    struct posted *g = context;
    free_texts(g);
    g->calls++;
    g->reason = result->reason;
    g->status = result->status;
    g->body = alloc_copy(result->body, result->body_length);
    g->body_length = result->body_length;
    g->retry_after = copy_or_null(result->retry_after);
    g->content_type = copy_or_null(result->content_type);
    g->location = copy_or_null(result->location);
    g->samples = result->samples_written;
    g->histograms = result->histograms_written;
    g->exemplars = result->exemplars_written;
    g->duration_ns = result->duration_ns;
    g->resent = result->resent;
    (void)snprintf(g->text, sizeof g->text, "%s", result->text);
    g->done = true;
    if (g->then)
        g->then(g);
}

void posted_clear(struct posted *g)
{
    free_texts(g);
    *g = (struct posted){.then = g->then, .context = g->context};
}

struct http_post *post_with(uv_loop_t *loop, const struct http_post_options *options)
{
    struct err e = {0};
    struct http_post *p = NULL;
    if (http_post_new(loop, options, &e, &p) < 0)
        print_message("%s\n", e.text);
    assert_non_null(p);
    return p;
}

struct http_post *post_to(uv_loop_t *loop, unsigned port)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/write", port);
    const struct http_post_options options = {.url = url, .proxy = "", .verify = true};
    return post_with(loop, &options);
}

void post_begin(struct http_post *p, const char *body, size_t length, uint64_t timeout_ms,
                struct posted *g)
{
    const char *const headers[] = {"Content-Type: application/x-protobuf",
                                   "User-Agent: weir/1 (test)", NULL};
    const struct http_post_request request = {.headers = headers,
                                              .body = body,
                                              .body_length = length,
                                              .timeout_ms = timeout_ms,
                                              .context = g,
                                              .done = on_done};
    unsigned before = g->calls;
    http_post_send(p, &request);
    assert_int_equal(g->calls, before); /* never from inside */
}

void post_ask(uv_loop_t *loop, struct http_post *p, struct posted *g)
{
    posted_clear(g);
    post_begin(p, "body", 4, 10000, g);
    loop_until(loop, &g->done);
    assert_int_equal(g->calls, 1);
}

void post_end(uv_loop_t *loop, struct http_post *p)
{
    http_post_close(p);
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(loop), 0);
}
