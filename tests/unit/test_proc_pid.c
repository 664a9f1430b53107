/* What it knows: what kernels write into stat and cgroup of a process, and which of a container's
 * processes is its first, on trees that stand in for procfs and on the machine the test runs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "collectors/proc_net.h"

#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY        65534
#define SKIPPED       77 /* exit status of a child that could not try */
#define NS_PER_SECOND UINT64_C(1000000000)
#define PATH_BYTES    200
#define COUNT(array)  (sizeof(array) / sizeof(array)[0])
/* Fields 6 to 21, and those behind field 22. */
#define MIDDLE                    " 34816 34816 -1 4194560 106113 225714029 69 1534 1227 5208 654158 123331 20 0 13 0"
#define REST                      " 51474432 4871 18446744073709551615 1 1 0 0 0 0 0 4096 1088 0 0 0 17 1 0 0 0 0 0\n"
#define STAT(name, parent, start) "4242 (" name ") S " parent " 34816" MIDDLE " " start REST

static char root[] = "/tmp/weir-test-pid-XXXXXX";

static int setup(void **state)
{
    (void)state;
    (void)memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    if (!mkdtemp(root))
        return -1;
    return chmod(root, 0755);
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

static void write_file(unsigned pid, const char *name, const char *text)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%u", root, pid);
    assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
    (void)snprintf(path, sizeof path, "%s/%u/%s", root, pid, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void add_process(unsigned pid, unsigned parent, unsigned start)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "%u (a (b) c) S %u 1" MIDDLE " %u" REST, pid, parent, start);
    write_file(pid, "stat", text);
}

static int parse_bytes(const char *text, size_t length, struct proc_stat *ret)
{
    char *copy = malloc(length + (length == 0)); /* without a NUL: a read past it is seen */
    assert_non_null(copy);
    memcpy(copy, text, length);
    int r = proc_stat_parse(copy, length, ret);
    free(copy);
    return r;
}

static void test_real_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t parent;
        uint64_t start;
    } cases[] = {
        {"1 (process_api) S 0 0 0 0 -1 4194560 106113 225714029 69 1534 1227 5208 654158 123331 20 "
         "0 13 0 10 51474432 4871 18446744073709551615 1 1 0 0 0 0 0 4096 1088 0 0 0 17 1 0 0 0 0 "
         "0 0 0 0 0 0 0 0 0\n",
         0, 10},
        {"2913 (kworker/0:1-events) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 4713351 0 0 "
         "18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
         2, 4713351},
        {"812 (rtkit-daemon) S 1 812 812 0 -1 1077936384 1 0 0 0 5 2 0 0 -51 -11 3 0 1024 1 1 1\n",
         1, 1024},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct proc_stat stat = {0};
        assert_int_equal(parse_bytes(cases[i].text, strlen(cases[i].text), &stat), 0);
        assert_int_equal(stat.parent, cases[i].parent);
        assert_int_equal(stat.start_ticks, cases[i].start);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char *const lines[] = {
        STAT("", "7", "99"),         STAT("a b", "7", "99"),       STAT("(sd-pam)", "7", "99"),
        STAT(")", "7", "99"),        STAT("(", "7", "99"),         STAT(") S 1 1 1", "7", "99"),
        STAT("x) R 8 (", "7", "99"), STAT("a\nb", "7", "99"),      STAT(" ", "7", "99"),
        STAT("\xFF\x01", "7", "99"), STAT("4 (x) S 1", "7", "99"), STAT("))))((((", "7", "99"),
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct proc_stat stat = {0};
        assert_int_equal(parse_bytes(lines[i], strlen(lines[i]), &stat), 0);
        assert_int_equal(stat.parent, 7);
        assert_int_equal(stat.start_ticks, 99);
    }
}

