/* What it knows: the label names Prometheus takes, the paths engines make (those of Docker 20.10
 * and Podman 4.3 were read from /proc/PID/cgroup), and the filters' rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collectors/container_identity.h"

#include <string.h>

#define ID    "589def48f99de698a49d166066adfa22748cca0e4a5a2bd25d15d6760aa4b83d"
#define OTHER "526bf7f0d553e788dcc67074c9597517f20562628f78c788b0cac9557d20da9d"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static char *const all[] = {(char[]){"*"}};

static void test_labels(void **state)
{
    (void)state;
    char *const allow[] = {(char[]){"com.docker.compose.*"}, (char[]){"maintainer"}};
    const struct raw_label raw[] = {
        {"maintainer", "me"},
        {"com.docker.compose.service", "web"},
        {"com.docker.compose.project", "shop \"x\""},
        {"org.secret", "no"},
        {"com.docker.compose.empty", ""},
        {"Maintainer", "no"},
    };
    struct label_drops drops = {0};
    struct identity *i = identity_new("e", ID);
    identity_set_labels(i, raw, 6, allow, 2, &drops);
    assert_int_equal(i->label_count, 3);
    assert_string_equal(i->labels[0].name, "container_label_com_docker_compose_project");
    assert_string_equal(i->labels[0].value, "shop \"x\"");
    assert_string_equal(i->labels[1].name, "container_label_com_docker_compose_service");
    assert_string_equal(i->labels[2].name, "container_label_maintainer");
    assert_int_equal(drops.collisions, 0);
    assert_int_equal(drops.too_long, 0);
    identity_unref(i);
}

static void test_label_names(void **state)
{
    (void)state;
    const struct raw_label raw[] = {{"9-a.b/c", "x"}, {"z\xc3\xbc\xe2\x9c\x93y", "x"}, {"", "x"}};
    struct label_drops drops = {0};
    struct identity *i = identity_new("e", ID);
    identity_set_labels(i, raw, 3, all, 1, &drops);
    assert_int_equal(i->label_count, 3);
    assert_string_equal(i->labels[0].name, "container_label_");
    assert_string_equal(i->labels[1].name, "container_label_9_a_b_c");
    assert_string_equal(i->labels[2].name, "container_label_z__y"); /* one a character */
    identity_unref(i);
}

static void test_labels_collide(void **state)
{
    (void)state;
    const struct raw_label raw[] = {
        {"a_b", "under"}, {"a.b", "dot"}, {"a-b", "dash"}, {"a/b", ""}, {"ab", "other"}};
    struct label_drops drops = {.collisions = 5};
    struct identity *i = identity_new("e", ID);
    identity_set_labels(i, raw, 5, all, 1, &drops);
    assert_int_equal(i->label_count, 2);
    assert_string_equal(i->labels[0].value, "dash"); /* '-' is before '.' and '_' */
    assert_int_equal(drops.collisions, 7);
    identity_unref(i);
}

static void test_labels_too_long(void **state)
{
    (void)state;
    char value[LABEL_VALUE_MAX + 2];
    char key[LABEL_KEY_MAX + 2];
    memset(value, 'v', sizeof value);
    memset(key, 'k', sizeof key);
    value[LABEL_VALUE_MAX + 1] = '\0';
    key[LABEL_KEY_MAX + 1] = '\0';
    const struct raw_label raw[] = {{"a", value}, {"b", value + 1}, {key, "x"}, {key + 1, "y"}};
    struct label_drops drops = {0};
    struct identity *i = identity_new("e", ID);
    identity_set_labels(i, raw, 4, all, 1, &drops);
    assert_int_equal(i->label_count, 2);
    assert_string_equal(i->labels[0].name, "container_label_b");
    assert_int_equal(strlen(i->labels[0].value), LABEL_VALUE_MAX);
    assert_string_equal(i->labels[1].value, "y");
    assert_int_equal(drops.too_long, 2);
    /* Nothing allowed, nothing there. */
    identity_set_labels(i, raw, 4, all, 0, &drops);
    assert_int_equal(i->label_count, 0);
    identity_set_labels(i, NULL, 0, all, 1, &drops);
    assert_int_equal(i->label_count, 0);
    assert_int_equal(drops.too_long, 2);
    identity_unref(i);
}

