/* What an answer consists of. Private to net. */
#ifndef WEIR_NET_HTTP_ANSWER_H
#define WEIR_NET_HTTP_ANSWER_H

#include "net/http_server_internal.h"

#define HTTP_TEXT_TYPE "text/plain; charset=utf-8"

/* One answer. */
struct http_answer {
    int status;
    const char *content_type;
    const char *headers; /* more lines, or NULL */
    struct bytes *body;
    bool head;       /* its length only */
    bool keep_alive; /* the connection stays */
    bool old;        /* to an HTTP/1.0 peer */
};

/* A body of one line; one reference, the caller's. */
struct bytes *http_sentence_body(const char *sentence);

/* The longest head: ours has some 250 bytes beside the content type and the two runs of lines. */
#define HTTP_HEAD_MAX_BYTES (512 + 2 * HTTP_REPLY_HEADERS_MAX)

/* Writes the head of `a` to `ret`, counts the answer, and returns the head's length. */
size_t http_answer_head(struct http_server *s, const struct http_answer *a,
                        char ret[HTTP_HEAD_MAX_BYTES]);

#endif
