/* OTLP requests of random snapshots, read by what protoc-c generates: byte for byte what protobuf-c
 * packs, and sample by sample what the text exposition says, under the names of docs/METRICS.md;
 * stale points for exactly the samples that the text before had and this one has not. */
#include "base/text.h"
#include "exporters/prometheus.h"
#include "tests/unit/otlp_fixture.h"
#include "tests/unit/random_snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>

#define PAIRS       250
#define PARTS_STEP  25 /* pairs of which one is looked at point by point */
#define LARGE_PAIRS 4
#define LARGE_ROWS  150
#define KEPT        25 /* requests for check_otlp.py */
#define LABELS_MAX  24
#define START_NS    UINT64_C(1700000000000000001)

static locale_t c_locale;

/* A sample, from the text or from a request. */
struct sample {
    const char *identity; /* family and sorted labels */
    const char *number;   /* as the text has it; NULL: stale */
    size_t place;         /* so that the first of two alike is kept */
};

struct samples {
    struct arena arena;
    struct sample *items;
    size_t count, capacity;
};

static void add_sample(struct samples *s, const char *identity, const char *number)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity > 0 ? 2 * s->capacity : 64;
        s->items = realloc(s->items, s->capacity * sizeof *s->items);
        assert_non_null(s->items);
    }
    s->items[s->count] = (struct sample){identity, number, s->count};
    s->count++;
}

static void samples_done(struct samples *s)
{
    free(s->items);
    arena_done(&s->arena);
}

