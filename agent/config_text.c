/* What it knows: UTF-8, how a foreign value is shown in a message, how far one word is from
 * another. Documents: RFC 3629 for UTF-8; the distance is that of Damerau and Levenshtein. */
#include "agent/config_text.h"

#include "base/buf.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NEAREST_WORD_MAX 64 /* bytes: longer than any known word; longer ones are not compared */

/* What a first byte says: how many bytes belong together, the least code point they may make, and
 * which bits tell it. */
struct utf8_lead {
    size_t size;
    uint32_t least;
    unsigned char mask;
    unsigned char bits;
};

static const struct utf8_lead utf8_leads[] = {
    {1, 0, 0x80, 0x00},
    {2, 0x80, 0xe0, 0xc0},
    {3, 0x800, 0xf0, 0xe0},
    {4, 0x10000, 0xf8, 0xf0},
};
#define UTF8_LEADS (sizeof utf8_leads / sizeof utf8_leads[0])

static const struct utf8_lead *find_lead(unsigned char first)
{
    for (size_t i = 0; i < UTF8_LEADS; i++)
        if ((first & utf8_leads[i].mask) == utf8_leads[i].bits)
            return &utf8_leads[i];
    return NULL;
}

size_t text_utf8_next(const char *text, size_t length, uint32_t *ret_code_point)
{
    assert(length > 0);
    const struct utf8_lead *lead = find_lead((unsigned char)text[0]);
    if (!lead || lead->size > length)
        return 0;
    uint32_t code_point = (unsigned char)text[0] & (unsigned char)~lead->mask;
    for (size_t i = 1; i < lead->size; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        code_point = code_point << 6 | (next & 0x3f);
    }
    bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    if (code_point < lead->least || code_point > 0x10ffff || surrogate)
        return 0;
    *ret_code_point = code_point;
    return lead->size;
}

struct shown text_show(const char *value)
{
    static const char ellipsis[] = "...";
    struct shown s = {""};
    size_t at = 0;
    size_t left = strlen(value);
    while (left > 0) {
        uint32_t code_point = 0;
        size_t size = text_utf8_next(value, left, &code_point);
        bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
        if (at + 4 + sizeof ellipsis > sizeof s.text) {
            memcpy(s.text + at, ellipsis, sizeof ellipsis);
            return s;
        }
        if (size == 0 || control) {
            at += (size_t)snprintf(s.text + at, 5, "\\x%02x", (unsigned char)*value);
            size = 1;
        } else {
            memcpy(s.text + at, value, size);
            at += size;
        }
        value += size;
        left -= size;
    }
    return s;
}

void text_add_duration(struct buf *b, uint64_t ms)
{
    static const struct {
        const char *suffix;
        uint64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    if (ms == 0)
        (void)buf_add_char(b, '0');
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ms < units[i].ms)
            continue;
        (void)buf_add_u64(b, ms / units[i].ms);
        (void)buf_add_string(b, units[i].suffix);
        ms %= units[i].ms;
    }
}

/* The largest first, for text_add_size. */
static const struct {
    const char *suffix;
    uint64_t bytes;
} sizes[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"TB", UINT64_C(1000000000000)},
    {"GB", 1000000000},
    {"MB", 1000000},
    {"kB", 1000},
    {"B", 1},
    {"", 1},
};
#define SIZES        (sizeof sizes / sizeof sizes[0])
#define SIZES_BINARY 4 /* of them: the ones to write */

int text_parse_size(const char *text, uint64_t *ret_bytes)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t value = 0;
    uint64_t bytes = 0;
    int r = text_parse_u64(text, digits, &value);
    for (size_t i = 0; r == 0 && i < SIZES; i++) {
        if (strcasecmp(text + digits, sizes[i].suffix) != 0)
            continue;
        if (__builtin_mul_overflow(value, sizes[i].bytes, &bytes))
            return -ERANGE;
        *ret_bytes = bytes;
        return 0;
    }
    return r < 0 ? r : -EINVAL;
}

void text_add_size(struct buf *b, uint64_t bytes)
{
    for (size_t i = 0; bytes > 0 && i < SIZES_BINARY; i++) {
        if (bytes % sizes[i].bytes != 0)
            continue;
        (void)buf_add_u64(b, bytes / sizes[i].bytes);
        (void)buf_add_string(b, sizes[i].suffix);
        return;
    }
    (void)buf_add_u64(b, bytes);
}

/* Not isalpha(3) and friends: they depend on the locale. */
static char fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if (c == '_' || c == '.')
        return '-';
    return c;
}

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, leave out, replace or swap with their neighbour to get from one word to the
 * other. */
static size_t word_distance(const char *a, const char *b)
{
    size_t rows[3][NEAREST_WORD_MAX + 1]; /* the one being filled and the two before it */
    size_t *now = rows[0];
    size_t *last = rows[1];
    size_t *before = rows[2];
    size_t length = strlen(b);
    assert(length <= NEAREST_WORD_MAX);
    for (size_t j = 0; j <= length; j++)
        now[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
        now[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t replaced = last[j] + (fold(a[i]) != fold(b[j]));
            now[j + 1] = least_of(replaced, least_of(last[j + 1], now[j]) + 1);
            if (i > 0 && j > 0 && fold(a[i]) == fold(b[j - 1]) && fold(a[i - 1]) == fold(b[j]))
                now[j + 1] = least_of(now[j + 1], before[j - 1] + 1);
        }
    }
    return now[length];
}

void nearest_offer(struct nearest *n, const char *word, const char *label)
{
    size_t length = strlen(word);
    if (length > NEAREST_WORD_MAX || strlen(n->given) > NEAREST_WORD_MAX)
        return;
    size_t distance = word_distance(n->given, word);
    /* A word with a third of its letters wrong is another word. */
    if (distance > length / 3 || (n->label && distance >= n->distance))
        return;
    n->label = label;
    n->distance = distance;
}

struct hint nearest_hint(const struct nearest *n, const char *prefix)
{
    struct hint hint = {""};
    if (n->label)
        (void)snprintf(hint.text, sizeof hint.text, " (did you mean %s%s?)", prefix, n->label);
    return hint;
}
