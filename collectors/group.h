/* A control group that is read each round, and what is kept of it. Shared by the reader's group_*.c
 * and by nobody else. */
#ifndef WEIR_COLLECTORS_GROUP_H
#define WEIR_COLLECTORS_GROUP_H

#include "collectors/group_file_list.h"
#include "collectors/group_layout.h"
#include "collectors/group_path.h"

#include <stdbool.h>
#include <stdint.h>

#define GROUP_MISSING (-1) /* in fds: not kept */

#define GROUP_LIMIT_WATCHES 3 /* the trees that have limits: cpu, memory, pids */

/* Limits change rarely: kept until one is heard to change. An absent one has its bit of `given`
 * clear. */
struct group_limits {
    uint64_t read_ns; /* CLOCK_MONOTONIC, 0 never */
    bool heard_of;    /* a change is heard of; else they are read every few seconds */
    int watches[GROUP_LIMIT_WATCHES]; /* of inotify, -1 none */
    unsigned given;                   /* bit per enum group_limit */
    uint64_t values[GROUP_LIMITS];
};

/* A control group that is read each round. */
struct group {
    char *path;             /* below the root of every tree, "/docker/<id>"; owned */
    struct group_name name; /* points into path */
    uint64_t birth;         /* its inode in the tree that is scanned */
    uint64_t seen;          /* the scan that found it last */
    int fds[GROUP_FILES];
    uint32_t missing; /* bit per enum group_file that is not there; anew with the limits */
    uint32_t in_tree; /* bit per enum group_controller whose tree has it at `path` */
    uint32_t no_tree; /* bit per enum group_controller whose tree has no such group */
    char *elsewhere[CONTROLLER_COUNT]; /* its path in trees where that is another; owned, NULL the
                                          same */
    struct group_limits limits;

    /* its network */
    uint32_t pid; /* of its first process, 0 not known */
    uint64_t pid_start;
    int net_fd;          /* bound to the network namespace; GROUP_MISSING */
    uint64_t network;    /* inode of the namespace, 0 not known */
    bool owns_network;   /* its counters are this group's */
    uint64_t network_ns; /* CLOCK_MONOTONIC when it was looked for last, 0 never */
    bool joins_network;  /* an engine says that it joined another container's */
    bool hinted;         /* an engine says that the container is here */
    bool twin;           /* another group has the id and counts */
    bool sandbox;        /* a pod's, the owner of the pod's network */
    uint64_t facts_ns;   /* CLOCK_MONOTONIC when the runtimes' files were asked last, 0 never */

    struct group_process *process; /* of group_process*.c; owned, NULL nothing is kept */
};

/* A block device and what it is called. */
struct named_device {
    uint32_t major;
    uint32_t minor;
    const char *name; /* NULL not looked up */
    bool judged;      /* `disk` was looked up */
    bool disk;        /* a whole one, whose numbers in /proc/diskstats are shown */
};

#define HUGE_SIZES_MAX 16 /* of a kernel; powerpc has the most, 8 */
#define HUGE_SIZE_TEXT 24 /* bytes of "1GB", or of any number and two letters */

/* The sizes of huge pages that the kernel counts. */
struct huge_sizes {
    char texts[HUGE_SIZES_MAX][HUGE_SIZE_TEXT]; /* "2MB" */
    size_t count;
    uint64_t walked_ns; /* the walk after which they were looked up, 0 never */
};

#endif
