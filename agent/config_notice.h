/* What the configuration has to tell and cannot before there is a log. */
#ifndef WEIR_AGENT_CONFIG_NOTICE_H
#define WEIR_AGENT_CONFIG_NOTICE_H

#include "agent/config.h"

struct log;

/* One more line for the log. */
void config_notice_add(struct config *c, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Frees them. */
void config_notices_done(struct config *c);
/* Writes all of them. */
void config_notices_log(const struct config *c, const struct log *log);

#endif
