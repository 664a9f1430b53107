/* What it knows: which memory modules the error detection of the memory controllers tells of.
 * Document: Documentation/admin-guide/RAS/main.rst, "dimm" directories. */
#include "collectors/machine_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTROLLERS_MAX 255 /* numbers of controllers and modules; a host has tens */
#define MODULES_MAX     1023
#define MIB             (UINT64_C(1024) * 1024) /* the file "size" counts in them */
#define CAPACITY_MAX    (UINT64_MAX / MIB / MODULES_MAX / CONTROLLERS_MAX / 2) /* sums fit */

/* The modules of one kind. */
struct kind {
    const char *name; /* e.g. Registered-DDR4; in scratch */
    uint64_t count;
    uint64_t bytes;
};

/* Kinds that a machine mixes: two at most where they work at all. */
#define KINDS_MAX 16

static struct kind *find_kind(struct kind kinds[KINDS_MAX], size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    if (*count == KINDS_MAX)
        return NULL;
    kinds[*count] = (struct kind){.name = name};
    return &kinds[(*count)++];
}

static bool add_module(struct machine *m, const char *directory, unsigned number,
                       struct kind kinds[KINDS_MAX], size_t *count)
{
    uint64_t size = 0;
    const char *name = machine_text(m, "%s/dimm%u/dimm_mem_type", directory, number);
    if (!name || !machine_is_word(name))
        return false;
    name = arena_string(&m->scratch, name);
    if (!machine_number(m, &size, "%s/dimm%u/size", directory, number) || size > CAPACITY_MAX)
        return false;
    struct kind *kind = find_kind(kinds, count, name);
    if (!kind)
        return false;
    kind->count++;
    kind->bytes += size * MIB;
    return true;
}

/* A module that cannot be read would make a sum that is too small: then there is none. */
static bool add_modules(struct machine *m, struct kind kinds[KINDS_MAX], size_t *count)
{
    char top[PATH_MAX];
    (void)snprintf(top, sizeof top, "%s/devices/system/edac/mc", m->options.sysfs);
    const struct machine_numbers controllers = machine_entries(m, top, "mc", "", CONTROLLERS_MAX);
    for (size_t i = 0; i < controllers.count; i++) {
        const char *directory = arena_format(&m->scratch, "%s/mc%u", top, controllers.items[i]);
        const struct machine_numbers modules =
            machine_entries(m, directory, "dimm", "", MODULES_MAX);
        for (size_t k = 0; k < modules.count; k++)
            if (!add_module(m, directory, modules.items[k], kinds, count))
                return false;
    }
    return true;
}

static int compare_kinds(const void *a, const void *b)
{
    return strcmp(((const struct kind *)a)->name, ((const struct kind *)b)->name);
}

void machine_add_dimms(struct machine *m)
{
    struct kind kinds[KINDS_MAX];
    size_t count = 0;
    if (!add_modules(m, kinds, &count) || count == 0)
        return;
    qsort(kinds, count, sizeof kinds[0], compare_kinds);
    for (size_t i = 0; i < count; i++)
        machine_add_fact(m, AGENT_MACHINE_DIMMS, kinds[i].count,
                         (const char *const[]){kinds[i].name, NULL});
    for (size_t i = 0; i < count; i++)
        machine_add_fact(m, AGENT_MACHINE_DIMM_BYTES, kinds[i].bytes,
                         (const char *const[]){kinds[i].name, NULL});
}
