/* agent/config.h: flags, environment, precedence, --help and `weir config`. */
#include "config_testing.h"

#include "collectors/collector.h"

#include <errno.h>
#include <unistd.h>

#define HELP_COLUMNS 100

/* For each option a text that is not its default. A new option needs a line here. */
static const struct {
    const char *name;
    const char *text;
} samples[] = {
    {"web.listen-address", "127.0.0.1:9100,[::1]:0,unix:/run/w.sock?mode=0660&group=root"},
    {"web.telemetry-path", "/container/metrics"},
    {"web.route-prefix", "/host/weir"},
    {"web.systemd-socket", "true"},
    {"web.config.file", "/etc/weir/web-config.yml"},
    {"web.gzip", "never"},
    {"web.max-requests", "0"},
    {"web.max-connections", "65536"},
    {"web.max-connections-per-peer", "0"},
    {"web.enable-lifecycle", "true"},
    {"collect.tiers", "cgroup,engine"},
    {"collect.scope", "all"},
    {"collect.max-age", "1h"},
    {"collect.timeout", "59s999ms"},
    {"engine.host", "unix:///run/docker.sock,tcp://engine:2375,https://e:2376,http://e:1"},
    {"engine.timeout", "100ms"},
    {"engine.max-concurrency", "1024"},
    {"engine.df-interval", "24h"},
    {"engine.size-interval", "1s"},
    {"engine.df-timeout", "1h"},
    {"cgroup.max-fds", "1000000"},
    {"path.procfs", "/host/proc"},
    {"path.sysfs", "/host/sys"},
    {"path.docker-root", "/data/docker,/srv/docker"},
    {"path.docker-exec-root", "/run/docker"},
    {"container.label-allow", "*,org.example.?"},
    {"container.include", "name=web-*,image=*:latest,label.com.example.a=b=c,label.x="},
    {"container.exclude", "label.a=*"},
    {"container.kubernetes-labels", "true"},
    {"container.linger", "0"},
    {"container.keep-stopped", "8760h"},
    {"metrics.enable", "disk,tcp,cpu_topology,resctrl"},
    {"metrics.disable", "all"},
    {"simulate.containers", "100000"},
    {"simulate.seed", "18446744073709551615"},
    {"state-dir", "/var/lib/weir"},
    {"log.level", "debug"},
    {"log.format", "json"},
};

static const char *sample_of(const struct option *o)
{
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        if (text_equal(samples[i].name, o->name))
            return samples[i].text;
    fail_msg("no sample for %s", o->name);
    return NULL;
}

static void test_defaults(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS(), TEXTS("HOME=/", "PATH="));
    assert_int_equal(c.command, COMMAND_RUN);
    assert_null(c.config_file);
    assert_list(&c.web_listen_address, TEXTS(":10142"));
    assert_string_equal(c.web_telemetry_path, "/metrics");
    assert_string_equal(c.web_route_prefix, "/");
    assert_string_equal(c.web_config_file, "");
    assert_int_equal(c.web_gzip, 0);
    assert_int_equal(c.web_max_requests, 40);
    assert_int_equal(c.web_max_connections, 512);
    assert_int_equal(c.web_max_connections_per_peer, 128);
    assert_false(c.web_systemd_socket);
    assert_false(c.web_enable_lifecycle);
    assert_list(&c.collect_tiers, TEXTS("engine", "cgroup", "simulated"));
    assert_int_equal(c.collect_scope, SCOPE_CONTAINERS);
    assert_int_equal(c.collect_max_age_ms, 1000);
    assert_int_equal(c.collect_timeout_ms, 5000);
    assert_list(&c.engine_host, TEXTS());
    assert_int_equal(c.engine_timeout_ms, 3000);
    assert_int_equal(c.engine_max_concurrency, 16);
    assert_int_equal(c.engine_df_interval_ms, 0);
    assert_int_equal(c.engine_size_interval_ms, 120000);
    assert_int_equal(c.engine_df_timeout_ms, 60000);
    assert_int_equal(c.cgroup_max_fds, 16384);
    assert_string_equal(c.path_procfs, "/proc");
    assert_string_equal(c.path_sysfs, "/sys");
    assert_list(&c.path_docker_root, TEXTS("/var/lib/docker"));
    assert_list(&c.path_docker_exec_root, TEXTS("/var/run/docker"));
    assert_string_equal(c.state_dir, "");
    assert_list(&c.container_label_allow,
                TEXTS("com.docker.compose.project", "com.docker.compose.service",
                      "com.docker.compose.container-number", "com.docker.stack.namespace",
                      "com.docker.swarm.service.name", "com.docker.swarm.task.name",
                      "com.docker.swarm.node.id", "org.label-schema.group"));
    assert_list(&c.container_include, TEXTS());
    assert_list(&c.container_exclude, TEXTS());
    assert_false(c.container_kubernetes_labels);
    assert_int_equal(c.container_linger_ms, 300000);
    assert_int_equal(c.container_keep_stopped_ms, 3600000);
    assert_list(&c.metrics_enable, TEXTS());
    assert_list(&c.metrics_disable, TEXTS());
    assert_int_equal(c.notice_count, 0);
    assert_int_equal(c.simulate_containers, 10);
    assert_int_equal(c.simulate_seed, 1);
    assert_int_equal(c.log_level, LOG_LEVEL_INFO);
    assert_int_equal(c.log_format, LOG_FORMAT_LOGFMT);
    config_done(&c);
}

