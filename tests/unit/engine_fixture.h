/* Recorded answers of engines for the tests: tests/fixtures/engine. */
#ifndef WEIR_TESTS_ENGINE_FIXTURE_H
#define WEIR_TESTS_ENGINE_FIXTURE_H

#include "base/buf.h"
#include "base/fs.h"

#include <stdio.h>
#include <string.h>

#define FIXTURE_MAX (1024 * 1024) /* bytes */

/* Reads a file below tests/fixtures/engine; buf_done by the caller. Fails the test when it is not
 * there. */
static inline struct buf fixture_read(const char *name)
{
    struct buf text;
    char path[512];
    buf_init(&text, FIXTURE_MAX);
    (void)snprintf(path, sizeof path, WEIR_SOURCE_DIR "/tests/fixtures/engine/%s", name);
    assert_int_equal(fs_read_file(path, &text), 0);
    if (!text.data) /* an empty answer is an answer */
        assert_int_equal(buf_add(&text, "", 0), 0);
    return text;
}

#endif
