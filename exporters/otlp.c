/* What it knows: which points of OTLP a snapshot is. A container has the names of OpenTelemetry's
 * conventions, so that their sums are of containers alone; the host, its services and weir keep
 * Prometheus' names. Names and attributes: docs/METRICS.md, "Names in OTLP". */
#include "exporters/otlp.h"

#include "base/alloc.h"
#include "base/snapshot.h"
#include "exporters/decimal.h"
#include "exporters/otlp_message.h"
#include "exporters/otlp_resource.h"
#include "exporters/push_filter.h"
#include "exporters/series.h"
#include "exporters/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define NS_PER_MS             UINT64_C(1000000)
#define NS_PLACES             9 /* decimal places of seconds in nanoseconds */
#define PERCENT_OF_CPU_PLACES 8 /* of CPUs in millionths of a percent */

/* How a line is named: by its family, or by the conventions. */
enum form { FAMILY, CONVENTION, FORMS };

/* A line of the metric list, once a series of it came. */
struct line {
    bool known;
    uint32_t slot;
    struct otlp_span constant; /* attributes that all its points have */
};

struct encoder {
    const struct push_encode_options *options;
    const struct push_round *round;
    uint64_t number; /* of the next derived point, after all series */
    uint64_t time_ns;
    struct otlp_message message;
    uint32_t offsets[SERIES_LISTS]; /* of a list's lines among all lines */
    uint32_t line_count;
    struct line *lines[FORMS]; /* owned */
    bool has_uptime;           /* the filter lets through what it is made of */
    bool has_available;
    const struct container_row *row; /* the last that was looked at */
    uint32_t resource;               /* its own */
    /* The group of series that are coming. */
    const struct series_group *group;
    enum form form;
    bool formatted[FORMS];
    struct otlp_span attributes[FORMS];
};

/* Values made of others, of containers alone. */
struct derived {
    unsigned marks; /* bit per enum otlp_metric that is there */
    uint64_t uptime_ns;
    uint64_t available; /* the bits of an int64_t */
};

#define MARK(metric) (1U << (metric))
_Static_assert(OTLP_METRICS <= 32, "a resource's marks are one word");

static struct otlp_span span_since(const struct otlp_message *m, size_t start)
{
    return (struct otlp_span){(uint32_t)start, (uint32_t)(m->bytes.length - start)};
}

static struct piece piece_of_text(const char *text)
{
    return (struct piece){text, strlen(text)};
}

static bool is_container(const struct container_row *row)
{
    return row && row->identity->kind == IDENTITY_CONTAINER;
}

/* --- lines --- */

/* Formats name="value",name="value". */
static struct otlp_span format_constant(struct otlp_message *m, const char *pairs)
{
    size_t start = m->bytes.length;
    while (*pairs != '\0') {
        struct piece name = {pairs, strcspn(pairs, "=")};
        const char *value = pairs + name.length + 2;
        size_t length = strcspn(value, "\"");
        otlp_add_attribute(&m->bytes, OTLP_TAG_OF_POINT, name, (struct piece){value, length});
        pairs = value + length + 1;
        pairs += *pairs == ',';
    }
    return span_since(m, start);
}

/* Lines of one family share the slot of the first. */
static uint32_t family_slot(const struct encoder *e, const struct series *series)
{
    const struct metric *metric = series->metric;
    uint32_t index = series->index;
    for (; index > 0 && text_equal(metric[-1].family, metric->family); metric--)
        index--;
    return OTLP_METRICS + e->offsets[series->list] + index;
}

static void learn_line(struct encoder *e, const struct series *series, struct line *line)
{
    struct otlp_message *m = &e->message;
    /* The labels column of other lists has names, and no values. */
    bool pairs = series->list <= SERIES_DEVICE;
    line->known = true;
    line->slot = family_slot(e, series);
    line->constant = format_constant(m, pairs ? series->metric->labels : "");
    if (!m->names[line->slot].name)
        m->names[line->slot] = otlp_name_of_family(series->metric);
}

static void learn_convention(struct encoder *e, const struct otlp_line *from, struct line *line)
{
    line->known = true;
    line->slot = from->metric;
    line->constant = format_constant(&e->message, from->attributes);
}

static const struct line *line_of(struct encoder *e, const struct series *series)
{
    uint32_t number = e->offsets[series->list] + series->index;
    struct line *line = &e->lines[e->form][number];
    if (line->known)
        return line;
    const struct otlp_line *from =
        e->form == CONVENTION ? otlp_line_find(series->list, series->index) : NULL;
    if (from)
        learn_convention(e, from, line);
    else
        learn_line(e, series, line);
    return line;
}

