/* A destination of the configuration as the options of its lane. Private to push and check. */
#ifndef WEIR_AGENT_PUSH_PLAN_H
#define WEIR_AGENT_PUSH_PLAN_H

#include "base/arena.h"
#include "exporters/push_lane.h"

struct config;
struct core;
struct push_destination;

/* What all destinations of a process have in common. */
struct push_surroundings {
    struct core *core;
    char *const *environment;
    uint64_t phase; /* any number: every lane takes it modulo its interval, so that they meet */
};

struct push_plan {
    struct push_lane_options options; /* without filter, source, log and context */
    struct arena memory;
};

/* Of this host, alike for all its destinations and hardly for two hosts. */
uint64_t push_phase(const struct config *config);
/* What it points to is in its memory and in `d`. */
void push_plan_init(struct push_plan *p, const struct push_destination *d,
                    const struct push_surroundings *s);
/* As the lane wants it, made anew; NULL: all goes through. */
struct push_filter *push_plan_filter(const struct push_destination *d);
void push_plan_done(struct push_plan *p);

#endif
