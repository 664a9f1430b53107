/* The bodies of a snapshot: each made once, the large ones on a thread, whoever waits told. The
 * loop stands still unless a test runs it, so a job stays under way as long as a test wants. */
#include "base/buf.h"
#include "base/bytes.h"
#include "exporters/body_cache.h"
#include "net/worker.h"
#include "tests/unit/snapshot_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <uv.h>

#include <cmocka.h>

#include "tests/unit/gunzip.h"

#define SMALL 10         /* bytes of an image's name, for a body that is not worth compressing */
#define SHORT 20000      /* for one that is compressed at once */
#define LARGE 300000     /* for one that the thread compresses */
#define BODY  (1U << 20) /* bytes: none of these is longer */
#define HUGE  (UINT64_C(140) << 20) /* twice does not fit */
#define PIDS  (1U << GROUP_PIDS)    /* the set of the one value that the snapshots have */

struct fixture {
    uv_loop_t loop;
    struct body_cache *cache;
    char *image;
    struct snapshot *snapshot;
};

/* Counts; instead of the thread, failure when a test says so. */
static unsigned starts;
static bool no_thread;

int __real_worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                        void *context);
int __wrap_worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                        void *context);

int __wrap_worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                        void *context)
{
    starts++;
    return no_thread ? -EAGAIN : __real_worker_start(w, work, done, context);
}

static void set_threads(struct fixture *f, uint64_t threads)
{
    row_set(&f->snapshot->rows[0], CONTAINER_PIDS, threads);
}

/* Turns to another snapshot, whose one container has an image of `length` bytes and `threads`. */
static void renew(struct fixture *f, uint64_t number, size_t length, uint64_t threads)
{
    snapshot_unref(f->snapshot);
    f->snapshot = fixture_snapshot(1);
    f->snapshot->number = number;
    f->image = realloc(f->image, length + 1);
    assert_non_null(f->image);
    for (size_t i = 0; i < length; i++)
        f->image[i] = (char)('a' + (i * i / 7 + i) % 26);
    f->image[length] = '\0';
    fixture_name(f->snapshot, 0, "/docker/01", "web", NULL);
    fixture_identity(f->snapshot, 0)->image =
        length < BODY ? arena_string(&f->snapshot->arena, f->image) : f->image;
    set_threads(f, threads);
}

static void start(struct fixture *f, size_t length)
{
    *f = (struct fixture){0};
    starts = 0;
    no_thread = false;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->cache = body_cache_new(&f->loop);
    renew(f, 1, length, 1111);
}

