/* What it knows: lists of names with values. */
#include "agent/config_pairs.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void push_pairs_add(struct push_pairs *pairs, const char *name, const char *value)
{
    pairs->items = alloc_resize(pairs->items, pairs->count + 1, sizeof *pairs->items);
    pairs->items[pairs->count++] =
        (struct push_pair){.name = alloc_string(name), .value = alloc_string(value)};
}

const char *push_pairs_find(const struct push_pairs *pairs, const char *name, bool is_header)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (is_header ? strcasecmp(pairs->items[i].name, name) == 0
                      : text_equal(pairs->items[i].name, name))
            return pairs->items[i].value;
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct push_pair *)a)->name, ((const struct push_pair *)b)->name);
}

void push_pairs_sort(struct push_pairs *pairs)
{
    if (pairs->count > 1)
        qsort(pairs->items, pairs->count, sizeof *pairs->items, compare);
}

bool push_pairs_are_same(const struct push_pairs *a, const struct push_pairs *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!text_equal(a->items[i].name, b->items[i].name) ||
            !text_equal(a->items[i].value, b->items[i].value))
            return false;
    return true;
}

void push_pairs_done(struct push_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct push_pairs){0};
}
