/* What it knows: the mountinfo of a hybrid and of a v2 Debian host, of a container and of a
 * Kubernetes node, and which hierarchies people see there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "collectors/group_layout.h"
#include "group_layout_fixture.h"

#include <errno.h>
#include <stdio.h>

static void load(const char *name, struct buf *ret)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/tests/fuzz/corpus/mountinfo/%s", WEIR_SOURCE_DIR, name);
    buf_init(ret, 1048576);
    assert_int_equal(fs_read_file(path, ret), 0);
}

static struct group_layout parse_file(const char *name, const char *below)
{
    struct buf text;
    struct group_layout layout = {0};
    load(name, &text);
    assert_int_equal(group_layout_parse_mountinfo(text.data, below, &layout), 0);
    buf_done(&text);
    return layout;
}

static struct group_layout parse(const char *text, const char *below)
{
    struct group_layout layout = {0};
    assert_int_equal(group_layout_parse_mountinfo(text, below, &layout), 0);
    return layout;
}

static void test_controller_names(void **state)
{
    (void)state;
    assert_int_equal(group_controller_bit("cpu", 3), BIT(CPU));
    assert_int_equal(group_controller_bit("cpuacct", 7), BIT(CPUACCT));
    assert_int_equal(group_controller_bit("cpuacct", 3), BIT(CPU));
    assert_int_equal(group_controller_bit("memory", 6), BIT(MEMORY));
    assert_int_equal(group_controller_bit("blkio", 5), BIT(BLKIO));
    assert_int_equal(group_controller_bit("io", 2), BIT(BLKIO));
    assert_int_equal(group_controller_bit("pids", 4), BIT(PIDS));
    assert_int_equal(group_controller_bit("freezer", 7), BIT(FREEZER));
    assert_int_equal(group_controller_bit("cpuset", 6), BIT(CPUSET));
    assert_int_equal(group_controller_bit("hugetlb", 7), BIT(HUGETLB));
    assert_int_equal(group_controller_bit("devices", 7), 0);
    assert_int_equal(group_controller_bit("mem", 3), 0);
    assert_int_equal(group_controller_bit("name=cpu", 8), 0);
    assert_int_equal(group_controller_bit("", 0), 0);
}

static void test_hybrid(void **state)
{
    (void)state;
    struct group_layout layout = parse_file("hybrid", NULL);
    assert_int_equal(layout.tree_count, 12);
    assert_tree(&layout, "/sys/fs/cgroup/unified", "/", 2, 0);
    assert_tree(&layout, "/sys/fs/cgroup/systemd", "/", 1, 0);
    assert_tree(&layout, "/sys/fs/cgroup/cpu,cpuacct", "/", 1, CPU_BOTH);
    assert_tree(&layout, "/sys/fs/cgroup/cpuset", "/", 1, BIT(CPUSET));
    assert_tree(&layout, "/sys/fs/cgroup/net_cls,net_prio", "/", 1, 0);
    assert_tree(&layout, "/sys/fs/cgroup/memory", "/", 1, BIT(MEMORY));
    assert_tree(&layout, "/sys/fs/cgroup/blkio", "/", 1, BIT(BLKIO));
    assert_tree(&layout, "/sys/fs/cgroup/pids", "/", 1, BIT(PIDS));
    assert_tree(&layout, "/sys/fs/cgroup/freezer", "/", 1, BIT(FREEZER));
    assert_string_equal(group_layout_unified(&layout)->path, "/sys/fs/cgroup/unified");
    assert_string_equal(group_layout_tree(&layout, CONTROLLER_CPUACCT)->path,
                        "/sys/fs/cgroup/cpu,cpuacct");
    group_layout_done(&layout);
    assert_int_equal(layout.tree_count, 0);
}

static void test_unified(void **state)
{
    (void)state;
    struct group_layout layout = parse_file("unified", "/sys/fs/cgroup");
    assert_int_equal(layout.tree_count, 1);
    assert_tree(&layout, "/sys/fs/cgroup", "/", 2, 0);
    assert_null(group_layout_tree(&layout, CONTROLLER_MEMORY));
    group_layout_done(&layout);
}

static void test_separate(void **state)
{
    (void)state;
    struct group_layout layout = parse_file("separate", "/sys/fs/cgroup");
    assert_int_equal(layout.tree_count, 10);
    assert_tree(&layout, "/sys/fs/cgroup/cpu", "/", 1, BIT(CPU));
    assert_tree(&layout, "/sys/fs/cgroup/cpuacct", "/", 1, BIT(CPUACCT));
    assert_tree(&layout, "/sys/fs/cgroup/unified", "/", 2, 0);
    group_layout_done(&layout);
}

/* A container on a v1 host has its own groups at /sys and, by -v /sys:/host/sys, all of them. */
static void test_container(void **state)
{
    (void)state;
    struct group_layout layout = parse_file("container", "/sys/fs/cgroup");
    assert_int_equal(layout.tree_count, 7);
    assert_tree(&layout, "/sys/fs/cgroup/memory", "/docker/" ID, 1, BIT(MEMORY));
    assert_tree(&layout, "/sys/fs/cgroup/systemd", "/docker/" ID, 1, 0);
    group_layout_done(&layout);

    layout = parse_file("container", "/host/sys/fs/cgroup");
    assert_int_equal(layout.tree_count, 4);
    assert_tree(&layout, "/host/sys/fs/cgroup/memory", "/", 1, BIT(MEMORY));
    assert_tree(&layout, "/host/sys/fs/cgroup/cpu,cpuacct", "/", 1, CPU_BOTH);
    group_layout_done(&layout);

    layout = parse_file("container", NULL); /* each hierarchy once, the whole of it preferred */
    assert_int_equal(layout.tree_count, 7);
    assert_tree(&layout, "/host/sys/fs/cgroup/memory", "/", 1, BIT(MEMORY));
    assert_tree(&layout, "/host/sys/fs/cgroup/systemd", "/", 1, 0);
    assert_tree(&layout, "/sys/fs/cgroup/pids", "/docker/" ID, 1, BIT(PIDS));
    group_layout_done(&layout);
}

