/* What it knows: what each runtime's file says and how it may be broken. Texts are cut from real
 * files, or written after the sources of the programs that write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "collectors/container_files.h"

#include <errno.h>
#include <string.h>

#define ID       "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"
#define SECOND   UINT64_C(1000000000)
#define NEW_YEAR (UINT64_C(1767225600) * SECOND) /* 2026-01-01T00:00:00Z */

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

#define PARSE(kind, json, facts)                                                                  \
    do {                                                                                          \
        struct err e = {0};                                                                       \
        assert_int_equal(container_files_parse_##kind((json), strlen(json), &arena, &e, (facts)), \
                         0);                                                                      \
        assert_string_equal(e.text, "");                                                          \
    } while (0)

static const char *label(const struct container_facts *facts, const char *key)
{
    for (size_t i = 0; i < facts->label_count; i++)
        if (text_equal(facts->labels[i].key, key))
            return facts->labels[i].value;
    return NULL;
}

static void test_docker(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(docker,
          "{\"State\":{\"Running\":true,\"Pid\":42,\"StartedAt\":\"2026-01-01T00:00:01.5Z\"},"
          "\"Created\":\"2026-01-01T00:00:00Z\",\"Name\":\"/a_b.c-d\",\"Config\":{\"Image\":"
          "\"r.example.org:5000/a/b:1@sha256:0\",\"Labels\":{\"a\":\"\",\"b c\":\"\\u0001\\n\"}}}",
          &facts);
    assert_string_equal(facts.name, "a_b.c-d");
    assert_string_equal(facts.image, "r.example.org:5000/a/b:1@sha256:0");
    assert_int_equal(facts.label_count, 2);
    assert_string_equal(label(&facts, "a"), "");
    assert_string_equal(label(&facts, "b c"), "\001\n");
    assert_int_equal(facts.pid, 42);
    assert_int_equal(facts.pid_start_ticks, 0);
    assert_int_equal(facts.created_ns, NEW_YEAR);
    assert_int_equal(facts.started_ns, NEW_YEAR + 3 * SECOND / 2);
    assert_null(facts.network_mode);
    assert_null(facts.pod);
}

static void test_docker_never_started(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(docker,
          "{\"State\":{\"Pid\":0,\"StartedAt\":\"0001-01-01T00:00:00Z\"},\"Config\":{\"Labels\":"
          "null}}",
          &facts);
    assert_int_equal(facts.started_ns, 0);
    assert_int_equal(facts.pid, 0);
    assert_null(facts.labels);
    assert_null(facts.name);
    assert_null(facts.image);
}

static void test_docker_below_kubernetes(void **state)
{
    (void)state;
    struct container_facts web = {0};
    struct container_facts pod = {0};
    PARSE(docker,
          "{\"Config\":{\"Labels\":{\"io.kubernetes.container.name\":\"web\","
          "\"io.kubernetes.docker.type\":\"container\",\"io.kubernetes.pod.name\":\"p\","
          "\"io.kubernetes.pod.namespace\":\"n\"}}}",
          &web);
    PARSE(docker,
          "{\"Config\":{\"Labels\":{\"io.kubernetes.container.name\":\"POD\","
          "\"io.kubernetes.docker.type\":\"podsandbox\",\"io.kubernetes.pod.name\":\"p\","
          "\"io.kubernetes.pod.namespace\":\"n\"}}}",
          &pod);
    assert_string_equal(web.pod_container, "web");
    assert_string_equal(web.pod, "p");
    assert_string_equal(web.pod_namespace, "n");
    assert_false(web.sandbox);
    assert_string_equal(pod.pod, "p");
    assert_null(pod.pod_container);
    assert_true(pod.sandbox);
}

/* Annotations are the runtime's word, labels anybody's. */
static void test_docker_labels_are_not_annotations(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(docker,
          "{\"Config\":{\"Labels\":{\"nerdctl/name\":\"x\",\"io.kubernetes.cri.image-name\":\"y\","
          "\"io.kubernetes.cri.container-type\":\"sandbox\"}}}",
          &facts);
    assert_null(facts.name);
    assert_null(facts.image);
    assert_false(facts.sandbox);
}

