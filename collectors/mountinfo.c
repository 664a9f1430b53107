/* What it knows: how a line of mountinfo is written. Document: proc(5), /proc/PID/mountinfo. */
#include "collectors/mountinfo.h"

#include "base/text.h"

#include <string.h>

#define OCTAL_DIGITS 3 /* of an escaped byte, after the backslash */

/* Fields are divided by exactly one blank: a source without a name is an empty field. */
static bool take_field(const char **at, const char *end, struct mountinfo_field *ret)
{
    if (*at > end)
        return false;
    const char *blank = memchr(*at, ' ', (size_t)(end - *at));
    const char *stop = blank ? blank : end;
    *ret = (struct mountinfo_field){*at, (size_t)(stop - *at)};
    *at = stop + 1;
    return true;
}

bool mountinfo_field_is(const struct mountinfo_field *field, const char *text)
{
    return field->length == strlen(text) && memcmp(field->text, text, field->length) == 0;
}

/* The numbers of the mount and of its parent: they show that it is such a line. */
static bool skip_ids(const char **at, const char *end)
{
    for (int i = 0; i < 2; i++) {
        struct mountinfo_field id;
        uint64_t value = 0;
        if (!take_field(at, end, &id) || text_parse_u64(id.text, id.length, &value) < 0)
            return false;
    }
    return true;
}

/* Optional fields, any number of them, end with a lone hyphen. */
static bool skip_optional(const char **at, const char *end)
{
    struct mountinfo_field field;
    while (take_field(at, end, &field))
        if (mountinfo_field_is(&field, "-"))
            return true;
    return false;
}

static bool take_device(const char **at, const char *end, struct mountinfo_line *ret)
{
    struct mountinfo_field field;
    if (!take_field(at, end, &field))
        return false;
    const char *colon = memchr(field.text, ':', field.length);
    if (!colon)
        return false;
    size_t before = (size_t)(colon - field.text);
    uint64_t major = 0;
    uint64_t minor = 0;
    if (text_parse_u64(field.text, before, &major) < 0 ||
        text_parse_u64(colon + 1, field.length - before - 1, &minor) < 0 || major > UINT32_MAX ||
        minor > UINT32_MAX)
        return false;
    ret->major = (uint32_t)major;
    ret->minor = (uint32_t)minor;
    return true;
}

bool mountinfo_split(const char *text, size_t length, struct mountinfo_line *ret)
{
    struct mountinfo_line line = {0};
    struct mountinfo_field unused;
    const char *at = text;
    const char *end = text + length;
    if (!skip_ids(&at, end) || !take_device(&at, end, &line) || !take_field(&at, end, &line.root) ||
        !take_field(&at, end, &line.point) || !take_field(&at, end, &unused) ||
        !skip_optional(&at, end) || !take_field(&at, end, &line.type) ||
        !take_field(&at, end, &line.source) || !take_field(&at, end, &line.options))
        return false;
    *ret = line;
    return true;
}

/* The byte that "\ooo" stands for, or -1. A NUL would cut the text, and no path has one. */
static int parse_octal(const char *text, size_t length)
{
    if (length < 1 + OCTAL_DIGITS || text[0] != '\\')
        return -1;
    int value = 0;
    for (size_t i = 1; i <= OCTAL_DIGITS; i++) {
        if (text[i] < '0' || text[i] > '7')
            return -1;
        value = value * 8 + (text[i] - '0');
    }
    return value > 0 && value <= UINT8_MAX ? value : -1;
}

void mountinfo_decode(const struct mountinfo_field *field, char ret[])
{
    size_t length = 0;
    for (size_t i = 0; i < field->length;) {
        int byte = parse_octal(field->text + i, field->length - i);
        ret[length++] = byte < 0 ? field->text[i] : (char)byte;
        i += byte < 0 ? 1 : 1 + OCTAL_DIGITS;
    }
    ret[length] = '\0';
}
