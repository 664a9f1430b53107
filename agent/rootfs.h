/* The host's root, where weir runs in a container that has it mounted as cAdvisor's have it. */
#ifndef WEIR_AGENT_ROOTFS_H
#define WEIR_AGENT_ROOTFS_H

#include <stdbool.h>

struct config;

#define ROOTFS "/rootfs" /* where cAdvisor's compose files mount it */

/* Does the NSpid line of a /proc/self/status (`status`) name a pid in more than one namespace? Then
 * that procfs shows a namespace around weir's own. Document: proc(5). */
bool rootfs_shows_outside(const char *status);
/* Takes paths that no source has set from below `root`, where they are the host's: path.procfs, and
 * path.docker-root where there is none at its own place. Notes what it did. */
void rootfs_apply(struct config *c, const char *root);

#endif
