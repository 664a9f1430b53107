/* What it knows: which bodies of a snapshot are kept, who waits for which, and what the thread that
 * compresses may touch: the two buffers of its job, which nobody else has meanwhile. Documents:
 * docs/ARCHITECTURE.md (ownership), net/worker.h. */
#include "exporters/body_cache.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/snapshot.h"
#include "exporters/gzip.h"
#include "net/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Bodies kept: three formats with and without gzip, and a few scrapers with sets of their own. What
 * is asked for beyond them is made anew each time. */
#define CACHE_VARIANTS_MAX 16
/* Bytes up to which gzip does not pay: it saves no packet or one. */
#define PLAIN_MAX_BYTES 1024
/* Bytes above which compressing takes longer than the loop should be held up, some 0.8 ms. */
#define AT_ONCE_MAX_BYTES (256 * 1024)

/* Bytes of what becomes of a body: gzip adds a little to one that it cannot make smaller. */
#define PACKED_MAX (BODY_MAX + BODY_MAX / 16)

struct variant {
    struct prometheus_options options;
    bool gzip;
    struct bytes *bytes;
};

/* A body to be compressed, in its turn. */
struct job {
    struct body_cache *cache;
    struct job *next;
    struct prometheus_options options;
    uint64_t generation;       /* the cache's when it was asked for */
    struct snapshot *snapshot; /* a reference; NULL once it is encoded */
    struct body_wait *waiting;
    struct buf plain;  /* the thread's while it runs */
    struct buf packed; /* likewise */
    int result;        /* likewise */
};

struct body_cache {
    struct uv_loop_s *loop;
    struct worker *worker; /* NULL before the first large body */
    uint64_t number;       /* of the snapshot */
    uint64_t monotonic_ns; /* likewise: numbers begin anew with another source */
    uint64_t generation;   /* counts what it was emptied for */
    struct variant variants[CACHE_VARIANTS_MAX];
    size_t count;
    struct bytes *passing;               /* one that found no place: kept until the next call */
    size_t expected[PROMETHEUS_FORMATS]; /* bytes of the last whole exposition */
    struct job *jobs;                    /* in the order of their coming */
    struct job *running;                 /* the first of them while it is the thread's, or NULL */
};

struct body_cache *body_cache_new(struct uv_loop_s *loop)
{
    struct body_cache *c = alloc_zeroed(1, sizeof *c);
    c->loop = loop;
    return c;
}

static void let_pass(struct body_cache *c)
{
    bytes_unref(c->passing);
    c->passing = NULL;
}

void body_cache_clear(struct body_cache *c)
{
    let_pass(c);
    c->generation++;
    c->number = 0; /* which no snapshot has */
    while (c->count > 0)
        bytes_unref(c->variants[--c->count].bytes);
}

static void free_job(void *context)
{
    struct job *job = context;
    if (!job)
        return;
    buf_done(&job->plain);
    buf_done(&job->packed);
    free(job);
}

void body_cache_free(struct body_cache *c)
{
    body_cache_clear(c);
    while (c->jobs) {
        struct job *job = c->jobs;
        c->jobs = job->next;
        snapshot_unref(job->snapshot);
        if (job != c->running)
            free_job(job);
    }
    if (c->worker)
        worker_close(c->worker, free_job, c->running);
    free(c);
}

static bool same_options(const struct prometheus_options *a, const struct prometheus_options *b)
{
    return a->format == b->format && a->groups == b->groups;
}

static struct bytes *find(const struct body_cache *c, const struct prometheus_options *options,
                          bool gzip)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->variants[i].gzip == gzip && same_options(&c->variants[i].options, options))
            return c->variants[i].bytes;
    return NULL;
}

/* The job that makes such a body of the cache's snapshot. */
static struct job *find_job(const struct body_cache *c, const struct prometheus_options *options)
{
    struct job *job = c->jobs;
    while (job && (job->generation != c->generation || !same_options(&job->options, options)))
        job = job->next;
    return job;
}

