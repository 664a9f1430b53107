/* Content negotiation: what real scrapers send, and RFC 9110 sections 12.4 and 12.5 with the
 * exceptions that exporters/negotiate.c names. */
#include "base/text.h"
#include "exporters/negotiate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_004 "text/plain; version=0.0.4; charset=utf-8"
#define TEXT_100 "text/plain; version=1.0.0; charset=utf-8; escaping="
#define OM_001   "application/openmetrics-text; version=0.0.1; charset=utf-8"
#define OM_100   "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="
#define PROTO \
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
#define ASK_PROTO \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

#define HEADER_BYTES 16384 /* the server's limit */

static enum prometheus_format format_of(const char *content_type)
{
    if (text_starts_with(content_type, "application/openmetrics-text"))
        return PROMETHEUS_OPENMETRICS;
    return text_starts_with(content_type, "text/plain") ? PROMETHEUS_TEXT : PROMETHEUS_PROTOBUF;
}

/* `content_type` NULL: 406. */
static void check_type(const char *accept, const char *content_type)
{
    struct negotiated n = {.content_type = "untouched"};
    const char *sentence = "untouched";
    int r = negotiate(accept, NULL, GZIP_AUTO, false, &n, &sentence);
    if (!content_type) {
        if (r != -ENOENT)
            fail_msg("%s: %s instead of a refusal", accept, n.content_type);
        assert_string_equal(n.content_type, "untouched");
        assert_non_null(strstr(sentence, "Accept header"));
        return;
    }
    if (r != 0 || strcmp(n.content_type, content_type) != 0)
        fail_msg("%s: %d, \"%s\" instead of \"%s\"", accept ? accept : "(none)", r, n.content_type,
                 content_type);
    assert_string_equal(sentence, "untouched");
    assert_int_equal(n.format, format_of(content_type));
    assert_false(n.gzip || n.gzip_only);
}

struct type_case {
    const char *accept;
    const char *content_type;
};

static void check_types(const struct type_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_type(cases[i].accept, cases[i].content_type);
}
#define CHECK_TYPES(cases) check_types(cases, sizeof(cases) / sizeof *(cases))

