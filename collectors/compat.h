/* What cAdvisor says of itself and of the host's scrape, said of weir. Document: docs/CADVISOR.md.
 *
 * container_scrape_error is 1 where a container that runs may be missing from the round:
 *   - an engine in the network is not up: nobody else knows its containers. An engine whose list
 *     failed, is late or is too long counts as not up; a second way to an engine does not count.
 *   - this host's containers: the cgroup tier did not see all of them, and no engine makes up for
 *     it. None does where that tier failed in this round (it is stuck, has no right, found too
 *     much), where an engine here is not up, or where none is. A cgroup tier that sees all of the
 *     host makes up for every engine here, so one that is not installed is no error.
 * Simulated containers are all there: 0.
 *
 * machine_scrape_error is 1 where GROUP_MACHINE is wanted and the CPUs or the memory of the host
 * are not known in this round; it is there only where the cgroup tier, which reads them, is. */
#ifndef WEIR_COLLECTORS_COMPAT_H
#define WEIR_COLLECTORS_COMPAT_H

#include "base/snapshot.h"

struct compat; /* opaque */

/* Reads what does not change: kernel and operating system. `groups` has a bit per enum metric_group
 * that is wanted. `mount` is where a host's root may be, MACHINE_HOST_MOUNT; the names of the
 * operating system are the host's where one is, else those of weir's own root. */
struct compat *compat_new(unsigned groups, const char *mount);
/* NULL is allowed. */
void compat_free(struct compat *c);
/* Adds cadvisor_version_info, container_scrape_error and machine_scrape_error to `own`, after what
 * the tiers found in this round: each part has its AGENT_COLLECTOR_SUCCESS. Version and revision
 * are those of AGENT_BUILD_INFO in `agent`, which may be NULL. */
void compat_add_points(const struct compat *c, const struct part *const parts[], size_t count,
                       const struct part *agent, struct part *own);

#endif