/* The option's sample as a file has it. */
static void add_yaml(struct buf *b, const struct option *o, const char *text)
{
    const char *key = o->name;
    int depth = 0;
    for (const char *dot = strchr(key, '.'); dot; dot = strchr(key, '.'), depth += 2) {
        (void)buf_add_format(b, "%*s%.*s:\n", depth, "", (int)(dot - key), key);
        key = dot + 1;
    }
    (void)buf_add_format(b, "%*s%s: ", depth, "", key);
    if (o->type != OPTION_LIST) {
        (void)buf_add_format(b, "%s\n", text);
        return;
    }
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        (void)buf_add_format(b, "\n  - \"%.*s\"", (int)length, text);
        text += length + (text[length] == ',');
    }
    (void)buf_add_char(b, '\n');
}

/* The four ways to say the same. */
static struct config set_by(const struct option *o, const char *text, unsigned way)
{
    struct buf b;
    struct config c;
    char variable[OPTION_NAME_MAX];
    char flag[OPTION_NAME_MAX];
    buf_init(&b, PRINT_MAX_BYTES);
    option_variable(o, variable);
    (void)snprintf(flag, sizeof flag, "--%s", o->name);
    if (way == 0) {
        (void)buf_add_format(&b, "%s=%s", flag, text);
        c = load_good(TEXTS(b.data), TEXTS());
    } else if (way == 1 && o->type == OPTION_SWITCH) {
        c = load_good(TEXTS(flag), TEXTS());
    } else if (way == 1) {
        c = load_good(TEXTS(flag, text), TEXTS());
    } else if (way == 2) {
        (void)buf_add_format(&b, "%s=%s", variable, text);
        c = load_good(TEXTS(), TEXTS(b.data));
    } else {
        add_yaml(&b, o, text);
        c = parse_good(b.data, b.length);
    }
    buf_done(&b);
    return c;
}

static void test_every_option_from_every_source(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS(), TEXTS());
    char *defaults = print(&c);
    config_done(&c);
    for (size_t i = 0; i < config_option_count; i++) {
        const struct option *o = &config_options[i];
        char *first = NULL;
        for (unsigned way = 0; !o->not_in_file && way < 4; way++) {
            c = set_by(o, sample_of(o), way);
            char *text = print(&c);
            assert_string_not_equal(text, defaults);
            if (first)
                assert_string_equal(text, first);
            else
                first = alloc_string(text);
            struct config again = parse_good(text, strlen(text));
            char *second = print(&again);
            assert_string_equal(second, text);
            free(second);
            free(text);
            config_done(&again);
            config_done(&c);
        }
        free(first);
    }
    free(defaults);
}

