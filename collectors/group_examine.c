/* What it knows: what `weir check` says of the kernel's files. Document: docs/ARCHITECTURE.md, "The
 * cgroup tier". */
#include "collectors/group_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define LINE_MAX_BYTES 320

static void say(const struct check_sink *sink, enum check_result result, const char *subject,
                const char *text)
{
    sink->line(sink->context, result, subject, text);
}

static void examine_controllers(struct group_reader *r, const struct check_sink *sink)
{
    static const struct {
        enum group_controller controller;
        const char *name;
        const char *loss;
    } wanted[] = {
        {CONTROLLER_CPU, "cpu", "no throttling, no CPU limits"},
        {CONTROLLER_MEMORY, "memory", "no memory values"},
        {CONTROLLER_BLKIO, "io", "no block I/O"},
        {CONTROLLER_PIDS, "pids", "no counts of tasks"},
    };
    char text[LINE_MAX_BYTES];
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        int tree = r->tree_of[wanted[i].controller];
        if (tree >= 0)
            (void)snprintf(text, sizeof text, "%s: v%d in %.200s", wanted[i].name,
                           r->layout.trees[tree].version, r->layout.trees[tree].path);
        else
            (void)snprintf(text, sizeof text,
                           "%s: not enabled, so %s; the kernel's command line may switch it off "
                           "(cgroup_disable=), or the parent group's cgroup.subtree_control lacks "
                           "it",
                           wanted[i].name, wanted[i].loss);
        say(sink, tree >= 0 ? CHECK_OK : CHECK_WARN, "cgroup controller", text);
    }
}

static void examine_accounting(const struct group_reader *r, const struct check_sink *sink)
{
    int tree = r->tree_of[CONTROLLER_BLKIO];
    if (tree < 0 || r->layout.trees[tree].version != 1)
        return;
    if (!r->block_zeros)
        say(sink, CHECK_WARN, "block I/O",
            "this kernel (5.16 to 6.4) counts block I/O of a v1 group only where it has a throttle "
            "limit of its own, so zeros are left out; cgroup v2 counts all of it");
    else if (r->accounting == BLOCK_ACCOUNTING_OFF)
        say(sink, CHECK_WARN, "block I/O",
            "this kernel counts block I/O of v1 groups only once a throttle limit exists on the "
            "disk: start one container with --device-write-bps DISK:1tb, or use cgroup v2");
    else
        say(sink, CHECK_OK, "block I/O",
            r->accounting == BLOCK_ACCOUNTING_ON ? "counted" : "nothing was read or written yet");
}

static void examine_pressure(const struct group_reader *r, const struct check_sink *sink)
{
    char path[LINE_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/pressure/cpu", r->options.procfs);
    if (access(path, R_OK) != 0)
        say(sink, CHECK_WARN, "pressure",
            "this kernel has no pressure stall information: boot with psi=1");
    else if (r->unified < 0)
        say(sink, CHECK_WARN, "pressure",
            "of the host only: containers have it where a cgroup v2 tree is mounted");
    else
        say(sink, CHECK_OK, "pressure",
            "of the host, and of containers where the v2 tree has them");
}

static void examine_network(const struct group_reader *r, const struct check_sink *sink)
{
    char path[LINE_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/1/net/dev", r->options.procfs);
    if (access(path, R_OK) == 0 && !r->private_pids)
        say(sink, CHECK_OK, "network", "processes of others can be seen");
    else
        say(sink, CHECK_FAIL, "network",
            "the host's process 1 cannot be seen, so the host's network and most containers' are "
            "absent: run "
            "in the host's pid namespace (--pid=host), or give --path.procfs, and without hidepid");
}

/* "3 docker, 1 podman" */
static void list_runtimes(const struct group_reader *r, char text[], size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (enum group_runtime runtime = RUNTIME_UNKNOWN; runtime <= RUNTIME_GARDEN; runtime++) {
        size_t count = 0;
        for (size_t i = 0; i < r->group_count; i++)
            count += r->groups[i]->name.kind == GROUP_IS_CONTAINER &&
                     r->groups[i]->name.runtime == runtime;
        const char *name = runtime == RUNTIME_UNKNOWN ? "unknown" : group_runtime_name(runtime);
        if (count > 0 && length < size)
            length += (size_t)snprintf(text + length, size - length, "%s%zu %s",
                                       length > 0 ? ", " : "", count, name);
    }
}

static void examine_names(const struct group_reader *r, const struct check_sink *sink)
{
    char text[LINE_MAX_BYTES];
    char runtimes[LINE_MAX_BYTES / 2];
    size_t nameless = 0;
    list_runtimes(r, runtimes, sizeof runtimes);
    for (size_t i = 0; i < r->group_count; i++) {
        const struct group_hint *hint = group_hint_of(r, r->groups[i]);
        nameless += r->groups[i]->name.kind == GROUP_IS_CONTAINER && r->groups[i]->name.hex_id &&
                    !(hint && hint->named);
    }
    if (nameless == 0)
        (void)snprintf(text, sizeof text, "%s", runtimes[0] != '\0' ? runtimes : "none running");
    else
        (void)snprintf(text, sizeof text,
                       "%s; %zu of them without a name: let weir reach the engine's socket once, "
                       "or run it as root so that it can read the runtimes' files",
                       runtimes, nameless);
    say(sink, nameless == 0 ? CHECK_OK : CHECK_WARN, "containers", text);
}

static void examine_descriptors(const struct group_reader *r, const struct check_sink *sink)
{
    char text[LINE_MAX_BYTES];
    struct rlimit limit = {0};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    bool full = r->kept >= r->options.max_files && r->options.max_files > 0;
    (void)snprintf(text, sizeof text, "%zu kept open of at most %zu (soft limit %" PRIu64 ")%s",
                   r->kept, r->options.max_files, (uint64_t)limit.rlim_cur,
                   full ? ": the rest is opened in every round, at twice the cost; raise "
                          "--cgroup.max-fds and LimitNOFILE"
                        : "");
    say(sink, full ? CHECK_WARN : CHECK_OK, "kernel files", text);
}

void group_reader_examine(struct group_reader *r, const struct check_sink *sink)
{
    static const char *const modes[] = {
        [GROUP_MODE_LEGACY] = "v1 alone",
        [GROUP_MODE_HYBRID] = "v1 and v2 (hybrid)",
        [GROUP_MODE_UNIFIED] = "v2 alone",
    };
    say(sink, CHECK_OK, "cgroup", modes[r->layout.mode]);
    if (r->layout.partial)
        say(sink, CHECK_WARN, "cgroup",
            "only a part of the host's groups is mounted here: mount /sys/fs/cgroup of the host "
            "and run with --cgroupns=host, or give --path.sysfs");
    else if (r->layout.private_namespace)
        say(sink, CHECK_WARN, "cgroup",
            "weir is in a cgroup namespace of its own: paths of processes are not believed; "
            "--cgroupns=host is better");
    examine_controllers(r, sink);
    examine_accounting(r, sink);
    examine_pressure(r, sink);
    examine_network(r, sink);
    examine_names(r, sink);
    examine_descriptors(r, sink);
}
