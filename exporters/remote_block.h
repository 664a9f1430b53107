/* What both versions of remote write do alike: the labels of a group are encoded once, and where a
 * line's own labels go between them is looked for once. Private to their encoders. */
#ifndef WEIR_EXPORTERS_REMOTE_BLOCK_H
#define WEIR_EXPORTERS_REMOTE_BLOCK_H

#include "exporters/push_encode.h"
#include "exporters/series.h"
#include "exporters/wire.h"

#include <stdbool.h>

#define REMOTE_OWN_MAX  3 /* labels of a line: __name__ and two constant ones */
#define REMOTE_NAME_MAX 9 /* names of such; there are eight */

/* Appends one label, encoded. */
typedef void remote_label_fn(void *context, struct buf *b, struct piece name, struct piece value);

/* The encoded labels of a series, to be written one after the other. */
struct remote_pieces {
    struct piece pieces[2 * REMOTE_OWN_MAX + 1];
    unsigned count;
    size_t length; /* of all */
};

struct remote_line; /* opaque */

struct remote_block {
    remote_label_fn *add;
    void *context;
    struct buf labels; /* of the group, encoded; owned */
    size_t *ends;      /* where each of them ends; owned */
    size_t capacity;
    const struct series_group *group; /* of now */
    struct piece names[REMOTE_NAME_MAX];
    size_t places[REMOTE_NAME_MAX]; /* where in `labels` each goes; SIZE_MAX: not looked for yet */
    unsigned name_count;
    struct buf own;            /* the lines' labels, encoded; owned */
    struct remote_line *lines; /* of all lists; owned */
};

void remote_block_init(struct remote_block *ret, remote_label_fn *add, void *context,
                       size_t maximum);
void remote_block_done(struct remote_block *b);
/* `group` has to stay until the next. */
void remote_block_begin(struct remote_block *b, const struct series_group *group);
/* Valid until the next call. */
void remote_block_cut(struct remote_block *b, const struct series *series,
                      struct remote_pieces *ret);
/* Something did not fit: nothing that was cut is of use. */
bool remote_block_failed(const struct remote_block *b);

/* The value of a sample: the double's bits, those of a stale marker for what has gone. */
uint64_t remote_value_bits(const struct series *series);
/* How a round is walked. */
struct series_walk remote_walk_of(const struct push_encode_options *options,
                                  const struct push_round *round);

static inline char *remote_put_pieces(char *at, const struct remote_pieces *p)
{
    for (unsigned i = 0; i < p->count; i++)
        at = piece_put(at, p->pieces[i]);
    return at;
}

#endif
