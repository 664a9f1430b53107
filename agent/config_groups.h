/* What is said of groups of metrics. Private to the configuration; config.h has config_groups. */
#ifndef WEIR_AGENT_CONFIG_GROUPS_H
#define WEIR_AGENT_CONFIG_GROUPS_H

#include "base/metric.h"

struct config;

/* What a group has, in a few words. */
const char *config_group_text(enum metric_group group);
/* The names of groups that cAdvisor has and that give nothing here; NULL-terminated. */
extern const char *const config_idle_groups[];
/* Notes those of them that were asked for or taken away. */
void config_tell_idle_groups(struct config *c);

#endif
