/* Prints docs/METRICS.md from the metric list; part of the build, not of the product. What it
 * knows: how the columns of base/metric_list.h and exporters/otlp_list.h read in a table. */
#include "base/metric.h"
#include "base/text.h"
#include "exporters/otlp_names.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 8 /* lines of one family with the same tiers */

/* Lines of one family that the same tiers give: one row of the table. */
struct entry {
    const struct metric *lines[LINES_MAX];
    size_t count;
};

struct scope {
    const char *title;
    const char *text;
    const struct metric *metrics;
    size_t count;
    const char *base_labels; /* what every line of the scope carries beside the base labels */
    const char *more_labels; /* what lines with constant labels carry besides */
    bool variable_labels;    /* the labels column holds names, not pairs */
    bool tiers;              /* the tiers column says something */
};

static const char intro[] =
    "# Metrics\n"
    "\n"
    "This page is generated from `base/metric_list*.h`; change those, then run "
    "`weir_metrics_doc > docs/METRICS.md`.\n"
    "\n"
    "## Names\n"
    "\n"
    "Families beginning with `container_` have cAdvisor's names, labels and meanings, so "
    "dashboards "
    "and alerts made for it keep working. What cAdvisor does not have begins with "
    "`weir_container_` "
    "(about a container) or `weir_` (about weir). What differs from cAdvisor, and why, stands in "
    "[CADVISOR.md](CADVISOR.md). `machine_` families are about the host, "
    "`process_` families those every exporter offers about itself. The format is Prometheus text "
    "0.0.4 without timestamps: a sample is as "
    "old as the scrape that carries it.\n"
    "\n"
    "## Labels\n"
    "\n"
    "Every series of a container carries the same base labels:\n"
    "\n"
    "| Label | Value |\n"
    "| --- | --- |\n"
    "| `id` | the container's cgroup path, e.g. `/docker/` and 64 hexadecimal digits |\n"
    "| `image` | the image as it was named when the container was created |\n"
    "| `name` | the container's name |\n"
    "| `container_label_*` | the container's labels that `container.label-allow` lets through, "
    "with "
    "every character a label name cannot have turned into `_` |\n"
    "| `container`, `pod`, `namespace` | only with `container.kubernetes-labels`: Kubernetes' own, "
    "elsewhere the container's name, Compose service and Compose project |\n"
    "| `simulated` | `true` on every series of a container that does not exist, never on a real "
    "one "
    "|\n"
    "\n"
    "A label whose value is empty or not known is left out, which is the same to Prometheus. "
    "Environment variables are never labels. Where two labels of a container would get the same "
    "name, the first in byte order is kept and `weir_labels_dropped_total` counts the other. Bytes "
    "that are not UTF-8 are shown as U+FFFD.\n"
    "\n"
    "## Absent, zero and unlimited\n"
    "\n"
    "- **0** means that the source said 0.\n"
    "- **Absent** means that weir does not know the value: the tier that answered has none, the "
    "read failed, or the container is not running. Nothing is filled in. `weir_container_absent` "
    "names the group of values a running container lacks, and why.\n"
    "- **Unlimited** is absent too, except where cAdvisor writes 0 for it; the meaning then says "
    "\"0 where unlimited\".\n"
    "\n"
    "## Types, units and tiers\n"
    "\n"
    "Counters are exact integers of the kernel or the engine, divided into seconds where the name "
    "says so, and never fall while a container runs. *Given by* lists the tiers that may give a "
    "value: `engine` is the Docker Engine API, `cgroup` the kernel's files, `simulated` the "
    "simulated tier; `v1` and `v2` is the host's cgroup version, and without it both are meant. "
    "`derived` values are computed by weir from others.\n"
    "\n"
    "Metrics are chosen in groups, by the flags `--metrics.enable` and `--metrics.disable` and by "
    "`collect[]` and `exclude[]` of a scrape; cAdvisor's names where it has one. Given only on "
    "request are @@.\n"
    "\n"
    "The values of a container that form a group come from one read. A group is given by the first "
    "tier that has it, "
    "where Podman's values give way to the kernel's; what that tier may not give the next one "
    "adds. A tier that has a number of the same name with another meaning is not listed and never "
    "fills it in: the engine's own counters of receive and transmit errors are always 0, its block "
    "I/O has no operation counts on cgroup v2 and leaves out nested groups on cgroup v1, and its "
    "fail count on cgroup v2 does not count hits of the limit. Page faults of the container alone, "
    "without its children, exist on cgroup v1 only. `pressure` is the kernel's alone, and only "
    "where pressure stall information is switched on; else `weir_container_absent` says so.\n";

