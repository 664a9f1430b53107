/* A job that is slower than its round: its rows come in the next one, and give way. A kernel file
 * that hangs is a FIFO here, until somebody writes. Documents: docs/ARCHITECTURE.md, "The cascade";
 * collectors/inventory.h; fifo(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cgroup_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANGS  "pids.events"          /* opened in every round as long as it cannot be read */
#define BEFORE UINT64_C(698890123456) /* the CPU time that the fixture has */
#define AFTER  UINT64_C(798890123456)

/* The file hangs: opening it waits for a writer. */
static void hang(struct kernel_tier *t)
{
    char path[PATH_MAX];
    drop_file(&t->f, "pids", PATH, HANGS);
    (void)snprintf(path, sizeof path, "%s/%s" PATH "/" HANGS, t->f.top, tree(&t->f, "pids"));
    assert_int_equal(mkfifo(path, 0644), 0);
}

/* From now on it does not hang; the job under way ends. */
static void go_on(struct kernel_tier *t)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s" PATH "/" HANGS, t->f.top, tree(&t->f, "pids"));
    int fd =
        open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC); /* a FIFO's writer, who waits for nobody */
    assert_true(fd >= 0);
    tier_wait(t);
    assert_int_equal(close(fd), 0);
    drop_file(&t->f, "pids", PATH, HANGS);
    put_file(&t->f, "pids", PATH, HANGS, "max 4\n");
}

static uint64_t measured_round(const struct kernel_tier *t)
{
    const struct inventory_entry *entry = inventory_find(t->inventory, ID);
    assert_non_null(entry);
    return entry->measured_round;
}

/* In the light order the engine is asked for values of containers that this tier did not have in
 * the round before. */
static bool engine_is_asked(const struct kernel_tier *t)
{
    return measured_round(t) + 1 < t->round.number;
}

static void expect_cpu(const struct kernel_tier *t, uint64_t usage, bool yields)
{
    const struct container_row *row = tier_row(t, ID);
    assert_non_null(row);
    assert_int_equal(row->tiers[GROUP_CPU], TIER_CGROUP);
    assert_int_equal(row->values[CONTAINER_CPU_USAGE], usage);
    for (enum metric_group group = 0; group < GROUP_COUNT; group++)
        if (group != GROUP_SPEC) /* what is configured does not grow old */
            assert_int_equal((row->yields >> group) & 1, yields);
}

/* A first round in time, and one that seals before its job has ended. */
static void begin_late(struct kernel_tier *t)
{
    put_container(&t->f, PATH);
    tier_round(t, 0);
    expect_cpu(t, BEFORE, false);
    hang(t);
    tier_begin(t, 15);
    tier_cancel(t);
    assert_int_equal(t->part.row_count, 0);
    assert_int_equal(tier_problems(t, REASON_STUCK), 1);
    assert_false(t->part.sees_host);
}

static void test_late_rows(void **state)
{
    struct kernel_tier *t = *state;
    begin_late(t);
    uint64_t read_ns = t->f.now_ns;
    go_on(t);
    assert_int_equal(t->done, 0); /* that round has been sealed */
    put_file(&t->f, "cpuacct", PATH, "cpuacct.usage", "798890123456\n");
    tier_round(t, 15);
    expect_cpu(t, BEFORE, true);
    assert_int_equal(tier_row(t, ID)->cpu_sampled_ns, read_ns);
    assert_int_equal(tier_problems(t, REASON_STUCK), 0);
    assert_true(t->part.sees_host);
    tier_round(t, 15);
    expect_cpu(t, AFTER, false);
    assert_int_equal(tier_row(t, ID)->cpu_sampled_ns, t->f.now_ns);
}

/* Nobody asked for a while: what was read then says nothing of now. */
static void test_too_late(void **state)
{
    struct kernel_tier *t = *state;
    begin_late(t);
    go_on(t);
    put_file(&t->f, "cpuacct", PATH, "cpuacct.usage", "798890123456\n");
    tier_round(t, 3600);
    expect_cpu(t, AFTER, false);
}