static void test_largest_numbers(void **state)
{
    (void)state;
    struct proc_stat stat = {0};
    const char *text = STAT("x", "4294967295", "18446744073709551615");
    assert_int_equal(parse_bytes(text, strlen(text), &stat), 0);
    assert_true(stat.parent == UINT32_MAX && stat.start_ticks == UINT64_MAX);
    text = STAT("x", "4294967296", "1");
    assert_int_equal(parse_bytes(text, strlen(text), &stat), -EBADMSG);
    text = STAT("x", "1", "18446744073709551616");
    assert_int_equal(parse_bytes(text, strlen(text), &stat), -EBADMSG);
}

/* Cut before the end of field 22 it says nothing, not even a shorter number. */
static void test_torn_lines(void **state)
{
    (void)state;
    static const char head[] = "4242 (a b) S 17 34816" MIDDLE " 9876543";
    static const char text[] = "4242 (a b) S 17 34816" MIDDLE " 9876543" REST;
    for (size_t length = 0; length < sizeof text; length++) {
        struct proc_stat stat = {.parent = 1, .start_ticks = 2};
        bool enough = length >= sizeof head; /* a byte behind the number */
        assert_int_equal(parse_bytes(text, length, &stat), enough ? 0 : -EBADMSG);
        assert_int_equal(stat.parent, enough ? 17 : 1);
        assert_int_equal(stat.start_ticks, enough ? 9876543 : 2);
    }
}

static void test_garbage_lines(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",
        "\n",
        "garbage",
        "(",
        ")",
        ")(",
        "1 )x( S 1 1" MIDDLE " 5" REST,
        "(x) S 1 1" MIDDLE " 5" REST,     /* no pid */
        "12(x) S 1 1" MIDDLE " 5" REST,   /* no blank */
        "one (x) S 1 1" MIDDLE " 5" REST, /* a word */
        "-1 (x) S 1 1" MIDDLE " 5" REST,
        "1 (x)S 1 1" MIDDLE " 5" REST,
        "1 (x)  1 1" MIDDLE " 5" REST,   /* no state */
        "1 (x) SS 1 1" MIDDLE " 5" REST, /* not one letter */
        "1 (x) S -1 1" MIDDLE " 5" REST, /* no parent */
        "1 (x) S  1 1" MIDDLE " 5" REST, /* an empty field */
        "1 (x) S x 1" MIDDLE " 5" REST,
        "1 (x) S 1 x" MIDDLE " 5" REST,
        "1 (x) S 1 -" MIDDLE " 5" REST,
        "1 (x) S 1 1" MIDDLE " -5" REST,
        "1 (x) S 1 1" MIDDLE " 5x" REST,
        "1 (x) S 1 1" MIDDLE "\n", /* 21 fields */
    };
    for (size_t i = 0; i < COUNT(odd); i++) {
        struct proc_stat stat = {.parent = 1, .start_ticks = 2};
        if (parse_bytes(odd[i], strlen(odd[i]), &stat) != -EBADMSG)
            fail_msg("taken for the kernel's: %s", odd[i]);
        assert_true(stat.parent == 1 && stat.start_ticks == 2);
    }
}

static uint64_t now_ticks(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
    uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    return (uint64_t)now.tv_sec * per_second + (uint64_t)now.tv_nsec * per_second / NS_PER_SECOND;
}

/* Children of the test live until the test closes their pipe. */
struct child {
    pid_t pid;
    int hold;
};

static struct child start_child(void)
{
    int hold[2];
    assert_int_equal(pipe(hold), 0);
    struct child c = {.pid = fork(), .hold = hold[1]};
    assert_true(c.pid >= 0);
    if (c.pid == 0) {
        char word = 0;
        (void)close(hold[1]);
        _exit(read(hold[0], &word, 1) == 0 ? 0 : 1);
    }
    (void)close(hold[0]);
    return c;
}

static void stop_child(struct child c)
{
    int status = 0;
    (void)close(c.hold);
    assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
    assert_int_equal(status, 0);
}