static void test_kubernetes(void **state)
{
    (void)state;
    struct group_layout layout = parse_file("kubernetes", NULL);
    assert_int_equal(layout.tree_count, 8);
    assert_tree(&layout, "/sys/fs/cgroup/cpuacct,cpu", "/", 1, CPU_BOTH);
    assert_tree(&layout, "/sys/fs/cgroup/memory", "/", 1, BIT(MEMORY));
    assert_tree(&layout, "/sys/fs/cgroup/systemd", "/", 1, 0);
    assert_null(group_layout_unified(&layout));
    group_layout_done(&layout);
}

static void test_private(void **state)
{
    (void)state;
    struct group_layout layout = parse_file("private", "/host/sys/fs/cgroup");
    assert_int_equal(layout.tree_count, 1);
    assert_tree(&layout, "/host/sys/fs/cgroup", "/../..", 2, 0);
    group_layout_done(&layout);
}

#define LINE(root, point, type, options) \
    "32 31 0:29 " root " " point " rw,relatime shared:9 master:3 - " type " cgroup " options "\n"
#define V1(root, point, options) LINE(root, point, "cgroup", options)
#define V2(root, point)          LINE(root, point, "cgroup2", "rw,nsdelegate")

static void test_mounted_twice(void **state)
{
    (void)state;
    struct group_layout layout = parse(
        V1("/a", "/1", "rw,memory") V1("/", "/2", "ro,memory") V1("/", "/3", "rw,memory"), NULL);
    assert_int_equal(layout.tree_count, 1);
    assert_tree(&layout, "/2", "/", 1, BIT(MEMORY));
    group_layout_done(&layout);

    layout = parse(V1("/", "/1", "rw,seclabel,xattr,memory") V1("/", "/2", "rw,memory"), NULL);
    assert_int_equal(layout.tree_count, 1);
    group_layout_done(&layout);

    layout = parse(V2("/a", "/1") V2("/b", "/2"), NULL);
    assert_int_equal(layout.tree_count, 1);
    assert_tree(&layout, "/1", "/a", 2, 0);
    group_layout_done(&layout);

    layout = parse(V1("/", "/1", "rw,name=a") V1("/", "/2", "ro,name=a") V1("/", "/3", "rw,name=b"),
                   NULL);
    assert_int_equal(layout.tree_count, 2);
    assert_tree(&layout, "/1", "/", 1, 0);
    assert_tree(&layout, "/3", "/", 1, 0);
    group_layout_done(&layout);
}