static void stop(struct fixture *f)
{
    body_cache_free(f->cache);
    snapshot_unref(f->snapshot);
    free(f->image);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void run(struct fixture *f)
{
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
}

static const struct body_wanted plain = {.options = {PROMETHEUS_TEXT, GROUPS_ALL}};
static const struct body_wanted packed = {.options = {PROMETHEUS_TEXT, GROUPS_ALL}, .gzip = true};
static const struct body_wanted packed_only = {
    .options = {PROMETHEUS_TEXT, GROUPS_ALL}, .gzip = true, .gzip_only = true};

/* Somebody who waits, and what he got. */
struct wait {
    struct body_wait wait; /* first */
    unsigned told;
    bool failed;
    struct bytes *bytes; /* a reference */
};

static void on_done(struct body_wait *self, const struct body *body)
{
    struct wait *w = (struct wait *)self;
    w->told++;
    w->failed = !body;
    if (!body)
        return;
    assert_true(body->gzip);
    w->bytes = bytes_ref(body->bytes);
}

static int get(struct fixture *f, const struct body_wanted *wanted, struct wait *w,
               struct body *ret)
{
    if (w)
        *w = (struct wait){.wait.done = on_done};
    return body_cache_get(f->cache, f->snapshot, wanted, w ? &w->wait : NULL, ret);
}

/* Is it the exposition of the fixture's snapshot? */
static bool is_body(const struct fixture *f, const struct prometheus_options *options,
                    const struct bytes *bytes, bool gzip)
{
    struct buf expected;
    struct buf got;
    buf_init(&expected, BODY);
    buf_init(&got, BODY);
    assert_int_equal(prometheus_encode(f->snapshot, options, &expected), 0);
    if (gzip)
        gunzip(bytes->data, bytes->length, BODY, &got);
    else
        assert_int_equal(buf_add(&got, bytes->data, bytes->length), 0);
    bool same =
        got.length == expected.length && memcmp(got.data, expected.data, expected.length) == 0;
    buf_done(&expected);
    buf_done(&got);
    return same;
}

/* Gets a body that is there at once. */
static struct bytes *get_now(struct fixture *f, const struct body_wanted *wanted, bool gzip)
{
    struct wait w;
    struct body body = {0};
    assert_int_equal(get(f, wanted, &w, &body), 0);
    assert_int_equal(body.gzip, gzip);
    return body.bytes;
}

/* What changes in a snapshot afterwards, which nobody may do, shows that a body is made once. */
static void test_once(void **state)
{
    (void)state;
    const struct body_wanted *const wanted[] = {&plain, &packed};
    struct fixture f;
    for (unsigned i = 0; i < 2; i++) {
        bool gzip = wanted[i]->gzip;
        start(&f, SHORT);
        struct bytes *first = get_now(&f, wanted[i], gzip);
        assert_true(is_body(&f, &plain.options, first, gzip));
        set_threads(&f, 2222);
        assert_ptr_equal(get_now(&f, wanted[i], gzip), first);
        renew(&f, 2, SHORT, 3333);
        assert_true(is_body(&f, &plain.options, get_now(&f, wanted[i], gzip), gzip));
        f.snapshot->monotonic_ns++; /* as good as another one: of another source */
        set_threads(&f, 4444);
        assert_true(is_body(&f, &plain.options, get_now(&f, wanted[i], gzip), gzip));
        assert_int_equal(starts, 0);
        stop(&f);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    struct fixture f;
    struct bytes *seen[PROMETHEUS_FORMATS * 4];
    size_t count = 0;
    start(&f, SHORT);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
            const struct body_wanted wanted = {
                .options = {(enum prometheus_format)(i / 4), i & 1 ? GROUPS_ALL : PIDS},
                .gzip = i & 2,
            };
            struct bytes *bytes = get_now(&f, &wanted, wanted.gzip);
            assert_true(is_body(&f, &wanted.options, bytes, wanted.gzip));
            if (round == 0)
                seen[count++] = bytes;
            else
                assert_ptr_equal(bytes, seen[i]);
        }
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(seen[i], seen[j]);
    stop(&f);
}

/* Where there is no room for more they are served all the same, and made anew each time. */
static void test_many_kinds(void **state)
{
    (void)state;
    struct fixture f;
    struct body_wanted wanted[32];
    start(&f, SHORT);
    for (unsigned i = 0; i < 32; i++) {
        wanted[i] =
            (struct body_wanted){.options = {PROMETHEUS_TEXT, PIDS | (i / 2) << 5}, .gzip = i & 1};
        struct bytes *bytes = get_now(&f, &wanted[i], wanted[i].gzip);
        assert_true(is_body(&f, &wanted[i].options, bytes, wanted[i].gzip));
    }
    set_threads(&f, 2222);
    for (unsigned i = 0; i < 32; i++) {
        struct bytes *bytes = get_now(&f, &wanted[i], wanted[i].gzip);
        assert_int_equal(is_body(&f, &wanted[i].options, bytes, wanted[i].gzip), i >= 16);
    }
    stop(&f);
}

static void test_tiny(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, SMALL);
    struct bytes *bytes = get_now(&f, &packed, false);
    assert_true(bytes->length <= 1024);
    assert_true(is_body(&f, &plain.options, bytes, false));
    assert_ptr_equal(get_now(&f, &plain, false), bytes);
    assert_true(is_body(&f, &plain.options, get_now(&f, &packed_only, true), true));
    assert_int_equal(starts, 0);
    stop(&f);
}