static const char *value_of(const struct identity *i, const char *name)
{
    for (size_t at = 0; at < i->label_count; at++)
        if (strcmp(i->labels[at].name, name) == 0)
            return i->labels[at].value;
    return NULL;
}

/* The three labels as they become; NULL: not there. Whatever the rest is, the names are in order
 * and no two alike. */
static void assert_pod(const struct raw_label *raw, const struct pod_names *files,
                       const char *container, const char *pod, const char *space)
{
    const char *const names[] = {"container", "pod", "namespace"};
    const char *const expected[] = {container, pod, space};
    size_t count = 0;
    struct label_drops drops = {0};
    while (raw && raw[count].key)
        count++;
    struct identity *i = identity_new("e", ID);
    i->name = "shop-web-1";
    identity_set_labels(i, raw, count, all, 1, &drops);
    identity_add_pod_labels(i, raw, count, files, &drops);
    for (size_t at = 0; at < 3; at++) {
        const char *value = value_of(i, names[at]);
        if (expected[at])
            assert_string_equal(value ? value : "(none)", expected[at]);
        else
            assert_null(value);
    }
    for (size_t at = 1; at < i->label_count; at++)
        assert_true(strcmp(i->labels[at - 1].name, i->labels[at].name) < 0);
    assert_int_equal(drops.too_long, 0);
    identity_unref(i);
}

/* dashboards: container, pod and namespace are the real ones on Kubernetes, elsewhere the name, the
 * Compose service and the Compose project. */
static void test_pod_labels(void **state)
{
    (void)state;
    const struct raw_label kubernetes[] = {
        {"io.kubernetes.container.name", "web"}, {"zone", "a"},
        {"io.kubernetes.pod.name", "web-0"},     {"com.docker.compose.service", "not this"},
        {"io.kubernetes.pod.namespace", "prod"}, {NULL, NULL}};
    const struct raw_label sandbox[] = {{"io.kubernetes.container.name", "POD"},
                                        {"io.kubernetes.pod.name", "web-0"},
                                        {"io.kubernetes.pod.namespace", "prod"},
                                        {NULL, NULL}};
    const struct raw_label compose[] = {{"com.docker.compose.service", "web"},
                                        {"com.docker.compose.project", "shop"},
                                        {"a", "b"},
                                        {NULL, NULL}};
    const struct raw_label empty[] = {
        {"com.docker.compose.project", ""}, {"io.kubernetes.pod.name", ""}, {NULL, NULL}};
    const struct pod_names files = {"app", "app-1", "test"};
    const struct pod_names sandbox_files = {NULL, "app-1", "test"};
    assert_pod(kubernetes, NULL, "web", "web-0", "prod");
    assert_pod(kubernetes, &files, "web", "web-0", "prod");
    assert_pod(sandbox, NULL, NULL, "web-0", "prod");
    assert_pod(NULL, &files, "app", "app-1", "test");
    assert_pod(NULL, &sandbox_files, NULL, "app-1", "test");
    assert_pod(compose, NULL, "shop-web-1", "web", "shop");
    assert_pod(compose, &(struct pod_names){0}, "shop-web-1", "web", "shop");
    assert_pod(empty, NULL, "shop-web-1", NULL, NULL);
    assert_pod(NULL, NULL, "shop-web-1", NULL, NULL);
}

