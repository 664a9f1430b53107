/* What is told of containers that have ended, and how their OOM kills are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "collectors/afterlife.h"

#define LINGER_MS  300000
#define BEGIN_REAL (UINT64_C(1700000000) * NS_PER_SECOND)

/* Rounds of made-up rows. */
struct fixture {
    struct afterlife *afterlife;
    struct snapshot *snapshot; /* of the round that is made, or was made last */
    uint64_t now_ns;           /* CLOCK_MONOTONIC */
    struct container_row rows[4];
    size_t count;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.afterlife = afterlife_new(LINGER_MS, 3), .now_ns = 1000 * NS_PER_SECOND};
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    snapshot_unref(f->snapshot);
    afterlife_free(f->afterlife);
    return 0;
}

/* A row of the coming round. */
static struct container_row *put_called(struct fixture *f, const char *id, const char *name,
                                        enum container_state state, uint64_t started_s)
{
    struct identity *identity = identity_new("", id);
    identity->local = true;
    identity->name = arena_string(&identity->arena, name);
    identity->started_ns = started_s * NS_PER_SECOND;
    struct container_row *row = &f->rows[f->count++];
    *row = (struct container_row){.identity = identity, .state = state};
    return row;
}

static struct container_row *put(struct fixture *f, const char *id, enum container_state state,
                                 uint64_t started_s)
{
    return put_called(f, id, id, state, started_s);
}

/* The kernel counted `kills` so far, in the control group `birth`, and was asked at the round's
 * begin. */
static void counted(struct fixture *f, struct container_row *row, uint64_t birth, uint64_t kills)
{
    row->birth = birth;
    row->tiers[GROUP_OOM] = TIER_CGROUP;
    row->kills_read_ns = f->now_ns;
    row_set(row, CONTAINER_OOM_KILLS, kills);
}

/* The engine told of `kills` so far, the last `before_ns` before the round. */
static void told(const struct fixture *f, struct container_row *row, uint64_t kills,
                 uint64_t before_ns)
{
    row->tiers[GROUP_LIFE] = TIER_ENGINE;
    row->kills_heard = true;
    row->kills_told = kills;
    row->kills_told_ns = kills > 0 ? f->now_ns - before_ns : 0;
}

static void run(struct fixture *f)
{
    snapshot_unref(f->snapshot);
    struct snapshot *s = f->snapshot = snapshot_new();
    s->monotonic_ns = f->now_ns;
    s->realtime_ns = BEGIN_REAL + f->now_ns;
    s->rows = arena_alloc(&s->arena, f->count * sizeof *s->rows);
    for (size_t i = 0; i < f->count; i++)
        s->rows[i] = f->rows[i];
    s->row_count = f->count;
    f->count = 0;
    for (size_t i = 0; i < s->row_count; i++)
        if (state_is_live(s->rows[i].state) && !row_has(&s->rows[i], CONTAINER_LAST_SEEN))
            row_set(&s->rows[i], CONTAINER_LAST_SEEN, s->realtime_ns / NS_PER_MS);
    afterlife_apply(f->afterlife, s);
}

static void pass(struct fixture *f, uint64_t seconds)
{
    f->now_ns += seconds * NS_PER_SECOND;
}

static const struct container_row *row_of(const struct fixture *f, const char *id)
{
    for (size_t i = 0; i < f->snapshot->row_count; i++)
        if (text_equal(f->snapshot->rows[i].identity->container_id, id))
            return &f->snapshot->rows[i];
    return NULL;
}

static void assert_kills(const struct fixture *f, const char *id, uint64_t kills)
{
    const struct container_row *row = row_of(f, id);
    assert_non_null(row);
    assert_true(row_has(row, CONTAINER_OOM_KILLS));
    assert_int_equal(row->values[CONTAINER_OOM_KILLS], kills);
}

