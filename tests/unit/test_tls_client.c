/* Certificates of clients, from net/tls.h and Go's crypto/tls ClientAuthType: who is let in, and
 * what the others are told. */
#include "tls_pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
#define VERSION_COUNT (sizeof versions / sizeof versions[0])

/* A client under `terms` in both versions: let in when `failure` is NULL, else refused for it. */
static void check(const struct tls_terms *terms, const char *certificate, const char *failure)
{
    struct tls_context *context = pair_context(terms);
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        struct pair p = pair_new(
            context, &(struct pair_client){.version = versions[i], .certificate = certificate});
        pair_run(&p);
        if ((p.result == 0) != !failure)
            fail_msg("%s: %s", certificate ? certificate : "none", tls_session_failure(p.session));
        assert_int_equal(p.result, failure ? -EPROTO : 0);
        assert_int_equal(tls_session_is_ready(p.session), !failure);
        assert_string_equal(tls_session_failure(p.session), failure ? failure : "");
        assert_true((p.alert < 0) == !failure); /* it has been told */
        if (!failure)
            pair_check_talks(&p);
        pair_done(&p);
    }
    tls_context_unref(context);
}

static struct tls_terms terms_of(enum tls_client_auth auth)
{
    struct tls_terms t = pair_terms();
    t.client_auth = auth;
    if (auth != TLS_CLIENT_NONE)
        t.client_ca = certificates_pem("ca.pem");
    return t;
}

#define NO_CERTIFICATE "peer did not return a certificate"
#define NOT_VERIFIED   "certificate verify failed: "
#define UNKNOWN_ISSUER NOT_VERIFIED "unable to get local issuer certificate"
#define EXPIRED        NOT_VERIFIED "certificate has expired"
#define WRONG_PURPOSE  NOT_VERIFIED "unsuitable certificate purpose"
#define NOT_ALLOWED    NOT_VERIFIED "none of its names is allowed"

static void test_each_kind_with_each_certificate(void **state)
{
    (void)state;
    static const struct {
        const char *certificate;
        const char *failures[5]; /* by enum tls_client_auth */
    } cases[] = {
        {NULL, {NULL, NULL, NO_CERTIFICATE, NULL, NO_CERTIFICATE}},
        {"client", {NULL, NULL, NULL, NULL, NULL}},
        {"foreign", {NULL, NULL, NULL, UNKNOWN_ISSUER, UNKNOWN_ISSUER}},
        {"expired", {NULL, NULL, NULL, EXPIRED, EXPIRED}},
        {"server", {NULL, NULL, NULL, WRONG_PURPOSE, WRONG_PURPOSE}},
        {"below", {NULL, NULL, NULL, UNKNOWN_ISSUER, UNKNOWN_ISSUER}},
        {"chain", {NULL, NULL, NULL, NULL, NULL}},
        {"nameless", {NULL, NULL, NULL, NULL, NULL}},
    };
    for (int auth = TLS_CLIENT_NONE; auth <= TLS_CLIENT_REQUIRE_AND_VERIFY; auth++) {
        struct tls_terms t = terms_of((enum tls_client_auth)auth);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            check(&t, cases[i].certificate, cases[i].failures[auth]);
    }
}

static void test_without_an_authority_none_passes(void **state)
{
    (void)state;
    struct tls_terms t = terms_of(TLS_CLIENT_VERIFY_IF_GIVEN);
    t.client_ca = (struct tls_pem){0};
    check(&t, NULL, NULL);
    check(&t, "client", UNKNOWN_ISSUER);
}

static void test_every_certificate_of_the_bundle_is_trusted(void **state)
{
    (void)state;
    struct tls_terms t = terms_of(TLS_CLIENT_REQUIRE_AND_VERIFY);
    t.client_ca = certificates_pem("two-cas.pem");
    check(&t, "client", NULL);
    check(&t, "foreign", NULL);
    t.client_ca = certificates_pem("middle.pem"); /* not a root */
    check(&t, "below", NULL);
    check(&t, "client", UNKNOWN_ISSUER);
}

static void check_name(const char *name, const char *certificate, const char *failure)
{
    char *names[] = {(char *)(uintptr_t) "somebody-else", (char *)(uintptr_t)name};
    struct tls_terms t = terms_of(TLS_CLIENT_REQUIRE_AND_VERIFY);
    t.client_names = (struct text_list){.items = names, .count = 2};
    check(&t, certificate, failure);
    t.client_auth = TLS_CLIENT_REQUIRE_ANY;
    check(&t, certificate, failure);
}

