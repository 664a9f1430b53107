/* What it knows: the messages of proto/remote_write_2.proto (the remote write specification 2.0,
 * release candidate 4, "Protocol"). Texts are symbols, so what is encoded once per container is
 * their numbers. Tests hold it to what protobuf-c packs. */
#include "exporters/remote_write_2.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "exporters/remote_block.h"
#include "exporters/remote_write.h"
#include "exporters/symbols.h"

#include <errno.h>
#include <stdlib.h>

#define REQUEST_SYMBOL  WIRE_TAG(4, WIRE_BYTES)
#define REQUEST_SERIES  WIRE_TAG(5, WIRE_BYTES)
#define SERIES_LABELS   WIRE_TAG(1, WIRE_BYTES)
#define SERIES_SAMPLE   WIRE_TAG(2, WIRE_BYTES)
#define SERIES_METADATA WIRE_TAG(5, WIRE_BYTES)
#define SAMPLE_VALUE    WIRE_TAG(1, WIRE_DOUBLE)
#define SAMPLE_TIME     WIRE_TAG(2, WIRE_VARINT)
#define SAMPLE_START    WIRE_TAG(3, WIRE_VARINT)
#define METADATA_TYPE   WIRE_TAG(1, WIRE_VARINT)
#define METADATA_HELP   WIRE_TAG(3, WIRE_VARINT)
#define METADATA_UNIT   WIRE_TAG(4, WIRE_VARINT)

#define NUMBER_MAX   (1 + WIRE_VARINT_MAX) /* bytes of a number with its tag */
#define METADATA_MAX 16 /* bytes: a tag, a length, a type, two numbers of 32 bits */

enum type_number { TYPE_COUNTER = 1, TYPE_GAUGE = 2 };

/* The field `metadata` of a line's series. */
struct metadata {
    unsigned char length; /* 0: not made yet */
    char bytes[METADATA_MAX];
};

struct encoder {
    struct buf series; /* the fields: symbols come before them, and are known after them */
    struct symbols symbols;
    struct remote_block block;
    struct series_group group;
    struct metadata *metadata; /* of the lines of all lists */
    uint64_t time_ms;
    uint32_t samples;
};

static char *put_number(char *at, char tag, uint64_t number)
{
    if (number == 0) /* of a field that is 0 nothing is written */
        return at;
    *at++ = tag;
    return wire_put_varint(at, number);
}

/* The numbers of two texts. */
static void add_label(void *context, struct buf *b, struct piece name, struct piece value)
{
    struct encoder *e = context;
    char *at = exposition_room(b, 2 * WIRE_VARINT_MAX);
    if (!at)
        return;
    at = wire_put_varint(at, symbols_number(&e->symbols, name));
    at = wire_put_varint(at, symbols_number(&e->symbols, value));
    wire_end(b, at);
}

static void begin_group(void *context, const struct series_group *group)
{
    struct encoder *e = context;
    e->group = *group;
    remote_block_begin(&e->block, &e->group);
}

static uint32_t number_of(struct encoder *e, const char *text)
{
    return symbols_number(&e->symbols, (struct piece){text, strlen(text)});
}

static struct piece metadata_of(struct encoder *e, const struct series *series)
{
    struct metadata *m = &e->metadata[(size_t)series->list * SERIES_METRICS_MAX + series->index];
    if (m->length == 0) {
        const struct metric *metric = series->metric;
        char *at = m->bytes;
        *at++ = SERIES_METADATA;
        char *length = at++;
        *at++ = METADATA_TYPE;
        *at++ = metric->type == METRIC_COUNTER ? TYPE_COUNTER : TYPE_GAUGE;
        at = put_number(at, METADATA_HELP, number_of(e, metric->help));
        at = put_number(at, METADATA_UNIT, number_of(e, remote_write_unit(metric)));
        *length = (char)(at - length - 1);
        m->length = (unsigned char)(at - m->bytes);
    }
    return (struct piece){m->bytes, m->length};
}

/* A Sample; there is room for it. */
static char *put_sample(char *at, const struct encoder *e, const struct series *series)
{
    uint64_t bits = remote_value_bits(series);
    uint64_t start_ms = series->started_ns / NS_PER_MS;
    if (bits != 0)
        at = wire_put_double(at, SAMPLE_VALUE, bits);
    at = put_number(at, SAMPLE_TIME, e->time_ms);
    /* A start that is not before its sample says nothing. */
    return put_number(at, SAMPLE_START, start_ms < e->time_ms ? start_ms : 0);
}

static void add_series(void *context, const struct series *series)
{
    struct encoder *e = context;
    struct remote_pieces labels;
    char sample[WIRE_DOUBLE_FIELD + 2 * NUMBER_MAX];
    remote_block_cut(&e->block, series, &labels);
    struct piece metadata = metadata_of(e, series);
    size_t sample_length = (size_t)(put_sample(sample, e, series) - sample);
    size_t length =
        wire_bytes_size(labels.length) + wire_bytes_size(sample_length) + metadata.length;
    char *at = exposition_room(&e->series, wire_bytes_size(length));
    if (!at)
        return;
    *at++ = REQUEST_SERIES;
    at = wire_put_varint(at, length);
    *at++ = SERIES_LABELS;
    at = wire_put_varint(at, labels.length);
    at = remote_put_pieces(at, &labels);
    at = wire_put_bytes(at, SERIES_SAMPLE, (struct piece){sample, sample_length});
    at = piece_put(at, metadata);
    wire_end(&e->series, at);
    e->samples++;
}

static void init(struct encoder *e, size_t maximum)
{
    buf_init(&e->series, maximum);
    symbols_init(&e->symbols, REQUEST_SYMBOL, maximum);
    remote_block_init(&e->block, add_label, e, maximum);
    e->metadata = alloc_zeroed((size_t)SERIES_LISTS * SERIES_METRICS_MAX, sizeof *e->metadata);
}

static void done(struct encoder *e)
{
    buf_done(&e->series);
    symbols_done(&e->symbols);
    remote_block_done(&e->block);
    free(e->metadata);
}

static int put_together(struct encoder *e, struct buf *ret)
{
    if (e->series.failed || e->symbols.wire.failed || remote_block_failed(&e->block))
        ret->failed = true;
    if (e->samples == 0 && !ret->failed)
        return -ENODATA;
    (void)buf_add(ret, e->symbols.wire.data, e->symbols.wire.length);
    (void)buf_add(ret, e->series.data, e->series.length);
    return ret->failed ? -EMSGSIZE : 0;
}

int remote_write_2_encode(const struct push_encode_options *options, const struct push_round *round,
                          struct buf *ret, uint32_t *ret_samples)
{
    struct encoder e = {.time_ms = round->time_ns / NS_PER_MS};
    init(&e, ret->maximum);
    const struct series_walk walk = remote_walk_of(options, round);
    const struct series_sink sink = {.context = &e, .group = begin_group, .series = add_series};
    (void)series_walk(&walk, &sink);
    int r = put_together(&e, ret);
    if (r == 0)
        *ret_samples = e.samples;
    done(&e);
    return r;
}

int remote_write_2_empty(struct buf *ret)
{
    static const char empty_symbol[] = {REQUEST_SYMBOL, 0};
    return buf_add(ret, empty_symbol, sizeof empty_symbol);
}
