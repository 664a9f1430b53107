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
    struct history *h = history_table_get(&t, a, 0);
    assert_ptr_equal(history_table_get(&t, same, 0), h);
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
        (void)history_table_get(&t, ids[i], 0);
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
    struct history *h = history_table_get(&t, first, 0);
    (void)cpu_history_add(&h->cpu, (struct cpu_sample){NS_PER_SECOND, 5});
    assert_ptr_equal(history_table_get(&t, copy, 0), h);
    assert_int_equal(h->cpu.count, 1);
    assert_ptr_equal(history_table_get(&t, second, 0), h);
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

/* What is known of an instance: its control group's birth and its start, 0 for unknown. */
struct seen {
    uint64_t birth, started_s;
};

/* Goes through `seen`; the entry's samples must stay until the last, which is another instance
 * where `another` says so. */
static void expect_instances(const struct seen *seen, size_t count, bool another)
{
    struct history_table t = {0};
    for (size_t i = 0; i < count; i++) {
        const struct identity *id = make("e", "one", seen[i].started_s * NS_PER_SECOND);
        struct history *h = history_table_get(&t, id, seen[i].birth);
        assert_int_equal(h->cpu.count, i < count - 1 || !another ? i : 0);
        (void)cpu_history_add(&h->cpu, (struct cpu_sample){(i + 1) * NS_PER_SECOND, i});
        if (seen[i].birth != 0)
            assert_int_equal(h->birth, seen[i].birth);
        identity_unref(id);
    }
    assert_int_equal(t.count, 1);
    history_table_done(&t);
}

#define INSTANCES(another, ...)                          \
    expect_instances((const struct seen[]){__VA_ARGS__}, \
                     sizeof((const struct seen[]){__VA_ARGS__}) / sizeof(struct seen), another)

static void one_birth_is_one_instance(void **state)
{
    (void)state;
    INSTANCES(false, {7, 1}, {7, 1}, {7, 1});
    INSTANCES(false, {7, 0}, {7, 0});
    INSTANCES(false, {7, 0}, {7, 1}); /* the engine is back and says when it began */
    INSTANCES(false, {7, 1}, {7, 0}); /* it is away, and nobody knows */
    INSTANCES(true, {7, 1}, {7, 2});  /* an inode is used again */
}

static void another_birth_is_another_instance(void **state)
{
    (void)state;
    INSTANCES(true, {7, 0}, {8, 0});
    INSTANCES(true, {7, 1}, {8, 1}); /* the start was read before the restart */
    INSTANCES(true, {7, 1}, {8, 0});
    INSTANCES(true, {7, 1}, {8, 2});
    INSTANCES(true, {7, 1}, {7, 1}, {8, 1});
}

static void without_a_birth_the_start_counts(void **state)
{
    (void)state;
    INSTANCES(false, {0, 1}, {0, 1});
    INSTANCES(false, {0, 0}, {0, 0});
    INSTANCES(true, {0, 1}, {0, 2});
    INSTANCES(true, {0, 0}, {0, 1}); /* an unknown start is one of its own */
    INSTANCES(true, {0, 1}, {0, 0});
}

/* The tiers take turns: one knows the birth, the other the start alone. */
static void one_birth_of_two_is_not_known(void **state)
{
    (void)state;
    INSTANCES(false, {7, 1}, {0, 1});
    INSTANCES(false, {0, 1}, {7, 1});
    INSTANCES(true, {7, 1}, {0, 2});
    INSTANCES(true, {0, 1}, {7, 2});
    INSTANCES(true, {7, 1}, {0, 0});
    INSTANCES(true, {0, 0}, {7, 1});
    INSTANCES(false, {7, 1}, {0, 1}, {7, 1});
    INSTANCES(true, {7, 1}, {0, 1}, {8, 1}); /* a birth is not forgotten */
}

