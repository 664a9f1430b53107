/* Which control group hierarchies this host has and where they are: v1, v2 or both. Documents:
 * proc(5), mountinfo; cgroups(7); Documentation/admin-guide/cgroup-v2.rst. Blocking; for start. */
#ifndef WEIR_COLLECTORS_GROUP_LAYOUT_H
#define WEIR_COLLECTORS_GROUP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* The controllers weir reads. On v2 io is CONTROLLER_BLKIO, and cpu stands for cpuacct too. */
enum group_controller {
    CONTROLLER_CPU,
    CONTROLLER_CPUACCT,
    CONTROLLER_MEMORY,
    CONTROLLER_BLKIO,
    CONTROLLER_PIDS,
    CONTROLLER_FREEZER, /* v1 only */
    CONTROLLER_CPUSET,
    CONTROLLER_HUGETLB,
    CONTROLLER_COUNT,
};

/* HYBRID: v1 hierarchies, and a v2 one beside them. A v1 hierarchy without a controller that weir
 * reads, mounted inside the v2 one, leaves a host UNIFIED. */
enum group_mode { GROUP_MODE_LEGACY, GROUP_MODE_HYBRID, GROUP_MODE_UNIFIED };

#define GROUP_TREES_MAX \
    24 /* the kernel has 14 controllers; each may be a v1 hierarchy of its own */

/* One mounted hierarchy. */
struct group_tree {
    char *path; /* owned: the directory of its topmost visible group, e.g. /sys/fs/cgroup/memory */
    char *root; /* owned: the group that is, from mountinfo; "/" unless only a part is mounted */
    unsigned controllers; /* bit per enum group_controller; on v2 those of cgroup.controllers */
    int version;          /* 1 or 2 */
};

struct group_layout {
    enum group_mode mode;
    struct group_tree trees[GROUP_TREES_MAX];
    size_t tree_count;
    bool private_namespace; /* weir is in a cgroup namespace of its own: paths in procfs are
                               relative to it */
    bool partial; /* a tree's root is below the hierarchy's ("/", or "/../.." seen from a namespace
                     of weir's own): groups beside weir's own part are not seen */
};

/* Finds the hierarchies below SYSFS/fs/cgroup. What is mounted there decides: weir's own mountinfo
 * (PROCFS/self/mountinfo, else /proc/self/mountinfo), and statfs whether it is in sight. With the
 * roots "/proc" and "/sys" libcgroup is asked too, and adds what mountinfo did not say. Where
 * nothing of type cgroup is mounted there, as in a tree that stands in for a host, the directories
 * decide: cgroup.controllers makes a v2 tree; directories named after controllers ("memory",
 * "cpu,cpuacct") or "systemd" v1 trees, "unified" beside them a hybrid's v2 tree; empty ones none.
 * PROCFS/self/ns/cgroup tells a private namespace, where it can be read. 0; -ENOENT with the
 * sentence in `e` when there is no hierarchy; -E2BIG; another negative errno. */
int group_layout_read(const char *procfs, const char *sysfs, struct err *e,
                      struct group_layout *ret);
void group_layout_done(struct group_layout *layout);

/* The v1 tree with that controller, else the v2 tree if it has it, else NULL. */
const struct group_tree *group_layout_tree(const struct group_layout *layout,
                                           enum group_controller controller);
/* The v2 tree, NULL without one. On a hybrid host it may have no controller and yet cpu.stat,
 * cgroup.procs and pressure files. */
const struct group_tree *group_layout_unified(const struct group_layout *layout);

/* The parser of mountinfo, for tests and fuzzing: appends to `ret` (zeroed at first) every cgroup
 * and cgroup2 mount of `text` whose mount point is `below` or deeper (NULL: all). A hierarchy
 * mounted twice is listed once, the mount with root "/" preferred, else the first. Octal escapes
 * are decoded. 0, -EBADMSG when no line could be read, -E2BIG past GROUP_TREES_MAX (the first ones
 * are there). The controllers of v2 trees are left empty. */
int group_layout_parse_mountinfo(const char *text, const char *below, struct group_layout *ret);

/* The bit of a controller's name as v1 mount options and cgroup.controllers have it ("memory",
 * "io", "blkio"); 0 for one weir does not read. */
unsigned group_controller_bit(const char *name, size_t length);

#endif
