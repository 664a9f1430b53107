/* What it knows: how to make a queue of what a directory holds, whatever happened to it. Nothing
 * in it is a reason not to begin. Document: docs/QUEUE.md. */
#include "exporters/push_queue_internal.h"

#include "base/alloc.h"
#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_sequence(const void *a, const void *b)
{
    const struct push_segment *x = a;
    const struct push_segment *y = b;
    return x->first.sequence < y->first.sequence ? -1 : x->first.sequence > y->first.sequence;
}

static void close_directory(DIR **d)
{
    if (*d)
        (void)closedir(*d); /* was only read */
}

/* Other files in the directory are nobody's business. */
int push_queue_list(struct push_queue *q, struct err *e)
{
    int fd = openat(q->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    __attribute__((cleanup(close_directory))) DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int r =
            err_set_errno(e, -errno, "queue %s: its files cannot be listed", q->options.directory);
        if (fd >= 0)
            (void)close(fd); /* nothing was written */
        return r;
    }
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(d)) != NULL) {
        struct push_position first = {0};
        struct stat st;
        if (!push_segment_parse_name(entry->d_name, &first.sequence) ||
            fstatat(q->directory_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(st.st_mode))
            continue;
        push_segments_add(q, first, -1)->bytes = (uint64_t)st.st_size;
        q->segment_bytes += (uint64_t)st.st_size;
    }
    if (errno != 0)
        return err_set_errno(e, -errno, "queue %s: its files cannot be listed",
                             q->options.directory);
    if (q->count > 1)
        qsort(q->segments, q->count, sizeof *q->segments, by_sequence);
    return 0;
}

static struct push_range range_of(const struct push_queue *q, size_t index)
{
    const struct push_segment *s = &q->segments[index];
    return (struct push_range){.fd = s->fd,
                               .bytes = s->bytes,
                               .least = s->first.sequence,
                               .below = index + 1 < q->count ? q->segments[index + 1].first.sequence
                                                             : PUSH_NUMBER_MAX};
}

/* Its first record says what all before it had. Where that is damaged, the end of the segment
 * before says it, and without one the record behind it. */
static void place(struct push_queue *q, size_t index)
{
    struct push_segment *s = &q->segments[index];
    struct push_range range = range_of(q, index);
    struct push_header h;
    struct push_tail tail;
    uint64_t offset;
    if (index > 0) {
        const struct push_range before = range_of(q, index - 1);
        s->first.samples = q->segments[index - 1].first.samples;
        range.below = s->first.sequence + 1;
        range.bytes = s->bytes < PUSH_BLOCK_BYTES ? s->bytes : PUSH_BLOCK_BYTES;
        if (push_segment_find(&range, &h, &offset) == 0)
            s->first.samples = h.at.samples;
        else if (push_segment_walk(&before, s->first, &tail) == 0)
            s->first.samples = tail.end.samples;
    } else if (push_segment_find(&range, &h, &offset) == 0) {
        s->first.samples = h.at.samples;
    }
}

/* Where nothing can be read: behind as many records as there can be in it, so that no number is
 * given twice. */
static struct push_position unread_end(const struct push_segment *s)
{
    return (struct push_position){s->first.sequence + s->bytes / PUSH_BLOCK_BYTES + 1,
                                  s->first.samples};
}

/* `done`: what the cursor said; a torn record before it was sent already. */
static void cut_tail(struct push_queue *q, const struct push_tail *tail, uint64_t done)
{
    struct push_segment *s = &q->segments[q->count - 1];
    if (s->bytes <= tail->bytes)
        return;
    if (tail->end.sequence >= done) {
        q->counted.dropped_records[PUSH_DROP_TORN]++;
        q->counted.dropped_samples[PUSH_DROP_TORN] += tail->torn_samples;
    }
    if (ftruncate(s->fd, (off_t)tail->bytes) < 0) {
        q->sealed = true;
        return;
    }
    q->segment_bytes -= s->bytes - tail->bytes;
    s->bytes = tail->bytes;
}

static void find_end(struct push_queue *q, uint64_t done)
{
    struct push_tail tail;
    const size_t last = q->count - 1;
    const struct push_segment *s = &q->segments[last];
    const struct push_range range = range_of(q, last);
    if (push_segment_walk(&range, s->first, &tail) == 0) {
        q->end = tail.end;
        q->sealed = tail.damaged; /* more behind it might be read as part of what is damaged */
        cut_tail(q, &tail, done);
    } else {
        q->end = unread_end(s);
        q->sealed = true;
    }
}

/* Not damage, but somebody's mistake that a restart can mend. */
static bool is_refusal(int r)
{
    return r == -EACCES || r == -EPERM || r == -EROFS || r == -EMFILE || r == -ENFILE;
}

static int open_segments(struct push_queue *q, struct err *e)
{
    for (size_t i = 0; i < q->count; i++) {
        int r = push_segments_open(q, &q->segments[i]);
        if (is_refusal(r))
            return err_set_errno(e, r,
                                 "queue %s: its files cannot be opened by user %u: give them to "
                                 "that user",
                                 q->options.directory, (unsigned)geteuid());
        place(q, i);
        /* The one before was needed until now; of thousands not all may be open at once. */
        if (i > PUSH_SEGMENTS_OPEN)
            push_segments_close(&q->segments[i - 1]);
    }
    push_segments_limit_open(q);
    return 0;
}

int push_queue_scan(struct push_queue *q, struct err *e)
{
    struct push_position done = {.sequence = 1};
    bool intact = false;
    int r = push_queue_list(q, e);
    if (r == 0)
        r = open_segments(q, e);
    if (r < 0)
        return r;
    const int cursor = push_cursor_open(&q->cursor, q->directory_fd, &done, &intact);
    if (is_refusal(cursor))
        return err_set_errno(e, cursor, "queue %s: its cursor cannot be opened by user %u",
                             q->options.directory, (unsigned)geteuid());
    if (cursor < 0 && q->count > 0)
        done = q->segments[0].first;
    q->head = q->end = done;
    if (q->count > 0)
        find_end(q, done.sequence);
    if (q->end.sequence <= done.sequence)
        q->end = done;
    q->opened_end = q->end.sequence;
    /* Without the newest slot all that may have been sent is in the oldest segment, or is the
     * record behind it. */
    if (!intact && q->count > 0)
        q->doubtful_below = push_segments_end(q, 0).sequence + 1;
    if (cursor < 0) {
        push_cursor_close(&q->cursor);
    } else {
        q->saved = q->head;
    }
    return 0;
}
