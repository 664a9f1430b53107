/* What it knows: which values make up a group, and how a weaker tier fills what a stronger one left
 * open. Document: docs/ARCHITECTURE.md, "The cascade". */
#include "collectors/merge.h"

#include <assert.h>
#include <string.h>

static void copy_interfaces(struct arena *arena, struct container_row *to,
                            const struct container_row *from)
{
    to->interface_count = from->interface_count;
    to->interfaces = NULL;
    if (from->interface_count == 0)
        return;
    size_t size = from->interface_count * sizeof *from->interfaces;
    to->interfaces = memcpy(arena_alloc(arena, size), from->interfaces, size);
    for (size_t i = 0; i < to->interface_count; i++)
        to->interfaces[i].name = arena_string(arena, from->interfaces[i].name);
}

static void copy_devices(struct arena *arena, struct container_row *to,
                         const struct container_row *from)
{
    to->device_count = from->device_count;
    to->devices = NULL;
    if (from->device_count == 0)
        return;
    size_t size = from->device_count * sizeof *from->devices;
    to->devices = memcpy(arena_alloc(arena, size), from->devices, size);
    for (size_t i = 0; i < to->device_count; i++)
        to->devices[i].name = arena_string(arena, from->devices[i].name);
}

/* Which container values belong to `group`, as a bit mask. */
static uint64_t group_mask(enum metric_group group)
{
    uint64_t mask = 0;
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (container_metrics[m].group == group)
            mask |= UINT64_C(1) << m;
    return mask;
}

static void take_group(struct arena *arena, struct container_row *to,
                       const struct container_row *from, enum metric_group group)
{
    uint64_t mask = group_mask(group);
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if ((mask >> m) & 1)
            to->values[m] = from->values[m];
    to->present = (to->present & ~mask) | (from->present & mask);
    to->unlimited = (to->unlimited & ~mask) | (from->unlimited & mask);
    to->tiers[group] = from->tiers[group];
    to->absent[group] = REASON_NONE;
    if (group == GROUP_CPU) {
        to->cpu_sampled_ns = from->cpu_sampled_ns;
        to->cpus = from->cpus;
    } else if (group == GROUP_NETWORK) {
        copy_interfaces(arena, to, from);
    } else if (group == GROUP_BLOCK_IO) {
        copy_devices(arena, to, from);
    }
}

static void add_row(struct snapshot *s, const struct container_row *from)
{
    struct container_row *row = &s->rows[s->row_count++];
    *row = *from;
    (void)identity_ref(row->identity);
    copy_interfaces(&s->arena, row, from);
    copy_devices(&s->arena, row, from);
    row->points = NULL;
    row->point_count = 0;
}

void merge_rows(struct snapshot *s, const struct part *const parts[], size_t count,
                struct row_index *index)
{
    assert(s->row_count == 0);
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most += parts[i]->row_count;
    row_index_reset(index, most);
    s->rows = arena_alloc(&s->arena, most * sizeof *s->rows);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < parts[i]->row_count; j++) {
            const struct container_row *from = &parts[i]->rows[j];
            struct container_row *known = row_index_find(index, s->rows, from->identity);
            if (!known) {
                add_row(s, from);
                row_index_add(index, s->rows, s->row_count - 1);
                continue;
            }
            for (enum metric_group g = 0; g < GROUP_COUNT; g++)
                if (known->tiers[g] == TIER_NONE && from->tiers[g] != TIER_NONE)
                    take_group(&s->arena, known, from, g);
        }
    }
}

static void copy_point(struct snapshot *s, const struct point *from)
{
    struct point *to = &s->points[s->point_count++];
    *to = *from;
    for (size_t i = 0; i < POINT_LABELS_MAX; i++)
        to->labels[i] = arena_string(&s->arena, from->labels[i]);
}

void merge_points(struct snapshot *s, const struct part *const parts[], size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i]->point_count;
    s->points = arena_alloc(&s->arena, total * sizeof *s->points);
    for (unsigned metric = 0; metric < AGENT_METRICS && s->point_count < total; metric++)
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < parts[i]->point_count; j++)
                if (parts[i]->points[j].metric == metric)
                    copy_point(s, &parts[i]->points[j]);
}
