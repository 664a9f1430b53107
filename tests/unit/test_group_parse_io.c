/* What it knows: io.stat and the blkio files as kernels write them, whole, cut at every byte and
 * spoilt. The blkio texts are from a Linux 6.18; io.stat follows the example of the kernel's
 * Documentation/admin-guide/cgroup-v2.rst and what block/blk-cgroup.c prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "collectors/group_parse.h"
#include "collectors/group_parse_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST       8
#define BIT(field) (1u << (field))
#define V2_BYTES \
    (BIT(GROUP_IO_READ_BYTES) | BIT(GROUP_IO_WRITE_BYTES) | BIT(GROUP_IO_DISCARD_BYTES))
#define V2_COUNTS (BIT(GROUP_IO_READS) | BIT(GROUP_IO_WRITES) | BIT(GROUP_IO_DISCARDS))
#define V1_BYTES \
    (V2_BYTES | BIT(GROUP_IO_SYNC_BYTES) | BIT(GROUP_IO_ASYNC_BYTES) | BIT(GROUP_IO_TOTAL_BYTES))

static const char two_disks[] =
    "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n"
    "8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021\n";

static const char bytes_v1[] =
    "254:0 Read 625606656\n254:0 Write 28732149760\n254:0 Sync 29953437696\n"
    "254:0 Async 23096250368\n254:0 Discard 23691931648\n254:0 Total 53049688064\n"
    "Total 53049688064\n";
static const char counts_v1[] =
    "254:0 Read 7419\n254:0 Write 2083987\n254:0 Sync 1772555\n254:0 Async 828900\n"
    "254:0 Discard 510049\n254:0 Total 2601455\nTotal 2601455\n";

static struct group_io devices[MOST];

static int io_stat(const char *text, size_t most)
{
    (void)memset(devices, 0x5a, sizeof devices);
    return group_parse_io_stat(text, strlen(text), most, devices);
}

static void assert_device(size_t i, uint32_t major, uint32_t minor, unsigned given)
{
    assert_int_equal(devices[i].major, major);
    assert_int_equal(devices[i].minor, minor);
    assert_int_equal(devices[i].given, given);
}

static void assert_value(size_t i, unsigned field, uint64_t value)
{
    assert_int_not_equal(devices[i].given & BIT(field), 0);
    assert_int_equal(devices[i].values[field], value);
}

static void test_io_stat(void **state)
{
    (void)state;
    assert_int_equal(io_stat(two_disks, MOST), 2);
    assert_device(0, 8, 0, V2_BYTES | V2_COUNTS);
    assert_value(0, GROUP_IO_READ_BYTES, 90430464);
    assert_value(0, GROUP_IO_WRITE_BYTES, 299008000);
    assert_value(0, GROUP_IO_READS, 8950);
    assert_value(0, GROUP_IO_WRITES, 1252);
    assert_value(0, GROUP_IO_DISCARD_BYTES, 50331648);
    assert_value(0, GROUP_IO_DISCARDS, 3021);
    assert_device(1, 8, 16, V2_BYTES | V2_COUNTS);
    assert_value(1, GROUP_IO_READ_BYTES, 1459200);
    assert_value(1, GROUP_IO_DISCARDS, 0);
    assert_int_equal(devices[1].values[GROUP_IO_SYNC_BYTES], 0);
}

static void test_io_stat_sorted(void **state)
{
    (void)state;
    assert_int_equal(io_stat("259:3 rbytes=1\n8:16 rbytes=2\n259:0 rbytes=3\n8:2 rbytes=4\n"
                             "7:1048575 rbytes=5\n253:0 rbytes=6\n",
                             MOST),
                     6);
    static const uint32_t order[][2] = {{7, 1048575}, {8, 2},   {8, 16},
                                        {253, 0},     {259, 0}, {259, 3}};
    static const uint64_t values[] = {5, 4, 2, 6, 3, 1};
    for (size_t i = 0; i < 6; i++) {
        assert_device(i, order[i][0], order[i][1], BIT(GROUP_IO_READ_BYTES));
        assert_value(i, GROUP_IO_READ_BYTES, values[i]);
    }
}

/* 5.15 and 5.16 end the line of a device only when it did something. */
static void test_io_stat_shared_line(void **state)
{
    (void)state;
    assert_int_equal(
        io_stat("8:0 rbytes=7480011776 wbytes=0 rios=371580 wios=0 dbytes=0 dios=0\n"
                "7:7 7:6 7:5 7:4 rbytes=28672 wbytes=0 rios=22 wios=0 dbytes=0 dios=0\n"
                "253:10 253:5 ",
                MOST),
        2);
    assert_device(0, 7, 4, V2_BYTES | V2_COUNTS);
    assert_value(0, GROUP_IO_READ_BYTES, 28672);
    assert_device(1, 8, 0, V2_BYTES | V2_COUNTS);
    assert_value(1, GROUP_IO_READ_BYTES, UINT64_C(7480011776));
    assert_int_equal(io_stat("253:10 rbytes=5 253:5 wbytes=6\n", MOST), 1);
    assert_device(0, 253, 5, BIT(GROUP_IO_WRITE_BYTES));
    assert_int_equal(io_stat("(unknown) 8:0 rbytes=5\n", MOST), 1);
    assert_device(0, 8, 0, BIT(GROUP_IO_READ_BYTES));
    assert_int_equal(io_stat("8:0 (unknown) rbytes=5\n", MOST), 0);
    assert_int_equal(io_stat("8:0 rbytes=5 (unknown) \n", MOST), 0);
}

