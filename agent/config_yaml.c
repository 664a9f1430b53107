/* What it knows: how the options lie in a YAML file, and that no mistake in one is passed over. Of
 * YAML mappings, sequences and scalars are used; config_events.c refuses the rest. The section push
 * is a list of mappings with options of their own. */
#include "agent/config_yaml.h"

#include "agent/config_events.h"
#include "agent/config_push_table.h"
#include "agent/config_text.h"
#include "agent/config_value.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX 192 /* bytes: the keys a section may have, as part of one sentence */
#define WHAT_MAX 320 /* bytes: a shown key, the section it is in, a hint */

static const char push_key[] = "push";

/* What reads a mapping into a struct: the whole file into the configuration, or a destination. */
struct reader {
    struct config_source *source;
    const struct option_table *table;
    void *base; /* what the options of the table write */
    uint64_t *given;
    const char *name;      /* of the mapping, "" for the whole file */
    struct config *config; /* NULL in a destination */
};

#define FULL_NAME_MAX (OPTION_NAME_MAX + sizeof push_key) /* bytes: push, a dot, an option */

/* The name of an option or a section for messages: "collect", "push.tls", "" for the whole file. */
struct full_name {
    char text[FULL_NAME_MAX];
};

static struct full_name name_of(const struct reader *r, const char *path)
{
    struct full_name name;
    (void)snprintf(name.text, sizeof name.text, "%s%s%s", r->name,
                   r->name[0] != '\0' && path[0] != '\0' ? "." : "", path);
    return name;
}

/* Says what is wrong with an event in the section `path`, and which keys there may be. */
static int refuse_in_section(const struct reader *r, const yaml_event_t *event, const char *path,
                             const char *what)
{
    struct buf keys;
    buf_init(&keys, KEYS_MAX);
    option_add_keys(r->table, path, &keys);
    if (r->config && path[0] == '\0')
        (void)buf_add_format(&keys, ", %s", push_key);
    assert(!keys.failed);
    int result = err_set(r->source->e, -EINVAL, "%s: %s; allowed: %s",
                         source_origin(r->source, event->start_mark).text, what, keys.data);
    buf_done(&keys);
    return result;
}

/* What others call a thing is offered too. */
static void offer_aliases(const struct reader *r, const char *path, struct nearest *near)
{
    if (r->config && path[0] == '\0') {
        nearest_offer(near, push_key, push_key);
        nearest_offer(near, "remote_write", push_key);
        nearest_offer(near, "otlp", push_key);
    }
    for (size_t i = 0; !r->config && push_aliases[i].path; i++)
        if (text_equal(push_aliases[i].path, path))
            nearest_offer(near, push_aliases[i].word, push_aliases[i].label);
}

static int refuse_key(const struct reader *r, const yaml_event_t *event, const char *path,
                      const char *key)
{
    char what[WHAT_MAX];
    char keys[OPTION_MAX][OPTION_NAME_MAX];
    struct nearest near = {.given = key};
    struct full_name name = name_of(r, path);
    for (size_t i = 0; i < r->table->count; i++) {
        option_key_below(&r->table->items[i], path, keys[i]);
        if (keys[i][0] != '\0')
            nearest_offer(&near, keys[i], keys[i]);
    }
    offer_aliases(r, path, &near);
    (void)snprintf(what, sizeof what, "unknown key \"%s\"%s%s%s%s", text_show(key).text,
                   name.text[0] != '\0' ? " in " : "", name.text,
                   strchr(key, '.') ? ", where a.b is written as b in a section a" : "",
                   nearest_hint(&near, "").text);
    return refuse_in_section(r, event, path, what);
}

/* FILE:LINE:COLUMN and the option that has its value there. */
static struct origin origin_of(const struct reader *r, const yaml_event_t *event,
                               const struct option *o)
{
    struct origin origin = source_origin(r->source, event->start_mark);
    size_t length = strlen(origin.text);
    (void)snprintf(origin.text + length, sizeof origin.text - length, ": %s",
                   name_of(r, o->name).text);
    return origin;
}

static void *field_of(const struct reader *r, const struct option *o)
{
    return option_field(o, r->base);
}

/* The text of a scalar that is a value; NULL with the error where it is none. */
static const char *value_text(const struct reader *r, const yaml_event_t *event,
                              const struct option *o)
{
    const char *text = event_text(event);
    const char *what = NULL;
    if (!text)
        what = "the value has a NUL in it";
    else if (event_is_null(event))
        what = "there is no value";
    if (!what)
        return text;
    (void)config_refuse(o, origin_of(r, event, o).text, what, r->source->e);
    return NULL;
}

