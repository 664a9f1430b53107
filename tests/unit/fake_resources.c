/* What it knows: how an engine lists what it has, and a worker without a thread. Document:
 * fake_resources.h; the Docker Engine API reference. */
#include "tests/unit/fake_resources.h"

#include "net/worker.h"
#include "tests/unit/fake_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY_BYTES 16384

struct fake_has fake_has;
bool worker_refuses;

/* --- answers --- */

static char body[BODY_BYTES];

static void add(const char *text)
{
    assert_true(strlen(body) + strlen(text) < sizeof body);
    memcpy(body + strlen(body), text, strlen(text) + 1);
}

/* `count` objects. */
static void add_objects(unsigned count)
{
    add("[");
    for (unsigned i = 0; i < count; i++)
        add(i > 0 ? ",{}" : "{}");
    add("]");
}

static void add_images(void)
{
    char entry[160];
    add("[");
    for (unsigned i = 0; i < fake_has.images; i++) {
        (void)snprintf(entry, sizeof entry,
                       "%s{\"Id\":\"sha256:%u\",\"RepoDigests\":[\"shop@sha256:d%u\"]}",
                       i > 0 ? "," : "", i, i);
        add(entry);
    }
    add("]");
}

static void add_usage(void)
{
    char text[320];
    (void)snprintf(text, sizeof text,
                   "{\"LayersSize\":%" PRIu64 ",\"Images\":[],\"Containers\":[{\"SizeRw\":7},{}],"
                   "\"Volumes\":[{\"UsageData\":{\"Size\":-1}},{\"UsageData\":{\"Size\":5}}],"
                   "\"BuildCache\":[{\"Size\":3},{\"Size\":4,\"Shared\":true}]}",
                   fake_has.layers_bytes);
    add(text);
}

static void add_sizes(void)
{
    add("[");
    for (const char *c = fake_has.size_letter ? fake_has.size_letter : ""; *c != '\0'; c++) {
        char id[65];
        char entry[160];
        memset(id, *c, 64);
        id[64] = '\0';
        (void)snprintf(entry, sizeof entry,
                       "%s{\"Id\":\"%s\",\"SizeRw\":%" PRIu64 ",\"SizeRootFs\":99}",
                       c != fake_has.size_letter ? "," : "", id, fake_has.size_bytes);
        add(entry);
    }
    add("]");
}

static const char *answer_it(const char *path)
{
    bool filtered = strstr(path, "?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D");
    body[0] = '\0';
    if (strstr(path, IMAGES)) {
        if (filtered)
            add_objects(fake_has.dangling);
        else
            add_images();
    } else if (strstr(path, VOLUMES)) {
        add("{\"Volumes\":");
        add_objects(filtered ? fake_has.unused : fake_has.volumes);
        add(",\"Warnings\":null}");
    } else if (strstr(path, NETWORKS)) {
        add_objects(fake_has.networks);
    } else if (strstr(path, USAGE)) {
        add_usage();
    } else if (strstr(path, SIZES)) {
        add_sizes();
    } else {
        return NULL;
    }
    return body;
}

void fake_resources_show(unsigned groups)
{
    fake_resources = (struct fake_resources_options){
        .shown = true, .groups = groups, .answer = answer_it, .df_timeout_ms = 60000};
    fake_has =
        (struct fake_has){.images = 4, .dangling = 2, .volumes = 3, .unused = 1, .networks = 5};
}

/* --- what came of it --- */

int64_t resource_point(enum agent_metric metric, const char *first, const char *second)
{
    int64_t found = -1;
    for (size_t i = 0; i < fake.part.point_count; i++) {
        const struct point *p = &fake.part.points[i];
        if (p->metric != metric || (first && strcmp(p->labels[0], first) != 0) ||
            (second && strcmp(p->labels[1], second) != 0))
            continue;
        assert_int_equal(found, -1); /* one series */
        found = (int64_t)p->value;
    }
    return found;
}

int64_t size_value(char letter, enum point_metric metric, const char *device)
{
    int64_t found = -1;
    const struct container_row *row = row_of(letter);
    assert_non_null(row);
    for (size_t i = 0; i < row->point_count; i++) {
        const struct point *p = &row->points[i];
        if (p->metric != metric)
            continue;
        assert_string_equal(p->labels[0], device);
        assert_int_equal(found, -1);
        found = (int64_t)p->value;
    }
    return found;
}

/* --- in the place of net/worker.c --- */

struct worker {
    void (*work)(void *context);
    void (*done)(void *context);
    void *context;
};

static struct worker *the_worker;

struct worker *worker_new(struct uv_loop_s *loop)
{
    (void)loop;
    assert_null(the_worker); /* one engine in such a test */
    the_worker = calloc(1, sizeof *the_worker);
    assert_non_null(the_worker);
    return the_worker;
}

int worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                 void *context)
{
    assert_null(w->work);
    if (worker_refuses)
        return -EAGAIN;
    *w = (struct worker){work, done, context};
    return 0;
}

bool worker_is_busy(const struct worker *w)
{
    return w->work != NULL;
}

void worker_close(struct worker *w, void (*left)(void *context), void *context)
{
    assert_ptr_equal(w, the_worker);
    left(context);
    free(w);
    the_worker = NULL;
}

bool worker_has_job(void)
{
    return the_worker && worker_is_busy(the_worker);
}

void worker_run(void)
{
    assert_true(worker_has_job());
    struct worker job = *the_worker;
    job.work(job.context);
    the_worker->work = NULL;
    job.done(job.context);
}

size_t disk_points(const struct container_row *row, const struct point **ret_first)
{
    size_t count = 0;
    for (size_t i = 0; i < row->point_count; i++) {
        if (point_metrics[row->points[i].metric].group != GROUP_DISK)
            continue;
        if (count++ == 0 && ret_first)
            *ret_first = &row->points[i];
    }
    return count;
}
