/* What it knows: that what is read of processes is what the running kernel has: descriptors,
 * threads' times, tasks' states, sockets of a namespace. Groups of its own in a parent of its own;
 * as root on a v1 or hybrid host, else skipped. Documents: cgroups(7); proc(5);
 * network_namespaces(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/metric.h"
#include "base/text.h"
#include "group_kernel_fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LISTENERS   2
#define PAIRS       3 /* connections, whose both ends are in one namespace */
#define DATAGRAMS   4
#define BYTES_SENT  5 /* and not read */
#define FILES_LIMIT 123
#define THREADS     3
#define TRIES       100
#define ROUNDS      300
#define BUSY_MS     50

static const struct timespec moment = {.tv_nsec = (long)NS_PER_MS};

/* --- processes that do something --- */

static bool raise_lo(int fd)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

static int open_socket(int type, struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (fd < 0 || !raise_lo(fd) || bind(fd, (struct sockaddr *)address, sizeof *address) < 0 ||
        getsockname(fd, (struct sockaddr *)address, &size) < 0)
        return -1;
    return fd;
}

static bool open_streams(void)
{
    struct sockaddr_in address;
    for (unsigned i = 0; i < LISTENERS; i++) {
        int listener = open_socket(SOCK_STREAM, &address);
        if (listener < 0 || listen(listener, PAIRS) < 0)
            return false;
        for (unsigned k = 0; i == 0 && k < PAIRS; k++) {
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
                accept(listener, NULL, NULL) < 0)
                return false;
        }
    }
    return true;
}

static bool open_datagrams(void)
{
    struct sockaddr_in address;
    for (unsigned i = 0; i < DATAGRAMS; i++) {
        int fd = open_socket(SOCK_DGRAM, &address);
        if (fd < 0 || sendto(fd, "12345", BYTES_SENT, 0, (struct sockaddr *)&address,
                             sizeof address) != BYTES_SENT)
            return false;
    }
    return true;
}

/* A network of its own, with sockets in it. */
static bool be_networked(void)
{
    return unshare(CLONE_NEWNET) == 0 && open_streams() && open_datagrams();
}

static bool have_limit(void)
{
    const struct rlimit limit = {FILES_LIMIT, FILES_LIMIT};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static void *wait_for_ever(void *context)
{
    (void)context;
    for (;;)
        (void)pause();
    return NULL;
}

static bool have_threads(void)
{
    pthread_t thread;
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
            return false;
    return true;
}

static bool just_be(void)
{
    return true;
}

static void *burn(void *context)
{
    volatile unsigned *sink = context;
    for (;;)
        (*sink)++;
    return NULL;
}

static bool burn_in_a_thread(void)
{
    static volatile unsigned sink;
    pthread_t thread;
    return pthread_create(&thread, NULL, burn, (void *)(uintptr_t)&sink) == 0;
}

/* Processes that begin and end all the time. */
static void breed(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    (void)waitpid(child, NULL, 0);
}

static void rest(void)
{
    (void)pause();
}

/* A child that gets everything ready, says so and lives until it is killed. */
static pid_t start_living(struct here *h, bool (*get_ready)(void), void (*live)(void))
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!get_ready() || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            live();
    }
    (void)close(ready[1]);
    ssize_t got = read(ready[0], &byte, 1);
    (void)close(ready[0]);
    h->children[h->child_count++] = pid;
    return got == 1 ? pid : -1;
}

static pid_t start(struct here *h, bool (*get_ready)(void))
{
    return start_living(h, get_ready, rest);
}

/* --- looking --- */

static struct here *begin_with(void **state, unsigned groups)
{
    struct here *h = begin(state);
    struct err e = {0};
    const struct group_reader_options options = {.clock = &h->clock,
                                                 .procfs = "/proc",
                                                 .sysfs = h->sysfs,
                                                 .scope = SCOPE_CONTAINERS,
                                                 .max_files = 1000,
                                                 .groups = groups};
    group_reader_free(h->reader);
    h->reader = NULL;
    assert_int_equal(group_reader_new(&options, &e, &h->reader), 0);
    assert_true(make_group(h, h->first));
    return h;
}

static void assert_quiet(const struct here *h)
{
    const struct part *part = &group_reader_result(h->reader)->part;
    for (size_t i = 0; i < part->problem_count; i++)
        fail_msg("%s", part->problems[i].text);
}

/* Entries of a process's directory whose links begin so; "" all of them. */
static uint64_t count_entries(pid_t pid, const char *name, const char *target)
{
    char path[64];
    uint64_t count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *e = readdir(directory); e; e = readdir(directory)) {
        char link[PATH_MAX] = "";
        if (e->d_name[0] == '.')
            continue;
        if (target[0] != '\0')
            assert_true(readlinkat(dirfd(directory), e->d_name, link, sizeof link - 1) > 0);
        count += text_starts_with(link, target);
    }
    assert_int_equal(closedir(directory), 0);
    return count;
}

