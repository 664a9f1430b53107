/* agent/config.h: cAdvisor's command line. What its flags mean is cAdvisor's documentation
 * (docs/runtime_options.md, --help); how they are written is Go's package flag. */
#include "config_testing.h"

#include "agent/config_cadvisor.h"
#include "collectors/collector.h"

#include <errno.h>

/* Is there a notice with that part? */
static bool is_told(const struct config *c, const char *part)
{
    for (size_t i = 0; i < c->notice_count; i++)
        if (strstr(c->notices[i].text, part))
            return true;
    return false;
}

static void assert_told(const struct config *c, const char *part)
{
    if (!is_told(c, part))
        fail_msg("nothing tells \"%s\"; the first of %zu: %s", part, c->notice_count,
                 c->notice_count > 0 ? c->notices[0].text : "");
}

static void expect_refused(const char *const flags[], const char *part)
{
    struct config c = {0};
    struct err e = {0};
    if (load(flags, TEXTS(), &e, &c) != -EINVAL)
        fail_msg("accepted: %s", flags[0]);
    assert_true(strlen(e.text) < ERR_TEXT_MAX - 1);
    assert_part(e.text, part);
}

#define FLAGS_MAX 20

/* Arguments as compose files, manifests, units and scripts that are published have them. */
static const char *const published[][FLAGS_MAX] = {
    {"--housekeeping_interval=30s", "--docker_only=true",
     "--disable_metrics=percpu,sched,tcp,udp,disk,diskIO,accelerator,hugetlb,referenced_memory,"
     "cpu_topology,resctrl"},
    {"/usr/bin/cadvisor", "--logtostderr", "--v=0", "--housekeeping_interval=30s",
     "--max_housekeeping_interval=35s", "--event_storage_event_limit=default=0",
     "--event_storage_age_limit=default=0", "--disable_metrics=percpu,sched,tcp,udp,disk",
     "--docker_only=true", "--store_container_labels=false",
     "--whitelisted_container_labels=io.kubernetes.container.name,io.kubernetes.pod.name,"
     "io.kubernetes.pod.namespace"},
    {"-enable_metrics=cpu,memory,disk,network", "-logtostderr", "-port=48080", "-docker_only",
     "-housekeeping_interval=10s", "-max_housekeeping_interval=15s",
     "-event_storage_event_limit=default=0", "-v=3", "-event_storage_age_limit=default=0",
     "-containerd=/var/run/containerd/containerd.sock"},
    {"-housekeeping_interval=60s", "-max_housekeeping_interval=75s",
     "-enable_metrics=cpu,memory,network", "-docker_only", "-store_container_labels=false",
     "-whitelisted_container_labels=io.kubernetes.container.name,io.kubernetes.pod.name,"
     "io.kubernetes.pod.namespace,workload"},
    {"--housekeeping_interval=10s", "--max_housekeeping_interval=15s",
     "--event_storage_event_limit=default=0", "--event_storage_age_limit=default=0",
     "--enable_metrics=app,cpu,disk,diskIO,memory,network,process", "--docker_only",
     "--store_container_labels=false",
     "--whitelisted_container_labels=io.kubernetes.pod.name,io.kubernetes.pod.namespace,"
     "io.kubernetes.container.name"},
    {"--port=18080", "--docker_only=false", "--enable_load_reader=true",
     "--application_metrics_count_limit=1000", "--prometheus_endpoint=/metrics",
     "--disable_metrics=",
     "--enable_metrics=advtcp,app,cpu,cpuLoad,cpu_topology,cpuset,disk,diskIO,hugetlb,memory,"
     "memory_numa,network,oom_event,percpu,perf_event,process,referenced_memory,resctrl,sched,tcp,"
     "udp"},
    {"-storage_driver=influxdb", "-storage_driver_db=cadvisor", "-storage_driver_user=root",
     "-storage_driver_password=root", "-storage_driver_host=influxdb:8083"},
    {"-storage_duration=30m0s", "-storage_driver_buffer_duration=1m0s",
     "-allow_dynamic_housekeeping=false", "-global_housekeeping_interval=1m0s",
     "-housekeeping_interval=1s", "-max_housekeeping_interval=1m0s", "-alsologtostderr=true",
     "-storage_driver=influxdb", "-storage_driver_host=172.28.5.17:8086",
     "-storage_driver_db=cadvisor"},
    {"--storage_driver=atsd", "--storage_driver_atsd_protocol=tcp", "--storage_driver_host=atsd",
     "--storage_driver_buffer_duration=15s", "--housekeeping_interval=15s"},
    {"-storage_driver=elasticsearch", "-storage_driver_es_host=http://elasticsearch:9200"},
    {"-storage_driver=kafka", "-storage_driver_kafka_broker_list=10.0.0.1:9092",
     "-storage_driver_kafka_topic=stats", "-storage_driver_kafka_ssl_verify=false"},
    {"--port=8080", "--storage_duration=1m", "--housekeeping_interval=10s",
     "--max_housekeeping_interval=15s", "--global_housekeeping_interval=1m0s",
     "--disable_metrics=advtcp,cpu_topology,cpuset,hugetlb,memory_numa,process,referenced_memory,"
     "resctrl,sched,tcp,udp",
     "--docker_only=true", "--docker=unix:///var/run/docker.sock",
     "--allow_dynamic_housekeeping=true", "--url_base_prefix=/cadvisor",
     "--docker_env_metadata_whitelist=container_name,HOSTNAME"},
    {"--url_base_prefix=/a/cadvisor/host", "--containerd=/tmp/none.sock",
     "--enable_metrics=cpu,memory,network", "--docker_only=true", "--housekeeping_interval=10s",
     "--v=1"},
    {"--storage_duration=2m", "--docker_only=true",
     "--containerd=/run/docker/containerd/containerd.sock", "--disable_root_cgroup_stats=true",
     "--store_container_labels=false", "--enable_metrics=cpu,memory,network"},
    {"--raw_cgroup_prefix_whitelist=/docker/", "--docker_only=false", "--housekeeping_interval=5s"},
    {"--logtostderr", "--http_auth_file", "auth.htpasswd", "--http_auth_realm", "localhost"},
    {"/usr/bin/cadvisor", "--port", "14104"},
    {"--logtostderr", "--v=999", "--port", "8080", "--listen_ip", "127.0.0.1"},
    {"--max_procs=3", "--log_dir=/var/log/cadvisor", "--port=9189", "--enable_load_reader=true"},
    {"--allow_dynamic_housekeeping=true", "--housekeeping_interval=30s", "--docker_only=true",
     "--storage_duration=1m0s", "--event_storage_age_limit=default=0",
     "--event_storage_event_limit=default=0", "--global_housekeeping_interval=30s",
     "--disable_metrics=accelerator,cpu_topology,disk,memory_numa,tcp,udp,percpu,sched,process,"
     "hugetlb,referenced_memory,resctrl,cpuset,advtcp,memory_numa",
     "--store_container_labels=false"},
    {"--docker_only=true", "--housekeeping_interval=30s", "--max_housekeeping_interval=35s",
     "--store_container_labels=false",
     "--disable_metrics=advtcp,cpu_topology,cpuset,disk,hugetlb,memory_numa,network_tcp,"
     "network_udp,percpu,process,referenced_memory,resctrl,sched,tcp,udp"},
    {"--whitelisted_container_labels=*", "--docker_only=false",
     "--enable_metrics=cpu,memory,network,filesystem,disk"},
    {"--web.listen-address=0.0.0.0:8080", "--housekeeping_interval=30s", "--docker_only",
     "--disable_metrics=percpu,sched,tcp,udp"},
    {"--perf_events_config=/etc/configs/perf/perf-prm-skylake.json",
     "--disable_metrics=advtcp,process,sched,hugetlb,cpu_topology,tcp,udp,percpu,accelerator,disk,"
     "diskIO,network",
     "--port=9101", "--referenced_read_interval=20s", "--referenced_reset_interval=120",
     "--store_container_labels=true"},
    {"--logtostderr", "--containerd=/run/containerd/containerd.sock",
     "--containerd-namespace=k8s.io"},
    {"--listen_ip=10.18.0.13", "--port=9280", "--prometheus_endpoint=/metrics", "--docker_only",
     "--store_container_labels=false",
     "--whitelisted_container_labels=com.hashicorp.nomad.job.name,com.hashicorp.nomad.node_name"},
    {"-log_cadvisor_usage=true", "-housekeeping_interval=30s"},
};

