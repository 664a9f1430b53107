/* exporters/push_queue.h on damaged files: cut at every byte, every bit flipped, files gone. What
 * is lost is what was hit, it is counted, and what is left keeps its order. */
#include "base/err.h"
#include "exporters/push_segment.h"
#include "push_queue_fixture.h"

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

#define RECORD_BYTES 164 /* a header and a body of 100 */

static int begin(void **state)
{
    *state = queue_test_begin();
    return 0;
}

static int end(void **state)
{
    queue_test_end(*state);
    return 0;
}

/* The directory as it was kept below the name "kept". */
static void keep(struct queue_test *t)
{
    char kept[256];
    (void)snprintf(kept, sizeof kept, "%s/kept", t->parent);
    queue_copy(t->directory, kept);
}

static void restore(struct queue_test *t)
{
    char kept[256];
    (void)snprintf(kept, sizeof kept, "%s/kept", t->parent);
    queue_copy(kept, t->directory);
    queue_forget(t);
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

static void flip(const char *path, uint64_t offset, unsigned mask)
{
    uint8_t byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= (uint8_t)mask;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    assert_int_equal(close(fd), 0);
}

static void fill(struct queue_test *t, uint64_t records, uint64_t acked)
{
    struct push_queue *q = queue_open(t);
    queue_append_many(t, q, records);
    for (uint64_t i = 0; i < acked; i++)
        assert_int_equal(queue_take(t, q, true, NULL), 0);
    push_queue_close(q);
    keep(t);
}

/* Opens, takes all, appends one more and takes that: of `first` to `below` exactly those are lost
 * that are counted, at most `most`. */
static struct push_queue_stats check_all(struct queue_test *t, uint64_t first, uint64_t below,
                                         uint64_t most)
{
    struct push_queue *q = queue_open(t);
    const struct push_queue_stats opened = queue_stats(q);
    uint64_t lost = 0;
    uint64_t lost_samples = 0;
    (void)queue_drain(t, q);
    for (uint64_t i = first; i < below; i++) {
        lost += !t->seen[i];
        lost_samples += t->seen[i] ? 0 : queue_samples(i);
    }
    const struct push_queue_stats s = queue_stats(q);
    assert_true(lost <= most);
    assert_int_equal(queue_dropped_records(&s), lost);
    assert_int_equal(opened.records + queue_dropped_records(&opened), t->received + lost);
    assert_int_equal(opened.samples + queue_dropped_samples(&opened),
                     t->got_samples + queue_dropped_samples(&s));
    assert_true(queue_dropped_samples(&s) <= lost_samples);
    assert_int_equal(s.records, 0);
    assert_int_equal(s.samples, 0);
    assert_int_equal(s.bytes, queue_disk_bytes(t));
    const uint64_t appended = t->appended;
    queue_append_many(t, q, 1);
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_stats(q).records, 1);
    assert_int_equal(queue_drain(t, q), 1);
    assert_true(t->seen[appended]);
    push_queue_close(q);
    t->appended = appended;
    return s;
}

/* Samples of a record whose header is whole are known although its body is not. */
static void check_cut(struct queue_test *t, const char *path, uint64_t length)
{
    restore(t);
    assert_int_equal(truncate(path, (off_t)length), 0);
    const uint64_t torn = length % RECORD_BYTES;
    const struct push_queue_stats s = check_all(t, 0, 6, 1);
    assert_false(t->seen[5]);
    assert_int_equal(t->received, 6); /* five, and the one that was appended behind the cut */
    assert_int_equal(s.dropped_records[PUSH_DROP_TORN], torn > 0);
    assert_int_equal(s.dropped_samples[PUSH_DROP_TORN], torn >= 64 ? queue_samples(5) : 0);
    assert_int_equal(queue_dropped_records(&s), torn > 0);
}

static void test_cut_last_record(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    fill(t, 6, 0);
    assert_int_equal(queue_segments(t, true, path), 1);
    assert_int_equal(size_of(path), 6 * RECORD_BYTES);
    for (uint64_t length = 5 * RECORD_BYTES + 1; length < 6 * RECORD_BYTES; length++)
        check_cut(t, path, length);
}

