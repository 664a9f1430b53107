/* web_config_parse: what arrives in the struct, and the rules that are about numbers and sizes.
 * What is refused where is in tests/fixtures/web_config. */
#include "web_config_testing.h"

#include "base/buf.h"

#include <errno.h>

#define TEXT_MAX ((size_t)4 << 20) /* bytes: several times the largest file */

static void test_nothing(void **state)
{
    (void)state;
    static const char *const files[] = {"",       "\n",           "# a\n",
                                        "---\n",  "{}",           "---\n...\n",
                                        "null\n", "\xef\xbb\xbf", "rate_limit:\r\n"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct web_config c = parse_good("", files[i]);
        assert_false(c.has_tls);
        assert_null(c.tls.certificate.name);
        assert_int_equal(c.guard.user_count, 0);
        assert_int_equal(c.guard.rate_interval_ms, 0);
        assert_string_equal(c.headers, "");
        assert_null(c.warning);
        web_config_done(&c);
    }
}

static void assert_texts(const struct text_list *list, const char *a, const char *b, const char *d)
{
    const char *const items[] = {a, b, d};
    assert_int_equal(list->count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(list->items[i], items[i]);
}

static void assert_pem(const struct tls_pem *pem, const char *name, const char *text)
{
    assert_string_equal(pem->name, name);
    assert_int_equal(pem->length, strlen(text));
    assert_memory_equal(pem->text, text, strlen(text));
}

static void test_tls_arrives(void **state)
{
    (void)state;
    struct web_config c = parse_good("", "tls_server_config:\n"
                                         "  cert: |\n    certificate\n    chain\n"
                                         "  key: secret\n"
                                         "  client_ca: authority\n"
                                         "  client_auth_type: RequireAndVerifyClientCert\n"
                                         "  client_allowed_sans: [a.example, 192.0.2.1, 42]\n"
                                         "  min_version: TLS12\n"
                                         "  max_version: TLS13\n"
                                         "  cipher_suites: [A, \"B\", C]\n"
                                         "  curve_preferences: [X25519, CurveP256, D]\n"
                                         "  prefer_server_cipher_suites: false\n");
    assert_true(c.has_tls);
    assert_pem(&c.tls.certificate, "inline", "certificate\nchain\n");
    assert_pem(&c.tls.key, "inline", "secret");
    assert_pem(&c.tls.client_ca, "inline", "authority");
    assert_int_equal(c.tls.client_auth, TLS_CLIENT_REQUIRE_AND_VERIFY);
    assert_texts(&c.tls.client_names, "a.example", "192.0.2.1", "42");
    assert_texts(&c.tls.ciphers, "A", "B", "C");
    assert_texts(&c.tls.curves, "X25519", "CurveP256", "D");
    assert_int_equal(c.tls.least, TLS_VERSION_12);
    assert_int_equal(c.tls.most, TLS_VERSION_13);
    assert_true(c.tls.client_order);
    assert_null(c.warning);
    web_config_done(&c);
}

static void test_tls_defaults(void **state)
{
    (void)state;
    struct web_config c = parse_good("", "tls_server_config: {cert: a, key: b}\n");
    assert_true(c.has_tls);
    assert_null(c.tls.client_ca.name);
    assert_int_equal(c.tls.client_auth, TLS_CLIENT_NONE);
    assert_int_equal(c.tls.client_names.count, 0);
    assert_int_equal(c.tls.ciphers.count, 0);
    assert_int_equal(c.tls.curves.count, 0);
    assert_int_equal(c.tls.least, TLS_VERSION_12);
    assert_int_equal(c.tls.most, TLS_VERSION_13);
    assert_false(c.tls.client_order);
    web_config_done(&c);
}

static void test_client_auth_types(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum tls_client_auth auth;
    } types[] = {
        {"\"\"", TLS_CLIENT_NONE},
        {"NoClientCert", TLS_CLIENT_NONE},
        {"RequestClientCert", TLS_CLIENT_REQUEST},
        {"RequireAnyClientCert", TLS_CLIENT_REQUIRE_ANY},
        {"RequireClientCert", TLS_CLIENT_REQUIRE_ANY},
        {"VerifyClientCertIfGiven", TLS_CLIENT_VERIFY_IF_GIVEN},
        {"RequireAndVerifyClientCert", TLS_CLIENT_REQUIRE_AND_VERIFY},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char yaml[128];
        (void)snprintf(yaml, sizeof yaml,
                       "tls_server_config: {cert: a, key: b, client_auth_type: %s}", types[i].name);
        struct web_config c = parse_good("", yaml);
        assert_int_equal(c.tls.client_auth, types[i].auth);
        web_config_done(&c);
    }
}

