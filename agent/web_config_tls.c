/* What it knows: tls_server_config, and which of its terms fit together. Whether OpenSSL can use
 * them is not known here. Documents: "HTTPS and authentication" of prometheus.io, Go's crypto/tls
 * for the words. */
#include "agent/config_text.h"
#include "agent/web_config_pem.h"

#include <stddef.h>

struct tls_section {
    struct web_text cert;
    struct web_text cert_file;
    struct web_text key;
    struct web_text key_file;
    struct web_text client_ca;
    struct web_text client_ca_file;
    struct web_text client_auth_type;
    struct web_text min_version;
    struct web_text max_version;
    struct web_list client_allowed_sans;
    struct web_list cipher_suites;
    struct web_list curve_preferences;
    struct web_flag prefer_server_cipher_suites;
};

#define KEY(name, read)                                 \
    {                                                   \
#name, read, offsetof(struct tls_section, name) \
    }
static const struct web_key tls_keys[] = {
    KEY(cert, web_read_text),
    KEY(cert_file, web_read_text),
    KEY(key, web_read_text),
    KEY(key_file, web_read_text),
    KEY(client_auth_type, web_read_text),
    KEY(client_ca, web_read_text),
    KEY(client_ca_file, web_read_text),
    KEY(client_allowed_sans, web_read_list),
    KEY(min_version, web_read_text),
    KEY(max_version, web_read_text),
    KEY(cipher_suites, web_read_list),
    KEY(curve_preferences, web_read_list),
    KEY(prefer_server_cipher_suites, web_read_flag),
};
#undef KEY
static const struct web_section tls_section = {
    .name = "tls_server_config",
    .keys = tls_keys,
    .count = sizeof tls_keys / sizeof tls_keys[0],
};

enum { VERSION_10, VERSION_11, VERSION_12, VERSION_13, VERSIONS };

/* Which of TLS10 to TLS13 it is; left as it is when nothing is written. */
static int read_version(struct web_reader *r, const char *name, const struct web_text *text,
                        int *version)
{
    static const char *const names[VERSIONS] = {"TLS10", "TLS11", "TLS12", "TLS13"};
    if (!text->text)
        return 0;
    for (int i = 0; i < VERSIONS; i++) {
        if (text_equal(text->text, names[i])) {
            *version = i;
            return 0;
        }
    }
    return web_refuse(r, text->mark, "%s: unknown TLS version \"%s\"; allowed: TLS12, TLS13", name,
                      text_show(text->text).text);
}

static int read_versions(struct web_reader *r, const struct tls_section *s, struct tls_terms *terms)
{
    int least = VERSION_12;
    int most = VERSION_13;
    int result = read_version(r, "min_version", &s->min_version, &least);
    if (result == 0)
        result = read_version(r, "max_version", &s->max_version, &most);
    if (result < 0)
        return result;
    if (most < VERSION_12)
        return web_refuse(r, s->max_version.mark,
                          "max_version: %s is broken (RFC 8996) and not spoken here; allowed: "
                          "TLS12, TLS13",
                          s->max_version.text);
    if (least > most)
        return web_refuse(r, s->min_version.mark,
                          "min_version: %s is above max_version, so nobody could connect; lower it "
                          "or leave one of them out",
                          s->min_version.text);
    if (least < VERSION_12)
        web_warn(r, s->min_version.mark, "min_version: %s is not spoken here, TLS12 is the least",
                 s->min_version.text);
    terms->least = least == VERSION_13 ? TLS_VERSION_13 : TLS_VERSION_12;
    terms->most = most == VERSION_13 ? TLS_VERSION_13 : TLS_VERSION_12;
    return 0;
}

static int read_client_auth(struct web_reader *r, const struct web_text *text,
                            enum tls_client_auth *ret)
{
    static const struct {
        const char *name;
        enum tls_client_auth auth;
    } types[] = {
        {"NoClientCert", TLS_CLIENT_NONE},
        {"RequestClientCert", TLS_CLIENT_REQUEST},
        {"RequireAnyClientCert", TLS_CLIENT_REQUIRE_ANY},
        {"RequireClientCert", TLS_CLIENT_REQUIRE_ANY}, /* an old name of it in the toolkit */
        {"VerifyClientCertIfGiven", TLS_CLIENT_VERIFY_IF_GIVEN},
        {"RequireAndVerifyClientCert", TLS_CLIENT_REQUIRE_AND_VERIFY},
    };
    *ret = TLS_CLIENT_NONE;
    if (!web_text_given(text))
        return 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (text_equal(text->text, types[i].name)) {
            *ret = types[i].auth;
            return 0;
        }
    }
    return web_refuse(r, text->mark,
                      "client_auth_type: unknown \"%.40s\"; allowed: NoClientCert, "
                      "RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, "
                      "RequireAndVerifyClientCert",
                      text_show(text->text).text);
}