static void test_real_processes(void **state)
{
    (void)state;
    struct proc_stat own = {0};
    struct proc_stat stat = {0};
    assert_int_equal(proc_stat_read("/proc", (uint32_t)getpid(), &own), 0);
    assert_int_equal(own.parent, getppid());
    uint64_t before = now_ticks();
    struct child c = start_child();
    uint64_t after = now_ticks();
    assert_int_equal(proc_stat_read("/proc", (uint32_t)c.pid, &stat), 0);
    assert_int_equal(stat.parent, getpid());
    assert_in_range(stat.start_ticks, before, after);
    assert_true(own.start_ticks <= stat.start_ticks);

    uint32_t first = 0;
    uint64_t start = 0;
    const uint32_t both[] = {(uint32_t)c.pid, (uint32_t)getpid()};
    assert_int_equal(proc_pick_first("/proc", both, 2, &first, &start), 0);
    assert_int_equal(first, getpid());
    assert_int_equal(start, own.start_ticks);
    assert_int_equal(proc_pick_first("/proc", both, 1, &first, &start), 0);
    assert_int_equal(first, c.pid);
    assert_int_equal(start, stat.start_ticks);
    stop_child(c);

    struct proc_stat untouched = {.parent = 1, .start_ticks = 2};
    assert_int_equal(proc_stat_read("/proc", (uint32_t)c.pid, &untouched), -ENOENT);
    assert_true(untouched.parent == 1 && untouched.start_ticks == 2);
    assert_int_equal(proc_pick_first("/proc", both, 1, &first, &start), -ENOENT);
    assert_int_equal(proc_pick_first("/proc", both, 2, &first, &start), 0);
    assert_int_equal(first, getpid());
}

/* Who is first among `pids` of the tree; 0 for nobody. */
static uint32_t pick(const uint32_t pids[], size_t count)
{
    uint32_t pid = 123;
    uint64_t start = 456;
    int r = proc_pick_first(root, pids, count, &pid, &start);
    if (r == 0)
        return pid;
    assert_int_equal(r, -ENOENT);
    assert_true(pid == 123 && start == 456);
    return 0;
}

#define PICK(...) pick((const uint32_t[]){__VA_ARGS__}, COUNT(((const uint32_t[]){__VA_ARGS__})))

static void test_nested_processes(void **state)
{
    (void)state;
    add_process(100, 50, 1000); /* the container's init; 50 is the shim, outside */
    add_process(101, 100, 1001);
    add_process(102, 101, 1002);
    add_process(103, 51, 2000); /* by exec, its parent is outside too */
    add_process(7, 102, 3000);  /* pids have begun anew */
    assert_int_equal(PICK(100, 101, 102, 103, 7), 100);
    assert_int_equal(PICK(7, 103, 102, 101, 100), 100); /* in any order */
    assert_int_equal(PICK(103, 101, 7), 101);
    assert_int_equal(PICK(7, 103), 103);
    assert_int_equal(PICK(7, 102), 102);
    assert_int_equal(PICK(7, 7, 7), 7); /* v1 may list one twice */
    assert_int_equal(PICK(102), 102);
    uint64_t start = 0;
    uint32_t pid = 0;
    assert_int_equal(proc_pick_first(root, (const uint32_t[]){101, 100}, 2, &pid, &start), 0);
    assert_int_equal(start, 1000);
}

/* The parent counts, not only the time: within one tick, or where a tree says odd things. */
static void test_parent_inside(void **state)
{
    (void)state;
    add_process(900, 50, 1000);
    add_process(3, 900, 1000); /* started in the same tick, lower pid */
    assert_int_equal(PICK(3, 900), 900);
    add_process(4, 900, 500);
    assert_int_equal(PICK(4, 900), 900);
    assert_int_equal(PICK(4, 3), 4);
    add_process(20, 50, 1000);
    assert_int_equal(PICK(900, 20), 20); /* the lower pid of two in one tick */
    assert_int_equal(PICK(20, 900), 20);
}