static const struct scope scopes[] = {
    {
        .title = "Per container",
        .text = "One value per container, with the base labels.",
        .metrics = container_metrics,
        .tiers = true,
        .count = CONTAINER_METRICS,
        .base_labels = "",
        .more_labels = "",
    },
    {
        .title = "Per container and network interface",
        .text = "The base labels, and `interface`.",
        .metrics = interface_metrics,
        .tiers = true,
        .count = INTERFACE_METRICS,
        .base_labels = "`interface`",
        .more_labels = "",
    },
    {
        .title = "Per container and block device",
        .text = "The base labels, and `device`.",
        .metrics = device_metrics,
        .tiers = true,
        .count = DEVICE_METRICS,
        .base_labels = "`device`",
        .more_labels = "`major`, `minor`",
    },
    {
        .title = "Per container, told apart by further labels",
        .text = "The base labels, and those of the table.",
        .metrics = point_metrics,
        .count = POINT_METRICS,
        .base_labels = "",
        .more_labels = "",
        .variable_labels = true,
        .tiers = true,
    },
    {
        .title = "About weir and its sources",
        .text = "Without the base labels.",
        .metrics = agent_metrics,
        .count = AGENT_METRICS,
        .base_labels = "",
        .more_labels = "",
        .variable_labels = true,
    },
};

static const char *unit_name(enum metric_unit unit)
{
    switch (unit) {
    case UNIT_BYTES:
        return "bytes";
    case UNIT_MICROSECONDS:
        return "microseconds";
    case UNIT_NS:
    case UNIT_MS:
        return "seconds";
    case UNIT_PERCENT:
        return "percent";
    case UNIT_COUNT:
        break;
    }
    return "number";
}

/* Text in a table's cell: what Markdown would take for its own is escaped. */
static void print_cell(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("|<*`\\", *text))
            putchar('\\');
        putchar(*text);
    }
}

static void print_part(const char *text, size_t *count)
{
    if (*text == '\0')
        return;
    printf("%s%s", *count > 0 ? ", " : "", text);
    ++*count;
}

static void print_tiers(unsigned tiers)
{
    static const struct {
        unsigned bits;
        const char *both;
        const char *names[2];
    } sources[] = {
        {TIERS_E1 | TIERS_E2, "engine", {"engine v1", "engine v2"}},
        {TIERS_C1 | TIERS_C2, "cgroup", {"cgroup v1", "cgroup v2"}},
    };
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        unsigned given = tiers & sources[i].bits;
        if (given == sources[i].bits)
            print_part(sources[i].both, &count);
        else if (given)
            print_part(sources[i].names[(given & (TIERS_E1 | TIERS_C1)) ? 0 : 1], &count);
    }
    print_part(tiers & TIERS_S ? "simulated" : "", &count);
    print_part(tiers & TIERS_D ? "derived" : "", &count);
}

/* Where the pair number `index` of constant labels such as a="1",b="2" begins; NULL past the last.
 * Values of constant labels hold neither commas nor quotes. */
static const char *pair_at(const char *labels, size_t index)
{
    for (; index > 0; index--) {
        labels += strcspn(labels, ",");
        labels += *labels == ',';
    }
    return *labels != '\0' ? labels : NULL;
}

static size_t pair_length(const char *pair)
{
    return strcspn(pair, ",");
}

/* Has an earlier line of the entry the same pair at this place? */
static bool pair_is_known(const struct entry *e, size_t line, size_t index)
{
    const char *pair = pair_at(e->lines[line]->labels, index);
    for (size_t i = 0; i < line; i++) {
        const char *other = pair_at(e->lines[i]->labels, index);
        if (pair_length(pair) == pair_length(other) && memcmp(pair, other, pair_length(pair)) == 0)
            return true;
    }
    return false;
}

/* The values the lines have for their label number `index`; returns how many. */
static size_t print_values(const struct entry *e, size_t index)
{
    size_t values = 0;
    for (size_t line = 0; line < e->count; line++) {
        if (pair_is_known(e, line, index))
            continue;
        const char *value = strchr(pair_at(e->lines[line]->labels, index), '"') + 1;
        printf("%s%.*s", values > 0 ? " or " : "", (int)strcspn(value, "\""), value);
        values++;
    }
    return values;
}