/* The thread compresses it once for all who ask meanwhile. */
static void test_large(void **state)
{
    (void)state;
    struct fixture f;
    struct wait w[3];
    struct body body;
    start(&f, LARGE);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(get(&f, i == 1 ? &packed_only : &packed, &w[i], &body), -EINPROGRESS);
    set_threads(&f, 2222);
    struct bytes *as_it_is = get_now(&f, &plain, false); /* from what the thread works on */
    assert_ptr_equal(get_now(&f, &plain, false), as_it_is);
    assert_int_equal(w[0].told, 0);
    run(&f);
    assert_int_equal(starts, 1);
    set_threads(&f, 1111);
    assert_true(is_body(&f, &plain.options, as_it_is, false));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(w[i].told, 1);
        assert_ptr_equal(w[i].bytes, w[0].bytes);
        bytes_unref(w[i].bytes);
    }
    struct bytes *bytes = get_now(&f, &packed, true);
    assert_ptr_equal(bytes, w[0].bytes);
    assert_true(is_body(&f, &plain.options, bytes, true));
    assert_int_equal(bytes->references, 1);
    stop(&f);
}

/* The other way round: what was encoded for those who do not want it compressed. */
static void test_large_after_plain(void **state)
{
    (void)state;
    struct fixture f;
    struct wait w;
    struct body body;
    start(&f, LARGE);
    struct bytes *as_it_is = get_now(&f, &plain, false);
    set_threads(&f, 2222);
    assert_int_equal(get(&f, &packed, &w, &body), -EINPROGRESS);
    run(&f);
    set_threads(&f, 1111);
    assert_true(is_body(&f, &plain.options, w.bytes, true));
    bytes_unref(w.bytes);
    assert_ptr_equal(get_now(&f, &plain, false), as_it_is);
    stop(&f);
}

/* Who may not wait gets it as it is, or compressed at once where nothing else will do. */
static void test_no_wait(void **state)
{
    (void)state;
    struct fixture f;
    struct body body;
    start(&f, LARGE);
    assert_int_equal(get(&f, &packed, NULL, &body), 0);
    assert_false(body.gzip);
    assert_true(is_body(&f, &plain.options, body.bytes, false));
    assert_int_equal(get(&f, &packed_only, NULL, &body), 0);
    assert_true(body.gzip);
    assert_true(is_body(&f, &plain.options, body.bytes, true));
    struct bytes *bytes = body.bytes;
    assert_int_equal(get(&f, &packed, NULL, &body), 0);
    assert_ptr_equal(body.bytes, bytes);
    assert_int_equal(starts, 0);
    renew(&f, 2, SHORT, 1);
    assert_int_equal(get(&f, &packed, NULL, &body), 0);
    assert_true(body.gzip);
    stop(&f);
}

/* One job at a time; a short body that came while one was under way needs no thread. */
static void test_line(void **state)
{
    (void)state;
    struct fixture f;
    struct wait w[4];
    struct body body;
    start(&f, LARGE);
    for (unsigned i = 0; i < 3; i++) {
        const struct body_wanted wanted = {.options = {PROMETHEUS_TEXT, PIDS | i << 5},
                                           .gzip = true};
        assert_int_equal(get(&f, &wanted, &w[i], &body), -EINPROGRESS);
    }
    assert_int_equal(starts, 1);
    renew(&f, 2, SHORT, 5);
    assert_int_equal(get(&f, &packed, &w[3], &body), -EINPROGRESS);
    run(&f);
    assert_int_equal(starts, 3);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(w[i].told, 1);
    assert_ptr_equal(get_now(&f, &packed, true), w[3].bytes);
    assert_true(is_body(&f, &plain.options, w[3].bytes, true));
    renew(&f, 1, LARGE, 1111);
    for (unsigned i = 0; i < 3; i++) {
        const struct prometheus_options options = {PROMETHEUS_TEXT, PIDS | i << 5};
        assert_true(is_body(&f, &options, w[i].bytes, true));
    }
    for (unsigned i = 0; i < 4; i++)
        bytes_unref(w[i].bytes);
    stop(&f);
}

/* Who waited for a snapshot gets that one, and nobody else does. `clear`: as for another source,
 * whose snapshot may look the same. */