static void assert_last_seen(const struct fixture *f, const char *id, uint64_t at_ns)
{
    const struct container_row *row = row_of(f, id);
    assert_non_null(row);
    assert_true(row_has(row, CONTAINER_LAST_SEEN));
    assert_int_equal(row->values[CONTAINER_LAST_SEEN], (BEGIN_REAL + at_ns) / NS_PER_MS);
}

static void test_last_seen_is_frozen_and_goes(void **state)
{
    struct fixture *f = *state;
    put(f, "a", STATE_RUNNING, 1);
    uint64_t seen_ns = f->now_ns;
    run(f);
    assert_last_seen(f, "a", seen_ns);
    for (unsigned i = 0; i < 2; i++) { /* without a row of its own */
        pass(f, 100);
        run(f);
        assert_int_equal(f->snapshot->row_count, 1);
        assert_last_seen(f, "a", seen_ns);
        assert_int_equal(f->snapshot->rows[0].state, STATE_UNKNOWN);
        assert_true(f->snapshot->rows[0].present == CONTAINER_BIT(CONTAINER_LAST_SEEN));
        assert_string_equal(f->snapshot->rows[0].identity->name, "a");
    }
    pass(f, 100);
    run(f);
    assert_int_equal(f->snapshot->row_count, 0);
}

static void test_a_stopped_row_gets_it(void **state)
{
    struct fixture *f = *state;
    put(f, "a", STATE_RUNNING, 1);
    uint64_t seen_ns = f->now_ns;
    run(f);
    pass(f, 299);
    put(f, "a", STATE_EXITED, 1);
    run(f);
    assert_int_equal(f->snapshot->row_count, 1);
    assert_last_seen(f, "a", seen_ns);
    pass(f, 1);
    put(f, "a", STATE_EXITED, 1);
    run(f);
    assert_int_equal(f->snapshot->row_count, 1);
    assert_false(row_has(row_of(f, "a"), CONTAINER_LAST_SEEN));
    pass(f, 1);
    run(f); /* and no row comes back when its own goes */
    assert_int_equal(f->snapshot->row_count, 0);
}

/* What was known when an engine that is away answered last stays, and counts from there. */
static void test_a_frozen_one_stays_frozen(void **state)
{
    struct fixture *f = *state;
    row_set(put(f, "a", STATE_RUNNING, 1), CONTAINER_LAST_SEEN, 12345);
    run(f);
    pass(f, 10);
    run(f);
    assert_int_equal(row_of(f, "a")->values[CONTAINER_LAST_SEEN], 12345);
}

static void test_one_that_ended_before_weir_began(void **state)
{
    struct fixture *f = *state;
    struct container_row *row = put(f, "a", STATE_EXITED, 1);
    uint64_t ended_ns = f->now_ns - 200 * NS_PER_SECOND;
    row_set(row, CONTAINER_FINISHED_TIME, (BEGIN_REAL + ended_ns) / NS_PER_MS);
    row = put(f, "b", STATE_EXITED, 1);
    row_set(row, CONTAINER_FINISHED_TIME,
            (BEGIN_REAL + f->now_ns - 400 * NS_PER_SECOND) / NS_PER_MS);
    run(f);
    assert_last_seen(f, "a", ended_ns);
    assert_false(row_has(row_of(f, "b"), CONTAINER_LAST_SEEN));
    pass(f, 100);
    run(f);
    assert_int_equal(f->snapshot->row_count, 0);
}

static void test_a_new_name_leaves_no_second_row(void **state)
{
    struct fixture *f = *state;
    put(f, "a", STATE_RUNNING, 1);
    run(f);
    put_called(f, "a", "b", STATE_RUNNING, 1);
    run(f);
    assert_int_equal(f->snapshot->row_count, 1);
    pass(f, 1);
    run(f);
    assert_int_equal(f->snapshot->row_count, 1);
    assert_string_equal(f->snapshot->rows[0].identity->name, "b");
}