static void test_hidden_and_vanished(void **state)
{
    (void)state;
    add_process(100, 50, 1000);
    add_process(101, 100, 1001);
    add_process(102, 101, 1002);
    assert_int_equal(PICK(99, 100, 101, 105), 100);
    assert_int_equal(PICK(60, 61), 0);
    assert_int_equal(pick(NULL, 0), 0);
    assert_int_equal(PICK(0, 0, 101, 0), 101);
    assert_int_equal(PICK(0), 0);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/100/stat", root);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(PICK(100, 101, 102), 101); /* its parent is among them, but out of sight */
}

/* A parent of 0 is outside the reader's pid namespace, and so is a task listed as 0. */
static void test_parent_0(void **state)
{
    (void)state;
    add_process(100, 0, 1000);
    add_process(101, 100, 1001);
    add_process(102, 0, 999);
    add_process(0, 0, 1); /* no procfs has it, and nobody may look for it */
    assert_int_equal(PICK(0, 100, 101, 0), 100);
    assert_int_equal(PICK(101, 100, 102), 102);
}

/* Two readings of a tree in which pids are used again may contradict each other. */
static void test_everybody_has_a_parent(void **state)
{
    (void)state;
    add_process(100, 101, 1000);
    add_process(101, 100, 1001);
    assert_int_equal(PICK(100, 101), 0);
    add_process(102, 9, 5000);
    assert_int_equal(PICK(100, 101, 102), 102);
}

static void test_many_processes(void **state)
{
    (void)state;
    uint32_t pids[100];
    for (unsigned i = 0; i < COUNT(pids); i++) {
        pids[i] = 1 + (i * 37 + 5) % 101; /* each of 1 to 101 but one, mixed */
        add_process(pids[i], pids[i] == 77 ? 9999 : 77, 1000 + pids[i]);
    }
    assert_int_equal(pick(pids, COUNT(pids)), 77);
}

static void test_broken_stat(void **state)
{
    (void)state;
    uint32_t pid = 123;
    uint64_t start = 456;
    struct proc_stat stat = {0};
    add_process(100, 50, 1000);
    write_file(101, "stat", "101 (x) S 1");
    write_file(102, "stat", "");
    assert_int_equal(proc_stat_read(root, 101, &stat), -EBADMSG);
    assert_int_equal(proc_stat_read(root, 102, &stat), -EBADMSG);
    assert_int_equal(proc_pick_first(root, (const uint32_t[]){100, 101}, 2, &pid, &start),
                     -EBADMSG);
    assert_true(pid == 123 && start == 456);
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(proc_stat_read(path, 1, &stat), -ENAMETOOLONG);
}

/* The status of a child that runs `look`. */
static void run_apart(int (*look)(void))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(look());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        print_message("SKIP: rights cannot be given up here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int give_up_rights(void)
{
    if (geteuid() != 0)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0)
        return -1;
    return setresuid(NOBODY, NOBODY, NOBODY);
}

static int pick_past_forbidden(void)
{
    uint32_t pid = 0;
    uint64_t start = 0;
    struct proc_stat stat = {0};
    if (give_up_rights() < 0)
        return SKIPPED;
    if (proc_stat_read(root, 100, &stat) != -EACCES)
        return 1;
    int r = proc_pick_first(root, (const uint32_t[]){100, 101}, 2, &pid, &start);
    return r == 0 && pid == 101 ? 0 : 2;
}

static void test_forbidden_process(void **state)
{
    (void)state;
    char path[PATH_BYTES];
    add_process(100, 50, 1000);
    add_process(101, 100, 1001);
    (void)snprintf(path, sizeof path, "%s/100", root);
    assert_int_equal(chmod(path, 0), 0);
    run_apart(pick_past_forbidden);
    assert_int_equal(chmod(path, 0755), 0);
}

