/* A simulated collector on a loop and a clock that stands where the test puts it. To be included by
 * one file of a program. */
#ifndef WEIR_TESTS_SIMULATED_FIXTURE_H
#define WEIR_TESTS_SIMULATED_FIXTURE_H

#include "base/clock.h"
#include "collectors/simulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <uv.h>

#include <cmocka.h>

#define START      (1767225600 * NS_PER_SECOND) /* 2026-01-01 */
#define MINUTE     (60 * NS_PER_SECOND)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)
#define SEED       42
#define CONTAINERS 60 /* ten of each shape */

/* A clock that stands where the test puts it. */
struct hand {
    uint64_t realtime_ns;
};

static uint64_t hand_realtime(void *context)
{
    return ((const struct hand *)context)->realtime_ns;
}

static uint64_t hand_monotonic(void *context)
{
    return ((const struct hand *)context)->realtime_ns - START / 2;
}

struct fixture {
    uv_loop_t loop;
    struct hand hand;
    struct clock clock;
    struct collector *collector;
    struct part part;
    unsigned answers;
};

static struct collector *make(struct fixture *f, size_t containers, uint64_t seed)
{
    const struct simulated_options options = {
        .containers = containers, .seed = seed, .loop = &f->loop, .clock = &f->clock};
    return simulated_new(&options);
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.hand = {START}};
    f.clock = (struct clock){&f.hand, hand_monotonic, hand_realtime};
    assert_int_equal(uv_loop_init(&f.loop), 0);
    f.collector = make(&f, CONTAINERS, SEED);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    part_done(&f->part);
    if (f->collector)
        f->collector->kind->close(f->collector);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    return 0;
}

static void answered(void *context)
{
    ((struct fixture *)context)->answers++;
}

/* A round of `c` into `part` at `now_ns`. */
static void collect(struct fixture *f, struct collector *c, struct part *part, uint64_t now_ns)
{
    f->hand.realtime_ns = now_ns;
    unsigned before = f->answers;
    part_reset(part);
    const struct round round = {.number = 1};
    c->kind->collect(c, &round, part, answered, f);
    assert_int_equal(f->answers, before); /* never from inside */
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->answers, before + 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
