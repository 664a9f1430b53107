/* What it knows: a chained hash table of containers. One allocation for each new container and none
 * for one that is known. */
#include "collectors/history.h"

#include "base/alloc.h"

#include <stdlib.h>

#define BUCKETS_MIN        64 /* a small host's containers */
#define BUCKETS_TO_ENTRIES 8  /* a table this many times too large is made smaller */

static struct history **bucket_of(const struct history_table *t, uint64_t hash)
{
    return &t->buckets[hash & (t->bucket_count - 1)];
}

static void drop(struct history *h)
{
    identity_unref(h->identity);
    free(h);
}

void history_table_done(struct history_table *t)
{
    for (size_t i = 0; i < t->bucket_count; i++) {
        struct history *next = NULL;
        for (struct history *h = t->buckets[i]; h; h = next) {
            next = h->next;
            drop(h);
        }
    }
    free(t->buckets);
    *t = (struct history_table){0};
}

static void resize(struct history_table *t, size_t bucket_count)
{
    struct history_table old = *t;
    t->buckets = alloc_zeroed(bucket_count, sizeof(struct history *));
    t->bucket_count = bucket_count;
    for (size_t i = 0; i < old.bucket_count; i++) {
        struct history *next = NULL;
        for (struct history *h = old.buckets[i]; h; h = next) {
            next = h->next;
            struct history **bucket = bucket_of(t, h->hash);
            h->next = *bucket;
            *bucket = h;
        }
    }
    free(old.buckets);
}

static struct history *find(const struct history_table *t, const struct identity *identity,
                            uint64_t hash)
{
    if (t->bucket_count == 0)
        return NULL;
    for (struct history *h = *bucket_of(t, hash); h; h = h->next)
        if (h->hash == hash && identity_same_container(h->identity, identity))
            return h;
    return NULL;
}

static struct history *add(struct history_table *t, const struct identity *identity, uint64_t hash)
{
    if (t->count == t->bucket_count)
        resize(t, t->bucket_count ? t->bucket_count * 2 : BUCKETS_MIN);
    struct history **bucket = bucket_of(t, hash);
    struct history *h = alloc_zeroed(1, sizeof *h);
    h->next = *bucket;
    h->identity = identity_ref(identity);
    h->hash = hash;
    *bucket = h;
    t->count++;
    return h;
}

static bool is_same_instance(const struct history *h, const struct identity *identity,
                             uint64_t birth)
{
    bool same_start = h->identity->started_ns == identity->started_ns;
    if (h->birth == 0 || birth == 0)
        return same_start;
    bool start_unknown = h->identity->started_ns == 0 || identity->started_ns == 0;
    return h->birth == birth && (same_start || start_unknown);
}

/* Follows the container to the identity it has now, so that no identity outlives its instance
 * here. */
static void follow(struct history *h, const struct identity *identity, uint64_t birth)
{
    if (!is_same_instance(h, identity, birth)) {
        cpu_history_clear(&h->cpu);
        h->cpus = 0;
        h->birth = 0;
    }
    if (birth != 0)
        h->birth = birth;
    if (h->identity == identity)
        return;
    const struct identity *old = h->identity;
    h->identity = identity_ref(identity);
    identity_unref(old);
}

struct history *history_table_get(struct history_table *t, const struct identity *identity,
                                  uint64_t birth)
{
    uint64_t hash = identity_hash(identity);
    struct history *h = find(t, identity, hash);
    if (!h)
        h = add(t, identity, hash);
    follow(h, identity, birth);
    h->round = t->round + 1;
    return h;
}

struct history *history_table_find(const struct history_table *t, const struct identity *identity)
{
    return find(t, identity, identity_hash(identity));
}

/* Has it not been seen for so long that it goes? Notes the time on one that was seen just now. */
static bool has_expired(struct history *h, uint64_t round, uint64_t now_ns)
{
    if (h->round == round) {
        h->seen_ns = now_ns;
        return false;
    }
    return now_ns - h->seen_ns >= HISTORY_UNSEEN_MAX_NS;
}

void history_table_end_round(struct history_table *t, uint64_t now_ns)
{
    t->round++;
    for (size_t i = 0; i < t->bucket_count; i++) {
        struct history **link = &t->buckets[i];
        while (*link) {
            struct history *h = *link;
            if (has_expired(h, t->round, now_ns)) {
                *link = h->next;
                drop(h);
                t->count--;
            } else {
                link = &h->next;
            }
        }
    }
    size_t enough = t->bucket_count;
    while (enough > BUCKETS_MIN && t->count * BUCKETS_TO_ENTRIES <= enough)
        enough /= 2;
    if (enough != t->bucket_count)
        resize(t, enough);
}