static void test_docker_host(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(docker_host, "{\"NetworkMode\":\"container:" ID "\"}", &facts);
    assert_string_equal(facts.network_mode, "container:" ID);
}

static void test_runc(void **state)
{
    (void)state;
    struct container_facts facts = {.pid = 7, .pid_start_ticks = 9};
    PARSE(runc,
          "{\"id\":\"x\",\"init_process_pid\":4194304,\"init_process_start\":1202048,"
          "\"created\":\"2026-01-01T01:00:00+01:00\",\"config\":{\"namespaces\":["
          "{\"type\":\"NEWNS\",\"path\":\"\"},{\"type\":\"NEWNET\",\"path\":\"\"}],\"labels\":["
          "\"io.kubernetes.cri.sandbox-name=a=b\",\"no sign\",\"bundle=/b\",5]}}",
          &facts);
    assert_int_equal(facts.pid, 4194304);
    assert_int_equal(facts.pid_start_ticks, 1202048);
    assert_int_equal(facts.started_ns, NEW_YEAR);
    assert_int_equal(facts.created_ns, 0);
    assert_string_equal(facts.pod, "a=b");
    assert_null(facts.network_mode);
    assert_null(facts.labels);
}

/* No process of that number can be, so the one that is known stays, with its start. */
static void test_impossible_process(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "4194305", "-1", "0", "1.5", "\"7\"", "4294967338", "99999999999999999999"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct container_facts facts = {.pid = 7, .pid_start_ticks = 9};
        const char *text =
            arena_format(&arena, "{\"init_process_pid\":%s,\"init_process_start\":1}", numbers[i]);
        PARSE(runc, text, &facts);
        assert_int_equal(facts.pid, 7);
        assert_int_equal(facts.pid_start_ticks, 9);
    }
}

static void test_crun(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(crun,
          "{\"pid\": 28952, \"process-start-time\": 1271191, \"cgroup-path\": \"\", \"created\": "
          "\"2026-01-01T00:00:00.506992Z\", \"detached\": true}",
          &facts);
    assert_int_equal(facts.pid, 28952);
    assert_int_equal(facts.pid_start_ticks, 1271191);
    assert_int_equal(facts.started_ns, NEW_YEAR + 506992000);
}

/* Older releases of crun do not say it. */
static void test_crun_without_start(void **state)
{
    (void)state;
    struct container_facts facts = {.pid = 1, .pid_start_ticks = 2};
    PARSE(crun, "{\"pid\": 5}", &facts);
    assert_int_equal(facts.pid, 5);
    assert_int_equal(facts.pid_start_ticks, 0);
}

#define OCI(annotations, namespaces) \
    "{\"annotations\":{" annotations "},\"linux\":{\"namespaces\":[" namespaces "]}}"
#define NET(path) "{\"type\":\"pid\"},{\"type\":\"network\"" path "}"

static void test_oci_network(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *mode; /* NULL: cannot be told */
    } cases[] = {
        {OCI("", ""), "host"},
        {OCI("", "{\"type\":\"pid\"}"), "host"},
        {OCI("", NET("")), NULL},
        {OCI("", NET(",\"path\":\"\"")), NULL},
        {OCI("", NET(",\"path\":\"/run/netns/n\"")), NULL},
        {OCI("", NET(",\"path\":\"/proc/1/ns/net\"")), "ns:/proc/1/ns/net"},
        {OCI("\"io.kubernetes.cri.container-type\":\"container\"",
             NET(",\"path\":\"/run/netns/n\"")),
         "ns:/run/netns/n"},
        {OCI("\"io.kubernetes.cri-o.ContainerType\":\"container\"",
             NET(",\"path\":\"/run/netns/n\"")),
         "ns:/run/netns/n"},
        {OCI("\"io.kubernetes.cri.container-type\":\"sandbox\"", NET(",\"path\":\"/run/netns/n\"")),
         NULL},
        {"{}", NULL},
        {"{\"linux\":{}}", NULL},
        {"{\"linux\":{\"namespaces\":7}}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct container_facts facts = {0};
        PARSE(oci, cases[i].text, &facts);
        if (cases[i].mode)
            assert_string_equal(facts.network_mode, cases[i].mode);
        else
            assert_null(facts.network_mode);
    }
}

