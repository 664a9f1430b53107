/* What it knows: the run and waiting times of a group's threads, as a sum that never falls: what a
 * thread had when it was seen last stays in it. Documents: Documentation/scheduler/sched-stats.rst,
 * /proc/PID/schedstat; proc(5), /proc/PID/task. */
#include "collectors/group_process.h"

#include "base/err.h"
#include "collectors/proc_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MOST 16384 /* kept of one group: 0.7 MB, and 0.2 s of CPU time to read */

static int compare_threads(const void *a, const void *b)
{
    const struct proc_thread *left = a;
    const struct proc_thread *right = b;
    if (left->tid != right->tid)
        return left->tid < right->tid ? -1 : 1;
    return left->start_ticks < right->start_ticks ? -1 : left->start_ticks > right->start_ticks;
}

/* Each once: the kernel may list a thread twice while others end. */
static void sort_threads(struct proc_threads *threads)
{
    size_t kept = 0;
    if (threads->count > 1)
        qsort(threads->items, threads->count, sizeof *threads->items, compare_threads);
    for (size_t i = 0; i < threads->count; i++)
        if (i == 0 || compare_threads(&threads->items[kept - 1], &threads->items[i]) != 0)
            threads->items[kept++] = threads->items[i];
    threads->count = kept;
}

/* 0; -EACCES: a process is hidden; another negative errno. */
static int read_threads(const struct group_round *round, struct group *g,
                        const struct group_pids *pids, struct proc_threads *threads)
{
    const char *procfs = round->r->options.procfs;
    struct group_pids vanished = {0};
    if (pids->hidden > 0)
        return -EACCES;
    for (size_t i = 0; i < pids->count; i++) {
        int result = proc_threads_add(procfs, pids->items[i], THREADS_MOST, threads);
        if (result == -ENOENT || result == -ESRCH)
            group_process_put(round, &vanished, pids->items[i]);
        else if (result < 0)
            return result;
    }
    sort_threads(threads);
    return group_process_any_hidden(round, g, &vanished) ? -EACCES : 0;
}

/* Can `now` be what became of `before`? Times of a thread do not fall. */
static bool is_same(const struct proc_thread *before, const struct proc_thread *now)
{
    if (compare_threads(before, now) != 0)
        return false;
    for (enum proc_time i = 0; i < PROC_TIMES; i++)
        if (now->times[i] < before->times[i])
            return false;
    return true;
}

/* A thread that is in no list and lives was moved to another group, perhaps from one already listed
 * to one not listed yet: it stays known, or it would count twice when it is back. */
static bool is_alive(const char *procfs, const struct proc_thread *thread)
{
    struct proc_stat stat;
    return proc_stat_read(procfs, thread->tid, &stat) == 0 &&
           stat.start_ticks == thread->start_ticks;
}

static void add_times(uint64_t sum[PROC_TIMES], const struct proc_thread *thread)
{
    for (enum proc_time i = 0; i < PROC_TIMES; i++)
        sum[i] += thread->times[i];
}

/* Takes the place of what was seen before, both sorted. */
static void renew(struct group_process *kept, const char *procfs, struct proc_threads *now)
{
    size_t listed = now->count;
    size_t at = 0;
    for (size_t i = 0; i < kept->threads.count; i++) {
        const struct proc_thread *before = &kept->threads.items[i];
        while (at < listed && compare_threads(&now->items[at], before) < 0)
            at++;
        bool found = at < listed && compare_threads(&now->items[at], before) == 0;
        if (found && is_same(before, &now->items[at]))
            continue;
        if (!found && now->count < THREADS_MOST && is_alive(procfs, before))
            proc_threads_put(now, before);
        else
            add_times(kept->ended, before);
    }
    if (now->count > listed)
        sort_threads(now);
    proc_threads_done(&kept->threads);
    kept->threads = *now;
}

static enum reason explain(const struct group_round *round, const struct group *g, int result)
{
    char text[ERR_TEXT_MAX];
    if (result != -EACCES && result != -EPERM)
        return group_process_reason(round, g, "threads", result);
    (void)snprintf(
        text, sizeof text,
        "not all threads of control group %.100s can be seen: run weir in the host's pid "
        "namespace and without hidepid, or disable the metrics of the group sched",
        g->path);
    part_add_problem(&round->r->result.part, REASON_PERMISSION_DENIED, "schedstat", text);
    return REASON_PERMISSION_DENIED;
}

enum reason group_process_fill_sched(const struct group_round *round, struct group *g,
                                     const struct group_pids *pids, struct container_row *row)
{
    static const enum container_metric metrics[PROC_TIMES] = {
        CONTAINER_SCHED_RUN, CONTAINER_SCHED_WAIT, CONTAINER_SCHED_SLICES};
    struct group_process *kept = g->process;
    struct proc_threads now = {0};
    uint64_t sum[PROC_TIMES] = {0};
    int result = read_threads(round, g, pids, &now);
    for (size_t i = 0; i < now.count; i++)
        add_times(sum, &now.items[i]);
    /* A kernel that could count and does not writes zeros. */
    if (result == 0 && now.count > 0 && sum[PROC_SLICES] == 0)
        result = -ENODATA;
    if (result < 0) {
        proc_threads_done(&now);
        return explain(round, g, result);
    }
    renew(kept, round->r->options.procfs, &now);
    for (enum proc_time i = 0; i < PROC_TIMES; i++)
        sum[i] = kept->ended[i];
    for (size_t i = 0; i < kept->threads.count; i++)
        add_times(sum, &kept->threads.items[i]);
    for (enum proc_time i = 0; i < PROC_TIMES; i++)
        group_row_set(row, metrics[i], sum[i]);
    return REASON_NONE;
}
