/* What it knows: how a queue gets its directory and keeps it: made when it is missing, locked, and
 * made again when somebody removes it while weir runs; and whether it could, without touching it.
 * Documents: docs/QUEUE.md, statvfs(3). */
#include "exporters/push_queue_internal.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "exporters/push_queue_examine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOCK_NAME      "lock"
#define DIRECTORY_MODE 0700 /* what the samples say of the host is nobody else's */
#define FILE_MODE      0600
#define COPY_STEP      ((size_t)64 << 10) /* bytes copied at a time */

static void free_text(char **text)
{
    free(*text);
}

/* With those above it. */
static int make_directories(const char *path)
{
    __attribute__((cleanup(free_text))) char *part = alloc_string(path);
    for (char *slash = part; slash; *slash = '/') {
        slash = strchr(slash + 1, '/');
        if (!slash)
            break;
        *slash = '\0';
        if (mkdir(part, DIRECTORY_MODE) < 0 && errno != EEXIST && access(part, F_OK) < 0)
            return -errno;
    }
    return mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST ? -errno : 0;
}

static int refuse(const char *path, int r, struct err *e)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return err_set_errno(e, r,
                             "queue directory %s cannot be made by user %u: make it and give it "
                             "to that user, or name another",
                             path, (unsigned)geteuid());
    if (!S_ISDIR(st.st_mode))
        return err_set_errno(e, r, "queue directory %s is no directory: name another", path);
    return err_set_errno(
        e, r,
        "queue directory %s belongs to user %u and cannot be used by user %u: give "
        "it to that user, or name another",
        path, (unsigned)st.st_uid, (unsigned)geteuid());
}

static int busy(const struct push_queue *q, int lock, struct err *e)
{
    char pid[PUSH_LOCK_BYTES + 1] = "";
    ssize_t got = pread(lock, pid, PUSH_LOCK_BYTES, 0);
    pid[got > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    return err_set(e, -EBUSY,
                   "queue directory %s is in use by process %s: each destination of each weir "
                   "needs one of its own",
                   q->options.directory, pid[0] ? pid : "(unknown)");
}

/* Who has it, for a person; the lock itself does not depend on it. */
static void note_process(int lock)
{
    char text[PUSH_LOCK_BYTES + 1];
    (void)snprintf(text, sizeof text, "%-*ld\n", (int)PUSH_LOCK_BYTES - 1, (long)getpid());
    (void)push_write_at(lock, text, PUSH_LOCK_BYTES, 0); /* a full disk leaves it empty */
}

/* The entry of a new directory has to reach the disk as well. */
static void sync_parent(int directory)
{
    CLEANUP_FD int parent = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent >= 0)
        (void)fsync(parent); /* what fails here, a write after it tells */
}

int push_disk_enter(struct push_queue *q, struct err *e)
{
    const char *path = q->options.directory;
    int r = make_directories(path);
    if (r < 0)
        return refuse(path, r, e);
    CLEANUP_FD int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return refuse(path, -errno, e);
    CLEANUP_FD int lock =
        openat(directory, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (lock < 0)
        return refuse(path, -errno, e);
    if (flock(lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? busy(q, lock, e) : refuse(path, -errno, e);
    note_process(lock);
    if (q->options.sync != PUSH_SYNC_NEVER)
        sync_parent(directory);
    push_disk_leave(q);
    q->directory_fd = directory;
    q->lock_fd = lock;
    directory = lock = -1;
    return 0;
}

void push_disk_leave(struct push_queue *q)
{
    fs_close_cleanup(&q->directory_fd);
    fs_close_cleanup(&q->lock_fd);
    push_cursor_close(&q->cursor);
    q->directory_fd = q->lock_fd = -1;
}

static bool is_linked(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static int copy(int from, int to, uint64_t length)
{
    char *step = alloc_bytes(COPY_STEP);
    int r = 0;
    for (uint64_t done = 0; done < length && r == 0; done += COPY_STEP) {
        const size_t size = length - done < COPY_STEP ? (size_t)(length - done) : COPY_STEP;
        r = push_read_at(from, step, size, done);
        if (r == 0)
            r = push_write_at(to, step, size, done);
    }
    free(step);
    return r;
}

/* A segment whose file was removed, from its open descriptor into a new file. */
static int rescue(struct push_queue *q, struct push_segment *s)
{
    CLEANUP_FD int fd = push_segments_create(q, s->first.sequence);
    if (fd < 0)
        return fd;
    int r = copy(s->fd, fd, s->bytes);
    if (r == 0 && q->options.sync != PUSH_SYNC_NEVER && fdatasync(fd) < 0)
        r = -errno;
    if (r < 0) {
        /* It can still be sent from where it was. */
        (void)push_segments_unlink(q, s->first.sequence);
        return r;
    }
    const int removed = s->fd;
    s->fd = fd;
    fd = removed;
    return 0;
}

static void rescue_all(struct push_queue *q)
{
    for (size_t i = q->reading; i < q->count; i++)
        if (q->segments[i].fd >= 0 && !is_linked(q->segments[i].fd) &&
            rescue(q, &q->segments[i]) < 0 && i + 1 == q->count)
            q->sealed = true; /* nothing more into a file that is gone with this process */
}

int push_disk_reach(struct push_queue *q, struct err *e)
{
    bool removed = false;
    if (!is_linked(q->directory_fd) || !is_linked(q->lock_fd)) {
        push_disk_leave(q);
        int r = push_disk_enter(q, e);
        if (r < 0)
            return r;
        removed = true;
    }
    if (!is_linked(q->cursor.fd)) {
        push_cursor_close(&q->cursor);
        int r = push_queue_save(q, e);
        if (r < 0)
            return r;
        removed = true;
    }
    if (removed || (q->count > 0 && q->segments[q->count - 1].fd >= 0 &&
                    !is_linked(q->segments[q->count - 1].fd)))
        rescue_all(q);
    return 0;
}

/* Cuts a path down to what is there: the directory itself, or the one it would be made in. */
static int cut_to_existing(char *path, struct stat *ret)
{
    while (stat(path, ret) < 0) {
        char *slash = strrchr(path, '/');
        if (errno != ENOENT || !slash || path[1] == '\0')
            return -errno;
        slash[slash == path] = '\0'; /* the root keeps its slash */
    }
    return S_ISDIR(ret->st_mode) ? 0 : -ENOTDIR;
}

static int used_bytes(const char *directory, uint64_t *ret, struct err *e)
{
    CLEANUP_FD int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (faccessat(fd, LOCK_NAME, R_OK | W_OK, AT_EACCESS) < 0 && errno != ENOENT))
        return refuse(directory, -errno, e);
    struct push_queue q = {.options.directory = directory, .directory_fd = fd};
    int r = push_queue_list(&q, e);
    free(q.segments);
    *ret = q.segment_bytes;
    return r;
}

int push_queue_examine(const char *directory, struct push_queue_place *ret, struct err *e)
{
    __attribute__((cleanup(free_text))) char *place = alloc_string(directory);
    struct stat st;
    struct statvfs fs;
    int r = cut_to_existing(place, &st);
    if (r < 0)
        return refuse(directory, r, e);
    if (faccessat(AT_FDCWD, place, R_OK | W_OK | X_OK, AT_EACCESS) < 0 || statvfs(place, &fs) < 0)
        return refuse(directory, -errno, e);
    *ret = (struct push_queue_place){.free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize};
    return strcmp(place, directory) == 0 ? used_bytes(directory, &ret->used_bytes, e) : 0;
}