static void test_names_of_clients(void **state)
{
    (void)state;
    static const char *const allowed[] = {"scraper",     "scraper@example.org",
                                          "192.0.2.7",   "192.0.2.8",
                                          "2001:db8::7", "spiffe://example.org/scraper"};
    static const char *const others[] = {"scrape",
                                         "scraper2",
                                         "Scraper",
                                         "*",
                                         "",
                                         "named", /* the common name is not a SAN */
                                         "192.0.2.9",
                                         "2001:db8:0:0:0:0:0:7",
                                         "spiffe://example.org/"};
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        check_name(allowed[i], "named", NULL);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        check_name(others[i], "named", NOT_ALLOWED);
    check_name("nameless", "nameless", NOT_ALLOWED);
    check_name("scraper", NULL, NO_CERTIFICATE);
}

static void test_a_name_does_not_stand_for_trust(void **state)
{
    (void)state;
    char *names[] = {(char *)(uintptr_t) "client"};
    struct tls_terms t = terms_of(TLS_CLIENT_REQUIRE_AND_VERIFY);
    t.client_names = (struct text_list){.items = names, .count = 1};
    check(&t, "client", NULL);
    check(&t, "foreign", UNKNOWN_ISSUER);
    check(&t, "expired", EXPIRED);
    t.client_auth = TLS_CLIENT_REQUIRE_ANY;
    check(&t, "foreign", NULL);
}

static void test_the_list_of_names_is_copied(void **state)
{
    (void)state;
    char name[] = "client";
    char *names[] = {name};
    struct tls_terms t = terms_of(TLS_CLIENT_REQUIRE_AND_VERIFY);
    t.client_names = (struct text_list){.items = names, .count = 1};
    struct tls_context *context = pair_context(&t);
    memset(name, 'x', sizeof name - 1);
    names[0] = NULL;
    struct pair p = pair_connected(context, &(struct pair_client){.certificate = "client"});
    pair_done(&p);
    tls_context_unref(context);
}

static void test_clients_are_told_whom_we_trust(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        struct tls_terms t = terms_of(TLS_CLIENT_REQUEST);
        t.client_ca = certificates_pem("two-cas.pem");
        struct tls_context *context = pair_context(&t);
        struct pair p = pair_connected(context, &(struct pair_client){.version = versions[i]});
        assert_int_equal(sk_X509_NAME_num(SSL_get0_peer_CA_list(p.client)), 2);
        pair_done(&p);
        tls_context_unref(context);
    }
}

/* Their certificates are looked at each time. */
static void test_clients_with_certificates_are_not_resumed(void **state)
{
    (void)state;
    struct tls_terms t = terms_of(TLS_CLIENT_REQUIRE_AND_VERIFY);
    struct tls_context *context = pair_context(&t);
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        struct pair_client client = {.version = versions[i], .certificate = "client"};
        struct pair p = pair_connected(context, &client);
        pair_check_talks(&p);
        client.resume = SSL_get1_session(p.client);
        struct pair again = pair_connected(context, &client);
        assert_false(SSL_session_reused(again.client));
        SSL_SESSION_free(client.resume);
        pair_done(&again);
        pair_done(&p);
    }
    tls_context_unref(context);
}

/* More than a chain may have: authorities and intermediates are in no need of it. */
static void test_an_endless_chain_is_refused(void **state)
{
    (void)state;
    struct tls_terms t = terms_of(TLS_CLIENT_REQUIRE_ANY);
    struct tls_context *context = pair_context(&t);
    struct pair p = pair_new(context, &(struct pair_client){.certificate = "client"});
    X509 *certificate = SSL_get_certificate(p.client);
    for (int i = 0; i < 150; i++)
        assert_int_equal(SSL_add1_chain_cert(p.client, certificate), 1);
    pair_run(&p);
    assert_int_equal(p.result, -EPROTO);
    assert_string_equal(tls_session_failure(p.session), "excessive message size");
    pair_done(&p);
    tls_context_unref(context);
}

int main(void)
{
    int missing = certificates_missing();
    if (missing)
        return missing;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_with_each_certificate),
        cmocka_unit_test(test_without_an_authority_none_passes),
        cmocka_unit_test(test_every_certificate_of_the_bundle_is_trusted),
        cmocka_unit_test(test_names_of_clients),
        cmocka_unit_test(test_a_name_does_not_stand_for_trust),
        cmocka_unit_test(test_the_list_of_names_is_copied),
        cmocka_unit_test(test_clients_are_told_whom_we_trust),
        cmocka_unit_test(test_clients_with_certificates_are_not_resumed),
        cmocka_unit_test(test_an_endless_chain_is_refused),
    };
    return cmocka_run_group_tests(tests, certificates_make, certificates_remove);
}
