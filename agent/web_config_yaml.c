/* What it knows: how a strict section lies in YAML: keys that are known and come once, and values
 * of the type that the key has. Plain words for yes and no, and what is nothing, are those of
 * YAML 1.1, as the toolkit's reader takes them. */
#include "agent/config_text.h"
#include "agent/web_config_reader.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALLOWED_MAX 256  /* bytes: the keys of a section, as part of one sentence */
#define LIST_MAX    1024 /* items: some fifty times the ciphers there are */

int web_refuse(const struct web_reader *r, yaml_mark_t mark, const char *fmt, ...)
{
    char what[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return err_set(r->source.e, -EINVAL, "%s: %s", source_origin(&r->source, mark).text, what);
}

void web_warn(struct web_reader *r, yaml_mark_t mark, const char *fmt, ...)
{
    char what[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    (void)buf_add_format(&r->warnings, "%s%s: %s", r->warnings.length > 0 ? "; " : "",
                         source_origin(&r->source, mark).text, what);
    assert(!r->warnings.failed);
}

bool web_text_given(const struct web_text *t)
{
    return t->text && t->length > 0;
}

/* Keeps a scalar's text; a NUL would end it too early for everybody who reads it. */
static int keep_text(struct web_reader *r, const yaml_event_t *event, const char *name,
                     struct web_text *ret)
{
    const char *text = event_text(event);
    if (!text)
        return web_refuse(r, event->start_mark, "%s: there is a NUL in it; leave it out", name);
    *ret = (struct web_text){
        .text = arena_string(&r->config->memory, text),
        .length = strlen(text),
        .plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
        .mark = event->start_mark,
    };
    return 0;
}

int web_read_text(struct web_reader *r, const char *name, void *target)
{
    CLEANUP_EVENT yaml_event_t event = {0};
    int result = source_next(&r->source, &event);
    if (result < 0)
        return result;
    if (event.type != YAML_SCALAR_EVENT)
        return web_refuse(r, event.start_mark,
                          "%s: a single value is needed, not a list and not a section", name);
    if (event_is_null(&event)) {
        *(struct web_text *)target = (struct web_text){.mark = event.start_mark};
        return 0;
    }
    return keep_text(r, &event, name, target);
}

static bool is_one_of(const char *text, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(text, words[i]))
            return true;
    return false;
}

int web_read_flag(struct web_reader *r, const char *name, void *target)
{
    static const char *const yes[] = {"true", "True", "TRUE", "y",  "Y", "yes",
                                      "Yes",  "YES",  "on",   "On", "ON"};
    static const char *const no[] = {"false", "False", "FALSE", "n",   "N",  "no",
                                     "No",    "NO",    "off",   "Off", "OFF"};
    struct web_text text = {0};
    int result = web_read_text(r, name, &text);
    if (result < 0 || !text.text)
        return result;
    bool is_yes = is_one_of(text.text, yes, sizeof yes / sizeof yes[0]);
    if (!text.plain || (!is_yes && !is_one_of(text.text, no, sizeof no / sizeof no[0])))
        return web_refuse(r, text.mark, "%s: \"%s\" is neither; allowed: true, false, unquoted",
                          name, text_show(text.text).text);
    *(struct web_flag *)target = (struct web_flag){true, is_yes, text.mark};
    return 0;
}

/* A place for one more text; the array doubles when it is full. */
static char **add_place(struct web_reader *r, struct text_list *list)
{
    bool full = (list->count & (list->count - 1)) == 0; /* 0 or a power of two */
    if (full) {
        size_t room = list->count > 0 ? 2 * list->count : 1;
        char **items = arena_alloc(&r->config->memory, room * sizeof *items);
        for (size_t i = 0; i < list->count; i++)
            items[i] = list->items[i];
        list->items = items;
    }
    return &list->items[list->count++];
}

static int read_item(struct web_reader *r, const yaml_event_t *event, const char *name,
                     struct text_list *list)
{
    struct web_text text = {0};
    if (event->type != YAML_SCALAR_EVENT)
        return web_refuse(r, event->start_mark, "%s: an item of the list is a single value", name);
    if (list->count == LIST_MAX)
        return web_refuse(r, event->start_mark, "%s: more than %d items", name, LIST_MAX);
    int result = event_is_null(event) ? 0 : keep_text(r, event, name, &text);
    if (result < 0)
        return result;
    if (!web_text_given(&text))
        return web_refuse(r, event->start_mark, "%s: an item is empty; write it or leave it out",
                          name);
    *add_place(r, list) = (char *)(uintptr_t)text.text;
    return 0;
}

static int read_items(struct web_reader *r, const char *name, struct text_list *list)
{
    for (;;) {
        CLEANUP_EVENT yaml_event_t event = {0};
        int result = source_next(&r->source, &event);
        if (result == 0 && event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (result == 0)
            result = read_item(r, &event, name, list);
        if (result < 0)
            return result;
    }
}

int web_read_list(struct web_reader *r, const char *name, void *target)
{
    struct web_list *list = target;
    CLEANUP_EVENT yaml_event_t event = {0};
    int result = source_next(&r->source, &event);
    if (result < 0 || event_is_null(&event))
        return result;
    if (event.type != YAML_SEQUENCE_START_EVENT)
        return web_refuse(r, event.start_mark,
                          "%s: a list is needed: [A, B], or \"- A\" on a line for each item", name);
    *list = (struct web_list){.written = true, .mark = event.start_mark};
    return read_items(r, name, &list->texts);
}

int web_read_entries(struct web_reader *r, const char *name, web_entry read, void *target)
{
    CLEANUP_EVENT yaml_event_t start = {0};
    int result = source_next(&r->source, &start);
    if (result < 0 || event_is_null(&start))
        return result;
    if (start.type != YAML_MAPPING_START_EVENT)
        return web_refuse(r, start.start_mark, "%s%sa section with lines KEY: VALUE is needed",
                          name, name[0] != '\0' ? ": " : "");
    for (;;) {
        CLEANUP_EVENT yaml_event_t event = {0};
        struct web_text key = {0};
        result = source_next(&r->source, &event);
        if (result == 0 && event.type == YAML_MAPPING_END_EVENT)
            return 0;
        if (result == 0 && event.type != YAML_SCALAR_EVENT)
            result = web_refuse(r, event.start_mark,
                                "a key is a single word, not a list and not a "
                                "section");
        if (result == 0)
            result = keep_text(r, &event, "the key", &key);
        if (result == 0)
            result = read(r, &key, target);
        if (result < 0)
            return result;
    }
}

struct section_reader {
    const struct web_section *section;
    bool seen[WEB_KEYS_MAX];
    char *target;
};

static int refuse_key(const struct web_reader *r, const struct web_text *key,
                      const struct web_section *s)
{
    struct nearest near = {.given = key->text};
    char allowed[ALLOWED_MAX] = "; allowed: ";
    size_t at = strlen(allowed);
    for (size_t i = 0; i < s->count; i++) {
        nearest_offer(&near, s->keys[i].name, s->keys[i].name);
        at += (size_t)snprintf(allowed + at, sizeof allowed - at, "%s%s", i > 0 ? ", " : "",
                               s->keys[i].name);
        assert(at < sizeof allowed);
    }
    return web_refuse(r, key->mark, "unknown key \"%s\"%s%s%s", text_show(key->text).text,
                      s->name[0] != '\0' ? " in " : "", s->name,
                      near.label ? nearest_hint(&near, "").text : allowed);
}

static int read_key(struct web_reader *r, const struct web_text *key, void *target)
{
    struct section_reader *section = target;
    const struct web_section *s = section->section;
    for (size_t i = 0; i < s->count; i++) {
        if (!text_equal(s->keys[i].name, key->text))
            continue;
        if (section->seen[i])
            return web_refuse(r, key->mark, "%s is there twice; keep one of them", key->text);
        section->seen[i] = true;
        return s->keys[i].read(r, s->keys[i].name, section->target + s->keys[i].offset);
    }
    return refuse_key(r, key, s);
}

int web_read_section(struct web_reader *r, const struct web_section *s, void *target)
{
    assert(s->count <= WEB_KEYS_MAX);
    struct section_reader section = {.section = s, .target = target};
    return web_read_entries(r, s->name, read_key, &section);
}