static void test_io_stat_nothing_done(void **state)
{
    (void)state;
    static const char *const idle[] = {
        "",
        "253:10 \n",
        "253:10 \n253:5 \n",
        "253:10 253:5 ",
        "252:0 ",
        "253:10 use_delay=0 delay_nsec=0\n",
        "253:10 cost.vrate=100.00\n",
        "253:10  missed=3 total=20 depth=max\n",
        "(unknown) \n",
        "(unknown) rbytes=1 wbytes=2 rios=3\n(unknown) rbytes=1 wbytes=2 rios=3\n",
    };
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
        assert_int_equal(io_stat(idle[i], MOST), 0);
}

static void test_io_stat_more_keys(void **state)
{
    (void)state;
    assert_int_equal(io_stat("8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 use_delay=7 "
                             "delay_nsec=8 cost.wait=9 cost.indebt=10 depth=11 avg_lat=12 win=13\n",
                             MOST),
                     1);
    assert_device(0, 8, 0,
                  V2_BYTES | V2_COUNTS | BIT(GROUP_IO_COST_WAIT) | BIT(GROUP_IO_COST_INDEBT));
    static const unsigned fields[] = {GROUP_IO_READ_BYTES,    GROUP_IO_WRITE_BYTES,
                                      GROUP_IO_READS,         GROUP_IO_WRITES,
                                      GROUP_IO_DISCARD_BYTES, GROUP_IO_DISCARDS};
    for (size_t i = 0; i < 6; i++)
        assert_value(0, fields[i], i + 1);
    /* older kernels count no discards */
    assert_int_equal(io_stat("8:0 rbytes=1 wbytes=2 rios=3 wios=4\n", MOST), 1);
    assert_int_equal(devices[0].given & (BIT(GROUP_IO_DISCARD_BYTES) | BIT(GROUP_IO_DISCARDS)), 0);
}

/* What io.cost adds; the last three with blkcg_debug_stats only. */
static void test_io_stat_cost(void **state)
{
    (void)state;
    static const unsigned fields[] = {GROUP_IO_COST_USAGE, GROUP_IO_COST_WAIT, GROUP_IO_COST_INDEBT,
                                      GROUP_IO_COST_INDELAY};
    unsigned all = 0;
    assert_int_equal(io_stat("8:0 rbytes=1 wios=2 cost.vrate=99.25 cost.usage=11 cost.wait=12 "
                             "cost.indebt=13 cost.indelay=14\n"
                             "8:16 rbytes=3 cost.usage=0\n8:32 cost.usage=9\n",
                             MOST),
                     3);
    for (unsigned i = 0; i < 4; i++) {
        assert_value(0, fields[i], 11 + i);
        all |= BIT(fields[i]);
    }
    assert_device(0, 8, 0, all | BIT(GROUP_IO_READ_BYTES) | BIT(GROUP_IO_WRITES));
    assert_device(1, 8, 16, BIT(GROUP_IO_READ_BYTES) | BIT(GROUP_IO_COST_USAGE));
    assert_value(1, GROUP_IO_COST_USAGE, 0);
    assert_device(2, 8, 32, BIT(GROUP_IO_COST_USAGE));
    assert_int_equal(io_stat("8:0 cost.usage= cost.wait=1.5 cost.indebt=-1 cost.indelay=x "
                             "cost.usages=1 xcost.usage=1 cost=1 c=1 rbytes=4\n",
                             MOST),
                     1);
    assert_device(0, 8, 0, BIT(GROUP_IO_READ_BYTES));
}

