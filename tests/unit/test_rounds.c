/* When a demand joins, reuses or starts a round. The cascade is this file's own, so that the tests
 * decide when a round ends and how old a snapshot is. */
#include "agent/rounds.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "collectors/cascade.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS NS_PER_MS

static struct {
    uint64_t now_ns;
    unsigned begun;
    unsigned sealed;
    struct round round;
    void (*done)(void *context);
    void *context;
} fake;

static uint64_t fake_now(void *context)
{
    (void)context;
    return fake.now_ns;
}

static const struct clock fake_clock = {NULL, fake_now, fake_now};

void cascade_begin(struct cascade *c, const struct round *round, void (*done)(void *context),
                   void *context)
{
    (void)c;
    fake.begun++;
    fake.round = *round;
    fake.done = done;
    fake.context = context;
}

struct snapshot *cascade_seal(struct cascade *c, const struct part *agent)
{
    (void)c;
    assert_non_null(agent);
    struct snapshot *s = snapshot_new();
    s->number = ++fake.sealed;
    s->monotonic_ns = fake.now_ns;
    return s;
}

void cascade_close_idle(struct cascade *c)
{
    (void)c;
}

struct fixture {
    uv_loop_t loop;
    struct rounds *rounds;
    struct snapshot_source source;
};

struct asker {
    struct demand demand;
    unsigned answers;
    uint64_t number;       /* of the snapshot it got */
    struct fixture *again; /* asks once more from inside the answer */
    struct asker *next;
};

static void no_points(void *context, struct part *part, uint64_t begun_ns)
{
    (void)context;
    (void)part;
    (void)begun_ns;
}

static void no_sealed(void *context, struct snapshot *snapshot)
{
    (void)context;
    (void)snapshot;
}

static void answered(struct demand *self, struct snapshot *snapshot)
{
    struct asker *a = (struct asker *)self;
    a->answers++;
    a->number = snapshot->number;
    if (a->again)
        a->again->source.demand(a->again->source.context, &a->next->demand);
}

static struct asker asker_new(uint64_t deadline_ms)
{
    return (struct asker){.demand = {.deadline_ns = deadline_ms * MS, .done = answered}};
}

static void ask(struct fixture *f, struct asker *a)
{
    f->source.demand(f->source.context, &a->demand);
}

static void start(struct fixture *f, uint64_t max_age_ms)
{
    fake.now_ns = 1000 * NS_PER_SECOND;
    fake.begun = fake.sealed = 0;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    const struct rounds_options options = {
        .loop = &f->loop,
        .clock = &fake_clock,
        .max_age_ms = max_age_ms,
        .timeout_ms = 5000,
        .add_points = no_points,
        .sealed = no_sealed,
    };
    f->rounds = rounds_new(&options);
    f->source = rounds_source(f->rounds);
}

static void end(struct fixture *f)
{
    rounds_close(f->rounds);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static uint64_t far(void)
{
    return fake.now_ns / MS + 10000;
}

/* One full round for a fresh asker; returns the snapshot's number. */
static uint64_t whole_round(struct fixture *f)
{
    struct asker a = asker_new(far());
    ask(f, &a);
    fake.done(fake.context);
    assert_int_equal(a.answers, 1);
    return a.number;
}

static void test_a_demand_starts_and_others_join(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1000);
    struct asker a = asker_new(far());
    struct asker b = asker_new(far() + 5);
    ask(&f, &a);
    ask(&f, &b);
    assert_int_equal(fake.begun, 1);
    assert_int_equal(a.answers + b.answers, 0);
    fake.done(fake.context);
    assert_int_equal(a.answers, 1);
    assert_int_equal(b.answers, 1);
    assert_int_equal(a.number, b.number);
    end(&f);
}