static void test_too_many(void **state)
{
    struct fixture *f = *state;
    put(f, "a", STATE_RUNNING, 1);
    run(f);
    pass(f, 1);
    put(f, "b", STATE_RUNNING, 1);
    run(f);
    pass(f, 1);
    put(f, "c", STATE_RUNNING, 1);
    put(f, "d", STATE_RUNNING, 1);
    run(f);
    assert_int_equal(f->snapshot->row_count, 3); /* the oldest is given up, the live ones stay */
    assert_null(row_of(f, "a"));
    assert_non_null(row_of(f, "b"));
    assert_int_equal(afterlife_dropped(f->afterlife), 1);
}

/* One that lives is not given up for one that is new, in whatever order they come. */
static void test_the_living_keep_their_places(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 4);
    put(f, "b", STATE_RUNNING, 1);
    put(f, "c", STATE_RUNNING, 1);
    run(f);
    pass(f, 1);
    put(f, "d", STATE_RUNNING, 1);
    put(f, "b", STATE_RUNNING, 1);
    put(f, "c", STATE_RUNNING, 1);
    struct container_row *row = put(f, "a", STATE_EXITED, 1);
    row->kills_heard = true;
    run(f);
    assert_kills(f, "a", 4);
    assert_int_equal(afterlife_dropped(f->afterlife), 1);
    assert_int_equal(f->snapshot->row_count, 4);
}

static void test_the_kernel_counts_and_the_event_adds_nothing(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 0);
    run(f);
    assert_kills(f, "a", 0);
    pass(f, 15);
    struct container_row *row = put(f, "a", STATE_RUNNING, 1);
    counted(f, row, 7, 1);
    told(f, row, 1, NS_PER_SECOND);
    run(f);
    assert_kills(f, "a", 1);
    pass(f, 15);
    row = put(f, "a", STATE_EXITED, 1);
    told(f, row, 1, 16 * NS_PER_SECOND);
    row_set(row, CONTAINER_OOM_KILLED, 1);
    run(f);
    assert_kills(f, "a", 1); /* kept, and counted once */
    pass(f, 15);
    run(f);
    assert_kills(f, "a", 1); /* also where nobody has a row of it */
}

static void test_a_group_that_was_gone_before_it_was_read(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 2); /* two from before weir listened */
    run(f);
    assert_kills(f, "a", 2);
    pass(f, 15);
    struct container_row *row = put(f, "a", STATE_EXITED, 1);
    told(f, row, 1, NS_PER_SECOND);
    run(f);
    assert_kills(f, "a", 3);
    pass(f, 15); /* the next instance counts from 0 again: the sum goes on */
    counted(f, put(f, "a", STATE_RUNNING, 20), 8, 0);
    run(f);
    assert_kills(f, "a", 3);
    pass(f, 15);
    counted(f, put(f, "a", STATE_RUNNING, 20), 8, 1);
    run(f);
    assert_kills(f, "a", 4);
}

/* A restart: the kernel has the new group while the engine still tells of the run before. */
static void test_a_new_group_before_the_engine_knows(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 0);
    run(f);
    for (unsigned i = 1; i <= 3; i++) {
        pass(f, 1); /* the run was ended by a kill that no reading has */
        struct container_row *row = put(f, "a", STATE_RESTARTING, i);
        told(f, row, 1, NS_PER_SECOND / 2);
        row_set(row, CONTAINER_OOM_KILLED, 1);
        run(f);
        assert_kills(f, "a", i);
        pass(f, 1);
        row = put(f, "a", STATE_RESTARTING, i);
        counted(f, row, 7 + i, 0);
        told(f, row, 1, NS_PER_SECOND);
        row_set(row, CONTAINER_OOM_KILLED, 1);
        run(f);
        assert_kills(f, "a", i);
        pass(f, 1);
        row = put(f, "a", STATE_RUNNING, i + 1);
        counted(f, row, 7 + i, 0);
        told(f, row, 0, 0);
        run(f);
        assert_kills(f, "a", i);
    }
}

