/* Whose word counts on who a container is and how it does: of the one that runs it, of the one that
 * sees it, of the one that has heard of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "merge_fixture.h"

#define HOST_ROWS 500 /* containers in the test of many */

static struct container_row *add_word(struct part *part, const char *engine, const char *name,
                                      enum knowledge knowledge, enum container_state state)
{
    struct container_row *row = add_local(part, engine, "1", name);
    row->knowledge = knowledge;
    row->state = state;
    return row;
}

static void test_who_knows_best(void **state)
{
    (void)state;
    for (enum knowledge a = KNOWS_OF_OLD; a <= KNOWS_ALL; a++) {
        for (enum knowledge b = KNOWS_OF_OLD; b <= KNOWS_ALL; b++) {
            struct fixture f = {0};
            (void)add_word(&f.parts[0], "unix:///a", "first", a, STATE_PAUSED);
            (void)add_word(&f.parts[1], "", "second", b, STATE_RUNNING);
            const struct container_row *row = merge_one(&f, 2);
            assert_string_equal(row->identity->name, b > a ? "second" : "first");
            assert_int_equal(row->state, b > a ? STATE_RUNNING : STATE_PAUSED);
            assert_int_equal(row->knowledge, b > a ? b : a);
            assert_int_equal(row->identity->references, 1);
            end(&f);
        }
    }
}

/* Of three the best, wherever it stands. */
static void test_best_of_three(void **state)
{
    (void)state;
    static const char *const names[] = {"first", "second", "third"};
    for (size_t best = 0; best < 3; best++) {
        struct fixture f = {0};
        for (size_t i = 0; i < 3; i++)
            (void)add_word(&f.parts[i], "", names[i],
                           i == best ? KNOWS_ALL : (enum knowledge)(i % 2),
                           i == best ? STATE_EXITED : STATE_RUNNING);
        const struct container_row *row = merge_one(&f, 3);
        assert_string_equal(row->identity->name, names[best]);
        assert_int_equal(row->state, STATE_EXITED);
        end(&f);
    }
}

/* Who sees it without knowing its name says how it does, not who it is. */
static void test_name_of_the_one_that_has_it(void **state)
{
    (void)state;
    for (unsigned seen_first = 0; seen_first < 2; seen_first++) {
        struct fixture f = {0};
        (void)add_word(&f.parts[seen_first], "unix:///a", "web", KNOWS_OF_OLD, STATE_PAUSED);
        (void)add_word(&f.parts[!seen_first], "", NULL, KNOWS_ALIVE, STATE_RUNNING);
        const struct container_row *row = merge_one(&f, 2);
        assert_string_equal(row->identity->name, "web");
        assert_string_equal(row->identity->engine, "unix:///a");
        assert_int_equal(row->state, STATE_RUNNING);
        assert_int_equal(row->knowledge, KNOWS_ALIVE);
        assert_int_equal(row->identity->references, 1);
        end(&f);
    }
}

static void test_nobody_has_a_name(void **state)
{
    (void)state;
    struct fixture f = {0};
    (void)add_word(&f.parts[0], "", NULL, KNOWS_ALIVE, STATE_RUNNING);
    (void)add_word(&f.parts[1], "", NULL, KNOWS_ALIVE, STATE_PAUSED);
    const struct container_row *row = merge_one(&f, 2);
    assert_null(row->identity->name);
    assert_int_equal(row->state, STATE_RUNNING);
    end(&f);
}

/* Who a container is and who measured it are two questions. */
static void test_values_do_not_follow_the_word(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct container_row *a =
        add_word(&f.parts[0], "unix:///a", "old", KNOWS_OF_OLD, STATE_RUNNING);
    give(a, TIER_ENGINE, GROUP_SPEC);
    row_set(a, CONTAINER_SPEC_MEMORY_LIMIT, 5);
    struct container_row *b = add_word(&f.parts[1], "", "new", KNOWS_ALIVE, STATE_PAUSED);
    give(b, TIER_CGROUP, GROUP_SPEC);
    row_set(b, CONTAINER_SPEC_MEMORY_LIMIT, 6);
    const struct container_row *row = merge_one(&f, 2);
    assert_string_equal(row->identity->name, "new");
    assert_int_equal(row->values[CONTAINER_SPEC_MEMORY_LIMIT], 5);
    assert_int_equal(row->tiers[GROUP_SPEC], TIER_ENGINE);
    end(&f);
}

