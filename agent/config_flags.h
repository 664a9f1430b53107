/* The command line: which command, and which option gets which text. Private to the configuration.
 */
#ifndef WEIR_AGENT_CONFIG_FLAGS_H
#define WEIR_AGENT_CONFIG_FLAGS_H

#include "agent/config_cadvisor.h"
#include "agent/config_table.h"

/* One flag as it was given. */
struct flag {
    const struct option *option;
    const char *text; /* argv's */
};

struct flags {
    enum command command;
    struct flag *items; /* owned, in the order given */
    size_t count;
    struct cadvisor_flags cadvisor; /* those of cAdvisor's */
};

/* A command, for the command line and --help. */
struct command_word {
    const char *word;
    enum command command;
    const char *help;
};

extern const struct command_word config_commands[];
extern const size_t config_command_count;

/* Takes the command line apart without looking at values. 0, or -EINVAL with `e`. */
int flags_read(int argc, char *const argv[], struct err *e, struct flags *ret);
void flags_done(struct flags *f);
/* The text given for an option, NULL without. */
const char *flags_find(const struct flags *f, const struct option *o);
/* Sets what was given; the flags of one list add to each other. */
int flags_apply(const struct flags *f, struct config *c, struct err *e);

#endif
