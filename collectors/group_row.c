/* What it knows: which file of which cgroup version holds which value, in which unit. Documents:
 * Documentation/admin-guide/cgroup-v2.rst; cgroup-v1/memory.rst, cpuacct.rst, pids.rst,
 * freezer-subsystem.rst; Documentation/scheduler/sched-bwc.rst. */
#include "collectors/group_row.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "collectors/group_files.h"
#include "collectors/group_parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

void group_row_end(struct container_row *row, enum metric_group group, enum reason absent)
{
    row->tiers[group] = absent == REASON_NONE ? TIER_CGROUP : TIER_NONE;
    row->absent[group] = absent;
}

void group_row_begin(struct container_row *row)
{
    for (enum metric_group group = 0; group < GROUP_COUNT; group++)
        group_row_end(row, group, REASON_NOT_GIVEN);
}

void group_row_set(struct container_row *row, enum container_metric metric, uint64_t value)
{
    if (container_metrics[metric].type != METRIC_COUNTER && value > INT64_MAX)
        return;
    row_set(row, metric, value);
}

static const char *explain(int result)
{
    switch (result) {
    case -EBADMSG:
        return "its text is not what the kernel writes";
    case -E2BIG:
        return "it has more devices than weir reads; a part of them would make wrong sums";
    default:
        return strerror(-result);
    }
}

enum reason group_row_reason(const struct group_round *round, const struct group *g,
                             const char *what, int result)
{
    char text[ERR_TEXT_MAX];
    enum reason reason = REASON_NOT_GIVEN;
    switch (result) {
    case 0:
        return REASON_NONE;
    case -ENOENT:
    case -ENODEV:
        return REASON_NO_CONTROLLER;
    case -EOPNOTSUPP:
    case -ENODATA:
        return REASON_NOT_GIVEN;
    case -EACCES:
    case -EPERM:
        reason = REASON_PERMISSION_DENIED;
        break;
    case -ETIMEDOUT:
        reason = REASON_TIMEOUT;
        break;
    case -EBADMSG:
        reason = REASON_MALFORMED;
        break;
    case -EMFILE:
    case -ENFILE:
    case -E2BIG:
        reason = REASON_TOO_MANY;
        break;
    default:
        break;
    }
    (void)snprintf(text, sizeof text, "%s of control group %.160s cannot be read: %s", what,
                   g->path, explain(result));
    part_add_problem(&round->r->result.part, reason, what, text);
    return reason;
}

int group_row_version(const struct group_reader *r, enum group_controller controller)
{
    int tree = r->tree_of[controller];
    return tree < 0 ? 0 : r->layout.trees[tree].version;
}

static bool has_quota(const struct group *g)
{
    return (g->limits.given >> GROUP_LIMIT_QUOTA) & 1 &&
           g->limits.values[GROUP_LIMIT_QUOTA] != GROUP_NO_LIMIT;
}

/* A value of a key, and by what it is multiplied. */
struct key_value {
    const char *key;
    enum container_metric metric;
    uint64_t unit;
};

/* Sets what a keyed file says. 0 or why it says nothing. */
static int read_keys(const struct group_round *round, struct group *g, enum group_file file,
                     const struct key_value values[], size_t count, struct container_row *row)
{
    const char *keys[24];
    uint64_t numbers[24];
    const char *text = NULL;
    size_t length = 0;
    int result = group_file_read(round->r, g, file, &text, &length);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count; i++)
        keys[i] = values[i].key;
    uint64_t found = group_parse_keys(text, length, keys, count, numbers);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;
        if ((found >> i) & 1 && !__builtin_mul_overflow(numbers[i], values[i].unit, &value))
            group_row_set(row, values[i].metric, value);
    }
    return found != 0 ? 0 : -EBADMSG;
}

int group_row_read_number(const struct group_round *round, struct group *g, enum group_file file,
                          enum container_metric metric, struct container_row *row)
{
    const char *text = NULL;
    size_t length = 0;
    uint64_t value = 0;
    int result = group_file_read(round->r, g, file, &text, &length);
    if (result == 0)
        result = group_parse_number(text, length, &value);
    if (result == 0)
        group_row_set(row, metric, value);
    return result;
}

