/* What it knows: how a text becomes the value of an option, and what to say when it cannot. */
#include "agent/config_value.h"

#include "agent/config_pairs.h"
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

/* A copy for a message, which may go to a log: what stands before the @ of a URL can be a password.
 */
static char *without_user(const char *text)
{
    const char *authority = strstr(text, "://");
    const char *at = authority ? strrchr(authority, '@') : NULL;
    if (!at)
        return alloc_string(text);
    return alloc_format("%.*s***%s", (int)(authority + 3 - text), text, at);
}

int config_refuse_value(const struct option *o, const char *origin, const char *text,
                        const char *why, struct err *e)
{
    char what[SHOWN_MAX + WHY_MAX];
    char *shown = without_user(text);
    (void)snprintf(what, sizeof what, "\"%s\" %s", text_show(shown).text, why);
    free(shown);
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

static int set_text(const struct option *o, char **field, const char *origin, const char *text,
                    struct err *e)
{
    const char *why = o->or_empty && *text == '\0' ? NULL : check_value(o, text);
    if (why)
        return config_refuse_value(o, origin, text, why, e);
    free(*field);
    *field = alloc_string(text);
    return 0;
}

static int parse_number(enum option_type type, const char *text, uint64_t *ret_value)
{
    if (type == OPTION_DURATION)
        return text_parse_duration_ms(text, ret_value);
    return type == OPTION_SIZE ? text_parse_size(text, ret_value)
                               : text_parse_u64(text, strlen(text), ret_value);
}

/* Durations, sizes and plain numbers. */
static int set_number(const struct option *o, uint64_t *field, const char *origin, const char *text,
                      struct err *e)
{
    static const char *const wrong[] = {
        [OPTION_DURATION] = "is not a duration such as 500ms, 3s or 1m30s",
        [OPTION_UNSIGNED] = "is not a whole number",
        [OPTION_SIZE] = "is not a size such as 65536, 256MB or 256MiB",
    };
    uint64_t value = 0;
    int r = parse_number(o->type, text, &value);
    if (r == -EINVAL)
        return config_refuse_value(o, origin, text, wrong[o->type], e);
    if (r < 0 || value < o->least || value > o->most)
        return config_refuse_value(o, origin, text, "is out of range", e);
    *field = value;
    return 0;
}

static int set_word(const struct option *o, unsigned *field, const char *origin, const char *text,
                    struct err *e)
{
    for (unsigned i = 0; o->words[i]; i++) {
        if (!text_equal(o->words[i], text))
            continue;
        *field = o->first + i;
        return 0;
    }
    return config_refuse_value(o, origin, text, "is not known", e);
}

static int set_switch(const struct option *o, bool *field, const char *origin, const char *text,
                      struct err *e)
{
    bool on = text_equal(text, "true");
    if (!on && !text_equal(text, "false"))
        return config_refuse_value(o, origin, text, "is neither true nor false", e);
    *field = on;
    return 0;
}

int option_set_field(const struct option *o, void *field, const char *origin, const char *text,
                     struct err *e)
{
    switch (o->type) {
    case OPTION_TEXT:
        return set_text(o, field, origin, text, e);
    case OPTION_DURATION:
    case OPTION_UNSIGNED:
    case OPTION_SIZE:
        return set_number(o, field, origin, text, e);
    case OPTION_SWITCH:
        return set_switch(o, field, origin, text, e);
    case OPTION_ENUM:
        return set_word(o, field, origin, text, e);
    case OPTION_LIST:
    case OPTION_PAIRS:
        break;
    }
    __builtin_unreachable();
}

void option_done_field(const struct option *o, void *field)
{
    if (o->type == OPTION_LIST) {
        text_list_done(field);
    } else if (o->type == OPTION_PAIRS) {
        push_pairs_done(field);
    } else if (o->type == OPTION_TEXT) {
        free(*(char **)field);
        *(char **)field = NULL;
    }
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

int option_add_item(const struct option *o, struct text_list *list, const char *origin,
                    const char *item, struct err *e)
{
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

int config_add_item(struct config *c, const struct option *o, const char *origin, const char *item,
                    struct err *e)
{
    assert(o->type == OPTION_LIST);
    return option_add_item(o, option_field(o, c), origin, item, e);
}

/* A value may be empty where its own check has nothing against it. */
static const char *check_pair_value(const struct option *o, const char *value)
{
    const char *why = *value != '\0' ? check_text(value) : NULL;
    return !why && o->check_value ? o->check_value(value) : why;
}

int option_add_pair(const struct option *o, struct push_pairs *pairs, const char *origin,
                    const char *name, const char *value, struct err *e)
{
    const char *why = check_value(o, name);
    if (!why && push_pairs_find(pairs, name, false))
        why = "is there twice";
    if (!why && pairs->count == PAIRS_MAX)
        why = "is one too many: 64 are the most";
    if (why)
        return config_refuse_value(o, origin, name, why, e);
    why = check_pair_value(o, value);
    if (why)
        return err_set(e, -EINVAL, "%s: %s: the value %s", origin, text_show(name).text, why);
    push_pairs_add(pairs, name, value);
    return 0;
}

int option_check_list(const struct option *o, const struct text_list *list, const char *origin,
                      struct err *e)
{
    if (list->count >= o->least)
        return 0;
    return config_refuse(o, origin, "the list is empty and needs at least one item", e);
}

int config_check_list(const struct config *c, const struct option *o, const char *origin,
                      struct err *e)
{
    return option_check_list(o, option_field_const(o, c), origin, e);
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
    return o->type == OPTION_LIST ? add_items(c, o, origin, text, e)
                                  : option_set_field(o, option_field(o, c), origin, text, e);
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
