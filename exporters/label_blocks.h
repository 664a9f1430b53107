/* The labels of a snapshot as text, formatted once and used by every family. */
#ifndef WEIR_EXPORTERS_LABEL_BLOCKS_H
#define WEIR_EXPORTERS_LABEL_BLOCKS_H

#include "base/buf.h"

#include <stddef.h>

struct snapshot;

/* Bytes of the text in label_blocks: pairs such as name="web", each followed by a comma. */
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
    struct buf text;          /* owned */
    struct row_labels *rows;  /* as many as the snapshot has; owned */
    struct label_span *spans; /* owned */
};

/* Formats the labels of every row, at most `maximum` bytes. Zero-initialise `ret`; it is to be
 * freed by label_blocks_done also after an error. 0, or -EMSGSIZE. */
int label_blocks_init(struct label_blocks *ret, const struct snapshot *s, size_t maximum);
void label_blocks_done(struct label_blocks *l);

/* Appends name="value", with `value` escaped and what is not UTF-8 replaced by U+FFFD, since one
 * bad byte would make Prometheus refuse the whole scrape. A value that is NULL or empty appends
 * nothing: to Prometheus it is the same as no label. `name_length` bytes of `name` count. */
void label_add(struct buf *b, const char *name, size_t name_length, const char *value);

#endif