/* Takes the content of `b`. */
static struct bytes *keep(struct body_cache *c, const struct prometheus_options *options, bool gzip,
                          struct buf *b)
{
    struct bytes *bytes = bytes_from_buf(b);
    let_pass(c);
    if (c->count < CACHE_VARIANTS_MAX && !find(c, options, gzip))
        c->variants[c->count++] =
            (struct variant){.options = *options, .gzip = gzip, .bytes = bytes};
    else
        c->passing = bytes;
    return bytes;
}

/* The bodies of the snapshot before go first: two large ones at a time would double what weir needs
 * at its peak. */
static void turn_to(struct body_cache *c, const struct snapshot *s)
{
    if (c->number == s->number && c->monotonic_ns == s->monotonic_ns)
        return;
    body_cache_clear(c);
    c->number = s->number;
    c->monotonic_ns = s->monotonic_ns;
}

/* The body as it is, in a buffer of the caller's own. */
static int encode(struct body_cache *c, const struct snapshot *s,
                  const struct prometheus_options *options, struct buf *ret)
{
    bool whole = options->groups == GROUPS_ALL;
    size_t last = c->expected[options->format];
    buf_init(ret, BODY_MAX);
    if (whole && last > 0 && last < BODY_MAX - last / 16)
        (void)buf_reserve(ret, last + last / 16); /* as last time, without growing step by step */
    int r = prometheus_encode(s, options, ret);
    if (r < 0)
        buf_done(ret);
    else if (whole)
        c->expected[options->format] = ret->length;
    return r;
}

/* As encode for the cache's snapshot, from what is there of it. */
static int make_plain(struct body_cache *c, const struct snapshot *s,
                      const struct prometheus_options *options, struct buf *ret)
{
    const struct bytes *kept = find(c, options, false);
    const struct job *job = find_job(c, options);
    if (!kept && (!job || job->snapshot))
        return encode(c, s, options, ret);
    buf_init(ret, BODY_MAX);
    int r = kept ? buf_add(ret, kept->data, kept->length)
                 : buf_add(ret, job->plain.data, job->plain.length);
    if (r < 0)
        buf_done(ret);
    return r < 0 ? -EMSGSIZE : 0;
}

/* The thread's part. */
static void compress(void *context)
{
    struct job *job = context;
    job->result = gzip_compress(job->plain.data, job->plain.length, &job->packed);
}

/* Takes the first job off and tells who waits for it. */
static void finish(struct body_cache *c)
{
    struct job *job = c->jobs;
    struct body body = {.gzip = true};
    c->jobs = job->next;
    c->running = NULL;
    if (job->result == 0 && job->generation == c->generation)
        body.bytes = bytes_ref(keep(c, &job->options, true, &job->packed));
    else if (job->result == 0)
        body.bytes = bytes_from_buf(&job->packed);
    struct body_wait *next = NULL;
    for (struct body_wait *wait = job->waiting; wait; wait = next) {
        next = wait->next;
        wait->done(wait, body.bytes ? &body : NULL);
    }
    bytes_unref(body.bytes);
    free_job(job);
}

static void on_compressed(void *context);

/* Hands the first job over. False when no thread is to be had. */
static bool start_thread(struct body_cache *c)
{
    if (!c->worker)
        c->worker = worker_new(c->loop);
    if (worker_start(c->worker, compress, on_compressed, c->jobs) < 0)
        return false;
    c->running = c->jobs;
    return true;
}

/* Goes on to the first job that is worth the thread. */
static void work_off(struct body_cache *c)
{
    while (c->jobs && !c->running) {
        struct job *job = c->jobs;
        job->result = job->generation == c->generation
                          ? make_plain(c, job->snapshot, &job->options, &job->plain)
                          : encode(c, job->snapshot, &job->options, &job->plain);
        snapshot_unref(job->snapshot);
        job->snapshot = NULL;
        if (job->result == 0 && job->plain.length > AT_ONCE_MAX_BYTES && start_thread(c))
            return;
        if (job->result == 0)
            compress(job);
        finish(c);
    }
}

