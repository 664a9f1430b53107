/* Snapshots built by hand, for the tests of those who read them. */
#ifndef WEIR_TESTS_SNAPSHOT_FIXTURE_H
#define WEIR_TESTS_SNAPSHOT_FIXTURE_H

#include "base/snapshot.h"

#include <string.h>

/* A snapshot of `rows` rows, each with an identity that says nothing but its engine and id. */
static inline struct snapshot *fixture_snapshot(size_t rows)
{
    struct snapshot *s = snapshot_new();
    s->number = 1;
    s->row_count = rows;
    s->rows = arena_alloc(&s->arena, (rows + 1) * sizeof *s->rows);
    for (size_t i = 0; i < rows; i++)
        s->rows[i].identity = identity_new("unix:///run/docker.sock", "0123");
    return s;
}

/* The identity of a row, still to be filled: the tests are who builds it. */
static inline struct identity *fixture_identity(struct snapshot *s, size_t row)
{
    return (struct identity *)(uintptr_t)s->rows[row].identity;
}

static inline void fixture_name(struct snapshot *s, size_t row, const char *path, const char *name,
                                const char *image)
{
    struct identity *i = fixture_identity(s, row);
    i->cgroup_path = arena_string(&i->arena, path);
    i->name = arena_string(&i->arena, name);
    i->image = arena_string(&i->arena, image);
}

static inline void fixture_labels(struct snapshot *s, size_t row, const struct label *labels,
                                  size_t count)
{
    struct identity *i = fixture_identity(s, row);
    struct label *copy = arena_alloc(&i->arena, count * sizeof *copy);
    for (size_t l = 0; l < count; l++) {
        copy[l].name = arena_string(&i->arena, labels[l].name);
        copy[l].value = arena_string(&i->arena, labels[l].value);
    }
    i->labels = copy;
    i->label_count = count;
}

/* `count` copies of `rows` in the snapshot's arena. */
static inline void fixture_interfaces(struct snapshot *s, size_t row,
                                      const struct interface_row *rows, size_t count)
{
    s->rows[row].interfaces = arena_alloc(&s->arena, count * sizeof *rows);
    memcpy(s->rows[row].interfaces, rows, count * sizeof *rows);
    s->rows[row].interface_count = count;
}

static inline void fixture_devices(struct snapshot *s, size_t row, const struct device_row *rows,
                                   size_t count)
{
    s->rows[row].devices = arena_alloc(&s->arena, count * sizeof *rows);
    memcpy(s->rows[row].devices, rows, count * sizeof *rows);
    s->rows[row].device_count = count;
}

/* A row's points, or the snapshot's own for NULL. */
static inline void fixture_points(struct snapshot *s, struct container_row *row,
                                  const struct point *points, size_t count)
{
    struct point *copy = arena_alloc(&s->arena, count * sizeof *copy);
    memcpy(copy, points, count * sizeof *copy);
    *(row ? &row->points : &s->points) = copy;
    *(row ? &row->point_count : &s->point_count) = count;
}

#endif
