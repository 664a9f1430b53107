/* Tier 1: container engines that speak the Docker Engine API (Docker, Podman). */
#ifndef WEIR_COLLECTORS_ENGINE_H
#define WEIR_COLLECTORS_ENGINE_H

#include "collectors/collector.h"

/* Takes loop, clock, environment, procfs, sysfs, engine_*, label_allow, include and exclude from
 * the options. 0 and the collector, or -EINVAL with the sentence in `e` where a configured host
 * cannot be used. An engine that is not there yet is no error. */
int engine_new(const struct collector_options *options, struct err *e,
               struct collector **ret_collector);

#endif