static void test_deadline_is_the_least(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1000);
    uint64_t now_ms = fake.now_ns / MS;
    struct asker a = asker_new(now_ms + 90000);
    ask(&f, &a);
    assert_int_equal(fake.round.deadline_ns, (now_ms + 5000) * MS);
    fake.done(fake.context);
    fake.now_ns += 10 * NS_PER_SECOND;
    now_ms = fake.now_ns / MS;
    struct asker b = asker_new(now_ms + 3000);
    struct asker c = asker_new(now_ms); /* at once */
    ask(&f, &b);
    assert_int_equal(fake.round.deadline_ns, (now_ms + 3000) * MS);
    ask(&f, &c);
    uv_run(&f.loop, UV_RUN_NOWAIT); /* the deadline passes: sealed without the tiers' done */
    assert_int_equal(b.answers, 1);
    assert_int_equal(c.answers, 1);
    end(&f);
}

static void test_young_snapshot_is_reused(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1000);
    uint64_t first = whole_round(&f);
    fake.now_ns += 99 * MS;
    struct asker a = asker_new(far());
    ask(&f, &a);
    assert_int_equal(a.answers, 0); /* never from inside demand */
    uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(a.answers, 1);
    assert_int_equal(a.number, first);
    assert_int_equal(fake.begun, 1);
    fake.now_ns += 1 * MS;
    assert_int_not_equal(whole_round(&f), first);
    end(&f);
}

static void test_an_event_makes_it_stale(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1000);
    uint64_t first = whole_round(&f);
    rounds_mark_stale(f.rounds);
    assert_int_not_equal(whole_round(&f), first);
    end(&f);
}

static void test_bucket_of_four_refilled_by_one_a_second(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1000);
    for (unsigned i = 0; i < 4; i++) {
        (void)whole_round(&f);
        fake.now_ns += 100 * MS;
    }
    /* 400 ms have passed: the first round took no token (nothing could be reused), so one of four
     * is left. */
    (void)whole_round(&f);
    fake.now_ns += 100 * MS;
    struct asker a = asker_new(far());
    ask(&f, &a);
    uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(a.answers, 1);
    assert_int_equal(fake.begun, 5); /* empty: the newest one served */
    fake.now_ns += 1000 * MS;
    (void)whole_round(&f);
    assert_int_equal(fake.begun, 6);
    end(&f);
}

static void test_max_age_zero_gives_each_its_own(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 0);
    for (unsigned i = 1; i <= 20; i++) {
        (void)whole_round(&f);
        assert_int_equal(fake.begun, i);
    }
    end(&f);
}

static void test_withdrawn_is_not_answered(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1000);
    struct asker a = asker_new(far());
    struct asker b = asker_new(far());
    ask(&f, &a);
    ask(&f, &b);
    f.source.withdraw(f.source.context, &a.demand);
    fake.done(fake.context);
    assert_int_equal(a.answers, 0);
    assert_int_equal(b.answers, 1);
    f.source.withdraw(f.source.context, &b.demand); /* answered already: harmless */
    end(&f);
}

static void test_asking_from_inside_an_answer(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 0);
    struct asker second = asker_new(far());
    struct asker first = asker_new(far());
    first.again = &f;
    first.next = &second;
    ask(&f, &first);
    fake.done(fake.context);
    assert_int_equal(first.answers, 1);
    assert_int_equal(second.answers, 0);
    assert_int_equal(fake.begun, 2);
    fake.done(fake.context);
    assert_int_equal(second.answers, 1);
    assert_int_not_equal(second.number, first.number);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_demand_starts_and_others_join),
        cmocka_unit_test(test_deadline_is_the_least),
        cmocka_unit_test(test_young_snapshot_is_reused),
        cmocka_unit_test(test_an_event_makes_it_stale),
        cmocka_unit_test(test_bucket_of_four_refilled_by_one_a_second),
        cmocka_unit_test(test_max_age_zero_gives_each_its_own),
        cmocka_unit_test(test_withdrawn_is_not_answered),
        cmocka_unit_test(test_asking_from_inside_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
