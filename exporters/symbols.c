/* What it knows: how to find a text among some thousand quickly: by its address, since most come
 * many times from one place, else by its hash. Document: the remote write specification 2.0,
 * "Symbols". */
#include "exporters/symbols.h"

#include "base/alloc.h"
#include "exporters/series_labels.h"
#include "exporters/wire.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#define CAPACITY_MIN     256 /* symbols: of a small host */
#define SLOTS_PER_SYMBOL 2   /* half empty, so that runs stay short */
#define HASH_SEED        UINT64_C(0xA0761D6478BD642F)
/* Addresses of neighbours differ in their low bits, and arenas align by sixteen. */
#define ADDRESS_SHIFT 3

struct symbol {
    uint64_t hash;
    size_t start; /* in `wire` */
    size_t length;
};

static void index_all(struct symbols *s)
{
    s->slot_count = (size_t)s->capacity * SLOTS_PER_SYMBOL;
    free(s->slots);
    s->slots = alloc_zeroed(s->slot_count, sizeof *s->slots);
    for (uint32_t i = 0; i < s->count; i++) {
        size_t slot = (size_t)s->symbols[i].hash & (s->slot_count - 1);
        while (s->slots[slot] != 0)
            slot = (slot + 1) & (s->slot_count - 1);
        s->slots[slot] = i + 1;
    }
}

void symbols_init(struct symbols *ret, char tag, size_t maximum)
{
    *ret = (struct symbols){.tag = tag, .capacity = CAPACITY_MIN};
    buf_init(&ret->wire, maximum);
    ret->symbols = alloc_zeroed(ret->capacity, sizeof *ret->symbols);
    ret->recent = alloc_zeroed(SYMBOLS_RECENT, sizeof *ret->recent);
    index_all(ret);
    (void)symbols_number(ret, PIECE_EMPTY);
}

void symbols_done(struct symbols *s)
{
    buf_done(&s->wire);
    free(s->symbols);
    free(s->slots);
    free(s->recent);
}

static bool is_symbol(const struct symbols *s, uint32_t number, uint64_t hash, struct piece text)
{
    const struct symbol *symbol = &s->symbols[number];
    return symbol->hash == hash && symbol->length == text.length &&
           memcmp(s->wire.data + symbol->start, text.bytes, text.length) == 0;
}

static uint32_t add(struct symbols *s, size_t slot, uint64_t hash, struct piece text)
{
    char *at = exposition_room(&s->wire, wire_bytes_size(text.length));
    if (!at)
        return 0;
    wire_end(&s->wire, wire_put_bytes(at, s->tag, text));
    s->symbols[s->count] = (struct symbol){hash, s->wire.length - text.length, text.length};
    s->slots[slot] = ++s->count;
    uint32_t number = s->count - 1;
    if (s->count == s->capacity) {
        assert(s->capacity <= UINT32_MAX / 2);
        s->capacity *= 2;
        s->symbols = alloc_resize(s->symbols, s->capacity, sizeof *s->symbols);
        index_all(s);
    }
    return number;
}

static uint32_t find_or_add(struct symbols *s, struct piece text)
{
    uint64_t hash = label_hash(text.bytes, text.length, HASH_SEED);
    size_t slot = (size_t)hash & (s->slot_count - 1);
    for (; s->slots[slot] != 0; slot = (slot + 1) & (s->slot_count - 1))
        if (is_symbol(s, s->slots[slot] - 1, hash, text))
            return s->slots[slot] - 1;
    return add(s, slot, hash, text);
}

uint32_t symbols_number(struct symbols *s, struct piece text)
{
    uintptr_t address = (uintptr_t)text.bytes >> ADDRESS_SHIFT;
    struct recent_symbol *recent =
        &s->recent[(address ^ address / SYMBOLS_RECENT) & (SYMBOLS_RECENT - 1)];
    if (recent->text.bytes != text.bytes || recent->text.length != text.length)
        *recent = (struct recent_symbol){text, find_or_add(s, text)};
    return recent->number;
}
