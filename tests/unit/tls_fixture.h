/* What the tests of curl_client share: certificates made for the run, and two TLS servers. */
#ifndef WEIR_TESTS_TLS_FIXTURE_H
#define WEIR_TESTS_TLS_FIXTURE_H

#include "http_client_fixture.h"
#include "net/curl_client.h"

/* Prints why and gives 77, the exit status for ctest, when the tests cannot run here; else 0. */
int tls_missing(void);
/* Group set-up and tear-down: with those of http_client_fixture. */
int tls_begin(void **state);
int tls_end(void **state);

unsigned tls_port(void);      /* of the server that wants a client certificate */
unsigned tls_open_port(void); /* of the one that does not */
/* The path of a file in place_directory(): ca.pem, other-ca.pem, client.pem, client.key, log (no
 * PEM). Writes to `ret_path`, 128 bytes, and returns it. */
const char *tls_file(char *ret_path, const char *name);

char *tls_url(const char *scheme, const char *host, unsigned port);
struct http_getter *tls_client_with(uv_loop_t *loop, const struct curl_client_options *options);
/* A client that has all the server wants. */
struct http_getter *tls_client(uv_loop_t *loop, uint32_t max_connections);
/* One request, from begin to end. */
void tls_ask(uv_loop_t *loop, struct http_getter *client, const char *path, struct got *g);

#endif
