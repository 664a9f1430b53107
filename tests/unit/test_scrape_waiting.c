/* Scrapes that wait: how many may, what the others get, other options meanwhile, and the end. The
 * thread that compresses is the test's: a job ends when the test says so. */
#include "base/clock.h"
#include "exporters/prometheus.h"
#include "net/worker.h"
#include "tests/unit/scrape_fixture.h"
#include "tests/unit/snapshot_fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/gunzip.h"

#define LARGE      300000 /* bytes of an image's name, for a body that the thread compresses */
#define MAX_AGE_MS 60000  /* longer than a test takes */
#define GZIP       "Accept-Encoding: gzip\r\n"

/* The job under way. */
static struct {
    void (*work)(void *context);
    void (*done)(void *context);
    void *context;
} held;

int __wrap_worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                        void *context);

int __wrap_worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                        void *context)
{
    (void)w;
    assert_null(held.work);
    held.work = work;
    held.done = done;
    held.context = context;
    return 0;
}

static void finish_job(void)
{
    void (*done)(void *context) = held.done;
    assert_non_null(held.work);
    held.work(held.context);
    held.work = NULL;
    done(held.context);
}

static void start_limited(struct fixture *f, uint64_t max_requests, uint64_t max_age_ms)
{
    struct scrape_options options = fixture_options(f, "/metrics");
    options.max_requests = max_requests;
    options.max_age_ms = max_age_ms;
    options.gzip = GZIP_ALWAYS; /* the peers here are local */
    held.work = NULL;
    start_with(f, &options);
}

/* A snapshot of now whose body is large. */
static struct snapshot *large(uint64_t number, uint64_t threads)
{
    struct snapshot *s = numbered(number, threads);
    char *image = arena_alloc(&s->arena, LARGE + 1);
    memset(image, 'x', LARGE);
    fixture_identity(s, 0)->image = image;
    s->monotonic_ns = clock_monotonic_ns(&clock_system);
    return s;
}

/* Awaits a 200 with `text` in its body, compressed or not. */
static void check_answer(struct fixture *f, int fd, bool gzip, const char *text)
{
    struct buf answer;
    struct buf body;
    await_answer(f, fd, &answer);
    assert_int_equal(status_of(&answer), 200);
    assert_int_equal(has_header(&answer, "Content-Encoding: gzip"), gzip);
    buf_init(&body, ANSWER_MAX);
    if (gzip)
        gunzip(body_of(&answer), body_length(&answer), ANSWER_MAX, &body);
    else
        assert_int_equal(buf_add(&body, body_of(&answer), body_length(&answer)), 0);
    assert_non_null(strstr(body.data, text));
    buf_done(&answer);
    buf_done(&body);
}

static void await_job(struct fixture *f)
{
    for (uint64_t end = now_ms() + WAIT_MS; !held.work;) {
        assert_true(now_ms() < end);
        turn(f);
    }
}

/* Those who find no place get the newest snapshot at once, as long as it is young. */
static void test_no_place(void **state)
{
    (void)state;
    struct fixture f;
    start_limited(&f, 2, MAX_AGE_MS);
    int fds[2] = {ask(&f, "GET", "/metrics", ""), ask(&f, "GET", "/metrics", "")};
    await_demands(&f, 2);
    check_get(&f, "/metrics", 503, "\r\nRetry-After: 1\r\n"); /* there is none yet */
    assert_int_equal(scrape_refused(f.scrape), 1);

    f.source.current = numbered(1, 1111);
    f.source.current->monotonic_ns = clock_monotonic_ns(&clock_system);
    check_get(&f, "/metrics", 200, "} 1111\n");
    f.source.current->monotonic_ns -= 2 * MAX_AGE_MS * NS_PER_MS;
    check_get(&f, "/metrics", 503, "wait");
    check_get(&f, "/metrics?collect[]=nothing", 400, "no group");
    check_get(&f, "/-/ready", 200, "ready"); /* only scrapes wait */
    assert_int_equal(scrape_refused(f.scrape), 2);
    assert_int_equal(f.source.demand_count, 2);

    publish_numbered(&f, 2, 2222);
    for (unsigned i = 0; i < 2; i++)
        check_answer(&f, fds[i], false, "} 2222\n");
    int fd = ask(&f, "GET", "/metrics", ""); /* there is place again */
    await_demands(&f, 1);
    publish_numbered(&f, 3, 3333);
    check_answer(&f, fd, false, "} 3333\n");
    assert_int_equal(scrape_refused(f.scrape), 2);
    stop(&f);
}

