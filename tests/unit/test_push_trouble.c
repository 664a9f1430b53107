/* Tests exporters/push_trouble: one line a cause, as its header promises. */
#include "exporters/push_trouble.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTE_NS (60 * NS_PER_SECOND)

static void a_cause_is_told_of_once_in_a_trouble(void **state)
{
    (void)state;
    struct push_troubles t = {0};
    uint64_t since_ns = 0;
    assert_false(push_trouble_end(&t, PUSH_TROUBLE_RECEIVER, &since_ns));
    for (uint64_t i = 1; i < 10000; i++) {
        assert_int_equal(push_trouble_begin(&t, PUSH_TROUBLE_RECEIVER, 503, i * MINUTE_NS), i == 1);
        assert_int_equal(push_trouble_begin(&t, PUSH_TROUBLE_RECEIVER, 500, i * MINUTE_NS), i == 1);
        assert_int_equal(push_trouble_begin(&t, PUSH_TROUBLE_QUEUE, 503, i * MINUTE_NS), i == 1);
    }
    assert_true(push_trouble_end(&t, PUSH_TROUBLE_RECEIVER, &since_ns));
    assert_int_equal(since_ns, MINUTE_NS);
    assert_false(push_trouble_end(&t, PUSH_TROUBLE_RECEIVER, &since_ns));
    assert_true(push_trouble_end(&t, PUSH_TROUBLE_QUEUE, &since_ns));
}

/* What comes and goes: neither line more often than every ten minutes. */
static void a_flapping_trouble_is_not_told_of_all_the_time(void **state)
{
    (void)state;
    struct push_troubles t = {0};
    unsigned begun = 0;
    unsigned ended = 0;
    uint64_t since_ns = 0;
    for (uint64_t i = 1; i <= 60; i++) {
        begun += push_trouble_begin(&t, PUSH_TROUBLE_RECEIVER, 503, i * MINUTE_NS);
        ended += push_trouble_end(&t, PUSH_TROUBLE_RECEIVER, &since_ns);
    }
    assert_int_equal(begun, 6);
    assert_int_equal(ended, 6);
}

static void a_later_trouble_is_told_of_though_the_last_was_near(void **state)
{
    (void)state;
    struct push_troubles t = {0};
    uint64_t since_ns = 0;
    assert_true(push_trouble_begin(&t, PUSH_TROUBLE_RECEIVER, 503, MINUTE_NS));
    assert_true(push_trouble_end(&t, PUSH_TROUBLE_RECEIVER, &since_ns));
    assert_false(push_trouble_begin(&t, PUSH_TROUBLE_RECEIVER, 503, 2 * MINUTE_NS));
    assert_true(push_trouble_begin(&t, PUSH_TROUBLE_RECEIVER, 503, 11 * MINUTE_NS));
    assert_true(push_trouble_end(&t, PUSH_TROUBLE_RECEIVER, &since_ns));
    assert_int_equal(since_ns, 2 * MINUTE_NS);
}

static void what_passes_is_told_of_every_hour(void **state)
{
    (void)state;
    struct push_troubles t = {0};
    unsigned told = 0;
    for (uint64_t i = 1; i <= 180; i++)
        told += push_trouble_begin(&t, PUSH_TROUBLE_REFUSAL, 400, i * MINUTE_NS);
    assert_int_equal(told, 3);
}

/* More causes than are remembered: the newest are. */
static void causes_are_bounded(void **state)
{
    (void)state;
    struct push_troubles t = {0};
    for (int i = 0; i < 10 * PUSH_CAUSES_MAX; i++)
        assert_true(push_trouble_begin(&t, PUSH_TROUBLE_REFUSAL, i, (uint64_t)(i + 1)));
    for (int i = 9 * PUSH_CAUSES_MAX; i < 10 * PUSH_CAUSES_MAX; i++)
        assert_false(push_trouble_begin(&t, PUSH_TROUBLE_REFUSAL, i, 1000));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cause_is_told_of_once_in_a_trouble),
        cmocka_unit_test(a_flapping_trouble_is_not_told_of_all_the_time),
        cmocka_unit_test(a_later_trouble_is_told_of_though_the_last_was_near),
        cmocka_unit_test(what_passes_is_told_of_every_hour),
        cmocka_unit_test(causes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