static void new_instance_has_its_own_birth(void **state)
{
    (void)state;
    struct history_table t = {0};
    const struct identity *first = make("e", "one", 1);
    const struct identity *second = make("e", "one", 2);
    assert_int_equal(history_table_get(&t, first, 7)->birth, 7);
    assert_int_equal(history_table_get(&t, first, 0)->birth, 7);
    assert_int_equal(history_table_get(&t, second, 0)->birth, 0); /* not its predecessor's */
    assert_int_equal(history_table_get(&t, second, 8)->birth, 8);
    assert_int_equal(history_table_get(&t, second, 9)->birth, 9);
    history_table_done(&t);
    identity_unref(first);
    identity_unref(second);
}

/* A container of this host is one entry, whoever told of it: by a socket, or by the kernel alone.
 */
static void local_container_is_found_by_its_id(void **state)
{
    (void)state;
    struct history_table t = {0};
    struct identity *told = identity_new("unix:///run/docker.sock", "one");
    struct identity *seen = identity_new("", "one");
    struct identity *remote = identity_new("tcp://far:2375", "one");
    told->local = seen->local = true;
    struct history *h = history_table_get(&t, told, 7);
    (void)cpu_history_add(&h->cpu, (struct cpu_sample){NS_PER_SECOND, 5});
    assert_ptr_equal(history_table_get(&t, seen, 7), h);
    assert_int_equal(h->cpu.count, 1);
    assert_ptr_equal(h->identity, seen); /* the newest one is held */
    assert_int_equal(told->references, 1);
    assert_ptr_equal(history_table_find(&t, told), h);
    assert_null(history_table_find(&t, remote));
    assert_ptr_not_equal(history_table_get(&t, remote, 7), h);
    assert_int_equal(t.count, 2);
    history_table_done(&t);
    identity_unref(told);
    identity_unref(seen);
    identity_unref(remote);
}

static void unseen_for_five_minutes_is_dropped(void **state)
{
    (void)state;
    struct history_table t = {0};
    const struct identity *stays = make("e", "stays", 1);
    const struct identity *goes = make("e", "goes", 1);
    uint64_t now_ns = 50 * NS_PER_SECOND;
    (void)history_table_get(&t, stays, 0);
    (void)history_table_get(&t, goes, 0);
    history_table_end_round(&t, now_ns);
    (void)history_table_get(&t, stays, 0);
    history_table_end_round(&t, now_ns + HISTORY_UNSEEN_MAX_NS - 1);
    assert_non_null(history_table_find(&t, goes));
    (void)history_table_get(&t, stays, 0);
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
        (void)history_table_get(&t, a, 0);
        history_table_end_round(&t, now_ns);
        history_table_end_round(&t, now_ns + HISTORY_UNSEEN_MAX_NS / 2);
        now_ns += HISTORY_UNSEEN_MAX_NS * 3 / 4;
    }
    assert_non_null(history_table_find(&t, a));
    /* A long pause without rounds drops nothing that the next one sees. */
    (void)history_table_get(&t, a, 0);
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
        (void)history_table_get(&t, ids[i], 0);
    }
    assert_int_equal(t.count, MANY);
    assert_true(t.bucket_count >= MANY);
    history_table_end_round(&t, NS_PER_SECOND);
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(history_table_find(&t, ids[i]));

    for (size_t i = 0; i < MANY; i += 100)
        (void)history_table_get(&t, ids[i], 0);
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
        (void)history_table_get(&t, id, 0);
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
        cmocka_unit_test(one_birth_is_one_instance),
        cmocka_unit_test(another_birth_is_another_instance),
        cmocka_unit_test(without_a_birth_the_start_counts),
        cmocka_unit_test(one_birth_of_two_is_not_known),
        cmocka_unit_test(new_instance_has_its_own_birth),
        cmocka_unit_test(local_container_is_found_by_its_id),
        cmocka_unit_test(unseen_for_five_minutes_is_dropped),
        cmocka_unit_test(seen_again_starts_the_five_minutes_anew),
        cmocka_unit_test(grows_and_shrinks_with_what_it_holds),
        cmocka_unit_test(chains_stay_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
