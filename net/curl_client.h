/* GET over TLS: libcurl's multi socket interface on the loop. libcurl is opened (dlopen) when the
 * first client is made and not before: loading it costs 1.1 MB. Document: libcurl-multi(3),
 * docs/engine-client.md. */
#ifndef WEIR_NET_CURL_CLIENT_H
#define WEIR_NET_CURL_CLIENT_H

#include "net/http_getter.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct uv_loop_s;

struct curl_client_options {
    const char *base_url;  /* e.g. https://host:2376, without a path */
    const char *ca_file;   /* PEM, or NULL for the system's */
    const char *cert_file; /* client certificate, PEM, or NULL */
    const char *key_file;  /* its key, PEM, or NULL */
    bool verify;           /* check the server's certificate and name */
    uint32_t max_connections;
};

/* As http_client_new. -ENOENT: libcurl.so.4 cannot be opened (the sentence names the package).
 * -EINVAL: an option libcurl refuses, or a file that cannot be read. SIGPIPE is ignored from then
 * on. */
int curl_client_new(struct uv_loop_s *loop, const struct curl_client_options *options,
                    struct err *e, struct http_getter **ret_client);

#endif
