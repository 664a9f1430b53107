/* What it knows: one round of the cgroup tier, between the loop and the reader's thread: hints go
 * in, rows come out and get their names. Document: docs/ARCHITECTURE.md, "The cgroup tier". */
#include "collectors/cgroup.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "collectors/container_identity.h"
#include "collectors/engine_row.h"
#include "collectors/group_reader.h"
#include "collectors/inventory.h"
#include "collectors/names_keeper.h"
#include "net/readable.h"
#include "net/timer.h"
#include "net/worker.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPIRE_PERIOD_NS (60 * NS_PER_SECOND)
#define LATE_MAX_NS      (30 * NS_PER_SECOND) /* an older result says nothing of now */

/* Where Podman and CRI-O keep what root started: compiled into them, as is /run. */
#define STORAGE_ROOT     "/var/lib/containers/storage"
#define STORAGE_RUN_ROOT "/run/containers/storage"

struct group_collector {
    struct collector collector; /* first: the cascade sees it as this */
    struct collector_options options;
    struct group_reader *reader; /* NULL: this host has no control groups */
    struct err no_reader;        /* why */
    struct worker *worker;
    struct names_keeper *names;
    struct readable *removals; /* NULL: not heard of between rounds */
    bool heard;                /* of one, while the reader was busy */
    struct timer *finish;      /* ends a round outside collect */
    uint64_t hints_generation; /* of the inventory, that the reader's hints are from */
    uint64_t expired_ns;
    uint64_t finished_ns; /* CLOCK_MONOTONIC when the last job ended, 0 none did */
    bool taken;           /* it became the rows of a round */
    bool late;            /* of a later one than the job was begun in */
    bool close_files;     /* nobody asks: after the job under way */
    uint64_t begun_round; /* of the last job */

    struct part *part; /* NULL between rounds */
    struct round round;
    void (*done)(void *context);
    void *done_context;
};

static struct group_collector *self_of(struct collector *c)
{
    return (struct group_collector *)c;
}

/* --- who is who --- */

/* Is it left out? Its name is the one that is shown; one whose name nobody knows matches nothing.
 */
static bool is_hidden(const struct collector_options *options, const char *name,
                      const struct container_facts *facts)
{
    static const struct container_facts nothing;
    const struct container_facts *f = facts ? facts : &nothing;
    const struct engine_inspect inspect = {
        .name = name ? name : "",
        .image = f->image ? f->image : "",
        .labels = f->labels,
        .label_count = f->label_count,
    };
    return !identity_is_wanted(&inspect, options->include.items, options->include.count,
                               options->exclude.items, options->exclude.count);
}

static const char *bounded(struct identity *identity, const char *text)
{
    return text && strlen(text) <= LABEL_VALUE_MAX ? arena_string(&identity->arena, text) : NULL;
}

/* The path as a label: a byte that is no UTF-8 as \xNN, for two such paths must not look alike. */
static const char *path_label(struct identity *identity, const char *path)
{
    char *text = arena_alloc(&identity->arena, strlen(path) * sizeof "\\xNN" + 1);
    size_t length = 0;
    for (const char *at = path; *at != '\0';) {
        size_t bytes = text_utf8_length(at);
        if (bytes == 0) {
            length += (size_t)snprintf(text + length, sizeof "\\xNN", "\\x%02x",
                                       (unsigned)(unsigned char)*at++);
            continue;
        }
        memcpy(text + length, at, bytes);
        length += bytes;
        at += bytes;
    }
    return text;
}

/* Of a container of which the kernel alone knows too: its path may have named it. */
static void add_pod_labels(struct group_collector *self, struct identity *identity,
                           const struct container_facts *facts)
{
    static const struct container_facts nothing;
    const struct container_facts *f = facts ? facts : &nothing;
    const struct pod_names names = {f->pod_container, f->pod, f->pod_namespace};
    if (self->options.kubernetes_labels && identity->kind == IDENTITY_CONTAINER)
        identity_add_pod_labels(identity, f->labels, f->label_count, &names,
                                inventory_drops(self->options.inventory));
}