/* Gives the scalar to the option: an item of a list, or the value itself. */
static int read_scalar(const struct reader *r, const yaml_event_t *event, const struct option *o)
{
    struct origin origin = origin_of(r, event, o);
    const char *text = value_text(r, event, o);
    if (!text)
        return -EINVAL;
    if (o->type == OPTION_LIST)
        return option_add_item(o, field_of(r, o), origin.text, text, r->source->e);
    return option_set_field(o, field_of(r, o), origin.text, text, r->source->e);
}

/* `start` is the event that began the sequence. */
static int read_list(const struct reader *r, const yaml_event_t *start, const struct option *o)
{
    option_done_field(o, field_of(r, o));
    for (;;) {
        CLEANUP_EVENT yaml_event_t item = {0};
        int result = source_next(r->source, &item);
        if (result == 0 && item.type == YAML_SEQUENCE_END_EVENT)
            return option_check_list(o, field_of(r, o), origin_of(r, start, o).text, r->source->e);
        if (result == 0 && item.type != YAML_SCALAR_EVENT)
            result = config_refuse(o, origin_of(r, &item, o).text,
                                   "an item of a list is a single value", r->source->e);
        if (result == 0)
            result = read_scalar(r, &item, o);
        if (result < 0)
            return result;
    }
}

/* The value of a pair; `name` is the event of its key. */
static int read_pair(const struct reader *r, const yaml_event_t *name, const struct option *o)
{
    CLEANUP_EVENT yaml_event_t value = {0};
    int result = source_next(r->source, &value);
    if (result < 0)
        return result;
    if (name->type != YAML_SCALAR_EVENT || !event_text(name))
        return config_refuse(o, origin_of(r, name, o).text, "this is no name", r->source->e);
    if (value.type != YAML_SCALAR_EVENT)
        return config_refuse(o, origin_of(r, &value, o).text, "a single value is needed",
                             r->source->e);
    const char *text = value_text(r, &value, o);
    if (!text)
        return -EINVAL;
    return option_add_pair(o, field_of(r, o), origin_of(r, name, o).text, event_text(name), text,
                           r->source->e);
}

/* What follows the begin of a mapping. */
static int read_pairs(const struct reader *r, const struct option *o)
{
    for (;;) {
        CLEANUP_EVENT yaml_event_t name = {0};
        int result = source_next(r->source, &name);
        if (result == 0 && name.type == YAML_MAPPING_END_EVENT)
            return 0;
        if (result == 0)
            result = read_pair(r, &name, o);
        if (result < 0)
            return result;
    }
}

static int read_option(const struct reader *r, const struct option *o)
{
    static const char *const needed[] = {
        [OPTION_LIST] = "a list is needed: [A, B], or \"- A\" on a line for each item",
        [OPTION_PAIRS] = "a section with lines NAME: VALUE is needed",
    };
    CLEANUP_EVENT yaml_event_t value = {0};
    int result = source_next(r->source, &value);
    if (result < 0)
        return result;
    *r->given |= UINT64_C(1) << (o - r->table->items);
    if (o->type == OPTION_LIST && value.type == YAML_SEQUENCE_START_EVENT)
        return read_list(r, &value, o);
    if (o->type == OPTION_PAIRS && value.type == YAML_MAPPING_START_EVENT)
        return read_pairs(r, o);
    bool single = o->type != OPTION_LIST && o->type != OPTION_PAIRS;
    if (single && value.type == YAML_SCALAR_EVENT)
        return read_scalar(r, &value, o);
    return config_refuse(o, origin_of(r, &value, o).text,
                         single ? "a single value is needed, not a list and not a section"
                                : needed[o->type],
                         r->source->e);
}

static int read_section(const struct reader *r, const char *path);
static int read_push(const struct reader *r);

/* Reads the value of a key that leads from the section `path` to `o` or a section around it. */
static int read_value(const struct reader *r, const struct option *o, const char *path,
                      const char *key)
{
    const char *rest = option_name_below(o, path);
    if (text_equal(rest, key))
        return read_option(r, o);
    char section[OPTION_NAME_MAX];
    (void)snprintf(section, sizeof section, "%.*s", (int)(rest + strlen(key) - o->name), o->name);
    return read_section(r, section);
}