static void test_values_arrive(void **state)
{
    (void)state;
    struct config c = load_good(
        TEXTS("--collect.max-age", "1m30s", "--engine.host=unix:///a, tcp://b:1 ", "--engine.host",
              "http://c:2", "--log.level=warn", "--log.format=json",
              "--container.label-allow=", "--simulate.seed=0", "--collect.tiers=simulated"),
        TEXTS("WEIR_ENGINE_MAX_CONCURRENCY=1", "WEIR_PATH_PROCFS=/p q", "WEIR_PATH_SYSFS="));
    assert_int_equal(c.collect_max_age_ms, 90000);
    assert_list(&c.engine_host, TEXTS("unix:///a", "tcp://b:1", "http://c:2"));
    assert_int_equal(c.log_level, LOG_LEVEL_WARN);
    assert_int_equal(c.log_format, LOG_FORMAT_JSON);
    assert_list(&c.container_label_allow, TEXTS());
    assert_int_equal(c.simulate_seed, 0);
    assert_list(&c.collect_tiers, TEXTS("simulated"));
    assert_int_equal(c.engine_max_concurrency, 1);
    assert_string_equal(c.path_procfs, "/p q");
    assert_string_equal(c.path_sysfs, "/sys");
    config_done(&c);
}

/* --name, --name=true, --no-name; the word after a switch is not its value. */
static void test_switches(void **state)
{
    (void)state;
    static const struct {
        const char *flags[3];
        bool on;
    } cases[] = {
        {{"--web.enable-lifecycle"}, true},        {{"--web.enable-lifecycle=true"}, true},
        {{"--web.enable-lifecycle=false"}, false}, {{"--no-web.enable-lifecycle"}, false},
        {{"--web.enable-lifecycle", "run"}, true}, {{"run", "--web.enable-lifecycle"}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c = load_good(cases[i].flags, TEXTS());
        assert_int_equal(c.web_enable_lifecycle, cases[i].on);
        assert_int_equal(c.command, COMMAND_RUN);
        config_done(&c);
    }
    struct config off =
        load_good(TEXTS("--no-web.systemd-socket"), TEXTS("WEIR_WEB_SYSTEMD_SOCKET=true"));
    assert_false(off.web_systemd_socket);
    config_done(&off);
    static const char *const bad[] = {"--web.enable-lifecycle=yes", "--no-web.max-requests",
                                      "--no-web.enable-lifecycle=true", "--web.enable-lifecycle="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct config c = {0};
        struct err e = {0};
        assert_int_equal(load(TEXTS(bad[i]), TEXTS(), &e, &c), -EINVAL);
        assert_part(e.text, "web.");
    }
}

static void test_tiers_in_any_order(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS("--collect.tiers=simulated,cgroup,engine"), TEXTS());
    assert_list(&c.collect_tiers, TEXTS("simulated", "cgroup", "engine"));
    config_done(&c);
    c = load_good(TEXTS("--collect.tiers", "cgroup"), TEXTS());
    assert_list(&c.collect_tiers, TEXTS("cgroup"));
    config_done(&c);
}

static void test_scopes(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        enum collect_scope scope;
    } cases[] = {
        {"--collect.scope=containers", SCOPE_CONTAINERS},
        {"--collect.scope=services", SCOPE_SERVICES},
        {"--collect.scope=all", SCOPE_ALL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c = load_good(TEXTS(cases[i].flag), TEXTS());
        assert_int_equal(c.collect_scope, cases[i].scope);
        config_done(&c);
    }
}

/* The one text that may be empty: it takes back what a weaker source said. */
static void test_nothing_is_remembered_where_it_is_empty(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS("--state-dir="), TEXTS("WEIR_STATE_DIR=/var/lib/weir"));
    assert_string_equal(c.state_dir, "");
    config_done(&c);
    c = load_good(TEXTS("--state-dir", "/a"), TEXTS());
    assert_string_equal(c.state_dir, "/a");
    config_done(&c);
    static const char yaml[] = "state-dir: \"\"\ncgroup: {max-fds: 0}\n";
    c = parse_good(yaml, sizeof yaml - 1);
    assert_string_equal(c.state_dir, "");
    assert_int_equal(c.cgroup_max_fds, 0);
    config_done(&c);
}