static void test_oci_containerd(void **state)
{
    (void)state;
    struct container_facts web = {0};
    struct container_facts pod = {0};
    PARSE(oci,
          OCI("\"io.kubernetes.cri.container-name\":\"web\",\"io.kubernetes.cri.container-type\":"
              "\"container\",\"io.kubernetes.cri.sandbox-name\":\"p\",\"io.kubernetes.cri.sandbox-"
              "namespace\":\"n\",\"io.kubernetes.cri.image-name\":\"i:1\"",
              ""),
          &web);
    PARSE(oci,
          OCI("\"io.kubernetes.cri.container-type\":\"sandbox\",\"io.kubernetes.cri.sandbox-name\":"
              "\"p\",\"io.kubernetes.cri.sandbox-namespace\":\"n\","
              "\"io.kubernetes.cri.podsandbox.image-name\":\"pause:3\"",
              ""),
          &pod);
    assert_string_equal(web.pod_container, "web");
    assert_string_equal(web.pod, "p");
    assert_string_equal(web.pod_namespace, "n");
    assert_string_equal(web.image, "i:1");
    assert_false(web.sandbox);
    assert_null(web.name);
    assert_true(pod.sandbox);
    assert_string_equal(pod.image, "pause:3");
    assert_null(pod.pod_container);
}

static void test_oci_nerdctl(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(oci,
          OCI("\"nerdctl/name\":\"box\",\"nerdctl/namespace\":\"default\",\"my.note\":\"no label\","
              "\"com.docker.compose.project\":\"p\"",
              ""),
          &facts);
    assert_string_equal(facts.name, "box");
    assert_int_equal(facts.label_count, 3);
    assert_string_equal(label(&facts, "nerdctl/namespace"), "default");
    assert_string_equal(label(&facts, "com.docker.compose.project"), "p");
    assert_null(label(&facts, "my.note"));
}

static void test_oci_annotations_are_no_labels(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(oci, OCI("\"com.docker.compose.project\":\"p\",\"io.container.manager\":\"libpod\"", ""),
          &facts);
    assert_null(facts.labels);
    assert_int_equal(facts.label_count, 0);
}

static void test_oci_broken_labels(void **state)
{
    (void)state;
    static const char *const labels[] = {"", "{", "[]", "7", "{\\\"a\\\":1}", "null"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        struct container_facts facts = {0};
        const char *text = arena_format(
            &arena,
            "{\"annotations\":{\"io.kubernetes.cri-o.Labels\":\"%s\",\"io.kubernetes.cri-o.Name\":"
            "\"k\",\"io.kubernetes.cri-o.Created\":\"yesterday\"}}",
            labels[i]);
        PARSE(oci, text, &facts);
        assert_string_equal(facts.name, "k");
        assert_int_equal(facts.label_count, 0);
        assert_int_equal(facts.created_ns, 0);
    }
}

static int parse_storage(const char *text, struct container_facts *facts)
{
    struct err e = {0};
    int r = container_files_parse_storage(text, strlen(text), ID, &arena, &e, facts);
    assert_int_equal(e.code, r);
    return r;
}

static void test_storage(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    assert_int_equal(
        parse_storage("[7,{\"id\":\"b\",\"names\":[\"other\"]},{\"id\":\"" ID
                      "\",\"names\":[\"second\"],\"metadata\":\"{\\\"image-name\\\":\\\"i:1\\\","
                      "\\\"name\\\":\\\"first\\\",\\\"created-at\\\":1767225600}\"}]",
                      &facts),
        0);
    assert_string_equal(facts.name, "first");
    assert_string_equal(facts.image, "i:1");
    assert_int_equal(facts.created_ns, NEW_YEAR);
    assert_null(facts.pod);
    assert_null(facts.pod_container);
}

