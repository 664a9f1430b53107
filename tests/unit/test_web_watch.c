/* agent/web_watch.h on a real file that changes while the loop turns. */
#include "agent/web_watch.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#define WAIT_MS 10000 /* a look comes every second */

struct fixture {
    uv_loop_t loop;
    char directory[32];
    char path[64];
    struct web_watch *watch;
    unsigned changed, failed, well;
    bool refuses;      /* what changed */
    char headers[128]; /* of what was read last */
    char said[512];
};

static int on_changed(void *context, struct web_loaded *loaded)
{
    struct fixture *f = context;
    f->changed++;
    (void)snprintf(f->headers, sizeof f->headers, "%s", loaded->config.headers);
    web_loaded_done(loaded);
    return f->refuses ? -EINVAL : 0;
}

static void on_failed(void *context, const struct err *e)
{
    struct fixture *f = context;
    f->failed++;
    (void)snprintf(f->said, sizeof f->said, "%s", e->text);
}

static void on_well(void *context)
{
    ((struct fixture *)context)->well++;
}

static void write_file(const struct fixture *f, const char *text)
{
    int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static const char *with_header(const char *value)
{
    static char text[128];
    (void)snprintf(text, sizeof text,
                   "http_server_config:\n  headers:\n    Content-Security-Policy: \"%s\"\n", value);
    return text;
}

static void start(struct fixture *f, const char *text)
{
    struct err e = {0};
    struct web_loaded first = {0};
    *f = (struct fixture){.directory = "/tmp/weir-watch-XXXXXX"};
    assert_non_null(mkdtemp(f->directory));
    (void)snprintf(f->path, sizeof f->path, "%s/web.yml", f->directory);
    write_file(f, text);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(web_loaded_read(f->path, &e, &first), 0);
    const struct web_watch_events events = {on_changed, on_failed, on_well, f};
    f->watch = web_watch_new(&f->loop, f->path, first.config.digest, &events);
    web_loaded_done(&first);
}

static void stop(struct fixture *f)
{
    web_watch_close(f->watch);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->directory), 0);
}

static void await(struct fixture *f, const unsigned *count, unsigned wanted)
{
    uint64_t end_ns = clock_monotonic_ns(&clock_system) + WAIT_MS * NS_PER_MS;
    while (*count < wanted) {
        assert_true(clock_monotonic_ns(&clock_system) < end_ns);
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    }
}

/* Same length, same second: only the content tells. */
static void test_a_change_is_told_once(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, with_header("aaa"));
    await(&f, &f.well, 1);
    assert_int_equal(f.changed, 0);
    write_file(&f, with_header("bbb"));
    await(&f, &f.changed, 1);
    assert_string_equal(f.headers, "Content-Security-Policy: bbb\r\n");
    await(&f, &f.well, f.well + 1);
    assert_int_equal(f.changed, 1);
    assert_int_equal(f.failed, 0);
    stop(&f);
}

static void test_a_broken_file_is_told_and_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, with_header("aaa"));
    write_file(&f, "nothing: known\n");
    await(&f, &f.failed, 1);
    assert_non_null(strstr(f.said, f.path));
    assert_int_equal(f.changed, 0);
    write_file(&f, with_header("aaa")); /* as it was: nothing is to be changed */
    await(&f, &f.well, f.well + 1);
    assert_int_equal(f.changed, 0);
    assert_int_equal(unlink(f.path), 0);
    unsigned failed = f.failed;
    await(&f, &f.failed, failed + 1);
    stop(&f);
}

/* What could not be put in force is not taken for what is. */
static void test_a_refused_change_comes_again(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, with_header("aaa"));
    f.refuses = true;
    write_file(&f, with_header("bbb"));
    await(&f, &f.changed, 2);
    assert_int_equal(f.well, 0);
    f.refuses = false;
    await(&f, &f.changed, 3);
    await(&f, &f.well, 1);
    assert_int_equal(f.changed, 3);
    stop(&f);
}

static void test_closed_at_once(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, with_header("aaa"));
    stop(&f);
    assert_int_equal(f.well + f.changed + f.failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_is_told_once),
        cmocka_unit_test(test_a_broken_file_is_told_and_comes_back),
        cmocka_unit_test(test_a_refused_change_comes_again),
        cmocka_unit_test(test_closed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
