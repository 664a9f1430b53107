/* What it knows: groups of values that are read on request only, and what is not read because
 * nobody asked for it. Documents: base/metric_list.h; Documentation/admin-guide/cgroup-v1/
 * hugetlb.rst, memory.rst and cpusets.rst; cgroup-v2.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "group_fixture.h"
#include "group_fixture_texts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define MISSING_AGE     60 /* seconds for which a file that was not there is not looked for */

/* How many points of a metric the row has; with labels that are as given (NULL: any). */
static size_t count_points(const struct container_row *row, enum point_metric metric)
{
    size_t count = 0;
    for (size_t i = 0; i < row->point_count; i++)
        count += row->points[i].metric == metric;
    return count;
}

static uint64_t point_at(const struct container_row *row, enum point_metric metric, const char *a,
                         const char *b, const char *c)
{
    const struct point *found = NULL;
    for (size_t i = 0; i < row->point_count; i++) {
        const struct point *p = &row->points[i];
        if (p->metric != metric || !text_equal(p->labels[0], a) ||
            (b && !text_equal(p->labels[1], b)) || (c && !text_equal(p->labels[2], c)))
            continue;
        assert_null(found); /* once */
        found = p;
    }
    if (!found)
        fail_msg("no %s of %s", point_metrics[metric].family, a);
    return found->value;
}

static void want(struct group_fixture *f, unsigned groups)
{
    fixture_again(f);
    f->options.groups = groups;
}

/* --- cpusets --- */

static void test_cpuset_1(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH_2);
    put_file(f, "cpuset", PATH, "cpuset.memory_migrate", "1\n");
    want(f, GROUP_BIT(GROUP_CPUSET));
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), MEMORY_MIGRATE, 1);
    assert_absent(row_at(f, PATH_2), GROUP_CPUSET, REASON_NO_CONTROLLER); /* not in that tree */
    put_file(f, "cpuset", PATH, "cpuset.memory_migrate", "0\n");
    (void)fixture_run(f, 1);
    assert_value(row_at(f, PATH), MEMORY_MIGRATE, 0);
    assert_int_equal(problems(f, REASON_MALFORMED), 0);
    put_file(f, "cpuset", PATH, "cpuset.memory_migrate", "x\n");
    (void)fixture_run(f, 1);
    assert_absent(row_at(f, PATH), GROUP_CPUSET, REASON_MALFORMED);
    assert_no_value(row_at(f, PATH), MEMORY_MIGRATE);
    assert_int_equal(problems(f, REASON_MALFORMED), 1);
}

static void test_no_cpuset(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    want(f, GROUP_BIT(GROUP_CPUSET));
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_CPUSET,
                  f->mode == GROUP_MODE_UNIFIED ? REASON_NOT_GIVEN : REASON_NO_CONTROLLER);
    assert_no_value(row_at(f, PATH), MEMORY_MIGRATE);
}

/* --- huge pages --- */

static void put_sizes(struct group_fixture *f)
{
    put_directory(f, "sys/kernel/mm/hugepages/hugepages-2048kB");
    put_directory(f, "sys/kernel/mm/hugepages/hugepages-1048576kB");
    put_directory(f, "sys/kernel/mm/hugepages/hugepages-64kB");
    put_directory(f, "sys/kernel/mm/hugepages/other");
}

static void put_huge(struct group_fixture *f, const char *size, const char *what, const char *text)
{
    char name[64];
    (void)snprintf(name, sizeof name, "hugetlb.%s.%s", size, what);
    put_file(f, "hugetlb", PATH, name, text);
}

