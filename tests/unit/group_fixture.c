/* What it knows: where the kernel puts the files of control groups and processes, so that a reader
 * finds in a temporary directory what it finds on a host. Documents: cgroups(7); proc(5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "group_fixture.h"
#include "group_fixture_texts.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGIN_NS        (UINT64_C(1000) * NS_PER_SECOND) /* of the clock; not 0, which says "never" */
#define GROUPS          "sys/fs/cgroup"
#define NETWORKS        "networks" /* below the top: one file a namespace, linked to by its processes */
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const controllers_1[] = {"cpu,cpuacct", "memory", "blkio", "pids", "freezer"};

/* --- files --- */

static void make_above(const char *path)
{
    char above[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        memcpy(above, path, (size_t)(slash - path));
        above[slash - path] = '\0';
        assert_true(mkdir(above, 0755) == 0 || errno == EEXIST);
    }
}

static void path_below(const struct group_fixture *f, char path[PATH_MAX], const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", f->top, name);
    assert_true(length > 0 && length < PATH_MAX);
}

void put_bytes(struct group_fixture *f, const char *bytes, size_t length, const char *path)
{
    char whole[PATH_MAX];
    path_below(f, whole, path);
    make_above(whole);
    int fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), (ssize_t)length);
    assert_int_equal(close(fd), 0);
}

#define FORMATTED(name, format)                                     \
    char name[PATH_MAX];                                            \
    do {                                                            \
        va_list arguments;                                          \
        va_start(arguments, format);                                \
        int used = vsnprintf(name, sizeof name, format, arguments); \
        va_end(arguments);                                          \
        assert_true(used > 0 && used < (int)sizeof name);           \
    } while (0)

void put(struct group_fixture *f, const char *text, const char *format, ...)
{
    FORMATTED(path, format);
    put_bytes(f, text, strlen(text), path);
}

void put_directory(struct group_fixture *f, const char *format, ...)
{
    FORMATTED(name, format);
    char path[PATH_MAX + 2];
    path_below(f, path, name);
    (void)snprintf(path + strlen(path), 2, "/");
    make_above(path);
}

static int drop_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st;
    (void)kind;
    (void)place;
    return remove(path);
}

static void drop_all(const char *path)
{
    assert_true(nftw(path, drop_one, 8, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT);
}

void drop(struct group_fixture *f, const char *format, ...)
{
    FORMATTED(name, format);
    char path[PATH_MAX];
    path_below(f, path, name);
    drop_all(path);
}

/* --- groups --- */

static bool has_1(const struct group_fixture *f)
{
    return f->mode != GROUP_MODE_UNIFIED;
}

static bool has_2(const struct group_fixture *f)
{
    return f->mode != GROUP_MODE_LEGACY;
}

const char *tree(const struct group_fixture *f, const char *controller)
{
    if (!has_1(f))
        return GROUPS;
    if (text_equal(controller, "cpu") || text_equal(controller, "cpuacct"))
        return GROUPS "/cpu,cpuacct";
    if (text_equal(controller, "memory"))
        return GROUPS "/memory";
    if (text_equal(controller, "blkio"))
        return GROUPS "/blkio";
    if (text_equal(controller, "pids"))
        return GROUPS "/pids";
    if (text_equal(controller, "cpuset"))
        return GROUPS "/cpuset";
    if (text_equal(controller, "hugetlb"))
        return GROUPS "/hugetlb";
    return text_equal(controller, "freezer") ? GROUPS "/freezer" : GROUPS "/unified";
}

void put_file(struct group_fixture *f, const char *controller, const char *path, const char *name,
              const char *text)
{
    put(f, text, "%s%s/%s", tree(f, controller), path, name);
}

void drop_file(struct group_fixture *f, const char *controller, const char *path, const char *name)
{
    drop(f, "%s%s/%s", tree(f, controller), path, name);
}

static void put_texts(struct group_fixture *f, const char *path, const struct group_text texts[],
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_file(f, texts[i].controller, path, texts[i].name, texts[i].text);
}

void put_container(struct group_fixture *f, const char *path)
{
    put_group(f, path);
    if (has_1(f))
        put_texts(f, path, texts_1, COUNT_OF(texts_1));
    if (has_2(f))
        put_texts(f, path, texts_every_2, COUNT_OF(texts_every_2));
    if (!has_1(f))
        put_texts(f, path, texts_2, COUNT_OF(texts_2));
}

void each_tree(struct group_fixture *f, const char *path,
               void (*what)(struct group_fixture *f, const char *directory))
{
    char directory[PATH_MAX];
    for (size_t i = 0; has_1(f) && i < COUNT_OF(controllers_1); i++) {
        (void)snprintf(directory, sizeof directory, GROUPS "/%s%s", controllers_1[i], path);
        what(f, directory);
    }
    if (!has_2(f))
        return;
    (void)snprintf(directory, sizeof directory, "%s%s", tree(f, "unified"), path);
    what(f, directory);
}

static void put_empty(struct group_fixture *f, const char *directory)
{
    put(f, "", "%s/cgroup.procs", directory);
}

static void drop_directory(struct group_fixture *f, const char *directory)
{
    drop(f, "%s", directory);
}

void put_group(struct group_fixture *f, const char *path)
{
    each_tree(f, path, put_empty);
}

void drop_container(struct group_fixture *f, const char *path)
{
    each_tree(f, path, drop_directory);
}

static void set_aside(struct group_fixture *f, const char *directory)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    path_below(f, from, directory);
    int length = snprintf(to, sizeof to, "%s.old", from);
    assert_true(length > 0 && (size_t)length < sizeof to);
    assert_int_equal(rename(from, to), 0);
}

