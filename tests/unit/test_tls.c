/* A TLS session, from net/tls.h and RFC 8446 and 5246: what goes over, in what pieces, how it ends,
 * and what a client must not do. The client is OpenSSL's own. */
#include "tls_pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LARGE ((size_t)1 << 20)

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
#define VERSION_COUNT (sizeof versions / sizeof versions[0])

static struct tls_context *context; /* pair_terms() */

static int begin(void **state)
{
    if (certificates_make(state) < 0)
        return -1;
    struct tls_terms terms = pair_terms();
    context = pair_context(&terms);
    return 0;
}

static int end(void **state)
{
    tls_context_unref(context);
    return certificates_remove(state);
}

static void test_both_versions_talk(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        struct pair p = pair_connected(context, &(struct pair_client){.version = versions[i]});
        assert_int_equal(SSL_version(p.client), versions[i]);
        pair_check_talks(&p);
        pair_check_talks(&p);
        pair_done(&p);
    }
    struct pair p = pair_connected(context, NULL);
    assert_int_equal(SSL_version(p.client), TLS1_3_VERSION);
    pair_done(&p);
}

static void test_any_cut_will_do(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 5, 7, 100};
    for (size_t i = 0; i < VERSION_COUNT * (sizeof steps / sizeof steps[0]); i++) {
        struct pair p =
            pair_connected(context, &(struct pair_client){.version = versions[i % VERSION_COUNT],
                                                          .step = steps[i / VERSION_COUNT]});
        pair_check_talks(&p);
        pair_done(&p);
    }
}

static void test_a_long_hello_in_many_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        struct pair p =
            pair_new(context, &(struct pair_client){.version = versions[i], .bulk = 12000});
        (void)SSL_set_max_send_fragment(p.client, 512);
        pair_run(&p);
        assert_int_equal(p.result, 0);
        pair_check_talks(&p);
        pair_done(&p);
    }
}

static void test_too_long_a_hello_is_refused(void **state)
{
    (void)state;
    struct pair p = pair_new(context, &(struct pair_client){.bulk = 17000});
    pair_run(&p);
    assert_int_equal(p.result, -EPROTO);
    assert_string_equal(tls_session_failure(p.session), "too long a hello");
    assert_int_equal(p.alert, SSL_AD_DECODE_ERROR);
    pair_done(&p);
}

/* It could ask for TLS 1.2, and OpenSSL would read it (RFC 6176, RFC 8446 D.5). */
static void test_the_hello_of_ssl2_is_refused(void **state)
{
    (void)state;
    static const char hello[] = "\x80\x2c\x01\x03\x03\x00\x03\x00\x00\x00\x20\x00\x00\x2f"
                                "0123456789abcdef0123456789abcdef";
    const char *name = "TLS_RSA_WITH_AES_128_CBC_SHA";
    struct tls_terms t = pair_terms();
    t.certificate = certificates_pem("rsa2048.pem");
    t.key = certificates_pem("rsa2048.key");
    t.ciphers = (struct text_list){.items = (char **)(uintptr_t)&name, .count = 1};
    struct tls_context *rsa = pair_context(&t);
    struct pair p = pair_new(rsa, NULL);
    int r = tls_session_feed(p.session, hello, sizeof hello - 1, &p.plain, &p.out);
    assert_int_equal(r, -EPROTO);
    assert_string_equal(tls_session_failure(p.session), "hello of SSL 2.0");
    assert_int_equal(p.out.length, 7);
    assert_int_equal(p.out.data[0], SSL3_RT_ALERT);
    pair_done(&p);
    tls_context_unref(rsa);
}

static void test_nothing_is_ready_before_the_handshake(void **state)
{
    (void)state;
    struct pair p = pair_new(context, NULL);
    assert_false(tls_session_is_ready(p.session));
    assert_int_equal(tls_session_write(p.session, "x", 1, &p.out), -EPROTO);
    tls_session_end(p.session, &p.out);
    assert_int_equal(p.out.length, 0);
    pair_run(&p);
    assert_true(tls_session_is_ready(p.session));
    pair_check_talks(&p);
    pair_done(&p);
}

/* Of TLS 1.3, where the client has the last word: its end of the handshake and its request in one
 * piece. */