static void test_hugetlb_1(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_sizes(f);
    put_huge(f, "2MB", "usage_in_bytes", "1\n"); /* .rsvd is preferred */
    put_huge(f, "2MB", "max_usage_in_bytes", "2\n");
    put_huge(f, "2MB", "failcnt", "3\n");
    put_huge(f, "2MB", "rsvd.usage_in_bytes", "4194304\n");
    put_huge(f, "2MB", "rsvd.max_usage_in_bytes", "6291456\n");
    put_huge(f, "2MB", "rsvd.failcnt", "7\n");
    put_huge(f, "1GB", "usage_in_bytes", "1073741824\n"); /* before 5.7 */
    put_huge(f, "1GB", "max_usage_in_bytes", "2147483648\n");
    put_huge(f, "1GB", "failcnt", "0\n");
    want(f, GROUP_BIT(GROUP_HUGETLB));
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_given(row, GROUP_HUGETLB);
    assert_int_equal(row->point_count, 6); /* no 64KB */
    assert_int_equal(point_at(row, POINT_HUGETLB_USAGE, "2MB", NULL, NULL), 4194304);
    assert_int_equal(point_at(row, POINT_HUGETLB_MAX_USAGE, "2MB", NULL, NULL), 6291456);
    assert_int_equal(point_at(row, POINT_HUGETLB_FAILCNT, "2MB", NULL, NULL), 7);
    assert_int_equal(point_at(row, POINT_HUGETLB_USAGE, "1GB", NULL, NULL), 1073741824);
    assert_int_equal(point_at(row, POINT_HUGETLB_MAX_USAGE, "1GB", NULL, NULL), 2147483648);
    assert_int_equal(point_at(row, POINT_HUGETLB_FAILCNT, "1GB", NULL, NULL), 0);
    assert_int_equal(problems(f, REASON_MALFORMED), 0);
    put_huge(f, "2MB", "rsvd.usage_in_bytes", "419");
    (void)fixture_run(f, 1);
    assert_absent(row_at(f, PATH), GROUP_HUGETLB, REASON_MALFORMED);
    assert_int_equal(row_at(f, PATH)->point_count, 0);
    assert_int_equal(problems(f, REASON_MALFORMED), 1);
}

static void test_hugetlb_2(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH_2);
    put_sizes(f);
    put_huge(f, "64KB", "current", "65536\n");
    put_huge(f, "64KB", "events", "max 3\n");
    put_huge(f, "2MB", "current", "1\n");
    put_huge(f, "2MB", "rsvd.current", "2097152\n");
    put_huge(f, "2MB", "events", "max 5\n");
    put_huge(f, "1GB", "current", "0\n");
    want(f, GROUP_BIT(GROUP_HUGETLB));
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_given(row, GROUP_HUGETLB);
    assert_int_equal(row->point_count, 5);
    assert_int_equal(point_at(row, POINT_HUGETLB_USAGE, "64KB", NULL, NULL), 65536);
    assert_int_equal(point_at(row, POINT_HUGETLB_FAILCNT, "64KB", NULL, NULL), 3);
    assert_int_equal(point_at(row, POINT_HUGETLB_USAGE, "2MB", NULL, NULL), 2097152);
    assert_int_equal(point_at(row, POINT_HUGETLB_FAILCNT, "2MB", NULL, NULL), 5);
    assert_int_equal(point_at(row, POINT_HUGETLB_USAGE, "1GB", NULL, NULL), 0);
    assert_absent(row_at(f, PATH_2), GROUP_HUGETLB, REASON_NO_CONTROLLER);
    put_huge(f, "2MB", "events", "garbage\n");
    (void)fixture_run(f, 1);
    row = row_at(f, PATH);
    assert_int_equal(count_points(row, POINT_HUGETLB_USAGE), 3);
    assert_int_equal(count_points(row, POINT_HUGETLB_FAILCNT), 1);
}

static void test_no_hugetlb(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    want(f, GROUP_BIT(GROUP_HUGETLB));
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_HUGETLB, REASON_NO_CONTROLLER);
    put_sizes(f);
    (void)fixture_run(f, MISSING_AGE);
    assert_absent(row_at(f, PATH), GROUP_HUGETLB, REASON_NO_CONTROLLER);
    assert_int_equal(row_at(f, PATH)->point_count, 0);
}

/* --- memory by node --- */

static void test_numa_1(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "memory", PATH, "memory.numa_stat",
             "total=6 N0=1 N1=5\nfile=21 N0=10 N1=11\nanon=25 N0=12 N1=13\n"
             "unevictable=29 N0=14 N1=15\nhierarchical_total=6 N0=1 N1=5\n"
             "hierarchical_file=33 N0=16 N1=17\nhierarchical_anon=37 N0=18 N1=19\n"
             "hierarchical_unevictable=41 N0=20 N1=21\n");
    want(f, GROUP_BIT(GROUP_NUMA));
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_given(row, GROUP_NUMA);
    assert_int_equal(count_points(row, POINT_NUMA_PAGES), 12);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "file", "container", "0"), 10);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "anon", "container", "1"), 13);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "unevictable", "container", "1"), 15);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "file", "hierarchy", "1"), 17);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "anon", "hierarchy", "0"), 18);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "unevictable", "hierarchy", "0"), 20);
}

