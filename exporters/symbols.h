/* Texts, each once and by its number: the symbols of a remote write 2 request. Private to its
 * encoder. */
#ifndef WEIR_EXPORTERS_SYMBOLS_H
#define WEIR_EXPORTERS_SYMBOLS_H

#include "base/buf.h"
#include "exporters/exposition.h"

#include <stddef.h>
#include <stdint.h>

#define SYMBOLS_RECENT 1024 /* addresses remembered: those of some containers; a power of two */

struct symbol; /* opaque */

/* A text whose address was seen. */
struct recent_symbol {
    struct piece text;
    uint32_t number;
};

struct symbols {
    char tag;               /* of the field */
    struct buf wire;        /* the fields, one behind the other; owned */
    struct symbol *symbols; /* owned */
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* number + 1, 0 free; owned */
    size_t slot_count;
    struct recent_symbol *recent; /* owned */
};

/* The one symbol there is then is "", 0. */
void symbols_init(struct symbols *ret, char tag, size_t maximum);
void symbols_done(struct symbols *s);
/* The text's number. It has to stay where it is, unchanged, until symbols_done. After `wire.failed`
 * the number is of no use. */
uint32_t symbols_number(struct symbols *s, struct piece text);

#endif
