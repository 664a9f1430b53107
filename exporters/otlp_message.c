/* What it knows: how an ExportMetricsServiceRequest is nested (proto/otlp_metrics.proto). Every
 * length is computed before the message it belongs to is written, so nothing is moved. */
#include "exporters/otlp_message.h"

#include "base/alloc.h"
#include "exporters/wire.h"

#include <assert.h>
#include <stdlib.h>

#define REQUEST_RESOURCE WIRE_TAG(1, WIRE_BYTES)
#define OF_RESOURCE      WIRE_TAG(1, WIRE_BYTES) /* ResourceMetrics: the Resource */
#define RESOURCE_SCOPE   WIRE_TAG(2, WIRE_BYTES)
#define OF_SCOPE         WIRE_TAG(1, WIRE_BYTES) /* ScopeMetrics: the InstrumentationScope */
#define SCOPE_METRIC     WIRE_TAG(2, WIRE_BYTES)
#define SCOPE_NAME       WIRE_TAG(1, WIRE_BYTES)
#define SCOPE_VERSION    WIRE_TAG(2, WIRE_BYTES)
#define METRIC_NAME      WIRE_TAG(1, WIRE_BYTES)
#define METRIC_UNIT      WIRE_TAG(3, WIRE_BYTES)
#define METRIC_OF_GAUGE  WIRE_TAG(5, WIRE_BYTES)
#define METRIC_OF_SUM    WIRE_TAG(7, WIRE_BYTES)
#define DATA_POINT       WIRE_TAG(1, WIRE_BYTES) /* of Gauge and Sum */
#define SUM_TEMPORALITY  WIRE_TAG(2, WIRE_VARINT)
#define SUM_IS_MONOTONIC WIRE_TAG(3, WIRE_VARINT)
#define POINT_START      WIRE_TAG(2, WIRE_DOUBLE)
#define POINT_TIME       WIRE_TAG(3, WIRE_DOUBLE)
#define POINT_AS_DOUBLE  WIRE_TAG(4, WIRE_DOUBLE)
#define POINT_AS_INT     WIRE_TAG(6, WIRE_DOUBLE)
#define POINT_FLAGS      WIRE_TAG(8, WIRE_VARINT)

#define CUMULATIVE        2 /* AggregationTemporality */
#define NO_RECORDED_VALUE 1 /* DataPointFlags: this series has ended */

#define SCOPE_TEXT ((struct piece){"weir", 4})

#define NUMBER_FIELD   2 /* bytes of a field whose number is below 128 */
#define NO_POINT       UINT32_MAX
#define FIRST_CAPACITY 64 /* resources or points: a small host needs no second */

/* The points of one metric of a resource. */
struct otlp_bucket {
    uint32_t first;
    uint32_t last;
    size_t points; /* bytes of them, as fields */
    size_t data;   /* bytes of the Gauge or Sum */
    size_t metric; /* bytes of the Metric */
};

void otlp_message_init(struct otlp_message *m, uint32_t slots)
{
    buf_init(&m->bytes, UINT32_MAX - 1); /* spans are of 32 bits */
    m->slots = slots;
    m->names = alloc_zeroed(slots, sizeof *m->names);
    m->buckets = alloc_zeroed(slots, sizeof *m->buckets);
    for (uint32_t s = 0; s < slots; s++)
        m->buckets[s].first = NO_POINT;
}

void otlp_message_done(struct otlp_message *m)
{
    buf_done(&m->bytes);
    free(m->names);
    free(m->buckets);
    free(m->resources);
    free(m->table);
    free(m->points);
}

static struct piece piece_of(const struct otlp_message *m, struct otlp_span span)
{
    return span.length > 0 ? (struct piece){m->bytes.data + span.start, span.length} : PIECE_EMPTY;
}

/* --- resources and points --- */

static uint64_t hash_of(struct piece piece)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (size_t i = 0; i < piece.length; i++)
        hash = (hash ^ (unsigned char)piece.bytes[i]) * UINT64_C(0x100000001B3);
    return hash ^ hash >> 32; /* the low bits choose the place */
}

/* The place in the table of what is equal, or a free one. */
static uint32_t *find_place(const struct otlp_message *m, uint64_t hash, struct piece attributes)
{
    uint32_t mask = 2 * m->resource_capacity - 1;
    uint32_t at = (uint32_t)hash & mask;
    for (; m->table[at] != NO_POINT; at = (at + 1) & mask) {
        const struct otlp_resource *r = &m->resources[m->table[at]];
        if (r->hash == hash && r->attributes.length == attributes.length &&
            memcmp(piece_of(m, r->attributes).bytes, attributes.bytes, attributes.length) == 0)
            break;
    }
    return &m->table[at];
}

