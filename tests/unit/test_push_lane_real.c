/* Tests exporters/push_lane with everything real: a queue on disk, the thread, libcurl, and a
 * receiver on a loopback socket that reads each request and answers as it is told. */
#include "exporters/push_lane.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "exporters/push_coding.h"
#include "tests/unit/snapshot_fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#define WAIT_MS      20000 /* longest wait for something that happens at once */
#define INTERVAL_MS  50
#define LIMIT_MS     1000
#define REQUESTS_MAX 256
#define HEAD_MAX     4096
#define BODY_MAX     (1 << 20)

/* --- the receiver --- */

struct receiver {
    pthread_t thread;
    int listener;
    pthread_mutex_t lock;            /* of what follows */
    int status;                      /* of the next answers; 0: none, the request is left hanging */
    uint64_t times_ms[REQUESTS_MAX]; /* of the rounds it took, in the order they came */
    size_t taken;
    size_t asked; /* requests */
};

/* The timestamp of the first sample in a WriteRequest: a double (tag 09), then an int64 (tag 10).
 */
static uint64_t time_of(const char *body, size_t length)
{
    const unsigned char *at = (const unsigned char *)body;
    for (size_t i = 0; i + 16 <= length; i++) {
        if (at[i] != 0x09 || at[i + 9] != 0x10)
            continue;
        uint64_t value = 0;
        for (size_t n = 0; n < 6; n++) /* six times seven bits hold the time until 2109 */
            value |= (uint64_t)(at[i + 10 + n] & 0x7f) << (7 * n);
        return value;
    }
    return 0;
}

static uint64_t read_time(const char *body, size_t length)
{
    struct buf plain;
    buf_init(&plain, BODY_MAX);
    uint64_t time_ms = 0;
    if (push_decompress(PUSH_SNAPPY, body, length, &plain) == 0 && plain.data)
        time_ms = time_of(plain.data, plain.length);
    buf_done(&plain);
    return time_ms;
}

/* One request from a connection; false at its end. */
static bool read_request(int fd, char *body, size_t *ret_length)
{
    char head[HEAD_MAX + 1];
    size_t have = 0;
    const char *end = NULL;
    while (!end) {
        ssize_t got = recv(fd, head + have, 1, 0);
        if (got <= 0 || ++have == HEAD_MAX)
            return false;
        head[have] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    const char *field = strcasestr(head, "content-length: ");
    uint64_t length = 0;
    const char *digits = field ? field + strlen("content-length: ") : "";
    if (text_parse_u64(digits, strspn(digits, "0123456789"), &length) < 0 || length > BODY_MAX)
        return false;
    *ret_length = length;
    return recv(fd, body, length, MSG_WAITALL) == (ssize_t)length;
}

static void serve(struct receiver *r, int fd, char *body)
{
    size_t length = 0;
    while (read_request(fd, body, &length)) {
        uint64_t time_ms = read_time(body, length);
        (void)pthread_mutex_lock(&r->lock);
        int status = r->status;
        r->asked++;
        if (status == 204 && time_ms > 0 && r->taken < REQUESTS_MAX)
            r->times_ms[r->taken++] = time_ms;
        (void)pthread_mutex_unlock(&r->lock);
        char answer[128];
        int size =
            snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", status);
        if (status > 0 && send(fd, answer, (size_t)size, MSG_NOSIGNAL) != size)
            return;
    }
}

static void *receive(void *context)
{
    struct receiver *r = context;
    char *body = malloc(BODY_MAX);
    int fd = -1;
    while (body && (fd = accept(r->listener, NULL, NULL)) >= 0) {
        serve(r, fd, body);
        (void)close(fd);
    }
    free(body);
    return NULL;
}

static unsigned begin_receiver(struct receiver *r)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    *r = (struct receiver){.lock = PTHREAD_MUTEX_INITIALIZER, .status = 204};
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(r->listener, 8), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, receive, r), 0);
    return ntohs(address.sin_port);
}

/* The lane has closed its connections, so it is in accept. */
static void end_receiver(struct receiver *r)
{
    (void)shutdown(r->listener, SHUT_RDWR);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->listener);
}

static void answer_with(struct receiver *r, int status)
{
    (void)pthread_mutex_lock(&r->lock);
    r->status = status;
    (void)pthread_mutex_unlock(&r->lock);
}

static size_t count_of(struct receiver *r, const size_t *count)
{
    (void)pthread_mutex_lock(&r->lock);
    size_t value = *count;
    (void)pthread_mutex_unlock(&r->lock);
    return value;
}

/* --- the lane --- */

struct fixture {
    uv_loop_t loop;
    struct receiver receiver;
    char url[64];
    char directory[64];
    struct push_lane *lane;
    struct demand *demand;
    uint64_t rounds; /* published */
    uint64_t times_ms[REQUESTS_MAX];
    bool stopped;
};

static void source_demand(void *context, struct demand *d)
{
    struct fixture *f = context;
    f->demand = d;
}

static void source_withdraw(void *context, struct demand *d)
{
    struct fixture *f = context;
    assert_ptr_equal(f->demand, d);
    f->demand = NULL;
}

static void on_stopped(void *context)
{
    struct fixture *f = context;
    f->stopped = true;
}

