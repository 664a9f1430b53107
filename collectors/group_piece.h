/* Parts of a control group's path, neither copied nor terminated. Pure. */
#ifndef WEIR_COLLECTORS_GROUP_PIECE_H
#define WEIR_COLLECTORS_GROUP_PIECE_H

#include <stdbool.h>
#include <stddef.h>

/* Points into the text it was made from; `at` is never NULL. */
struct piece {
    const char *at;
    size_t length;
};

bool piece_equal(struct piece p, const char *text);
bool piece_has_prefix(struct piece p, const char *prefix);
bool piece_has_suffix(struct piece p, const char *suffix);
/* Is it one or more decimal digits? */
bool piece_is_number(struct piece p);
/* Is it of that shape? 'h' stands for one digit of lower-case hex, any other byte for itself. */
bool piece_has_shape(struct piece p, const char *shape);

/* These take something off the front or the end. False, and nothing changes, where it is not
 * there. */
bool piece_drop_prefix(struct piece *p, const char *prefix);
bool piece_drop_suffix(struct piece *p, const char *suffix);
bool piece_drop_shape(struct piece *p, const char *shape);
/* Decimal digits, and `end` after them, off the front: "12-". */
bool piece_drop_number(struct piece *p, const char *end);

/* Takes what follows the last '/' off `path`, and the '/' with it; all of it where there is
 * none. */
struct piece piece_drop_component(struct piece *path);

#endif
