/* What it knows: which samples a snapshot has and the order of their families. How they are written
 * is the formats' business (exposition.h). Names, labels and meanings: docs/METRICS.md. */
#include "exporters/prometheus.h"

#include "base/snapshot.h"
#include "exporters/exposition.h"
#include "exporters/label_blocks.h"

#include <assert.h>
#include <errno.h>

/* Bytes of a constant label's value with its NUL: they are single words. */
#define CONSTANT_MAX 32

const struct prometheus_options prometheus_whole_text = {
    .format = PROMETHEUS_TEXT,
    .groups = GROUPS_ALL,
};

struct walk {
    const struct snapshot *snapshot;
    const struct exposition_format *format;
    struct exposition exposition;
    struct label_blocks blocks;
    struct buf constant; /* the line's constant labels */
    struct buf scratch;  /* a point's labels */
    unsigned groups;
    bool begun; /* the family has a sample */
};

static inline void add_sample(struct walk *w, struct piece labels, struct piece more,
                              uint64_t value)
{
    if (!w->begun)
        w->format->begin_family(&w->exposition);
    w->begun = true;
    w->format->add_sample(&w->exposition, labels, more, value);
}

static void end_family(struct walk *w)
{
    if (w->begun)
        w->format->end_family(&w->exposition);
    w->begun = false;
}

static struct piece piece_of_buf(const struct buf *b)
{
    return b->length > 0 ? (struct piece){b->data, b->length} : PIECE_EMPTY;
}

static inline struct piece piece_of_span(const struct walk *w, struct label_span span)
{
    if (span.length == 0)
        return PIECE_EMPTY;
    return (struct piece){w->blocks.bytes.data + span.start, span.length};
}

static inline struct piece base_labels(const struct walk *w, size_t row)
{
    return piece_of_span(w, w->blocks.rows[row].base);
}

/* Formats the labels column of a line that has one value each: name="value",name="value". */
static void format_constant(struct walk *w, const char *pairs)
{
    buf_clear(&w->constant);
    while (*pairs != '\0') {
        char value[CONSTANT_MAX];
        size_t name_length = strcspn(pairs, "=");
        const char *begin = pairs + name_length + 2;
        size_t length = strcspn(begin, "\"");
        assert(length < sizeof value);
        memcpy(value, begin, length);
        value[length] = '\0';
        w->format->add_label(&w->constant, pairs, name_length, value);
        pairs = begin + length + 1;
        pairs += *pairs == ',';
    }
    w->exposition.out->failed |= w->constant.failed;
    w->exposition.constant = piece_of_buf(&w->constant);
}

static void add_container_line(struct walk *w, unsigned m)
{
    bool zero = w->exposition.metric->type == METRIC_GAUGE_ZERO;
    format_constant(w, w->exposition.metric->labels);
    for (size_t r = 0; r < w->snapshot->row_count; r++) {
        const struct container_row *row = &w->snapshot->rows[r];
        bool unlimited = row_is_unlimited(row, m);
        if (row_has(row, m) && (!unlimited || zero))
            add_sample(w, base_labels(w, r), PIECE_EMPTY, unlimited ? 0 : row->values[m]);
    }
}

static void add_interface_line(struct walk *w, unsigned m)
{
    format_constant(w, w->exposition.metric->labels);
    for (size_t r = 0; r < w->snapshot->row_count; r++) {
        struct piece base = base_labels(w, r);
        const struct label_span *spans = &w->blocks.spans[w->blocks.rows[r].first];
        for (size_t i = 0; i < w->snapshot->rows[r].interface_count; i++) {
            const struct interface_row *interface = &w->snapshot->rows[r].interfaces[i];
            if ((interface->present >> m) & 1)
                add_sample(w, base, piece_of_span(w, spans[i]), interface->values[m]);
        }
    }
}

