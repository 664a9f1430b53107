/* Finds a container's row by who it is, while tiers are merged. */
#ifndef WEIR_COLLECTORS_ROW_INDEX_H
#define WEIR_COLLECTORS_ROW_INDEX_H

#include "base/snapshot.h"

/* An open-addressing table of positions in an array of rows. Memory is kept from round to round. */
struct row_index {
    uint32_t *slots; /* position + 1, 0 free; owned */
    size_t capacity; /* a power of two */
};

/* Empties it and makes room for `rows` entries. */
void row_index_reset(struct row_index *x, size_t rows);
void row_index_done(struct row_index *x);
/* Remembers that rows[position] is its identity's; it must not be there yet, and there must be
 * room. */
void row_index_add(struct row_index *x, const struct container_row *rows, size_t position);
/* The row of the same container (engine and id), or NULL. */
struct container_row *row_index_find(const struct row_index *x, struct container_row *rows,
                                     const struct identity *identity);

#endif
