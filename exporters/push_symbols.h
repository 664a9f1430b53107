/* The table of texts in a remote write 2 request, by number. Private to push_split_2 and
 * push_convert. Document: the remote write specification 2.0, "Symbols". */
#ifndef WEIR_EXPORTERS_PUSH_SYMBOLS_H
#define WEIR_EXPORTERS_PUSH_SYMBOLS_H

#include "exporters/push_fields.h"

#include <stdint.h>

/* Fields of io.prometheus.write.v2.Request and of its TimeSeries. */
#define PUSH_2_SYMBOLS    4
#define PUSH_2_TIMESERIES 5
#define PUSH_2_LABELS     1
#define PUSH_2_SAMPLES    2
#define PUSH_2_EXEMPLARS  4
#define PUSH_2_METADATA   5

struct push_symbols {
    struct push_span body; /* not owned */
    uint32_t *offsets;     /* owned: where in it the field of each symbol begins */
    uint32_t *numbers;     /* owned: zeroed, for whoever numbers them anew */
    uint32_t count;
};

/* 0; -EBADMSG: the message is damaged, or its first symbol is not empty. */
int push_symbols_load(struct push_span body, struct push_symbols *ret);
/* 0; -EBADMSG: there are not as many. */
int push_symbols_find(const struct push_symbols *s, uint64_t number, struct push_span *ret);
void push_symbols_done(struct push_symbols *s);

#endif
