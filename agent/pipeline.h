/* One configuration at work: the tiers, the rounds, and which problems were told. A reload makes
 * another one beside it and then lets go of this. */
#ifndef WEIR_AGENT_PIPELINE_H
#define WEIR_AGENT_PIPELINE_H

#include "agent/problems.h"
#include "agent/rounds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct core;
struct err;

/* What there is of RLIMIT_NOFILE, and what it is for. */
struct descriptors {
    uint64_t wanted;       /* for connections and the kept files that the configuration asks for */
    uint64_t allowed;      /* the soft limit, after it was raised as far as it goes */
    uint64_t files_wanted; /* kernel files kept open, of those: none without the cgroup tier */
    size_t files;          /* how many of them fit below the limit */
};

struct pipeline {
    struct core *core; /* not owned */
    struct cascade *cascade;
    struct rounds *rounds;
    struct problems problems;
    struct descriptors descriptors;
    char *state_directory; /* owned; "": names are not remembered */
};

/* The tiers and rounds of `config` on the loop of `core`. Both must outlive it. 0, or a negative
 * errno with the sentence in `e`. */
int pipeline_new(struct core *core, const struct config *config, char *const environment[],
                 struct err *e, struct pipeline **ret);
/* The pointer is invalid at once, memory goes as handles close; `config` is not used any more. Not
 * from inside a demand's done. NULL is allowed. */
void pipeline_close(struct pipeline *p);
/* Would `a` and `b` make the same tiers and rounds? */
bool pipeline_is_same(const struct config *a, const struct config *b);

#endif
