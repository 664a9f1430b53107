/* What it knows: one TLS connection as bytes that come in and bytes that go out. OpenSSL reads and
 * writes through a BIO that looks at the caller's own bytes, so that nothing is held for an idle
 * session. Documents: net/tls.h, RFC 8446, RFC 5246, SSL_read_ex(3), BIO_meth_new(3). */
#include "net/tls_context.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "net/tls_hello.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK           ((size_t)4096) /* bytes of plaintext moved at once */
#define FAILURE_MAX     128            /* bytes: two of OpenSSL's reasons */
#define RECORD_OVERHEAD 64 /* bytes: header 5, nonce 16, MAC 20, padding 16 (RFC 5246 6.2.3) */

/* Steps of OpenSSL's handshake in a session. The first one takes 16 at most; what comes later are
 * new keys with some four each, which cost us a derivation every time (RFC 8446 4.6.3). */
#define STEPS_MAX 256

/* A fatal alert in the clear (RFC 8446 6.2). */
static const char decode_error[] = {SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, SSL_AD_DECODE_ERROR};

struct tls_session {
    struct tls_context *context;
    SSL *ssl;       /* owned, with the BIO */
    const char *in; /* what OpenSSL has not taken yet of the bytes fed; only during a feed */
    size_t in_length;
    struct buf *out; /* only during a call */
    struct tls_hello hello;
    const char *hello_failure; /* NULL: none */
    unsigned steps;
    bool is_ready;
    bool is_failed;
    char failure[FAILURE_MAX];
};

/* OpenSSL gets nothing more to read. */
static bool is_refused(const struct tls_session *t)
{
    return t->hello_failure || t->steps > STEPS_MAX;
}

static int read_fed(BIO *bio, char *data, size_t size, size_t *ret_length)
{
    const struct tls_functions *tls = tls_functions();
    struct tls_session *t = tls->BIO_get_data(bio);
    size_t length = size < t->in_length ? size : t->in_length;
    *ret_length = 0;
    tls->BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    if (!t->hello.is_over && !t->is_ready)
        t->hello_failure =
            tls_hello_watch(&t->hello, t->in, length, tls->SSL_version(t->ssl) == TLS1_3_VERSION);
    if (length == 0 || is_refused(t)) {
        tls->BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
        return 0;
    }
    memcpy(data, t->in, length);
    t->in += length;
    t->in_length -= length;
    *ret_length = length;
    return 1;
}

static int write_out(BIO *bio, const char *data, size_t size, size_t *ret_length)
{
    const struct tls_functions *tls = tls_functions();
    struct tls_session *t = tls->BIO_get_data(bio);
    tls->BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    *ret_length = 0;
    if (buf_add(t->out, data, size) < 0)
        return 0;
    *ret_length = size;
    return 1;
}

