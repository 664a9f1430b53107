/* What it knows: which directories are listed in every round and which once a minute. Listing the
 * parents of 100 containers takes some 40 us, a walk over every directory 5 ms; inode times of a
 * cgroup directory do not change when a child is made. Documents: cgroups(7); docs/ARCHITECTURE.md,
 * "The cgroup tier". */
#include "collectors/group_scan.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "collectors/group_files.h"
#include "collectors/group_row.h"
#include "collectors/group_watch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WALK_PERIOD_NS  (60 * NS_PER_SECOND)
#define GROUPS_MAX      20000  /* as many containers as the inventory holds */
#define DIRECTORIES_MAX 200000 /* a host has some hundreds; more is a loop or an attack */
#define DEPTH_MAX       64     /* levels below the root; systemd and nested engines use a dozen */
#define LIST_BYTES      (32 * 1024) /* of one getdents: some 700 entries */

/* One directory being listed: where it is and how deep. */
struct place {
    struct group_reader *r;
    const char *path;
    unsigned depth;
    bool walk; /* everything below, or only what is new */
};

/* --- groups --- */

static size_t place_of(const struct group_reader *r, const char *path, bool *ret_found)
{
    size_t low = 0;
    size_t high = r->group_count;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(r->groups[middle]->path, path);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct group *group_find(const struct group_reader *r, const char *path)
{
    bool found = false;
    size_t place = place_of(r, path, &found);
    return found ? r->groups[place] : NULL;
}

static struct group *make_group(const char *path, struct group_name name, uint64_t birth)
{
    struct group *g = alloc_zeroed(1, sizeof *g);
    g->path = alloc_string(path);
    g->name = name;
    if (name.id)
        g->name.id = g->path + (name.id - path);
    g->birth = birth;
    g->net_fd = GROUP_MISSING;
    for (size_t i = 0; i < GROUP_LIMIT_WATCHES; i++)
        g->limits.watches[i] = -1;
    for (enum group_file file = 0; file < GROUP_FILES; file++)
        g->fds[file] = GROUP_MISSING;
    return g;
}

void group_scan_free(struct group_reader *r, struct group *g)
{
    group_close_files(r, g);
    group_watch_forget_limits(r, g);
    for (enum group_controller c = 0; c < CONTROLLER_COUNT; c++)
        free(g->elsewhere[c]);
    free(g->path);
    group_process_forget(g);
    free(g);
}

struct group *group_scan_root(void)
{
    return make_group("/", (struct group_name){.kind = GROUP_IS_INNER}, 0);
}

/* The scan came by this group. Another inode at the same path is another group. */
static void touch_group(struct group_reader *r, const char *path, struct group_name name,
                        uint64_t birth)
{
    bool found = false;
    size_t place = place_of(r, path, &found);
    if (found && r->groups[place]->birth == birth) {
        r->groups[place]->seen = r->scan;
        return;
    }
    r->groups_changed = true;
    if (found) {
        group_scan_free(r, r->groups[place]);
    } else if (r->group_count == GROUPS_MAX) {
        r->too_many = true;
        return;
    } else {
        if (r->group_count == r->group_capacity) {
            r->group_capacity = r->group_capacity ? r->group_capacity * 2 : 32;
            r->groups = alloc_resize(r->groups, r->group_capacity, sizeof(struct group *));
        }
        memmove(&r->groups[place + 1], &r->groups[place],
                (r->group_count - place) * sizeof(struct group *));
        r->group_count++;
    }
    r->groups[place] = make_group(path, name, birth);
    r->groups[place]->seen = r->scan;
}

static void drop_vanished(struct group_reader *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->group_count; i++) {
        if (r->groups[i]->seen == r->scan) {
            r->groups[kept++] = r->groups[i];
            continue;
        }
        group_scan_free(r, r->groups[i]);
        r->groups_changed = true;
    }
    r->group_count = kept;
}

/* --- watched directories --- */

static struct watched *find_watched(struct group_reader *r, const char *path)
{
    uint64_t hash = text_hash(path);
    for (size_t i = 0; i < r->watched_count; i++)
        if (r->watched[i].hash == hash && text_equal(r->watched[i].path, path))
            return &r->watched[i];
    return NULL;
}

static void free_watched(struct watched *w)
{
    free(w->path);
    free(w->children);
}

static struct watched *watch(struct group_reader *r, const char *path)
{
    struct watched *known = find_watched(r, path);
    if (known)
        return known;
    if (r->watched_count == r->watched_capacity) {
        r->watched_capacity = r->watched_capacity ? r->watched_capacity * 2 : 16;
        r->watched = alloc_resize(r->watched, r->watched_capacity, sizeof *r->watched);
    }
    struct watched *w = &r->watched[r->watched_count++];
    *w = (struct watched){.path = alloc_string(path), .hash = text_hash(path)};
    group_watch_add(r, w);
    return w;
}