static void test_numa_2(void **state)
{
    struct group_fixture *f = *state;
    char text[256];
    unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE);
    put_container(f, PATH);
    (void)snprintf(text, sizeof text,
                   "anon N0=%llu N1=%llu\nfile N0=%llu N1=0\nkernel_stack N0=1 N1=2\n"
                   "unevictable N0=%llu N1=%llu\n",
                   page, 2 * page, 3 * page, 4 * page + 1, 5 * page);
    put_file(f, "", PATH, "memory.numa_stat", text);
    want(f, GROUP_BIT(GROUP_NUMA));
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_given(row, GROUP_NUMA);
    assert_int_equal(count_points(row, POINT_NUMA_PAGES), 6);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "anon", "hierarchy", "0"), 1);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "anon", "hierarchy", "1"), 2);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "file", "hierarchy", "0"), 3);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "file", "hierarchy", "1"), 0);
    assert_int_equal(point_at(row, POINT_NUMA_PAGES, "unevictable", "hierarchy", "0"), 4);
    put_file(f, "", PATH, "memory.numa_stat", "anon N0=4096 N1");
    (void)fixture_run(f, 1);
    assert_absent(row_at(f, PATH), GROUP_NUMA, REASON_MALFORMED);
    assert_int_equal(row_at(f, PATH)->point_count, 0);
    assert_int_equal(problems(f, REASON_MALFORMED), 1);
}

/* A kernel for machines without nodes. */
static void test_no_numa(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    want(f, GROUPS_DEFAULT | GROUP_BIT(GROUP_NUMA));
    (void)fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_NUMA, REASON_NOT_GIVEN);
    assert_given(row_at(f, PATH), GROUP_MEMORY);
}

/* --- swap events --- */

/* Without swap space there is nothing to count, and the file is not read. */
static void test_no_swap(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put(f, "MemTotal: 8000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n", "proc/meminfo");
    (void)fixture_run(f, 0);
    assert_given(row_at(f, PATH), GROUP_MEMORY);
    assert_no_value(row_at(f, PATH), SWAP_EVENT_FAIL);
    put(f, "MemTotal: 8000000 kB\nSwapTotal: 4 kB\nSwapFree: 4 kB\n", "proc/meminfo");
    (void)fixture_run(f, 1);
    assert_value(row_at(f, PATH), SWAP_EVENT_FAIL, 93);
    drop_file(f, "", PATH, "memory.swap.events");
    want(f, GROUPS_DEFAULT);
    (void)fixture_run(f, 1);
    assert_given(row_at(f, PATH), GROUP_MEMORY);
    assert_no_value(row_at(f, PATH), SWAP_EVENT_HIGH);
}

/* --- what nobody asked for --- */

/* The group's values of the row are there if `wanted`, and none is else. */
static void check_group(const struct container_row *row, const struct container_row *whole,
                        enum metric_group group, bool wanted)
{
    assert_int_equal(row->tiers[group], wanted ? whole->tiers[group] : TIER_NONE);
    if (!wanted)
        assert_absent(row, group, REASON_NOT_GIVEN);
    for (enum container_metric m = 0; m < CONTAINER_METRICS; m++) {
        if (container_metrics[m].group != group)
            continue;
        assert_int_equal(row_has(row, m), wanted && row_has(whole, m));
        if (row_has(row, m))
            assert_int_equal(row->values[m], whole->values[m]);
    }
    if (group == GROUP_NETWORK)
        assert_int_equal(row->interface_count, wanted ? whole->interface_count : 0);
    if (group == GROUP_BLOCK_IO)
        assert_int_equal(row->device_count, wanted ? whole->device_count : 0);
}

/* The files of one group of values; what is in them would be reported, were it read. */
static const struct {
    enum metric_group group;
    const char *controller;
    const char *name;
} files[] = {
    {GROUP_CPU, "cpuacct", "cpuacct.usage"},
    {GROUP_CPU, "unified", "cpu.stat"},
    {GROUP_MEMORY, "memory", "memory.stat"},
    {GROUP_MEMORY, "memory", "memory.limit_in_bytes"},
    {GROUP_MEMORY, "unified", "memory.max"},
    {GROUP_BLOCK_IO, "blkio", "blkio.throttle.io_service_bytes_recursive"},
    {GROUP_BLOCK_IO, "unified", "io.stat"},
    {GROUP_PIDS, "pids", "pids.current"},
    {GROUP_PIDS, "pids", "pids.max"},
    {GROUP_SPEC, "cpu", "cpu.cfs_period_us"},
    {GROUP_SPEC, "unified", "cpu.weight"},
    {GROUP_SPEC, "unified", "memory.low"},
};

