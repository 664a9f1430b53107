/* The environment: WEIR_ variables. Private to the configuration. */
#ifndef WEIR_AGENT_CONFIG_ENVIRONMENT_H
#define WEIR_AGENT_CONFIG_ENVIRONMENT_H

#include "agent/config_table.h"

/* The value of the option's variable, NULL without one or with an empty one. */
const char *environment_find(char *const environment[], const struct option *o);
/* Sets what the environment gives. 0, or -EINVAL with `e`, also for a variable that is no option's.
 */
int environment_apply(char *const environment[], struct config *c, struct err *e);

#endif
