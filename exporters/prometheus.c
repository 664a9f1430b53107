/* What it knows: the Prometheus text format 0.0.4 (the exposition formats page of prometheus.io)
 * and the order of families. Names, labels and meanings: docs/METRICS.md. */
#include "exporters/prometheus.h"

#include "base/buf.h"
#include "base/snapshot.h"
#include "base/text.h"
#include "exporters/decimal.h"
#include "exporters/label_blocks.h"

#include <errno.h>
#include <string.h>

/* A run of bytes. */
struct piece {
    const char *bytes;
    size_t length;
};

/* The line of the metric list that is being written. */
struct writer {
    struct buf *out;
    const struct metric *metric;
    struct piece family;
    struct piece constant; /* the line's constant labels */
    bool begun;            /* HELP and TYPE of the family are out */
};

static struct piece piece_of(const char *text)
{
    return (struct piece){.bytes = text, .length = strlen(text)};
}

/* Goes on to the next line of a list; `previous` is the one before or NULL. */
static void writer_next(struct writer *w, const struct metric *metric,
                        const struct metric *previous)
{
    w->metric = metric;
    w->begun = w->begun && previous && text_equal(previous->family, metric->family);
    w->family = piece_of(metric->family);
    w->constant = (struct piece){0};
}

static void write_help(struct buf *out, const char *help)
{
    while (*help != '\0') {
        size_t plain = strcspn(help, "\\\n");
        (void)buf_add(out, help, plain);
        help += plain;
        if (*help != '\0')
            (void)buf_add_string(out, *help++ == '\n' ? "\\n" : "\\\\");
    }
}

static void write_head(struct writer *w)
{
    (void)buf_add_string(w->out, "# HELP ");
    (void)buf_add(w->out, w->family.bytes, w->family.length);
    (void)buf_add_char(w->out, ' ');
    write_help(w->out, w->metric->help);
    (void)buf_add_string(w->out, "\n# TYPE ");
    (void)buf_add(w->out, w->family.bytes, w->family.length);
    (void)buf_add_char(w->out, ' ');
    (void)buf_add_string(w->out, metric_type_name(w->metric->type));
    (void)buf_add_char(w->out, '\n');
    w->begun = true;
}

static inline char *put(char *at, struct piece piece)
{
    memcpy(at, piece.bytes, piece.length);
    return at + piece.length;
}

/* One line. `labels` and `more` are pairs that each end with a comma, or empty. The room is asked
 * for once, generously: the last bytes before the buffer's maximum stay unused. */
static void write_sample(struct writer *w, struct piece labels, struct piece more, uint64_t value)
{
    if (!w->begun)
        write_head(w);
    size_t most = w->family.length + labels.length + more.length + w->constant.length +
                  DECIMAL_MAX + sizeof "{,} \n";
    if (w->out->failed || buf_reserve(w->out, most) < 0)
        return;
    char *at = put(w->out->data + w->out->length, w->family);
    char *open = at;
    *at++ = '{';
    at = put(at, labels);
    at = put(at, more);
    if (w->constant.length > 0) {
        at = put(at, w->constant);
        *at++ = ',';
    }
    if (at == open + 1)
        at = open; /* no labels, no braces */
    else
        at[-1] = '}';
    *at++ = ' ';
    at += decimal_write_value(at, w->metric, value);
    *at++ = '\n';
    *at = '\0';
    w->out->length = (size_t)(at - w->out->data);
}

static inline struct piece piece_at(const struct label_blocks *blocks, struct label_span span)
{
    if (span.length == 0)
        return (struct piece){.bytes = ""};
    return (struct piece){.bytes = blocks->text.data + span.start, .length = span.length};
}

static void write_containers(struct writer *w, const struct snapshot *s,
                             const struct label_blocks *blocks)
{
    for (unsigned m = 0; m < CONTAINER_METRICS; m++) {
        writer_next(w, &container_metrics[m], m > 0 ? &container_metrics[m - 1] : NULL);
        w->constant = piece_of(w->metric->labels);
        for (size_t r = 0; r < s->row_count; r++) {
            const struct container_row *row = &s->rows[r];
            bool unlimited = row_is_unlimited(row, m);
            if (!row_has(row, m) || (unlimited && w->metric->type != METRIC_GAUGE_ZERO))
                continue;
            write_sample(w, piece_at(blocks, blocks->rows[r].base), (struct piece){.bytes = ""},
                         unlimited ? 0 : row->values[m]);
        }
    }
}

