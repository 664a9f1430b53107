/* agent/config_push.h: destinations from a file and from flags, their defaults, the print, and
 * where a mistake in one is. */
#include "config_testing.h"

#include "agent/pipeline.h"
#include "exporters/push_coding.h"
#include "exporters/push_format.h"
#include "exporters/push_queue.h"

#include <errno.h>
#include <unistd.h>

/* NAME=VALUE, in the order of the list. */
static void assert_pairs(const struct push_pairs *pairs, const char *const expected[])
{
    size_t count = 0;
    for (; expected[count]; count++) {
        assert_true(count < pairs->count);
        char *text = alloc_format("%s=%s", pairs->items[count].name, pairs->items[count].value);
        assert_string_equal(text, expected[count]);
        free(text);
    }
    assert_int_equal(pairs->count, count);
}

static char *instance(const char *port)
{
    char host[256] = "";
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    return alloc_format("instance=%s%s", host, port);
}

static void test_nothing_is_pushed_unasked(void **state)
{
    (void)state;
    static const char *const files[] = {"", "push:\n", "push: []\n", "push: ~\n"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct config c = parse_good(files[i], strlen(files[i]));
        assert_int_equal(c.push.count, 0);
        config_done(&c);
    }
    struct config c = load_good(TEXTS("--push.url=", "--push.queue-dir="),
                                TEXTS("OTEL_EXPORTER_OTLP_ENDPOINT=http://otel:4318",
                                      "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "WEIR_PUSH_URL="));
    assert_int_equal(c.push.count, 0);
    assert_int_equal(c.notice_count, 0);
    char *text = print(&c);
    assert_part(text, "\npush: []\n");
    free(text);
    config_done(&c);
}

static void test_defaults_of_remote_write(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS("--push.url=http://prometheus:9090/api/v1/write"), TEXTS());
    char *own = instance(":10142");
    assert_int_equal(c.push.count, 1);
    const struct push_destination *d = c.push.items;
    assert_string_equal(d->name, "prometheus:9090");
    assert_string_equal(d->url, "http://prometheus:9090/api/v1/write");
    assert_int_equal(d->protocol, PUSH_REMOTE_WRITE);
    assert_int_equal(d->coding, PUSH_SNAPPY);
    assert_int_equal(d->interval_ms, 15000);
    assert_int_equal(d->timeout_ms, 30000);
    assert_int_equal(d->headers.count, 0);
    assert_pairs(&d->external_labels, TEXTS(own, "job=weir"));
    assert_null(d->proxy_url);
    assert_null(d->ca_file);
    assert_false(d->insecure_skip_verify);
    assert_null(d->queue_dir);
    assert_null(push_destination_directory(d));
    assert_int_equal(d->queue_max_bytes, 16 << 20);
    assert_int_equal(d->queue_max_age_ms, 86400000);
    assert_int_equal(d->queue_sync, PUSH_SYNC_RECORD);
    assert_int_equal(d->metrics_include.count + d->metrics_exclude.count, 0);
    assert_int_equal(d->containers_include.count + d->containers_exclude.count, 0);
    free(own);
    config_done(&c);
}

static void test_every_flag(void **state)
{
    (void)state;
    struct config c = load_good(
        TEXTS("--push.url=https://mimir/api/v1/push", "--push.protocol=remote-write-2",
              "--push.interval=1m", "--push.queue-dir=/var/lib/weir/push",
              "--push.queue-max-bytes=1GB", "--push.bearer-token-file=token",
              "--push.external-label=cluster=a,job=", "--push.external-label", "instance=me"),
        TEXTS());
    const struct push_destination *d = c.push.items;
    assert_int_equal(c.push.count, 1);
    assert_string_equal(d->name, "mimir:443");
    assert_int_equal(d->protocol, PUSH_REMOTE_WRITE_2);
    assert_int_equal(d->interval_ms, 60000);
    assert_string_equal(d->queue_dir, "/var/lib/weir/push");
    assert_int_equal(d->queue_max_bytes, 1000000000);
    assert_string_equal(d->bearer_token_file, "token");
    assert_pairs(&d->external_labels, TEXTS("cluster=a", "instance=me", "job="));
    char *directory = push_destination_directory(d);
    assert_string_equal(directory, "/var/lib/weir/push/mimir_443");
    free(directory);
    config_done(&c);

    c = load_good(TEXTS(), TEXTS("WEIR_PUSH_URL=http://h/w", "WEIR_PUSH_INTERVAL=100ms",
                                 "WEIR_PUSH_QUEUE_DIR=/q", "WEIR_PUSH_EXTERNAL_LABEL=a=b=c"));
    assert_int_equal(c.push.count, 1);
    assert_int_equal(c.push.items[0].interval_ms, 100);
    assert_int_equal(c.push.items[0].queue_max_bytes, 256 << 20);
    assert_string_equal(c.push.items[0].external_labels.items[0].value, "b=c");
    config_done(&c);
}

/* As a scrape would have it. */
static void test_instance(void **state)
{
    (void)state;
    static const struct {
        const char *addresses;
        const char *port;
    } cases[] = {
        {":9100", ":9100"},         {"127.0.0.1:9101,:9102", ":9101"},
        {"[::1]:9103", ":9103"},    {"unix:/run/w.sock?mode=0660,:9104", ":9104"},
        {"unix:/run/w:1.sock", ""}, {"127.0.0.1:0", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *expected = instance(cases[i].port);
        struct config c = load_good(
            TEXTS("--push.url=http://h/w", "--web.listen-address", cases[i].addresses), TEXTS());
        assert_pairs(&c.push.items[0].external_labels, TEXTS(expected, "job=weir"));
        free(expected);
        config_done(&c);
    }
}

static const char everything[] =
    "push:\n"
    "  - name: main\n"
    "    url: https://user.example:8443/api/v1/push?x=1\n"
    "    protocol: remote-write-2\n"
    "    interval: 10s\n"
    "    timeout: 20s\n"
    "    compression: snappy\n"
    "    headers: {X-Scope-OrgID: team a, \"X-Other\": \"b: c\"}\n"
    "    external-labels: {cluster: \"eu\\\\1\", _a1: 'x', job: \"\"}\n"
    "    proxy-url: socks5h://proxy:1080\n"
    "    tls: {ca-file: /ca.pem, cert-file: /c.pem, key-file: key, insecure-skip-verify: true}\n"
    "    basic-auth: {username: me, password-file: /run/secret}\n"
    "    queue: {dir: /var/lib/weir/push, max-bytes: 100MiB, max-age: 2h, sync: segment}\n"
    "    metrics: {include: [container_*], exclude: [container_tasks_state]}\n"
    "    containers: {include: [name=web-*], exclude: [\"label.a=b\"]}\n"
    "  - url: http://[::1]:4318/v1/metrics\n"
    "    protocol: otlp\n"
    "    compression: none\n"
    "    proxy-url: \"\"\n"
    "    bearer-token-file: token\n"
    "    external-labels: {deployment.environment.name: prod, host.name: \"\"}\n";

static void test_every_key(void **state)
{
    (void)state;
    struct config c = parse_good(everything, sizeof everything - 1);
    const struct push_destination *d = c.push.items;
    char *own = instance(":10142");
    assert_int_equal(c.push.count, 2);
    assert_string_equal(d->name, "main");
    assert_string_equal(d->url, "https://user.example:8443/api/v1/push?x=1");
    assert_int_equal(d->protocol, PUSH_REMOTE_WRITE_2);
    assert_int_equal(d->interval_ms, 10000);
    assert_int_equal(d->timeout_ms, 20000);
    assert_int_equal(d->coding, PUSH_SNAPPY);
    assert_pairs(&d->headers, TEXTS("X-Scope-OrgID=team a", "X-Other=b: c"));
    assert_pairs(&d->external_labels, TEXTS("_a1=x", "cluster=eu\\1", own, "job="));
    assert_string_equal(d->proxy_url, "socks5h://proxy:1080");
    assert_string_equal(d->ca_file, "/ca.pem");
    assert_string_equal(d->cert_file, "/c.pem");
    assert_string_equal(d->key_file, "key");
    assert_true(d->insecure_skip_verify);
    assert_string_equal(d->username, "me");
    assert_null(d->username_file);
    assert_string_equal(d->password_file, "/run/secret");
    assert_string_equal(d->queue_dir, "/var/lib/weir/push");
    assert_int_equal(d->queue_max_bytes, 100 << 20);
    assert_int_equal(d->queue_max_age_ms, 7200000);
    assert_int_equal(d->queue_sync, PUSH_SYNC_SEGMENT);
    assert_list(&d->metrics_include, TEXTS("container_*"));
    assert_list(&d->metrics_exclude, TEXTS("container_tasks_state"));
    assert_list(&d->containers_include, TEXTS("name=web-*"));
    assert_list(&d->containers_exclude, TEXTS("label.a=b"));
    free(own);
    d++;
    assert_string_equal(d->name, "[::1]:4318");
    assert_int_equal(d->protocol, PUSH_OTLP);
    assert_int_equal(d->coding, PUSH_PLAIN);
    assert_string_equal(d->proxy_url, "");
    assert_string_equal(d->bearer_token_file, "token");
    assert_string_equal(d->external_labels.items[0].name, "deployment.environment.name");
    assert_string_equal(d->external_labels.items[1].name, "host.name");
    assert_string_equal(d->external_labels.items[1].value, "");
    assert_string_equal(d->external_labels.items[2].name, "service.instance.id");
    assert_string_equal(d->external_labels.items[3].name, "service.name");
    assert_string_equal(d->external_labels.items[3].value, "weir");
    config_done(&c);
}

/* What is printed reads back to the same destinations and the same print. */
static void expect_round_trip(struct config *c)
{
    char *text = print(c);
    struct config again = parse_good(text, strlen(text));
    char *second = print(&again);
    assert_string_equal(second, text);
    assert_int_equal(again.push.count, c->push.count);
    for (size_t i = 0; i < c->push.count; i++)
        assert_true(push_destination_is_same(&c->push.items[i], &again.push.items[i]));
    free(second);
    free(text);
    config_done(&again);
    config_done(c);
}

static void test_print_reads_back(void **state)
{
    (void)state;
    static const char *const files[] = {
        everything,
        "push: {url: http://h/w}\n",
        "push: {url: http://h/w, name: \"a \\\"b\\\" # \\u2028 \xc3\xbc\"}\n",
        "push: {url: http://h/w, external-labels: {job: \"\", instance: \"\", a: \"\\\\ \\\"\"}}\n",
        "push: {url: http://h/v1/metrics, protocol: otlp, external-labels: {\"a: b\": \"{c}\"}}\n",
        "push: [{url: http://h:1/w, queue: {dir: /q}}, {url: http://h:2/w, queue: {dir: /q}}]\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct config c = parse_good(files[i], strlen(files[i]));
        expect_round_trip(&c);
    }
    struct config c = load_good(TEXTS("--push.url=https://h/w", "--push.queue-dir=/q",
                                      "--push.queue-max-bytes=65537", "--push.external-label=a=b",
                                      "--push.bearer-token-file=/t"),
                                TEXTS());
    char *text = print(&c);
    assert_part(text, "\npush:\n"
                      "  - name: \"h:443\"\n"
                      "    url: \"https://h/w\"\n"
                      "    protocol: remote-write\n"
                      "    interval: 15s\n"
                      "    timeout: 30s\n"
                      "    compression: snappy\n"
                      "    external-labels:\n"
                      "      \"a\": \"b\"\n");
    assert_part(text, "    bearer-token-file: \"/t\"\n"
                      "    queue:\n"
                      "      dir: \"/q\"\n"
                      "      max-bytes: 65537\n"
                      "      max-age: 1d\n"
                      "      sync: record\n");
    free(text);
    expect_round_trip(&c);
}

static void test_flags_take_the_place_of_the_file(void **state)
{
    (void)state;
    char name[] = "/tmp/weir-config-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, everything, sizeof everything - 1), sizeof everything - 1);
    assert_int_equal(close(fd), 0);
    struct config c = load_good(
        TEXTS("--config.file", name, "--push.url=http://h/w", "--push.interval=1s"), TEXTS());
    assert_int_equal(c.push.count, 1);
    assert_string_equal(c.push.items[0].name, "h:80");
    assert_int_equal(c.push.items[0].interval_ms, 1000);
    assert_int_equal(c.push.items[0].headers.count, 0);
    assert_int_equal(c.notice_count, 1);
    assert_part(c.notices[0].text, "push.url is the only destination: the 2 of the section push");
    assert_part(c.notices[0].text, name);
    config_done(&c);
    c = load_good(TEXTS("--config.file", name), TEXTS("WEIR_PUSH_URL="));
    assert_int_equal(c.push.count, 2);
    assert_int_equal(c.notice_count, 0);
    config_done(&c);

    struct err e = {0};
    assert_int_equal(load(TEXTS("--config.file", name, "--push.interval=1s"), TEXTS(), &e, &c),
                     -EINVAL);
    assert_part(e.text, "push.interval: belongs to a destination named by push.url");
    assert_int_equal(unlink(name), 0);
    assert_int_equal(load(TEXTS("--push.queue-dir=/q"), TEXTS(), &e, &c), -EINVAL);
    assert_part(e.text, "push.queue-dir: there is no destination; name one with --push.url=URL");
}

static void test_a_path_that_is_missing_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *protocol;
        const char *part;
    } cases[] = {
        {"http://h:9090", "remote-write", "/api/v1/write"},
        {"http://h:9090/", "remote-write-2", "/api/v1/write"},
        {"http://h:4318?a=b", "otlp", "/v1/metrics"},
        {"http://h/x", "otlp", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c = load_good(
            TEXTS("--push.url", cases[i].url, "--push.protocol", cases[i].protocol), TEXTS());
        assert_string_equal(c.push.items[0].url, cases[i].url); /* as it is */
        assert_int_equal(c.notice_count, cases[i].part ? 1 : 0);
        if (cases[i].part)
            assert_part(c.notices[0].text, cases[i].part);
        config_done(&c);
    }
}

static void test_is_same(void **state)
{
    (void)state;
    struct config c = parse_good(everything, sizeof everything - 1);
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(push_destination_is_same(&c.push.items[i], &c.push.items[k]), i == k);
    static const char *const others[] = {
        "url: http://h/w, name: b",
        "url: http://h/W",
        "url: http://h/w, interval: 16s",
        "url: http://h/w, headers: {a: b}",
        "url: http://h/w, headers: {a: c}",
        "url: http://h/w, external-labels: {a: b}",
        "url: http://h/w, metrics: {include: [a]}",
        "url: http://h/w, queue: {dir: /q}",
        "url: http://h/w, proxy-url: \"\"",
        "url: http://h/w",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
            char *left = alloc_format("\n\npush: {%s}\n", others[i]);
            char *right = alloc_format("push: [{%s}]\n", others[k]);
            struct config a = parse_good(left, strlen(left));
            struct config b = parse_good(right, strlen(right));
            assert_int_equal(push_destination_is_same(a.push.items, b.push.items), i == k);
            assert_true(pipeline_is_same(&a, &b)); /* the same rounds go elsewhere */
            config_done(&a);
            config_done(&b);
            free(left);
            free(right);
        }
    config_done(&c);
}

/* Most names and directories. */
static void test_directories(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *directory;
    } cases[] = {
        {"a b/../c", "/q/a_b_.._c"},
        {"\xc3\xbc", "/q/__"},
        {"Az09._-", "/q/Az09._-"},
        {"...", "/q/..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *yaml = alloc_format("push: {name: \"%s\", url: http://h/w, queue: {dir: /q}}\n",
                                  cases[i].name);
        struct config c = parse_good(yaml, strlen(yaml));
        char *directory = push_destination_directory(c.push.items);
        assert_string_equal(directory, cases[i].directory);
        free(directory);
        free(yaml);
        config_done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_pushed_unasked),
        cmocka_unit_test(test_defaults_of_remote_write),
        cmocka_unit_test(test_every_flag),
        cmocka_unit_test(test_instance),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_print_reads_back),
        cmocka_unit_test(test_flags_take_the_place_of_the_file),
        cmocka_unit_test(test_a_path_that_is_missing_is_told),
        cmocka_unit_test(test_is_same),
        cmocka_unit_test(test_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
