/* A cascade over tiers whose every move is the test's. They take the place of collectors.c. */
#ifndef WEIR_TESTS_FAKE_TIERS_H
#define WEIR_TESTS_FAKE_TIERS_H

#include "collectors/cascade.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_tier {
    struct collector collector; /* first */
    struct part *part;
    void (*done)(void *context);
    void *context;
    unsigned collected, cancelled, idle, closed;
    unsigned turn; /* which of all collect calls was its newest */
    bool absent;   /* cannot work here */
    void (*on_cancel)(struct fake_tier *t);
    struct collector_options options; /* what it was made from */
};

enum { ENGINE, CGROUP, SIMULATED, TIERS };
extern struct fake_tier tiers[TIERS];
extern const struct clock fake_clock;
extern uint64_t now_ns; /* both times */
extern struct cascade *cascade;
extern uint64_t round_number;
extern unsigned dones;   /* of the round, by count_done */
extern unsigned changes; /* by count_change */

void count_done(void *context);
void count_change(void *context);

/* Forgets all there was. */
void reset(void);
/* Makes the cascade; what cascade_new says. */
int make(const char *const names[], size_t count);
/* reset, and a cascade of engine and cgroup. */
void start(void);
/* A round begins; a tier has answered. */
void begin(void);
void finish(struct fake_tier *t);
/* A running container's row in the tier's part. */
struct container_row *add(struct fake_tier *t, const char *id);
/* Closes the cascade, and lets go of a snapshot or NULL. */
void end(struct snapshot *s);

/* The snapshot's point with these labels, NULL for any; NULL where there is none. */
const struct point *find_point(const struct snapshot *s, enum agent_metric metric,
                               const char *first, const char *second);
/* The value of one that must be there. */
uint64_t point_value(const struct snapshot *s, enum agent_metric metric, const char *first,
                     const char *second);

#endif
