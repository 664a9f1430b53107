/* agent/push.h over lanes that only note what they are told: what a destination's lane is made of,
 * which lanes a reload keeps, ends and begins, and in which order everything stops. */
#include "config_testing.h"

#include "agent/core.h"
#include "agent/push.h"
#include "agent/push_plan.h"
#include "base/clock.h"
#include "exporters/push_filter.h"
#include "net/timer.h"

#include <errno.h>
#include <unistd.h>

#define LANES_MAX    16
#define PATIENCE_MS  5000
#define LOG_MAX      65536
#define NO_LANE_TEXT "the queue is in use"

struct push_lane {
    bool there;
    bool stops;
    bool last;
    uint64_t limit_ms;
    uint64_t phase_ms;
    uint64_t interval_ms;
    char name[64];
    void *source; /* context of it */
    void (*stopped)(void *context);
    void *context;
};

/* What the lanes were told. */
static struct {
    struct push_lane lanes[LANES_MAX];
    size_t count;
    unsigned refusals; /* that many lanes cannot begin from now on */
    unsigned tries;
    void (*look)(const struct push_lane_options *options); /* at each that begins */
    void (*log)(void *context, enum push_severity severity, const char *text, const char *detail);
    void *log_context;
    char points[256];
} said;

int __wrap_push_lane_new(const struct push_lane_options *options, struct err *e,
                         struct push_lane **ret);
void __wrap_push_lane_set_source(struct push_lane *l, const struct snapshot_source *source);
void __wrap_push_lane_stop(struct push_lane *l, bool last, uint64_t limit_ms,
                           void (*stopped)(void *context), void *context);
void __wrap_push_lane_add_points(const struct push_lane *l, struct part *part);

int __wrap_push_lane_new(const struct push_lane_options *options, struct err *e,
                         struct push_lane **ret)
{
    said.tries++;
    push_filter_free((struct push_filter *)(uintptr_t)options->encode.filter);
    if (said.refusals > 0) {
        said.refusals--;
        return err_set(e, -EBUSY, NO_LANE_TEXT);
    }
    assert_true(said.count < LANES_MAX);
    for (size_t i = 0; i < said.count; i++)
        assert_false(said.lanes[i].there && text_equal(said.lanes[i].name, options->name));
    struct push_lane *l = &said.lanes[said.count++];
    *l = (struct push_lane){.there = true,
                            .source = options->source.context,
                            .phase_ms = options->phase_ms,
                            .interval_ms = options->interval_ms};
    (void)snprintf(l->name, sizeof l->name, "%s", options->name);
    said.log = options->log;
    said.log_context = options->context;
    if (said.look)
        said.look(options);
    *ret = l;
    return 0;
}

void __wrap_push_lane_set_source(struct push_lane *l, const struct snapshot_source *source)
{
    assert_true(l->there && !l->stops);
    l->source = source->context;
}

void __wrap_push_lane_stop(struct push_lane *l, bool last, uint64_t limit_ms,
                           void (*stopped)(void *context), void *context)
{
    assert_true(l->there && !l->stops);
    l->stops = true;
    l->last = last;
    l->limit_ms = limit_ms;
    l->stopped = stopped;
    l->context = context;
}

void __wrap_push_lane_add_points(const struct push_lane *l, struct part *part)
{
    (void)part;
    assert_true(l->there);
    size_t length = strlen(said.points);
    (void)snprintf(said.points + length, sizeof said.points - length, "%s ", l->name);
}

/* The lane lets go. */
static void let_go(struct push_lane *l)
{
    assert_true(l->there && l->stops);
    l->there = false;
    l->stopped(l->context);
}

struct fixture {
    struct core core;
    struct config config;
    struct config next;
    struct push *push;
    bool stopped;
    char log[LOG_MAX];
    int log_fd;
};

static int source_a;
static int source_b;

static char *no_variables[] = {NULL};

