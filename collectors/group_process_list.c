/* What it knows: which processes a group has: those in its cgroup.procs and in those of the groups
 * below it, each once. Documents: cgroups(7), cgroup.procs;
 * Documentation/admin-guide/cgroup-v2.rst, "Threads" (a process of threaded groups stands in the
 * group above them), and cgroup.procs (a pid may come twice). */
#include "collectors/group_process.h"

#include "base/err.h"
#include "collectors/group_files.h"
#include "collectors/group_parse.h"
#include "collectors/group_scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST  32    /* levels below a group; systemd in a container has five */
#define GROUPS_MOST 10000 /* below one group; systemd in a container has some 50 */
#define PROCESSES_MOST                                                                    \
    262144            /* of one group: 1 MB of numbers, and more than most hosts' pid_max \
                       */
#define PIDS_FIRST 16 /* room at first */

struct group_walk {
    const struct group_round *round;
    int (*visit)(const struct group_round *round, const char *path, void *context);
    void *context;
    size_t groups;
    int result;
};

static bool is_gone(int result)
{
    return result == -ENOENT || result == -ENODEV;
}

/* For group_each_child, which goes on after -ENOENT. */
static int step(struct group_reader *r, const char *path, unsigned depth, struct group *g)
{
    struct group_walk *walk = g->process->walk;
    if (depth > DEPTH_MOST || ++walk->groups > GROUPS_MOST)
        walk->result = -E2BIG;
    else
        walk->result = walk->visit(walk->round, path, walk->context);
    if (depth > 0 && is_gone(walk->result))
        walk->result = 0;
    if (walk->result < 0)
        return 0;
    int below = group_each_child(r, path, depth, step, g);
    if (below < 0 && !is_gone(below) && walk->result == 0)
        walk->result = below;
    return walk->result < 0 ? 0 : -ENOENT;
}

int group_process_walk(const struct group_round *round, struct group *g,
                       int (*visit)(const struct group_round *round, const char *path,
                                    void *context),
                       void *context)
{
    struct group_walk walk = {.round = round, .visit = visit, .context = context};
    g->process->walk = &walk;
    (void)step(round->r, g->path, 0, g);
    g->process->walk = NULL;
    return walk.result;
}

static uint32_t *make_room(const struct group_round *round, struct group_pids *pids, size_t more)
{
    size_t needed = pids->count + more;
    if (needed > pids->capacity) {
        size_t capacity = pids->capacity ? pids->capacity * 2 : PIDS_FIRST;
        pids->capacity = capacity > needed ? capacity : needed;
        uint32_t *items =
            arena_alloc(&round->r->result.arena, pids->capacity * sizeof *pids->items);
        if (pids->count > 0)
            memcpy(items, pids->items, pids->count * sizeof *items);
        pids->items = items;
    }
    return pids->items + pids->count;
}

/* How many lines are "0": v2 writes one for each process of another pid namespace. */
static uint64_t count_hidden(const char *text)
{
    uint64_t count = text[0] == '0';
    while ((text = strstr(text, "\n0\n"))) {
        count++;
        text++;
    }
    return count;
}

static int take_group(const struct group_round *round, const char *path, void *context)
{
    struct group_pids *pids = context;
    struct group_reader *r = round->r;
    char file[PATH_MAX];
    const char *text = NULL;
    size_t length = 0;
    if (!group_path_join(path, "cgroup.procs", file, sizeof file))
        return -ENAMETOOLONG;
    int result = group_path_read(r, r->roots[r->scanned], file, &text, &length);
    if (result == -EOPNOTSUPP && pids->capacity > 0)
        return 0; /* its processes stand above it */
    if (result < 0)
        return result == -EMSGSIZE ? -E2BIG : result;
    size_t most = length / 2; /* a digit and a line end each */
    if (most > PROCESSES_MOST)
        most = PROCESSES_MOST;
    int count = group_parse_procs(text, length, most, make_room(round, pids, most + 1));
    if (count < 0)
        return count;
    pids->count += (size_t)count;
    pids->hidden += count_hidden(text);
    return pids->count >= PROCESSES_MOST ? -E2BIG : 0;
}

static int compare_pids(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

int group_process_list(const struct group_round *round, struct group *g, struct group_pids *ret)
{
    struct group_pids pids = {0};
    int result = group_process_walk(round, g, take_group, &pids);
    if (result < 0)
        return result;
    size_t kept = 0;
    if (pids.count > 1)
        qsort(pids.items, pids.count, sizeof *pids.items, compare_pids);
    for (size_t i = 0; i < pids.count; i++)
        if (i == 0 || pids.items[i] != pids.items[kept - 1])
            pids.items[kept++] = pids.items[i];
    pids.count = kept;
    *ret = pids;
    return 0;
}

void group_process_put(const struct group_round *round, struct group_pids *pids, uint32_t pid)
{
    *make_room(round, pids, 1) = pid;
    pids->count++;
}

bool group_process_any_hidden(const struct group_round *round, struct group *g,
                              const struct group_pids *vanished)
{
    struct group_pids now;
    if (vanished->count == 0 || group_process_list(round, g, &now) < 0)
        return false;
    for (size_t i = 0; i < vanished->count; i++)
        if (bsearch(&vanished->items[i], now.items, now.count, sizeof *now.items, compare_pids))
            return true;
    return false;
}

enum reason group_process_reason(const struct group_round *round, const struct group *g,
                                 const char *what, int result)
{
    char text[ERR_TEXT_MAX];
    if (is_gone(result) || result == -ESRCH)
        return REASON_NO_PROCESS;
    if (result != -E2BIG)
        return group_row_reason(round, g, what, result);
    (void)snprintf(text, sizeof text,
                   "control group %.160s has more %s than weir reads; a part of them would make "
                   "wrong sums",
                   g->path, what);
    part_add_problem(&round->r->result.part, REASON_TOO_MANY, what, text);
    return REASON_TOO_MANY;
}
