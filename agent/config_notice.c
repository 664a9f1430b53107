/* What it knows: the lines that a configuration leaves for the log. */
#include "agent/config_notice.h"

#include "agent/log.h"
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NOTICE_MAX_BYTES 4096 /* a line of the log holds no more */

void config_notice_add(struct config *c, enum log_level level, const char *fmt, ...)
{
    char text[NOTICE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->notices = alloc_resize(c->notices, c->notice_count + 1, sizeof *c->notices);
    c->notices[c->notice_count++] = (struct config_notice){level, alloc_string(text)};
}

void config_notices_done(struct config *c)
{
    for (size_t i = 0; i < c->notice_count; i++)
        free(c->notices[i].text);
    free(c->notices);
    c->notices = NULL;
    c->notice_count = 0;
}

void config_notices_log(const struct config *c, const struct log *log)
{
    for (size_t i = 0; i < c->notice_count; i++)
        log_line(log, c->notices[i].level, c->notices[i].text, NULL, 0);
}
