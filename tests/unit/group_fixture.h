/* A host that stands in for the machine: a temporary sysfs with control groups, a procfs with
 * processes, a clock of its own, and a reader that looks at them. Included after cmocka. */
#ifndef WEIR_TESTS_UNIT_GROUP_FIXTURE_H
#define WEIR_TESTS_UNIT_GROUP_FIXTURE_H

#include "base/clock.h"
#include "collectors/group_layout.h"
#include "collectors/group_reader.h"

#include <stdarg.h>
#include <stddef.h>

/* An id that ends in that many (hexadecimal) and is else all the same. */
#define ID_(tail) "4f0c2f7be7e0b8f8a8b6c1d2e3f40516273849a0b1c2d3e4f5061728394a" tail
#define ID        ID_("0001")
#define ID_2      ID_("0002")
#define ID_3      ID_("0003")
#define PATH      "/docker/" ID
#define PATH_2    "/docker/" ID_2
#define PATH_3    "/docker/" ID_3

#define HOST_NETWORK "host" /* the namespace of pid 1 */

struct group_fixture {
    char top[64]; /* the temporary directory */
    enum group_mode mode;
    uint64_t now_ns; /* of the clock */
    /* Called when the reader asks the clock, until it has counted down: something happens while a
     * job runs. */
    void (*at_clock)(struct group_fixture *f);
    unsigned at_clock_calls; /* before it is called; 0 never */
    uint64_t networks;
    struct clock clock;
    char procfs[80];
    char sysfs[80];
    struct group_reader_options options; /* max_files is large, unless a test says else */
    struct group_reader *reader;         /* made by the first fixture_run */
};

/* A host of that kind with its host's files and no group but "/". */
void fixture_new(struct group_fixture *f, enum group_mode mode);
void fixture_done(struct group_fixture *f);
/* Another reader at the next run, of the options as they are then. */
void fixture_again(struct group_fixture *f);

/* Writes a file below the temporary directory, with the directories above it. */
void put(struct group_fixture *f, const char *text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void put_bytes(struct group_fixture *f, const char *bytes, size_t length, const char *path);
void put_directory(struct group_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes a file or a directory with all that is in it away; nothing may be there. */
void drop(struct group_fixture *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The directory of the hierarchy with that controller ("memory"), below the temporary one. */
const char *tree(const struct group_fixture *f, const char *controller);
/* One file of a group. */
void put_file(struct group_fixture *f, const char *controller, const char *path, const char *name,
              const char *text);
void drop_file(struct group_fixture *f, const char *controller, const char *path, const char *name);
/* A group with the files of a container in every hierarchy; on a hybrid host in the v2 one too. */
void put_container(struct group_fixture *f, const char *path);
void drop_container(struct group_fixture *f, const char *path);
/* Calls `what` with the directory of the group in each hierarchy. */
void each_tree(struct group_fixture *f, const char *path,
               void (*what)(struct group_fixture *f, const char *directory));
/* An empty group in every hierarchy. */
void put_group(struct group_fixture *f, const char *path);
/* Drops it and makes it anew with another inode. */
void renew_container(struct group_fixture *f, const char *path);
/* A process in the network namespace of that name, in every hierarchy in group `path`. Processes
 * with one name share a namespace; NULL: its network cannot be seen. */
void put_process(struct group_fixture *f, unsigned pid, unsigned start, const char *network,
                 const char *path);
/* Puts its network in place of the one it had. */
void put_network(struct group_fixture *f, unsigned pid, const char *network);
/* The lines of such a namespace after those of the heading and lo. */
void put_interfaces(struct group_fixture *f, const char *network, const char *lines);

/* The same with eth0, so many bytes received. */
void put_bytes_received(struct group_fixture *f, const char *network, uint64_t bytes);

/* One job `seconds` after the last. */
const struct group_result *fixture_run(struct group_fixture *f, unsigned seconds);
/* Hints: an array for the reader to own, sorted by id; `path` is copied. */
void hint(struct group_fixture *f, size_t count, const struct group_hint hints[]);

#include "group_fixture_rows.h" /* and how to look at what was found */

#endif
