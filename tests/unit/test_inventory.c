/* collectors/inventory.h: who is known, whose word counts, and when an instance is another one. */
#include "collectors/inventory.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DAY_NS (UINT64_C(24) * 3600 * NS_PER_SECOND)

static const struct identity *make_identity(const char *id, const char *name, uint64_t started_ns)
{
    struct identity *i = identity_new("unix:///run/docker.sock", id);
    struct label *labels = arena_alloc(&i->arena, 2 * sizeof *labels);
    labels[0] = (struct label){"container_label_a", "1"};
    labels[1] = (struct label){"container_label_b", "2"};
    i->local = true;
    i->name = arena_string(&i->arena, name);
    i->image = "shop:1";
    i->cgroup_path = "/docker/x";
    i->created_ns = 5;
    i->started_ns = started_ns;
    i->labels = labels;
    i->label_count = 2;
    return i;
}

/* Tells it with one reference, which the inventory then has alone. */
static bool tell(struct inventory *v, const char *id, const char *name,
                 enum inventory_source source, uint64_t now_ns)
{
    const struct identity *i = make_identity(id, name, 100);
    bool known = inventory_tell(v, &(struct inventory_telling){.identity = i,
                                                               .source = source,
                                                               .pid = 77,
                                                               .network = REASON_HOST_NETWORK,
                                                               .now_ns = now_ns});
    identity_unref(i);
    return known;
}

static const char *name_of(const struct inventory *v, const char *id)
{
    const struct inventory_entry *e = inventory_find(v, id);
    return e ? e->identity->name : "(none)";
}

static void test_nobody_is_known_at_first(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    uint64_t generation = inventory_generation(v);
    assert_int_equal(inventory_count(v), 0);
    assert_null(inventory_find(v, "a"));
    inventory_drop(v, "a");
    inventory_measured(v, "a", 1, 1, 1);
    inventory_expire(v, UINT64_MAX);
    assert_int_equal(inventory_count(v), 0);
    assert_int_equal(inventory_generation(v), generation);
    inventory_free(v);
    inventory_free(NULL);
}

static void test_what_was_told_is_found(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    const struct identity *i = make_identity("a", "web", 100);
    uint64_t generation = inventory_generation(v);
    assert_true(inventory_tell(v, &(struct inventory_telling){.identity = i,
                                                              .source = INVENTORY_FILES,
                                                              .hidden = true,
                                                              .pid = 12,
                                                              .network = REASON_NO_NETWORK,
                                                              .now_ns = 1000}));
    assert_int_equal(i->references, 2);
    assert_int_not_equal(inventory_generation(v), generation);
    const struct inventory_entry *e = inventory_find(v, "a");
    assert_non_null(e);
    assert_ptr_equal(e, inventory_at(v, 0));
    assert_ptr_equal(e->identity, i);
    assert_int_equal(e->source, INVENTORY_FILES);
    assert_true(e->hidden);
    assert_int_equal(e->pid, 12);
    assert_int_equal(e->network, REASON_NO_NETWORK);
    assert_int_equal(e->told_ns, 1000);
    assert_int_equal(e->seen_ns, 1000);
    assert_int_equal(e->birth, 0);
    assert_int_equal(e->measured_round, 0);
    assert_null(inventory_find(v, "A"));
    assert_null(inventory_find(v, ""));
    inventory_free(v);
    assert_int_equal(i->references, 1);
    identity_unref(i);
}

/* Every pair of sources: the word that is not weaker stays. */
static void test_the_stronger_word_counts(void **state)
{
    (void)state;
    for (enum inventory_source first = INVENTORY_REMEMBERED; first <= INVENTORY_ENGINE; first++) {
        for (enum inventory_source then = INVENTORY_REMEMBERED; then <= INVENTORY_ENGINE; then++) {
            struct inventory *v = inventory_new();
            assert_true(tell(v, "a", "first", first, 1));
            assert_true(tell(v, "a", "then", then, 2));
            assert_int_equal(inventory_count(v), 1);
            assert_string_equal(name_of(v, "a"), then >= first ? "then" : "first");
            assert_int_equal(inventory_find(v, "a")->source, then >= first ? then : first);
            inventory_free(v);
        }
    }
}

