/* What it knows: lines of /proc/diskstats as kernels of each age write them. Document:
 * Documentation/admin-guide/iostats.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collectors/group_parse_disks.h"

#include <errno.h>
#include <string.h>

/* `text` is one line with its newline. */
static int parse(const char *text, struct group_disk *ret)
{
    const char *newline = strchr(text, '\n');
    assert_non_null(newline);
    return group_parse_disk(text, newline, ret);
}

static void test_each_kernel(void **state)
{
    static const char *const lines[] = {
        "   3    0   hda 446216 784926 9550688 4382310 424847 312726 5922052 19310380 0 3376340 "
        "23705160\n",
        "   3    0   hda 446216 784926 9550688 4382310 424847 312726 5922052 19310380 0 3376340 "
        "23705160 1 2 3 4\n",
        "   3       0 hda 446216 784926 9550688 4382310 424847 312726 5922052 19310380 0 3376340 "
        "23705160 1 2 3 4 5 6\n",
    };
    static const uint64_t values[GROUP_DISK_FIELDS] = {
        446216, 784926, 9550688, 4382310, 424847, 312726, 5922052, 19310380, 0, 3376340, 23705160};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct group_disk disk = {0};
        assert_int_equal(parse(lines[i], &disk), 0);
        assert_int_equal(disk.major, 3);
        assert_int_equal(disk.minor, 0);
        assert_int_equal(disk.name_length, 3);
        assert_memory_equal(disk.name, "hda", 3);
        assert_memory_equal(disk.values, values, sizeof values);
    }
}

static void test_large(void **state)
{
    struct group_disk disk = {0};
    (void)state;
    assert_int_equal(parse(" 259 1048575 cciss/c0d0 18446744073709551615 0 0 4294967295 0 0 0 0 "
                           "4294967295 0 0\n",
                           &disk),
                     0);
    assert_int_equal(disk.minor, 1048575);
    assert_int_equal(disk.name_length, strlen("cciss/c0d0"));
    assert_int_equal(disk.values[GROUP_DISK_READS], UINT64_MAX);
    assert_int_equal(disk.values[GROUP_DISK_READ_TIME], UINT32_MAX);
    assert_int_equal(disk.values[GROUP_DISK_IO_CURRENT], UINT32_MAX);
}

static void test_no_line(void **state)
{
    static const char *const lines[] = {
        "\n",
        "garbage\n",
        "   8 0\n",
        "   8 0 sda\n",
        "   8 0 sda \n",
        "   8 1 sda1 35486 38030 38030 38030\n", /* a partition before 2.6.25 */
        "   8 0 sda 1 2 3 4 5 6 7 8 9 10\n",
        "   8 0 sda 1 2 3 4 5 6 7 8 9 10 x\n",
        "   8 0 sda 1 2 3 4 5 6 7 8 9 10 11x\n",
        "   8 0 sda 1 2 3 -4 5 6 7 8 9 10 11\n",
        "   8 0 sda 18446744073709551616 2 3 4 5 6 7 8 9 10 11\n",
        "   8:0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
        "   -8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
        "   4294967296 0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct group_disk disk = {.major = 77};
        assert_int_equal(parse(lines[i], &disk), -EBADMSG);
        assert_int_equal(disk.major, 77); /* not touched */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kernel),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
