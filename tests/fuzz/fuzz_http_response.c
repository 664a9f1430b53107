/* Fuzzes net/http_response: the first byte says how the rest is cut and asked for. The parser must
 * neither read past a piece nor keep more than its limit, and the cuts must not change what it
 * finds. */
#include "net/http_response.h"

#include "net/http_get.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 512 /* bytes of body or line */

struct outcome {
    int result;
    int status;
    size_t bytes; /* of body or of lines */
    uint64_t hash;
};

static void hash_bytes(struct outcome *o, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        o->hash = (o->hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    o->bytes += length;
}

static void on_line(void *context, const char *line, size_t length)
{
    struct outcome *o = context;
    if (!line)
        return;
    assert(length <= LIMIT && line[length] == '\0');
    hash_bytes(o, line, length);
    hash_bytes(o, "\n", 1);
}

static void on_done(void *context, const struct http_result *result)
{
    (void)context;
    (void)result;
}

static int feed_pieces(struct http_response *r, const uint8_t *data, size_t size, size_t piece)
{
    int result = 0;
    for (size_t at = 0; at < size && result == 0; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        char *copy = malloc(length); /* its own block: a read past it is seen */
        memcpy(copy, data + at, length);
        result = http_response_feed(r, copy, length);
        free(copy);
    }
    return result == 0 ? http_response_finish(r) : result;
}

static struct outcome parse(const uint8_t *data, size_t size, size_t piece, bool stream)
{
    struct outcome o = {0};
    struct http_response r = {0};
    struct http_get_options options = {.path = "/",
                                       .timeout_ms = 1,
                                       .max_body_bytes = LIMIT,
                                       .on_done = on_done,
                                       .on_line = stream ? on_line : NULL,
                                       .context = &o};
    http_response_begin(&r, &options);
    o.result = feed_pieces(&r, data, size, piece);
    o.status = r.status;
    assert(r.body.bytes.length <= LIMIT);
    assert(strlen(http_response_problem(&r)) > 0);
    if (!r.body.streaming && o.result == 1)
        hash_bytes(&o, r.body.bytes.data, r.body.bytes.length);
    http_response_done(&r);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool stream = data[0] & 1;
    size_t piece = (size_t)(data[0] >> 1) + 1;
    struct outcome whole = parse(data + 1, size - 1, size, stream);
    struct outcome cut = parse(data + 1, size - 1, piece, stream);
    assert(whole.result == cut.result && whole.status == cut.status);
    assert(whole.bytes == cut.bytes && whole.hash == cut.hash);
    return 0;
}
