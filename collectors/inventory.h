/* Which containers of this host are known, and who they are, by engines, runtimes' files and
 * memory. The engine tier tells it, the cgroup tier asks it. Loop thread only. */
#ifndef WEIR_COLLECTORS_INVENTORY_H
#define WEIR_COLLECTORS_INVENTORY_H

#include "base/identity.h"
#include "base/reason.h"

#include <stddef.h>
#include <stdint.h>

#define INVENTORY_MAX 20000 /* containers: twice what one engine may list */

/* Whose word it is, from weak to strong. */
enum inventory_source {
    INVENTORY_SEEN, /* the kernel has it; nothing more is known */
    INVENTORY_REMEMBERED,
    INVENTORY_FILES,
    INVENTORY_ENGINE,
};

struct inventory_entry {
    const struct identity *identity; /* a reference */
    enum inventory_source source;
    bool hidden;             /* left out by include or exclude */
    uint32_t pid;            /* of its first process when it was told, 0 unknown */
    enum reason network;     /* what its network mode says; REASON_NONE for one of its own */
    uint64_t told_ns;        /* CLOCK_MONOTONIC of the telling */
    uint64_t birth;          /* inode of the control group this was said of, 0 not seen yet */
    uint64_t measured_round; /* the newest round in which the cgroup tier had it, 0 never */
    uint64_t measured_ns;    /* CLOCK_MONOTONIC of that reading */
    uint64_t seen_ns;        /* CLOCK_MONOTONIC when it was told or measured last */
};

struct inventory; /* opaque */

struct inventory *inventory_new(void);
void inventory_free(struct inventory *v);

/* What is said about a container. */
struct inventory_telling {
    const struct identity *identity; /* local; a reference is taken */
    enum inventory_source source;
    bool hidden;
    uint32_t pid;
    enum reason network;
    uint64_t now_ns; /* CLOCK_MONOTONIC */
    uint64_t birth;  /* inode of the control group it is said of, 0 not known */
};

/* Takes it in place of what was known, unless that has a stronger source. A full inventory takes no
 * new containers: false then, else true. */
bool inventory_tell(struct inventory *v, const struct inventory_telling *telling);
/* The engine removed it. Nothing where it is not known. */
void inventory_drop(struct inventory *v, const char *container_id);
/* The engine that told it is away for long: what it said is a memory now. Nothing where it is not
 * known. */
void inventory_demote(struct inventory *v, const char *container_id);
/* The container called `container_id`, or NULL. Valid until the next change. */
const struct inventory_entry *inventory_find(const struct inventory *v, const char *container_id);

/* The cgroup tier read its control group `birth` (inode) in round `round`, not before `read_ns`
 * (CLOCK_MONOTONIC). Where what is known was said before that about another group, it is another
 * instance: its start is forgotten. Nothing for a container that is not known. */
void inventory_measured(struct inventory *v, const char *container_id, uint64_t birth,
                        uint64_t round, uint64_t read_ns);
/* Drops what no engine told and nobody saw for a day, or, if nothing is known of it, for five
 * minutes. */
void inventory_expire(struct inventory *v, uint64_t now_ns);

/* The labels that the tiers left out so far, for them to count. */
struct label_drops *inventory_drops(struct inventory *v);

size_t inventory_count(const struct inventory *v);
/* In no order; `index` below the count. */
const struct inventory_entry *inventory_at(const struct inventory *v, size_t index);
/* Changes with every telling and dropping that changed who a container is, and with the births. */
uint64_t inventory_generation(const struct inventory *v);

#endif
