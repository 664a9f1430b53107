/* What it knows: which process is a container's first, and how stat and cgroup of a process say
 * who it is and where. Documents: proc(5), /proc/PID/stat and its hidepid option; cgroups(7),
 * /proc/PID/cgroup; cgroup_namespaces(7) for paths that begin with "/..". */
#include "collectors/proc_net.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAT_FILE_MAX  4096  /* bytes: 51 numbers of up to 21 bytes and a name of up to 64 */
#define GROUP_FILE_MAX 65536 /* bytes: 14 controllers and a path of 4096 for each */
#define FIELD_PARENT   4     /* of stat, counted from 1 as proc(5) does */
#define FIELD_START    22    /* start time in ticks after boot */
#define DELETED        " (deleted)"

/* Some bytes of a text. */
struct piece {
    const char *begin;
    size_t length;
};

struct process {
    uint32_t pid;
    struct proc_stat stat;
};

/* Appends PROCFS/PID/NAME to `ret`. */
static int read_below(const char *procfs, uint32_t pid, const char *name, struct buf *ret)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%u/%s", procfs, pid, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return -ENAMETOOLONG;
    return fs_read_file(path, ret);
}

/* The field at `*at` and a step behind the blank or line end that closes it. A field without one is
 * torn: its last digits may be missing. */
static bool next_field(const char **at, const char *end, struct piece *ret)
{
    const char *p = *at;
    while (p < end && *p != ' ' && *p != '\n')
        p++;
    if (p == end || p == *at)
        return false;
    *ret = (struct piece){*at, (size_t)(p - *at)};
    *at = p + 1;
    return true;
}

/* Digits, which a '-' may precede: terminal group and priority may be below 0. */
static bool is_number(struct piece field)
{
    uint64_t magnitude = 0;
    size_t sign = field.begin[0] == '-' ? 1 : 0;
    return text_parse_u64(field.begin + sign, field.length - sign, &magnitude) == 0;
}

/* What follows "PID (NAME)": the name may hold anything, so its end is the last parenthesis, and
 * after that there are numbers only. NULL when the text does not begin so. */
static const char *skip_name(const char *text, size_t length)
{
    uint64_t pid = 0;
    const char *open = memchr(text, '(', length);
    const char *close = memrchr(text, ')', length);
    if (!open || !close || close < open || open == text || open[-1] != ' ')
        return NULL;
    if (text_parse_u64(text, (size_t)(open - 1 - text), &pid) < 0)
        return NULL;
    return close + 1;
}

int proc_stat_parse(const char *text, size_t length, struct proc_stat *ret)
{
    const char *end = text + length;
    const char *at = skip_name(text, length);
    struct piece field = {NULL, 0};
    if (!at || at == end || *at++ != ' ' || !next_field(&at, end, &field) || field.length != 1)
        return -EBADMSG;
    uint64_t parent = 0;
    for (int number = FIELD_PARENT; number <= FIELD_START; number++) {
        if (!next_field(&at, end, &field) || !is_number(field))
            return -EBADMSG;
        if (number == FIELD_PARENT &&
            (text_parse_u64(field.begin, field.length, &parent) < 0 || parent > UINT32_MAX))
            return -EBADMSG;
    }
    uint64_t start = 0;
    if (text_parse_u64(field.begin, field.length, &start) < 0)
        return -EBADMSG;
    *ret = (struct proc_stat){.parent = (uint32_t)parent, .start_ticks = start};
    return 0;
}

int proc_stat_read(const char *procfs, uint32_t pid, struct proc_stat *ret)
{
    struct buf text;
    buf_init(&text, STAT_FILE_MAX);
    int r = read_below(procfs, pid, "stat", &text);
    if (r == 0)
        r = text.data ? proc_stat_parse(text.data, text.length, ret) : -EBADMSG;
    buf_done(&text);
    return r;
}

/* Does the error mean that there is no such process, for weir at least? */
static bool is_out_of_sight(int code)
{
    return code == -ENOENT || code == -ESRCH || code == -EACCES || code == -EPERM;
}

static int compare_pids(const void *a, const void *b)
{
    uint32_t left = ((const struct process *)a)->pid;
    uint32_t right = ((const struct process *)b)->pid;
    return left < right ? -1 : left > right;
}

