/* What the tasks of a v1 control group are doing, by generic netlink: CGROUPSTATS_CMD_GET of the
 * family TASKSTATS. Documents: Documentation/accounting/cgroupstats.rst and taskstats.rst;
 * linux/cgroupstats.h, linux/genetlink.h; netlink(7). */
#ifndef WEIR_COLLECTORS_TASK_STATES_H
#define WEIR_COLLECTORS_TASK_STATES_H

#include <linux/cgroupstats.h>

struct task_states;

/* Connects at first use. */
struct task_states *task_states_new(void);
/* NULL is allowed. */
void task_states_free(struct task_states *t);
/* Adds the tasks of the group whose directory is open (not O_PATH), without groups below it. 0;
 * -EINVAL: it is no v1 control group; -ENOENT: the kernel has no such family, or shows it not to
 * this network namespace, or the group is gone; -EAGAIN: no answer in time; another negative
 * errno. */
int task_states_add(struct task_states *t, int directory, struct cgroupstats *sum);

#endif
