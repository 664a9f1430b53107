/* The steps from flags and file to complete destinations. Private to the configuration. Those that
 * return int: 0, or -EINVAL with where, what, why and the mend. */
#ifndef WEIR_AGENT_CONFIG_PUSH_PARTS_H
#define WEIR_AGENT_CONFIG_PUSH_PARTS_H

#include "agent/config.h"

/* Do flags or variables name a destination? */
bool push_flags_given(const struct config *c);
/* It becomes the only one, yet to be completed, with a notice where the file has others. */
int push_flags_take(struct config *c, struct err *e);
/* Refuses flags for a destination that nobody named. */
int push_flags_refuse(const struct config *c, struct err *e);

/* What does not go together in a destination with its defaults. */
int push_rules_check(const struct push_destination *d, struct err *e);
/* What may well be a mistake. */
void push_rules_tell(const struct push_destination *d, struct config *c);
/* What two of them may not share. */
int push_rules_check_two(const struct push_destination *d, const struct push_destination *other,
                         struct err *e);

#endif