static void test_birth_and_version(void **state)
{
    (void)state;
    static const struct {
        uint64_t births[2], birth;
        unsigned versions[2], version;
    } cases[] = {
        {{0, 7}, 7, {0, 2}, 2}, {{8, 7}, 8, {1, 2}, 1}, {{8, 0}, 8, {2, 0}, 2}, {{0}, 0, {0}, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = {0};
        for (size_t p = 0; p < 2; p++) {
            struct container_row *row = add_local(&f.parts[p], "", "1", "web");
            row->birth = cases[i].births[p];
            row->cgroup_version = cases[i].versions[p];
        }
        const struct container_row *row = merge_one(&f, 2);
        assert_int_equal(row->birth, cases[i].birth);
        assert_int_equal(row->cgroup_version, cases[i].version);
        end(&f);
    }
}

/* Hidden by one is hidden, with whatever others know of it. */
static void test_hidden_rows_go(void **state)
{
    (void)state;
    for (unsigned which = 1; which < 4; which++) {
        struct fixture f = {0};
        struct identity *kept = identity_new("", "2");
        struct identity *gone = identity_new("", "1");
        kept->local = gone->local = true;
        for (unsigned p = 0; p < 2; p++) {
            struct container_row *row = part_add_row(&f.parts[p], gone);
            row->hidden = (which >> p) & 1;
            row->knowledge = p == 0 ? KNOWS_ALL : KNOWS_ALIVE;
            give(row, TIER_CGROUP, GROUP_CPU);
            part_add_row(&f.parts[p], kept)->state = STATE_RUNNING;
        }
        const struct container_row *row = merge_one(&f, 2);
        assert_ptr_equal(row->identity, kept);
        assert_int_equal(kept->references, 2);
        assert_int_equal(gone->references, 1);
        end(&f);
        identity_unref(kept);
        identity_unref(gone);
    }
}

/* What is left keeps its order and its own values, and nothing leaks. */
static void test_many_hidden_rows(void **state)
{
    (void)state;
    struct fixture f = {0};
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < HOST_ROWS; i++) {
            char id[32];
            (void)snprintf(id, sizeof id, "%u", i);
            struct container_row *row = add_local(&f.parts[0], "", id, "web");
            row->hidden = i % 3 != round;
            row_set(row, CONTAINER_PIDS, i);
            (void)add_local(&f.parts[1], "", id, NULL);
        }
        const struct container_row *rows = merge(&f, 2);
        assert_int_equal(f.snapshot->row_count, (HOST_ROWS - round + 2) / 3);
        for (size_t i = 0; i < f.snapshot->row_count; i++)
            assert_int_equal(rows[i].values[CONTAINER_PIDS], i * 3 + round);
        snapshot_unref(f.snapshot);
        f.snapshot = NULL;
    }
    end(&f);
}

/* The engine is away. Where a tier sees this host, a container without a group there has ended: how
 * nobody can say. */
static void test_nobody_sees_it(void **state)
{
    (void)state;
    static const struct {
        bool sees_host;
        uint64_t birth; /* the kernel had it */
        enum knowledge knowledge;
        enum container_state before, after;
    } cases[] = {
        {true, 7, KNOWS_OF_OLD, STATE_RUNNING, STATE_UNKNOWN},
        {true, 7, KNOWS_OF_OLD, STATE_PAUSED, STATE_UNKNOWN},
        {true, 7, KNOWS_OF_OLD, STATE_EXITED, STATE_EXITED},
        {true, 7, KNOWS_OF_OLD, STATE_CREATED, STATE_CREATED},
        {true, 0, KNOWS_OF_OLD, STATE_RUNNING, STATE_RUNNING},
        {false, 7, KNOWS_OF_OLD, STATE_RUNNING, STATE_RUNNING},
        {true, 7, KNOWS_ALL, STATE_RUNNING, STATE_RUNNING},
        {true, 7, KNOWS_ALIVE, STATE_PAUSED, STATE_PAUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned seer = 0; seer < 2; seer++) {
            struct fixture f = {0};
            struct container_row *row = add_local(&f.parts[!seer], "e", "1", "web");
            row->birth = cases[i].birth;
            row->knowledge = cases[i].knowledge;
            row->state = cases[i].before;
            row_set(row, CONTAINER_LAST_SEEN, 5);
            f.parts[seer].sees_host = cases[i].sees_host;
            const struct container_row *merged = merge_one(&f, 2);
            assert_int_equal(merged->state, cases[i].after);
            assert_true(row_has(merged, CONTAINER_LAST_SEEN));
            assert_int_equal(merged->values[CONTAINER_LAST_SEEN], 5); /* it stands still */
            end(&f);
        }
    }
}

