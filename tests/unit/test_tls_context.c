/* The terms of a TLS server, from net/tls.h: what is served under them, and what is said of terms
 * that cannot be. Names are those of Go's crypto/tls and of IANA. */
#include "tls_pair.h"

#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIST(...)                                                       \
    (struct text_list)                                                  \
    {                                                                   \
        .items = (char **)(uintptr_t)(const char *[]){__VA_ARGS__},     \
        .count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *) \
    }

static void check_refused(const struct tls_terms *terms, const char *const *words)
{
    struct err e = {0};
    struct tls_context *context = NULL;
    assert_int_equal(tls_context_new(terms, &e, &context), -EINVAL);
    assert_null(context);
    assert_int_equal(e.code, -EINVAL);
    for (; *words; words++)
        if (!strstr(e.text, *words))
            fail_msg("\"%s\" lacks \"%s\"", e.text, *words);
    assert_true(strlen(e.text) < ERR_TEXT_MAX - 1); /* not cut */
}

#define REFUSED(terms, ...) check_refused(&(terms), (const char *const[]){__VA_ARGS__, NULL})

static void test_certificates_that_cannot_be_used(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    t.certificate = (struct tls_pem){0};
    REFUSED(t, "certificate", "none is given");
    t.certificate = (struct tls_pem){.name = "inline", .text = "", .length = 0};
    REFUSED(t, "inline holds no certificate", "BEGIN CERTIFICATE");
    t.certificate = (struct tls_pem){.name = "a.pem", .text = "garbage\n", .length = 8};
    REFUSED(t, "a.pem holds no certificate");
    t.certificate = certificates_pem("server.key");
    REFUSED(t, "server.key holds no certificate");
    t.certificate = certificates_pem("cut.pem");
    REFUSED(t, "certificate 1 in ", "cut.pem cannot be read", "damaged");
    t.certificate = certificates_pem("rsa1024.pem");
    t.key = certificates_pem("rsa1024.key");
    REFUSED(t, "certificate 1 in ", "rsa1024.pem", "ee key too small", "2048");
    t = pair_terms();
    t.certificate.length = (size_t)64 << 20;
    REFUSED(t, "server.pem", "67108864 bytes");
}

static void test_a_chain_is_read_to_its_end(void **state)
{
    (void)state;
    struct tls_pem chain = certificates_pem("chain.pem");
    char *bad = malloc(chain.length);
    memcpy(bad, chain.text, chain.length);
    memset(bad + chain.length - 200, '*', 20);
    struct tls_terms t = pair_terms();
    t.certificate = (struct tls_pem){.name = "bad.pem", .text = bad, .length = chain.length};
    t.key = certificates_pem("below.key");
    REFUSED(t, "certificate 2 in bad.pem cannot be read");
    free(bad);
}

static void test_keys_that_cannot_be_used(void **state)
{
    (void)state;
    static const char *const encrypted[] = {"encrypted.key", "encrypted-old.key"};
    struct tls_terms t = pair_terms();
    for (size_t i = 0; i < 2; i++) {
        t.key = certificates_pem(encrypted[i]);
        REFUSED(t, encrypted[i], "is encrypted", "openssl pkey");
    }
    t.key = (struct tls_pem){0};
    REFUSED(t, "key", "none is given");
    t.key = certificates_pem("server.pem");
    REFUSED(t, "server.pem holds no private key", "BEGIN PRIVATE KEY");
    t.key = certificates_pem("cut.key");
    REFUSED(t, "the key in ", "cut.key cannot be read");
    t.key = certificates_pem("client.key");
    REFUSED(t, "client.key is not that of the first certificate in ", "server.pem");
    t.key = certificates_pem("rsa2048.key");
    REFUSED(t, "rsa2048.key is not that of the first certificate in ", "server.pem");
    t.certificate = certificates_pem("chain.pem");
    t.key = certificates_pem("middle.key"); /* of the second one */
    REFUSED(t, "middle.key is not that of the first certificate in ", "must come first");
}

