/* The YAML file. Private to the configuration. */
#ifndef WEIR_AGENT_CONFIG_YAML_H
#define WEIR_AGENT_CONFIG_YAML_H

#include "agent/config.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20) /* bytes: some hundred times any sensible file */

/* Sets what the text gives; `name` for messages. 0, or a negative errno with NAME:LINE:COLUMN and
 * what is allowed in `e`; the configuration is then only good for config_done. */
int config_yaml_apply(const char *name, const char *yaml, size_t length, struct err *e,
                      struct config *c);

#endif
