/* What it knows: whose network counters are whose. A namespace that is the host's belongs to no
 * container, one that several share is one of theirs alone. Documents: network_namespaces(7);
 * proc(5). */
#include "collectors/group_row.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "collectors/container_identity.h"
#include "collectors/group_files.h"
#include "collectors/group_parse.h"
#include "collectors/group_scan.h"
#include "collectors/proc_net.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIDS_MOST  4096 /* of one group that are looked at for the first one */
#define DEPTH_MOST 6    /* levels below a container's group in which its processes may be */

/* A runtime's own process is in the group before that has a network of its own, and a process may
 * be replaced: the namespace is compared now and then. */
#define NETWORK_AGE_NS (5 * NS_PER_SECOND)

/* Processes of the host that stand beside a container's own: nspawn's and LXC's. */
static bool is_supervisors(const struct group *g, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    if (g->name.runtime == RUNTIME_NSPAWN)
        return text_equal(name, "supervisor") || text_equal(name, ".control");
    return g->name.runtime == RUNTIME_LXC && text_equal(name, ".lxc");
}

/* Takes the first of the processes in a group's cgroup.procs, if it is older than what there is.
 * How many processes it has, or a negative errno. */
static int take_first(struct group_reader *r, const char *file, struct group *g)
{
    const char *text = NULL;
    size_t length = 0;
    uint32_t pid = 0;
    uint64_t start = 0;
    int result = group_path_read(r, r->roots[r->scanned], file, &text, &length);
    if (result < 0 || length == 0)
        return result;
    size_t most = length / 2 < PIDS_MOST ? length / 2 : PIDS_MOST; /* a digit and a line end each */
    uint32_t *pids = arena_alloc(&r->result.arena, (most + 1) * sizeof *pids);
    int count = group_parse_procs(text, length, most, pids);
    if (count > 0 && proc_pick_first(r->options.procfs, pids, (size_t)count, &pid, &start) == 0 &&
        (g->pid == 0 || start < g->pid_start)) {
        g->pid = pid;
        g->pid_start = start;
    }
    return count;
}

/* The first process of the group at `path`, or of all below it where it has none of its own (v2
 * allows processes in the lowest groups only): those of containers inside it started later. */
static int find_process(struct group_reader *r, const char *path, unsigned depth, struct group *g)
{
    char file[PATH_MAX];
    if (depth > 0 && is_supervisors(g, path))
        return -ENOENT;
    if (!group_path_join(path, "cgroup.procs", file, sizeof file))
        return -ENAMETOOLONG;
    if (take_first(r, file, g) <= 0 && depth < DEPTH_MOST)
        (void)group_each_child(r, path, depth, find_process, g);
    return depth == 0 && g->pid != 0 ? 0 : -ENOENT; /* of a child: look at the next one too */
}

static void find_namespace(const struct group_reader *r, struct group *g)
{
    if (g->pid != 0 && proc_net_namespace(r->options.procfs, g->pid, &g->network) < 0)
        g->pid = 0;
}

/* Does the process an engine named belong to the group? It may have ended since. */
static bool is_of_group(const struct group_reader *r, const struct group *g, uint32_t pid)
{
    char path[PATH_MAX];
    char id[GROUP_ID_LENGTH + 1] = "";
    struct arena scratch = {0};
    struct buf text;
    bool found = false;
    memcpy(id, g->name.id, GROUP_ID_LENGTH); /* only those have hints */
    buf_init(&text, PROC_CGROUP_MAX_BYTES);
    (void)snprintf(path, sizeof path, "%s/%" PRIu32 "/cgroup", r->options.procfs, pid);
    if (fs_read_file(path, &text) == 0 && text.length > 0)
        found = identity_path_from_proc(text.data, id, &scratch) != NULL;
    buf_done(&text);
    arena_done(&scratch);
    return found;
}

/* A descriptor that is kept would keep the namespace alive. */
static void forget_network(struct group_reader *r, struct group *g)
{
    g->pid = 0;
    g->network = 0;
    if (g->net_fd == GROUP_MISSING)
        return;
    (void)close(g->net_fd);
    g->net_fd = GROUP_MISSING;
    r->kept--;
}

static void find_network(const struct group_round *round, struct group *g)
{
    struct group_reader *r = round->r;
    const struct group_hint *hint = group_hint_of(r, g);
    struct proc_stat stat;
    forget_network(r, g);
    if (hint && hint->pid != 0 && is_of_group(r, g, hint->pid) &&
        proc_stat_read(r->options.procfs, hint->pid, &stat) == 0) {
        g->pid = hint->pid;
        g->pid_start = stat.start_ticks;
    } else if (find_process(r, g->path, 0, g) < 0) {
        g->pid = 0;
    }
    find_namespace(r, g);
    if (g->pid != 0 && g->no_tree != 0) { /* the process may tell where else it is */
        g->no_tree = 0;
        g->missing = 0;
        g->limits.read_ns = 0;
    }
    r->groups_changed = true;
}

/* The one that a shared namespace belongs to comes first: a pod's sandbox, then who did not join
 * another's, then who was there first. */
