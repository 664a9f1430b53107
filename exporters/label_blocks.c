/* What it knows: which labels a container's series carry (docs/METRICS.md) and how label values are
 * written in the Prometheus text format (the exposition formats page of prometheus.io). */
#include "exporters/label_blocks.h"

#include "base/alloc.h"
#include "base/snapshot.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes one byte of a value can become: a stray one turns into U+FFFD. */
#define LABEL_GROWTH_MAX 3
/* Bytes reserved for a container before the first is formatted: an id, a name, an image and two or
 * three Compose labels. */
#define LABEL_ROW_GUESS 384

/* Writes the value and returns where it ends; there is room for LABEL_GROWTH_MAX bytes each. */
static char *write_escaped(char *at, const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0';) {
        if (*p < 0x80) {
            if (*p == '\\' || *p == '"' || *p == '\n')
                *at++ = '\\';
            *at++ = *p == '\n' ? 'n' : (char)*p;
            p++;
            continue;
        }
        size_t length = text_utf8_length((const char *)p);
        memcpy(at, length ? (const char *)p : "\xEF\xBF\xBD", length ? length : 3);
        at += length ? length : 3;
        p += length ? length : 1;
    }
    return at;
}

void label_add(struct buf *b, const char *name, size_t name_length, const char *value)
{
    if (!value || value[0] == '\0')
        return;
    size_t value_length = strlen(value);
    size_t most = name_length + LABEL_GROWTH_MAX * value_length + sizeof "=\"\",";
    if (value_length > b->maximum || b->failed || buf_reserve(b, most) < 0) {
        b->failed = true;
        return;
    }
    char *at = b->data + b->length;
    memcpy(at, name, name_length);
    at += name_length;
    memcpy(at, "=\"", 2);
    at = write_escaped(at + 2, value);
    memcpy(at, "\",", 3);
    b->length = (size_t)(at + 2 - b->data);
}

static void add_label(struct buf *b, const char *name, const char *value)
{
    label_add(b, name, strlen(name), value);
}

static struct label_span span_since(const struct buf *b, size_t start)
{
    return (struct label_span){.start = start, .length = b->length - start};
}

static struct label_span format_identity(struct buf *b, const struct identity *i)
{
    size_t start = b->length;
    add_label(b, "id", i->cgroup_path);
    add_label(b, "image", i->image);
    add_label(b, "name", i->name);
    for (size_t l = 0; l < i->label_count; l++)
        add_label(b, i->labels[l].name, i->labels[l].value);
    add_label(b, "simulated", i->simulated ? "true" : NULL);
    return span_since(b, start);
}

/* Fills two spans: the second begins where the first does and goes on with the numbers. */
static void format_device(struct buf *b, const struct device_row *device,
                          struct label_span spans[2])
{
    size_t start = b->length;
    add_label(b, "device", device->name);
    spans[0] = span_since(b, start);
    (void)buf_add_string(b, "major=\"");
    (void)buf_add_u64(b, device->major);
    (void)buf_add_string(b, "\",minor=\"");
    (void)buf_add_u64(b, device->minor);
    (void)buf_add_string(b, "\",");
    spans[1] = span_since(b, start);
}

static size_t count_spans(const struct snapshot *s)
{
    size_t count = 0;
    for (size_t r = 0; r < s->row_count; r++)
        count += s->rows[r].interface_count + 2 * s->rows[r].device_count;
    return count;
}

int label_blocks_init(struct label_blocks *ret, const struct snapshot *s, size_t maximum)
{
    buf_init(&ret->text, maximum);
    ret->rows = alloc_zeroed(s->row_count + 1, sizeof *ret->rows);
    ret->spans = alloc_zeroed(count_spans(s) + 1, sizeof *ret->spans);
    if (s->row_count < maximum / LABEL_ROW_GUESS)
        (void)buf_reserve(&ret->text, s->row_count * LABEL_ROW_GUESS);

    size_t next = 0;
    for (size_t r = 0; r < s->row_count; r++) {
        const struct container_row *row = &s->rows[r];
        ret->rows[r].base = format_identity(&ret->text, row->identity);
        ret->rows[r].first = next;
        for (size_t i = 0; i < row->interface_count; i++) {
            size_t start = ret->text.length;
            add_label(&ret->text, "interface", row->interfaces[i].name);
            ret->spans[next++] = span_since(&ret->text, start);
        }
        for (size_t d = 0; d < row->device_count; d++, next += 2)
            format_device(&ret->text, &row->devices[d], &ret->spans[next]);
    }
    return ret->text.failed ? -EMSGSIZE : 0;
}

void label_blocks_done(struct label_blocks *l)
{
    buf_done(&l->text);
    free(l->rows);
    free(l->spans);
}