/* The group was read before the restart, the engine asked after it. */
static void test_a_reading_from_before_the_restart(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 1);
    run(f);
    pass(f, 15);
    counted(f, put(f, "a", STATE_RUNNING, 20), 7, 1);
    run(f);
    assert_kills(f, "a", 1);
    pass(f, 15);
    counted(f, put(f, "a", STATE_RUNNING, 20), 8, 1);
    run(f);
    assert_kills(f, "a", 2);
}

/* The count is read, then the event is heard, then the group goes: one kill. */
static void test_an_event_that_comes_after_the_reading(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 0);
    run(f);
    pass(f, 15);
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 1);
    run(f);
    assert_kills(f, "a", 1);
    pass(f, 1);
    told(f, put(f, "a", STATE_EXITED, 1), 1, NS_PER_MS);
    run(f);
    assert_kills(f, "a", 1);
}

/* The same in the first reading of a run whose begin was told: nothing is from before. */
static void test_an_event_that_comes_after_the_first_reading(void **state)
{
    struct fixture *f = *state;
    struct container_row *row = put(f, "a", STATE_RUNNING, 1);
    counted(f, row, 7, 1);
    told(f, row, 0, 0);
    row->kills_whole = true;
    run(f);
    assert_kills(f, "a", 1);
    pass(f, 1);
    row = put(f, "a", STATE_EXITED, 1);
    told(f, row, 1, NS_PER_MS);
    row->kills_whole = true;
    run(f);
    assert_kills(f, "a", 1);
}

/* The event is heard while the files are being read, from before the kill. */
static void test_an_event_while_it_is_read(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 0);
    run(f);
    pass(f, 15);
    struct container_row *row = put(f, "a", STATE_RUNNING, 1);
    counted(f, row, 7, 0);
    told(f, row, 1, 0);
    row->kills_told_ns = f->now_ns + NS_PER_MS;
    run(f);
    assert_kills(f, "a", 0); /* the kernel's word while the group lives */
    pass(f, 1);
    told(f, put(f, "a", STATE_EXITED, 1), 1, 2 * NS_PER_SECOND);
    run(f);
    assert_kills(f, "a", 1);
}

/* Notifications of cgroup v1 that come together, and one that killed nobody. */
static void test_events_that_are_not_one_to_one(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 0);
    run(f);
    for (unsigned i = 0; i < 2; i++) {
        pass(f, 15);
        struct container_row *row = put(f, "a", STATE_RUNNING, 1);
        counted(f, row, 7, 3);
        told(f, row, 1, NS_PER_SECOND);
        run(f);
        assert_kills(f, "a", 3);
    }
    pass(f, 15);
    told(f, put(f, "a", STATE_EXITED, 1), 2, NS_PER_SECOND);
    run(f);
    assert_kills(f, "a", 4);

    counted(f, put(f, "b", STATE_RUNNING, 1), 9, 0);
    run(f);
    pass(f, 15);
    struct container_row *row = put(f, "b", STATE_RUNNING, 1);
    counted(f, row, 9, 0);
    told(f, row, 1, NS_PER_SECOND);
    run(f);
    pass(f, 15);
    told(f, put(f, "b", STATE_EXITED, 1), 1, 16 * NS_PER_SECOND);
    run(f);
    assert_kills(f, "b", 0);
}

/* No kernel file and no event, but inspect says so. */
static void test_the_flag_alone(void **state)
{
    struct fixture *f = *state;
    put(f, "a", STATE_RUNNING, 1);
    run(f);
    assert_false(row_has(row_of(f, "a"), CONTAINER_OOM_KILLS)); /* nobody counts */
    for (unsigned i = 0; i < 3; i++) {
        pass(f, 15);
        row_set(put(f, "a", STATE_EXITED, 1), CONTAINER_OOM_KILLED, 1);
        run(f);
        assert_kills(f, "a", 1);
    }
    pass(f, 15);
    put(f, "a", STATE_RUNNING, 60);
    run(f);
    assert_kills(f, "a", 1);
    pass(f, 15);
    row_set(put(f, "a", STATE_EXITED, 60), CONTAINER_OOM_KILLED, 1);
    run(f);
    assert_kills(f, "a", 2);
}

