/* What it knows: the grammar of a list of things with parameters and a weight. Documents: RFC 9110
 * sections 5.6.1 to 5.6.6 and 12.4.2. */
#include "exporters/accept.h"

#include <string.h>
#include <strings.h>

/* The rest of one member. */
struct scan {
    const char *at;
    const char *end;
};

static const char *const parameter_names[ACCEPT_PARAMETERS] = {
    [ACCEPT_VERSION] = "version",
    [ACCEPT_PROTO] = "proto",
    [ACCEPT_ENCODING] = "encoding",
    [ACCEPT_ESCAPING] = "escaping",
};

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool next_is(const struct scan *s, char c)
{
    return s->at < s->end && *s->at == c;
}

static void skip_blanks(struct scan *s)
{
    while (next_is(s, ' ') || next_is(s, '\t'))
        s->at++;
}

static void append(char text[ACCEPT_TEXT_MAX], size_t *length, char c)
{
    if (*length < ACCEPT_TEXT_MAX)
        text[(*length)++] = c;
}

static void end_text(char text[ACCEPT_TEXT_MAX], size_t length)
{
    if (length < ACCEPT_TEXT_MAX)
        text[length] = '\0';
    else
        memcpy(text, ACCEPT_OTHER, sizeof ACCEPT_OTHER);
}

/* A run of token characters, and of `more` where that is not NUL. False when there is none. */
static bool read_token(struct scan *s, char more, char ret[ACCEPT_TEXT_MAX])
{
    size_t length = 0;
    for (; s->at < s->end && (is_token_char(*s->at) || (more != '\0' && *s->at == more)); s->at++)
        append(ret, &length, *s->at);
    end_text(ret, length);
    return length > 0;
}

/* False without the closing quote. */
static bool read_quoted(struct scan *s, char ret[ACCEPT_TEXT_MAX])
{
    size_t length = 0;
    for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
        if (*s->at == '\\' && ++s->at == s->end)
            return false;
        append(ret, &length, *s->at);
    }
    end_text(ret, length);
    return s->at++ < s->end;
}

/* "0" or "1", then up to three digits behind a point; after "1" they are zeros. */
static bool read_weight(const char *text, unsigned *ret)
{
    if ((text[0] != '0' && text[0] != '1') || (text[1] != '\0' && text[1] != '.'))
        return false;
    unsigned weight = text[0] == '1' ? ACCEPT_WEIGHT_MAX : 0;
    unsigned place = ACCEPT_WEIGHT_MAX / 10;
    for (const char *c = text[1] == '.' ? text + 2 : text + 1; *c != '\0'; c++, place /= 10) {
        if (*c < '0' || *c > '9' || place == 0)
            return false;
        weight += (unsigned)(*c - '0') * place;
    }
    *ret = weight;
    return weight <= ACCEPT_WEIGHT_MAX;
}

static bool keep_parameter(const char *name, const char *value, struct accept_member *m)
{
    if (strcasecmp(name, "q") == 0)
        return read_weight(value, &m->weight);
    for (unsigned p = 0; p < ACCEPT_PARAMETERS; p++)
        if (strcasecmp(name, parameter_names[p]) == 0)
            memcpy(m->parameters[p], value, strlen(value) + 1);
    return true;
}

/* What comes behind a ';', which may be nothing. */
static bool read_parameter(struct scan *s, struct accept_member *m)
{
    char name[ACCEPT_TEXT_MAX];
    char value[ACCEPT_TEXT_MAX] = "";
    skip_blanks(s);
    if (s->at == s->end || *s->at == ';')
        return true;
    if (!read_token(s, '\0', name) || !next_is(s, '='))
        return false;
    s->at++;
    bool good = next_is(s, '"') ? read_quoted(s, value) : read_token(s, '\0', value);
    return good && keep_parameter(name, value, m);
}

static bool read_member(struct scan *s, struct accept_member *m)
{
    /* Not all of it is cleared: a hostile header has thousands of members. */
    m->weight = ACCEPT_WEIGHT_MAX;
    for (unsigned p = 0; p < ACCEPT_PARAMETERS; p++)
        m->parameters[p][0] = '\0';
    skip_blanks(s);
    if (!read_token(s, '/', m->name))
        return false;
    skip_blanks(s);
    while (next_is(s, ';')) {
        s->at++;
        if (!read_parameter(s, m))
            return false;
        skip_blanks(s);
    }
    return s->at == s->end;
}

/* The comma that ends a member, or the end of the text; one within quotes does not count. */
static const char *member_end(const char *at)
{
    bool quoted = false;
    for (; *at != '\0' && (quoted || *at != ','); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1] != '\0')
            at++;
    }
    return at;
}

bool accept_next(const char **list, struct accept_member *ret)
{
    while (**list != '\0') {
        struct scan s = {.at = *list, .end = member_end(*list)};
        struct accept_member member;
        *list = *s.end == ',' ? s.end + 1 : s.end;
        if (!read_member(&s, &member))
            continue;
        *ret = member;
        return true;
    }
    return false;
}