/* --- groups and series --- */

static uint32_t resource_of(struct encoder *e, const struct identity *who)
{
    size_t start = e->message.bytes.length;
    otlp_add_resource(&e->message.bytes, who, e->options->external, e->options->external_count);
    return otlp_message_resource(&e->message, start);
}

static void on_group(void *context, const struct series_group *group)
{
    struct encoder *e = context;
    if (!e->group || group->row != e->row)
        e->resource = resource_of(e, group->row ? group->row->identity : NULL);
    e->row = group->row;
    e->group = group;
    e->form = is_container(group->row) ? CONVENTION : FAMILY;
    e->formatted[FAMILY] = false;
    e->formatted[CONVENTION] = false;
}

/* Is it a label that the resource has? */
static bool is_of_row(const struct container_row *row, const char *name)
{
    static const char *const base[] = {"id", "image", "name", "simulated"};
    if (!row)
        return false;
    for (size_t i = 0; i < sizeof base / sizeof *base; i++)
        if (text_equal(base[i], name))
            return true;
    for (size_t i = 0; i < row->identity->label_count; i++)
        if (text_equal(row->identity->labels[i].name, name))
            return true;
    return false;
}

/* The attributes of the group's points, formatted when the first of them needs them. */
static struct otlp_span group_attributes(struct encoder *e, enum form form)
{
    if (e->formatted[form])
        return e->attributes[form];
    size_t start = e->message.bytes.length;
    for (size_t i = 0; i < e->group->label_count; i++) {
        const struct label *label = &e->group->labels[i];
        const char *key = form == CONVENTION ? otlp_attribute_name(label->name) : label->name;
        if (!is_of_row(e->group->row, label->name))
            otlp_add_attribute(&e->message.bytes, OTLP_TAG_OF_POINT, piece_of_text(key),
                               piece_of_text(label->value));
    }
    e->formatted[form] = true;
    e->attributes[form] = span_since(&e->message, start);
    return e->attributes[form];
}

static void set_double(struct otlp_point *p, double value)
{
    p->kind = OTLP_DOUBLE;
    p->bits = wire_double_bits(value);
}

static void set_value(struct otlp_point *p, const struct metric *metric, uint64_t bits)
{
    bool whole = metric->unit == UNIT_COUNT || metric->unit == UNIT_BYTES ||
                 metric->unit == UNIT_MICROSECONDS;
    bool fits = metric->type != METRIC_COUNTER || bits <= INT64_MAX;
    if (p->slot == OTLP_CPU_USAGE) {
        bool negative = bits > INT64_MAX;
        double value = decimal_nearest(negative ? -bits : bits, PERCENT_OF_CPU_PLACES);
        set_double(p, negative ? -value : value);
    } else if (whole && fits) {
        p->kind = OTLP_INTEGER;
        p->bits = bits;
    } else {
        set_double(p, decimal_nearest_value(metric, bits));
    }
}

static void on_series(void *context, const struct series *series)
{
    struct encoder *e = context;
    const struct line *line = line_of(e, series);
    struct otlp_point point = {
        .slot = line->slot,
        .constant = line->constant,
        .attributes = group_attributes(e, line->slot < OTLP_METRICS ? CONVENTION : FAMILY),
        .start_ns = series->started_ns <= e->time_ns ? series->started_ns : 0,
    };
    if (!series->stale)
        set_value(&point, series->metric, series->value);
    otlp_message_add(&e->message, e->resource, &point);
}

/* --- what is made of other values --- */

static bool is_shown(const struct snapshot *s, enum container_metric metric)
{
    return s->groups & GROUP_BIT(container_metrics[metric].group);
}

static void derive_uptime(const struct encoder *e, const struct snapshot *s,
                          const struct container_row *row, uint64_t time_ns, struct derived *d)
{
    uint64_t started_ns = row->identity->started_ns;
    if (!e->has_uptime || !is_shown(s, CONTAINER_STARTED) || !row_has(row, CONTAINER_STARTED) ||
        !state_is_live(row->state) || started_ns == 0 || started_ns > time_ns)
        return;
    d->uptime_ns = time_ns - started_ns;
    d->marks |= MARK(OTLP_UPTIME);
}

static void derive_available(const struct encoder *e, const struct snapshot *s,
                             const struct container_row *row, struct derived *d)
{
    const enum container_metric limit = CONTAINER_SPEC_MEMORY_LIMIT;
    const enum container_metric used = CONTAINER_MEMORY_WORKING_SET;
    if (!e->has_available || !is_shown(s, limit) || !is_shown(s, used) || !row_has(row, limit) ||
        !row_has(row, used) || row_is_unlimited(row, limit) || row_is_unlimited(row, used) ||
        row->values[limit] == 0)
        return;
    int64_t available = 0;
    if (__builtin_sub_overflow((int64_t)row->values[limit], (int64_t)row->values[used], &available))
        return;
    d->available = (uint64_t)available;
    d->marks |= MARK(OTLP_MEMORY_AVAILABLE);
}

