/* What it knows: what of the machine is read when, and how it becomes points. Document: machine.h.
 */
#include "collectors/machine_topology.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES  (64 * 1024)           /* a list of 8192 CPUs has 40 KiB at most */
#define FACTS_PERIOD_NS (300 * NS_PER_SECOND) /* as often as cAdvisor looks */
#define ID_LABELS       3

struct machine *machine_new(const struct machine_options *options)
{
    struct machine *m = alloc_zeroed(1, sizeof *m);
    m->options = *options;
    m->options.architecture = NULL; /* may be gone soon */
    m->mainframe = strstr(options->architecture, "390") != NULL;
    buf_init(&m->text, FILE_MAX_BYTES);
    m->boot_id = m->machine_id = m->system_uuid = "";
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    buf_done(&m->text);
    arena_done(&m->scratch);
    part_done(&m->facts);
    free(m->online);
    free(m);
}

static void add_point(const struct machine *m, struct part *part, enum agent_metric metric,
                      uint64_t value, const char *const more[])
{
    const char *labels[POINT_LABELS_MAX + 1] = {m->boot_id, m->machine_id, m->system_uuid};
    for (size_t i = 0; more && more[i]; i++) {
        assert(ID_LABELS + i < POINT_LABELS_MAX);
        labels[ID_LABELS + i] = more[i];
    }
    part_add_point(part, metric, value, labels);
}

void machine_add_fact(struct machine *m, enum agent_metric metric, uint64_t value,
                      const char *const more[])
{
    add_point(m, &m->facts, metric, value, more);
}

const char *machine_label(struct machine *m, uint64_t number)
{
    return arena_format(&m->scratch, "%" PRIu64, number);
}

static bool wants(const struct machine *m, enum metric_group group)
{
    return m->options.groups & GROUP_BIT(group);
}

static void read_facts(struct machine *m, const struct machine_numbers *online)
{
    part_reset(&m->facts);
    m->boot_id = m->machine_id = m->system_uuid = "";
    if (!wants(m, GROUP_MACHINE) && !wants(m, GROUP_TOPOLOGY))
        return;
    machine_read_ids(m);
    const struct machine_cpus cpus = machine_read_cpus(m, online);
    if (wants(m, GROUP_MACHINE)) {
        machine_add_cores(m, &cpus);
        machine_add_dimms(m);
    }
    if (wants(m, GROUP_TOPOLOGY)) {
        machine_add_nodes(m, &cpus);
        machine_add_caches(m, &cpus);
    }
}

unsigned machine_begin(struct machine *m, uint64_t now_ns)
{
    const char *text = machine_text(m, "%s/devices/system/cpu/online", m->options.sysfs);
    bool changed = !m->online || !text_equal(m->online, text ? text : "");
    if (m->read && !changed && now_ns - m->read_ns < FACTS_PERIOD_NS)
        return m->cpus;
    struct machine_numbers online = {0};
    free(m->online);
    m->online = alloc_string(text ? text : "");
    m->cpus = machine_list(m, m->online, &online) ? (unsigned)online.count : 0;
    read_facts(m, &online);
    arena_done(&m->scratch); /* it is not needed for minutes */
    m->read = true;
    m->read_ns = now_ns;
    return m->cpus;
}

void machine_add_points(const struct machine *m, const uint64_t *memory, const uint64_t *swap,
                        struct part *part)
{
    if (m->cpus > 0)
        add_point(m, part, AGENT_MACHINE_CORES, m->cpus, NULL);
    if (memory)
        add_point(m, part, AGENT_MACHINE_MEMORY, *memory, NULL);
    if (swap)
        add_point(m, part, AGENT_MACHINE_SWAP, *swap, NULL);
    for (size_t i = 0; i < m->facts.point_count; i++) {
        const struct point *fact = &m->facts.points[i];
        part_add_point(part, fact->metric, fact->value, fact->labels);
    }
}
