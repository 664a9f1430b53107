/* An answer on its way to the peer. Private to net. */
#ifndef WEIR_NET_HTTP_ANSWER_H
#define WEIR_NET_HTTP_ANSWER_H

#include "net/http_server_internal.h"

#define HTTP_TEXT_TYPE "text/plain; charset=utf-8"

/* One answer. */
struct http_answer {
    int status;
    const char *content_type;
    struct bytes *body;
    bool head;       /* its length only */
    bool keep_alive; /* the connection stays */
    bool old;        /* to an HTTP/1.0 peer */
};

/* A body of one line; one reference, the caller's. */
struct bytes *http_sentence_body(const char *sentence);

/* An answer on its way out; freed with http_write_free once libuv is done with it. */
struct http_write;
struct http_write *http_write_new(struct http_server *s, const struct http_answer *a);
void http_write_free(struct http_write *w);
/* Hands it to `stream`. 0 or a negative errno; then `done` will not be called. */
int http_write_start(struct http_write *w, uv_stream_t *stream,
                     void (*done)(struct http_write *w, void *stream_data, int status));
bool http_write_keeps_alive(const struct http_write *w);

#endif
