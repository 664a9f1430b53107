/* The cgroup tier: who a container is when no engine says it, and how deep a tree it walks on its
 * own thread. Documents: docs/ARCHITECTURE.md, "The cgroup tier"; systemd.unit(5), for
 * escapes; containerd's docs/cri, for annotations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "cgroup_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DEEP 70 /* levels: more than are walked */
#define NEAR 55 /* of those that are */

static const char *label_of(const struct container_row *row, const char *name)
{
    const struct identity *who = row->identity;
    const char *value = NULL;
    for (size_t i = 0; i < who->label_count; i++) {
        assert_true(i == 0 || strcmp(who->labels[i - 1].name, who->labels[i].name) < 0);
        if (text_equal(who->labels[i].name, name))
            value = who->labels[i].value;
    }
    return value;
}

static const struct container_row *row_of(const struct kernel_tier *t, const char *id)
{
    const struct container_row *row = tier_row(t, id);
    if (!row)
        fail_msg("%s has no row", id);
    return row;
}

/* --- the walk --- */

static void levels(char path[PATH_MAX], unsigned count)
{
    path[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        (void)snprintf(path + 2 * (size_t)i, 3, "/%c", (char)('a' + i % 26));
}

/* Anybody with a delegated group can nest groups as deep as the kernel lets him. */
static void test_deep_tree(void **state)
{
    struct kernel_tier *t = *state;
    char path[PATH_MAX];
    levels(path, DEEP);
    put_group(&t->f, path);
    levels(path, NEAR);
    (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/" ID);
    put_container(&t->f, path);
    put_container(&t->f, PATH_2);
    for (unsigned i = 0; i < 3; i++) {
        tier_round(t, i * 61); /* each a full walk */
        assert_string_equal(row_of(t, ID)->identity->cgroup_path, path);
        assert_non_null(tier_row(t, ID_2));
        assert_true(t->part.sees_host);
    }
}

/* The longest path there is: PATH_MAX bytes, in names of the longest. */
static void test_long_names(void **state)
{
    struct kernel_tier *t = *state;
    char path[PATH_MAX];
    size_t length = 0;
    while (length + 256 + 300 < sizeof path) { /* the fixture's own path comes before it */
        path[length] = '/';
        memset(path + length + 1, 'n', 255);
        length += 256;
    }
    path[length] = '\0';
    put_group(&t->f, path);
    put_container(&t->f, PATH);
    tier_round(t, 0);
    assert_non_null(tier_row(t, ID));
}

/* --- names --- */

/* Paths that differ in bytes that are no UTF-8: two containers, two series. */
static void test_paths_that_are_no_text(void **state)
{
    struct kernel_tier *t = *state;
    static const char *const paths[] = {"/lxc.payload.a\xff", "/lxc.payload.a\xfe",
                                        "/lxc.payload.a\xc3", "/lxc.payload.a\xc3\xa4"};
    const char *labels[4];
    for (size_t i = 0; i < 4; i++)
        put_container(&t->f, paths[i]);
    tier_round(t, 0);
    for (size_t i = 0; i < 4; i++) {
        labels[i] = row_of(t, paths[i])->identity->cgroup_path;
        for (const char *at = labels[i]; *at != '\0'; at += text_utf8_length(at))
            assert_int_not_equal(text_utf8_length(at), 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(labels[i], labels[j]);
    }
    assert_string_equal(labels[0], "/lxc.payload.a\\xff");
    assert_string_equal(labels[3], paths[3]);
}

static void test_names_of_paths(void **state)
{
    struct kernel_tier *t = *state;
    static const struct {
        const char *path, *name;
    } cases[] = {
        {"/lxc.payload.shop", "shop"},
        {"/lxc/old", "old"},
        {"/machine.slice/machine-lxc\\x2d4711\\x2dmy\\x2dbox.scope", "my-box"},
        {"/machine.slice/machine-a\\x2db.scope", "a-b"},
        {"/machine.slice/systemd-nspawn@c\\x20d.service", "c d"},
    };
    const size_t count = sizeof cases / sizeof cases[0];
    for (size_t i = 0; i < count; i++)
        put_container(&t->f, cases[i].path);
    for (unsigned round = 0; round < 3; round++) {
        tier_round(t, 10);
        for (size_t i = 0; i < count; i++) {
            const struct identity *who = row_of(t, cases[i].path)->identity;
            assert_int_equal(who->kind, IDENTITY_CONTAINER);
            assert_string_equal(who->name, cases[i].name);
            assert_string_equal(who->cgroup_path, cases[i].path);
            assert_true(who->local);
        }
    }
}

/* A hexadecimal id that nobody knows is no name. */
static void test_no_name(void **state)
{
    struct kernel_tier *t = *state;
    put_container(&t->f, PATH);
    tier_round(t, 0);
    assert_null(row_of(t, ID)->identity->name);
    assert_string_equal(row_of(t, ID)->identity->cgroup_path, PATH);
}

#define POD     "/kubepods.slice/kubepods-pod5a.slice"
#define WEB     POD "/cri-containerd-" ID ".scope"
#define SANDBOX POD "/cri-containerd-" ID_2 ".scope"
#define TASKS   "exec/containerd/daemon/io.containerd.runtime.v2.task/k8s.io/"
#define CRI(type)                                                                                \
    "\"io.kubernetes.cri.container-type\":\"" type "\",\"io.kubernetes.cri.sandbox-id\":\"" ID_2 \
    "\",\"io.kubernetes.cri.sandbox-name\":\"shop-1\","                                          \
    "\"io.kubernetes.cri.sandbox-namespace\":\"prod\""

static void put_pod(struct kernel_tier *t)
{
    put_container(&t->f, WEB);
    put_container(&t->f, SANDBOX);
    put(&t->f,
        "{\"ociVersion\":\"1.0.2-dev\",\"annotations\":{" CRI(
            "container") ",\"io.kubernetes.cri.container-name\":\"web\","
                         "\"io.kubernetes.cri.image-name\":\"registry.example.org/web:2\"}}",
        TASKS ID "/config.json");
    put(&t->f, "{\"ociVersion\":\"1.0.2-dev\",\"annotations\":{" CRI("sandbox") "}}",
        TASKS ID_2 "/config.json");
}

/* containerd's CRI gives no names, and dashboards leave out what has none. */
static void test_kubernetes(void **state)
{
    struct kernel_tier *t = *state;
    put_pod(t);
    t->options.kubernetes_labels = true;
    for (unsigned round = 0; round < 3; round++) {
        tier_round(t, 10);
        const struct container_row *web = row_of(t, ID);
        assert_string_equal(web->identity->name, ID);
        assert_string_equal(web->identity->image, "registry.example.org/web:2");
        assert_string_equal(web->identity->cgroup_path, WEB);
        assert_string_equal(label_of(web, "pod"), "shop-1");
        assert_string_equal(label_of(web, "namespace"), "prod");
        assert_string_equal(label_of(web, "container"), "web");
        assert_false(web->hidden);
        const struct container_row *sandbox = row_of(t, ID_2);
        assert_string_equal(label_of(sandbox, "pod"), "shop-1");
        assert_string_equal(label_of(sandbox, "namespace"), "prod");
        assert_null(label_of(sandbox, "container"));
    }
}

/* Outside Kubernetes: the name, and Compose's service and project, whatever labels are allowed. */
static void test_kubernetes_labels_of_compose(void **state)
{
    struct kernel_tier *t = *state;
    put_container(&t->f, PATH_2);
    put(&t->f,
        "{\"Name\":\"/shop-web-1\",\"Config\":{\"Image\":\"web:2\",\"Labels\":{"
        "\"com.docker.compose.project\":\"shop\",\"com.docker.compose.service\":\"web\"}}}",
        "docker/containers/" ID_2 "/config.v2.json");
    t->options.kubernetes_labels = true;
    t->options.label_allow.count = 0;
    tier_round(t, 10);
    const struct container_row *web = row_of(t, ID_2);
    assert_string_equal(web->identity->name, "shop-web-1");
    assert_string_equal(label_of(web, "container"), "shop-web-1");
    assert_string_equal(label_of(web, "pod"), "web");
    assert_string_equal(label_of(web, "namespace"), "shop");
    assert_int_equal(web->identity->label_count, 3);
}

/* They are for who asks for them. */
static void test_kubernetes_unasked(void **state)
{
    struct kernel_tier *t = *state;
    put_pod(t);
    tier_round(t, 10);
    const struct container_row *web = row_of(t, ID);
    assert_string_equal(web->identity->image, "registry.example.org/web:2");
    assert_null(label_of(web, "pod"));
    assert_null(label_of(web, "namespace"));
    assert_null(label_of(web, "container"));
}

static void check_hidden(void **state, char *include, char *exclude, bool hidden)
{
    struct kernel_tier *t = *state;
    char *items[] = {include ? include : exclude};
    put_pod(t);
    if (include)
        t->options.include = (struct text_list){items, 1};
    else
        t->options.exclude = (struct text_list){items, 1};
    for (unsigned round = 0; round < 3; round++) {
        tier_round(t, 10);
        assert_int_equal(row_of(t, ID)->hidden, hidden);
        assert_int_equal(inventory_find(t->inventory, ID)->hidden, hidden);
    }
}

static void test_excluded(void **state)
{
    char filter[] = "image=registry.example.org/*";
    check_hidden(state, NULL, filter, true);
}

static void test_not_excluded(void **state)
{
    char filter[] = "image=registry.example.com/*";
    check_hidden(state, NULL, filter, false);
}

static void test_included(void **state)
{
    char filter[] = "image=*/web:2";
    check_hidden(state, filter, NULL, false);
}

static void test_not_included(void **state)
{
    char filter[] = "name=shop";
    check_hidden(state, filter, NULL, true);
}

/* The name that is shown, whoever gave it. */
static void test_excluded_by_path_name(void **state)
{
    struct kernel_tier *t = *state;
    char filter[] = "name=my-box";
    char *items[] = {filter};
    static const char path[] = "/machine.slice/machine-lxc\\x2d4711\\x2dmy\\x2dbox.scope";
    t->options.exclude = (struct text_list){items, 1};
    put_container(&t->f, path);
    put_container(&t->f, "/lxc.payload.shop");
    tier_round(t, 0);
    assert_true(row_of(t, path)->hidden);
    assert_false(row_of(t, "/lxc.payload.shop")->hidden);
}

static void test_excluded_by_id_name(void **state)
{
    char filter[] = "name=" ID;
    check_hidden(state, NULL, filter, true);
}

static void test_services(void **state)
{
    struct kernel_tier *t = *state;
    t->options.scope = SCOPE_SERVICES;
    put_container(&t->f, "/system.slice/ssh.service");
    put_container(&t->f, PATH);
    tier_round(t, 0);
    const struct container_row *row = row_of(t, "/system.slice/ssh.service");
    assert_int_equal(row->identity->kind, IDENTITY_SERVICE);
    assert_string_equal(row->identity->cgroup_path, "/system.slice/ssh.service");
    assert_null(row->identity->name);
    assert_null(row->identity->image);
    assert_int_equal(row->identity->label_count, 0);
    assert_false(row->hidden);
    assert_int_equal(row_of(t, ID)->identity->kind, IDENTITY_CONTAINER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIER_1(test_deep_tree),
        TIER_2(test_deep_tree),
        TIER_2(test_long_names),
        TIER_1(test_paths_that_are_no_text),
        TIER_2(test_names_of_paths),
        TIER_1(test_no_name),
        TIER_2(test_kubernetes),
        TIER_2(test_kubernetes_unasked),
        TIER_2(test_kubernetes_labels_of_compose),
        TIER_2(test_excluded),
        TIER_2(test_not_excluded),
        TIER_2(test_included),
        TIER_2(test_not_included),
        TIER_2(test_excluded_by_path_name),
        TIER_2(test_excluded_by_id_name),
        TIER_2(test_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