static void write_interfaces(struct writer *w, const struct snapshot *s,
                             const struct label_blocks *blocks)
{
    for (unsigned m = 0; m < INTERFACE_METRICS; m++) {
        writer_next(w, &interface_metrics[m], m > 0 ? &interface_metrics[m - 1] : NULL);
        w->constant = piece_of(w->metric->labels);
        for (size_t r = 0; r < s->row_count; r++) {
            struct piece base = piece_at(blocks, blocks->rows[r].base);
            const struct label_span *spans = &blocks->spans[blocks->rows[r].first];
            for (size_t i = 0; i < s->rows[r].interface_count; i++) {
                const struct interface_row *interface = &s->rows[r].interfaces[i];
                if ((interface->present >> m) & 1)
                    write_sample(w, base, piece_at(blocks, spans[i]), interface->values[m]);
            }
        }
    }
}

static void write_devices(struct writer *w, const struct snapshot *s,
                          const struct label_blocks *blocks)
{
    for (unsigned m = 0; m < DEVICE_METRICS; m++) {
        writer_next(w, &device_metrics[m], m > 0 ? &device_metrics[m - 1] : NULL);
        w->constant = piece_of(w->metric->labels);
        /* Where cAdvisor tells operations apart it also gives the numbers of the device. */
        size_t numbered = w->constant.length > 0 ? 1 : 0;
        for (size_t r = 0; r < s->row_count; r++) {
            const struct container_row *row = &s->rows[r];
            struct piece base = piece_at(blocks, blocks->rows[r].base);
            const struct label_span *spans =
                &blocks->spans[blocks->rows[r].first + row->interface_count];
            for (size_t d = 0; d < row->device_count; d++) {
                if ((row->devices[d].present >> m) & 1)
                    write_sample(w, base, piece_at(blocks, spans[2 * d + numbered]),
                                 row->devices[d].values[m]);
            }
        }
    }
}

/* A point's labels are formatted where they are needed: each is written once. */
static void write_point(struct writer *w, struct piece base, const struct point *point,
                        struct buf *scratch)
{
    buf_clear(scratch);
    const char *name = w->metric->labels;
    for (size_t i = 0; *name != '\0' && i < POINT_LABELS_MAX; i++) {
        size_t length = strcspn(name, ",");
        label_add(scratch, name, length, point->labels[i]);
        name += length + (name[length] == ',');
    }
    if (scratch->failed)
        w->out->failed = true;
    struct piece labels = {.bytes = scratch->length ? scratch->data : "",
                           .length = scratch->length};
    write_sample(w, base, labels, point->value);
}

static void write_container_points(struct writer *w, const struct snapshot *s,
                                   const struct label_blocks *blocks, struct buf *scratch)
{
    for (unsigned m = 0; m < POINT_METRICS; m++) {
        writer_next(w, &point_metrics[m], m > 0 ? &point_metrics[m - 1] : NULL);
        for (size_t r = 0; r < s->row_count; r++) {
            const struct container_row *row = &s->rows[r];
            for (size_t p = 0; p < row->point_count; p++)
                if (row->points[p].metric == m)
                    write_point(w, piece_at(blocks, blocks->rows[r].base), &row->points[p],
                                scratch);
        }
    }
}

static void write_agent_points(struct writer *w, const struct snapshot *s, struct buf *scratch)
{
    for (unsigned m = 0; m < AGENT_METRICS; m++) {
        writer_next(w, &agent_metrics[m], m > 0 ? &agent_metrics[m - 1] : NULL);
        for (size_t p = 0; p < s->point_count; p++)
            if (s->points[p].metric == m)
                write_point(w, (struct piece){.bytes = ""}, &s->points[p], scratch);
    }
}

int prometheus_encode(const struct snapshot *s, struct buf *ret)
{
    struct label_blocks blocks = {0};
    struct buf scratch;
    buf_init(&scratch, ret->maximum);
    if (label_blocks_init(&blocks, s, ret->maximum) < 0) {
        ret->failed = true;
    } else {
        struct writer w = {.out = ret};
        write_containers(&w, s, &blocks);
        write_interfaces(&w, s, &blocks);
        write_devices(&w, s, &blocks);
        write_container_points(&w, s, &blocks, &scratch);
        write_agent_points(&w, s, &scratch);
    }
    buf_done(&scratch);
    label_blocks_done(&blocks);
    return ret->failed ? -EMSGSIZE : 0;
}