static void test_what_follows_the_handshake_at_once_is_told(void **state)
{
    (void)state;
    struct pair p = pair_new(context, &(struct pair_client){.version = TLS1_3_VERSION});
    for (int turn = 0; turn < 2; turn++) {
        (void)SSL_do_handshake(p.client);
        if (turn == 1)
            pair_send(&p, "GET", 3);
        size_t length = 0;
        char *bytes = pair_take(&p, &length);
        assert_false(tls_session_is_ready(p.session));
        assert_int_equal(tls_session_feed(p.session, bytes, length, &p.plain, &p.out), 0);
        free(bytes);
        (void)BIO_write(SSL_get_rbio(p.client), p.out.data, (int)p.out.length);
        buf_clear(&p.out);
    }
    assert_true(tls_session_is_ready(p.session));
    assert_string_equal(p.plain.data, "GET");
    pair_done(&p);
}

static void test_large_writes(void **state)
{
    (void)state;
    char *large = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i * 7919 >> 8);
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        struct pair p =
            pair_connected(context, &(struct pair_client){.version = versions[i], .step = 5000});
        pair_send(&p, large, LARGE);
        assert_int_equal(tls_session_write(p.session, large, LARGE, &p.out), 0);
        pair_run(&p);
        assert_int_equal(p.plain.length, LARGE);
        assert_memory_equal(p.plain.data, large, LARGE);
        assert_int_equal(p.received.length, LARGE);
        assert_memory_equal(p.received.data, large, LARGE);
        pair_done(&p);
    }
    free(large);
}

static void test_the_peers_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        struct pair p = pair_connected(context, &(struct pair_client){.version = versions[i]});
        pair_send(&p, "last words", 10);
        assert_int_equal(SSL_shutdown(p.client), 0);
        pair_run(&p);
        assert_int_equal(p.result, -EPIPE);
        assert_string_equal(p.plain.data, "last words");
        assert_int_equal(tls_session_write(p.session, "answer", 6, &p.out), 0);
        tls_session_end(p.session, &p.out);
        pair_run(&p);
        assert_string_equal(p.received.data, "answer");
        assert_int_equal(SSL_get_shutdown(p.client), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        pair_done(&p);
    }
}

static void test_our_end(void **state)
{
    (void)state;
    struct pair p = pair_connected(context, NULL);
    tls_session_end(p.session, &p.out);
    pair_run(&p);
    assert_int_equal(SSL_get_shutdown(p.client), SSL_RECEIVED_SHUTDOWN);
    pair_done(&p);
}

static void refuse_bytes(const char *bytes, size_t length, const char *failure)
{
    struct pair p = pair_new(context, NULL);
    assert_int_equal(tls_session_feed(p.session, bytes, length, &p.plain, &p.out), -EPROTO);
    assert_string_equal(tls_session_failure(p.session), failure);
    assert_false(tls_session_is_ready(p.session));
    assert_int_equal(p.plain.length, 0);
    pair_done(&p);
}

static void test_plain_http_is_refused(void **state)
{
    (void)state;
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    refuse_bytes(request, sizeof request - 1, "http request");
    static const char noise[] = "\x7f\x45\x4c\x46 no TLS at all, is it";
    refuse_bytes(noise, sizeof noise - 1, "wrong version number");
}

static void test_floods_of_empty_records_are_refused(void **state)
{
    (void)state;
    static const char empty[] = {0x16, 0x03, 0x01, 0x00, 0x00};
    char flood[200 * sizeof empty];
    for (size_t i = 0; i < sizeof flood; i++)
        flood[i] = empty[i % sizeof empty];
    struct pair p = pair_new(context, NULL);
    assert_int_equal(tls_session_feed(p.session, flood, sizeof flood, &p.plain, &p.out), -EPROTO);
    pair_done(&p);
}

/* RFC 8446 5: such records are dropped while the handshake lasts. */
static void test_floods_of_change_cipher_spec_are_refused(void **state)
{
    (void)state;
    static const char dummy[] = {0x14, 0x03, 0x03, 0x00, 0x01, 0x01};
    struct pair p = pair_new(context, &(struct pair_client){.version = TLS1_3_VERSION});
    (void)SSL_do_handshake(p.client);
    size_t length = 0;
    char *hello = pair_take(&p, &length);
    assert_int_equal(tls_session_feed(p.session, hello, length, &p.plain, &p.out), 0);
    free(hello);
    int r = 0;
    unsigned fed = 0;
    for (; fed < 200 && r == 0; fed++)
        r = tls_session_feed(p.session, dummy, sizeof dummy, &p.plain, &p.out);
    assert_int_equal(r, -EPROTO);
    assert_in_range(fed, 2, 100);
    pair_done(&p);
}

