/* Structured lines to stderr: logfmt or JSON; with journald's priority prefix where stderr is the
 * journal. */
#ifndef WEIR_AGENT_LOG_H
#define WEIR_AGENT_LOG_H

#include "agent/config.h"

/* One key and its value. */
struct log_field {
    const char *key;
    const char *value;
};

/* How lines are written; every function takes it, so that nothing is global. */
struct log {
    enum log_level level;
    enum log_format format;
    bool journal; /* stderr is the journal: "<6>" in front and no time */
    int fd;       /* where lines go, 2 */
};

/* Finds out about the journal ($JOURNAL_STREAM against fstat of fd 2, sd-daemon(3)). */
void log_init(struct log *l, enum log_level level, enum log_format format);
/* One line of at most 4096 bytes: time, level, message and `count` fields. Values are escaped, so
 * that control characters and invalid UTF-8 cannot break the line; one longer than 1024 bytes ends
 * with "...", as one character; fields for which no room is left give way to cut=true. Written by
 * one write(2); an error there is ignored: there is nowhere to say it. */
void log_line(const struct log *l, enum log_level level, const char *message,
              const struct log_field *fields, size_t count);

#define LOG_FIELDS(...)                      \
    (const struct log_field[]){__VA_ARGS__}, \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)

#endif
