/* What it knows: which CPUs are threads of one core, and which cores are of one package. Document:
 * Documentation/admin-guide/cputopology.rst; Documentation/ABI/stable/sysfs-devices-system-cpu. */
#include "collectors/machine_topology.h"

#include <stdlib.h>

#define TOPOLOGY "%s/devices/system/cpu/cpu%u/topology/"

/* On a mainframe a socket's number is unique within its book alone, and a book's within its drawer.
 */
static bool read_package(struct machine *m, unsigned cpu, uint64_t *ret)
{
    uint64_t package = 0;
    uint64_t book = 0;
    uint64_t drawer = 0;
    const char *sysfs = m->options.sysfs;
    if (!machine_number(m, &package, TOPOLOGY "physical_package_id", sysfs, cpu) ||
        package > UINT32_MAX)
        return false;
    if (m->mainframe) {
        (void)machine_number(m, &book, TOPOLOGY "book_id", sysfs, cpu);
        (void)machine_number(m, &drawer, TOPOLOGY "drawer_id", sysfs, cpu);
    }
    *ret = (drawer & UINT16_MAX) << 48 | (book & UINT16_MAX) << 32 | package;
    return true;
}

/* The kernel's own word on the threads of a core; core_id is not unique even within a package where
 * that has clusters. */
static bool read_siblings(struct machine *m, unsigned cpu, unsigned *ret)
{
    static const char *const names[] = {"thread_siblings_list", "core_cpus_list"};
    struct machine_numbers siblings = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = machine_text(m, TOPOLOGY "%s", m->options.sysfs, cpu, names[i]);
        if (!text || !machine_list(m, text, &siblings) || siblings.count == 0 ||
            siblings.items[0] > cpu) /* it is one of them itself */
            continue;
        *ret = siblings.items[0];
        return true;
    }
    return false;
}

/* Without that word, CPUs with one core_id in one package are of one core. */
static bool find_core(const struct machine_cpus *before, const struct machine_cpu *cpu,
                      unsigned *ret)
{
    if (!cpu->has_package || !cpu->has_core_id)
        return false;
    *ret = cpu->number;
    for (size_t i = before->count; i > 0; i--) {
        const struct machine_cpu *other = &before->items[i - 1];
        if (other->has_package && other->has_core_id && other->package == cpu->package &&
            other->core_id == cpu->core_id)
            *ret = other->core;
    }
    return true;
}

struct machine_cpus machine_read_cpus(struct machine *m, const struct machine_numbers *online)
{
    struct machine_cpus cpus = {.limit = 1};
    if (online->count > 0)
        cpus.limit += online->items[online->count - 1];
    cpus.items = arena_alloc(&m->scratch, (online->count + 1) * sizeof *cpus.items);
    cpus.threads = arena_alloc(&m->scratch, cpus.limit * sizeof *cpus.threads);
    for (size_t i = 0; i < online->count; i++) {
        struct machine_cpu *cpu = &cpus.items[i];
        unsigned number = cpu->number = online->items[i];
        cpu->has_package = read_package(m, number, &cpu->package);
        cpu->has_core_id =
            machine_number(m, &cpu->core_id, TOPOLOGY "core_id", m->options.sysfs, number);
        cpu->has_core = read_siblings(m, number, &cpu->core) || find_core(&cpus, cpu, &cpu->core);
        if (cpu->has_core)
            cpus.threads[cpu->core]++;
        cpus.count++;
    }
    return cpus;
}

static int compare_packages(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* 0 where one is not known. */
static size_t count_packages(struct machine *m, const struct machine_cpus *cpus)
{
    uint64_t *packages = arena_alloc(&m->scratch, (cpus->count + 1) * sizeof *packages);
    size_t count = 0;
    for (size_t i = 0; i < cpus->count; i++) {
        if (!cpus->items[i].has_package)
            return 0;
        packages[i] = cpus->items[i].package;
    }
    if (cpus->count > 1)
        qsort(packages, cpus->count, sizeof *packages, compare_packages);
    for (size_t i = 0; i < cpus->count; i++)
        count += i == 0 || packages[i] != packages[i - 1];
    return count;
}

static size_t count_cores(const struct machine_cpus *cpus)
{
    size_t count = 0;
    for (size_t i = 0; i < cpus->count; i++)
        if (!cpus->items[i].has_core)
            return 0;
    for (size_t i = 0; i < cpus->limit; i++)
        count += cpus->threads[i] > 0;
    return count;
}

void machine_add_cores(struct machine *m, const struct machine_cpus *cpus)
{
    size_t cores = count_cores(cpus);
    size_t packages = count_packages(m, cpus);
    if (cores > 0)
        machine_add_fact(m, AGENT_MACHINE_PHYSICAL_CORES, cores, NULL);
    if (packages > 0)
        machine_add_fact(m, AGENT_MACHINE_SOCKETS, packages, NULL);
}
