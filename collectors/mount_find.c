/* What it knows: which mount a path is on, and what its device is called. Document: proc(5),
 * /proc/PID/mountinfo. */
#include "collectors/mount_find.h"

#include "base/text.h"
#include "collectors/device_name.h"
#include "collectors/mountinfo.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char *decode(const struct mountinfo_field *field, struct arena *arena)
{
    char *decoded = arena_alloc(arena, field->length + 1);
    mountinfo_decode(field, decoded);
    return decoded;
}

static bool is_above(const char *point, const char *path)
{
    size_t length = strlen(point);
    if (text_equal(point, "/"))
        return *path == '/';
    return text_starts_with(path, point) && (path[length] == '/' || path[length] == '\0');
}

/* A mount and whether it is of the file system that is looked for. */
struct candidate {
    struct mount_found mount;
    bool same;
};

static bool is_better(const struct candidate *one, const struct candidate *best)
{
    if (!best->mount.point || one->same != best->same)
        return !best->mount.point || one->same;
    return strlen(one->mount.point) >= strlen(best->mount.point);
}

int mount_find(const char *text, const char *path, uint32_t major, uint32_t minor,
               struct arena *arena, struct mount_found *ret)
{
    struct candidate best = {0};
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        struct mountinfo_line line;
        struct candidate one = {0};
        struct mount_found *mount = &one.mount;
        if (mountinfo_split(at, length, &line)) {
            mount->major = line.major;
            mount->minor = line.minor;
            one.same = mount->major == major && mount->minor == minor;
            mount->point = decode(&line.point, arena);
            mount->type = decode(&line.type, arena);
            mount->source = decode(&line.source, arena);
            if (is_above(mount->point, path) && is_better(&one, &best))
                best = one;
        }
        at += length + (at[length] == '\n' ? 1 : 0);
    }
    if (!best.mount.point)
        return -ENOENT;
    *ret = best.mount;
    return 0;
}

const char *mount_device(const struct mount_found *mount, const char *sysfs, struct arena *arena)
{
    if (text_equal(mount->type, "tmpfs"))
        return mount->point;
    if (text_equal(mount->type, "overlay"))
        return arena_format(arena, "%s_%u-%u", mount->source, mount->major, mount->minor);
    bool named =
        text_starts_with(mount->source, "/dev/") && !text_equal(mount->source, "/dev/root");
    if (named || mount->major == 0)
        return mount->source;
    return device_name_find(sysfs, mount->major, mount->minor, arena);
}
