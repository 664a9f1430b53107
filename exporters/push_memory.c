/* What it knows: a list that counts what it holds. */
#include "exporters/push_memory.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct push_waiting *push_waiting_new(const struct push_record *record, const char *body,
                                      size_t length)
{
    struct push_waiting *w = alloc_bytes(sizeof *w + length);
    *w = (struct push_waiting){.record = *record, .length = length};
    if (length > 0)
        memcpy(w->body, body, length);
    return w;
}

uint64_t push_memory_size(size_t length)
{
    return sizeof(struct push_waiting) + length;
}

void push_memory_init(struct push_memory *m)
{
    *m = (struct push_memory){0};
    STAILQ_INIT(&m->list);
}

void push_memory_done(struct push_memory *m)
{
    while (m->records > 0)
        push_memory_remove(m, false);
}

void push_memory_add(struct push_memory *m, struct push_waiting *w)
{
    STAILQ_INSERT_TAIL(&m->list, w, link);
    m->records++;
    m->samples += w->record.samples;
    m->bytes += push_memory_size(w->length);
}

struct push_waiting *push_memory_oldest(const struct push_memory *m)
{
    return STAILQ_FIRST(&m->list);
}

void push_memory_remove(struct push_memory *m, bool second)
{
    struct push_waiting *oldest = STAILQ_FIRST(&m->list);
    assert(oldest);
    struct push_waiting *w = second ? STAILQ_NEXT(oldest, link) : oldest;
    assert(w);
    STAILQ_REMOVE(&m->list, w, push_waiting, link);
    m->records--;
    m->samples -= w->record.samples;
    m->bytes -= push_memory_size(w->length);
    free(w);
}
