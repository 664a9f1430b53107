/* What it knows: what the kernel tells of memory nodes, and which CPUs are of which. Documents:
 * Documentation/ABI/stable/sysfs-devices-node; Documentation/admin-guide/mm/hugetlbpage.rst. */
#include "collectors/machine_topology.h"

#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NODE          "%s/devices/system/node/node%u/"
#define KIB           UINT64_C(1024)
#define PAGE_KIB_MAX  (1U << 30) /* a page of a TiB: the largest there is has 16 GiB */
#define DISTANCES_MAX 1024       /* nodes that Linux allows */

static struct machine_cpu *find_cpu(const struct machine_cpus *cpus, unsigned number)
{
    for (size_t low = 0, high = cpus->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (cpus->items[middle].number == number)
            return &cpus->items[middle];
        if (cpus->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void place_cpus(struct machine *m, const struct machine_cpus *cpus, unsigned node)
{
    struct machine_numbers list = {0};
    const char *text = machine_text(m, NODE "cpulist", m->options.sysfs, node);
    if (!text || !machine_list(m, text, &list))
        return;
    for (size_t i = 0; i < list.count; i++) {
        struct machine_cpu *cpu = find_cpu(cpus, list.items[i]);
        if (cpu) {
            cpu->has_node = true;
            cpu->node = node;
        }
    }
}

/* A kernel without nodes: cAdvisor gives each package as one. */
static void place_by_package(const struct machine_cpus *cpus)
{
    for (size_t i = 0; i < cpus->count; i++) {
        cpus->items[i].has_node = cpus->items[i].has_package;
        cpus->items[i].node = cpus->items[i].package;
    }
}

static void add_siblings(struct machine *m, const struct machine_cpus *cpus)
{
    for (size_t i = 0; i < cpus->count; i++) {
        const struct machine_cpu *cpu = &cpus->items[i];
        if (cpu->has_core && cpu->has_core_id && cpu->has_node)
            machine_add_fact(m, AGENT_MACHINE_SIBLINGS, cpus->threads[cpu->core],
                             (const char *const[]){machine_label(m, cpu->core_id),
                                                   machine_label(m, cpu->node),
                                                   machine_label(m, cpu->number), NULL});
    }
}

/* "Node 0 MemTotal:       16318000 kB" */
static void add_memory(struct machine *m, unsigned node)
{
    static const char key[] = "MemTotal:";
    uint64_t kib = 0;
    const char *text = machine_text(m, NODE "meminfo", m->options.sysfs, node);
    const char *at = text ? strstr(text, key) : NULL;
    if (!at)
        return;
    at += sizeof key - 1;
    at += strspn(at, " ");
    size_t digits = strspn(at, "0123456789");
    if (text_parse_u64(at, digits, &kib) == 0 && text_starts_with(at + digits, " kB") &&
        kib <= INT64_MAX / KIB)
        machine_add_fact(m, AGENT_MACHINE_NODE_MEMORY, kib * KIB,
                         (const char *const[]){machine_label(m, node), NULL});
}

static void add_huge_pages(struct machine *m, unsigned node)
{
    char top[PATH_MAX];
    (void)snprintf(top, sizeof top, NODE "hugepages", m->options.sysfs, node);
    const struct machine_numbers sizes = machine_entries(m, top, "hugepages-", "kB", PAGE_KIB_MAX);
    for (size_t i = 0; i < sizes.count; i++) {
        uint64_t pages = 0;
        if (machine_number(m, &pages, "%s/hugepages-%ukB/nr_hugepages", top, sizes.items[i]))
            machine_add_fact(m, AGENT_MACHINE_NODE_HUGEPAGES, pages,
                             (const char *const[]){machine_label(m, node),
                                                   machine_label(m, sizes.items[i]), NULL});
    }
}

/* "10 21\n": one for each node there is, in rising order; numbers of nodes may have gaps. */
static void add_distances(struct machine *m, unsigned node, const struct machine_numbers *nodes)
{
    uint64_t distances[DISTANCES_MAX];
    size_t count = 0;
    const char *at = machine_text(m, NODE "distance", m->options.sysfs, node);
    while (at && *at != '\0') {
        size_t digits = strspn(at, "0123456789");
        if (count == DISTANCES_MAX || text_parse_u64(at, digits, &distances[count]) < 0 ||
            distances[count] > INT64_MAX)
            return;
        count++;
        at += digits;
        at += strspn(at, " ");
    }
    if (count != nodes->count)
        return;
    for (size_t i = 0; i < count; i++)
        machine_add_fact(
            m, AGENT_MACHINE_NODE_DISTANCE, distances[i],
            (const char *const[]){machine_label(m, node), machine_label(m, nodes->items[i]), NULL});
}

void machine_add_nodes(struct machine *m, const struct machine_cpus *cpus)
{
    char top[PATH_MAX];
    (void)snprintf(top, sizeof top, "%s/devices/system/node", m->options.sysfs);
    const struct machine_numbers nodes = machine_entries(m, top, "node", "", MACHINE_NUMBER_MAX);
    if (nodes.count == 0)
        place_by_package(cpus);
    for (size_t i = 0; i < nodes.count; i++) {
        place_cpus(m, cpus, nodes.items[i]);
        add_memory(m, nodes.items[i]);
        add_huge_pages(m, nodes.items[i]);
        add_distances(m, nodes.items[i], &nodes);
    }
    add_siblings(m, cpus);
}
