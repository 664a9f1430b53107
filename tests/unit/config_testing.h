/* What the tests of the configuration share. */
#ifndef WEIR_TESTS_CONFIG_TESTING_H
#define WEIR_TESTS_CONFIG_TESTING_H

#include "agent/config.h"
#include "agent/config_table.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXTS_MAX       64
#define PRINT_MAX_BYTES ((size_t)1 << 20)

/* NULL-terminated lists of texts for config_load, which wants them writable. */
#define TEXTS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static inline size_t copy_texts(const char *const texts[], char *ret[TEXTS_MAX])
{
    size_t count = 0;
    for (; texts[count]; count++) {
        assert_true(count < TEXTS_MAX - 1);
        ret[count] = alloc_string(texts[count]);
    }
    ret[count] = NULL;
    return count;
}

static inline void free_texts(char *texts[])
{
    for (size_t i = 0; texts[i]; i++)
        free(texts[i]);
}

/* config_load with flags (without the program's name) and environment. */
static inline int load(const char *const flags[], const char *const environment[], struct err *e,
                       struct config *ret)
{
    char *argv[TEXTS_MAX + 1];
    char *variables[TEXTS_MAX];
    argv[0] = alloc_string("weir");
    size_t count = copy_texts(flags, argv + 1);
    (void)copy_texts(environment, variables);
    int r = config_load((int)count + 1, argv, variables, e, ret);
    free_texts(argv);
    free_texts(variables);
    return r;
}

static inline struct config load_good(const char *const flags[], const char *const environment[])
{
    struct config c = {0};
    struct err e = {0};
    if (load(flags, environment, &e, &c) != 0)
        fail_msg("refused: %s", e.text);
    assert_string_equal(e.text, "");
    return c;
}

static inline struct config parse_good(const char *yaml, size_t length)
{
    struct config c = {0};
    struct err e = {0};
    if (config_parse_yaml("test.yml", yaml, length, &e, &c) != 0)
        fail_msg("refused: %s\n%s", e.text, yaml);
    return c;
}

/* The whole configuration as text; the caller frees it. */
static inline char *print(const struct config *c)
{
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    assert_int_equal(config_print(c, &b), 0);
    assert_non_null(b.data);
    return b.data;
}

static inline void assert_part(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static inline void assert_list(const struct text_list *list, const char *const items[])
{
    size_t count = 0;
    for (; items[count]; count++) {
        assert_true(count < list->count);
        assert_string_equal(list->items[count], items[count]);
    }
    assert_int_equal(list->count, count);
}

#endif
