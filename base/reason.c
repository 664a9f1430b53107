/* What it knows: the words for reasons. */
#include "base/reason.h"

#include <assert.h>

const char *reason_name(enum reason reason)
{
#define REASON_NAME(id, name, error) name,
    static const char *const names[REASON_COUNT] = {REASON_LIST(REASON_NAME)};
    assert(reason < REASON_COUNT);
    return names[reason];
}

int reason_is_error(enum reason reason)
{
#define REASON_ERROR(id, name, error) error,
    static const int errors[REASON_COUNT] = {REASON_LIST(REASON_ERROR)};
    assert(reason < REASON_COUNT);
    return errors[reason];
}