static void print_constant_labels(const struct entry *e, size_t *count)
{
    size_t combinations = 1;
    const char *pair;
    for (size_t index = 0; (pair = pair_at(e->lines[0]->labels, index)) != NULL; index++) {
        printf("%s`%.*s` ", *count > 0 ? ", " : "", (int)strcspn(pair, "="), pair);
        combinations *= print_values(e, index);
        ++*count;
    }
    /* Else the row would promise combinations that do not exist. */
    assert(combinations == e->count);
}

static void print_variable_labels(const char *names, size_t *count)
{
    while (*names != '\0') {
        size_t length = strcspn(names, ",");
        printf("%s`%.*s`", *count > 0 ? ", " : "", (int)length, names);
        ++*count;
        names += length + (names[length] == ',');
    }
}

static void print_entry(const struct scope *scope, const struct entry *e)
{
    const struct metric *m = e->lines[0];
    size_t labels = 0;
    printf("| `%s` | %s | %s | %s | ", m->family, metric_type_name(m->type), unit_name(m->unit),
           metric_group_name(m->group));
    print_part(scope->base_labels, &labels);
    if (scope->variable_labels) {
        print_variable_labels(m->labels, &labels);
    } else if (*m->labels != '\0') {
        print_part(scope->more_labels, &labels);
        print_constant_labels(e, &labels);
    }
    printf("%s| ", labels > 0 ? " " : "");
    if (scope->tiers) {
        print_tiers(m->tiers);
        printf(" | ");
    }
    print_cell(m->help);
    printf(" |\n");
}

/* Prints the row of which line `at` is the first; nothing where an earlier line printed it. */
static void print_line(const struct scope *scope, size_t at)
{
    const struct metric *first = &scope->metrics[at];
    struct entry e = {0};
    for (size_t i = 0; i < scope->count; i++) {
        const struct metric *m = &scope->metrics[i];
        if (!text_equal(m->family, first->family) || m->tiers != first->tiers)
            continue;
        if (i < at)
            return;
        assert(e.count < LINES_MAX);
        e.lines[e.count++] = m;
    }
    print_entry(scope, &e);
}

static void print_scope(const struct scope *scope)
{
    printf("\n## %s\n\n%s\n\n", scope->title, scope->text);
    printf("| Family | Type | Unit | Group | Labels |%s Meaning |\n"
           "| --- | --- | --- | --- | --- |%s --- |\n",
           scope->tiers ? " Given by |" : "", scope->tiers ? " --- |" : "");
    for (size_t i = 0; i < scope->count; i++)
        print_line(scope, i);
}

/* The intro, with the groups that are off by default in the place of @@. */
static void print_intro(void)
{
    const char *place = strstr(intro, "@@");
    printf("%.*s", (int)(place - intro), intro);
    size_t count = 0;
    for (enum metric_group group = 0; group < GROUP_ALL; group++)
        if (!(GROUPS_DEFAULT & GROUP_BIT(group)))
            printf("%s`%s`", count++ > 0 ? ", " : "", metric_group_name(group));
    fputs(place + 2, stdout);
}

/* --- names in OTLP --- */

static const char otlp_intro[] =
    "\n## Names in OTLP\n"
    "\n"
    "A push by OTLP has the values of `/metrics`, digit for digit. What a container measures and "
    "OpenTelemetry's conventions (semantic-conventions 1.44, `container.*`) have a name for goes "
    "by "
    "that name, and not by the family's as well, so that nothing is there twice; two values are "
    "added. The host (`id=\"/\"`), services and weir are no containers and keep the families' "
    "names, so that a sum over `container.cpu.time` is one of containers.\n"
    "\n"
    "| OTLP | Kind | Unit | Type | In the place of | Attributes | |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n";

