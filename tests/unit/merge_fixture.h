/* Parts of up to three tiers and what becomes of them, for the tests of merging. Include after
 * cmocka.h. */
#ifndef WEIR_TESTS_MERGE_FIXTURE_H
#define WEIR_TESTS_MERGE_FIXTURE_H

#include "collectors/merge.h"

#define PARTS_MAX 3

struct fixture {
    struct part parts[PARTS_MAX];
    struct row_index index;
    struct snapshot *snapshot;
};

/* A row of a container that is known to `engine` alone. */
static inline struct container_row *add(struct part *part, const char *engine, const char *id)
{
    struct identity *identity = identity_new(engine, id);
    struct container_row *row = part_add_row(part, identity);
    identity_unref(identity);
    return row;
}

/* A row of the container of this host called `name`, NULL where that is not known. */
static inline struct container_row *add_local(struct part *part, const char *engine, const char *id,
                                              const char *name)
{
    struct identity *identity = identity_new(engine, id);
    identity->local = true;
    identity->name = arena_string(&identity->arena, name);
    struct container_row *row = part_add_row(part, identity);
    identity_unref(identity);
    return row;
}

static inline void give(struct container_row *row, enum tier tier, enum metric_group group)
{
    row->tiers[group] = tier;
    row->absent[group] = REASON_NONE;
}

/* Merges, and takes the parts away: the snapshot must stand alone. */
static inline const struct container_row *merge(struct fixture *f, size_t count)
{
    const struct part *const parts[] = {&f->parts[0], &f->parts[1], &f->parts[2]};
    f->snapshot = snapshot_new();
    merge_rows(f->snapshot, parts, count, &f->index);
    merge_points(f->snapshot, parts, count);
    for (size_t i = 0; i < PARTS_MAX; i++) {
        part_done(&f->parts[i]);
        f->parts[i] = (struct part){0};
    }
    return f->snapshot->rows;
}

/* The same where it makes one row. */
static inline const struct container_row *merge_one(struct fixture *f, size_t count)
{
    const struct container_row *row = merge(f, count);
    assert_int_equal(f->snapshot->row_count, 1);
    return row;
}

static inline void end(struct fixture *f)
{
    snapshot_unref(f->snapshot);
    row_index_done(&f->index);
    *f = (struct fixture){0};
}

#endif
