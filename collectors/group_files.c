/* What it knows: how kernel files are opened below their tree's root, kept open under a budget and
 * read in one go. A kept descriptor costs a tenth of opening anew, and the kernel 4.7 KiB.
 * Documents: Documentation/filesystems/seq_file.rst; cgroups(7). */
#include "collectors/group_files.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "collectors/group_parse.h"
#include "collectors/group_watch.h"
#include "collectors/proc_net.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_FIRST        (64 * 1024)       /* bytes: hundreds of disks in io.stat */
#define BUFFER_MOST         (8 * 1024 * 1024) /* cgroup.procs of a group of a million tasks */
#define ONE_READ_MAX        3500 /* a read may stop short where a page (4 KiB) is nearly full */
#define LIMITS_AGE_NS       (5 * NS_PER_SECOND)  /* somebody changes a limit now and then */
#define LIMITS_HEARD_AGE_NS (60 * NS_PER_SECOND) /* what no event tells: another controller */

struct file_kind {
    int version;
    enum group_controller controller;
    const char *name;
};

#define FILE_KIND(id, version_, controller_, name_) \
    {.version = (version_), .controller = CONTROLLER_##controller_, .name = (name_)},
static const struct file_kind file_kinds[GROUP_FILES] = {GROUP_FILE_LIST(FILE_KIND)};

#define LIMIT_KIND(id, version_, controller_, name_)                                   \
    {{.version = (version_), .controller = CONTROLLER_##controller_, .name = (name_)}, \
     GROUP_LIMIT_##id},
static const struct {
    struct file_kind kind;
    enum group_limit limit;
} limit_kinds[] = {GROUP_LIMIT_LIST(LIMIT_KIND)};

/* Files that count the same I/O, the best first: never two of them. */
static const struct {
    const char *bytes;
    const char *counts;
} block_files[] = {
    {"blkio.bfq.io_service_bytes_recursive", "blkio.bfq.io_serviced_recursive"},
    {"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive"},
    {"blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced"},
    {"blkio.io_service_bytes_recursive", "blkio.io_serviced_recursive"},
};
#define BLOCK_BFQ     0 /* counts only disks with that scheduler */
#define BLOCK_DEFAULT 1

_Static_assert(GROUP_FILES <= 32, "missing files are bits of a 32-bit word");

bool group_path_join(const char *path, const char *name, char ret[], size_t size)
{
    const char *below = path[0] == '/' ? path + 1 : path;
    int length = snprintf(ret, size, "%s%s%s", below, below[0] != '\0' ? "/" : "", name);
    return length >= 0 && (size_t)length < size;
}

static int grow_buffer(struct group_reader *r)
{
    size_t size = r->buffer_size == 0 ? BUFFER_FIRST : r->buffer_size * 2;
    if (size > BUFFER_MOST)
        return -EMSGSIZE;
    r->buffer = alloc_resize(r->buffer, size, 1);
    r->buffer_size = size;
    return 0;
}

int group_descriptor_read(struct group_reader *r, int fd, const char **ret_text, size_t *ret_length)
{
    size_t length = 0;
    for (;;) {
        if (length + 1 >= r->buffer_size && grow_buffer(r) < 0)
            return -EMSGSIZE;
        ssize_t n = pread(fd, r->buffer + length, r->buffer_size - 1 - length, (off_t)length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        length += (size_t)n;
        if (n == 0 || length < ONE_READ_MAX)
            break;
    }
    r->buffer[length] = '\0';
    *ret_text = r->buffer;
    *ret_length = length;
    return 0;
}

int group_path_read(struct group_reader *r, int at, const char *path, const char **ret_text,
                    size_t *ret_length)
{
    int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    int result = group_descriptor_read(r, fd, ret_text, ret_length);
    (void)close(fd);
    return result;
}

/* A container's group need not be at the same place in every v1 tree. Where it is elsewhere one of
 * its processes tells, and only a path that is that container's own counts: "/" would be the host.
 */
static void find_elsewhere(struct group_reader *r, struct group *g,
                           enum group_controller controller)
{
    static const char *const names[CONTROLLER_COUNT] = {
        [CONTROLLER_CPU] = "cpu",       [CONTROLLER_CPUACCT] = "cpuacct",
        [CONTROLLER_MEMORY] = "memory", [CONTROLLER_BLKIO] = "blkio",
        [CONTROLLER_PIDS] = "pids",     [CONTROLLER_FREEZER] = "freezer",
        [CONTROLLER_CPUSET] = "cpuset", [CONTROLLER_HUGETLB] = "hugetlb"};
    struct arena scratch = {0};
    struct stat st;
    const char *path = g->pid == 0 || g->name.id_length == 0
                           ? NULL
                           : proc_group_of(r->options.procfs, g->pid, names[controller], &scratch);
    struct group_name judged = path ? group_path_judge(path) : (struct group_name){0};
    bool own = judged.kind == GROUP_IS_CONTAINER && judged.id_length == g->name.id_length &&
               memcmp(judged.id, g->name.id, judged.id_length) == 0;
    if (own && fstatat(r->roots[r->tree_of[controller]], path + 1, &st, 0) == 0)
        g->elsewhere[controller] = alloc_string(path);
    else
        g->no_tree |= 1U << controller;
    arena_done(&scratch);
}

const char *group_path_in(struct group_reader *r, struct group *g, enum group_controller controller)
{
    struct stat st;
    if (r->tree_of[controller] < 0 || (g->no_tree >> controller) & 1)
        return NULL;
    if (g->elsewhere[controller])
        return g->elsewhere[controller];
    if (r->tree_of[controller] == r->scanned || g->path[1] == '\0')
        return g->path;
    if (!((g->in_tree >> controller) & 1)) {
        if (fstatat(r->roots[r->tree_of[controller]], g->path + 1, &st, 0) < 0) {
            find_elsewhere(r, g, controller);
            return g->elsewhere[controller];
        }
        g->in_tree |= 1U << controller;
    }
    return g->path;
}

static const char *name_of(const struct group_reader *r, enum group_file file)
{
    if (file == GROUP_FILE_BLOCK_BYTES_1)
        return block_files[r->block_choice].bytes;
    if (file == GROUP_FILE_BLOCK_COUNTS_1)
        return block_files[r->block_choice].counts;
    return file_kinds[file].name;
}

/* Opens `name` of the group in the tree that `kind` asks for. A descriptor or a negative errno. */
static int open_file(struct group_reader *r, struct group *g, const struct file_kind *kind,
                     const char *name)
{
    char path[PATH_MAX];
    int tree = kind->version == 0 ? r->unified : r->tree_of[kind->controller];
    /* Some files of v2 exist without any controller: they are in every group. */
    if (kind->version == 2 && tree < 0)
        tree = r->unified;
    if (tree < 0 || (kind->version != 0 && r->layout.trees[tree].version != kind->version))
        return -ENOENT;
    const char *group_path =
        r->layout.trees[tree].version == 2 ? g->path : group_path_in(r, g, kind->controller);
    if (!group_path)
        return -ENOENT;
    if (!group_path_join(group_path, name, path, sizeof path))
        return -ENAMETOOLONG;
    int fd = openat(r->roots[tree], path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static void forget_file(struct group_reader *r, struct group *g, enum group_file file)
{
    if (g->fds[file] == GROUP_MISSING)
        return;
    (void)close(g->fds[file]);
    g->fds[file] = GROUP_MISSING;
    r->kept--;
}

int group_file_read(struct group_reader *r, struct group *g, enum group_file file,
                    const char **ret_text, size_t *ret_length)
{
    if ((g->missing >> file) & 1)
        return -ENOENT;
    if (g->fds[file] != GROUP_MISSING) {
        int result = group_descriptor_read(r, g->fds[file], ret_text, ret_length);
        if (result != -ENODEV)
            return result;
        forget_file(r, g, file); /* the group is gone, or the file was hidden for a while */
    }
    int fd = open_file(r, g, &file_kinds[file], name_of(r, file));
    if (fd == -ENOENT)
        g->missing |= 1U << file;
    if (fd < 0)
        return fd;
    r->opened++;
    int result = group_descriptor_read(r, fd, ret_text, ret_length);
    if (result == -EOPNOTSUPP) /* pressure, on a kernel that was booted without it */
        g->missing |= 1U << file;
    if (result == 0 && r->kept < r->options.max_files) {
        g->fds[file] = fd;
        r->kept++;
    } else {
        (void)close(fd);
    }
    return result;
}

static void set_limit(struct group *g, enum group_limit limit, uint64_t value)
{
    g->limits.values[limit] = value;
    g->limits.given |= 1U << limit;
}

/* 0, or why the limit is not known. */
static int take_limit(struct group_reader *r, struct group *g, const struct file_kind *kind,
                      enum group_limit limit)
{
    const char *text = NULL;
    size_t length = 0;
    uint64_t value = 0;
    uint64_t period_us = 0;
    int fd = open_file(r, g, kind, kind->name);
    if (fd < 0)
        return fd;
    int result = group_descriptor_read(r, fd, &text, &length);
    (void)close(fd);
    bool both = limit == GROUP_LIMIT_QUOTA && kind->version == 2;
    if (result == 0)
        result = both ? group_parse_cpu_max(text, length, &value, &period_us)
                      : group_parse_limit(text, length, &value);
    if (result < 0)
        return result;
    if (both)
        set_limit(g, GROUP_LIMIT_PERIOD, period_us);
    set_limit(g, limit, value);
    return 0;
}

static void read_limit(struct group_reader *r, struct group *g, const struct file_kind *kind,
                       enum group_limit limit)
{
    char text[ERR_TEXT_MAX];
    int result = take_limit(r, g, kind, limit);
    bool denied = result == -EACCES || result == -EPERM;
    if (!denied && result != -EBADMSG)
        return; /* it is there, or there is none, or the group has gone */
    (void)snprintf(text, sizeof text, "%s of control group %.160s cannot be read: %s", kind->name,
                   g->path, denied ? strerror(-result) : "its text is not what the kernel writes");
    part_add_problem(&r->result.part, denied ? REASON_PERMISSION_DENIED : REASON_MALFORMED,
                     kind->name, text);
}

/* Groups of values that have limits, or files that appear and vanish as cgroup.pressure says. */
#define GROUPS_WATCHED                                                        \
    (GROUP_BIT(GROUP_SPEC) | GROUP_BIT(GROUP_CPU) | GROUP_BIT(GROUP_MEMORY) | \
     GROUP_BIT(GROUP_PIDS) | GROUP_BIT(GROUP_PRESSURE))

/* Does a group of values that somebody wants need the limit? */
static bool is_wanted(const struct group_reader *r, enum group_limit limit)
{
    unsigned users = GROUP_BIT(GROUP_SPEC);
    switch (limit) {
    case GROUP_LIMIT_QUOTA:
        users |= GROUP_BIT(GROUP_CPU); /* without one nothing is throttled */
        break;
    case GROUP_LIMIT_MEMORY:
        users |= GROUP_BIT(GROUP_MEMORY);
        break;
    case GROUP_LIMIT_PIDS:
        users = GROUP_BIT(GROUP_PIDS);
        break;
    default:
        break;
    }
    return r->options.groups & users;
}

bool group_is_limit_file(const char *name)
{
    for (size_t i = 0; i < sizeof limit_kinds / sizeof limit_kinds[0]; i++)
        if (text_equal(limit_kinds[i].kind.name, name))
            return true;
    return false;
}

void group_limits_read(struct group_reader *r, struct group *g, uint64_t now_ns)
{
    uint64_t most_ns = g->limits.heard_of ? LIMITS_HEARD_AGE_NS : LIMITS_AGE_NS;
    if (g->limits.read_ns != 0 && now_ns - g->limits.read_ns < most_ns)
        return;
    g->limits.read_ns = now_ns;
    g->limits.given = 0;
    g->missing = 0;
    g->no_tree = 0;
    /* Before they are read, so that no change falls between. */
    if (!g->limits.heard_of && r->options.groups & GROUPS_WATCHED)
        g->limits.heard_of = group_watch_limits(r, g);
    for (size_t i = 0; i < sizeof limit_kinds / sizeof limit_kinds[0]; i++) {
        int tree = r->tree_of[limit_kinds[i].kind.controller];
        if (tree >= 0 && r->layout.trees[tree].version == limit_kinds[i].kind.version &&
            is_wanted(r, limit_kinds[i].limit))
            read_limit(r, g, &limit_kinds[i].kind, limit_kinds[i].limit);
    }
}

void group_close_files(struct group_reader *r, struct group *g)
{
    for (enum group_file file = 0; file < GROUP_FILES; file++)
        forget_file(r, g, file);
    if (g->net_fd == GROUP_MISSING)
        return;
    (void)close(g->net_fd);
    g->net_fd = GROUP_MISSING;
    r->kept--;
}

/* Does the root's file exist, and does it count anything? */
static bool counts_anything(struct group_reader *r, const char *name, bool *ret_exists)
{
    const char *text = "";
    size_t length = 0;
    *ret_exists =
        group_path_read(r, r->roots[r->tree_of[CONTROLLER_BLKIO]], name, &text, &length) == 0;
    const char *total = *ret_exists ? strstr(text, "Total ") : NULL;
    for (; total; total = strstr(total, "Total ")) {
        total += strlen("Total ");
        if (*total >= '1' && *total <= '9')
            return true;
    }
    return false;
}

/* Its block I/O is in other files now. */
static void forget_block_files(struct group_reader *r, struct group *g)
{
    forget_file(r, g, GROUP_FILE_BLOCK_BYTES_1);
    forget_file(r, g, GROUP_FILE_BLOCK_COUNTS_1);
    g->missing &= ~(1U << GROUP_FILE_BLOCK_BYTES_1 | 1U << GROUP_FILE_BLOCK_COUNTS_1);
}

/* The set to read: one that counts stays, for another would begin elsewhere; then the first that
 * counts, the default before BFQ's, which knows only disks with that scheduler; then the first
 * there is. */
static size_t choose_block_files(struct group_reader *r)
{
    static const size_t order[] = {BLOCK_DEFAULT, BLOCK_DEFAULT + 1, BLOCK_DEFAULT + 2, BLOCK_BFQ};
    const size_t sets = sizeof order / sizeof order[0];
    size_t there = sets;
    size_t counting = sets;
    bool exists = false;
    if (r->block_chosen && counts_anything(r, block_files[r->block_choice].bytes, &exists))
        return r->block_choice;
    for (size_t i = sets; i-- > 0;) {
        bool counts = counts_anything(r, block_files[order[i]].bytes, &exists);
        there = exists ? i : there;
        counting = counts ? i : counting;
    }
    if (counting < sets)
        return order[counting];
    return there < sets ? order[there] : BLOCK_DEFAULT;
}

void group_choose_block_files(struct group_reader *r)
{
    int tree = r->tree_of[CONTROLLER_BLKIO];
    if (tree < 0 || r->layout.trees[tree].version != 1)
        return;
    size_t choice = choose_block_files(r);
    if (choice != r->block_choice) {
        forget_block_files(r, r->root);
        for (size_t i = 0; i < r->group_count; i++)
            forget_block_files(r, r->groups[i]);
    }
    r->block_choice = choice;
    r->block_chosen = true;
    r->accounting = choice == BLOCK_BFQ
                        ? BLOCK_ACCOUNTING_ON
                        : block_accounting_read(r->options.procfs, r->options.sysfs);
}
