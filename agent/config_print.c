/* What it knows: how a configuration is written as the YAML that config_yaml.c reads. Document:
 * YAML 1.1, double-quoted scalars. */
#include "agent/config_table.h"
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

static void add_list(struct buf *b, const struct text_list *list, const char *indent)
{
    if (list->count == 0)
        (void)buf_add_string(b, " []");
    for (size_t i = 0; i < list->count; i++) {
        (void)buf_add_format(b, "\n%s" INDENT "- ", indent);
        add_quoted(b, list->items[i]);
    }
}

static void add_value(struct buf *b, const struct config *c, const struct option *o,
                      const char *indent)
{
    const void *field = option_field_const(o, c);
    if (o->type == OPTION_LIST) {
        add_list(b, field, indent);
        return;
    }
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
    case OPTION_ENUM:
        (void)buf_add_string(b, o->words[*(const unsigned *)field]);
        return;
    case OPTION_SWITCH:
        (void)buf_add_string(b, *(const bool *)field ? "true" : "false");
        return;
    case OPTION_LIST:
        return;
    }
}

/* Writes the heads of the sections that `name` is in and `previous` was not, then its own key.
 * Returns how deep the key is. */
static size_t add_key(struct buf *b, const char *previous, const char *name)
{
    size_t depth = 0;
    const char *key = name;
    for (const char *dot = strchr(key, '.'); dot; dot = strchr(key, '.')) {
        size_t length = (size_t)(dot + 1 - name);
        if (strncmp(previous, name, length) != 0) {
            for (size_t i = 0; i < depth; i++)
                (void)buf_add_string(b, INDENT);
            (void)buf_add_format(b, "%.*s:\n", (int)(dot - key), key);
        }
        key = dot + 1;
        depth++;
    }
    for (size_t i = 0; i < depth; i++)
        (void)buf_add_string(b, INDENT);
    (void)buf_add_format(b, "%s:", key);
    return depth;
}

int config_print(const struct config *c, struct buf *ret)
{
    const char *previous = "";
    (void)buf_add_string(ret,
                         "# The configuration in force: defaults, file, environment, flags.\n");
    for (size_t i = 0; i < config_option_count; i++) {
        const struct option *o = &config_options[i];
        char indent[OPTION_NAME_MAX];
        if (o->not_in_file)
            continue;
        size_t depth = add_key(ret, previous, o->name);
        memset(indent, ' ', depth * (sizeof INDENT - 1));
        indent[depth * (sizeof INDENT - 1)] = '\0';
        add_value(ret, c, o, indent);
        (void)buf_add_char(ret, '\n');
        previous = o->name;
    }
    return ret->failed ? -EMSGSIZE : 0;
}
