/* POST to one URL, one request at a time: libcurl's multi socket interface on the loop. libcurl is
 * opened (dlopen) when the first of these is made and not before. Redirects are not followed, HTTP
 * is 1.1, "Expect" is not sent. Document: libcurl-multi(3). */
#ifndef WEIR_NET_HTTP_POST_H
#define WEIR_NET_HTTP_POST_H

#include "base/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct http_post; /* opaque */
struct http_post_result;
struct uv_loop_s;

/* Bytes kept of an answer's body; the rest is read and let go, past 4 MiB the connection ends. */
#define HTTP_POST_ANSWER_MAX 4096

struct http_post_options {
    const char *url;       /* http:// or https://, no user, password or fragment in it */
    const char *ca_file;   /* PEM, or NULL for the system's; read for each connection, as are... */
    const char *cert_file; /* client certificate, PEM, or NULL */
    const char *key_file;  /* its key, PEM, or NULL */
    const char *proxy;     /* URL; "" none; NULL: $http_proxy and its like, as curl(1) reads them */
    bool verify;           /* check the server's certificate and name */
};

struct http_post_request {
    const char *const *headers; /* "Name: value", no line ends, NULL-terminated; copied */
    const char *body;           /* not copied: valid until done or cancel */
    size_t body_length;
    uint64_t timeout_ms; /* for the whole of it, connecting too */
    void *context;
    /* Called once, from the loop and never from inside http_post_send. */
    void (*done)(void *context, const struct http_post_result *result);
};

/* Texts are valid during the call of `done`. An answer of 2xx counts when it came whole; of any
 * other status its head is enough, whatever becomes of the body. What does not count is told in
 * `reason` and `text` alone. */
struct http_post_result {
    enum reason reason; /* REASON_NONE: an answer came; its status may be any */
    const char *text;   /* what failed, where and the mend; "" with an answer */
    int status;         /* 0: none came */
    const char *body;   /* the first HTTP_POST_ANSWER_MAX bytes; never NULL */
    size_t body_length;
    const char *retry_after;  /* that header's value, NULL without */
    const char *content_type; /* likewise */
    const char *location;     /* likewise */
    /* X-Prometheus-Remote-Write-{Samples,Histograms,Exemplars}-Written; -1 without. */
    int64_t samples_written;
    int64_t histograms_written;
    int64_t exemplars_written;
    uint64_t duration_ns;
    bool resent; /* libcurl sent it twice or more: see http_post_send */
};

/* 0; -ENOENT: libcurl.so.4 cannot be opened (the sentence names the package); -EINVAL: the URL, or
 * a file that cannot be read. */
int http_post_new(struct uv_loop_s *loop, const struct http_post_options *options, struct err *e,
                  struct http_post **ret);
/* Starts the request; none may be under way. On a used connection that dies before any answer it is
 * sent again, so it may arrive twice; the result says so. */
void http_post_send(struct http_post *p, const struct http_post_request *request);
/* Ends the request without a call of done; its connection is closed. Nothing under way: nothing. */
void http_post_cancel(struct http_post *p);
/* Closes a connection that carries nothing; 55 s after its last request it is closed anyway. */
void http_post_close_idle(struct http_post *p);
/* Cancels and frees it once its handles are closed; the pointer is invalid at once. NULL is
 * allowed. */
void http_post_close(struct http_post *p);

#endif
