/* Tests net/timer: the contract of net/timer.h on a real loop. */
#include "net/timer.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <uv.h>

#include <cmocka.h>

#define BUSY_MS 30 /* longer than the delays measured against it */

struct fired {
    struct timer *timer;
    unsigned count;
    unsigned again; /* how often it restarts itself */
    uint64_t at_ns;
};

static void on_fire(void *context)
{
    struct fired *f = context;
    f->count++;
    f->at_ns = clock_monotonic_ns(&clock_system);
    if (f->again > 0) {
        f->again--;
        timer_start(f->timer, 1);
    }
}

static void on_fire_close(void *context)
{
    struct fired *f = context;
    f->count++;
    timer_close(f->timer);
}

static void on_fire_stop_other(void *context)
{
    timer_stop(context);
}

static void run(uv_loop_t *loop)
{
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
}

static void fires_once_after_the_delay(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct fired f = {0};
    f.timer = timer_new(&loop, on_fire, &f);
    uint64_t begin_ns = clock_monotonic_ns(&clock_system);
    timer_start(f.timer, 20);
    run(&loop);
    assert_int_equal(f.count, 1);
    assert_true(f.at_ns - begin_ns >= 19 * NS_PER_MS); /* libuv counts whole milliseconds */
    timer_close(f.timer);
    run(&loop);
    assert_int_equal(uv_loop_close(&loop), 0);
    (void)state;
}

static void counts_from_now_after_long_work(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct fired f = {0};
    f.timer = timer_new(&loop, on_fire, &f);
    uint64_t begin_ns = clock_monotonic_ns(&clock_system);
    while (clock_monotonic_ns(&clock_system) - begin_ns < BUSY_MS * NS_PER_MS) {
    }
    begin_ns = clock_monotonic_ns(&clock_system);
    timer_start(f.timer, 20);
    run(&loop);
    assert_true(f.at_ns - begin_ns >= 19 * NS_PER_MS);
    timer_close(f.timer);
    run(&loop);
    assert_int_equal(uv_loop_close(&loop), 0);
    (void)state;
}

static void a_second_start_replaces_the_first(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct fired f = {0};
    f.timer = timer_new(&loop, on_fire, &f);
    timer_start(f.timer, 60000);
    timer_start(f.timer, 1);
    run(&loop);
    assert_int_equal(f.count, 1);
    f.again = 2; /* from inside its own callback */
    timer_start(f.timer, 0);
    run(&loop);
    assert_int_equal(f.count, 4);
    timer_close(f.timer);
    run(&loop);
    assert_int_equal(uv_loop_close(&loop), 0);
    (void)state;
}

static void a_stopped_one_does_not_fire(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct fired f = {0};
    f.timer = timer_new(&loop, on_fire, &f);
    timer_stop(f.timer); /* it was never started */
    struct timer *stopper = timer_new(&loop, on_fire_stop_other, f.timer);
    timer_start(stopper, 1);
    timer_start(f.timer, 30);
    run(&loop);
    assert_int_equal(f.count, 0);
    timer_close(stopper);
    timer_close(f.timer);
    run(&loop);
    assert_int_equal(uv_loop_close(&loop), 0);
    (void)state;
}

static void close_inside_the_callback_and_of_nothing(void **state)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct fired f = {0};
    f.timer = timer_new(&loop, on_fire_close, &f);
    timer_start(f.timer, 0);
    run(&loop);
    assert_int_equal(f.count, 1);
    timer_close(NULL);
    assert_int_equal(uv_loop_close(&loop), 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_once_after_the_delay),
        cmocka_unit_test(counts_from_now_after_long_work),
        cmocka_unit_test(a_second_start_replaces_the_first),
        cmocka_unit_test(a_stopped_one_does_not_fire),
        cmocka_unit_test(close_inside_the_callback_and_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