static void drop_aside(struct group_fixture *f, const char *directory)
{
    drop(f, "%s.old", directory);
}

/* A directory made while the old one is still there cannot have its inode. */
void renew_container(struct group_fixture *f, const char *path)
{
    each_tree(f, path, set_aside);
    put_container(f, path);
    each_tree(f, path, drop_aside);
}

/* --- processes --- */

static void append(struct group_fixture *f, const char *directory, const char *name,
                   const char *text)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s/%s", f->top, directory, name);
    if (access(path, F_OK) != 0)
        return;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

void put_interfaces(struct group_fixture *f, const char *network, const char *lines)
{
    char text[4096];
    (void)snprintf(text, sizeof text, NET_HEADING NET_LO "%s", lines);
    put(f, text, NETWORKS "/%s", network);
}

void put_bytes_received(struct group_fixture *f, const char *network, uint64_t bytes)
{
    char line[128];
    (void)snprintf(line, sizeof line, "  eth0: %llu 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n",
                   (unsigned long long)bytes);
    put_interfaces(f, network, line);
}

void put_network(struct group_fixture *f, unsigned pid, const char *network)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    (void)snprintf(from, sizeof from, "%s/" NETWORKS "/%s", f->top, network);
    if (access(from, F_OK) != 0) {
        f->networks++;
        put_bytes_received(f, network, 1000 * f->networks);
    }
    put_directory(f, "proc/%u/net", pid);
    (void)snprintf(to, sizeof to, "%s/proc/%u/net/dev", f->top, pid);
    assert_true(unlink(to) == 0 || errno == ENOENT);
    assert_int_equal(link(from, to), 0);
}

static void put_stat(struct group_fixture *f, unsigned pid, unsigned start)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "%u (a) b) S %u 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 %u 1000 1 0 0\n", pid,
                   pid == 1 ? 0 : 1, start);
    put(f, text, "proc/%u/stat", pid);
}

void put_process(struct group_fixture *f, unsigned pid, unsigned start, const char *network,
                 const char *path)
{
    char line[32];
    char groups[4096] = "";
    size_t used = 0;
    (void)snprintf(line, sizeof line, "%u\n", pid);
    for (size_t i = 0; has_1(f) && i < COUNT_OF(controllers_1); i++) {
        char directory[PATH_MAX];
        (void)snprintf(directory, sizeof directory, GROUPS "/%s%s", controllers_1[i], path);
        append(f, directory, "cgroup.procs", line);
        used += (size_t)snprintf(groups + used, sizeof groups - used, "%zu:%s:%s\n", 12 - i,
                                 controllers_1[i], path);
    }
    if (has_2(f)) {
        char directory[PATH_MAX];
        (void)snprintf(directory, sizeof directory, "%s%s", tree(f, "unified"), path);
        append(f, directory, "cgroup.procs", line);
        (void)snprintf(groups + used, sizeof groups - used, "0::%s\n", path);
    }
    if (!network)
        return;
    put_stat(f, pid, start);
    put(f, groups, "proc/%u/cgroup", pid);
    put_network(f, pid, network);
}

/* --- the host --- */

static uint64_t monotonic(void *context)
{
    struct group_fixture *f = context;
    if (f->at_clock_calls > 0 && --f->at_clock_calls == 0)
        f->at_clock(f);
    return f->now_ns;
}

static uint64_t realtime(void *context)
{
    return ((struct group_fixture *)context)->now_ns + UINT64_C(1700000000) * NS_PER_SECOND;
}