static int pick_without_descriptors(void)
{
    uint32_t pid = 0;
    uint64_t start = 0;
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_NOFILE, &none) < 0)
        return SKIPPED;
    int r = proc_pick_first(root, (const uint32_t[]){100, 101}, 2, &pid, &start);
    return r == -EMFILE && pid == 0 ? 0 : 1;
}

/* What weir lacks itself says nothing of the process: no other one is picked for it. */
static void test_no_descriptors(void **state)
{
    (void)state;
    add_process(100, 50, 1000);
    add_process(101, 100, 1001);
    run_apart(pick_without_descriptors);
}

/* As an unprivileged user may: pid 1, and the parent, whose owner may be another. */
static int read_without_rights(void)
{
    struct proc_stat stat = {0};
    struct arena arena = {0};
    if (give_up_rights() < 0)
        return SKIPPED;
    int r = proc_stat_read("/proc", 1, &stat);
    if (r == -ENOENT || r == -EPERM || r == -EACCES)
        return SKIPPED; /* hidepid */
    if (r != 0 || stat.parent != 0)
        return 1;
    if (proc_stat_read("/proc", (uint32_t)getppid(), &stat) != 0)
        return 2;
    uint32_t pid = 0;
    uint64_t start = 0;
    const uint32_t pids[] = {(uint32_t)getpid(), (uint32_t)getppid()};
    if (proc_pick_first("/proc", pids, 2, &pid, &start) != 0 || pid != (uint32_t)getppid())
        return 3;
    (void)proc_group_of("/proc", (uint32_t)getppid(), "memory", &arena);
    arena_done(&arena);
    return 0;
}

static void test_without_rights(void **state)
{
    (void)state;
    run_apart(read_without_rights);
}

#define ID "31a96784b99a995d33573615383f1787"
/* Docker on a hybrid host; the group of one controller differs. */
#define HYBRID                                                                                   \
    "13:name=systemd:/docker/" ID "\n12:pids:/docker/" ID "\n11:cpu,cpuacct:/docker/c:p/" ID     \
    "\n10:cpuset:/cpuset\n4:memory:/process_api/" ID "\n2:net_cls,net_prio:/\n0::/docker/v2/" ID \
    "\n"

static void expect_group(const char *text, const char *controller, const char *path)
{
    struct arena arena = {0};
    const char *found = proc_group_parse(text, controller, &arena);
    if (path) {
        assert_non_null(found);
        assert_string_equal(found, path);
    } else if (found) {
        fail_msg("found %s", found);
    }
    arena_done(&arena);
}

static void test_groups(void **state)
{
    (void)state;
    expect_group(HYBRID, "memory", "/process_api/" ID);
    expect_group(HYBRID, "pids", "/docker/" ID);
    expect_group(HYBRID, "cpu", "/docker/c:p/" ID);
    expect_group(HYBRID, "cpuacct", "/docker/c:p/" ID);
    expect_group(HYBRID, "cpuset", "/cpuset");
    expect_group(HYBRID, "net_prio", "/");
    expect_group(HYBRID, "name=systemd", "/docker/" ID);
    expect_group(HYBRID, NULL, "/docker/v2/" ID);
    static const char *const absent[] = {"blkio",   "mem",     "memory2", "cpu,cpuacct",
                                         "systemd", "/docker", "0",       "net"};
    for (size_t i = 0; i < COUNT(absent); i++)
        expect_group(HYBRID, absent[i], NULL);
    expect_group("0::/\n", NULL, "/");
    expect_group("0::/system.slice/docker-" ID ".scope\n", NULL,
                 "/system.slice/docker-" ID ".scope");
    expect_group("0::/a\n", "memory", NULL);
    expect_group("4:memory:/a\n", NULL, NULL);
    expect_group("4:memory:/a b:c::d\\x2d\xFF\n", "memory", "/a b:c::d\\x2d\xFF");
}

