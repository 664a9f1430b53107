/* What it knows: the lines of mountinfo, and which mounts are of one hierarchy. Documents: proc(5),
 * /proc/PID/mountinfo; cgroups(7); kernel/cgroup/cgroup-v1.c, what it shows as options. */
#include "collectors/group_layout_internal.h"

#include "base/alloc.h"
#include "base/text.h"
#include "collectors/group_layout.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define OCTAL_DIGITS 3 /* of an escaped byte, after the backslash */

struct field {
    const char *text;
    size_t length;
};

/* The fields of a line that matter here. */
struct line {
    struct field device, root, point, type, options;
};

/* What one run of the parser carries along. */
struct parser {
    struct group_layout *layout;
    const char *below; /* NULL: all */
    group_mount_visible *visible;
    void *context;
    char *hierarchies[GROUP_TREES_MAX]; /* as in struct group_mount, by tree; owned */
    size_t lines;
    bool full;
};

/* Fields are divided by exactly one blank: a source without a name is an empty field. */
static bool take_field(const char **at, const char *end, struct field *ret)
{
    if (*at > end)
        return false;
    const char *blank = memchr(*at, ' ', (size_t)(end - *at));
    const char *stop = blank ? blank : end;
    *ret = (struct field){*at, (size_t)(stop - *at)};
    *at = stop + 1;
    return true;
}

static bool field_equal(const struct field *field, const char *text)
{
    return field->length == strlen(text) && memcmp(field->text, text, field->length) == 0;
}

/* The numbers of the mount and of its parent: they show that it is such a line. */
static bool skip_ids(const char **at, const char *end)
{
    for (int i = 0; i < 2; i++) {
        struct field id;
        uint64_t value;
        if (!take_field(at, end, &id) || text_parse_u64(id.text, id.length, &value) < 0)
            return false;
    }
    return true;
}

/* Optional fields, any number of them, end with a lone hyphen. */
static bool skip_optional(const char **at, const char *end)
{
    struct field field;
    while (take_field(at, end, &field)) {
        if (field_equal(&field, "-"))
            return true;
    }
    return false;
}

static bool split_line(const char *at, const char *end, struct line *ret)
{
    struct line line;
    struct field unused;
    if (!skip_ids(&at, end) || !take_field(&at, end, &line.device) ||
        !take_field(&at, end, &line.root) || !take_field(&at, end, &line.point) ||
        !take_field(&at, end, &unused) || !skip_optional(&at, end) ||
        !take_field(&at, end, &line.type) || !take_field(&at, end, &unused) ||
        !take_field(&at, end, &line.options))
        return false;
    *ret = line;
    return true;
}

static bool parse_device(const struct field *field, dev_t *ret)
{
    const char *colon = memchr(field->text, ':', field->length);
    if (!colon)
        return false;
    size_t before = (size_t)(colon - field->text);
    uint64_t major_number;
    uint64_t minor_number;
    if (text_parse_u64(field->text, before, &major_number) < 0 ||
        text_parse_u64(colon + 1, field->length - before - 1, &minor_number) < 0 ||
        major_number > UINT32_MAX || minor_number > UINT32_MAX)
        return false;
    *ret = makedev((unsigned)major_number, (unsigned)minor_number);
    return true;
}

/* The byte that "\ooo" stands for, or -1. A NUL would cut the path, and no path has one. */
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

static char *decode(const struct field *field)
{
    char *decoded = alloc_bytes(field->length + 1);
    size_t length = 0;
    for (size_t i = 0; i < field->length;) {
        int byte = parse_octal(field->text + i, field->length - i);
        decoded[length++] = byte < 0 ? field->text[i] : (char)byte;
        i += byte < 0 ? 1 : 1 + OCTAL_DIGITS;
    }
    decoded[length] = '\0';
    return decoded;
}

/* Other options (xattr, clone_children, name=) have no controller's name. */
static unsigned parse_controllers(const struct field *options)
{
    unsigned controllers = 0;
    const char *end = options->text + options->length;
    for (const char *at = options->text; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        controllers |= group_controller_bit(at, (size_t)(stop - at));
        at = stop + 1;
    }
    return controllers;
}

/* rw or ro stands first and is of the super block, of which a hierarchy may have several. */
static char *parse_hierarchy(const struct field *options)
{
    const char *comma = memchr(options->text, ',', options->length);
    size_t skipped = comma ? (size_t)(comma - options->text) + 1 : options->length;
    return alloc_copy(options->text + skipped, options->length - skipped);
}

static void mount_done(struct group_mount *mount)
{
    free(mount->path);
    free(mount->root);
    free(mount->hierarchy);
}

static int version_of(const struct field *type)
{
    if (field_equal(type, "cgroup"))
        return 1;
    return field_equal(type, "cgroup2") ? 2 : 0;
}

/* The tree of the same hierarchy, or tree_count. A controller is in one hierarchy only. */
static size_t find_tree(const struct parser *p, const struct group_mount *mount)
{
    const struct group_layout *layout = p->layout;
    for (size_t i = 0; i < layout->tree_count; i++) {
        const struct group_tree *tree = &layout->trees[i];
        if (tree->version != mount->version)
            continue;
        if (mount->version == 2 || (tree->controllers & mount->options) != 0 ||
            (p->hierarchies[i] && text_equal(p->hierarchies[i], mount->hierarchy)))
            return i;
    }
    return layout->tree_count;
}

static void add_mount(struct parser *p, struct group_mount *mount)
{
    struct group_layout *layout = p->layout;
    size_t i = find_tree(p, mount);
    if (i == layout->tree_count) {
        p->full = p->full || !group_layout_add(layout, mount->path, mount->root, mount->version,
                                               mount->options);
        if (i == layout->tree_count)
            return;
        p->hierarchies[i] = mount->hierarchy;
        mount->hierarchy = NULL;
    } else if (!text_equal(layout->trees[i].root, "/") && text_equal(mount->root, "/")) {
        struct group_tree *tree = &layout->trees[i];
        free(tree->path);
        free(tree->root);
        tree->path = mount->path;
        tree->root = mount->root;
        mount->path = NULL;
        mount->root = NULL;
    }
}

static void take_line(struct parser *p, const char *text, size_t length)
{
    struct line line;
    struct group_mount mount = {0};
    if (!split_line(text, text + length, &line) || !parse_device(&line.device, &mount.device))
        return;
    p->lines++;
    mount.version = version_of(&line.type);
    if (mount.version == 0)
        return;
    mount.path = decode(&line.point);
    mount.root = decode(&line.root);
    mount.hierarchy = parse_hierarchy(&line.options);
    mount.options = mount.version == 1 ? parse_controllers(&line.options) : 0;
    bool wanted = mount.path[0] == '/' && mount.root[0] == '/' &&
                  (!p->below || group_path_is_below(mount.path, p->below));
    if (wanted && (!p->visible || p->visible(p->context, &mount)))
        add_mount(p, &mount);
    mount_done(&mount);
}

int group_mountinfo_parse(const char *text, const char *below, group_mount_visible *visible,
                          void *context, struct group_layout *ret)
{
    struct parser p = {.layout = ret, .below = below, .visible = visible, .context = context};
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        take_line(&p, line, length);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    for (size_t i = 0; i < GROUP_TREES_MAX; i++)
        free(p.hierarchies[i]);
    if (p.lines == 0)
        return -EBADMSG;
    return p.full ? -E2BIG : 0;
}

int group_layout_parse_mountinfo(const char *text, const char *below, struct group_layout *ret)
{
    return group_mountinfo_parse(text, below, NULL, NULL, ret);
}
