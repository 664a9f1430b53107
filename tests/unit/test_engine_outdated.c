/* An engine's late answer and what the kernel gave meanwhile: counters do not fall. The cgroup tier
 * is the test: it says in the inventory when it has read a container. */
#include "tests/unit/fake_engine.h"

#include "collectors/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BIRTH 77 /* inode of the container's group */

static void start_two(void)
{
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
    round_whole();
    expect_values('a');
    calls_forget();
}

/* A round that ends at its deadline, 2 s after its beginning, because a's stats do not come. */
static void round_without_a(void)
{
    hold(stats_of('a'));
    round_begin();
    serve();
    assert_false(round_is_done());
    advance_ms(2000);
    round_cancel();
    hold_none();
}

static void measure(char letter, uint64_t read_ns)
{
    char id[65] = {0};
    memset(id, letter, 64);
    assert_non_null(inventory_find(fake.inventory, id));
    inventory_measured(fake.inventory, id, BIRTH, fake.round_number, read_ns);
}

/* What becomes of an answer that was read at `late_ns` when the kernel was read `after_ms` later.
 */
static void check(char measured, int64_t after_ms, bool used)
{
    start_two();
    round_without_a();
    fake_get('a')->cpu_ns = 4242;
    serve(); /* the late answer */
    uint64_t late_ns = fake.now_ns;
    advance_ms(10000);
    measure(measured, (uint64_t)((int64_t)late_ns + after_ms * (int64_t)NS_PER_MS));
    round_without_a();
    if (used) {
        expect_values('a');
        assert_int_equal(row_of('a')->cpu_sampled_ns, late_ns);
    } else {
        expect_absent('a', REASON_TIMEOUT);
    }
    expect_values('b');
    fake_end();
}

static void test_older_than_the_kernels(void **state)
{
    (void)state;
    check('a', 1, false);
    check('a', 9000, false);
}

static void test_newer_than_the_kernels(void **state)
{
    (void)state;
    check('a', -1, true);
    check('a', -3000, true);
}

static void test_the_kernel_had_another(void **state)
{
    (void)state;
    check('b', 9000, true);
}

/* An answer that is dropped does not come back. */
static void test_dropped_for_good(void **state)
{
    (void)state;
    start_two();
    round_without_a();
    serve();
    advance_ms(1000);
    measure('a', fake.now_ns);
    round_without_a();
    expect_absent('a', REASON_TIMEOUT);
    hold(stats_of('a'));
    round_begin();
    serve();
    assert_true(round_is_done()); /* nobody waits for a call that has timed out before */
    hold_none();
    expect_absent('a', REASON_TIMEOUT);
    fake_end();
}

/* A fresh one counts, whatever the kernel has: the order of the tiers decides. */
static void test_fresh_answer(void **state)
{
    (void)state;
    start_two();
    round_without_a();
    serve();
    measure('a', fake.now_ns + 1);
    fake_get('a')->cpu_ns = 5000;
    round_whole();
    expect_cpu('a', 5000);
    fake_end();
}

/* The kernel of this host knows nothing of another's. */
static void test_remote_engine(void **state)
{
    (void)state;
    fake_start("tcp://engine.example:2375", NULL);
    fake_add('a', "web", "running");
    round_whole();
    round_without_a();
    fake_get('a')->cpu_ns = 4242;
    serve();
    advance_ms(1000);
    char id[65] = {0};
    memset(id, 'a', 64);
    inventory_measured(fake.inventory, id, BIRTH, fake.round_number, fake.now_ns);
    round_without_a();
    expect_values('a');
    fake_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_older_than_the_kernels),
        cmocka_unit_test(test_newer_than_the_kernels),
        cmocka_unit_test(test_the_kernel_had_another),
        cmocka_unit_test(test_dropped_for_good),
        cmocka_unit_test(test_fresh_answer),
        cmocka_unit_test(test_remote_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
