/* What it knows: which encoder makes the message of a format. Documents: theirs. */
#include "exporters/push_encode.h"

#include "exporters/otlp.h"
#include "exporters/remote_write.h"
#include "exporters/remote_write_2.h"

#include <assert.h>

int push_encode(enum push_format format, const struct push_encode_options *options,
                const struct push_round *round, struct buf *ret, uint32_t *ret_samples)
{
    switch (format) {
    case PUSH_REMOTE_WRITE:
        return remote_write_encode(options, round, ret, ret_samples);
    case PUSH_REMOTE_WRITE_2:
        return remote_write_2_encode(options, round, ret, ret_samples);
    case PUSH_OTLP:
        break;
    }
    assert(format == PUSH_OTLP);
    return otlp_encode(options, round, ret, ret_samples);
}

int push_encode_metadata(const struct push_filter *filter, size_t *at, size_t most, struct buf *ret)
{
    return remote_write_metadata(filter, at, most, ret);
}

int push_encode_empty(enum push_format format, struct buf *ret)
{
    /* Elsewhere a message without fields: no bytes. */
    return format == PUSH_REMOTE_WRITE_2 ? remote_write_2_empty(ret) : 0;
}
