/* What it knows: the host as a row like a container's, id="/", and what containers' rows need of
 * it. A root memory.stat is not read: it took seconds on some hosts; /proc/meminfo has the same.
 * Documents: proc(5); Documentation/filesystems/proc.rst, "meminfo". */
#include "collectors/group_row.h"

#include "base/clock.h"
#include "base/text.h"
#include "collectors/group_device.h"
#include "collectors/group_files.h"
#include "collectors/group_parse.h"
#include "collectors/machine.h"
#include "collectors/proc_net.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum meminfo {
    MEMINFO_TOTAL,
    MEMINFO_ANON,
    MEMINFO_CACHED,
    MEMINFO_BUFFERS,
    MEMINFO_SWAP_CACHED,
    MEMINFO_ACTIVE_FILE,
    MEMINFO_INACTIVE_FILE,
    MEMINFO_MAPPED,
    MEMINFO_DIRTY,
    MEMINFO_WRITEBACK,
    MEMINFO_SWAP_TOTAL,
    MEMINFO_SWAP_FREE,
    MEMINFO_KEYS,
};

static const char *const meminfo_keys[MEMINFO_KEYS] = {
    [MEMINFO_TOTAL] = "MemTotal",
    [MEMINFO_ANON] = "AnonPages",
    [MEMINFO_CACHED] = "Cached",
    [MEMINFO_BUFFERS] = "Buffers",
    [MEMINFO_SWAP_CACHED] = "SwapCached",
    [MEMINFO_ACTIVE_FILE] = "Active(file)",
    [MEMINFO_INACTIVE_FILE] = "Inactive(file)",
    [MEMINFO_MAPPED] = "Mapped",
    [MEMINFO_DIRTY] = "Dirty",
    [MEMINFO_WRITEBACK] = "Writeback",
    [MEMINFO_SWAP_TOTAL] = "SwapTotal",
    [MEMINFO_SWAP_FREE] = "SwapFree",
};

static int read_below(struct group_reader *r, const char *top, const char *name,
                      const char **ret_text, size_t *ret_length)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", top, name);
    return group_path_read(r, AT_FDCWD, path, ret_text, ret_length);
}

/* Memory and swap as they are now; the bits of what was found. */
static uint64_t read_meminfo(struct group_reader *r, uint64_t values[MEMINFO_KEYS])
{
    const char *text = NULL;
    size_t length = 0;
    if (read_below(r, r->options.procfs, "meminfo", &text, &length) < 0)
        return 0;
    return group_parse_meminfo(text, length, meminfo_keys, MEMINFO_KEYS, values);
}

static void add_machine(struct group_reader *r, const uint64_t memory[], uint64_t found)
{
    bool has_total = (found >> MEMINFO_TOTAL) & 1;
    bool has_swap = (found >> MEMINFO_SWAP_TOTAL) & 1;
    machine_add_points(r->machine, has_total ? &memory[MEMINFO_TOTAL] : NULL,
                       has_swap ? &memory[MEMINFO_SWAP_TOTAL] : NULL, &r->result.part);
}

