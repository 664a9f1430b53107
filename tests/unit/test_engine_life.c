/* The engine tier's ends and beginnings: closing in any phase, idle times, several engines, sockets
 * found on the way, and how much memory a round asks for. */
#include "tests/unit/fake_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void start_two(void)
{
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
}

static const char *step(size_t index)
{
    const char *const steps[] = {VERSION, INFO, EVENTS, LIST, inspect_of('a'), stats_of('a')};
    return index < sizeof steps / sizeof steps[0] ? steps[index] : NULL;
}

/* fake_end fails when anything is left, and the sanitizers when anything leaks. */
static void test_close_in_every_phase(void **state)
{
    (void)state;
    for (size_t s = 0; step(s); s++) {
        for (unsigned how = 0; how < 3; how++) {
            start_two();
            hold(step(s));
            round_begin();
            serve();
            if (how > 0)
                round_cancel();
            if (how > 1) {
                round_begin();
                serve();
            }
            fake_end();
        }
    }
}

static void test_close_without_a_round(void **state)
{
    (void)state;
    start_two();
    fake_end();
    start_two();
    round_begin();
    fake_end();
    start_two();
    round_whole();
    fake_end();
    start_two();
    round_whole();
    fake_remove('a');
    fake_remove('b');
    advance_ms(61000);
    round_whole();
    round_begin(); /* nothing to ask: its end waits for the timer */
    fake_end();
}

static void test_close_while_suspect(void **state)
{
    (void)state;
    for (unsigned probing = 0; probing < 2; probing++) {
        start_two();
        round_whole();
        round_begin();
        advance_ms(2000);
        round_cancel();
        assert_int_equal(timer_next_ms(), 1000);
        if (probing) {
            advance_ms(1000);
            timers_run();
            assert_int_equal(calls_open(PING), 1);
        }
        fake_end();
    }
}

static void test_close_with_a_late_answer(void **state)
{
    (void)state;
    start_two();
    round_whole();
    hold(stats_of('a'));
    round_begin();
    serve();
    round_cancel();
    hold_none();
    serve();
    fake_end();
}

static void close_idle(void)
{
    fake.collector->kind->close_idle(fake.collector);
}

static void test_idle_lets_go(void **state)
{
    (void)state;
    start_two();
    round_whole();
    assert_int_equal(calls_open(EVENTS), 1);
    close_idle();
    assert_int_equal(calls_open(""), 0);
    assert_int_equal(fake.closed_idle, 1);
    assert_int_equal(timer_next_ms(), UINT64_MAX);
    advance_ms(600000);
    fake_remove('b'); /* nobody told */
    fake_get('a')->name = "shop";
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(VERSION), 0);
    assert_int_equal(calls_made(EVENTS), 1);
    assert_int_equal(calls_made(LIST), 1);
    assert_int_equal(calls_made(inspect_of('a')), 1);
    expect_values('a');
    assert_string_equal(row_of('a')->identity->name, "shop");
    expect_life_only('b', STATE_REMOVED);
    expect_no_problem();
    fake_end();
}

static void test_idle_before_the_first_round(void **state)
{
    (void)state;
    start_two();
    close_idle();
    round_whole();
    expect_values('a');
    fake_end();
}

/* However far a call had come that nobody waits for any more. */
static void test_idle_in_every_phase(void **state)
{
    (void)state;
    for (size_t s = 0; step(s); s++) {
        start_two();
        hold(step(s));
        round_begin();
        serve();
        round_cancel();
        close_idle();
        advance_ms(600000);
        while (calls_open(step(s)) > 0)
            answer_failure(step(s), REASON_TIMEOUT);
        hold_none();
        for (unsigned i = 0; i < 3; i++) {
            advance_ms(6000);
            serve();
            round_begin();
            serve();
            assert_true(round_is_done());
        }
        expect_values('a');
        expect_values('b');
        expect_no_problem();
        fake_end();
    }
}