static void test_dropping(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    (void)tell(v, "a", "web", INVENTORY_ENGINE, 1);
    (void)tell(v, "b", "db", INVENTORY_ENGINE, 1);
    uint64_t generation = inventory_generation(v);
    inventory_drop(v, "c");
    assert_int_equal(inventory_generation(v), generation);
    inventory_drop(v, "a");
    assert_int_not_equal(inventory_generation(v), generation);
    assert_null(inventory_find(v, "a"));
    assert_string_equal(name_of(v, "b"), "db");
    /* Once it is gone any word may bring it back. */
    assert_true(tell(v, "a", "again", INVENTORY_REMEMBERED, 2));
    assert_string_equal(name_of(v, "a"), "again");
    inventory_free(v);
}

/* Many tellings and droppings by a plain generator, against a list of who must be there. */
static void test_against_a_list(void **state)
{
    (void)state;
    enum { IDS = 300, STEPS = 20000 };
    static bool there[IDS];
    uint32_t random = 1;
    size_t count = 0;
    struct inventory *v = inventory_new();
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t which = (random >> 8) % IDS;
        char id[16];
        (void)snprintf(id, sizeof id, "id%u", which);
        if (random >> 31) {
            inventory_drop(v, id);
            count -= there[which];
            there[which] = false;
        } else {
            assert_true(tell(v, id, id, INVENTORY_FILES, 1));
            count += !there[which];
            there[which] = true;
        }
        assert_int_equal(inventory_count(v), count);
    }
    for (uint32_t i = 0; i < IDS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "id%u", i);
        assert_string_equal(name_of(v, id), there[i] ? id : "(none)");
    }
    inventory_free(v);
}

static void test_a_full_one_takes_no_more(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    char id[16];
    for (unsigned i = 0; i < INVENTORY_MAX; i++) {
        (void)snprintf(id, sizeof id, "id%u", i);
        assert_true(tell(v, id, "web", INVENTORY_FILES, 1));
    }
    assert_false(tell(v, "new", "web", INVENTORY_ENGINE, 1));
    assert_null(inventory_find(v, "new"));
    assert_true(tell(v, "id7", "renamed", INVENTORY_ENGINE, 1));
    assert_string_equal(name_of(v, "id7"), "renamed");
    inventory_drop(v, "id8");
    assert_true(tell(v, "new", "web", INVENTORY_ENGINE, 1));
    assert_int_equal(inventory_count(v), INVENTORY_MAX);
    inventory_free(v);
}

static void test_the_first_group_is_its_own(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    (void)tell(v, "a", "web", INVENTORY_ENGINE, 10);
    uint64_t generation = inventory_generation(v);
    inventory_measured(v, "a", 4711, 3, 20);
    const struct inventory_entry *e = inventory_find(v, "a");
    assert_int_equal(e->birth, 4711);
    assert_int_equal(e->measured_round, 3);
    assert_int_equal(e->seen_ns, 20);
    assert_int_equal(e->told_ns, 10);
    assert_int_equal(e->identity->started_ns, 100);
    assert_int_not_equal(inventory_generation(v), generation);
    generation = inventory_generation(v);
    inventory_measured(v, "a", 4711, 4, 30);
    assert_int_equal(inventory_find(v, "a")->measured_round, 4);
    assert_int_equal(inventory_generation(v), generation);
    inventory_free(v);
}

/* It was started again while its engine was away: all but the start still holds. */
static void test_another_group_is_another_instance(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    (void)tell(v, "a", "web", INVENTORY_ENGINE, 10);
    inventory_measured(v, "a", 1, 1, 20);
    inventory_measured(v, "a", 2, 2, 30);
    const struct inventory_entry *e = inventory_find(v, "a");
    assert_int_equal(e->birth, 2);
    assert_int_equal(e->pid, 0);
    assert_int_equal(e->network, REASON_HOST_NETWORK);
    const struct identity *i = e->identity;
    assert_int_equal(i->started_ns, 0);
    assert_int_equal(i->created_ns, 5);
    assert_true(i->local);
    assert_string_equal(i->container_id, "a");
    assert_string_equal(i->engine, "unix:///run/docker.sock");
    assert_string_equal(i->name, "web");
    assert_string_equal(i->image, "shop:1");
    assert_string_equal(i->cgroup_path, "/docker/x");
    assert_int_equal(i->label_count, 2);
    assert_string_equal(i->labels[1].name, "container_label_b");
    assert_string_equal(i->labels[1].value, "2");
    /* Then the engine tells of the new one, and that was said after the reading. */
    const struct identity *started = make_identity("a", "web", 200);
    (void)inventory_tell(v, &(struct inventory_telling){
                                .identity = started, .source = INVENTORY_ENGINE, .now_ns = 40});
    identity_unref(started);
    assert_int_equal(inventory_find(v, "a")->birth, 0);
    inventory_measured(v, "a", 2, 3, 50);
    assert_int_equal(inventory_find(v, "a")->birth, 2);
    assert_int_equal(inventory_find(v, "a")->identity->started_ns, 200);
    inventory_free(v);
}

