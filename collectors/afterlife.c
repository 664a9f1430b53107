/* What it knows: how a container's last words are kept, and how its OOM kills are counted over
 * instances. Documents: metric_list.h (LAST_SEEN, OOM_KILLS), docs/METRICS.md. */
#include "collectors/afterlife.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN       64
#define SLOTS_PER_ENTRY 2 /* half empty, so that runs stay short */

/* OOM kills of one instance. The kernel's count and what an engine tells of go side by side, but
 * for `ahead`: kills from before somebody listened, and kills that shared one telling. */
struct kills {
    bool counted;    /* the kernel's count was read */
    bool flagged;    /* State.OOMKilled */
    uint64_t kernel; /* the kernel's newest count */
    uint64_t told;   /* by an engine */
    int64_t ahead;   /* kernel less told, when last neither of them moved */
};

struct entry {
    const struct identity *identity; /* a reference, to the instance seen last */
    uint64_t birth;                  /* of its control group, 0 unknown */
    uint64_t last_seen_ms;           /* realtime, 0 never */
    uint64_t live_ns;                /* CLOCK_MONOTONIC when it was live last, 0 never */
    uint64_t row_ns;                 /* CLOCK_MONOTONIC when it had a row last */
    bool heard;                      /* somebody counts its OOM kills */
    struct kills kills;              /* of the instance seen last */
    uint64_t past;                   /* kills of the instances before it */
    uint64_t told_before;            /* of those an engine told of, those of these */
    uint64_t given;                  /* the most kills that were given out */
};

struct afterlife {
    uint64_t linger_ns;
    size_t most;
    struct entry *entries; /* dense; owned */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* position + 1, 0 free; owned */
    size_t slot_count;
    uint64_t dropped;
};

struct afterlife *afterlife_new(uint64_t linger_ms, size_t most)
{
    struct afterlife *a = alloc_zeroed(1, sizeof *a);
    a->linger_ns = linger_ms * NS_PER_MS;
    a->most = most;
    return a;
}

void afterlife_free(struct afterlife *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++)
        identity_unref(a->entries[i].identity);
    free(a->entries);
    free(a->slots);
    free(a);
}

/* --- the table --- */

static size_t slot_of(const struct afterlife *a, const struct identity *identity)
{
    size_t slot = (size_t)identity_hash(identity) & (a->slot_count - 1);
    while (a->slots[slot] != 0 &&
           !identity_same_container(a->entries[a->slots[slot] - 1].identity, identity))
        slot = (slot + 1) & (a->slot_count - 1);
    return slot;
}

static void index_all(struct afterlife *a, size_t slot_count)
{
    free(a->slots);
    a->slots = alloc_zeroed(slot_count, sizeof *a->slots);
    a->slot_count = slot_count;
    for (size_t i = 0; i < a->count; i++)
        a->slots[slot_of(a, a->entries[i].identity)] = (uint32_t)i + 1;
}

static struct entry *find(const struct afterlife *a, const struct identity *identity)
{
    if (a->slot_count == 0)
        return NULL;
    uint32_t position = a->slots[slot_of(a, identity)];
    return position == 0 ? NULL : &a->entries[position - 1];
}

static struct entry *add(struct afterlife *a, const struct identity *identity)
{
    if ((a->count + 1) * SLOTS_PER_ENTRY > a->slot_count)
        index_all(a, a->slot_count ? a->slot_count * 2 : SLOTS_MIN);
    if (a->count == a->capacity) {
        a->capacity = a->capacity ? a->capacity * 2 : SLOTS_MIN / SLOTS_PER_ENTRY;
        a->entries = alloc_resize(a->entries, a->capacity, sizeof *a->entries);
    }
    a->slots[slot_of(a, identity)] = (uint32_t)a->count + 1;
    struct entry *e = &a->entries[a->count++];
    *e = (struct entry){.identity = identity_ref(identity)};
    return e;
}

static int compare_ends(const void *a, const void *b)
{
    const struct entry *const *first = a;
    const struct entry *const *second = b;
    return ((*first)->row_ns > (*second)->row_ns) - ((*first)->row_ns < (*second)->row_ns);
}

/* Places for new containers: those of the ones that ended first. All at once, for a full table
 * would be searched and indexed anew for each of them. */
