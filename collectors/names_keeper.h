/* Keeps the names of containers across restarts: reads them at start, writes them when they have
 * changed, without holding up the loop. */
#ifndef WEIR_COLLECTORS_NAMES_KEEPER_H
#define WEIR_COLLECTORS_NAMES_KEEPER_H

#include "collectors/collector_options.h"

struct names_keeper; /* opaque */
struct part;

/* Tells the inventory of `options` what its state directory remembers; blocking. */
struct names_keeper *names_keeper_new(const struct collector_options *options);
/* After a round: writes what has changed, at most once in ten seconds, and reports to `part` what
 * does not work. */
void names_keeper_round(struct names_keeper *k, struct part *part);
/* Writes what was not written yet and ends it; the pointer is invalid at once. */
void names_keeper_close(struct names_keeper *k);

#endif