/* What owns the entry writes what it likes. */
static void test_storage_metadata(void **state)
{
    (void)state;
    static const char *const metadata[] = {"",
                                           ",\"metadata\":\"\"",
                                           ",\"metadata\":\"{\"",
                                           ",\"metadata\":\"[1]\"",
                                           ",\"metadata\":{\"name\":\"x\"}",
                                           ",\"metadata\":null",
                                           ",\"metadata\":\"\\u0000\""};
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
        struct container_facts facts = {0};
        const char *text =
            arena_format(&arena, "[{\"id\":\"" ID "\",\"names\":[\"n\"]%s}]", metadata[i]);
        assert_int_equal(parse_storage(text, &facts), 0);
        assert_string_equal(facts.name, "n");
        assert_null(facts.image);
    }
}

static void test_storage_time_too_large(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    assert_int_equal(parse_storage("[{\"id\":\"" ID
                                   "\",\"metadata\":\"{\\\"created-at\\\":18446744074}\"}]",
                                   &facts),
                     0);
    assert_int_equal(facts.created_ns, 0);
}

static void test_storage_pod_names(void **state)
{
    (void)state;
    static const struct {
        const char *given, *pod, *name_space;
    } cases[] = {
        {"k8s_p-1_n_7f0c_0", "p-1", "n"}, {"mine", "mine", NULL},
        {"k8s_p_n_u", "k8s_p_n_u", NULL}, {"k8s_a_b_c_d_e", "k8s_a_b_c_d_e", NULL},
        {"x_p_n_u_0", "x_p_n_u_0", NULL}, {"k8s____", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct container_facts facts = {0};
        const char *text = arena_format(&arena,
                                        "[{\"id\":\"" ID "\",\"metadata\":\"{\\\"pod-name\\\":"
                                        "\\\"%s\\\",\\\"metadata-name\\\":\\\"web\\\"}\"}]",
                                        cases[i].given);
        assert_int_equal(parse_storage(text, &facts), 0);
        assert_true(cases[i].pod ? text_equal(facts.pod, cases[i].pod) : !facts.pod);
        assert_true(cases[i].name_space ? text_equal(facts.pod_namespace, cases[i].name_space)
                                        : !facts.pod_namespace);
        assert_string_equal(facts.pod_container, "web");
    }
}

static void test_storage_without_it(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    assert_int_equal(parse_storage("[]", &facts), -ENOENT);
    assert_int_equal(parse_storage("[{\"names\":[\"" ID "\"]}]", &facts), -ENOENT);
    assert_int_equal(parse_storage("{}", &facts), -EBADMSG);
    assert_int_equal(parse_storage("", &facts), -EBADMSG);
}

static void test_crio(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(crio,
          "{\"name\":\"k8s_web_p_n_u_0\",\"pid\":77,\"image\":\"i:1\",\"image_ref\":\"r\","
          "\"created_time\":1767225600000000005,\"labels\":{\"app\":\"shop\","
          "\"io.kubernetes.container.name\":\"web\",\"io.kubernetes.pod.name\":\"p\","
          "\"io.kubernetes.pod.namespace\":\"n\"},\"annotations\":{\"a\":\"b\"},"
          "\"crio_annotations\":{\"io.kubernetes.cri-o.ContainerType\":\"container\"},"
          "\"sandbox\":\"s\",\"ip_addresses\":[\"192.0.2.1\"],\"host_network\":true}",
          &facts);
    assert_string_equal(facts.name, "k8s_web_p_n_u_0");
    assert_string_equal(facts.image, "i:1");
    assert_string_equal(facts.pod, "p");
    assert_string_equal(facts.pod_namespace, "n");
    assert_string_equal(facts.pod_container, "web");
    assert_string_equal(facts.network_mode, "host");
    assert_string_equal(label(&facts, "app"), "shop");
    assert_int_equal(facts.label_count, 4);
    assert_int_equal(facts.pid, 77);
    assert_int_equal(facts.created_ns, NEW_YEAR + 5);
    assert_false(facts.sandbox);
}

static void test_first_word_stays(void **state)
{
    (void)state;
    static const struct raw_label labels[] = {{"k", "v"}};
    struct container_facts facts = {.name = "n",
                                    .image = "i",
                                    .network_mode = "m",
                                    .labels = labels,
                                    .label_count = 1,
                                    .created_ns = 1,
                                    .started_ns = 2,
                                    .pid = 3,
                                    .pid_start_ticks = 4};
    const struct container_facts before = facts;
    PARSE(docker,
          "{\"Name\":\"/x\",\"Created\":\"2026-01-01T00:00:00Z\",\"State\":{\"Pid\":9,"
          "\"StartedAt\":\"2026-01-01T00:00:00Z\"},\"Config\":{\"Image\":\"y\",\"Labels\":{\"a\":"
          "\"b\"}}}",
          &facts);
    PARSE(docker_host, "{\"NetworkMode\":\"host\"}", &facts);
    PARSE(oci, OCI("\"nerdctl/name\":\"x\",\"nerdctl/namespace\":\"y\"", ""), &facts);
    PARSE(crio, "{\"name\":\"x\",\"image\":\"y\",\"pid\":8,\"created_time\":9}", &facts);
    PARSE(runc, "{\"created\":\"2026-01-01T00:00:00Z\",\"config\":{\"namespaces\":[]}}", &facts);
    assert_memory_equal(&facts, &before, sizeof facts);
}

/* Nothing is a text that a C string would cut short. */
static void test_nul_in_texts(void **state)
{
    (void)state;
    struct container_facts facts = {0};
    PARSE(docker,
          "{\"Name\":\"/a\\u0000b\",\"Config\":{\"Image\":\"\\u0000\",\"Labels\":{\"a\\u0000\":"
          "\"b\",\"c\":\"\\u0000\",\"d\":\"e\"}}}",
          &facts);
    assert_null(facts.name);
    assert_null(facts.image);
    assert_int_equal(facts.label_count, 1);
}

static void test_broken(void **state)
{
    (void)state;
    typedef int parser(const char *, size_t, struct arena *, struct err *,
                       struct container_facts *);
    static parser *const parsers[] = {
        container_files_parse_docker, container_files_parse_docker_host,
        container_files_parse_runc,   container_files_parse_crun,
        container_files_parse_oci,    container_files_parse_crio};
    static const char *const texts[] = {
        "", " \n", "{", "[]", "null", "\"x\"", "7", "{\"Name\":\"\xff\"}", "{\"a\":1}x"};
    const struct container_facts nothing = {0};
    for (size_t i = 0; i < sizeof parsers / sizeof *parsers; i++) {
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) {
            struct container_facts facts = {0};
            struct err e = {0};
            assert_int_equal(parsers[i](texts[j], strlen(texts[j]), &arena, &e, &facts), -EBADMSG);
            assert_int_equal(e.code, -EBADMSG);
            assert_string_not_equal(e.text, "");
            assert_memory_equal(&facts, &nothing, sizeof facts);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_docker, teardown),
        cmocka_unit_test_teardown(test_docker_never_started, teardown),
        cmocka_unit_test_teardown(test_docker_below_kubernetes, teardown),
        cmocka_unit_test_teardown(test_docker_labels_are_not_annotations, teardown),
        cmocka_unit_test_teardown(test_docker_host, teardown),
        cmocka_unit_test_teardown(test_runc, teardown),
        cmocka_unit_test_teardown(test_impossible_process, teardown),
        cmocka_unit_test_teardown(test_crun, teardown),
        cmocka_unit_test_teardown(test_crun_without_start, teardown),
        cmocka_unit_test_teardown(test_oci_network, teardown),
        cmocka_unit_test_teardown(test_oci_containerd, teardown),
        cmocka_unit_test_teardown(test_oci_nerdctl, teardown),
        cmocka_unit_test_teardown(test_oci_annotations_are_no_labels, teardown),
        cmocka_unit_test_teardown(test_oci_broken_labels, teardown),
        cmocka_unit_test_teardown(test_storage, teardown),
        cmocka_unit_test_teardown(test_storage_metadata, teardown),
        cmocka_unit_test_teardown(test_storage_time_too_large, teardown),
        cmocka_unit_test_teardown(test_storage_pod_names, teardown),
        cmocka_unit_test_teardown(test_storage_without_it, teardown),
        cmocka_unit_test_teardown(test_crio, teardown),
        cmocka_unit_test_teardown(test_first_word_stays, teardown),
        cmocka_unit_test_teardown(test_nul_in_texts, teardown),
        cmocka_unit_test_teardown(test_broken, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
