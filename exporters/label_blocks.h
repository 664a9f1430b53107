/* The labels of a snapshot, formatted once and used by every family. */
#ifndef WEIR_EXPORTERS_LABEL_BLOCKS_H
#define WEIR_EXPORTERS_LABEL_BLOCKS_H

#include "exporters/exposition.h"

#include <stddef.h>

struct snapshot;

/* A run of the blocks' bytes: labels as the format writes them. */
struct label_span {
    size_t start;
    size_t length;
};

/* A container's spans. Those of its interfaces begin at spans[first] of the blocks, one each; then
 * come its devices, two each: device alone, and device, major and minor. */
struct row_labels {
    struct label_span base;
    size_t first;
};

struct label_blocks {
    label_add_fn *add;        /* the format's */
    struct buf bytes;         /* owned */
    struct row_labels *rows;  /* as many as the snapshot has; owned */
    struct label_span *spans; /* owned */
};

/* Formats the labels of every row with `add`, at most `maximum` bytes. Zero-initialise `ret`; it is
 * to be freed by label_blocks_done also after an error. 0, or -EMSGSIZE. */
int label_blocks_init(struct label_blocks *ret, const struct snapshot *s, label_add_fn *add,
                      size_t maximum);
void label_blocks_done(struct label_blocks *l);

#endif