static enum reason fill_cpu_1(const struct group_round *round, struct group *g,
                              struct container_row *row)
{
    const uint64_t tick_ns = NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
    const struct key_value modes[] = {
        {"user", CONTAINER_CPU_USER, tick_ns},
        {"system", CONTAINER_CPU_SYSTEM, tick_ns},
    };
    static const struct key_value throttling[] = {
        {"nr_periods", CONTAINER_CPU_PERIODS, 1},
        {"nr_throttled", CONTAINER_CPU_THROTTLED_PERIODS, 1},
        {"throttled_time", CONTAINER_CPU_THROTTLED, 1},
        {"nr_bursts", CONTAINER_CPU_BURST_PERIODS, 1},
        {"burst_time", CONTAINER_CPU_BURST, 1},
    };
    int result = group_row_read_number(round, g, GROUP_FILE_CPU_USAGE_1, CONTAINER_CPU_USAGE, row);
    row->cpu_sampled_ns = clock_monotonic_ns(round->r->options.clock);
    if (result < 0)
        return group_row_reason(round, g, "cpuacct.usage", result);
    (void)read_keys(round, g, GROUP_FILE_CPU_MODES_1, modes, COUNT_OF(modes), row);
    if (has_quota(g))
        (void)read_keys(round, g, GROUP_FILE_CPU_STAT_1, throttling, COUNT_OF(throttling), row);
    return REASON_NONE;
}

static enum reason fill_cpu_2(const struct group_round *round, struct group *g,
                              struct container_row *row)
{
    static const struct key_value values[] = {
        {"usage_usec", CONTAINER_CPU_USAGE, NS_PER_US},
        {"user_usec", CONTAINER_CPU_USER, NS_PER_US},
        {"system_usec", CONTAINER_CPU_SYSTEM, NS_PER_US},
        {"nr_periods", CONTAINER_CPU_PERIODS, 1},
        {"nr_throttled", CONTAINER_CPU_THROTTLED_PERIODS, 1},
        {"throttled_usec", CONTAINER_CPU_THROTTLED, NS_PER_US},
        {"nr_bursts", CONTAINER_CPU_BURST_PERIODS, 1},
        {"burst_usec", CONTAINER_CPU_BURST, NS_PER_US},
    };
    /* Without a quota nothing is throttled, and the kernel writes zeros. */
    size_t count = has_quota(g) ? COUNT_OF(values) : 3;
    int result = read_keys(round, g, GROUP_FILE_CPU_STAT_2, values, count, row);
    row->cpu_sampled_ns = clock_monotonic_ns(round->r->options.clock);
    return group_row_reason(round, g, "cpu.stat", result);
}

static enum reason fill_memory_1(const struct group_round *round, struct group *g,
                                 struct container_row *row)
{
    /* The total_ keys count what is below the group too. */
    static const struct key_value values[] = {
        {"total_rss", CONTAINER_MEMORY_RSS, 1},
        {"total_cache", CONTAINER_MEMORY_CACHE, 1},
        {"total_swap", CONTAINER_MEMORY_SWAP, 1},
        {"total_mapped_file", CONTAINER_MEMORY_MAPPED_FILE, 1},
        {"total_active_file", CONTAINER_MEMORY_ACTIVE_FILE, 1},
        {"total_inactive_file", CONTAINER_MEMORY_INACTIVE_FILE, 1},
        {"pgfault", CONTAINER_MEMORY_PGFAULT, 1},
        {"pgmajfault", CONTAINER_MEMORY_PGMAJFAULT, 1},
        {"total_pgfault", CONTAINER_MEMORY_TREE_PGFAULT, 1},
        {"total_pgmajfault", CONTAINER_MEMORY_TREE_PGMAJFAULT, 1},
        {"total_dirty", CONTAINER_MEMORY_FILE_DIRTY, 1},
        {"total_writeback", CONTAINER_MEMORY_FILE_WRITEBACK, 1},
    };
    int result =
        group_row_read_number(round, g, GROUP_FILE_MEMORY_USAGE_1, CONTAINER_MEMORY_USAGE, row);
    if (result == 0)
        result = read_keys(round, g, GROUP_FILE_MEMORY_STAT_1, values, COUNT_OF(values), row);
    if (result < 0)
        return group_row_reason(round, g, "memory.stat", result);
    (void)group_row_read_number(round, g, GROUP_FILE_MEMORY_PEAK_1, CONTAINER_MEMORY_MAX_USAGE,
                                row);
    (void)group_row_read_number(round, g, GROUP_FILE_MEMORY_FAILCNT_1, CONTAINER_MEMORY_FAILCNT,
                                row);
    (void)group_row_read_number(round, g, GROUP_FILE_MEMORY_KERNEL_1, CONTAINER_MEMORY_KERNEL, row);
    return REASON_NONE;
}

