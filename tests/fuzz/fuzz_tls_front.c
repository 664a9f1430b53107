/* What anybody can send to a TLS server before it knows them. Input: the mode, the size of the
 * pieces, then in mode 0 the client's bytes, in mode 1 changes to a real hello (two bytes of place,
 * one of value) and after them what is appended. An independent reader of records and hellos
 * judges: the server may answer only what is a well-formed hello, however it is cut, and may tell
 * no plaintext. Documents: RFC 8446 4.1.2 and 5.1, RFC 5246 7.4.1.2. */
#include "base/buf.h"
#include "base/err.h"
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define IN_MAX       65536          /* bytes of one input */
#define OUT_MAX      ((size_t)8192) /* bytes; a certificate of ours and its flight have 1000 */
#define CHANGES_MAX  8              /* of one input in mode 1 */
#define CHANGE_BYTES 3
#define KEPT_DAYS    (60L * 60 * 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct tls_context *context;
static uint8_t real_hello[4096];
static size_t real_hello_length;

/* ---- the judge ---- */

struct reader {
    const uint8_t *at;
    size_t left;
    bool is_bad;
};

static size_t read_number(struct reader *r, size_t bytes)
{
    size_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (r->left == 0) {
            r->is_bad = true;
            return 0;
        }
        number = number << 8 | *r->at++;
        r->left--;
    }
    return number;
}

static struct reader read_part(struct reader *r, size_t length)
{
    if (length > r->left) {
        r->is_bad = true;
        return (struct reader){0};
    }
    struct reader part = {.at = r->at, .left = length};
    r->at += length;
    r->left -= length;
    return part;
}

/* A vector with its length before it. */
static struct reader read_vector(struct reader *r, size_t length_bytes, size_t least, size_t most)
{
    size_t length = read_number(r, length_bytes);
    if (length < least || length > most)
        r->is_bad = true;
    return read_part(r, length);
}

/* Of these none may come twice (RFC 8446 4.2): names, groups, signatures, protocols, versions,
 * keys... Doubles of ones it does not know a server may overlook. */
static const uint16_t known_extensions[] = {0, 10, 11, 13, 16, 22, 23, 35, 41, 43, 45, 51};
#define KNOWN_COUNT    (sizeof known_extensions / sizeof known_extensions[0])
#define PRE_SHARED_KEY 41 /* must be the last one (RFC 8446 4.2.11) */

static bool are_extensions(struct reader all)
{
    bool is_seen[KNOWN_COUNT] = {false};
    while (all.left > 0) {
        size_t type = read_number(&all, 2);
        (void)read_vector(&all, 2, 0, 65535);
        if (all.is_bad || (type == PRE_SHARED_KEY && all.left > 0))
            return false;
        for (size_t i = 0; i < KNOWN_COUNT; i++) {
            if (known_extensions[i] != type)
                continue;
            if (is_seen[i])
                return false;
            is_seen[i] = true;
        }
    }
    return true;
}

static bool is_hello_body(struct reader body)
{
    (void)read_number(&body, 2); /* legacy_version */
    (void)read_part(&body, 32);  /* random */
    (void)read_vector(&body, 1, 0, 32);
    struct reader suites = read_vector(&body, 2, 2, 65534);
    (void)read_vector(&body, 1, 1, 255); /* compression methods */
    if (body.is_bad || suites.left % 2 == 1)
        return false;
    if (body.left == 0)
        return true; /* TLS 1.2 without extensions */
    struct reader extensions = read_vector(&body, 2, 0, 65535);
    return !body.is_bad && body.left == 0 && are_extensions(extensions);
}

/* Do the bytes begin with records whose first message is a whole, well-formed hello? Records
 * without content must not be sent (RFC 8446 5.1), but OpenSSL overlooks a few. */
static bool is_hello(const uint8_t *bytes, size_t length)
{
    static uint8_t message[IN_MAX];
    struct reader in = {.at = bytes, .left = length};
    size_t got = 0;
    size_t wanted = 4;
    while (got < wanted) {
        size_t type = read_number(&in, 1);
        size_t version = read_number(&in, 2);
        struct reader fragment = read_vector(&in, 2, 0, 16384);
        if (in.is_bad || type != 22 || version >> 8 != 3)
            return false;
        if (fragment.left > 0)
            memcpy(message + got, fragment.at, fragment.left);
        got += fragment.left;
        if (got >= 4)
            wanted = 4 + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
    }
    return message[0] == 1 && is_hello_body((struct reader){.at = message + 4, .left = wanted - 4});
}

/* Is there a ServerHello in the records the server sent? */
static bool has_server_hello(const struct buf *out)
{
    struct reader in = {.at = (const uint8_t *)out->data, .left = out->length};
    while (in.left > 0) {
        size_t type = read_number(&in, 1);
        (void)read_number(&in, 2);
        struct reader fragment = read_vector(&in, 2, 1, 16384 + 256);
        assert(!in.is_bad && type >= 20 && type <= 23); /* the server's own are whole */
        if (type == 22 && fragment.at[0] == 2)
            return true;
    }
    return false;
}