/* Where a mistake about one of the two is shown. */
static const struct web_text *given_of(const struct web_text *a, const struct web_text *b)
{
    return web_text_given(a) ? a : b;
}

static int check_client_terms(struct web_reader *r, const struct tls_section *s,
                              enum tls_client_auth auth)
{
    const struct web_text *ca = given_of(&s->client_ca_file, &s->client_ca);
    bool required = auth == TLS_CLIENT_REQUIRE_ANY || auth == TLS_CLIENT_REQUIRE_AND_VERIFY;
    if (web_text_given(ca) && auth == TLS_CLIENT_NONE)
        return web_refuse(r, ca->mark,
                          "a client CA without client_auth_type, so no client would be asked for a "
                          "certificate; mend: client_auth_type: RequireAndVerifyClientCert");
    if (s->client_allowed_sans.written && !required)
        return web_refuse(r, s->client_allowed_sans.mark,
                          "client_allowed_sans: clients may come without a certificate; mend: "
                          "client_auth_type: RequireAndVerifyClientCert (or RequireAnyClientCert)");
    if (s->client_allowed_sans.written && s->client_allowed_sans.texts.count == 0)
        return web_refuse(r, s->client_allowed_sans.mark,
                          "client_allowed_sans: an empty list lets nobody in; name a SAN or leave "
                          "the key out");
    return 0;
}

static int read_pems(struct web_reader *r, const struct tls_section *s, struct tls_terms *terms)
{
    const struct web_pem certificate = {"cert", &s->cert, "cert_file", &s->cert_file, false};
    const struct web_pem key = {"key", &s->key, "key_file", &s->key_file, true};
    const struct web_pem ca = {"client_ca", &s->client_ca, "client_ca_file", &s->client_ca_file,
                               false};
    int result = web_read_pem(r, &certificate, &terms->certificate);
    if (result == 0)
        result = web_read_pem(r, &key, &terms->key);
    return result == 0 ? web_read_pem(r, &ca, &terms->client_ca) : result;
}

/* What of the section turns TLS on; NULL when nothing does. */
static const struct web_text *find_cause(const struct tls_section *s)
{
    const struct web_text *causes[] = {
        &s->cert_file, &s->cert,           &s->key_file,        &s->key,
        &s->client_ca, &s->client_ca_file, &s->client_auth_type};
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (web_text_given(causes[i]))
            return causes[i];
    return NULL;
}

static int check_pair(struct web_reader *r, const struct tls_section *s,
                      const struct web_text *cause)
{
    if (!web_text_given(given_of(&s->cert_file, &s->cert)))
        return web_refuse(
            r, cause->mark,
            "tls_server_config: there is no certificate; mend: cert_file (or cert), or "
            "leave the section out for no TLS");
    if (!web_text_given(given_of(&s->key_file, &s->key)))
        return web_refuse(r, cause->mark,
                          "tls_server_config: there is no private key for the certificate; mend: "
                          "key_file (or key)");
    return 0;
}

static int fill_terms(struct web_reader *r, const struct tls_section *s, struct tls_terms *terms)
{
    int result = read_client_auth(r, &s->client_auth_type, &terms->client_auth);
    if (result == 0)
        result = check_client_terms(r, s, terms->client_auth);
    if (result == 0)
        result = read_pems(r, s, terms);
    terms->client_names = s->client_allowed_sans.texts;
    terms->ciphers = s->cipher_suites.texts;
    terms->curves = s->curve_preferences.texts;
    const struct web_flag *server_order = &s->prefer_server_cipher_suites;
    terms->client_order = server_order->written && !server_order->value;
    return result;
}

/* Terms of TLS in a section that does not turn it on. */
static void warn_of_idle(struct web_reader *r, const struct tls_section *s)
{
    const struct {
        bool written;
        yaml_mark_t mark;
    } idle[] = {
        {s->min_version.text, s->min_version.mark},
        {s->max_version.text, s->max_version.mark},
        {s->client_allowed_sans.written, s->client_allowed_sans.mark},
        {s->cipher_suites.written, s->cipher_suites.mark},
        {s->curve_preferences.written, s->curve_preferences.mark},
        {s->prefer_server_cipher_suites.written, s->prefer_server_cipher_suites.mark},
    };
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++) {
        if (idle[i].written) {
            web_warn(r, idle[i].mark, "tls_server_config names no certificate, so there is no TLS");
            return;
        }
    }
}

int web_read_tls(struct web_reader *r, const char *name, void *target)
{
    (void)name;
    struct web_config *c = target;
    struct tls_section s = {0};
    int result = web_read_section(r, &tls_section, &s);
    if (result == 0)
        result = read_versions(r, &s, &c->tls);
    if (result < 0)
        return result;
    const struct web_text *cause = find_cause(&s);
    if (!cause) {
        warn_of_idle(r, &s);
        return 0;
    }
    c->has_tls = true;
    result = check_pair(r, &s, cause);
    return result < 0 ? result : fill_terms(r, &s, &c->tls);
}
