/* What was sent, as a list that can be compared: from both messages of remote write, read by
 * protobuf-c, and from the text exposition, which says what it should be. */
#ifndef WEIR_TESTS_REMOTE_FIXTURE_H
#define WEIR_TESTS_REMOTE_FIXTURE_H

#include "base/buf.h"
#include "exporters/push_encode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STALE_BITS UINT64_C(0x7ff0000000000002)
#define BODY_MAX   ((size_t)64 << 20) /* bytes; far above what these snapshots need */

struct sent {
    char *key;     /* name and value of each label in turn, sorted; each ends with byte 1 */
    uint64_t bits; /* of the value */
    int64_t time_ms;
    int64_t start_ms;  /* version 2 alone */
    int type;          /* the same: 1 counter, 2 gauge */
    char *help, *unit; /* the same */
    size_t order;      /* of where it was read */
};

/* Sorted by key. */
struct sent_list {
    struct sent *items;
    size_t count;
};

void sent_list_done(struct sent_list *list);
/* The one with these labels ("name", "value", ..., NULL; sorted); NULL: none. */
const struct sent *sent_find(const struct sent_list *list, const char *const labels[]);
/* How many have this label. */
size_t sent_count(const struct sent_list *list, const char *name, const char *value);

/* A message, whose rules are asserted too: labels sorted, no name twice, none empty, all UTF-8; the
 * bytes are what protobuf-c packs. */
struct sent_list sent_of_body(enum push_format format, const struct buf *body);
/* What should be sent for the round: what the text exposition of `current` has, and what that of
 * `previous` has beside it as stale. `filter` of the options is not looked at. */
struct sent_list sent_expected(const struct push_encode_options *options,
                               const struct push_round *round);

#endif
