/* The destinations of a configuration at work. */
#ifndef WEIR_AGENT_PUSH_H
#define WEIR_AGENT_PUSH_H

#include "exporters/exporter.h"

struct config;
struct core;
struct err;
struct part;
struct push; /* opaque */

struct push_options {
    struct core *core;           /* loop and log; must outlive it */
    const struct config *config; /* until push_set gives another */
    char *const *environment;    /* for systemd's credentials */
    struct snapshot_source source;
};

/* A lane for each destination, which begins right away: what cannot begin (its queue is in use, a
 * secret cannot be read) keeps weir from starting. 0, or a negative errno with the sentence and
 * nothing is left but what the loop ends by itself; no lane asks for a round then. */
int push_new(const struct push_options *options, struct err *e, struct push **ret);
/* Another configuration: a destination that says the same goes on with `source`, others end and
 * begin. What cannot begin is logged and tried again with back-off. `source` alone is asked from
 * now on. */
void push_set(struct push *p, const struct config *config, const struct snapshot_source *source);
/* Stops all lanes, with stale markers; `stopped` is called from the loop when the last has: at most
 * some seconds later. The pointer is invalid then. */
void push_stop(struct push *p, void (*stopped)(void *context), void *context);
void push_add_points(const struct push *p, struct part *part);

#endif
