/* What it knows: libyaml, where in a text something stands, and what of YAML is not used here.
 * Document: YAML 1.1 as libyaml reads it. */
#include "agent/config_events.h"

#include "agent/config_text.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_SHOWN 96 /* bytes of a file's name, of a longer one its end */

/* FILE:LINE:COLUMN, both counted from 1. */
static struct origin origin_of(const struct config_source *s, size_t line, size_t column)
{
    size_t length = strlen(s->name);
    const char *tail = length > NAME_SHOWN ? s->name + length - NAME_SHOWN : s->name;
    struct origin origin;
    (void)snprintf(origin.text, sizeof origin.text, "%s%s:%zu:%zu", tail == s->name ? "" : "...",
                   tail, line, column);
    return origin;
}

struct origin source_origin(const struct config_source *s, yaml_mark_t mark)
{
    return origin_of(s, mark.line + 1, mark.column + 1);
}

/* Of a byte's offset, where libyaml gives no mark. Columns are code points, as in its marks. */
static struct origin origin_of_offset(const struct config_source *s, size_t offset)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < offset && i < s->length; i++) {
        if (s->yaml[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)s->yaml[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    return origin_of(s, line, column);
}

int source_refuse(const struct config_source *s, const yaml_event_t *event, const char *what)
{
    return err_set(s->e, -EINVAL, "%s: %s", source_origin(s, event->start_mark).text, what);
}

static int refuse_syntax(const struct config_source *s)
{
    const yaml_parser_t *p = &s->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return err_set(s->e, -ENOMEM, "%s: out of memory", s->name);
    struct origin origin = p->error == YAML_READER_ERROR ? origin_of_offset(s, p->problem_offset)
                                                         : source_origin(s, p->problem_mark);
    return err_set(s->e, -EINVAL, "%s: this is not YAML: %s%s%s", origin.text, p->problem,
                   p->context ? " " : "", p->context ? p->context : "");
}

/* What YAML can do beyond plain settings, refused wherever it stands: NULL when there is none. */
static const char *check_event(const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "an alias (*...); write the value itself";
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        return "an anchor (&...); leave it out, nothing may refer to it";
    return tag ? "a tag (!...); leave it out, every option knows its type" : NULL;
}

int source_next(struct config_source *s, yaml_event_t *ret)
{
    if (!yaml_parser_parse(&s->parser, ret))
        return refuse_syntax(s);
    const char *problem = check_event(ret);
    return problem ? source_refuse(s, ret, problem) : 0;
}

/* The text of a scalar, NULL when it has a NUL in it. */
const char *event_text(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    return strlen(text) == event->data.scalar.length ? text : NULL;
}

/* Is it YAML's "nothing here"? */
bool event_is_null(const yaml_event_t *event)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = event_text(event);
    for (size_t i = 0; text && i < sizeof nulls / sizeof nulls[0]; i++)
        if (text_equal(text, nulls[i]))
            return true;
    return false;
}

int source_skip(struct config_source *s)
{
    CLEANUP_EVENT yaml_event_t event = {0};
    return source_next(s, &event);
}

/* What libyaml would name less clearly: stray bytes, and tabs, which people do not see. */
static int check_bytes(const struct config_source *s)
{
    bool indenting = true;
    for (size_t at = 0; at < s->length;) {
        uint32_t code_point = 0;
        size_t size = text_utf8_next(s->yaml + at, s->length - at, &code_point);
        if (size == 0)
            return err_set(s->e, -EINVAL, "%s: the byte \\x%02x is not UTF-8 here",
                           origin_of_offset(s, at).text, (unsigned char)s->yaml[at]);
        if (indenting && code_point == '\t')
            return err_set(s->e, -EINVAL, "%s: a tab in the indentation; allowed: blanks",
                           origin_of_offset(s, at).text);
        indenting = code_point == '\n' || (indenting && code_point == ' ');
        at += size;
    }
    return 0;
}

int source_open(struct config_source *s, const char *name, const char *yaml, size_t length,
                struct err *e)
{
    *s = (struct config_source){.name = name, .yaml = yaml, .length = length, .e = e};
    int r = check_bytes(s);
    if (r < 0)
        return r;
    if (!yaml_parser_initialize(&s->parser))
        return err_set(e, -ENOMEM, "%s: out of memory", name);
    yaml_parser_set_encoding(&s->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&s->parser, (const unsigned char *)yaml, length);
    return 0;
}

void source_close(struct config_source *s)
{
    yaml_parser_delete(&s->parser);
}

/* Does a document begin, and not the stream end? */
static int begins_document(struct config_source *s, bool *ret_begins, yaml_mark_t *ret_where)
{
    CLEANUP_EVENT yaml_event_t event = {0};
    int result = source_next(s, &event);
    if (result < 0)
        return result;
    *ret_begins = event.type == YAML_DOCUMENT_START_EVENT;
    *ret_where = event.start_mark;
    return 0;
}

int source_document(struct config_source *s, int (*read)(void *context), void *context)
{
    bool begins = false;
    yaml_mark_t where = {0};
    int result = source_skip(s); /* the start of the stream */
    if (result == 0)
        result = begins_document(s, &begins, &where);
    if (result < 0 || !begins)
        return result;
    result = read(context);
    if (result == 0)
        result = source_skip(s); /* the end of the document */
    if (result == 0)
        result = begins_document(s, &begins, &where);
    if (result < 0 || !begins)
        return result;
    return err_set(s->e, -EINVAL, "%s: a second document begins here; allowed: one",
                   source_origin(s, where).text);
}
