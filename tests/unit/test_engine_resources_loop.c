/* What an engine has beside containers, with a real loop, real sockets and a real thread: nothing
 * is left when the tier closes while all of it is under way, and an answer without end is cut off.
 * Document: engine_resources.h. */
#include "http_client_fixture.h"

#include "base/clock.h"
#include "base/err.h"
#include "collectors/engine.h"
#include "collectors/engine_round.h"
#include "collectors/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLOW_MS   600000 /* far past the test's own limit */
#define CHUNK     65536  /* bytes */
#define ANSWER_MB 17     /* one more than is taken */

struct stage {
    uv_loop_t loop;
    struct peer *peer;
    struct collector *collector;
    struct inventory *inventory;
    struct part part;
    struct round round;
    bool done;
    char host[128];
};

static atomic_uint asked; /* calls that get no answer, or one without end */

static bool send_json(int fd, const char *body)
{
    char text[2048];
    (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    return peer_send(fd, text);
}

static void flood(int fd)
{
    static char blanks[CHUNK];
    char size[32];
    memset(blanks, ' ', sizeof blanks);
    (void)snprintf(size, sizeof size, "%x\r\n", CHUNK);
    if (!peer_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
        return;
    for (size_t i = 0; i < (size_t)ANSWER_MB * 1024 * 1024 / CHUNK; i++)
        if (!peer_send(fd, size) || !peer_send_bytes(fd, blanks, CHUNK) || !peer_send(fd, "\r\n"))
            return;
}

/* An engine without containers that never says what else it has. */
static void serve(struct peer *p, int fd, unsigned number)
{
    (void)number;
    bool floods = peer_context(p) != NULL;
    char head[1024];
    while (peer_read_request(fd, head)) {
        if (strstr(head, "GET /version "))
            (void)send_json(fd, "{\"Version\":\"26.1.5\",\"ApiVersion\":\"1.45\"}");
        else if (strstr(head, "/info "))
            (void)send_json(fd, "{\"NCPU\":2,\"DockerRootDir\":\"/\"}");
        else if (strstr(head, "/events?"))
            (void)peer_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        else if (strstr(head, "/containers/json?all=1 "))
            (void)send_json(fd, "[]");
        else if (floods && strstr(head, "/images/json "))
            flood(fd);
        else
            (void)atomic_fetch_add(&asked, 1);
    }
}

static void begin(struct stage *t, const void *floods)
{
    struct err e = {0};
    atomic_store(&asked, 0);
    assert_int_equal(uv_loop_init(&t->loop), 0);
    t->peer = peer_start_unix(place_socket(), serve, floods);
    t->inventory = inventory_new();
    (void)snprintf(t->host, sizeof t->host, "unix://%s", place_socket());
    static char *hosts[1];
    hosts[0] = t->host;
    const struct collector_options options = {
        .loop = &t->loop,
        .clock = &clock_system,
        .procfs = "/proc",
        .sysfs = "/sys",
        .engine_hosts = {hosts, 1},
        .engine_timeout_ms = SLOW_MS,
        .engine_max_concurrency = 16,
        .inventory = t->inventory,
        .groups = GROUPS_ALL,
        .engine_df_interval_ms = SLOW_MS,
        .engine_size_interval_ms = SLOW_MS,
        .engine_df_timeout_ms = SLOW_MS,
    };
    if (engine_new(&options, &e, &t->collector) < 0)
        fail_msg("%s", e.text);
}

static void round_done(void *context)
{
    ((struct stage *)context)->done = true;
}

static void make_round(struct stage *t)
{
    part_reset(&t->part);
    t->done = false;
    t->round.number++;
    t->round.begun_ns = clock_monotonic_ns(&clock_system);
    t->round.deadline_ns = t->round.begun_ns + SLOW_MS * NS_PER_MS;
    t->collector->kind->collect(t->collector, &t->round, &t->part, round_done, t);
    loop_until(&t->loop, &t->done);
}

static struct engine *engine_of(struct stage *t)
{
    return ((struct engine_collector *)t->collector)->engines;
}

static void end(struct stage *t)
{
    t->collector->kind->close(t->collector);
    assert_int_equal(uv_run(&t->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&t->loop), 0);
    inventory_free(t->inventory);
    part_done(&t->part);
    peer_stop(t->peer);
}

static bool has_asked_two(void *context)
{
    (void)context;
    return atomic_load(&asked) == 2; /* images, and disk usage; sizes wait for that */
}

static void test_close_while_all_is_under_way(void **state)
{
    (void)state;
    struct stage t = {0};
    begin(&t, NULL);
    make_round(&t);
    engine_of(&t)->facts.local = true;
    make_round(&t); /* asks, and the thread looks at the disk */
    loop_until_true(&t.loop, has_asked_two, NULL);
    end(&t);
}

static void test_close_at_once(void **state)
{
    (void)state;
    struct stage t = {0};
    begin(&t, NULL);
    make_round(&t);
    engine_of(&t)->facts.local = true;
    make_round(&t);
    end(&t);
}

static void test_close_before_anything(void **state)
{
    (void)state;
    struct stage t = {0};
    begin(&t, NULL);
    end(&t);
}

static bool is_refused(void *context)
{
    struct stage *t = context;
    make_round(t);
    for (size_t i = 0; i < t->part.problem_count; i++)
        if (t->part.problems[i].reason == REASON_TOO_LARGE)
            return true;
    return false;
}

static void test_answer_without_end(void **state)
{
    (void)state;
    struct stage t = {0};
    begin(&t, "floods");
    make_round(&t);
    loop_until_true(&t.loop, is_refused, &t);
    for (size_t i = 0; i < t.part.point_count; i++)
        assert_int_not_equal(t.part.points[i].metric, AGENT_ENGINE_IMAGES);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_while_all_is_under_way),
        cmocka_unit_test(test_close_at_once),
        cmocka_unit_test(test_close_before_anything),
        cmocka_unit_test(test_answer_without_end),
    };
    return cmocka_run_group_tests(tests, place_make, place_remove);
}
