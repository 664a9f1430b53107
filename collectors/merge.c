/* What it knows: which values make up a group, how a weaker tier fills what a stronger one left
 * open or may not give, and whose word counts on who a container is and how it does. Document:
 * docs/ARCHITECTURE.md, "The cascade". */
#include "collectors/merge.h"

#include <assert.h>
#include <string.h>

/* What follows from the metric list and is asked for every row. */
struct merger {
    struct arena *arena;
    container_bits groups[GROUP_COUNT]; /* the container metrics of each */
    unsigned with_points;               /* bit per group that has points */
};

static struct merger merger_make(struct arena *arena)
{
    struct merger m = {.arena = arena};
    for (unsigned i = 0; i < CONTAINER_METRICS; i++)
        if (container_metrics[i].group < GROUP_COUNT)
            m.groups[container_metrics[i].group] |= CONTAINER_BIT(i);
    for (unsigned i = 0; i < POINT_METRICS; i++)
        if (point_metrics[i].group < GROUP_COUNT)
            m.with_points |= GROUP_BIT(point_metrics[i].group);
    return m;
}

/* The column of the metric list that says what the giver of a group may give. */
static unsigned column_of(enum tier tier, unsigned cgroup_version)
{
    switch (tier) {
    case TIER_ENGINE:
        return cgroup_version == 2 ? TIERS_E2 : TIERS_E1;
    case TIER_CGROUP:
        return cgroup_version == 2 ? TIERS_C2 : TIERS_C1;
    case TIER_SIMULATED:
        return TIERS_S;
    case TIER_NONE:
    case TIER_COUNT:
        break;
    }
    return 0;
}

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

/* The points of `from` that are of `groups` (bit per enum metric_group), behind those of `to` that
 * are not. */
static void take_points(struct arena *arena, struct container_row *to,
                        const struct container_row *from, unsigned groups)
{
    size_t most = to->point_count + from->point_count;
    if (most == 0)
        return;
    struct point *all = arena_alloc(arena, most * sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < to->point_count; i++)
        if (!(GROUP_BIT(point_metrics[to->points[i].metric].group) & groups))
            all[count++] = to->points[i];
    for (size_t i = 0; i < from->point_count; i++) {
        if (!(GROUP_BIT(point_metrics[from->points[i].metric].group) & groups))
            continue;
        all[count] = from->points[i];
        for (size_t l = 0; l < POINT_LABELS_MAX; l++)
            all[count].labels[l] = arena_string(arena, from->points[i].labels[l]);
        count++;
    }
    to->points = all;
    to->point_count = count;
}

/* Values of `which`, as `from` has them or has them not. */
static void take_values(struct container_row *to, const struct container_row *from,
                        container_bits which)
{
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if ((which >> m) & 1)
            to->values[m] = from->values[m];
    to->present = (to->present & ~which) | (from->present & which);
    to->unlimited = (to->unlimited & ~which) | (from->unlimited & which);
}

static void take_group(const struct merger *m, struct container_row *to,
                       const struct container_row *from, enum metric_group group)
{
    take_values(to, from, m->groups[group]);
    to->tiers[group] = from->tiers[group];
    to->absent[group] = REASON_NONE;
    to->yields = (to->yields & ~(1U << group)) | (from->yields & (1U << group));
    if (group == GROUP_CPU) {
        to->cpu_sampled_ns = from->cpu_sampled_ns;
        to->cpus = from->cpus;
    } else if (group == GROUP_OOM) {
        to->kills_read_ns = from->kills_read_ns;
    } else if (group == GROUP_NETWORK) {
        copy_interfaces(m->arena, to, from);
    } else if (group == GROUP_BLOCK_IO) {
        copy_devices(m->arena, to, from);
    }
    if (m->with_points >> group & 1)
        take_points(m->arena, to, from, GROUP_BIT(group));
}

static struct interface_row *find_interface(struct container_row *row, const char *name)
{
    for (size_t i = 0; i < row->interface_count; i++)
        if (strcmp(row->interfaces[i].name, name) == 0)
            return &row->interfaces[i];
    return NULL;
}