static void test_versions(void **state)
{
    (void)state;
    struct web_config c =
        parse_good("", "tls_server_config: {cert: a, key: b, min_version: TLS13}");
    assert_int_equal(c.tls.least, TLS_VERSION_13);
    assert_int_equal(c.tls.most, TLS_VERSION_13);
    web_config_done(&c);
    c = parse_good("", "tls_server_config: {cert: a, key: b, min_version: TLS11,\n"
                       "  max_version: TLS12}");
    assert_int_equal(c.tls.least, TLS_VERSION_12);
    assert_int_equal(c.tls.most, TLS_VERSION_12);
    assert_non_null(strstr(c.warning, "web.yml:1:51: min_version: TLS11"));
    web_config_done(&c);
}

static void test_users_and_headers_arrive(void **state)
{
    (void)state;
    struct web_config c = parse_good("", "basic_auth_users:\n"
                                         "  alice: " HASH "\n"
                                         "  \"b c\": \"" HASH "\"\n"
                                         "  \xc3\xa9lan: " HASH "\n"
                                         "http_server_config:\n"
                                         "  headers:\n"
                                         "    X-XSS-Protection: 0\n"
                                         "    X-Frame-Options: deny\n"
                                         "    Strict-Transport-Security:\n"
                                         "    Content-Security-Policy: >-\n"
                                         "      default-src\n"
                                         "      'none'\n");
    assert_int_equal(c.guard.user_count, 3);
    assert_string_equal(c.guard.users[0].name, "alice");
    assert_string_equal(c.guard.users[1].name, "b c");
    assert_string_equal(c.guard.users[2].name, "\xc3\xa9lan");
    assert_string_equal(c.guard.users[2].hash, HASH);
    assert_string_equal(c.headers, "X-XSS-Protection: 0\r\n"
                                   "X-Frame-Options: deny\r\n"
                                   "Content-Security-Policy: default-src 'none'\r\n");
    assert_null(c.warning);
    web_config_done(&c);
}

static void test_intervals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
        bool warns;
    } good[] = {
        {"1ms", 1, false},
        {"1s", 1000, false},
        {"\"1s\"", 1000, false},
        {"1h30m", 5400000, false},
        {"30m1h", 5400000, false},
        {"1.5h", 5400000, false},
        {".25s", 250, false},
        {"2.s", 2000, false},
        {"+1m", 60000, false},
        {"1m1m", 120000, false},
        {"1000us", 1, false},
        {"1000\xc2\xb5s", 1, false},
        {"1000\xce\xbcs", 1, false},
        {"3000000ns", 3, false},
        {"3000001ns", 4, true},
        {"1ns", 1, true},
        {"1.0015s", 1002, true},
        {"2000000", 2, true},
        {"1", 1, true},
        {"2562047h", UINT64_C(9223369200000), false},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char yaml[128];
        (void)snprintf(yaml, sizeof yaml, "rate_limit: {interval: %s, burst: 3}", good[i].text);
        struct web_config c = parse_good("", yaml);
        if (c.guard.rate_interval_ms != good[i].ms || !c.warning == good[i].warns)
            fail_msg("%s: %llu ms, %s", good[i].text, (unsigned long long)c.guard.rate_interval_ms,
                     c.warning ? c.warning : "no warning");
        assert_int_equal(c.guard.rate_burst, 3);
        web_config_done(&c);
    }
    static const char *const bad[] = {
        "s",     "1x",   "1.5", "1sx", ".s",   "1d", "1 s", "\"5\"",    "010",
        "1_000", "1e3s", "-1s", "-5",  "0x10", "''", "inf", "2562048h", "18446744073709551616s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char yaml[128];
        (void)snprintf(yaml, sizeof yaml, "rate_limit: {burst: 1, interval: %s}", bad[i]);
        expect_refused("", yaml, "web.yml:1:34: interval: ", "mend: ");
    }
}