static void test_docker_roots_add_up(void **state)
{
    (void)state;
    struct config c = load_good(
        TEXTS("--path.docker-root=/a", "--path.docker-root=/b", "--path.docker-exec-root="),
        TEXTS());
    assert_list(&c.path_docker_root, TEXTS("/a", "/b"));
    assert_list(&c.path_docker_exec_root, TEXTS());
    config_done(&c);
}

static void test_commands(void **state)
{
    (void)state;
    static const struct {
        const char *flags[4];
        enum command command;
    } cases[] = {
        {{"run"}, COMMAND_RUN},
        {{"scrape"}, COMMAND_SCRAPE},
        {{"--log.level", "debug", "scrape"}, COMMAND_SCRAPE},
        {{"check", "--collect.tiers=cgroup"}, COMMAND_CHECK},
        {{"check", "--help"}, COMMAND_HELP},
        {{"config", "--log.level=debug"}, COMMAND_CONFIG},
        {{"version"}, COMMAND_VERSION},
        {{"--version"}, COMMAND_VERSION},
        {{"-version"}, COMMAND_VERSION},
        {{"--version=1"}, COMMAND_VERSION},
        {{"-version=false"}, COMMAND_RUN},
        {{"-V"}, COMMAND_VERSION},
        {{"help"}, COMMAND_HELP},
        {{"--help"}, COMMAND_HELP},
        {{"-h"}, COMMAND_HELP},
        {{"-help"}, COMMAND_HELP},
        {{"scrape", "-h"}, COMMAND_HELP},
        {{"--version", "--help"}, COMMAND_HELP},
        {{"--help", "--config.file=/nonexistent"}, COMMAND_HELP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c = load_good(cases[i].flags, TEXTS());
        assert_int_equal(c.command, cases[i].command);
        config_done(&c);
    }
    /* Help is there when nothing else works. */
    struct config c = load_good(TEXTS("--help"), TEXTS("WEIR_NONSENSE=1", "WEIR_LOG_LEVEL=x"));
    assert_int_equal(c.command, COMMAND_HELP);
    config_done(&c);
}

/* Each source overwrites what the weaker ones said, a list as a whole. */
static void test_precedence(void **state)
{
    (void)state;
    static const char yaml[] = "collect: {max-age: 2s, timeout: 2s}\n"
                               "engine: {timeout: 2s, host: [unix:///file1, unix:///file2]}\n"
                               "container: {label-allow: [file]}\n"
                               "log: {level: warn}\n";
    char name[] = "/tmp/weir-config-XXXXXX";
    char variable[64];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, yaml, sizeof yaml - 1), sizeof yaml - 1);
    assert_int_equal(close(fd), 0);
    (void)snprintf(variable, sizeof variable, "WEIR_CONFIG_FILE=%s", name);

    struct config c = load_good(
        TEXTS("--collect.max-age=4s", "--container.label-allow=flag"),
        TEXTS(variable, "WEIR_COLLECT_MAX_AGE=3s", "WEIR_LOG_LEVEL=", "WEIR_COLLECT_TIMEOUT=3s",
              "WEIR_ENGINE_HOST=unix:///env", "WEIR_CONTAINER_LABEL_ALLOW=env"));
    assert_string_equal(c.config_file, name);
    assert_int_equal(c.collect_max_age_ms, 4000);
    assert_int_equal(c.collect_timeout_ms, 3000);
    assert_int_equal(c.engine_timeout_ms, 2000);
    assert_list(&c.engine_host, TEXTS("unix:///env"));
    assert_list(&c.container_label_allow, TEXTS("flag"));
    assert_int_equal(c.log_level, LOG_LEVEL_WARN);
    config_done(&c);

    /* The flag names the file although the variable names another. */
    c = load_good(TEXTS("--config.file", name), TEXTS("WEIR_CONFIG_FILE=/nonexistent"));
    assert_string_equal(c.config_file, name);
    assert_list(&c.engine_host, TEXTS("unix:///file1", "unix:///file2"));
    config_done(&c);
    assert_int_equal(unlink(name), 0);
}

