/* What it knows: comparing and shortening parts of a path without reading past their ends. The
 * paths are those of cgroups(7): any byte but '/' and NUL may be in a component. */
#include "collectors/group_piece.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool piece_equal(struct piece p, const char *text)
{
    size_t length = strlen(text);
    return p.length == length && memcmp(p.at, text, length) == 0;
}

bool piece_has_prefix(struct piece p, const char *prefix)
{
    return piece_drop_prefix(&p, prefix);
}

bool piece_has_suffix(struct piece p, const char *suffix)
{
    return piece_drop_suffix(&p, suffix);
}

bool piece_is_number(struct piece p)
{
    return piece_drop_number(&p, "") && p.length == 0;
}

bool piece_has_shape(struct piece p, const char *shape)
{
    return piece_drop_shape(&p, shape) && p.length == 0;
}

bool piece_drop_prefix(struct piece *p, const char *prefix)
{
    size_t length = strlen(prefix);
    if (p->length < length || memcmp(p->at, prefix, length) != 0)
        return false;
    p->at += length;
    p->length -= length;
    return true;
}

bool piece_drop_suffix(struct piece *p, const char *suffix)
{
    size_t length = strlen(suffix);
    if (p->length < length || memcmp(p->at + p->length - length, suffix, length) != 0)
        return false;
    p->length -= length;
    return true;
}

bool piece_drop_shape(struct piece *p, const char *shape)
{
    size_t length = strlen(shape);
    if (p->length < length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (shape[i] == 'h' ? !is_hex(p->at[i]) : p->at[i] != shape[i])
            return false;
    p->at += length;
    p->length -= length;
    return true;
}

bool piece_drop_number(struct piece *p, const char *end)
{
    struct piece rest = *p;
    while (rest.length > 0 && is_digit(*rest.at)) {
        rest.at++;
        rest.length--;
    }
    if (rest.length == p->length || !piece_drop_prefix(&rest, end))
        return false;
    *p = rest;
    return true;
}

struct piece piece_drop_component(struct piece *path)
{
    const char *slash = memrchr(path->at, '/', path->length);
    const char *begin = slash ? slash + 1 : path->at;
    struct piece component = {begin, path->length - (size_t)(begin - path->at)};
    path->length = slash ? (size_t)(slash - path->at) : 0;
    return component;
}