static void grow_resources(struct otlp_message *m)
{
    uint32_t capacity = m->resource_capacity > 0 ? 2 * m->resource_capacity : FIRST_CAPACITY;
    m->resources = alloc_resize(m->resources, capacity, sizeof *m->resources);
    m->table = alloc_resize(m->table, 2 * (size_t)capacity, sizeof *m->table);
    m->resource_capacity = capacity;
    memset(m->table, 0xFF, 2 * (size_t)capacity * sizeof *m->table); /* NO_POINT everywhere */
    for (uint32_t r = 0; r < m->resource_count; r++)
        *find_place(m, m->resources[r].hash, piece_of(m, m->resources[r].attributes)) = r;
}

uint32_t otlp_message_resource(struct otlp_message *m, size_t start)
{
    if (m->resource_count == m->resource_capacity)
        grow_resources(m);
    struct otlp_span span = {(uint32_t)start, (uint32_t)(m->bytes.length - start)};
    struct piece attributes = piece_of(m, span);
    uint64_t hash = hash_of(attributes);
    uint32_t *place = find_place(m, hash, attributes);
    if (*place != NO_POINT) {
        m->bytes.length = start;
        return *place;
    }
    *place = m->resource_count;
    m->resources[m->resource_count] = (struct otlp_resource){
        .attributes = span, .hash = hash, .first = NO_POINT, .last = NO_POINT};
    return m->resource_count++;
}

void otlp_message_add(struct otlp_message *m, uint32_t resource, const struct otlp_point *point)
{
    assert(point->slot < m->slots && m->names[point->slot].name);
    if (m->point_count == m->point_capacity) {
        m->point_capacity = m->point_capacity > 0 ? 2 * m->point_capacity : FIRST_CAPACITY;
        m->points = alloc_resize(m->points, m->point_capacity, sizeof *m->points);
    }
    uint32_t number = m->point_count++;
    m->points[number] = *point;
    m->points[number].next = NO_POINT;
    struct otlp_resource *r = &m->resources[resource];
    *(r->first == NO_POINT ? &r->first : &m->points[r->last].next) = number;
    r->last = number;
}

/* --- lengths --- */

static size_t point_size(const struct otlp_point *p)
{
    size_t length = WIRE_DOUBLE_FIELD; /* the time */
    length += p->start_ns > 0 ? WIRE_DOUBLE_FIELD : 0;
    length += p->kind != OTLP_NO_VALUE ? WIRE_DOUBLE_FIELD : NUMBER_FIELD;
    return length + p->constant.length + p->attributes.length;
}

/* Hands the points of a resource out to the buckets of their metrics. */
static void fill_buckets(struct otlp_message *m, const struct otlp_resource *r)
{
    for (uint32_t number = r->first; number != NO_POINT;) {
        struct otlp_point *p = &m->points[number];
        struct otlp_bucket *b = &m->buckets[p->slot];
        uint32_t next = p->next;
        p->next = NO_POINT;
        if (b->first == NO_POINT)
            b->points = 0;
        *(b->first == NO_POINT ? &b->first : &m->points[b->last].next) = number;
        b->last = number;
        b->points += wire_bytes_size(point_size(p));
        number = next;
    }
}

/* Of a Sum beside its points. */
static size_t sum_fields_size(enum otlp_kind kind)
{
    static const size_t sizes[] = {
        [OTLP_GAUGE] = 0, [OTLP_UPDOWN] = NUMBER_FIELD, [OTLP_COUNTER] = 2 * NUMBER_FIELD};
    return sizes[kind];
}

/* The bytes of a resource's metrics, as fields. */
static size_t measure_buckets(struct otlp_message *m)
{
    size_t length = 0;
    for (uint32_t s = 0; s < m->slots; s++) {
        struct otlp_bucket *b = &m->buckets[s];
        const struct otlp_name *name = &m->names[s];
        if (b->first == NO_POINT)
            continue;
        size_t unit = strlen(name->unit);
        b->data = b->points + sum_fields_size(name->kind);
        b->metric = wire_bytes_size(strlen(name->name)) + (unit > 0 ? wire_bytes_size(unit) : 0) +
                    wire_bytes_size(b->data);
        length += wire_bytes_size(b->metric);
    }
    return length;
}