/* Refused with every part in the sentence, and nothing loaded. */
static void expect_refused(const char *const flags[], const char *const environment[],
                           const char *const parts[])
{
    struct config c;
    struct config before;
    struct err e = {0};
    memset(&c, 0x5a, sizeof c);
    memset(&before, 0x5a, sizeof before);
    int r = load(flags, environment, &e, &c);
    if (r == 0)
        fail_msg("accepted: %s", flags[0] ? flags[0] : environment[0]);
    assert_true(r < 0);
    assert_int_equal(e.code, r);
    assert_true(strlen(e.text) < ERR_TEXT_MAX - 1); /* not cut */
    for (size_t i = 0; parts[i]; i++)
        assert_part(e.text, parts[i]);
    assert_memory_equal(&c, &before, sizeof c);
}

static const struct {
    const char *name;
    const char *text;
    const char *part;
} bad_values[] = {
    {"collect.max-age", "5", "duration"},
    {"collect.max-age", "-1s", "duration"},
    {"collect.max-age", "1s500", "duration"},
    {"collect.max-age", "", "duration"},
    {"collect.max-age", "1h1ms", "0 to 1h"},
    {"collect.max-age", "999999999999d", "0 to 1h"},
    {"collect.timeout", "99ms", "100ms to 1m"},
    {"collect.timeout", "0", "100ms to 1m"},
    {"collect.timeout", "60001ms", "100ms to 1m"},
    {"engine.timeout", "2m", "100ms to 1m"},
    {"engine.max-concurrency", "0", "1 to 1024"},
    {"engine.max-concurrency", "1025", "1 to 1024"},
    {"engine.max-concurrency", "-1", "whole number"},
    {"engine.max-concurrency", "0x10", "whole number"},
    {"engine.max-concurrency", "1.5", "whole number"},
    {"engine.df-interval", "25h", "0 to 1d"},
    {"engine.size-interval", "0", "1s to 1d"},
    {"engine.df-timeout", "999ms", "1s to 1h"},
    {"container.linger", "25h", "0 to 1d"},
    {"container.keep-stopped", "8761h", "0 to 365d"},
    {"metrics.enable", "all", "is not a group"},
    {"metrics.enable", "diskio", "weir --help"},
    {"metrics.enable", "disk,disk", "twice"},
    {"metrics.disable", "nothing", "is not a group"},
    {"metrics.disable", "cpu,,memory", "empty"},
    {"simulate.containers", "0", "1 to 100000"},
    {"simulate.containers", "100001", "1 to 100000"},
    {"simulate.seed", "18446744073709551616", "0 to 18446744073709551615"},
    {"log.level", "INFO", "debug, info, warn, error"},
    {"log.level", "", "debug, info, warn, error"},
    {"log.format", "text", "logfmt, json"},
    {"collect.tiers", "docker", "engine, cgroup, simulated"},
    {"collect.tiers", "Cgroup", "is not a tier"},
    {"collect.tiers", "cgroup,engine,cgroup", "twice"},
    {"collect.scope", "host", "containers, services, all"},
    {"collect.scope", "", "containers, services, all"},
    {"cgroup.max-fds", "1000001", "0 to 1000000"},
    {"cgroup.max-fds", "-1", "whole number"},
    {"path.docker-root", "var/lib/docker", "absolute"},
    {"path.docker-root", "/a,/a", "twice"},
    {"path.docker-exec-root", "/a,b", "absolute"},
    {"state-dir", "weir", "absolute"},
    {"state-dir", "./weir", "absolute"},
    {"state-dir", "/we\nir", "control character"},
    {"collect.tiers", "engine,engine", "twice"},
    {"collect.tiers", "", "at least one"},
    {"collect.tiers", "engine,,simulated", "empty"},
    {"collect.tiers", "engine,", "empty"},
    {"web.listen-address", "", "at least one"},
    {"web.listen-address", "10142", "no port"},
    {"web.listen-address", "localhost", "no port"},
    {"web.listen-address", "localhost:", "0 to 65535"},
    {"web.listen-address", ":http", "0 to 65535"},
    {"web.listen-address", ":65536", "0 to 65535"},
    {"web.listen-address", "::1:80", "brackets"},
    {"web.listen-address", "[::1:80", "]"},
    {"web.listen-address", "[]:80", "]"},
    {"web.listen-address", ":1,:1", "twice"},
    {"web.telemetry-path", "metrics", "begin"},
    {"web.telemetry-path", "", "empty"},
    {"web.telemetry-path", "/m?x=1", "?"},
    {"web.telemetry-path", "/m#x", "#"},
    {"path.procfs", "proc", "absolute"},
    {"path.sysfs", "./sys", "absolute"},
    {"path.sysfs", "/s\nys", "control character"},
    {"path.sysfs", "/s\xffys", "UTF-8"},
    {"engine.host", "/run/docker.sock", "unix://"},
    {"engine.host", "unix://run/docker.sock", "absolute path"},
    {"engine.host", "unix:///", "absolute path"},
    {"engine.host", "unix://", "absolute path"},
    {"engine.host", "tcp://", "no host"},
    {"engine.host", "tcp://:2375", "no host"},
    {"engine.host", "http:///x", "no host"},
    {"engine.host", "https://", "no host"},
    {"engine.host", "ssh://me@host", "ssh -L"},
    {"engine.host", "npipe:////./pipe/docker_engine", "Windows"},
    {"engine.host", "docker:2375", "scheme"},
    {"engine.host", "unix:///a,unix:///a", "twice"},
    {"container.include", "web-*", "="},
    {"container.include", "id=abc", "field"},
    {"container.include", "names=abc", "field"},
    {"container.include", "label=abc", "field"},
    {"container.include", "label.=abc", "key"},
    {"container.include", "name=", "glob"},
    {"container.exclude", "image=", "glob"},
    {"container.exclude", "Name=x", "field"},
    {"container.exclude", "name=a,", "empty"},
    {"container.label-allow", "a,,b", "empty"},
};