static void test_comounts(void **state)
{
    (void)state;
    struct group_layout layout = parse(
        V1("/", "/1", "rw,memory,blkio,pids") V1("/", "/2", "rw,xattr,cpuset,cpu,name=x"), NULL);
    assert_tree(&layout, "/1", "/", 1, BIT(MEMORY) | BIT(BLKIO) | BIT(PIDS));
    assert_tree(&layout, "/2", "/", 1, BIT(CPU) | BIT(CPUSET));
    group_layout_done(&layout);
}

static void test_escapes(void **state)
{
    (void)state;
    struct group_layout layout =
        parse(V1("/a\\011b", "/host\\040tree/sys\\134\\012", "rw,cpu")
                  V1("/", "/\\9\\04", "rw,pids") V1("/\\000", "/\\777\\1", "rw,memory"),
              NULL);
    assert_tree(&layout, "/host tree/sys\\\n", "/a\tb", 1, BIT(CPU));
    assert_tree(&layout, "/\\9\\04", "/", 1, BIT(PIDS));
    assert_tree(&layout, "/\\777\\1", "/\\000", 1, BIT(MEMORY));
    group_layout_done(&layout);
}

static void test_below(void **state)
{
    (void)state;
    static const char text[] = V1("/", "/sys/fs/cgroup2", "rw,cpu") V2("/", "/sys/fs/cgroup")
        V1("/", "/sys/fs/cgroup/memory", "rw,memory") V1("/", "/sys/fs", "rw,pids");
    struct group_layout layout = parse(text, "/sys/fs/cgroup");
    assert_int_equal(layout.tree_count, 2);
    assert_tree(&layout, "/sys/fs/cgroup", "/", 2, 0);
    assert_tree(&layout, "/sys/fs/cgroup/memory", "/", 1, BIT(MEMORY));
    group_layout_done(&layout);
    layout = parse(text, "/sys/fs/cgroup/");
    assert_int_equal(layout.tree_count, 2);
    group_layout_done(&layout);
    layout = parse(text, "/");
    assert_int_equal(layout.tree_count, 4);
    group_layout_done(&layout);
}

/* No optional field; a source without a name; no line end; what cannot be read is passed over. */
static void test_odd_lines(void **state)
{
    (void)state;
    struct group_layout layout = parse("1 2 0:3 / /a rw - cgroup  rw,cpu\n"
                                       "\n"
                                       "1 2 0:3 / /b rw\n"
                                       "1 2 0:3 / /c rw - cgroup x\n"
                                       "x 2 0:3 / /d rw - cgroup x rw,memory\n"
                                       "1 2 03 / /e rw - cgroup x rw,memory\n"
                                       "1 2 0:3 / f rw - cgroup x rw,memory\n"
                                       "1 2 0:3 g /g rw - cgroup x rw,memory\n"
                                       "1 2 0:3 / /h rw - cgroups x rw,memory\n"
                                       "1 2 0:3 / /i rw - cgroup x rw,pids",
                                       NULL);
    assert_int_equal(layout.tree_count, 2);
    assert_tree(&layout, "/a", "/", 1, BIT(CPU));
    assert_tree(&layout, "/i", "/", 1, BIT(PIDS));
    group_layout_done(&layout);
}

static void test_unreadable(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n\n", "1 2 0:3 / /a rw - cgroup", "cgroup2"};
    struct group_layout layout = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(group_layout_parse_mountinfo(texts[i], NULL, &layout), -EBADMSG);
    assert_int_equal(layout.tree_count, 0);
}

static void test_too_many(void **state)
{
    (void)state;
    struct buf text;
    struct group_layout layout = {0};
    buf_init(&text, 65536);
    add_named(&text, "/a", GROUP_TREES_MAX);
    assert_int_equal(group_layout_parse_mountinfo(text.data, NULL, &layout), 0);
    group_layout_done(&layout);
    (void)buf_add_string(&text, V2("/", "/last"));
    assert_int_equal(group_layout_parse_mountinfo(text.data, NULL, &layout), -E2BIG);
    assert_int_equal(layout.tree_count, GROUP_TREES_MAX);
    assert_string_equal(layout.trees[GROUP_TREES_MAX - 1].path, "/a/n23");
    group_layout_done(&layout);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_controller_names),
        cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_unified),
        cmocka_unit_test(test_separate),
        cmocka_unit_test(test_container),
        cmocka_unit_test(test_kubernetes),
        cmocka_unit_test(test_private),
        cmocka_unit_test(test_mounted_twice),
        cmocka_unit_test(test_comounts),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_odd_lines),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
