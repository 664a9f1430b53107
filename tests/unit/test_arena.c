/* What it knows: base/arena.h and base/alloc.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

static void assert_zeroed(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], 0);
}

static void test_allocations(void **state)
{
    (void)state;
    struct arena a = {0};
    unsigned char *previous = NULL;
    size_t previous_size = 0;
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *bytes = arena_alloc(&a, size);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        assert_zeroed(bytes, size);
        for (size_t i = 0; i < previous_size; i++) /* no overlap with the one before */
            assert_int_equal(previous[i], 0xAA);
        memset(bytes, 0xAA, size);
        previous = bytes;
        previous_size = size;
    }
    arena_done(&a);
    assert_null(a.blocks);
    assert_int_equal(a.used, 0);
    arena_done(&a); /* nothing to do */
}

static void test_large_allocation(void **state)
{
    (void)state;
    struct arena a = {0};
    const char *small = arena_string(&a, "kept");
    unsigned char *large = arena_alloc(&a, 10 * 1024 * 1024);
    large[0] = 1;
    large[10 * 1024 * 1024 - 1] = 1;
    assert_string_equal(small, "kept");
    assert_true(a.used >= 10 * 1024 * 1024 + 5);
    arena_done(&a);
}

static void test_texts(void **state)
{
    (void)state;
    struct arena a = {0};
    char source[] = "source";
    const char *copy = arena_copy(&a, source, 3);
    const char *text = arena_string(&a, source);
    source[0] = 'X';
    assert_string_equal(copy, "sou");
    assert_string_equal(text, "source");
    assert_null(arena_string(&a, NULL));
    assert_string_equal(arena_string(&a, ""), "");
    assert_string_equal(arena_copy(&a, NULL, 0), "");
    assert_memory_equal(arena_copy(&a, "a\0b", 3), "a\0b", 4);
    assert_string_equal(arena_format(&a, "%s-%d", "x", 12), "x-12");
    char long_text[9000];
    memset(long_text, 'y', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const char *formatted = arena_format(&a, "%s!", long_text);
    assert_int_equal(strlen(formatted), sizeof long_text);
    assert_int_equal(formatted[sizeof long_text - 1], '!');
    arena_done(&a);
}

static void test_reset(void **state)
{
    (void)state;
    struct arena a = {0};
    arena_reset(&a); /* nothing yet */
    assert_null(a.blocks);
    for (int i = 0; i < 1000; i++)
        memset(arena_alloc(&a, 100), 0xAA, 100);
    arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(a.blocks);
    /* As much again fits into what was kept, and is zeroed. */
    const struct arena_block *kept = a.blocks;
    for (int i = 0; i < 1000; i++)
        assert_zeroed(arena_alloc(&a, 100), 100);
    assert_ptr_equal(a.blocks, kept);
    arena_reset(&a);
    assert_ptr_equal(a.blocks, kept); /* a steady round allocates nothing */
    arena_done(&a);
}

static void test_alloc(void **state)
{
    (void)state;
    char *bytes = alloc_bytes(0);
    assert_non_null(bytes);
    free(bytes);
    unsigned char *zeroed = alloc_zeroed(10, 10);
    assert_zeroed(zeroed, 100);
    zeroed = alloc_resize(zeroed, 200, 1);
    assert_zeroed(zeroed, 100);
    free(zeroed);
    free(alloc_zeroed(0, 8));
    free(alloc_resize(NULL, 0, 8));
    char *text = alloc_string("text");
    assert_string_equal(text, "text");
    free(text);
    text = alloc_copy("a\0bc", 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations), cmocka_unit_test(test_large_allocation),
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_reset),
        cmocka_unit_test(test_alloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