static void test_io_stat_odd_values(void **state)
{
    (void)state;
    assert_int_equal(io_stat("8:0 rbytes=-1 wbytes=18446744073709551616 rios= wios=1x dbytes=+1 "
                             "xbytes=1 rbytes rio=1 ios=1 bytes=1 dios=18446744073709551615\n",
                             MOST),
                     0);
    assert_int_equal(io_stat("8:0 rbytes=-1 wbytes=18446744073709551616 rios= wios=1x dbytes=+1 "
                             "xbytes=1 rio=1 ios=1 bytes=1 =1 = dios=18446744073709551615\n",
                             MOST),
                     1);
    assert_device(0, 8, 0, BIT(GROUP_IO_DISCARDS));
    assert_value(0, GROUP_IO_DISCARDS, UINT64_MAX);
}

static void test_io_stat_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\n",
        " \n",
        "garbage\n",
        "garbage",
        "8 rbytes=1\n",
        "8: rbytes=1\n",
        ":0 rbytes=1\n",
        "-8:0 rbytes=1\n",
        "rbytes=1\n",
        "8:0x rbytes=1\n",
        "8:0:1 rbytes=1\n",
        "4294967296:0 rbytes=1\n",
        "0:4294967296 rbytes=1\n",
        "unknown rbytes=1\n",
        "(unknown rbytes=1\n",
        "25",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[200];
        assert_int_equal(io_stat(bad[i], MOST), -EBADMSG);
        (void)snprintf(text, sizeof text, "8:1 rios=4\n%s\n8:2 rios=5\n", bad[i]);
        assert_int_equal(io_stat(text, MOST), 2);
        assert_device(0, 8, 1, BIT(GROUP_IO_READS));
        assert_device(1, 8, 2, BIT(GROUP_IO_READS));
    }
    assert_int_equal(group_parse_io_stat("8:\0000 rbytes=1\n", 14, MOST, devices), -EBADMSG);
    assert_int_equal(group_parse_io_stat("8:0 rbytes=1\0002\n", 15, MOST, devices), 0);
}

static void test_io_stat_same_device(void **state)
{
    (void)state;
    assert_int_equal(io_stat("8:0 rbytes=10 rios=1\n8:16 rbytes=7\n8:0 rbytes=5 wios=2\n"
                             "8:16 rbytes=18446744073709551610\n",
                             MOST),
                     2);
    assert_device(0, 8, 0, BIT(GROUP_IO_READ_BYTES) | BIT(GROUP_IO_READS) | BIT(GROUP_IO_WRITES));
    assert_value(0, GROUP_IO_READ_BYTES, 15);
    assert_value(0, GROUP_IO_READS, 1);
    assert_value(0, GROUP_IO_WRITES, 2);
    assert_value(1, GROUP_IO_READ_BYTES, UINT64_MAX);
}

/* The lowest are kept, with all of their lines, whatever the order. */
static void test_io_stat_too_many(void **state)
{
    (void)state;
    static const char *const orders[] = {
        "8:3 rios=3\n8:1 rios=1\n8:2 rios=2\n8:0 rios=5\n8:1 rios=1\n",
        "8:0 rios=5\n8:1 rios=1\n8:2 rios=2\n8:3 rios=3\n8:1 rios=1\n",
        "8:1 rios=1\n8:3 rios=3\n8:2 rios=2\n8:1 rios=1\n8:0 rios=5\n",
    };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(io_stat(orders[i], 2), 4);
        assert_device(0, 8, 0, BIT(GROUP_IO_READS));
        assert_value(0, GROUP_IO_READS, 5);
        assert_device(1, 8, 1, BIT(GROUP_IO_READS));
        assert_value(1, GROUP_IO_READS, 2);
        assert_int_equal(devices[2].given, 0x5a5a5a5a);
    }
    assert_int_equal(group_parse_io_stat(two_disks, strlen(two_disks), 0, NULL), 2);
}

/* Whatever is cut off, what is given is what the whole file says. */
static void test_io_stat_torn(void **state)
{
    (void)state;
    size_t length = strlen(two_disks);
    size_t first_line = (size_t)(strchr(two_disks, '\n') + 1 - two_disks);
    for (size_t cut = 0; cut < length; cut++) {
        char *text = alloc_copy(two_disks, cut);
        int r = group_parse_io_stat(text, cut, MOST, devices);
        if (cut >= 1 && cut <= 2) /* "8", "8:" */
            assert_int_equal(r, -EBADMSG);
        else
            assert_int_equal(r, cut >= first_line);
        if (r > 0) {
            assert_device(0, 8, 16, V2_BYTES | V2_COUNTS);
            assert_value(0, GROUP_IO_READ_BYTES, 1459200);
        }
        free(text);
    }
}

