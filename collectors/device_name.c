/* What it knows: how the kernel links a device's number to its name. */
#include "collectors/device_name.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *device_name_find(const char *sysfs, uint32_t major, uint32_t minor, struct arena *arena)
{
    char target[PATH_MAX];
    char link[PATH_MAX];
    ssize_t length = -1;
    if (sysfs) {
        (void)snprintf(link, sizeof link, "%s/dev/block/%u:%u", sysfs, major, minor);
        length = readlink(link, target, sizeof target - 1);
    }
    if (length <= 0)
        return arena_format(arena, "%u:%u", major, minor);
    target[length] = '\0';
    const char *slash = strrchr(target, '/');
    char *name = arena_format(arena, "/dev/%s", slash ? slash + 1 : target);
    /* sysfs cannot have a slash in a name: cciss!c0d0 is /dev/cciss/c0d0. */
    for (char *c = name; *c != '\0'; c++)
        if (*c == '!')
            *c = '/';
    return name;
}