/* The first number in a file: how long a thread ran. */
static uint64_t run_time(const char *path)
{
    uint64_t ns = 0;
    char line[128] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(text_parse_u64(line, strcspn(line, " "), &ns), 0);
    return ns;
}

static uint64_t run_time_of_threads(pid_t pid)
{
    char path[PATH_MAX];
    uint64_t sum = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *e = readdir(directory); e; e = readdir(directory)) {
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, e->d_name);
        sum += run_time(path);
    }
    assert_int_equal(closedir(directory), 0);
    return sum;
}

static uint64_t count_listeners(const char *path)
{
    char line[512];
    uint64_t count = 0;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, " 0A ") != NULL;
    assert_int_equal(fclose(file), 0);
    return count;
}

static uint64_t point(const struct container_row *row, enum point_metric metric, const char *word)
{
    for (size_t i = 0; i < row->point_count; i++)
        if (row->points[i].metric == (unsigned)metric && text_equal(row->points[i].labels[0], word))
            return row->points[i].value;
    fail_msg("no %s of %s", word, point_metrics[metric].family);
    return 0;
}

/* A task that said it is ready sleeps a moment later. */
static const struct container_row *wait_for(struct here *h, enum container_metric metric,
                                            uint64_t value)
{
    const struct container_row *row = run(h, 0, h->first);
    for (unsigned i = 0; i < WAIT_MS && row->values[metric] != value; i++) {
        (void)nanosleep(&moment, NULL);
        row = run(h, 0, h->first);
    }
    assert_int_equal(row->values[metric], value);
    return row;
}

/* --- tests --- */

static void test_descriptors(void **state)
{
    struct here *h = begin_with(state, GROUP_BIT(GROUP_PROCESS));
    pid_t pid = start(h, have_limit);
    join_group(h, pid, h->first);
    join_group(h, start(h, have_threads), h->first);
    const struct container_row *row = run(h, 0, h->first);
    assert_quiet(h);
    uint64_t open = 0;
    uint64_t sockets = 0;
    for (unsigned i = 0; i < 2; i++) {
        open += count_entries(h->children[i], "fd", "");
        sockets += count_entries(h->children[i], "fd", "socket:");
    }
    assert_true(sockets > 0);
    assert_int_equal(row->values[CONTAINER_PROCESSES], 2);
    assert_int_equal(row->values[CONTAINER_FILE_DESCRIPTORS], open);
    assert_int_equal(row->values[CONTAINER_SOCKETS], sockets);
    assert_int_equal(row->values[CONTAINER_ULIMIT_FILES], FILES_LIMIT);
}

static void test_nested(void **state)
{
    struct here *h = begin_with(state, GROUP_BIT(GROUP_PROCESS) | GROUP_BIT(GROUP_LOAD));
    char below[192];
    (void)snprintf(below, sizeof below, "%s/below", h->first);
    assert_true(make_group(h, below));
    join_group(h, start(h, just_be), h->first);
    join_group(h, start(h, have_threads), below);
    const struct container_row *row = run(h, 0, h->first);
    assert_int_equal(row->values[CONTAINER_PROCESSES], 2);
    if (row->tiers[GROUP_LOAD] == TIER_CGROUP)
        (void)wait_for(h, CONTAINER_TASKS_SLEEPING, 2 + THREADS);
    end_processes(h);
    drop_group(h, below);
}

/* /proc/PID/schedstat of the process would not have what its thread burns. */
static void test_times(void **state)
{
    struct here *h = begin_with(state, GROUP_BIT(GROUP_SCHED));
    char path[64];
    pid_t pid = start(h, burn_in_a_thread);
    join_group(h, pid, h->first);
    const struct container_row *row = run(h, 0, h->first);
    if (row->absent[GROUP_SCHED] == REASON_NOT_GIVEN)
        skip();
    for (unsigned i = 0; i < WAIT_MS && row->values[CONTAINER_SCHED_RUN] < BUSY_MS * NS_PER_MS;
         i++) {
        (void)nanosleep(&moment, NULL);
        row = run(h, 0, h->first);
    }
    assert_quiet(h);
    assert_true(row->values[CONTAINER_SCHED_RUN] >= BUSY_MS * NS_PER_MS);
    uint64_t least = row->values[CONTAINER_SCHED_RUN];
    (void)snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    uint64_t leader = run_time(path);
    uint64_t all = run_time_of_threads(pid);
    row = run(h, 0, h->first);
    assert_true(leader < least);
    assert_in_range(all, least, row->values[CONTAINER_SCHED_RUN]);
    uint64_t slices = row->values[CONTAINER_SCHED_SLICES];
    join_group(h, start(h, just_be), h->first);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    h->children[0] = h->children[--h->child_count];
    row = run(h, 0, h->first);
    assert_true(row->values[CONTAINER_SCHED_RUN] >= all);
    assert_true(row->values[CONTAINER_SCHED_SLICES] >= slices);
}

