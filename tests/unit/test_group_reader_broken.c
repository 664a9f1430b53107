/* What it knows: what kernels leave out, cut short or write otherwise, and that a value is then
 * absent with a reason and never another number. Documents: the kernel's cgroup-v1/ and
 * cgroup-v2.rst; Documentation/accounting/psi.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "group_fixture.h"
#include "group_fixture_texts.h"

#include <string.h>

#define COUNT_OF(array)  (sizeof(array) / sizeof(array)[0])
#define LIMITS_AGE       5  /* seconds for which limits are believed */
#define MISSING_AGE      60 /* seconds for which a file that was not there is not looked for */
#define DEVICES_OF_LARGE 300
#define DEVICES_TOO_MANY 700

/* --- torn, empty, missing --- */

/* Every value of `row` is in `whole` too and the same: what is broken is absent. */
static void assert_no_more(const struct container_row *row, const struct container_row *whole,
                           const char *what)
{
    for (enum container_metric m = 0; m < CONTAINER_METRICS; m++)
        if (row_has(row, m) && (!row_has(whole, m) || row->values[m] != whole->values[m] ||
                                row_is_unlimited(row, m) != row_is_unlimited(whole, m)))
            fail_msg("%s: %s is %llu", what, container_metrics[m].family,
                     (unsigned long long)row->values[m]);
    assert_true(row->device_count <= whole->device_count);
    for (size_t i = 0; i < row->device_count; i++)
        for (enum device_metric m = 0; m < DEVICE_METRICS; m++)
            if ((row->devices[i].present >> m) & 1)
                assert_int_equal(row->devices[i].values[m], whole->devices[i].values[m]);
}

static void check_file(struct group_fixture *f, const struct group_text *text,
                       const struct container_row *whole)
{
    static const char *const garbage[] = {"", "\n", "garbage\n", "-5\n", " \n\n", "0x10\n"};
    char torn[4096];
    size_t length = strlen(text->text);
    assert_true(length < sizeof torn);
    memcpy(torn, text->text, length + 1);
    for (size_t cut = length; cut-- > 0;) {
        torn[cut] = '\0';
        put_file(f, text->controller, PATH, text->name, torn);
        (void)fixture_run(f, LIMITS_AGE);
        assert_no_more(row_at(f, PATH), whole, text->name);
    }
    for (size_t i = 0; i < COUNT_OF(garbage); i++) {
        put_file(f, text->controller, PATH, text->name, garbage[i]);
        (void)fixture_run(f, LIMITS_AGE);
        assert_no_more(row_at(f, PATH), whole, text->name);
    }
    drop_file(f, text->controller, PATH, text->name);
    fixture_again(f); /* descriptors kept open would show the file that is gone */
    (void)fixture_run(f, LIMITS_AGE);
    assert_no_more(row_at(f, PATH), whole, text->name);
    put_file(f, text->controller, PATH, text->name, text->text);
    (void)fixture_run(f, MISSING_AGE);
    assert_true(row_at(f, PATH)->present == whole->present);
    assert_int_equal(row_at(f, PATH)->device_count, whole->device_count);
}

static void check_files(struct group_fixture *f, const struct group_text texts[], size_t count)
{
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    struct container_row whole = *row_at(f, PATH);
    struct device_row device = whole.devices[0];
    whole.devices = &device;
    for (size_t i = 0; i < count; i++)
        check_file(f, &texts[i], &whole);
}

static void test_broken_1(void **state)
{
    check_files(*state, texts_1, COUNT_OF(texts_1));
}

static void test_broken_2(void **state)
{
    check_files(*state, texts_2, COUNT_OF(texts_2));
}

static void test_broken_pressure(void **state)
{
    check_files(*state, texts_every_2 + 1, COUNT_OF(texts_every_2) - 1);
}

static void test_malformed_is_reported(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "", PATH, "memory.current", "garbage\n");
    put_file(f, "", PATH, "cpu.stat", "garbage\n");
    put_file(f, "", PATH, "pids.current", "garbage\n");
    put_file(f, "", PATH, "io.stat", "garbage\n");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_absent(row, GROUP_CPU, REASON_MALFORMED);
    assert_absent(row, GROUP_MEMORY, REASON_MALFORMED);
    assert_absent(row, GROUP_PIDS, REASON_MALFORMED);
    assert_absent(row, GROUP_BLOCK_IO, REASON_MALFORMED);
    assert_true(problems(f, REASON_MALFORMED) == 4);
}

