/* Which mount a path is on, and what its device is called. Documents: proc(5), /proc/PID/mountinfo;
 * cAdvisor's fs package for the names. */
#ifndef WEIR_COLLECTORS_MOUNT_FIND_H
#define WEIR_COLLECTORS_MOUNT_FIND_H

#include "base/arena.h"

#include <stdint.h>

struct mount_found {
    uint32_t major; /* of the file system; 0 where no block device is behind it */
    uint32_t minor;
    const char *point;
    const char *type;
    const char *source; /* e.g. /dev/vda1, overlay, host:/export */
};

/* Looks for the mount of `path`, which is absolute and without links, in the mountinfo `text`: the
 * deepest above it, of several at one place the last. Where one has the number `major`:`minor` of
 * the path's file system only those count, because a mount can be hidden by a later one above it;
 * btrfs has other numbers there. The texts are in `arena`. 0, or -ENOENT. */
int mount_find(const char *text, const char *path, uint32_t major, uint32_t minor,
               struct arena *arena, struct mount_found *ret);

/* The device label that cAdvisor would give: the source; of tmpfs the mount point; of overlay
 * "overlay_MAJOR-MINOR". /dev/root, which is nowhere, gets its name from `sysfs`. In `arena`. */
const char *mount_device(const struct mount_found *mount, const char *sysfs, struct arena *arena);

#endif
