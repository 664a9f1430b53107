/* Calling the parsers of engine answers, for the programs that test them. cmocka must be included
 * before. */
#ifndef WEIR_TESTS_ENGINE_PARSE_FIXTURE_H
#define WEIR_TESTS_ENGINE_PARSE_FIXTURE_H

#include "base/arena.h"
#include "base/err.h"
#include "engine_fixture.h"

/* Where the parsers of one test program put what they find. */
static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Parses a text, or a fixture, with one of the parsers. */
#define PARSE(parser, text, ret) parser((text), strlen(text), &arena, &e, (ret))
#define PARSE_FIXTURE(parser, name, ret)                                 \
    do {                                                                 \
        struct err failure = {0};                                        \
        struct buf text = fixture_read(name);                            \
        int r = parser(text.data, text.length, &arena, &failure, (ret)); \
        buf_done(&text); /* results must not point into the answer */    \
        assert_string_equal(failure.text, "");                           \
        assert_int_equal(r, 0);                                          \
    } while (0)

#endif