static void test_groups_out_of_reach(void **state)
{
    (void)state;
    expect_group("0::/../../docker/" ID "\n", NULL, NULL);
    expect_group("0::/..\n", NULL, NULL);
    expect_group("0::/../a\n", NULL, NULL);
    expect_group("4:memory:/../a\n0::/b\n", "memory", NULL);
    expect_group("4:memory:/../a\n0::/b\n", NULL, "/b");
    expect_group("0::/a/../b\n", NULL, NULL); /* no kernel writes it: it must not lead elsewhere */
    expect_group("0::/a/..\n", NULL, NULL);
    expect_group("0::/..a/...\n", NULL, "/..a/...");
    expect_group("0::/docker/" ID " (deleted)\n", NULL, NULL);
    expect_group("0::/ (deleted)\n", NULL, NULL);
    expect_group("0::/a (deleted)/b\n", NULL, "/a (deleted)/b");
}

static void test_garbage_groups(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",       "\n",       "\n\n",    "garbage\n", "0\n",    "0:\n",       "0::\n",
        "0::a\n", "0::/torn", "1::/a\n", "00::/a\n",  "::/a\n", ":memory:\n", "0:/a\n",
    };
    for (size_t i = 0; i < COUNT(odd); i++) {
        expect_group(odd[i], NULL, NULL);
        expect_group(odd[i], "memory", NULL);
    }
    expect_group("4:memory:/a\n3:cpu:/tor", "cpu", NULL);
    expect_group("4:memory:/a\n3:cpu:/tor", "memory", "/a");
    expect_group("garbage\n\n4:memory:/a\n", "memory", "/a");
    expect_group("4:,,memory,:/a\n", "memory", "/a");
}

static void test_group_files(void **state)
{
    (void)state;
    struct arena arena = {0};
    write_file(100, "cgroup", HYBRID);
    write_file(101, "cgroup", "");
    assert_string_equal(proc_group_of(root, 100, "memory", &arena), "/process_api/" ID);
    assert_string_equal(proc_group_of(root, 100, NULL, &arena), "/docker/v2/" ID);
    assert_null(proc_group_of(root, 101, NULL, &arena));
    assert_null(proc_group_of(root, 102, NULL, &arena));
    arena_done(&arena);
}

/* Every line of the machine's own file is found again by its last controller. */
static void test_real_groups(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf text;
    buf_init(&text, 65536);
    int r = fs_read_file("/proc/self/cgroup", &text);
    if (r == -ENOENT || (r == 0 && text.length == 0)) {
        print_message("SKIP: a kernel without control groups\n");
        skip();
    }
    assert_int_equal(r, 0);
    char *rest = text.data;
    for (char *line = strsep(&rest, "\n"); line && *line != '\0'; line = strsep(&rest, "\n")) {
        (void)strsep(&line, ":");
        const char *list = strsep(&line, ":");
        const char *comma = strrchr(list, ',');
        const char *name = comma ? comma + 1 : list;
        const char *path = proc_group_of("/proc", (uint32_t)getpid(), *name ? name : NULL, &arena);
        if (strncmp(line, "/..", 3) == 0)
            continue;
        assert_non_null(path);
        assert_string_equal(path, line);
    }
    buf_done(&text);
    arena_done(&arena);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_lines),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_largest_numbers),
        cmocka_unit_test(test_torn_lines),
        cmocka_unit_test(test_garbage_lines),
        cmocka_unit_test(test_real_processes),
        TEST(test_nested_processes),
        TEST(test_parent_inside),
        TEST(test_hidden_and_vanished),
        TEST(test_parent_0),
        TEST(test_everybody_has_a_parent),
        TEST(test_many_processes),
        TEST(test_broken_stat),
        TEST(test_forbidden_process),
        TEST(test_no_descriptors),
        cmocka_unit_test(test_without_rights),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_groups_out_of_reach),
        cmocka_unit_test(test_garbage_groups),
        TEST(test_group_files),
        cmocka_unit_test(test_real_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
