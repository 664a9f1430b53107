/* What the engine tier tells the others: who is who, in the inventory, and in its rows how well it
 * knows and whose values step back. */
#include "tests/unit/fake_engine.h"

#include "collectors/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *id_of(char letter)
{
    static char id[65];
    memset(id, letter, 64);
    return id;
}

static const struct inventory_entry *known(char letter)
{
    return inventory_find(fake.inventory, id_of(letter));
}

/* What the tier tells. */

static void test_inventory_is_told(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running")->pid = 4711;
    fake_add('b', "old", "exited");
    round_whole();
    assert_int_equal(inventory_count(fake.inventory), 2);
    const struct inventory_entry *e = known('a');
    assert_non_null(e);
    assert_ptr_equal(e->identity, row_of('a')->identity);
    assert_int_equal(e->source, INVENTORY_ENGINE);
    assert_false(e->hidden);
    assert_int_equal(e->pid, 4711);
    assert_int_equal(e->network, REASON_NONE);
    assert_int_equal(e->told_ns, fake.now_ns);
    assert_int_equal(known('b')->pid, 0);
    fake_end();
}

static void test_network_modes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        enum reason reason;
    } cases[] = {{"bridge", REASON_NONE},
                 {"host", REASON_HOST_NETWORK},
                 {"none", REASON_NO_NETWORK},
                 {"container:0123", REASON_SHARED_NETWORK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_start(FAKE_HOST, NULL);
        fake_add('a', "web", "running")->network = cases[i].mode;
        round_whole();
        assert_int_equal(known('a')->network, cases[i].reason);
        fake_end();
    }
}

/* Who is left out is told too: whoever measures it must know. */
static void test_filters_are_told(void **state)
{
    (void)state;
    fake_start_in(NULL, "name=web*", FAKE_HOST);
    fake_add('a', "web1", "running");
    fake_add('b', "db", "running");
    round_whole();
    assert_false(known('a')->hidden);
    assert_true(known('b')->hidden);
    fake_get('b')->name = "web2";
    event("rename", 'b');
    round_whole();
    assert_false(known('b')->hidden);
    assert_string_equal(known('b')->identity->name, "web2");
    fake_end();
}

static void test_changes_are_told(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    uint64_t generation = inventory_generation(fake.inventory);
    round_whole();
    assert_true(inventory_generation(fake.inventory) == generation); /* nothing changed */
    fake_get('a')->started_s = 900;
    event("start", 'a');
    round_whole();
    assert_true(inventory_generation(fake.inventory) != generation);
    assert_int_equal(known('a')->identity->started_ns, (FAKE_EPOCH_S + 900) * NS_PER_SECOND);
    fake_end();
}

static void test_removal_is_told(void **state)
{
    (void)state;
    static const char *const ways[] = {"destroy", "list", "inspect"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        fake_start(FAKE_HOST, NULL);
        fake_add('a', "web", "running");
        fake_add('b', "db", "running");
        round_whole();
        assert_non_null(known('b'));
        fake_remove('b');
        if (i == 0)
            event("destroy", 'b');
        else if (i == 1)
            advance_ms(61000); /* the list no longer has it */
        else
            event("update", 'b'); /* and inspect finds nothing */
        round_whole();
        assert_null(known('b'));
        assert_non_null(known('a'));
        fake_end();
    }
}

/* An engine that is away, or forgotten, removed nothing. */
static void test_engine_away_removes_nothing(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    events_end(REASON_ENDED_EARLY);
    for (unsigned i = 0; i < 8; i++) {
        round_begin();
        while (calls_open("") > 0)
            answer_failure("", REASON_CONNECTION_REFUSED);
        assert_true(round_is_done());
        assert_non_null(known('a'));
        advance_ms(61000);
    }
    assert_null(row_of('a')); /* the engine's own memory of it is gone */
    assert_string_equal(known('a')->identity->name, "web");
    fake_end();
}

/* Containers of another host are nothing that this one's files know. */
static void test_remote_engine_tells_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool here;
    } cases[] = {{"tcp://engine.example:2375", false},
                 {"https://engine.example:2376", false},
                 {"tcp://127.0.0.1:2375", true},
                 {"https://localhost:2376", true},
                 {FAKE_HOST, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_start(cases[i].host, NULL);
        fake_add('a', "web", "running");
        round_whole();
        expect_values('a');
        assert_int_equal(row_of('a')->identity->local, cases[i].here);
        assert_int_equal(known('a') != NULL, cases[i].here);
        event("destroy", 'a');
        fake_end();
    }
}

/* How well it knows, and whose values step back. */

static void test_knows_all_while_it_answers(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "old", "exited");
    round_whole();
    assert_int_equal(row_of('a')->knowledge, KNOWS_ALL);
    assert_int_equal(row_of('b')->knowledge, KNOWS_ALL);
    events_end(REASON_ENDED_EARLY);
    round_begin();
    answer_failure(EVENTS, REASON_CONNECTION_REFUSED);
    assert_true(round_is_done());
    assert_int_equal(row_of('a')->knowledge, KNOWS_OF_OLD);
    assert_int_equal(row_of('b')->knowledge, KNOWS_OF_OLD);
    round_whole();
    assert_int_equal(row_of('a')->knowledge, KNOWS_ALL);
    fake_end();
}

