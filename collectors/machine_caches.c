/* What it knows: which caches a core has, and which are the whole node's. Document:
 * Documentation/ABI/testing/sysfs-devices-system-cpu, "cache/index". */
#include "collectors/machine_topology.h"

#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB       UINT64_C(1024)
#define INDEX_MAX 31 /* caches of one CPU; there are three or four */
#define SHARED_FROM                                                               \
    3 /* a cache from this level on may be its node's, however few cores that has \
       */

struct cache {
    bool whole_node; /* core_id is none */
    uint64_t core_id;
    uint64_t node;
    uint64_t level;
    const char *type; /* as the kernel writes it */
    uint64_t size;    /* bytes */
};

struct caches {
    struct cache *items; /* in scratch */
    size_t count;
    size_t capacity;
};

static const char *read_type(struct machine *m, const char *directory)
{
    static const char *const types[] = {"Data", "Instruction", "Unified"};
    const char *text = machine_text(m, "%s/type", directory);
    for (size_t i = 0; text && i < sizeof types / sizeof types[0]; i++)
        if (text_equal(text, types[i]))
            return types[i];
    return NULL;
}

/* "32K" */
static bool read_size(struct machine *m, const char *directory, uint64_t *ret)
{
    uint64_t kib = 0;
    const char *text = machine_text(m, "%s/size", directory);
    size_t digits = text ? strspn(text, "0123456789") : 0;
    if (!text || !text_equal(text + digits, "K") || text_parse_u64(text, digits, &kib) < 0 ||
        kib > INT64_MAX / KIB)
        return false;
    *ret = kib * KIB;
    return true;
}

/* How many CPUs that are online use it. */
static bool read_sharers(struct machine *m, const char *directory, size_t *ret)
{
    struct machine_numbers sharers = {0};
    const char *text = machine_text(m, "%s/shared_cpu_list", directory);
    if (!text || !machine_list(m, text, &sharers))
        return false;
    *ret = sharers.count;
    return true;
}

static size_t cpus_of_node(const struct machine_cpus *cpus, uint64_t node)
{
    size_t count = 0;
    for (size_t i = 0; i < cpus->count; i++)
        count += cpus->items[i].has_node && cpus->items[i].node == node;
    return count;
}

static struct cache *add_cache(struct machine *m, struct caches *caches)
{
    if (caches->count == caches->capacity) {
        caches->capacity = caches->capacity ? caches->capacity * 2 : 64;
        struct cache *more = arena_alloc(&m->scratch, caches->capacity * sizeof *more);
        if (caches->count > 0)
            memcpy(more, caches->items, caches->count * sizeof *more);
        caches->items = more;
    }
    return &caches->items[caches->count++];
}

/* As cAdvisor, by core unless it is shared by exactly the CPUs of the node; unlike there a small
 * one that some cores share is given too, for each of them. */
static void read_cache(struct machine *m, const char *directory, const struct machine_cpu *cpu,
                       const struct machine_cpus *cpus, struct caches *caches)
{
    struct cache cache = {.core_id = cpu->core_id, .node = cpu->node};
    size_t sharers = 0;
    cache.type = read_type(m, directory);
    if (!cache.type || !read_size(m, directory, &cache.size) ||
        !machine_number(m, &cache.level, "%s/level", directory) ||
        !read_sharers(m, directory, &sharers))
        return;
    bool beyond_core = cache.level >= SHARED_FROM || sharers > cpus->threads[cpu->core];
    cache.whole_node = beyond_core && sharers == cpus_of_node(cpus, cpu->node);
    if (cache.whole_node)
        cache.core_id = 0;
    *add_cache(m, caches) = cache;
}

static void read_core(struct machine *m, const struct machine_cpu *cpu,
                      const struct machine_cpus *cpus, struct caches *caches)
{
    char top[PATH_MAX];
    (void)snprintf(top, sizeof top, "%s/devices/system/cpu/cpu%u/cache", m->options.sysfs,
                   cpu->number);
    const struct machine_numbers indices = machine_entries(m, top, "index", "", INDEX_MAX);
    for (size_t i = 0; i < indices.count; i++)
        read_cache(m, arena_format(&m->scratch, "%s/index%u", top, indices.items[i]), cpu, cpus,
                   caches);
}

/* By all that labels tell. */
static int compare_caches(const void *a, const void *b)
{
    const struct cache *left = a;
    const struct cache *right = b;
    if (left->node != right->node)
        return left->node < right->node ? -1 : 1;
    if (left->whole_node != right->whole_node)
        return left->whole_node ? 1 : -1;
    if (left->core_id != right->core_id)
        return left->core_id < right->core_id ? -1 : 1;
    if (left->level != right->level)
        return left->level < right->level ? -1 : 1;
    return strcmp(left->type, right->type);
}

static void add_facts(struct machine *m, const struct caches *caches)
{
    for (size_t i = 0, next = 0; i < caches->count; i = next) {
        const struct cache *cache = &caches->items[i];
        bool one_size = true;
        for (next = i + 1; next < caches->count; next++) {
            if (compare_caches(cache, &caches->items[next]) != 0)
                break;
            one_size = one_size && caches->items[next].size == cache->size;
        }
        if (!one_size)
            continue; /* two cores that the platform gives one id: no size is that one's */
        const char *core = cache->whole_node ? "" : machine_label(m, cache->core_id);
        machine_add_fact(m, AGENT_MACHINE_CACHE, cache->size,
                         (const char *const[]){core, machine_label(m, cache->level),
                                               machine_label(m, cache->node), cache->type, NULL});
    }
}

void machine_add_caches(struct machine *m, const struct machine_cpus *cpus)
{
    struct caches caches = {0};
    bool *seen = arena_alloc(&m->scratch, cpus->limit * sizeof *seen);
    for (size_t i = 0; i < cpus->count; i++) {
        const struct machine_cpu *cpu = &cpus->items[i];
        if (!cpu->has_core || !cpu->has_core_id || !cpu->has_node || seen[cpu->core])
            continue;
        seen[cpu->core] = true;
        read_core(m, cpu, cpus, &caches);
    }
    if (caches.count > 1)
        qsort(caches.items, caches.count, sizeof *caches.items, compare_caches);
    add_facts(m, &caches);
}
