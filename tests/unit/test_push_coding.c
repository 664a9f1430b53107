/* push_coding: what is packed comes back, blocks written down from Snappy's format description are
 * read, damage is told, and memory is bounded by the buffer. Documents: format_description.txt of
 * Snappy, RFC 1952, exporters/push_coding.h. */
#include "base/buf.h"
#include "base/err.h"
#include "exporters/push_coding.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST ((size_t)8 << 20)

static const enum push_coding codings[] = {PUSH_PLAIN, PUSH_SNAPPY, PUSH_GZIP};
#define CODINGS (sizeof codings / sizeof *codings)

static bool snappy_is_missing;

void *__real_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags);

void *__wrap_dlopen(const char *name, int flags)
{
    bool hidden = snappy_is_missing && strcmp(name, "libsnappy.so.1") == 0;
    return __real_dlopen(hidden ? "libsnappy.so.1.of-no-package" : name, flags);
}

static bool snappy_is_mapped(void)
{
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        found = found || strstr(line, "libsnappy");
    fclose(maps);
    return found;
}

/* First of all tests: later ones have the library open. */
static void test_not_opened_before_it_is_used(void **state)
{
    struct buf out;
    struct err e = {0};
    (void)state;
    buf_init(&out, MOST);
    assert_int_equal(push_coding_check(PUSH_PLAIN, &e), 0);
    assert_int_equal(push_coding_check(PUSH_GZIP, &e), 0);
    assert_int_equal(push_compress(PUSH_GZIP, "a", 1, &out), 0);
    assert_false(snappy_is_mapped());
    snappy_is_missing = true;
    assert_int_equal(push_coding_check(PUSH_SNAPPY, &e), -ENOENT);
    assert_non_null(strstr(e.text, "apt install libsnappy1v5"));
    buf_clear(&out);
    assert_int_equal(push_compress(PUSH_SNAPPY, "a", 1, &out), -ENOENT);
    assert_int_equal(push_decompress(PUSH_SNAPPY, "\0", 1, &out), -ENOENT);
    assert_int_equal(out.length, 0);
    snappy_is_missing = false; /* installed in the meantime */
    assert_int_equal(push_coding_check(PUSH_SNAPPY, &e), 0);
    assert_true(snappy_is_mapped());
    buf_done(&out);
}

static void round_trip(enum push_coding coding, const char *bytes, size_t length)
{
    struct buf packed;
    struct buf again;
    struct buf back;
    buf_init(&packed, MOST);
    buf_init(&again, MOST);
    buf_init(&back, length + 6);
    buf_add_string(&packed, "before");
    buf_add_string(&back, "before");
    assert_int_equal(push_compress(coding, bytes, length, &packed), 0);
    assert_int_equal(push_compress(coding, bytes, length, &again), 0);
    assert_int_equal(packed.length, again.length + 6);
    assert_memory_equal(packed.data + 6, again.data, again.length);
    assert_int_equal(push_decompress(coding, again.data, again.length, &back), 0);
    assert_int_equal(back.length, length + 6);
    assert_memory_equal(back.data, "before", 6);
    if (length > 0)
        assert_memory_equal(back.data + 6, bytes, length);
    assert_int_equal(back.data[back.length], 0);
    buf_done(&packed);
    buf_done(&again);
    buf_done(&back);
}

/* Half of it repeats itself. */
static char *some_bytes(size_t length)
{
    uint64_t state = 88172645463325252;
    char *bytes = malloc(length + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = i / 4096 % 2 ? "container_cpu_usage_seconds_total"[i % 33] : (char)(state & 255);
    }
    return bytes;
}

static void test_round_trips(void **state)
{
    static const size_t lengths[] = {0, 1, 2, 60, 61, 100, 65535, 65536, 65537, 3000000};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *bytes = some_bytes(lengths[i]);
        for (size_t j = 0; j < CODINGS; j++)
            round_trip(codings[j], bytes, lengths[i]);
        free(bytes);
    }
}

/* Each kind of element of the format description, sections 2.1 and 2.2. */
static void test_snappy_blocks(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *text; /* NULL: damaged */
    } cases[] = {
        {"\x00", 1, ""},
        {"\x03\x08"
         "abc",
         5, "abc"}, /* literal of 3 */
        {"\x03\xf0\x02"
         "abc",
         6, "abc"}, /* its length in a byte */
        {"\x03\xf4\x02\x00"
         "abc",
         7, "abc"}, /* in two */
        {"\x07\x08"
         "abc"
         "\x01\x03",
         7, "abcabca"}, /* copy, offset in 11 bits */
        {"\x06\x08"
         "abc"
         "\x0a\x03\x00",
         8, "abcabc"}, /* in 16 */
        {"\x06\x08"
         "abc"
         "\x0b\x03\x00\x00\x00",
         10, "abcabc"}, /* in 32 */
        {"\x06\x00"
         "a"
         "\x12\x01\x00",
         6, "aaaaaa"}, /* a copy of what it writes */
        {"", 0, NULL},
        {"\x03", 1, NULL},
        {"\x03\x08"
         "ab",
         4, NULL},
        {"\x04\x08"
         "abc",
         5, NULL}, /* less than it says */
        {"\x02\x08"
         "abc",
         5, NULL}, /* more */
        {"\x06\x08"
         "abc"
         "\x0a\x04\x00",
         8, NULL}, /* from before its begin */
        {"\x06\x08"
         "abc"
         "\x0a\x00\x00",
         8, NULL}, /* offset 0 */
        {"\xff\xff\xff\xff\x0f\x08"
         "abc",
         9, NULL}, /* 4 GiB */
        {"\xff\xff\xff\xff\x1f\x08"
         "abc",
         9, NULL},                            /* past 32 bits */
        {"\xff\x06\x00\x00sNaPpY", 10, NULL}, /* the framed format */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, MOST);
        int r = push_decompress(PUSH_SNAPPY, cases[i].bytes, cases[i].length, &out);
        assert_int_equal(r, cases[i].text ? 0 : -EBADMSG);
        assert_int_equal(out.length, cases[i].text ? strlen(cases[i].text) : 0);
        if (cases[i].text)
            assert_string_equal(out.data, cases[i].text);
        assert_true(out.capacity < 4096);
        buf_done(&out);
    }
}

