/* What it knows: the file system a local engine keeps its data on, looked at on a thread of its own
 * because a network file system may hang; and what of it and of the writable layers becomes a
 * container's row. Documents: statvfs(3); Docker Engine API reference (GET /info, DockerRootDir).
 */
#include "collectors/engine_resources_internal.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "collectors/engine_container.h"
#include "collectors/mount_find.h"
#include "net/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#define MOUNTINFO_MAX_BYTES (16 * 1024 * 1024) /* some 100 000 mounts, the kernel's own bound */
#define OLD_PERIODS         3                  /* a size counted so many periods ago says nothing */

/* The file system an engine keeps its data on. */
struct disk_facts {
    const char *device; /* the label; "" where it is not known */
    struct maybe bytes, inodes, inodes_free;
};

/* What the thread is given, and what it found. */
struct look {
    struct engine_resources *owner; /* for the loop alone: the thread may outlive it */
    char *root, *procfs, *sysfs;    /* owned */
    int result;                     /* 0 or a negative errno; then nothing was found */
    struct disk_facts facts;        /* texts in the arena */
    struct arena arena;
};

struct disk {
    struct worker *worker;
    struct look *look;       /* the thread's while the worker is busy */
    uint64_t begun_ns;       /* CLOCK_MONOTONIC when the last look began */
    bool known;              /* the facts hold, be it that nothing could be found */
    struct disk_facts facts; /* the device is owned */
    uint64_t due_ns;         /* CLOCK_MONOTONIC of the next look */
    struct notice failure;
};

/* Is the file system one that can be looked at here? */
static bool is_here(const struct engine_resources *r)
{
    const struct engine_facts *facts = &r->engine->facts;
    return facts->local && facts->info.root_dir && *facts->info.root_dir == '/';
}

static void free_look(void *context)
{
    struct look *look = context;
    free(look->root);
    free(look->procfs);
    free(look->sysfs);
    arena_done(&look->arena);
    free(look);
}

/* weir's own mounts: a procfs of another namespace has no "self" of weir. */
static int read_mounts(const char *procfs, struct buf *ret)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/self/mountinfo", procfs);
    int r = fs_read_file(path, ret);
    return r == -ENOENT ? fs_read_file("/proc/self/mountinfo", ret) : r;
}

static const char *find_device(struct look *look, const char *path, dev_t number)
{
    struct mount_found mount;
    struct buf text;
    const char *device = "";
    buf_init(&text, MOUNTINFO_MAX_BYTES);
    if (read_mounts(look->procfs, &text) == 0 && text.length > 0 &&
        mount_find(text.data, path, major(number), minor(number), &look->arena, &mount) == 0)
        device = mount_device(&mount, look->sysfs, &look->arena);
    buf_done(&text);
    return device;
}

/* On the thread. */
static void look_at(void *context)
{
    struct look *look = context;
    struct statvfs fs;
    struct stat status;
    arena_reset(&look->arena);
    look->facts = (struct disk_facts){.device = ""};
    look->result = 0;
    char *path = realpath(look->root, NULL);
    if (!path || stat(path, &status) < 0 || statvfs(path, &fs) < 0) {
        look->result = -errno;
        free(path);
        return;
    }
    struct disk_facts *facts = &look->facts;
    facts->device = find_device(look, path, status.st_dev);
    facts->bytes.given = !__builtin_mul_overflow(fs.f_blocks, fs.f_frsize, &facts->bytes.value);
    /* btrfs and its like have no fixed number of inodes, and say 0. */
    facts->inodes = (struct maybe){.value = fs.f_files, .given = fs.f_files > 0};
    facts->inodes_free = (struct maybe){.value = fs.f_ffree, .given = fs.f_files > 0};
    free(path);
}

static void set_facts(struct disk *d, const struct disk_facts *facts)
{
    free((char *)(uintptr_t)d->facts.device);
    d->facts = *facts;
    d->facts.device = alloc_string(facts->device);
    d->known = true;
}

/* Nothing could be found, and that stays so until the next look. */
static void set_unknown(struct engine_resources *r, enum reason reason, const char *why)
{
    static const struct disk_facts none = {.device = ""};
    const struct engine *e = r->engine;
    char text[ERR_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%.120s, where %.120s keeps its data: %s",
                   e->facts.info.root_dir, e->endpoint.key, why);
    set_facts(r->disk, &none);
    if (reason != REASON_NONE)
        resources_notice(r, &r->disk->failure, reason, text);
}

static void looked(void *context)
{
    const struct look *look = context;
    struct engine_resources *r = look->owner;
    if (!is_here(r) || !text_equal(look->root, r->engine->facts.info.root_dir))
        return; /* meanwhile it has become another engine */
    r->disk->failure.reason = REASON_NONE;
    if (look->result == 0)
        set_facts(r->disk, &look->facts);
    else if (look->result == -ENOENT || look->result == -ENOTDIR)
        set_unknown(r, REASON_NONE, ""); /* weir is in a container that does not see it */
    else
        set_unknown(r,
                    look->result == -EACCES || look->result == -EPERM ? REASON_PERMISSION_DENIED
                                                                      : REASON_STUCK,
                    strerror(-look->result));
}

