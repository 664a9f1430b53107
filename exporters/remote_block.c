/* What it knows: the order of labels in a series, which is that of their names, bytewise, __name__
 * among them; and the marker of a series that has gone. Documents: the remote write specifications
 * 1.0 and 2.0, "Labels" and "Stale markers". */
#include "exporters/remote_block.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "exporters/decimal.h"
#include "exporters/series_lists.h"

#include <assert.h>
#include <stdlib.h>

#define STALE_BITS UINT64_C(0x7ff0000000000002) /* a signalling NaN, and no other */
#define NOT_SOUGHT SIZE_MAX

/* A label that a line has and its group has not. */
struct own_label {
    unsigned name; /* index into the block's names */
    size_t start;  /* in `own` */
    size_t length;
};

struct remote_line {
    unsigned count; /* 0: not made yet, for each has its name */
    struct own_label labels[REMOTE_OWN_MAX];
};

void remote_block_init(struct remote_block *ret, remote_label_fn *add, void *context,
                       size_t maximum)
{
    *ret = (struct remote_block){.add = add, .context = context};
    buf_init(&ret->labels, maximum);
    buf_init(&ret->own, maximum);
    ret->lines = alloc_zeroed((size_t)SERIES_LISTS * SERIES_METRICS_MAX, sizeof *ret->lines);
}

void remote_block_done(struct remote_block *b)
{
    buf_done(&b->labels);
    buf_done(&b->own);
    free(b->ends);
    free(b->lines);
}

bool remote_block_failed(const struct remote_block *b)
{
    return b->labels.failed || b->own.failed;
}

void remote_block_begin(struct remote_block *b, const struct series_group *group)
{
    b->group = group;
    buf_clear(&b->labels);
    if (group->label_count > b->capacity) {
        b->capacity = group->label_count * 2;
        b->ends = alloc_resize(b->ends, b->capacity, sizeof *b->ends);
    }
    for (size_t i = 0; i < group->label_count; i++) {
        const struct label *label = &group->labels[i];
        b->add(b->context, &b->labels, (struct piece){label->name, strlen(label->name)},
               (struct piece){label->value, strlen(label->value)});
        b->ends[i] = b->labels.length;
    }
    for (unsigned i = 0; i < b->name_count; i++)
        b->places[i] = NOT_SOUGHT;
}

/* --- a line's own labels --- */

static int compare_pieces(struct piece a, struct piece b)
{
    size_t length = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.bytes, b.bytes, length);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static unsigned name_index(struct remote_block *b, struct piece name)
{
    for (unsigned i = 0; i < b->name_count; i++)
        if (compare_pieces(b->names[i], name) == 0)
            return i;
    assert(b->name_count < REMOTE_NAME_MAX);
    b->places[b->name_count] = NOT_SOUGHT;
    b->names[b->name_count] = name;
    return b->name_count++;
}

static void add_own(struct remote_block *b, struct remote_line *line, struct piece name,
                    struct piece value)
{
    assert(line->count < REMOTE_OWN_MAX);
    struct own_label own = {.name = name_index(b, name), .start = b->own.length};
    b->add(b->context, &b->own, name, value);
    own.length = b->own.length - own.start;
    unsigned at = line->count++;
    for (; at > 0 && compare_pieces(b->names[line->labels[at - 1].name], name) > 0; at--)
        line->labels[at] = line->labels[at - 1];
    line->labels[at] = own;
}

static const struct remote_line *line_of(struct remote_block *b, const struct series *series)
{
    static const struct piece name_label = {"__name__", sizeof "__name__" - 1};
    struct remote_line *line = &b->lines[(size_t)series->list * SERIES_METRICS_MAX + series->index];
    if (line->count > 0)
        return line;
    const struct metric *metric = series->metric;
    add_own(b, line, name_label, (struct piece){metric->family, strlen(metric->family)});
    if (series->list >= CONSTANT_LISTS)
        return line;
    for (const char *at = metric->labels; *at != '\0';) {
        struct piece value;
        struct piece name = series_next_constant(&at, &value);
        add_own(b, line, name, value);
    }
    return line;
}

/* --- put together --- */

static bool is_before(const char *name, struct piece other)
{
    return strncmp(name, other.bytes, other.length) < 0;
}

static size_t place_of(struct remote_block *b, unsigned name)
{
    if (b->places[name] != NOT_SOUGHT)
        return b->places[name];
    size_t at = 0;
    while (at < b->group->label_count && is_before(b->group->labels[at].name, b->names[name]))
        at++;
    b->places[name] = at > 0 ? b->ends[at - 1] : 0;
    return b->places[name];
}

static void add_piece(struct remote_pieces *p, const struct buf *from, size_t start, size_t end)
{
    if (start == end)
        return;
    p->pieces[p->count++] = (struct piece){from->data + start, end - start};
    p->length += end - start;
}

void remote_block_cut(struct remote_block *b, const struct series *series,
                      struct remote_pieces *ret)
{
    const struct remote_line *line = line_of(b, series);
    size_t at = 0;
    ret->count = 0;
    ret->length = 0;
    for (unsigned i = 0; i < line->count; i++) {
        const struct own_label *own = &line->labels[i];
        size_t place = place_of(b, own->name);
        add_piece(ret, &b->labels, at, place);
        add_piece(ret, &b->own, own->start, own->start + own->length);
        at = place;
    }
    add_piece(ret, &b->labels, at, b->labels.length);
}

uint64_t remote_value_bits(const struct series *series)
{
    if (series->stale)
        return STALE_BITS;
    return wire_double_bits(decimal_nearest_value(series->metric, series->value));
}

struct series_walk remote_walk_of(const struct push_encode_options *options,
                                  const struct push_round *round)
{
    return (struct series_walk){
        .previous = round->previous,
        .current = round->current,
        .filter = options->filter,
        .external = options->external,
        .external_count = options->external_count,
        .agent_started_ns = options->agent_started_ms * NS_PER_MS,
        .from = round->from,
        .until = round->until,
    };
}
