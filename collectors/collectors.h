/* The list of tiers there are. */
#ifndef WEIR_COLLECTORS_COLLECTORS_H
#define WEIR_COLLECTORS_COLLECTORS_H

#include "collectors/collector.h"

/* Makes the collector called `name`. 0 and the collector, or -EINVAL with the sentence in `e`. */
int collector_make(const char *name, const struct collector_options *options, struct err *e,
                   struct collector **ret_collector);

#endif