static void make_room(struct afterlife *a, size_t coming, uint64_t now_ns)
{
    if (a->count + coming <= a->most)
        return;
    size_t over = a->count + coming - a->most;
    size_t count = 0;
    struct entry **ended = alloc_zeroed(a->count + 1, sizeof *ended);
    for (size_t i = 0; i < a->count; i++)
        if (a->entries[i].row_ns != now_ns)
            ended[count++] = &a->entries[i];
    qsort(ended, count, sizeof(struct entry *), compare_ends);
    for (size_t i = 0; i < count && i < over; i++) {
        identity_unref(ended[i]->identity);
        ended[i]->identity = NULL;
        a->dropped++;
    }
    free(ended);
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++)
        if (a->entries[i].identity)
            a->entries[kept++] = a->entries[i];
    a->count = kept;
    if (a->slot_count > 0)
        index_all(a, a->slot_count);
}

/* --- OOM kills --- */

/* The kills of an instance whose group is gone: what was told after the kernel was read last the
 * kernel had counted too. */
static uint64_t final_kills(const struct kills *k)
{
    int64_t told = k->ahead + (int64_t)k->told;
    uint64_t kills = told > 0 && (uint64_t)told > k->kernel ? (uint64_t)told : k->kernel;
    return kills == 0 && k->flagged ? 1 : kills;
}

static bool has_count(const struct container_row *row)
{
    return row->tiers[GROUP_OOM] != TIER_NONE && row_has(row, CONTAINER_OOM_KILLS);
}

/* Who says that it does not run speaks of the run that ended. A group of another run is then the
 * next one's, which counts once that one is told of. */
static bool is_early(const struct entry *e, const struct container_row *row)
{
    bool over = !state_is_live(row->state) && row->state != STATE_UNKNOWN;
    return over && row->birth != e->birth;
}

/* Of `all` that an engine told of, those that came after the instances before; without its word,
 * those it told of last. An engine that has forgotten the container begins to count anew. */
static uint64_t told_since(struct entry *e, const struct container_row *row, uint64_t all)
{
    if (row->tiers[GROUP_LIFE] == TIER_NONE)
        return e->kills.told;
    if (all < e->told_before)
        e->told_before = all;
    return all - e->told_before;
}

/* The instance seen last is over: what is told of it and of those that came and went unseen is
 * known now. */
static void end_instance(struct entry *e, const struct container_row *row)
{
    bool known = row->identity->started_ns != e->identity->started_ns;
    uint64_t all = row->kills_before + (known ? 0 : row->kills_told);
    uint64_t told = told_since(e, row, all);
    if (told > e->kills.told)
        e->kills.told = told;
    e->past += final_kills(&e->kills);
    e->told_before += e->kills.told;
    e->kills = (struct kills){0};
    e->birth = 0;
}

static void note_kills(struct entry *e, const struct container_row *row)
{
    struct kills *k = &e->kills;
    uint64_t told = told_since(e, row, row->kills_before + row->kills_told);
    if (told > k->told)
        k->told = told;
    k->flagged = k->flagged ||
                 (row_has(row, CONTAINER_OOM_KILLED) && row->values[CONTAINER_OOM_KILLED] != 0);
    if (!has_count(row) || is_early(e, row))
        return;
    uint64_t count = row->values[CONTAINER_OOM_KILLS];
    /* What the first reading has may be told yet, unless it is from before anybody listened. */
    bool quiet = k->counted ? count == k->kernel : !row->kills_whole;
    if (quiet && row->kills_told_ns < row->kills_read_ns)
        k->ahead = (int64_t)(count - k->told);
    if (count > k->kernel)
        k->kernel = count;
    k->counted = true;
}

/* What the kernel has counted goes with the group: as long as that is the same one, so is the
 * instance, though an engine tells of the next one already. */
static bool is_same_instance(const struct entry *e, const struct container_row *row)
{
    bool starts = e->identity->started_ns != 0 && row->identity->started_ns != 0;
    if (e->birth != 0 && row->birth != 0 && !is_early(e, row))
        return e->birth == row->birth;
    return !starts || e->identity->started_ns == row->identity->started_ns;
}

static void count_kills(struct entry *e, struct container_row *row)
{
    if (e->row_ns == 0)
        e->past = e->told_before = row->kills_before;
    else if (!is_same_instance(e, row))
        end_instance(e, row);
    if (row->birth != 0 && !is_early(e, row))
        e->birth = row->birth;
    note_kills(e, row);
    bool lives_on = state_is_live(row->state) && has_count(row);
    uint64_t kills = e->past + (lives_on ? e->kills.kernel : final_kills(&e->kills));
    if (kills > e->given)
        e->given = kills;
    e->heard = e->heard || has_count(row) || row->kills_heard || e->given > 0;
    if (e->heard)
        row_set(row, CONTAINER_OOM_KILLS, e->given);
}

/* --- last seen --- */