static void check_overtaken(bool clear)
{
    struct fixture f;
    struct wait old;
    struct wait new;
    struct body body;
    start(&f, LARGE);
    assert_int_equal(get(&f, &packed, &old, &body), -EINPROGRESS);
    if (clear)
        body_cache_clear(f.cache);
    renew(&f, clear ? 1 : 2, LARGE, 2222);
    assert_int_equal(get(&f, &packed, &new, &body), -EINPROGRESS);
    run(&f);
    assert_int_equal(starts, 2);
    assert_int_equal(old.told + new.told, 2);
    assert_true(is_body(&f, &plain.options, new.bytes, true));
    assert_false(is_body(&f, &plain.options, old.bytes, true));
    assert_ptr_equal(get_now(&f, &packed, true), new.bytes);
    set_threads(&f, 1111);
    assert_true(is_body(&f, &plain.options, old.bytes, true));
    bytes_unref(old.bytes);
    bytes_unref(new.bytes);
    stop(&f);
}

static void test_overtaken(void **state)
{
    (void)state;
    check_overtaken(false);
    check_overtaken(true);
}

static void test_no_thread(void **state)
{
    (void)state;
    struct fixture f;
    struct wait w[2];
    struct body body;
    start(&f, LARGE);
    no_thread = true;
    assert_true(is_body(&f, &plain.options, get_now(&f, &packed, true), true));
    assert_int_equal(starts, 1);
    no_thread = false; /* for one; the next finds none */
    renew(&f, 2, LARGE, 3);
    const struct body_wanted other = {.options = {PROMETHEUS_TEXT, PIDS}, .gzip = true};
    assert_int_equal(get(&f, &packed, &w[0], &body), -EINPROGRESS);
    assert_int_equal(get(&f, &other, &w[1], &body), -EINPROGRESS);
    no_thread = true;
    run(&f);
    assert_int_equal(starts, 3);
    assert_true(is_body(&f, &plain.options, w[0].bytes, true));
    assert_true(is_body(&f, &other.options, w[1].bytes, true));
    bytes_unref(w[0].bytes);
    bytes_unref(w[1].bytes);
    stop(&f);
}

static void test_too_large(void **state)
{
    (void)state;
    struct fixture f;
    struct wait w[2];
    struct body body;
    start(&f, LARGE);
    assert_int_equal(get(&f, &packed, &w[0], &body), -EINPROGRESS);
    renew(&f, 2, HUGE, 1);
    row_set(&f.snapshot->rows[0], CONTAINER_PIDS_LIMIT, 1);
    assert_int_equal(get(&f, &plain, NULL, &body), -EMSGSIZE);
    assert_int_equal(get(&f, &packed, NULL, &body), -EMSGSIZE);
    assert_int_equal(get(&f, &packed, &w[1], &body), -EINPROGRESS); /* not known yet */
    run(&f);
    assert_int_equal(w[0].told, 1);
    assert_false(w[0].failed);
    assert_int_equal(w[1].told, 1);
    assert_true(w[1].failed);
    bytes_unref(w[0].bytes);
    assert_int_equal(get(&f, &packed, &w[1], &body), -EMSGSIZE);
    stop(&f);
}

/* Freed with a job under way and others in the line; what sanitizers and leak detection see is half
 * of this test. */
static void test_freed_while_busy(void **state)
{
    (void)state;
    struct fixture f;
    struct wait w[3];
    struct body body;
    start(&f, LARGE);
    for (unsigned i = 0; i < 3; i++) {
        const struct body_wanted wanted = {.options = {PROMETHEUS_TEXT, PIDS | i << 5},
                                           .gzip = true};
        assert_int_equal(get(&f, &wanted, &w[i], &body), -EINPROGRESS);
    }
    stop(&f);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(w[i].told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),       cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_many_kinds), cmocka_unit_test(test_tiny),
        cmocka_unit_test(test_large),      cmocka_unit_test(test_large_after_plain),
        cmocka_unit_test(test_no_wait),    cmocka_unit_test(test_line),
        cmocka_unit_test(test_overtaken),  cmocka_unit_test(test_no_thread),
        cmocka_unit_test(test_too_large),  cmocka_unit_test(test_freed_while_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
