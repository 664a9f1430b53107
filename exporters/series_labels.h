/* Sets of labels, sorted and hashed as they grow. Private to series.c. */
#ifndef WEIR_EXPORTERS_SERIES_LABELS_H
#define WEIR_EXPORTERS_SERIES_LABELS_H

#include "base/identity.h"
#include "exporters/exposition.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Sorted by name bytewise, no name twice. Zero is an empty set. */
struct label_set {
    struct label *labels; /* owned; their texts are not */
    uint64_t *hashes;     /* one each; owned */
    size_t count;
    size_t capacity;
    uint64_t hash; /* of all of them: sets with the same labels have the same */
};

/* All its bits are good; `seed` makes another hash of it. */
uint64_t label_hash(const char *text, size_t length, uint64_t seed);

void label_set_done(struct label_set *s);
/* A label; one of that name gives way. A value that is NULL or empty adds nothing and takes nothing
 * away. Bytes of it that are not UTF-8 become U+FFFD, in a copy in `arena`; else `value` itself has
 * to stay. */
void label_set_put(struct label_set *s, struct arena *arena, const char *name, const char *value);
/* Makes `to` the same as `from`. */
void label_set_copy(struct label_set *to, const struct label_set *from);
/* Takes the label of that name out, if there is one. */
void label_set_remove(struct label_set *s, struct piece name);
bool label_set_has(const struct label_set *s, struct piece name);

#endif