/* An engine alone: what it tells of counts at once. */
static void test_the_engine_alone(void **state)
{
    struct fixture *f = *state;
    told(f, put(f, "a", STATE_RUNNING, 1), 0, 0);
    run(f);
    assert_kills(f, "a", 0);
    pass(f, 15);
    told(f, put(f, "a", STATE_RUNNING, 1), 2, NS_PER_SECOND);
    run(f);
    assert_kills(f, "a", 2);
    pass(f, 15); /* it was restarted: it counts the new instance */
    struct container_row *row = put(f, "a", STATE_RUNNING, 30);
    told(f, row, 1, NS_PER_SECOND);
    row->kills_before = 2;
    run(f);
    assert_kills(f, "a", 3);
}

/* A restart policy that is faster than the scrapes: runs come, run out of memory and go unseen. */
static void test_runs_between_two_rounds(void **state)
{
    struct fixture *f = *state;
    counted(f, put(f, "a", STATE_RUNNING, 1), 7, 0);
    run(f);
    pass(f, 15);
    struct container_row *row = put(f, "a", STATE_RUNNING, 16);
    counted(f, row, 8, 0);
    told(f, row, 0, 0);
    row->kills_before = 5; /* of the run that was seen and of four that were not */
    run(f);
    assert_kills(f, "a", 5);
    pass(f, 15);
    row = put(f, "a", STATE_RUNNING, 16);
    counted(f, row, 8, 1);
    told(f, row, 1, NS_PER_SECOND);
    row->kills_before = 5;
    run(f);
    assert_kills(f, "a", 6);
    pass(f, 15);
    row = put(f, "a", STATE_EXITED, 44);
    told(f, row, 1, NS_PER_SECOND);
    row->kills_before = 8; /* that one, and two unseen */
    run(f);
    assert_kills(f, "a", 9);
    pass(f, 15); /* a round without the engine's word changes nothing */
    counted(f, put(f, "a", STATE_RUNNING, 50), 9, 0);
    run(f);
    assert_kills(f, "a", 9);
    pass(f, 15);
    row = put(f, "a", STATE_RUNNING, 50);
    counted(f, row, 9, 0);
    told(f, row, 0, 0);
    row->kills_before = 9;
    run(f);
    assert_kills(f, "a", 9);
}

/* One that is seen first when it has had runs already. */
static void test_runs_before_the_first_round(void **state)
{
    struct fixture *f = *state;
    struct container_row *row = put(f, "a", STATE_EXITED, 9);
    told(f, row, 1, NS_PER_SECOND);
    row->kills_before = 2;
    run(f);
    assert_kills(f, "a", 3);
    pass(f, 15);
    row = put(f, "a", STATE_EXITED, 9);
    told(f, row, 1, 16 * NS_PER_SECOND);
    row->kills_before = 2;
    run(f);
    assert_kills(f, "a", 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_last_seen_is_frozen_and_goes),
        CASE(test_a_stopped_row_gets_it),
        CASE(test_a_frozen_one_stays_frozen),
        CASE(test_one_that_ended_before_weir_began),
        CASE(test_a_new_name_leaves_no_second_row),
        CASE(test_too_many),
        CASE(test_the_living_keep_their_places),
        CASE(test_the_kernel_counts_and_the_event_adds_nothing),
        CASE(test_a_group_that_was_gone_before_it_was_read),
        CASE(test_a_new_group_before_the_engine_knows),
        CASE(test_a_reading_from_before_the_restart),
        CASE(test_an_event_that_comes_after_the_reading),
        CASE(test_an_event_that_comes_after_the_first_reading),
        CASE(test_an_event_while_it_is_read),
        CASE(test_events_that_are_not_one_to_one),
        CASE(test_the_flag_alone),
        CASE(test_runs_between_two_rounds),
        CASE(test_runs_before_the_first_round),
        CASE(test_the_engine_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