/* The last one alone in its segment. */
static void test_cut_lonely_record(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    t->options.max_bytes = 1 << 20;
    t->body_bytes = 40000;
    fill(t, 3, 0);
    assert_int_equal(queue_segments(t, true, path), 3);
    for (uint64_t length = 0; length < 40064; length += length < 70 ? 1 : 3331) {
        restore(t);
        assert_int_equal(truncate(path, (off_t)length), 0);
        struct push_queue *q = queue_open(t);
        const struct push_queue_stats s = queue_stats(q);
        assert_int_equal(s.records, 2);
        assert_int_equal(s.dropped_records[PUSH_DROP_TORN], length > 0);
        assert_int_equal(s.bytes, queue_disk_bytes(t));
        queue_append_many(t, q, 1);
        assert_int_equal(queue_drain(t, q), 3);
        push_queue_close(q);
        t->appended = 3;
    }
}

/* One that was sent already is not lost when it is cut. */
static void test_cut_acked_record(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    fill(t, 6, 6);
    (void)queue_segments(t, true, path);
    for (uint64_t length = 4 * RECORD_BYTES; length < 6 * RECORD_BYTES; length += 7) {
        restore(t);
        assert_int_equal(truncate(path, (off_t)length), 0);
        const struct push_queue_stats s = check_all(t, 6, 6, 0);
        assert_int_equal(queue_dropped_records(&s), 0);
        assert_int_equal(t->received, 1);
    }
}

/* As a power cut leaves it: the file has its length, and zeros in place of the last record. */
static void test_zeros_at_the_end(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    fill(t, 6, 0);
    (void)queue_segments(t, true, path);
    for (uint64_t good = 5 * RECORD_BYTES; good < 6 * RECORD_BYTES; good++) {
        restore(t);
        assert_int_equal(truncate(path, (off_t)good), 0);
        assert_int_equal(truncate(path, 6 * RECORD_BYTES), 0);
        const struct push_queue_stats s = check_all(t, 0, 6, 1);
        assert_int_equal(queue_dropped_records(&s), t->seen[5] ? 0 : 1);
    }
}

/* A single bit anywhere: in a header nothing is lost, in a body that record. */
static void test_every_bit_of_a_segment(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    fill(t, 4, 1);
    (void)queue_segments(t, true, path);
    for (uint64_t bit = 0; bit < UINT64_C(4) * RECORD_BYTES * 8; bit++) {
        const uint64_t hit = bit / 8 / RECORD_BYTES;
        const bool body = bit / 8 % RECORD_BYTES >= 64 && hit >= 1;
        restore(t);
        flip(path, bit / 8, 1U << (bit % 8));
        const struct push_queue_stats s = check_all(t, 1, 4, 1);
        assert_int_equal(t->received, body ? 3 : 4);
        assert_int_equal(s.dropped_records[PUSH_DROP_CORRUPT], body);
        assert_int_equal(s.dropped_samples[PUSH_DROP_CORRUPT], body ? queue_samples(hit) : 0);
        assert_true(!body || !t->seen[hit]);
    }
}

/* A whole byte wrong: that record, and its samples are known from its neighbours. Of the very last
 * nothing is known but that there was one. */
static void test_every_byte_of_a_segment(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    fill(t, 5, 1);
    (void)queue_segments(t, true, path);
    for (uint64_t offset = 0; offset < 5 * RECORD_BYTES; offset++) {
        const uint64_t hit = offset / RECORD_BYTES;
        const bool last_header = hit == 4 && offset % RECORD_BYTES < 64;
        restore(t);
        flip(path, offset, 0xff);
        const struct push_queue_stats s = check_all(t, 1, 5, 1);
        assert_int_equal(t->received, hit >= 1 ? 4 : 5);
        assert_int_equal(s.dropped_records[last_header ? PUSH_DROP_TORN : PUSH_DROP_CORRUPT],
                         hit >= 1);
        assert_int_equal(queue_dropped_samples(&s),
                         hit >= 1 && !last_header ? queue_samples(hit) : 0);
    }
}