static void begin(struct fixture *f, const char *yaml)
{
    char name[] = "/tmp/weir-log-XXXXXX";
    memset(f, 0, sizeof *f);
    memset(&said, 0, sizeof said);
    f->config = parse_good(yaml, strlen(yaml));
    assert_int_equal(uv_loop_init(&f->core.loop), 0);
    log_init(&f->core.log, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    f->log_fd = f->core.log.fd = mkstemp(name);
    assert_true(f->log_fd >= 0);
    assert_int_equal(unlink(name), 0);
}

static int make(struct fixture *f, struct err *e)
{
    return push_new(&(struct push_options){.core = &f->core,
                                           .config = &f->config,
                                           .environment = no_variables,
                                           .source = {.context = &source_a}},
                    e, &f->push);
}

static void start(struct fixture *f, const char *yaml)
{
    struct err e = {0};
    begin(f, yaml);
    assert_int_equal(make(f, &e), 0);
}

static void set(struct fixture *f, const char *yaml)
{
    struct config old = f->config;
    f->config = parse_good(yaml, strlen(yaml));
    push_set(f->push, &f->config, &(struct snapshot_source){.context = &source_b});
    config_done(&old);
}

static const char *log_text(struct fixture *f)
{
    ssize_t length = pread(f->log_fd, f->log, sizeof f->log - 1, 0);
    assert_true(length >= 0);
    f->log[length] = '\0';
    return f->log;
}

static void note_stopped(void *context)
{
    struct fixture *f = context;
    assert_false(f->stopped);
    f->stopped = true;
}

/* Nothing may be left: neither handles nor memory. */
static void end(struct fixture *f)
{
    (void)uv_run(&f->core.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->core.loop), 0);
    assert_int_equal(close(f->log_fd), 0);
    config_done(&f->config);
}

static void stop_and_end(struct fixture *f)
{
    push_stop(f->push, note_stopped, f);
    for (size_t i = 0; i < said.count; i++)
        if (said.lanes[i].there)
            let_go(&said.lanes[i]);
    end(f);
    assert_true(f->stopped);
}

static void assert_points(struct fixture *f, const char *expected)
{
    said.points[0] = '\0';
    push_add_points(f->push, NULL);
    assert_string_equal(said.points, expected);
}

/* Turns the loop until `count` lanes were asked for. */
static void turn_until_tries(struct fixture *f, unsigned count)
{
    uint64_t limit_ns = clock_monotonic_ns(&clock_system) + PATIENCE_MS * NS_PER_MS;
    while (said.tries < count) {
        assert_true(clock_monotonic_ns(&clock_system) < limit_ns);
        (void)uv_run(&f->core.loop, UV_RUN_ONCE);
    }
}

#define TWO                                                \
    "push:\n- {name: a, url: http://h/a, interval: 10s}\n" \
    "- {name: b, url: http://h/b, interval: 30s, queue: {dir: /q}}\n"

static void test_without_a_destination(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "");
    assert_points(&f, "");
    push_stop(f.push, note_stopped, &f);
    assert_false(f.stopped); /* from the loop and not from inside */
    end(&f);
    assert_true(f.stopped);
    assert_int_equal(said.tries, 0);
}

static void test_start_and_stop(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TWO);
    assert_int_equal(said.count, 2);
    assert_ptr_equal(said.lanes[0].source, &source_a);
    assert_points(&f, "a b ");
    /* Rounds are shared: every third of the one is due with the other. */
    assert_in_range(said.lanes[0].phase_ms, 0, 9999);
    assert_int_equal(said.lanes[1].phase_ms % 10000, said.lanes[0].phase_ms);
    push_stop(f.push, note_stopped, &f);
    for (size_t i = 0; i < 2; i++) {
        assert_true(said.lanes[i].stops && said.lanes[i].last);
        assert_int_equal(said.lanes[i].limit_ms, 5000);
    }
    assert_points(&f, "a b ");
    let_go(&said.lanes[1]);
    assert_points(&f, "a ");
    assert_false(f.stopped);
    let_go(&said.lanes[0]);
    assert_true(f.stopped);
    end(&f);
}

static void test_one_that_cannot_begin_at_the_start(void **state)
{
    (void)state;
    struct fixture f;
    struct err e = {0};
    begin(&f, TWO);
    said.refusals = 1;
    assert_int_equal(make(&f, &e), -EBUSY);
    assert_string_equal(e.text, NO_LANE_TEXT);
    assert_null(f.push);
    assert_int_equal(said.count, 0);
    end(&f);
}

