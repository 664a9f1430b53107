/* The lists of metrics as a walk needs them: sets of lines, and the names in their column of
 * labels. Private to series.c. */
#ifndef WEIR_EXPORTERS_SERIES_LISTS_H
#define WEIR_EXPORTERS_SERIES_LISTS_H

#include "base/arena.h"
#include "base/snapshot.h"
#include "exporters/exposition.h"
#include "exporters/series.h"

struct push_filter;

#define CONSTANT_LISTS     (SERIES_DEVICE + 1) /* lists whose lines have constant labels come first */
#define CONSTANT_NAMES_MAX 16                  /* different names of such; there are seven */

/* A name of constant labels, and which lines have it. */
struct constant_name {
    struct piece name;
    container_bits lines[CONSTANT_LISTS];
};

struct constant_names {
    struct constant_name names[CONSTANT_NAMES_MAX];
    size_t count;
};

/* The names of a point's labels, in the order of its metric's column; NULL behind the last. */
struct point_names {
    const char *names[POINT_LABELS_MAX + 1];
};

/* The next label of a line's column, name="value",name="value"; `*at` is "" behind the last. */
struct piece series_next_constant(const char **at, struct piece *ret_value);

struct constant_names series_constant_names(void);
/* In `arena`. */
struct point_names *series_point_names(const struct metric *metric, struct arena *arena);
/* The lines that a filter lets through, `up` always. */
container_bits series_lines_wanted(enum series_list list, const struct push_filter *filter);
/* The lines of these groups (GROUP_BIT), `up` always. */
container_bits series_lines_of(enum series_list list, unsigned groups);

#endif