static void test_io_stat_many_disks(void **state)
{
    (void)state;
    enum { DISKS = 3000 };
    struct group_io *all = alloc_zeroed(DISKS, sizeof *all);
    char *text = alloc_bytes((size_t)DISKS * 80);
    size_t length = 0;
    for (unsigned i = DISKS; i > 0; i--)
        length += (size_t)snprintf(text + length, 80, "%u:%u rbytes=%u wbytes=1\n", i / 100,
                                   i % 100, i * 512);
    assert_int_equal(group_parse_io_stat(text, length, DISKS, all), DISKS);
    for (unsigned i = 0; i < DISKS; i++) {
        assert_int_equal(all[i].major * 100 + all[i].minor, i + 1);
        assert_int_equal(all[i].values[GROUP_IO_READ_BYTES], (i + 1) * 512);
    }
    free(text);
    free(all);
}

static int blkio(const char *text, bool operations, size_t most, size_t *count)
{
    return group_parse_blkio(text, strlen(text), operations, most, devices, count);
}

static void test_blkio_both_files(void **state)
{
    (void)state;
    size_t count = 0;
    (void)memset(devices, 0x5a, sizeof devices);
    assert_int_equal(blkio(bytes_v1, false, MOST, &count), 0);
    assert_int_equal(count, 1);
    assert_device(0, 254, 0, V1_BYTES);
    assert_int_equal(blkio(counts_v1, true, MOST, &count), 0);
    assert_int_equal(count, 1);
    assert_device(0, 254, 0, V1_BYTES | V2_COUNTS);
    assert_value(0, GROUP_IO_READ_BYTES, 625606656);
    assert_value(0, GROUP_IO_WRITE_BYTES, UINT64_C(28732149760));
    assert_value(0, GROUP_IO_SYNC_BYTES, UINT64_C(29953437696));
    assert_value(0, GROUP_IO_ASYNC_BYTES, UINT64_C(23096250368));
    assert_value(0, GROUP_IO_DISCARD_BYTES, UINT64_C(23691931648));
    assert_value(0, GROUP_IO_TOTAL_BYTES, UINT64_C(53049688064));
    assert_value(0, GROUP_IO_READS, 7419);
    assert_value(0, GROUP_IO_WRITES, 2083987);
    assert_value(0, GROUP_IO_DISCARDS, 510049);
}

static void test_blkio_nothing(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(blkio("", false, MOST, &count), 0);
    assert_int_equal(blkio("Total 0\n", false, MOST, &count), 0);
    assert_int_equal(blkio("Total 0\n", true, MOST, &count), 0);
    assert_int_equal(blkio("(unknown) Read 5\n(unknown) Total 5\nTotal 5\n", false, MOST, &count),
                     0);
    assert_int_equal(blkio("(unknown) Read 5\n", false, MOST, &count), 0);
    assert_int_equal(blkio("8:0 Sync 5\n8:0 Async 6\n8:0 Total 11\nTotal 11\n", true, MOST, &count),
                     0);
    assert_int_equal(blkio("8:0 Flush 5\nTotal 0\n", false, MOST, &count), 0);
    assert_int_equal(count, 0);
}

static void test_blkio_unknown_among_others(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(blkio("(unknown) Read 1\n259:0 Read 2\n(unknown) Write 3\n8:0 Read 4\n"
                           "Total 10\n",
                           false, MOST, &count),
                     0);
    assert_int_equal(count, 2);
    assert_device(0, 8, 0, BIT(GROUP_IO_READ_BYTES));
    assert_value(0, GROUP_IO_READ_BYTES, 4);
    assert_device(1, 259, 0, BIT(GROUP_IO_READ_BYTES));
    assert_value(1, GROUP_IO_READ_BYTES, 2);
}

/* Older kernels count no discards. */
static void test_blkio_old_kernel(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(blkio("8:0 Read 1\n8:0 Write 2\n8:0 Sync 3\n8:0 Async 0\n8:0 Total 3\n"
                           "Total 3\n",
                           false, MOST, &count),
                     0);
    assert_int_equal(count, 1);
    assert_device(0, 8, 0, V1_BYTES & ~BIT(GROUP_IO_DISCARD_BYTES));
}

static void test_blkio_adds(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(blkio("8:0 Read 5\n8:16 Read 1\n8:0 Read 6\nTotal 12\n", false, MOST, &count),
                     0);
    assert_int_equal(
        blkio("8:16 Read 18446744073709551615\n1:1 Write 9\nTotal 0\n", false, MOST, &count), 0);
    assert_int_equal(count, 3);
    assert_device(0, 1, 1, BIT(GROUP_IO_WRITE_BYTES));
    assert_value(1, GROUP_IO_READ_BYTES, 11);
    assert_value(2, GROUP_IO_READ_BYTES, UINT64_MAX);
}