static void test_published_command_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct config c = load_good(published[i], TEXTS());
        assert_int_equal(c.command, COMMAND_RUN);
        char *text = print(&c);
        struct config again = parse_good(text, strlen(text));
        char *second = print(&again);
        assert_string_equal(text, second);
        free(text);
        free(second);
        config_done(&again);
        config_done(&c);
    }
}

/* Every flag of cadvisor --help, v0.27 to v0.60, with a value it takes. */
static const char *const every_flag[] = {
    "add_dir_header=true",
    "allow_dynamic_housekeeping=false",
    "alsologtostderr=true",
    "application_metrics_count_limit=100",
    "boot_id_file=/proc/sys/kernel/random/boot_id",
    "bq_account=a",
    "bq_credentials_file=a",
    "bq_id=a",
    "bq_project_id=a",
    "bq_secret=notasecret",
    "collector_cert=a",
    "collector_key=a",
    "container_hints=/etc/cadvisor/container_hints.json",
    "containerd=/run/containerd/containerd.sock",
    "containerd-namespace=k8s.io",
    "containerd_env_metadata_whitelist=a",
    "crio_client_timeout=0",
    "disable_metrics=tcp",
    "disable_root_cgroup_stats=true",
    "docker=unix:///var/run/docker.sock",
    "docker-tls=true",
    "docker-tls-ca=ca.pem",
    "docker-tls-cert=cert.pem",
    "docker-tls-key=key.pem",
    "docker_env_metadata_whitelist=a",
    "docker_only=true",
    "docker_root=/var/lib/docker",
    "enable_load_reader=true",
    "enable_metrics=cpu",
    "env_metadata_whitelist=PATH",
    "event_storage_age_limit=default=24h",
    "event_storage_event_limit=default=100000",
    "global_housekeeping_interval=1m0s",
    "housekeeping_interval=1s",
    "http_auth_file=a",
    "http_auth_realm=localhost",
    "http_digest_file=a",
    "http_digest_realm=localhost",
    "initial_splay_factor=1.0",
    "jitter_factor=1.0",
    "listen_ip=127.0.0.1",
    "log_backtrace_at=file.go:1",
    "log_cadvisor_usage=true",
    "log_dir=/tmp",
    "log_file=/tmp/a",
    "log_file_max_size=1800",
    "logtostderr=true",
    "machine_id_file=/etc/machine-id,/var/lib/dbus/machine-id",
    "max_housekeeping_interval=1m0s",
    "max_procs=0",
    "mesos_agent=127.0.0.1:5051",
    "mesos_agent_timeout=10s",
    "one_output=true",
    "perf_events_config=a",
    "podman=unix:///var/run/podman/podman.sock",
    "port=8080",
    "profiling=true",
    "prometheus_endpoint=/metrics",
    "raw_cgroup_prefix_whitelist=/a",
    "referenced_reset_interval=0",
    "resctrl_interval=0",
    "skip_headers=true",
    "skip_log_headers=true",
    "stderrthreshold=2",
    "storage_driver=influxdb,stdout",
    "storage_driver_buffer_duration=1m0s",
    "storage_driver_db=cadvisor",
    "storage_driver_es_enable_sniffer=true",
    "storage_driver_es_host=http://localhost:9200",
    "storage_driver_es_index=cadvisor",
    "storage_driver_es_type=stats",
    "storage_driver_host=localhost:8086",
    "storage_driver_influxdb_retention_policy=a",
    "storage_driver_kafka_broker_list=localhost:9092",
    "storage_driver_kafka_ssl_ca=a",
    "storage_driver_kafka_ssl_cert=a",
    "storage_driver_kafka_ssl_key=a",
    "storage_driver_kafka_ssl_verify=true",
    "storage_driver_kafka_topic=stats",
    "storage_driver_password=root",
    "storage_driver_secure=true",
    "storage_driver_table=stats",
    "storage_driver_user=root",
    "storage_duration=2m0s",
    "store_container_labels=true",
    "update_machine_info_interval=5m0s",
    "url_base_prefix=/a",
    "v=2",
    "vmodule=a=1",
    "whitelisted_container_labels=a",
};

