/* Stands before a handler: rate limit and basic authentication. Password hashes (bcrypt, by
 * libxcrypt, opened at run time when there are users) are computed on a thread of its own; what was
 * found right is remembered. Documents: RFC 7617 (Basic), RFC 6585 (429), crypt(5). */
#ifndef WEIR_NET_HTTP_GUARD_H
#define WEIR_NET_HTTP_GUARD_H

#include "net/http_server.h"

struct http_guard; /* opaque */

#define HTTP_GUARD_NAME_MAX 255 /* bytes of a user's name */

struct http_guard_user {
    const char *name; /* at most HTTP_GUARD_NAME_MAX bytes, no colon */
    const char *hash; /* $2a$, $2b$ or $2y$ */
};

struct http_guard_terms {
    const struct http_guard_user *users; /* none: everybody is let in */
    size_t user_count;
    uint64_t rate_interval_ms; /* a token is added every so often; 0: no limit */
    uint64_t rate_burst;       /* most tokens there are at once, at least 1 with an interval */
};

enum http_guard_refusal {
    HTTP_GUARD_RATE,        /* 429 */
    HTTP_GUARD_NO_PASSWORD, /* 401: no or malformed Authorization */
    HTTP_GUARD_WRONG,       /* 401: unknown user or wrong password, not told apart */
    HTTP_GUARD_BUSY,        /* 503: too many passwords wait to be checked */
    HTTP_GUARD_REFUSALS,
};

/* Lets everybody in until http_guard_set; what is let in goes to `handler`. */
struct http_guard *http_guard_new(struct uv_loop_s *loop, http_handler handler, void *context);
/* Other terms from now on, also from the handler; copied. Requests whose password is being checked
 * are judged by the old ones. What was remembered is forgotten when the users differ. 0, -ENOENT
 * (no libcrypt with bcrypt), -EINVAL (a name that cannot be sent, a hash that is none); the old
 * terms stay then. */
int http_guard_set(struct http_guard *g, const struct http_guard_terms *terms, struct err *e);
/* The http_handler for the server; `context` is the guard. */
void http_guard_handle(void *context, struct http_request *request);
/* Answers those who wait with 503 and frees it; the pointer is invalid at once. */
void http_guard_close(struct http_guard *g);
uint64_t http_guard_refusals(const struct http_guard *g, enum http_guard_refusal why);
/* The word in labels, e.g. "rate_limit". */
const char *http_guard_refusal_name(enum http_guard_refusal why);

#endif