static void test_idle_while_suspect(void **state)
{
    (void)state;
    for (unsigned probing = 0; probing < 2; probing++) {
        start_two();
        round_whole();
        round_begin();
        advance_ms(2000);
        round_cancel();
        advance_ms(1000);
        if (probing)
            timers_run();
        close_idle();
        assert_int_equal(calls_open(PING), 0);
        assert_int_equal(timer_next_ms(), UINT64_MAX); /* an agent that nobody asks costs nothing */
        answer_failure(stats_of('a'), REASON_TIMEOUT);
        answer_failure(stats_of('b'), REASON_TIMEOUT);
        round_begin();
        assert_true(round_is_done());
        serve(); /* the probe goes on with the rounds */
        for (unsigned i = 0; i < 3; i++) {
            advance_ms(6000);
            round_begin();
            serve();
            assert_true(round_is_done());
        }
        expect_values('a');
        expect_no_problem();
        fake_end();
    }
}

/* Several engines. */

static size_t rows_of_engine(const char *host)
{
    size_t count = 0;
    for (size_t i = 0; i < fake.part.row_count; i++)
        count += strcmp(fake.part.rows[i].identity->engine, host) == 0;
    return count;
}

static void start_engines(void)
{
    fake_start(FAKE_HOST, FAKE_OTHER_HOST, NULL);
    fake_add('a', "web", "running");
}

/* The same container id in two engines is two containers, where they are on other hosts; where they
 * are on this one, the merge brings the two rows together. */
static void test_two_engines(void **state)
{
    (void)state;
    start_engines();
    round_whole();
    assert_int_equal(fake.part.row_count, 2);
    assert_int_equal(rows_of_engine(FAKE_HOST), 1);
    assert_int_equal(rows_of_engine(FAKE_OTHER_HOST), 1);
    assert_int_equal(engine_up(FAKE_HOST), 1);
    assert_int_equal(engine_up(FAKE_OTHER_HOST), 1);
    expect_no_problem();
    calls_forget();
    round_whole();
    assert_int_equal(calls_made(""), 2);
    fake_end();
}

static void test_one_engine_of_two_is_away(void **state)
{
    (void)state;
    start_engines();
    round_begin();
    calls_at(FAKE_OTHER_HOST);
    answer_failure(VERSION, REASON_NO_SOCKET);
    calls_at(FAKE_HOST);
    serve();
    assert_true(round_is_done());
    assert_int_equal(engine_up(FAKE_HOST), 1);
    assert_int_equal(engine_up(FAKE_OTHER_HOST), 0);
    assert_int_equal(rows_of_engine(FAKE_HOST), 1);
    assert_int_equal(fake.part.problem_count, 1);
    assert_string_equal(fake.part.problems[0].source, FAKE_OTHER_HOST);
    expect_values('a');
    fake_end();
}

static void test_one_engine_of_two_is_stuck(void **state)
{
    (void)state;
    start_engines();
    round_whole();
    calls_at(FAKE_HOST);
    round_begin();
    serve();
    assert_false(round_is_done());
    advance_ms(2000);
    round_cancel();
    assert_int_equal(engine_up(FAKE_HOST), 1);
    assert_int_equal(engine_up(FAKE_OTHER_HOST), 0);
    assert_int_equal(fake.part.problem_count, 1);
    assert_string_equal(fake.part.problems[0].source, FAKE_OTHER_HOST);
    for (unsigned i = 0; i < 3; i++) {
        round_begin();
        serve();
        assert_true(round_is_done()); /* of the first alone */
        assert_int_equal(engine_up(FAKE_HOST), 1);
        assert_int_equal(engine_up(FAKE_OTHER_HOST), 0);
        assert_int_equal(fake.part.row_count, 2);
    }
    calls_at(NULL);
    serve();
    round_whole();
    assert_int_equal(engine_up(FAKE_OTHER_HOST), 1);
    expect_no_problem();
    fake_end();
}

/* Whichever is last ends the round, once. */
static void test_engines_end_in_any_order(void **state)
{
    (void)state;
    start_engines();
    round_whole();
    for (unsigned i = 0; i < 2; i++) {
        round_begin();
        calls_at(i == 0 ? FAKE_HOST : FAKE_OTHER_HOST);
        answer_as_fake(stats_of('a'));
        assert_false(round_is_done());
        calls_at(i == 0 ? FAKE_OTHER_HOST : FAKE_HOST);
        answer_as_fake(stats_of('a'));
        assert_true(round_is_done());
        calls_at(NULL);
        assert_int_equal(fake.part.row_count, 2);
        expect_no_problem();
    }
    fake_end();
}