static void refuse_from_third(const struct push_lane_options *options)
{
    (void)options;
    if (said.count == 2)
        said.refusals = 1;
}

static void test_those_before_it_end(void **state)
{
    (void)state;
    struct fixture f;
    struct err e = {0};
    begin(&f, TWO "- {name: c, url: http://h/c}\n");
    said.look = refuse_from_third;
    assert_int_equal(make(&f, &e), -EBUSY);
    assert_int_equal(said.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(said.lanes[i].stops && !said.lanes[i].last);
        assert_int_equal(said.lanes[i].limit_ms, 0);
        let_go(&said.lanes[i]);
    }
    end(&f);
}

static void test_what_stays_keeps_its_lane(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TWO);
    set(&f, "log: {level: warn}\npush:\n"
            "- {name: b, url: http://h/b, interval: 30s, queue: {dir: /q}}\n"
            "- {name: a, url: http://h/a, interval: 10s}\n");
    assert_int_equal(said.count, 2);
    assert_false(said.lanes[0].stops || said.lanes[1].stops);
    assert_ptr_equal(said.lanes[0].source, &source_b);
    assert_ptr_equal(said.lanes[1].source, &source_b);
    stop_and_end(&f);
}

/* Its queue is its own until it has let go, and so is its name. */
static void test_what_changes_waits_for_the_old_lane(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TWO);
    set(&f, "push:\n- {name: a, url: http://h/a, interval: 11s}\n"
            "- {name: b, url: http://h/b, interval: 31s, queue: {dir: /q}}\n");
    assert_int_equal(said.tries, 2);
    assert_true(said.lanes[0].stops && said.lanes[1].stops);
    assert_false(said.lanes[0].last || said.lanes[1].last);
    assert_int_equal(said.lanes[0].limit_ms, 5000); /* what it has in memory goes with it */
    assert_int_equal(said.lanes[1].limit_ms, 1000);
    assert_ptr_equal(said.lanes[0].source, &source_b); /* the other may be gone */
    let_go(&said.lanes[1]);
    assert_int_equal(said.count, 3);
    assert_string_equal(said.lanes[2].name, "b");
    assert_int_equal(said.lanes[2].interval_ms, 31000);
    assert_ptr_equal(said.lanes[2].source, &source_b);
    assert_points(&f, "a b ");
    let_go(&said.lanes[0]);
    assert_int_equal(said.count, 4);
    assert_string_equal(said.lanes[3].name, "a");
    stop_and_end(&f);
}

/* The receiver is told that series end which come no more, or come under other names. */
static void test_series_that_end(void **state)
{
    (void)state;
    static const char *const next[] = {
        "push: []\n",
        "push: {name: a, url: http://h/other}\n",
        "push: {name: a, url: http://h/a, protocol: remote-write-2}\n",
        "push: {name: a, url: http://h/a, external-labels: {x: y}}\n",
        "push: {name: a, url: http://h/a, metrics: {exclude: [x]}}\n",
        "push: {name: a, url: http://h/a, metrics: {include: [x]}}\n",
        "push: {name: a, url: http://h/a, containers: {exclude: [name=x]}}\n",
        "push: {name: a, url: http://h/a, containers: {include: [name=x]}}\n",
        "push: {name: other, url: http://h/a}\n",
    };
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++) {
        struct fixture f;
        start(&f, "push: {name: a, url: http://h/a}\n");
        set(&f, next[i]);
        assert_true(said.lanes[0].stops && said.lanes[0].last);
        assert_int_equal(said.lanes[0].limit_ms, 5000);
        stop_and_end(&f);
    }
}

static void test_another_name_for_the_same_directory_waits(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "push: {name: a b, url: http://h/a, queue: {dir: /q}}\n");
    set(&f, "push:\n- {name: a_b, url: http://h/a, queue: {dir: /q}}\n"
            "- {name: c, url: http://h/a, queue: {dir: /q}}\n");
    assert_int_equal(said.count, 2); /* c need not wait */
    assert_string_equal(said.lanes[1].name, "c");
    let_go(&said.lanes[0]);
    assert_string_equal(said.lanes[2].name, "a_b");
    stop_and_end(&f);
}

