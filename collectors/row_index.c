/* What it knows: linear probing over a hash of engine and container id (FNV-1a). */
#include "collectors/row_index.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * FNV_PRIME;
    return hash;
}

static size_t first_slot(const struct row_index *x, const struct identity *identity)
{
    uint64_t hash = hash_text(hash_text(FNV_OFFSET, identity->engine), identity->container_id);
    return (size_t)(hash ^ (hash >> 32)) & (x->capacity - 1);
}

void row_index_reset(struct row_index *x, size_t rows)
{
    size_t capacity = 16;
    while (capacity < rows * 2)
        capacity *= 2; /* half empty, so that runs stay short */
    if (capacity > x->capacity) {
        free(x->slots);
        x->slots = alloc_zeroed(capacity, sizeof *x->slots);
        x->capacity = capacity;
        return;
    }
    memset(x->slots, 0, x->capacity * sizeof *x->slots);
}

void row_index_done(struct row_index *x)
{
    free(x->slots);
    *x = (struct row_index){0};
}

void row_index_add(struct row_index *x, const struct container_row *rows, size_t position)
{
    size_t slot = first_slot(x, rows[position].identity);
    for (size_t probes = 0; x->slots[slot] != 0; probes++) {
        assert(probes < x->capacity);
        slot = (slot + 1) & (x->capacity - 1);
    }
    x->slots[slot] = (uint32_t)position + 1;
}

struct container_row *row_index_find(const struct row_index *x, struct container_row *rows,
                                     const struct identity *identity)
{
    size_t slot = first_slot(x, identity);
    while (x->slots[slot] != 0) {
        struct container_row *row = &rows[x->slots[slot] - 1];
        if (identity_same_container(row->identity, identity))
            return row;
        slot = (slot + 1) & (x->capacity - 1);
    }
    return NULL;
}
