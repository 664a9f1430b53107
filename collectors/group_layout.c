/* What it knows: which of the hierarchies below SYSFS/fs/cgroup are real, and what kind of host
 * they make. Mountinfo and statfs decide; libcgroup and directories' names come after them.
 * Documents: cgroups(7); cgroup_namespaces(7); Documentation/admin-guide/cgroup-v2.rst. */
#include "collectors/group_layout.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"
#include "collectors/group_layout_internal.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MOUNTINFO_MAX   33554432 /* bytes: some 10,000 overlay mounts with 3 kB of layers each */
#define CONTROLLERS_MAX 4096     /* bytes of cgroup.controllers: the kernel has 14 short names */
#define HOST_NAMESPACE  "cgroup:[4026531835]" /* the kernel's first, PROC_CGROUP_INIT_INO */

/* What is checked about a mount, and what came of it. */
struct sight {
    bool recorded; /* the mountinfo of a tree that stands in: only its directories can be seen */
    int error;     /* the first reason why a mount was out of sight that is not its absence */
    char path[PATH_MAX]; /* of that mount */
};

unsigned group_controller_bit(const char *name, size_t length)
{
    static const struct {
        const char *name;
        enum group_controller controller;
    } controllers[] = {
        {"cpu", CONTROLLER_CPU},         {"cpuacct", CONTROLLER_CPUACCT},
        {"memory", CONTROLLER_MEMORY},   {"blkio", CONTROLLER_BLKIO},
        {"io", CONTROLLER_BLKIO},        {"pids", CONTROLLER_PIDS},
        {"freezer", CONTROLLER_FREEZER}, {"cpuset", CONTROLLER_CPUSET},
        {"hugetlb", CONTROLLER_HUGETLB},
    };
    for (size_t i = 0; i < sizeof controllers / sizeof controllers[0]; i++) {
        const char *known = controllers[i].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return 1u << controllers[i].controller;
    }
    return 0;
}