/* Everything is flushed at once, and nothing else has a meaning here. */
static long control(BIO *bio, int command, long number, void *argument)
{
    (void)bio;
    (void)number;
    (void)argument;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_session_bio_method(void)
{
    const struct tls_functions *tls = tls_functions();
    BIO_METHOD *method = tls->BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir");
    assert(method);
    (void)tls->BIO_meth_set_read_ex(method, read_fed);
    (void)tls->BIO_meth_set_write_ex(method, write_out);
    (void)tls->BIO_meth_set_ctrl(method, control);
    return method;
}

static void count_step(const SSL *ssl, int where, int value)
{
    (void)value;
    struct tls_session *t = tls_functions()->BIO_get_data(tls_functions()->SSL_get_rbio(ssl));
    if (where & SSL_CB_LOOP)
        t->steps++;
}

struct tls_session *tls_session_new(struct tls_context *c)
{
    const struct tls_functions *tls = tls_functions();
    struct tls_session *t = alloc_zeroed(1, sizeof *t);
    t->context = tls_context_ref(c);
    t->ssl = tls->SSL_new(c->ssl);
    BIO *bio = tls->BIO_new(c->bio);
    assert(t->ssl && bio); /* OpenSSL lacks these only without memory */
    tls->BIO_set_data(bio, t);
    tls->SSL_set_bio(t->ssl, bio, bio);
    tls->SSL_set_accept_state(t->ssl);
    tls->SSL_set_info_callback(t->ssl, count_step);
    return t;
}

void tls_session_free(struct tls_session *t)
{
    if (!t)
        return;
    tls_functions()->SSL_free(t->ssl);
    tls_context_unref(t->context);
    free(t);
}

static int fail(struct tls_session *t, int code, const char *failure, const char *detail)
{
    t->is_failed = true;
    (void)snprintf(t->failure, sizeof t->failure, "%s%s%s", failure, detail ? ": " : "",
                   detail ? detail : "");
    return code;
}

/* OpenSSL found nothing wrong: the peer gets a notice of the end in place of an alert. */
static int refuse(struct tls_session *t, int code, const char *failure)
{
    (void)tls_functions()->SSL_shutdown(t->ssl);
    return fail(t, code, failure, NULL);
}

static int fail_of_openssl(struct tls_session *t)
{
    const struct tls_functions *tls = tls_functions();
    unsigned long code = tls->ERR_peek_last_error();
    long verified = tls->SSL_get_verify_result(t->ssl);
    const char *detail = NULL;
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        detail = verified == X509_V_ERR_HOSTNAME_MISMATCH
                     ? "none of its names is allowed"
                     : tls->X509_verify_cert_error_string(verified);
    return fail(t, -EPROTO, tls_reason(), detail);
}

/* What the last call of OpenSSL that gave nothing means. */
static int judge(struct tls_session *t)
{
    int error = tls_functions()->SSL_get_error(t->ssl, 0);
    if (t->hello_failure) {
        (void)buf_add(t->out, decode_error, sizeof decode_error);
        return fail(t, -EPROTO, t->hello_failure, NULL);
    }
    if (is_refused(t))
        return refuse(t, -EPROTO, "too many new keys or handshakes");
    if (t->out->failed)
        return fail(t, -EMSGSIZE, "more output than the connection may hold", NULL);
    if (error == SSL_ERROR_WANT_READ)
        return 0;
    if (error == SSL_ERROR_ZERO_RETURN) {
        (void)snprintf(t->failure, sizeof t->failure, "ended by the peer");
        return -EPIPE;
    }
    return fail_of_openssl(t);
}

static int read_all(struct tls_session *t, struct buf *plain)
{
    const struct tls_functions *tls = tls_functions();
    char chunk[CHUNK];
    size_t length = 0;
    while (tls->SSL_read_ex(t->ssl, chunk, sizeof chunk, &length) == 1) {
        if (buf_add(plain, chunk, length) < 0)
            return refuse(t, -EMSGSIZE, "more input than the connection may hold");
        tls->ERR_clear_error(); /* else SSL_get_error would take what is left there for its own */
    }
    int r = judge(t);
    if (!t->is_failed && !t->is_ready)
        t->is_ready = tls->SSL_is_init_finished(t->ssl);
    return r;
}

int tls_session_feed(struct tls_session *t, const char *bytes, size_t length, struct buf *plain,
                     struct buf *out)
{
    assert(!t->is_failed);
    const struct tls_functions *tls = tls_functions();
    tls->ERR_clear_error();
    t->in = bytes;
    t->in_length = length;
    t->out = out;
    int r = read_all(t, plain);
    t->in = NULL;
    t->in_length = 0;
    t->out = NULL;
    tls->ERR_clear_error();
    return r;
}

int tls_session_write(struct tls_session *t, const char *bytes, size_t length, struct buf *out)
{
    const struct tls_functions *tls = tls_functions();
    if (!t->is_ready || t->is_failed)
        return -EPROTO;
    if (length == 0)
        return 0;
    /* One record more than needed: an answer to the peer's new keys goes out with the data. */
    size_t records = length / SSL3_RT_MAX_PLAIN_LENGTH + 2;
    int r = buf_reserve(out, length + records * RECORD_OVERHEAD);
    if (r < 0)
        return r;
    tls->ERR_clear_error();
    t->out = out;
    size_t written = 0;
    if (tls->SSL_write_ex(t->ssl, bytes, length, &written) != 1)
        r = fail(t, -EPROTO, "the peer began another handshake", NULL);
    t->out = NULL;
    tls->ERR_clear_error();
    assert(r < 0 || written == length);
    return r;
}

void tls_session_end(struct tls_session *t, struct buf *out)
{
    const struct tls_functions *tls = tls_functions();
    if (!t->is_ready || t->is_failed)
        return;
    t->out = out;
    (void)tls->SSL_shutdown(t->ssl); /* does not wait for the peer's */
    t->out = NULL;
    tls->ERR_clear_error();
}

bool tls_session_is_ready(const struct tls_session *t)
{
    return t->is_ready;
}

const char *tls_session_failure(const struct tls_session *t)
{
    return t->failure;
}
