/* What an engine may take minutes to count: disk usage by kind, and the writable layer of each
 * container with the file system it is on. Document: engine_resources.h. */
#include "collectors/engine_resources.h"

#include "collectors/engine_round.h"
#include "tests/unit/fake_engine.h"
#include "tests/unit/fake_resources.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#define USAGE_ONLY GROUP_BIT(GROUP_CPU) | GROUP_BIT(GROUP_ENGINE)
#define SIZES_ONLY GROUP_BIT(GROUP_CPU) | GROUP_BIT(GROUP_DISK)
#define PERIOD_MS  120000
#define TIMEOUT_MS 60000

static struct engine *the_engine(void)
{
    return ((struct engine_collector *)fake.collector)->engines;
}

static void start(unsigned groups, uint64_t df_interval_ms, uint64_t size_interval_ms)
{
    fake_resources_show(groups);
    fake_resources.df_interval_ms = df_interval_ms;
    fake_resources.size_interval_ms = size_interval_ms;
    fake_resources.df_timeout_ms = TIMEOUT_MS;
    fake_resources.root = WEIR_SOURCE_DIR;
    fake_has.layers_bytes = 1000;
    fake_has.size_letter = "ab";
    fake_has.size_bytes = 77;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    calls_forget();
}

static int end(void **state)
{
    (void)state;
    fake_end();
    worker_refuses = false;
    return 0;
}

static int64_t usage(const char *type)
{
    return resource_point(AGENT_ENGINE_DISK, FAKE_HOST, type);
}

static void test_usage(void **state)
{
    (void)state;
    start(USAGE_ONLY, PERIOD_MS, 0);
    hold(USAGE);
    round_whole();
    assert_int_equal(usage(NULL), -1);
    assert_int_equal(resource_point(AGENT_ENGINE_DISK_TIME, NULL, NULL), -1);
    assert_int_equal(call_timeout_ms(USAGE), TIMEOUT_MS);
    advance_ms(50000);
    for (int i = 0; i < 5; i++)
        round_whole(); /* they do not wait, and do not ask twice */
    assert_int_equal(calls_made(USAGE), 1);
    uint64_t counted_ms = FAKE_EPOCH_S * 1000 + fake.now_ns / NS_PER_MS;
    fake.changes = 0;
    hold_none();
    serve();
    assert_int_equal(fake.changes, 1);
    advance_ms(10000);
    round_whole();
    assert_int_equal(usage("images"), 1000);
    assert_int_equal(usage("containers"), 7);
    assert_int_equal(usage("volumes"), 5);
    assert_int_equal(usage("build_cache"), 3);
    assert_int_equal(resource_point(AGENT_ENGINE_DISK_TIME, FAKE_HOST, NULL), counted_ms);
    advance_ms(PERIOD_MS - 10200); /* a period after the answer */
    round_whole();
    assert_int_equal(calls_made(USAGE), 1);
    advance_ms(1000);
    fake_has.layers_bytes = 0; /* a number that an engine may well give */
    round_whole();
    assert_int_equal(calls_made(USAGE), 2);
    round_whole();
    assert_int_equal(usage("images"), 0);
}

static void test_usage_unwanted(void **state)
{
    (void)state;
    start(USAGE_ONLY, 0, 0);
    round_whole();
    assert_int_equal(calls_made(USAGE), 0);
    fake_end();
    start(SIZES_ONLY, PERIOD_MS, 0);
    round_whole();
    assert_int_equal(calls_made(USAGE), 0);
    assert_int_equal(calls_made(SIZES), 0);
}

static void test_usage_of_an_old_engine(void **state)
{
    (void)state;
    fake_resources_show(USAGE_ONLY);
    fake_resources.df_interval_ms = PERIOD_MS;
    fake_start(FAKE_HOST, NULL);
    fake.api = "1.24";
    round_whole();
    round_whole();
    assert_int_equal(calls_made(USAGE), 0);
    expect_no_problem();
}

static void test_usage_fails(void **state)
{
    (void)state;
    start(USAGE_ONLY, 10000, 0);
    round_whole();
    round_whole();
    assert_int_equal(usage("volumes"), 5);
    advance_ms(10000);
    hold(USAGE);
    round_whole();
    advance_ms(TIMEOUT_MS);
    answer_failure(USAGE, REASON_TIMEOUT);
    hold_none();
    calls_forget();
    round_whole();
    assert_int_equal(usage(NULL), -1);
    assert_int_equal(resource_point(AGENT_ENGINE_DISK_TIME, NULL, NULL), -1);
    expect_problem(REASON_TIMEOUT);
    advance_ms(30000); /* its period is over, and it is not tried again so soon */
    round_whole();
    expect_problem(REASON_TIMEOUT);
    assert_int_equal(calls_made(USAGE), 0);
    advance_ms(31000);
    round_whole();
    round_whole();
    assert_int_equal(usage("volumes"), 5);
}

