/* What it knows: a table of hashes with open addressing. */
#include "exporters/series_seen.h"

#include "base/alloc.h"

#include <stdbool.h>
#include <stdlib.h>

#define PLACES_MIN        64
#define PLACES_PER_GROUP  2 /* half empty, so that runs stay short */
#define HASH_OF_NOTHING   0
#define HASH_IN_ITS_PLACE 1

struct series_place {
    uint64_t hash;
    container_bits given;
};

void series_seen_init(struct series_seen *ret, size_t groups)
{
    size_t count = PLACES_MIN;
    while (count < groups * PLACES_PER_GROUP)
        count *= 2;
    *ret = (struct series_seen){
        .places = alloc_zeroed(count, sizeof *ret->places),
        .place_count = count,
    };
}

void series_seen_done(struct series_seen *s)
{
    free(s->places);
    *s = (struct series_seen){0};
}

static struct series_place *find(const struct series_seen *s, uint64_t hash)
{
    size_t at = (size_t)hash & (s->place_count - 1);
    while (s->places[at].hash != HASH_OF_NOTHING && s->places[at].hash != hash)
        at = (at + 1) & (s->place_count - 1);
    return &s->places[at];
}

static void grow(struct series_seen *s)
{
    struct series_seen larger;
    series_seen_init(&larger, s->place_count);
    for (size_t i = 0; i < s->place_count; i++)
        if (s->places[i].hash != HASH_OF_NOTHING)
            *find(&larger, s->places[i].hash) = s->places[i];
    larger.count = s->count;
    series_seen_done(s);
    *s = larger;
}

container_bits series_seen_add(struct series_seen *s, uint64_t hash, container_bits metrics)
{
    if ((s->count + 1) * PLACES_PER_GROUP > s->place_count)
        grow(s);
    if (hash == HASH_OF_NOTHING)
        hash = HASH_IN_ITS_PLACE;
    struct series_place *place = find(s, hash);
    if (place->hash == HASH_OF_NOTHING)
        s->count++;
    container_bits added = metrics & ~place->given;
    *place = (struct series_place){.hash = hash, .given = place->given | metrics};
    return added;
}