static void add_to_interface(struct interface_row *to, const struct interface_row *from,
                             unsigned column)
{
    for (unsigned m = 0; m < INTERFACE_METRICS; m++) {
        if (interface_metrics[m].tiers & column || !((from->present >> m) & 1))
            continue;
        to->values[m] = from->values[m];
        to->present |= UINT64_C(1) << m;
    }
}

/* An engine lists the interfaces that it made, the kernel all of them. Where both speak of the same
 * ones, what the kernel has beyond them is the container's too, whoever gives the rest. */
static void add_to_interfaces(const struct merger *m, struct container_row *to,
                              const struct container_row *from, unsigned column)
{
    size_t known = 0;
    struct interface_row *all =
        arena_alloc(m->arena, (to->interface_count + from->interface_count) * sizeof *all);
    if (to->interface_count > 0)
        memcpy(all, to->interfaces, to->interface_count * sizeof *all);
    size_t count = to->interface_count;
    for (size_t i = 0; i < from->interface_count; i++) {
        const struct interface_row *other = &from->interfaces[i];
        const struct interface_row *mine = find_interface(to, other->name);
        if (mine) {
            known++;
            add_to_interface(&all[mine - to->interfaces], other, column);
        } else {
            all[count] = *other;
            all[count++].name = arena_string(m->arena, other->name);
        }
    }
    bool same = known == to->interface_count && to->tiers[GROUP_NETWORK] == TIER_ENGINE;
    to->interface_count = same ? count : to->interface_count;
    to->interfaces = all;
}

static void add_to_devices(struct container_row *to, const struct container_row *from,
                           unsigned column)
{
    uint64_t open = 0;
    for (unsigned m = 0; m < DEVICE_METRICS; m++)
        if (!(device_metrics[m].tiers & column))
            open |= UINT64_C(1) << m;
    for (size_t i = 0; i < to->device_count; i++) {
        struct device_row *mine = &to->devices[i];
        for (size_t j = 0; j < from->device_count; j++) {
            const struct device_row *other = &from->devices[j];
            if (mine->major != other->major || mine->minor != other->minor)
                continue;
            for (unsigned m = 0; m < DEVICE_METRICS; m++)
                if ((open & other->present) >> m & 1)
                    mine->values[m] = other->values[m];
            mine->present |= open & other->present;
        }
    }
}

static unsigned version_of(const struct container_row *to, const struct container_row *from)
{
    return to->cgroup_version != 0 ? to->cgroup_version : from->cgroup_version;
}

/* What the giver of the group may not give, because its source is another counter, the next one
 * adds. What it may give and has not stays absent: values of one group come from one read. */
static void add_to_group(const struct merger *m, struct container_row *to,
                         const struct container_row *from, enum metric_group group)
{
    unsigned column = column_of(to->tiers[group], version_of(to, from));
    container_bits open = 0;
    for (unsigned i = 0; i < CONTAINER_METRICS; i++)
        if (container_metrics[i].group == group && !(container_metrics[i].tiers & column))
            open |= CONTAINER_BIT(i);
    take_values(to, from, open & from->present & ~to->present);
    if (group == GROUP_NETWORK)
        add_to_interfaces(m, to, from, column);
    else if (group == GROUP_BLOCK_IO)
        add_to_devices(to, from, column);
}

/* How a container is outlasts that a read failed; else the first tier's reason, unless it is none.
 */
static enum reason truer_reason(enum reason first, enum reason next)
{
    if (next == REASON_NONE || next == REASON_NOT_GIVEN)
        return first == REASON_NONE ? next : first;
    bool failed = reason_is_error(first) && !reason_is_error(next);
    return first == REASON_NONE || first == REASON_NOT_GIVEN || failed ? next : first;
}