static const char otlp_rules[] =
    "\n"
    "Every other value keeps its family's name exactly, and the labels of its table as attributes: "
    "a counter is a cumulative monotonic sum, a gauge a gauge. Numbers, bytes and microseconds are "
    "integers (a counter above 2^63-1 a double), everything else is a double. Units are UCUM's: "
    "`s`, `By`, `us`, `%`; of numbers what is counted, e.g. `{packet}`, or none. `up` is 1 in "
    "every "
    "round.\n"
    "\n"
    "A counter whose beginning is known has it as its start time: the start of the container, or "
    "of "
    "weir for what weir counts itself. A series that has ended gets one more point, without a "
    "value "
    "and with the flag NO_RECORDED_VALUE.\n"
    "\n"
    "Every container is a resource of its own, and so are the host and each service. weir's own "
    "series, those of engines and `machine_` families have a resource with external labels "
    "alone. The scope is `weir`.\n"
    "\n"
    "| Resource attribute | Value |\n"
    "| --- | --- |\n"
    "| external labels | as configured, of every resource: `service.name`, "
    "`service.instance.id`, `host.name`, ...; one that the resource has itself gives way |\n"
    "| `id` | label `id` |\n"
    "| `simulated` | label `simulated` |\n"
    "| `container.id` | the container's whole id |\n"
    "| `container.name` | label `name` |\n"
    "| `container.image.name` | label `image` without tag and digest |\n"
    "| `container.image.tags` | an array of its tag, where it has one |\n"
    "| `container.image.repo_digests` | an array of name and digest, where it has one |\n"
    "| `container.image.id` | in the place of all three: an image that is named by its id alone, "
    "`sha256:...` |\n"
    "| `container.runtime.name` | `docker`, `podman`, `containerd` or `cri-o`, where the "
    "container's group is named as that one names them |\n"
    "| `container.label.*` | labels `container_label_*`: keys have `_` for every character that a "
    "label name cannot have, as there |\n"
    "| `container`, `pod`, `namespace` | the labels of these names |\n"
    "\n"
    "Of the host and services all labels are resource attributes under their own names.\n";

static const struct metric *metric_of(const struct otlp_line *line)
{
    switch (line->list) {
    case SERIES_CONTAINER:
        return &container_metrics[line->index];
    case SERIES_INTERFACE:
        return &interface_metrics[line->index];
    case SERIES_DEVICE:
        return &device_metrics[line->index];
    case SERIES_POINT:
        return &point_metrics[line->index];
    default:
        abort(); /* the table has lines of containers alone */
    }
}

/* `family{labels}` of the lines that go by the metric's name. */
static void print_places(enum otlp_metric metric)
{
    const char *before = "";
    for (size_t i = 0; i < otlp_line_count; i++) {
        if (otlp_lines[i].metric != metric)
            continue;
        const struct metric *m = metric_of(&otlp_lines[i]);
        bool labels = otlp_lines[i].list != SERIES_POINT && m->labels[0] != '\0';
        printf("%s`%s%s%s%s`", before, m->family, labels ? "{" : "", labels ? m->labels : "",
               labels ? "}" : "");
        before = ", ";
    }
}

static void print_otlp_attributes(enum otlp_metric metric)
{
    const char *variable = "";
    struct entry e = {0};
    struct metric pairs[LINES_MAX] = {0};
    size_t count = 0;
    for (size_t i = 0; i < otlp_line_count; i++) {
        const struct otlp_line *line = &otlp_lines[i];
        if (line->metric != metric)
            continue;
        if (line->list == SERIES_INTERFACE)
            variable = "interface";
        else if (line->list != SERIES_CONTAINER)
            variable = "device";
        pairs[e.count].labels = line->attributes;
        e.lines[e.count] = &pairs[e.count];
        e.count++;
    }
    if (e.count > 0 && e.lines[0]->labels[0] != '\0')
        print_constant_labels(&e, &count);
    if (*variable != '\0')
        printf("%s`%s`", count > 0 ? ", " : "", otlp_attribute_name(variable));
}

static void print_otlp(void)
{
    static const char *const kinds[] = {
        [OTLP_GAUGE] = "gauge",
        [OTLP_UPDOWN] = "sum, cumulative, not monotonic",
        [OTLP_COUNTER] = "sum, cumulative, monotonic",
    };
#define OTLP_TEXT(id_, name_, kind_, unit_, text_) [OTLP_##id_] = (text_),
    static const char *const texts[OTLP_METRICS] = {OTLP_METRIC_LIST(OTLP_TEXT)};
    static const bool doubles[OTLP_METRICS] = {
        [OTLP_UPTIME] = true, [OTLP_CPU_TIME] = true, [OTLP_CPU_USAGE] = true};
    fputs(otlp_intro, stdout);
    for (enum otlp_metric metric = 0; metric < OTLP_METRICS; metric++) {
        const struct otlp_name *name = &otlp_names[metric];
        printf("| `%s` | %s | `%s` | %s | ", name->name, kinds[name->kind], name->unit,
               doubles[metric] ? "double" : "int");
        print_places(metric);
        printf(" | ");
        print_otlp_attributes(metric);
        printf(" | %s |\n", texts[metric]);
    }
    fputs(otlp_rules, stdout);
}

int main(void)
{
    print_intro();
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        print_scope(&scopes[i]);
    print_otlp();
    return ferror(stdout) || fflush(stdout) != 0 ? 1 : 0;
}
