/* What it knows: how the options lie in a YAML file, and that no mistake in one is passed over. Of
 * YAML mappings, sequences and scalars are used; config_events.c refuses the rest. */
#include "agent/config_yaml.h"

#include "agent/config_events.h"
#include "agent/config_text.h"
#include "agent/config_value.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX 192 /* bytes: the keys a section may have, as part of one sentence */
#define WHAT_MAX 256 /* bytes: a shown key, the section it is in, a hint */

struct reader {
    struct config_source source;
    struct config *config;
};

/* Says what is wrong with an event in the section `path`, and which keys there may be. */
static int refuse_in_section(const struct reader *r, const yaml_event_t *event, const char *path,
                             const char *what)
{
    struct buf keys;
    buf_init(&keys, KEYS_MAX);
    option_add_keys(path, &keys);
    assert(!keys.failed);
    int result = err_set(r->source.e, -EINVAL, "%s: %s; allowed: %s",
                         source_origin(&r->source, event->start_mark).text, what, keys.data);
    buf_done(&keys);
    return result;
}

static int refuse_key(const struct reader *r, const yaml_event_t *event, const char *path,
                      const char *key)
{
    char what[WHAT_MAX];
    char keys[OPTION_MAX][OPTION_NAME_MAX];
    struct nearest near = {.given = key};
    for (size_t i = 0; i < config_option_count; i++) {
        option_key_below(&config_options[i], path, keys[i]);
        if (keys[i][0] != '\0')
            nearest_offer(&near, keys[i], keys[i]);
    }
    (void)snprintf(what, sizeof what, "unknown key \"%s\"%s%s%s%s", text_show(key).text,
                   path[0] != '\0' ? " in " : "", path,
                   strchr(key, '.') ? ", where a.b is written as b in a section a" : "",
                   nearest_hint(&near, "").text);
    return refuse_in_section(r, event, path, what);
}

/* FILE:LINE:COLUMN and the option that has its value there. */
static struct origin origin_of(const struct reader *r, const yaml_event_t *event,
                               const struct option *o)
{
    struct origin origin = source_origin(&r->source, event->start_mark);
    size_t length = strlen(origin.text);
    (void)snprintf(origin.text + length, sizeof origin.text - length, ": %s", o->name);
    return origin;
}

/* Gives the scalar to the option: an item of a list, or the value itself. */
static int read_scalar(struct reader *r, const yaml_event_t *event, const struct option *o)
{
    struct origin origin = origin_of(r, event, o);
    const char *text = event_text(event);
    if (!text)
        return config_refuse(o, origin.text, "the value has a NUL in it", r->source.e);
    if (event_is_null(event))
        return config_refuse(o, origin.text, "there is no value", r->source.e);
    if (o->type == OPTION_LIST)
        return config_add_item(r->config, o, origin.text, text, r->source.e);
    return config_set(r->config, o, origin.text, text, r->source.e);
}

/* `start` is the event that began the sequence. */
static int read_list(struct reader *r, const yaml_event_t *start, const struct option *o)
{
    config_clear_list(r->config, o);
    for (;;) {
        CLEANUP_EVENT yaml_event_t item = {0};
        int result = source_next(&r->source, &item);
        if (result == 0 && item.type == YAML_SEQUENCE_END_EVENT)
            return config_check_list(r->config, o, origin_of(r, start, o).text, r->source.e);
        if (result == 0 && item.type != YAML_SCALAR_EVENT)
            result = config_refuse(o, origin_of(r, &item, o).text,
                                   "an item of a list is a single value", r->source.e);
        if (result == 0)
            result = read_scalar(r, &item, o);
        if (result < 0)
            return result;
    }
}

static int read_option(struct reader *r, const struct option *o)
{
    CLEANUP_EVENT yaml_event_t value = {0};
    int result = source_next(&r->source, &value);
    if (result < 0)
        return result;
    bool list = o->type == OPTION_LIST;
    if (list && value.type == YAML_SEQUENCE_START_EVENT)
        return read_list(r, &value, o);
    if (!list && value.type == YAML_SCALAR_EVENT)
        return read_scalar(r, &value, o);
    return config_refuse(o, origin_of(r, &value, o).text,
                         list ? "a list is needed: [A, B], or \"- A\" on a line for each item"
                              : "a single value is needed, not a list and not a section",
                         r->source.e);
}

static int read_section(struct reader *r, const char *path);

/* Reads the value of a key that leads from the section `path` to `o` or a section around it. */
static int read_value(struct reader *r, const struct option *o, const char *path, const char *key)
{
    const char *rest = option_name_below(o, path);
    if (text_equal(rest, key))
        return read_option(r, o);
    char section[OPTION_NAME_MAX];
    (void)snprintf(section, sizeof section, "%.*s", (int)(rest + strlen(key) - o->name), o->name);
    return read_section(r, section);
}

/* Reads the value of a key in the section `path`. `seen` has a place for each option; a section
 * takes that of its first one. */
static int read_key(struct reader *r, const yaml_event_t *event, const char *path, bool seen[])
{
    const char *key = event->type == YAML_SCALAR_EVENT ? event_text(event) : NULL;
    if (!key)
        return refuse_in_section(r, event, path, "this is no key");
    for (size_t i = 0; i < config_option_count; i++) {
        char own[OPTION_NAME_MAX];
        option_key_below(&config_options[i], path, own);
        if (own[0] == '\0' || !text_equal(own, key))
            continue;
        if (seen[i])
            return refuse_in_section(r, event, path, "this key is there twice");
        seen[i] = true;
        return read_value(r, &config_options[i], path, key);
    }
    return refuse_key(r, event, path, key);
}

/* The keys and values up to the end of the mapping. */
static int read_keys(struct reader *r, const char *path)
{
    bool seen[OPTION_MAX] = {false};
    for (;;) {
        CLEANUP_EVENT yaml_event_t key = {0};
        int result = source_next(&r->source, &key);
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
static int read_section(struct reader *r, const char *path)
{
    CLEANUP_EVENT yaml_event_t event = {0};
    int result = source_next(&r->source, &event);
    if (result < 0 || event_is_null(&event))
        return result;
    if (event.type == YAML_MAPPING_START_EVENT)
        return read_keys(r, path);
    return refuse_in_section(r, &event, path, "a section with keys is needed");
}

static int read_file(void *context)
{
    return read_section(context, "");
}

int config_yaml_apply(const char *name, const char *yaml, size_t length, struct err *e,
                      struct config *c)
{
    struct reader r = {.config = c};
    if (length > CONFIG_FILE_MAX)
        return err_set(e, -EMSGSIZE, "%s: larger than 1 MiB, the most a configuration may be",
                       name);
    int result = source_open(&r.source, name, yaml, length, e);
    if (result < 0)
        return result;
    result = source_document(&r.source, read_file, &r);
    source_close(&r.source);
    return result;
}
