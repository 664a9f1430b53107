/* What the tests of http_post share: reading a request as a server, and what came of one. The
 * servers are those of http_client_fixture. */
#ifndef WEIR_TESTS_POST_FIXTURE_H
#define WEIR_TESTS_POST_FIXTURE_H

#include "http_client_fixture.h"
#include "net/http_post.h"

/* A request as a server sees it. Zero-initialise it. */
struct seen {
    char head[4096]; /* with the empty line */
    char *body;
    size_t body_length; /* as Content-Length says */
    size_t rest_length; /* bytes of the body that came with the head */
};

/* Reads a whole request, or its head alone; false when the client has gone. */
bool seen_read(int fd, struct seen *ret);
bool seen_read_head(int fd, struct seen *ret);
void seen_clear(struct seen *s);
/* Answers with the request itself, head and body. */
bool seen_echo(int fd, const struct seen *s);
/* Closes with a reset (RST) once the script returns. */
void peer_will_reset(int fd);

/* What came of one request. Zero-initialise it. */
struct posted {
    bool done;
    unsigned calls;
    enum reason reason;
    int status;
    char text[512];
    char *body;
    size_t body_length;
    char *retry_after;
    char *content_type;
    char *location;
    int64_t samples;
    int64_t histograms;
    int64_t exemplars;
    uint64_t duration_ns;
    bool resent;
    void (*then)(struct posted *g); /* called at the end of done; may be NULL */
    void *context;
};

void posted_clear(struct posted *g);
/* A post to http://127.0.0.1:`port`/write without a proxy. */
struct http_post *post_to(uv_loop_t *loop, unsigned port);
struct http_post *post_with(uv_loop_t *loop, const struct http_post_options *options);
/* Starts a request with headers of its own. */
void post_begin(struct http_post *p, const char *body, size_t length, uint64_t timeout_ms,
                struct posted *g);
/* One request of the body "body", from begin to end; fails the test after 20 s. */
void post_ask(uv_loop_t *loop, struct http_post *p, struct posted *g);
/* Closes the post (NULL: it is closed) and the loop; fails when a handle is left. */
void post_end(uv_loop_t *loop, struct http_post *p);

#endif
