/* Any bytes as a stream of requests. Cut in two ways they must come out the same; and what comes
 * out whole must be what http_judge reads from the same bytes: the same end above all, since two
 * readers that differ there can be made to see different requests. What the judge finds good must
 * come out whole, unless a limit or a rule of this server's, listed below, says otherwise, and then
 * with the status that belongs to it. The first byte of the input says where the second way cuts.
 * Documents: net/http_request.h, RFC 9112. */
#include "net/http_request.h"

#include "http_judge.h"

#include <assert.h>
#include <string.h>

/* Small, so that the fuzzer reaches them. */
static const struct http_server_limits limits = {
    .max_header_bytes = 1024,
    .max_target_bytes = 64,
    .max_body_bytes = 32,
};

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
        assert(used <= piece && (used == piece || came == HTTP_FEED_WHOLE));
        assert(r->framing <= limits.max_header_bytes);
        assert(r->text.length <= limits.max_header_bytes);
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
    assert(same_text(http_request_method(a), http_request_method(b)));
    assert(a->keep_alive == b->keep_alive);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert(same_text(http_request_header(a, names[i]), http_request_header(b, names[i])));
}

/* Against the judge. */

static bool is_text(struct judge_span s, const char *text)
{
    return s.length == strlen(text) && (s.length == 0 || memcmp(s.at, text, s.length) == 0);
}

static int hex(uint8_t c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Does `path` say, decoded, what the server took for it? The judge has looked at the escapes. */
static bool is_path(struct judge_span path, const char *decoded)
{
    if (path.length == 0)
        return same_text(decoded, "/");
    for (size_t i = 0; i < path.length; i++, decoded++) {
        int c = path.at[i];
        if (c == '%') {
            c = hex(path.at[i + 1]) * 16 + hex(path.at[i + 2]);
            i += 2;
        }
        if (c == 0 || (uint8_t)*decoded != c)
            return false;
    }
    return *decoded == '\0';
}

static bool has_encoded_nul(struct judge_span path)
{
    return path.length > 0 && memmem(path.at, path.length, "%00", 3);
}

/* The same end above all, and the same request. */
static void check_whole(const struct http_request *r, size_t used, const struct judge_result *j)
{
    assert(used == j->total);
    assert(r->framing == j->total - j->body);
    assert(is_text(j->method, http_request_method(r)));
    assert(is_path(j->path, http_request_path(r)));
    assert(is_text(j->query, http_request_query(r)));
    assert(r->keep_alive == j->persistent);
    assert(http_request_is_old(r) == (j->minor == 0));
    assert(http_request_is_head(r) == is_text(j->method, "HEAD"));
}

/* May this server answer a good request with `status`? 0: may it take it? Of what 400 stands for, a
 * comma may be the trace of two joined Host lines; the tab and the space are what llhttp does not
 * read, and no client sends. */
static bool may_answer(int status, const struct judge_result *j)
{
    bool fetches = is_text(j->method, "GET") || is_text(j->method, "HEAD");
    bool sends = is_text(j->method, "POST") || is_text(j->method, "PUT");
    bool has_body = j->framing != JUDGE_NO_BODY;
    const struct {
        int status;
        bool reason;
    } refusals[] = {
        {405, !fetches && !sends},
        {505, j->minor > 1},
        {414, j->target.length > limits.max_target_bytes},
        {431, j->total - j->body > limits.max_header_bytes},
        {413, j->body > limits.max_body_bytes},
        {417, j->demands && j->minor > 0},
        {400, (fetches && has_body) || has_encoded_nul(j->path) || j->comma_in_host ||
                  j->tab_after_framing || j->space_in_extension},
    };
    bool must_refuse = false;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].reason && refusals[i].status == status)
            return true;
        must_refuse |= refusals[i].reason;
    }
    return status == 0 && !must_refuse;
}

static void check_judged(const struct http_request *r, enum http_feed came, const char *bytes,
                         size_t length, size_t used)
{
    struct judge_result j;
    if (judge_request((const uint8_t *)bytes, length, &j) == JUDGE_VALID) {
        assert(came != HTTP_FEED_MORE && may_answer(r->status, &j));
        if (came == HTTP_FEED_WHOLE)
            check_whole(r, used, &j);
    } else {
        assert(came != HTTP_FEED_WHOLE);
    }
}

static bool is_refusal(int status)
{
    static const int statuses[] = {400, 405, 413, 414, 417, 431, 505};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (status == statuses[i])
            return true;
    return false;
}

static void check_refused(const struct http_request *r)
{
    assert(is_refusal(r->status));
    assert(strlen(http_request_sentence(r)) > 0 && !strpbrk(http_request_sentence(r), "\r\n"));
    assert(!http_request_in_body(r));
    assert((r->status == 405) == (http_request_refusal_headers(r) != NULL));
}

/* How many bytes the first request took; 0 when nothing can come after it. */
static size_t one_request(const char *bytes, size_t length, size_t step)
{
    size_t used = 0;
    size_t used_cut = 0;
    struct http_request *r = http_request_new(&limits, false);
    struct http_request *cut = http_request_new(&limits, true);
    enum http_feed came = feed(r, bytes, length, length, &used);
    assert(feed(cut, bytes, length, step, &used_cut) == came);
    assert(r->status == cut->status);
    assert(http_request_in_body(r) == http_request_in_body(cut));
    check_judged(r, came, bytes, length, used);
    if (came == HTTP_FEED_WHOLE) {
        assert(used == used_cut);
        check_same(r, cut);
    }
    if (came == HTTP_FEED_REFUSED)
        check_refused(r);
    if (http_request_wants_continue(r))
        assert(http_request_in_body(r) && !http_request_wants_continue(r));
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