static enum reason fill_memory_2(const struct group_round *round, struct group *g,
                                 struct container_row *row)
{
    static const struct key_value values[] = {
        {"anon", CONTAINER_MEMORY_RSS, 1},
        {"file", CONTAINER_MEMORY_CACHE, 1},
        {"kernel", CONTAINER_MEMORY_KERNEL, 1},
        {"file_mapped", CONTAINER_MEMORY_MAPPED_FILE, 1},
        {"file_dirty", CONTAINER_MEMORY_FILE_DIRTY, 1},
        {"file_writeback", CONTAINER_MEMORY_FILE_WRITEBACK, 1},
        {"inactive_file", CONTAINER_MEMORY_INACTIVE_FILE, 1},
        {"active_file", CONTAINER_MEMORY_ACTIVE_FILE, 1},
        {"workingset_refault_anon", CONTAINER_MEMORY_REFAULT_ANON, 1},
        {"workingset_refault_file", CONTAINER_MEMORY_REFAULT_FILE, 1},
        {"pgscan", CONTAINER_MEMORY_PGSCAN, 1},
        {"pgsteal", CONTAINER_MEMORY_PGSTEAL, 1},
        {"pgfault", CONTAINER_MEMORY_TREE_PGFAULT, 1},
        {"pgmajfault", CONTAINER_MEMORY_TREE_PGMAJFAULT, 1},
    };
    static const struct key_value swap_events[] = {
        {"high", CONTAINER_SWAP_EVENT_HIGH, 1},
        {"max", CONTAINER_SWAP_EVENT_MAX, 1},
        {"fail", CONTAINER_SWAP_EVENT_FAIL, 1},
    };
    int result =
        group_row_read_number(round, g, GROUP_FILE_MEMORY_USAGE_2, CONTAINER_MEMORY_USAGE, row);
    if (result == 0)
        result = read_keys(round, g, GROUP_FILE_MEMORY_STAT_2, values, COUNT_OF(values), row);
    if (result < 0)
        return group_row_reason(round, g, "memory.stat", result);
    (void)group_row_read_number(round, g, GROUP_FILE_MEMORY_PEAK_2, CONTAINER_MEMORY_MAX_USAGE,
                                row);
    (void)group_row_read_number(round, g, GROUP_FILE_SWAP_2, CONTAINER_MEMORY_SWAP, row);
    if (round->host_swaps) /* else one file less to read in every round */
        (void)read_keys(round, g, GROUP_FILE_SWAP_EVENTS_2, swap_events, COUNT_OF(swap_events),
                        row);
    return REASON_NONE;
}

static enum reason fill_memory(const struct group_round *round, struct group *g,
                               struct container_row *row)
{
    enum reason absent = REASON_NO_CONTROLLER;
    switch (group_row_version(round->r, CONTROLLER_MEMORY)) {
    case 1:
        absent = fill_memory_1(round, g, row);
        break;
    case 2:
        absent = fill_memory_2(round, g, row);
        break;
    default:
        break;
    }
    if (absent != REASON_NONE)
        return absent;
    uint64_t usage = row->values[CONTAINER_MEMORY_USAGE];
    uint64_t inactive = row->values[CONTAINER_MEMORY_INACTIVE_FILE];
    if (row_has(row, CONTAINER_MEMORY_USAGE) && row_has(row, CONTAINER_MEMORY_INACTIVE_FILE))
        group_row_set(row, CONTAINER_MEMORY_WORKING_SET, inactive < usage ? usage - inactive : 0);
    if (!((g->limits.given >> GROUP_LIMIT_MEMORY) & 1))
        return REASON_NONE;
    uint64_t limit = g->limits.values[GROUP_LIMIT_MEMORY];
    if (round->host_memory > 0 && limit > round->host_memory)
        limit = round->host_memory;
    if (limit != GROUP_NO_LIMIT)
        group_row_set(row, CONTAINER_SUM_MEMORY_LIMIT, limit);
    return REASON_NONE;
}

static void copy_value(struct container_row *row, enum container_metric from,
                       enum container_metric to)
{
    if (row_has(row, from))
        row_set(row, to, row->values[from]);
}

