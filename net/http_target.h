/* The target of a request line, the part between method and version, and what it is made of: host,
 * path and query. */
#ifndef WEIR_NET_HTTP_TARGET_H
#define WEIR_NET_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/* Splits `target` in place: at its beginning the path, percent-decoded, at `*ret_query` what comes
 * after '?', as it came; both NUL-terminated. A target with scheme and host is reduced to its path.
 * NULL when it is good, else the sentence that says what is wrong; the target is then half changed.
 */
const char *http_target_split(char *target, size_t *ret_query);

/* Is it what a Host header may hold: a name, an IPv4 address or an IPv6 one in brackets, all of
 * which may be missing, then a colon with a port or without? A comma is none of a name's here: it
 * may be the trace of two joined Host headers. */
bool http_target_is_host(const char *host, size_t length);

/* One of the query's "name=value" pieces, decoded: %xx and '+' for a space. */
struct http_parameter {
    char name[64];
    char value[128]; /* "" also where there is no '=' */
    bool bad;        /* a broken escape, an encoded NUL, or too long: name and value end there */
};

/* Takes the next piece off `*query`, as http_request_query gives it; pieces are divided by '&' and
 * empty ones passed over. False at the end. */
bool http_query_next(const char **query, struct http_parameter *ret);

#endif
