/* What it knows: the groups of values that are read on request only: huge pages, memory by node and
 * the one of cpusets. Documents: Documentation/admin-guide/cgroup-v1/hugetlb.rst, memory.rst and
 * cpusets.rst; cgroup-v2.rst, "HugeTLB" and "memory.numa_stat"; mm/hugetlb_cgroup.c, how sizes are
 * written. */
#include "collectors/group_row.h"

#include "base/text.h"
#include "collectors/group_files.h"
#include "collectors/group_parse.h"
#include "collectors/group_parse_numa.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KIB_PER_MIB     1024
#define KIB_PER_GIB     (1024 * 1024)
#define HUGE_NAME_MAX   80 /* bytes of a file's name: "hugetlb.1048576KB.rsvd.max_usage_in_bytes" */
#define NODE_TEXT_LEAST 5  /* bytes that one node takes in memory.numa_stat: " N0=0" */

static void add_point(struct container_row *row, struct arena *arena, enum point_metric metric,
                      uint64_t value, const char *label)
{
    const struct point point = {.metric = metric, .value = value, .labels = {label}};
    row_add_points(row, arena, &point, 1);
}

/* --- huge pages --- */

/* As control group files are called after the size of a page. */
static void format_size(uint64_t kib, char ret[HUGE_SIZE_TEXT])
{
    const char *unit = kib >= KIB_PER_GIB ? "GB" : kib >= KIB_PER_MIB ? "MB" : "KB";
    uint64_t number = kib >= KIB_PER_GIB   ? kib / KIB_PER_GIB
                      : kib >= KIB_PER_MIB ? kib / KIB_PER_MIB
                                           : kib;
    (void)snprintf(ret, HUGE_SIZE_TEXT, "%" PRIu64 "%s", number, unit);
}

/* "hugepages-2048kB", a directory for each size this kernel has. */
static bool size_of(const char *name, uint64_t *ret_kib)
{
    static const char before[] = "hugepages-";
    if (!text_starts_with(name, before))
        return false;
    const char *digits = name + strlen(before);
    size_t count = strspn(digits, "0123456789");
    return text_equal(digits + count, "kB") && text_parse_u64(digits, count, ret_kib) == 0;
}

/* Looked up after each walk: once a minute. */
static void find_sizes(struct group_reader *r)
{
    char path[PATH_MAX];
    uint64_t kib = 0;
    if (r->huge.walked_ns == r->walked_ns)
        return;
    r->huge.walked_ns = r->walked_ns;
    r->huge.count = 0;
    (void)snprintf(path, sizeof path, "%s/kernel/mm/hugepages", r->options.sysfs);
    DIR *directory = opendir(path);
    if (!directory)
        return;
    for (const struct dirent *entry;
         r->huge.count < HUGE_SIZES_MAX && (entry = readdir(directory));)
        if (size_of(entry->d_name, &kib))
            format_size(kib, r->huge.texts[r->huge.count++]);
    (void)closedir(directory);
}

/* Which of a group's files of one page size. */
struct huge_files {
    struct group_reader *r;
    int tree;
    const char *path; /* of the group */
    const char *size;
};

/* Reads hugetlb.SIZE.WHAT, with .rsvd in between where `reserved` says so: the number, or the one
 * of `key`. As group_file_read. */
static int read_huge(const struct huge_files *files, const char *reserved, const char *what,
                     const char *key, uint64_t *ret)
{
    char name[HUGE_NAME_MAX];
    char path[PATH_MAX];
    const char *text = NULL;
    size_t length = 0;
    (void)snprintf(name, sizeof name, "hugetlb.%s%s.%s", files->size, reserved, what);
    if (!group_path_join(files->path, name, path, sizeof path))
        return -ENAMETOOLONG;
    int result = group_path_read(files->r, files->r->roots[files->tree], path, &text, &length);
    if (result < 0)
        return result;
    if (!key)
        return group_parse_number(text, length, ret);
    return group_parse_keys(text, length, &key, 1, ret) != 0 ? 0 : -EBADMSG;
}

/* Pages are charged when they are reserved where the kernel counts that (5.7), else when they are
 * touched. */
static int fill_size(const struct huge_files *files, bool v1, struct container_row *row)
{
    struct arena *arena = &files->r->result.arena;
    const char *usage = v1 ? "usage_in_bytes" : "current";
    uint64_t value = 0;
    const char *reserved = ".rsvd";
    int result = read_huge(files, reserved, usage, NULL, &value);
    if (result == -ENOENT) {
        reserved = "";
        result = read_huge(files, reserved, usage, NULL, &value);
    }
    if (result < 0)
        return result;
    const char *size = arena_string(arena, files->size);
    if (value <= INT64_MAX)
        add_point(row, arena, POINT_HUGETLB_USAGE, value, size);
    if (v1 && read_huge(files, reserved, "max_usage_in_bytes", NULL, &value) == 0 &&
        value <= INT64_MAX)
        add_point(row, arena, POINT_HUGETLB_MAX_USAGE, value, size);
    /* The events of v2 are of both. */
    if ((v1 ? read_huge(files, reserved, "failcnt", NULL, &value)
            : read_huge(files, "", "events", "max", &value)) == 0)
        add_point(row, arena, POINT_HUGETLB_FAILCNT, value, size);
    return 0;
}

