/* What it knows: an open-addressing table of containers by id. */
#include "collectors/inventory.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>

#define SLOTS_MIN       64
#define UNSEEN_MAX_NS   (UINT64_C(86400) * NS_PER_SECOND) /* a day */
#define NAMELESS_MAX_NS (UINT64_C(300) * NS_PER_SECOND)
#define SLOTS_PER_ENTRY 2 /* half empty, so that runs stay short */

struct inventory {
    struct inventory_entry *entries; /* dense; owned */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* position + 1, 0 free; owned */
    size_t slot_count;
    uint64_t generation;
    struct label_drops drops;
};

struct inventory *inventory_new(void)
{
    return alloc_zeroed(1, sizeof(struct inventory));
}

void inventory_free(struct inventory *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->count; i++)
        identity_unref(v->entries[i].identity);
    free(v->entries);
    free(v->slots);
    free(v);
}

/* Every identity here is local, so the hash of the id tells them apart. */
static uint64_t hash_of(const char *container_id)
{
    struct identity key = {.container_id = container_id, .engine = "", .local = true};
    return identity_hash(&key);
}

static size_t slot_of(const struct inventory *v, const char *container_id)
{
    size_t slot = (size_t)hash_of(container_id) & (v->slot_count - 1);
    while (v->slots[slot] != 0) {
        const struct inventory_entry *e = &v->entries[v->slots[slot] - 1];
        if (text_equal(e->identity->container_id, container_id))
            return slot;
        slot = (slot + 1) & (v->slot_count - 1);
    }
    return slot;
}

static void index_all(struct inventory *v, size_t slot_count)
{
    free(v->slots);
    v->slots = alloc_zeroed(slot_count, sizeof *v->slots);
    v->slot_count = slot_count;
    for (size_t i = 0; i < v->count; i++)
        v->slots[slot_of(v, v->entries[i].identity->container_id)] = (uint32_t)i + 1;
}

static struct inventory_entry *find(const struct inventory *v, const char *container_id)
{
    if (v->slot_count == 0)
        return NULL;
    uint32_t position = v->slots[slot_of(v, container_id)];
    return position == 0 ? NULL : &v->entries[position - 1];
}

const struct inventory_entry *inventory_find(const struct inventory *v, const char *container_id)
{
    return find(v, container_id);
}

static struct inventory_entry *add(struct inventory *v, const struct identity *identity)
{
    if (v->count == INVENTORY_MAX)
        return NULL;
    if ((v->count + 1) * SLOTS_PER_ENTRY > v->slot_count)
        index_all(v, v->slot_count ? v->slot_count * 2 : SLOTS_MIN);
    if (v->count == v->capacity) {
        v->capacity = v->capacity ? v->capacity * 2 : SLOTS_MIN / SLOTS_PER_ENTRY;
        v->entries = alloc_resize(v->entries, v->capacity, sizeof *v->entries);
    }
    v->slots[slot_of(v, identity->container_id)] = (uint32_t)v->count + 1;
    assert(v->entries); /* grown above where there were none */
    struct inventory_entry *e = &v->entries[v->count++];
    *e = (struct inventory_entry){.identity = identity_ref(identity)};
    return e;
}

static void replace(struct inventory_entry *e, const struct identity *identity)
{
    const struct identity *old = e->identity;
    e->identity = identity_ref(identity);
    identity_unref(old);
}

bool inventory_tell(struct inventory *v, const struct inventory_telling *telling)
{
    assert(telling->identity->local);
    struct inventory_entry *e = find(v, telling->identity->container_id);
    if (e && e->source > telling->source)
        return true;
    if (!e && !(e = add(v, telling->identity)))
        return false;
    if (e->identity->started_ns != telling->identity->started_ns)
        e->birth = 0;
    if (telling->birth != 0)
        e->birth = telling->birth;
    replace(e, telling->identity);
    e->source = telling->source;
    e->hidden = telling->hidden;
    e->pid = telling->pid;
    e->network = telling->network;
    e->told_ns = telling->now_ns;
    e->seen_ns = telling->now_ns;
    v->generation++;
    return true;
}

