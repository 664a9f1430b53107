/* What it knows: what kernels before and from Linux 6.10 write into the root group's files and into
 * diskstats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collectors/block_accounting.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RECURSIVE "blkio.throttle.io_service_bytes_recursive"
#define PLAIN     "blkio.throttle.io_service_bytes"
#define COUNTED \
    "254:0 Read 13078528\n254:0 Write 324878336\n254:0 Total 337956864\nTotal 337956864\n"
#define IDLE_DISK "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
#define BUSY_DISK                                                                                \
    " 254       0 vda 50578 9487 4068826 9489 74762 11103 4585960 18251 0 8888 28757 0 0 0 0 1 " \
    "2\n"

static char root[] = "/tmp/weir-test-block-XXXXXX";

static void make_directory(const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s/%s", root, directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)state;
    (void)memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(root));
    make_directory("proc");
    make_directory("sys");
    make_directory("sys/fs");
    make_directory("sys/fs/cgroup");
    make_directory("sys/fs/cgroup/blkio");
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* NULL: the file is not there. */
static enum block_accounting read_with(const char *recursive, const char *plain, const char *disks)
{
    char procfs[300];
    char sysfs[300];
    if (recursive)
        write_file("sys/fs/cgroup/blkio", RECURSIVE, recursive);
    if (plain)
        write_file("sys/fs/cgroup/blkio", PLAIN, plain);
    if (disks)
        write_file("proc", "diskstats", disks);
    (void)snprintf(procfs, sizeof procfs, "%s/proc", root);
    (void)snprintf(sysfs, sizeof sysfs, "%s/sys", root);
    return block_accounting_read(procfs, sysfs);
}

static void test_counted(void **state)
{
    (void)state;
    assert_int_equal(read_with(COUNTED, NULL, IDLE_DISK BUSY_DISK), BLOCK_ACCOUNTING_ON);
}

static void test_not_counted(void **state)
{
    (void)state;
    assert_int_equal(read_with("Total 0\n", "Total 0\n", IDLE_DISK BUSY_DISK),
                     BLOCK_ACCOUNTING_OFF);
}

static void test_older_kernel(void **state)
{
    (void)state;
    assert_int_equal(read_with(NULL, COUNTED, BUSY_DISK), BLOCK_ACCOUNTING_ON);
}

static void test_older_kernel_not_counted(void **state)
{
    (void)state;
    assert_int_equal(read_with(NULL, "Total 0\n", BUSY_DISK), BLOCK_ACCOUNTING_OFF);
}

static void test_only_writes(void **state)
{
    (void)state;
    assert_int_equal(read_with("Total 0\n", NULL, " 8 0 sda 0 0 0 0 1 0 8 0 0 0 0\n"),
                     BLOCK_ACCOUNTING_OFF);
}

static void test_idle_disks(void **state)
{
    (void)state;
    assert_int_equal(read_with("Total 0\n", NULL, IDLE_DISK), BLOCK_ACCOUNTING_UNKNOWN);
}

static void test_counted_without_diskstats(void **state)
{
    (void)state;
    assert_int_equal(read_with(COUNTED, NULL, NULL), BLOCK_ACCOUNTING_ON);
}

static void test_no_diskstats(void **state)
{
    (void)state;
    assert_int_equal(read_with("Total 0\n", NULL, NULL), BLOCK_ACCOUNTING_UNKNOWN);
}

static void test_no_hierarchy(void **state)
{
    (void)state;
    assert_int_equal(read_with(NULL, NULL, BUSY_DISK), BLOCK_ACCOUNTING_UNKNOWN);
}

static void test_odd_files(void **state)
{
    (void)state;
    static const char *const odd[] = {"",
                                      "\n",
                                      "8:0 Total 7\n",
                                      "Total\n",
                                      "Total x\n",
                                      "Total -1\n",
                                      "Total 99999999999999999999\n"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_int_equal(read_with(odd[i], NULL, BUSY_DISK), BLOCK_ACCOUNTING_UNKNOWN);
    assert_int_equal(read_with("Total 0", NULL, "8 0 sda\n\nx y z 1x 0\n 8"),
                     BLOCK_ACCOUNTING_UNKNOWN);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* Linux 5.16 to 6.4 count only what a limit of the group itself asks about. */
static void test_zero_counts(void **state)
{
    (void)state;
    static const struct {
        const char *release;
        bool counts;
    } cases[] = {
        {"4.19.0-27-amd64", true},
        {"5.15.0-generic", true},
        {"5.16.0", false},
        {"5.19.17", false},
        {"6.1.0-38-cloud", false},
        {"6.4.16", false},
        {"6.5.0", true},
        {"6.12.48", true},
        {"10.0.0", true},
        {"", true},
        {"next", true},
        {"6", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(block_accounting_zero_counts(cases[i].release), cases[i].counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_counts),
        TEST(test_counted),
        TEST(test_not_counted),
        TEST(test_older_kernel),
        TEST(test_older_kernel_not_counted),
        TEST(test_only_writes),
        TEST(test_idle_disks),
        TEST(test_counted_without_diskstats),
        TEST(test_no_diskstats),
        TEST(test_no_hierarchy),
        TEST(test_odd_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
