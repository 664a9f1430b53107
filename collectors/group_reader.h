/* Reads every control group that is to be shown, and the host: one blocking job a round. Everything
 * here is for one thread at a time: the loop's between jobs, the reader's thread while one runs. */
#ifndef WEIR_COLLECTORS_GROUP_READER_H
#define WEIR_COLLECTORS_GROUP_READER_H

#include "base/snapshot.h"
#include "collectors/collector.h"
#include "collectors/container_files.h"
#include "collectors/group_path.h"

#define GROUP_ID_LENGTH 64 /* hex digits */

struct group_reader; /* opaque here; group_state.h */

struct group_reader_options {
    const struct clock *clock;
    const char *procfs;
    const char *sysfs;
    enum collect_scope scope;
    size_t max_files; /* kept open between rounds */
    unsigned groups;  /* bit per enum metric_group: what is wanted */
    struct container_files_options files;
};

/* What the inventory knows of a container. */
struct group_hint {
    char id[GROUP_ID_LENGTH + 1];
    char *path;          /* of its group, NULL not known; owned */
    uint32_t pid;        /* of its first process, 0 not known */
    bool named;          /* its name is known */
    bool complete;       /* name and start are known: the runtimes' files need not be asked */
    enum reason network; /* what its engine says of its network; REASON_NONE: its own */
};

/* One group as it was read. */
struct group_found {
    enum identity_kind kind;
    const char *path;
    struct group_name name;
    uint64_t read_ns;         /* CLOCK_MONOTONIC before its first file was read */
    struct container_row row; /* without identity; interfaces and devices in the result's arena */
    const struct container_facts *facts; /* what the runtimes' files said just now, NULL nothing */
};

/* What a job found; valid until the next one. */
struct group_result {
    struct arena arena;
    struct group_found *found; /* owned */
    size_t found_count;
    size_t found_capacity;
    struct part part; /* points and problems */
    bool complete;    /* every container of this host is among them */
};

/* Finds the hierarchies and opens their roots. 0; -ENOENT and the sentence where the host has none.
 */
int group_reader_new(const struct group_reader_options *options, struct err *e,
                     struct group_reader **ret_reader);
void group_reader_free(struct group_reader *r);
/* Takes the hints in place of those before: sorted by id, the array and its paths owned by the
 * reader from now on. */
void group_reader_hint(struct group_reader *r, struct group_hint *hints, size_t count);
/* The job. */
void group_reader_run(struct group_reader *r);
const struct group_result *group_reader_result(const struct group_reader *r);
/* Closes every file kept open. */
void group_reader_close_files(struct group_reader *r);
/* Readable when groups were removed; -1 where that cannot be heard. The reader's. */
int group_reader_descriptor(const struct group_reader *r);
/* Closes the files of groups that were removed since. Does not block. */
void group_reader_reap(struct group_reader *r);
/* What `weir check` says. */
void group_reader_examine(struct group_reader *r, const struct check_sink *sink);

#endif
