/* What it knows: the head of an answer, and its count. Documents: RFC 9110 (Date, Allow,
 * Content-Length), RFC 9112 section 9.3 (persistence). */
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

#define CONTENT_TYPE_MAX_BYTES 200

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
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 417:
        return "Expectation Failed";
    case 429:
        return "Too Many Requests";
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

size_t http_answer_head(struct http_server *s, const struct http_answer *a,
                        char ret[HTTP_HEAD_MAX_BYTES])
{
    size_t index = status_index(a->status);
    assert(index < HTTP_STATUSES);
    assert(strlen(a->content_type) <= CONTENT_TYPE_MAX_BYTES);
    int length = snprintf(ret, HTTP_HEAD_MAX_BYTES,
                          "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n"
                          "Content-Length: %zu\r\n%s%s%s\r\n",
                          a->status, reason_phrase(a->status), date_text(s), a->content_type,
                          a->body->length, a->headers ? a->headers : "",
                          s->headers ? s->headers : "", connection_line(a));
    assert(length > 0 && length < HTTP_HEAD_MAX_BYTES);
    s->answers[index]++;
    return (size_t)length;
}

void http_respond(struct http_request *r, const struct http_reply *reply)
{
    assert(status_index(reply->status) < HTTP_STATUSES);
    assert(!reply->headers || strlen(reply->headers) <= HTTP_REPLY_HEADERS_MAX);
    struct http_connection *c = r->connection;
    struct http_answer answer = {
        .status = reply->status,
        .content_type = reply->content_type,
        .headers = reply->headers,
        .body = reply->body,
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

void http_respond_text(struct http_request *r, int status, const char *headers,
                       const char *sentence)
{
    const struct http_reply reply = {
        .status = status,
        .content_type = HTTP_TEXT_TYPE,
        .headers = headers,
        .body = http_sentence_body(sentence),
    };
    http_respond(r, &reply);
    bytes_unref(reply.body);
}

uint64_t http_server_answers(const struct http_server *s, int status)
{
    size_t index = status_index(status);
    return index < HTTP_STATUSES ? s->answers[index] : 0;
}
