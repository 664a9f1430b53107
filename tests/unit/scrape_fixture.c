/* What it knows: scraping weir's surface over real sockets while the loop runs by hand. */
#include "tests/unit/scrape_fixture.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "tests/unit/snapshot_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void source_demand(void *context, struct demand *d)
{
    struct fake_source *s = context;
    assert_true(s->demand_count < DEMANDS_MAX);
    s->demands[s->demand_count++] = d;
}

static void source_withdraw(void *context, struct demand *d)
{
    struct fake_source *s = context;
    for (size_t i = 0; i < s->demand_count; i++) {
        if (s->demands[i] == d) {
            s->demands[i] = s->demands[--s->demand_count];
            s->withdrawn++;
            return;
        }
    }
    fail_msg("a demand was withdrawn that was not made");
}

static struct snapshot *source_current(void *context)
{
    struct fake_source *s = context;
    return s->current;
}

struct snapshot_source fake_source(struct fake_source *source)
{
    return (struct snapshot_source){source, source_demand, source_withdraw, source_current};
}

void publish(struct fake_source *source, struct snapshot *s)
{
    size_t count = source->demand_count;
    source->demand_count = 0;
    for (size_t i = 0; i < count; i++)
        source->demands[i]->done(source->demands[i], s);
}

struct snapshot *numbered(uint64_t number, uint64_t threads)
{
    struct snapshot *s = fixture_snapshot(1);
    s->number = number;
    fixture_name(s, 0, "/docker/01", "web", NULL);
    row_set(&s->rows[0], CONTAINER_PIDS, threads);
    return s;
}

void publish_numbered(struct fixture *f, uint64_t number, uint64_t threads)
{
    struct snapshot *s = numbered(number, threads);
    publish(&f->source, s);
    snapshot_unref(s);
}

struct scrape_options fixture_options(struct fixture *f, const char *path)
{
    return (struct scrape_options){
        .route_prefix = "",
        .telemetry_path = path,
        .version = "1.2.3",
        .max_timeout_ms = TIMEOUT_MS,
        .source = fake_source(&f->source),
    };
}

void start_with(struct fixture *f, const struct scrape_options *options)
{
    struct err e = {0};
    *f = (struct fixture){0};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->scrape = scrape_new(&f->loop, options);
    f->server = http_server_new(&f->loop, NULL, scrape_handle, f->scrape);
    if (http_server_listen(f->server, "127.0.0.1:0", &e) < 0)
        fail_msg("%s", e.text);
}

void start(struct fixture *f, const char *telemetry_path)
{
    const struct scrape_options options = fixture_options(f, telemetry_path);
    start_with(f, &options);
}

void stop(struct fixture *f)
{
    http_server_close(f->server, NULL, NULL);
    scrape_free(f->scrape);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    snapshot_unref(f->source.current);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static int open_client(const struct fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(http_server_port(f->server, 0)),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int ask(const struct fixture *f, const char *method, const char *path, const char *headers)
{
    char request[1024];
    int fd = open_client(f);
    int length = snprintf(request, sizeof request,
                          "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n",
                          method, path, headers);
    assert_in_range(length, 1, sizeof request - 1);
    assert_int_equal(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
    return fd;
}

uint64_t now_ms(void)
{
    return clock_monotonic_ns(&clock_system) / NS_PER_MS;
}

void turn(struct fixture *f)
{
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    (void)poll(NULL, 0, 1);
}

void await_demands(struct fixture *f, size_t count)
{
    for (uint64_t end = now_ms() + WAIT_MS; f->source.demand_count < count;) {
        assert_true(now_ms() < end);
        turn(f);
    }
    assert_int_equal(f->source.demand_count, count);
}

void await_answer(struct fixture *f, int fd, struct buf *ret)
{
    char chunk[4096];
    ssize_t got = -1;
    buf_init(ret, ANSWER_MAX);
    for (uint64_t end = now_ms() + WAIT_MS; got != 0;) {
        assert_true(now_ms() < end);
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        (void)poll(&wait, 1, 1);
        got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        assert_true(got >= 0 || errno == EAGAIN);
        if (got > 0)
            assert_int_equal(buf_add(ret, chunk, (size_t)got), 0);
    }
    (void)close(fd);
    assert_non_null(ret->data);
}

int status_of(const struct buf *answer)
{
    assert_true(text_starts_with(answer->data, "HTTP/1.1 "));
    uint64_t status = 0;
    assert_int_equal(text_parse_u64(answer->data + 9, 3, &status), 0);
    return (int)status;
}

const char *body_of(const struct buf *answer)
{
    const char *end = strstr(answer->data, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

size_t body_length(const struct buf *answer)
{
    return answer->length - (size_t)(body_of(answer) - answer->data);
}

bool has_header(const struct buf *answer, const char *line)
{
    char whole[256];
    int length = snprintf(whole, sizeof whole, "\r\n%s\r\n", line);
    assert_in_range(length, 4, sizeof whole - 1);
    const char *at = strstr(answer->data, whole);
    return at && at < body_of(answer) - 2;
}

void check_ask(struct fixture *f, const char *method, const char *path, const char *headers,
               int status, const char *text)
{
    struct buf answer;
    await_answer(f, ask(f, method, path, headers), &answer);
    if (status_of(&answer) != status || !strstr(answer.data, text))
        fail_msg("%s %s: not %d with \"%s\":\n%s", method, path, status, text, answer.data);
    buf_done(&answer);
}

void check_get(struct fixture *f, const char *path, int status, const char *text)
{
    check_ask(f, "GET", path, "", status, text);
}
