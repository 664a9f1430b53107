/* One log line per cause: a failure is told when it appears and when it is gone, not in every
 * round. */
#ifndef WEIR_AGENT_PROBLEMS_H
#define WEIR_AGENT_PROBLEMS_H

#include "base/reason.h"

#include <stdbool.h>
#include <stddef.h>

struct cascade;
struct log;

#define PROBLEMS_MAX 64 /* causes remembered at once; further ones are told in every round */

/* A failure that is going on. */
struct problem_cause {
    const char *collector; /* its kind's name, static */
    char *source;          /* owned */
    enum reason reason;
    bool seen; /* in the newest round */
};

/* Zero knows of nothing. */
struct problems {
    struct problem_cause active[PROBLEMS_MAX];
    size_t count;
};

/* Compares with the round that was just sealed and logs what is new and what is over. */
void problems_log(struct problems *p, const struct cascade *cascade, const struct log *log);
void problems_done(struct problems *p);

#endif
