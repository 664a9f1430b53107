/* The tiers together: one round asks them all, merges what each found group by group in the
 * configured order, seals and derives. */
#ifndef WEIR_COLLECTORS_CASCADE_H
#define WEIR_COLLECTORS_CASCADE_H

#include "collectors/collector.h"

struct cascade; /* opaque */

/* Makes the collectors named by `tiers`, in that order; the simulated one only where it is first or
 * none before it can work here. 0 and the cascade; -EINVAL with the sentence in `e` (an unknown
 * tier, an engine host that cannot be used). */
int cascade_new(const struct collector_options *options, const struct text_list *tiers,
                struct err *e, struct cascade **ret_cascade);
/* `changed` will be called, from the loop, when a source reports a change: the newest snapshot is
 * stale. */
void cascade_on_change(struct cascade *c, void (*changed)(void *context), void *context);
/* Asks every tier. `done` is called once all have answered, unless cascade_seal comes first; never
 * from inside. */
void cascade_begin(struct cascade *c, const struct round *round, void (*done)(void *context),
                   void *context);
/* Ends the round now: late tiers say what they have, everything is merged, derived and sealed,
 * together with the points of `agent` (may be NULL). A new snapshot, one reference, the caller's.
 */
struct snapshot *cascade_seal(struct cascade *c, const struct part *agent);

/* What went wrong in the round just sealed; valid until the next cascade_begin. `index` counts from
 * 0 over all tiers; NULL past the last. `ret_collector` gets the collector's name. */
const struct problem *cascade_problem(const struct cascade *c, size_t index,
                                      const char **ret_collector);
/* `weir check`: every tier, in their order, says what it needs and has. After cascade_seal. */
void cascade_examine(struct cascade *c, const struct check_sink *sink);
/* Nobody asked for a while: every tier lets go of what it keeps open. */
void cascade_close_idle(struct cascade *c);
/* Ends every tier; the pointer is invalid at once, memory goes as handles close. NULL is allowed.
 */
void cascade_close(struct cascade *c);

#endif