static void test_same_engine_twice(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    assert_int_equal(fake.made_plain, 1);
    assert_int_equal(calls_made("/stats"), 1);
    expect_values('a');
    fake_end();
}

static void test_tls_has_a_client_of_its_own(void **state)
{
    (void)state;
    fake_start("https://engine.example:2376", "tcp://engine.example:2375", NULL);
    fake_add('a', "web", "running");
    assert_int_equal(fake.made_tls, 1);
    assert_int_equal(fake.made_plain, 1);
    round_whole();
    assert_int_equal(engine_up("https://engine.example:2376"), 1);
    assert_int_equal(engine_up("tcp://engine.example:2375"), 1);
    fake_end();
}

/* Sockets that appear later. */

static int make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void test_new_socket_is_found(void **state)
{
    (void)state;
    char directory[] = "/tmp/weir-test-XXXXXX";
    char variable[128];
    char path[128];
    char key[160];
    assert_non_null(mkdtemp(directory));
    (void)snprintf(variable, sizeof variable, "XDG_RUNTIME_DIR=%s", directory);
    (void)snprintf(path, sizeof path, "%s/docker.sock", directory);
    (void)snprintf(key, sizeof key, "unix://%s", path);
    char *environment[] = {variable, NULL};
    fake_start_in(environment, NULL, NULL);
    round_whole();
    assert_int_equal(engine_up(key), -1);
    int fd = make_socket(path);
    advance_ms(30000);
    round_whole();
    assert_int_equal(engine_up(key), -1); /* looking is a slow chore */
    advance_ms(31000);
    round_whole();
    assert_int_equal(engine_up(key), 1);
    fake_end();
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* The last container was removed as its engine ended, and the socket went with it: how it ended is
 * told for its time all the same. */
static void test_vanished_socket_keeps_the_removed(void **state)
{
    (void)state;
    char directory[] = "/tmp/weir-test-XXXXXX";
    char variable[128];
    char path[128];
    char other_path[160];
    char key[160];
    assert_non_null(mkdtemp(directory));
    (void)snprintf(variable, sizeof variable, "XDG_RUNTIME_DIR=%s", directory);
    (void)snprintf(path, sizeof path, "%s/docker.sock", directory);
    (void)snprintf(key, sizeof key, "unix://%s", path);
    (void)snprintf(other_path, sizeof other_path, "%s/podman", directory);
    assert_int_equal(mkdir(other_path, 0700), 0);
    (void)snprintf(other_path, sizeof other_path, "%s/podman/podman.sock", directory);
    char *environment[] = {variable, NULL};
    int other = make_socket(other_path); /* one stays */
    int fd = make_socket(path);
    fake_start_in(environment, NULL, NULL);
    fake_add('a', "web", "running");
    round_whole();
    calls_at(key);
    fake_remove('a');
    event("destroy", 'a');
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    events_end(REASON_ENDED_EARLY);
    calls_at(NULL);
    hold(EVENTS);
    hold(VERSION);
    for (unsigned i = 0; i < 3; i++) {
        advance_ms(61000);
        round_begin();
        calls_at(key);
        for (size_t open = calls_open(""); open > 0; open = calls_open(""))
            answer_failure("", REASON_NO_SOCKET);
        calls_at(NULL);
        serve();
        assert_true(round_is_done());
        unsigned removed = 0; /* of this engine: both have the container */
        for (size_t r = 0; r < fake.part.row_count; r++)
            removed += fake.part.rows[r].state == STATE_REMOVED &&
                       strcmp(fake.part.rows[r].identity->engine, key) == 0;
        assert_int_equal(removed, 1);
    }
    hold_none();
    fake_end();
    (void)close(other);
    assert_int_equal(unlink(other_path), 0);
    (void)snprintf(other_path, sizeof other_path, "%s/podman", directory);
    assert_int_equal(rmdir(other_path), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* A socket that is gone, as after a logout or an uninstalled engine, is no problem for ever: once
 * its containers are forgotten, so is the engine, until its socket is there again. */
static void test_vanished_socket_is_forgotten(void **state)
{
    (void)state;
    char directory[] = "/tmp/weir-test-XXXXXX";
    char variable[128];
    char path[128];
    char key[160];
    assert_non_null(mkdtemp(directory));
    (void)snprintf(variable, sizeof variable, "XDG_RUNTIME_DIR=%s", directory);
    (void)snprintf(path, sizeof path, "%s/docker.sock", directory);
    (void)snprintf(key, sizeof key, "unix://%s", path);
    char *environment[] = {variable, NULL};
    int other = -1;
    char other_path[160];
    (void)snprintf(other_path, sizeof other_path, "%s/podman", directory);
    assert_int_equal(mkdir(other_path, 0700), 0);
    (void)snprintf(other_path, sizeof other_path, "%s/podman/podman.sock", directory);
    other = make_socket(other_path); /* one stays */
    int fd = make_socket(path);
    fake_start_in(environment, NULL, NULL);
    fake_add('a', "web", "running");
    round_whole();
    assert_int_equal(engine_up(key), 1);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    calls_at(key);
    events_end(REASON_ENDED_EARLY);
    calls_at(NULL);
    hold(EVENTS);
    hold(VERSION);
    for (unsigned i = 0; i < 12 && engine_up(key) >= 0; i++) {
        advance_ms(61000);
        round_begin();
        calls_at(key);
        for (size_t open = calls_open(""); open > 0; open = calls_open(""))
            answer_failure("", REASON_NO_SOCKET);
        calls_at(NULL);
        serve();
        assert_true(round_is_done());
        if (i < 3) {
            assert_int_equal(engine_up(key), 0); /* its containers are still shown */
            expect_problem(REASON_NO_SOCKET);
        }
    }
    assert_int_equal(engine_up(key), -1);
    expect_no_problem();
    hold_none();
    fd = make_socket(path);
    advance_ms(61000);
    round_whole();
    assert_int_equal(engine_up(key), 1);
    fake_end();
    (void)close(fd);
    (void)close(other);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(other_path), 0);
    *strrchr(other_path, '/') = '\0';
    assert_int_equal(rmdir(other_path), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* What a steady round allocates does not grow, and is little. */
#define STEADY_CONTAINERS 8

static size_t allocations_of_a_round(void)
{
    size_t before = fake_allocations();
    advance_ms(1000);
    round_whole();
    return fake_allocations() - before;
}

static void test_memory_of_a_steady_round(void **state)
{
    (void)state;
    if (!fake_counts_allocations()) {
        print_message("SKIP: the sanitizers bring an allocator of their own\n");
        skip();
    }
    fake_start(FAKE_HOST, NULL);
    for (size_t i = 0; i < STEADY_CONTAINERS; i++)
        fake_add("0123456789abcdef"[i], "web", "running");
    for (unsigned i = 0; i < 3; i++)
        round_whole();
    size_t steady = allocations_of_a_round();
    print_message("a steady round of %d containers allocates %zu times\n", STEADY_CONTAINERS,
                  steady);
    for (unsigned i = 0; i < 50; i++)
        assert_true(allocations_of_a_round() <= steady);
    assert_true(steady <= STEADY_CONTAINERS * 2); /* two for each parsed answer */
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_in_every_phase),
        cmocka_unit_test(test_close_without_a_round),
        cmocka_unit_test(test_close_while_suspect),
        cmocka_unit_test(test_close_with_a_late_answer),
        cmocka_unit_test(test_idle_lets_go),
        cmocka_unit_test(test_idle_before_the_first_round),
        cmocka_unit_test(test_idle_in_every_phase),
        cmocka_unit_test(test_idle_while_suspect),
        cmocka_unit_test(test_two_engines),
        cmocka_unit_test(test_one_engine_of_two_is_away),
        cmocka_unit_test(test_one_engine_of_two_is_stuck),
        cmocka_unit_test(test_engines_end_in_any_order),
        cmocka_unit_test(test_same_engine_twice),
        cmocka_unit_test(test_tls_has_a_client_of_its_own),
        cmocka_unit_test(test_new_socket_is_found),
        cmocka_unit_test(test_vanished_socket_is_forgotten),
        cmocka_unit_test(test_vanished_socket_keeps_the_removed),
        cmocka_unit_test(test_memory_of_a_steady_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
