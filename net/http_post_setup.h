/* The options of http_post as libcurl takes them. Private to net/. Documents: curl_easy_setopt(3),
 * RFC 3986. */
#ifndef WEIR_NET_HTTP_POST_SETUP_H
#define WEIR_NET_HTTP_POST_SETUP_H

#include "net/curl_setup.h"

#include <stdbool.h>
#include <stddef.h>

/* An idle connection is closed then: below the keep-alive of common servers (60 s and more), and
 * above three default intervals. */
#define HTTP_POST_IDLE_S 55

struct err;
struct http_post_options;

struct http_post_setup {
    char *url;   /* the texts are owned; NULL where the option was */
    char *where; /* the URL as it may be shown: without its query, and no longer than a line */
    char *ca_file;
    char *cert_file;
    char *key_file;
    char *proxy;
    bool verify;
    bool tls; /* the URL's scheme is https */
};

/* What differs from request to request. Header lines and body must last as long as the handle. */
struct http_post_setup_request {
    struct curl_hooks hooks;
    struct curl_slist *headers;      /* of http_post_setup_headers */
    curl_prereq_callback on_request; /* each time that it goes out; data as of the hooks */
    const char *body;
    size_t body_length;
};

/* Is the URL one that can be posted to? 0 or -EINVAL with the sentence; libcurl is not needed. */
int http_post_setup_check(const struct http_post_options *options, struct err *e);
/* Copies the options and has libcurl accept them once. 0 or -EINVAL. */
int http_post_setup_init(struct http_post_setup *ret, const struct curl_functions *curl,
                         const struct http_post_options *options, struct err *e);
void http_post_setup_done(struct http_post_setup *s);
/* A list for slist_free_all. */
struct curl_slist *http_post_setup_headers(const struct curl_functions *curl,
                                           const char *const *headers);
/* A handle for one request, to be freed with easy_cleanup. CURLE_OK, or what libcurl refused. */
CURLcode http_post_setup_easy(const struct http_post_setup *s, const struct curl_functions *curl,
                              const struct http_post_setup_request *request, CURL **ret_easy);

#endif