/* Tells the inventory what files say of a container, or that it was seen at all. */
static void tell(struct group_collector *self, const struct group_found *f, const char *id)
{
    const struct container_facts *facts = f->facts;
    struct identity *identity = identity_new("", id);
    identity->kind = f->kind;
    identity->local = true;
    identity->cgroup_path = path_label(identity, f->path);
    if (f->kind == IDENTITY_CONTAINER && !f->name.hex_id) {
        char name[NAME_MAX + 1];
        group_path_unescape(f->name.id, f->name.id_length, name, sizeof name);
        identity->name = arena_string(&identity->arena, name);
    }
    if (facts) {
        /* containerd knows no names: as in cAdvisor, dashboards ask for one that is not empty. */
        const char *name = facts->name || !facts->pod_container ? facts->name : id;
        identity->name = bounded(identity, name);
        identity->image = bounded(identity, facts->image);
        identity->created_ns = facts->created_ns;
        identity->started_ns = facts->started_ns;
        identity_set_labels(identity, facts->labels, facts->label_count,
                            self->options.label_allow.items, self->options.label_allow.count,
                            inventory_drops(self->options.inventory));
    }
    add_pod_labels(self, identity, facts);
    const struct inventory_telling telling = {
        .identity = identity,
        .source = facts ? INVENTORY_FILES : INVENTORY_SEEN,
        .hidden = f->kind == IDENTITY_CONTAINER && is_hidden(&self->options, identity->name, facts),
        .pid = facts ? facts->pid : 0,
        .network = facts && facts->network_mode ? engine_network_of_mode(facts->network_mode)
                                                : REASON_NONE,
        .now_ns = f->read_ns, /* it is said of the group that was read then */
    };
    (void)inventory_tell(self->options.inventory, &telling); /* full: it has no row */
    identity_unref(identity);
}

/* What a container is called in the inventory: its id, or the whole path where that is not unique.
 */
static const char *id_of(const struct group_found *f, char id[static 65])
{
    if (!f->name.hex_id)
        return f->path;
    memcpy(id, f->name.id, 64);
    id[64] = '\0';
    return id;
}

static void add_row(struct group_collector *self, const struct group_found *f)
{
    struct inventory *inventory = self->options.inventory;
    char buffer[65];
    const char *id = id_of(f, buffer);
    const struct inventory_entry *known = inventory_find(inventory, id);
    if (!known || f->facts) {
        tell(self, f, id);
        known = inventory_find(inventory, id);
    }
    if (!known)
        return;
    /* Late, and the round before was without it, as this one is for whoever asks next. */
    uint64_t number = self->late ? known->measured_round : self->round.number;
    inventory_measured(inventory, id, f->row.birth, number, f->read_ns);
    struct container_row *row = part_add_row(self->part, known->identity);
    const struct identity *identity = row->identity;
    *row = f->row;
    row->identity = identity;
    row->hidden = known->hidden;
    row->kills_read_ns = f->read_ns;
}

/* --- hints --- */

static int compare_hints(const void *a, const void *b)
{
    return strcmp(((const struct group_hint *)a)->id, ((const struct group_hint *)b)->id);
}

static void give_hints(struct group_collector *self)
{
    const struct inventory *inventory = self->options.inventory;
    if (self->hints_generation == inventory_generation(inventory))
        return;
    self->hints_generation = inventory_generation(inventory);
    size_t most = inventory_count(inventory);
    struct group_hint *hints = alloc_zeroed(most + 1, sizeof *hints);
    size_t count = 0;
    for (size_t i = 0; i < most; i++) {
        const struct inventory_entry *entry = inventory_at(inventory, i);
        const struct identity *who = entry->identity;
        if (entry->source == INVENTORY_SEEN || strlen(who->container_id) >= sizeof hints->id)
            continue;
        struct group_hint *hint = &hints[count++];
        memcpy(hint->id, who->container_id, strlen(who->container_id) + 1);
        hint->path = who->cgroup_path ? alloc_string(who->cgroup_path) : NULL;
        hint->pid = entry->pid;
        hint->named = who->name != NULL;
        hint->complete = who->name && who->started_ns != 0;
        hint->network = entry->network;
    }
    if (count > 1)
        qsort(hints, count, sizeof *hints, compare_hints);
    group_reader_hint(self->reader, hints, count);
}

