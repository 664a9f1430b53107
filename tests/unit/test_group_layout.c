/* What it knows: trees that stand in for a host; and that on this machine getmntent(3) and
 * libcgroup must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "collectors/group_layout.h"
#include "collectors/group_layout_internal.h"
#include "group_layout_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- trees that stand in ---------------------------------------------------------------------- */

static char stand_in[] = "/tmp/weir-test-layout-XXXXXX";

static const char *in_tree(const char *name)
{
    static char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", stand_in, name);
    return path;
}

static void make_directories(const char *name)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", stand_in, name);
    for (char *slash = path + strlen(stand_in) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_tree(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A hierarchy of a stand-in tree, with a group in it. */
static void make_hierarchy(const char *name)
{
    char path[400];
    (void)snprintf(path, sizeof path, "sys/fs/cgroup/%s/docker", name);
    make_directories(path);
}

static int setup(void **state)
{
    (void)state;
    (void)memcpy(stand_in + strlen(stand_in) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(stand_in));
    make_directories("proc/self/ns");
    make_directories("sys/fs/cgroup");
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(stand_in, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int read_stand_in(struct err *e, struct group_layout *ret)
{
    char procfs[400];
    char sysfs[400];
    (void)snprintf(procfs, sizeof procfs, "%s/proc", stand_in);
    (void)snprintf(sysfs, sizeof sysfs, "%s/sys", stand_in);
    return group_layout_read(procfs, sysfs, e, ret);
}

static struct group_layout read_good(void)
{
    struct err e = {0};
    struct group_layout layout = {0};
    int r = read_stand_in(&e, &layout);
    if (r < 0)
        fail_msg("%d: %s", r, e.text);
    return layout;
}

static void assert_no_hierarchy(void)
{
    struct err e = {0};
    struct group_layout layout = {.tree_count = 77};
    assert_int_equal(read_stand_in(&e, &layout), -ENOENT);
    assert_non_null(strstr(e.text, "no cgroup hierarchy"));
    assert_non_null(strstr(e.text, in_tree("sys/fs/cgroup")));
    assert_int_equal(layout.tree_count, 77); /* not touched */
}

static void test_directories_unified(void **state)
{
    (void)state;
    make_directories("sys/fs/cgroup/memory"); /* a group of that name, not a v1 hierarchy */
    write_file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
    struct group_layout layout = read_good();
    assert_int_equal(layout.mode, GROUP_MODE_UNIFIED);
    assert_int_equal(layout.tree_count, 1);
    assert_tree(&layout, in_tree("sys/fs/cgroup"), "/", 2,
                CPU_BOTH | BIT(BLKIO) | BIT(MEMORY) | BIT(PIDS) | BIT(CPUSET) | BIT(HUGETLB));
    assert_ptr_equal(group_layout_tree(&layout, CONTROLLER_CPUACCT), &layout.trees[0]);
    assert_null(group_layout_tree(&layout, CONTROLLER_FREEZER));
    assert_false(layout.partial);
    assert_false(layout.private_namespace);
    group_layout_done(&layout);
}

static void test_directories_links(void **state)
{
    (void)state;
    make_hierarchy("cpu,cpuacct");
    make_hierarchy("memory");
    make_hierarchy("systemd");
    make_hierarchy("other");
    assert_int_equal(symlink("cpu,cpuacct", in_tree("sys/fs/cgroup/cpu")), 0);
    assert_int_equal(symlink("cpu,cpuacct", in_tree("sys/fs/cgroup/cpuacct,cpu")), 0);
    assert_int_equal(symlink("nowhere", in_tree("sys/fs/cgroup/pids")), 0);
    struct group_layout layout = read_good();
    assert_int_equal(layout.mode, GROUP_MODE_LEGACY);
    assert_int_equal(layout.tree_count, 3);
    assert_tree(&layout, in_tree("sys/fs/cgroup/cpu,cpuacct"), "/", 1, CPU_BOTH);
    assert_tree(&layout, in_tree("sys/fs/cgroup/memory"), "/", 1, BIT(MEMORY));
    assert_tree(&layout, in_tree("sys/fs/cgroup/systemd"), "/", 1, 0);
    assert_null(group_layout_unified(&layout));
    group_layout_done(&layout);
}

static void test_directories_hybrid(void **state)
{
    (void)state;
    make_hierarchy("cpuacct");
    make_hierarchy("cpu");
    make_hierarchy("unified");
    write_file("sys/fs/cgroup/unified/cgroup.controllers", "memory cpuset\n");
    struct group_layout layout = read_good();
    assert_int_equal(layout.mode, GROUP_MODE_HYBRID);
    assert_int_equal(layout.tree_count, 3);
    assert_tree(&layout, in_tree("sys/fs/cgroup/cpu"), "/", 1, BIT(CPU));
    assert_tree(&layout, in_tree("sys/fs/cgroup/cpuacct"), "/", 1, BIT(CPUACCT));
    assert_ptr_equal(group_layout_tree(&layout, CONTROLLER_MEMORY), group_layout_unified(&layout));
    assert_ptr_equal(group_layout_tree(&layout, CONTROLLER_CPUSET), group_layout_unified(&layout));
    assert_null(group_layout_tree(&layout, CONTROLLER_HUGETLB));
    group_layout_done(&layout);
}

static void test_nothing(void **state)
{
    (void)state;
    assert_no_hierarchy();
    make_directories("sys/fs/cgroup/memory"); /* a mount point without its mount */
    make_directories("sys/fs/cgroup/unified");
    make_hierarchy("memories");
    assert_no_hierarchy();
}

static void test_no_directory(void **state)
{
    (void)state;
    assert_int_equal(rmdir(in_tree("sys/fs/cgroup")), 0);
    assert_no_hierarchy();
}

/* Writes lines "POINT ROOT TYPE OPTIONS" as the mountinfo of the tree that stands in. */
static void record(const char *const lines[][4], size_t count)
{
    struct buf text;
    buf_init(&text, 65536);
    for (size_t i = 0; i < count; i++)
        (void)buf_add_format(&text, "%zu 31 0:%zu %s %s/sys/fs/cgroup%s rw - %s cgroup rw,%s\n",
                             i + 32, i + 29, lines[i][1], stand_in, lines[i][0], lines[i][2],
                             lines[i][3]);
    assert_false(text.failed);
    write_file("proc/self/mountinfo", text.data);
    buf_done(&text);
}

/* The mounts decide, whatever the directories are called. */
static void test_recorded(void **state)
{
    (void)state;
    static const char *const lines[][4] = {
        {"/m", "/docker/" ID, "cgroup", "memory"},
        {"/c", "/docker/" ID, "cgroup", "cpuacct,cpu"},
        {"/u", "/docker/" ID, "cgroup2", "nsdelegate"},
        {"/gone", "/", "cgroup", "pids"},
    };
    record(lines, 4);
    make_hierarchy("m");
    make_hierarchy("c");
    make_hierarchy("u");
    make_hierarchy("blkio");
    assert_int_equal(symlink("cgroup:[4026532457]", in_tree("proc/self/ns/cgroup")), 0);
    struct group_layout layout = read_good();
    assert_int_equal(layout.mode, GROUP_MODE_HYBRID);
    assert_int_equal(layout.tree_count, 3);
    assert_tree(&layout, in_tree("sys/fs/cgroup/m"), "/docker/" ID, 1, BIT(MEMORY));
    assert_tree(&layout, in_tree("sys/fs/cgroup/c"), "/docker/" ID, 1, CPU_BOTH);
    assert_true(layout.partial);
    assert_true(layout.private_namespace);
    group_layout_done(&layout);
}

/* net_cls mounted inside a v2 host, seen from a namespace of weir's own. */
static void test_recorded_unified(void **state)
{
    (void)state;
    static const char *const lines[][4] = {
        {"", "/../..", "cgroup2", "nsdelegate"},
        {"/net_cls", "/", "cgroup", "net_cls"},
    };
    record(lines, 2);
    make_hierarchy("net_cls");
    write_file("sys/fs/cgroup/cgroup.controllers", "memory\n");
    assert_int_equal(symlink("cgroup:[4026531835]", in_tree("proc/self/ns/cgroup")), 0);
    struct group_layout layout = read_good();
    assert_int_equal(layout.mode, GROUP_MODE_UNIFIED);
    assert_int_equal(layout.tree_count, 2);
    assert_tree(&layout, in_tree("sys/fs/cgroup"), "/../..", 2, BIT(MEMORY));
    assert_false(layout.partial);
    assert_false(layout.private_namespace);
    group_layout_done(&layout);
}

static void test_recorded_part_of_another(void **state)
{
    (void)state;
    static const char *const lines[][4] = {{"", "/../../docker", "cgroup2", "nsdelegate"}};
    record(lines, 1);
    write_file("sys/fs/cgroup/cgroup.controllers", "");
    struct group_layout layout = read_good();
    assert_true(layout.partial);
    group_layout_done(&layout);
}

static void test_recorded_too_many(void **state)
{
    (void)state;
    struct buf text;
    struct err e = {0};
    struct group_layout layout = {0};
    char base[300];
    (void)snprintf(base, sizeof base, "%s/sys/fs/cgroup", stand_in);
    buf_init(&text, 65536);
    add_named(&text, base, GROUP_TREES_MAX + 1);
    write_file("proc/self/mountinfo", text.data);
    for (int i = 0; i <= GROUP_TREES_MAX; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "sys/fs/cgroup/n%d", i);
        make_directories(name);
    }
    assert_int_equal(read_stand_in(&e, &layout), -E2BIG);
    assert_non_null(strstr(e.text, "more than 24"));
    buf_done(&text);
}

/* Mountinfo has no symbolic links in its paths. */
static void test_linked_sysfs(void **state)
{
    (void)state;
    char link[400];
    char procfs[400];
    struct err e = {0};
    struct group_layout layout;
    make_hierarchy("memory");
    (void)snprintf(link, sizeof link, "%s/link", stand_in);
    (void)snprintf(procfs, sizeof procfs, "%s/proc", stand_in);
    assert_int_equal(symlink("sys", link), 0);
    static const char *const lines[][4] = {{"/memory", "/", "cgroup", "memory"}};
    record(lines, 1);
    assert_int_equal(group_layout_read(procfs, link, &e, &layout), 0);
    assert_tree(&layout, in_tree("sys/fs/cgroup/memory"), "/", 1, BIT(MEMORY));
    group_layout_done(&layout);
}

/* --- this machine ----------------------------------------------------------------------------- */

/* getmntent(3)'s idea of where a v1 controller, or with NULL v2, is mounted below /sys/fs/cgroup.
 * Sets *ret_path, or leaves it empty. */
static void find_mount(const char *controller, char ret_path[PATH_MAX])
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    assert_non_null(mounts);
    ret_path[0] = '\0';
    for (const struct mntent *m = getmntent(mounts); m; m = getmntent(mounts)) {
        bool fits = controller ? text_equal(m->mnt_type, "cgroup") && hasmntopt(m, controller)
                               : text_equal(m->mnt_type, "cgroup2");
        if (fits && ret_path[0] == '\0' && text_starts_with(m->mnt_dir, "/sys/fs/cgroup"))
            (void)snprintf(ret_path, PATH_MAX, "%s", m->mnt_dir);
    }
    (void)endmntent(mounts);
}

static const char *const v1_names[CONTROLLER_COUNT] = {"cpu",  "cpuacct", "memory", "blkio",
                                                       "pids", "freezer", "cpuset", "hugetlb"};

static bool machine_has_cgroups(void)
{
    char path[PATH_MAX];
    bool found = false;
    for (size_t i = 0; i <= CONTROLLER_COUNT && !found; i++) {
        find_mount(i < CONTROLLER_COUNT ? v1_names[i] : NULL, path);
        found = path[0] != '\0';
    }
    return found;
}

static void need_cgroups(void)
{
    if (machine_has_cgroups())
        return;
    print_message("skipped: no cgroup is mounted below /sys/fs/cgroup on this machine\n");
    skip();
}

static struct group_layout read_machine(void)
{
    struct err e = {0};
    struct group_layout layout = {0};
    int r = group_layout_read("/proc", "/sys", &e, &layout);
    if (r < 0)
        fail_msg("%d: %s", r, e.text);
    return layout;
}

static void test_machine(void **state)
{
    (void)state;
    need_cgroups();
    struct group_layout layout = read_machine();
    char path[PATH_MAX];
    for (int i = 0; i < CONTROLLER_COUNT; i++) {
        find_mount(v1_names[i], path);
        const struct group_tree *tree = group_layout_tree(&layout, (enum group_controller)i);
        if (path[0] != '\0')
            assert_string_equal(tree->path, path);
        else
            assert_true(!tree || tree->version == 2);
    }
    find_mount(NULL, path);
    const struct group_tree *unified = group_layout_unified(&layout);
    assert_true((path[0] != '\0') == (unified != NULL));
    if (unified)
        assert_string_equal(unified->path, path);
    group_layout_done(&layout);
}

static void test_machine_without_roots(void **state)
{
    (void)state;
    need_cgroups();
    struct err e = {0};
    struct group_layout layout = {0};
    /* The real /sys beside a procfs without "self": weir's own mountinfo says where the mounts are.
     */
    assert_int_equal(group_layout_read(in_tree("sys"), "/sys/", &e, &layout), 0);
    struct group_layout usual = read_machine();
    assert_int_equal(layout.tree_count, usual.tree_count);
    assert_int_equal(layout.mode, usual.mode);
    for (size_t i = 0; i < usual.tree_count; i++)
        assert_tree(&layout, usual.trees[i].path, usual.trees[i].root, usual.trees[i].version,
                    usual.trees[i].controllers);
    group_layout_done(&layout);
    group_layout_done(&usual);
}

/* Asked with nothing known before, libcgroup finds each controller where mountinfo has it. */
static void test_library(void **state)
{
    (void)state;
    need_cgroups();
    struct group_layout asked = {0};
    int r = group_layout_ask_library("/sys/fs/cgroup", &asked);
    if (r < 0) {
        print_message("skipped: libcgroup is not here, or cannot tell (%s)\n", strerror(-r));
        skip();
    }
    struct group_layout layout = read_machine();
    for (size_t i = 0; i < asked.tree_count; i++) {
        const struct group_tree *tree = &asked.trees[i];
        assert_true(tree->version == 2 || tree->controllers != 0);
        assert_tree(&layout, tree->path, "/", tree->version,
                    tree->version == 1 ? tree->controllers
                                       : group_layout_unified(&layout)->controllers);
    }
    for (size_t i = 0; i < layout.tree_count; i++) {
        if (layout.trees[i].version == 1 && layout.trees[i].controllers != 0)
            assert_tree(&asked, layout.trees[i].path, "/", 1, layout.trees[i].controllers);
    }
    const size_t before = layout.tree_count;
    assert_int_equal(group_layout_ask_library("/sys/fs/cgroup", &layout), 0);
    assert_int_equal(layout.tree_count, before);
    group_layout_done(&layout);
    group_layout_done(&asked);
}

static void test_library_elsewhere(void **state)
{
    (void)state;
    struct group_layout layout = {0};
    (void)group_layout_ask_library(in_tree("sys/fs/cgroup"), &layout);
    assert_int_equal(layout.tree_count, 0);
}

static void test_library_is_silent(void **state)
{
    (void)state;
    struct group_layout layout = {0};
    write_file("out", "");
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    int out = open(in_tree("out"), O_WRONLY | O_CLOEXEC);
    assert_true(saved >= 0 && out >= 0 && dup2(out, STDOUT_FILENO) >= 0);
    (void)setenv("CGROUP_LOGLEVEL", "DEBUG", 1);
    (void)group_layout_ask_library("/sys/fs/cgroup", &layout);
    (void)unsetenv("CGROUP_LOGLEVEL");
    (void)fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);
    (void)close(out);
    group_layout_done(&layout);
    struct stat status;
    assert_int_equal(stat(in_tree("out"), &status), 0);
    assert_int_equal(status.st_size, 0);
}

static bool write_own(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    bool good = file && fputs(text, file) >= 0;
    return file && fclose(file) == 0 && good;
}

/* To where this process may mount, as anybody. */
static bool enter_namespaces(void)
{
    char users[40];
    char groups[40];
    (void)snprintf(users, sizeof users, "0 %u 1", getuid());
    (void)snprintf(groups, sizeof groups, "0 %u 1", getgid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_own("/proc/self/setgroups", "deny") &&
           write_own("/proc/self/uid_map", users) && write_own("/proc/self/gid_map", groups);
}

/* The exit statuses of a child that looks. */
enum { SEEN, NOT_SEEN, CANNOT_MOUNT, CANNOT_COVER };

/* What is seen under a file system over the machine's hierarchies that has their directories,
 * empty: mountinfo still lists the mounts. */
static int look_covered(struct group_layout *layout)
{
    struct err e = {0};
    if (mount("cover", "/sys/fs/cgroup", "tmpfs", 0, NULL) < 0)
        return CANNOT_MOUNT;
    for (size_t i = 0; i < layout->tree_count; i++) {
        if (mkdir(layout->trees[i].path, 0700) < 0 && errno != EEXIST)
            return CANNOT_COVER;
    }
    group_layout_done(layout);
    return group_layout_read("/proc", "/sys", &e, layout) == -ENOENT ? SEEN : NOT_SEEN;
}

/* And with the hierarchy of cpu over that of memory: there is none of memory any more. */
static int look_swapped(struct group_layout *layout)
{
    struct err e = {0};
    const struct group_tree *cpu = group_layout_tree(layout, CONTROLLER_CPU);
    const struct group_tree *memory = group_layout_tree(layout, CONTROLLER_MEMORY);
    if (!cpu || !memory || cpu == memory || cpu->version == 2 || memory->version == 2 ||
        mount(cpu->path, memory->path, NULL, MS_BIND, NULL) < 0)
        return CANNOT_MOUNT;
    group_layout_done(layout);
    int r = group_layout_read("/proc", "/sys", &e, layout);
    return r == 0 && !group_layout_tree(layout, CONTROLLER_MEMORY) &&
                   group_layout_tree(layout, CONTROLLER_CPU)
               ? SEEN
               : NOT_SEEN;
}

static int look_in_child(int (*look)(struct group_layout *layout))
{
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct group_layout layout = read_machine();
        _exit(enter_namespaces() ? look(&layout) : CANNOT_MOUNT);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_covered(void **state)
{
    (void)state;
    need_cgroups();
    int covered = look_in_child(look_covered);
    int swapped = look_in_child(look_swapped);
    if (covered == CANNOT_MOUNT && swapped == CANNOT_MOUNT) {
        print_message("skipped: no user namespace to mount in\n");
        skip();
    }
    assert_int_equal(covered, SEEN);
    assert_true(swapped == SEEN || swapped == CANNOT_MOUNT); /* v2 has them in one */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_directories_unified),
        TEST(test_directories_links),
        TEST(test_directories_hybrid),
        TEST(test_nothing),
        TEST(test_no_directory),
        TEST(test_recorded),
        TEST(test_recorded_unified),
        TEST(test_recorded_part_of_another),
        TEST(test_recorded_too_many),
        TEST(test_linked_sysfs),
        cmocka_unit_test(test_machine),
        TEST(test_machine_without_roots),
        TEST(test_library),
        TEST(test_library_elsewhere),
        TEST(test_library_is_silent),
        cmocka_unit_test(test_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