/* ---- the server and a client ---- */

static char *text_of(BIO *bio, size_t *ret_length)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);
    assert(length > 0);
    *ret_length = (size_t)length;
    char *copy = malloc((size_t)length);
    memcpy(copy, bytes, (size_t)length);
    (void)BIO_free(bio);
    return copy;
}

static X509 *sign_own(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    (void)X509_set_version(certificate, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), KEPT_DAYS);
    (void)X509_set_pubkey(certificate, key);
    assert(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void make_context(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = sign_own(key);
    BIO *key_text = BIO_new(BIO_s_mem());
    BIO *certificate_text = BIO_new(BIO_s_mem());
    assert(PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) == 1);
    assert(PEM_write_bio_X509(certificate_text, certificate) == 1);
    struct tls_terms terms = {.certificate.name = "made", .key.name = "made"};
    char *certificate_bytes = text_of(certificate_text, &terms.certificate.length);
    char *key_bytes = text_of(key_text, &terms.key.length);
    terms.certificate.text = certificate_bytes;
    terms.key.text = key_bytes;
    terms.client_auth = TLS_CLIENT_REQUIRE_ANY;
    terms.least = TLS_VERSION_12;
    terms.most = TLS_VERSION_13;
    struct err e = {0};
    assert(tls_context_new(&terms, &e, &context) == 0);
    free(certificate_bytes);
    free(key_bytes);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void make_hello(void)
{
    SSL_CTX *client_context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(client_context);
    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    (void)SSL_set_alpn_protos(client, protocols, sizeof protocols - 1);
    static char name[] = "localhost";
    (void)SSL_set_tlsext_host_name(client, name);
    (void)SSL_connect(client);
    int length = BIO_read(SSL_get_wbio(client), real_hello, sizeof real_hello);
    assert(length > 0);
    real_hello_length = (size_t)length;
    SSL_free(client);
    SSL_CTX_free(client_context);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    make_context();
    make_hello();
    assert(is_hello(real_hello, real_hello_length));
    return 0;
}

/* ---- one input ---- */

struct outcome {
    int result;
    bool has_answered;
    char failure[128];
};

/* Feeds the bytes in pieces and frees each at once. */
static struct outcome serve(const uint8_t *bytes, size_t length, size_t step)
{
    struct buf plain;
    struct buf out;
    buf_init(&plain, OUT_MAX);
    buf_init(&out, OUT_MAX);
    struct outcome came = {0};
    struct tls_session *session = tls_session_new(context);
    for (size_t at = 0; at < length && came.result == 0; at += step) {
        size_t piece = length - at < step ? length - at : step;
        char *own = malloc(piece);
        memcpy(own, bytes + at, piece);
        came.result = tls_session_feed(session, own, piece, &plain, &out);
        free(own);
        assert(plain.length == 0 && !tls_session_is_ready(session));
    }
    assert(came.result != -EMSGSIZE);
    assert((came.result == 0) == (tls_session_failure(session)[0] == '\0'));
    came.has_answered = out.length > 0 && has_server_hello(&out);
    /* Who speaks TLS is told by an alert; OpenSSL tells the others nothing. */
    assert(came.result != -EPROTO || out.length > 0 || !is_hello(bytes, length));
    memcpy(came.failure, tls_session_failure(session), strlen(tls_session_failure(session)) + 1);
    tls_session_free(session);
    buf_done(&plain);
    buf_done(&out);
    return came;
}

static void check(const uint8_t *bytes, size_t length, size_t step)
{
    struct outcome whole = serve(bytes, length, length);
    struct outcome cut = serve(bytes, length, step);
    assert(whole.result == cut.result && whole.has_answered == cut.has_answered);
    assert(strcmp(whole.failure, cut.failure) == 0);
    if (whole.has_answered)
        assert(is_hello(bytes, length));
}

/* The real hello with what the input changes in it and appends to it. */
static size_t change_hello(uint8_t *hello, const uint8_t *data, size_t size)
{
    memcpy(hello, real_hello, real_hello_length);
    size_t changes = size > 0 ? data[0] % CHANGES_MAX : 0;
    size_t used = 1;
    for (; changes > 0 && used + CHANGE_BYTES <= size; changes--, used += CHANGE_BYTES) {
        size_t place = (size_t)data[used] << 8 | data[used + 1];
        hello[place % real_hello_length] = data[used + 2];
    }
    size_t more = used < size ? size - used : 0;
    if (more > 0)
        memcpy(hello + real_hello_length, data + used, more);
    return real_hello_length + more;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[IN_MAX];
    if (size < 3 || size > IN_MAX - sizeof real_hello)
        return 0;
    size_t length = size - 2;
    if (data[0] % 2 == 0)
        memcpy(bytes, data + 2, length);
    else
        length = change_hello(bytes, data + 2, size - 2);
    check(bytes, length, (size_t)data[1] + 1);
    return 0;
}