/* Fills `ret`, in the order of their pids, with those that can be seen. */
static int read_processes(const char *procfs, const uint32_t pids[], size_t count,
                          struct process ret[], size_t *ret_count)
{
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        struct process process = {.pid = pids[i]};
        /* 0 stands for a task of another pid namespace. */
        int r = pids[i] == 0 ? -ESRCH : proc_stat_read(procfs, pids[i], &process.stat);
        if (r == 0)
            ret[seen++] = process;
        else if (!is_out_of_sight(r))
            return r;
    }
    qsort(ret, seen, sizeof ret[0], compare_pids);
    *ret_count = seen;
    return 0;
}

/* Of those that started in one tick the one with the lower pid, so that every round picks alike. */
static const struct process *first_of(const struct process processes[], size_t count)
{
    const struct process *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct process *p = &processes[i];
        const struct process parent = {.pid = p->stat.parent};
        if (first && p->stat.start_ticks >= first->stat.start_ticks)
            continue;
        if (!bsearch(&parent, processes, count, sizeof processes[0], compare_pids))
            first = p;
    }
    return first;
}

int proc_pick_first(const char *procfs, const uint32_t pids[], size_t count, uint32_t *ret_pid,
                    uint64_t *ret_start_ticks)
{
    if (count == 0)
        return -ENOENT;
    size_t seen = 0;
    struct process *processes = alloc_zeroed(count, sizeof *processes);
    int r = read_processes(procfs, pids, count, processes, &seen);
    const struct process *first = r == 0 ? first_of(processes, seen) : NULL;
    if (first) {
        *ret_pid = first->pid;
        *ret_start_ticks = first->stat.start_ticks;
    } else if (r == 0) {
        r = -ENOENT;
    }
    free(processes);
    return r;
}

/* Is `controller` one of the names between the commas? */
static bool list_has(struct piece list, const char *controller)
{
    const size_t wanted = strlen(controller);
    const char *end = list.begin + list.length;
    for (const char *at = list.begin; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t length = (size_t)((comma ? comma : end) - at);
        if (length == wanted && memcmp(at, controller, wanted) == 0)
            return true;
        at += length + 1;
    }
    return false;
}

/* Does a component ".." lead out of where weir is? The kernel writes it for groups outside the
 * reader's cgroup namespace; no group can have this name. */
static bool leads_out(struct piece path)
{
    const char *end = path.begin + path.length;
    const char *at = path.begin;
    while ((at = memmem(at, (size_t)(end - at), "/..", 3)) != NULL) {
        at += 3;
        if (at == end || *at == '/')
            return true;
    }
    return false;
}

static bool is_deleted(struct piece path)
{
    const size_t mark = sizeof DELETED - 1;
    return path.length > mark && memcmp(path.begin + path.length - mark, DELETED, mark) == 0;
}

static bool is_usable(struct piece path)
{
    return path.length > 0 && path.begin[0] == '/' && !leads_out(path) && !is_deleted(path);
}

/* Splits a line "ID:LIST:PATH" at its first two colons; true when it is the hierarchy asked for. */
static bool match_line(const char *line, const char *end, const char *controller,
                       struct piece *ret_path)
{
    const char *first = memchr(line, ':', (size_t)(end - line));
    const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
    if (!second)
        return false;
    struct piece list = {first + 1, (size_t)(second - first - 1)};
    bool unified = list.length == 0 && first == line + 1 && line[0] == '0';
    if (controller ? !list_has(list, controller) : !unified)
        return false;
    *ret_path = (struct piece){second + 1, (size_t)(end - second - 1)};
    return true;
}

const char *proc_group_parse(const char *text, const char *controller, struct arena *arena)
{
    assert(!controller || controller[0] != '\0');
    const char *end = NULL;
    /* A last line without its end may be half a path, which would be another group's. */
    for (const char *line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        struct piece path = {NULL, 0};
        if (match_line(line, end, controller, &path))
            return is_usable(path) ? arena_copy(arena, path.begin, path.length) : NULL;
    }
    return NULL;
}

const char *proc_group_of(const char *procfs, uint32_t pid, const char *controller,
                          struct arena *arena)
{
    struct buf text;
    buf_init(&text, GROUP_FILE_MAX);
    int r = read_below(procfs, pid, "cgroup", &text);
    const char *path = r == 0 && text.data ? proc_group_parse(text.data, controller, arena) : NULL;
    buf_done(&text);
    return path;
}
