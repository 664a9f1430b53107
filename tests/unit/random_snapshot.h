/* Snapshots of anything a snapshot may hold, for tests of what must hold of all of them: hostile
 * label values, numbers of every size, any of the values absent. The same seed gives the same. */
#ifndef WEIR_TESTS_RANDOM_SNAPSHOT_H
#define WEIR_TESTS_RANDOM_SNAPSHOT_H

#include "tests/unit/snapshot_fixture.h"

#include <stdbool.h>
#include <stdint.h>

#define RANDOM_VALUE_MAX 600 /* bytes of a label value: its length takes one byte or two */

struct random {
    uint64_t state; /* xorshift64; not 0 */
};

static inline uint64_t random_next(struct random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state;
}

static inline size_t random_below(struct random *r, size_t end)
{
    return (size_t)(random_next(r) >> 16) % end;
}

/* Of any number of bits, so that small and large ones are as frequent. */
static inline uint64_t random_number(struct random *r)
{
    size_t unwanted = random_below(r, 65);
    return unwanted == 64 ? 0 : random_next(r) >> unwanted;
}

/* Plain text, what is escaped, characters of several bytes and bytes that are none. NULL, empty and
 * long ones too. */
static inline const char *random_text(struct random *r, struct arena *arena)
{
    static const char *const pieces[] = {
        "a",
        "web",
        "/",
        "\\",
        "\"",
        "\n",
        "\\n",
        "{x=\"y\",} 1",
        "# ",
        "\xC3\xA4",
        "\t",
        "\xE6\xB0\xB4",
        "\xF0\x9F\x90\xB3",
        "\xFF",
        "\r",
        "\xE6\xB0",
    };
    if (random_below(r, 8) == 0)
        return NULL;
    char text[RANDOM_VALUE_MAX + 1];
    size_t length = 0;
    size_t wanted = random_below(r, random_below(r, 8) == 0 ? RANDOM_VALUE_MAX - 16 : 30);
    while (length < wanted) {
        const char *piece = pieces[random_below(r, sizeof pieces / sizeof *pieces)];
        memcpy(text + length, piece, strlen(piece));
        length += strlen(piece);
    }
    return arena_copy(arena, text, length);
}

static inline void random_points(struct random *r, struct snapshot *s, struct container_row *row,
                                 unsigned metrics)
{
    struct point points[20] = {0};
    size_t count = random_below(r, sizeof points / sizeof *points);
    for (size_t p = 0; p < count; p++) {
        points[p] = (struct point){.metric = (unsigned)random_below(r, metrics)};
        points[p].value = random_number(r);
        for (size_t l = 0; l < POINT_LABELS_MAX; l++)
            points[p].labels[l] = random_text(r, &s->arena);
    }
    fixture_points(s, row, points, count);
}

static inline void random_interfaces(struct random *r, struct snapshot *s, size_t row)
{
    struct interface_row rows[3] = {0};
    size_t count = random_below(r, 4);
    for (size_t i = 0; i < count; i++) {
        rows[i].name = random_text(r, &s->arena);
        rows[i].present = random_next(r) & ((UINT64_C(1) << INTERFACE_METRICS) - 1);
        for (size_t m = 0; m < INTERFACE_METRICS; m++)
            rows[i].values[m] = random_number(r);
    }
    fixture_interfaces(s, row, rows, count);
}

static inline void random_devices(struct random *r, struct snapshot *s, size_t row)
{
    struct device_row rows[3] = {0};
    size_t count = random_below(r, 4);
    for (size_t d = 0; d < count; d++) {
        rows[d].name = random_text(r, &s->arena);
        rows[d].major = (uint32_t)random_number(r);
        rows[d].minor = (uint32_t)random_number(r);
        rows[d].present = random_next(r) & ((UINT64_C(1) << DEVICE_METRICS) - 1);
        for (size_t m = 0; m < DEVICE_METRICS; m++)
            rows[d].values[m] = random_number(r);
    }
    fixture_devices(s, row, rows, count);
}

static inline void random_row(struct random *r, struct snapshot *s, size_t row)
{
    static const char *const names[] = {"container_label_a", "container_label_b_c", "d"};
    struct arena *arena = &fixture_identity(s, row)->arena;
    struct label labels[3];
    size_t count = random_below(r, 4);
    for (size_t l = 0; l < count; l++)
        labels[l] = (struct label){names[l], random_text(r, arena)};
    fixture_name(s, row, random_text(r, arena), random_text(r, arena), random_text(r, arena));
    fixture_labels(s, row, labels, count);
    fixture_identity(s, row)->simulated = random_below(r, 2);
    for (unsigned m = 0; m < CONTAINER_METRICS; m++) {
        if (random_below(r, 3) == 0)
            row_set(&s->rows[row], m, random_number(r));
        if (random_below(r, 10) == 0)
            row_set_unlimited(&s->rows[row], m);
    }
    random_interfaces(r, s, row);
    random_devices(r, s, row);
    random_points(r, s, &s->rows[row], POINT_METRICS);
}

/* Of up to `most_rows` containers. */
static inline struct snapshot *random_snapshot(struct random *r, size_t most_rows)
{
    struct snapshot *s = fixture_snapshot(random_below(r, most_rows + 1));
    for (size_t row = 0; row < s->row_count; row++)
        random_row(r, s, row);
    random_points(r, s, NULL, AGENT_METRICS);
    return s;
}

#endif
