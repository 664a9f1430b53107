/* What it knows: what ciphers and curves are called by IANA and Go, and by OpenSSL, and which of
 * them are not weak. Documents: openssl-ciphers(1), SSL_CTX_set1_groups_list(3), Go's crypto/tls.
 */
#include "net/tls_context.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>

#define NAMES_MAX 4096 /* bytes of a list for OpenSSL: each of its names a hundred times */

struct cipher {
    const char *name; /* without the ending _SHA256 of ChaCha20, which older Go leaves out */
    const char *openssl;
    bool is_strong; /* forward secret and authenticated: taken when none is named */
};

/* In the order of preference. */
static const struct cipher ciphers[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", true},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", true},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", true},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", true},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", true},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", true},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305", false},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", false},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA", false},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA", false},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA", false},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA", false},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256", false},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384", false},
    {"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA", false},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA", false},
    /* Of TLS 1.3, which has these alone and takes them all, as Go does. */
    {"TLS_AES_128_GCM_SHA256", NULL, false},
    {"TLS_AES_256_GCM_SHA384", NULL, false},
    {"TLS_CHACHA20_POLY1305_SHA256", NULL, false},
};
#define CIPHER_COUNT (sizeof ciphers / sizeof ciphers[0])
#define CIPHERS_ALLOWED                                                                           \
    "TLS_ECDHE_{ECDSA,RSA}_WITH_{AES_128_GCM_SHA256,AES_256_GCM_SHA384,CHACHA20_POLY1305_SHA256," \
    "AES_128_CBC_SHA,AES_256_CBC_SHA}, TLS_RSA_WITH_AES_..., and those of TLS 1.3"

struct curve {
    const char *name;
    const char *openssl;
};
static const struct curve curves[] = {
    {"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}};
#define CURVE_COUNT (sizeof curves / sizeof curves[0])

static const struct cipher *find_cipher(const char *name)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++)
        if (text_equal(ciphers[i].name, name))
            return &ciphers[i];
    return NULL;
}

static const char *find_curve(const char *name)
{
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (text_equal(curves[i].name, name))
            return curves[i].openssl;
    return NULL;
}

static void add_name(struct buf *list, const char *name)
{
    if (list->length > 0)
        (void)buf_add_char(list, ':');
    (void)buf_add_string(list, name);
}

static int list_named_ciphers(const struct text_list *names, struct buf *list, struct err *e)
{
    for (size_t i = 0; i < names->count; i++) {
        const struct cipher *cipher = find_cipher(names->items[i]);
        if (!cipher)
            return err_set(
                e, -EINVAL,
                "cipher suite \"%.60s\" is not one weir serves; there are " CIPHERS_ALLOWED,
                names->items[i]);
        if (cipher->openssl)
            add_name(list, cipher->openssl);
    }
    return 0;
}

static void list_strong_ciphers(struct buf *list)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++)
        if (ciphers[i].is_strong)
            add_name(list, ciphers[i].openssl);
}

static int list_curves(const struct text_list *names, struct buf *list, struct err *e)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *curve = find_curve(names->items[i]);
        if (!curve)
            return err_set(e, -EINVAL,
                           "curve \"%.60s\" is not one weir serves; there are "
                           "CurveP256, CurveP384, CurveP521 and X25519",
                           names->items[i]);
        add_name(list, curve);
    }
    return 0;
}

static int use_versions(SSL_CTX *ssl, enum tls_version least, enum tls_version most, struct err *e)
{
    if (least > most)
        return err_set(e, -EINVAL,
                       "no version of TLS is left: the least is 1.3 (or all the cipher "
                       "suites named are of 1.3) and the most is 1.2; raise the most");
    const struct tls_functions *tls = tls_functions();
    long low = least == TLS_VERSION_13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    long high = most == TLS_VERSION_13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (tls->SSL_CTX_ctrl(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, low, NULL) != 1 ||
        tls->SSL_CTX_ctrl(ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, high, NULL) != 1)
        return err_set(e, -EINVAL, "this OpenSSL does not speak the versions of TLS asked for");
    return 0;
}

static int use_lists(SSL_CTX *ssl, const struct tls_terms *terms, struct err *e,
                     struct buf *cipher_list, struct buf *curve_list)
{
    int r = list_named_ciphers(&terms->ciphers, cipher_list, e);
    if (r == 0)
        r = list_curves(&terms->curves, curve_list, e);
    if (r < 0)
        return r;
    if (cipher_list->failed || curve_list->failed)
        return err_set(e, -EINVAL,
                       "the list of cipher suites or curves is too long: name each "
                       "once");
    if (terms->ciphers.count == 0)
        list_strong_ciphers(cipher_list);
    /* None of TLS 1.2 among those named: it is not served. */
    enum tls_version least = cipher_list->length == 0 ? TLS_VERSION_13 : terms->least;
    const struct tls_functions *tls = tls_functions();
    if (cipher_list->length > 0 && tls->SSL_CTX_set_cipher_list(ssl, cipher_list->data) != 1)
        return err_set(e, -EINVAL,
                       "this OpenSSL has none of the cipher suites named (%s): name "
                       "others, or none for its choice",
                       tls_reason());
    if (curve_list->length > 0 &&
        tls->SSL_CTX_ctrl(ssl, SSL_CTRL_SET_GROUPS_LIST, 0, curve_list->data) != 1)
        return err_set(e, -EINVAL,
                       "this OpenSSL does not take the curves named (%s): name each "
                       "once, or none for its choice",
                       tls_reason());
    return use_versions(ssl, least, terms->most, e);
}

int tls_cipher_use(SSL_CTX *ssl, const struct tls_terms *terms, struct err *e)
{
    struct buf cipher_list;
    struct buf curve_list;
    buf_init(&cipher_list, NAMES_MAX);
    buf_init(&curve_list, NAMES_MAX);
    int r = use_lists(ssl, terms, e, &cipher_list, &curve_list);
    buf_done(&cipher_list);
    buf_done(&curve_list);
    return r;
}