static void start_look(struct engine_resources *r, uint64_t now)
{
    struct disk *d = r->disk;
    d->begun_ns = now;
    free(d->look->root);
    d->look->root = alloc_string(r->engine->facts.info.root_dir);
    if (worker_start(d->worker, look_at, looked, d->look) < 0)
        set_unknown(r, REASON_TOO_MANY, "no thread can be started to look at it");
}

static struct disk *new_disk(struct engine_resources *owner)
{
    const struct collector_options *options = &owner->engine->collector->options;
    struct disk *d = alloc_zeroed(1, sizeof *d);
    d->worker = worker_new(options->loop);
    d->look = alloc_zeroed(1, sizeof *d->look);
    d->look->owner = owner;
    d->look->procfs = alloc_string(options->procfs ? options->procfs : "/proc");
    d->look->sysfs = alloc_string(options->sysfs ? options->sysfs : "/sys");
    d->facts.device = alloc_string("");
    return d;
}

void resources_look(struct engine_resources *r)
{
    uint64_t period_ns = r->engine->collector->options.engine_size_interval_ms * NS_PER_MS;
    uint64_t now = engine_now(r->engine);
    if (!resources_want(r, GROUP_BIT(GROUP_DISK)) || period_ns == 0 || !is_here(r))
        return;
    if (!r->disk)
        r->disk = new_disk(r);
    struct disk *d = r->disk;
    resources_tell(r, &d->failure);
    if (now < d->due_ns)
        return;
    d->due_ns = now + period_ns;
    if (!worker_is_busy(d->worker))
        start_look(r, now);
    else if (now - d->begun_ns >= period_ns)
        set_unknown(r, REASON_STUCK, "the file system has not answered since the last look");
}

void resources_disk_down(struct engine_resources *r)
{
    struct disk *d = r->disk;
    if (!d)
        return;
    d->known = false;
    d->due_ns = 0;
    d->failure = (struct notice){0};
}

void resources_disk_free(struct engine_resources *r)
{
    struct disk *d = r->disk;
    if (!d)
        return;
    worker_close(d->worker, free_look, d->look);
    free((char *)(uintptr_t)d->facts.device);
    free(d);
    r->disk = NULL;
}

/* Why a container has no size, REASON_NONE if it has one. A local engine's come with the device,
 * or their labels would change once that is known. */
static enum reason find_size(const struct engine_resources *r, const struct engine_container *c,
                             uint64_t *ret_bytes)
{
    const struct collector_options *options = &r->engine->collector->options;
    enum reason failure = r->calls[RESOURCE_SIZES].failure.reason;
    uint64_t most_ns = OLD_PERIODS * NS_PER_MS * options->engine_size_interval_ms;
    if (r->sizes_ns == 0 || engine_now(r->engine) - r->sizes_ns > most_ns)
        return failure != REASON_NONE ? failure : REASON_NOT_GIVEN;
    struct maybe bytes = engine_sizes_find(&r->sizes, c->id);
    bool awaited = is_here(r) && !(r->disk && r->disk->known);
    if (!bytes.given || awaited)
        return REASON_NOT_GIVEN;
    *ret_bytes = bytes.value;
    return REASON_NONE;
}

void engine_resources_fill_row(const struct engine_resources *r, const struct engine_container *c,
                               struct arena *arena, struct container_row *row)
{
    static const struct disk_facts nothing = {.device = ""};
    uint64_t bytes = 0;
    if (!resources_want(r, GROUP_BIT(GROUP_DISK)) || !state_is_live(c->state))
        return;
    enum reason reason = find_size(r, c, &bytes);
    if (reason != REASON_NONE) {
        bool away = r->engine->phase == ENGINE_DOWN || r->engine->suspect;
        row->absent[GROUP_DISK] = away ? r->engine->failure : reason;
        return;
    }
    const struct disk_facts *facts = is_here(r) ? &r->disk->facts : &nothing;
    const struct {
        enum point_metric metric;
        struct maybe value;
    } values[] = {{POINT_FS_USAGE, {.value = bytes, .given = true}},
                  {POINT_FS_LIMIT, facts->bytes},
                  {POINT_FS_INODES_FREE, facts->inodes_free},
                  {POINT_FS_INODES_TOTAL, facts->inodes}};
    struct point points[sizeof values / sizeof values[0]];
    const char *device = arena_string(arena, facts->device);
    size_t count = 0;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (values[i].value.given)
            points[count++] = (struct point){
                .metric = values[i].metric, .value = values[i].value.value, .labels = {device}};
    row_add_points(row, arena, points, count);
    row->tiers[GROUP_DISK] = TIER_ENGINE;
}
