/* OpenTelemetry's variables, as its specification has them ("OpenTelemetry Protocol Exporter",
 * "General SDK configuration"): what they give to a destination that speaks OTLP, and nothing to
 * any other. */
#include "config_testing.h"

#include "exporters/push_coding.h"
#include "exporters/push_format.h"

#include <errno.h>

#define OTLP TEXTS("--push.protocol=otlp", "--push.url=http://own:4318/v1/metrics")

static const char *value_of(const struct push_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (text_equal(pairs->items[i].name, name))
            return pairs->items[i].value;
    return NULL;
}

static void assert_value(const struct push_pairs *pairs, const char *name, const char *value)
{
    if (!value_of(pairs, name))
        fail_msg("%s is not there", name);
    assert_string_equal(value_of(pairs, name), value);
}

static void test_endpoint(void **state)
{
    (void)state;
    static const struct {
        const char *environment[3];
        const char *url;
    } cases[] = {
        {{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"}, "http://c:4318/v1/metrics"},
        {{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318/"}, "http://c:4318/v1/metrics"},
        {{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c/my"}, "https://c/my/v1/metrics"},
        {{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c/my/"}, "https://c/my/v1/metrics"},
        {{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c/my?k=v"}, "https://c/my/v1/metrics?k=v"},
        {{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m:1"}, "http://m:1"},
        {{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m:1/x/"}, "http://m:1/x/"},
        {{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m/x"},
         "http://m/x"},
        {{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="},
         "http://c/v1/metrics"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c = load_good(TEXTS("--push.protocol=otlp"), cases[i].environment);
        assert_int_equal(c.push.count, 1);
        assert_string_equal(c.push.items[0].url, cases[i].url);
        config_done(&c);
    }
    struct config c = load_good(OTLP, TEXTS("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m:1/x"));
    assert_string_equal(c.push.items[0].url, "http://own:4318/v1/metrics");
    config_done(&c);
}

static void test_what_is_left_open(void **state)
{
    (void)state;
    struct config c = load_good(
        TEXTS("--push.protocol=otlp"),
        TEXTS("OTEL_EXPORTER_OTLP_ENDPOINT=https://c", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
              "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION=none", "OTEL_EXPORTER_OTLP_TIMEOUT=5000",
              "OTEL_EXPORTER_OTLP_CERTIFICATE=/ca", "OTEL_EXPORTER_OTLP_CLIENT_KEY=/k",
              "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY=/mk",
              "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/c",
              "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_INSECURE=true"));
    const struct push_destination *d = c.push.items;
    assert_int_equal(d->coding, PUSH_PLAIN);
    assert_int_equal(d->timeout_ms, 5000);
    assert_string_equal(d->ca_file, "/ca");
    assert_string_equal(d->key_file, "/mk");
    assert_string_equal(d->cert_file, "/c");
    config_done(&c);

    c = load_good(OTLP, TEXTS("OTEL_EXPORTER_OTLP_CERTIFICATE=/ca",
                              "OTEL_EXPORTER_OTLP_TIMEOUT=", "OTEL_EXPORTER_OTLP_COMPRESSION="));
    assert_null(c.push.items[0].ca_file); /* no TLS there */
    assert_int_equal(c.push.items[0].coding, PUSH_GZIP);
    assert_int_equal(c.push.items[0].timeout_ms, 30000);
    config_done(&c);
}

static struct config load_file(const char *yaml, const char *const environment[])
{
    char name[] = "/tmp/weir-config-XXXXXX";
    char flag[64];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(yaml, file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(flag, sizeof flag, "--config.file=%s", name);
    struct config c = load_good(TEXTS(flag), environment);
    assert_int_equal(remove(name), 0);
    return c;
}

static void test_what_the_file_says_is_stronger(void **state)
{
    (void)state;
    struct config c = load_file(
        "push:\n"
        "  - protocol: otlp\n"
        "    url: https://own/v1/metrics\n"
        "    compression: gzip\n"
        "    timeout: 7s\n"
        "    headers: {X-Own: a}\n"
        "    tls: {cert-file: /own.crt, key-file: /own.key}\n"
        "    bearer-token-file: /token\n"
        "    external-labels: {service.name: own, team: \"\"}\n"
        "  - url: http://prometheus/api/v1/write\n",
        TEXTS("OTEL_EXPORTER_OTLP_COMPRESSION=none", "OTEL_EXPORTER_OTLP_TIMEOUT=1",
              "OTEL_EXPORTER_OTLP_HEADERS=x-own=b,authorization=Bearer%20x,x-more=c",
              "OTEL_EXPORTER_OTLP_CLIENT_KEY=/k", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/c",
              "OTEL_SERVICE_NAME=theirs", "OTEL_RESOURCE_ATTRIBUTES=team=x,zone=y"));
    const struct push_destination *d = c.push.items;
    assert_int_equal(d->coding, PUSH_GZIP);
    assert_int_equal(d->timeout_ms, 7000);
    assert_string_equal(d->cert_file, "/own.crt");
    assert_string_equal(d->key_file, "/own.key");
    assert_int_equal(d->headers.count, 1);
    assert_int_equal(d->secret_headers.count, 1);
    assert_value(&d->secret_headers, "x-more", "c");
    assert_value(&d->external_labels, "service.name", "own");
    assert_value(&d->external_labels, "team", "");
    assert_value(&d->external_labels, "zone", "y");
    d++; /* remote write has nothing to do with it */
    assert_int_equal(d->protocol, PUSH_REMOTE_WRITE);
    assert_int_equal(d->timeout_ms, 30000);
    assert_int_equal(d->secret_headers.count, 0);
    assert_null(value_of(&d->external_labels, "zone"));
    config_done(&c);
}

static void test_headers(void **state)
{
    (void)state;
    struct config c = load_good(
        OTLP, TEXTS("OTEL_EXPORTER_OTLP_HEADERS=ignored=1",
                    "OTEL_EXPORTER_OTLP_METRICS_HEADERS=Authorization=Basic%20aHVudGVyMg==, "
                    "x-key = a%2Cb%3Dc ,x-plain=a;b"));
    const struct push_destination *d = c.push.items;
    assert_int_equal(d->secret_headers.count, 3);
    assert_value(&d->secret_headers, "Authorization", "Basic aHVudGVyMg==");
    assert_value(&d->secret_headers, "x-key", "a,b=c");
    assert_value(&d->secret_headers, "x-plain", "a;b");
    char *text = print(&c);
    assert_null(strstr(text, "aHVudGVyMg"));
    assert_part(text, "# and 3 headers of OTEL_EXPORTER_OTLP_HEADERS\n");
    struct config again = parse_good(text, strlen(text));
    config_done(&again);
    free(text);
    config_done(&c);
}

static void test_attributes(void **state)
{
    (void)state;
    struct config c = load_good(OTLP, TEXTS("OTEL_SERVICE_NAME=shop",
                                            "OTEL_RESOURCE_ATTRIBUTES=service.name=other,host.name="
                                            "box,k%2C1=v%3D1%20%25,service.instance.id=7,"));
    const struct push_pairs *labels = &c.push.items[0].external_labels;
    assert_int_equal(labels->count, 4);
    assert_value(labels, "service.name", "shop");
    assert_value(labels, "host.name", "box");
    assert_value(labels, "k,1", "v=1 %");
    assert_value(labels, "service.instance.id", "7");
    config_done(&c);
    c = load_good(OTLP, TEXTS("OTEL_RESOURCE_ATTRIBUTES=service.name=other"));
    assert_value(&c.push.items[0].external_labels, "service.name", "other");
    config_done(&c);
}

/* A list that cannot be read is told of and left out whole. */
static void test_attributes_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "OTEL_RESOURCE_ATTRIBUTES=zone=a,b",     "OTEL_RESOURCE_ATTRIBUTES=zone=a%2",
        "OTEL_RESOURCE_ATTRIBUTES=zone=a%zz",    "OTEL_RESOURCE_ATTRIBUTES=zone=%00",
        "OTEL_RESOURCE_ATTRIBUTES=zone=%ff",     "OTEL_RESOURCE_ATTRIBUTES=zone=a,zone=b",
        "OTEL_RESOURCE_ATTRIBUTES==a",           "OTEL_RESOURCE_ATTRIBUTES=zone=a,__b=c",
        "OTEL_RESOURCE_ATTRIBUTES=zone=a,b=%0a", "OTEL_SERVICE_NAME=\xff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct config c = load_good(OTLP, TEXTS(bad[i]));
        const struct push_pairs *labels = &c.push.items[0].external_labels;
        assert_int_equal(c.notice_count, 1);
        assert_int_equal(c.notices[0].level, LOG_LEVEL_WARN);
        assert_true(text_starts_with(c.notices[0].text, "OTEL_"));
        assert_part(c.notices[0].text, "left out");
        assert_int_equal(labels->count, 3);
        assert_value(labels, "service.name", "weir");
        config_done(&c);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        const char *part;
    } cases[] = {
        {"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "PROTOCOL: \"grpc\" is not spoken: it is another"},
        {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/json", "\"http/json\" is not spoken: every"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL=x", "\"x\" is not known; set http/protobuf"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION=zstd", "allowed: gzip, none"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION=snappy", "allowed: gzip, none"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT=10s", "is not a number of milliseconds"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT=0", "out of range; allowed: 100ms to 5m"},
        {"OTEL_EXPORTER_OTLP_HEADERS=hunter2", "HEADERS: not of the form NAME=VALUE"},
        {"OTEL_EXPORTER_OTLP_HEADERS=a=hunter2%", "HEADERS: not of the form NAME=VALUE"},
        {"OTEL_EXPORTER_OTLP_HEADERS=a=hunter2%0d%0ab", "HEADERS: a: the value has a control"},
        {"OTEL_EXPORTER_OTLP_HEADERS=a=hunter2,A=b", "HEADERS: A is there twice"},
        {"OTEL_EXPORTER_OTLP_HEADERS=content-type=a", "is a header that weir sets itself"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT=c:4317", "ENDPOINT: \"c:4317/v1/metrics\" does not begin"},
        {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://u:hunter2@c", "METRICS_ENDPOINT: \"http://*"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c;
        struct err e = {0};
        bool endpoint = strstr(cases[i].variable, "ENDPOINT=");
        int r = load(
            TEXTS("--push.protocol=otlp"),
            TEXTS(cases[i].variable, endpoint ? NULL : "OTEL_EXPORTER_OTLP_ENDPOINT=http://c/x"),
            &e, &c);
        if (r == 0)
            fail_msg("accepted: %s", cases[i].variable);
        assert_part(e.text, cases[i].part);
        assert_null(strstr(e.text, "hunter2"));
        /* To others it means nothing. */
        c = load_good(TEXTS("--push.url=http://p/w"), TEXTS(cases[i].variable));
        config_done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_what_is_left_open),
        cmocka_unit_test(test_what_the_file_says_is_stronger),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_attributes_that_are_none),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