static size_t scope_size(const struct otlp_message *m)
{
    return wire_bytes_size(SCOPE_TEXT.length) +
           (m->scope_version ? wire_bytes_size(strlen(m->scope_version)) : 0);
}

/* --- writing --- */

/* What comes before the content of a message. */
static char *put_head(char *at, char tag, size_t length)
{
    *at++ = tag;
    return wire_put_varint(at, length);
}

static char *put_number(char *at, char tag, char number)
{
    *at++ = tag;
    *at++ = number;
    return at;
}

static char *put_text(char *at, char tag, const char *text)
{
    return wire_put_bytes(at, tag, (struct piece){text, strlen(text)});
}

static char *put_point(const struct otlp_message *m, char *at, const struct otlp_point *p)
{
    at = put_head(at, DATA_POINT, point_size(p));
    if (p->start_ns > 0)
        at = wire_put_double(at, POINT_START, p->start_ns);
    at = wire_put_double(at, POINT_TIME, m->time_ns);
    if (p->kind == OTLP_DOUBLE)
        at = wire_put_double(at, POINT_AS_DOUBLE, p->bits);
    else if (p->kind == OTLP_INTEGER)
        at = wire_put_double(at, POINT_AS_INT, p->bits);
    at = piece_put(at, piece_of(m, p->constant));
    at = piece_put(at, piece_of(m, p->attributes));
    if (p->kind == OTLP_NO_VALUE)
        at = put_number(at, POINT_FLAGS, NO_RECORDED_VALUE);
    return at;
}

static char *put_metric(const struct otlp_message *m, char *at, uint32_t slot)
{
    const struct otlp_name *name = &m->names[slot];
    const struct otlp_bucket *b = &m->buckets[slot];
    at = put_head(at, SCOPE_METRIC, b->metric);
    at = put_text(at, METRIC_NAME, name->name);
    if (name->unit[0] != '\0')
        at = put_text(at, METRIC_UNIT, name->unit);
    at = put_head(at, name->kind == OTLP_GAUGE ? METRIC_OF_GAUGE : METRIC_OF_SUM, b->data);
    for (uint32_t p = b->first; p != NO_POINT; p = m->points[p].next)
        at = put_point(m, at, &m->points[p]);
    if (name->kind != OTLP_GAUGE)
        at = put_number(at, SUM_TEMPORALITY, CUMULATIVE);
    if (name->kind == OTLP_COUNTER)
        at = put_number(at, SUM_IS_MONOTONIC, 1);
    return at;
}

static char *put_scope(const struct otlp_message *m, char *at)
{
    at = put_head(at, OF_SCOPE, scope_size(m));
    at = wire_put_bytes(at, SCOPE_NAME, SCOPE_TEXT);
    return m->scope_version ? put_text(at, SCOPE_VERSION, m->scope_version) : at;
}

static int write_resource(struct otlp_message *m, const struct otlp_resource *r, struct buf *ret)
{
    fill_buckets(m, r);
    size_t scope = wire_bytes_size(scope_size(m)) + measure_buckets(m);
    size_t own = r->attributes.length > 0 ? wire_bytes_size(r->attributes.length) : 0;
    size_t length = own + wire_bytes_size(scope);
    int result = buf_reserve(ret, wire_bytes_size(length));
    if (result < 0)
        return result;
    char *at = ret->data + ret->length;
    at = put_head(at, REQUEST_RESOURCE, length);
    if (own > 0)
        at = wire_put_bytes(at, OF_RESOURCE, piece_of(m, r->attributes));
    at = put_head(at, RESOURCE_SCOPE, scope);
    at = put_scope(m, at);
    for (uint32_t s = 0; s < m->slots; s++) {
        if (m->buckets[s].first != NO_POINT)
            at = put_metric(m, at, s);
        m->buckets[s].first = NO_POINT;
    }
    assert((size_t)(at - ret->data) == ret->length + wire_bytes_size(length));
    wire_end(ret, at);
    return 0;
}

int otlp_message_write(struct otlp_message *m, struct buf *ret)
{
    size_t before = ret->length;
    for (uint32_t r = 0; r < m->resource_count; r++) {
        if (m->resources[r].first == NO_POINT)
            continue;
        int result = write_resource(m, &m->resources[r], ret);
        if (result < 0) {
            ret->length = before;
            return result;
        }
    }
    return 0;
}
