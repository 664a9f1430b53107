/* exporters/push_queue.h against a plain list: a long random life of appends, peeks, acks, caps,
 * restarts, disks that fail for a while and bits that flip, the same at every run. */
#include "push_queue_fixture.h"
#include "syscall_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LIVES     60
#define STEPS     500
#define RECORD_MS 15000 /* a record is that much younger than the one before */

/* What should be in the queue: indexes of records, oldest first. */
struct model {
    struct queue_test *t;
    struct push_queue *q;
    uint64_t random;
    uint64_t list[2 * STEPS];
    size_t count;
    bool under_way;
    uint64_t dropped; /* records the queue said it dropped since it was opened */
    uint64_t dropped_samples;
    uint64_t queued_samples; /* since it was opened */
    uint64_t age_ms;
};

static uint64_t draw(struct model *m, uint64_t below)
{
    m->random = m->random * 6364136223846793005U + 1442695040888963407U;
    return (m->random >> 33) % below;
}

static void remove_at(struct model *m, size_t index)
{
    assert_true(index < m->count);
    m->count--;
    memmove(m->list + index, m->list + index + 1, (m->count - index) * sizeof *m->list);
}

/* The caps take the oldest, but not the one under way. */
static void take_over_drops(struct model *m)
{
    const struct push_queue_stats s = queue_stats(m->q);
    const uint64_t now = queue_dropped_records(&s);
    assert_true(now >= m->dropped);
    uint64_t samples = 0;
    for (; m->dropped < now; m->dropped++) {
        const size_t victim = m->under_way ? 1 : 0;
        assert_true(victim < m->count);
        samples += queue_samples(m->list[victim]);
        remove_at(m, victim);
    }
    assert_int_equal(queue_dropped_samples(&s), m->dropped_samples + samples);
    m->dropped_samples += samples;
}

static void check(struct model *m)
{
    take_over_drops(m);
    const struct push_queue_stats s = queue_stats(m->q);
    uint64_t samples = 0;
    for (size_t i = 0; i < m->count; i++)
        samples += queue_samples(m->list[i]);
    assert_int_equal(s.records, m->count);
    assert_int_equal(s.samples, samples);
    assert_int_equal(s.queued_samples, m->queued_samples);
    assert_int_equal(s.dropped_records[PUSH_DROP_CORRUPT], 0);
    assert_int_equal(s.dropped_records[PUSH_DROP_TORN], 0);
    assert_int_equal(s.dropped_records[PUSH_DROP_DISK], 0);
    if (m->t->options.directory) {
        assert_true(queue_disk_bytes(m->t) <= m->t->options.max_bytes);
        assert_int_equal(s.bytes, queue_disk_bytes(m->t));
    } else {
        assert_true(s.bytes <= m->t->options.max_bytes);
    }
    /* The clock says when the newest record was made. */
    if (m->count > 0 && !m->under_way && m->t->appended > 0)
        assert_true((m->t->appended - 1 - m->list[0]) * RECORD_MS <= m->age_ms);
}

static void append(struct model *m)
{
    const uint64_t index = m->t->appended;
    int r = queue_append(m->t, m->q);
    assert_true(r == 0 || r == -ENOSPC || r == -EIO || r == -EMSGSIZE);
    m->list[m->count++] = index;
    m->queued_samples += queue_samples(index);
    if (r == -EMSGSIZE) { /* the cap is full of the one under way */
        assert_true(m->under_way && !m->t->options.directory);
        take_over_drops(m);
    }
}

static void peek(struct model *m, bool ack)
{
    struct push_record record;
    const uint64_t received = m->t->received;
    int r = queue_take(m->t, m->q, ack, &record);
    take_over_drops(m);
    if (m->count == 0) {
        assert_int_equal(r, -ENODATA);
        return;
    }
    if (r == -faults.code && faults.first > 0)
        return; /* in a file that is not open */
    assert_int_equal(r, 0);
    assert_int_equal(record.samples, queue_samples(m->list[0]));
    if (ack) {
        assert_int_equal(m->t->received, received + 1);
        assert_int_equal(m->t->last, m->list[0] + 1);
        remove_at(m, 0);
    }
    m->under_way = !ack;
}

static void start(struct model *m)
{
    m->q = queue_open(m->t);
    m->dropped = m->dropped_samples = m->queued_samples = 0;
    m->under_way = false;
}

