/* The simulated tier: who its containers are, the same numbers everywhere, only what it may give,
 * and its part in a round. */
#include "base/text.h"
#include "collectors/simulated_model.h"
#include "count_malloc.h"
#include "simulated_fixture.h"

#include <string.h>

static void says_what_it_is(void **state)
{
    struct fixture *f = *state;
    const struct collector_kind *kind = f->collector->kind;
    assert_string_equal(kind->name, "simulated");
    assert_int_equal(kind->tier, TIER_SIMULATED);
    assert_int_equal(kind->check(f->collector, NULL), 0);
    collect(f, f->collector, &f->part, START);
    assert_int_equal(f->part.row_count, CONTAINERS);
    assert_int_equal(f->part.problem_count, 0);
    assert_int_equal(f->part.point_count, 1);
    assert_int_equal(f->part.points[0].metric, AGENT_SIMULATED);
    assert_int_equal(f->part.points[0].value, 1);
}

static void no_containers_is_an_empty_part(void **state)
{
    struct fixture *f = *state;
    struct collector *none = make(f, 0, SEED);
    collect(f, none, &f->part, START);
    assert_int_equal(f->part.row_count, 0);
    assert_int_equal(f->part.point_count, 1);
    none->kind->close(none);
}

static const struct label *find_label(const struct identity *i, const char *name)
{
    for (size_t n = 0; n < i->label_count; n++)
        if (strcmp(i->labels[n].name, name) == 0)
            return &i->labels[n];
    return NULL;
}

static void identities_are_marked_and_complete(void **state)
{
    struct fixture *f = *state;
    collect(f, f->collector, &f->part, START);
    for (size_t n = 0; n < f->part.row_count; n++) {
        const struct identity *i = f->part.rows[n].identity;
        assert_true(i->simulated);
        assert_string_equal(i->engine, "simulated");
        assert_true(text_is_container_id(i->container_id, strlen(i->container_id)));
        assert_true(text_starts_with(i->cgroup_path, "/simulated/"));
        assert_string_equal(i->cgroup_path + strlen("/simulated/"), i->container_id);
        assert_true(text_starts_with(i->name, "sim-"));
        assert_true(strlen(i->image) > 0);
        assert_true(i->started_ns > 0 && i->started_ns <= START);
        assert_true(i->created_ns > 0 && i->created_ns <= i->started_ns);
        assert_false(i->local); /* on no host */
        for (size_t l = 1; l < i->label_count; l++)
            assert_true(strcmp(i->labels[l - 1].name, i->labels[l].name) < 0);
        for (size_t other = 0; other < n; other++) {
            assert_string_not_equal(f->part.rows[other].identity->container_id, i->container_id);
            assert_string_not_equal(f->part.rows[other].identity->name, i->name);
        }
    }
    const struct identity *first = f->part.rows[0].identity;
    assert_string_equal(first->name, "sim-web-1");
    assert_string_equal(find_label(first, "container_label_com_docker_compose_project")->value,
                        "sim");
    assert_string_equal(find_label(first, "container_label_com_docker_compose_service")->value,
                        "web");
    assert_string_equal(
        find_label(first, "container_label_com_docker_compose_container_number")->value, "1");
}

/* Every present value has its tier in the list, and every value the tier may give is there for some
 * container. */
static void gives_exactly_what_the_list_allows(void **state)
{
    struct fixture *f = *state;
    collect(f, f->collector, &f->part, START);
    container_bits container = 0;
    uint64_t interface = UINT64_MAX;
    uint64_t device = UINT64_MAX;
    size_t two_interfaces = 0;
    size_t two_devices = 0;
    for (size_t n = 0; n < f->part.row_count; n++) {
        const struct container_row *row = &f->part.rows[n];
        assert_true((row->unlimited & ~row->present) == 0);
        container |= row->present;
        assert_in_range(row->interface_count, 1, 2);
        assert_in_range(row->device_count, 1, 2);
        two_interfaces += row->interface_count == 2;
        two_devices += row->device_count == 2;
        for (size_t i = 0; i < row->interface_count; i++)
            interface &= row->interfaces[i].present;
        for (size_t i = 0; i < row->device_count; i++)
            device &= row->devices[i].present;
        for (enum metric_group g = 0; g < GROUP_COUNT; g++)
            assert_int_equal(row->tiers[g], TIER_SIMULATED);
    }
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        assert_int_equal((unsigned)(container >> m) & 1,
                         (container_metrics[m].tiers & TIERS_S) != 0);
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        assert_int_equal((interface >> m) & 1, (interface_metrics[m].tiers & TIERS_S) != 0);
    for (unsigned m = 0; m < DEVICE_METRICS; m++)
        assert_int_equal((device >> m) & 1, (device_metrics[m].tiers & TIERS_S) != 0);
    assert_in_range(two_interfaces, 1, CONTAINERS - 1);
    assert_in_range(two_devices, 1, CONTAINERS - 1);
}

static void assert_same_interfaces(const struct container_row *a, const struct container_row *b)
{
    assert_int_equal(a->interface_count, b->interface_count);
    for (size_t i = 0; i < a->interface_count; i++) {
        assert_string_equal(a->interfaces[i].name, b->interfaces[i].name);
        assert_memory_equal(a->interfaces[i].values, b->interfaces[i].values,
                            sizeof a->interfaces[i].values);
    }
}

static void assert_same_devices(const struct container_row *a, const struct container_row *b)
{
    assert_int_equal(a->device_count, b->device_count);
    for (size_t i = 0; i < a->device_count; i++) {
        assert_string_equal(a->devices[i].name, b->devices[i].name);
        assert_memory_equal(a->devices[i].values, b->devices[i].values,
                            sizeof a->devices[i].values);
    }
}