static void read_events_2(const struct group_round *round, struct group *g,
                          struct container_row *row)
{
    static const struct key_value events[] = {
        {"low", CONTAINER_MEMORY_EVENT_LOW, 1},
        {"high", CONTAINER_MEMORY_EVENT_HIGH, 1},
        {"max", CONTAINER_MEMORY_EVENT_MAX, 1},
        {"oom", CONTAINER_MEMORY_EVENT_OOM, 1},
        {"oom_kill", CONTAINER_MEMORY_EVENT_OOM_KILL, 1},
        {"oom_group_kill", CONTAINER_MEMORY_EVENT_OOM_GROUP_KILL, 1},
    };
    (void)read_keys(round, g, GROUP_FILE_MEMORY_EVENTS_2, events, COUNT_OF(events), row);
    copy_value(row, CONTAINER_MEMORY_EVENT_HIGH, CONTAINER_MEMORY_HIGH);
    copy_value(row, CONTAINER_MEMORY_EVENT_MAX, CONTAINER_MEMORY_MAX);
    copy_value(row, CONTAINER_MEMORY_EVENT_MAX, CONTAINER_MEMORY_FAILCNT);
}

/* The file of OOM kills has values of GROUP_MEMORY too, which has been filled before. */
static void fill_oom(const struct group_round *round, struct group *g, struct container_row *row)
{
    static const struct key_value kills[] = {{"oom_kill", CONTAINER_OOM_KILLS, 1}};
    bool wanted = group_row_wants(round, GROUP_OOM);
    bool memory = row->tiers[GROUP_MEMORY] != TIER_NONE;
    bool v1 = group_row_version(round->r, CONTROLLER_MEMORY) == 1;
    if (!wanted && !memory)
        return;
    if (memory && !v1) {
        read_events_2(round, g, row);
        copy_value(row, CONTAINER_MEMORY_EVENT_OOM_KILL, CONTAINER_OOM_KILLS);
    } else {
        (void)read_keys(round, g, v1 ? GROUP_FILE_MEMORY_OOM_1 : GROUP_FILE_MEMORY_EVENTS_2, kills,
                        COUNT_OF(kills), row);
        if (memory)
            copy_value(row, CONTAINER_OOM_KILLS, CONTAINER_MEMORY_EVENT_OOM_KILL);
    }
    if (wanted && row_has(row, CONTAINER_OOM_KILLS))
        group_row_end(row, GROUP_OOM, REASON_NONE);
    else
        row->present &= ~CONTAINER_BIT(CONTAINER_OOM_KILLS);
}

/* A limit as it is, "none" as unlimited. */
static void set_limit(const struct group *g, enum group_limit limit, enum container_metric metric,
                      struct container_row *row)
{
    if (!((g->limits.given >> limit) & 1))
        return;
    if (g->limits.values[limit] == GROUP_NO_LIMIT)
        row_set_unlimited(row, metric);
    else
        group_row_set(row, metric, g->limits.values[limit]);
}

static enum reason fill_pids(const struct group_round *round, struct group *g,
                             struct container_row *row)
{
    static const struct key_value events[] = {{"max", CONTAINER_PIDS_LIMIT_HITS, 1}};
    bool v1 = group_row_version(round->r, CONTROLLER_PIDS) == 1;
    int result = group_row_read_number(round, g, v1 ? GROUP_FILE_PIDS_1 : GROUP_FILE_PIDS_2,
                                       CONTAINER_PIDS, row);
    if (result < 0)
        return group_row_reason(round, g, "pids.current", result);
    set_limit(g, GROUP_LIMIT_PIDS, CONTAINER_PIDS_LIMIT, row);
    (void)read_keys(round, g, v1 ? GROUP_FILE_PIDS_EVENTS_1 : GROUP_FILE_PIDS_EVENTS_2, events,
                    COUNT_OF(events), row);
    return REASON_NONE;
}

static enum reason fill_spec(const struct group *g, struct container_row *row)
{
    if (g->limits.given == 0)
        return REASON_NO_CONTROLLER;
    set_limit(g, GROUP_LIMIT_PERIOD, CONTAINER_SPEC_CPU_PERIOD, row);
    if (has_quota(g))
        set_limit(g, GROUP_LIMIT_QUOTA, CONTAINER_SPEC_CPU_QUOTA, row);
    set_limit(g, GROUP_LIMIT_SHARES, CONTAINER_SPEC_CPU_SHARES, row);
    set_limit(g, GROUP_LIMIT_WEIGHT, CONTAINER_SPEC_CPU_WEIGHT, row);
    set_limit(g, GROUP_LIMIT_MEMORY, CONTAINER_SPEC_MEMORY_LIMIT, row);
    set_limit(g, GROUP_LIMIT_SWAP, CONTAINER_SPEC_SWAP_LIMIT, row);
    set_limit(g, GROUP_LIMIT_RESERVATION, CONTAINER_SPEC_MEMORY_RESERVATION, row);
    return REASON_NONE;
}