/* The cursor's newer slot damaged: one is sent twice. Both: from the oldest on; all that may have
 * been sent is called doubtful. Lost is nothing. */
static void test_every_byte_of_the_cursor(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    fill(t, 6, 3);
    queue_file(t, "cursor", path);
    assert_int_equal(size_of(path), 576);
    for (uint64_t offset = 0; offset < 576; offset += offset < 64 || offset >= 510 ? 1 : 50) {
        for (unsigned mask = 1; mask <= 0xff; mask = mask == 0x80 ? 0xff : mask << 1) {
            restore(t);
            flip(path, offset, mask);
            const struct push_queue_stats s = check_all(t, 3, 6, 0);
            assert_int_equal(queue_dropped_records(&s), 0);
            assert_true(t->received == 4 || (t->received == 5 && t->seen[2]));
            assert_true(mask == 0xff || t->received == 4); /* one bit is mended */
        }
    }
}

static void test_cursor_lost(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    fill(t, 6, 3);
    queue_file(t, "cursor", path);
    for (int how = 0; how < 4; how++) {
        restore(t);
        if (how == 0) {
            flip(path, 10, 0xff);
            flip(path, 522, 0xff);
        } else if (how == 1) {
            assert_int_equal(unlink(path), 0);
        } else if (how == 2) {
            assert_int_equal(truncate(path, 0), 0);
        } else {
            assert_int_equal(truncate(path, 63), 0);
        }
        struct push_queue *q = queue_open(t);
        struct push_record record;
        for (uint64_t i = 0; i < 6; i++) {
            assert_int_equal(queue_take(t, q, true, &record), 0);
            assert_int_equal(record.sequence, i + 1);
            assert_true(record.doubtful);
        }
        push_queue_close(q);
        q = queue_open(t);
        assert_int_equal(queue_stats(q).records, 0);
        push_queue_close(q);
    }
}

/* Many segments, 200 places, every bit of each, as they would be found after years. */
static void test_random_bits(void **state)
{
    struct queue_test *t = *state;
    uint64_t random = 42;
    t->options.max_bytes = 1 << 20;
    t->body_bytes = 1000;
    fill(t, 150, 10);
    char path[256];
    for (int i = 0; i < 200; i++) {
        restore(t);
        random = random * 6364136223846793005U + 1442695040888963407U;
        size_t segment = (size_t)(random >> 33) % queue_segments(t, false, path);
        const uint64_t first = 1 + segment * 61; /* 61 records fill 64 KiB */
        char name[PUSH_SEGMENT_NAME_MAX];
        push_segment_name(first, name);
        queue_file(t, name, path);
        const uint64_t offset = (random >> 20) % size_of(path);
        for (unsigned bit = 0; bit < 8; bit++) {
            restore(t);
            flip(path, offset, 1U << bit);
            const uint64_t hit = first - 1 + offset / 1064;
            const struct push_queue_stats s = check_all(t, 10, 150, 1);
            const bool lost = hit >= 10 && offset % 1064 >= 64;
            assert_int_equal(s.dropped_samples[PUSH_DROP_CORRUPT], lost ? queue_samples(hit) : 0);
            assert_int_equal(t->received, lost ? 140 : 141);
        }
    }
}

/* A hole of any size and place before the last record: those it touches, no other. (How many there
 * were behind the last readable one nobody can say.) */
static void test_random_holes(void **state)
{
    struct queue_test *t = *state;
    uint64_t random = 7;
    char path[256];
    fill(t, 60, 0);
    (void)queue_segments(t, true, path);
    for (int i = 0; i < 300; i++) {
        restore(t);
        random = random * 6364136223846793005U + 1442695040888963407U;
        const uint64_t first = (random >> 40) % (59 * RECORD_BYTES);
        const uint64_t length = 1 + (random >> 20) % 2000;
        const uint64_t last =
            first + length > 59 * RECORD_BYTES ? 59 * RECORD_BYTES : first + length;
        for (uint64_t at = first; at < last; at++)
            flip(path, at, (unsigned)(random >> (at % 50)) | 1);
        (void)check_all(t, 0, 60, (last - 1) / RECORD_BYTES - first / RECORD_BYTES + 1);
    }
}