static void add_device_line(struct walk *w, unsigned m)
{
    format_constant(w, w->exposition.metric->labels);
    /* Where cAdvisor tells operations apart it also gives the numbers of the device. */
    size_t numbered = w->constant.length > 0 ? 1 : 0;
    for (size_t r = 0; r < w->snapshot->row_count; r++) {
        const struct container_row *row = &w->snapshot->rows[r];
        struct piece base = base_labels(w, r);
        const struct label_span *spans =
            &w->blocks.spans[w->blocks.rows[r].first + row->interface_count];
        for (size_t d = 0; d < row->device_count; d++) {
            if ((row->devices[d].present >> m) & 1)
                add_sample(w, base, piece_of_span(w, spans[2 * d + numbered]),
                           row->devices[d].values[m]);
        }
    }
}

/* A point's labels are formatted where they are needed: each is written once. */
static void add_point(struct walk *w, struct piece base, const struct point *point)
{
    buf_clear(&w->scratch);
    const char *name = w->exposition.metric->labels;
    for (size_t i = 0; *name != '\0' && i < POINT_LABELS_MAX; i++) {
        size_t length = strcspn(name, ",");
        w->format->add_label(&w->scratch, name, length, point->labels[i]);
        name += length + (name[length] == ',');
    }
    w->exposition.out->failed |= w->scratch.failed;
    add_sample(w, base, piece_of_buf(&w->scratch), point->value);
}

static void add_point_line(struct walk *w, unsigned m)
{
    for (size_t r = 0; r < w->snapshot->row_count; r++) {
        const struct container_row *row = &w->snapshot->rows[r];
        for (size_t p = 0; p < row->point_count; p++)
            if (row->points[p].metric == m)
                add_point(w, base_labels(w, r), &row->points[p]);
    }
}

static void add_agent_line(struct walk *w, unsigned m)
{
    for (size_t p = 0; p < w->snapshot->point_count; p++)
        if (w->snapshot->points[p].metric == m)
            add_point(w, PIECE_EMPTY, &w->snapshot->points[p]);
}

struct list {
    const struct metric *metrics;
    unsigned count;
    void (*add_line)(struct walk *w, unsigned m);
};

static const struct list lists[] = {
    {container_metrics, CONTAINER_METRICS, add_container_line},
    {interface_metrics, INTERFACE_METRICS, add_interface_line},
    {device_metrics, DEVICE_METRICS, add_device_line},
    {point_metrics, POINT_METRICS, add_point_line},
    {agent_metrics, AGENT_METRICS, add_agent_line},
};

static void walk_list(struct walk *w, const struct list *list)
{
    for (unsigned m = 0; m < list->count; m++) {
        const struct metric *metric = &list->metrics[m];
        if (m == 0 || !text_equal(metric->family, metric[-1].family))
            end_family(w);
        if (!(w->groups & GROUP_BIT(metric->group)))
            continue;
        w->exposition.metric = metric;
        w->exposition.family = (struct piece){metric->family, strlen(metric->family)};
        w->exposition.constant = PIECE_EMPTY;
        list->add_line(w, m);
    }
    end_family(w);
}

int prometheus_encode(const struct snapshot *s, const struct prometheus_options *options,
                      struct buf *ret)
{
    static const struct exposition_format *const formats[PROMETHEUS_FORMATS] = {
        [PROMETHEUS_TEXT] = &exposition_text,
        [PROMETHEUS_OPENMETRICS] = &exposition_openmetrics,
        [PROMETHEUS_PROTOBUF] = &exposition_protobuf,
    };
    assert(options->format < PROMETHEUS_FORMATS);
    struct walk w = {
        .snapshot = s,
        .format = formats[options->format],
        .exposition = {.out = ret},
        .groups = options->groups & s->groups,
    };
    buf_init(&w.constant, ret->maximum);
    buf_init(&w.scratch, ret->maximum);
    if (label_blocks_init(&w.blocks, s, w.format->add_label, ret->maximum) < 0) {
        ret->failed = true;
    } else {
        for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
            walk_list(&w, &lists[l]);
        w.format->end(&w.exposition);
    }
    buf_done(&w.constant);
    buf_done(&w.scratch);
    label_blocks_done(&w.blocks);
    return ret->failed ? -EMSGSIZE : 0;
}