static int compare_samples(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int order = strcmp(x->identity, y->identity);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

/* Sorts, and keeps the first of those that are alike. */
static void settle(struct samples *s)
{
    if (s->count == 0)
        return;
    qsort(s->items, s->count, sizeof *s->items, compare_samples);
    size_t kept = 1;
    for (size_t i = 1; i < s->count; i++)
        if (strcmp(s->items[i].identity, s->items[kept - 1].identity) != 0)
            s->items[kept++] = s->items[i];
    s->count = kept;
}

static bool has_identity(const struct samples *settled, const char *identity)
{
    for (size_t low = 0, high = settled->count; low < high;) {
        size_t middle = (low + high) / 2;
        int order = strcmp(identity, settled->items[middle].identity);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

struct labels {
    struct label items[LABELS_MAX];
    size_t count;
};

static void put_label(struct labels *l, const char *name, const char *value)
{
    assert_in_range(l->count, 0, LABELS_MAX - 1);
    for (size_t i = 0; i < l->count; i++)
        assert_string_not_equal(l->items[i].name, name);
    l->items[l->count++] = (struct label){name, value};
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static char *identity_of(struct arena *arena, const char *family, struct labels *l)
{
    char *text = arena_string(arena, family);
    if (l->count > 0)
        qsort(l->items, l->count, sizeof *l->items, compare_labels);
    for (size_t i = 0; i < l->count; i++)
        text = arena_format(arena, "%s\1%s\2%s", text, l->items[i].name, l->items[i].value);
    return text;
}

/* --- the text --- */

static const char *read_label(struct arena *arena, const char *at, struct labels *l)
{
    size_t name = strcspn(at, "=");
    char *value = arena_alloc(arena, strlen(at) + 1), *end = value;
    const char *from = at + name + 2;
    for (; *from != '"'; from++) {
        if (*from == '\\')
            *end++ = *++from == 'n' ? '\n' : *from;
        else
            *end++ = *from;
    }
    put_label(l, arena_copy(arena, at, name), value);
    return from + 1;
}

static void read_line(struct samples *s, const char *line)
{
    struct labels l = {0};
    size_t name = strcspn(line, "{ ");
    const char *at = line + name;
    while (*at == '{' || *at == ',')
        at = read_label(&s->arena, at + 1, &l);
    at += *at == '}';
    assert_int_equal(*at, ' ');
    char *family = arena_copy(&s->arena, line, name);
    add_sample(s, identity_of(&s->arena, family, &l), arena_string(&s->arena, at + 1));
}

/* What /metrics says, and `up`. */
static void read_text(const struct snapshot *snapshot, struct samples *ret)
{
    struct buf text;
    if (!snapshot)
        return;
    buf_init(&text, OTLP_BODY_MAX);
    assert_int_equal(prometheus_encode(snapshot, &prometheus_whole_text, &text), 0);
    for (char *line = text.data, *end; line && *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        *end = '\0';
        if (line[0] != '#')
            read_line(ret, line);
    }
    add_sample(ret, arena_string(&ret->arena, "up"), arena_string(&ret->arena, "1"));
    buf_done(&text);
    settle(ret);
}

/* --- the request --- */

/* From docs/METRICS.md, "Names in OTLP". */
struct convention {
    const char *name;
    const char *family;
    const char *labels[2][2];
    const char *attribute[2]; /* what tells the line from others of the name */
    bool sum;
    bool monotonic;
    const char *unit;
};

static const struct convention conventions[] = {
    {.name = "container.cpu.time",
     .family = "container_cpu_usage_seconds_total",
     .labels = {{"cpu", "total"}},
     .sum = true,
     .monotonic = true,
     .unit = "s"},
    {.name = "container.cpu.usage", .family = "weir_container_cpu_usage_percent", .unit = "{cpu}"},
    {.name = "container.memory.usage",
     .family = "container_memory_usage_bytes",
     .sum = true,
     .unit = "By"},
    {.name = "container.memory.rss", .family = "container_memory_rss", .sum = true, .unit = "By"},
    {.name = "container.memory.working_set",
     .family = "container_memory_working_set_bytes",
     .sum = true,
     .unit = "By"},
    {.name = "container.paging.faults",
     .family = "container_memory_failures_total",
     .labels = {{"failure_type", "pgfault"}, {"scope", "hierarchy"}},
     .sum = true,
     .monotonic = true,
     .unit = "{fault}"},
    {.name = "container.disk.io",
     .family = "container_fs_reads_bytes_total",
     .attribute = {"disk.io.direction", "read"},
     .sum = true,
     .monotonic = true,
     .unit = "By"},
    {.name = "container.disk.io",
     .family = "container_fs_writes_bytes_total",
     .attribute = {"disk.io.direction", "write"},
     .sum = true,
     .monotonic = true,
     .unit = "By"},
    {.name = "container.network.io",
     .family = "container_network_receive_bytes_total",
     .attribute = {"network.io.direction", "receive"},
     .sum = true,
     .monotonic = true,
     .unit = "By"},
    {.name = "container.network.io",
     .family = "container_network_transmit_bytes_total",
     .attribute = {"network.io.direction", "transmit"},
     .sum = true,
     .monotonic = true,
     .unit = "By"},
    {.name = "container.filesystem.capacity",
     .family = "container_fs_limit_bytes",
     .sum = true,
     .unit = "By"},
    {.name = "container.filesystem.usage",
     .family = "container_fs_usage_bytes",
     .sum = true,
     .unit = "By"},
};

static const struct label externals[] = {
    {"host.name", "h\xC3\xA4ns"}, {"id", "gives way"}, {"service.name", "weir"}};

struct reading {
    struct samples *live;
    struct samples *stale;
    struct samples *derived; /* uptime and available, by container.id */
    struct labels resource;
    const char *container_id; /* NULL: no container */
    const otlp_metric_message *metric;
    const char *kind; /* "counter" or "gauge" */
    size_t points;
};

static const struct convention *convention_of(const otlp_metric_message *metric,
                                              const otlp_data_point *point)
{
    for (size_t i = 0; i < sizeof conventions / sizeof *conventions; i++) {
        const struct convention *c = &conventions[i];
        if (strcmp(c->name, metric->name) != 0)
            continue;
        const char *value = c->attribute[0] ? otlp_attribute(point->attributes, point->n_attributes,
                                                             c->attribute[0])
                                            : NULL;
        if (!c->attribute[0] || (value && strcmp(value, c->attribute[1]) == 0))
            return c;
    }
    return NULL;
}

static char *join(struct arena *arena, const char *a, const char *between, const char *b)
{
    return arena_format(arena, "%s%s%s", a ? a : "", between, b ? b : "");
}

/* The labels that a resource stands for. */
static void read_resource(struct reading *r, const otlp_resource_metrics *rm)
{
    struct arena *arena = &r->live->arena;
    const char *name = NULL, *tag = "", *digest = "";
    bool service_name = false;
    r->resource.count = 0;
    r->container_id = NULL;
    assert_non_null(rm->resource);
    otlp_key_value **list = rm->resource->attributes;
    size_t count = rm->resource->n_attributes;
    for (size_t i = 0; i < count; i++) {
        const char *key = list[i]->key, *value = otlp_attribute(list, count, key);
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(list[other]->key, key);
        if (strcmp(key, "container.id") == 0) {
            r->container_id = value;
        } else if (strcmp(key, "container.name") == 0) {
            put_label(&r->resource, "name", value);
        } else if (strcmp(key, "container.image.name") == 0) {
            name = value;
        } else if (strcmp(key, "container.image.tags") == 0) {
            assert_int_equal(list[i]->value->value_case, OTLP_IS_ARRAY);
            tag = join(arena, ":", "", value);
        } else if (strcmp(key, "container.image.repo_digests") == 0) {
            digest = strchr(value, '@');
        } else if (strcmp(key, "container.image.id") == 0) {
            name = value;
        } else if (text_starts_with(key, "container.label.")) {
            put_label(&r->resource, join(arena, "container_label_", "", key + 16), value);
        } else if (strcmp(key, "service.name") == 0 || strcmp(key, "host.name") == 0) {
            service_name = true;
        } else if (strcmp(key, "container.runtime.name") != 0 &&
                   (strcmp(key, "id") != 0 || strcmp(value, "gives way") != 0)) {
            put_label(&r->resource, key, value);
        }
    }
    assert_true(service_name);
    if (name)
        put_label(&r->resource, "image", join(arena, name, tag, digest));
}

static const char *label_of(const struct reading *r, const struct convention *c, const char *key)
{
    if (c && strcmp(key, "system.device") == 0)
        return "device";
    if (c && strcmp(key, "network.interface.name") == 0)
        return "interface";
    assert_true(!c || !r->container_id || strchr(key, '.'));
    return key;
}

static char *number_of(struct arena *arena, const otlp_data_point *p)
{
    if (p->value_case == OTLP_IS_INT)
        return arena_format(arena, "%" PRId64, p->as_int);
    assert_int_equal(p->value_case, OTLP_IS_DOUBLE);
    return arena_format(arena, "%a", p->as_double);
}

static void read_point(struct reading *r, const otlp_data_point *p)
{
    struct arena *arena = &r->live->arena;
    const struct convention *c = convention_of(r->metric, p);
    struct labels l = r->resource;
    bool stale = p->flags == 1;
    char *number = NULL;
    r->points++;
    assert_int_equal(p->time_unix_nano, OTLP_TIME_NS);
    assert_in_range(p->flags, 0, 1);
    if (stale)
        assert_int_equal(p->value_case, OTLP_IS_NONE);
    else
        number = number_of(arena, p);
    assert_true(p->start_time_unix_nano < OTLP_TIME_NS);
    if (stale || strcmp(r->kind, "counter") != 0)
        assert_int_equal(p->start_time_unix_nano, 0);
    if (strcmp(r->metric->name, "container.uptime") == 0 ||
        strcmp(r->metric->name, "container.memory.available") == 0) {
        assert_int_equal(p->n_attributes, 0);
        add_sample(r->derived, join(&r->derived->arena, r->metric->name, " ", r->container_id),
                   stale ? "stale" : arena_string(&r->derived->arena, number));
        return;
    }
    for (size_t i = 0; i < p->n_attributes; i++) {
        const char *key = p->attributes[i]->key;
        assert_int_equal(p->attributes[i]->value->value_case, OTLP_IS_STRING);
        if (!c || !c->attribute[0] || strcmp(key, c->attribute[0]) != 0)
            put_label(&l, label_of(r, c, key), p->attributes[i]->value->string_value);
    }
    for (size_t i = 0; c && i < 2 && c->labels[i][0]; i++)
        put_label(&l, c->labels[i][0], c->labels[i][1]);
    const char *family = c ? c->family : r->metric->name;
    if (c && number && strcmp(c->name, "container.cpu.usage") == 0)
        number = arena_format(arena, "percent %s", number);
    add_sample(stale ? r->stale : r->live, identity_of(arena, family, &l), number);
}

static const struct metric *find_family(const char *name)
{
    static const struct {
        const struct metric *metrics;
        size_t count;
    } lists[] = {{container_metrics, CONTAINER_METRICS},
                 {interface_metrics, INTERFACE_METRICS},
                 {device_metrics, DEVICE_METRICS},
                 {point_metrics, POINT_METRICS},
                 {agent_metrics, AGENT_METRICS}};
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t m = 0; m < lists[l].count; m++)
            if (strcmp(lists[l].metrics[m].family, name) == 0)
                return &lists[l].metrics[m];
    return NULL;
}

/* Kind and unit are those of the family or of the convention. */
static void check_metric(struct reading *r, const otlp_data_point *first)
{
    const otlp_metric_message *m = r->metric;
    const struct convention *c = convention_of(m, first);
    const struct metric *family = find_family(m->name);
    bool available = strcmp(m->name, "container.memory.available") == 0;
    bool sum = c ? c->sum : available || (family && family->type == METRIC_COUNTER);
    bool monotonic = c ? c->monotonic : sum && !available;
    assert_true(c || family || available || strcmp(m->name, "up") == 0 ||
                strcmp(m->name, "container.uptime") == 0);
    assert_true(!c || r->container_id); /* nothing else has the names of the conventions */
    assert_int_equal(m->data_case, sum ? OTLP_IS_SUM : OTLP_IS_GAUGE);
    if (sum) {
        assert_int_equal(m->sum->aggregation_temporality, 2);
        assert_int_equal(m->sum->is_monotonic, monotonic);
    }
    if (c)
        assert_string_equal(m->unit, c->unit);
    else if (family && family->unit == UNIT_BYTES)
        assert_string_equal(m->unit, "By");
    else if (family && (family->unit == UNIT_NS || family->unit == UNIT_MS))
        assert_string_equal(m->unit, "s");
    r->kind = monotonic ? "counter" : "gauge";
}

static void read_scope(struct reading *r, const otlp_scope_metrics *scope)
{
    assert_string_equal(scope->scope->name, "weir");
    assert_string_equal(scope->scope->version, "1.2.3");
    assert_true(scope->n_metrics > 0);
    for (size_t m = 0; m < scope->n_metrics; m++) {
        otlp_data_point **points = NULL;
        size_t count = otlp_points(scope->metrics[m], &points);
        assert_true(count > 0);
        for (size_t other = 0; other < m; other++)
            assert_string_not_equal(scope->metrics[other]->name, scope->metrics[m]->name);
        r->metric = scope->metrics[m];
        check_metric(r, points[0]);
        for (size_t p = 0; p < count; p++)
            read_point(r, points[p]);
    }
}

static void read_request(struct reading *r, const struct push_round *round)
{
    const struct push_encode_options options = {
        .external = externals, .external_count = 3, .scope_version = "1.2.3"};
    uint32_t samples = 0;
    otlp_request *request = otlp_round_trip(&options, round, &samples);
    for (size_t i = 0; i < request->n_resource_metrics; i++) {
        const otlp_resource_metrics *rm = request->resource_metrics[i];
        assert_int_equal(rm->n_scope_metrics, 1);
        read_resource(r, rm);
        read_scope(r, rm->scope_metrics[0]);
    }
    assert_int_equal(r->points, samples);
    otlp_free(request);
}

/* --- both --- */

/* The text's number is the point's: the same digits of an integer, the double that a parser makes
 * of the text. */
static void check_number(const char *text, const char *number)
{
    char divided[64];
    bool percent = text_starts_with(number, "percent ");
    if (!percent && !strchr(number, 'x')) {
        assert_string_equal(text, number);
        return;
    }
    (void)snprintf(divided, sizeof divided, "%s%s", text, percent ? "e-2" : "");
    double said = strtod_l(divided, NULL, c_locale);
    double found = strtod_l(number + (percent ? 8 : 0), NULL, c_locale);
    assert_memory_equal(&said, &found, sizeof said);
}

static void check_live(const struct samples *text, const struct samples *live)
{
    assert_int_equal(text->count, live->count);
    for (size_t i = 0; i < text->count; i++) {
        assert_string_equal(text->items[i].identity, live->items[i].identity);
        check_number(text->items[i].number, live->items[i].number);
    }
}

static void check_stale(const struct samples *before, const struct samples *text,
                        const struct samples *stale)
{
    size_t next = 0;
    for (size_t i = 0; i < before->count; i++) {
        if (has_identity(text, before->items[i].identity))
            continue;
        assert_true(next < stale->count);
        assert_string_equal(stale->items[next].identity, before->items[i].identity);
        next++;
    }
    assert_int_equal(next, stale->count);
}

static bool has_uptime(const struct snapshot *s, const struct container_row *row)
{
    return s && (s->groups & GROUP_BIT(GROUP_NONE)) && row_has(row, CONTAINER_STARTED) &&
           state_is_live(row->state) && row->identity->kind == IDENTITY_CONTAINER;
}

static bool has_available(const struct snapshot *s, const struct container_row *row,
                          int64_t *ret_bytes)
{
    unsigned limit = CONTAINER_SPEC_MEMORY_LIMIT, used = CONTAINER_MEMORY_WORKING_SET;
    return s && (s->groups & GROUP_BIT(GROUP_SPEC)) && (s->groups & GROUP_BIT(GROUP_MEMORY)) &&
           row->identity->kind == IDENTITY_CONTAINER && row_has(row, limit) && row_has(row, used) &&
           !row_is_unlimited(row, limit) && !row_is_unlimited(row, used) &&
           row->values[limit] != 0 &&
           !__builtin_sub_overflow((int64_t)row->values[limit], (int64_t)row->values[used],
                                   ret_bytes);
}

static const struct container_row *row_at(const struct snapshot *s, size_t index)
{
    static const struct identity nobody = {.kind = IDENTITY_HOST};
    static const struct container_row none = {.identity = &nobody};
    return s && index < s->row_count ? &s->rows[index] : &none;
}

static void check_derived(const struct push_round *round, struct samples *derived)
{
    struct samples expected = {0};
    size_t rows = round->previous ? round->previous->row_count : 0;
    if (round->current && round->current->row_count > rows)
        rows = round->current->row_count;
    for (size_t i = 0; i < rows; i++) {
        const struct container_row *now = row_at(round->current, i);
        const struct container_row *then = row_at(round->previous, i);
        const char *id = round->current && i < round->current->row_count
                             ? now->identity->container_id
                             : then->identity->container_id;
        int64_t bytes = 0, before = 0;
        bool up = has_uptime(round->current, now), was_up = has_uptime(round->previous, then);
        bool has = has_available(round->current, now, &bytes);
        bool had = has_available(round->previous, then, &before);
        char *uptime = join(&expected.arena, "container.uptime", " ", id);
        char *available = join(&expected.arena, "container.memory.available", " ", id);
        char *number = arena_format(&expected.arena, "%a",
                                    (double)(OTLP_TIME_NS - now->identity->started_ns) / 1e9);
        if (up || was_up)
            add_sample(&expected, uptime, up ? number : "stale");
        if (has || had)
            add_sample(&expected, available,
                       has ? arena_format(&expected.arena, "%" PRId64, bytes) : "stale");
    }
    settle(&expected);
    assert_int_equal(expected.count, derived->count);
    for (size_t i = 0; i < expected.count; i++) {
        assert_string_equal(expected.items[i].identity, derived->items[i].identity);
        bool uptime = text_starts_with(expected.items[i].identity, "container.uptime ");
        if (!uptime || strcmp(expected.items[i].number, "stale") == 0) {
            assert_string_equal(expected.items[i].number, derived->items[i].number);
            continue;
        }
        double a = strtod_l(expected.items[i].number, NULL, c_locale);
        double b = strtod_l(derived->items[i].number, NULL, c_locale);
        assert_true(a - b < 1e-6 && b - a < 1e-6); /* the test's own division rounds twice */
    }
    samples_done(&expected);
}

static void check_round(const struct push_round *round)
{
    struct samples before = {0}, text = {0}, live = {0}, stale = {0}, derived = {0};
    struct reading r = {.live = &live, .stale = &stale, .derived = &derived};
    read_text(round->previous, &before);
    read_text(round->current, &text);
    read_request(&r, round);
    size_t given = live.count + stale.count + derived.count;
    settle(&live);
    settle(&stale);
    settle(&derived);
    assert_int_equal(given, live.count + stale.count + derived.count); /* none is there twice */
    check_live(&text, &live);
    check_stale(&before, &text, &stale);
    check_derived(round, &derived);
    samples_done(&before);
    samples_done(&text);
    samples_done(&live);
    samples_done(&stale);
    samples_done(&derived);
}

/* Identities that a host has: ids that differ, all kinds, every sort of image. */
static void make_rows(struct random *r, struct snapshot *s)
{
    static const char *const images[] = {
        "nginx:1.27",
        "registry:5000/a/b",
        "registry:5000/a/b:c",
        "a@sha256:0123",
        "a:1@sha256:0123",
        "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    };
    static const char *const paths[] = {"/docker/", "/machine.slice/libpod-",
                                        "/system.slice/docker-", "/lxc/"};
    for (size_t i = 0; i < s->row_count; i++) {
        struct identity *who = fixture_identity(s, i);
        who->container_id = arena_format(&who->arena, "id%zu", i);
        if (random_below(r, 6) > 0)
            who->cgroup_path = arena_format(&who->arena, "%s%zu", paths[random_below(r, 4)], i);
        else
            who->name = arena_format(&who->arena, "n%zu", i);
        if (random_below(r, 2))
            who->image = arena_string(&who->arena, images[random_below(r, 6)]);
        who->kind =
            random_below(r, 4) > 0 ? IDENTITY_CONTAINER : (enum identity_kind)random_below(r, 3);
        who->started_ns = START_NS;
        for (unsigned m = 0; m < CONTAINER_METRICS; m++)
            s->rows[i].values[m] >>= random_below(r, 2) ? 8 : 0;
    }
}

/* What may be different in the round after. */
static void change(struct random *r, struct snapshot *s)
{
    for (size_t i = 0; i < s->row_count; i++) {
        struct container_row *row = &s->rows[i];
        for (unsigned m = 0; m < CONTAINER_METRICS; m++)
            if (random_below(r, 8) == 0)
                row->present &= ~CONTAINER_BIT(m);
        row->state = (enum container_state)random_below(r, STATE_COUNT);
        row->interface_count -= row->interface_count > 0 && random_below(r, 3) == 0;
        row->device_count -= row->device_count > 0 && random_below(r, 3) == 0;
        row->point_count -= row->point_count > 0 && random_below(r, 3) == 0;
    }
    if (s->row_count > 0 && random_below(r, 3) == 0)
        identity_unref(s->rows[--s->row_count].identity);
    s->point_count -= s->point_count > 0 && random_below(r, 2) == 0;
    if (random_below(r, 4) == 0)
        s->groups &= (unsigned)random_next(r);
    s->realtime_ns = OTLP_TIME_NS;
}

static struct snapshot *make_snapshot(uint64_t seed, struct random *changes, size_t rows)
{
    struct random r = {seed};
    struct snapshot *s = random_snapshot(&r, rows);
    make_rows(&r, s);
    change(changes, s);
    return s;
}

/* For check_otlp.py: a request, and the text of the same snapshot. */
static void keep(const struct snapshot *s, unsigned number)
{
    const struct push_encode_options options = {.external = externals, .external_count = 3};
    const struct push_round round = {.current = s, .time_ns = OTLP_TIME_NS};
    const char *folder = getenv("WEIR_OTLP_FOLDER");
    struct buf bodies[2];
    uint32_t samples = 0;
    if (!folder || number >= KEPT)
        return;
    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%u.%s", folder, number, i == 0 ? "pb" : "prom");
        buf_init(&bodies[i], OTLP_BODY_MAX);
        assert_int_equal(i == 0 ? otlp_encode(&options, &round, &bodies[i], &samples)
                                : prometheus_encode(s, &prometheus_whole_text, &bodies[i]),
                         0);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(bodies[i].data, 1, bodies[i].length, file), bodies[i].length);
        assert_int_equal(fclose(file), 0);
        buf_done(&bodies[i]);
    }
}

static int compare_bodies(const void *a, const void *b)
{
    const struct buf *x = a, *y = b;
    size_t length = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->data, y->data, length);
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

/* Splits until each request has one point. */
static void split_all(struct buf *body, struct buf *ret, size_t *count)
{
    struct buf halves[2];
    buf_init(&halves[0], OTLP_BODY_MAX);
    buf_init(&halves[1], OTLP_BODY_MAX);
    if (push_split(PUSH_OTLP, body->data, body->length, &halves[0], &halves[1]) == 0) {
        split_all(&halves[0], ret, count);
        split_all(&halves[1], ret, count);
        buf_done(body);
        return;
    }
    ret[(*count)++] = *body;
}

/* Its points encoded one by one are those of the whole. */
static void check_parts(const struct push_round *round)
{
    const struct push_encode_options options = {.external = externals, .external_count = 3};
    struct push_round part = *round;
    struct buf whole;
    uint32_t samples = 0, one = 0;
    size_t count = 0;
    buf_init(&whole, OTLP_BODY_MAX);
    assert_int_equal(otlp_encode(&options, round, &whole, &samples), 0);
    struct buf *split = calloc(samples, sizeof *split), *parts = calloc(samples, sizeof *parts);
    split_all(&whole, split, &count);
    assert_int_equal(count, samples);
    for (uint32_t i = 0; i < samples; i++) {
        part.from = i;
        part.until = i + 1;
        buf_init(&parts[i], OTLP_BODY_MAX);
        assert_int_equal(otlp_encode(&options, &part, &parts[i], &one), 0);
        assert_int_equal(one, 1);
    }
    part.from = samples;
    part.until = (uint64_t)samples + 1000;
    assert_int_equal(otlp_encode(&options, &part, &parts[0], &one), -ENODATA);
    qsort(split, samples, sizeof *split, compare_bodies);
    qsort(parts, samples, sizeof *parts, compare_bodies);
    for (uint32_t i = 0; i < samples; i++) {
        assert_int_equal(parts[i].length, split[i].length);
        assert_memory_equal(parts[i].data, split[i].data, split[i].length);
        buf_done(&parts[i]);
        buf_done(&split[i]);
    }
    free(parts);
    free(split);
}

static void check_pair(struct random *r, unsigned number, size_t rows)
{
    uint64_t seed = random_next(r);
    struct snapshot *a = make_snapshot(seed, r, rows);
    struct snapshot *b = make_snapshot(seed, r, rows);
    keep(a, number);
    check_round(&(struct push_round){.previous = NULL, .current = a, .time_ns = OTLP_TIME_NS});
    check_round(&(struct push_round){.previous = a, .current = b, .time_ns = OTLP_TIME_NS});
    check_round(&(struct push_round){.previous = b, .current = NULL, .time_ns = OTLP_TIME_NS});
    if (number % PARTS_STEP == 0)
        check_parts(&(struct push_round){.previous = a, .current = b, .time_ns = OTLP_TIME_NS});
    snapshot_unref(a);
    snapshot_unref(b);
}

static void test_random_rounds(void **state)
{
    (void)state;
    struct random r = {88172645463325252};
    for (unsigned i = 0; i < PAIRS; i++)
        check_pair(&r, i, 4);
    for (unsigned i = 0; i < LARGE_PAIRS; i++)
        check_pair(&r, PAIRS + i, LARGE_ROWS);
}

static int set_up(void **state)
{
    (void)state;
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
    return c_locale ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    freelocale(c_locale);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_rounds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
