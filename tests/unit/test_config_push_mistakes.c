/* agent/config_push.h: every mistake in the section push has its place, says what is allowed or
 * what to write instead, and shows no secret. */
#include "config_testing.h"

#include <errno.h>

static void expect_refused(const char *yaml, const char *place, const char *part)
{
    struct config c;
    struct err e = {0};
    int r = config_parse_yaml("t.yml", yaml, strlen(yaml), &e, &c);
    if (r == 0)
        fail_msg("accepted: %.300s", yaml);
    assert_int_equal(r, -EINVAL);
    assert_int_equal(e.code, r);
    assert_true(strlen(e.text) < ERR_TEXT_MAX - 1); /* not cut */
    if (!text_starts_with(e.text, place))
        fail_msg("\"%s\" does not begin with %s for\n%.300s", e.text, place, yaml);
    assert_part(e.text, part);
    assert_null(strstr(e.text, "hunter2"));
}

static const struct {
    const char *yaml;
    const char *place;
    const char *part;
} mistakes[] = {
    /* where there is nothing or something else */
    {"push: http://h/w\n", "t.yml:1:7: ", "a destination is a section with keys; allowed: name"},
    {"push:\n  - http://h/w\n", "t.yml:2:5: ", "a destination is a section with keys"},
    {"push: [~]\n", "t.yml:1:8: ", "a destination is a section with keys"},
    {"push: {}\n", "t.yml:1:7: push: ", "there is no url; write it, e.g. http://prometheus:9090"},
    {"push:\n  - url: http://h/w\n  - name: a\n", "t.yml:3:5: push: ", "there is no url"},
    {"push: {protocol: otlp}\n", "t.yml:1:7: push: ", "or set OTEL_EXPORTER_OTLP_ENDPOINT"},
    {"push: []\npush: []\n", "t.yml:2:1: ", "twice"},
    {"push: [{}, {}, {}, {}, {}, {}, {}, {}, {}]\n", "t.yml:1:40: ", "8 destinations"},
    /* keys */
    {"pusch: []\n", "t.yml:1:1: ", "\"pusch\" (did you mean push?); allowed: web, collect"},
    {"remote_write:\n  - url: http://h/w\n", "t.yml:1:1: ", "did you mean push?"},
    {"push: {ulr: http://h/w}\n", "t.yml:1:8: ",
     "unknown key \"ulr\" in push (did you mean url?); allowed: name, url, protocol, interval, "
     "timeout, compression, headers, external-labels, proxy-url, tls, basic-auth, "
     "bearer-token-file, queue, metrics, containers"},
    {"push: {url: http://h/w, url: http://h/w}\n", "t.yml:1:25: ", "twice"},
    {"push: {remote_timeout: 3s}\n", "t.yml:1:8: ", "did you mean timeout?"},
    {"push: {basic_auth: {}}\n", "t.yml:1:8: ", "did you mean basic-auth?"},
    {"push: {tls_config: {}}\n", "t.yml:1:8: ", "did you mean tls?"},
    {"push: {proxy_url: http://p}\n", "t.yml:1:8: ", "did you mean proxy-url?"},
    {"push: {bearer_token: hunter2}\n", "t.yml:1:8: ", "did you mean bearer-token-file?"},
    {"push: {authorization: {}}\n", "t.yml:1:8: ", "did you mean bearer-token-file?"},
    {"push: {endpoint: http://h}\n", "t.yml:1:8: ", "did you mean url?"},
    {"push: {queue_dir: /q}\n", "t.yml:1:8: ", "did you mean queue.dir?"},
    {"push: {tls.ca-file: /q}\n", "t.yml:1:8: ", "a.b is written as b in a section a"},
    {"push:\n- url: http://h/w\n  basic-auth: {password: hunter2}\n", "t.yml:3:16: ",
     "\"password\" in push.basic-auth (did you mean password-file?); allowed: username, "
     "username-file, password-file"},
    {"push:\n- tls: {ca_file: /a, ca_file: /b}\n", "t.yml:2:9: ", "did you mean ca-file?"},
    {"push:\n- queue: {dir: /a, size: 1}\n",
     "t.yml:2:20: ", "in push.queue; allowed: dir, max-bytes, max-age, sync"},
    {"push:\n- queue: /a\n", "t.yml:2:10: ", "a section with keys is needed; allowed: dir"},
    {"push:\n- {? [a] : b}\n", "t.yml:2:6: ", "no key"},
    {"push:\n- url: &a http://h/w\n", "t.yml:2:8: ", "anchor"},
    /* single values */
    {"push: {url: }\n", "t.yml:1:13: push.url: ", "there is no value"},
    {"push: {url: [http://h/w]}\n", "t.yml:1:13: push.url: ", "a single value"},
    {"push: {url: ftp://h/w}\n", "t.yml:1:13: push.url: ", "begin with http:// or https://; all"},
    {"push: {url: h:9090/w}\n", "t.yml:1:13: push.url: ", "http:// or https://"},
    {"push: {url: \"http://\"}\n", "t.yml:1:13: push.url: ", "names no host"},
    {"push: {url: \"http:///w\"}\n", "t.yml:1:13: push.url: ", "names no host"},
    {"push: {url: \"http://:80/w\"}\n", "t.yml:1:13: push.url: ", "names no host"},
    {"push: {url: \"http://h:0/w\"}\n", "t.yml:1:13: push.url: ", "a port that is none"},
    {"push: {url: \"http://h:65536/w\"}\n", "t.yml:1:13: push.url: ", "a port that is none"},
    {"push: {url: \"http://h:x/w\"}\n", "t.yml:1:13: push.url: ", "a port that is none"},
    {"push: {url: \"http://::1/w\"}\n", "t.yml:1:13: push.url: ", "without brackets"},
    {"push: {url: \"http://[::1/w\"}\n", "t.yml:1:13: push.url: ", "[ without"},
    {"push: {url: \"http://h/w#f\"}\n", "t.yml:1:13: push.url: ", "#"},
    {"push: {url: \"http://h/a b\"}\n", "t.yml:1:13: push.url: ", "%XX"},
    {"push: {url: \"http://h\xc3\xbc/w\"}\n", "t.yml:1:13: push.url: ", "%XX"},
    {"push: {url: \"http://me:hunter2@h/w\"}\n", "t.yml:1:13: push.url: ",
     "\"http://***@h/w\" has a user or a password in it: write username and password-file of "
     "basic-auth"},
    {"push: {url: \"http://me:hun@hunter2@h/w\"}\n", "t.yml:1:13: push.url: ", "password-file"},
    {"push: {url: http://h/w, proxy-url: \"http://me:hunter2@p:1\"}\n",
     "t.yml:1:36: push.proxy-url: ", "user or a password"},
    {"push: {url: http://h/w, proxy-url: p:1}\n", "t.yml:1:36: push.proxy-url: ", "scheme"},
    {"push: {name: \"\"}\n", "t.yml:1:14: push.name: ", "is empty"},
    {"push: {name: ..}\n", "t.yml:1:14: push.name: ", "directory"},
    {"push: {protocol: remote-write-3}\n",
     "t.yml:1:18: push.protocol: ", "allowed: remote-write, remote-write-2, otlp"},
    {"push: {interval: 99ms}\n", "t.yml:1:18: push.interval: ", "allowed: 100ms to 1h"},
    {"push: {interval: 15}\n", "t.yml:1:18: push.interval: ", "is not a duration"},
    {"push: {timeout: 301s}\n", "t.yml:1:17: push.timeout: ", "allowed: 100ms to 5m"},
    {"push: {compression: zstd}\n", "t.yml:1:21: push.compression: ", "none, snappy, gzip"},
    {"push: {queue: {max-bytes: 1XB}}\n", "t.yml:1:27: push.queue.max-bytes: ", "not a size"},
    {"push: {queue: {max-bytes: 64K}}\n", "t.yml:1:27: push.queue.max-bytes: ", "not a size"},
    {"push: {queue: {max-bytes: 65535}}\n",
     "t.yml:1:27: push.queue.max-bytes: ", "out of range; allowed: 64KiB to 1TiB"},
    {"push: {queue: {max-bytes: 99999999999TiB}}\n",
     "t.yml:1:27: push.queue.max-bytes: ", "out of range"},
    {"push: {queue: {max-age: 0}}\n", "t.yml:1:25: push.queue.max-age: ", "1s to 365d"},
    {"push: {queue: {sync: always}}\n", "t.yml:1:22: push.queue.sync: ", "never, segment, record"},
    {"push: {queue: {dir: q}}\n", "t.yml:1:21: push.queue.dir: ", "absolute path"},
    {"push: {tls: {ca-file: ./ca}}\n", "t.yml:1:23: push.tls.ca-file: ", "credential"},
    {"push: {tls: {insecure-skip-verify: yes}}\n",
     "t.yml:1:36: push.tls.insecure-skip-verify: ", "true nor false"},
    {"push: {bearer-token-file: a/b}\n", "t.yml:1:27: push.bearer-token-file: ", "without /"},
    {"push: {basic-auth: {username: \"a:b\"}}\n", "t.yml:1:31: push.basic-auth.username: ", ":"},
    {"push: {basic-auth: {password-file: ..}}\n", "t.yml:1:36: push.basic-auth.", "no file"},
    /* lists */
    {"push: {metrics: {include: up}}\n", "t.yml:1:27: push.metrics.include: ", "a list is needed"},
    {"push: {metrics: {include: [\"\"]}}\n", "t.yml:1:28: push.metrics.include: ", "is empty"},
    {"push: {containers: {include: [web]}}\n", "t.yml:1:31: push.containers.include: ", "no ="},
    {"push: {containers: {exclude: [id=a]}}\n", "t.yml:1:31: push.containers.exclude: ", "field"},
    /* headers */
    {"push: {headers: [a]}\n", "t.yml:1:17: push.headers: ", "NAME: VALUE is needed"},
    {"push: {headers: {a b: c}}\n", "t.yml:1:18: push.headers: ", "no header's name may have"},
    {"push: {headers: {\"\": c}}\n", "t.yml:1:18: push.headers: ", "is empty"},
    {"push: {headers: {a: }}\n", "t.yml:1:21: push.headers: ", "no value"},
    {"push: {headers: {a: \"\"}}\n", "t.yml:1:18: push.headers: ", "the value is empty"},
    {"push: {headers: {a: \" b\"}}\n", "t.yml:1:18: push.headers: ", "blank"},
    {"push: {headers: {a: \"b\\r\\nc\"}}\n", "t.yml:1:18: push.headers: ", "control character"},
    {"push: {headers: {a: [b]}}\n", "t.yml:1:21: push.headers: ", "a single value"},
    {"push: {headers: {[a]: b}}\n", "t.yml:1:18: push.headers: ", "no name"},
    {"push: {headers: {a: b, a: c}}\n", "t.yml:1:24: push.headers: ", "twice"},
    {"push: {url: http://h/w, headers: {aa: b, Aa: c}}\n", "t.yml:1:7: push: headers: ", "case"},
    {"push: {headers: {content-TYPE: a}}\n", "t.yml:1:18: push.headers: ", "weir sets itself"},
    {"push: {headers: {Content-Encoding: a}}\n", "t.yml:1:18: push.headers: ", "sets itself"},
    {"push: {headers: {Content-Length: a}}\n", "t.yml:1:18: push.headers: ", "sets itself"},
    {"push: {headers: {User-Agent: a}}\n", "t.yml:1:18: push.headers: ", "sets itself"},
    {"push: {headers: {Host: a}}\n", "t.yml:1:18: push.headers: ", "sets itself"},
    {"push: {headers: {Transfer-Encoding: a}}\n", "t.yml:1:18: push.headers: ", "sets itself"},
    {"push: {headers: {X-Prometheus-Remote-Write-Version: a}}\n",
     "t.yml:1:18: push.headers: ", "sets itself"},
    {"push: {headers: {Authorization: Bearer hunter2}}\n",
     "t.yml:1:18: push.headers: ", "name a file with bearer-token-file or basic-auth"},
    /* labels */
    {"push: {external-labels: {__name__: a}}\n", "t.yml:1:26: push.external-labels: ", "reserved"},
    {"push: {external-labels: {a: \"b\\0\"}}\n", "t.yml:1:29: push.external-labels: ", "NUL"},
    {"push: {external-labels: {a: \"b\\t\"}}\n", "t.yml:1:26: push.external-labels: ", "control"},
    {"push: {external-labels: {a: ~}}\n", "t.yml:1:29: push.external-labels: ", "no value"},
    {"push: {url: http://h/w, external-labels: {host.name: a}}\n",
     "t.yml:1:7: push: ", "\"host.name\" is no name of a label; allowed: letters"},
    {"push: {url: http://h/w, external-labels: {1a: a}}\n", "t.yml:1:7: push: ", "no digit"},
    {"push: {url: http://h/w, external-labels: {\xc3\xbc: a}}\n", "t.yml:1:7: push: ", "letters"},
    /* what does not go together */
    {"push: {url: http://h/w, compression: gzip}\n",
     "t.yml:1:7: push: compression: ", "remote write knows no other than snappy"},
    {"push: {url: http://h/w, protocol: remote-write-2, compression: none}\n",
     "t.yml:1:7: push: ", "snappy"},
    {"push: {url: http://h/w, protocol: otlp, compression: snappy}\n",
     "t.yml:1:7: push: ", "gzip or none"},
    {"push: {url: http://h/w, queue: {sync: never}}\n", "t.yml:1:7: push: ", "name a dir"},
    {"push: {url: https://h/w, tls: {cert-file: /c}}\n", "t.yml:1:7: push: ", "belong together"},
    {"push: {url: https://h/w, tls: {key-file: /c}}\n", "t.yml:1:7: push: ", "belong together"},
    {"push: {url: http://h/w, tls: {ca-file: /c}}\n", "t.yml:1:7: push: tls: ", "https://"},
    {"push: {url: http://h/w, tls: {insecure-skip-verify: true}}\n",
     "t.yml:1:7: push: tls: ", "https://"},
    {"push: {url: http://h/w, basic-auth: {password-file: /p}}\n",
     "t.yml:1:7: push: basic-auth: ", "no username"},
    {"push: {url: http://h/w, basic-auth: {username: a, username-file: /b}}\n",
     "t.yml:1:7: push: basic-auth: ", "leave one of them out"},
    {"push: {url: http://h/w, basic-auth: {username: a}, bearer-token-file: /b}\n",
     "t.yml:1:7: push: basic-auth ", "leave one of them out"},
    /* two of them */
    {"push:\n- url: http://h/a\n- url: http://h:80/b\n",
     "t.yml:3:3: push: ", "the one at t.yml:2:3: push is called \"h:80\" too; write another name"},
    {"push:\n- {name: a b, url: http://h/a, queue: {dir: /q}}\n"
     "- {name: a_b, url: http://h/a, queue: {dir: /q}}\n",
     "t.yml:3:3: push: ", "its queue would be in the directory of that at t.yml:2:3: push"},
};