/* What was read in the last round, in time, is the kernel's in this one too: said before the engine
 * decides whom to ask, also of containers that it named after they were read. */
static void confirm_measured(struct group_collector *self)
{
    const struct group_result *result = group_reader_result(self->reader);
    for (size_t i = 0; i < result->found_count && self->taken && !self->late; i++) {
        const struct group_found *f = &result->found[i];
        char buffer[65];
        if (f->kind == IDENTITY_CONTAINER)
            inventory_measured(self->options.inventory, id_of(f, buffer), f->row.birth,
                               self->round.number - 1, f->read_ns);
    }
}

/* --- rounds --- */

static void copy_part(struct part *to, const struct part *from)
{
    for (size_t i = 0; i < from->point_count; i++)
        part_add_point(to, from->points[i].metric, from->points[i].value, from->points[i].labels);
    for (size_t i = 0; i < from->problem_count; i++)
        for (uint64_t n = 0; n < from->problems[i].count; n++)
            part_add_problem(to, from->problems[i].reason, from->problems[i].source,
                             from->problems[i].text);
}

static void take_result(struct group_collector *self)
{
    const struct group_result *result = group_reader_result(self->reader);
    self->taken = true;
    self->late = self->begun_round != self->round.number;
    for (size_t i = 0; i < result->found_count; i++)
        add_row(self, &result->found[i]);
    for (size_t i = 0; i < self->part->row_count && self->late; i++)
        self->part->rows[i].yields = ~(1U << GROUP_SPEC); /* older than what others read now */
    copy_part(self->part, &result->part);
    self->part->sees_host = result->complete;
}

static void expire(struct group_collector *self)
{
    uint64_t now_ns = clock_monotonic_ns(self->options.clock);
    if (now_ns - self->expired_ns < EXPIRE_PERIOD_NS)
        return;
    self->expired_ns = now_ns;
    inventory_expire(self->options.inventory, now_ns);
}

static void work(void *context)
{
    struct group_collector *self = context;
    group_reader_run(self->reader);
}

static void finish_round(struct group_collector *self)
{
    self->part = NULL;
    self->done(self->done_context);
}

static void heard_removal(void *context)
{
    struct group_collector *self = context;
    self->heard = worker_is_busy(self->worker);
    if (self->heard)
        return;
    group_reader_reap(self->reader);
    readable_start(self->removals);
}

static void worked(void *context)
{
    struct group_collector *self = context;
    if (self->heard)
        heard_removal(self);
    if (self->close_files)
        group_reader_close_files(self->reader);
    self->close_files = false;
    self->finished_ns = clock_monotonic_ns(self->options.clock);
    self->taken = false;
    if (!self->part)
        return; /* its round was sealed without it: it counts for the next one */
    take_result(self);
    expire(self);
    names_keeper_round(self->names, self->part);
    timer_stop(self->finish);
    finish_round(self);
}

static void finish_now(void *context)
{
    finish_round(context);
}

/* Did a job end after its round, and not long ago? */
static bool has_late_result(const struct group_collector *self)
{
    uint64_t now_ns = clock_monotonic_ns(self->options.clock);
    return self->finished_ns != 0 && !self->taken && now_ns - self->finished_ns <= LATE_MAX_NS;
}

