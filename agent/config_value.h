/* Writing values into a configuration, with every check its option asks for. Private to the
 * configuration. `origin` says in messages where a value came from: a flag, a variable, or
 * FILE:LINE:COLUMN. All return 0 or a negative errno with `e`; after an error the configuration is
 * only good for config_done. */
#ifndef WEIR_AGENT_CONFIG_VALUE_H
#define WEIR_AGENT_CONFIG_VALUE_H

#include "agent/config_table.h"

/* Sets every option to its default; `c` is zero before. Cannot fail. */
void config_set_defaults(struct config *c);
/* Sets the option; a list's items are separated by commas and replace what was there. */
int config_set(struct config *c, const struct option *o, const char *origin, const char *text,
               struct err *e);
/* As config_set, but adds to a list. */
int config_add(struct config *c, const struct option *o, const char *origin, const char *text,
               struct err *e);

/* Did the file, the environment or a flag set it? */
bool config_was_given(const struct config *c, const struct option *o);

/* A list item by item: clear, add each, check that there are enough. */
void config_clear_list(struct config *c, const struct option *o);
int config_add_item(struct config *c, const struct option *o, const char *origin, const char *item,
                    struct err *e);
int config_check_list(const struct config *c, const struct option *o, const char *origin,
                      struct err *e);

/* The same for one field of any struct. Not of a list and not of pairs. */
int option_set_field(const struct option *o, void *field, const char *origin, const char *text,
                     struct err *e);
int option_add_item(const struct option *o, struct text_list *list, const char *origin,
                    const char *item, struct err *e);
int option_check_list(const struct option *o, const struct text_list *list, const char *origin,
                      struct err *e);
/* One more pair; its name may not be there yet. */
int option_add_pair(const struct option *o, struct push_pairs *pairs, const char *origin,
                    const char *name, const char *value, struct err *e);
/* Frees what the field owns; it is empty then. */
void option_done_field(const struct option *o, void *field);

/* Says what is wrong and what the option allows. Returns -EINVAL. */
int config_refuse(const struct option *o, const char *origin, const char *what, struct err *e);
/* The same about a text that does not suit; `why` is the rest of a sentence that begins with it. */
int config_refuse_value(const struct option *o, const char *origin, const char *text,
                        const char *why, struct err *e);

#endif