/* Is it a container's v1 group without any process, left over or not begun yet? */
static bool is_empty_1(const struct group_round *round, struct group *g)
{
    const char *text = NULL;
    size_t length = 0;
    uint64_t tasks = 0;
    return g->name.kind == GROUP_IS_CONTAINER &&
           group_row_version(round->r, CONTROLLER_PIDS) == 1 &&
           group_file_read(round->r, g, GROUP_FILE_PIDS_1, &text, &length) == 0 &&
           group_parse_number(text, length, &tasks) == 0 && tasks == 0;
}

/* Running or paused; -ENODEV for a container's group without any process. */
static int fill_state(const struct group_round *round, struct group *g, struct container_row *row)
{
    static const char *const keys[] = {"populated", "frozen"};
    uint64_t numbers[2] = {1, 0};
    const char *text = NULL;
    size_t length = 0;
    row->state = STATE_RUNNING;
    if (is_empty_1(round, g))
        return -ENODEV;
    if (round->r->tree_of[CONTROLLER_FREEZER] >= 0) {
        if (group_file_read(round->r, g, GROUP_FILE_FREEZER_1, &text, &length) == 0 &&
            text_starts_with(text, "FROZEN"))
            row->state = STATE_PAUSED;
        return 0;
    }
    if (round->r->version != 2 ||
        group_file_read(round->r, g, GROUP_FILE_EVENTS_2, &text, &length) < 0)
        return 0;
    uint64_t found = group_parse_keys(text, length, keys, 2, numbers);
    if (g->name.kind == GROUP_IS_CONTAINER && (found & 1) && numbers[0] == 0)
        return -ENODEV;
    if ((found >> 1) & 1 && numbers[1] == 1)
        row->state = STATE_PAUSED;
    return 0;
}

static bool is_gone(const struct group_reader *r, const struct group *g)
{
    struct stat st;
    if (g->path[1] == '\0')
        return false;
    return fstatat(r->roots[r->scanned], g->path + 1, &st, 0) < 0 || st.st_ino != g->birth;
}

void group_row_fill_cpu(const struct group_round *round, struct group *g, struct container_row *row)
{
    bool v1 = group_row_version(round->r, CONTROLLER_CPUACCT) == 1;
    group_row_end(row, GROUP_CPU, v1 ? fill_cpu_1(round, g, row) : fill_cpu_2(round, g, row));
}

/* A group that vanished between two files has left a torn row. */
static bool is_whole(const struct group_round *round, const struct container_row *row)
{
    static const enum metric_group read[] = {GROUP_CPU, GROUP_MEMORY, GROUP_PIDS, GROUP_BLOCK_IO,
                                             GROUP_PRESSURE};
    bool any = false;
    for (size_t i = 0; i < COUNT_OF(read); i++) {
        if (!group_row_wants(round, read[i]))
            continue;
        if (row->tiers[read[i]] == TIER_NONE)
            return false;
        any = true;
    }
    return any; /* where nothing was read, nothing tells that the group is there */
}

int group_row_fill(const struct group_round *round, struct group *g, struct container_row *row)
{
    group_limits_read(round->r, g, round->now_ns);
    row->cgroup_version = round->r->version;
    row->birth = g->birth;
    row->knowledge = KNOWS_ALIVE;
    row->cpus = round->cpus;
    group_row_begin(row);
    uint64_t opened = round->r->opened;
    if (fill_state(round, g, row) < 0)
        return -ENODEV;
    if (group_row_wants(round, GROUP_CPU))
        group_row_fill_cpu(round, g, row);
    if (group_row_wants(round, GROUP_MEMORY))
        group_row_end(row, GROUP_MEMORY, fill_memory(round, g, row));
    fill_oom(round, g, row);
    if (group_row_wants(round, GROUP_PIDS))
        group_row_end(row, GROUP_PIDS, fill_pids(round, g, row));
    if (group_row_wants(round, GROUP_SPEC))
        group_row_end(row, GROUP_SPEC, fill_spec(g, row));
    if (group_row_wants(round, GROUP_BLOCK_IO))
        group_row_fill_block(round, g, row);
    if (group_row_wants(round, GROUP_PRESSURE))
        group_row_fill_pressure(round, g, row);
    /* One made anew at the same path is another group, and only a file opened just now could be
     * its. */
    bool sure = is_whole(round, row) && round->r->opened == opened;
    return !sure && is_gone(round->r, g) ? -ENODEV : 0;
}
