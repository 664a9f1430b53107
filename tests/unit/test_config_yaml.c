/* config_parse_yaml and config_print: what a file may say, where a mistake in it is, and that what
 * is printed reads back to the same. */
#include "config_testing.h"

#include <errno.h>

static void test_small_files(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",
        "\n\n",
        "# nothing\n",
        "---\n",
        "--- {}\n",
        "---\n...\n",
        "%YAML 1.1\n---\n",
        "{}",
        "collect:\n",
        "collect: {}\nweb: ~\nlog: null\n",
        "collect:\n  # max-age: 2s\nengine:\n  timeout: 3s\n",
        "\xef\xbb\xbf# byte order mark\n",
        "collect:\r\n  max-age: 1s\r\n",
        "collect: # a\n  max-age:   \"1s\"   # b\t\n",
    };
    struct config c = load_good(TEXTS(), TEXTS());
    char *defaults = print(&c);
    config_done(&c);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        c = parse_good(files[i], strlen(files[i]));
        char *text = print(&c);
        assert_string_equal(text, defaults);
        free(text);
        config_done(&c);
    }
    free(defaults);
}

static void test_values_arrive(void **state)
{
    (void)state;
    static const char yaml[] = "collect: {max-age: 2s, tiers: [simulated, engine]}\n"
                               "engine: {host: [unix:///run/docker.sock], timeout: \"4s\"}\n"
                               "web: {listen-address: [\":10143\"], telemetry-path: '/'}\n"
                               "container:\n"
                               "  label-allow: []\n"
                               "  include:\n"
                               "    - name=a,b\n"
                               "    - 'label.x=#1'\n"
                               "simulate: {seed: 18446744073709551615}\n"
                               "log:\n"
                               "  format: json\n";
    struct config c = parse_good(yaml, sizeof yaml - 1);
    assert_int_equal(c.collect_max_age_ms, 2000);
    assert_list(&c.collect_tiers, TEXTS("simulated", "engine"));
    assert_list(&c.engine_host, TEXTS("unix:///run/docker.sock"));
    assert_int_equal(c.engine_timeout_ms, 4000);
    assert_list(&c.web_listen_address, TEXTS(":10143"));
    assert_string_equal(c.web_telemetry_path, "/");
    assert_list(&c.container_label_allow, TEXTS());
    assert_list(&c.container_include, TEXTS("name=a,b", "label.x=#1"));
    assert_true(c.simulate_seed == UINT64_MAX);
    assert_int_equal(c.log_format, LOG_FORMAT_JSON);
    assert_int_equal(c.log_level, LOG_LEVEL_INFO);
    config_done(&c);
}

static void expect_refused(const char *yaml, size_t length, const char *place, const char *part)
{
    struct config c;
    struct config before;
    struct err e = {0};
    memset(&c, 0x5a, sizeof c);
    memset(&before, 0x5a, sizeof before);
    int r = config_parse_yaml("t.yml", yaml, length, &e, &c);
    if (r == 0)
        fail_msg("accepted: %.200s", yaml);
    assert_true(r < 0);
    assert_int_equal(e.code, r);
    assert_true(strlen(e.text) < ERR_TEXT_MAX - 1); /* not cut */
    if (!text_starts_with(e.text, place))
        fail_msg("\"%s\" does not begin with %s for\n%.200s", e.text, place, yaml);
    assert_part(e.text, part);
    assert_memory_equal(&c, &before, sizeof c);
}