static void test_new_keys_are_taken_and_bounded(void **state)
{
    (void)state;
    struct pair p = pair_connected(context, &(struct pair_client){.version = TLS1_3_VERSION});
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
        pair_check_talks(&p);
    }
    unsigned updates = 0;
    for (; updates < 1000 && p.result == 0; updates++) {
        assert_int_equal(SSL_key_update(p.client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(p.client), 1);
        pair_run(&p);
    }
    assert_int_equal(p.result, -EPROTO);
    assert_in_range(updates, 20, 200);
    assert_string_equal(tls_session_failure(p.session), "too many new keys or handshakes");
    assert_int_equal(p.alert, SSL_AD_CLOSE_NOTIFY);
    pair_done(&p);
}

static void test_a_flood_of_new_keys_in_one_piece(void **state)
{
    (void)state;
    struct pair p = pair_connected(context, &(struct pair_client){.version = TLS1_3_VERSION});
    for (unsigned i = 0; i < 500; i++) {
        assert_int_equal(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(p.client), 1);
    }
    pair_send(&p, "late", 4);
    pair_run(&p);
    assert_int_equal(p.result, -EPROTO);
    assert_int_equal(p.plain.length, 0);
    pair_done(&p);
}

static void test_renegotiation_is_refused(void **state)
{
    (void)state;
    struct pair p = pair_connected(context, &(struct pair_client){.version = TLS1_2_VERSION});
    assert_int_equal(SSL_renegotiate(p.client), 1);
    (void)SSL_do_handshake(p.client);
    pair_run(&p);
    assert_int_equal(p.alert, SSL_AD_NO_RENEGOTIATION);
    assert_true(p.result == 0 || p.result == -EPROTO);
    assert_int_equal(SSL_total_renegotiations(p.client), 1); /* begun, */
    assert_false(SSL_is_init_finished(p.client));            /* not done */
    pair_done(&p);
}

/* Half of a renegotiation's hello: the session waits for the rest and must not write within. */
static void test_no_write_within_another_handshake(void **state)
{
    (void)state;
    struct pair p =
        pair_connected(context, &(struct pair_client){.version = TLS1_2_VERSION, .bulk = 1000});
    (void)SSL_set_max_send_fragment(p.client, 512);
    assert_int_equal(SSL_renegotiate(p.client), 1);
    (void)SSL_do_handshake(p.client);
    size_t length = 0;
    char *hello = pair_take(&p, &length);
    assert_in_range(length, 1000, 4000);
    assert_int_equal(tls_session_feed(p.session, hello, 700, &p.plain, &p.out), 0);
    assert_int_equal(p.out.length, 0);
    assert_int_equal(tls_session_write(p.session, "x", 1, &p.out), -EPROTO);
    assert_string_equal(tls_session_failure(p.session), "the peer began another handshake");
    free(hello);
    pair_done(&p);
}

static void test_damaged_records_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        struct pair p = pair_connected(context, &(struct pair_client){.version = versions[i]});
        pair_send(&p, "a question", 10);
        size_t length = 0;
        char *bytes = pair_take(&p, &length);
        bytes[length - 1] ^= 1;
        assert_int_equal(tls_session_feed(p.session, bytes, length, &p.plain, &p.out), -EPROTO);
        assert_int_equal(p.plain.length, 0);
        assert_true(p.out.length > 0);
        assert_string_equal(tls_session_failure(p.session), "decryption failed or bad record mac");
        free(bytes);
        pair_run(&p);
        assert_int_equal(p.alert, SSL_AD_BAD_RECORD_MAC);
        pair_done(&p);
    }
}

static void test_the_maximum_of_plain(void **state)
{
    (void)state;
    char bytes[6000] = {'x'};
    struct pair p = pair_connected(context, &(struct pair_client){.maximum = 5000});
    pair_send(&p, bytes, 5000);
    pair_run(&p);
    assert_int_equal(p.result, 0);
    assert_int_equal(p.plain.length, 5000);
    pair_send(&p, bytes, 1);
    pair_run(&p);
    assert_int_equal(p.result, -EMSGSIZE);
    assert_int_equal(p.plain.length, 5000);
    assert_string_equal(tls_session_failure(p.session), "more input than the connection may hold");
    pair_done(&p);
}