static void on_compressed(void *context)
{
    struct job *job = context;
    struct body_cache *c = job->cache;
    finish(c);
    work_off(c);
}

/* Adds a job without anything to compress yet. */
static struct job *add_job(struct body_cache *c, const struct prometheus_options *options)
{
    struct job *job = alloc_zeroed(1, sizeof *job);
    struct job **end = &c->jobs;
    while (*end)
        end = &(*end)->next;
    *end = job;
    job->cache = c;
    job->options = *options;
    job->generation = c->generation;
    buf_init(&job->plain, BODY_MAX);
    buf_init(&job->packed, PACKED_MAX);
    return job;
}

static int wait_for(struct job *job, struct body_wait *wait)
{
    wait->next = job->waiting;
    job->waiting = wait;
    return -EINPROGRESS;
}

/* Does a body of `length` bytes go out as it is? */
static bool is_as_is(const struct body_wanted *wanted, size_t length, bool may_wait)
{
    if (!wanted->gzip || wanted->gzip_only)
        return !wanted->gzip;
    return length <= PLAIN_MAX_BYTES || (!may_wait && length > AT_ONCE_MAX_BYTES);
}

/* Takes the content of `plain`. */
static int compress_here(struct body_cache *c, const struct prometheus_options *options,
                         struct buf *plain, struct body *ret)
{
    struct buf packed;
    buf_init(&packed, PACKED_MAX);
    int r = gzip_compress(plain->data, plain->length, &packed);
    buf_done(plain);
    if (r < 0) {
        buf_done(&packed);
        return -EMSGSIZE;
    }
    *ret = (struct body){.bytes = keep(c, options, true, &packed), .gzip = true};
    return 0;
}

/* As compress_here, on the thread, which has nothing to do. */
static int compress_there(struct body_cache *c, const struct prometheus_options *options,
                          struct buf *plain, struct body_wait *wait, struct body *ret)
{
    struct job *job = add_job(c, options);
    assert(c->jobs == job);
    job->plain = *plain;
    if (start_thread(c))
        return wait_for(job, wait);
    c->jobs = NULL;
    *plain = job->plain;
    job->plain = (struct buf){0};
    free_job(job);
    return compress_here(c, options, plain, ret);
}

static int make(struct body_cache *c, const struct snapshot *s, const struct body_wanted *wanted,
                struct body_wait *wait, struct body *ret)
{
    struct buf plain;
    int r = make_plain(c, s, &wanted->options, &plain);
    if (r < 0)
        return r;
    if (is_as_is(wanted, plain.length, wait)) {
        *ret = (struct body){.bytes = keep(c, &wanted->options, false, &plain)};
        return 0;
    }
    if (wait && plain.length > AT_ONCE_MAX_BYTES)
        return compress_there(c, &wanted->options, &plain, wait, ret);
    return compress_here(c, &wanted->options, &plain, ret);
}

int body_cache_get(struct body_cache *c, struct snapshot *s, const struct body_wanted *wanted,
                   struct body_wait *wait, struct body *ret)
{
    turn_to(c, s);
    const struct prometheus_options *options = &wanted->options;
    struct bytes *plain = find(c, options, false);
    struct bytes *packed = wanted->gzip ? find(c, options, true) : NULL;
    if (packed || (plain && is_as_is(wanted, plain->length, wait))) {
        *ret = (struct body){.bytes = packed ? packed : plain, .gzip = packed};
        return 0;
    }
    /* While the thread is busy nothing is encoded for it: one large body at a time is enough. */
    bool short_one = plain && plain->length <= AT_ONCE_MAX_BYTES;
    if (!wanted->gzip || !wait || !c->jobs || short_one)
        return make(c, s, wanted, wait, ret);
    struct job *job = find_job(c, options);
    if (!job) {
        job = add_job(c, options);
        job->snapshot = snapshot_ref(s);
    }
    return wait_for(job, wait);
}