/* Reads the value of a key in the section `path`. `seen` has a place for each option, and one for
 * push; a section takes that of its first one. */
static int read_key(const struct reader *r, const yaml_event_t *event, const char *path,
                    bool seen[])
{
    const char *key = event->type == YAML_SCALAR_EVENT ? event_text(event) : NULL;
    size_t at = 0;
    if (!key)
        return refuse_in_section(r, event, path, "this is no key");
    for (; at < r->table->count; at++) {
        char own[OPTION_NAME_MAX];
        option_key_below(&r->table->items[at], path, own);
        if (own[0] != '\0' && text_equal(own, key))
            break;
    }
    bool is_push = r->config && path[0] == '\0' && text_equal(key, push_key);
    if (at == r->table->count && !is_push)
        return refuse_key(r, event, path, key);
    if (seen[at])
        return refuse_in_section(r, event, path, "this key is there twice");
    seen[at] = true;
    return is_push ? read_push(r) : read_value(r, &r->table->items[at], path, key);
}

/* The keys and values up to the end of the mapping. */
static int read_keys(const struct reader *r, const char *path)
{
    bool seen[OPTION_MAX + 1] = {false};
    for (;;) {
        CLEANUP_EVENT yaml_event_t key = {0};
        int result = source_next(r->source, &key);
        if (result == 0 && key.type == YAML_MAPPING_END_EVENT)
            return 0;
        if (result == 0)
            result = read_key(r, &key, path, seen);
        if (result < 0)
            return result;
    }
}

/* What stands at `path`, "" for the whole document: a mapping, or nothing, which is what is left
 * when every line of a section is a comment. The table bounds the depth. */
static int read_section(const struct reader *r, const char *path)
{
    CLEANUP_EVENT yaml_event_t event = {0};
    int result = source_next(r->source, &event);
    if (result < 0 || event_is_null(&event))
        return result;
    if (event.type == YAML_MAPPING_START_EVENT)
        return read_keys(r, path);
    return refuse_in_section(r, &event, path, "a section with keys is needed");
}

/* A destination whose mapping `start` begins; it belongs to the configuration also when it is
 * refused. */
static int read_destination(const struct reader *r, const yaml_event_t *start)
{
    struct push_destinations *all = &r->config->push;
    if (all->count == PUSH_DESTINATIONS_MAX)
        return source_refuse(r->source, start,
                             "push: more than 8 destinations, the most there are");
    all->items = alloc_resize(all->items, all->count + 1, sizeof *all->items);
    struct push_destination *d = &all->items[all->count++];
    *d = (struct push_destination){
        .place = alloc_format("%s: push", source_origin(r->source, start->start_mark).text)};
    const struct reader destination = {
        .source = r->source, .table = &push_table, .base = d, .given = &d->given, .name = push_key};
    if (start->type == YAML_MAPPING_START_EVENT)
        return read_keys(&destination, "");
    return refuse_in_section(&destination, start, "", "a destination is a section with keys");
}

static int read_destinations(const struct reader *r)
{
    for (;;) {
        CLEANUP_EVENT yaml_event_t event = {0};
        int result = source_next(r->source, &event);
        if (result == 0 && event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (result == 0)
            result = read_destination(r, &event);
        if (result < 0)
            return result;
    }
}

/* A list of destinations, one alone, or nothing. */
static int read_push(const struct reader *r)
{
    CLEANUP_EVENT yaml_event_t event = {0};
    int result = source_next(r->source, &event);
    if (result < 0 || event_is_null(&event))
        return result;
    return event.type == YAML_SEQUENCE_START_EVENT ? read_destinations(r)
                                                   : read_destination(r, &event);
}

static int read_file(void *context)
{
    return read_section(context, "");
}

int config_yaml_apply(const char *name, const char *yaml, size_t length, struct err *e,
                      struct config *c)
{
    struct config_source source;
    struct reader r = {.source = &source,
                       .table = &config_table,
                       .base = c,
                       .given = &c->given,
                       .name = "",
                       .config = c};
    if (length > CONFIG_FILE_MAX)
        return err_set(e, -EMSGSIZE, "%s: larger than 1 MiB, the most a configuration may be",
                       name);
    int result = source_open(&source, name, yaml, length, e);
    if (result < 0)
        return result;
    result = source_document(&source, read_file, &r);
    source_close(&source);
    return result;
}