static const struct {
    const char *yaml;
    const char *place;
    const char *part;
} mistakes[] = {
    /* keys */
    {"colect:\n  max-age: 1s\n", "t.yml:1:1: ", "did you mean collect?"},
    {"web: {}\n\ncollect:\n  timeout: 1s\n  maxage: 1s\n", "t.yml:5:3: ",
     "\"maxage\" in collect (did you mean max-age?); allowed: tiers, scope, max-age, timeout"},
    {"frobnicate: 1\n", "t.yml:1:1: ", "allowed: web, collect, engine, cgroup, path"},
    {"collect.max-age: 1s\n", "t.yml:1:1: ", "section"},
    {"config: {file: /x}\n", "t.yml:1:1: ", "\"config\""},
    {"log: {level: info}\nlog: {format: json}\n", "t.yml:2:1: ", "twice"},
    {"log:\n  level: info\n  level: info\n", "t.yml:3:3: ", "twice"},
    {"log: {? [a] : b}\n", "t.yml:1:9: ", "no key"},
    {"log: {<<: {level: info}}\n", "t.yml:1:7: ", "\"<<\""},
    {"\"lo\\0g\": {}\n", "t.yml:1:1: ", "no key"},
    {"\"\": {}\n", "t.yml:1:1: ", "unknown key \"\""},
    /* types */
    {"log\n", "t.yml:1:1: ", "section"},
    {"- log\n", "t.yml:1:1: ", "section"},
    {"log: info\n", "t.yml:1:6: ", "allowed: level, format"},
    {"log: [level]\n", "t.yml:1:6: ", "section"},
    {"log: {level: [info]}\n", "t.yml:1:14: ", "single value"},
    {"log: {level: {a: b}}\n", "t.yml:1:14: ", "single value"},
    {"engine:\n  host: unix:///a\n", "t.yml:2:9: ", "a list is needed"},
    {"engine:\n  host: {}\n", "t.yml:2:9: ", "a list is needed"},
    {"engine:\n  host:\n", "t.yml:2:8: ", "a list is needed"},
    {"engine:\n  host:\n  - [unix:///a]\n", "t.yml:3:5: ", "single value"},
    {"engine:\n  host:\n  - a: b\n", "t.yml:3:5: ", "single value"},
    {"log:\n  level:\n", "t.yml:2:9: ", "no value; allowed: debug"},
    {"log:\n  level: ~\n", "t.yml:2:10: ", "no value"},
    {"container: {label-allow: [a, null]}\n", "t.yml:1:30: ", "no value"},
    /* values */
    {"collect:\n  max-age: 5\n", "t.yml:2:12: ", "max-age: \"5\" is not a duration"},
    {"collect:\n  timeout: 2m\n", "t.yml:2:12: ", "allowed: 100ms to 1m"},
    {"collect:\n  tiers: []\n", "t.yml:2:10: ", "at least one"},
    {"collect:\n  tiers:\n    - engine\n    - engine\n", "t.yml:4:7: ", "twice"},
    {"collect:\n  tiers:\n    - engine\n    - kernel\n", "t.yml:4:7: ", "is not a tier"},
    {"collect: {tiers: [\"engine,cgroup\"]}\n", "t.yml:1:19: ", "engine, cgroup, simulated"},
    {"state-dir: lib\n", "t.yml:1:12: ", "absolute"},
    {"state-dir: ~\n", "t.yml:1:12: ", "no value"},
    {"state-dir: [/a]\n", "t.yml:1:12: ", "single value"},
    {"state-dir: /a\nstate-dir: /a\n", "t.yml:2:1: ", "twice"},
    {"state: {dir: /a}\n", "t.yml:1:1: ", "unknown key"},
    {"engine: {max-concurrency: 1_000}\n", "t.yml:1:27: ", "1 to 1024"},
    {"engine: {host: [ssh://h]}\n", "t.yml:1:17: ", "ssh -L"},
    {"path: {procfs: \"/a\\nb\"}\n", "t.yml:1:16: ", "control character"},
    {"path: {procfs: \"/a\\0b\"}\n", "t.yml:1:16: ", "NUL"},
    {"path:\n  procfs: |\n    /proc\n", "t.yml:2:11: ", "control character"},
    {"path: {procfs: \"\xc3\xbc\", sysfs: b}\n", "t.yml:1:16: ", "absolute"},
    {"path: {procfs: /\xc3\xbc, sysfs: b}\n", "t.yml:1:27: ", "absolute"},
    /* what of YAML is not used */
    {"log: &a {level: info}\n", "t.yml:1:6: ", "anchor"},
    {"log: {level: &a info}\n", "t.yml:1:14: ", "anchor"},
    {"engine: {host: &a []}\n", "t.yml:1:16: ", "anchor"},
    {"log: *a\n", "t.yml:1:6: ", "alias"},
    {"log: {*a : b}\n", "t.yml:1:7: ", "alias"},
    {"log: {level: !!str info}\n", "t.yml:1:14: ", "tag"},
    {"log: !x {}\n", "t.yml:1:6: ", "tag"},
    {"log: {}\n---\nweb: {}\n", "t.yml:2:1: ", "second document"},
    {"log: {}\n...\n---\n", "t.yml:3:1: ", "second document"},
    /* not YAML */
    {"log:\n\tlevel: info\n", "t.yml:2:1: ", "tab"},
    {"log:\n  \tlevel: info\n", "t.yml:2:3: ", "tab"},
    {"log: {level: info\n", "t.yml:2:1: ", "not YAML"},
    {"log:\n  level: info\n format: json\n", "t.yml:3:2: ", "not YAML"},
    {"log: {level: info} x: y\n", "t.yml:1:20: ", "not YAML"},
    {"log: \"\n", "t.yml:2:1: ", "not YAML"},
    {"log:\n  level: \xff\n", "t.yml:2:10: ", "\\xff is not UTF-8"},
    {"# \xc3\xbc \xc3\n", "t.yml:1:5: ", "\\xc3 is not UTF-8"},
    {"log:\n  level: \x01\n", "t.yml:2:10: ", "not YAML"},
};

static void test_mistakes_and_their_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        expect_refused(mistakes[i].yaml, strlen(mistakes[i].yaml), mistakes[i].place,
                       mistakes[i].part);
    expect_refused("log: {}\n\0", 9, "t.yml:2:1: ", "not YAML");
}

