/* What is read of a control group's processes: between group_process*.c and nobody else. */
#ifndef WEIR_COLLECTORS_GROUP_PROCESS_H
#define WEIR_COLLECTORS_GROUP_PROCESS_H

#include "collectors/group_row.h"
#include "collectors/proc_tasks.h"

struct group_walk;

/* What is kept of a group, from when one of these groups of values is read first. */
struct group_process {
    struct group_walk *walk;     /* the one under way */
    struct proc_threads threads; /* as they were seen last, sorted by tid */
    uint64_t ended[PROC_TIMES];  /* what those had that are no more */
};

/* The processes of a group and of all below it. */
struct group_pids {
    uint32_t *items; /* sorted, each once; in the result's arena */
    size_t count;
    size_t capacity;
    uint64_t hidden; /* those of another pid namespace, which have no number here */
};

/* Calls `visit` with the group's path and with that of each below it, until it gives an error. One
 * that vanishes meanwhile is passed over. 0; -ENOENT or -ENODEV: the group itself is gone; -E2BIG;
 * another negative errno. */
int group_process_walk(const struct group_round *round, struct group *g,
                       int (*visit)(const struct group_round *round, const char *path,
                                    void *context),
                       void *context);
/* Reads the cgroup.procs of all of them. As group_process_walk; -EOPNOTSUPP: the group has threads
 * and no processes of its own (v2). */
int group_process_list(const struct group_round *round, struct group *g, struct group_pids *ret);
void group_process_put(const struct group_round *round, struct group_pids *pids, uint32_t pid);
/* Is any of these, which procfs does not show, still in the group? Then it is hidden from weir. */
bool group_process_any_hidden(const struct group_round *round, struct group *g,
                              const struct group_pids *vanished);
/* As group_row_reason; a group that is gone has no process, and what is too much says what. */
enum reason group_process_reason(const struct group_round *round, const struct group *g,
                                 const char *what, int result);

enum reason group_process_fill_sched(const struct group_round *round, struct group *g,
                                     const struct group_pids *pids, struct container_row *row);
enum reason group_process_fill_load(const struct group_round *round, struct group *g,
                                    struct container_row *row);
/* Ends GROUP_TCP, GROUP_UDP and GROUP_ADVTCP, those that are wanted. */
void group_process_fill_network(const struct group_round *round, struct group *g,
                                struct container_row *row);

#endif
