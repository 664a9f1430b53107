/* What it knows: the Prometheus text format 0.0.4 (the exposition formats page of prometheus.io)
 * and OpenMetrics 1.0.0 (its specification, "Text format"). Samples are written alike; they differ
 * in the lines before a family's samples and in the last line. */
#include "exporters/decimal.h"
#include "exporters/exposition.h"

/* Bytes one byte of a value can become: a stray one turns into U+FFFD. */
#define LABEL_GROWTH_MAX 3
/* What OpenMetrics calls a counter has samples of this ending, which its family's name has not. */
#define TOTAL_SUFFIX "_total"

/* Writes the value and returns where it ends; there is room for LABEL_GROWTH_MAX bytes each. */
static char *put_escaped(char *at, const char *value)
{
    while (*value != '\0') {
        if ((unsigned char)*value >= 0x80) {
            at = piece_put(at, label_character(&value));
            continue;
        }
        if (*value == '\\' || *value == '"' || *value == '\n')
            *at++ = '\\';
        *at++ = *value == '\n' ? 'n' : *value;
        value++;
    }
    return at;
}

/* name="value" and a comma. */
static void add_label(struct buf *b, const char *name, size_t name_length, const char *value)
{
    if (!value || value[0] == '\0')
        return;
    size_t most = name_length + LABEL_GROWTH_MAX * strlen(value) + sizeof "=\"\",";
    char *at = exposition_room(b, most);
    if (!at)
        return;
    memcpy(at, name, name_length);
    at += name_length;
    memcpy(at, "=\"", 2);
    at = put_escaped(at + 2, value);
    memcpy(at, "\",", 3);
    b->length = (size_t)(at + 2 - b->data);
}

/* One line. Labels each end with a comma. The room is asked for once, generously: the last bytes
 * before the buffer's maximum stay unused. */
static void add_sample(struct exposition *e, struct piece labels, struct piece more, uint64_t value)
{
    size_t most = e->family.length + labels.length + more.length + e->constant.length +
                  DECIMAL_MAX + sizeof "{} \n";
    char *at = exposition_room(e->out, most);
    if (!at)
        return;
    at = piece_put(at, e->family);
    char *open = at;
    *at++ = '{';
    at = piece_put(at, labels);
    at = piece_put(at, more);
    at = piece_put(at, e->constant);
    if (at == open + 1)
        at = open; /* no labels, no braces */
    else
        at[-1] = '}';
    *at++ = ' ';
    at += decimal_write_value(at, e->metric, value);
    *at++ = '\n';
    *at = '\0';
    e->out->length = (size_t)(at - e->out->data);
}

/* "# KEYWORD name text"; the bytes of `text` that are in `special` are escaped. */
static void add_head(struct buf *out, const char *keyword, struct piece name, const char *text,
                     const char *special)
{
    (void)buf_add_string(out, keyword);
    (void)buf_add(out, name.bytes, name.length);
    (void)buf_add_char(out, ' ');
    for (;;) {
        size_t plain = strcspn(text, special);
        (void)buf_add(out, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        (void)buf_add_char(out, '\\');
        (void)buf_add_char(out, *text == '\n' ? 'n' : *text);
        text++;
    }
    (void)buf_add_char(out, '\n');
}

static void begin_text(struct exposition *e)
{
    add_head(e->out, "# HELP ", e->family, e->metric->help, "\\\n");
    add_head(e->out, "# TYPE ", e->family, metric_type_name(e->metric->type), "");
}

/* Names stay what they are in every format, so a counter whose name has not the ending that
 * OpenMetrics asks of counters is of no type that it knows. */
static void begin_openmetrics(struct exposition *e)
{
    const size_t suffix = sizeof TOTAL_SUFFIX - 1;
    struct piece name = e->family;
    const char *type = metric_type_name(e->metric->type);
    if (e->metric->type == METRIC_COUNTER) {
        if (name.length > suffix && text_equal(name.bytes + name.length - suffix, TOTAL_SUFFIX))
            name.length -= suffix;
        else
            type = "unknown";
    }
    add_head(e->out, "# TYPE ", name, type, "");
    add_head(e->out, "# HELP ", name, e->metric->help, "\\\n\"");
}

static void end_openmetrics(struct exposition *e)
{
    (void)buf_add_string(e->out, "# EOF\n");
}

static void add_nothing(struct exposition *e)
{
    (void)e;
}

const struct exposition_format exposition_text = {
    .add_label = add_label,
    .begin_family = begin_text,
    .add_sample = add_sample,
    .end_family = add_nothing,
    .end = add_nothing,
};

const struct exposition_format exposition_openmetrics = {
    .add_label = add_label,
    .begin_family = begin_openmetrics,
    .add_sample = add_sample,
    .end_family = add_nothing,
    .end = end_openmetrics,
};
