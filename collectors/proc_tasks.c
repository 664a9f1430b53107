/* What it knows: the directories fd and task of a process, and the texts of limits and schedstat.
 * /proc/PID/schedstat is the leading thread alone (fs/proc/base.c, proc_pid_schedstat), so every
 * thread is read. Documents: proc(5); Documentation/scheduler/sched-stats.rst. */
#include "collectors/proc_tasks.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"
#include "collectors/proc_net.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_BYTES      8192 /* of one getdents: some 300 entries, on the stack */
#define LIMITS_BYTES    4096 /* of the file: 17 lines of 80 */
#define SCHEDSTAT_BYTES 128  /* of the file: three numbers of 20 digits */
#define STAT_BYTES      1024 /* of the file: 51 numbers and a name of up to 64 */
#define THREADS_FIRST   64   /* room at first; most containers have fewer */
#define SOCKET_LINK     "socket:"
#define LIMIT_NAME      "Max open files "

static int path_of(const char *procfs, uint32_t pid, const char *name, char ret[PATH_MAX])
{
    int length = snprintf(ret, PATH_MAX, "%s/%u/%s", procfs, pid, name);
    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int open_directory(const char *procfs, uint32_t pid, const char *name)
{
    char path[PATH_MAX];
    int r = path_of(procfs, pid, name, path);
    if (r < 0)
        return r;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* One small file in one read: its length or a negative errno. */
static ssize_t read_once(int fd, char text[], size_t size)
{
    ssize_t n = 0;
    do
        n = read(fd, text, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Calls `take` with each entry that is a number, until it gives an error. 0, or that. */
static int each_number(int fd,
                       int (*take)(void *context, int fd, const char *name, uint32_t number),
                       void *context)
{
    _Alignas(struct dirent64) char entries[LIST_BYTES];
    ssize_t bytes = 0;
    while ((bytes = getdents64(fd, entries, sizeof entries)) > 0) {
        for (ssize_t at = 0; at < bytes;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(entries + at);
            uint64_t number = 0;
            at += entry->d_reclen;
            if (text_parse_u64(entry->d_name, strlen(entry->d_name), &number) < 0 ||
                number > UINT32_MAX)
                continue;
            int r = take(context, fd, entry->d_name, (uint32_t)number);
            if (r < 0)
                return r;
        }
    }
    return bytes < 0 ? -errno : 0;
}

/* --- descriptors --- */

struct descriptor_count {
    struct proc_descriptors found;
    uint64_t most;
};

static int take_descriptor(void *context, int fd, const char *name, uint32_t number)
{
    struct descriptor_count *count = context;
    char link[sizeof SOCKET_LINK];
    (void)number;
    ssize_t length = readlinkat(fd, name, link, sizeof link);
    if (length < 0)
        return errno == ENOENT ? 0 : -errno; /* closed meanwhile */
    if (count->found.open == count->most)
        return -E2BIG;
    count->found.open++;
    if ((size_t)length >= sizeof SOCKET_LINK - 1 &&
        memcmp(link, SOCKET_LINK, sizeof SOCKET_LINK - 1) == 0)
        count->found.sockets++;
    return 0;
}

int proc_descriptors_add(const char *procfs, uint32_t pid, uint64_t most,
                         struct proc_descriptors *sum)
{
    struct descriptor_count count = {.most = most > sum->open ? most - sum->open : 0};
    CLEANUP_FD int fd = open_directory(procfs, pid, "fd");
    if (fd < 0)
        return fd;
    int r = each_number(fd, take_descriptor, &count);
    if (r < 0)
        return r;
    sum->open += count.found.open;
    sum->sockets += count.found.sockets;
    return 0;
}

/* --- limits --- */

/* A line of columns: name, soft limit, hard limit, unit. */
static int parse_soft(const char *at, int64_t *ret_soft)
{
    uint64_t value = 0;
    at += strspn(at, " ");
    size_t length = strcspn(at, " \n");
    const char *hard = at + length + strspn(at + length, " ");
    if (length == 0 || *hard == '\n' || *hard == '\0')
        return -EBADMSG;
    if (length == strlen("unlimited") && memcmp(at, "unlimited", length) == 0) {
        *ret_soft = -1;
        return 0;
    }
    int r = text_parse_u64(at, length, &value);
    if (r == 0 && value > INT64_MAX)
        r = -ERANGE;
    if (r < 0)
        return r == -ERANGE ? r : -EBADMSG;
    *ret_soft = (int64_t)value;
    return 0;
}

int proc_limit_parse(const char *text, size_t length, int64_t *ret_soft)
{
    const char *end = NULL;
    for (const char *line = text; (end = memchr(line, '\n', (size_t)(text + length - line)));
         line = end + 1)
        if ((size_t)(end - line) > sizeof LIMIT_NAME - 1 && text_starts_with(line, LIMIT_NAME))
            return parse_soft(line + sizeof LIMIT_NAME - 1, ret_soft);
    return -EBADMSG;
}

int proc_limit_read(const char *procfs, uint32_t pid, int64_t *ret_soft)
{
    char path[PATH_MAX];
    char text[LIMITS_BYTES];
    int r = path_of(procfs, pid, "limits", path);
    if (r < 0)
        return r;
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t length = read_once(fd, text, sizeof text - 1);
    if (length < 0)
        return (int)length;
    text[length] = '\0';
    return proc_limit_parse(text, (size_t)length, ret_soft);
}

/* --- threads --- */

int proc_schedstat_parse(const char *text, size_t length, uint64_t ret[PROC_TIMES])
{
    uint64_t times[PROC_TIMES];
    const char *end = text + length;
    for (enum proc_time i = 0; i < PROC_TIMES; i++) {
        char closing = i == PROC_TIMES - 1 ? '\n' : ' ';
        const char *close = memchr(text, closing, (size_t)(end - text));
        if (!close || text_parse_u64(text, (size_t)(close - text), &times[i]) < 0)
            return -EBADMSG;
        text = close + 1;
    }
    if (text != end)
        return -EBADMSG;
    memcpy(ret, times, sizeof times);
    return 0;
}

static int open_below(int directory, uint32_t tid, const char *file)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%u/%s", tid, file);
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int read_start(int directory, uint32_t tid, uint64_t *ret_ticks)
{
    char text[STAT_BYTES];
    struct proc_stat stat;
    CLEANUP_FD int fd = open_below(directory, tid, "stat");
    ssize_t length = fd < 0 ? fd : read_once(fd, text, sizeof text);
    if (length < 0)
        return (int)length;
    int r = proc_stat_parse(text, (size_t)length, &stat);
    if (r == 0)
        *ret_ticks = stat.start_ticks;
    return r;
}

/* Opened before the start time is read and read after it, so that both are of one thread: a tid is
 * not given away while its thread can still be read. */
static int read_thread(int directory, uint32_t tid, struct proc_thread *ret)
{
    char text[SCHEDSTAT_BYTES];
    struct proc_thread thread = {.tid = tid};
    CLEANUP_FD int fd = open_below(directory, tid, "schedstat");
    int r = read_start(directory, tid, &thread.start_ticks);
    if (r < 0)
        return r;
    if (fd < 0)
        return fd == -ENOENT ? -ENODATA : fd; /* the thread is there, the file is not */
    ssize_t length = read_once(fd, text, sizeof text);
    if (length < 0)
        return (int)length;
    r = proc_schedstat_parse(text, (size_t)length, thread.times);
    if (r == 0)
        *ret = thread;
    return r;
}

struct thread_list {
    size_t most;
    struct proc_threads *threads;
};

static int take_thread(void *context, int fd, const char *name, uint32_t number)
{
    const struct thread_list *list = context;
    struct proc_threads *threads = list->threads;
    struct proc_thread thread;
    (void)name;
    int r = read_thread(fd, number, &thread);
    if (r == -ENOENT || r == -ESRCH)
        return 0;
    if (r < 0)
        return r;
    if (threads->count >= list->most)
        return -E2BIG;
    proc_threads_put(threads, &thread);
    return 0;
}

int proc_threads_add(const char *procfs, uint32_t pid, size_t most, struct proc_threads *threads)
{
    struct thread_list list = {most, threads};
    CLEANUP_FD int fd = open_directory(procfs, pid, "task");
    return fd < 0 ? fd : each_number(fd, take_thread, &list);
}

void proc_threads_put(struct proc_threads *threads, const struct proc_thread *thread)
{
    if (threads->count == threads->capacity) {
        threads->capacity = threads->capacity ? threads->capacity * 2 : THREADS_FIRST;
        threads->items = alloc_resize(threads->items, threads->capacity, sizeof *threads->items);
    }
    threads->items[threads->count++] = *thread;
}

void proc_threads_done(struct proc_threads *threads)
{
    free(threads->items);
    *threads = (struct proc_threads){0};
}