/* A round begins because the newest snapshot has just become too old: until the new one is there it
 * serves those who find no place all the same, and it is not used where nothing may be. */
static void test_no_place_while_a_round_runs(void **state)
{
    (void)state;
    static const struct {
        uint64_t max_age_ms, age_ms;
        int status;
    } cases[] = {
        {MAX_AGE_MS, MAX_AGE_MS + MAX_AGE_MS / 5, 200},
        {MAX_AGE_MS, 2 * MAX_AGE_MS, 503},
        {0, 0, 503},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        start_limited(&f, 1, cases[i].max_age_ms);
        f.source.current = numbered(1, 1111);
        f.source.current->monotonic_ns =
            clock_monotonic_ns(&clock_system) - cases[i].age_ms * NS_PER_MS;
        int fd = ask(&f, "GET", "/metrics", "");
        await_demands(&f, 1);
        check_get(&f, "/metrics", cases[i].status, cases[i].status == 200 ? "} 1111\n" : "wait");
        publish_numbered(&f, 2, 2222);
        check_answer(&f, fd, false, "} 2222\n");
        stop(&f);
    }
}

static void test_no_limit(void **state)
{
    (void)state;
    struct fixture f;
    int fds[DEMANDS_MAX];
    start_limited(&f, 0, 0);
    for (size_t i = 0; i < DEMANDS_MAX; i++)
        fds[i] = ask(&f, "GET", "/metrics", "");
    await_demands(&f, DEMANDS_MAX);
    publish_numbered(&f, 1, 1111);
    for (size_t i = 0; i < DEMANDS_MAX; i++)
        check_answer(&f, fds[i], false, "} 1111\n");
    assert_int_equal(scrape_refused(f.scrape), 0);
    stop(&f);
}

/* A large body is compressed once for all who wait for it, and they take their places meanwhile. */
static void test_compression(void **state)
{
    (void)state;
    struct fixture f;
    struct snapshot *s = large(1, 1111);
    start_limited(&f, 3, MAX_AGE_MS);
    int fds[2] = {ask(&f, "GET", "/metrics", GZIP), ask(&f, "GET", "/metrics", GZIP)};
    await_demands(&f, 2);
    publish(&f.source, s);
    assert_non_null(held.work);
    int late = ask(&f, "GET", "/metrics", GZIP);
    await_demands(&f, 1);
    publish(&f.source, s);
    f.source.current = s;
    check_answer(&f, ask(&f, "GET", "/metrics", GZIP), false, "} 1111\n"); /* no place, no wait */
    char byte;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(recv(fds[i], &byte, 1, MSG_DONTWAIT), -1);

    finish_job();
    for (unsigned i = 0; i < 2; i++)
        check_answer(&f, fds[i], true, "} 1111\n");
    check_answer(&f, late, true, "} 1111\n");
    assert_null(held.work);
    int fd = ask(&f, "GET", "/metrics", GZIP); /* it is there by now */
    await_demands(&f, 1);
    publish(&f.source, s);
    check_answer(&f, fd, true, "} 1111\n");
    assert_null(held.work);
    assert_int_equal(scrape_refused(f.scrape), 0);
    stop(&f);
}

