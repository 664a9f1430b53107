/* What it knows: what kernels write into limits and schedstat, and that descriptors and threads of
 * the process the test runs in are found as they are. Documents: proc(5);
 * Documentation/scheduler/sched-stats.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collectors/proc_tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_PID  4194305 /* one past the most that a kernel gives */
#define MOST    100000
#define SOCKETS 3
#define THREADS 5

#define HEADING           "Limit                     Soft Limit           Hard Limit           Units     \n"
#define FILES(soft, hard) "Max open files            " soft " " hard "            files     \n"
#define OTHERS            "Max processes             96343                96343                processes \n"

static int parse_limit(const char *text, int64_t *ret)
{
    return proc_limit_parse(text, strlen(text), ret);
}

static void test_limit(void **state)
{
    int64_t soft = 7;
    (void)state;
    assert_int_equal(
        parse_limit(HEADING OTHERS FILES("1024                ", "1048576 ") OTHERS, &soft), 0);
    assert_int_equal(soft, 1024);
    assert_int_equal(parse_limit(FILES("unlimited           ", "unlimited"), &soft), 0);
    assert_int_equal(soft, -1);
    assert_int_equal(parse_limit(FILES("9223372036854775807", "unlimited"), &soft), 0);
    assert_true(soft == INT64_MAX);
    assert_int_equal(parse_limit(FILES("0", "0"), &soft), 0);
    assert_int_equal(soft, 0);
}

static void test_broken_limits(void **state)
{
    static const char *const texts[] = {
        "",
        HEADING,
        HEADING OTHERS,
        "Max open files            1024",
        FILES("", "") OTHERS,
        "Max open files            1024\n",
        "Max open files            10x4      1024   files\n",
        "Max open files            -1        1024   files\n",
        "Max open files            unlimite  1024   files\n",
        "Max open filesystems      1024      1024   files\n",
    };
    int64_t soft = 7;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(parse_limit(texts[i], &soft), -EBADMSG);
    assert_int_equal(parse_limit(FILES("9223372036854775808", "unlimited"), &soft), -ERANGE);
    assert_int_equal(parse_limit(FILES("99999999999999999999", "unlimited"), &soft), -ERANGE);
    assert_int_equal(soft, 7);
}

static int parse_times(const char *text, uint64_t ret[PROC_TIMES])
{
    return proc_schedstat_parse(text, strlen(text), ret);
}

static void test_schedstat(void **state)
{
    static const char *const broken[] = {
        "",         "\n",       "1 2\n",    "1 2 3",    "1 2 3 4\n", "1 2 3\n\n",
        "1  2 3\n", " 1 2 3\n", "1 2 3 \n", "-1 2 3\n", "1 2 x\n",   "1 2 99999999999999999999\n",
    };
    uint64_t times[PROC_TIMES] = {7, 8, 9};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_int_equal(parse_times(broken[i], times), -EBADMSG);
    assert_int_equal(times[PROC_RUN_NS], 7);
    assert_int_equal(parse_times("191590 2944419 2\n", times), 0);
    assert_int_equal(times[PROC_RUN_NS], 191590);
    assert_int_equal(times[PROC_WAIT_NS], 2944419);
    assert_int_equal(times[PROC_SLICES], 2);
    assert_int_equal(parse_times("18446744073709551615 0 0\n", times), 0);
    assert_true(times[PROC_RUN_NS] == UINT64_MAX);
}

/* --- this process --- */

