/* What it knows: certificates and keys as PEM text, and what is wrong with them. Documents: RFC
 * 7468, PEM_read_bio_X509(3), SSL_CTX_use_certificate(3). */
#include "net/tls_context.h"

#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define TLS_PEM_MAX         ((size_t)4 << 20) /* bytes; bundles of all public authorities have 0.3 MB */
#define KEY_MARK            "PRIVATE KEY-----" /* the end of such a key's first line */
#define FIRST_LINE_OF(kind) "\"-----BEGIN " kind "-----\""

/* Takes the certificate of place `number`, from 0, without owning it; false: OpenSSL refused. */
typedef bool (*take_certificate)(SSL_CTX *ssl, X509 *certificate, unsigned number);

/* OpenSSL would ask on the terminal. Its result says: no passphrase. */
static int refuse_to_ask(char *passphrase, int size, int writing, void *asked)
{
    (void)passphrase;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static int open_text(const struct tls_pem *pem, struct err *e, BIO **ret_bio)
{
    if (pem->length > TLS_PEM_MAX)
        return err_set(e, -EINVAL,
                       "%s has %zu bytes, more than any certificate or key: is it a "
                       "PEM file?",
                       pem->name, pem->length);
    BIO *bio = tls_functions()->BIO_new_mem_buf(pem->text ? pem->text : "", (int)pem->length);
    assert(bio);
    *ret_bio = bio;
    return 0;
}

/* The end of a PEM text is told as an error, too. */
static bool is_at_end(void)
{
    unsigned long code = tls_functions()->ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static int take_all(SSL_CTX *ssl, BIO *bio, const char *name, take_certificate take, struct err *e)
{
    const struct tls_functions *tls = tls_functions();
    for (unsigned number = 0;; number++) {
        bool asked = false;
        X509 *certificate = tls->PEM_read_bio_X509(bio, NULL, refuse_to_ask, &asked);
        if (!certificate && number > 0 && is_at_end())
            return 0;
        if (!certificate && is_at_end())
            return err_set(e, -EINVAL,
                           "%s holds no certificate: it needs one in PEM format, which "
                           "begins with the line " FIRST_LINE_OF("CERTIFICATE"),
                           name);
        if (!certificate)
            return err_set(e, -EINVAL,
                           "certificate %u in %s cannot be read (%s): it is cut off or "
                           "damaged, put it there again",
                           number + 1, name, tls_reason());
        bool taken = take(ssl, certificate, number);
        tls->X509_free(certificate);
        if (!taken)
            return err_set(e, -EINVAL,
                           "certificate %u in %s is not one OpenSSL accepts (%s): keys "
                           "need at least 2048 bits RSA or P-256, signatures SHA-256",
                           number + 1, name, tls_reason());
    }
}

static int read_certificates(SSL_CTX *ssl, const struct tls_pem *pem, take_certificate take,
                             struct err *e)
{
    BIO *bio = NULL;
    int r = open_text(pem, e, &bio);
    if (r < 0)
        return r;
    r = take_all(ssl, bio, pem->name, take, e);
    (void)tls_functions()->BIO_free(bio);
    return r;
}

static bool take_own(SSL_CTX *ssl, X509 *certificate, unsigned number)
{
    const struct tls_functions *tls = tls_functions();
    return number == 0 ? tls->SSL_CTX_use_certificate(ssl, certificate) == 1
                       : tls->SSL_CTX_ctrl(ssl, SSL_CTRL_CHAIN_CERT, 1, certificate) == 1;
}

int tls_pem_use_certificate(SSL_CTX *ssl, const struct tls_pem *certificate, struct err *e)
{
    if (!certificate->name)
        return err_set(e, -EINVAL, "serving TLS needs a certificate, and none is given");
    return read_certificates(ssl, certificate, take_own, e);
}

static bool take_authority(SSL_CTX *ssl, X509 *certificate, unsigned number)
{
    (void)number;
    const struct tls_functions *tls = tls_functions();
    return tls->X509_STORE_add_cert(tls->SSL_CTX_get_cert_store(ssl), certificate) == 1 &&
           tls->SSL_CTX_add_client_CA(ssl, certificate) == 1;
}

int tls_pem_use_client_ca(SSL_CTX *ssl, const struct tls_pem *ca, struct err *e)
{
    const struct tls_functions *tls = tls_functions();
    /* What the operator trusts need not be a root: Go takes every certificate of the file. */
    (void)tls->X509_STORE_set_flags(tls->SSL_CTX_get_cert_store(ssl), X509_V_FLAG_PARTIAL_CHAIN);
    return read_certificates(ssl, ca, take_authority, e);
}

static int read_key(const struct tls_pem *pem, struct err *e, EVP_PKEY **ret_key)
{
    BIO *bio = NULL;
    int r = open_text(pem, e, &bio);
    if (r < 0)
        return r;
    bool asked = false;
    EVP_PKEY *key = tls_functions()->PEM_read_bio_PrivateKey(bio, NULL, refuse_to_ask, &asked);
    (void)tls_functions()->BIO_free(bio);
    if (key) {
        *ret_key = key;
        return 0;
    }
    if (asked)
        return err_set(
            e, -EINVAL,
            "the key in %s is encrypted, and weir has no passphrase: store it decrypted, "
            "readable to weir alone (openssl pkey -in OLD -out NEW)",
            pem->name);
    /* OpenSSL says "unsupported" of everything else. */
    if (!pem->text || !memmem(pem->text, pem->length, KEY_MARK, sizeof KEY_MARK - 1))
        return err_set(e, -EINVAL,
                       "%s holds no private key: it needs one in PEM format, which begins with the "
                       "line " FIRST_LINE_OF("PRIVATE KEY"),
                       pem->name);
    return err_set(
        e, -EINVAL,
        "the key in %s cannot be read: it is cut off, damaged, or of a kind OpenSSL does "
        "not know; openssl pkey -in FILE -check tells",
        pem->name);
}

static int use_key(SSL_CTX *ssl, EVP_PKEY *key, const struct tls_terms *terms, struct err *e)
{
    const struct tls_functions *tls = tls_functions();
    /* SSL_CTX_use_PrivateKey alone would take a key of another type: it may have more than one. */
    if (tls->X509_check_private_key(tls->SSL_CTX_get0_certificate(ssl), key) != 1)
        return err_set(e, -EINVAL,
                       "the key in %.80s is not that of the first certificate in %.80s "
                       "(%.40s): the server's own must come first, those of authorities after it",
                       terms->key.name, terms->certificate.name, tls_reason());
    if (tls->SSL_CTX_use_PrivateKey(ssl, key) != 1)
        return err_set(e, -EINVAL,
                       "the key in %s is not one OpenSSL accepts (%s): use RSA of at "
                       "least 2048 bits, or P-256",
                       terms->key.name, tls_reason());
    return 0;
}

int tls_pem_use_key(SSL_CTX *ssl, const struct tls_terms *terms, struct err *e)
{
    if (!terms->key.name)
        return err_set(e, -EINVAL, "serving TLS needs the certificate's key, and none is given");
    EVP_PKEY *key = NULL;
    int r = read_key(&terms->key, e, &key);
    if (r < 0)
        return r;
    r = use_key(ssl, key, terms, e);
    tls_functions()->EVP_PKEY_free(key);
    return r;
}
