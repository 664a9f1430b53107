/* The one set of numbers. A tier fills a private `part`; the cascade merges the parts, seals and
 * derives a `snapshot`; after sealing nobody writes. Values are integers in kernel units. Absent,
 * zero and unlimited are three answers. */
#ifndef WEIR_BASE_SNAPSHOT_H
#define WEIR_BASE_SNAPSHOT_H

#include "base/arena.h"
#include "base/identity.h"
#include "base/metric.h"
#include "base/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tier { TIER_NONE, TIER_ENGINE, TIER_CGROUP, TIER_SIMULATED, TIER_COUNT };

enum container_state {
    STATE_UNKNOWN,
    STATE_CREATED,
    STATE_RUNNING,
    STATE_PAUSED,
    STATE_RESTARTING,
    STATE_REMOVING,
    STATE_EXITED,
    STATE_DEAD,
    STATE_REMOVED, /* it is no more; how it ended is still told */
    STATE_COUNT,
};

/* What a source knows of a container beside its values, from weak to strong. */
enum knowledge {
    KNOWS_OF_OLD, /* it is away: who the container is and how it did when it was last asked */
    KNOWS_ALIVE,  /* it sees it now, and has the name from elsewhere, if at all */
    KNOWS_ALL,    /* it is the one that runs it, and said so now */
};

#define POINT_LABELS_MAX                                                     \
    7 /* most variable labels of one point: machine_cpu_cache_capacity_bytes \
       */

/* A value told apart by label values, in the order of its metric's `labels` column. */
struct point {
    unsigned metric; /* enum point_metric or enum agent_metric, by where it is kept */
    uint64_t value;  /* a gauge's is the bits of an int64_t */
    const char *labels[POINT_LABELS_MAX];
};

struct interface_row {
    const char *name; /* e.g. eth0 */
    uint64_t present; /* bit per enum interface_metric */
    uint64_t values[INTERFACE_METRICS];
};

struct device_row {
    const char *name; /* e.g. /dev/vda, or "8:0" where the name is not known */
    uint32_t major;
    uint32_t minor;
    uint64_t present; /* bit per enum device_metric */
    uint64_t values[DEVICE_METRICS];
};

/* A set of enum container_metric. */
__extension__ typedef unsigned __int128 container_bits;
#define CONTAINER_BIT(metric) ((container_bits)1 << (metric))

/* One container. Pointers go into the arena of the part or snapshot that holds the row. */
struct container_row {
    const struct identity *identity; /* a reference, the holder's */
    enum container_state state;
    enum knowledge knowledge;
    bool hidden;                     /* left out by include or exclude, whoever measures it */
    enum tier tiers[GROUP_COUNT];    /* who gave the group; TIER_NONE: it is absent */
    enum reason absent[GROUP_COUNT]; /* why it is; REASON_NONE while it is not */
    unsigned yields;                 /* bit per group that counts only where no other tier has it */
    unsigned cgroup_version; /* of its host, 1 or 2, for what its tier may give; 0 unknown */
    uint64_t birth;          /* inode of its control group: which instance it is; 0 unknown */
    unsigned cpus;           /* CPUs of its host, 0 unknown */
    uint64_t cpu_sampled_ns; /* CLOCK_MONOTONIC when the CPU counters were read */
    container_bits present;
    container_bits unlimited; /* only where present */
    uint64_t values[CONTAINER_METRICS];
    struct interface_row *interfaces;
    size_t interface_count;
    struct device_row *devices;
    size_t device_count;
    struct point *points; /* metrics of METRIC_LIST_POINT */
    size_t point_count;
    bool kills_heard;       /* an engine tells of OOM kills of this container */
    bool kills_whole;       /* and has since this instance began */
    uint64_t kills_before;  /* how many it told of in instances before this one */
    uint64_t kills_told;    /* and in this one */
    uint64_t kills_told_ns; /* CLOCK_MONOTONIC when it told of the last, 0 never */
    uint64_t kills_read_ns; /* CLOCK_MONOTONIC before OOM_KILLS was read */
};