static void test_no_limit(void **state)
{
    (void)state;
    static const char *const zeros[] = {"0", "0s", "\"0\"", "0h0m", "~", "0.0ms"};
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        char yaml[64];
        (void)snprintf(yaml, sizeof yaml, "rate_limit: {interval: %s, burst: 0}", zeros[i]);
        struct web_config c = parse_good("", yaml);
        assert_int_equal(c.guard.rate_interval_ms, 0);
        assert_null(c.warning);
        web_config_done(&c);
    }
    static const char *const bursts[] = {"1.0", "01", "x", "-1", "9223372036854775808", "''"};
    for (size_t i = 0; i < sizeof bursts / sizeof bursts[0]; i++) {
        char yaml[64];
        (void)snprintf(yaml, sizeof yaml, "rate_limit: {burst: %s}", bursts[i]);
        expect_refused("", yaml, "web.yml:1:21: burst: ", "no whole number");
    }
}

/* `count` lines "uN: HASH" below basic_auth_users. */
static char *make_users(size_t count)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    (void)buf_add_string(&b, "basic_auth_users:\n");
    for (size_t i = 0; i < count; i++)
        (void)buf_add_format(&b, " u%zu: %s\n", i, HASH);
    assert_false(b.failed);
    return b.data;
}

static void test_many_users(void **state)
{
    (void)state;
    char *most = make_users(1024);
    struct web_config c = parse_good("", most);
    assert_int_equal(c.guard.user_count, 1024);
    assert_string_equal(c.guard.users[1023].name, "u1023");
    web_config_done(&c);
    free(most);
    char *more = make_users(1025);
    expect_refused("", more, "web.yml:1026:2: ", "more than 1024 users");
    free(more);
}

/* A hash must not come into a log, whatever is wrong beside it. */
static void test_hashes_are_not_shown(void **state)
{
    (void)state;
    static const char *const files[] = {
        "basic_auth_users:\n  alice: " HASH "x\n",
        "basic_auth_users:\n  alice: [" HASH "]\n",
        "basic_auth_users:\n  alice: " HASH "\n  alice: " HASH "\n",
        "basic_auth_users: " HASH "\n",
        "basic_auth_users:\n  alice: \"" HASH "\\0\"\n",
        "basic_auth_users:\n  alice: " HASH "\n\tbob: " HASH "\n",
        "basic_auth_users:\n  alice: \"" HASH "\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct web_config c;
        struct err e = {0};
        assert_int_equal(web_config_parse("w", "", files[i], strlen(files[i]), &e, &c), -EINVAL);
        assert_null(strstr(e.text, "dPBG"));
    }
}

static void test_headers_fill_the_room(void **state)
{
    (void)state;
    char yaml[1024];
    const char *const name = "Content-Security-Policy";
    size_t most = HTTP_REPLY_HEADERS_MAX - strlen(name) - strlen(": \r\n");
    for (size_t more = 0; more < 2; more++) {
        (void)snprintf(yaml, sizeof yaml, "http_server_config: {headers: {%s: %0*d}}", name,
                       (int)(most + more), 0);
        if (more == 0) {
            struct web_config c = parse_good("", yaml);
            assert_int_equal(strlen(c.headers), HTTP_REPLY_HEADERS_MAX);
            web_config_done(&c);
        } else {
            expect_refused("", yaml, "web.yml:1:57: ", "more than 512 bytes");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_tls_arrives),
        cmocka_unit_test(test_tls_defaults),
        cmocka_unit_test(test_client_auth_types),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_users_and_headers_arrive),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_many_users),
        cmocka_unit_test(test_hashes_are_not_shown),
        cmocka_unit_test(test_headers_fill_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