static void start(struct fixture *f)
{
    static const struct label labels[] = {{"instance", "here"}, {"job", "weir"}};
    struct err e = {0};
    f->stopped = false;
    const struct push_lane_options o = {
        .loop = &f->loop,
        .clock = &clock_system,
        .name = "here",
        .format = PUSH_REMOTE_WRITE,
        .coding = PUSH_SNAPPY,
        .interval_ms = INTERVAL_MS,
        .timeout_ms = WAIT_MS,
        .post = {.url = f->url, .proxy = "", .verify = true},
        .user_agent = "weir/test",
        .queue = {.directory = f->directory[0] ? f->directory : NULL,
                  .max_bytes = 64 << 20,
                  .max_age_ms = 3600000,
                  .max_memory_bytes = 1 << 20,
                  .clock = &clock_system},
        .encode = {.external = labels, .external_count = 2},
        .source = {f, source_demand, source_withdraw, NULL},
    };
    if (push_lane_new(&o, &e, &f->lane) < 0)
        fail_msg("%s", e.text);
}

static void turn(struct fixture *f)
{
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    struct timespec pause = {.tv_nsec = NS_PER_MS};
    (void)nanosleep(&pause, NULL);
    if (!f->demand)
        return;
    struct demand *d = f->demand;
    struct snapshot *s = fixture_snapshot(1);
    f->demand = NULL;
    fixture_name(s, 0, "/docker/01", "web", NULL);
    row_set(&s->rows[0], CONTAINER_PIDS, 3);
    s->number = ++f->rounds;
    s->realtime_ns = clock_realtime_ns(&clock_system);
    f->times_ms[f->rounds - 1] = s->realtime_ns / NS_PER_MS;
    d->done(d, s);
    snapshot_unref(s);
}

static uint64_t now_ms(void)
{
    return clock_monotonic_ns(&clock_system) / NS_PER_MS;
}

static void await_count(struct fixture *f, const size_t *count, size_t wanted)
{
    for (uint64_t end = now_ms() + WAIT_MS; count_of(&f->receiver, count) < wanted;) {
        assert_true(now_ms() < end);
        turn(f);
    }
}

static void await_rounds(struct fixture *f, uint64_t more)
{
    uint64_t wanted = f->rounds + more;
    for (uint64_t end = now_ms() + WAIT_MS; f->rounds < wanted;) {
        assert_true(now_ms() < end);
        turn(f);
    }
}

static void stop(struct fixture *f, uint64_t limit_ms)
{
    push_lane_stop(f->lane, true, limit_ms, on_stopped, f);
    for (uint64_t end = now_ms() + WAIT_MS; !f->stopped;) {
        assert_true(now_ms() < end);
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    }
}

static void setup(struct fixture *f, bool directory)
{
    *f = (struct fixture){0};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    unsigned port = begin_receiver(&f->receiver);
    (void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u/api/v1/write", port);
    (void)snprintf(f->directory, sizeof f->directory, "%s", directory ? "/tmp/pushXXXXXX" : "");
    if (directory)
        assert_non_null(mkdtemp(f->directory));
}

static void remove_directory(const char *path)
{
    DIR *d = opendir(path);
    assert_non_null(d);
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d))
        (void)unlinkat(dirfd(d), entry->d_name, 0);
    (void)closedir(d);
    assert_int_equal(rmdir(path), 0);
}

static void teardown(struct fixture *f)
{
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    end_receiver(&f->receiver);
    if (f->directory[0])
        remove_directory(f->directory);
}

/* Every round arrived once, in order; `ends` records of the end of all series among them. */
static void check_all_arrived(const struct fixture *f, size_t ends)
{
    const struct receiver *r = &f->receiver;
    size_t round = 0;
    for (size_t i = 0; i < r->taken; i++) {
        assert_true(i == 0 || r->times_ms[i] > r->times_ms[i - 1]);
        if (round < f->rounds && r->times_ms[i] == f->times_ms[round])
            round++;
        else
            assert_true(ends-- > 0);
    }
    assert_int_equal(round, f->rounds);
    assert_int_equal(ends, 0);
}

static void rounds_arrive(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, true);
    start(&f);
    await_rounds(&f, 5);
    stop(&f, WAIT_MS);
    teardown(&f);
    check_all_arrived(&f, 1);
}

/* The receiver is down while weir ends, and up again when the next begins. */
static void an_outage_and_a_restart_lose_nothing(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, true);
    start(&f);
    await_count(&f, &f.receiver.taken, 2);
    answer_with(&f.receiver, 503);
    await_rounds(&f, 10);
    stop(&f, WAIT_MS);
    answer_with(&f.receiver, 204);
    start(&f);
    await_rounds(&f, 3);
    stop(&f, WAIT_MS);
    teardown(&f);
    check_all_arrived(&f, 2);
}

static void memory_alone_survives_a_short_outage(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, false);
    start(&f);
    answer_with(&f.receiver, 500);
    await_count(&f, &f.receiver.asked, 2);
    answer_with(&f.receiver, 204);
    await_rounds(&f, 3);
    stop(&f, WAIT_MS);
    teardown(&f);
    check_all_arrived(&f, 1);
}

static void a_receiver_that_hangs_does_not_hold_up_the_end(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, true);
    answer_with(&f.receiver, 0);
    start(&f);
    await_count(&f, &f.receiver.asked, 1);
    await_rounds(&f, 2);
    uint64_t at_ms = now_ms();
    stop(&f, LIMIT_MS);
    assert_in_range(now_ms() - at_ms, LIMIT_MS, LIMIT_MS + 2000);
    answer_with(&f.receiver, 204);
    start(&f);
    await_count(&f, &f.receiver.taken, 4);
    await_rounds(&f, 1);
    stop(&f, WAIT_MS);
    teardown(&f);
    check_all_arrived(&f, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_arrive),
        cmocka_unit_test(an_outage_and_a_restart_lose_nothing),
        cmocka_unit_test(memory_alone_survives_a_short_outage),
        cmocka_unit_test(a_receiver_that_hangs_does_not_hold_up_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