static void test_long_name_keeps_its_end(void **state)
{
    (void)state;
    char name[400];
    struct config c;
    struct err e = {0};
    memset(name, 'd', sizeof name);
    memcpy(name + sizeof name - 9, "weir.yml", 9);
    assert_int_equal(config_parse_yaml(name, "x: 1", 4, &e, &c), -EINVAL);
    assert_part(e.text, "weir.yml:1:1: unknown key \"x\"");
}

/* A repeated `unit`, `count` times. */
static char *repeat(const char *unit, size_t count, size_t *ret_length)
{
    struct buf b;
    buf_init(&b, 2 * PRINT_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_add_string(&b, unit), 0);
    *ret_length = b.length;
    return b.data;
}

/* Files made to hurt: refused soon, whatever their size. */
static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        size_t count;
        const char *place;
        const char *part;
    } cases[] = {
        {"#", PRINT_MAX_BYTES + 1, "t.yml: ", "1 MiB"},
        {"[", PRINT_MAX_BYTES, "t.yml:1:1: ", ""},
        {"{", PRINT_MAX_BYTES, "t.yml:1:", ""},
        {"log: {", 100000, "t.yml:1:", ""},
        {"- ", 100000, "t.yml:1:1: ", "section"},
        {"? ", 100000, "t.yml:1:", ""},
        {"a", PRINT_MAX_BYTES, "t.yml:1:1: ", "section"},
        {"'", PRINT_MAX_BYTES - 1, "t.yml:1:", ""},
        {"&a ", 100000, "t.yml:1:1: ", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = 0;
        char *yaml = repeat(cases[i].unit, cases[i].count, &length);
        expect_refused(yaml, length, cases[i].place, cases[i].part);
        free(yaml);
    }
    size_t length = 0;
    char *comment = repeat("#", PRINT_MAX_BYTES, &length);
    struct config c = parse_good(comment, length);
    config_done(&c);
    free(comment);
    struct buf items;
    buf_init(&items, PRINT_MAX_BYTES);
    (void)buf_add_string(&items, "container: {label-allow: [l");
    for (int i = 1; i < 257; i++)
        (void)buf_add_string(&items, ",l");
    (void)buf_add_string(&items, "]}\n");
    expect_refused(items.data, items.length, "t.yml:1:539: ", "256");
    buf_done(&items);
}

/* Texts with everything in them that YAML could take for something else. */
static void test_print_reads_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "/\"quoted\" 'too' \\ and \\n",
        "/# no comment: here",
        "/ends with blank ",
        "/{a: [b, c]}, & * ! | > % @ `",
        "/\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80",
        "/\xc2\x85\xc2\x80\xc2\x9f\xc2\xa0",
        "/\xe2\x80\xa8 \xe2\x80\xa9 \xe2\x80\xae",
        "/\xef\xbb\xbf\xef\xbf\xbe\xef\xbf\xbf\xf4\x8f\xbf\xbf",
        "/  two  blanks",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct config c =
            load_good(TEXTS("--path.procfs", texts[i], "--container.label-allow=null",
                            "--container.label-allow", texts[i] + 1, "--container.label-allow=- x",
                            "--container.label-allow=~"),
                      TEXTS());
        assert_string_equal(c.path_procfs, texts[i]);
        char *text = print(&c);
        struct config again = parse_good(text, strlen(text));
        assert_string_equal(again.path_procfs, texts[i]);
        assert_int_equal(again.container_label_allow.count, c.container_label_allow.count);
        for (size_t j = 0; j < c.container_label_allow.count; j++)
            assert_string_equal(again.container_label_allow.items[j],
                                c.container_label_allow.items[j]);
        free(text);
        config_done(&again);
        config_done(&c);
    }
}

static void test_print_looks(void **state)
{
    (void)state;
    struct config c = load_good(
        TEXTS("config", "--collect.max-age=0", "--collect.timeout=59s1ms", "--log.level=error"),
        TEXTS());
    char *text = print(&c);
    assert_part(text,
                "\nweb:\n  listen-address:\n    - \":10142\"\n  telemetry-path: \"/metrics\"\n");
    assert_part(text, "\n  max-age: 0\n  timeout: 59s1ms\n");
    assert_part(text, "\nengine:\n  host: []\n  timeout: 3s\n  max-concurrency: 16\n");
    assert_part(text, "\nlog:\n  level: error\n  format: logfmt\n");
    assert_part(text, "\nstate-dir: \"\"\nlog:\n");
    assert_null(strstr(text, "\nconfig:"));
    struct buf small;
    buf_init(&small, 100);
    assert_int_equal(config_print(&c, &small), -EMSGSIZE);
    buf_done(&small);
    free(text);
    config_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_files),
        cmocka_unit_test(test_values_arrive),
        cmocka_unit_test(test_mistakes_and_their_places),
        cmocka_unit_test(test_long_name_keeps_its_end),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_print_reads_back),
        cmocka_unit_test(test_print_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
