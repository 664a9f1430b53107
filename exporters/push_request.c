/* What it knows: the headers each protocol wants, and what its common failures ask of people.
 * Documents: the remote write specifications 1.0 and 2.0, the OTLP specification (OTLP/HTTP),
 * RFC 9110 section 15. */
#include "exporters/push_request.h"

#include "base/arena.h"
#include "net/http_post.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

#define PAGE_TYPE    "text/html"
#define HEADERS_MOST 7 /* of the protocol, with the NULL at the end */

static size_t put_protocol(const struct push_request_head *head, struct arena *arena,
                           const char **at)
{
    size_t count = 0;
    if (head->format == PUSH_REMOTE_WRITE_2) {
        at[count++] = "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request";
        at[count++] = "X-Prometheus-Remote-Write-Version: 2.0.0";
    } else {
        at[count++] = "Content-Type: application/x-protobuf";
    }
    if (head->format == PUSH_REMOTE_WRITE)
        at[count++] = "X-Prometheus-Remote-Write-Version: 0.1.0";
    if (head->coding == PUSH_SNAPPY)
        at[count++] = "Content-Encoding: snappy";
    if (head->coding == PUSH_GZIP)
        at[count++] = "Content-Encoding: gzip";
    at[count++] = arena_format(arena, "User-Agent: %s", head->user_agent);
    if (head->format != PUSH_OTLP && head->attempt > 0)
        at[count++] = arena_format(arena, "Retry-Attempt: %u", head->attempt);
    return count;
}

const char *const *push_request_headers(const struct push_request_head *head, struct arena *arena)
{
    size_t extra = 0;
    while (head->headers && head->headers[extra])
        extra++;
    const char **ret = arena_alloc(arena, (HEADERS_MOST + extra) * sizeof *ret);
    size_t count = put_protocol(head, arena, ret);
    if (head->authorization && head->authorization[0] != '\0')
        ret[count++] = head->authorization;
    for (size_t i = 0; i < extra; i++)
        ret[count++] = head->headers[i];
    return ret; /* the arena's memory is zeroed */
}

static bool is_answered(const struct http_post_result *result)
{
    return result->reason == REASON_NONE && result->status > 0;
}

const char *push_request_outcome(const struct http_post_result *result, struct arena *arena)
{
    if (!is_answered(result))
        return "gave no answer";
    return arena_format(arena, "answered %d", result->status);
}

bool push_request_met_page(const struct http_post_result *result)
{
    return result->body_length > 0 && result->content_type &&
           strncasecmp(result->content_type, PAGE_TYPE, sizeof PAGE_TYPE - 1) == 0;
}

const char *push_request_mend(const struct http_post_result *result)
{
    static const struct {
        int first;
        int last;
        const char *mend;
    } mends[] = {
        {200, 299,
         "that is a web page and no receiver: look at the URL, and at proxies with a login"},
        {300, 399, "redirects are not followed: give the URL it names"},
        {400, 400, "look at the protocol, at the URL, and at the receiver's log"},
        {401, 401, "look at basic-auth or bearer-token-file, and at a header for the tenant"},
        {403, 403,
         "who is named by basic-auth, bearer-token-file or the certificate may not write "
         "there"},
        {404, 404, "look at the path of the URL, or switch its receiver on"},
        {405, 405, "look at the path of the URL: what is there takes no data"},
        {407, 407,
         "the proxy wants a user and password, which weir sends to none: let it admit this host, "
         "or "
         "go past it with proxy-url: \"\""},
        {415, 415, "look at the protocol: this receiver speaks another"},
        {429, 429, "it has more to do than it may: give it more room or push less"},
        {500, 599, "look at the receiver's log"},
    };
    for (size_t i = 0; i < sizeof mends / sizeof *mends; i++)
        if (result->status >= mends[i].first && result->status <= mends[i].last)
            return result->status >= 300 || push_request_met_page(result) ? mends[i].mend : "";
    return "";
}