static void test_mistakes_and_their_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        expect_refused(mistakes[i].yaml, mistakes[i].place, mistakes[i].part);
}

static void test_what_is_too_much(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    (void)buf_add_string(&b, "push: {headers: {");
    for (int i = 0; i < 65; i++)
        (void)buf_add_format(&b, "%sh%d: v", i > 0 ? ", " : "", i);
    (void)buf_add_string(&b, "}}\n");
    expect_refused(b.data, "t.yml:1:", "64 are the most");
    buf_clear(&b);
    (void)buf_add_format(&b, "push: {external-labels: {%0129d: v}}\n", 0);
    expect_refused(b.data, "t.yml:1:26: ", "128 bytes");
    buf_clear(&b);
    (void)buf_add_format(&b, "push: {url: \"http://h/%02048d\"}\n", 0);
    expect_refused(b.data, "t.yml:1:13: ", "2048 bytes");
    buf_clear(&b);
    (void)buf_add_format(&b, "push: {name: \"%0129d\"}\n", 0);
    expect_refused(b.data, "t.yml:1:14: ", "128 bytes");
    buf_done(&b);
}

static void test_flags_are_told_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *flags[3];
        const char *part;
    } cases[] = {
        {{"--push.url=http://h/a b"}, "--push.url: \"http://h/a b\" has a character"},
        {{"--push.url=http://u:hunter2@h/w"}, "--push.url: \"http://***@h/w\" has a user"},
        {{"--push.url=http://h/w", "--push.queue-max-bytes=1k"}, "--push.queue-max-bytes: "},
        {{"--push.url=http://h/w", "--push.external-label=a"}, "has no = between name and value"},
        {{"--push.url=http://h/w", "--push.external-label==a"}, "has no name before the ="},
        {{"--push.url=http://h/w", "--push.external-label=__a=b"}, "reserved"},
        {{"--push.url=http://h/w", "--push.external-label=a=b,a=c"}, "twice"},
        {{"--push.url=http://h/w", "--push.external-label=a.b=c"}, "push.url: external-labels: "},
        {{"--push.protocol=otlp"}, "push.url: there is no url; write it, or set OTEL"},
        {{"--push.protocol=remote-write-2"}, "push.protocol: there is no destination"},
        {{"--push.ulr=http://h/w"}, "did you mean --push.url?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c;
        struct err e = {0};
        assert_int_equal(load(cases[i].flags, TEXTS(), &e, &c), -EINVAL);
        assert_part(e.text, cases[i].part);
        assert_null(strstr(e.text, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_and_their_places),
        cmocka_unit_test(test_what_is_too_much),
        cmocka_unit_test(test_flags_are_told_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
