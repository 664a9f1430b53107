/* What it knows: which series a snapshot has, container by container, and which have gone since the
 * one before; they are those that prometheus.c writes. Names, labels and meanings:
 * docs/METRICS.md. */
#include "exporters/series.h"

#include "base/snapshot.h"
#include "exporters/decimal.h"
#include "exporters/push_filter.h"
#include "exporters/series_labels.h"
#include "exporters/series_lists.h"
#include "exporters/series_seen.h"

#include <string.h>

#define NAME_LABEL "__name__" /* every series has its own */
/* Of a row, for the first size of the table: itself, an interface, a device twice, its points. */
#define GROUPS_PER_ROW 12

/* Groups whose counters begin at 0 with an instance of the container, because they are of its
 * control group or its network. Not among them: OOM kills are summed over instances, restarts are
 * the engine's, and what processes were seen to have run began when weir first looked. */
#define GROUPS_OF_INSTANCE                                                           \
    (GROUP_BIT(GROUP_CPU) | GROUP_BIT(GROUP_MEMORY) | GROUP_BIT(GROUP_NETWORK) |     \
     GROUP_BIT(GROUP_BLOCK_IO) | GROUP_BIT(GROUP_PIDS) | GROUP_BIT(GROUP_PRESSURE) | \
     GROUP_BIT(GROUP_HUGETLB))

struct walk {
    const struct series_walk *options;
    const struct series_sink *sink;
    uint64_t until;     /* of the options; UINT64_MAX: all */
    uint64_t number;    /* of the next series */
    struct arena arena; /* texts that had to be made */
    struct series_seen seen;
    container_bits wanted[SERIES_LISTS]; /* lines that the filter lets through */
    container_bits zeros;                /* of a container: unlimited is 0 */
    container_bits numbered;             /* of a device: lines with its numbers */
    struct constant_names constants;
    struct point_names *names[SERIES_LISTS][SERIES_METRICS_MAX]; /* in the arena; NULL: not yet */
    struct label_set external;
    struct label_set base; /* those and a row's */
    struct label_set more; /* those and an interface's, a device's or a point's */
    struct label_set rest; /* without those that a line has as constants */
    /* The snapshot that is walked, and what is so of all of it or of the row. */
    const struct snapshot *snapshot;
    bool stale;
    container_bits shown[SERIES_LISTS];
    container_bits clashing[CONSTANT_LISTS]; /* lines with a constant label that `base` has too */
    const struct container_row *row;
    uint64_t started_ns;
};

/* Where the values of a group are: of line `m` at values[m - first]. */
struct source {
    enum series_list list;
    unsigned first;
    const uint64_t *values;
    container_bits zeros; /* lines whose value is 0 whatever stands there */
};

static unsigned lowest(container_bits bits)
{
    uint64_t low = (uint64_t)bits;
    return low != 0 ? (unsigned)__builtin_ctzll(low)
                    : 64 + (unsigned)__builtin_ctzll((uint64_t)(bits >> 64));
}

/* --- one group --- */

static uint64_t started_of(const struct walk *w, const struct source *from,
                           const struct metric *metric)
{
    if (w->stale || metric->type != METRIC_COUNTER)
        return 0;
    uint64_t ns = 0;
    if (from->list == SERIES_AGENT)
        ns = metric->group == GROUP_AGENT ? w->options->agent_started_ns : 0;
    else if (GROUPS_OF_INSTANCE & GROUP_BIT(metric->group))
        ns = w->started_ns;
    return ns < w->snapshot->realtime_ns ? ns : 0; /* else a clock was set back */
}

static unsigned count_of(container_bits bits)
{
    return (unsigned)(__builtin_popcountll((uint64_t)bits) +
                      __builtin_popcountll((uint64_t)(bits >> 64)));
}

/* Numbers these lines, and leaves those that are wanted. */
static container_bits choose(struct walk *w, container_bits bits)
{
    uint64_t from = w->options->from;
    uint64_t first = w->number;
    w->number += count_of(bits);
    if (first >= from && w->number <= w->until)
        return bits;
    container_bits ret = 0;
    for (uint64_t number = first; bits != 0; bits &= bits - 1, number++)
        if (number >= from && number < w->until)
            ret |= CONTAINER_BIT(lowest(bits));
    return ret;
}