static void test_ciphers_and_curves_that_are_not_served(void **state)
{
    (void)state;
    static const char *const weak[] = {"TLS_RSA_WITH_RC4_128_SHA",
                                       "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
                                       "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
                                       "TLS_RSA_WITH_AES_128_CBC_SHA256",
                                       "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
                                       "TLS_NULL_WITH_NULL_NULL",
                                       "ECDHE-RSA-AES128-GCM-SHA256",
                                       "ALL:@SECLEVEL=0",
                                       ""};
    struct tls_terms t = pair_terms();
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        t.ciphers = LIST("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", weak[i]);
        REFUSED(t, weak[i], "AES_128_GCM_SHA256", "CHACHA20_POLY1305_SHA256", "AES_256_CBC_SHA");
    }
    t = pair_terms();
    t.curves = LIST("CurveP256", "P-256");
    REFUSED(t, "\"P-256\"", "CurveP256, CurveP384, CurveP521 and X25519");
    t.curves = LIST("X448");
    REFUSED(t, "\"X448\"");
}

static void test_versions_that_leave_nothing(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    t.least = TLS_VERSION_13;
    t.most = TLS_VERSION_12;
    REFUSED(t, "no version of TLS is left");
    t.least = TLS_VERSION_12;
    t.ciphers = LIST("TLS_AES_128_GCM_SHA256");
    REFUSED(t, "no version of TLS is left");
}

static void test_terms_for_clients_that_contradict(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    t.client_ca = certificates_pem("ca.pem");
    REFUSED(t, "ca.pem", "not asked for a certificate", "RequireAndVerifyClientCert");
    t.client_auth = TLS_CLIENT_REQUIRE_AND_VERIFY;
    t.client_ca = certificates_pem("server.key");
    REFUSED(t, "server.key holds no certificate");
    t.client_ca = (struct tls_pem){0};
    REFUSED(t, "no authority is given");
    static const enum tls_client_auth optional[] = {TLS_CLIENT_NONE, TLS_CLIENT_REQUEST,
                                                    TLS_CLIENT_VERIFY_IF_GIVEN};
    t.client_names = LIST("client");
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++) {
        t.client_auth = optional[i];
        REFUSED(t, "names of clients are given", "need no certificate");
    }
}

/* What comes of a client under `terms`: 0, or the alert it gets. */
static int try(const struct tls_terms *terms, const struct pair_client *client)
{
    struct tls_context *context = pair_context(terms);
    struct pair p = pair_new(context, client);
    tls_context_unref(context);
    pair_run(&p);
    assert_int_equal(p.result == 0, p.alert < 0);
    assert_int_equal(p.result == 0, tls_session_is_ready(p.session));
    if (p.result == 0)
        pair_check_talks(&p);
    int came = p.result == 0 ? 0 : p.alert;
    pair_done(&p);
    return came;
}

static void test_old_versions_are_refused(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    static const int old[] = {TLS1_VERSION, TLS1_1_VERSION};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            try(&t, &(struct pair_client){.version = old[i], .ciphers = "ALL:@SECLEVEL=0"}),
            SSL_AD_PROTOCOL_VERSION);
}

/* A hello of SSL 3.0, which OpenSSL's client cannot say any more (RFC 6101 5.6.1.2); it
 * has no alert for versions. */
static void test_ssl3_is_refused(void **state)
{
    (void)state;
    char hello[5 + 4 + 2 + 32 + 1 + 2 + 2 + 2] = {0x16, 3, 0, 0, 45, 1, 0, 0, 41, 3, 0};
    static const char rest[] = {0, 0, 2, 0, 0x2f, 1, 0};
    memcpy(hello + sizeof hello - sizeof rest, rest, sizeof rest);
    struct tls_terms t = pair_terms();
    struct tls_context *context = pair_context(&t);
    struct pair p = pair_new(context, NULL);
    assert_int_equal(tls_session_feed(p.session, hello, sizeof hello, &p.plain, &p.out), -EPROTO);
    assert_int_equal(p.out.length, 7);
    assert_int_equal(p.out.data[0], SSL3_RT_ALERT);
    assert_int_equal(p.out.data[6], SSL3_AD_HANDSHAKE_FAILURE);
    pair_done(&p);
    tls_context_unref(context);
}

