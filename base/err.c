/* What it knows: how an error is written down. Document: docs/ARCHITECTURE.md, "Errors". */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
    assert(code < 0);
    if (!e)
        return code;
    va_list args;
    va_start(args, fmt);
    e->code = code;
    (void)vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return code;
}

int err_set_errno(struct err *e, int code, const char *fmt, ...)
{
    assert(code < 0);
    if (!e)
        return code;
    va_list args;
    va_start(args, fmt);
    e->code = code;
    int length = vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    if (length >= 0 && (size_t)length < sizeof e->text)
        (void)snprintf(e->text + length, sizeof e->text - (size_t)length, ": %s", strerror(-code));
    return code;
}