static void give_group(struct walk *w, const struct label_set *labels, const struct source *from,
                       container_bits bits)
{
    /* Lists have different lines, but lines of one number. */
    uint64_t hash = labels->hash + ((uint64_t)from->list << 56);
    bits = choose(w, series_seen_add(&w->seen, hash, bits));
    if (bits == 0)
        return;
    const struct series_group group = {w->row, labels->labels, labels->count};
    w->sink->group(w->sink->context, &group);
    unsigned count = 0;
    const struct metric *metrics = series_metrics(from->list, &count);
    for (; bits != 0; bits &= bits - 1) {
        unsigned m = lowest(bits);
        bool zero = w->stale || ((from->zeros >> m) & 1);
        const struct series series = {
            .metric = &metrics[m],
            .list = from->list,
            .index = m,
            .value = zero ? 0 : from->values[m - from->first],
            .stale = w->stale,
            .started_ns = started_of(w, from, &metrics[m]),
        };
        w->sink->series(w->sink->context, &series);
    }
}

/* A line whose constant labels have names that the labels have too: a group of its own. */
static void give_clashing(struct walk *w, const struct label_set *labels, const struct source *from,
                          unsigned m)
{
    label_set_copy(&w->rest, labels);
    for (size_t i = 0; i < w->constants.count; i++)
        if ((w->constants.names[i].lines[from->list] >> m) & 1)
            label_set_remove(&w->rest, w->constants.names[i].name);
    give_group(w, &w->rest, from, CONTAINER_BIT(m));
}

static void give(struct walk *w, const struct label_set *labels, const struct source *from,
                 container_bits bits)
{
    bits &= w->shown[from->list];
    if (bits == 0)
        return;
    container_bits clashing = from->list < CONSTANT_LISTS ? bits & w->clashing[from->list] : 0;
    give_group(w, labels, from, bits & ~clashing);
    for (; clashing != 0; clashing &= clashing - 1)
        give_clashing(w, labels, from, lowest(clashing));
}

/* --- a row --- */

static void give_interface(struct walk *w, const struct interface_row *interface)
{
    const struct source from = {.list = SERIES_INTERFACE, .values = interface->values};
    label_set_copy(&w->more, &w->base);
    label_set_put(&w->more, &w->arena, "interface", interface->name);
    give(w, &w->more, &from, interface->present);
}

static const char *number_text(struct walk *w, uint32_t number)
{
    char *text = arena_alloc(&w->arena, DECIMAL_MAX);
    (void)decimal_write(text, number, 0);
    return text;
}

static void give_device(struct walk *w, const struct device_row *device)
{
    const struct source from = {.list = SERIES_DEVICE, .values = device->values};
    container_bits numbered = device->present & w->numbered & w->shown[SERIES_DEVICE];
    label_set_copy(&w->more, &w->base);
    label_set_put(&w->more, &w->arena, "device", device->name);
    give(w, &w->more, &from, device->present & ~w->numbered);
    if (numbered == 0)
        return;
    label_set_put(&w->more, &w->arena, "major", number_text(w, device->major));
    label_set_put(&w->more, &w->arena, "minor", number_text(w, device->minor));
    give(w, &w->more, &from, numbered);
}

static const struct point_names *names_of(struct walk *w, enum series_list list, unsigned m)
{
    unsigned count = 0;
    if (!w->names[list][m])
        w->names[list][m] = series_point_names(&series_metrics(list, &count)[m], &w->arena);
    return w->names[list][m];
}

static void give_point(struct walk *w, enum series_list list, const struct label_set *base,
                       const struct point *point)
{
    const struct source from = {.list = list, .first = point->metric, .values = &point->value};
    if (!((w->shown[list] >> point->metric) & 1))
        return;
    const struct point_names *names = names_of(w, list, point->metric);
    label_set_copy(&w->more, base);
    for (size_t i = 0; names->names[i]; i++)
        label_set_put(&w->more, &w->arena, names->names[i], point->labels[i]);
    give(w, &w->more, &from, CONTAINER_BIT(point->metric));
}

