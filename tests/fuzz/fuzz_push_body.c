/* Any bytes as a request that is split and converted. The first byte is the format. What can be
 * split has halves with all of its samples in their order, each with all that it is part of, as a
 * reading of the test's own sees them; and splitting goes down to one. Document:
 * exporters/push_encode.h. */
#include "exporters/push_encode.h"

#include "../unit/push_body_text.h"

#include <errno.h>
#include <stdint.h>

/* Larger than the result of any input that libFuzzer makes. */
#define BODY_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t count(enum push_format format, const struct buf *body)
{
    uint32_t samples = 0;
    int r = push_count(format, body->data ? body->data : "", body->length, &samples);
    assert(r == 0);
    return samples;
}

static void compare(enum push_format format, const struct buf *body, const struct buf *first,
                    const struct buf *second)
{
    struct buf whole;
    struct buf halves;
    buf_init(&whole, TEXT_MAX);
    buf_init(&halves, TEXT_MAX);
    push_body_text(format, body->data, body->length, &whole);
    push_body_text(format, first->data, first->length, &halves);
    push_body_text(format, second->data, second->length, &halves);
    assert(whole.length == halves.length);
    assert(memcmp(whole.data, halves.data, whole.length) == 0);
    buf_done(&whole);
    buf_done(&halves);
}

static void split(enum push_format format, const struct buf *body)
{
    struct buf first;
    struct buf second;
    buf_init(&first, BODY_MAX);
    buf_init(&second, BODY_MAX);
    int r = push_split(format, body->data ? body->data : "", body->length, &first, &second);
    if (r == 0) {
        uint32_t samples = count(format, body);
        assert(count(format, &first) == samples / 2);
        assert(count(format, &second) == samples - samples / 2);
        assert(first.length <= body->length && second.length <= body->length);
        compare(format, body, &first, &second);
        split(format, &first);
        split(format, &second);
    } else {
        assert(r == -EBADMSG || (r == -ENODATA && count(format, body) < 2));
        assert(first.length == 0 && second.length == 0);
    }
    buf_done(&first);
    buf_done(&second);
}

static void convert(const struct buf *body)
{
    struct buf result;
    buf_init(&result, BODY_MAX);
    int r = push_convert_2_to_1(body->data ? body->data : "", body->length, &result);
    assert(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
    if (r == 0)
        assert(count(PUSH_REMOTE_WRITE, &result) == count(PUSH_REMOTE_WRITE_2, body));
    else
        assert(result.length == 0);
    buf_done(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf body;
    if (size == 0)
        return 0;
    enum push_format format = (enum push_format)(data[0] % 4);
    buf_init(&body, BODY_MAX);
    buf_add(&body, (const char *)data + 1, size - 1);
    split(format, &body);
    convert(&body);
    buf_done(&body);
    return 0;
}