bool group_path_is_below(const char *path, const char *below)
{
    size_t length = strlen(below);
    while (length > 0 && below[length - 1] == '/')
        length--;
    return strncmp(path, below, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

int group_directory_version(const char *path)
{
    struct statfs status;
    if (statfs(path, &status) < 0)
        return -errno;
    if (status.f_type == CGROUP_SUPER_MAGIC)
        return 1;
    return status.f_type == CGROUP2_SUPER_MAGIC ? 2 : 0;
}

bool group_layout_add(struct group_layout *layout, const char *path, const char *root, int version,
                      unsigned controllers)
{
    if (layout->tree_count == GROUP_TREES_MAX)
        return false;
    layout->trees[layout->tree_count++] = (struct group_tree){.path = alloc_string(path),
                                                              .root = alloc_string(root),
                                                              .controllers = controllers,
                                                              .version = version};
    return true;
}

void group_layout_done(struct group_layout *layout)
{
    for (size_t i = 0; i < layout->tree_count; i++) {
        free(layout->trees[i].path);
        free(layout->trees[i].root);
    }
    *layout = (struct group_layout){0};
}

const struct group_tree *group_layout_unified(const struct group_layout *layout)
{
    for (size_t i = 0; i < layout->tree_count; i++) {
        if (layout->trees[i].version == 2)
            return &layout->trees[i];
    }
    return NULL;
}

const struct group_tree *group_layout_tree(const struct group_layout *layout,
                                           enum group_controller controller)
{
    const unsigned bit = 1u << controller;
    for (size_t i = 0; i < layout->tree_count; i++) {
        if (layout->trees[i].version == 1 && (layout->trees[i].controllers & bit) != 0)
            return &layout->trees[i];
    }
    const struct group_tree *unified = group_layout_unified(layout);
    return unified && (unified->controllers & bit) != 0 ? unified : NULL;
}

/* The same file system as the line speaks of: another one may be mounted over it. */
static bool is_in_sight(void *context, const struct group_mount *mount)
{
    struct sight *sight = context;
    struct stat status;
    int version = group_directory_version(mount->path);
    int r = version < 0 ? version : stat(mount->path, &status) < 0 ? -errno : 0;
    if (r < 0) {
        if (sight->error == 0 && r != -ENOENT && r != -ENOTDIR) {
            sight->error = r;
            (void)snprintf(sight->path, sizeof sight->path, "%s", mount->path);
        }
        return false;
    }
    if (sight->recorded)
        return S_ISDIR(status.st_mode);
    return version == mount->version && status.st_dev == mount->device;
}

static bool is_procfs(const char *path)
{
    struct statfs status;
    return statfs(path, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

static int join(char ret[PATH_MAX], const char *directory, const char *name)
{
    int length = snprintf(ret, PATH_MAX, "%s/%s", directory, name);
    return length > 0 && length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* weir's own mountinfo; the one of PROCFS where there is one, because a tree that stands in may
 * record a host's. */
static int read_mountinfo(const char *procfs, struct sight *sight, struct buf *ret)
{
    char path[PATH_MAX];
    if (join(path, procfs, "self/mountinfo") == 0 && fs_read_file(path, ret) == 0) {
        sight->recorded = !is_procfs(procfs);
        return 0;
    }
    buf_clear(ret);
    return fs_read_file("/proc/self/mountinfo", ret);
}

/* Without a mountinfo that can be read the other two ways are left. */
static int read_mounts(const char *procfs, const char *base, struct sight *sight,
                       struct group_layout *layout)
{
    struct buf text;
    buf_init(&text, MOUNTINFO_MAX);
    int r = read_mountinfo(procfs, sight, &text);
    if (r == 0)
        r = group_mountinfo_parse(text.data ? text.data : "", base, is_in_sight, sight, layout);
    buf_done(&text);
    return r == -E2BIG ? r : 0;
}

static int find_trees(const char *procfs, const char *sysfs, const char *base,
                      struct group_layout *layout, struct err *e)
{
    struct sight sight = {0};
    int r = read_mounts(procfs, base, &sight, layout);
    /* Whatever keeps libcgroup from answering, nothing depends on it. */
    if (r == 0 && text_equal(procfs, "/proc") && text_equal(sysfs, "/sys"))
        (void)group_layout_ask_library(base, layout);
    if (r == 0 && layout->tree_count == 0 && sight.error < 0)
        return err_set_errno(e, sight.error, "this user cannot read the cgroup hierarchy at %s",
                             sight.path);
    if (r == 0 && layout->tree_count == 0)
        r = group_layout_read_directories(base, layout);
    if (r == -E2BIG)
        return err_set(e, r, "more than %d cgroup hierarchies below %s: unmount those not in use",
                       GROUP_TREES_MAX, base);
    if (r < 0)
        return err_set_errno(e, r, "the directories of %s cannot be read", base);
    if (layout->tree_count == 0)
        return err_set(e, -ENOENT,
                       "no cgroup hierarchy below %s: in a container mount the host's there, "
                       "read-only",
                       base);
    return 0;
}

/* On v2 cpu.stat has what cpuacct counts. */
static int read_controllers(struct group_tree *tree, struct err *e)
{
    char path[PATH_MAX];
    struct buf text;
    buf_init(&text, CONTROLLERS_MAX);
    int r = join(path, tree->path, "cgroup.controllers");
    if (r == 0)
        r = fs_read_file(path, &text);
    for (const char *at = r == 0 && text.data ? text.data : ""; *at != '\0';) {
        size_t length = strcspn(at, " \n");
        tree->controllers |= group_controller_bit(at, length);
        at += length + (at[length] != '\0' ? 1 : 0);
    }
    buf_done(&text);
    if (tree->controllers & 1u << CONTROLLER_CPU)
        tree->controllers |= 1u << CONTROLLER_CPUACCT;
    if (r == 0 || r == -ENOENT)
        return 0;
    return err_set_errno(e, r, "%s cannot be read", path);
}

/* "/", or in a namespace of weir's own "/..", "/../..": those lead up to the host's. */
static bool is_whole(const char *root)
{
    if (text_equal(root, "/"))
        return true;
    while (text_starts_with(root, "/.."))
        root += strlen("/..");
    return *root == '\0';
}

static enum group_mode find_mode(const struct group_layout *layout, const char *base)
{
    const struct group_tree *unified = group_layout_unified(layout);
    if (!unified)
        return GROUP_MODE_LEGACY;
    const bool at_top = text_equal(unified->path, base);
    for (size_t i = 0; i < layout->tree_count; i++) {
        const struct group_tree *tree = &layout->trees[i];
        /* Some programs mount a hierarchy of net_cls inside a v2 host's: that changes nothing. */
        if (tree->version == 1 && (!at_top || tree->controllers != 0))
            return GROUP_MODE_HYBRID;
    }
    return GROUP_MODE_UNIFIED;
}

static bool is_private_namespace(const char *procfs)
{
    char path[PATH_MAX];
    char name[sizeof HOST_NAMESPACE + 16] = ""; /* as long as any number */
    if (join(path, procfs, "self/ns/cgroup") < 0)
        return false;
    ssize_t length = readlink(path, name, sizeof name - 1);
    return length > 0 && !text_equal(name, HOST_NAMESPACE);
}

static int describe(const char *procfs, const char *base, struct group_layout *layout,
                    struct err *e)
{
    for (size_t i = 0; i < layout->tree_count; i++) {
        struct group_tree *tree = &layout->trees[i];
        int r = tree->version == 2 ? read_controllers(tree, e) : 0;
        if (r < 0)
            return r;
        layout->partial = layout->partial || !is_whole(tree->root);
    }
    layout->mode = find_mode(layout, base);
    layout->private_namespace = is_private_namespace(procfs);
    return 0;
}

int group_layout_read(const char *procfs, const char *sysfs, struct err *e,
                      struct group_layout *ret)
{
    char path[PATH_MAX];
    char base[PATH_MAX]; /* as mountinfo has it: without symbolic links */
    int r = join(path, sysfs, "fs/cgroup");
    if (r < 0 || !realpath(path, base))
        return err_set_errno(e, r < 0 ? r : -errno,
                             "no cgroup hierarchy at %s: is the root for sysfs right?", path);
    struct group_layout layout = {0};
    r = find_trees(procfs, sysfs, base, &layout, e);
    if (r == 0)
        r = describe(procfs, base, &layout, e);
    if (r < 0) {
        group_layout_done(&layout);
        return r;
    }
    *ret = layout;
    return 0;
}
