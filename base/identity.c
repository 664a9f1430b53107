/* What it knows: the life of an identity. */
#include "base/identity.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#define IDENTITY_FIRST_BLOCK                                            \
    1024 /* bytes: names, path and a handful of labels; hosts have many \
          */

struct identity *identity_new(const char *engine, const char *container_id)
{
    assert(engine && container_id);
    struct identity *i = alloc_zeroed(1, sizeof *i);
    i->references = 1;
    i->arena.first_block = IDENTITY_FIRST_BLOCK;
    i->engine = arena_string(&i->arena, engine);
    i->container_id = arena_string(&i->arena, container_id);
    return i;
}

/* The one place where the count behind a const identity is written. */
static struct identity *counted(const struct identity *i)
{
    return (struct identity *)(uintptr_t)i;
}

const struct identity *identity_ref(const struct identity *i)
{
    assert(i->references > 0 && i->references < UINT_MAX);
    counted(i)->references++;
    return i;
}

void identity_unref(const struct identity *i)
{
    if (!i)
        return;
    assert(i->references > 0);
    if (--counted(i)->references > 0)
        return;
    arena_done(&counted(i)->arena);
    free(counted(i));
}

bool identity_same_container(const struct identity *a, const struct identity *b)
{
    return text_equal(a->container_id, b->container_id) &&
           ((a->local && b->local) || text_equal(a->engine, b->engine));
}

uint64_t identity_hash(const struct identity *i)
{
    uint64_t hash = text_hash(i->container_id);
    return hash ^ (hash >> 32); /* its low bits know little of the last bytes */
}
