/* Options as libcurl takes them: those of curl_client, and what they have in common with
 * http_post's. Private to net/. Document: curl_easy_setopt(3). */
#ifndef WEIR_NET_CURL_SETUP_H
#define WEIR_NET_CURL_SETUP_H

#include "net/curl_load.h"

#include <stdbool.h>
#include <stddef.h>

struct curl_client_options;
struct curl_loop;
struct err;

/* Whom a connection trusts and what it presents. Borrowed texts; NULL: the system's CAs, no
 * certificate. */
struct curl_trust {
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    bool verify;
};

/* Where libcurl reports to. */
struct curl_hooks {
    void *transfer; /* data of the two callbacks and CURLINFO_PRIVATE */
    struct curl_loop *loop;
    char *text; /* CURL_ERROR_SIZE bytes */
    size_t (*on_body)(char *bytes, size_t size, size_t count, void *transfer);
    size_t (*on_header)(char *bytes, size_t size, size_t count, void *transfer);
};

/* Can the files be read? 0 or -EINVAL with the sentence; libcurl is not needed. */
int curl_setup_check_trust(const struct curl_trust *trust, struct err *e);
/* All that a GET and a POST have in common. CURLE_OK, or what libcurl refused. */
CURLcode curl_setup_common(const struct curl_functions *curl, CURL *easy,
                           const struct curl_trust *trust, const struct curl_hooks *hooks);

struct curl_setup {
    char *base_url; /* the texts are owned; NULL where the option was */
    char *ca_file;
    char *cert_file;
    char *key_file;
    bool verify;
    struct curl_slist *headers;
};

/* What differs from request to request. */
struct curl_setup_request {
    const char *path;
    struct curl_hooks hooks;
    bool keep; /* the connection may carry other requests afterwards */
};

/* Are the URL and the files usable? 0 or -EINVAL with the sentence; libcurl is not needed. */
int curl_setup_check(const struct curl_client_options *options, struct err *e);
/* Copies the options and has libcurl accept them once. 0 or -EINVAL. */
int curl_setup_init(struct curl_setup *ret_setup, const struct curl_functions *curl,
                    const struct curl_client_options *options, struct err *e);
void curl_setup_done(struct curl_setup *s, const struct curl_functions *curl);
/* A handle for one request, to be freed with easy_cleanup. CURLE_OK, or what libcurl refused. */
CURLcode curl_setup_easy(const struct curl_setup *s, const struct curl_functions *curl,
                         const struct curl_setup_request *request, CURL **ret_easy);

#endif