/* With one dash and with two, and as Go has values: after = or as the next argument, a switch's
 * only after = or none at all. */
static void test_every_flag_in_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof every_flag / sizeof every_flag[0]; i++) {
        const char *equals = strchr(every_flag[i], '=');
        size_t length = (size_t)(equals - every_flag[i]);
        const struct cadvisor_flag *flag = cadvisor_find(every_flag[i], length);
        assert_non_null(flag);
        assert_int_equal(flag->is_switch, cadvisor_switch(equals + 1) &&
                                              (strstr(equals, "true") || strstr(equals, "false")));
        for (unsigned form = 0; form < 4; form++) {
            char word[128];
            const char *dashes = form % 2 ? "--" : "-";
            if (form < 2)
                (void)snprintf(word, sizeof word, "%s%s", dashes, every_flag[i]);
            else
                (void)snprintf(word, sizeof word, "%s%.*s", dashes, (int)length, every_flag[i]);
            const char *value = form < 2 || flag->is_switch ? NULL : equals + 1;
            struct config c =
                load_good((const char *const[]){"config", word, value, NULL}, TEXTS());
            assert_int_equal(c.command, COMMAND_CONFIG);
            assert_int_equal(flag->instead != NULL, flag->role == CADVISOR_IGNORED);
            if (flag->instead)
                assert_told(&c, flag->instead);
            config_done(&c);
        }
    }
}