static void test_bad_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_values / sizeof bad_values[0]; i++) {
        const struct option *o = option_find(bad_values[i].name);
        char flag[128];
        char origin[OPTION_NAME_MAX + 8];
        char setting[128];
        char variable[OPTION_NAME_MAX];
        assert_non_null(o);
        (void)snprintf(origin, sizeof origin, "--%s: ", o->name);
        (void)snprintf(flag, sizeof flag, "--%s=%s", o->name, bad_values[i].text);
        expect_refused(TEXTS(flag), TEXTS(), TEXTS(origin, bad_values[i].part, "; allowed: "));
        if (bad_values[i].text[0] == '\0')
            continue; /* in the environment: not set */
        option_variable(o, variable);
        (void)snprintf(setting, sizeof setting, "%s=%s", variable, bad_values[i].text);
        expect_refused(TEXTS(), TEXTS(setting), TEXTS(variable, bad_values[i].part, "; allowed: "));
    }
}

static void test_strange_values_are_shown_safely(void **state)
{
    (void)state;
    char flag[6000] = "--path.procfs=/";
    expect_refused(TEXTS("--log.level=a\x1b[31m\n\xff"), TEXTS(), TEXTS("a\\x1b[31m\\x0a\\xff"));
    memset(flag + strlen(flag), 'x', 5000);
    expect_refused(TEXTS(flag), TEXTS(), TEXTS("...", "longer than 4096 bytes"));
    struct buf many;
    buf_init(&many, sizeof flag);
    (void)buf_add_string(&many, "--container.label-allow=l");
    for (int i = 0; i < 256; i++)
        (void)buf_add_string(&many, ",l");
    expect_refused(TEXTS(many.data), TEXTS(), TEXTS("256"));
    buf_done(&many);
}