static void test_back_and_forth_while_one_stops(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "push: {name: a, url: http://h/a}\n");
    set(&f, "push: {name: a, url: http://h/a, interval: 11s}\n");
    set(&f, "push: {name: a, url: http://h/a}\n");
    assert_int_equal(said.tries, 1);
    let_go(&said.lanes[0]);
    assert_int_equal(said.count, 2);
    assert_int_equal(said.lanes[1].interval_ms, 15000);
    stop_and_end(&f);
}

static void test_stop_while_one_stops_and_one_waits(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "push: {name: a, url: http://h/a}\n");
    set(&f, "push: {name: a, url: http://h/a, interval: 11s}\n");
    push_stop(f.push, note_stopped, &f);
    assert_false(f.stopped);
    let_go(&said.lanes[0]);
    assert_true(f.stopped);
    assert_int_equal(said.tries, 1);
    end(&f);
}

static void test_what_cannot_begin_is_tried_again(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "");
    said.refusals = 2;
    set(&f, "push: {name: a, url: http://h/a}\n");
    assert_int_equal(said.tries, 1);
    assert_points(&f, "");
    uint64_t begun_ns = clock_monotonic_ns(&clock_system);
    turn_until_tries(&f, 3);
    /* After 1 s and after 2 s more; the loop's clock may lag by a little. */
    assert_true(clock_monotonic_ns(&clock_system) - begun_ns >= 2900 * NS_PER_MS);
    assert_int_equal(said.count, 1);
    assert_points(&f, "a ");
    const char *log = log_text(&f);
    assert_part(log, "level=error msg=\"nothing is pushed there; weir goes on trying\" "
                     "destination=a error=\"" NO_LANE_TEXT "\"");
    assert_null(strstr(strstr(log, "goes on") + 1, "goes on")); /* once per cause */
    assert_part(log, "level=info msg=\"pushing begins after all\" destination=a\n");
    stop_and_end(&f);
}

static void test_stop_while_one_is_to_be_tried_again(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "");
    said.refusals = 1;
    set(&f, "push: {name: a, url: http://h/a}\n");
    stop_and_end(&f);
    assert_int_equal(said.tries, 1);
}

static void test_what_a_lane_says(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "push: {name: a, url: http://h/a}\n");
    said.log(said.log_context, PUSH_WARN, "refused", "out of order");
    said.log(said.log_context, PUSH_ERROR, "lost", NULL);
    said.log(said.log_context, PUSH_INFO, "well", "");
    const char *log = log_text(&f);
    assert_part(log, "level=info msg=pushing destination=a protocol=remote-write queue=memory\n");
    assert_part(log, "level=warn msg=refused destination=a detail=\"out of order\"\n");
    assert_part(log, "level=error msg=lost destination=a\n");
    assert_part(log, "level=info msg=well destination=a\n");
    stop_and_end(&f);
}

static struct fixture plan_fixture;