static void test_switches_as_go_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        enum collect_scope scope;
    } cases[] = {
        {"-docker_only", SCOPE_CONTAINERS},      {"--docker_only", SCOPE_CONTAINERS},
        {"-docker_only=true", SCOPE_CONTAINERS}, {"--docker_only=1", SCOPE_CONTAINERS},
        {"-docker_only=T", SCOPE_CONTAINERS},    {"--docker_only=True", SCOPE_CONTAINERS},
        {"--docker_only=false", SCOPE_ALL},      {"-docker_only=0", SCOPE_ALL},
        {"--docker_only=f", SCOPE_ALL},          {"--docker_only=FALSE", SCOPE_ALL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c = load_good(TEXTS(cases[i].flag), TEXTS());
        assert_int_equal(c.collect_scope, cases[i].scope);
        config_done(&c);
    }
    /* Go stops reading at the word, and cAdvisor starts: no reason for weir not to. */
    struct config c = load_good(TEXTS("-docker_only", "false", "-port", "8080"), TEXTS());
    assert_int_equal(c.collect_scope, SCOPE_ALL);
    assert_int_equal(c.command, COMMAND_RUN);
    config_done(&c);
    c = load_good(TEXTS("--logtostderr", "true", "config"), TEXTS());
    assert_int_equal(c.command, COMMAND_CONFIG);
    config_done(&c);
    expect_refused(TEXTS("--docker_only", "yes"), "unknown command \"yes\"");
    expect_refused(TEXTS("--docker_only=yes"), "true, false, 1, 0, t, f");
    expect_refused(TEXTS("-docker_only="), "neither on nor off");
    expect_refused(TEXTS("-logtostderr=2"), "-logtostderr=2");
    expect_refused(TEXTS("-port"), "needs a value");
    expect_refused(TEXTS("---port=1"), "---port");
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *flags[4];
        const char *address;
    } cases[] = {
        {{"-port=8080"}, ":8080"},
        {{"--port", "9000"}, ":9000"},
        {{"--port=0"}, ":0"},
        {{"--listen_ip=127.0.0.1", "--port=8081"}, "127.0.0.1:8081"},
        {{"--port=8081", "-listen_ip", "::1"}, "[::1]:8081"},
        {{"--listen_ip=[::1]", "--port=8081"}, "[::1]:8081"},
        {{"--listen_ip=10.0.0.1"}, "10.0.0.1:10142"},
        {{"--listen_ip=", "--port=8081"}, ":8081"},
        {{"--port=1", "--port=2"}, ":2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c = load_good(cases[i].flags, TEXTS());
        assert_list(&c.web_listen_address, TEXTS(cases[i].address));
        config_done(&c);
    }
    expect_refused(TEXTS("--port=65536"), "--port: \"65536\" is no port; allowed: 0 to 65535");
    expect_refused(TEXTS("--port=http"), "--port");
    expect_refused(TEXTS("--port=-1"), "--port");
    expect_refused(TEXTS("--port="), "--port");
    expect_refused(TEXTS("--port", "--docker_only"), "--port");
}

