/* What it knows: linear probing over the hash of identities. */
#include "collectors/row_index.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t first_slot(const struct row_index *x, const struct identity *identity)
{
    return (size_t)identity_hash(identity) & (x->capacity - 1);
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