/* Those who went away while their body was compressed cost the others nothing. */
static void test_peer_gone_meanwhile(void **state)
{
    (void)state;
    struct fixture f;
    struct snapshot *s = large(1, 1111);
    start_limited(&f, 0, 0);
    int gone = ask(&f, "GET", "/metrics", GZIP);
    int patient = ask(&f, "GET", "/metrics", GZIP);
    await_demands(&f, 2);
    publish(&f.source, s);
    snapshot_unref(s);
    await_job(&f);
    struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(gone, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    (void)close(gone);
    turn(&f); /* a reset is there at once */
    finish_job();
    check_answer(&f, patient, true, "} 1111\n");
    stop(&f);
}

/* Who waits for a round waits for one of the new source, until the moment it was promised. */
static void test_other_options(void **state)
{
    (void)state;
    struct fixture f;
    struct fake_source other = {0};
    start_limited(&f, 0, 0);
    int fds[2] = {ask(&f, "GET", "/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 3\r\n"), -1};
    await_demands(&f, 1);
    fds[1] = ask(&f, "GET", "/metrics", "");
    await_demands(&f, 2);
    const uint64_t deadlines[2] = {f.source.demands[0]->deadline_ns,
                                   f.source.demands[1]->deadline_ns};

    struct scrape_options options = fixture_options(&f, "/numbers");
    char prefix[] = "/weir";
    options.source = fake_source(&other);
    options.route_prefix = prefix;
    options.max_timeout_ms = 1;
    scrape_set(f.scrape, &options);
    prefix[1] = 'X'; /* it was copied */
    assert_int_equal(f.source.withdrawn, 2);
    assert_int_equal(f.source.demand_count, 0);
    assert_int_equal(other.demand_count, 2);
    assert_int_equal(deadlines[0] + deadlines[1],
                     other.demands[0]->deadline_ns + other.demands[1]->deadline_ns);
    check_get(&f, "/metrics", 404, "/weir/numbers");

    struct snapshot *s = numbered(1, 1111);
    publish(&other, s);
    for (unsigned i = 0; i < 2; i++)
        check_answer(&f, fds[i], false, "} 1111\n");
    snapshot_unref(s);
    stop(&f);
}

/* Who waits for a compression has had his round and gets it, whatever the options are by then; the
 * new source's snapshot of the same number is another one. */
static void test_other_options_meanwhile(void **state)
{
    (void)state;
    struct fixture f;
    struct snapshot *s = large(1, 1111);
    struct snapshot *same = large(1, 2222);
    same->monotonic_ns = s->monotonic_ns;
    start_limited(&f, 0, 0);
    int old = ask(&f, "GET", "/metrics", GZIP);
    await_demands(&f, 1);
    publish(&f.source, s);
    await_job(&f);
    struct scrape_options options = fixture_options(&f, "/metrics");
    options.gzip = GZIP_ALWAYS;
    scrape_set(f.scrape, &options);
    assert_int_equal(f.source.withdrawn, 0);
    int new = ask(&f, "GET", "/metrics", GZIP);
    await_demands(&f, 1);
    publish(&f.source, same);
    finish_job();
    check_answer(&f, old, true, "} 1111\n");
    finish_job();
    check_answer(&f, new, true, "} 2222\n");
    snapshot_unref(s);
    snapshot_unref(same);
    stop(&f);
}

/* The end comes while one compresses, one waits for the thread and one for a round. */
static void test_freed_while_compressing(void **state)
{
    (void)state;
    struct fixture f;
    struct snapshot *s = large(1, 1111);
    start_limited(&f, 0, 0);
    int fds[3] = {ask(&f, "GET", "/metrics", GZIP), ask(&f, "GET", "/metrics?collect[]=pids", GZIP),
                  -1};
    await_demands(&f, 2);
    publish(&f.source, s);
    snapshot_unref(s);
    await_job(&f);
    fds[2] = ask(&f, "GET", "/metrics", GZIP);
    await_demands(&f, 1);
    stop(&f);
    assert_int_equal(f.source.withdrawn, 1);
    for (unsigned i = 0; i < 3; i++)
        (void)close(fds[i]);
}

/* Scrapes that wait are told why they do not get anything, while the server still serves. */
static void test_freed_with_a_word(void **state)
{
    (void)state;
    struct fixture f;
    struct snapshot *s = large(1, 1111);
    start_limited(&f, 0, 0);
    int fds[2] = {ask(&f, "GET", "/metrics", GZIP), -1};
    await_demands(&f, 1);
    publish(&f.source, s);
    snapshot_unref(s);
    fds[1] = ask(&f, "GET", "/metrics", "");
    await_demands(&f, 1);
    scrape_free(f.scrape);
    assert_int_equal(f.source.withdrawn, 1);
    for (unsigned i = 0; i < 2; i++) {
        struct buf answer;
        await_answer(&f, fds[i], &answer);
        assert_int_equal(status_of(&answer), 503);
        assert_string_equal(body_of(&answer), "weir is stopping.\n");
        buf_done(&answer);
    }
    const struct scrape_options options = fixture_options(&f, "/metrics");
    f.scrape = scrape_new(&f.loop, &options);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_place),
        cmocka_unit_test(test_no_place_while_a_round_runs),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_peer_gone_meanwhile),
        cmocka_unit_test(test_other_options),
        cmocka_unit_test(test_other_options_meanwhile),
        cmocka_unit_test(test_freed_while_compressing),
        cmocka_unit_test(test_freed_with_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
