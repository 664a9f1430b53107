/* What it knows: the list of a queue's segment files, when one of them may go, and that the cursor
 * has to be past it before. Document: docs/QUEUE.md. */
#include "exporters/push_queue_internal.h"

#include "base/alloc.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT_MODE 0600

struct push_segment *push_segments_add(struct push_queue *q, struct push_position first, int fd)
{
    if (q->count == q->capacity) {
        q->capacity = q->capacity ? 2 * q->capacity : 8;
        q->segments = alloc_resize(q->segments, q->capacity, sizeof *q->segments);
    }
    struct push_segment *s = &q->segments[q->count++];
    *s = (struct push_segment){.first = first, .fd = fd};
    return s;
}

struct push_position push_segments_end(const struct push_queue *q, size_t index)
{
    assert(index < q->count);
    return index + 1 < q->count ? q->segments[index + 1].first : q->end;
}

int push_segments_open(const struct push_queue *q, struct push_segment *s)
{
    char name[PUSH_SEGMENT_NAME_MAX];
    if (s->fd >= 0)
        return 0;
    push_segment_name(s->first.sequence, name);
    int fd = openat(q->directory_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    s->fd = fd;
    return 0;
}

int push_segments_unlink(const struct push_queue *q, uint64_t first)
{
    char name[PUSH_SEGMENT_NAME_MAX];
    push_segment_name(first, name);
    return unlinkat(q->directory_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int push_segments_create(const struct push_queue *q, uint64_t first)
{
    char name[PUSH_SEGMENT_NAME_MAX];
    push_segment_name(first, name);
    for (int again = 0;; again = 1) {
        int fd = openat(q->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, SEGMENT_MODE);
        if (fd >= 0)
            return fd;
        /* Left by a try that failed and could not be taken back: no record is in it alone. */
        int r = -errno;
        if (r == -EEXIST && !again)
            r = push_segments_unlink(q, first);
        if (r < 0)
            return r;
    }
}

void push_segments_close(struct push_segment *s)
{
    if (s->fd >= 0)
        (void)close(s->fd); /* a write that failed was told by pwritev or fdatasync */
    s->fd = -1;
}

void push_segments_limit_open(struct push_queue *q)
{
    for (size_t i = q->reading + PUSH_SEGMENTS_OPEN - 1; i + 1 < q->count; i++)
        push_segments_close(&q->segments[i]);
}

int push_queue_save(struct push_queue *q, struct err *e)
{
    if (!q->options.directory || (q->cursor.fd >= 0 && q->saved.sequence == q->head.sequence))
        return 0;
    int r = q->cursor.fd >= 0 ? push_cursor_write(&q->cursor, q->head)
                              : push_cursor_make(&q->cursor, q->directory_fd, q->head);
    if (r == 0 && q->options.sync == PUSH_SYNC_RECORD && fdatasync(q->cursor.fd) < 0)
        r = -errno;
    if (r < 0)
        return err_set_errno(e, r,
                             "queue %s: its cursor cannot be written, so after a restart records "
                             "are sent again",
                             q->options.directory);
    q->saved = q->head;
    return 0;
}

static int remove_oldest(struct push_queue *q, struct err *e)
{
    struct push_segment *s = &q->segments[0];
    int r = push_segments_unlink(q, s->first.sequence);
    if (r < 0)
        return err_set_errno(e, r, "queue %s: its oldest segment cannot be removed",
                             q->options.directory);
    push_segments_close(s);
    q->segment_bytes -= s->bytes;
    q->count--;
    q->reading--;
    memmove(s, s + 1, q->count * sizeof *s);
    return 0;
}

int push_segments_sweep(struct push_queue *q, struct err *e)
{
    if (q->reading == 0)
        return 0;
    int r = push_queue_save(q, e);
    if (r == 0 && q->options.sync != PUSH_SYNC_NEVER && fdatasync(q->cursor.fd) < 0)
        r = err_set_errno(e, -errno, "queue %s: its cursor cannot be written",
                          q->options.directory);
    while (r == 0 && q->reading > 0)
        r = remove_oldest(q, e);
    return r;
}

int push_segments_make_room(struct push_queue *q, uint64_t need, struct err *e)
{
    while (q->count > 0 && q->segment_bytes + PUSH_FIXED_BYTES + need > q->options.max_bytes) {
        if (q->reading == 0)
            push_queue_drop_segment(q, PUSH_DROP_BYTES);
        int r = push_segments_sweep(q, e);
        if (r < 0)
            return r;
    }
    return 0;
}