/* The port that people have published and scraped is another one. */
static void test_other_port_is_told(void **state)
{
    (void)state;
    static const char part[] = "--port=8080";
    struct config c = load_good(TEXTS("--docker_only"), TEXTS());
    assert_told(&c, part);
    config_done(&c);
    c = load_good(TEXTS("--listen_ip=127.0.0.1"), TEXTS());
    assert_told(&c, part);
    config_done(&c);
    c = load_good(TEXTS("--docker_only", "--port=8080"), TEXTS());
    assert_false(is_told(&c, part));
    config_done(&c);
    c = load_good(TEXTS("--docker_only", "--web.listen-address=:10142"), TEXTS());
    assert_false(is_told(&c, part));
    config_done(&c);
    c = load_good(TEXTS("--docker_only"), TEXTS("WEIR_WEB_LISTEN_ADDRESS=:8080"));
    assert_false(is_told(&c, part));
    config_done(&c);
    c = load_good(TEXTS("--collect.scope=all"), TEXTS());
    assert_int_equal(c.notice_count, 0);
    config_done(&c);
}

static void test_paths_and_engines(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS("--prometheus_endpoint=/m", "-url_base_prefix=/cadvisor",
                                      "--docker=tcp://h:2375", "--podman", "/run/podman.sock",
                                      "--docker_root=/data/docker"),
                                TEXTS("WEIR_ENGINE_HOST=unix:///env"));
    assert_string_equal(c.web_telemetry_path, "/m");
    assert_string_equal(c.web_route_prefix, "/cadvisor");
    assert_list(&c.engine_host, TEXTS("tcp://h:2375", "unix:///run/podman.sock"));
    assert_list(&c.path_docker_root, TEXTS("/data/docker"));
    config_done(&c);
    c = load_good(TEXTS("--docker=unix:///a", "--podman=unix:///a", "--url_base_prefix="), TEXTS());
    assert_list(&c.engine_host, TEXTS("unix:///a"));
    assert_string_equal(c.web_route_prefix, "/");
    config_done(&c);
    c = load_good(TEXTS("--podman="), TEXTS());
    assert_list(&c.engine_host, TEXTS());
    config_done(&c);
    expect_refused(TEXTS("--docker=ssh://h"), "--docker: ");
    expect_refused(TEXTS("--prometheus_endpoint=metrics"), "--prometheus_endpoint: ");
}

