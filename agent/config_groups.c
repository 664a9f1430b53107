/* What it knows: the names of groups of metrics, weir's and those that only cAdvisor has, what is
 * in them, and what metrics.enable and metrics.disable make of the default ones. Document:
 * docs/CADVISOR.md. */
#include "agent/config_groups.h"

#include "agent/config.h"
#include "agent/config_check.h"
#include "agent/config_notice.h"
#include "base/buf.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

#define NAMES_MAX_BYTES 256 /* of every group that gives nothing */

/* docs/CADVISOR.md says why. */
const char *const config_idle_groups[] = {"app",     "percpu", "perf_event", "referenced_memory",
                                          "resctrl", NULL};

static bool is_idle(const char *name)
{
    for (size_t i = 0; config_idle_groups[i]; i++)
        if (text_equal(name, config_idle_groups[i]))
            return true;
    return false;
}

const char *config_group_text(enum metric_group group)
{
    static const char *const texts[GROUP_ALL] = {
        [GROUP_CPU] = "CPU time of user and system, percent, throttling and bursts",
        [GROUP_MEMORY] = "memory in use by kind, faults, reclaim, events of memory and swap",
        [GROUP_NETWORK] = "bytes, packets, drops and errors by interface",
        [GROUP_BLOCK_IO] = "reads and writes by device",
        [GROUP_PIDS] = "threads and their limit",
        [GROUP_PRESSURE] = "time spent waiting for CPU, memory and disks (PSI)",
        [GROUP_SPEC] = "limits of CPU and memory",
        [GROUP_OOM] = "processes killed for want of memory",
        [GROUP_LIFE] = "exit code, restarts, health, image, times of creation and end",
        [GROUP_DISK] = "space taken on disk and the size of the file system",
        [GROUP_PROCESS] = "processes, open files and sockets, limit of open files",
        [GROUP_SCHED] = "time spent running and waiting for a CPU, by the scheduler",
        [GROUP_LOAD] = "tasks by state",
        [GROUP_CPUSET] = "whether memory moves along with the set of CPUs (cgroup v1)",
        [GROUP_HUGETLB] = "huge pages",
        [GROUP_NUMA] = "pages by NUMA node",
        [GROUP_TCP] = "TCP sockets by state",
        [GROUP_UDP] = "UDP sockets, drops and queues",
        [GROUP_ADVTCP] = "the kernel's counters of TCP",
        [GROUP_NONE] = "state, start, creation and when it was last seen",
        [GROUP_AGENT] = "weir itself",
        [GROUP_ENGINE] = "engines, their events, images, volumes and networks",
        [GROUP_MACHINE] = "CPUs, memory and ids of the host",
        [GROUP_TOPOLOGY] = "CPU caches, siblings, memory and distances of NUMA nodes",
        [GROUP_DOCKER] = "the daemon's numbers under the names docker_...",
    };
    assert(group < GROUP_ALL && texts[group]);
    return texts[group];
}

const char *check_group(const char *value)
{
    bool known = metric_group_find(value, strlen(value)) != GROUP_ALL || is_idle(value);
    return known ? NULL : "is not a group of metrics";
}

const char *check_group_or_all(const char *value)
{
    return text_equal(value, "all") ? NULL : check_group(value);
}

static unsigned groups_of(const struct text_list *names)
{
    unsigned groups = 0;
    for (size_t i = 0; i < names->count; i++) {
        enum metric_group group = metric_group_find(names->items[i], strlen(names->items[i]));
        if (text_equal(names->items[i], "all"))
            groups |= GROUPS_ALL;
        else if (group != GROUP_ALL)
            groups |= GROUP_BIT(group);
    }
    return groups;
}

unsigned config_groups(const struct config *c)
{
    return (GROUPS_DEFAULT & ~groups_of(&c->metrics_disable)) | groups_of(&c->metrics_enable);
}

static bool has(const struct text_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_equal(names->items[i], name))
            return true;
    return false;
}

void config_tell_idle_groups(struct config *c)
{
    struct buf names;
    buf_init(&names, NAMES_MAX_BYTES);
    for (size_t i = 0; config_idle_groups[i]; i++)
        if (has(&c->metrics_enable, config_idle_groups[i]) ||
            has(&c->metrics_disable, config_idle_groups[i]))
            (void)buf_add_format(&names, "%s%s", names.length > 0 ? ", " : "",
                                 config_idle_groups[i]);
    if (names.length > 0)
        config_notice_add(c, LOG_LEVEL_WARN,
                          "groups of metrics without effect, for weir has nothing in them: %s",
                          names.data);
    buf_done(&names);
}
