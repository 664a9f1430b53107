/* What it knows: when the file of names is written, and by whom: a thread of its own, since a disk
 * may stall. Document: docs/ARCHITECTURE.md, "The cgroup tier". */
#include "collectors/names_keeper.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "collectors/inventory.h"
#include "collectors/names_store.h"
#include "net/worker.h"

#include <errno.h>
#include <stdlib.h>

#define SAVE_PERIOD_NS (10 * NS_PER_SECOND) /* deployments change many containers at once */

/* One writing; the thread's alone while it lasts, and freed by it where the loop has gone. */
struct save {
    struct names_keeper *keeper; /* for the loop alone */
    char *directory;             /* owned */
    struct buf bytes;
    struct err err;
    struct save *next; /* of the end, which came while this one was being written; owned */
};

struct names_keeper {
    struct collector_options options;
    struct names_store_terms terms;
    struct worker *worker;
    struct save *save; /* the last one; NULL before the first */
    uint64_t saved;    /* generation of the inventory that was written, or is being */
    uint64_t saved_ns; /* CLOCK_MONOTONIC of that */
    struct err load_err;
    struct err save_err;
};

static bool is_wanted(const struct names_keeper *k)
{
    return k->options.state_directory && k->options.state_directory[0] != '\0';
}

static void free_save(void *context)
{
    struct save *s = context;
    if (!s)
        return;
    free_save(s->next);
    buf_done(&s->bytes);
    free(s->directory);
    free(s);
}

static void work(void *context)
{
    struct save *s = context;
    (void)names_store_save(s->directory, s->bytes.data, s->bytes.length, &s->err);
}

static void worked(void *context)
{
    struct save *s = context;
    struct names_keeper *k = s->keeper;
    k->save_err = s->err;
    if (s->err.code != 0)
        k->saved = 0; /* tried again */
    k->save = NULL;
    free_save(s);
}

/* The loop has gone: what it left to be written is written now. */
static void leave(void *context)
{
    struct save *s = context;
    if (s && s->next)
        work(s->next);
    free_save(s);
}

struct names_keeper *names_keeper_new(const struct collector_options *options)
{
    struct names_keeper *k = alloc_zeroed(1, sizeof *k);
    k->options = *options;
    k->worker = worker_new(options->loop);
    if (!is_wanted(k))
        return k;
    k->terms = names_store_terms_now(options);
    (void)names_store_load(options->state_directory, &k->terms, clock_monotonic_ns(options->clock),
                           options->inventory, &k->load_err);
    k->saved = inventory_generation(options->inventory);
    return k;
}

/* Something is to be written? */
static bool is_due(const struct names_keeper *k)
{
    return is_wanted(k) && !k->options.names_read_only &&
           inventory_generation(k->options.inventory) != k->saved;
}

/* What is known now, ready to be written; NULL where that does not fit. */
static struct save *make_save(struct names_keeper *k)
{
    struct save *s = alloc_zeroed(1, sizeof *s);
    s->keeper = k;
    s->directory = alloc_string(k->options.state_directory);
    buf_init(&s->bytes, NAMES_STORE_MAX_BYTES);
    if (names_store_encode(k->options.inventory, &k->terms, &s->bytes) == 0)
        return s;
    free_save(s);
    return NULL;
}

/* Begins to write, unless there is nothing new. */
static void begin_save(struct names_keeper *k)
{
    if (!is_due(k) || worker_is_busy(k->worker))
        return;
    k->save = make_save(k);
    if (!k->save || worker_start(k->worker, work, worked, k->save) < 0) {
        (void)err_set(&k->save_err, -ENOMEM, "the names of containers could not be written");
        free_save(k->save);
        k->save = NULL;
        return;
    }
    k->saved = inventory_generation(k->options.inventory);
    k->saved_ns = clock_monotonic_ns(k->options.clock);
}

static void report(struct part *part, const struct err *e)
{
    if (e->code != 0)
        part_add_problem(part,
                         e->code == -EACCES || e->code == -EPERM ? REASON_PERMISSION_DENIED
                                                                 : REASON_STATE_FILE,
                         "names", e->text);
}

void names_keeper_round(struct names_keeper *k, struct part *part)
{
    uint64_t now_ns = clock_monotonic_ns(k->options.clock);
    report(part, &k->load_err);
    report(part, &k->save_err);
    k->load_err = k->save_err = (struct err){0}; /* once an attempt */
    if (k->saved_ns == 0 || now_ns - k->saved_ns >= SAVE_PERIOD_NS)
        begin_save(k);
}

void names_keeper_close(struct names_keeper *k)
{
    if (k->save && is_due(k))
        k->save->next = make_save(k);
    else
        begin_save(k);
    worker_close(k->worker, leave, k->save);
    free(k);
}
