/* What it knows: making groups, processes and network namespaces on the machine the test runs on,
 * so that nothing of them is left and nobody else's are touched. Documents: cgroups(7);
 * network_namespaces(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "group_kernel_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t monotonic(void *context)
{
    struct here *h = context;
    if (h->at_clock_calls > 0 && --h->at_clock_calls == 0)
        h->at_clock(h);
    return clock_monotonic_ns(&clock_system) + h->later_ns;
}

static uint64_t realtime(void *context)
{
    (void)context;
    return clock_realtime_ns(&clock_system);
}

/* --- groups --- */

void file_of(char path[PATH_MAX], const struct group_tree *tree, const char *group,
             const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s%s/%s", tree->path, group, name);
    assert_true(length > 0 && length < PATH_MAX);
}

static bool is_used(const struct group_tree *tree)
{
    return tree->version == 2 || tree->controllers != 0;
}

/* No process may join a v1 cpuset that has no CPU or no memory node. */
static void give_cpuset(const struct group_tree *tree, const char *group)
{
    static const char *const names[] = {"cpuset.cpus", "cpuset.mems"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_MAX];
        char text[256] = "";
        file_of(path, tree, "", names[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_true(read(fd, text, sizeof text - 1) > 0);
        (void)close(fd);
        file_of(path, tree, group, names[i]);
        assert_true(write_file(path, text));
    }
}

bool make_group(struct here *h, const char *group)
{
    char path[PATH_MAX];
    bool made = true;
    for (size_t i = 0; i < h->layout.tree_count; i++) {
        const struct group_tree *tree = &h->layout.trees[i];
        file_of(path, tree, group, "");
        if (is_used(tree))
            made = mkdir(path, 0755) == 0 && made;
        if (made && tree->version == 1 && tree->controllers & 1U << CONTROLLER_CPUSET)
            give_cpuset(tree, group);
    }
    return made;
}

/* A group whose last process was just reaped may be busy for a moment. */
void drop_one(const char *path)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (unsigned i = 0; i < WAIT_MS && rmdir(path) < 0 && errno == EBUSY; i++)
        (void)nanosleep(&moment, NULL);
    assert_int_equal(access(path, F_OK), -1);
}

void drop_group(struct here *h, const char *group)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < h->layout.tree_count; i++) {
        file_of(path, &h->layout.trees[i], group, "");
        if (is_used(&h->layout.trees[i]))
            drop_one(path);
    }
}

bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t written = write(fd, text, strlen(text));
    (void)close(fd);
    return written == (ssize_t)strlen(text);
}

bool set(struct here *h, enum group_controller controller, const char *group, const char *name,
         const char *text)
{
    char path[PATH_MAX];
    const struct group_tree *tree = group_layout_tree(&h->layout, controller);
    if (!tree)
        return false;
    file_of(path, tree, group, name);
    return write_file(path, text);
}

/* --- processes --- */

static void wait_for_ever(int ready)
{
    if (write(ready, "", 1) != 1)
        _exit(1);
    for (;;)
        (void)pause();
}

/* A process in a network namespace of its own, or in that of this one. */
pid_t start_process(struct here *h, bool own_network)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (own_network && unshare(CLONE_NEWNET) < 0)
            _exit(1);
        wait_for_ever(ready[1]);
    }
    (void)close(ready[1]);
    ssize_t got = read(ready[0], &byte, 1);
    (void)close(ready[0]);
    h->children[h->child_count++] = pid;
    return got == 1 ? pid : -1;
}

void join_group(struct here *h, pid_t pid, const char *group)
{
    char path[PATH_MAX];
    char text[32];
    (void)snprintf(text, sizeof text, "%d\n", (int)pid);
    for (size_t i = 0; i < h->layout.tree_count; i++) {
        file_of(path, &h->layout.trees[i], group, "cgroup.procs");
        if (is_used(&h->layout.trees[i]))
            assert_true(write_file(path, text));
    }
}

void end_processes(struct here *h)
{
    for (unsigned i = 0; i < h->child_count; i++) {
        assert_int_equal(kill(h->children[i], SIGKILL), 0);
        assert_int_equal(waitpid(h->children[i], NULL, 0), h->children[i]);
    }
    h->child_count = 0;
}

/* --- the machine --- */