/* Whatever labels are allowed, and of one whose name nobody knows. */
static void test_pod_labels_alone(void **state)
{
    (void)state;
    char value[LABEL_VALUE_MAX + 2];
    memset(value, 'v', sizeof value);
    value[LABEL_VALUE_MAX + 1] = '\0';
    const struct raw_label raw[] = {{"com.docker.compose.service", "web"},
                                    {"com.docker.compose.project", value}};
    struct label_drops drops = {0};
    struct identity *i = identity_new("e", ID);
    identity_set_labels(i, raw, 2, all, 0, &drops);
    identity_add_pod_labels(i, raw, 2, NULL, &drops);
    assert_int_equal(i->label_count, 1);
    assert_string_equal(value_of(i, "pod"), "web");
    assert_int_equal(drops.too_long, 1);
    identity_unref(i);
}

static void assert_proc(const char *text, const char *expected)
{
    const char *path = identity_path_from_proc(text, ID, &arena);
    if (!expected)
        assert_null(path);
    else
        assert_string_equal(path ? path : "(none)", expected);
}

static void test_proc_paths(void **state)
{
    (void)state;
    assert_proc("9:name=systemd:/docker/" ID "\n8:pids:/docker/" ID "\n0::/docker/" ID "\n",
                "/docker/" ID);
    assert_proc("0::/system.slice/docker-" ID ".scope\n", "/system.slice/docker-" ID ".scope");
    assert_proc("0::/machine.slice/libpod-" ID ".scope/container",
                "/machine.slice/libpod-" ID ".scope");
    assert_proc("0::/libpod_parent/libpod-" ID "\n", "/libpod_parent/libpod-" ID);
    assert_proc("0::/a/x.service/libpod-payload-" ID "\n", "/a/x.service/libpod-payload-" ID);
    assert_proc(
        "12:cpu,cpuacct:/\n5:memory:/system.slice/containerd.service/"
        "kubepods-besteffort-pod1.slice:cri-containerd:" ID "\n",
        "/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:" ID);
    /* Nested: the path ends where the container begins. */
    assert_proc("0::/docker/" ID "/docker/" OTHER "\n", "/docker/" ID);
    assert_proc("0::/docker/" OTHER "/docker/" ID "\n", "/docker/" OTHER "/docker/" ID);
    assert_proc("0::/" ID "\n", "/" ID);
}

static void test_proc_paths_that_do_not_count(void **state)
{
    (void)state;
    assert_proc("", NULL);
    assert_proc("\n\n", NULL);
    assert_proc("0::/\n", NULL);
    assert_proc("0::/docker/" OTHER "\n", NULL);
    assert_proc("0::/../../docker/" ID "\n", NULL); /* seen from another namespace */
    assert_proc("0::/docker/" ID " (deleted)\n", NULL);
    assert_proc("0::docker/" ID "\n", NULL);
    assert_proc("garbage " ID "\n", NULL);
    assert_proc("0:" ID "\n", NULL);
    assert_proc("0::/docker/" ID "0\n", NULL);
    assert_proc("0::/docker/x" ID "\n", NULL);
    assert_proc("0::/docker/" ID ".mount\n", NULL);
    assert_proc("0::/.scope/\n", NULL);
    /* A line that does not count hides none that does. */
    assert_proc("1:cpu:/../" ID "\n0::/docker/" ID "\n", "/docker/" ID);
}

static void assert_driver(const char *driver, const char *parent, bool podman, const char *expected)
{
    const char *path = identity_path_from_driver(driver, parent, podman, ID, &arena);
    if (!expected)
        assert_null(path);
    else
        assert_string_equal(path ? path : "(none)", expected);
}

static void test_cgroupfs_paths(void **state)
{
    (void)state;
    assert_driver("cgroupfs", "", false, "/docker/" ID);
    assert_driver("cgroupfs", "/x/y", false, "/x/y/" ID);
    assert_driver("cgroupfs", "rel", false, "/rel/" ID);
    assert_driver("cgroupfs", "/x/", false, "/x/" ID);
    assert_driver("cgroupfs", "/", false, "/" ID);
    assert_driver("cgroupfs", "", true, "/libpod_parent/libpod-" ID);
    assert_driver("cgroupfs", "/pp/q", true, "/pp/q/libpod-" ID);
}