static void test_usage_is_not_stirred(void **state)
{
    (void)state;
    start(USAGE_ONLY, PERIOD_MS, 0);
    round_whole();
    engine_resources_event(the_engine()->resources, "image");
    advance_ms(20000);
    round_whole();
    assert_int_equal(calls_made(USAGE), 1);
}

/* Both walk the engine's disks; and where rounds are rarer than the periods both get their turn. */
static void test_one_at_a_time(void **state)
{
    (void)state;
    start(USAGE_ONLY | SIZES_ONLY, 60000, 60000);
    hold(USAGE);
    round_whole();
    assert_int_equal(calls_open(USAGE), 1);
    assert_int_equal(calls_made(SIZES), 0);
    hold_none();
    serve();
    assert_int_equal(calls_made(SIZES), 1);
    for (int i = 0; i < 5; i++) {
        advance_ms(150000);
        calls_forget();
        round_whole();
        assert_int_equal(calls_made(USAGE), 1);
        assert_int_equal(calls_made(SIZES), 1);
    }
}

static void expect_no_size(char letter, enum reason reason)
{
    const struct container_row *row = row_of(letter);
    assert_non_null(row);
    assert_int_equal(row->tiers[GROUP_DISK], TIER_NONE);
    assert_int_equal(row->absent[GROUP_DISK], reason);
    assert_int_equal(disk_points(row, NULL), 0);
}

static void test_sizes_of_a_remote_engine(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    fake_add('c', "new", "running");
    event("start", 'c');
    hold(SIZES);
    round_whole();
    expect_no_size('a', REASON_NOT_GIVEN);
    assert_int_equal(call_timeout_ms(SIZES), TIMEOUT_MS);
    fake.changes = 0;
    hold_none();
    serve();
    assert_int_equal(fake.changes, 1);
    round_whole();
    const struct container_row *row = row_of('a');
    assert_int_equal(row->tiers[GROUP_DISK], TIER_ENGINE);
    assert_int_equal(row->absent[GROUP_DISK], REASON_NONE);
    assert_int_equal(disk_points(row, NULL), 1);
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77);
    expect_no_size('c', REASON_NOT_GIVEN); /* it was not there when they were counted */
    expect_values('a');
    assert_false(worker_has_job());
    assert_int_equal(calls_made(SIZES), 1);
    advance_ms(PERIOD_MS);
    round_whole();
    assert_int_equal(calls_made(SIZES), 2);
    assert_int_equal(fake.changes, 1); /* the same sizes */
}

static void test_sizes_of_stopped_ones(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    round_whole();
    fake_get('a')->state = "paused";
    event("pause", 'a');
    round_whole();
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77);
    fake_get('a')->state = "exited";
    event("die", 'a');
    round_whole();
    expect_no_size('a', REASON_NONE);
}

static void test_sizes_unwanted(void **state)
{
    (void)state;
    start(GROUPS_DEFAULT, PERIOD_MS, PERIOD_MS);
    the_engine()->facts.local = true;
    round_whole();
    round_whole();
    assert_int_equal(calls_made(SIZES), 0);
    assert_false(worker_has_job());
    expect_no_size('a', REASON_NONE);
}

static void test_old_sizes(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    round_whole();
    advance_ms(PERIOD_MS + 1000);
    hold(SIZES);
    round_whole();
    advance_ms(TIMEOUT_MS);
    answer_failure(SIZES, REASON_TIMEOUT);
    round_whole();
    expect_problem(REASON_TIMEOUT);
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77); /* it is still about right */
    advance_ms(PERIOD_MS + 1000);
    round_whole();
    advance_ms(TIMEOUT_MS);
    answer_failure(SIZES, REASON_HTTP_STATUS);
    round_whole();
    expect_no_size('a', REASON_HTTP_STATUS);
    hold_none();
    advance_ms(PERIOD_MS);
    round_whole();
    round_whole();
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77);
}

static void test_sizes_never_counted(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    hold(SIZES);
    round_whole();
    answer(SIZES, 200, "[{\"Id\":\"no\"}]");
    round_whole();
    expect_no_size('a', REASON_MALFORMED);
    expect_problem(REASON_MALFORMED);
}

static void test_sizes_of_an_engine_that_is_away(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    round_whole();
    hold(stats_of('a'));
    round_begin();
    answer_failure(stats_of('a'), REASON_CONNECTION_REFUSED);
    assert_true(round_is_done());
    expect_no_size('a', REASON_CONNECTION_REFUSED);
}