static void merge_group(const struct merger *m, struct container_row *to,
                        const struct container_row *from, enum metric_group group)
{
    bool to_yields = (to->yields >> group) & 1;
    bool from_yields = (from->yields >> group) & 1;
    if (from->tiers[group] == TIER_NONE) {
        if (to->tiers[group] == TIER_NONE)
            to->absent[group] = truer_reason(to->absent[group], from->absent[group]);
    } else if (to->tiers[group] == TIER_NONE || (to_yields && !from_yields)) {
        const struct container_row before = *to;
        take_group(m, to, from, group);
        /* Interfaces that only the kernel knows stay, else their sum would fall for a round. */
        if (group == GROUP_NETWORK && before.tiers[group] == TIER_CGROUP)
            add_to_interfaces(m, to, &before, column_of(to->tiers[group], version_of(to, from)));
    } else {
        add_to_group(m, to, from, group);
    }
}

static void take_identity(struct container_row *to, const struct identity *identity)
{
    const struct identity *old = to->identity;
    to->identity = identity_ref(identity);
    identity_unref(old);
}

/* Who it is and how it does, by the word of the source that knows best. */
static void merge_knowledge(struct container_row *to, const struct container_row *from)
{
    bool better = from->knowledge > to->knowledge;
    bool named = from->identity->name != NULL;
    to->hidden = to->hidden || from->hidden;
    if (to->birth == 0 || (better && from->birth != 0))
        to->birth = from->birth;
    if (to->cgroup_version == 0)
        to->cgroup_version = from->cgroup_version;
    if ((better && named) || (!to->identity->name && named))
        take_identity(to, from->identity);
    /* Who sees it now leaves the time to the seal. */
    if (from->knowledge >= KNOWS_ALIVE && !row_has(from, CONTAINER_LAST_SEEN))
        take_values(to, from, CONTAINER_BIT(CONTAINER_LAST_SEEN));
    if (!better)
        return;
    to->state = from->state;
    to->knowledge = from->knowledge;
    to->kills_heard = from->kills_heard;
    to->kills_whole = from->kills_whole;
    to->kills_before = from->kills_before;
    to->kills_told = from->kills_told;
    to->kills_told_ns = from->kills_told_ns;
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
    take_points(&s->arena, row, from, GROUPS_ALL);
}

static void merge_part(const struct merger *m, struct snapshot *s, const struct part *part,
                       struct row_index *index)
{
    for (size_t i = 0; i < part->row_count; i++) {
        const struct container_row *from = &part->rows[i];
        struct container_row *known = row_index_find(index, s->rows, from->identity);
        if (!known) {
            add_row(s, from);
            row_index_add(index, s->rows, s->row_count - 1);
            continue;
        }
        for (enum metric_group g = 0; g < GROUP_COUNT; g++)
            merge_group(m, known, from, g);
        merge_knowledge(known, from);
    }
}

/* Rows that are not to be shown go. A container whose engine is away, which the kernel had and has
 * no more, is not running any longer: how it ended nobody can say yet. */
static void finish_rows(struct snapshot *s, bool host_seen)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->row_count; i++) {
        struct container_row *row = &s->rows[i];
        if (row->hidden) {
            identity_unref(row->identity);
            continue;
        }
        if (host_seen && row->birth != 0 && row->knowledge == KNOWS_OF_OLD)
            row->state = state_is_live(row->state) ? STATE_UNKNOWN : row->state;
        if (kept != i)
            s->rows[kept] = *row;
        kept++;
    }
    s->row_count = kept;
}

void merge_rows(struct snapshot *s, const struct part *const parts[], size_t count,
                struct row_index *index)
{
    assert(s->row_count == 0);
    size_t most = 0;
    bool host_seen = false;
    for (size_t i = 0; i < count; i++) {
        most += parts[i]->row_count;
        host_seen = host_seen || parts[i]->sees_host;
    }
    row_index_reset(index, most);
    s->rows = arena_alloc(&s->arena, most * sizeof *s->rows);
    const struct merger m = merger_make(&s->arena);
    for (size_t i = 0; i < count; i++)
        merge_part(&m, s, parts[i], index);
    finish_rows(s, host_seen);
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