static bool lingers(const struct afterlife *a, const struct entry *e, uint64_t now_ns)
{
    return e->live_ns != 0 && now_ns - e->live_ns < a->linger_ns;
}

/* Of a container that ended before weir began its engine says when. */
static void note_end(const struct afterlife *a, struct entry *e, const struct container_row *row,
                     const struct snapshot *s)
{
    if (e->live_ns != 0 || !row_has(row, CONTAINER_FINISHED_TIME))
        return;
    uint64_t now_ms = s->realtime_ns / NS_PER_MS;
    uint64_t ended_ms = row->values[CONTAINER_FINISHED_TIME];
    uint64_t ago_ns = now_ms > ended_ms ? (now_ms - ended_ms) * NS_PER_MS : 0;
    if (ago_ns >= a->linger_ns || ago_ns >= s->monotonic_ns)
        return;
    e->last_seen_ms = ended_ms;
    e->live_ns = s->monotonic_ns - ago_ns;
}

static void follow(struct entry *e, const struct identity *identity)
{
    const struct identity *old = e->identity;
    e->identity = identity_ref(identity);
    identity_unref(old);
}

static void note_row(const struct afterlife *a, struct entry *e, struct container_row *row,
                     const struct snapshot *s)
{
    count_kills(e, row);
    follow(e, row->identity);
    e->row_ns = s->monotonic_ns;
    if (state_is_live(row->state)) {
        e->live_ns = s->monotonic_ns;
        e->last_seen_ms = row_has(row, CONTAINER_LAST_SEEN) ? row->values[CONTAINER_LAST_SEEN]
                                                            : s->realtime_ns / NS_PER_MS;
        return;
    }
    note_end(a, e, row, s);
    if (lingers(a, e, s->monotonic_ns))
        row_set(row, CONTAINER_LAST_SEEN, e->last_seen_ms);
}

static void add_lingering(const struct entry *e, struct snapshot *s)
{
    struct container_row *row = &s->rows[s->row_count++];
    *row = (struct container_row){.identity = identity_ref(e->identity)};
    row_set(row, CONTAINER_LAST_SEEN, e->last_seen_ms);
    if (e->heard)
        row_set(row, CONTAINER_OOM_KILLS, e->given);
}

/* Rows for those who have none any more. */
static void add_rows(const struct afterlife *a, struct snapshot *s)
{
    size_t missing = 0;
    for (size_t i = 0; i < a->count; i++)
        missing +=
            a->entries[i].row_ns != s->monotonic_ns && lingers(a, &a->entries[i], s->monotonic_ns);
    if (missing == 0)
        return;
    struct container_row *rows = arena_alloc(&s->arena, (s->row_count + missing) * sizeof *rows);
    if (s->row_count > 0)
        memcpy(rows, s->rows, s->row_count * sizeof *rows);
    s->rows = rows;
    for (size_t i = 0; i < a->count; i++)
        if (a->entries[i].row_ns != s->monotonic_ns && lingers(a, &a->entries[i], s->monotonic_ns))
            add_lingering(&a->entries[i], s);
}

static void expire(struct afterlife *a, uint64_t now_ns)
{
    bool dropped = false;
    for (size_t i = a->count; i > 0; i--) {
        struct entry *e = &a->entries[i - 1];
        if (e->row_ns == now_ns || lingers(a, e, now_ns))
            continue;
        identity_unref(e->identity);
        *e = a->entries[--a->count];
        dropped = true;
    }
    if (dropped)
        index_all(a, a->slot_count);
}

static void add_entry(struct afterlife *a, struct container_row *row, const struct snapshot *s)
{
    if (a->count < a->most)
        note_row(a, add(a, row->identity), row, s);
    else
        a->dropped++;
}

void afterlife_apply(struct afterlife *a, struct snapshot *s)
{
    /* Those that are known come first: who has a row keeps its place. */
    size_t coming = 0;
    for (size_t i = 0; i < s->row_count; i++) {
        struct entry *e = find(a, s->rows[i].identity);
        coming += e == NULL;
        if (e)
            note_row(a, e, &s->rows[i], s);
    }
    expire(a, s->monotonic_ns);
    make_room(a, coming, s->monotonic_ns);
    size_t row_count = coming > 0 ? s->row_count : 0;
    for (size_t i = 0; i < row_count; i++)
        if (!find(a, s->rows[i].identity))
            add_entry(a, &s->rows[i], s);
    add_rows(a, s);
}

void afterlife_forget(struct afterlife *a, const struct identity *identity)
{
    struct entry *e = find(a, identity);
    if (e)
        e->live_ns = 0;
}

uint64_t afterlife_dropped(const struct afterlife *a)
{
    return a->dropped;
}