static void add_derived(struct encoder *e, uint32_t resource, struct otlp_point point)
{
    struct otlp_resource *r = &e->message.resources[resource];
    if (r->marks & MARK(point.slot))
        return; /* it has it, or another row with all labels alike had */
    r->marks |= MARK(point.slot);
    uint64_t number = e->number++;
    if (number >= e->round->from && (e->round->until == 0 || number < e->round->until))
        otlp_message_add(&e->message, resource, &point);
}

/* Those of a snapshot; of the one before only what this one has not any more. */
static void derive_all(struct encoder *e, const struct snapshot *s, bool stale)
{
    for (size_t i = 0; s && i < s->row_count; i++) {
        const struct container_row *row = &s->rows[i];
        if (!is_container(row) || !push_filter_has_container(e->options->filter, row->identity))
            continue;
        struct derived d = {0};
        derive_uptime(e, s, row, stale ? s->realtime_ns : e->time_ns, &d);
        derive_available(e, s, row, &d);
        if (d.marks == 0)
            continue;
        uint32_t resource = resource_of(e, row->identity);
        struct otlp_point uptime = {.slot = OTLP_UPTIME};
        struct otlp_point available = {.slot = OTLP_MEMORY_AVAILABLE, .bits = d.available};
        if (!stale) {
            set_double(&uptime, decimal_nearest(d.uptime_ns, NS_PLACES));
            available.kind = OTLP_INTEGER;
        }
        if (d.marks & MARK(OTLP_UPTIME))
            add_derived(e, resource, uptime);
        if (d.marks & MARK(OTLP_MEMORY_AVAILABLE))
            add_derived(e, resource, available);
    }
}

/* --- the whole --- */

static bool lets_through(const struct push_filter *filter, enum container_metric metric)
{
    return push_filter_has_family(filter, container_metrics[metric].family);
}

static void init_encoder(struct encoder *e, const struct push_round *round)
{
    const struct push_filter *filter = e->options->filter;
    for (enum series_list list = 0; list < SERIES_LISTS; list++) {
        unsigned count = 0;
        (void)series_metrics(list, &count);
        e->offsets[list] = e->line_count;
        e->line_count += count;
    }
    for (enum form form = 0; form < FORMS; form++)
        e->lines[form] = alloc_zeroed(e->line_count, sizeof **e->lines);
    otlp_message_init(&e->message, OTLP_METRICS + e->line_count);
    memcpy(e->message.names, otlp_names, sizeof otlp_names);
    e->time_ns = round->time_ns;
    e->message.time_ns = round->time_ns;
    e->message.scope_version = e->options->scope_version;
    e->has_uptime = lets_through(filter, CONTAINER_STARTED);
    e->has_available = lets_through(filter, CONTAINER_SPEC_MEMORY_LIMIT) &&
                       lets_through(filter, CONTAINER_MEMORY_WORKING_SET);
}

static int write_message(struct encoder *e, struct buf *ret, uint32_t *ret_samples)
{
    if (e->message.bytes.failed)
        return -EMSGSIZE;
    if (e->message.point_count == 0)
        return -ENODATA;
    int result = otlp_message_write(&e->message, ret);
    if (result == 0)
        *ret_samples = e->message.point_count;
    return result;
}

int otlp_encode(const struct push_encode_options *options, const struct push_round *round,
                struct buf *ret, uint32_t *ret_samples)
{
    assert(round->time_ns > 0); /* to receivers 0 is no time */
    const struct series_walk walk = {
        .previous = round->previous,
        .current = round->current,
        .filter = options->filter,
        .agent_started_ns = options->agent_started_ms * NS_PER_MS,
        .from = round->from,
        .until = round->until,
    };
    struct encoder e = {.options = options, .round = round};
    const struct series_sink sink = {.context = &e, .group = on_group, .series = on_series};
    init_encoder(&e, round);
    e.number = series_walk(&walk, &sink);
    if (round->until == 0 || e.number < round->until) {
        derive_all(&e, round->current, false);
        derive_all(&e, round->previous, true);
    }
    int result = write_message(&e, ret, ret_samples);
    otlp_message_done(&e.message);
    for (enum form form = 0; form < FORMS; form++)
        free(e.lines[form]);
    return result;
}
