/* What it knows: how block I/O is listed, when nothing means zero, and how devices are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_row_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAIN_START "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":5}},\"blkio_stats\":{"

static void test_no_device(void **state)
{
    (void)state;
    static const char empty[] = PLAIN_START "\"io_service_bytes_recursive\":[]}}";
    static const char null[] = PLAIN_START "\"io_service_bytes_recursive\":null}}";
    static const struct {
        int cgroup_version;
        bool rootless;
        const char *json;
        enum reason reason;
    } cases[] = {
        {1, false, empty, REASON_NOT_GIVEN}, {1, false, null, REASON_NOT_GIVEN},
        {1, true, empty, REASON_NOT_GIVEN},  {0, false, empty, REASON_NOT_GIVEN},
        {2, false, empty, REASON_NONE},      {2, false, null, REASON_NONE},
        {2, true, empty, REASON_NOT_GIVEN},  {2, true, null, REASON_NOT_GIVEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine_facts facts = docker(cases[i].cgroup_version);
        facts.info.rootless = cases[i].rootless;
        struct container_row row = fill_plain(&facts, cases[i].json);
        assert_int_equal(row.absent[GROUP_BLOCK_IO], cases[i].reason);
        assert_int_equal(row.tiers[GROUP_BLOCK_IO],
                         cases[i].reason == REASON_NONE ? TIER_ENGINE : TIER_NONE);
        assert_int_equal(row.device_count, 0);
    }
}

/* The engine reads files of v1 that leave out the groups below: another counter than the kernel
 * tier's, so none of it is given, however much was counted. */
static void test_devices_v1(void **state)
{
    (void)state;
    for (int version = 0; version <= 1; version++) { /* an engine that does not say means v1 */
        struct engine_facts facts = docker(version);
        struct engine_spec spec = {0};
        struct engine_stats stats = stats_of("docker-20.10/stats_multi.json");
        assert_true(stats.service_bytes.count > 0 && stats.serviced.count > 0);
        struct container_row row = fill(&facts, &spec, &stats);
        assert_missing(&row, GROUP_BLOCK_IO, REASON_NOT_GIVEN);
        assert_int_equal(row.device_count, 0);
        assert_int_equal(row.interface_count, 2); /* the rest is */
        assert_given(&row, GROUP_CPU);
    }
}

/* Docker's words on v2 are the same; v1's operation counts are not there, or not believed. */
static void test_devices_v2(void **state)
{
    (void)state;
    struct engine_facts facts = docker(2);
    struct container_row row = fill_plain(
        &facts, PLAIN_START "\"io_service_bytes_recursive\":["
                            "{\"major\":254,\"minor\":0,\"op\":\"read\",\"value\":5},"
                            "{\"major\":254,\"minor\":0,\"op\":\"write\",\"value\":9}],"
                            "\"io_serviced_recursive\":["
                            "{\"major\":254,\"minor\":0,\"op\":\"read\",\"value\":2}]}}");
    assert_given(&row, GROUP_BLOCK_IO);
    assert_int_equal(row.device_count, 1);
    assert_int_equal(row.devices[0].major, 254);
    assert_string_equal(row.devices[0].name, "254:0");
    assert_int_equal(device_value(&row, 0, DEVICE_READ_BYTES), 5);
    assert_int_equal(device_value(&row, 0, DEVICE_WRITE_BYTES), 9);
    assert_int_equal(row.devices[0].present, 1U << DEVICE_READ_BYTES | 1U << DEVICE_WRITE_BYTES |
                                                 1U << DEVICE_USAGE_READ |
                                                 1U << DEVICE_USAGE_WRITE);
}

static void test_device_sums(void **state)
{
    (void)state;
    struct engine_facts facts = docker(2);
    struct container_row row =
        fill_plain(&facts, PLAIN_START "\"io_service_bytes_recursive\":["
                                       "{\"major\":8,\"minor\":16,\"op\":\"read\",\"value\":5},"
                                       "{\"major\":8,\"minor\":0,\"op\":\"read\",\"value\":1},"
                                       "{\"major\":8,\"minor\":16,\"op\":\"read\",\"value\":7},"
                                       "{\"major\":7,\"minor\":0,\"op\":\"write\",\"value\":1},"
                                       "{\"major\":7,\"minor\":0,\"op\":\"write\","
                                       "\"value\":18446744073709551615},"
                                       "{\"major\":8,\"minor\":0,\"op\":\"total\",\"value\":1}]}}");
    assert_int_equal(row.device_count, 3);
    assert_string_equal(row.devices[0].name, "7:0");
    assert_int_equal(device_value(&row, 0, DEVICE_WRITE_BYTES), UINT64_MAX);
    assert_int_equal(device_value(&row, 1, DEVICE_READ_BYTES), 1);
    assert_int_equal(device_value(&row, 2, DEVICE_READ_BYTES), 12);
    /* Only words that v2 does not have: nothing was given. */
    facts.info.rootless = true;
    row =
        fill_plain(&facts, PLAIN_START "\"io_service_bytes_recursive\":["
                                       "{\"major\":8,\"minor\":0,\"op\":\"total\",\"value\":1}]}}");
    assert_missing(&row, GROUP_BLOCK_IO, REASON_NOT_GIVEN);
}

static void make_link(const char *sysfs, const char *number, const char *target)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/dev/block/%s", sysfs, number);
    assert_int_equal(symlink(target, path), 0);
}

static void remove_tree(const char *sysfs)
{
    static const char *const names[] = {"/dev/block/8:0", "/dev/block/104:0", "/dev/block", "/dev",
                                        ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[600];
        (void)snprintf(path, sizeof path, "%s%s", sysfs, names[i]);
        assert_int_equal(remove(path), 0);
    }
}

static void test_device_names(void **state)
{
    (void)state;
    char sysfs[] = "/tmp/weir-test-engine-row-XXXXXX";
    char path[600];
    assert_non_null(mkdtemp(sysfs));
    (void)snprintf(path, sizeof path, "%s/dev", sysfs);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/dev/block", sysfs);
    assert_int_equal(mkdir(path, 0700), 0);
    make_link(sysfs, "8:0", "../../devices/pci0000:00/block/sda");
    make_link(sysfs, "104:0", "../../devices/block/cciss!c0d0");
    static const char json[] =
        PLAIN_START "\"io_service_bytes_recursive\":["
                    "{\"major\":8,\"minor\":0,\"op\":\"read\",\"value\":5},"
                    "{\"major\":104,\"minor\":0,\"op\":\"read\",\"value\":5},"
                    "{\"major\":259,\"minor\":3,\"op\":\"read\",\"value\":5}]}}";
    struct engine_facts facts = docker(2);
    facts.local = true;
    facts.sysfs = sysfs;
    struct container_row row = fill_plain(&facts, json);
    facts.local = false; /* another host's numbers say nothing here */
    struct container_row remote = fill_plain(&facts, json);
    remove_tree(sysfs);
    assert_string_equal(row.devices[0].name, "/dev/sda");
    assert_string_equal(row.devices[1].name, "/dev/cciss/c0d0");
    assert_string_equal(row.devices[2].name, "259:3"); /* gone by now */
    assert_int_equal(row.devices[2].major, 259);
    assert_string_equal(remote.devices[0].name, "8:0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_device),    cmocka_unit_test(test_devices_v1),
        cmocka_unit_test(test_devices_v2),   cmocka_unit_test(test_device_sums),
        cmocka_unit_test(test_device_names),
    };
    return cmocka_run_group_tests(tests, NULL, row_teardown);
}
