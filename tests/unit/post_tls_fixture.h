/* What the TLS tests of http_post share: certificates made for the run, and receivers. */
#ifndef WEIR_TESTS_POST_TLS_FIXTURE_H
#define WEIR_TESTS_POST_TLS_FIXTURE_H

#include "post_fixture.h"

/* As KINDS of post_peer.py. */
enum receiver {
    RECEIVER, /* takes a client certificate, and lives without */
    RECEIVER_TLS_1_2,
    RECEIVER_STRICT, /* wants one */
    RECEIVER_STRICT_TLS_1_2,
    RECEIVER_EXPIRED,
    RECEIVER_ELSEWHERE, /* its certificate has another name */
    RECEIVER_FOREIGN,   /* signed by other-ca */
    RECEIVER_COUNT
};

/* Prints why and gives 77, the exit status for ctest, when the tests cannot run here; else 0. */
int receivers_missing(void);
/* Group set-up and tear-down. */
int receivers_begin(void **state);
int receivers_end(void **state);

unsigned receiver_port(enum receiver which);
/* https://localhost:port`path`; `ret_url` of 128 bytes, which it returns. */
const char *receiver_url(char *ret_url, enum receiver which, const char *path);
/* The path of a file in place_directory(): that of make_post_certificates.sh, or another. Owned by
 * the fixture. */
const char *receiver_file(const char *name);
/* Makes file `to` a copy of `from`. */
void receiver_copy(const char *from, const char *to);

#endif