static void test_descriptors(void **state)
{
    struct proc_descriptors before = {0};
    struct proc_descriptors after = {0};
    int fds[2 * SOCKETS + 1];
    uint32_t self = (uint32_t)getpid();
    (void)state;
    assert_int_equal(proc_descriptors_add("/proc", self, MOST, &before), 0);
    for (size_t i = 0; i < SOCKETS; i++)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, &fds[2 * i]), 0);
    fds[2 * SOCKETS] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(proc_descriptors_add("/proc", self, MOST, &after), 0);
    assert_int_equal(after.open, before.open + 2 * SOCKETS + 1);
    assert_int_equal(after.sockets, before.sockets + 2 * SOCKETS);
    assert_int_equal(proc_descriptors_add("/proc", self, 2 * after.open, &after), 0); /* twice */
    assert_int_equal(after.sockets, 2 * (before.sockets + 2 * SOCKETS));
    struct proc_descriptors same = after;
    assert_int_equal(proc_descriptors_add("/proc", self, after.open + 2, &after), -E2BIG);
    assert_int_equal(proc_descriptors_add("/proc", NO_PID, MOST, &after), -ENOENT);
    assert_memory_equal(&same, &after, sizeof same);
    for (size_t i = 0; i < 2 * SOCKETS + 1; i++)
        assert_int_equal(close(fds[i]), 0);
}

static void test_limit_of_this(void **state)
{
    struct rlimit limit;
    int64_t soft = 0;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(proc_limit_read("/proc", (uint32_t)getpid(), &soft), 0);
    assert_true(limit.rlim_cur == RLIM_INFINITY ? soft == -1 : (uint64_t)soft == limit.rlim_cur);
    assert_int_equal(proc_limit_read("/proc", NO_PID, &soft), -ENOENT);
}

struct shared {
    pthread_barrier_t begun;
    pthread_barrier_t over;
    uint32_t tids[THREADS];
};

struct thread {
    struct shared *shared;
    unsigned number;
    pthread_t handle;
};

static void *live(void *context)
{
    struct thread *t = context;
    t->shared->tids[t->number] = (uint32_t)syscall(SYS_gettid);
    (void)pthread_barrier_wait(&t->shared->begun);
    (void)pthread_barrier_wait(&t->shared->over);
    return NULL;
}

static bool has_thread(const struct proc_threads *threads, uint32_t tid)
{
    bool found = false;
    for (size_t i = 0; i < threads->count; i++) {
        if (threads->items[i].tid != tid)
            continue;
        assert_false(found);
        assert_true(threads->items[i].times[PROC_SLICES] > 0);
        assert_true(threads->items[i].times[PROC_RUN_NS] > 0);
        assert_true(threads->items[i].start_ticks > 0);
        found = true;
    }
    return found;
}

static void test_threads(void **state)
{
    struct shared shared;
    struct thread running[THREADS];
    struct proc_threads threads = {0};
    uint32_t self = (uint32_t)getpid();
    (void)state;
    if (access("/proc/self/schedstat", R_OK) != 0)
        skip();
    assert_int_equal(pthread_barrier_init(&shared.begun, NULL, THREADS + 1), 0);
    assert_int_equal(pthread_barrier_init(&shared.over, NULL, THREADS + 1), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        running[i] = (struct thread){.shared = &shared, .number = i};
        assert_int_equal(pthread_create(&running[i].handle, NULL, live, &running[i]), 0);
    }
    (void)pthread_barrier_wait(&shared.begun);
    assert_int_equal(proc_threads_add("/proc", self, MOST, &threads), 0);
    size_t count = threads.count; /* a sanitizer may have one of its own */
    assert_int_equal(proc_threads_add("/proc", self, 2 * count - 1, &threads), -E2BIG);
    threads.count = count;
    (void)pthread_barrier_wait(&shared.over);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(running[i].handle, NULL), 0);
        assert_true(has_thread(&threads, shared.tids[i]));
    }
    assert_true(has_thread(&threads, self));
    assert_int_equal(proc_threads_add("/proc", NO_PID, MOST, &threads), -ENOENT);
    proc_threads_done(&threads);
    assert_int_equal(threads.count, 0);
}

/* What is in /proc of a process that ended and was not waited for yet. */
static void test_ended(void **state)
{
    struct proc_descriptors sum = {0};
    siginfo_t info;
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_descriptors_add("/proc", (uint32_t)pid, MOST, &sum), 0);
    assert_int_equal(sum.open, 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(proc_descriptors_add("/proc", (uint32_t)pid, MOST, &sum), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),         cmocka_unit_test(test_broken_limits),
        cmocka_unit_test(test_schedstat),     cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_limit_of_this), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
