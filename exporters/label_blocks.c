/* What it knows: which labels a container's series carry, and in which order (docs/METRICS.md). */
#include "exporters/label_blocks.h"

#include "base/alloc.h"
#include "base/snapshot.h"
#include "exporters/decimal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes reserved for a container before the first is formatted: an id, a name, an image and two or
 * three Compose labels. */
#define LABEL_ROW_GUESS 384

static void add_label(struct label_blocks *l, const char *name, const char *value)
{
    l->add(&l->bytes, name, strlen(name), value);
}

static struct label_span span_since(const struct buf *b, size_t start)
{
    return (struct label_span){.start = start, .length = b->length - start};
}

static struct label_span format_identity(struct label_blocks *l, const struct identity *i)
{
    size_t start = l->bytes.length;
    add_label(l, "id", i->cgroup_path);
    add_label(l, "image", i->image);
    add_label(l, "name", i->name);
    for (size_t n = 0; n < i->label_count; n++)
        add_label(l, i->labels[n].name, i->labels[n].value);
    add_label(l, "simulated", i->simulated ? "true" : NULL);
    return span_since(&l->bytes, start);
}

static void add_number(struct label_blocks *l, const char *name, uint32_t number)
{
    char digits[DECIMAL_MAX + 1];
    digits[decimal_write(digits, number, 0)] = '\0';
    add_label(l, name, digits);
}

/* Fills two spans: the second begins where the first does and goes on with the numbers. */
static void format_device(struct label_blocks *l, const struct device_row *device,
                          struct label_span spans[2])
{
    size_t start = l->bytes.length;
    add_label(l, "device", device->name);
    spans[0] = span_since(&l->bytes, start);
    add_number(l, "major", device->major);
    add_number(l, "minor", device->minor);
    spans[1] = span_since(&l->bytes, start);
}

static size_t count_spans(const struct snapshot *s)
{
    size_t count = 0;
    for (size_t r = 0; r < s->row_count; r++)
        count += s->rows[r].interface_count + 2 * s->rows[r].device_count;
    return count;
}

int label_blocks_init(struct label_blocks *ret, const struct snapshot *s, label_add_fn *add,
                      size_t maximum)
{
    ret->add = add;
    buf_init(&ret->bytes, maximum);
    ret->rows = alloc_zeroed(s->row_count + 1, sizeof *ret->rows);
    ret->spans = alloc_zeroed(count_spans(s) + 1, sizeof *ret->spans);
    if (s->row_count < maximum / LABEL_ROW_GUESS)
        (void)buf_reserve(&ret->bytes, s->row_count * LABEL_ROW_GUESS);

    size_t next = 0;
    for (size_t r = 0; r < s->row_count; r++) {
        const struct container_row *row = &s->rows[r];
        ret->rows[r].base = format_identity(ret, row->identity);
        ret->rows[r].first = next;
        for (size_t i = 0; i < row->interface_count; i++) {
            size_t start = ret->bytes.length;
            add_label(ret, "interface", row->interfaces[i].name);
            ret->spans[next++] = span_since(&ret->bytes, start);
        }
        for (size_t d = 0; d < row->device_count; d++, next += 2)
            format_device(ret, &row->devices[d], &ret->spans[next]);
    }
    return ret->bytes.failed ? -EMSGSIZE : 0;
}

void label_blocks_done(struct label_blocks *l)
{
    buf_done(&l->bytes);
    free(l->rows);
    free(l->spans);
}