static void forget_watched(struct group_reader *r, size_t first)
{
    while (r->watched_count > first) {
        struct watched *w = &r->watched[--r->watched_count];
        group_watch_remove(r, w);
        free_watched(w);
    }
}

/* Every directory above a container is watched: a new pod or slice appears there. */
static void watch_above(struct group_reader *r, const char *path)
{
    char above[PATH_MAX];
    size_t length = strlen(path);
    assert(length < sizeof above);
    memcpy(above, path, length + 1);
    for (char *slash = strrchr(above, '/'); slash; slash = strrchr(above, '/')) {
        bool top = slash == above;
        slash[top ? 1 : 0] = '\0';
        if (find_watched(r, above))
            return; /* then so are those above it */
        (void)watch(r, above);
        if (top)
            return;
    }
}

/* Is this child known as one without containers? It is noted as such if not. */
static bool note_child(struct watched *w, uint64_t hash)
{
    size_t low = 0;
    size_t high = w->child_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (w->children[middle] == hash)
            return true;
        if (w->children[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    if (w->child_count == w->child_capacity) {
        w->child_capacity = w->child_capacity ? w->child_capacity * 2 : 16;
        w->children = alloc_resize(w->children, w->child_capacity, sizeof *w->children);
    }
    memmove(&w->children[low + 1], &w->children[low], (w->child_count - low) * sizeof *w->children);
    w->children[low] = hash;
    w->child_count++;
    return false;
}

/* --- listing --- */

static bool is_shown(const struct group_reader *r, enum group_kind kind)
{
    switch (kind) {
    case GROUP_IS_CONTAINER:
        return true;
    case GROUP_IS_SERVICE:
        return r->options.scope != SCOPE_CONTAINERS;
    case GROUP_IS_INNER:
        return r->options.scope == SCOPE_ALL;
    case GROUP_IS_IGNORED:
        break;
    }
    return false;
}

static int list(const struct place *place);

/* What is watched is listed on its own. Units without containers are passed over until the next
 * walk; what is no unit (a pod, a parent) was made for containers, which come a little later. */
static void look_below(const struct place *place, const char *path, const char *name,
                       enum group_kind kind)
{
    struct watched *w = find_watched(place->r, place->path);
    bool known = w && kind == GROUP_IS_SERVICE && note_child(w, text_hash(name));
    if (!place->walk && (known || find_watched(place->r, path)))
        return;
    const struct place below = {
        .r = place->r, .path = path, .depth = place->depth + 1, .walk = true};
    if (below.depth < DEPTH_MAX)
        (void)list(&below); /* it may have gone meanwhile */
}

static void take_entry(const struct place *place, const char *name, uint64_t inode)
{
    char path[PATH_MAX];
    struct group_reader *r = place->r;
    size_t above = strlen(place->path);
    size_t length = strlen(name);
    bool root = above == 1;
    if (above + length + 2 > sizeof path)
        return;
    memcpy(path, place->path, above);
    if (!root)
        path[above++] = '/';
    memcpy(path + above, name, length + 1);
    struct group_name judged = group_path_judge(path);
    if (is_shown(r, judged.kind))
        touch_group(r, path, judged, inode);
    if (judged.kind == GROUP_IS_CONTAINER)
        watch_above(r, path);
    else if (judged.kind != GROUP_IS_IGNORED)
        look_below(place, path, name, judged.kind);
}

static bool is_directory(int fd, const struct dirent64 *entry)
{
    struct stat st;
    if (entry->d_name[0] == '.' &&
        (entry->d_name[1] == '\0' || (entry->d_name[1] == '.' && entry->d_name[2] == '\0')))
        return false;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Calls `take` with each directory in the open one, until it says that this is enough. 0, or the
 * negative errno. */
static int list_open(int fd, bool (*take)(void *context, const struct dirent64 *entry),
                     void *context)
{
    char *entries = alloc_bytes(LIST_BYTES);
    ssize_t bytes = 0;
    bool enough = false;
    while (!enough && (bytes = getdents64(fd, entries, LIST_BYTES)) > 0) {
        for (ssize_t at = 0; at < bytes && !enough;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(entries + at);
            at += entry->d_reclen;
            enough = is_directory(fd, entry) && take(context, entry);
        }
    }
    int result = bytes < 0 ? -errno : 0;
    free(entries);
    return result;
}

static int open_directory(const struct group_reader *r, const char *path)
{
    const char *below = path[1] == '\0' ? "." : path + 1;
    int fd = openat(r->roots[r->scanned], below, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static bool take_one(void *context, const struct dirent64 *entry)
{
    take_entry(context, entry->d_name, entry->d_ino);
    return false;
}

static int list(const struct place *place)
{
    struct group_reader *r = place->r;
    if (++r->directories > DIRECTORIES_MAX) {
        r->too_many = true;
        return -E2BIG;
    }
    int fd = open_directory(r, place->path);
    if (fd < 0)
        return fd;
    struct place here = *place;
    int result = list_open(fd, take_one, &here);
    (void)close(fd);
    return result;
}

/* One search below a group. */
struct search {
    struct group_reader *r;
    const char *path;
    unsigned depth;
    int (*look)(struct group_reader *r, const char *path, unsigned depth, struct group *g);
    struct group *g;
    int result;
};

static bool look_at(void *context, const struct dirent64 *entry)
{
    struct search *s = context;
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", s->path, entry->d_name);
    if (length > 0 && (size_t)length < sizeof path)
        s->result = s->look(s->r, path, s->depth + 1, s->g);
    return s->result == 0;
}

int group_each_child(struct group_reader *r, const char *path, unsigned depth,
                     int (*look)(struct group_reader *r, const char *path, unsigned depth,
                                 struct group *g),
                     struct group *g)
{
    struct search search = {r, path, depth, look, g, -ENOENT};
    int fd = open_directory(r, path);
    if (fd < 0)
        return fd;
    int result = list_open(fd, look_at, &search);
    (void)close(fd);
    return result < 0 ? result : search.result;
}

/* --- scans --- */

static int walk(struct group_reader *r, uint64_t now_ns)
{
    const struct place root = {.r = r, .path = "/", .walk = true};
    forget_watched(r, 0);
    (void)watch(r, "/");
    r->walked_ns = now_ns;
    return list(&root);
}

/* Lists what is watched, the directories that become watched meanwhile among it. */
static int look_again(struct group_reader *r)
{
    int result = 0;
    const struct place root = {.r = r, .path = "/", .walk = true};
    if (r->options.scope != SCOPE_CONTAINERS)
        return list(&root); /* units are everywhere */
    for (size_t i = 0; i < r->watched_count; i++) {
        char *path = alloc_string(r->watched[i].path);
        const struct place place = {.r = r, .path = path};
        int listed = list(&place);
        if (i == 0)
            result = listed;
        free(path);
    }
    return result;
}

/* Would a walk come to a container at `path`? Not to one inside another, nor through "..". */
static bool leads_to_container(const char *path, struct group_name *ret)
{
    char above[PATH_MAX];
    size_t length = strlen(path);
    if (path[0] != '/' || length >= sizeof above)
        return false;
    for (size_t begin = 1, end = 1; end <= length; begin = ++end) {
        while (path[end] != '/' && path[end] != '\0')
            end++;
        if (end == begin || (path[begin] == '.' &&
                             (end == begin + 1 || (end == begin + 2 && path[begin + 1] == '.'))))
            return false;
        memcpy(above, path, end);
        above[end] = '\0';
        enum group_kind kind = group_path_judge(above).kind;
        if (end < length && kind != GROUP_IS_INNER && kind != GROUP_IS_SERVICE)
            return false;
    }
    *ret = group_path_judge(path);
    return ret->kind == GROUP_IS_CONTAINER;
}

/* What an engine says is there, and this tier has not come by. */
static void follow_hints(struct group_reader *r)
{
    struct stat st;
    struct group_name judged;
    for (size_t i = 0; i < r->hint_count; i++) {
        const char *path = r->hints[i].path;
        if (!path || group_find(r, path) || !leads_to_container(path, &judged) ||
            fstatat(r->roots[r->scanned], path + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        touch_group(r, path, judged, st.st_ino);
        watch_above(r, path);
    }
}

int group_scan(struct group_reader *r, uint64_t now_ns)
{
    bool due = r->walked_ns == 0 || now_ns - r->walked_ns >= WALK_PERIOD_NS;
    r->scan++;
    r->directories = 0;
    r->too_many = false;
    int result = due ? walk(r, now_ns) : look_again(r);
    if (result < 0)
        return result;
    if (r->hints_changed)
        follow_hints(r);
    r->hints_changed = false;
    drop_vanished(r);
    return 0;
}

void group_scan_forget(struct group_reader *r)
{
    r->scan++;
    drop_vanished(r);
    free(r->groups);
    forget_watched(r, 0);
    free(r->watched);
}
