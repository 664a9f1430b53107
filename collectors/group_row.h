/* From a control group's files to a container's row, group of values by group of values. */
#ifndef WEIR_COLLECTORS_GROUP_ROW_H
#define WEIR_COLLECTORS_GROUP_ROW_H

#include "collectors/group_state.h"

/* What is the same for every row of a round. */
struct group_round {
    struct group_reader *r;
    uint64_t now_ns;       /* CLOCK_MONOTONIC when the job began */
    unsigned cpus;         /* online, 0 not known */
    uint64_t host_memory;  /* bytes, 0 not known */
    bool host_swaps;       /* it has swap space */
    uint64_t host_network; /* inode of the host's network namespace, 0 not known */
};

/* Does somebody want this group of values? */
static inline bool group_row_wants(const struct group_round *round, enum metric_group group)
{
    return (round->r->options.groups >> group) & 1;
}

/* Fills every value that is wanted but the network's. 0; -ENODEV: the group vanished meanwhile, or
 * has no process (v2): the row is to be dropped. */
int group_row_fill(const struct group_round *round, struct group *g, struct container_row *row);
/* GROUP_HUGETLB, GROUP_NUMA, GROUP_CPUSET: those that are wanted. */
void group_row_fill_more(const struct group_round *round, struct group *g,
                         struct container_row *row);
/* Parts of group_row_fill, which "/" has too. */
void group_row_fill_cpu(const struct group_round *round, struct group *g,
                        struct container_row *row);
void group_row_fill_block(const struct group_round *round, struct group *g,
                          struct container_row *row);
void group_row_fill_pressure(const struct group_round *round, struct group *g,
                             struct container_row *row);
/* Sets `some` and, where tasks of the group can stall as a whole, the metric behind it, from a
 * pressure file. False where the text is none. */
bool group_row_set_pressure(struct container_row *row, enum container_metric some, const char *text,
                            size_t length, bool stalls);
/* Sets what a file of one number says. 0 or why it says nothing. */
int group_row_read_number(const struct group_round *round, struct group *g, enum group_file file,
                          enum container_metric metric, struct container_row *row);
/* The version of the tree that has the controller, 0 without one. */
int group_row_version(const struct group_reader *r, enum group_controller controller);

/* group_process.c: GROUP_PROCESS, GROUP_SCHED, GROUP_LOAD, GROUP_TCP, GROUP_UDP, GROUP_ADVTCP:
 * those that are wanted, read of the group's processes. After group_net_resolve. */
void group_process_fill(const struct group_round *round, struct group *g,
                        struct container_row *row);
/* GROUP_TCP, GROUP_UDP and GROUP_ADVTCP of the host, from its process 1. */
void group_process_fill_host(const struct group_round *round, struct group *root,
                             struct container_row *row);
/* Frees what it keeps of a group. */
void group_process_forget(struct group *g);
/* Every group of values is absent until it is filled. */
void group_row_begin(struct container_row *row);
/* Ends a group of values: given where `absent` is REASON_NONE. */
void group_row_end(struct container_row *row, enum metric_group group, enum reason absent);
/* What a failed read or parse of a file means for its values; reports what is an error. */
enum reason group_row_reason(const struct group_round *round, const struct group *g,
                             const char *what, int result);
/* Sets a value, unless it is a gauge no true one is as large as. */
void group_row_set(struct container_row *row, enum container_metric metric, uint64_t value);

/* --- group_net.c --- */
/* Does somebody want values that a process of a group leads to? */
bool group_net_wanted(const struct group_reader *r);
/* Finds each group's network namespace, where it is not known, and whose it is. */
void group_net_resolve(const struct group_round *round);
/* The interfaces of a group, once group_net_resolve was called. */
void group_net_fill(const struct group_round *round, struct group *g, struct container_row *row);

/* --- group_host.c --- */
/* What the round needs to know of the host. */
struct group_round group_host_begin(struct group_reader *r, uint64_t now_ns);
/* The row of id="/". */
void group_host_fill(const struct group_round *round, struct group *root,
                     struct container_row *row);

#endif