static enum reason fill_hugetlb(const struct group_round *round, struct group *g,
                                struct container_row *row)
{
    struct group_reader *r = round->r;
    struct huge_files files = {.r = r, .tree = r->tree_of[CONTROLLER_HUGETLB]};
    bool v1 = group_row_version(r, CONTROLLER_HUGETLB) == 1;
    size_t before = row->point_count;
    if (files.tree < 0)
        return REASON_NO_CONTROLLER;
    files.path = v1 ? group_path_in(r, g, CONTROLLER_HUGETLB) : g->path;
    if (!files.path)
        return REASON_NO_CONTROLLER;
    find_sizes(r);
    int result = -ENOENT;
    for (size_t i = 0; i < r->huge.count; i++) {
        files.size = r->huge.texts[i];
        result = fill_size(&files, v1, row);
        if (result < 0 && result != -ENOENT)
            break;
    }
    if (result < 0 && result != -ENOENT) {
        row->point_count = before; /* all sizes or none */
        return group_row_reason(round, g, "hugetlb", result);
    }
    return row->point_count > before ? REASON_NONE : REASON_NO_CONTROLLER;
}

/* --- memory by node --- */

static void add_nodes(const struct group_round *round, const struct group_numa nodes[],
                      size_t count, bool v1, struct container_row *row)
{
    static const char *const kinds[GROUP_NUMA_KINDS] = {
        [GROUP_NUMA_FILE] = "file",
        [GROUP_NUMA_ANON] = "anon",
        [GROUP_NUMA_UNEVICTABLE] = "unevictable",
    };
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct arena *arena = &round->r->result.arena;
    struct point *points = arena_alloc(arena, count * sizeof *points);
    for (size_t i = 0; i < count; i++) {
        points[i].metric = POINT_NUMA_PAGES;
        points[i].value = v1 ? nodes[i].value : nodes[i].value / page;
        points[i].labels[0] = kinds[nodes[i].kind];
        points[i].labels[1] = v1 && !nodes[i].hierarchy ? "container" : "hierarchy";
        points[i].labels[2] = arena_format(arena, "%" PRIu32, nodes[i].node);
    }
    row_add_points(row, arena, points, count);
}

static enum reason fill_numa(const struct group_round *round, struct group *g,
                             struct container_row *row)
{
    int version = group_row_version(round->r, CONTROLLER_MEMORY);
    const char *text = NULL;
    size_t length = 0;
    struct group_numa *nodes = NULL;
    if (version == 0)
        return REASON_NO_CONTROLLER;
    int result = group_file_read(round->r, g, version == 1 ? GROUP_FILE_NUMA_1 : GROUP_FILE_NUMA_2,
                                 &text, &length);
    if (result == -ENOENT) /* a kernel without nodes, or before 5.11 (v2) */
        return row->tiers[GROUP_MEMORY] != TIER_NONE ? REASON_NOT_GIVEN : REASON_NO_CONTROLLER;
    if (result == 0) {
        size_t most = length / NODE_TEXT_LEAST;
        nodes = arena_alloc(&round->r->result.arena, (most + 1) * sizeof *nodes);
        result = group_parse_numa(text, length, most, nodes);
    }
    if (result < 0)
        return group_row_reason(round, g, "memory.numa_stat", result);
    add_nodes(round, nodes, (size_t)result, version == 1, row);
    return REASON_NONE;
}

/* --- cpusets --- */

static enum reason fill_cpuset(const struct group_round *round, struct group *g,
                               struct container_row *row)
{
    int version = group_row_version(round->r, CONTROLLER_CPUSET);
    if (version != 1) /* v2 moves pages always */
        return version == 0 ? REASON_NO_CONTROLLER : REASON_NOT_GIVEN;
    return group_row_reason(
        round, g, "cpuset.memory_migrate",
        group_row_read_number(round, g, GROUP_FILE_MIGRATE_1, CONTAINER_MEMORY_MIGRATE, row));
}

void group_row_fill_more(const struct group_round *round, struct group *g,
                         struct container_row *row)
{
    if (group_row_wants(round, GROUP_CPUSET))
        group_row_end(row, GROUP_CPUSET, fill_cpuset(round, g, row));
    if (group_row_wants(round, GROUP_HUGETLB))
        group_row_end(row, GROUP_HUGETLB, fill_hugetlb(round, g, row));
    if (group_row_wants(round, GROUP_NUMA))
        group_row_end(row, GROUP_NUMA, fill_numa(round, g, row));
}