static void test_somebody_sees_it(void **state)
{
    (void)state;
    for (unsigned seer = 0; seer < 2; seer++) {
        struct fixture f = {0};
        (void)add_word(&f.parts[!seer], "unix:///a", "web", KNOWS_OF_OLD, STATE_RUNNING);
        (void)add_word(&f.parts[seer], "", NULL, KNOWS_ALIVE, STATE_PAUSED);
        f.parts[seer].sees_host = true;
        const struct container_row *row = merge_one(&f, 2);
        assert_int_equal(row->state, STATE_PAUSED);
        assert_string_equal(row->identity->name, "web");
        end(&f);
    }
}

/* When it was last known to run: who sees it now leaves that to the seal; what the one that could
 * not ask has kept counts only where nobody sees it. */
static void test_last_seen(void **state)
{
    (void)state;
    enum { NOT_SAID = 0 };
    static const struct {
        enum knowledge knows[2];
        uint64_t seen[2]; /* NOT_SAID: the row leaves it open */
        uint64_t expected;
    } cases[] = {
        {{KNOWS_OF_OLD, KNOWS_ALIVE}, {5, NOT_SAID}, NOT_SAID},
        {{KNOWS_ALIVE, KNOWS_OF_OLD}, {NOT_SAID, 5}, NOT_SAID},
        {{KNOWS_ALL, KNOWS_ALIVE}, {5, NOT_SAID}, NOT_SAID},
        {{KNOWS_ALIVE, KNOWS_ALL}, {NOT_SAID, 5}, NOT_SAID},
        {{KNOWS_OF_OLD, KNOWS_OF_OLD}, {5, NOT_SAID}, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = {0};
        for (size_t p = 0; p < 2; p++) {
            struct container_row *row =
                add_word(&f.parts[p], "", "web", cases[i].knows[p], STATE_RUNNING);
            if (cases[i].seen[p] != NOT_SAID)
                row_set(row, CONTAINER_LAST_SEEN, cases[i].seen[p]);
        }
        const struct container_row *row = merge_one(&f, 2);
        assert_int_equal(row_has(row, CONTAINER_LAST_SEEN), cases[i].expected != NOT_SAID);
        if (cases[i].expected != NOT_SAID)
            assert_int_equal(row->values[CONTAINER_LAST_SEEN], cases[i].expected);
        end(&f);
    }
}

/* Known by a socket and by the kernel alone is one container; of another host it is another, though
 * its id is the same: that host may be this one's clone. */
static void test_local_containers_are_one(void **state)
{
    (void)state;
    struct fixture f = {0};
    (void)add_local(&f.parts[0], "unix:///run/docker.sock", "1", "web");
    (void)add(&f.parts[0], "tcp://far:2375", "1");
    (void)add(&f.parts[0], "tcp://other:2375", "1");
    (void)add_local(&f.parts[1], "", "1", NULL);
    (void)add_local(&f.parts[1], "", "2", NULL);
    (void)add_local(&f.parts[2], "unix:///run/user/1000/docker.sock", "2", "late");
    const struct container_row *rows = merge(&f, 3);
    assert_int_equal(f.snapshot->row_count, 4);
    assert_string_equal(rows[0].identity->name, "web");
    assert_string_equal(rows[1].identity->engine, "tcp://far:2375");
    assert_string_equal(rows[2].identity->engine, "tcp://other:2375");
    assert_string_equal(rows[3].identity->name, "late");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_knows_best),
        cmocka_unit_test(test_best_of_three),
        cmocka_unit_test(test_name_of_the_one_that_has_it),
        cmocka_unit_test(test_nobody_has_a_name),
        cmocka_unit_test(test_values_do_not_follow_the_word),
        cmocka_unit_test(test_birth_and_version),
        cmocka_unit_test(test_hidden_rows_go),
        cmocka_unit_test(test_many_hidden_rows),
        cmocka_unit_test(test_nobody_sees_it),
        cmocka_unit_test(test_somebody_sees_it),
        cmocka_unit_test(test_last_seen),
        cmocka_unit_test(test_local_containers_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
