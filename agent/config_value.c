/* What it knows: how a text becomes the value of an option, and what to say when it cannot. */
#include "agent/config_value.h"

#include "agent/config_text.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX   4096 /* bytes of one value: the longest path the kernel takes */
#define LIST_MAX    256  /* items of one list: far past any use, and bounded */
#define WHY_MAX     128  /* bytes: the longest sentence about a value that does not suit */
#define ALLOWED_MAX 256  /* bytes: what is allowed, as part of one sentence */

int config_refuse(const struct option *o, const char *origin, const char *what, struct err *e)
{
    struct buf allowed;
    buf_init(&allowed, ALLOWED_MAX);
    option_add_allowed(o, &allowed);
    assert(!allowed.failed);
    int r = err_set(e, -EINVAL, "%s: %s; allowed: %s", origin, what, allowed.data);
    buf_done(&allowed);
    return r;
}

int config_refuse_value(const struct option *o, const char *origin, const char *text,
                        const char *why, struct err *e)
{
    char what[SHOWN_MAX + WHY_MAX];
    (void)snprintf(what, sizeof what, "\"%s\" %s", text_show(text).text, why);
    return config_refuse(o, origin, what, e);
}

/* What no text may be, whatever the option: it has to survive YAML, logs and terminals. */
static const char *check_text(const char *text)
{
    size_t left = strlen(text);
    if (left == 0)
        return "is empty";
    if (left > VALUE_MAX)
        return "is longer than 4096 bytes";
    while (left > 0) {
        uint32_t code_point = 0;
        size_t size = text_utf8_next(text, left, &code_point);
        if (size == 0)
            return "is not UTF-8";
        if (code_point < 0x20 || code_point == 0x7f)
            return "has a control character in it";
        text += size;
        left -= size;
    }
    return NULL;
}

static const char *check_value(const struct option *o, const char *text)
{
    const char *why = check_text(text);
    if (!why && o->check)
        why = o->check(text);
    return why;
}

static int set_text(struct config *c, const struct option *o, const char *origin, const char *text,
                    struct err *e)
{
    const char *why = o->or_empty && *text == '\0' ? NULL : check_value(o, text);
    if (why)
        return config_refuse_value(o, origin, text, why, e);
    char **field = option_field(o, c);
    free(*field);
    *field = alloc_string(text);
    return 0;
}

/* Durations and plain numbers. */
static int set_number(struct config *c, const struct option *o, const char *origin,
                      const char *text, struct err *e)
{
    bool duration = o->type == OPTION_DURATION;
    uint64_t value = 0;
    int r = duration ? text_parse_duration_ms(text, &value)
                     : text_parse_u64(text, strlen(text), &value);
    if (r == -EINVAL)
        return config_refuse_value(
            o, origin, text,
            duration ? "is not a duration such as 500ms, 3s or 1m30s" : "is not a whole number", e);
    if (r < 0 || value < o->least || value > o->most)
        return config_refuse_value(o, origin, text, "is out of range", e);
    *(uint64_t *)option_field(o, c) = value;
    return 0;
}

static int set_word(struct config *c, const struct option *o, const char *origin, const char *text,
                    struct err *e)
{
    for (unsigned i = 0; o->words[i]; i++) {
        if (!text_equal(o->words[i], text))
            continue;
        *(unsigned *)option_field(o, c) = i;
        return 0;
    }
    return config_refuse_value(o, origin, text, "is not known", e);
}

static int set_switch(struct config *c, const struct option *o, const char *origin,
                      const char *text, struct err *e)
{
    bool on = text_equal(text, "true");
    if (!on && !text_equal(text, "false"))
        return config_refuse_value(o, origin, text, "is neither true nor false", e);
    *(bool *)option_field(o, c) = on;
    return 0;
}

_Static_assert(OPTION_MAX <= 64, "each option has a bit of config.given");

static uint64_t bit_of(const struct option *o)
{
    return UINT64_C(1) << (o - config_options);
}

bool config_was_given(const struct config *c, const struct option *o)
{
    return c->given & bit_of(o);
}

void config_clear_list(struct config *c, const struct option *o)
{
    assert(o->type == OPTION_LIST);
    c->given |= bit_of(o);
    text_list_done(option_field(o, c));
}

static bool list_has(const struct text_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(list->items[i], item))
            return true;
    return false;
}

int config_add_item(struct config *c, const struct option *o, const char *origin, const char *item,
                    struct err *e)
{
    assert(o->type == OPTION_LIST);
    struct text_list *list = option_field(o, c);
    const char *why = check_value(o, item);
    if (!why && o->distinct && list_has(list, item))
        why = "is there twice";
    if (!why && list->count == LIST_MAX)
        why = "is one too many: a list holds 256";
    if (why)
        return config_refuse_value(o, origin, item, why, e);
    list->items = alloc_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = alloc_string(item);
    return 0;
}

int config_check_list(const struct config *c, const struct option *o, const char *origin,
                      struct err *e)
{
    const struct text_list *list = option_field_const(o, c);
    if (list->count >= o->least)
        return 0;
    return config_refuse(o, origin, "the list is empty and needs at least one item", e);
}

/* The items between commas, blanks around them dropped; an empty text is an empty list. */
static int add_items(struct config *c, const struct option *o, const char *origin, const char *text,
                     struct err *e)
{
    int r = 0;
    bool more = *text != '\0';
    while (r == 0 && more) {
        text += strspn(text, " ");
        size_t length = strcspn(text, ",");
        more = text[length] == ',';
        const char *next = text + length + 1;
        while (length > 0 && text[length - 1] == ' ')
            length--;
        char *item = alloc_copy(text, length);
        r = config_add_item(c, o, origin, item, e);
        free(item);
        text = next;
    }
    return r < 0 ? r : config_check_list(c, o, origin, e);
}

int config_add(struct config *c, const struct option *o, const char *origin, const char *text,
               struct err *e)
{
    c->given |= bit_of(o);
    switch (o->type) {
    case OPTION_TEXT:
        return set_text(c, o, origin, text, e);
    case OPTION_LIST:
        return add_items(c, o, origin, text, e);
    case OPTION_DURATION:
    case OPTION_UNSIGNED:
        return set_number(c, o, origin, text, e);
    case OPTION_SWITCH:
        return set_switch(c, o, origin, text, e);
    case OPTION_ENUM:
        return set_word(c, o, origin, text, e);
    }
    __builtin_unreachable();
}

int config_set(struct config *c, const struct option *o, const char *origin, const char *text,
               struct err *e)
{
    if (o->type == OPTION_LIST)
        config_clear_list(c, o);
    return config_add(c, o, origin, text, e);
}

void config_set_defaults(struct config *c)
{
    for (size_t i = 0; i < config_option_count; i++) {
        const struct option *o = &config_options[i];
        if (!o->fallback)
            continue;
        int r = config_set(c, o, "default", o->fallback, NULL);
        assert(r == 0);
        (void)r;
    }
    c->given = 0;
}