static void test_bad_command_lines(void **state)
{
    (void)state;
    expect_refused(TEXTS("--colect.max-age=1s"), TEXTS(), TEXTS("did you mean --collect.max-age?"));
    expect_refused(TEXTS("--collect_max_age=1s"), TEXTS(), TEXTS("mean --collect.max-age?"));
    expect_refused(TEXTS("--max-age=1s"), TEXTS(), TEXTS("did you mean --collect.max-age?"));
    expect_refused(TEXTS("-log.level=warn"), TEXTS(), TEXTS("-log.level"));
    expect_refused(TEXTS("-log.level"), TEXTS(), TEXTS("did you mean --log.level?"));
    expect_refused(TEXTS("--hepl"), TEXTS(), TEXTS("did you mean --help?"));
    expect_refused(TEXTS("--frobnicate=1"), TEXTS(), TEXTS("--frobnicate", "weir --help"));
    expect_refused(TEXTS("--"), TEXTS(), TEXTS("--"));
    expect_refused(TEXTS("-"), TEXTS(), TEXTS("-"));
    expect_refused(TEXTS("-x"), TEXTS(), TEXTS("-x"));
    expect_refused(TEXTS("-v"), TEXTS(), TEXTS("-v: needs a value"));
    expect_refused(TEXTS("--houskeeping_interval=1s"), TEXTS(),
                   TEXTS("did you mean --housekeeping_interval?"));
    expect_refused(TEXTS("--docker-only"), TEXTS(), TEXTS("did you mean --docker_only?"));
    expect_refused(TEXTS("--engine-host=x"), TEXTS(), TEXTS("did you mean --engine.host?"));
    expect_refused(TEXTS("--=x"), TEXTS(), TEXTS("--"));
    expect_refused(TEXTS("--help=yes"), TEXTS(), TEXTS("no value"));
    expect_refused(TEXTS("--log.level"), TEXTS(), TEXTS("--log.level", "needs a value"));
    expect_refused(TEXTS("--log.level", "--log.format=json"), TEXTS(), TEXTS("needs a value"));
    expect_refused(TEXTS("--log.level=info", "--log.level=warn"), TEXTS(), TEXTS("twice"));
    expect_refused(TEXTS("--collect.tiers=engine", "--collect.tiers=engine"), TEXTS(),
                   TEXTS("twice"));
    expect_refused(TEXTS("scrap"), TEXTS(), TEXTS("\"scrap\"", "did you mean scrape?"));
    expect_refused(TEXTS("chek"), TEXTS(), TEXTS("\"chek\"", "did you mean check?"));
    expect_refused(TEXTS("--state-dri=/a"), TEXTS(), TEXTS("did you mean --state-dir?"));
    expect_refused(TEXTS("--max-fds=1"), TEXTS(), TEXTS("did you mean --cgroup.max-fds?"));
    expect_refused(TEXTS("frobnicate"), TEXTS(),
                   TEXTS("run, scrape, check, config, version, help"));
    expect_refused(TEXTS(""), TEXTS(), TEXTS("run, scrape, check, config, version, help"));
    expect_refused(TEXTS("run", "scrape"), TEXTS(), TEXTS("scrape", "run"));
}

/* A service called weir in a Kubernetes namespace must not keep weir from starting there. */
static void test_service_links_are_no_settings(void **state)
{
    (void)state;
    struct config c =
        load_good(TEXTS(), TEXTS("WEIR_SERVICE_HOST=10.0.0.1", "WEIR_SERVICE_PORT=80",
                                 "WEIR_PORT=tcp://10.0.0.1:80", "WEIR_PORT_80_TCP_ADDR=10.0.0.1"));
    assert_list(&c.web_listen_address, TEXTS(":10142"));
    config_done(&c);
}

