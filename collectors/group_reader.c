/* What it knows: one job from the scan to the rows. Document: docs/ARCHITECTURE.md, "The cgroup
 * tier". */
#include "collectors/group_reader.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "collectors/group_files.h"
#include "collectors/group_row.h"
#include "collectors/group_scan.h"
#include "collectors/group_watch.h"
#include "collectors/machine.h"
#include "collectors/task_states.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FACTS_TIME_NS NS_PER_SECOND /* of a job, for all of them; a runtime may hang */
#define FACTS_RETRY_NS \
    (60 * NS_PER_SECOND) /* files that did not know a container may learn of it */

/* The tree that is searched for groups: the one whose groups every container has. */
static int choose_scanned(const struct group_reader *r)
{
    static const enum group_controller order[] = {CONTROLLER_MEMORY, CONTROLLER_CPUACCT,
                                                  CONTROLLER_CPU,    CONTROLLER_PIDS,
                                                  CONTROLLER_BLKIO,  CONTROLLER_FREEZER};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (r->tree_of[order[i]] >= 0)
            return r->tree_of[order[i]];
    return r->unified >= 0 ? r->unified : 0;
}

static int index_of(const struct group_reader *r, const struct group_tree *tree)
{
    return tree ? (int)(tree - r->layout.trees) : -1;
}

/* The top of a container's own namespace calls itself "/" too. Only a root lacks cgroup.events
 * (v2), and only a root has release_agent (v1). */
static bool is_part(const struct group_reader *r)
{
    for (size_t i = 0; i < r->layout.tree_count; i++) {
        bool v2 = r->layout.trees[i].version == 2;
        if (v2 ? faccessat(r->roots[i], "cgroup.events", F_OK, 0) == 0
               : r->layout.private_namespace &&
                     faccessat(r->roots[i], "release_agent", F_OK, 0) < 0)
            return true;
    }
    return false;
}

/* In a pid namespace of its own weir sees only its own processes, and its own pid 1. A procfs
 * mounted elsewhere is the host's. */
static bool has_private_pids(const char *procfs)
{
    static const char initial[] =
        "pid:[4026531836]"; /* include/linux/proc_ns.h, PROC_PID_INIT_INO */
    char link[sizeof initial] = "";
    return strcmp(procfs, "/proc") == 0 && readlink("/proc/self/ns/pid", link, sizeof link) > 0 &&
           memcmp(link, initial, sizeof initial - 1) != 0;
}

/* A job that hangs may outlive the configuration. */
static void copy_options(struct group_reader *r, const struct group_reader_options *options)
{
    r->options = *options;
    r->options.procfs = r->procfs = alloc_string(options->procfs);
    r->options.sysfs = r->sysfs = alloc_string(options->sysfs);
    r->options.files.docker_roots = text_list_copy(&options->files.docker_roots);
    r->options.files.exec_roots = text_list_copy(&options->files.exec_roots);
}

static void free_options(struct group_reader *r)
{
    text_list_done(&r->options.files.docker_roots);
    text_list_done(&r->options.files.exec_roots);
    free(r->procfs);
    free(r->sysfs);
}

static struct machine *machine_of(const struct group_reader *r, const char *architecture)
{
    const struct machine_options options = {
        .procfs = r->procfs,
        .sysfs = r->sysfs,
        .root = machine_host_root(MACHINE_HOST_MOUNT),
        .architecture = architecture,
        .groups = r->options.groups,
    };
    return machine_new(&options);
}