static void test_blkio_odd_lines(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\n",
        "garbage\n",
        "8:0 Read\n",
        "8:0 Read \n",
        "8:0 Read -1\n",
        "8:0 Read 1x\n",
        "8:0 Read 1 2\n",
        "8:0 5\n",
        "Read 5\n",
        "8:x Read 5\n",
        "Total\n",
        "Total -1\n",
        "Total 1 2\n",
        "8:0 Read  5\n",
        "8:0 rbytes=5\n",
        "8:0 Read 18446744073709551616\n",
        "4294967296:0 Read 5\n",
        "unknown Read 5\n",
        "Total 18446744073709551616\n",
        " \n",
        "8:0\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[200];
        size_t count = 0;
        assert_int_equal(blkio(bad[i], false, MOST, &count), -EBADMSG);
        assert_int_equal(count, 0);
        (void)snprintf(text, sizeof text, "%s8:3 Write 5\n%sTotal 5\n", bad[i], bad[i]);
        assert_int_equal(blkio(text, false, MOST, &count), 0);
        assert_int_equal(count, 1);
        assert_device(0, 8, 3, BIT(GROUP_IO_WRITE_BYTES));
    }
    size_t count = 0;
    assert_int_equal(group_parse_blkio("8:0 Read\0001\n", 11, false, MOST, devices, &count),
                     -EBADMSG);
}

/* A file that does not end with a newline is refused as a whole, with nothing added. */
static void test_blkio_torn(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < strlen(bytes_v1); cut++) {
        char *text = alloc_copy(bytes_v1, cut);
        size_t count = 1;
        struct group_io before = {.major = 1, .given = BIT(GROUP_IO_READS)};
        devices[0] = before;
        int r = group_parse_blkio(text, cut, false, MOST, devices, &count);
        bool whole_lines = cut == 0 || text[cut - 1] == '\n';
        assert_int_equal(r, whole_lines ? 0 : -EBADMSG);
        assert_int_equal(count, cut > 0 && whole_lines ? 2 : 1);
        assert_memory_equal(&devices[0], &before, sizeof before);
        if (count == 2)
            assert_value(1, GROUP_IO_READ_BYTES, 625606656);
        free(text);
    }
}

static void test_blkio_too_many(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(
        blkio("8:3 Read 3\n8:1 Read 1\n8:2 Read 2\n8:1 Write 4\nTotal 6\n", false, 2, &count),
        -E2BIG);
    assert_int_equal(count, 2);
    assert_device(0, 8, 1, BIT(GROUP_IO_READ_BYTES) | BIT(GROUP_IO_WRITE_BYTES));
    assert_device(1, 8, 2, BIT(GROUP_IO_READ_BYTES));
    assert_int_equal(blkio("8:1 Read 3\n8:2 Read 1\nTotal 4\n", true, 2, &count), 0);
    assert_int_equal(blkio("8:3 Read 3\nTotal 3\n", true, 2, &count), -E2BIG);
    assert_int_equal(count, 2);
    assert_value(1, GROUP_IO_READS, 1);
    count = 0;
    assert_int_equal(group_parse_blkio(bytes_v1, strlen(bytes_v1), false, 0, NULL, &count), -E2BIG);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_io_stat),
        cmocka_unit_test(test_io_stat_sorted),
        cmocka_unit_test(test_io_stat_shared_line),
        cmocka_unit_test(test_io_stat_nothing_done),
        cmocka_unit_test(test_io_stat_more_keys),
        cmocka_unit_test(test_io_stat_cost),
        cmocka_unit_test(test_io_stat_odd_values),
        cmocka_unit_test(test_io_stat_bad),
        cmocka_unit_test(test_io_stat_same_device),
        cmocka_unit_test(test_io_stat_too_many),
        cmocka_unit_test(test_io_stat_torn),
        cmocka_unit_test(test_io_stat_many_disks),
        cmocka_unit_test(test_blkio_both_files),
        cmocka_unit_test(test_blkio_nothing),
        cmocka_unit_test(test_blkio_unknown_among_others),
        cmocka_unit_test(test_blkio_old_kernel),
        cmocka_unit_test(test_blkio_adds),
        cmocka_unit_test(test_blkio_odd_lines),
        cmocka_unit_test(test_blkio_torn),
        cmocka_unit_test(test_blkio_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
