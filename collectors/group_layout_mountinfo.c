/* What it knows: which mounts of mountinfo are of one hierarchy. Documents: proc(5),
 * /proc/PID/mountinfo; cgroups(7); kernel/cgroup/cgroup-v1.c, what it shows as options. */
#include "collectors/group_layout_internal.h"

#include "base/alloc.h"
#include "base/text.h"
#include "collectors/group_layout.h"
#include "collectors/mountinfo.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

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

static char *decode(const struct mountinfo_field *field)
{
    char *decoded = alloc_bytes(field->length + 1);
    mountinfo_decode(field, decoded);
    return decoded;
}

/* Other options (xattr, clone_children, name=) have no controller's name. */
static unsigned parse_controllers(const struct mountinfo_field *options)
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
static char *parse_hierarchy(const struct mountinfo_field *options)
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

static int version_of(const struct mountinfo_field *type)
{
    if (mountinfo_field_is(type, "cgroup"))
        return 1;
    return mountinfo_field_is(type, "cgroup2") ? 2 : 0;
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
    struct mountinfo_line line;
    struct group_mount mount = {0};
    if (!mountinfo_split(text, length, &line))
        return;
    mount.device = makedev(line.major, line.minor);
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
