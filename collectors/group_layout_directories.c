/* What it knows: the customary names of hierarchies' directories, for a tree that stands in for a
 * host's. Documents: cgroups(7); Documentation/admin-guide/cgroup-v2.rst, "Mounting". */
#include "collectors/group_layout_internal.h"

#include "base/text.h"
#include "collectors/group_layout.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIFIED_NAME "unified" /* a hybrid host's v2 hierarchy */
#define SYSTEMD_NAME "systemd" /* name=systemd: no controller, but every service's group */

/* "cpu,cpuacct": the controllers of one mount in any order. */
static unsigned name_controllers(const char *name)
{
    unsigned controllers = 0;
    for (;;) {
        size_t length = strcspn(name, ",");
        controllers |= group_controller_bit(name, length);
        if (name[length] == '\0')
            return controllers;
        name += length + 1;
    }
}

static bool is_visible_entry(const struct dirent *entry)
{
    return !text_equal(entry->d_name, ".") && !text_equal(entry->d_name, "..");
}

/* A hierarchy has files at least; an empty directory is a mount point without its mount. */
static bool has_entries(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return false;
    const struct dirent *entry;
    do
        entry = readdir(directory);
    while (entry && !is_visible_entry(entry));
    (void)closedir(directory);
    return entry != NULL;
}

static int has_hierarchy_name(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return text_equal(name, UNIFIED_NAME) || text_equal(name, SYSTEMD_NAME) ||
           name_controllers(name) != 0;
}

/* Both "cpu" and "cpuacct" may be links to "cpu,cpuacct": one tree. */
static bool add_directory(const char *base, const char *name, struct group_layout *layout)
{
    char path[PATH_MAX];
    char real[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", base, name);
    if (length < 0 || (size_t)length >= sizeof path || !realpath(path, real) || !has_entries(real))
        return true;
    unsigned controllers = name_controllers(name);
    for (size_t i = 0; i < layout->tree_count; i++) {
        if (text_equal(layout->trees[i].path, real)) {
            layout->trees[i].controllers |= controllers;
            return true;
        }
    }
    return group_layout_add(layout, real, "/", text_equal(name, UNIFIED_NAME) ? 2 : 1, controllers);
}

static bool has_controllers_file(const char *base)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/cgroup.controllers", base);
    return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

int group_layout_read_directories(const char *base, struct group_layout *layout)
{
    if (has_controllers_file(base))
        return group_layout_add(layout, base, "/", 2, 0) ? 0 : -E2BIG;
    struct dirent **entries = NULL;
    int count = scandir(base, &entries, has_hierarchy_name, alphasort);
    if (count < 0)
        return -errno;
    bool room = true;
    for (int i = 0; i < count; i++) {
        room = room && add_directory(base, entries[i]->d_name, layout);
        free(entries[i]);
    }
    free(entries);
    return room ? 0 : -E2BIG;
}