static void test_labels(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS("--store_container_labels"), TEXTS());
    assert_list(&c.container_label_allow, TEXTS("*"));
    config_done(&c);
    c = load_good(TEXTS("--store_container_labels=false"), TEXTS());
    assert_list(&c.container_label_allow, TEXTS());
    config_done(&c);
    /* Keys, not globs; trimmed; what is empty or there twice is passed over. */
    c = load_good(TEXTS("--store_container_labels=false",
                        "--whitelisted_container_labels=a.b, c*d ,,e?\\f,a.b,"),
                  TEXTS());
    assert_list(&c.container_label_allow, TEXTS("a.b", "c\\*d", "e\\?\\\\f"));
    assert_true(text_glob(c.container_label_allow.items[1], "c*d"));
    assert_false(text_glob(c.container_label_allow.items[1], "cxd"));
    config_done(&c);
    c = load_good(TEXTS("--whitelisted_container_labels=a"), TEXTS());
    assert_list(&c.container_label_allow, TEXTS("a"));
    config_done(&c);
    c = load_good(TEXTS("--whitelisted_container_labels=a", "--store_container_labels"), TEXTS());
    assert_list(&c.container_label_allow, TEXTS("*"));
    assert_told(&c, "--whitelisted_container_labels has no effect");
    config_done(&c);
}

/* What weir's own option refuses is refused by the name that was written. */
static void test_lists_that_cannot_be(void **state)
{
    (void)state;
    struct buf many;
    expect_refused(TEXTS("--whitelisted_container_labels=a,b\n,c"),
                   "--whitelisted_container_labels: \"b\\x0a\" has a control character");
    expect_refused(TEXTS("--docker_root=var", "--port=1"), "--docker_root: ");
    buf_init(&many, PRINT_MAX_BYTES);
    (void)buf_add_string(&many, "--whitelisted_container_labels=x");
    for (unsigned i = 0; i < 300; i++)
        (void)buf_add_format(&many, ",l%u", i);
    expect_refused(TEXTS(many.data), "one too many");
    buf_done(&many);
}

static void test_groups(void **state)
{
    (void)state;
    struct config c =
        load_good(TEXTS("-disable_metrics=disk, cpu,cpu,percpu,accelerator"), TEXTS());
    assert_list(&c.metrics_disable, TEXTS("disk", "cpu", "percpu"));
    assert_list(&c.metrics_enable, TEXTS());
    assert_told(&c, "called accelerator");
    assert_told(&c, "without effect, for weir has nothing in them: percpu");
    /* cAdvisor would give what its default list leaves out and this one does not name. */
    assert_told(&c, "--metrics.enable=process,");
    assert_told(&c, ",tcp,");
    config_done(&c);

    /* Only what is listed, and what no list of cAdvisor's takes away. */
    c = load_good(TEXTS("--enable_metrics=cpu,tcp", "--disable_metrics=cpu"), TEXTS());
    assert_int_equal(config_groups(&c), GROUP_BIT(GROUP_CPU) | GROUP_BIT(GROUP_TCP) |
                                            GROUP_BIT(GROUP_SPEC) | GROUP_BIT(GROUP_LIFE) |
                                            GROUP_BIT(GROUP_NONE) | GROUP_BIT(GROUP_MACHINE) |
                                            GROUP_BIT(GROUP_AGENT) | GROUP_BIT(GROUP_ENGINE));
    assert_told(&c, "--disable_metrics has no effect beside --enable_metrics");
    config_done(&c);
    /* cAdvisor counts threads in its group process. */
    c = load_good(TEXTS("--enable_metrics=process"), TEXTS());
    assert_true(config_groups(&c) & GROUP_BIT(GROUP_PROCESS));
    assert_true(config_groups(&c) & GROUP_BIT(GROUP_PIDS));
    config_done(&c);
    c = load_good(TEXTS("--enable_metrics=", "--disable_metrics="), TEXTS());
    assert_int_equal(config_groups(&c), GROUPS_DEFAULT);
    config_done(&c);
}