int group_reader_new(const struct group_reader_options *options, struct err *e,
                     struct group_reader **ret_reader)
{
    struct group_reader *r = alloc_zeroed(1, sizeof *r);
    int result = group_layout_read(options->procfs, options->sysfs, e, &r->layout);
    if (result < 0) {
        free(r);
        return result;
    }
    copy_options(r, options);
    struct utsname kernel;
    bool named = uname(&kernel) == 0;
    r->block_zeros = !named || block_accounting_zero_counts(kernel.release);
    r->machine = machine_of(r, named ? kernel.machine : "");
    r->private_pids = has_private_pids(options->procfs);
    for (enum group_controller c = 0; c < CONTROLLER_COUNT; c++)
        r->tree_of[c] = index_of(r, group_layout_tree(&r->layout, c));
    r->unified = index_of(r, group_layout_unified(&r->layout));
    for (size_t i = 0; i < r->layout.tree_count; i++)
        r->roots[i] = open(r->layout.trees[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    r->layout.partial = r->layout.partial || is_part(r);
    r->scanned = choose_scanned(r);
    r->version = r->layout.trees[r->scanned].version == 2 ? 2 : 1;
    r->root = group_scan_root();
    group_watch_open(r);
    *ret_reader = r;
    return 0;
}

static void forget_devices(struct group_reader *r)
{
    r->device_count = 0;
    arena_reset(&r->device_names);
}

void group_reader_free(struct group_reader *r)
{
    if (!r)
        return;
    group_scan_forget(r);
    group_scan_free(r, r->root);
    group_watch_close(r);
    task_states_free(r->task_states);
    for (size_t i = 0; i < r->layout.tree_count; i++)
        if (r->roots[i] >= 0)
            (void)close(r->roots[i]);
    group_layout_done(&r->layout);
    machine_free(r->machine);
    free_options(r);
    for (size_t i = 0; i < r->hint_count; i++)
        free(r->hints[i].path);
    free(r->hints);
    free(r->devices);
    arena_done(&r->device_names);
    free(r->io);
    free(r->buffer);
    arena_done(&r->result.arena);
    part_done(&r->result.part);
    free(r->result.found);
    free(r);
}

void group_reader_hint(struct group_reader *r, struct group_hint *hints, size_t count)
{
    for (size_t i = 0; i < r->hint_count; i++)
        free(r->hints[i].path);
    free(r->hints);
    r->hints = hints;
    r->hint_count = count;
    r->hints_changed = true;
    r->groups_changed = true;
}

static int compare_id(const void *id, const void *hint)
{
    return memcmp(id, ((const struct group_hint *)hint)->id, GROUP_ID_LENGTH);
}

const struct group_hint *group_hint_of(const struct group_reader *r, const struct group *g)
{
    if (!g->name.hex_id || r->hint_count == 0)
        return NULL;
    return bsearch(g->name.id, r->hints, r->hint_count, sizeof *r->hints, compare_id);
}

const struct group_result *group_reader_result(const struct group_reader *r)
{
    return &r->result;
}

static struct group_found *add_found(struct group_result *result)
{
    if (result->found_count == result->found_capacity) {
        result->found_capacity = result->found_capacity ? result->found_capacity * 2 : 64;
        result->found = alloc_resize(result->found, result->found_capacity, sizeof *result->found);
    }
    struct group_found *f = &result->found[result->found_count++];
    memset(f, 0, sizeof *f);
    return f;
}

/* By id, then the one to keep: where an engine says it is, else the older, for a group's inode says
 * when it was made. */
static int compare_twins(const void *a, const void *b)
{
    const struct group *left = *(struct group *const *)a;
    const struct group *right = *(struct group *const *)b;
    int order = memcmp(left->name.id, right->name.id, left->name.id_length);
    if (order != 0)
        return order;
    if (left->hinted != right->hinted)
        return left->hinted ? -1 : 1;
    if (left->birth != right->birth)
        return left->birth < right->birth ? -1 : 1;
    return strcmp(left->path, right->path);
}

/* Whoever may make a control group may call it after a container: of several with one id one
 * counts. */
static void find_twins(struct group_reader *r)
{
    struct group **order =
        arena_alloc(&r->result.arena, (r->group_count + 1) * sizeof(struct group *));
    size_t count = 0;
    for (size_t i = 0; i < r->group_count; i++) {
        struct group *g = r->groups[i];
        const struct group_hint *hint = group_hint_of(r, g);
        g->twin = false;
        g->hinted = hint && hint->path && strcmp(hint->path, g->path) == 0;
        if (g->name.hex_id)
            order[count++] = g;
    }
    if (count > 1)
        qsort(order, count, sizeof(struct group *), compare_twins);
    for (size_t i = 1; i < count; i++)
        order[i]->twin =
            memcmp(order[i - 1]->name.id, order[i]->name.id, order[i]->name.id_length) == 0;
}

static void report_twin(struct group_reader *r, const struct group *g)
{
    char text[ERR_TEXT_MAX];
    (void)snprintf(
        text, sizeof text,
        "control group %.200s is called after a container that has another one: left out; "
        "remove it if it is a remainder",
        g->path);
    part_add_problem(&r->result.part, REASON_DUPLICATE_ID, "cgroup", text);
}

/* Who a container without a name is, by its runtime's files; asked once, and again now and then. */
static void ask_files(const struct group_round *round, struct group *g, struct group_found *f)
{
    struct group_reader *r = round->r;
    const struct group_hint *hint = group_hint_of(r, g);
    struct container_facts *facts = NULL;
    char id[65];
    bool due = g->facts_ns == 0 || round->now_ns - g->facts_ns >= FACTS_RETRY_NS;
    if (!g->name.hex_id || (hint && hint->complete) || !due ||
        clock_monotonic_ns(r->options.clock) > r->facts_end_ns)
        return;
    g->facts_ns = round->now_ns;
    memcpy(id, g->name.id, sizeof id - 1);
    id[sizeof id - 1] = '\0';
    facts = arena_alloc(&r->result.arena, sizeof *facts);
    struct err e = {0};
    int result =
        container_files_find(&r->options.files, id, g->name.runtime, &r->result.arena, &e, facts);
    if (result == 0) {
        f->facts = facts;
        r->groups_changed = r->groups_changed || g->sandbox != facts->sandbox;
        g->sandbox = facts->sandbox;
    } else if (result != -ENOENT && result != -EACCES) {
        part_add_problem(&r->result.part, REASON_MALFORMED, "names", e.text);
    }
}

static void read_group(const struct group_round *round, struct group *g)
{
    struct group_reader *r = round->r;
    struct group_found *f = add_found(&r->result);
    bool container = g->name.kind == GROUP_IS_CONTAINER;
    f->kind = container ? IDENTITY_CONTAINER : IDENTITY_SERVICE;
    f->path = g->path;
    f->name = g->name;
    f->read_ns = clock_monotonic_ns(r->options.clock);
    if (group_row_fill(round, g, &f->row) < 0) {
        r->result.found_count--;
        return;
    }
    if (container)
        group_net_fill(round, g, &f->row);
    else
        group_row_end(&f->row, GROUP_NETWORK, REASON_NO_NETWORK);
    group_row_fill_more(round, g, &f->row);
    group_process_fill(round, g, &f->row);
    if (container)
        ask_files(round, g, f);
}

static void read_host(const struct group_round *round)
{
    struct group_reader *r = round->r;
    struct group_found *f = add_found(&r->result);
    f->kind = IDENTITY_HOST;
    f->path = "/";
    f->read_ns = round->now_ns;
    group_host_fill(round, r->root, &f->row);
}

static void report(struct group_reader *r)
{
    static const char *const modes[] = {[GROUP_MODE_LEGACY] = "legacy",
                                        [GROUP_MODE_HYBRID] = "hybrid",
                                        [GROUP_MODE_UNIFIED] = "unified"};
    struct part *part = &r->result.part;
    part_add_point(part, AGENT_GROUP_INFO, 1, (const char *const[]){modes[r->layout.mode], NULL});
    part_add_point(part, AGENT_GROUP_FILES, r->kept, NULL);
    if (r->too_many)
        part_add_problem(part, REASON_TOO_MANY, "cgroup",
                         "there are more control groups than weir reads (20000 shown, 200000 "
                         "directories looked at); the rest is left out");
}

void group_reader_run(struct group_reader *r)
{
    uint64_t now_ns = clock_monotonic_ns(r->options.clock);
    uint64_t walked_ns = r->walked_ns;
    arena_reset(&r->result.arena);
    part_reset(&r->result.part);
    r->result.found_count = 0;
    group_watch_reap(r); /* the scan finds out the same and more */
    int result = group_scan(r, now_ns);
    if (result < 0) {
        char text[ERR_TEXT_MAX];
        (void)snprintf(text, sizeof text, "the control groups in %.200s cannot be listed: %s",
                       r->layout.trees[r->scanned].path, strerror(-result));
        part_add_problem(&r->result.part,
                         result == -EACCES ? REASON_PERMISSION_DENIED : REASON_NO_HIERARCHY,
                         "cgroup", text);
    }
    group_watch_take_limits(r);
    if (r->walked_ns != walked_ns) {
        group_choose_block_files(r);
        r->root->missing = 0;
        forget_devices(r);
    }
    r->facts_end_ns = now_ns + FACTS_TIME_NS;
    const struct group_round round = group_host_begin(r, now_ns);
    if (r->groups_changed)
        find_twins(r);
    group_net_resolve(&round);
    read_host(&round);
    for (size_t i = 0; i < r->group_count; i++) {
        if (r->groups[i]->twin)
            report_twin(r, r->groups[i]);
        else
            read_group(&round, r->groups[i]);
    }
    r->result.complete = result == 0 && !r->too_many && !r->layout.partial;
    report(r);
}

int group_reader_descriptor(const struct group_reader *r)
{
    return r->inotify;
}

void group_reader_reap(struct group_reader *r)
{
    group_watch_reap(r);
}

void group_reader_close_files(struct group_reader *r)
{
    for (size_t i = 0; i < r->group_count; i++)
        group_close_files(r, r->groups[i]);
    group_close_files(r, r->root);
}
