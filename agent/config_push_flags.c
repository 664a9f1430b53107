/* What it knows: the flags --push.* are one destination, in the place of those of the file. */
#include "agent/config_notice.h"
#include "agent/config_pairs.h"
#include "agent/config_push_parts.h"
#include "agent/config_push_table.h"
#include "agent/config_value.h"
#include "base/alloc.h"
#include "base/err.h"
#include "exporters/push_format.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The flags of the one destination and the keys they stand for. */
static const struct {
    const char *option;
    const char *key;
} flag_keys[] = {
    {"push.url", "url"},
    {"push.protocol", "protocol"},
    {"push.interval", "interval"},
    {"push.bearer-token-file", "bearer-token-file"},
    {"push.queue-dir", "queue.dir"},
    {"push.queue-max-bytes", "queue.max-bytes"},
};
#define FLAG_KEYS (sizeof flag_keys / sizeof flag_keys[0])

/* Was the option given, and not as nothing? */
static bool is_set(const struct config *c, const struct option *o)
{
    if (!config_was_given(c, o))
        return false;
    if (o->type == OPTION_TEXT)
        return **(char *const *)option_field_const(o, c) != '\0';
    return o->type != OPTION_LIST ||
           ((const struct text_list *)option_field_const(o, c))->count > 0;
}

static void copy_field(const struct option *from, const struct config *c, const struct option *to,
                       struct push_destination *d)
{
    const void *source = option_field_const(from, c);
    void *target = option_field(to, d);
    assert(from->type == to->type);
    if (from->type == OPTION_TEXT)
        *(char **)target = alloc_string(*(char *const *)source);
    else if (from->type == OPTION_ENUM)
        *(unsigned *)target = *(const unsigned *)source;
    else
        *(uint64_t *)target = *(const uint64_t *)source;
}

static int add_flag_labels(const struct config *c, struct push_destination *d, struct err *e)
{
    const struct text_list *labels = &c->push_external_label;
    const struct option *o = &push_table.items[push_key_index("external-labels")];
    int r = 0;
    for (size_t i = 0; r == 0 && i < labels->count; i++) {
        char *equals = strchr(labels->items[i], '='); /* check_push_label saw it */
        char *name = alloc_copy(labels->items[i], (size_t)(equals - labels->items[i]));
        r = option_add_pair(o, &d->external_labels, "push.external-label", name, equals + 1, e);
        free(name);
    }
    return r;
}

/* The destination of the flags and variables, in the place of the file's. */
int push_flags_take(struct config *c, struct err *e)
{
    struct push_destination *d = alloc_zeroed(1, sizeof *d);
    if (c->push.count > 0)
        config_notice_add(c, LOG_LEVEL_WARN,
                          "push.url is the only destination: the %zu of the section push of %s are "
                          "left out",
                          c->push.count, c->config_file ? c->config_file : "the file");
    push_destinations_done(&c->push);
    c->push = (struct push_destinations){d, 1};
    d->place = alloc_string("push.url");
    for (size_t i = 0; i < FLAG_KEYS; i++) {
        const struct option *from = option_find(flag_keys[i].option);
        size_t key = push_key_index(flag_keys[i].key);
        if (!is_set(c, from))
            continue;
        d->given |= UINT64_C(1) << key;
        copy_field(from, c, &push_table.items[key], d);
    }
    return add_flag_labels(c, d, e);
}

/* Flags for a destination that nobody named. */
int push_flags_refuse(const struct config *c, struct err *e)
{
    for (size_t i = 0; i < config_option_count; i++) {
        const struct option *o = &config_options[i];
        if (!text_starts_with(o->name, "push.") || !is_set(c, o))
            continue;
        return err_set(e, -EINVAL, "%s: %s", o->name,
                       c->push.count > 0
                           ? "belongs to a destination named by push.url; those of the file have "
                             "keys of their own"
                           : "there is no destination; name one with --push.url=URL");
    }
    return 0;
}

bool push_flags_given(const struct config *c)
{
    if (*c->push_url != '\0')
        return true;
    return is_set(c, option_find("push.protocol")) && c->push_protocol == PUSH_OTLP;
}
