/* Hears of removed control groups between rounds, only to let go of their descriptors early (a kept
 * /proc/PID/net/dev holds on to a network namespace: what groups there are the scans find out), and
 * of changed limits, so that those need not be read in every round. */
#ifndef WEIR_COLLECTORS_GROUP_WATCH_H
#define WEIR_COLLECTORS_GROUP_WATCH_H

#include "collectors/group_state.h"

/* Opens the watch; without one (the host allows no more) descriptors of removed groups stay open
 * until the next round. */
void group_watch_open(struct group_reader *r);
void group_watch_close(struct group_reader *r);
/* Hears of removals in a directory from now on, and no more. */
void group_watch_add(struct group_reader *r, struct watched *w);
void group_watch_remove(struct group_reader *r, const struct watched *w);
/* Reads what was heard and closes the files of the groups that are gone. */
void group_watch_reap(struct group_reader *r);

/* Hears from now on when somebody writes a limit of the group; false where that is not to be had
 * (the host's limit of watches), and they must be read often. */
bool group_watch_limits(struct group_reader *r, struct group *g);
void group_watch_forget_limits(struct group_reader *r, struct group *g);
/* Marks the limits that were heard to change as not read. */
void group_watch_take_limits(struct group_reader *r);

#endif
