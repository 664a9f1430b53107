/* What it knows: how labels of one series are put in order, which of two of one name counts, and
 * how two sets are told apart quickly. Document: the remote write specification 1.0, "Labels". */
#include "exporters/series_labels.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16 /* labels: a container's and some external ones */

/* Odd numbers without a pattern: any would do, but each step needs its own. */
#define HASH_NAME  UINT64_C(0x9E3779B97F4A7C15)
#define HASH_WORD  UINT64_C(0xD1B54A32D192ED03)
#define HASH_LAST  UINT64_C(0x8CB92BA72F3D8DD7)
#define HIGH_BITS  UINT64_C(0x8080808080808080) /* of eight bytes: none is set in ASCII */
#define WORD_BYTES sizeof(uint64_t)

void label_set_done(struct label_set *s)
{
    free(s->labels);
    free(s->hashes);
    *s = (struct label_set){0};
}

/* A product's both halves: every bit of it depends on nearly all of both. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word_at(const char *at, size_t length)
{
    uint64_t word = 0;
    memcpy(&word, at, length);
    return word;
}

uint64_t label_hash(const char *text, size_t length, uint64_t seed)
{
    uint64_t hash = seed ^ length;
    for (; length >= WORD_BYTES; text += WORD_BYTES, length -= WORD_BYTES)
        hash = mix(hash ^ word_at(text, WORD_BYTES), HASH_WORD);
    return mix(hash ^ word_at(text, length), HASH_LAST);
}

static bool is_ascii(const char *text, size_t length)
{
    uint64_t bits = 0;
    for (; length >= WORD_BYTES; text += WORD_BYTES, length -= WORD_BYTES)
        bits |= word_at(text, WORD_BYTES);
    return ((bits | word_at(text, length)) & HIGH_BITS) == 0;
}

/* A copy with U+FFFD in the place of each byte that is no character. */
static const char *clean_copy(struct arena *arena, const char *text, size_t *ret_length)
{
    static const size_t growth_max = 3; /* bytes that one byte becomes */
    char *copy = arena_alloc(arena, strlen(text) * growth_max + 1);
    char *end = copy;
    while (*text != '\0')
        end = piece_put(end, label_character(&text));
    *end = '\0';
    *ret_length = (size_t)(end - copy);
    return copy;
}

static void reserve(struct label_set *s, size_t count)
{
    if (count <= s->capacity)
        return;
    s->capacity = count < FIRST_CAPACITY ? FIRST_CAPACITY : count * 2;
    s->labels = alloc_resize(s->labels, s->capacity, sizeof *s->labels);
    s->hashes = alloc_resize(s->hashes, s->capacity, sizeof *s->hashes);
}

/* Where `name` is, or would be: behind all smaller ones. From the end, since most come in order. */
static size_t position_of(const struct label_set *s, const char *name, bool *ret_is_there)
{
    size_t at = s->count;
    int order = 1;
    while (at > 0 && (order = strcmp(s->labels[at - 1].name, name)) > 0)
        at--;
    *ret_is_there = at > 0 && order == 0;
    return *ret_is_there ? at - 1 : at;
}

static void make_room_at(struct label_set *s, size_t at)
{
    reserve(s, s->count + 1);
    memmove(s->labels + at + 1, s->labels + at, (s->count - at) * sizeof *s->labels);
    memmove(s->hashes + at + 1, s->hashes + at, (s->count - at) * sizeof *s->hashes);
    s->hashes[at] = 0;
    s->count++;
}

void label_set_put(struct label_set *s, struct arena *arena, const char *name, const char *value)
{
    if (!value || value[0] == '\0')
        return;
    size_t length = strlen(value);
    if (!is_ascii(value, length) && !text_is_utf8(value))
        value = clean_copy(arena, value, &length);
    bool is_there = false;
    size_t at = position_of(s, name, &is_there);
    if (!is_there)
        make_room_at(s, at);
    s->hash -= s->hashes[at];
    s->labels[at] = (struct label){.name = name, .value = value};
    s->hashes[at] = label_hash(value, length, label_hash(name, strlen(name), HASH_NAME));
    s->hash += s->hashes[at];
}

void label_set_copy(struct label_set *to, const struct label_set *from)
{
    reserve(to, from->count);
    if (from->count > 0) {
        memcpy(to->labels, from->labels, from->count * sizeof *from->labels);
        memcpy(to->hashes, from->hashes, from->count * sizeof *from->hashes);
    }
    to->count = from->count;
    to->hash = from->hash;
}

static size_t find(const struct label_set *s, struct piece name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strncmp(s->labels[i].name, name.bytes, name.length) == 0 &&
            s->labels[i].name[name.length] == '\0')
            return i;
    return s->count;
}

void label_set_remove(struct label_set *s, struct piece name)
{
    size_t at = find(s, name);
    if (at == s->count)
        return;
    s->hash -= s->hashes[at];
    s->count--;
    memmove(s->labels + at, s->labels + at + 1, (s->count - at) * sizeof *s->labels);
    memmove(s->hashes + at, s->hashes + at + 1, (s->count - at) * sizeof *s->hashes);
}

bool label_set_has(const struct label_set *s, struct piece name)
{
    return find(s, name) < s->count;
}