/* The reading is older than the word: nothing of the word is taken back. */
static void test_a_reading_before_the_telling(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    (void)tell(v, "a", "web", INVENTORY_ENGINE, 10);
    inventory_measured(v, "a", 1, 1, 20);
    (void)tell(v, "a", "web", INVENTORY_ENGINE, 40);
    inventory_measured(v, "a", 2, 2, 30);
    assert_int_equal(inventory_find(v, "a")->identity->started_ns, 100);
    assert_int_equal(inventory_find(v, "a")->birth, 1);
    assert_int_equal(inventory_find(v, "a")->measured_round, 2);
    inventory_free(v);
}

/* A word that says of which group it is. */
static void test_told_with_its_group(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    const struct identity *i = make_identity("a", "web", 100);
    struct inventory_telling telling = {
        .identity = i, .source = INVENTORY_REMEMBERED, .now_ns = 10, .birth = 5};
    assert_true(inventory_tell(v, &telling));
    assert_int_equal(inventory_find(v, "a")->birth, 5);
    inventory_measured(v, "a", 5, 1, 20);
    assert_int_equal(inventory_find(v, "a")->identity->started_ns, 100);
    telling.birth = 0; /* the same start without a group: what was seen stays */
    telling.now_ns = 30;
    assert_true(inventory_tell(v, &telling));
    assert_int_equal(inventory_find(v, "a")->birth, 5);
    inventory_measured(v, "a", 6, 2, 40);
    assert_int_equal(inventory_find(v, "a")->identity->started_ns, 0);
    identity_unref(i);
    inventory_free(v);
}

static void test_who_was_not_seen_for_a_day_is_forgotten(void **state)
{
    (void)state;
    struct inventory *v = inventory_new();
    (void)tell(v, "engine", "e", INVENTORY_ENGINE, 0);
    (void)tell(v, "files", "f", INVENTORY_FILES, 0);
    (void)tell(v, "remembered", "r", INVENTORY_REMEMBERED, 0);
    (void)tell(v, "measured", "m", INVENTORY_REMEMBERED, 0);
    inventory_measured(v, "measured", 1, 1, NS_PER_SECOND);
    uint64_t generation = inventory_generation(v);
    inventory_expire(v, DAY_NS - 1);
    assert_int_equal(inventory_count(v), 4);
    assert_int_equal(inventory_generation(v), generation);
    inventory_expire(v, DAY_NS);
    assert_int_equal(inventory_count(v), 2);
    assert_int_not_equal(inventory_generation(v), generation);
    assert_string_equal(name_of(v, "measured"), "m");
    inventory_expire(v, DAY_NS + NS_PER_SECOND);
    assert_int_equal(inventory_count(v), 1);
    assert_string_equal(name_of(v, "engine"), "e");
    inventory_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_known_at_first),
        cmocka_unit_test(test_what_was_told_is_found),
        cmocka_unit_test(test_the_stronger_word_counts),
        cmocka_unit_test(test_dropping),
        cmocka_unit_test(test_against_a_list),
        cmocka_unit_test(test_a_full_one_takes_no_more),
        cmocka_unit_test(test_the_first_group_is_its_own),
        cmocka_unit_test(test_another_group_is_another_instance),
        cmocka_unit_test(test_a_reading_before_the_telling),
        cmocka_unit_test(test_told_with_its_group),
        cmocka_unit_test(test_who_was_not_seen_for_a_day_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
