/* What it knows: the messages of proto/remote_write.proto (the remote write specification 1.0,
 * "Protocol", and Prometheus' own MetricMetadata). Written by hand, because nearly all bytes are
 * labels that are encoded once per container; tests hold it to what protobuf-c packs. */
#include "exporters/remote_write.h"

#include "base/clock.h"
#include "base/text.h"
#include "exporters/push_filter.h"
#include "exporters/remote_block.h"

#include <errno.h>

#define REQUEST_SERIES   WIRE_TAG(1, WIRE_BYTES)
#define REQUEST_METADATA WIRE_TAG(3, WIRE_BYTES)
#define SERIES_LABEL     WIRE_TAG(1, WIRE_BYTES)
#define SERIES_SAMPLE    WIRE_TAG(2, WIRE_BYTES)
#define LABEL_NAME       WIRE_TAG(1, WIRE_BYTES)
#define LABEL_VALUE      WIRE_TAG(2, WIRE_BYTES)
#define SAMPLE_VALUE     WIRE_TAG(1, WIRE_DOUBLE)
#define SAMPLE_TIME      WIRE_TAG(2, WIRE_VARINT)
#define METADATA_TYPE    WIRE_TAG(1, WIRE_VARINT)
#define METADATA_FAMILY  WIRE_TAG(2, WIRE_BYTES)
#define METADATA_HELP    WIRE_TAG(4, WIRE_BYTES)
#define METADATA_UNIT    WIRE_TAG(5, WIRE_BYTES)

enum type_number { TYPE_COUNTER = 1, TYPE_GAUGE = 2 };

struct encoder {
    struct buf *out;
    struct remote_block block;
    struct series_group group;
    char time[1 + WIRE_VARINT_MAX]; /* the field of every sample; none for 0 */
    size_t time_length;
    uint32_t samples;
};

static void add_label(void *context, struct buf *b, struct piece name, struct piece value)
{
    (void)context;
    size_t length = wire_bytes_size(name.length) + wire_bytes_size(value.length);
    char *at = exposition_room(b, wire_bytes_size(length));
    if (!at)
        return;
    *at++ = SERIES_LABEL;
    at = wire_put_varint(at, length);
    at = wire_put_bytes(at, LABEL_NAME, name);
    at = wire_put_bytes(at, LABEL_VALUE, value);
    wire_end(b, at);
}

static void begin_group(void *context, const struct series_group *group)
{
    struct encoder *e = context;
    e->group = *group;
    remote_block_begin(&e->block, &e->group);
}

static void add_series(void *context, const struct series *series)
{
    struct encoder *e = context;
    struct remote_pieces labels;
    remote_block_cut(&e->block, series, &labels);
    uint64_t bits = remote_value_bits(series);
    size_t sample = (bits != 0 ? WIRE_DOUBLE_FIELD : 0) + e->time_length;
    size_t length = labels.length + wire_bytes_size(sample);
    char *at = exposition_room(e->out, wire_bytes_size(length));
    if (!at)
        return;
    *at++ = REQUEST_SERIES;
    at = wire_put_varint(at, length);
    at = remote_put_pieces(at, &labels);
    *at++ = SERIES_SAMPLE;
    *at++ = (char)sample;
    if (bits != 0) /* of a field that is 0 nothing is written */
        at = wire_put_double(at, SAMPLE_VALUE, bits);
    at = piece_put(at, (struct piece){e->time, e->time_length});
    wire_end(e->out, at);
    e->samples++;
}

int remote_write_encode(const struct push_encode_options *options, const struct push_round *round,
                        struct buf *ret, uint32_t *ret_samples)
{
    struct encoder e = {.out = ret};
    uint64_t time_ms = round->time_ns / NS_PER_MS;
    if (time_ms != 0) {
        e.time[0] = SAMPLE_TIME;
        e.time_length = (size_t)(wire_put_varint(e.time + 1, time_ms) - e.time);
    }
    remote_block_init(&e.block, add_label, &e, ret->maximum);
    const struct series_walk walk = remote_walk_of(options, round);
    const struct series_sink sink = {.context = &e, .group = begin_group, .series = add_series};
    (void)series_walk(&walk, &sink);
    ret->failed |= remote_block_failed(&e.block);
    remote_block_done(&e.block);
    if (ret->failed)
        return -EMSGSIZE;
    if (e.samples == 0)
        return -ENODATA;
    *ret_samples = e.samples;
    return 0;
}

