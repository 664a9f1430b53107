/* What it knows: how many processes a group has, their descriptors and sockets, and the limit of
 * its first one; and which groups of values are read of processes at all. Documents: proc(5),
 * /proc/PID/fd and limits; docs/ARCHITECTURE.md, "The cgroup tier". */
#include "collectors/group_process.h"

#include "base/alloc.h"
#include "base/err.h"
#include "collectors/proc_net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DESCRIPTORS_MOST 200000 /* of one group: 0.5 s of CPU time; past it none is given */

static bool is_wanted(const struct group_round *round, enum metric_group group)
{
    return (round->r->options.groups & GROUP_BIT(group)) != 0;
}

static void report_hidden(const struct group_round *round, const struct group *g, int result)
{
    char text[ERR_TEXT_MAX];
    (void)snprintf(text, sizeof text,
                   "descriptors of control group %.100s may not all be read (%s): run weir as root "
                   "in the host's pid namespace and without hidepid, or disable the metrics of "
                   "group process",
                   g->path, result == -ENOENT ? "hidden processes" : "permission denied");
    part_add_problem(&round->r->result.part, REASON_PERMISSION_DENIED, "fd", text);
}

static int read_descriptors(const struct group_round *round, struct group *g,
                            const struct group_pids *pids, struct proc_descriptors *sum)
{
    struct group_pids vanished = {0};
    if (pids->hidden > 0)
        return -ENOENT;
    for (size_t i = 0; i < pids->count; i++) {
        uint32_t pid = pids->items[i];
        int result = proc_descriptors_add(round->r->options.procfs, pid, DESCRIPTORS_MOST, sum);
        if (result == -ENOENT || result == -ESRCH)
            group_process_put(round, &vanished, pid);
        else if (result < 0)
            return result;
    }
    return group_process_any_hidden(round, g, &vanished) ? -ENOENT : 0;
}

/* Of all processes or of none. */
static void fill_descriptors(const struct group_round *round, struct group *g,
                             const struct group_pids *pids, struct container_row *row)
{
    struct proc_descriptors sum = {0};
    int result = read_descriptors(round, g, pids, &sum);
    if (result == -ENOENT || result == -EACCES || result == -EPERM) {
        report_hidden(round, g, result);
    } else if (result < 0) {
        (void)group_process_reason(round, g, "descriptors", result);
    } else {
        group_row_set(row, CONTAINER_FILE_DESCRIPTORS, sum.open);
        group_row_set(row, CONTAINER_SOCKETS, sum.sockets);
    }
}

static bool has_pid(const struct group_pids *pids, uint32_t pid)
{
    for (size_t i = 0; i < pids->count && pid != 0; i++)
        if (pids->items[i] == pid)
            return true;
    return false;
}

static void fill_limit(const struct group_round *round, const struct group *g,
                       const struct group_pids *pids, struct container_row *row)
{
    const char *procfs = round->r->options.procfs;
    uint32_t pid = g->pid;
    uint64_t start = 0;
    int64_t soft = 0;
    if (!has_pid(pids, pid) && proc_pick_first(procfs, pids->items, pids->count, &pid, &start) < 0)
        return;
    int result = proc_limit_read(procfs, pid, &soft);
    if (result == 0)
        row_set(row, CONTAINER_ULIMIT_FILES, (uint64_t)soft); /* -1 as the bits of an int64_t */
    else if (result != -ERANGE)
        (void)group_process_reason(round, g, "limits", result);
}

static enum reason fill_processes(const struct group_round *round, struct group *g,
                                  const struct group_pids *pids, struct container_row *row)
{
    group_row_set(row, CONTAINER_PROCESSES, pids->count + pids->hidden);
    fill_descriptors(round, g, pids, row);
    fill_limit(round, g, pids, row);
    return REASON_NONE;
}

/* Why the group's processes are not known, and they. A v1 hierarchy leaves out those of other pid
 * namespaces: tasks without a process are such. */
static enum reason find_processes(const struct group_round *round, struct group *g,
                                  const struct container_row *row, struct group_pids *ret)
{
    int result = group_process_list(round, g, ret);
    if (result < 0)
        return group_process_reason(round, g, "processes", result);
    bool tasks = row_has(row, CONTAINER_PIDS) && row->values[CONTAINER_PIDS] > 0;
    bool any = ret->count + ret->hidden > 0;
    return !any && (tasks || g->name.kind == GROUP_IS_CONTAINER) ? REASON_NO_PROCESS : REASON_NONE;
}

static void fill_of_processes(const struct group_round *round, struct group *g,
                              struct container_row *row)
{
    struct group_pids pids = {0};
    enum reason absent = find_processes(round, g, row, &pids);
    if (is_wanted(round, GROUP_PROCESS))
        group_row_end(row, GROUP_PROCESS,
                      absent != REASON_NONE ? absent : fill_processes(round, g, &pids, row));
    if (is_wanted(round, GROUP_SCHED))
        group_row_end(row, GROUP_SCHED,
                      absent != REASON_NONE ? absent
                                            : group_process_fill_sched(round, g, &pids, row));
}

void group_process_fill(const struct group_round *round, struct group *g, struct container_row *row)
{
    const unsigned wanted =
        GROUP_BIT(GROUP_PROCESS) | GROUP_BIT(GROUP_SCHED) | GROUP_BIT(GROUP_LOAD);
    if ((round->r->options.groups & wanted) && !g->process)
        g->process = alloc_zeroed(1, sizeof *g->process);
    if (is_wanted(round, GROUP_PROCESS) || is_wanted(round, GROUP_SCHED))
        fill_of_processes(round, g, row);
    if (is_wanted(round, GROUP_LOAD))
        group_row_end(row, GROUP_LOAD, group_process_fill_load(round, g, row));
    group_process_fill_network(round, g, row);
}

void group_process_forget(struct group *g)
{
    if (!g->process)
        return;
    proc_threads_done(&g->process->threads);
    free(g->process);
    g->process = NULL;
}
