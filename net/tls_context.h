/* What the files of the TLS server share. Private to net/tls_*.c. */
#ifndef WEIR_NET_TLS_CONTEXT_H
#define WEIR_NET_TLS_CONTEXT_H

#include "net/tls.h"
#include "net/tls_load.h"

#include <stdatomic.h>

struct tls_context {
    atomic_uint references;
    SSL_CTX *ssl;                  /* owned */
    BIO_METHOD *bio;               /* how sessions read and write; owned */
    struct text_list client_names; /* owned */
    bool is_verifying;             /* a client's certificate is checked against the authorities */
};

/* tls_pem.c: PEM texts into `ssl`. 0, -EINVAL. */
int tls_pem_use_certificate(SSL_CTX *ssl, const struct tls_pem *certificate, struct err *e);
int tls_pem_use_key(SSL_CTX *ssl, const struct tls_terms *terms, struct err *e);
int tls_pem_use_client_ca(SSL_CTX *ssl, const struct tls_pem *ca, struct err *e);

/* tls_cipher.c: ciphers, curves and versions into `ssl`. 0, -EINVAL. */
int tls_cipher_use(SSL_CTX *ssl, const struct tls_terms *terms, struct err *e);

/* tls_client.c: how clients prove who they are. 0, -EINVAL. `context` must have its `ssl`. */
int tls_client_use(struct tls_context *context, const struct tls_terms *terms, struct err *e);

/* tls_session.c: the method of all sessions of a context. */
BIO_METHOD *tls_session_bio_method(void);

#endif
