/* The reader's state: hierarchies, control groups, and what is kept of them from round to round.
 * Used on the reader's thread only while a job runs. Shared by group_*.c of the reader and by
 * nobody else. */
#ifndef WEIR_COLLECTORS_GROUP_STATE_H
#define WEIR_COLLECTORS_GROUP_STATE_H

#include "collectors/block_accounting.h"
#include "collectors/group.h"
#include "collectors/group_layout.h"
#include "collectors/group_parse_io.h"
#include "collectors/group_reader.h"

struct machine;

/* A directory that is listed in every round, because containers are below it. */
struct watched {
    char *path;         /* owned */
    uint64_t hash;      /* of path */
    uint64_t *children; /* hashes of the names of those below that hold no container themselves,
                           sorted; owned */
    size_t child_count;
    size_t child_capacity;
    int watch; /* of inotify, -1 none */
};

struct group_reader {
    struct group_reader_options options; /* texts owned: procfs, sysfs and the lists of roots */
    char *procfs, *sysfs;
    struct group_layout layout;
    int roots[GROUP_TREES_MAX];    /* descriptors of the trees' roots */
    int tree_of[CONTROLLER_COUNT]; /* index into layout.trees, -1 none */
    int unified;                   /* the v2 tree, -1 none */
    int scanned;                   /* the tree that is searched for groups */
    unsigned version;              /* of the tree with the controllers, 1 or 2 */
    size_t block_choice;           /* which v1 files count block I/O here, see group_files.c */
    bool block_chosen;
    bool block_zeros; /* a zero in them is a number */
    enum block_accounting accounting;
    bool private_pids;     /* weir's own processes are all that its /proc shows */
    uint64_t opened;       /* files opened so far */
    uint64_t facts_end_ns; /* CLOCK_MONOTONIC after which a job asks no more files for names */

    struct group *root;    /* "/", the host; owned */
    struct group **groups; /* owned, sorted by path */
    size_t group_count;
    size_t group_capacity;
    bool groups_changed; /* since the owners of networks were told apart */
    struct watched *watched;
    size_t watched_count;
    size_t watched_capacity;
    uint64_t scan;      /* counts scans */
    uint64_t walked_ns; /* CLOCK_MONOTONIC of the last full walk, 0 never */
    size_t directories; /* seen in the walk under way */
    bool too_many;

    struct group_hint *hints; /* owned, sorted by id */
    size_t hint_count;
    bool hints_changed;

    struct named_device *devices; /* owned: what was looked up since the last walk */
    size_t device_count, device_capacity;
    struct arena device_names;
    struct machine *machine; /* owned: what is known of the host beside its rows */
    struct huge_sizes huge;
    struct group_io *io; /* owned: the devices of one group */

    int inotify;       /* of removals, -1 none */
    int limit_inotify; /* of changed limits, -1 none; read in rounds only */
    size_t kept;       /* descriptors kept open */
    char *buffer;      /* for one file; owned */
    size_t buffer_size;
    struct group_result result;
    struct task_states *task_states; /* for GROUP_LOAD; owned, NULL not asked yet */
};

/* What the inventory knows of the group's container, NULL nothing. */
const struct group_hint *group_hint_of(const struct group_reader *r, const struct group *g);

#endif