static void test_scrapers(void **state)
{
    (void)state;
    static const struct type_case cases[] = {
        /* Prometheus 2.42, plain and with native histograms */
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         OM_100 "underscores"},
        {ASK_PROTO ",application/openmetrics-text;version=1.0.0;q=0.8,"
                   "application/openmetrics-text;version=0.0.1;q=0.75,"
                   "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         PROTO},
        /* Prometheus 2.53, likewise */
        {"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
         "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         OM_100 "underscores"},
        {ASK_PROTO ";q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,"
                   "application/openmetrics-text;version=0.0.1;q=0.3,"
                   "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
         PROTO},
        /* Prometheus 3, likewise; then with one protocol configured alone */
        {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
         "application/openmetrics-text;version=0.0.1;q=0.5,"
         "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         OM_100 "allow-utf-8"},
        {ASK_PROTO ";q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                   "application/openmetrics-text;version=0.0.1;q=0.4,"
                   "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
                   "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
         PROTO},
        {"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.5", TEXT_100 "allow-utf-8"},
        {"text/plain;version=0.0.4;q=0.6,*/*;q=0.5", TEXT_004},
        {"application/openmetrics-text;version=0.0.1;q=0.6,*/*;q=0.5", OM_001},
        /* Telegraf and Metricbeat, an old vmagent, curl, browsers, and nobody in particular */
        {"text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT_004},
        {"text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT_004},
        {"*/*", TEXT_004},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
         TEXT_004},
        {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", TEXT_004},
        {"application/json", TEXT_004},
        {"", TEXT_004},
        {NULL, TEXT_004},
    };
    CHECK_TYPES(cases);
}

static void test_versions_and_parameters(void **state)
{
    (void)state;
    static const struct type_case cases[] = {
        {"text/plain", TEXT_004},
        {"text/plain;version=1.0.0", TEXT_100 "underscores"},
        {"text/plain;version=0.0.5", TEXT_004}, /* nothing of ours: the default */
        {"application/openmetrics-text", OM_001},
        {"application/openmetrics-text;version=1.0.1", TEXT_004},
        {"application/openmetrics-text;version=2.0.0;q=0.9,text/plain;version=1.0.0;q=0.1",
         TEXT_100 "underscores"},
        {"application/openmetrics-text;version=1.0.0;charset=utf-8", OM_100 "underscores"},
        {ASK_PROTO, PROTO},
        {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
         TEXT_004},
        {"application/vnd.google.protobuf;proto=some.other.Message;encoding=delimited", TEXT_004},
        {"application/*", OM_001},
        {"text/*", TEXT_004},
        /* any case, any order, quoted or not */
        {"Application/OpenMetrics-Text;Version=1.0.0", OM_100 "underscores"},
        {"application/openmetrics-text;q=0.5;version=\"1.0.0\", text/plain;q=0.4",
         OM_100 "underscores"},
        {"application/openmetrics-text;version=\"1\\.0.0\"", OM_100 "underscores"},
        {"application/openmetrics-text \t; \tversion=1.0.0 ;; ;q=1 ,", OM_100 "underscores"},
        {"text/html;x=\"a,application/openmetrics-text;version=1.0.0\"", TEXT_004},
        {"text/html;x=\"\\\",\";q=0.5, application/openmetrics-text", OM_001},
    };
    CHECK_TYPES(cases);
}

static void test_escaping(void **state)
{
    (void)state;
    static const struct type_case cases[] = {
        {"application/openmetrics-text;version=1.0.0;escaping=underscores", OM_100 "underscores"},
        {"application/openmetrics-text;version=1.0.0;escaping=dots", OM_100 "dots"},
        {"text/plain;version=1.0.0;escaping=values", TEXT_100 "values"},
        {"text/plain;version=1.0.0;escaping=VALUES", TEXT_100 "values"},
        {"text/plain;version=1.0.0;escaping=\"allow-utf-8\"", TEXT_100 "allow-utf-8"},
        {"text/plain;version=1.0.0;escaping=rot13", TEXT_100 "underscores"},
        {"text/plain;version=1.0.0;escaping=\"dots\\\r\\\nX: y\"", TEXT_100 "underscores"},
        {"text/plain;version=0.0.4;escaping=dots", TEXT_004}, /* it has no such parameter */
        {"application/openmetrics-text;version=0.0.1;escaping=dots", OM_001},
        {ASK_PROTO ";escaping=allow-utf-8", PROTO "; escaping=allow-utf-8"},
        {ASK_PROTO ";escaping=rot13", PROTO},
        /* of the range that wins */
        {"text/plain;version=1.0.0;escaping=dots;q=0.2,text/plain;version=1.0.0;escaping=values;"
         "q=0.3",
         TEXT_100 "values"},
    };
    CHECK_TYPES(cases);
}

static void test_weights(void **state)
{
    (void)state;
    static const struct type_case cases[] = {
        {"text/plain;q=0.5,application/openmetrics-text;version=0.0.1;q=0.501", OM_001},
        {"text/plain;q=0.501,application/openmetrics-text;version=0.0.1;q=0.5", TEXT_004},
        {"text/plain;q=0.999,application/openmetrics-text;version=0.0.1;q=1.000", OM_001},
        {"text/plain;q=1.,application/openmetrics-text;version=0.0.1;q=0.", TEXT_004},
        {"text/plain;Q=0.1,application/openmetrics-text;version=0.0.1;q=\"0.2\"", OM_001},
        /* a tie: the more specific, then the first */
        {"text/plain,application/openmetrics-text;version=1.0.0", OM_100 "underscores"},
        {"text/*,application/openmetrics-text", OM_001},
        {"application/openmetrics-text,text/plain", OM_001},
        {"text/plain,application/openmetrics-text", TEXT_004},
        {"text/plain;version=0.0.4," ASK_PROTO, TEXT_004},
        {ASK_PROTO ",text/plain;version=0.0.4", PROTO},
        /* the closest range decides over a type, whatever the others say of it */
        {"text/plain;version=0.0.4;q=0.1,text/plain;q=0.9", TEXT_100 "underscores"},
        {"application/openmetrics-text;q=0.3,application/*;q=0.9,text/plain;q=0.5", PROTO},
        {"text/plain;q=0.2,*/*;q=0.9", TEXT_004}, /* which names no other */
        {"text/plain;q=0.1,text/plain;q=0.4,application/openmetrics-text;q=0.3", TEXT_004},
    };
    CHECK_TYPES(cases);
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const weights[] = {"",     "2",    "1.1", "1.001",  "-1",  "+1",  "0.1234",
                                          ".5",   "0.5x", "0,5", "1e0",    "NaN", "00",  "01",
                                          "0.-1", "\"\"", "0x1", "1.0000", "\"1", "0 .5"};
    static const struct type_case cases[] = {
        {"application", TEXT_004},
        {"application/", TEXT_004},
        {"/openmetrics-text", TEXT_004},
        {"application/openmetrics-text/x", TEXT_004},
        {"application / openmetrics-text", TEXT_004},
        {"application/openmetrics-text;version", TEXT_004},
        {"application/openmetrics-text;version=", TEXT_004},
        {"application/openmetrics-text;=1.0.0", TEXT_004},
        {"application/openmetrics-text;version = 1.0.0", TEXT_004},
        {"application/openmetrics-text version=1.0.0", TEXT_004},
        {"application/openmetrics-text;version=\"1.0.0", TEXT_004},
        {"application/openmetrics-text;version=\"1.0.0\"x", TEXT_004},
        {"application/openmetrics-text;version=\"1.0.0\\", TEXT_004},
        {"application/openmetrics-text;version=1.0.0\x80", TEXT_004},
        {"\x80\xff,;;,\",", TEXT_004},
        /* the others still count */
        {"x,,;,text/,application/openmetrics-text;version=1.0.0;q=0.1", OM_100 "underscores"},
        {"*/*;q=0.0.0,*/*;q=zero", TEXT_004}, /* nor does a malformed one refuse */
    };
    CHECK_TYPES(cases);
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        char accept[128];
        (void)snprintf(accept, sizeof accept,
                       "text/plain;q=0.001,application/openmetrics-text;q=%s", weights[i]);
        check_type(accept, TEXT_004);
    }
}

static void test_refused_types(void **state)
{
    (void)state;
    static const struct type_case cases[] = {
        {"*/*;q=0", NULL},
        {"*/*;q=0.000", NULL},
        {"text/html, */*;q=0", NULL},
        {"text/*;q=0, application/*;q=0", NULL},
        {"text/plain;q=0, application/openmetrics-text;q=0, application/vnd.google.protobuf;q=0",
         NULL},
        {"text/plain;version=0.0.4;q=0,*/*;q=0", NULL},
        {"*/*;q=0, text/plain", TEXT_004},
        {"text/plain, */*;q=0", TEXT_004},
        {"*/*;q=0, text/plain;version=1.0.0;q=0.001", TEXT_100 "underscores"},
        {"text/plain;q=0", OM_001},
        {"text/plain;version=0.0.4;q=0", OM_001},
        {"text/*;q=0,application/openmetrics-text;q=0", PROTO},
    };
    CHECK_TYPES(cases);
}

enum coding { PLAIN, PACKED, PACKED_ONLY, REFUSED };

static void check_coding(const char *accept_encoding, enum gzip_mode mode, bool local,
                         enum coding wanted)
{
    struct negotiated n = {0};
    const char *sentence = NULL;
    int r = negotiate(NULL, accept_encoding, mode, local, &n, &sentence);
    enum coding got = r == 0 ? (n.gzip ? (n.gzip_only ? PACKED_ONLY : PACKED) : PLAIN) : REFUSED;
    if (got != wanted)
        fail_msg("%s, mode %d, local %d: %d instead of %d",
                 accept_encoding ? accept_encoding : "(none)", mode, local, got, wanted);
    if (wanted == REFUSED) {
        assert_int_equal(r, -ENOENT);
        assert_non_null(strstr(sentence, "Accept-Encoding"));
    }
}

static void test_codings(void **state)
{
    (void)state;
    static const struct {
        const char *accept_encoding;
        enum coding automatic, local, always, local_always, never;
    } cases[] = {
        {NULL, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN},
        {"", PLAIN, PLAIN, PLAIN, PLAIN, PLAIN},
        {"identity", PLAIN, PLAIN, PLAIN, PLAIN, PLAIN},
        {"br, zstd", PLAIN, PLAIN, PLAIN, PLAIN, PLAIN},
        {"gzip", PACKED, PLAIN, PACKED, PACKED, PLAIN},
        {"GZip", PACKED, PLAIN, PACKED, PACKED, PLAIN},
        {"x-gzip", PACKED, PLAIN, PACKED, PACKED, PLAIN},
        {"deflate, gzip;q=0.001, br", PACKED, PLAIN, PACKED, PACKED, PLAIN},
        {"*", PACKED, PLAIN, PACKED, PACKED, PLAIN},
        {"*;q=0.1", PACKED, PLAIN, PACKED, PACKED, PLAIN},
        {"gzip, identity;q=0.5", PACKED, PLAIN, PACKED, PACKED, PLAIN},
        {"gzip, identity", PACKED, PLAIN, PACKED, PACKED, PLAIN},
        {"gzip;q=0.5, identity;q=0.6", PLAIN, PLAIN, PACKED, PACKED, PLAIN},
        {"gzip;q=0", PLAIN, PLAIN, PLAIN, PLAIN, PLAIN},
        {"gzip;q=0, *", PLAIN, PLAIN, PLAIN, PLAIN, PLAIN},
        {"*;q=0, identity", PLAIN, PLAIN, PLAIN, PLAIN, PLAIN},
        {"gzip;q=2", PLAIN, PLAIN, PLAIN, PLAIN, PLAIN},
        {"gzip, identity;q=0", PACKED_ONLY, PACKED_ONLY, PACKED_ONLY, PACKED_ONLY, REFUSED},
        {"gzip, *;q=0", PACKED_ONLY, PACKED_ONLY, PACKED_ONLY, PACKED_ONLY, REFUSED},
        {"*, identity;q=0", PACKED_ONLY, PACKED_ONLY, PACKED_ONLY, PACKED_ONLY, REFUSED},
        {"identity;q=0", REFUSED, REFUSED, REFUSED, REFUSED, REFUSED},
        {"*;q=0", REFUSED, REFUSED, REFUSED, REFUSED, REFUSED},
        {"br, *;q=0", REFUSED, REFUSED, REFUSED, REFUSED, REFUSED},
        {"gzip;q=0, identity;q=0", REFUSED, REFUSED, REFUSED, REFUSED, REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_coding(cases[i].accept_encoding, GZIP_AUTO, false, cases[i].automatic);
        check_coding(cases[i].accept_encoding, GZIP_AUTO, true, cases[i].local);
        check_coding(cases[i].accept_encoding, GZIP_ALWAYS, false, cases[i].always);
        check_coding(cases[i].accept_encoding, GZIP_ALWAYS, true, cases[i].local_always);
        check_coding(cases[i].accept_encoding, GZIP_NEVER, false, cases[i].never);
        check_coding(cases[i].accept_encoding, GZIP_NEVER, true, cases[i].never);
    }
}

/* The longest header the server lets in, of whatever costs most. */
static void test_long_headers(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        ",", "a,", ";", "\"", "\\", "*/*;q=0.1,", "text/plain;version=0.0.4;q=0.1,", "a/b;x=\"y\",",
    };
    static char header[HEADER_BYTES + 1];
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t length = strlen(pieces[i]);
        for (size_t at = 0; at < HEADER_BYTES; at++)
            header[at] = pieces[i][at % length];
        check_type(header, TEXT_004);
    }
    memset(header, 'a', HEADER_BYTES);
    check_type(header, TEXT_004);
    (void)memcpy(header + HEADER_BYTES - 29, ",application/openmetrics-text", 29);
    check_type(header, OM_001);
    (void)memcpy(header, "text/plain;version=", 19); /* of 16 kB: none of ours, nor is it cut */
    check_type(header, OM_001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scrapers),  cmocka_unit_test(test_versions_and_parameters),
        cmocka_unit_test(test_escaping),  cmocka_unit_test(test_weights),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_refused_types),
        cmocka_unit_test(test_codings),   cmocka_unit_test(test_long_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
