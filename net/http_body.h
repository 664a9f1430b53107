/* The body of one answer as its asker wants it: gathered, or line by line. What http_client.c and
 * curl_client.c have in common; private to net/. */
#ifndef WEIR_NET_HTTP_BODY_H
#define WEIR_NET_HTTP_BODY_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes of status line and headers: a hundred times what an engine sends. */
#define HTTP_HEAD_BYTES_MAX 65536

struct http_get_options;

struct http_body {
    struct buf bytes; /* the gathered body; of a stream the line that has begun */
    void (*on_line)(void *context, const char *line, size_t length); /* NULL: gathered */
    void *context;
    bool streaming; /* lines go to on_line: the head was there and its status is 2xx */
    bool stopped;   /* set by the owner: nobody wants the rest; no further call of on_line */
};

/* Makes it ready for the answer to `options`; keeps the memory of the one before. */
void http_body_begin(struct http_body *b, const struct http_get_options *options);
/* The head of the answer is there. 0, or -ECANCELED when the callback stopped it. */
int http_body_head(struct http_body *b, int status);
/* More of the body. 0, -EMSGSIZE (body or line past its limit), -ECANCELED (stopped). */
int http_body_add(struct http_body *b, const char *bytes, size_t length);
/* The body is whole: a last line without newline is given out. 0, -ECANCELED. */
int http_body_end(struct http_body *b);
/* Gives memory back that an unusually large answer needed. */
void http_body_trim(struct http_body *b);
/* Frees the memory. */
void http_body_done(struct http_body *b);

#endif
