/* Tests net/curl_client: whom it trusts and what it presents, and options it refuses. From
 * net/curl_client.h and docs/engine-client.md, against real TLS servers. */
#include "tls_fixture.h"

#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The case of trust_is_checked where TLS 1.3 refuses the client after the handshake. */
#define REFUSED_LATE 6

struct trust {
    const char *scheme;
    const char *host;
    const char *ca;
    const char *certificate;
    const char *key;
    unsigned port;
    enum reason reason;
    bool verify;
};

static void trust_is_checked(void **state)
{
    char ca[128];
    char other_ca[128];
    char certificate[128];
    char key[128];
    (void)tls_file(ca, "ca.pem");
    (void)tls_file(other_ca, "other-ca.pem");
    (void)tls_file(certificate, "client.pem");
    (void)tls_file(key, "client.key");
    char no_pem[128];
    (void)tls_file(no_pem, "log");
    const struct trust cases[] = {
        {"https", "localhost", ca, NULL, NULL, tls_open_port(), REASON_NONE, true},
        {"https", "localhost", ca, certificate, key, tls_port(), REASON_NONE, true},
        {"https", "localhost", other_ca, certificate, key, tls_port(), REASON_TLS, true},
        {"https", "localhost", NULL, certificate, key, tls_port(), REASON_TLS, true},
        {"https", "127.0.0.1", ca, certificate, key, tls_port(), REASON_TLS,
         true}, /* another name */
        {"https", "127.0.0.1", other_ca, certificate, key, tls_port(), REASON_NONE, false},
        {"https", "localhost", ca, NULL, NULL, tls_port(), REASON_TLS, true}, /* who are you? */
        {"https", "localhost", no_pem, certificate, key, tls_port(), REASON_TLS, true},
        {"https", "localhost", ca, certificate, no_pem, tls_port(), REASON_TLS, true},
        {"http", "localhost", NULL, NULL, NULL, tls_port(), REASON_ENDED_EARLY, true},
        {"https", "127.0.0.1", NULL, NULL, NULL, 1, REASON_CONNECTION_REFUSED, true},
        {"https", "a..b", NULL, NULL, NULL, 1, REASON_CONNECTION_FAILED, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct trust *t = &cases[i];
        char *url = tls_url(t->scheme, t->host, t->port);
        struct curl_client_options options = {.base_url = url,
                                              .ca_file = t->ca,
                                              .cert_file = t->certificate,
                                              .key_file = t->key,
                                              .verify = t->verify,
                                              .max_connections = 1};
        uv_loop_t loop;
        struct http_getter *client = tls_client_with(&loop, &options);
        struct got g = {0};
        tls_ask(&loop, client, "/length", &g);
        if (i == REFUSED_LATE && g.reason == REASON_ENDED_EARLY) { /* the alert lost its race */
            assert_non_null(strstr(g.text, "client certificate"));
            g.reason = REASON_TLS;
        }
        if (g.reason != t->reason)
            print_message("case %zu: %s\n", i, g.text);
        assert_string_equal(reason_name(g.reason), reason_name(t->reason));
        assert_true(t->reason == REASON_NONE || strstr(g.text, t->host));
        got_clear(&g);
        free(url);
        loop_end(&loop, client);
    }
    (void)state;
}

static void bad_options_are_refused_with_a_sentence(void **state)
{
    char missing[128];
    char certificate[128];
    char key[128];
    (void)tls_file(missing, "missing.pem");
    (void)tls_file(certificate, "client.pem");
    (void)tls_file(key, "client.key");
    const char *good = "https://localhost:2376";
    const struct {
        struct curl_client_options options;
        const char *part;
    } cases[] = {
        {{.base_url = "localhost:2376"}, "not a base URL"},
        {{.base_url = "ftp://localhost"}, "not a base URL"},
        {{.base_url = "https://"}, "not a base URL"},
        {{.base_url = "https://localhost/v1"}, "not a base URL"},
        {{.base_url = "https://local host"}, "not a base URL"},
        {{.base_url = good, .ca_file = missing}, missing},
        {{.base_url = good, .cert_file = missing}, "No such file"},
        {{.base_url = good, .cert_file = certificate, .key_file = missing}, missing},
        {{.base_url = good, .ca_file = place_directory()}, "is a directory"},
        {{.base_url = good, .key_file = key}, "without its certificate"},
    };
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct curl_client_options options = cases[i].options;
        options.max_connections = 1;
        struct err e = {0};
        struct http_getter *client = NULL;
        assert_int_equal(curl_client_new(&loop, &options, &e, &client), -EINVAL);
        assert_null(client);
        assert_non_null(strstr(e.text, cases[i].part));
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    (void)state;
}

int main(void)
{
    int missing = tls_missing();
    if (missing)
        return missing;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trust_is_checked),
        cmocka_unit_test(bad_options_are_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, tls_begin, tls_end);
}
