/* What it knows: what the sets of metrics are called that a scrape may choose (docs/METRICS.md). */
#include "base/buf.h"
#include "exporters/prometheus.h"

#include <string.h>

#define SET_COUNT (GROUP_COUNT + 2) /* the groups, what has none, weir's own */

static const char *set_name(unsigned set)
{
    if (set < GROUP_COUNT)
        return metric_group_name((enum metric_group)set);
    return set == GROUP_NONE ? "state" : "weir";
}

unsigned prometheus_set_find(const char *name, size_t length)
{
    for (unsigned set = 0; set < SET_COUNT; set++)
        if (strlen(set_name(set)) == length && memcmp(set_name(set), name, length) == 0)
            return 1U << set;
    return 0;
}

void prometheus_add_set_names(struct buf *b)
{
    for (unsigned set = 0; set < SET_COUNT; set++) {
        (void)buf_add_string(b, set > 0 ? ", " : "");
        (void)buf_add_string(b, set_name(set));
    }
}
