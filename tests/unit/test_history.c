/* The table of what is remembered of each container. */
#include "base/clock.h"
#include "collectors/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 5000 /* containers: enough to grow the table several times */

static const struct identity *make(const char *engine, const char *id, uint64_t started_ns)
{
    struct identity *i = identity_new(engine, id);
    i->started_ns = started_ns;
    return i;
}

static const struct identity *make_numbered(size_t number)
{
    char id[32];
    (void)snprintf(id, sizeof id, "%zx", number);
    return make("e", id, 1);
}

static void get_finds_what_was_added(void **state)
{
    (void)state;
    struct history_table t = {0};
    const struct identity *a = make("e", "one", 1);
    const struct identity *same = make("e", "one", 1);
    assert_null(history_table_find(&t, a));
    struct history *h = history_table_get(&t, a);
    assert_ptr_equal(history_table_get(&t, same), h);
    assert_ptr_equal(history_table_find(&t, a), h);
    assert_int_equal(t.count, 1);
    history_table_done(&t);
    assert_int_equal(a->references, 1);
    assert_int_equal(same->references, 1);
    identity_unref(a);
    identity_unref(same);
}

static void engine_and_id_are_told_apart(void **state)
{
    (void)state;
    struct history_table t = {0};
    const struct identity *ids[] = {make("ab", "c", 1), make("a", "bc", 1), make("b", "c", 1)};
    for (size_t i = 0; i < 3; i++)
        (void)history_table_get(&t, ids[i]);
    assert_int_equal(t.count, 3);
    history_table_done(&t);
    for (size_t i = 0; i < 3; i++)
        identity_unref(ids[i]);
}

static void another_instance_empties_the_samples(void **state)
{
    (void)state;
    struct history_table t = {0};
    const struct identity *first = make("e", "one", 1);
    const struct identity *copy = make("e", "one", 1);
    const struct identity *second = make("e", "one", 2);
    struct history *h = history_table_get(&t, first);
    (void)cpu_history_add(&h->cpu, (struct cpu_sample){NS_PER_SECOND, 5});
    assert_ptr_equal(history_table_get(&t, copy), h);
    assert_int_equal(h->cpu.count, 1);
    assert_ptr_equal(history_table_get(&t, second), h);
    assert_int_equal(h->cpu.count, 0);
    /* Only the newest identity is held. */
    assert_int_equal(first->references, 1);
    assert_int_equal(copy->references, 1);
    assert_int_equal(second->references, 2);
    history_table_done(&t);
    identity_unref(first);
    identity_unref(copy);
    identity_unref(second);
}

static void unseen_for_five_minutes_is_dropped(void **state)
{
    (void)state;
    struct history_table t = {0};
    const struct identity *stays = make("e", "stays", 1);
    const struct identity *goes = make("e", "goes", 1);
    uint64_t now_ns = 50 * NS_PER_SECOND;
    (void)history_table_get(&t, stays);
    (void)history_table_get(&t, goes);
    history_table_end_round(&t, now_ns);
    (void)history_table_get(&t, stays);
    history_table_end_round(&t, now_ns + HISTORY_UNSEEN_MAX_NS - 1);
    assert_non_null(history_table_find(&t, goes));
    (void)history_table_get(&t, stays);
    history_table_end_round(&t, now_ns + HISTORY_UNSEEN_MAX_NS);
    assert_null(history_table_find(&t, goes));
    assert_non_null(history_table_find(&t, stays));
    assert_int_equal(t.count, 1);
    assert_int_equal(goes->references, 1);
    history_table_done(&t);
    identity_unref(stays);
    identity_unref(goes);
}

static void seen_again_starts_the_five_minutes_anew(void **state)
{
    (void)state;
    struct history_table t = {0};
    const struct identity *a = make("e", "a", 1);
    uint64_t now_ns = NS_PER_SECOND;
    for (int i = 0; i < 5; i++) {
        (void)history_table_get(&t, a);
        history_table_end_round(&t, now_ns);
        history_table_end_round(&t, now_ns + HISTORY_UNSEEN_MAX_NS / 2);
        now_ns += HISTORY_UNSEEN_MAX_NS * 3 / 4;
    }
    assert_non_null(history_table_find(&t, a));
    /* A long pause without rounds drops nothing that the next one sees. */
    (void)history_table_get(&t, a);
    history_table_end_round(&t, now_ns + 100 * HISTORY_UNSEEN_MAX_NS);
    assert_non_null(history_table_find(&t, a));
    history_table_done(&t);
    identity_unref(a);
}

static void grows_and_shrinks_with_what_it_holds(void **state)
{
    (void)state;
    struct history_table t = {0};
    static const struct identity *ids[MANY];
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = make_numbered(i);
        (void)history_table_get(&t, ids[i]);
    }
    assert_int_equal(t.count, MANY);
    assert_true(t.bucket_count >= MANY);
    history_table_end_round(&t, NS_PER_SECOND);
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(history_table_find(&t, ids[i]));

    for (size_t i = 0; i < MANY; i += 100)
        (void)history_table_get(&t, ids[i]);
    history_table_end_round(&t, NS_PER_SECOND + HISTORY_UNSEEN_MAX_NS);
    assert_int_equal(t.count, MANY / 100);
    assert_true(t.bucket_count <= 16 * t.count);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(history_table_find(&t, ids[i]) != NULL, i % 100 == 0);
    history_table_done(&t);
    for (size_t i = 0; i < MANY; i++)
        identity_unref(ids[i]);
}

static void chains_stay_short(void **state)
{
    (void)state;
    struct history_table t = {0};
    for (size_t i = 0; i < MANY; i++) {
        const struct identity *id = make_numbered(i);
        (void)history_table_get(&t, id);
        identity_unref(id);
    }
    size_t longest = 0;
    for (size_t i = 0; i < t.bucket_count; i++) {
        size_t length = 0;
        for (const struct history *h = t.buckets[i]; h; h = h->next)
            length++;
        longest = length > longest ? length : longest;
    }
    assert_in_range(longest, 1, 12); /* random keys at this fill: 7 or so */
    history_table_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_finds_what_was_added),
        cmocka_unit_test(engine_and_id_are_told_apart),
        cmocka_unit_test(another_instance_empties_the_samples),
        cmocka_unit_test(unseen_for_five_minutes_is_dropped),
        cmocka_unit_test(seen_again_starts_the_five_minutes_anew),
        cmocka_unit_test(grows_and_shrinks_with_what_it_holds),
        cmocka_unit_test(chains_stay_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
