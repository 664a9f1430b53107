/* What PROCFS/PID tells of a process's descriptors, limits and threads. Blocking. Documents:
 * proc(5), /proc/PID/fd, limits, task; Documentation/scheduler/sched-stats.rst,
 * /proc/PID/schedstat. Where not said otherwise: 0; -ENOENT or -ESRCH: no such process, or it is
 * hidden; another negative errno. */
#ifndef WEIR_COLLECTORS_PROC_TASKS_H
#define WEIR_COLLECTORS_PROC_TASKS_H

#include <stddef.h>
#include <stdint.h>

/* Of one process or of several. */
struct proc_descriptors {
    uint64_t open;
    uint64_t sockets; /* among them */
};

/* Adds those of a process. -EACCES, -EPERM: they may not be read; -E2BIG: more than `most` in all.
 * Nothing is added then. */
int proc_descriptors_add(const char *procfs, uint32_t pid, uint64_t most,
                         struct proc_descriptors *sum);

/* The soft limit of open files, -1 for unlimited. -ERANGE: past INT64_MAX. */
int proc_limit_read(const char *procfs, uint32_t pid, int64_t *ret_soft);
/* Its parser; `text` is `length` bytes and NUL. 0, -EBADMSG, -ERANGE. */
int proc_limit_parse(const char *text, size_t length, int64_t *ret_soft);

/* The columns of schedstat. */
enum proc_time { PROC_RUN_NS, PROC_WAIT_NS, PROC_SLICES, PROC_TIMES };

struct proc_thread {
    uint32_t tid;
    uint64_t start_ticks; /* after boot; with the tid, exactly which thread it is */
    uint64_t times[PROC_TIMES];
};

struct proc_threads {
    struct proc_thread *items; /* owned */
    size_t count;
    size_t capacity;
};

/* Appends every thread of a process; one that ends meanwhile is passed over. -ENODATA: the kernel
 * does not count that; -E2BIG: there would be more than `most`. What was appended before stays. */
int proc_threads_add(const char *procfs, uint32_t pid, size_t most, struct proc_threads *threads);
void proc_threads_put(struct proc_threads *threads, const struct proc_thread *thread);
void proc_threads_done(struct proc_threads *threads);
/* The parser of schedstat; `text` needs no NUL. 0, -EBADMSG. */
int proc_schedstat_parse(const char *text, size_t length, uint64_t ret[PROC_TIMES]);

#endif