static void break_files(struct group_fixture *f, enum metric_group group)
{
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (files[i].group == group)
            put_file(f, files[i].controller, PATH, files[i].name, "garbage\n");
    if (group == GROUP_SPEC || group == GROUP_MEMORY) /* a limit that both read */
        put_file(f, "memory", PATH, "memory.limit_in_bytes", "536870912\n");
    if (group == GROUP_SPEC || group == GROUP_MEMORY)
        put_file(f, "unified", PATH, "memory.max", "536870912\n");
    if (group == GROUP_BLOCK_IO)
        put(f, "garbage\n", "proc/diskstats");
}

static void check_without(struct group_fixture *f, enum metric_group off)
{
    want(f, GROUPS_DEFAULT);
    put_container(f, PATH);
    put(f, "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n", "proc/diskstats");
    (void)fixture_run(f, 1);
    assert_int_equal(group_reader_result(f->reader)->part.problem_count, 0);
    const struct container_row whole = *row_at(f, PATH);
    const struct container_row host = *row_at(f, "/");
    struct group_reader *before = f->reader; /* its rows are looked at below */
    f->reader = NULL;
    want(f, GROUPS_DEFAULT & ~GROUP_BIT(off));
    break_files(f, off);
    (void)fixture_run(f, 1);
    assert_int_equal(group_reader_result(f->reader)->part.problem_count, 0);
    for (enum metric_group group = 0; group < GROUP_COUNT; group++) {
        check_group(row_at(f, PATH), &whole, group, group != off);
        check_group(row_at(f, "/"), &host, group, group != off);
    }
    group_reader_free(before);
}

/* Each of the default groups switched off alone. */
static void test_each_off(void **state)
{
    static const enum metric_group groups[] = {GROUP_CPU,      GROUP_MEMORY, GROUP_NETWORK,
                                               GROUP_BLOCK_IO, GROUP_PIDS,   GROUP_PRESSURE,
                                               GROUP_SPEC,     GROUP_OOM};
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        check_without(f, groups[i]);
}

/* OOM kills without the rest of memory. */
static void test_kills_alone(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "memory", PATH, "memory.stat", "garbage\n");
    want(f, GROUP_BIT(GROUP_OOM));
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), OOM_KILLS, f->mode == GROUP_MODE_UNIFIED ? 85 : 3);
    assert_no_value(row_at(f, PATH), MEMORY_EVENT_OOM_KILL);
    assert_absent(row_at(f, PATH), GROUP_MEMORY, REASON_NOT_GIVEN);
    assert_int_equal(problems(f, REASON_MALFORMED), 0);
}

static void assert_bare(const struct group_fixture *f, const char *path)
{
    const struct container_row *row = row_at(f, path);
    assert_true(row->present == 0);
    assert_int_equal(row->interface_count + row->device_count + row->point_count, 0);
    for (enum metric_group group = 0; group < GROUP_COUNT; group++)
        assert_absent(row, group, REASON_NOT_GIVEN);
}

/* Which containers there are and whether they run is known all the same. */
static void test_nothing_wanted(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    want(f, 0);
    (void)fixture_run(f, 0);
    assert_int_equal(row_at(f, PATH)->state, STATE_RUNNING);
    assert_bare(f, PATH);
    assert_bare(f, "/");
    uint64_t kept = point_of(f, AGENT_GROUP_FILES);
    assert_true(kept <= 2); /* who runs, and who is frozen */
    if (f->mode == GROUP_MODE_UNIFIED)
        put_file(f, "unified", PATH, "cgroup.events", "populated 0\nfrozen 0\n");
    else
        put_file(f, "pids", PATH, "pids.current", "0\n");
    (void)fixture_run(f, 1);
    assert_null(found_at(f, PATH)); /* nobody is in it */
    assert_int_equal(point_of(f, AGENT_GROUP_FILES), kept);
}

static void drop_it(struct group_fixture *f)
{
    drop_container(f, PATH);
}

