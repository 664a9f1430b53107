/* The format of memory.numa_stat. Pure; what group_parse.h says of texts and results holds.
 * Documents: Documentation/admin-guide/cgroup-v1/memory.rst, 5.6; cgroup-v2.rst. */
#ifndef WEIR_COLLECTORS_GROUP_PARSE_NUMA_H
#define WEIR_COLLECTORS_GROUP_PARSE_NUMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum group_numa_kind {
    GROUP_NUMA_FILE,
    GROUP_NUMA_ANON,
    GROUP_NUMA_UNEVICTABLE,
    GROUP_NUMA_KINDS,
};

/* Memory of one kind on one node. */
struct group_numa {
    enum group_numa_kind kind;
    bool hierarchy; /* v1: of the group and of what is below it */
    uint32_t node;
    uint64_t value; /* v1: pages; v2: bytes, always of the hierarchy */
};

/* Lines of these kinds, v1 "file=35 N0=35" and "hierarchical_file=35 N0=35", v2 "file N0=143360";
 * others are skipped. Returns how many values there are, each written to `ret`; -ENODATA for an
 * empty file; -EBADMSG where no line is of these kinds, or one of them is not as the kernel writes
 * it; -E2BIG past `most`. On failure `ret` is undefined. */
int group_parse_numa(const char *text, size_t length, size_t most, struct group_numa ret[]);

#endif