/* Segment files gone while weir was not running: their records are counted, to the sample. */
static void test_segments_gone(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    char name[PUSH_SEGMENT_NAME_MAX];
    t->options.max_bytes = 1 << 20;
    t->body_bytes = 3000;
    fill(t, 100, 30);
    for (uint64_t gone = 22; gone <= 64; gone += 21) {
        restore(t);
        push_segment_name(gone, name);
        queue_file(t, name, path);
        assert_int_equal(unlink(path), 0);
        const struct push_queue_stats s = check_all(t, 30, 100, 21);
        const uint64_t first = gone - 1 < 30 ? 30 : gone - 1;
        assert_int_equal(s.dropped_samples[PUSH_DROP_CORRUPT],
                         queue_samples_between(first, gone + 20));
    }
    restore(t);
    for (uint64_t gone = 22; gone <= 85; gone += 21) {
        push_segment_name(gone, name);
        queue_file(t, name, path);
        assert_int_equal(unlink(path), 0);
    }
    struct push_queue *q = queue_open(t);
    assert_int_equal(queue_stats(q).records, 0);
    struct push_record record;
    queue_append_many(t, q, 1);
    assert_int_equal(queue_take(t, q, true, &record), 0);
    assert_int_equal(record.sequence, 31); /* no number is given twice to what was sent */
    push_queue_close(q);
}

/* A segment cut in the middle of the queue; one that is empty; one that is nothing but noise. */
static void test_middle_segment(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    t->options.max_bytes = 1 << 20;
    t->body_bytes = 3000;
    fill(t, 100, 0);
    queue_file(t, "00000000000000000043.seg", path);
    for (uint64_t keeps = 0; keeps <= 21; keeps += 7) {
        restore(t);
        assert_int_equal(truncate(path, (off_t)(keeps * 3064 + (keeps < 21 ? 100 : 0))), 0);
        struct push_queue_stats s = check_all(t, 0, 100, 21 - keeps);
        assert_int_equal(s.dropped_samples[PUSH_DROP_CORRUPT],
                         queue_samples_between(42 + keeps, 63));
    }
    restore(t);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(truncate(path, 21 * 3064), 0);
    const struct push_queue_stats s = check_all(t, 0, 100, 21);
    assert_int_equal(s.dropped_samples[PUSH_DROP_CORRUPT], queue_samples_between(42, 63));
}

/* What fell out of the middle is not counted a second time after a restart. */
static void test_counted_once(void **state)
{
    struct queue_test *t = *state;
    char path[256];
    fill(t, 6, 0);
    (void)queue_segments(t, true, path);
    flip(path, RECORD_BYTES * 2 + 80, 1);
    struct push_queue *q = queue_open(t);
    for (int i = 0; i < 2; i++)
        assert_int_equal(queue_take(t, q, true, NULL), 0);
    assert_int_equal(queue_stats(q).dropped_records[PUSH_DROP_CORRUPT], 0);
    assert_int_equal(queue_take(t, q, true, NULL), 0);
    assert_int_equal(queue_stats(q).dropped_records[PUSH_DROP_CORRUPT], 1);
    push_queue_close(q);
    q = queue_open(t);
    assert_int_equal(queue_stats(q).records, 2);
    assert_int_equal(queue_drain(t, q), 2);
    assert_int_equal(queue_stats(q).dropped_records[PUSH_DROP_CORRUPT], 0);
    push_queue_close(q);
}

#define QUEUE_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_cut_last_record),
        QUEUE_TEST(test_cut_lonely_record),
        QUEUE_TEST(test_cut_acked_record),
        QUEUE_TEST(test_zeros_at_the_end),
        QUEUE_TEST(test_every_bit_of_a_segment),
        QUEUE_TEST(test_every_byte_of_a_segment),
        QUEUE_TEST(test_every_byte_of_the_cursor),
        QUEUE_TEST(test_cursor_lost),
        QUEUE_TEST(test_random_bits),
        QUEUE_TEST(test_random_holes),
        QUEUE_TEST(test_segments_gone),
        QUEUE_TEST(test_middle_segment),
        QUEUE_TEST(test_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