_Static_assert(CONTAINER_METRICS <= 128, "a container's presence bits are one word");

/* Something that went wrong while a tier collected; logged once per (source, reason). */
struct problem {
    enum reason reason;
    const char *source; /* the object, e.g. an engine's key */
    const char *text;   /* what, where, why and the mend */
    uint64_t count;     /* how many times in this round, at least 1 */
};

/* What one tier found in one round. */
struct part {
    struct arena arena;
    struct container_row *rows; /* owned, grown by part_add_row: a new row may move the others */
    size_t row_count;
    size_t row_capacity;
    struct point *points; /* metrics of METRIC_LIST_AGENT; owned */
    size_t point_count;
    size_t point_capacity;
    struct problem *problems; /* owned */
    size_t problem_count;
    size_t problem_capacity;
    bool sees_host; /* every container of this host has a row: one without is not running */
};

/* Zero is an empty part. Resets it for the next round: references dropped, memory kept. */
void part_reset(struct part *p);
void part_done(struct part *p);
/* A new row, all absent. Takes a reference to `identity`. The pointer is valid until the next
 * part_add_row. */
struct container_row *part_add_row(struct part *p, const struct identity *identity);
/* A value about a source; `labels` are POINT_LABELS_MAX texts, or fewer and then NULL-terminated,
 * as those of a point are; copied. "" labels are left out by the encoders. */
void part_add_point(struct part *p, enum agent_metric metric, uint64_t value,
                    const char *const labels[]);
/* Records a failure; the same source and reason again only counts. Texts are copied. */
void part_add_problem(struct part *p, enum reason reason, const char *source, const char *text);

/* Sets a value of a row and that it is present. */
static inline void row_set(struct container_row *row, enum container_metric metric, uint64_t value)
{
    row->values[metric] = value;
    row->present |= CONTAINER_BIT(metric);
}

/* Sets that a value is there and has no limit. */
static inline void row_set_unlimited(struct container_row *row, enum container_metric metric)
{
    row->present |= CONTAINER_BIT(metric);
    row->unlimited |= CONTAINER_BIT(metric);
}

/* Puts points behind those of the row, in `arena`. Their texts are not copied. */
void row_add_points(struct container_row *row, struct arena *arena, const struct point *points,
                    size_t count);

static inline bool row_has(const struct container_row *row, enum container_metric metric)
{
    return (row->present >> metric) & 1;
}

static inline bool row_is_unlimited(const struct container_row *row, enum container_metric metric)
{
    return (row->unlimited >> metric) & 1;
}

/* Does a container in this state use resources, so that its values are expected? */
static inline bool state_is_live(enum container_state state)
{
    return state == STATE_RUNNING || state == STATE_PAUSED;
}

/* A sealed round. Reference counted, loop thread only. */
struct snapshot {
    unsigned references;
    struct arena arena;
    uint64_t number;            /* rounds sealed so far, this one too */
    uint64_t realtime_ns;       /* when it was sealed */
    uint64_t monotonic_ns;      /* the same moment */
    unsigned groups;            /* bit per enum metric_group that is to be shown */
    struct container_row *rows; /* in the arena */
    size_t row_count;
    struct point
        *points; /* metrics of METRIC_LIST_AGENT, in the arena, lines of one metric together */
    size_t point_count;
};

/* An empty snapshot with one reference, the caller's. */
struct snapshot *snapshot_new(void);
struct snapshot *snapshot_ref(struct snapshot *s);
/* NULL is allowed. */
void snapshot_unref(struct snapshot *s);

/* The word in labels: "engine", "cgroup", "simulated"; "" for TIER_NONE. */
const char *tier_name(enum tier tier);
/* The word in labels, e.g. "running"; "" for STATE_UNKNOWN. */
const char *state_name(enum container_state state);
/* The state an engine means by `text`; STATE_UNKNOWN for any other word. Docker and Podman
 * ("stopped", "configured"). */
enum container_state state_from_name(const char *text);

#endif