static void put_roots(struct group_fixture *f)
{
    put_group(f, "");
    if (!has_1(f))
        put_file(f, "", "", "cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
    else if (has_2(f))
        put_file(f, "unified", "", "cgroup.controllers", "");
    put_file(f, "cpuacct", "", has_1(f) ? "cpuacct.usage" : "cpu.stat",
             has_1(f) ? "7000000000\n"
                      : "usage_usec 7000000\nuser_usec 5000000\nsystem_usec 2000000\n");
    if (!has_1(f)) {
        put_file(f, "", "", "io.stat",
                 "8:0 rbytes=90 wbytes=91 rios=92 wios=93 dbytes=94 dios=95\n");
        return;
    }
    put_file(f, "cpuacct", "", "cpuacct.stat", "user 500\nsystem 200\n");
    put_file(f, "blkio", "", "blkio.throttle.io_service_bytes_recursive",
             "8:0 Read 90\n8:0 Write 91\n8:0 Total 181\nTotal 181\n");
    put_file(f, "blkio", "", "blkio.throttle.io_serviced_recursive",
             "8:0 Read 92\n8:0 Write 93\n8:0 Total 185\nTotal 185\n");
}

static void put_host(struct group_fixture *f)
{
    char link_path[PATH_MAX];
    put_roots(f);
    put(f, MEMINFO, "proc/meminfo");
    put(f, "0.20 0.18 0.12 1/380 11206\n", "proc/loadavg");
    put(f, "   8       0 sda 301 302 303 304 305 306 307 308 309 310 311\n", "proc/diskstats");
    put(f, PSI("6001", "0"), "proc/pressure/cpu");
    put(f, PSI("6003", "6004"), "proc/pressure/memory");
    put(f, PSI("6005", "6006"), "proc/pressure/io");
    put(f, "0-2,5\n", "sys/devices/system/cpu/online");
    put_directory(f, "sys/dev/block");
    put_directory(f, "sys/block/sda");
    path_below(f, link_path, "sys/dev/block/8:0");
    assert_int_equal(symlink("../../devices/pci0000:00/block/sda", link_path), 0);
    put_process(f, 1, 1, HOST_NETWORK, "/");
}

void fixture_new(struct group_fixture *f, enum group_mode mode)
{
    *f = (struct group_fixture){.mode = mode, .now_ns = BEGIN_NS};
    (void)snprintf(f->top, sizeof f->top, "/tmp/weir-group-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    (void)snprintf(f->procfs, sizeof f->procfs, "%s/proc", f->top);
    (void)snprintf(f->sysfs, sizeof f->sysfs, "%s/sys", f->top);
    f->clock = (struct clock){f, monotonic, realtime};
    f->options = (struct group_reader_options){.clock = &f->clock,
                                               .groups = GROUPS_DEFAULT,
                                               .procfs = f->procfs,
                                               .sysfs = f->sysfs,
                                               .scope = SCOPE_CONTAINERS,
                                               .max_files = 10000};
    put_host(f);
}

void fixture_again(struct group_fixture *f)
{
    group_reader_free(f->reader);
    f->reader = NULL;
}

void fixture_done(struct group_fixture *f)
{
    fixture_again(f);
    drop_all(f->top);
}

static int setup(void **state, enum group_mode mode)
{
    struct group_fixture *f = alloc_zeroed(1, sizeof *f);
    fixture_new(f, mode);
    *state = f;
    return 0;
}

int fixture_setup_1(void **state)
{
    return setup(state, GROUP_MODE_LEGACY);
}

int fixture_setup_2(void **state)
{
    return setup(state, GROUP_MODE_UNIFIED);
}

int fixture_setup_hybrid(void **state)
{
    return setup(state, GROUP_MODE_HYBRID);
}

int fixture_teardown(void **state)
{
    fixture_done(*state);
    free(*state);
    return 0;
}

/* --- jobs --- */

const struct group_result *fixture_run(struct group_fixture *f, unsigned seconds)
{
    struct err e = {0};
    if (!f->reader && group_reader_new(&f->options, &e, &f->reader) < 0)
        fail_msg("no reader: %s", e.text);
    f->now_ns += seconds * NS_PER_SECOND;
    group_reader_run(f->reader);
    return group_reader_result(f->reader);
}

void hint(struct group_fixture *f, size_t count, const struct group_hint hints[])
{
    struct group_hint *own = alloc_zeroed(count + 1, sizeof *own);
    for (size_t i = 0; i < count; i++) {
        own[i] = hints[i];
        own[i].path = hints[i].path ? alloc_string(hints[i].path) : NULL;
    }
    group_reader_hint(f->reader, own, count);
}