static bool can_try(struct here *h)
{
    struct err e = {0};
    if (geteuid() != 0) {
        print_message("not root: no groups can be made\n");
        return false;
    }
    if (group_layout_read("/proc", "/sys", &e, &h->layout) < 0) {
        print_message("%s\n", e.text);
        return false;
    }
    const struct group_tree *memory = group_layout_tree(&h->layout, CONTROLLER_MEMORY);
    if (h->layout.mode == GROUP_MODE_UNIFIED || !memory || memory->version != 1) {
        print_message("no v1 hierarchy with memory\n");
        return false;
    }
    if (!make_group(h, h->parent)) {
        print_message("no group can be made: %s\n", strerror(errno));
        return false;
    }
    return true;
}

/* Links named as the hierarchies' directories usually are. */
static void make_sysfs(struct here *h)
{
    char target[PATH_MAX];
    char link[PATH_MAX];
    (void)snprintf(h->sysfs, sizeof h->sysfs, "/tmp/weir-group-XXXXXX");
    assert_non_null(mkdtemp(h->sysfs));
    (void)snprintf(link, sizeof link, "%s/fs", h->sysfs);
    assert_int_equal(mkdir(link, 0755), 0);
    (void)snprintf(link, sizeof link, "%s/fs/cgroup", h->sysfs);
    assert_int_equal(mkdir(link, 0755), 0);
    for (size_t i = 0; i < h->layout.tree_count; i++) {
        const struct group_tree *t = &h->layout.trees[i];
        if (!is_used(t))
            continue;
        const char *name = t->version == 2 ? "/unified" : strrchr(t->path, '/');
        (void)snprintf(link, sizeof link, "%s/fs/cgroup%s", h->sysfs, name);
        (void)snprintf(target, sizeof target, "%s%s", t->path, h->parent);
        assert_int_equal(symlink(target, link), 0);
    }
}

static int drop_entry(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st;
    (void)kind;
    (void)place;
    return remove(path);
}

void make_reader(struct here *h, size_t max_files)
{
    struct err e = {0};
    h->clock = (struct clock){h, monotonic, realtime};
    const struct group_reader_options options = {.clock = &h->clock,
                                                 .procfs = "/proc",
                                                 .sysfs = h->alone ? h->sysfs : "/sys",
                                                 .scope = SCOPE_CONTAINERS,
                                                 .groups = h->groups,
                                                 .max_files = max_files};
    group_reader_free(h->reader);
    assert_int_equal(group_reader_new(&options, &e, &h->reader), 0);
}

int here_setup(void **state)
{
    struct here *h = calloc(1, sizeof *h);
    assert_non_null(h);
    (void)snprintf(h->parent, sizeof h->parent, "/weir-test-%d", (int)getpid());
    (void)snprintf(h->first, sizeof h->first, "%s/%s", h->parent, ID_("0001"));
    (void)snprintf(h->second, sizeof h->second, "%s/%s", h->parent, ID_("0002"));
    h->groups = GROUPS_DEFAULT;
    *state = h;
    if (!can_try(h))
        return 0;
    make_sysfs(h);
    h->alone = true;
    make_reader(h, 1000);
    return 0;
}

int here_teardown(void **state)
{
    struct here *h = *state;
    if (h->reader) {
        end_processes(h);
        group_reader_free(h->reader);
        drop_group(h, h->first);
        drop_group(h, h->second);
        drop_group(h, h->parent);
        assert_int_equal(nftw(h->sysfs, drop_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
    group_layout_done(&h->layout);
    free(h);
    return 0;
}

struct here *begin(void **state)
{
    struct here *h = *state;
    if (!h->reader)
        skip();
    return h;
}

/* With the whole of the machine; no file is kept, for it may have any number of containers. */
struct here *begin_whole(void **state)
{
    struct here *h = begin(state);
    h->alone = false;
    make_reader(h, 0);
    return h;
}

const struct container_row *find(const struct here *h, const char *path)
{
    if (h->alone && path[1] != '\0')
        path += strlen(h->parent);
    const struct group_result *result = group_reader_result(h->reader);
    for (size_t i = 0; i < result->found_count; i++)
        if (text_equal(result->found[i].path, path))
            return &result->found[i].row;
    return NULL;
}

const struct container_row *run(struct here *h, unsigned seconds, const char *path)
{
    h->later_ns += seconds * NS_PER_SECOND;
    group_reader_run(h->reader);
    return find(h, path);
}