static void test_systemd_paths(void **state)
{
    (void)state;
    assert_driver("systemd", "", false, "/system.slice/docker-" ID ".scope");
    assert_driver("systemd", "", true, "/machine.slice/libpod-" ID ".scope");
    assert_driver("systemd", "foo.slice", false, "/foo.slice/docker-" ID ".scope");
    assert_driver("systemd", "foo-bar.slice", false,
                  "/foo.slice/foo-bar.slice/docker-" ID ".scope");
    assert_driver("systemd", "a-b-c.slice", false,
                  "/a.slice/a-b.slice/a-b-c.slice/docker-" ID ".scope");
    assert_driver("systemd", "machine.slice/machine-libpod_pod_1.slice", true,
                  "/machine.slice/machine-libpod_pod_1.slice/libpod-" ID ".scope");
    assert_driver("systemd", "/foo.slice", false, "/foo.slice/docker-" ID ".scope");
    assert_driver("systemd", "-.slice", false, "/docker-" ID ".scope");
    /* What systemd refuses, and engines that make no groups. */
    assert_driver("systemd", "/x", false, NULL);
    assert_driver("systemd", ".slice", false, NULL);
    assert_driver("none", "", false, NULL);
    assert_driver("", "", false, NULL);
}

static struct raw_label labels[] = {{"tier", "front"}, {"team", ""}};
static const struct engine_inspect inspect = {.id = ID,
                                              .name = "web-1",
                                              .image = "registry:5000/shop/web:2",
                                              .labels = labels,
                                              .label_count = 2};

/* Is it wanted with these filters? NULL: none. */
static bool is_wanted(char *include, char *exclude)
{
    char *const includes[] = {include};
    char *const excludes[] = {exclude};
    return identity_is_wanted(&inspect, includes, include ? 1 : 0, excludes, exclude ? 1 : 0);
}

static void test_filters(void **state)
{
    (void)state;
    assert_true(is_wanted(NULL, NULL));
    assert_true(is_wanted((char[]){"name=web-*"}, NULL));
    assert_false(is_wanted((char[]){"name=web"}, NULL));
    assert_true(is_wanted((char[]){"image=*/shop/*"}, NULL));
    assert_true(is_wanted((char[]){"label.tier=fr?nt"}, NULL));
    assert_false(is_wanted((char[]){"label.tie=*"}, NULL));
    assert_false(is_wanted((char[]){"label.absent=*"}, NULL));
    assert_true(is_wanted((char[]){"label.team="}, NULL)); /* there, and empty */
    assert_false(is_wanted(NULL, (char[]){"name=*"}));
    assert_false(is_wanted((char[]){"name=web-1"}, (char[]){"label.tier=front"}));
    assert_true(is_wanted((char[]){"name=web-1"}, (char[]){"label.tier=back"}));
    assert_false(
        is_wanted((char[]){"name"}, NULL)); /* what the configuration lets by matches nothing */
    assert_false(is_wanted((char[]){"nam=*"}, NULL));
    char *const several[] = {(char[]){"name=db"}, (char[]){"image=registry*"}};
    assert_true(identity_is_wanted(&inspect, several, 2, NULL, 0)); /* one is enough */
    assert_false(identity_is_wanted(&inspect, NULL, 0, several, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_label_names),
        cmocka_unit_test(test_labels_collide),
        cmocka_unit_test(test_labels_too_long),
        cmocka_unit_test(test_proc_paths),
        cmocka_unit_test(test_proc_paths_that_do_not_count),
        cmocka_unit_test(test_cgroupfs_paths),
        cmocka_unit_test(test_systemd_paths),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_pod_labels),
        cmocka_unit_test(test_pod_labels_alone),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
