/* The cgroup tier: values of every container on this host from the kernel's own files, without an
 * engine. Document: docs/ARCHITECTURE.md, "The cgroup tier". */
#ifndef WEIR_COLLECTORS_CGROUP_H
#define WEIR_COLLECTORS_CGROUP_H

#include "collectors/collector.h"

/* Never fails: a host without control groups makes a collector whose check says so. The remembered
 * names of the state directory are told to the inventory. */
int group_collector_new(const struct collector_options *options, struct err *e,
                        struct collector **ret_collector);

#endif
