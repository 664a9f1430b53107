/* What it knows: the sockets and TCP counters of a network namespace, for the group that owns it
 * and for the host. Documents: network_namespaces(7); proc(5), /proc/PID/net. */
#include "collectors/group_process.h"

#include "base/clock.h"
#include "collectors/group_files.h"
#include "collectors/proc_net.h"
#include "collectors/proc_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

/* What a round spends on tables of sockets: for each namespace the kernel walks those of the whole
 * host, and the other groups of values must not wait for that. */
#define SOCKETS_BUDGET_NS NS_PER_SECOND

/* Through whom a namespace is looked at. */
struct view {
    uint32_t pid;
    uint64_t network; /* its inode, 0: whichever it is */
};

/* The tables of a protocol, over IPv4 and over IPv6. */
struct socket_group {
    enum proc_socket_kind kind;
    const char *files[2];
    enum point_metric metrics[2];
};

static const struct socket_group tcp = {PROC_TCP, {"tcp", "tcp6"}, {POINT_TCP, POINT_TCP6}};
static const struct socket_group udp = {PROC_UDP, {"udp", "udp6"}, {POINT_UDP, POINT_UDP6}};

static int path_of(const struct group_round *round, const struct view *view, const char *file,
                   char ret[PATH_MAX])
{
    int length = snprintf(ret, PATH_MAX, "%s/%u/net/%s", round->r->options.procfs, view->pid, file);
    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* The process may have ended while it was read, and its number be another's. */
static int check_view(const struct group_round *round, const struct view *view)
{
    uint64_t network = 0;
    int result = proc_net_namespace(round->r->options.procfs, view->pid, &network);
    if (result == 0 && view->network != 0 && network != view->network)
        return -ESRCH;
    return result;
}

static void add_sockets(const struct group_round *round, const struct proc_sockets *table,
                        enum point_metric metric, struct container_row *row)
{
    struct point points[PROC_SOCKET_VALUES] = {0};
    size_t count = 0;
    const char *const *words = proc_socket_words(table->kind, &count);
    for (size_t i = 0; i < count; i++)
        points[i] =
            (struct point){.metric = metric, .value = table->values[i], .labels = {words[i]}};
    row_add_points(row, &round->r->result.arena, points, count);
}

static bool is_budget_spent(const struct group_round *round)
{
    return clock_monotonic_ns(round->r->options.clock) - round->now_ns >= SOCKETS_BUDGET_NS;
}

static int fill_sockets(const struct group_round *round, const struct view *view,
                        const struct socket_group *group, struct container_row *row)
{
    struct proc_sockets tables[2];
    bool given[2] = {false, false};
    if (is_budget_spent(round))
        return -ETIMEDOUT;
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        int result = path_of(round, view, group->files[i], path);
        if (result == 0)
            result = proc_sockets_read(path, group->kind, &tables[i]);
        given[i] = result == 0;
        if (result < 0 && (i == 0 || result != -ENOENT)) /* without IPv6 there is no such file */
            return result;
    }
    int result = check_view(round, view);
    for (size_t i = 0; i < 2 && result == 0; i++)
        if (given[i])
            add_sockets(round, &tables[i], group->metrics[i], row);
    return result;
}

static int read_counters(const struct group_round *round, const struct view *view, const char *file,
                         const char *protocol, struct proc_counters *counters)
{
    char path[PATH_MAX];
    const char *text = NULL;
    size_t length = 0;
    int result = path_of(round, view, file, path);
    if (result == 0)
        result = group_path_read(round->r, AT_FDCWD, path, &text, &length);
    if (result == 0)
        result = proc_counters_parse(text, length, protocol, &round->r->result.arena, counters);
    return result;
}

static int fill_counters(const struct group_round *round, const struct view *view,
                         struct container_row *row)
{
    struct arena *arena = &round->r->result.arena;
    struct proc_counters counters = {0};
    int result = read_counters(round, view, "snmp", "Tcp", &counters);
    if (result == 0)
        result = read_counters(round, view, "netstat", "TcpExt", &counters);
    if (result == 0)
        result = check_view(round, view);
    if (result < 0)
        return result;
    struct point *points = arena_alloc(arena, counters.count * sizeof *points);
    for (size_t i = 0; i < counters.count; i++)
        points[i] = (struct point){.metric = POINT_ADVTCP,
                                   .value = (uint64_t)counters.items[i].value,
                                   .labels = {counters.items[i].name}};
    row_add_points(row, arena, points, counters.count);
    return 0;
}

/* Why the namespace is not the group's to tell of: as for its interfaces. */
static enum reason absent_of(const struct group_round *round, const struct group *g)
{
    const struct group_hint *hint = group_hint_of(round->r, g);
    if (g->name.kind != GROUP_IS_CONTAINER)
        return REASON_NO_NETWORK;
    if (g->pid == 0)
        return REASON_NO_PROCESS;
    if (g->network == round->host_network || (hint && hint->network == REASON_HOST_NETWORK))
        return REASON_HOST_NETWORK;
    return g->owns_network ? REASON_NONE : REASON_SHARED_NETWORK;
}

static enum reason end_of(const struct group_round *round, struct group *g, const char *what,
                          int result)
{
    if (result == -ENOENT || result == -ESRCH)
        g->network_ns = 0; /* another process is looked for in the next round */
    return group_process_reason(round, g, what, result);
}

static bool is_any_wanted(const struct group_round *round)
{
    return (round->r->options.groups &
            (GROUP_BIT(GROUP_TCP) | GROUP_BIT(GROUP_UDP) | GROUP_BIT(GROUP_ADVTCP))) != 0;
}

/* Each group that is wanted; `absent` is why there is no view. */
static void fill(const struct group_round *round, struct group *g, const struct view *view,
                 enum reason absent, struct container_row *row)
{
    const unsigned wanted = round->r->options.groups;
    if (wanted & GROUP_BIT(GROUP_TCP))
        group_row_end(row, GROUP_TCP,
                      absent ? absent
                             : end_of(round, g, "tcp", fill_sockets(round, view, &tcp, row)));
    if (wanted & GROUP_BIT(GROUP_UDP))
        group_row_end(row, GROUP_UDP,
                      absent ? absent
                             : end_of(round, g, "udp", fill_sockets(round, view, &udp, row)));
    if (wanted & GROUP_BIT(GROUP_ADVTCP))
        group_row_end(row, GROUP_ADVTCP,
                      absent ? absent
                             : end_of(round, g, "netstat", fill_counters(round, view, row)));
}

void group_process_fill_network(const struct group_round *round, struct group *g,
                                struct container_row *row)
{
    const struct view view = {g->pid, g->network};
    if (is_any_wanted(round))
        fill(round, g, &view, absent_of(round, g), row);
}

void group_process_fill_host(const struct group_round *round, struct group *root,
                             struct container_row *row)
{
    const struct view view = {.pid = 1};
    if (is_any_wanted(round))
        fill(round, root, &view, round->r->private_pids ? REASON_NO_PROCESS : REASON_NONE, row);
}
