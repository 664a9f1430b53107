/* The answer to one POST as it comes in: head line by line, then the body. Private to net/.
 * Documents: RFC 9110, RFC 9112; the remote write specification 2.0 for its Written headers. */
#ifndef WEIR_NET_HTTP_POST_ANSWER_H
#define WEIR_NET_HTTP_POST_ANSWER_H

#include "net/http_post.h"

/* Bytes of a body that are read so that the connection can be used again, the most that OTLP lets a
 * server send; what sends more loses its connection. */
#define HTTP_POST_BODY_MAX (4U * 1024 * 1024)

enum http_post_written { WRITTEN_SAMPLES, WRITTEN_HISTOGRAMS, WRITTEN_EXEMPLARS, WRITTEN_COUNT };

struct http_post_answer {
    int status;        /* 0 until the head of the final answer is there */
    int error;         /* -E2BIG (head), -EBADMSG (status) */
    bool cut;          /* the body is past its limit: the rest is not read */
    char *retry_after; /* the texts are owned */
    char *content_type;
    char *location;
    int64_t written[WRITTEN_COUNT];
    size_t head_bytes;
    size_t body_bytes; /* seen; of those the first are in `body` */
    size_t body_length;
    char body[HTTP_POST_ANSWER_MAX + 1];
};

void http_post_answer_init(struct http_post_answer *a);
void http_post_answer_done(struct http_post_answer *a);
/* A line of a head with its line end, or of the trailers. 1: it ends a head, whose status is to be
 * told to http_post_answer_head; 0; -E2BIG. */
int http_post_answer_line(struct http_post_answer *a, const char *line, size_t length);
/* 0, also for an interim answer (1xx); -EBADMSG: a status that a POST cannot have. */
int http_post_answer_head(struct http_post_answer *a, long status);
/* More of the body. 0, -EMSGSIZE (past HTTP_POST_BODY_MAX). */
int http_post_answer_body(struct http_post_answer *a, const char *bytes, size_t length);
/* Does it count, though it did not come whole? What is not a success says all with its head; a 2xx
 * may have more to say (OTLP: which samples were rejected). */
bool http_post_answer_stands(const struct http_post_answer *a, bool whole);

#endif
