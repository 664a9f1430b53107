/* Hears of removed control groups between rounds, only to let go of their descriptors early: a kept
 * /proc/PID/net/dev holds on to a network namespace. What groups there are the scans find out. */
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

#endif