static void test_local_engine(void **state)
{
    (void)state;
    struct statvfs fs;
    assert_int_equal(statvfs(WEIR_SOURCE_DIR, &fs), 0);
    start(SIZES_ONLY, 0, PERIOD_MS);
    the_engine()->facts.local = true;
    round_whole();
    round_whole();
    expect_no_size('a', REASON_NOT_GIVEN); /* its device is not known yet */
    assert_true(worker_has_job());
    worker_run();
    round_whole();
    const struct container_row *row = row_of('a');
    const struct point *first = NULL;
    size_t count = disk_points(row, &first);
    assert_true(count == 4 || (count > 0 && fs.f_files == 0));
    const char *device = first->labels[0];
    assert_true(strlen(device) > 0);
    assert_int_equal(size_value('a', POINT_FS_USAGE, device), 77);
    assert_int_equal(size_value('a', POINT_FS_LIMIT, device), fs.f_blocks * fs.f_frsize);
    assert_int_equal(size_value('a', POINT_FS_INODES_TOTAL, device),
                     fs.f_files > 0 ? (int64_t)fs.f_files : -1);
    assert_true(size_value('a', POINT_FS_INODES_FREE, device) <= (int64_t)fs.f_files);
    assert_false(worker_has_job());
    advance_ms(PERIOD_MS);
    round_whole();
    assert_true(worker_has_job()); /* fake_end frees it */
    assert_int_equal(size_value('a', POINT_FS_USAGE, device), 77);
}

static void test_root_that_is_not_seen(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    the_engine()->facts.local = true;
    the_engine()->facts.info.root_dir = "/nowhere/docker";
    round_whole();
    worker_run();
    round_whole();
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77);
    assert_int_equal(disk_points(row_of('a'), NULL), 1);
    expect_no_problem();
}

static void test_root_that_is_not_said(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    the_engine()->facts.local = true;
    the_engine()->facts.info.root_dir = "";
    round_whole();
    round_whole();
    assert_false(worker_has_job());
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77);
}

static void test_root_that_cannot_be_read(void **state)
{
    (void)state;
    char deep[PATH_MAX + 2];
    memset(deep, 'x', sizeof deep - 1);
    deep[0] = '/';
    deep[sizeof deep - 1] = '\0';
    start(SIZES_ONLY, 0, PERIOD_MS);
    the_engine()->facts.local = true;
    the_engine()->facts.info.root_dir = deep; /* ENAMETOOLONG */
    round_whole();
    worker_run();
    round_whole();
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77);
    expect_problem(REASON_STUCK);
    round_whole();
    expect_problem(REASON_STUCK);
}

static void test_file_system_that_hangs(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    the_engine()->facts.local = true;
    round_whole();
    advance_ms(PERIOD_MS);
    round_whole();
    expect_problem(REASON_STUCK);
    round_whole();
    expect_problem(REASON_STUCK);
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77); /* what the engine says is shown */
    worker_run();
    round_whole();
    expect_no_problem();
    assert_true(disk_points(row_of('a'), NULL) > 1);
}

static void test_no_thread(void **state)
{
    (void)state;
    worker_refuses = true;
    start(SIZES_ONLY, 0, PERIOD_MS);
    the_engine()->facts.local = true;
    round_whole();
    expect_problem(REASON_TOO_MANY);
    round_whole();
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77);
}

/* A look that ends when another engine has come in its place says nothing of that one. */
static void test_another_engine_meanwhile(void **state)
{
    (void)state;
    start(SIZES_ONLY, 0, PERIOD_MS);
    the_engine()->facts.local = true;
    round_whole();
    assert_true(worker_has_job());
    hold(stats_of('a'));
    round_begin();
    answer_failure(stats_of('a'), REASON_CONNECTION_REFUSED);
    assert_true(round_is_done());
    hold_none();
    fake_resources.root = "/nowhere/else";
    round_whole();
    round_whole();
    worker_run();
    round_whole();
    expect_no_size('a', REASON_NOT_GIVEN);
    advance_ms(PERIOD_MS);
    round_whole();
    worker_run();
    round_whole();
    assert_int_equal(size_value('a', POINT_FS_USAGE, ""), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_usage, end),
        cmocka_unit_test_teardown(test_usage_unwanted, end),
        cmocka_unit_test_teardown(test_usage_of_an_old_engine, end),
        cmocka_unit_test_teardown(test_usage_fails, end),
        cmocka_unit_test_teardown(test_usage_is_not_stirred, end),
        cmocka_unit_test_teardown(test_one_at_a_time, end),
        cmocka_unit_test_teardown(test_sizes_of_a_remote_engine, end),
        cmocka_unit_test_teardown(test_sizes_of_stopped_ones, end),
        cmocka_unit_test_teardown(test_sizes_unwanted, end),
        cmocka_unit_test_teardown(test_old_sizes, end),
        cmocka_unit_test_teardown(test_sizes_never_counted, end),
        cmocka_unit_test_teardown(test_sizes_of_an_engine_that_is_away, end),
        cmocka_unit_test_teardown(test_local_engine, end),
        cmocka_unit_test_teardown(test_root_that_is_not_seen, end),
        cmocka_unit_test_teardown(test_root_that_is_not_said, end),
        cmocka_unit_test_teardown(test_root_that_cannot_be_read, end),
        cmocka_unit_test_teardown(test_file_system_that_hangs, end),
        cmocka_unit_test_teardown(test_no_thread, end),
        cmocka_unit_test_teardown(test_another_engine_meanwhile, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