/* It vanishes after the scan. */
static void test_vanishes(void **state)
{
    static const unsigned groups[] = {0, GROUP_BIT(GROUP_OOM), GROUP_BIT(GROUP_SPEC),
                                      GROUP_BIT(GROUP_PIDS), GROUP_BIT(GROUP_NUMA)};
    struct group_fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        put_container(f, PATH);
        want(f, groups[i]);
        f->options.max_files = 0; /* a regular file that is kept stays readable */
        (void)fixture_run(f, 1);
        assert_non_null(found_at(f, PATH));
        f->at_clock = drop_it;
        f->at_clock_calls = 2; /* the second: before the row of "/" or of this group is read */
        (void)fixture_run(f, 1);
        assert_int_equal(f->at_clock_calls, 0);
        assert_null(found_at(f, PATH));
    }
}

/* --- disks of the host --- */

static const struct device_row *device_at(const struct container_row *row, uint32_t major,
                                          uint32_t minor)
{
    const struct device_row *found = NULL;
    for (size_t i = 0; i < row->device_count; i++) {
        if (row->devices[i].major != major || row->devices[i].minor != minor)
            continue;
        assert_null(found);
        found = &row->devices[i];
    }
    return found;
}

static const enum device_metric disk_metrics[] = {
    DEVICE_READS_MERGED,  DEVICE_SECTOR_READS,  DEVICE_READ_TIME,
    DEVICE_WRITES_MERGED, DEVICE_SECTOR_WRITES, DEVICE_WRITE_TIME,
    DEVICE_IO_CURRENT,    DEVICE_IO_TIME,       DEVICE_IO_TIME_WEIGHTED};
/* Which of the eleven numbers of a line each is. */
static const uint64_t disk_places[] = {2, 3, 4, 6, 7, 8, 9, 10, 11};

static void assert_disk(const struct device_row *device, uint64_t base)
{
    assert_non_null(device);
    for (size_t i = 0; i < COUNT_OF(disk_metrics); i++) {
        assert_true((device->present >> disk_metrics[i]) & 1);
        assert_int_equal(device->values[disk_metrics[i]], base + disk_places[i]);
    }
}

static void put_disks(struct group_fixture *f)
{
    static const char *const whole[] = {"dm-0",  "nvme0n1", "nvme0c0n1",  "loop0", "sr0",
                                        "zram0", "ram0",    "cciss!c0d0", "nbd0"};
    for (size_t i = 0; i < COUNT_OF(whole); i++)
        put_directory(f, "sys/block/%s", whole[i]);
    put(f,
        "   8       0 sda 101 102 103 104 105 106 107 108 109 110 111 1 2 3 4 5 6\n"
        "   8       1 sda1 1 1 1 1 1 1 1 1 1 1 1\n"
        " 253       0 dm-0 201 202 203 204 205 206 207 208 209 210 211\n"
        " 259       0 nvme0n1 301 302 303 304 305 306 307 308 309 310 311\n"
        " 259       1 nvme0n1p1 1 1 1 1 1 1 1 1 1 1 1\n"
        "   0       0 nvme0c0n1 1 1 1 1 1 1 1 1 1 1 1\n"
        "   7       0 loop0 1 1 1 1 1 1 1 1 1 1 1\n"
        "  11       0 sr0 1 1 1 1 1 1 1 1 1 1 1\n"
        " 252       0 zram0 1 1 1 1 1 1 1 1 1 1 1\n"
        "   1       0 ram0 1 1 1 1 1 1 1 1 1 1 1\n"
        "  43       0 nbd0 0 0 0 0 0 0 0 0 0 0 0\n"
        " 104       0 cciss/c0d0 401 402 403 404 405 406 407 408 409 410 411\n",
        "proc/diskstats");
}