static int compare_owners(const void *a, const void *b)
{
    const struct group *left = *(struct group *const *)a;
    const struct group *right = *(struct group *const *)b;
    if (left->network != right->network)
        return left->network < right->network ? -1 : 1;
    if (left->twin != right->twin)
        return right->twin ? -1 : 1; /* has no row */
    if (left->sandbox != right->sandbox)
        return left->sandbox ? -1 : 1;
    if (left->joins_network != right->joins_network)
        return right->joins_network ? -1 : 1;
    if (left->pid_start != right->pid_start)
        return left->pid_start < right->pid_start ? -1 : 1;
    return strcmp(left->path, right->path);
}

static void find_owners(struct group_reader *r)
{
    struct group **order =
        arena_alloc(&r->result.arena, (r->group_count + 1) * sizeof(struct group *));
    for (size_t i = 0; i < r->group_count; i++) {
        const struct group_hint *hint = group_hint_of(r, r->groups[i]);
        r->groups[i]->joins_network = hint && hint->network == REASON_SHARED_NETWORK;
        order[i] = r->groups[i];
    }
    if (r->group_count > 1)
        qsort(order, r->group_count, sizeof(struct group *), compare_owners);
    for (size_t i = 0; i < r->group_count; i++)
        order[i]->owns_network = i == 0 || order[i - 1]->network != order[i]->network;
    r->groups_changed = false;
}

/* An engine's word comes later than the first look. */
static bool is_told_otherwise(struct group_reader *r, const struct group *g)
{
    const struct group_hint *hint = group_hint_of(r, g);
    return hint && hint->pid != 0 && hint->pid != g->pid && is_of_group(r, g, hint->pid);
}

static bool is_in_network(const struct group_reader *r, const struct group *g)
{
    uint64_t network = 0;
    return g->pid != 0 && proc_net_namespace(r->options.procfs, g->pid, &network) == 0 &&
           network == g->network;
}

bool group_net_wanted(const struct group_reader *r)
{
    return r->options.groups &
           (GROUP_BIT(GROUP_NETWORK) | GROUP_BIT(GROUP_PROCESS) | GROUP_BIT(GROUP_SCHED) |
            GROUP_BIT(GROUP_LOAD) | GROUP_BIT(GROUP_TCP) | GROUP_BIT(GROUP_UDP) |
            GROUP_BIT(GROUP_ADVTCP));
}

void group_net_resolve(const struct group_round *round)
{
    struct group_reader *r = round->r;
    bool wanted = group_net_wanted(r);
    for (size_t i = 0; i < r->group_count; i++) {
        struct group *g = r->groups[i];
        uint64_t age_ns = g->pid == 0 ? NS_PER_SECOND : NETWORK_AGE_NS;
        bool due = g->network_ns == 0 || round->now_ns - g->network_ns >= age_ns;
        if (!wanted && g->no_tree == 0) /* else its process may tell where the group is */
            continue;
        if (g->name.kind != GROUP_IS_CONTAINER || g->twin || !due)
            continue;
        g->network_ns = round->now_ns;
        if (!is_in_network(r, g) || is_told_otherwise(r, g))
            find_network(round, g);
    }
    if (r->groups_changed)
        find_owners(r);
}

/* Opens the namespace's counters anew where they are not kept; the process may be gone, and its
 * number another's. */
static int read_counters(const struct group_round *round, struct group *g, const char **ret_text,
                         size_t *ret_length)
{
    struct group_reader *r = round->r;
    uint64_t network = 0;
    int fd = -1;
    if (g->net_fd != GROUP_MISSING)
        return group_descriptor_read(r, g->net_fd, ret_text, ret_length);
    int result = proc_net_open(r->options.procfs, g->pid, &fd, &network);
    if (result < 0)
        return result;
    result = network == g->network ? group_descriptor_read(r, fd, ret_text, ret_length) : -ENOENT;
    if (result == 0 && r->kept < r->options.max_files) {
        g->net_fd = fd;
        r->kept++;
    } else {
        (void)close(fd);
    }
    return result;
}

static enum reason fill_network(const struct group_round *round, struct group *g,
                                struct container_row *row)
{
    const char *text = NULL;
    size_t length = 0;
    if (g->pid == 0)
        return REASON_NO_PROCESS;
    /* An engine in a container has a host of its own. */
    const struct group_hint *hint = group_hint_of(round->r, g);
    if (g->network == round->host_network || (hint && hint->network == REASON_HOST_NETWORK))
        return REASON_HOST_NETWORK;
    if (!g->owns_network)
        return REASON_SHARED_NETWORK;
    int result = read_counters(round, g, &text, &length);
    if (result == -ENOENT || result == -ESRCH) {
        g->pid = 0; /* looked for again in the next round */
        return REASON_NO_PROCESS;
    }
    if (result == 0)
        result = proc_net_parse(text, length, &round->r->result.arena, &row->interfaces,
                                &row->interface_count);
    if (result < 0)
        return group_row_reason(round, g, "net/dev", result);
    return row->interface_count > 0 ? REASON_NONE : REASON_NO_NETWORK;
}

void group_net_fill(const struct group_round *round, struct group *g, struct container_row *row)
{
    if (group_row_wants(round, GROUP_NETWORK))
        group_row_end(row, GROUP_NETWORK, fill_network(round, g, row));
}
