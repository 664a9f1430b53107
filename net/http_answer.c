/* What it knows: the bytes of an answer and its counts. The body goes out from where it lies.
 * Documents: RFC 9110 (Date, Allow, Content-Length), RFC 9112 section 9.3 (persistence). */
#include "net/http_connection.h"
#include "net/http_request.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX_BYTES         512 /* the longest head has some 250 and the content type */
#define CONTENT_TYPE_MAX_BYTES 200

struct http_write {
    uv_write_t request; /* `data` is what http_write_start was given */
    void (*done)(struct http_write *w, void *stream_data, int status);
    struct bytes *body; /* a reference; NULL when the head is all that is sent */
    size_t head_length;
    bool keep_alive;
    char head[HEAD_MAX_BYTES];
};

#define STATUS_CODE(code) code,
static const int status_codes[HTTP_STATUSES] = {HTTP_STATUS_LIST(STATUS_CODE)};

/* HTTP_STATUSES for one that is not in the list. */
static size_t status_index(int status)
{
    size_t i = 0;
    while (i < HTTP_STATUSES && status_codes[i] != status)
        i++;
    return i;
}

static const char *reason_phrase(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return ""; /* a client must not need the phrase */
    }
}

static const char *date_text(struct http_server *s)
{
    time_t now = (time_t)(clock_realtime_ns(&clock_system) / NS_PER_SECOND);
    struct tm utc;
    if (now == s->date_second || !gmtime_r(&now, &utc))
        return s->date;
    /* Day and month are English as long as the process never calls setlocale. */
    (void)strftime(s->date, sizeof s->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    s->date_second = now;
    return s->date;
}

static const char *connection_line(const struct http_answer *a)
{
    if (!a->keep_alive)
        return "Connection: close\r\n";
    return a->old ? "Connection: keep-alive\r\n" : "";
}

struct http_write *http_write_new(struct http_server *s, const struct http_answer *a)
{
    size_t index = status_index(a->status);
    assert(index < HTTP_STATUSES);
    assert(strlen(a->content_type) <= CONTENT_TYPE_MAX_BYTES);
    struct http_write *w = alloc_bytes(sizeof *w);
    int length = snprintf(w->head, sizeof w->head,
                          "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n"
                          "Content-Length: %zu\r\n%s%s\r\n",
                          a->status, reason_phrase(a->status), date_text(s), a->content_type,
                          a->body->length, a->status == 405 ? "Allow: GET, HEAD\r\n" : "",
                          connection_line(a));
    assert(length > 0 && (size_t)length < sizeof w->head);
    w->head_length = (size_t)length;
    w->keep_alive = a->keep_alive;
    w->body = a->head || a->body->length == 0 ? NULL : bytes_ref(a->body);
    s->answers[index]++;
    return w;
}

void http_write_free(struct http_write *w)
{
    bytes_unref(w->body);
    free(w);
}

static void on_uv_written(uv_write_t *request, int status)
{
    struct http_write *w = request->data;
    w->done(w, request->handle->data, status);
}

int http_write_start(struct http_write *w, uv_stream_t *stream,
                     void (*done)(struct http_write *w, void *stream_data, int status))
{
    uv_buf_t parts[2] = {{.base = w->head, .len = w->head_length}};
    if (w->body)
        parts[1] = (uv_buf_t){.base = w->body->data, .len = w->body->length};
    w->request.data = w;
    w->done = done;
    return uv_write(&w->request, stream, parts, w->body ? 2 : 1, on_uv_written);
}

bool http_write_keeps_alive(const struct http_write *w)
{
    return w->keep_alive;
}

void http_respond(struct http_request *r, int status, const char *content_type, struct bytes *body)
{
    assert(status_index(status) < HTTP_STATUSES);
    struct http_connection *c = r->connection;
    struct http_answer answer = {
        .status = status,
        .content_type = content_type,
        .body = body,
        .head = http_request_is_head(r),
        .keep_alive = r->keep_alive,
        .old = http_request_is_old(r),
    };
    http_request_free(r);
    if (c)
        http_connection_answer(c, &answer);
}

struct bytes *http_sentence_body(const char *sentence)
{
    struct buf text;
    buf_init(&text, strlen(sentence) + 1);
    buf_add_string(&text, sentence);
    buf_add_char(&text, '\n');
    return bytes_from_buf(&text);
}

void http_respond_text(struct http_request *r, int status, const char *sentence)
{
    struct bytes *body = http_sentence_body(sentence);
    http_respond(r, status, HTTP_TEXT_TYPE, body);
    bytes_unref(body);
}

uint64_t http_server_answers(const struct http_server *s, int status)
{
    size_t index = status_index(status);
    return index < HTTP_STATUSES ? s->answers[index] : 0;
}