static void set_base(struct walk *w, const struct identity *who)
{
    label_set_copy(&w->base, &w->external);
    for (size_t i = 0; i < who->label_count; i++)
        label_set_put(&w->base, &w->arena, who->labels[i].name, who->labels[i].value);
    label_set_put(&w->base, &w->arena, "id", who->cgroup_path);
    label_set_put(&w->base, &w->arena, "image", who->image);
    label_set_put(&w->base, &w->arena, "name", who->name);
    label_set_put(&w->base, &w->arena, "simulated", who->simulated ? "true" : NULL);
}

/* Which lines have a constant label that `base` has too: an external one, which gives way. */
static void find_clashing(struct walk *w)
{
    memset(w->clashing, 0, sizeof w->clashing);
    for (size_t i = 0; i < w->constants.count; i++)
        if (label_set_has(&w->base, w->constants.names[i].name))
            for (enum series_list list = 0; list < CONSTANT_LISTS; list++)
                w->clashing[list] |= w->constants.names[i].lines[list];
}

static void give_row(struct walk *w, const struct container_row *row)
{
    const struct identity *who = row->identity;
    const struct source from = {
        .list = SERIES_CONTAINER, .values = row->values, .zeros = row->unlimited};
    w->row = row;
    w->started_ns =
        who->kind == IDENTITY_CONTAINER && state_is_live(row->state) ? who->started_ns : 0;
    set_base(w, who);
    find_clashing(w);
    give(w, &w->base, &from, row->present & ~(row->unlimited & ~w->zeros));
    for (size_t i = 0; i < row->interface_count; i++)
        give_interface(w, &row->interfaces[i]);
    for (size_t d = 0; d < row->device_count; d++)
        give_device(w, &row->devices[d]);
    for (size_t p = 0; p < row->point_count; p++)
        give_point(w, SERIES_POINT, &w->base, &row->points[p]);
}

/* --- the whole --- */

static void walk_snapshot(struct walk *w, const struct snapshot *s, bool stale)
{
    static const uint64_t up_value = 1;
    static const struct source up = {.list = SERIES_UP, .values = &up_value};
    w->snapshot = s;
    w->stale = stale;
    for (enum series_list list = 0; list < SERIES_LISTS; list++)
        w->shown[list] = w->wanted[list] & series_lines_of(list, s->groups);
    for (size_t r = 0; r < s->row_count && w->number < w->until; r++)
        if (push_filter_has_container(w->options->filter, s->rows[r].identity))
            give_row(w, &s->rows[r]);
    w->row = NULL;
    for (size_t p = 0; p < s->point_count; p++)
        give_point(w, SERIES_AGENT, &w->external, &s->points[p]);
    give(w, &w->external, &up, CONTAINER_BIT(0));
}

static void init_walk(struct walk *w)
{
    const struct series_walk *options = w->options;
    size_t rows = (options->current ? options->current->row_count : 0) +
                  (options->previous ? options->previous->row_count : 0);
    series_seen_init(&w->seen, rows * GROUPS_PER_ROW);
    w->constants = series_constant_names();
    for (enum series_list list = 0; list < SERIES_LISTS; list++)
        w->wanted[list] = series_lines_wanted(list, options->filter);
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (container_metrics[m].type == METRIC_GAUGE_ZERO)
            w->zeros |= CONTAINER_BIT(m);
    for (unsigned m = 0; m < DEVICE_METRICS; m++)
        if (device_metrics[m].labels[0] != '\0')
            w->numbered |= CONTAINER_BIT(m);
    for (size_t i = 0; i < options->external_count; i++)
        if (strcmp(options->external[i].name, NAME_LABEL) != 0)
            label_set_put(&w->external, &w->arena, options->external[i].name,
                          options->external[i].value);
}

uint64_t series_walk(const struct series_walk *walk, const struct series_sink *sink)
{
    struct walk w = {
        .options = walk, .sink = sink, .until = walk->until > 0 ? walk->until : UINT64_MAX};
    init_walk(&w);
    if (walk->current)
        walk_snapshot(&w, walk->current, false);
    if (walk->previous)
        walk_snapshot(&w, walk->previous, true);
    label_set_done(&w.external);
    label_set_done(&w.base);
    label_set_done(&w.more);
    label_set_done(&w.rest);
    series_seen_done(&w.seen);
    arena_done(&w.arena);
    return w.number;
}