/* As long as it hangs rounds say so, and what was read is not lost. */
static void test_several_rounds_late(void **state)
{
    struct kernel_tier *t = *state;
    begin_late(t);
    for (unsigned i = 0; i < 3; i++) {
        tier_begin(t, 0); /* time is the thread's as long as it hangs */
        tier_cancel(t);
        assert_int_equal(t->part.row_count, 0);
        assert_true(tier_problems(t, REASON_STUCK) > 0);
        assert_true(engine_is_asked(t));
    }
    go_on(t);
    tier_round(t, 15);
    expect_cpu(t, BEFORE, true);
    tier_round(t, 15);
    expect_cpu(t, BEFORE, false);
}

/* What the job found counts when it becomes rows, and those give way: it is the engine's container
 * until a round had it in time. */
static void test_engine_is_asked(void **state)
{
    struct kernel_tier *t = *state;
    begin_late(t);
    assert_false(engine_is_asked(t)); /* the round before had it */
    uint64_t measured = measured_round(t);
    uint64_t read_ns = t->f.now_ns;
    go_on(t);
    assert_int_equal(measured_round(t), measured);
    tier_begin(t, 15); /* the engine, whose turn is next, looks now */
    assert_true(engine_is_asked(t));
    assert_int_equal(inventory_find(t->inventory, ID)->measured_ns, read_ns);
    tier_wait(t);
    expect_cpu(t, BEFORE, true);
    tier_begin(t, 15);
    assert_true(engine_is_asked(t)); /* in the round before it had it late */
    tier_wait(t);
    expect_cpu(t, BEFORE, false);
    tier_begin(t, 15);
    assert_false(engine_is_asked(t));
    tier_wait(t);
}

/* One made anew while the job hung: the next job finds that out. */
static void test_renewed_meanwhile(void **state)
{
    struct kernel_tier *t = *state;
    begin_late(t);
    go_on(t);
    t->f.now_ns += NS_PER_SECOND;
    renew_container(&t->f, PATH);
    put_file(&t->f, "cpuacct", PATH, "cpuacct.usage", "798890123456\n");
    tier_tell(t, ID, PATH, 0, 77); /* the engine knows of this instance */
    tier_round(t, 15);
    expect_cpu(t, BEFORE, true);
    uint64_t birth = tier_row(t, ID)->birth;
    for (unsigned i = 0; i < 3; i++) {
        tier_round(t, 15);
        expect_cpu(t, AFTER, false);
        assert_true(tier_row(t, ID)->birth != birth);
        assert_int_equal(tier_row(t, ID)->identity->started_ns, 77);
    }
}

/* It ends while its job hangs: the thread goes on alone, and nothing of it is told. */
static void test_closed_meanwhile(void **state)
{
    struct kernel_tier *t = *state;
    char path[PATH_MAX];
    begin_late(t);
    t->collector->kind->close_idle(t->collector);
    (void)snprintf(path, sizeof path, "%s/%s" PATH "/" HANGS, t->f.top, tree(&t->f, "pids"));
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    t->collector->kind->close(t->collector);
    t->collector = NULL;
    tier_wait(t);
    assert_int_equal(close(fd), 0);
    assert_int_equal(t->done, 0);
}

/* Nobody asks meanwhile: its files are let go of when it ends. */
static void test_idle_meanwhile(void **state)
{
    struct kernel_tier *t = *state;
    put_container(&t->f, PATH);
    tier_begin(t, 0);
    tier_wait(t);
    size_t kept = open_files();
    t->collector->kind->close_idle(t->collector);
    size_t bare = open_files();
    assert_true(bare < kept);
    hang(t);
    tier_begin(t, 15);
    tier_cancel(t);
    t->collector->kind->close_idle(t->collector);
    go_on(t);
    assert_int_equal(open_files(), bare);
    tier_round(t, 15);
    expect_cpu(t, BEFORE, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIER_1(test_late_rows),           TIER_1(test_too_late),
        TIER_1(test_several_rounds_late), TIER_1(test_engine_is_asked),
        TIER_1(test_renewed_meanwhile),   TIER_1(test_closed_meanwhile),
        TIER_1(test_idle_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
