/* Who may come in, and which passwords were found right. Counted references, because a password
 * that is being checked is judged by the users it was given for. Private to http_guard.c. Document:
 * RFC 7617. */
#ifndef WEIR_NET_HTTP_GUARD_USERS_H
#define WEIR_NET_HTTP_GUARD_USERS_H

#include "net/http_guard.h"
#include "net/password.h"

#include <stdint.h>

struct err;
struct http_basic;
struct http_guard_terms;
struct http_guard_users; /* opaque */

/* Of bytes alone and zero where nothing is said, so that claims are compared as a whole. */
struct http_guard_claim {
    uint8_t name_length;
    uint8_t name_too_long; /* and so nobody's here */
    uint8_t password_length;
    uint8_t password_has_nul; /* which no password of a hash has */
    char name[HTTP_GUARD_NAME_MAX + 1];
    char password[PASSWORD_MAX_BYTES + 1]; /* what bcrypt reads of it, and NUL */
};

/* The users of the terms, at least one; one reference, the caller's. 0, or -ENOENT (no libcrypt),
 * -EINVAL (a name or a hash) with the sentence. */
int http_guard_users_new(const struct http_guard_terms *terms, struct err *e,
                         struct http_guard_users **ret);
struct http_guard_users *http_guard_users_ref(struct http_guard_users *u);
/* The last one wipes and frees it. NULL is allowed. */
void http_guard_users_unref(struct http_guard_users *u);
/* Are they those of the terms, with the same hashes in the same order? */
bool http_guard_users_are(const struct http_guard_users *u, const struct http_guard_terms *terms);

void http_guard_claim_init(struct http_guard_claim *c, const struct http_basic *from);
/* Takes the same time for each claim. */
bool http_guard_claim_same(const struct http_guard_claim *a, const struct http_guard_claim *b);

/* Was it found right before? Takes the same time for each claim. */
bool http_guard_users_remember(const struct http_guard_users *u, const struct http_guard_claim *c);
/* Is it right? Blocks, the same time for each claim; on any thread. */
bool http_guard_users_check(const struct http_guard_users *u, const struct http_guard_claim *c);
/* It is right; from now on that is remembered. */
void http_guard_users_found_right(struct http_guard_users *u, const struct http_guard_claim *c);

#endif
