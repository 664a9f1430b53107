/* Parts of the print of a configuration. Private to the configuration. */
#ifndef WEIR_AGENT_CONFIG_PRINT_H
#define WEIR_AGENT_CONFIG_PRINT_H

#include "agent/config_table.h"

/* Where a mapping is printed. */
struct print_mapping {
    const void *base;     /* the struct its options write */
    const char *margin;   /* blanks before each of its lines */
    const char *previous; /* the option before, "" at first: its sections are open */
};

/* Appends `o` with its value, and the heads of sections that are new. */
void config_print_option(struct buf *b, struct print_mapping *m, const struct option *o);

#endif
