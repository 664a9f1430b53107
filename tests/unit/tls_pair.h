/* What the tests of the TLS server share: certificates made for the run, and a server's session
 * whose peer is OpenSSL's own client, in one process. */
#ifndef WEIR_TESTS_TLS_PAIR_H
#define WEIR_TESTS_TLS_PAIR_H

#include "base/buf.h"
#include "net/tls.h"

#include <openssl/ssl.h>

/* Prints why and gives 77, the exit status for ctest, when the tests cannot run here; else 0. */
int certificates_missing(void);
/* Group set-up and tear-down. */
int certificates_make(void **state);
int certificates_remove(void **state);
/* A file of make_tls_certificates.sh as terms have it; NULL: none. Valid until the group ends. */
struct tls_pem certificates_pem(const char *name);

/* Terms of server.pem with its key: all versions, no client certificates. */
struct tls_terms pair_terms(void);
/* Must succeed. */
struct tls_context *pair_context(const struct tls_terms *terms);

struct pair_client {
    int version;             /* TLS1_2_VERSION...; 0: all from 1.2 */
    const char *certificate; /* a name of make_tls_certificates.sh without .pem; NULL: none */
    const char *ciphers;     /* as OpenSSL writes them; NULL: its choice */
    const char *curves;
    const char *protocols; /* as ALPN has them, each with its length before it */
    size_t bulk;           /* bytes of an unknown extension in its hello; 0: none */
    size_t maximum;        /* of the session's two buffers, bytes; 0: plenty */
    size_t step;           /* bytes the session is fed at once; 0: all */
    SSL_SESSION *resume;   /* NULL: none */
};

struct pair {
    struct tls_session *session;
    SSL_CTX *client_context;
    SSL *client;
    size_t step;
    struct buf plain;    /* what the session told */
    struct buf out;      /* what it has for the client; empty after pair_run */
    struct buf received; /* what the client read */
    int result;          /* of the last feed */
    int alert;           /* the code of the last alert the session sent; -1: none */
    bool is_client_done; /* its handshake */
};

struct pair pair_new(struct tls_context *context, const struct pair_client *options);
void pair_done(struct pair *p);
/* Carries bytes to and fro until both are silent, or the session failed and the client knows. */
void pair_run(struct pair *p);
/* The client writes. */
void pair_send(struct pair *p, const char *bytes, size_t length);
/* What the client has written and pair_run would carry, taken away; for free(). */
char *pair_take(struct pair *p, size_t *ret_length);
/* A pair_new and pair_run; the handshake must come about on both sides. */
struct pair pair_connected(struct tls_context *context, const struct pair_client *options);
/* A request goes over and an answer comes back. */
void pair_check_talks(struct pair *p);

#endif
