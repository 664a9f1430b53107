/* A walk over a snapshot, container by container: every series that /metrics shows, with its labels
 * sorted by name. Private to the push encoders. Document: docs/METRICS.md. */
#ifndef WEIR_EXPORTERS_SERIES_H
#define WEIR_EXPORTERS_SERIES_H

#include "base/identity.h"
#include "base/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container_row;
struct push_filter;
struct snapshot;

/* Which list of metrics a line is of. */
enum series_list {
    SERIES_CONTAINER,
    SERIES_INTERFACE,
    SERIES_DEVICE,
    SERIES_POINT,
    SERIES_AGENT,
    SERIES_UP, /* a list of one line that metric_list.h has not: `up` */
    SERIES_LISTS,
};
#define SERIES_METRICS_MAX 128 /* lines of a list: a set of them is one word */

/* The lines of a list. */
const struct metric *series_metrics(enum series_list list, unsigned *ret_count);

/* What the series that follow have in common. */
struct series_group {
    const struct container_row *row; /* NULL: of weir and its sources */
    /* Sorted by name bytewise, no name twice, no value empty, all UTF-8 (what is not became
     * U+FFFD); external labels are among them; __name__ and names of the constant labels of the
     * series that follow are not. Valid until the group after it; its texts until the walk ends, so
     * a text that has the address of an earlier one is the same. */
    const struct label *labels;
    size_t label_count;
};

struct series {
    const struct metric *metric;
    enum series_list list;
    unsigned index;      /* of the metric in its list, e.g. enum container_metric */
    uint64_t value;      /* as stored: decimal_nearest_value makes a double of it */
    bool stale;          /* it was in the snapshot before and is not any more: `value` is 0 */
    uint64_t started_ns; /* since 1970: when a counter was 0; 0 not known, stale, or no counter;
                            before the snapshot's realtime_ns */
};

struct series_sink {
    void *context;
    /* `group` is NULL never; at least one series follows. */
    void (*group)(void *context, const struct series_group *group);
    /* The line's constant labels (metric->labels of containers, interfaces and devices, e.g.
     * cpu="total") are not among the group's labels. */
    void (*series)(void *context, const struct series *series);
};

struct series_walk {
    const struct snapshot *previous;  /* what was sent last; NULL: nothing */
    const struct snapshot *current;   /* NULL: everything ends, as on a clean stop */
    const struct push_filter *filter; /* NULL: all */
    const struct label *external;     /* sorted by name; a series' own label of that name wins */
    size_t external_count;
    uint64_t agent_started_ns; /* when weir's own counters were 0 */
    uint64_t from;  /* of them all, numbered from 0 in the order they come: from this one on, ... */
    uint64_t until; /* ... and before this one; 0: all */
};

/* Every series of `current`, then, as stale, those of `previous` that it has not any more. `up`, 1,
 * with the external labels alone, is part of every snapshot, whatever the filter. Two series that
 * have all labels alike are one: the first counts. Pure: the same snapshots give the same calls.
 * Returns how many there are, those before `from` too; or `until` or more, where it ended there. */
uint64_t series_walk(const struct series_walk *walk, const struct series_sink *sink);

#endif
