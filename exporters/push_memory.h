/* Records in memory, oldest first: while the disk takes none, or without a disk. */
#ifndef WEIR_EXPORTERS_PUSH_MEMORY_H
#define WEIR_EXPORTERS_PUSH_MEMORY_H

#include "exporters/push_queue.h"

#include <sys/queue.h>

struct push_waiting {
    STAILQ_ENTRY(push_waiting) link;
    struct push_record record; /* its sequence is given when it is written or peeked */
    size_t length;
    char body[];
};

struct push_memory {
    STAILQ_HEAD(push_waiting_list, push_waiting) list;
    uint64_t records;
    uint64_t samples;
    uint64_t bytes; /* as push_memory_size counts them */
};

/* A copy, to be freed with free(). */
struct push_waiting *push_waiting_new(const struct push_record *record, const char *body,
                                      size_t length);
/* What a record with a body of `length` takes. */
uint64_t push_memory_size(size_t length);

void push_memory_init(struct push_memory *m);
void push_memory_done(struct push_memory *m);
/* Takes the record over. */
void push_memory_add(struct push_memory *m, struct push_waiting *w);
struct push_waiting *push_memory_oldest(const struct push_memory *m); /* NULL: empty */
/* Frees the oldest, or with `second` the one behind it, which must be there. */
void push_memory_remove(struct push_memory *m, bool second);

#endif
