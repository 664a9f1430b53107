/* What it knows: the words for what push_format.h counts. */
#include "exporters/push_format.h"

#include <assert.h>

const char *push_drop_name(enum push_drop reason)
{
    static const char *const names[PUSH_DROPS] = {
        [PUSH_DROP_BYTES] = "queue_bytes", [PUSH_DROP_AGE] = "queue_age",
        [PUSH_DROP_DISK] = "queue_disk",   [PUSH_DROP_STUCK] = "queue_stuck",
        [PUSH_DROP_TORN] = "torn",         [PUSH_DROP_CORRUPT] = "corrupt",
        [PUSH_DROP_REFUSED] = "refused",   [PUSH_DROP_OUT_OF_ORDER] = "out_of_order",
        [PUSH_DROP_TOO_OLD] = "too_old",   [PUSH_DROP_TOO_LARGE] = "too_large",
        [PUSH_DROP_PARTIAL] = "partial",   [PUSH_DROP_FORMAT] = "format",
        [PUSH_DROP_ENCODING] = "encoding", [PUSH_DROP_STOPPED] = "stopped",
    };
    assert(reason < PUSH_DROPS);
    return names[reason];
}

const char *push_format_name(enum push_format format)
{
    switch (format) {
    case PUSH_REMOTE_WRITE:
        return "remote-write";
    case PUSH_REMOTE_WRITE_2:
        return "remote-write-2";
    case PUSH_OTLP:
        return "otlp";
    }
    __builtin_unreachable();
}
