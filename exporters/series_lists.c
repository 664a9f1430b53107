/* What it knows: the five lists of metrics and the one line that is in none of them. Document:
 * metric_list.h. */
#include "exporters/series_lists.h"

#include "base/text.h"
#include "exporters/push_filter.h"

#include <assert.h>
#include <string.h>

_Static_assert(CONTAINER_METRICS <= SERIES_METRICS_MAX && AGENT_METRICS <= SERIES_METRICS_MAX &&
                   INTERFACE_METRICS <= SERIES_METRICS_MAX && POINT_METRICS <= SERIES_METRICS_MAX &&
                   DEVICE_METRICS <= SERIES_METRICS_MAX,
               "the lines of a list are a set in one word");

static const struct metric up_metric = {
    .family = "up",
    .labels = "",
    .help = "1: weir runs, and these samples are its own.",
    .type = METRIC_GAUGE,
    .unit = UNIT_COUNT,
    .group = GROUP_AGENT,
};

static const struct {
    const struct metric *metrics;
    unsigned count;
} lists[SERIES_LISTS] = {
    [SERIES_CONTAINER] = {container_metrics, CONTAINER_METRICS},
    [SERIES_INTERFACE] = {interface_metrics, INTERFACE_METRICS},
    [SERIES_DEVICE] = {device_metrics, DEVICE_METRICS},
    [SERIES_POINT] = {point_metrics, POINT_METRICS},
    [SERIES_AGENT] = {agent_metrics, AGENT_METRICS},
    [SERIES_UP] = {&up_metric, 1},
};

const struct metric *series_metrics(enum series_list list, unsigned *ret_count)
{
    *ret_count = lists[list].count;
    return lists[list].metrics;
}

struct piece series_next_constant(const char **at, struct piece *ret_value)
{
    struct piece name = {*at, strcspn(*at, "=")};
    const char *value = name.bytes + name.length + 2; /* behind the quote */
    *ret_value = (struct piece){value, strcspn(value, "\"")};
    *at = value + ret_value->length + 1;
    *at += **at == ',';
    return name;
}

static struct constant_name *find_constant(struct constant_names *all, struct piece name)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->names[i].name.length == name.length &&
            memcmp(all->names[i].name.bytes, name.bytes, name.length) == 0)
            return &all->names[i];
    assert(all->count < CONSTANT_NAMES_MAX);
    all->names[all->count].name = name;
    return &all->names[all->count++];
}

struct constant_names series_constant_names(void)
{
    struct constant_names all = {.count = 0};
    for (enum series_list list = 0; list < CONSTANT_LISTS; list++) {
        for (unsigned m = 0; m < lists[list].count; m++) {
            for (const char *at = lists[list].metrics[m].labels; *at != '\0';) {
                struct piece value;
                struct piece name = series_next_constant(&at, &value);
                find_constant(&all, name)->lines[list] |= CONTAINER_BIT(m);
            }
        }
    }
    return all;
}

struct point_names *series_point_names(const struct metric *metric, struct arena *arena)
{
    struct point_names *result = arena_alloc(arena, sizeof *result);
    const char *at = metric->labels;
    for (size_t i = 0; *at != '\0'; i++) {
        assert(i < POINT_LABELS_MAX);
        size_t length = strcspn(at, ",");
        result->names[i] = arena_copy(arena, at, length);
        at += length + (at[length] == ',');
    }
    return result;
}

container_bits series_lines_wanted(enum series_list list, const struct push_filter *filter)
{
    const struct metric *metrics = lists[list].metrics;
    container_bits wanted = 0;
    bool whole_family = false;
    for (unsigned m = 0; m < lists[list].count; m++) {
        if (m == 0 || !text_equal(metrics[m].family, metrics[m - 1].family))
            whole_family = list == SERIES_UP || push_filter_has_family(filter, metrics[m].family);
        wanted |= whole_family ? CONTAINER_BIT(m) : 0;
    }
    return wanted;
}

container_bits series_lines_of(enum series_list list, unsigned groups)
{
    container_bits found = 0;
    for (unsigned m = 0; m < lists[list].count; m++)
        if (list == SERIES_UP || (groups & GROUP_BIT(lists[list].metrics[m].group)))
            found |= CONTAINER_BIT(m);
    return found;
}