static uint64_t own_network(const struct group_reader *r)
{
    char path[PATH_MAX];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/net/dev", r->options.procfs);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

struct group_round group_host_begin(struct group_reader *r, uint64_t now_ns)
{
    struct group_round round = {
        .r = r, .now_ns = now_ns, .cpus = machine_begin(r->machine, now_ns)};
    uint64_t memory[MEMINFO_KEYS] = {0};
    uint64_t found = 0;
    if (r->options.groups & (GROUP_BIT(GROUP_MACHINE) | GROUP_BIT(GROUP_MEMORY)))
        found = read_meminfo(r, memory);
    if ((found >> MEMINFO_TOTAL) & 1)
        round.host_memory = memory[MEMINFO_TOTAL];
    round.host_swaps = (found >> MEMINFO_SWAP_TOTAL) & 1 && memory[MEMINFO_SWAP_TOTAL] > 0;
    /* Where pid 1 is hidden, weir's own network is taken for the host's; where it is not the
     * host's, nothing is known of that. */
    if (r->private_pids || !group_net_wanted(r))
        round.host_network = 0;
    else if (proc_net_namespace(r->options.procfs, 1, &round.host_network) < 0)
        round.host_network = own_network(r);
    add_machine(r, memory, found);
    return round;
}

/* GROUP_MEMORY and GROUP_SPEC are of one file. */
static void set_wanted(const struct group_round *round, struct container_row *row,
                       enum container_metric metric, uint64_t value)
{
    if (group_row_wants(round, container_metrics[metric].group))
        group_row_set(row, metric, value);
}

static enum reason fill_memory(const struct group_round *round, struct container_row *row)
{
    static const struct {
        enum meminfo from;
        enum container_metric to;
    } others[] = {
        {MEMINFO_ACTIVE_FILE, CONTAINER_MEMORY_ACTIVE_FILE},
        {MEMINFO_MAPPED, CONTAINER_MEMORY_MAPPED_FILE},
        {MEMINFO_DIRTY, CONTAINER_MEMORY_FILE_DIRTY},
        {MEMINFO_WRITEBACK, CONTAINER_MEMORY_FILE_WRITEBACK},
        {MEMINFO_SWAP_TOTAL, CONTAINER_SPEC_SWAP_LIMIT},
    };
    uint64_t v[MEMINFO_KEYS] = {0};
    const uint64_t needed = 1U << MEMINFO_TOTAL | 1U << MEMINFO_ANON | 1U << MEMINFO_CACHED |
                            1U << MEMINFO_BUFFERS | 1U << MEMINFO_INACTIVE_FILE;
    uint64_t found = read_meminfo(round->r, v);
    if ((found & needed) != needed)
        return REASON_NOT_GIVEN;
    /* As v2 counts "file": page cache with buffers and what is in swap too. */
    uint64_t file = v[MEMINFO_CACHED] + v[MEMINFO_BUFFERS] + v[MEMINFO_SWAP_CACHED];
    uint64_t usage = v[MEMINFO_ANON] + file;
    uint64_t inactive = v[MEMINFO_INACTIVE_FILE];
    set_wanted(round, row, CONTAINER_MEMORY_USAGE, usage);
    set_wanted(round, row, CONTAINER_MEMORY_WORKING_SET, inactive < usage ? usage - inactive : 0);
    set_wanted(round, row, CONTAINER_MEMORY_RSS, v[MEMINFO_ANON]);
    set_wanted(round, row, CONTAINER_MEMORY_CACHE, file);
    set_wanted(round, row, CONTAINER_MEMORY_INACTIVE_FILE, inactive);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if ((found >> others[i].from) & 1)
            set_wanted(round, row, others[i].to, v[others[i].from]);
    if ((found >> MEMINFO_SWAP_FREE) & 1 && v[MEMINFO_SWAP_FREE] <= v[MEMINFO_SWAP_TOTAL])
        set_wanted(round, row, CONTAINER_MEMORY_SWAP, v[MEMINFO_SWAP_TOTAL] - v[MEMINFO_SWAP_FREE]);
    set_wanted(round, row, CONTAINER_SUM_MEMORY_LIMIT, v[MEMINFO_TOTAL]);
    set_wanted(round, row, CONTAINER_SPEC_MEMORY_LIMIT, v[MEMINFO_TOTAL]);
    return REASON_NONE;
}

/* /proc/loadavg: "0.20 0.18 0.12 1/80 11206"; after the slash, all tasks. */
static enum reason fill_pids(struct group_reader *r, struct container_row *row)
{
    const char *text = NULL;
    size_t length = 0;
    uint64_t tasks = 0;
    if (read_below(r, r->options.procfs, "loadavg", &text, &length) < 0)
        return REASON_NOT_GIVEN;
    const char *slash = strchr(text, '/');
    if (!slash || text_parse_u64(slash + 1, strspn(slash + 1, "0123456789"), &tasks) < 0)
        return REASON_NOT_GIVEN;
    group_row_set(row, CONTAINER_PIDS, tasks);
    return REASON_NONE;
}

/* Ends of containers' pairs and engines' bridges, which hold the containers' traffic once more;
 * cAdvisor leaves them out too. */
static bool is_containers(const char *name)
{
    static const char *const prefixes[] = {"veth", "docker", "nerdctl"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncasecmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static enum reason fill_network(struct group_reader *r, struct container_row *row)
{
    const char *text = NULL;
    size_t length = 0;
    if (r->private_pids || read_below(r, r->options.procfs, "1/net/dev", &text, &length) < 0)
        return REASON_NO_PROCESS;
    if (proc_net_parse(text, length, &r->result.arena, &row->interfaces, &row->interface_count) < 0)
        return REASON_MALFORMED;
    size_t kept = 0;
    for (size_t i = 0; i < row->interface_count; i++)
        if (!is_containers(row->interfaces[i].name))
            row->interfaces[kept++] = row->interfaces[i];
    row->interface_count = kept;
    return kept > 0 ? REASON_NONE : REASON_NO_NETWORK;
}

/* The system's pressure. It has no CPU to stall for as a whole: the kernel writes a zero there. */
static void fill_pressure(const struct group_round *round, struct container_row *row)
{
    static const struct {
        const char *file;
        enum container_metric some;
        bool stalls;
    } files[] = {
        {"pressure/cpu", CONTAINER_PRESSURE_CPU_WAITING, false},
        {"pressure/memory", CONTAINER_PRESSURE_MEMORY_WAITING, true},
        {"pressure/io", CONTAINER_PRESSURE_IO_WAITING, true},
    };
    struct group_reader *r = round->r;
    bool any = false;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *text = NULL;
        size_t length = 0;
        if (read_below(r, r->options.procfs, files[i].file, &text, &length) == 0 &&
            group_row_set_pressure(row, files[i].some, text, length, files[i].stalls))
            any = true;
    }
    group_row_end(row, GROUP_PRESSURE, any ? REASON_NONE : REASON_NO_PRESSURE);
}

static void fill_groups(const struct group_round *round, struct group *root,
                        struct container_row *row)
{
    bool whole = !round->r->layout.partial; /* the top of a part is not the host */
    if (whole && group_row_wants(round, GROUP_CPU))
        group_row_fill_cpu(round, root, row);
    if (whole && group_row_wants(round, GROUP_BLOCK_IO))
        group_row_fill_block(round, root, row);
}

void group_host_fill(const struct group_round *round, struct group *root, struct container_row *row)
{
    struct group_reader *r = round->r;
    bool memory = group_row_wants(round, GROUP_MEMORY);
    bool spec = group_row_wants(round, GROUP_SPEC);
    row->state = STATE_RUNNING;
    row->knowledge = KNOWS_ALIVE;
    row->cgroup_version = r->version;
    row->cpus = round->cpus;
    group_row_begin(row);
    fill_groups(round, root, row);
    enum reason absent = memory || spec ? fill_memory(round, row) : REASON_NOT_GIVEN;
    if (memory)
        group_row_end(row, GROUP_MEMORY, absent);
    if (spec)
        group_row_end(row, GROUP_SPEC, absent);
    if (group_row_wants(round, GROUP_PIDS))
        group_row_end(row, GROUP_PIDS, fill_pids(r, row));
    if (group_row_wants(round, GROUP_NETWORK))
        group_row_end(row, GROUP_NETWORK, fill_network(r, row));
    if (group_row_wants(round, GROUP_PRESSURE))
        fill_pressure(round, row);
    if (group_row_wants(round, GROUP_BLOCK_IO))
        group_host_fill_disks(round, row);
    group_process_fill_host(round, root, row);
}