static void test_bad_environment(void **state)
{
    (void)state;
    expect_refused(TEXTS(), TEXTS("WEIR_COLECT_MAX_AGE=1s"),
                   TEXTS("WEIR_COLECT_MAX_AGE", "did you mean WEIR_COLLECT_MAX_AGE?"));
    expect_refused(TEXTS(), TEXTS("WEIR_FROBNICATE=1"), TEXTS("WEIR_FROBNICATE"));
    expect_refused(TEXTS(), TEXTS("WEIR_LOG_LEVELS=info"), TEXTS("mean WEIR_LOG_LEVEL?"));
    expect_refused(TEXTS(), TEXTS("WEIR_=1"), TEXTS("WEIR_"));
    expect_refused(TEXTS(), TEXTS("WEIR_FOO=_SERVICE_HOST"), TEXTS("WEIR_FOO"));
    /* A stronger source does not hide a mistake in a weaker one. */
    expect_refused(TEXTS("--log.level=info"), TEXTS("WEIR_LOG_LEVEL=no"), TEXTS("WEIR_LOG_LEVEL"));
    struct config c = load_good(TEXTS(), TEXTS("WEIRD=1", "weir_log_level=x", "XWEIR_LOG_LEVEL=x"));
    config_done(&c);
}

static void test_bad_files(void **state)
{
    (void)state;
    char name[] = "/tmp/weir-config-XXXXXX";
    char place[64];
    int fd = mkstemp(name);
    expect_refused(TEXTS("--config.file=/nonexistent/weir.yml"), TEXTS(),
                   TEXTS("/nonexistent/weir.yml", strerror(ENOENT)));
    expect_refused(TEXTS(), TEXTS("WEIR_CONFIG_FILE=/"), TEXTS(strerror(EISDIR)));
    expect_refused(TEXTS("--config.file="), TEXTS(), TEXTS("--config.file", "empty"));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "log:\n  level: x\n", 16), 16);
    (void)snprintf(place, sizeof place, "%s:2:10: ", name);
    expect_refused(TEXTS("--config.file", name), TEXTS(), TEXTS(place, "\"x\""));
    assert_int_equal(ftruncate(fd, ((off_t)1 << 20) + 1), 0);
    expect_refused(TEXTS("--config.file", name), TEXTS(), TEXTS(name, "1 MiB"));
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(name), 0);
}

static void test_help(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    assert_int_equal(config_help(&b), 0);
    for (const char *line = b.data; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, HELP_COLUMNS);
    for (size_t i = 0; i < config_option_count; i++) {
        const struct option *o = &config_options[i];
        char variable[OPTION_NAME_MAX];
        char flag[OPTION_NAME_MAX + 16];
        option_variable(o, variable);
        bool on = o->type == OPTION_SWITCH;
        (void)snprintf(flag, sizeof flag, "  --%s%s%s", on ? "[no-]" : "", o->name, on ? "" : "=");
        assert_part(b.data, flag);
        const char *after = strstr(b.data, flag) + strlen(flag);
        assert_true(!on || *after == ' ' || *after == '\n');
        assert_part(b.data, variable);
    }
    assert_true(text_starts_with(b.data, "weir "));
    assert_part(b.data, "\n  check ");
    assert_part(b.data, "Default: engine, cgroup, simulated.");
    assert_part(b.data, "Allowed: an absolute path, or nothing.");
    assert_true(strstr(b.data, "  scrape ") < strstr(b.data, "  --config.file="));
    assert_part(b.data, "1 to 1024");
    assert_part(b.data, "com.docker.compose.project");
    assert_part(b.data, "/rootfs/proc");
    /* The first screen is about weir; what is read once and long stands at the end. */
    assert_true(strstr(b.data, "\n  disk ") > strstr(b.data, "  --log.format="));
    assert_string_equal(strrchr(b.data, ' '), " http://localhost:10142/metrics\n");
    buf_done(&b);
    buf_init(&b, 100);
    assert_int_equal(config_help(&b), -EMSGSIZE);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_option_from_every_source),
        cmocka_unit_test(test_values_arrive),
        cmocka_unit_test(test_switches),
        cmocka_unit_test(test_tiers_in_any_order),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_nothing_is_remembered_where_it_is_empty),
        cmocka_unit_test(test_docker_roots_add_up),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_strange_values_are_shown_safely),
        cmocka_unit_test(test_bad_command_lines),
        cmocka_unit_test(test_service_links_are_no_settings),
        cmocka_unit_test(test_bad_environment),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