/* One literal after the other is a legal block, so it can be as large as it says. */
static void test_larger_than_the_buffer(void **state)
{
    char *bytes = some_bytes(100000);
    (void)state;
    for (size_t i = 0; i < CODINGS; i++) {
        struct buf packed;
        struct buf out;
        buf_init(&packed, MOST);
        buf_init(&out, 99999);
        assert_int_equal(push_compress(codings[i], bytes, 100000, &packed), 0);
        assert_int_equal(push_decompress(codings[i], packed.data, packed.length, &out), -EMSGSIZE);
        assert_int_equal(out.length, 0);
        assert_true(out.capacity <= 100000);
        buf_done(&out);
        buf_init(&out, 10000);
        assert_int_equal(push_compress(codings[i], bytes, 100000, &out), -EMSGSIZE);
        assert_int_equal(out.length, 0);
        buf_done(&out);
        buf_done(&packed);
    }
    free(bytes);
}

/* Cut off anywhere, or with a byte more, or a bit turned: told, or (Snappy has no checksum) other
 * bytes of the same length. */
static void test_damaged(void **state)
{
    char *bytes = some_bytes(5000);
    (void)state;
    for (size_t i = 1; i < CODINGS; i++) {
        struct buf packed;
        struct buf out;
        buf_init(&packed, MOST);
        buf_init(&out, MOST);
        assert_int_equal(push_compress(codings[i], bytes, 5000, &packed), 0);
        for (size_t length = 0; length < packed.length; length += 7)
            assert_int_equal(push_decompress(codings[i], packed.data, length, &out), -EBADMSG);
        for (size_t bit = 0; bit < packed.length * 8; bit += 5) {
            packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ (1 << bit % 8));
            int r = push_decompress(codings[i], packed.data, packed.length, &out);
            assert_true(r == 0 || r == -EBADMSG);
            if (r == 0)
                assert_int_equal(out.length, 5000);
            if (r == 0 && codings[i] == PUSH_GZIP) /* a bit that means nothing */
                assert_memory_equal(out.data, bytes, 5000);
            buf_clear(&out);
            packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ (1 << bit % 8));
        }
        buf_add_char(&packed, 0);
        assert_int_equal(push_decompress(codings[i], packed.data, packed.length, &out), -EBADMSG);
        assert_int_equal(out.length, 0);
        buf_done(&out);
        buf_done(&packed);
    }
    free(bytes);
}

/* A member that says it is 4 GiB long takes no memory. */
static void test_gzip_length(void **state)
{
    struct buf packed;
    struct buf out;
    (void)state;
    buf_init(&packed, MOST);
    buf_init(&out, SIZE_MAX / 4);
    assert_int_equal(push_compress(PUSH_GZIP, "abc", 3, &packed), 0);
    memset(packed.data + packed.length - 4, 0xff, 4);
    assert_int_equal(push_decompress(PUSH_GZIP, packed.data, packed.length, &out), -EBADMSG);
    assert_int_equal(out.capacity, 0);
    buf_done(&packed);
    buf_done(&out);
}

/* weir makes one member, so a second one is damage, even where the last length fits the first. */
static void test_gzip_members(void **state)
{
    struct buf packed;
    struct buf out;
    (void)state;
    buf_init(&packed, MOST);
    buf_init(&out, MOST);
    assert_int_equal(push_compress(PUSH_GZIP, "abc", 3, &packed), 0);
    assert_int_equal(push_compress(PUSH_GZIP, "def", 3, &packed), 0);
    assert_int_equal(push_decompress(PUSH_GZIP, packed.data, packed.length, &out), -EBADMSG);
    assert_int_equal(out.length, 0);
    buf_done(&packed);
    buf_done(&out);
}

static void test_unknown_coding(void **state)
{
    struct buf out;
    struct err e = {0};
    (void)state;
    buf_init(&out, MOST);
    assert_int_equal(push_coding_check((enum push_coding)3, &e), -EINVAL);
    assert_int_equal(push_decompress((enum push_coding)3, "a", 1, &out), -EBADMSG);
    buf_done(&out);
}

static void *pack_often(void *context)
{
    (void)context;
    char *bytes = some_bytes(20000);
    for (unsigned i = 0; i < 20; i++)
        for (size_t j = 0; j < CODINGS; j++)
            round_trip(codings[j], bytes, 20000);
    free(bytes);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pack_often, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_opened_before_it_is_used),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_snappy_blocks),
        cmocka_unit_test(test_larger_than_the_buffer),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_gzip_length),
        cmocka_unit_test(test_gzip_members),
        cmocka_unit_test(test_unknown_coding),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
