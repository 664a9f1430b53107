/* Finding the control groups that are to be read. */
#ifndef WEIR_COLLECTORS_GROUP_SCAN_H
#define WEIR_COLLECTORS_GROUP_SCAN_H

#include "collectors/group_state.h"

/* Lists the directories that hold containers, and all of them once a minute; new groups are added,
 * vanished ones dropped. 0, or the negative errno of a tree that cannot be listed. */
int group_scan(struct group_reader *r, uint64_t now_ns);
/* The group "/" of every host, the caller's to give back with group_scan_free. */
struct group *group_scan_root(void);
void group_scan_free(struct group_reader *r, struct group *g);
/* Drops every group and watched directory. */
void group_scan_forget(struct group_reader *r);
/* Calls `look` with the path of each group below `path`, depth one more, until it returns 0. What
 * the last call returned; -ENOENT without any. */
int group_each_child(struct group_reader *r, const char *path, unsigned depth,
                     int (*look)(struct group_reader *r, const char *path, unsigned depth,
                                 struct group *g),
                     struct group *g);
/* The group of a container, NULL when there is none. */
struct group *group_find(const struct group_reader *r, const char *path);

#endif
