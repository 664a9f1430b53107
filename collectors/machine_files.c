/* What it knows: the shapes of small sysfs files: one word, one number, a list of numbers, a
 * directory of numbered entries. Documents: Documentation/filesystems/sysfs.rst;
 * Documentation/admin-guide/cputopology.rst, "cpumask" lists. */
#include "collectors/machine_internal.h"

#include "base/fs.h"
#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 128 /* bytes of an id or a kind: the longest known has 36 */
#define DIGITS   "0123456789"

static const char *read_text(struct machine *m, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static const char *read_text(struct machine *m, const char *format, va_list args)
{
    char path[PATH_MAX];
    int length = vsnprintf(path, sizeof path, format, args);
    buf_clear(&m->text);
    if (length < 0 || (size_t)length >= sizeof path || fs_read_file(path, &m->text) < 0)
        return NULL;
    if (m->text.length == 0)
        return "";
    char *end = m->text.data + strlen(m->text.data); /* firmware ends its texts with NUL */
    while (end > m->text.data && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return m->text.data;
}

const char *machine_text(struct machine *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = read_text(m, format, args);
    va_end(args);
    return text;
}

bool machine_number(struct machine *m, uint64_t *ret, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = read_text(m, format, args);
    va_end(args);
    uint64_t number = 0;
    if (!text || text_parse_u64(text, strlen(text), &number) < 0 || number > INT64_MAX)
        return false;
    *ret = number;
    return true;
}

/* The number within "index3"; false for another entry. */
static bool entry_number(const char *name, const char *prefix, const char *suffix, uint64_t *ret)
{
    if (!text_starts_with(name, prefix))
        return false;
    name += strlen(prefix);
    size_t digits = strspn(name, DIGITS);
    return text_equal(name + digits, suffix) && text_parse_u64(name, digits, ret) == 0;
}

static int compare_numbers(const void *a, const void *b)
{
    unsigned left = *(const unsigned *)a;
    unsigned right = *(const unsigned *)b;
    return (left > right) - (left < right);
}

struct machine_numbers machine_entries(struct machine *m, const char *directory, const char *prefix,
                                       const char *suffix, unsigned most)
{
    struct machine_numbers found = {0};
    size_t capacity = 0;
    DIR *open_directory = opendir(directory);
    if (!open_directory)
        return found;
    for (const struct dirent *entry; (entry = readdir(open_directory));) {
        uint64_t number = 0;
        if (!entry_number(entry->d_name, prefix, suffix, &number) || number > most)
            continue;
        if (found.count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            unsigned *more = arena_alloc(&m->scratch, capacity * sizeof *more);
            if (found.count > 0)
                memcpy(more, found.items, found.count * sizeof *more);
            found.items = more;
        }
        found.items[found.count++] = (unsigned)number;
    }
    (void)closedir(open_directory);
    if (found.count > 1)
        qsort(found.items, found.count, sizeof *found.items, compare_numbers);
    return found;
}

/* The number at `*at`, and moves behind it. */
static bool take_number(const char **at, uint64_t *ret)
{
    size_t digits = strspn(*at, DIGITS);
    if (text_parse_u64(*at, digits, ret) < 0 || *ret > MACHINE_NUMBER_MAX)
        return false;
    *at += digits;
    return true;
}

/* Counts the numbers of the list, and writes them where `items` is not NULL; false where it is no
 * rising list. */
static bool walk_list(const char *text, unsigned items[], size_t *ret)
{
    size_t count = 0;
    uint64_t next = 0; /* the least that may come */
    while (*text != '\0') {
        uint64_t first = 0;
        if (!take_number(&text, &first) || first < next)
            return false;
        uint64_t last = first;
        if (*text == '-') {
            text++;
            if (!take_number(&text, &last) || last < first)
                return false;
        }
        for (uint64_t n = first; n <= last; n++, count++)
            if (items)
                items[count] = (unsigned)n;
        next = last + 1;
        if (*text == ',')
            text++;
        else if (*text != '\0')
            return false;
    }
    *ret = count;
    return true;
}

bool machine_list(struct machine *m, const char *text, struct machine_numbers *ret)
{
    size_t count = 0;
    if (!walk_list(text, NULL, &count))
        return false;
    ret->items = arena_alloc(&m->scratch, (count + 1) * sizeof *ret->items);
    return walk_list(text, ret->items, &ret->count);
}

bool machine_is_word(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length > 0 && length <= WORD_MAX;
}