static void restart(struct model *m)
{
    faults.first = 0;
    if (!m->t->options.directory)
        return;
    append(m); /* what waited in memory and a cursor that could not be written are on disk then */
    check(m);
    if (queue_stats(m->q).memory_bytes > 0)
        return; /* the one under way, whose segment was given up */
    push_queue_close(m->q);
    start(m);
}

static void disk_fails(struct model *m)
{
    faults.how = draw(m, 2) ? FAULT_ERROR : FAULT_SHORT;
    faults.code = draw(m, 2) ? ENOSPC : EIO;
    faults.first = faults.calls + 1 + draw(m, 20);
    faults.last = faults.first + draw(m, 30);
}

static void step(struct model *m)
{
    const uint64_t what = draw(m, 100);
    if (what < 45)
        append(m);
    else if (what < 60)
        peek(m, false);
    else if (what < 85)
        peek(m, true);
    else if (what < 90)
        push_queue_expire(m->q);
    else if (what < 95)
        restart(m);
    else
        disk_fails(m);
    if (faults.first == 0 || faults.calls > faults.last)
        faults.first = 0;
    if (faults.first == 0)
        check(m);
    else
        take_over_drops(m);
}

static void choose(struct model *m)
{
    static const uint64_t caps[] = {150000, 400000, 3 << 20, UINT64_C(1) << 30};
    static const size_t sizes[] = {8, 200, 3000, 20000, 70000};
    struct push_queue_options *o = &m->t->options;
    o->max_bytes = caps[draw(m, 4)];
    o->max_age_ms = m->age_ms = draw(m, 2) ? UINT64_C(1) << 40 : 60 * RECORD_MS;
    o->max_memory_bytes = UINT64_C(1) << 30;
    o->sync = (enum push_sync)draw(m, 3);
    if (draw(m, 5) == 0)
        o->directory = NULL;
    m->t->body_bytes = sizes[draw(m, 5)];
}

static void live(uint64_t seed)
{
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    memset(&faults, 0, sizeof faults);
    *m = (struct model){.t = queue_test_begin(), .random = seed};
    choose(m);
    start(m);
    for (int i = 0; i < STEPS; i++)
        step(m);
    faults.first = 0;
    append(m);
    check(m);
    restart(m);
    while (m->count > 0)
        peek(m, true);
    check(m);
    push_queue_close(m->q);
    queue_test_end(m->t);
    free(m);
}

static void test_lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= LIVES; seed++)
        live(seed);
}

/* Bits flip between restarts: what is lost is no more than was hit, and it is counted. */
static void flip_one(struct model *m, uint64_t *ret_segment_flips)
{
    char path[256];
    struct stat st;
    if (queue_segments(m->t, draw(m, 2), path) == 0 || stat(path, &st) < 0 || st.st_size == 0)
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    uint8_t byte;
    const off_t at = (off_t)draw(m, (uint64_t)st.st_size);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1U << draw(m, 8));
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
    (*ret_segment_flips)++;
}

static void live_with_damage(uint64_t seed)
{
    struct model m = {.t = queue_test_begin(), .random = seed};
    memset(&faults, 0, sizeof faults);
    m.t->options.max_bytes = 3 << 20;
    m.t->body_bytes = 8 + draw(&m, 4000);
    uint64_t flips = 0;
    uint64_t dropped = 0;
    for (int round = 0; round < 30; round++) {
        m.q = queue_open(m.t);
        const struct push_queue_stats opened = queue_stats(m.q);
        const uint64_t before = m.t->received;
        const uint64_t added = draw(&m, 12);
        queue_append_many(m.t, m.q, added);
        for (uint64_t i = draw(&m, 12); i > 0; i--)
            (void)queue_take(m.t, m.q, true, NULL);
        if (round == 29)
            (void)queue_drain(m.t, m.q);
        const struct push_queue_stats s = queue_stats(m.q);
        assert_int_equal(opened.records + added + queue_dropped_records(&opened),
                         s.records + queue_dropped_records(&s) + m.t->received - before);
        dropped += queue_dropped_records(&s);
        push_queue_close(m.q);
        flip_one(&m, &flips);
    }
    assert_int_equal(m.t->received + dropped, m.t->appended);
    assert_true(dropped <= flips);
    queue_test_end(m.t);
}

static void test_lives_with_damage(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= LIVES; seed++)
        live_with_damage(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lives),
                                       cmocka_unit_test(test_lives_with_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