static void test_the_maximum_of_out(void **state)
{
    (void)state;
    struct pair p = pair_new(context, &(struct pair_client){.maximum = 300});
    pair_run(&p);
    assert_int_equal(p.result, -EMSGSIZE);
    assert_string_equal(tls_session_failure(p.session), "more output than the connection may hold");
    pair_done(&p);
}

static void test_a_write_past_the_maximum(void **state)
{
    (void)state;
    static char large[20000];
    struct pair p = pair_connected(context, &(struct pair_client){.maximum = 5000});
    static const size_t sizes[] = {sizeof large, 5001, 5000, 4990}; /* the last with its record */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(tls_session_write(p.session, large, sizes[i], &p.out), -EMSGSIZE);
        assert_int_equal(p.out.length, 0);
        buf_clear(&p.out);
    }
    pair_check_talks(&p); /* nothing is lost by it */
    pair_done(&p);
}

static void test_the_protocol_above(void **state)
{
    (void)state;
    struct {
        const char *offered;
        const char *chosen; /* NULL: refused */
    } cases[] = {{"\x08http/1.1", "http/1.1"},
                 {"\x02h2\x08http/1.1", "http/1.1"},
                 {NULL, ""},
                 {"\x02h2", NULL},
                 {"\x08http/1.0\x03h2c", NULL},
                 {"\x09http/1.10", NULL}};
    for (size_t i = 0; i < VERSION_COUNT * (sizeof cases / sizeof cases[0]); i++) {
        const char *chosen = cases[i / VERSION_COUNT].chosen;
        struct pair p =
            pair_new(context, &(struct pair_client){.version = versions[i % VERSION_COUNT],
                                                    .protocols = cases[i / VERSION_COUNT].offered});
        pair_run(&p);
        assert_int_equal(p.result, chosen ? 0 : -EPROTO);
        assert_int_equal(p.alert, chosen ? -1 : SSL_AD_NO_APPLICATION_PROTOCOL);
        const unsigned char *name = NULL;
        unsigned length = 0;
        SSL_get0_alpn_selected(p.client, &name, &length);
        assert_int_equal(length, chosen ? strlen(chosen) : 0);
        if (length > 0)
            assert_memory_equal(name, chosen, length);
        pair_done(&p);
    }
}

static void test_an_alert_of_the_client(void **state)
{
    (void)state;
    struct pair p = pair_new(context, NULL);
    SSL_set_verify(p.client, SSL_VERIFY_PEER, NULL); /* it trusts nobody */
    pair_run(&p);
    assert_int_equal(p.result, -EPROTO);
    assert_string_equal(tls_session_failure(p.session), "tlsv1 alert unknown ca");
    pair_done(&p);
}

int main(void)
{
    int missing = certificates_missing();
    if (missing)
        return missing;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_versions_talk),
        cmocka_unit_test(test_any_cut_will_do),
        cmocka_unit_test(test_a_long_hello_in_many_records),
        cmocka_unit_test(test_too_long_a_hello_is_refused),
        cmocka_unit_test(test_the_hello_of_ssl2_is_refused),
        cmocka_unit_test(test_nothing_is_ready_before_the_handshake),
        cmocka_unit_test(test_what_follows_the_handshake_at_once_is_told),
        cmocka_unit_test(test_large_writes),
        cmocka_unit_test(test_the_peers_end),
        cmocka_unit_test(test_our_end),
        cmocka_unit_test(test_plain_http_is_refused),
        cmocka_unit_test(test_floods_of_empty_records_are_refused),
        cmocka_unit_test(test_floods_of_change_cipher_spec_are_refused),
        cmocka_unit_test(test_new_keys_are_taken_and_bounded),
        cmocka_unit_test(test_a_flood_of_new_keys_in_one_piece),
        cmocka_unit_test(test_renegotiation_is_refused),
        cmocka_unit_test(test_no_write_within_another_handshake),
        cmocka_unit_test(test_damaged_records_are_refused),
        cmocka_unit_test(test_the_maximum_of_plain),
        cmocka_unit_test(test_the_maximum_of_out),
        cmocka_unit_test(test_a_write_past_the_maximum),
        cmocka_unit_test(test_the_protocol_above),
        cmocka_unit_test(test_an_alert_of_the_client),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
