/* What the parts of group_layout share. Private to group_layout*.c and its tests. */
#ifndef WEIR_COLLECTORS_GROUP_LAYOUT_INTERNAL_H
#define WEIR_COLLECTORS_GROUP_LAYOUT_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

struct group_layout;

/* One line of mountinfo of type cgroup or cgroup2. */
struct group_mount {
    char *path; /* the mount point; owned */
    char *root; /* the group that is mounted there; owned */
    dev_t device;
    int version;      /* 1 or 2 */
    unsigned options; /* v1: the controllers among the super block's options */
    char *hierarchy;  /* owned; v1: those options less rw or ro, the same for every mount of one */
};

/* Is the mount really to be seen at its path? What is mounted over it, or gone, is not. */
typedef bool group_mount_visible(void *context, const struct group_mount *mount);

/* As group_layout_parse_mountinfo, without the mounts that are not `visible` (NULL: all are). */
int group_mountinfo_parse(const char *text, const char *below, group_mount_visible *visible,
                          void *context, struct group_layout *ret);

/* Is `path` the directory `below` or in it? */
bool group_path_is_below(const char *path, const char *below);

/* 1 or 2 when `path` is in a file system of cgroups, 0 in another one; or the negative errno. */
int group_directory_version(const char *path);

/* Appends a tree with copies of the texts. False when all GROUP_TREES_MAX are taken. */
bool group_layout_add(struct group_layout *layout, const char *path, const char *root, int version,
                      unsigned controllers);

/* Appends to `layout` what the directories of `base` ("/sys/fs/cgroup") say. 0, -E2BIG, or the
 * negative errno of `base`. */
int group_layout_read_directories(const char *base, struct group_layout *layout);

/* Appends to `layout` the hierarchies below `base` that libcgroup knows of and `layout` has nothing
 * of: neither the controller nor the directory. 0, -ENOENT (no such library), -ENOSYS (it lacks a
 * function), -EIO (it cannot tell). Blocking; libcgroup keeps tables of its own meanwhile, so not
 * on two threads at a time. */
int group_layout_ask_library(const char *base, struct group_layout *layout);

#endif
