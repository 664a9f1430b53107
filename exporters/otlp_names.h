/* What a line of the metric list is called in OTLP. Pure. Document: docs/METRICS.md. */
#ifndef WEIR_EXPORTERS_OTLP_NAMES_H
#define WEIR_EXPORTERS_OTLP_NAMES_H

#include "exporters/otlp_list.h"
#include "exporters/series.h"

#include <stddef.h>

enum otlp_kind {
    OTLP_GAUGE,
    OTLP_UPDOWN,  /* a cumulative sum that may fall */
    OTLP_COUNTER, /* a cumulative sum that does not */
};

#define OTLP_ENUM(id, ...) OTLP_##id,
/* The metrics of the conventions. */
enum otlp_metric { OTLP_METRIC_LIST(OTLP_ENUM) OTLP_METRICS };

struct otlp_name {
    const char *name;
    const char *unit; /* UCUM's; "": none */
    enum otlp_kind kind;
};

/* A line of the metric list that goes by a name of the conventions. */
struct otlp_line {
    enum otlp_metric metric;
    enum series_list list;
    unsigned index;         /* in its list */
    const char *attributes; /* in the place of its constant labels, written as those are */
};

extern const struct otlp_name otlp_names[OTLP_METRICS];
extern const struct otlp_line otlp_lines[];
extern const size_t otlp_line_count;

/* NULL: it keeps its family's name. */
const struct otlp_line *otlp_line_find(enum series_list list, unsigned index);
/* What a line is called that keeps its family's name. */
struct otlp_name otlp_name_of_family(const struct metric *metric);
/* What the conventions call this variable label of a line they have a name for. */
const char *otlp_attribute_name(const char *label);

#endif