static void collect(struct collector *c, const struct round *round, struct part *part,
                    void (*done)(void *context), void *context)
{
    struct group_collector *self = self_of(c);
    assert(!self->part);
    self->part = part;
    self->part->sees_host = false; /* until there is a result */
    self->round = *round;
    self->done = done;
    self->done_context = context;
    if (!self->reader) {
        part_add_problem(part, REASON_NO_HIERARCHY, "cgroup", self->no_reader.text);
        timer_start(self->finish, 0);
        return;
    }
    if (worker_is_busy(self->worker)) {
        part_add_problem(part, REASON_STUCK, "cgroup",
                         "the kernel has not answered since an earlier round: a file of /proc or "
                         "/sys/fs/cgroup hangs; rounds go on without it");
        timer_start(self->finish, 0);
        return;
    }
    if (has_late_result(self)) {
        take_result(self);
        timer_start(self->finish, 0);
        return;
    }
    confirm_measured(self);
    give_hints(self);
    self->begun_round = round->number;
    int r = worker_start(self->worker, work, worked, self);
    if (r < 0) {
        part_add_problem(part, REASON_TOO_MANY, "cgroup",
                         "no thread can be started to read the kernel's files");
        timer_start(self->finish, 0);
    }
}

static void cancel(struct collector *c)
{
    struct group_collector *self = self_of(c);
    timer_stop(self->finish);
    if (!self->part)
        return;
    if (self->reader && worker_is_busy(self->worker))
        part_add_problem(self->part, REASON_STUCK, "cgroup",
                         "the kernel's files were not read before the round's deadline");
    self->part = NULL;
}

static int check(struct collector *c, struct err *err)
{
    const struct group_collector *self = self_of(c);
    return self->reader ? 0 : err_set(err, self->no_reader.code, "%s", self->no_reader.text);
}

static void examine(struct collector *c, const struct check_sink *sink)
{
    struct group_collector *self = self_of(c);
    if (!self->reader)
        sink->line(sink->context, CHECK_FAIL, "cgroup", self->no_reader.text);
    else if (worker_is_busy(self->worker))
        sink->line(sink->context, CHECK_FAIL, "cgroup", "the kernel does not answer: a file hangs");
    else
        group_reader_examine(self->reader, sink);
}

static void close_idle(struct collector *c)
{
    struct group_collector *self = self_of(c);
    if (!self->reader)
        return;
    if (worker_is_busy(self->worker))
        self->close_files = true;
    else
        group_reader_close_files(self->reader);
}

static void free_reader(void *context)
{
    group_reader_free(context);
}

static void close_collector(struct collector *c)
{
    struct group_collector *self = self_of(c);
    readable_close(self->removals); /* before the reader, whose descriptor it is */
    names_keeper_close(self->names);
    worker_close(self->worker, free_reader, self->reader);
    timer_close(self->finish);
    free(self);
}

static const struct collector_kind group_kind = {
    .name = "cgroup",
    .tier = TIER_CGROUP,
    .check = check,
    .examine = examine,
    .collect = collect,
    .cancel = cancel,
    .close_idle = close_idle,
    .close = close_collector,
};

int group_collector_new(const struct collector_options *options, struct err *e,
                        struct collector **ret_collector)
{
    (void)e; /* check says what is missing */
    struct group_collector *self = alloc_zeroed(1, sizeof *self);
    self->collector.kind = &group_kind;
    self->options = *options;
    self->finish = timer_new(options->loop, finish_now, self);
    self->worker = worker_new(options->loop);
    self->names = names_keeper_new(options);
    static char storage_root[] = STORAGE_ROOT;
    static char storage_run_root[] = STORAGE_RUN_ROOT;
    static char *storage_roots[] = {storage_root};
    static char *storage_run_roots[] = {storage_run_root};
    const struct group_reader_options reader = {
        .clock = options->clock,
        .procfs = options->procfs,
        .sysfs = options->sysfs,
        .scope = options->scope,
        .max_files = options->group_max_files,
        .groups = options->groups,
        .files = {.docker_roots = options->docker_roots,
                  .exec_roots = options->docker_exec_roots,
                  .storage_roots = {storage_roots, 1},
                  .storage_run_roots = {storage_run_roots, 1},
                  .run = "/run"},
    };
    if (group_reader_new(&reader, &self->no_reader, &self->reader) < 0)
        self->reader = NULL;
    if (self->reader && group_reader_descriptor(self->reader) >= 0)
        self->removals =
            readable_new(options->loop, group_reader_descriptor(self->reader), heard_removal, self);
    if (self->removals)
        readable_start(self->removals);
    *ret_collector = &self->collector;
    return 0;
}