/* Stuck is away, too. */
static void test_stuck_engine_knows_of_old(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    round_whole();
    round_begin();
    advance_ms(2000);
    round_cancel();
    expect_absent('a', REASON_TIMEOUT);
    assert_int_equal(row_of('a')->knowledge, KNOWS_OF_OLD);
    fake_end();
}

/* One container hangs, the engine does not: its word on the container counts. */
static void test_stuck_container_is_known(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
    round_whole();
    hold(stats_of('a'));
    round_begin();
    serve();
    advance_ms(2000);
    round_cancel();
    expect_absent('a', REASON_TIMEOUT);
    assert_int_equal(row_of('a')->knowledge, KNOWS_ALL);
    fake_end();
}

/* An answer that comes while the list is read is the engine's word as any other. */
static void test_late_answer_while_listing(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
    round_whole();
    hold(stats_of('a'));
    round_begin();
    serve();
    advance_ms(2000);
    round_cancel();
    hold_none();
    advance_ms(61000); /* the list is due */
    round_begin();
    assert_int_equal(calls_open(LIST), 1);
    answer_as_fake(stats_of('a'));
    serve();
    assert_true(round_is_done());
    expect_values('a');
    assert_int_equal(row_of('b')->knowledge, KNOWS_ALL);
    assert_int_equal(row_of('a')->knowledge, KNOWS_ALL);
    fake_end();
}

static unsigned all_but_inspected(void)
{
    unsigned groups = 0;
    for (enum metric_group g = 0; g < GROUP_COUNT; g++)
        if (g != GROUP_SPEC && g != GROUP_LIFE && g != GROUP_DISK)
            groups |= 1U << g;
    return groups;
}

/* Which groups step back; those there are not say nothing. */
static unsigned yields_of(char letter)
{
    return row_of(letter)->yields & ((1U << GROUP_COUNT) - 1);
}

/* Podman lacks or rounds what the kernel has; limits are what was asked of it all the same. */
static void test_podman_yields(void **state)
{
    (void)state;
    for (unsigned podman = 0; podman < 2; podman++) {
        fake_start(FAKE_HOST, NULL);
        fake.podman = podman;
        fake.version = podman ? "5.4.0" : "25.0.3";
        fake_add('a', "web", "running");
        round_whole();
        assert_int_equal(yields_of('a'), podman ? all_but_inspected() : 0);
        fake_end();
    }
}

/* An answer of before the round is older than what a tier reads in it. */
static void test_old_answer_yields(void **state)
{
    (void)state;
    fake_start(FAKE_HOST, NULL);
    fake_add('a', "web", "running");
    fake_add('b', "db", "running");
    round_whole();
    assert_int_equal(yields_of('a'), 0);
    hold(stats_of('a'));
    round_begin();
    serve();
    advance_ms(2000);
    round_cancel();
    hold_none();
    advance_ms(500);
    serve(); /* between the rounds */
    advance_ms(500);
    hold(stats_of('a'));
    round_begin();
    serve();
    advance_ms(2000);
    round_cancel();
    expect_values('a');
    assert_int_equal(yields_of('a'), all_but_inspected());
    expect_values('b');
    assert_int_equal(yields_of('b'), 0);
    fake_end();
}

static void test_version_of_cgroups(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 2; version++) {
        fake_start(FAKE_HOST, NULL);
        fake.cgroup_version = version == 1 ? "1" : "2";
        fake_add('a', "web", "running");
        fake_add('b', "old", "exited");
        round_whole();
        assert_int_equal(row_of('a')->cgroup_version, version);
        assert_int_equal(row_of('b')->cgroup_version, version);
        assert_int_equal(row_of('a')->tiers[GROUP_BLOCK_IO],
                         version == 1 ? TIER_NONE : TIER_ENGINE);
        assert_int_equal(row_of('a')->absent[GROUP_BLOCK_IO],
                         version == 1 ? REASON_NOT_GIVEN : REASON_NONE);
        fake_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inventory_is_told),
        cmocka_unit_test(test_network_modes_are_told),
        cmocka_unit_test(test_filters_are_told),
        cmocka_unit_test(test_changes_are_told),
        cmocka_unit_test(test_removal_is_told),
        cmocka_unit_test(test_engine_away_removes_nothing),
        cmocka_unit_test(test_remote_engine_tells_nothing),
        cmocka_unit_test(test_knows_all_while_it_answers),
        cmocka_unit_test(test_stuck_engine_knows_of_old),
        cmocka_unit_test(test_stuck_container_is_known),
        cmocka_unit_test(test_late_answer_while_listing),
        cmocka_unit_test(test_podman_yields),
        cmocka_unit_test(test_old_answer_yields),
        cmocka_unit_test(test_version_of_cgroups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
