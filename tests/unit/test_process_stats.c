/* process_* against what the kernel says through other doors. */
#include "agent/process_stats.h"

#include "base/clock.h"
#include "base/snapshot.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct part part;

static void take(void)
{
    part_reset(&part);
    process_stats_add(&part, 1234567);
}

static uint64_t value(enum agent_metric metric)
{
    uint64_t found = 0;
    unsigned count = 0;
    for (size_t i = 0; i < part.point_count; i++) {
        if (part.points[i].metric != metric)
            continue;
        found = part.points[i].value;
        count++;
    }
    assert_int_equal(count, 1);
    return found;
}

static uint64_t entries(const char *path)
{
    uint64_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *e = readdir(directory); e; e = readdir(directory))
        count += e->d_name[0] != '.';
    assert_int_equal(closedir(directory), 0);
    return count;
}

static void test_start_is_what_was_given(void **state)
{
    (void)state;
    take();
    assert_int_equal(value(AGENT_PROCESS_START), 1234567);
}

static void test_descriptors(void **state)
{
    (void)state;
    int fds[5];
    take();
    uint64_t before = value(AGENT_PROCESS_FDS);
    assert_int_equal(before, entries("/proc/self/fd") - 1); /* less the one that counts */
    for (size_t i = 0; i < 5; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
    take();
    assert_int_equal(value(AGENT_PROCESS_FDS), before + 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(close(fds[i]), 0);
    take();
    assert_int_equal(value(AGENT_PROCESS_FDS), before);
}

static void test_most_descriptors(void **state)
{
    (void)state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit lower = {.rlim_cur = 77, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    take();
    assert_int_equal(value(AGENT_PROCESS_MAX_FDS), 77);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static void test_threads(void **state)
{
    (void)state;
    take();
    assert_int_equal(value(AGENT_PROCESS_THREADS), entries("/proc/self/task"));
}

/* Of this program: what getrusage(2) says is as high as whoever started it was. */
static uint64_t peak_resident(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (text_starts_with(line, "VmHWM:"))
            assert_int_equal(
                text_parse_u64(line + strcspn(line, "0123456789"),
                               strspn(line + strcspn(line, "0123456789"), "0123456789"), &kib),
                0);
    assert_int_equal(fclose(file), 0);
    assert_true(kib > 0);
    return kib * 1024;
}

static void test_memory(void **state)
{
    (void)state;
    take();
    uint64_t resident = value(AGENT_PROCESS_RESIDENT);
    uint64_t virtual = value(AGENT_PROCESS_VIRTUAL);
    uint64_t peak = peak_resident();
    const uint64_t slack = 4 * 1024 * 1024; /* the kernel counts in batches */
    assert_true(resident > 0 && resident % (uint64_t)sysconf(_SC_PAGESIZE) == 0);
    assert_true(resident <= peak + slack);
    assert_true(resident >= peak / 2); /* nothing was given back so far */
    assert_true(virtual >= resident);
}

static void test_cpu(void **state)
{
    (void)state;
    struct timespec before;
    struct timespec after;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
    take();
    uint64_t cpu = value(AGENT_PROCESS_CPU);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
    const uint64_t slack = 20 * NS_PER_MS; /* both are accounted apart */
    uint64_t least = (uint64_t)before.tv_sec * NS_PER_SECOND + (uint64_t)before.tv_nsec;
    uint64_t most = (uint64_t)after.tv_sec * NS_PER_SECOND + (uint64_t)after.tv_nsec;
    assert_true(cpu + slack >= least && cpu <= most + slack);
    /* Some work, until the clock says that it was some. */
    while ((uint64_t)after.tv_sec * NS_PER_SECOND + (uint64_t)after.tv_nsec < most + 50 * NS_PER_MS)
        assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
    take();
    assert_true(value(AGENT_PROCESS_CPU) > cpu);
}

static int end(void **state)
{
    (void)state;
    part_done(&part);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_is_what_was_given),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_most_descriptors),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
