/* What cAdvisor says of itself and of the host's scrape, said of weir. Document: docs/CADVISOR.md.
 */
#ifndef WEIR_COLLECTORS_COMPAT_H
#define WEIR_COLLECTORS_COMPAT_H

#include "base/snapshot.h"

/* Adds cadvisor_version_info, container_scrape_error and machine_scrape_error to `own`, after what
 * the tiers found in this round. */
void compat_add_points(const struct part *const parts[], size_t count, struct part *own);

#endif