static void test_the_versions_asked_for(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    struct pair_client of12 = {.version = TLS1_2_VERSION};
    struct pair_client of13 = {.version = TLS1_3_VERSION};
    t.least = TLS_VERSION_13;
    assert_int_equal(try(&t, &of12), SSL_AD_PROTOCOL_VERSION);
    assert_int_equal(try(&t, &of13), 0);
    t.least = t.most = TLS_VERSION_12;
    assert_int_equal(try(&t, &of12), 0);
    assert_int_equal(try(&t, &of13), SSL_AD_PROTOCOL_VERSION);
}

static void use_rsa(struct tls_terms *t)
{
    t->certificate = certificates_pem("rsa2048.pem");
    t->key = certificates_pem("rsa2048.key");
}

static void test_weak_ciphers_are_refused(void **state)
{
    (void)state;
    static const char *const weak[] = {"AES128-SHA",
                                       "AES128-GCM-SHA256",
                                       "ECDHE-ECDSA-AES128-SHA",
                                       "ECDHE-RSA-AES256-SHA",
                                       "ECDHE-RSA-AES128-SHA256",
                                       "DHE-RSA-AES128-GCM-SHA256",
                                       "AECDH-AES128-SHA:@SECLEVEL=0",
                                       "ECDHE-ECDSA-NULL-SHA:ECDHE-RSA-NULL-SHA:@SECLEVEL=0"};
    struct tls_terms t = pair_terms();
    for (size_t i = 0; i < 2 * (sizeof weak / sizeof weak[0]); i++) {
        if (i % 2 == 1)
            use_rsa(&t);
        else
            t = pair_terms();
        assert_int_equal(
            try(&t, &(struct pair_client){.version = TLS1_2_VERSION, .ciphers = weak[i / 2]}),
            SSL_AD_HANDSHAKE_FAILURE);
    }
}

/* The cipher TLS 1.2 comes to, by IANA's name, for free(). */
static char *cipher_of(const struct tls_terms *terms, const char *offered)
{
    struct tls_context *context = pair_context(terms);
    struct pair p = pair_connected(
        context, &(struct pair_client){.version = TLS1_2_VERSION, .ciphers = offered});
    char *name = strdup(SSL_CIPHER_standard_name(SSL_get_current_cipher(p.client)));
    pair_done(&p);
    tls_context_unref(context);
    return name;
}

static void test_every_cipher_named_is_served(void **state)
{
    (void)state;
    static const char *const names[] = {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                                        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
                                        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                                        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
                                        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                                        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
                                        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
                                        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                                        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
                                        "TLS_RSA_WITH_AES_128_CBC_SHA",
                                        "TLS_RSA_WITH_AES_256_CBC_SHA",
                                        "TLS_RSA_WITH_AES_128_GCM_SHA256",
                                        "TLS_RSA_WITH_AES_256_GCM_SHA384"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tls_terms t = pair_terms();
        if (strstr(names[i], "RSA"))
            use_rsa(&t);
        t.ciphers = LIST(names[i]);
        char *came = cipher_of(&t, "ALL:@SECLEVEL=0");
        assert_int_equal(strncmp(came, names[i], strlen(names[i])), 0);
        free(came);
        assert_int_equal(try(&t, &(struct pair_client){.version = TLS1_3_VERSION}), 0);
    }
}

