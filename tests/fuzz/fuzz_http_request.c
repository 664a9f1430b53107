/* Any bytes as a stream of requests: cut in two ways they must come out the same, and nothing that
 * two readers could divide differently may come out whole. The first byte of the input says where
 * the second way cuts. Documents: net/http_request.h, RFC 9112. */
#include "net/http_request.h"

#include <assert.h>
#include <string.h>

#define MAXIMUM 1024 /* bytes of one request; small, so that the fuzzer reaches it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_feed feed(struct http_request *r, const char *bytes, size_t length, size_t step,
                           size_t *ret_used)
{
    enum http_feed came = HTTP_FEED_MORE;
    *ret_used = 0;
    while (*ret_used < length && came == HTTP_FEED_MORE) {
        size_t piece = length - *ret_used < step ? length - *ret_used : step;
        size_t used = 0;
        came = http_request_feed(r, bytes + *ret_used, piece, &used);
        assert(used <= piece);
        *ret_used += used;
    }
    return came;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_same(const struct http_request *a, const struct http_request *b)
{
    static const char *const names[] = {"accept", "accept-encoding", "authorization", "host",
                                        "x-prometheus-scrape-timeout-seconds"};
    assert(same_text(http_request_path(a), http_request_path(b)));
    assert(same_text(http_request_query(a), http_request_query(b)));
    assert(a->keep_alive == b->keep_alive);
    assert(http_request_is_head(a) == http_request_is_head(b));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert(same_text(http_request_header(a, names[i]), http_request_header(b, names[i])));
}

/* What a request that came out whole must look like, told from its bytes alone. */
static void check_whole(const char *bytes, size_t length)
{
    assert(length >= 4 && length <= MAXIMUM);
    assert(memcmp(bytes + length - 4, "\r\n\r\n", 4) == 0);
    assert(!memchr(bytes, '\0', length));
    size_t start = 0;
    while (bytes[start] == '\r' || bytes[start] == '\n')
        start++;
    assert(!memmem(bytes + start, length - start - 1, "\r\n\r\n", 4));
    for (size_t i = start; i + 1 < length; i++) {
        assert((bytes[i] == '\r') == (bytes[i + 1] == '\n'));
        assert(bytes[i] != '\n' || (bytes[i + 1] != ' ' && bytes[i + 1] != '\t'));
    }
}

/* How many bytes the first request took; 0 when nothing can come after it. */
static size_t one_request(const char *bytes, size_t length, size_t step)
{
    size_t used = 0;
    size_t used_cut = 0;
    struct http_request *r = http_request_new(MAXIMUM);
    struct http_request *cut = http_request_new(MAXIMUM);
    enum http_feed came = feed(r, bytes, length, length, &used);
    assert(feed(cut, bytes, length, step, &used_cut) == came);
    assert(r->status == cut->status);
    if (came == HTTP_FEED_WHOLE) {
        assert(used == used_cut);
        assert(http_request_path(r)[0] == '/');
        check_same(r, cut);
        check_whole(bytes, used);
    }
    if (came == HTTP_FEED_REFUSED) {
        assert(strlen(http_request_sentence(r)) > 0);
        assert(r->status == 400 || r->status == 405 || r->status == 431 || r->status == 505);
    }
    http_request_free(r);
    http_request_free(cut);
    return came == HTTP_FEED_WHOLE ? used : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t left = size - 1;
    size_t used = 0;
    do {
        used = one_request(bytes, left, (size_t)data[0] + 1);
        bytes += used;
        left -= used;
    } while (used > 0 && left > 0);
    return 0;
}
