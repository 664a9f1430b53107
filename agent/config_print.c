/* What it knows: how a configuration is written as the YAML that config_yaml.c reads. Document:
 * YAML 1.1, double-quoted scalars. */
#include "agent/config_print.h"
#include "agent/config_text.h"
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define INDENT "  "

/* Raw in a quoted scalar, and seen as what it is? Not the line breaks of Unicode, which YAML folds,
 * the marks that nobody sees, and what YAML forbids. */
static bool is_plain(uint32_t code_point)
{
    if (code_point < 0xa0)
        return code_point >= 0x20 && code_point < 0x7f;
    return code_point != 0x2028 && code_point != 0x2029 && code_point != 0xfeff &&
           (code_point & 0xfffe) != 0xfffe;
}

static void add_quoted(struct buf *b, const char *text)
{
    size_t left = strlen(text);
    (void)buf_add_char(b, '"');
    while (left > 0) {
        uint32_t code_point = 0;
        size_t size = text_utf8_next(text, left, &code_point);
        assert(size > 0); /* every text was checked when it was read */
        if (*text == '"' || *text == '\\')
            (void)buf_add_char(b, '\\');
        if (is_plain(code_point))
            (void)buf_add(b, text, size);
        else
            (void)buf_add_format(b, "\\U%08x", code_point);
        text += size;
        left -= size;
    }
    (void)buf_add_char(b, '"');
}

/* Places for the lines of a value below its key: the mapping's margin and the depth of the key. */
static void add_indent(struct buf *b, const struct print_mapping *m, size_t depth)
{
    (void)buf_add_string(b, m->margin);
    for (size_t i = 0; i < depth; i++)
        (void)buf_add_string(b, INDENT);
}

static void add_list(struct buf *b, const struct text_list *list, const struct print_mapping *m,
                     size_t depth)
{
    if (list->count == 0)
        (void)buf_add_string(b, " []");
    for (size_t i = 0; i < list->count; i++) {
        (void)buf_add_char(b, '\n');
        add_indent(b, m, depth + 1);
        (void)buf_add_string(b, "- ");
        add_quoted(b, list->items[i]);
    }
}

static void add_pairs(struct buf *b, const struct push_pairs *pairs, const struct print_mapping *m,
                      size_t depth)
{
    if (pairs->count == 0)
        (void)buf_add_string(b, " {}");
    for (size_t i = 0; i < pairs->count; i++) {
        (void)buf_add_char(b, '\n');
        add_indent(b, m, depth + 1);
        add_quoted(b, pairs->items[i].name);
        (void)buf_add_string(b, ": ");
        add_quoted(b, pairs->items[i].value);
    }
}

static void add_single(struct buf *b, const void *field, const struct option *o)
{
    (void)buf_add_char(b, ' ');
    switch (o->type) {
    case OPTION_TEXT:
        add_quoted(b, *(char *const *)field);
        return;
    case OPTION_DURATION:
        text_add_duration(b, *(const uint64_t *)field);
        return;
    case OPTION_UNSIGNED:
        (void)buf_add_u64(b, *(const uint64_t *)field);
        return;
    case OPTION_SIZE:
        text_add_size(b, *(const uint64_t *)field);
        return;
    case OPTION_ENUM:
        (void)buf_add_string(b, o->words[*(const unsigned *)field - o->first]);
        return;
    case OPTION_SWITCH:
        (void)buf_add_string(b, *(const bool *)field ? "true" : "false");
        return;
    case OPTION_LIST:
    case OPTION_PAIRS:
        return;
    }
}

/* Writes the heads of the sections that `name` is in and the option before was not, then its own
 * key. Returns how deep the key is. */
static size_t add_key(struct buf *b, const struct print_mapping *m, const char *name)
{
    size_t depth = 0;
    const char *key = name;
    for (const char *dot = strchr(key, '.'); dot; dot = strchr(key, '.')) {
        size_t length = (size_t)(dot + 1 - name);
        if (strncmp(m->previous, name, length) != 0) {
            add_indent(b, m, depth);
            (void)buf_add_format(b, "%.*s:\n", (int)(dot - key), key);
        }
        key = dot + 1;
        depth++;
    }
    add_indent(b, m, depth);
    (void)buf_add_format(b, "%s:", key);
    return depth;
}

void config_print_option(struct buf *b, struct print_mapping *m, const struct option *o)
{
    const void *field = option_field_const(o, m->base);
    size_t depth = add_key(b, m, o->name);
    if (o->type == OPTION_LIST)
        add_list(b, field, m, depth);
    else if (o->type == OPTION_PAIRS)
        add_pairs(b, field, m, depth);
    else
        add_single(b, field, o);
    (void)buf_add_char(b, '\n');
    m->previous = o->name;
}

int config_print(const struct config *c, struct buf *ret)
{
    struct print_mapping file = {.base = c, .margin = "", .previous = ""};
    (void)buf_add_string(ret,
                         "# The configuration in force: defaults, file, environment, flags.\n");
    for (size_t i = 0; i < config_option_count; i++)
        if (!config_options[i].not_in_file)
            config_print_option(ret, &file, &config_options[i]);
    config_push_print(c, ret);
    return ret->failed ? -EMSGSIZE : 0;
}
