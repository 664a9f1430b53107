/* What it knows: the states of a group's tasks, those of the groups below it added. v1 only: the
 * kernel refuses a v2 directory. Document: Documentation/accounting/cgroupstats.rst. */
#include "collectors/group_process.h"

#include "base/fs.h"
#include "collectors/task_states.h"

#include <errno.h>
#include <fcntl.h>

static int take_group(const struct group_round *round, const char *path, void *context)
{
    struct group_reader *r = round->r;
    CLEANUP_FD int fd =
        openat(r->roots[r->scanned], path + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    return task_states_add(r->task_states, fd, context);
}

/* Why the states are not known. */
static enum reason explain(const struct group_round *round, const struct group *g, int result)
{
    struct part *part = &round->r->result.part;
    switch (result) {
    case -EINVAL:
    case -ENOENT:
        return REASON_NOT_GIVEN;
    case -EAFNOSUPPORT:
    case -EPERM:
    case -EACCES:
        part_add_problem(part, REASON_PERMISSION_DENIED, "taskstats",
                         "states of tasks cannot be asked for, netlink sockets are forbidden: add "
                         "AF_NETLINK to RestrictAddressFamilies= of weir's unit, or disable the "
                         "metrics of group cpuLoad");
        return REASON_PERMISSION_DENIED;
    case -EAGAIN:
        part_add_problem(part, REASON_TIMEOUT, "taskstats",
                         "the kernel did not answer in time what the tasks of a control group do");
        return REASON_TIMEOUT;
    default:
        return group_process_reason(round, g, "taskstats", result);
    }
}

enum reason group_process_fill_load(const struct group_round *round, struct group *g,
                                    struct container_row *row)
{
    struct group_reader *r = round->r;
    struct cgroupstats sum = {0};
    if (r->layout.trees[r->scanned].version != 1)
        return REASON_NOT_GIVEN;
    if (!r->task_states)
        r->task_states = task_states_new();
    int result = group_process_walk(round, g, take_group, &sum);
    if (result < 0)
        return explain(round, g, result);
    group_row_set(row, CONTAINER_TASKS_SLEEPING, sum.nr_sleeping);
    group_row_set(row, CONTAINER_TASKS_RUNNING, sum.nr_running);
    group_row_set(row, CONTAINER_TASKS_STOPPED, sum.nr_stopped);
    group_row_set(row, CONTAINER_TASKS_UNINTERRUPTIBLE, sum.nr_uninterruptible);
    group_row_set(row, CONTAINER_TASKS_IOWAITING, sum.nr_io_wait);
    return REASON_NONE;
}
