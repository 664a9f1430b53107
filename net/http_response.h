/* A parser of HTTP/1.1 answers fed with pieces of any size. It knows no socket; private to net/ and
 * its tests. Documents: RFC 9112; llhttp. */
#ifndef WEIR_NET_HTTP_RESPONSE_H
#define WEIR_NET_HTTP_RESPONSE_H

#include "net/http_body.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>

struct http_get_options;

/* Zero-initialise it, then http_response_begin before each answer. It must not move in memory. */
struct http_response {
    llhttp_t parser;
    struct http_body body;
    size_t head_bytes; /* of all heads of this answer, interim ones included */
    int status;        /* 0 until the status line and the headers are there */
    int error;         /* what a callback found */
    bool complete;
    bool keep_alive; /* after completion: the connection can carry another request */
};

/* Ready for the answer to `options`. */
void http_response_begin(struct http_response *r, const struct http_get_options *options);
/* Feeds what came. 1: the answer is whole; 0: more is needed; -EBADMSG: not HTTP
 * (http_response_problem says why); -EMSGSIZE: body or line past its limit; -E2BIG: head past its
 * limit; -ECANCELED: the line callback stopped it. */
int http_response_feed(struct http_response *r, const char *bytes, size_t length);
/* The peer has closed. 1: that was the end of the answer; -ENODATA: it ended early; -ECANCELED. */
int http_response_finish(struct http_response *r);
/* What is wrong with the answer, in llhttp's words. */
const char *http_response_problem(const struct http_response *r);
/* Frees the body. */
void http_response_done(struct http_response *r);

#endif
