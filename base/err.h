/* Errors: a negative errno as the result, and on the caller's stack what was attempted on which
 * object. */
#ifndef WEIR_BASE_ERR_H
#define WEIR_BASE_ERR_H

#include <stddef.h>

#define ERR_TEXT_MAX 320 /* bytes: a sentence with one path and one remedy */

/* Zero-initialise it; it owns nothing. `text` stays empty until something fails. */
struct err {
    int code; /* negative errno, 0 while nothing failed */
    char text[ERR_TEXT_MAX];
};

/* Records `code` (negative errno) and the sentence; a longer sentence is cut. `e` may be NULL.
 * Returns `code`. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, and adds ": " with the text of errno `-code`. */
int err_set_errno(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