static void drop_at(struct inventory *v, size_t position)
{
    identity_unref(v->entries[position].identity);
    v->entries[position] = v->entries[--v->count];
    v->generation++;
}

/* Frees a slot, and lets those behind it that it kept from their own move up. Indexing all anew
 * would make thousands of removals at once block for seconds. */
static void close_gap(struct inventory *v, size_t gap)
{
    size_t mask = v->slot_count - 1;
    for (size_t at = (gap + 1) & mask; v->slots[at] != 0; at = (at + 1) & mask) {
        const struct inventory_entry *e = &v->entries[v->slots[at] - 1];
        size_t own = (size_t)hash_of(e->identity->container_id) & mask;
        if (((at - own) & mask) < ((at - gap) & mask))
            continue;
        v->slots[gap] = v->slots[at];
        gap = at;
    }
    v->slots[gap] = 0;
}

void inventory_drop(struct inventory *v, const char *container_id)
{
    if (v->slot_count == 0)
        return;
    size_t slot = slot_of(v, container_id);
    if (v->slots[slot] == 0)
        return;
    uint32_t place = v->slots[slot];
    close_gap(v, slot);
    if (place != v->count) /* the last entry takes its place */
        v->slots[slot_of(v, v->entries[v->count - 1].identity->container_id)] = place;
    drop_at(v, place - 1);
}

void inventory_demote(struct inventory *v, const char *container_id)
{
    struct inventory_entry *e = find(v, container_id);
    if (e && e->source == INVENTORY_ENGINE)
        e->source = INVENTORY_REMEMBERED;
}

/* The same container, but when this instance of it began nobody has said. */
static const struct identity *without_start(const struct identity *old)
{
    struct identity *i = identity_new(old->engine, old->container_id);
    i->kind = old->kind;
    i->local = old->local;
    i->cgroup_path = arena_string(&i->arena, old->cgroup_path);
    i->name = arena_string(&i->arena, old->name);
    i->image = arena_string(&i->arena, old->image);
    i->created_ns = old->created_ns;
    struct label *labels = arena_alloc(&i->arena, old->label_count * sizeof *labels);
    for (size_t at = 0; at < old->label_count; at++)
        labels[at] = (struct label){arena_string(&i->arena, old->labels[at].name),
                                    arena_string(&i->arena, old->labels[at].value)};
    i->labels = labels;
    i->label_count = old->label_count;
    return i;
}

void inventory_measured(struct inventory *v, const char *container_id, uint64_t birth,
                        uint64_t round, uint64_t read_ns)
{
    struct inventory_entry *e = find(v, container_id);
    if (!e)
        return;
    e->measured_round = round;
    e->measured_ns = read_ns;
    e->seen_ns = read_ns;
    if (read_ns < e->told_ns || e->birth == birth)
        return;
    if (e->birth != 0) {
        const struct identity *again = without_start(e->identity);
        replace(e, again);
        identity_unref(again);
        e->pid = 0;
        e->source = INVENTORY_REMEMBERED; /* whoever knows of this instance knows better */
    }
    e->birth = birth;
    v->generation++;
}

void inventory_expire(struct inventory *v, uint64_t now_ns)
{
    bool dropped = false;
    for (size_t i = v->count; i > 0; i--) {
        const struct inventory_entry *e = &v->entries[i - 1];
        uint64_t most_ns = e->source == INVENTORY_SEEN ? NAMELESS_MAX_NS : UNSEEN_MAX_NS;
        if (e->source == INVENTORY_ENGINE || now_ns - e->seen_ns < most_ns)
            continue;
        drop_at(v, i - 1);
        dropped = true;
    }
    if (dropped)
        index_all(v, v->slot_count);
}

struct label_drops *inventory_drops(struct inventory *v)
{
    return &v->drops;
}

size_t inventory_count(const struct inventory *v)
{
    return v->count;
}

const struct inventory_entry *inventory_at(const struct inventory *v, size_t index)
{
    assert(index < v->count);
    return &v->entries[index];
}

uint64_t inventory_generation(const struct inventory *v)
{
    return v->generation;
}
