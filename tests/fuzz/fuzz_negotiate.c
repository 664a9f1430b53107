/* Fuzzes negotiation. The first byte chooses mode and place of the peer, the first newline ends the
 * Accept header, the rest is the Accept-Encoding header. Whatever they say, the answer is one of
 * ours, and a refusal needs a weight of nothing. */
#include "base/alloc.h"
#include "base/text.h"
#include "exporters/accept.h"
#include "exporters/negotiate.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const types[] = {
    "text/plain; version=0.0.4; charset=utf-8",
    "text/plain; version=1.0.0; charset=utf-8; escaping=",
    "application/openmetrics-text; version=0.0.1; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every member takes bytes, is terminated, and has a weight of at most 1. */
static void check_members(const char *list)
{
    struct accept_member m;
    const char *at = list;
    for (const char *before = at; accept_next(&at, &m); before = at) {
        assert(at > before);
        assert(m.weight <= ACCEPT_WEIGHT_MAX);
        assert(strnlen(m.name, sizeof m.name) < sizeof m.name);
        assert(text_equal(m.name, ACCEPT_OTHER) || strcasestr(list, m.name));
    }
    assert(*at == '\0');
}

static void check_type(const struct negotiated *n)
{
    assert(memchr(n->content_type, '\0', sizeof n->content_type));
    bool ours = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        ours = ours || text_starts_with(n->content_type, types[i]);
    assert(ours);
    for (const char *c = n->content_type; *c != '\0'; c++)
        assert(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t first = size > 0 ? data[0] : 0;
    char *accept = alloc_copy((const char *)data + (size > 0), size - (size > 0));
    char *newline = strchr(accept, '\n');
    /* A copy of its own, so that reading past the first header is seen. */
    char *encoding = newline ? alloc_string(newline + 1) : NULL;
    char *shorter = newline ? alloc_copy(accept, (size_t)(newline - accept)) : NULL;
    const char *whole = shorter ? shorter : accept;
    struct negotiated n;
    const char *sentence = NULL;
    int r = negotiate(whole, encoding, first % 3, first & 4, &n, &sentence);
    if (r == 0) {
        check_type(&n);
        assert(!n.gzip_only || n.gzip);
        assert(!n.gzip || (first % 3 != GZIP_NEVER && encoding));
    } else {
        assert(r == -ENOENT && sentence);
        assert(strstr(whole, "0") || (encoding && strstr(encoding, "0")));
    }
    check_members(whole);
    if (encoding)
        check_members(encoding);
    free(accept);
    free(encoding);
    free(shorter);
    return 0;
}