static void test_odd_bytes(void **state)
{
    static const char bytes[] = "usage_usec 12\0\0\xff\xfe\nuser_usec 3\nsystem_usec 4\n";
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_bytes(f, bytes, sizeof bytes - 1, "sys/fs/cgroup" PATH "/cpu.stat");
    (void)fixture_run(f, 0);
    assert_no_value(row_at(f, PATH), CPU_USAGE);
}

/* Everything is there but the group's own files. */
static void test_bare_group(void **state)
{
    struct group_fixture *f = *state;
    put_group(f, PATH);
    assert_true(fixture_run(f, 0)->complete);
    const struct container_row *row = row_at(f, PATH);
    assert_true(row->present == 0);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++)
        assert_int_equal(row->tiers[g], TIER_NONE);
    assert_absent(row, GROUP_MEMORY, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_PIDS, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_CPU, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_BLOCK_IO, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_SPEC, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_NETWORK, REASON_NO_PROCESS);
    assert_int_equal(problems(f, REASON_MALFORMED), 0);
}

/* --- going away while a job runs --- */

static void drop_now(struct group_fixture *f)
{
    drop_container(f, PATH_2);
}

/* Between the scan and the first file, and between two files: no torn row. */
static void test_vanishes_in_a_job(void **state)
{
    struct group_fixture *f = *state;
    f->options.max_files = 0; /* a regular file that is open outlives its directory */
    put_container(f, PATH);
    put_container(f, PATH_3);
    for (unsigned calls = 1; calls <= 7; calls++) {
        put_container(f, PATH_2);
        f->at_clock = drop_now;
        f->at_clock_calls = calls; /* 1: the job's begin; then each group's first file and CPU */
        const struct group_result *result = fixture_run(f, 1);
        assert_int_equal(f->at_clock_calls, 0);
        const struct group_found *gone = found_at(f, PATH_2);
        if (gone) /* it had been read before */
            assert_int_equal(gone->row.values[CONTAINER_PIDS], 12);
        assert_true(calls > 6 ? gone != NULL : gone == NULL);
        assert_int_equal(containers(f), gone ? 3 : 2);
        assert_value(row_at(f, PATH), PIDS, 12);
        assert_value(row_at(f, PATH_3), PIDS, 12);
        assert_int_equal(result->part.problem_count, 0);
        (void)fixture_run(f, 1);
        assert_null(found_at(f, PATH_2));
    }
}

/* --- what is not there on this host or for this group --- */

static void test_no_swap_1(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    drop_file(f, "memory", PATH, "memory.memsw.limit_in_bytes");
    put_file(f, "memory", PATH, "memory.stat",
             "cache 1\nrss 2\npgfault 3\npgmajfault 4\ninactive_file 5\ntotal_cache 6\n"
             "total_rss 7\ntotal_pgfault 8\ntotal_pgmajfault 9\ntotal_inactive_file 10\n");
    (void)fixture_run(f, 0);
    assert_no_value(row_at(f, PATH), MEMORY_SWAP);
    assert_no_value(row_at(f, PATH), SPEC_SWAP_LIMIT);
    assert_no_value(row_at(f, PATH), MEMORY_FILE_DIRTY);
    assert_no_value(row_at(f, PATH), MEMORY_ACTIVE_FILE);
    assert_value(row_at(f, PATH), MEMORY_RSS, 7);
    assert_value(row_at(f, PATH), MEMORY_WORKING_SET, 104857590);
}

static void test_old_kernel_2(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    drop_file(f, "", PATH, "memory.swap.current");
    drop_file(f, "", PATH, "memory.swap.max");
    drop_file(f, "", PATH, "memory.peak");
    put_file(f, "", PATH, "memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n");
    put_file(f, "", PATH, "memory.stat", "anon 7\nfile 8\ninactive_file 9\npgfault 10\n");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_no_value(row, MEMORY_SWAP);
    assert_no_value(row, SPEC_SWAP_LIMIT);
    assert_no_value(row, MEMORY_MAX_USAGE);
    assert_no_value(row, MEMORY_KERNEL); /* 5.18 */
    assert_no_value(row, MEMORY_PGSCAN);
    assert_no_value(row, MEMORY_EVENT_OOM_GROUP_KILL); /* 5.17 */
    assert_value(row, OOM_KILLS, 5);
    assert_value(row, MEMORY_CACHE, 8);
    assert_int_equal(problems(f, REASON_MALFORMED), 0);
}

