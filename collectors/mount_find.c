/* What it knows: the lines of mountinfo as far as a path's device needs them. Document: proc(5),
 * /proc/PID/mountinfo. */
#include "collectors/mount_find.h"

#include "base/text.h"
#include "collectors/device_name.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define OCTAL_DIGITS 3 /* of an escaped byte, after the backslash */

/* The fields of a line by their place; those behind the hyphen follow any number of others. */
enum field { FIELD_ID, FIELD_PARENT, FIELD_DEVICE, FIELD_ROOT, FIELD_POINT, FIELD_OPTIONS, FIELDS };

struct piece {
    const char *text;
    size_t length;
};

struct line {
    struct piece fields[FIELDS];
    struct piece type, source;
};

/* Fields are divided by exactly one blank: a source without a name is an empty field. */
static bool take_field(const char **at, const char *end, struct piece *ret)
{
    if (*at > end)
        return false;
    const char *blank = memchr(*at, ' ', (size_t)(end - *at));
    const char *stop = blank ? blank : end;
    *ret = (struct piece){*at, (size_t)(stop - *at)};
    *at = stop + 1;
    return true;
}

static bool split_line(const char *at, const char *end, struct line *ret)
{
    struct piece field;
    for (size_t i = 0; i < FIELDS; i++)
        if (!take_field(&at, end, &ret->fields[i]))
            return false;
    do {
        if (!take_field(&at, end, &field))
            return false;
    } while (field.length != 1 || *field.text != '-');
    return take_field(&at, end, &ret->type) && take_field(&at, end, &ret->source);
}

static bool parse_device(const struct piece *field, uint32_t *ret_major, uint32_t *ret_minor)
{
    const char *colon = memchr(field->text, ':', field->length);
    if (!colon)
        return false;
    size_t before = (size_t)(colon - field->text);
    uint64_t major = 0;
    uint64_t minor = 0;
    if (text_parse_u64(field->text, before, &major) < 0 ||
        text_parse_u64(colon + 1, field->length - before - 1, &minor) < 0 || major > UINT32_MAX ||
        minor > UINT32_MAX)
        return false;
    *ret_major = (uint32_t)major;
    *ret_minor = (uint32_t)minor;
    return true;
}

/* The byte that "\ooo" stands for, or -1. A NUL would cut the text, and no path has one. */
static int parse_octal(const char *text, size_t length)
{
    if (length < 1 + OCTAL_DIGITS || text[0] != '\\')
        return -1;
    int value = 0;
    for (size_t i = 1; i <= OCTAL_DIGITS; i++) {
        if (text[i] < '0' || text[i] > '7')
            return -1;
        value = value * 8 + (text[i] - '0');
    }
    return value > 0 && value <= UINT8_MAX ? value : -1;
}

static const char *decode(const struct piece *field, struct arena *arena)
{
    char *decoded = arena_copy(arena, field->text, field->length);
    size_t length = 0;
    for (size_t i = 0; i < field->length;) {
        int byte = parse_octal(field->text + i, field->length - i);
        decoded[length++] = byte < 0 ? field->text[i] : (char)byte;
        i += byte < 0 ? 1 : 1 + OCTAL_DIGITS;
    }
    decoded[length] = '\0';
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
        struct line line;
        struct candidate one = {0};
        struct mount_found *mount = &one.mount;
        if (split_line(at, at + length, &line) &&
            parse_device(&line.fields[FIELD_DEVICE], &mount->major, &mount->minor)) {
            one.same = mount->major == major && mount->minor == minor;
            mount->point = decode(&line.fields[FIELD_POINT], arena);
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