/* --- metadata --- */

static const char *unit_name(enum metric_unit unit)
{
    switch (unit) {
    case UNIT_BYTES:
        return "bytes";
    case UNIT_NS:
    case UNIT_MS:
        return "seconds";
    case UNIT_PERCENT:
        return "percent";
    case UNIT_MICROSECONDS:
        return "microseconds";
    case UNIT_COUNT:
        break;
    }
    return "";
}

const char *remote_write_unit(const struct metric *metric)
{
    static const char total[] = "_total";
    const char *unit = unit_name(metric->unit);
    size_t length = strlen(metric->family);
    size_t unit_length = strlen(unit);
    size_t total_length = sizeof total - 1;
    if (length > total_length && text_equal(metric->family + length - total_length, total))
        length -= total_length;
    bool is_there = unit_length > 0 && length > unit_length &&
                    metric->family[length - unit_length - 1] == '_' &&
                    memcmp(metric->family + length - unit_length, unit, unit_length) == 0;
    return is_there ? unit : "";
}

/* A field that is empty is not written. */
static size_t text_size(const char *text)
{
    return *text != '\0' ? wire_bytes_size(strlen(text)) : 0;
}

static char *put_text(char *at, char tag, const char *text)
{
    return *text != '\0' ? wire_put_bytes(at, tag, (struct piece){text, strlen(text)}) : at;
}

/* The field `metadata`, where it fits into `most` bytes. */
static bool add_metadata(struct buf *out, const struct metric *metric, size_t most)
{
    const char *unit = remote_write_unit(metric);
    size_t length = 2 + text_size(metric->family) + text_size(metric->help) + text_size(unit);
    size_t whole = wire_bytes_size(length);
    char *at = whole <= most ? exposition_room(out, whole) : NULL;
    if (!at)
        return false;
    *at++ = REQUEST_METADATA;
    at = wire_put_varint(at, length);
    *at++ = METADATA_TYPE;
    *at++ = metric->type == METRIC_COUNTER ? TYPE_COUNTER : TYPE_GAUGE;
    at = put_text(at, METADATA_FAMILY, metric->family);
    at = put_text(at, METADATA_HELP, metric->help);
    at = put_text(at, METADATA_UNIT, unit);
    wire_end(out, at);
    return true;
}

/* The line of that number over all lists, if it is wanted and the first of its family; else NULL.
 */
static const struct metric *family_at(const struct push_filter *filter, size_t line,
                                      bool *ret_is_end)
{
    *ret_is_end = false;
    for (enum series_list list = 0; list < SERIES_LISTS; list++) {
        unsigned count = 0;
        const struct metric *metrics = series_metrics(list, &count);
        if (line >= count) {
            line -= count;
            continue;
        }
        const struct metric *metric = &metrics[line];
        bool first = line == 0 || !text_equal(metric->family, metric[-1].family);
        bool wanted = list == SERIES_UP || push_filter_has_family(filter, metric->family);
        return first && wanted ? metric : NULL;
    }
    *ret_is_end = true;
    return NULL;
}

int remote_write_metadata(const struct push_filter *filter, size_t *at, size_t most,
                          struct buf *ret)
{
    size_t begin = ret->length;
    for (size_t line = *at;; line++) {
        bool is_end = false;
        const struct metric *metric = family_at(filter, line, &is_end);
        bool is_full = metric && !add_metadata(ret, metric, most - (ret->length - begin));
        if (ret->failed || (is_full && ret->length == begin))
            return -EMSGSIZE; /* not even one */
        if (is_end || is_full) {
            *at = line;
            return ret->length > begin ? 0 : -ENODATA;
        }
    }
}
