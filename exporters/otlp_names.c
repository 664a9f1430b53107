/* What it knows: exporters/otlp_list.h as tables, and the units of all other families (UCUM). */
#include "exporters/otlp_names.h"

#include "base/text.h"

#define NAME(id_, name_, kind_, unit_, text_) \
    [OTLP_##id_] = {.name = (name_), .unit = (unit_), .kind = OTLP_##kind_},
#define LINE(metric_, list_, id_, attributes_) \
    {.metric = OTLP_##metric_,                 \
     .list = SERIES_##list_,                   \
     .index = list_##_##id_,                   \
     .attributes = (attributes_)},
#define PAIR(from_, to_) {(from_), (to_)},

struct pair {
    const char *from;
    const char *to;
};

const struct otlp_name otlp_names[OTLP_METRICS] = {OTLP_METRIC_LIST(NAME)};
const struct otlp_line otlp_lines[] = {OTLP_LINE_LIST(LINE)};
const size_t otlp_line_count = sizeof otlp_lines / sizeof *otlp_lines;

const struct otlp_line *otlp_line_find(enum series_list list, unsigned index)
{
    for (size_t i = 0; i < otlp_line_count; i++)
        if (otlp_lines[i].list == list && otlp_lines[i].index == index)
            return &otlp_lines[i];
    return NULL;
}

/* What is counted, by globs on the family; the first that matches. All others have no unit: with
 * "1" a receiver that makes Prometheus' names of ours would call every gauge a ratio. */
static const struct pair things[] = {
    {"*_packets_*", "{packet}"},
    {"*_errors_total", "{error}"},
    {"*_periods_*", "{period}"},
    {"*_failures_total", "{fault}"},
    {"*_events_*", "{event}"},
    {"container_memory_pgs*", "{page}"},
    {"*_refault_*", "{page}"},
    {"*pages*", "{page}"},
    {"*_threads*", "{thread}"},
    {"container_tasks_state", "{task}"},
    {"container_processes", "{process}"},
    {"*_fds", "{file_descriptor}"},
    {"*_file_descriptors", "{file_descriptor}"},
    {"*_sockets", "{socket}"},
    {"*_tcp*_usage_total", "{socket}"},
    {"*_inodes_*", "{inode}"},
    {"container_fs_sector_*", "{sector}"},
    {"container_fs_*", "{operation}"},
    {"weir_container_fs_*", "{operation}"},
    {"*_restarts_total", "{restart}"},
    {"weir_push_*samples*", "{sample}"},
    {"weir_*rounds_*", "{round}"},
    {"weir_*requests_total", "{request}"},
    {"weir_push_responses_*", "{request}"},
    {"weir_http_*", "{connection}"},
    {"weir_lingering_*", "{container}"},
    {"*_containers*", "{container}"},
    {"*_images*", "{image}"},
    {"*_volumes*", "{volume}"},
    {"*_networks", "{network}"},
    {"weir_labels_*", "{label}"},
    {"machine_cpu_cores", "{cpu}"},
    {"machine_cpu_physical_cores", "{core}"},
};

static const char *unit_of(const struct metric *metric)
{
    switch (metric->unit) {
    case UNIT_BYTES:
        return "By";
    case UNIT_MICROSECONDS:
        return "us";
    case UNIT_NS:
    case UNIT_MS:
        return "s";
    case UNIT_PERCENT:
        return "%";
    case UNIT_COUNT:
        break;
    }
    for (size_t i = 0; i < sizeof things / sizeof *things; i++)
        if (text_glob(things[i].from, metric->family))
            return things[i].to;
    return "";
}

struct otlp_name otlp_name_of_family(const struct metric *metric)
{
    return (struct otlp_name){
        .name = metric->family,
        .unit = unit_of(metric),
        .kind = metric->type == METRIC_COUNTER ? OTLP_COUNTER : OTLP_GAUGE,
    };
}

const char *otlp_attribute_name(const char *label)
{
    static const struct pair names[] = {OTLP_ATTRIBUTE_LIST(PAIR)};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal(names[i].from, label))
            return names[i].to;
    return label;
}