static void drop_files(struct group_fixture *f, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        drop_file(f, "", PATH, names[i]);
}

/* The parent's cgroup.subtree_control lacks them: absent with the reason, not 0. */
static void test_not_enabled_2(void **state)
{
    static const char *const names[] = {
        "memory.current", "memory.stat", "memory.max",   "memory.swap.max", "memory.low",
        "memory.events",  "memory.peak", "pids.current", "pids.max",        "pids.events",
        "io.stat",        "cpu.max",     "cpu.weight"};
    struct group_fixture *f = *state;
    put_container(f, PATH);
    drop_files(f, names, COUNT_OF(names));
    put_file(f, "", PATH, "cpu.stat", "usage_usec 7\nuser_usec 5\nsystem_usec 2\n");
    const struct group_result *result = fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_absent(row, GROUP_MEMORY, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_PIDS, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_BLOCK_IO, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_SPEC, REASON_NO_CONTROLLER);
    assert_value(row, CPU_USAGE, 7000);
    assert_no_value(row, CPU_PERIODS);
    assert_no_value(row, MEMORY_USAGE);
    assert_no_value(row, PIDS);
    assert_int_equal(result->part.problem_count, 0);
    put_container(f, PATH); /* enabled later */
    (void)fixture_run(f, MISSING_AGE);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 104857600);
    assert_value(row_at(f, PATH), PIDS, 12);
    assert_given(row_at(f, PATH), GROUP_BLOCK_IO);
}

static void test_host_without_controllers_2(void **state)
{
    struct group_fixture *f = *state;
    put_file(f, "", "", "cgroup.controllers", "\n");
    put_container(f, PATH);
    drop(f, "sys/fs/cgroup" PATH);
    put_group(f, PATH);
    put_file(f, "", PATH, "cpu.stat", "usage_usec 7\nuser_usec 5\nsystem_usec 2\n");
    put_file(f, "", PATH, "cgroup.events", "populated 1\nfrozen 1\n");
    put_file(f, "", PATH, "cpu.pressure", PSI("5", "6"));
    const struct group_result *result = fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_value(row, CPU_USAGE, 7000);
    assert_value(row, PRESSURE_CPU_WAITING, 5000);
    assert_int_equal(row->state, STATE_PAUSED);
    assert_absent(row, GROUP_MEMORY, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_PIDS, REASON_NO_CONTROLLER);
    assert_absent(row, GROUP_BLOCK_IO, REASON_NO_CONTROLLER);
    assert_int_equal(result->part.problem_count, 0);
}

static void test_host_without_memory_1(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    drop(f, "%s", tree(f, "memory"));
    const struct group_result *result = fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_MEMORY, REASON_NO_CONTROLLER);
    assert_value(row_at(f, PATH), CPU_USAGE, UINT64_C(698890123456));
    assert_value(row_at(f, PATH), SPEC_CPU_SHARES, 512);
    assert_no_value(row_at(f, PATH), SPEC_MEMORY_LIMIT);
    assert_int_equal(result->part.problem_count, 0);
}