static void test_states(void **state)
{
    struct here *h = begin_with(state, GROUP_BIT(GROUP_LOAD));
    join_group(h, start(h, have_threads), h->first);
    pid_t stopped = start(h, just_be);
    join_group(h, stopped, h->first);
    join_group(h, start(h, burn_in_a_thread), h->first);
    assert_int_equal(kill(stopped, SIGSTOP), 0);
    assert_int_equal(waitpid(stopped, NULL, WUNTRACED), stopped);
    const struct container_row *row = run(h, 0, h->first);
    assert_quiet(h);
    if (row->absent[GROUP_LOAD] == REASON_NOT_GIVEN) {
        print_message("this kernel has no CGROUPSTATS\n");
        skip();
    }
    row = wait_for(h, CONTAINER_TASKS_SLEEPING, 1 + THREADS + 1);
    assert_int_equal(row->values[CONTAINER_TASKS_RUNNING], 1);
    assert_int_equal(row->values[CONTAINER_TASKS_STOPPED], 1);
    assert_int_equal(row->values[CONTAINER_TASKS_UNINTERRUPTIBLE], 0);
    assert_true(row_has(row, CONTAINER_TASKS_IOWAITING));
}

static void test_sockets(void **state)
{
    struct here *h =
        begin_with(state, GROUP_BIT(GROUP_TCP) | GROUP_BIT(GROUP_UDP) | GROUP_BIT(GROUP_ADVTCP));
    pid_t pid = start(h, be_networked);
    if (pid < 0)
        skip();
    join_group(h, pid, h->first);
    const struct container_row *row = run(h, 0, h->first);
    assert_quiet(h);
    assert_int_equal(point(row, POINT_TCP, "listen"), LISTENERS);
    assert_int_equal(point(row, POINT_TCP, "established"), 2 * PAIRS);
    assert_int_equal(point(row, POINT_TCP, "timewait"), 0);
    assert_int_equal(point(row, POINT_UDP, "listen"), DATAGRAMS);
    assert_int_equal(point(row, POINT_UDP, "dropped"), 0);
    assert_true(point(row, POINT_UDP, "rxqueued") >= DATAGRAMS * BYTES_SENT);
    assert_int_equal(point(row, POINT_ADVTCP, "activeopens"), PAIRS);
    assert_int_equal(point(row, POINT_ADVTCP, "passiveopens"), PAIRS);
    assert_int_equal(point(row, POINT_ADVTCP, "currestab"), 2 * PAIRS);
    assert_true((int64_t)point(row, POINT_ADVTCP, "maxconn") == -1);
    /* Others on this machine begin and end to listen too. */
    bool alike = false;
    for (unsigned i = 0; i < TRIES && !alike; i++) {
        (void)run(h, 0, h->first);
        alike = point(find(h, "/"), POINT_TCP, "listen") == count_listeners("/proc/1/net/tcp");
    }
    assert_true(alike);
    pid_t other = start(h, just_be);
    join_group(h, other, h->first);
    row = run(h, 0, h->first);
    assert_int_equal(row->tiers[GROUP_TCP], TIER_CGROUP);
}

/* Of processes that come and go none is taken for a hidden one, and no sum is in part. */
static void test_short_lives(void **state)
{
    struct here *h = begin_with(state, GROUP_BIT(GROUP_PROCESS) | GROUP_BIT(GROUP_SCHED));
    pid_t pid = start(h, just_be);
    join_group(h, pid, h->first);
    uint64_t own = count_entries(pid, "fd", "");
    join_group(h, start_living(h, just_be, breed), h->first);
    uint64_t before = 0;
    unsigned different = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct container_row *row = run(h, 0, h->first);
        assert_quiet(h);
        assert_true(row->values[CONTAINER_PROCESSES] >= 2);
        assert_true(row_has(row, CONTAINER_FILE_DESCRIPTORS));
        assert_true(row->values[CONTAINER_FILE_DESCRIPTORS] >= 2 * own);
        different += row->values[CONTAINER_PROCESSES] > 2;
        if (row->absent[GROUP_SCHED] == REASON_NOT_GIVEN)
            continue;
        assert_true(row->values[CONTAINER_SCHED_RUN] >= before);
        before = row->values[CONTAINER_SCHED_RUN];
    }
    assert_true(different > 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, here_setup, here_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_descriptors), TEST(test_nested),  TEST(test_times),
        TEST(test_states),      TEST(test_sockets), TEST(test_short_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