static void test_weirs_own_flag_wins(void **state)
{
    (void)state;
    struct config c = load_good(
        TEXTS("--port=8080", "--web.listen-address=:1", "--docker=unix:///a",
              "--engine.host=unix:///b", "--docker_only=false", "--collect.scope=services",
              "--store_container_labels", "--container.label-allow=x", "--enable_metrics=cpu",
              "--metrics.disable=memory", "--metrics.enable=disk", "--docker_root=/a",
              "--path.docker-root=/b", "--prometheus_endpoint=/a", "--web.telemetry-path=/b"),
        TEXTS());
    assert_list(&c.web_listen_address, TEXTS(":1"));
    assert_list(&c.engine_host, TEXTS("unix:///b"));
    assert_int_equal(c.collect_scope, SCOPE_SERVICES);
    assert_list(&c.container_label_allow, TEXTS("x"));
    assert_list(&c.metrics_disable, TEXTS("memory"));
    assert_list(&c.metrics_enable, TEXTS("disk"));
    assert_list(&c.path_docker_root, TEXTS("/b"));
    assert_string_equal(c.web_telemetry_path, "/b");
    assert_told(&c, "--port gives way to --web.listen-address");
    assert_told(&c, "--docker gives way to --engine.host");
    assert_told(&c, "--docker_only gives way to --collect.scope");
    assert_told(&c, "--enable_metrics gives way to --metrics.enable");
    config_done(&c);
    /* A flag is stronger than the environment, whoever's it is. */
    c = load_good(TEXTS("-docker_only=false"), TEXTS("WEIR_COLLECT_SCOPE=services"));
    assert_int_equal(c.collect_scope, SCOPE_ALL);
    config_done(&c);
}

/* One line for each answer, however many flags it is about and however often they stand there. */
static void test_ignored_flags_are_told(void **state)
{
    (void)state;
    struct config c =
        load_good(TEXTS("--port=1", "-housekeeping_interval=1s", "--housekeeping_interval", "2s",
                        "--max_housekeeping_interval=3s", "-v=2", "--env_metadata_whitelist=SECRET",
                        "--storage_driver_splunk_url=https://s", "-storage_driver_secure"),
                  TEXTS());
    assert_int_equal(c.notice_count, 4);
    assert_string_equal(c.notices[0].text,
                        "--housekeeping_interval, --max_housekeeping_interval have no effect: weir "
                        "collects when it is asked, at most every --collect.max-age");
    assert_told(&c, "--v has no effect: --log.level");
    assert_told(&c, "--storage_driver_splunk_url, --storage_driver_secure have no effect");
    for (size_t i = 0; i < c.notice_count; i++) {
        assert_int_equal(c.notices[i].level, LOG_LEVEL_WARN);
        assert_null(strstr(c.notices[i].text, "SECRET"));
    }
    config_done(&c);
}

/* An image's entry point as the first argument, beside commands of weir's. */
static void test_program_as_argument(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS("/usr/bin/cadvisor", "-port=8080", "config"), TEXTS());
    assert_int_equal(c.command, COMMAND_CONFIG);
    assert_list(&c.web_listen_address, TEXTS(":8080"));
    assert_told(&c, "\"/usr/bin/cadvisor\" is no command");
    config_done(&c);
    c = load_good(TEXTS("config", "cadvisor"), TEXTS());
    assert_int_equal(c.command, COMMAND_CONFIG);
    config_done(&c);
    expect_refused(TEXTS("/usr/bin/cadvisors"), "unknown command");
}

static void test_unknown_flags(void **state)
{
    (void)state;
    expect_refused(TEXTS("-privileged"), "unknown flag -privileged");
    expect_refused(TEXTS("--dockeronly"), "did you mean --docker_only?");
    expect_refused(TEXTS("-storage_durations=1m"), "did you mean --storage_duration?");
    expect_refused(TEXTS("-collect.scope=all"), "did you mean --collect.scope?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_command_lines),
        cmocka_unit_test(test_every_flag_in_every_form),
        cmocka_unit_test(test_switches_as_go_reads_them),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_other_port_is_told),
        cmocka_unit_test(test_paths_and_engines),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_lists_that_cannot_be),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_weirs_own_flag_wins),
        cmocka_unit_test(test_ignored_flags_are_told),
        cmocka_unit_test(test_program_as_argument),
        cmocka_unit_test(test_unknown_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