static void test_no_pressure(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    drop_file(f, "", PATH, "memory.pressure");
    put_file(f, "", PATH, "cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_value(row, PRESSURE_CPU_WAITING, 9000);
    assert_no_value(row, PRESSURE_CPU_STALLED); /* before 5.13 */
    assert_no_value(row, PRESSURE_MEMORY_WAITING);
    assert_value(row, PRESSURE_IO_STALLED, 5006000);
    /* With psi=0 the files are there and reading fails: so does reading a directory. */
    fixture_again(f);
    drop_file(f, "", PATH, "cpu.pressure");
    drop_file(f, "", PATH, "io.pressure");
    put_directory(f, "sys/fs/cgroup" PATH "/cpu.pressure");
    put_directory(f, "sys/fs/cgroup" PATH "/io.pressure");
    const struct group_result *result = fixture_run(f, 0);
    assert_absent(row_at(f, PATH), GROUP_PRESSURE, REASON_NO_PRESSURE);
    assert_no_value(row_at(f, PATH), PRESSURE_IO_STALLED);
    assert_int_equal(result->part.problem_count, 0);
}

/* --- large numbers --- */

static void test_large_numbers(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "", PATH, "memory.current", "9223372036854775808\n"); /* no gauge is so large */
    put_file(f, "", PATH, "cpu.stat",
             "usage_usec 18446744073709551615\nuser_usec 4294967296\nsystem_usec 4294967295\n");
    put_file(f, "", PATH, "cpu.pressure", PSI("18446744073709551615", "4294967296"));
    put_file(f, "", PATH, "pids.events", "max 18446744073709551615\n");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_no_value(row, MEMORY_USAGE);
    assert_no_value(row, MEMORY_WORKING_SET); /* nor what follows from it */
    assert_no_value(row, CPU_USAGE);          /* its nanoseconds pass 64 bits */
    assert_value(row, CPU_USER, UINT64_C(4294967296000));
    assert_value(row, CPU_SYSTEM, UINT64_C(4294967295000));
    assert_no_value(row, PRESSURE_CPU_WAITING);
    assert_value(row, PRESSURE_CPU_STALLED, UINT64_C(4294967296000));
    assert_value(row, PIDS_LIMIT_HITS, UINT64_MAX);
}

/* Shared pages may make inactive_file larger than the usage. */
static void test_working_set_is_not_below_zero(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "", PATH, "memory.current", "4096\n");
    (void)fixture_run(f, 0);
    assert_value(row_at(f, PATH), MEMORY_WORKING_SET, 0);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 4096);
}

static void put_devices(struct group_fixture *f, unsigned count, const char *rest)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    for (unsigned i = count; i-- > 0;) /* the kernel does not sort them */
        assert_int_equal(buf_add_format(&text, "%u:%u rbytes=%u wbytes=%u rios=1 wios=2%s\n",
                                        8 + i / 256, i % 256, i, i + 1, rest),
                         0);
    put_bytes(f, text.data, text.length, "sys/fs/cgroup" PATH "/io.stat");
    buf_done(&text);
}

#define LONG_REST                                                                                  \
    " dbytes=0 dios=0 cost.vrate=100.00 cost.usage=1234567890 cost.wait=1234567890 "               \
    "cost.indebt=1234567890 cost.indelay=1234567890 use_delay=0 delay_nsec=0 depth=8 avg_lat=100 " \
    "win=1000"

/* More than any buffer holds at first: 300 lines of 250 bytes. */
static void test_many_devices(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_devices(f, DEVICES_OF_LARGE, LONG_REST);
    for (unsigned round = 0; round < 2; round++) {
        (void)fixture_run(f, 1);
        const struct container_row *row = row_at(f, PATH);
        assert_given(row, GROUP_BLOCK_IO);
        assert_int_equal(row->device_count, DEVICES_OF_LARGE);
        for (unsigned i = 0; i < DEVICES_OF_LARGE; i++) {
            assert_int_equal(row->devices[i].values[DEVICE_READ_BYTES], i);
            assert_int_equal(row->devices[i].values[DEVICE_WRITE_BYTES], i + 1);
        }
        assert_value(row, MEMORY_USAGE, 104857600);
    }
}

/* A sum of some of the devices would be a wrong number: all of them, or none and a reason. */
static void test_too_many_devices(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_devices(f, DEVICES_TOO_MANY, "");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    if (row->device_count == DEVICES_TOO_MANY)
        return;
    assert_absent(row, GROUP_BLOCK_IO, REASON_TOO_MANY);
    assert_int_equal(row->device_count, 0);
    assert_true(problems(f, REASON_TOO_MANY) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_broken_1),
        HYBRID(test_broken_1),
        V2(test_broken_2),
        V2(test_broken_pressure),
        HYBRID(test_broken_pressure),
        V2(test_malformed_is_reported),
        V2(test_odd_bytes),
        V1(test_bare_group),
        V2(test_bare_group),
        V1(test_vanishes_in_a_job),
        V2(test_vanishes_in_a_job),
        V1(test_no_swap_1),
        V2(test_old_kernel_2),
        V2(test_not_enabled_2),
        V2(test_host_without_controllers_2),
        V1(test_host_without_memory_1),
        V2(test_no_pressure),
        V2(test_large_numbers),
        V2(test_working_set_is_not_below_zero),
        V2(test_many_devices),
        V2(test_too_many_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
