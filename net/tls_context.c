/* What it knows: the terms of a TLS server as a context of OpenSSL, shared by the sessions that
 * began under them. Documents: SSL_CTX_new(3), SSL_CTX_set_options(3), RFC 7301. */
#include "net/tls_context.h"

#include "base/alloc.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL         "http/1.1"    /* RFC 7301's name of the only one served */
#define MAX_CERTIFICATES ((long)32768) /* bytes a client's chain may have; OpenSSL's is 100 KB */

static const unsigned char session_owner[] = "weir"; /* whose tickets these are */

/* As Go's net/http without HTTP/2: a client that offers protocols must offer this one. */
static int choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
                           const unsigned char *offered, unsigned length, void *argument)
{
    (void)ssl;
    (void)argument;
    for (unsigned at = 0; at < length; at += 1u + offered[at]) {
        unsigned size = offered[at];
        if (size != sizeof PROTOCOL - 1 || size > length - at - 1 ||
            memcmp(offered + at + 1, PROTOCOL, size) != 0)
            continue;
        *ret_name = offered + at + 1;
        *ret_length = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void use_fixed_terms(SSL_CTX *ssl, bool client_order)
{
    const struct tls_functions *tls = tls_functions();
    uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;
    if (!client_order)
        options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
    (void)tls->SSL_CTX_set_options(ssl, options);
    /* Idle sessions keep no buffers, and no authority of clients goes out as a part of our chain.
     */
    (void)tls->SSL_CTX_ctrl(ssl, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN,
                            NULL);
    (void)tls->SSL_CTX_ctrl(ssl, SSL_CTRL_SET_MAX_CERT_LIST, MAX_CERTIFICATES, NULL);
    /* Tickets hold what resumption needs; a cache would grow with the number of clients. */
    (void)tls->SSL_CTX_ctrl(ssl, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
    (void)tls->SSL_CTX_set_session_id_context(ssl, session_owner, sizeof session_owner - 1);
    tls->SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
}

static int use_terms(struct tls_context *c, const struct tls_terms *terms, struct err *e)
{
    use_fixed_terms(c->ssl, terms->client_order);
    int r = tls_cipher_use(c->ssl, terms, e);
    if (r == 0)
        r = tls_pem_use_certificate(c->ssl, &terms->certificate, e);
    if (r == 0)
        r = tls_pem_use_key(c->ssl, terms, e);
    return r < 0 ? r : tls_client_use(c, terms, e);
}

static struct tls_context *new_empty(void)
{
    const struct tls_functions *tls = tls_functions();
    SSL_CTX *ssl = tls->SSL_CTX_new(tls->TLS_server_method());
    if (!ssl)
        return NULL;
    struct tls_context *c = alloc_zeroed(1, sizeof *c);
    atomic_init(&c->references, 1);
    c->ssl = ssl;
    c->bio = tls_session_bio_method();
    return c;
}

int tls_context_new(const struct tls_terms *terms, struct err *e, struct tls_context **ret)
{
    int r = tls_load(e);
    if (r < 0)
        return r;
    const struct tls_functions *tls = tls_functions();
    tls->ERR_clear_error();
    struct tls_context *c = new_empty();
    if (!c)
        r = err_set(e, -ENOSYS,
                    "OpenSSL cannot begin (%s): its configuration or installation is "
                    "broken, install libssl3 again",
                    tls_reason());
    else
        r = use_terms(c, terms, e);
    tls->ERR_clear_error();
    if (r < 0) {
        tls_context_unref(c);
        return r;
    }
    *ret = c;
    return 0;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
    unsigned before = atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    assert(before > 0 && before < UINT_MAX);
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    if (!c)
        return;
    unsigned before = atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1)
        return;
    tls_functions()->SSL_CTX_free(c->ssl);
    tls_functions()->BIO_meth_free(c->bio);
    text_list_done(&c->client_names);
    free(c);
}