/* All that a destination may say, and where it goes. */
static void test_plan(void **state)
{
    (void)state;
    static const char yaml[] =
        "push:\n"
        "- name: a/b\n"
        "  url: https://h/w\n"
        "  protocol: otlp\n"
        "  compression: none\n"
        "  interval: 20s\n"
        "  timeout: 3s\n"
        "  headers: {A: b, C: d e}\n"
        "  external-labels: {z: \"1\", host.name: \"\", b: \"2\", service.instance.id: i}\n"
        "  proxy-url: http://p:1\n"
        "  tls: {ca-file: ca.pem, cert-file: /c, key-file: k, insecure-skip-verify: true}\n"
        "  basic-auth: {username-file: u, password-file: p}\n"
        "  queue: {dir: /q, max-bytes: 64KiB, max-age: 1m, sync: never}\n"
        "  metrics: {include: [x]}\n"
        "- {url: http://h/w}\n";
    char *variables[] = {(char[]){"X=y"}, (char[]){"CREDENTIALS_DIRECTORY=/run/c"}, NULL};
    struct config c = parse_good(yaml, sizeof yaml - 1);
    struct push_plan p;
    const struct push_surroundings s = {&plan_fixture.core, variables, 20005};
    plan_fixture.core.started_ms = 77;
    push_plan_init(&p, &c.push.items[0], &s);
    const struct push_lane_options *o = &p.options;
    assert_ptr_equal(o->loop, &plan_fixture.core.loop);
    assert_string_equal(o->name, "a/b");
    assert_int_equal(o->format, PUSH_OTLP);
    assert_int_equal(o->coding, PUSH_PLAIN);
    assert_int_equal(o->interval_ms, 20000);
    assert_int_equal(o->phase_ms, 5);
    assert_int_equal(o->timeout_ms, 3000);
    assert_string_equal(o->post.url, "https://h/w");
    assert_string_equal(o->post.ca_file, "/run/c/ca.pem");
    assert_string_equal(o->post.cert_file, "/c");
    assert_string_equal(o->post.key_file, "/run/c/k");
    assert_string_equal(o->post.proxy, "http://p:1");
    assert_false(o->post.verify);
    assert_string_equal(o->headers[0], "A: b");
    assert_string_equal(o->headers[1], "C: d e");
    assert_null(o->headers[2]);
    assert_true(text_starts_with(o->user_agent, "weir/"));
    assert_null(o->secrets.username);
    assert_string_equal(o->secrets.username_file, "u");
    assert_string_equal(o->secrets.password_file, "p");
    assert_string_equal(o->secrets.credentials_directory, "/run/c");
    assert_string_equal(o->queue.directory, "/q/a_b");
    assert_int_equal(o->queue.max_bytes, 65536);
    assert_int_equal(o->queue.max_memory_bytes, 65536);
    assert_int_equal(o->queue.max_age_ms, 60000);
    assert_int_equal(o->queue.sync, PUSH_SYNC_NEVER);
    assert_int_equal(o->encode.agent_started_ms, 77);
    assert_int_equal(o->encode.external_count, 4); /* without host.name */
    assert_string_equal(o->encode.external[0].name, "b");
    assert_string_equal(o->encode.external[1].value, "i");
    assert_string_equal(o->encode.external[2].name, "service.name");
    assert_string_equal(o->encode.external[3].name, "z");
    push_plan_done(&p);

    push_plan_init(&p, &c.push.items[1],
                   &(struct push_surroundings){&plan_fixture.core, no_variables, 0});
    assert_int_equal(o->format, PUSH_REMOTE_WRITE);
    assert_int_equal(o->coding, PUSH_SNAPPY);
    assert_null(o->queue.directory);
    assert_int_equal(o->queue.max_bytes, 16 << 20);
    assert_null(o->post.proxy);
    assert_true(o->post.verify);
    assert_null(o->headers[0]);
    assert_null(o->secrets.credentials_directory);
    push_plan_done(&p);
    config_done(&c);
}

/* A fleet does not fire together: hosts whose names differ in the last digit lie apart. */
static void test_phases_are_spread(void **state)
{
    (void)state;
    unsigned slots[15] = {0};
    for (int i = 0; i < 1500; i++) {
        char *yaml = alloc_format("web: {listen-address: [\":%d\"]}\n", 10000 + i);
        struct config c = parse_good(yaml, strlen(yaml));
        slots[push_phase(&c) % 15000 / 1000]++;
        config_done(&c);
        free(yaml);
    }
    for (size_t i = 0; i < 15; i++)
        assert_in_range(slots[i], 60, 140); /* 100, and four times the root of it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_destination),
        cmocka_unit_test(test_start_and_stop),
        cmocka_unit_test(test_one_that_cannot_begin_at_the_start),
        cmocka_unit_test(test_those_before_it_end),
        cmocka_unit_test(test_what_stays_keeps_its_lane),
        cmocka_unit_test(test_what_changes_waits_for_the_old_lane),
        cmocka_unit_test(test_series_that_end),
        cmocka_unit_test(test_another_name_for_the_same_directory_waits),
        cmocka_unit_test(test_back_and_forth_while_one_stops),
        cmocka_unit_test(test_stop_while_one_stops_and_one_waits),
        cmocka_unit_test(test_what_cannot_begin_is_tried_again),
        cmocka_unit_test(test_stop_while_one_is_to_be_tried_again),
        cmocka_unit_test(test_what_a_lane_says),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_phases_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
