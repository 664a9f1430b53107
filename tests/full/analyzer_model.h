/* What the analysers cannot know: they read one file at a time. It is included before each of them,
 * and never compiled into anything. */
#ifndef WEIR_TESTS_FULL_ANALYZER_MODEL_H
#define WEIR_TESTS_FULL_ANALYZER_MODEL_H

#include "base/err.h"

/* They return the code they are given, which is never 0: what follows a failure is not reached. */
#define err_set(e, code, ...)       (err_set((e), (code), __VA_ARGS__), (code))
#define err_set_errno(e, code, ...) (err_set_errno((e), (code), __VA_ARGS__), (code))

#endif
