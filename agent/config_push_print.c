/* What it knows: how destinations are written as the YAML that config_yaml.c reads. */
#include "agent/config_print.h"
#include "agent/config_push_table.h"
#include "base/buf.h"

#include <assert.h>

#define MARGIN "    " /* of a destination's keys, below "  - " */

/* Does the key say something? What is left out reads back as it is. */
static bool is_said(const struct push_destination *d, const struct option *o)
{
    const void *field = option_field_const(o, d);
    switch (o->type) {
    case OPTION_TEXT:
        return *(char *const *)field;
    case OPTION_LIST:
        return ((const struct text_list *)field)->count > 0;
    case OPTION_PAIRS:
        return ((const struct push_pairs *)field)->count > 0;
    case OPTION_SWITCH:
        return *(const bool *)field;
    case OPTION_ENUM: /* how a file is written says nothing where there is none */
        return field != &d->queue_sync || d->queue_dir;
    case OPTION_DURATION:
    case OPTION_UNSIGNED:
    case OPTION_SIZE:
        return true;
    }
    __builtin_unreachable();
}

static void print_destination(const struct push_destination *d, struct buf *ret)
{
    static const char first[] = "  - ";
    struct print_mapping m = {.base = d, .margin = MARGIN, .previous = ""};
    _Static_assert(sizeof first == sizeof MARGIN, "the first key stands above the others");
    assert(d->name); /* it is complete */
    for (size_t i = 0; i < push_table.count; i++) {
        const struct option *o = &push_table.items[i];
        if (!is_said(d, o))
            continue;
        m.margin = i == 0 ? first : MARGIN;
        config_print_option(ret, &m, o);
    }
    if (d->secret_headers.count > 0)
        (void)buf_add_format(ret, MARGIN "# and %zu header%s of OTEL_EXPORTER_OTLP_HEADERS\n",
                             d->secret_headers.count, d->secret_headers.count == 1 ? "" : "s");
}

void config_push_print(const struct config *c, struct buf *ret)
{
    (void)buf_add_string(ret, c->push.count > 0 ? "push:\n" : "push: []\n");
    for (size_t i = 0; i < c->push.count; i++)
        print_destination(&c->push.items[i], ret);
}
