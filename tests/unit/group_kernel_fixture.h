/* Groups of its own on the running kernel, as root on a v1 or hybrid host, and a reader that looks
 * at them. Included after cmocka. */
#ifndef WEIR_TESTS_UNIT_GROUP_KERNEL_FIXTURE_H
#define WEIR_TESTS_UNIT_GROUP_KERNEL_FIXTURE_H

#include "base/clock.h"
#include "collectors/group_layout.h"
#include "collectors/group_reader.h"

#include <limits.h>
#include <sys/types.h>

#define ID_(tail) "4f0c2f7be7e0b8f8a8b6c1d2e3f40516273849a0b1c2d3e4f5061728394a" tail
#define WAIT_MS   5000 /* for what the kernel does a little later */

struct here {
    struct group_layout layout;
    struct group_reader *reader;
    char sysfs[64];  /* its hierarchies are links to `parent`, so that nobody else's groups are seen
                      */
    bool alone;      /* the reader looks there */
    unsigned groups; /* bits of enum metric_group that are wanted */
    char parent[64]; /* "/weir-test-PID" */
    char first[160]; /* paths of containers in it */
    char second[160];
    uint64_t later_ns; /* added to the machine's clock */
    struct clock clock;
    void (*at_clock)(struct here *h);
    unsigned at_clock_calls;
    pid_t children[4];
    unsigned child_count;
};

/* cmocka's. Where no groups can be made the reader is NULL. */
int here_setup(void **state);
int here_teardown(void **state);
/* Skips the test where no groups can be made. */
struct here *begin(void **state);
/* The same, and the reader sees the whole machine. No file is kept, for that may have any number of
 * containers. */
struct here *begin_whole(void **state);
/* Another reader. */
void make_reader(struct here *h, size_t max_files);

/* The group in every hierarchy; false where one cannot be made. */
bool make_group(struct here *h, const char *group);
void drop_group(struct here *h, const char *group);
void drop_one(const char *path);
void file_of(char path[PATH_MAX], const struct group_tree *tree, const char *group,
             const char *name);
bool write_file(const char *path, const char *text);
/* Writes a file of the group; false where there is none or the kernel refuses. */
bool set(struct here *h, enum group_controller controller, const char *group, const char *name,
         const char *text);

/* A process in a network namespace of its own, or in that of this one; -1 where none can be made.
 */
pid_t start_process(struct here *h, bool own_network);
void join_group(struct here *h, pid_t pid, const char *group);
/* Ends all that were started. */
void end_processes(struct here *h);

/* A job `seconds` after the last, and what it found at a path, NULL nothing. */
const struct container_row *run(struct here *h, unsigned seconds, const char *path);
const struct container_row *find(const struct here *h, const char *path);

#endif