static void test_disks(void **state)
{
    struct group_fixture *f = *state;
    put_disks(f);
    put_container(f, PATH);
    for (unsigned round = 0; round < 3; round++) {
        (void)fixture_run(f, 40);
        const struct container_row *row = row_at(f, "/");
        assert_given(row, GROUP_BLOCK_IO);
        assert_int_equal(row->device_count, 4);
        assert_disk(device_at(row, 8, 0), 100);
        assert_disk(device_at(row, 253, 0), 200);
        assert_disk(device_at(row, 259, 0), 300);
        assert_disk(device_at(row, 104, 0), 400);
        assert_string_equal(device_at(row, 8, 0)->name, "/dev/sda");
        assert_string_equal(device_at(row, 253, 0)->name, "253:0"); /* no link in dev/block */
        /* What the root group says stays, and is not made up for other devices. */
        assert_int_equal(device_at(row, 8, 0)->values[DEVICE_READ_BYTES], 90);
        assert_int_equal(device_at(row, 8, 0)->values[DEVICE_READS], 92);
        assert_false((device_at(row, 259, 0)->present >> DEVICE_READ_BYTES) & 1);
        assert_false((device_at(row, 259, 0)->present >> DEVICE_READS) & 1);
        /* The host's numbers are no container's. */
        const struct container_row *other = row_at(f, PATH);
        for (size_t i = 0; i < other->device_count; i++)
            for (size_t m = 0; m < COUNT_OF(disk_metrics); m++)
                assert_false((other->devices[i].present >> disk_metrics[m]) & 1);
        assert_int_equal(group_reader_result(f->reader)->part.problem_count, 0);
    }
}

/* Requests under way that went below 0 are not 4294967295. */
static void test_disk_underflow(void **state)
{
    struct group_fixture *f = *state;
    put(f, "   8       0 sda 1 2 3 4294967295 5 6 7 8 4294967295 10 11\n", "proc/diskstats");
    (void)fixture_run(f, 0);
    const struct device_row *device = device_at(row_at(f, "/"), 8, 0);
    assert_non_null(device);
    assert_false((device->present >> DEVICE_IO_CURRENT) & 1);
    assert_int_equal(device->values[DEVICE_READ_TIME], UINT32_MAX);
    assert_int_equal(device->values[DEVICE_IO_TIME], 10);
}

static void test_broken_diskstats(void **state)
{
    static const char *const broken[] = {"garbage\n", "   8 0 sda 1 2 3\n",
                                         "8 0 sda 1 2 3 4 5 6 7 8 9 10 11"};
    struct group_fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        put(f, broken[i], "proc/diskstats");
        (void)fixture_run(f, 1);
        assert_int_equal(problems(f, REASON_MALFORMED), 1);
        assert_given(row_at(f, "/"), GROUP_BLOCK_IO); /* of the group's own file */
        assert_int_equal(row_at(f, "/")->device_count, 1);
        assert_false((row_at(f, "/")->devices[0].present >> DEVICE_IO_TIME) & 1);
    }
    put(f, "", "proc/diskstats");
    (void)fixture_run(f, 1);
    assert_int_equal(group_reader_result(f->reader)->part.problem_count, 0);
    drop(f, "proc/diskstats");
    (void)fixture_run(f, 1);
    assert_int_equal(group_reader_result(f->reader)->part.problem_count, 0);
    assert_int_equal(row_at(f, "/")->device_count, 1);
}

/* Without the root group's file what diskstats says makes the group of values. */
static void test_disks_alone(void **state)
{
    struct group_fixture *f = *state;
    put_disks(f);
    drop_file(f, "unified", "", "io.stat");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, "/");
    assert_given(row, GROUP_BLOCK_IO);
    assert_int_equal(row->device_count, 4);
    assert_disk(device_at(row, 8, 0), 100);
    assert_false((device_at(row, 8, 0)->present >> DEVICE_READ_BYTES) & 1);
    drop(f, "sys/block");
    (void)fixture_run(f, MISSING_AGE);
    assert_int_equal(row_at(f, "/")->tiers[GROUP_BLOCK_IO], TIER_NONE);
    assert_int_equal(row_at(f, "/")->device_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_cpuset_1),
        V1(test_no_cpuset),
        V2(test_no_cpuset),
        V1(test_hugetlb_1),
        HYBRID(test_hugetlb_1),
        V2(test_hugetlb_2),
        V1(test_no_hugetlb),
        V2(test_no_hugetlb),
        V1(test_numa_1),
        HYBRID(test_numa_1),
        V2(test_numa_2),
        V1(test_no_numa),
        V2(test_no_numa),
        V2(test_no_swap),
        V1(test_each_off),
        V2(test_each_off),
        HYBRID(test_each_off),
        V1(test_kills_alone),
        V2(test_kills_alone),
        V1(test_nothing_wanted),
        V2(test_nothing_wanted),
        V1(test_vanishes),
        V2(test_vanishes),
        V1(test_disks),
        V2(test_disks),
        HYBRID(test_disks),
        V2(test_disk_underflow),
        V1(test_broken_diskstats),
        V2(test_broken_diskstats),
        V2(test_disks_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