static void assert_same_parts(const struct part *a, const struct part *b)
{
    assert_int_equal(a->row_count, b->row_count);
    for (size_t n = 0; n < a->row_count; n++) {
        const struct container_row *x = &a->rows[n];
        const struct container_row *y = &b->rows[n];
        assert_true(identity_same_container(x->identity, y->identity));
        assert_string_equal(x->identity->name, y->identity->name);
        assert_int_equal(x->identity->started_ns, y->identity->started_ns);
        assert_int_equal(x->identity->created_ns, y->identity->created_ns);
        assert_true(x->present == y->present);
        assert_true(x->unlimited == y->unlimited);
        assert_int_equal(x->cpu_sampled_ns, y->cpu_sampled_ns);
        assert_memory_equal(x->values, y->values, sizeof x->values);
        assert_same_interfaces(x, y);
        assert_same_devices(x, y);
    }
}

/* The collector of the fixture, which has seen other moments, and a fresh one agree at `now_ns`. */
static void assert_same_as_fresh(struct fixture *f, uint64_t now_ns)
{
    collect(f, f->collector, &f->part, now_ns);
    struct collector *fresh = make(f, CONTAINERS, SEED);
    struct part part = {0};
    collect(f, fresh, &part, now_ns);
    assert_same_parts(&f->part, &part);
    part_done(&part);
    fresh->kind->close(fresh);
}

static void values_depend_on_seed_and_clock_alone(void **state)
{
    for (uint64_t at = 0; at < 40 * DAY; at += 2 * HOUR + 7)
        assert_same_as_fresh(*state, START + at);
    assert_same_as_fresh(*state, START + 39 * DAY); /* the clock was set back */
    assert_same_as_fresh(*state, START - 300 * DAY);
}

static void container_is_replaced_within_a_month(void **state)
{
    struct fixture *f = *state;
    struct part later = {0};
    collect(f, f->collector, &f->part, START);
    collect(f, f->collector, &later, START + 30 * DAY);
    for (size_t n = 0; n < CONTAINERS; n++) {
        const struct container_row *old = &f->part.rows[n];
        const struct container_row *new = &later.rows[n];
        assert_false(identity_same_container(old->identity, new->identity));
        assert_string_equal(old->identity->name, new->identity->name);
        assert_true(new->identity->created_ns > START);
    }
    part_done(&later);
}

static void another_seed_gives_other_containers(void **state)
{
    struct fixture *f = *state;
    collect(f, f->collector, &f->part, START);
    struct collector *other = make(f, CONTAINERS, SEED + 1);
    struct part part = {0};
    collect(f, other, &part, START);
    size_t same = 0;
    for (size_t n = 0; n < CONTAINERS; n++) {
        assert_false(identity_same_container(part.rows[n].identity, f->part.rows[n].identity));
        same +=
            part.rows[n].values[CONTAINER_CPU_USAGE] == f->part.rows[n].values[CONTAINER_CPU_USAGE];
    }
    assert_int_equal(same, 0);
    part_done(&part);
    other->kind->close(other);
}

static void clock_near_1970_is_allowed(void **state)
{
    struct fixture *f = *state;
    static const uint64_t moments[] = {0, 1, NS_PER_MS, NS_PER_SECOND, HOUR, 29 * DAY, 31 * DAY};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        collect(f, f->collector, &f->part, moments[i]);
        for (size_t n = 0; n < f->part.row_count; n++) {
            assert_true(f->part.rows[n].identity->started_ns > 0);
            assert_true(f->part.rows[n].values[CONTAINER_CPU_USAGE] <= moments[i] * 8);
        }
    }
}

static void cancel_ends_the_round_without_an_answer(void **state)
{
    struct fixture *f = *state;
    const struct round round = {.number = 1};
    const struct collector_kind *kind = f->collector->kind;
    kind->collect(f->collector, &round, &f->part, answered, f);
    kind->cancel(f->collector);
    assert_int_equal(f->part.row_count, CONTAINERS);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->answers, 0);
    kind->cancel(f->collector);
    kind->close_idle(f->collector);
    collect(f, f->collector, &f->part, START);
}

static void close_while_a_round_waits(void **state)
{
    struct fixture *f = *state;
    const struct round round = {.number = 1};
    f->collector->kind->collect(f->collector, &round, &f->part, answered, f);
    f->collector->kind->close(f->collector);
    f->collector = NULL;
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->answers, 0);
    assert_string_equal(f->part.rows[0].identity->name, "sim-web-1"); /* the part's own reference */
}

static void steady_round_allocates_nothing(void **state)
{
    if (!COUNTS_MALLOC) {
        print_message("SKIP: the sanitizers bring an allocator of their own\n");
        skip();
    }
    struct fixture *f = *state;
    for (uint64_t i = 0; i < 3; i++)
        collect(f, f->collector, &f->part, START + i);
    const struct identity *first = f->part.rows[0].identity;
    size_t before = allocations;
    for (uint64_t i = 3; i < 1000; i++)
        collect(f, f->collector, &f->part, START + i);
    assert_int_equal(allocations - before, 0);
    assert_ptr_equal(f->part.rows[0].identity, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(says_what_it_is),
        CASE(no_containers_is_an_empty_part),
        CASE(identities_are_marked_and_complete),
        CASE(gives_exactly_what_the_list_allows),
        CASE(values_depend_on_seed_and_clock_alone),
        CASE(container_is_replaced_within_a_month),
        CASE(another_seed_gives_other_containers),
        CASE(clock_near_1970_is_allowed),
        CASE(cancel_ends_the_round_without_an_answer),
        CASE(close_while_a_round_waits),
        CASE(steady_round_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