static void test_names_of_tls13_leave_tls12_nothing(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    t.ciphers = LIST("TLS_AES_256_GCM_SHA384");
    assert_int_equal(try(&t, &(struct pair_client){.version = TLS1_2_VERSION}),
                     SSL_AD_PROTOCOL_VERSION);
    assert_int_equal(try(&t, &(struct pair_client){.version = TLS1_3_VERSION}), 0);
    t.ciphers = LIST("TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    assert_int_equal(try(&t, &(struct pair_client){.version = TLS1_2_VERSION}), 0);
}

static void test_whose_order_counts(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    t.ciphers =
        LIST("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    for (int i = 0; i < 2; i++) {
        t.client_order = i == 1;
        char *came = cipher_of(&t, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
        assert_string_equal(came, t.ciphers.items[i]);
        free(came);
    }
}

static void test_the_curves_named_are_served(void **state)
{
    (void)state;
    static const char *const names[] = {"CurveP256", "CurveP384", "CurveP521", "X25519"};
    static const char *const theirs[] = {"P-256", "P-384", "P-521", "X25519"};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 32; i++) {
        struct tls_terms t = pair_terms();
        use_rsa(&t);
        t.curves = LIST(names[i % 4]);
        bool is_same = i % 4 == i / 4 % 4;
        assert_int_equal(try(&t, &(struct pair_client){.version = versions[i / 16],
                                                       .curves = theirs[i / 4 % 4]}),
                         is_same ? 0 : SSL_AD_HANDSHAKE_FAILURE);
    }
    struct tls_terms t = pair_terms();
    t.curves = LIST("CurveP256", "CurveP384", "CurveP521", "X25519");
    assert_int_equal(try(&t, NULL), 0);
}

/* The client's first guess at a curve is wrong, and it says hello twice (RFC 8446 4.1.4). */
static void test_a_second_hello(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    t.curves = LIST("CurveP384");
    for (size_t step = 0; step < 3; step++)
        assert_int_equal(try(&t, &(struct pair_client){.version = TLS1_3_VERSION,
                                                       .curves = "X25519:P-384",
                                                       .bulk = 12000,
                                                       .step = step}),
                         0);
}

static int chain_length(struct pair *p)
{
    return sk_X509_num(SSL_get_peer_cert_chain(p->client));
}

static void test_the_chain_goes_out_as_it_is(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    t.client_ca = certificates_pem("ca.pem"); /* signed ours too, and is not to be sent */
    t.client_auth = TLS_CLIENT_REQUEST;
    struct tls_context *alone = pair_context(&t);
    t.certificate = certificates_pem("chain.pem");
    t.key = certificates_pem("below.key");
    struct tls_context *with_chain = pair_context(&t);
    struct pair a = pair_connected(alone, NULL);
    struct pair b = pair_connected(with_chain, NULL);
    assert_int_equal(chain_length(&a), 1);
    assert_int_equal(chain_length(&b), 2);
    pair_done(&a);
    pair_done(&b);
    tls_context_unref(alone);
    tls_context_unref(with_chain);
}

static void test_one_file_for_both(void **state)
{
    (void)state;
    struct tls_terms t = pair_terms();
    t.certificate = t.key = certificates_pem("both.pem");
    assert_int_equal(try(&t, NULL), 0);
}

int main(void)
{
    int missing = certificates_missing();
    if (missing)
        return missing;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates_that_cannot_be_used),
        cmocka_unit_test(test_a_chain_is_read_to_its_end),
        cmocka_unit_test(test_keys_that_cannot_be_used),
        cmocka_unit_test(test_ciphers_and_curves_that_are_not_served),
        cmocka_unit_test(test_versions_that_leave_nothing),
        cmocka_unit_test(test_terms_for_clients_that_contradict),
        cmocka_unit_test(test_old_versions_are_refused),
        cmocka_unit_test(test_ssl3_is_refused),
        cmocka_unit_test(test_the_versions_asked_for),
        cmocka_unit_test(test_weak_ciphers_are_refused),
        cmocka_unit_test(test_every_cipher_named_is_served),
        cmocka_unit_test(test_names_of_tls13_leave_tls12_nothing),
        cmocka_unit_test(test_whose_order_counts),
        cmocka_unit_test(test_the_curves_named_are_served),
        cmocka_unit_test(test_a_second_hello),
        cmocka_unit_test(test_the_chain_goes_out_as_it_is),
        cmocka_unit_test(test_one_file_for_both),
    };
    return cmocka_run_group_tests(tests, certificates_make, certificates_remove);
}
