/* Where the samples are in a request that is already made. Private to push_body, push_split and
 * push_split_2. Documents: as of push_encode.h. */
#ifndef WEIR_EXPORTERS_PUSH_BODY_H
#define WEIR_EXPORTERS_PUSH_BODY_H

#include "exporters/push_fields.h"
#include "exporters/push_format.h"

#include <stdbool.h>
#include <stdint.h>

#define PUSH_LEVELS_MAX 5 /* of messages within messages down to a sample: OTLP has them all */

/* Bit N of leads[i]: field N of a message at level i holds what is at level i + 1. Level 0 is the
 * request, level `levels` a sample. */
struct push_shape {
    unsigned levels;
    uint64_t leads[PUSH_LEVELS_MAX];
};

/* Samples of a request, by their place in it: from `from`, and before `to`. */
struct push_range {
    uint64_t from;
    uint64_t to;
};

enum push_place { PUSH_OUTSIDE, PUSH_INSIDE, PUSH_ACROSS };

/* NULL: there is no such format. */
const struct push_shape *push_shape_of(enum push_format format);
/* 1: `field` leads on to samples; 0: it does not; -EBADMSG: it should, and is no message. */
int push_shape_leads(const struct push_shape *shape, unsigned level,
                     const struct push_field *field);
/* Adds the samples of a message at `level`. 0, -EBADMSG. */
int push_shape_count(const struct push_shape *shape, unsigned level, struct push_span message,
                     uint64_t *samples);
/* Where `count` samples are that begin with number `at`; what has none is where it stands. */
enum push_place push_range_place(const struct push_range *range, uint64_t at, uint64_t count);

/* A remote write 2 request, whose samples do not stand alone: the symbols of those in `range` come
 * along. Appends to `ret`, which says by `failed` when it did not take it. 0, -EBADMSG. */
int push_split_2(struct push_span body, const struct push_range *range, struct buf *ret);

#endif
