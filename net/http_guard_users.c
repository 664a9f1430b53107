/* What it knows: whose password a request brings, without telling by its time who exists. What was
 * right is kept as it came, one password a user, because a hash that protects it would have to be
 * computed again for every scrape; it is wiped with its user. Document: RFC 7617. */
#include "net/http_guard_users.h"

#include "net/http_basic.h"
#include "net/http_guard.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct user {
    struct http_guard_claim right; /* the name, and the password once it was found right */
    uint8_t is_known;              /* the password is there */
    char hash[PASSWORD_HASH_BYTES + 1];
};

struct http_guard_users {
    unsigned references;
    struct password_library library;
    unsigned work; /* the highest cost: every check takes as long */
    size_t count;
    struct user users[]; /* and one more, whom unknown names are taken for; never right */
};

static const char *check_user(const struct http_guard_user *user)
{
    if (strlen(user->name) > HTTP_GUARD_NAME_MAX)
        return "has a name of more than 255 bytes; give a shorter one";
    if (strchr(user->name, ':'))
        return "has a name with a colon, which basic authentication cannot send; leave it out";
    return NULL;
}

static int check_users(const struct http_guard_terms *terms, struct err *e)
{
    for (size_t i = 0; i < terms->user_count; i++) {
        const struct http_guard_user *user = &terms->users[i];
        const char *wrong = check_user(user);
        if (wrong)
            return err_set(e, -EINVAL, "the user \"%.64s\" %s", user->name, wrong);
        wrong = password_check_hash(user->hash);
        if (wrong)
            return err_set(e, -EINVAL,
                           "the password of the user \"%.64s\" %s; make one with 'htpasswd -nBC 10 "
                           "USER'",
                           user->name, wrong);
    }
    return 0;
}

static void set_user(struct user *u, const char *name, const char *hash)
{
    u->right.name_length = (uint8_t)strlen(name);
    memcpy(u->right.name, name, u->right.name_length);
    memcpy(u->hash, hash, sizeof u->hash);
}

int http_guard_users_new(const struct http_guard_terms *terms, struct err *e,
                         struct http_guard_users **ret)
{
    struct password_library library = {0};
    size_t count = terms->user_count;
    assert(count > 0);
    int r = check_users(terms, e);
    if (r == 0)
        r = password_open(e, &library);
    if (r < 0)
        return r;
    struct http_guard_users *u =
        alloc_zeroed(1, sizeof *u + (count + 1) * sizeof(struct user)); /* a list in memory */
    u->references = 1;
    u->library = library;
    u->count = count;
    for (size_t i = 0; i < count; i++) {
        set_user(&u->users[i], terms->users[i].name, terms->users[i].hash);
        unsigned cost = password_cost(terms->users[i].hash);
        if (cost <= u->work)
            continue;
        u->work = cost;
        set_user(&u->users[count], "", terms->users[i].hash);
    }
    *ret = u;
    return 0;
}

struct http_guard_users *http_guard_users_ref(struct http_guard_users *u)
{
    u->references++;
    return u;
}

void http_guard_users_unref(struct http_guard_users *u)
{
    if (!u || --u->references > 0)
        return;
    password_close(&u->library);
    explicit_bzero(u->users, (u->count + 1) * sizeof u->users[0]);
    free(u);
}

bool http_guard_users_are(const struct http_guard_users *u, const struct http_guard_terms *terms)
{
    bool same = u->count == terms->user_count;
    for (size_t i = 0; same && i < u->count; i++)
        same = text_equal(u->users[i].right.name, terms->users[i].name) &&
               text_equal(u->users[i].hash, terms->users[i].hash);
    return same;
}

void http_guard_claim_init(struct http_guard_claim *c, const struct http_basic *from)
{
    *c = (struct http_guard_claim){0};
    c->name_too_long = from->user_length > HTTP_GUARD_NAME_MAX;
    c->name_length = (uint8_t)(c->name_too_long ? HTTP_GUARD_NAME_MAX : from->user_length);
    memcpy(c->name, from->user, c->name_length);
    size_t length = from->password_length;
    c->password_has_nul = memchr(from->password, '\0', length) != NULL;
    c->password_length = (uint8_t)(length < PASSWORD_MAX_BYTES ? length : PASSWORD_MAX_BYTES);
    memcpy(c->password, from->password, c->password_length);
}

bool http_guard_claim_same(const struct http_guard_claim *a, const struct http_guard_claim *b)
{
    _Static_assert(_Alignof(struct http_guard_claim) == 1, "no padding between its members");
    return password_same_bytes(a, b, sizeof *a);
}

static bool same_name(const struct http_guard_claim *a, const struct http_guard_claim *b)
{
    return (a->name_length == b->name_length) & (a->name_too_long == b->name_too_long) &
           password_same_bytes(a->name, b->name, sizeof a->name);
}

/* Goes through all of them, and chooses without a branch. The index past the last is nobody. */
static size_t find(const struct http_guard_users *u, const struct http_guard_claim *c)
{
    size_t found = u->count;
    for (size_t i = 0; i < u->count; i++) {
        size_t mask = (size_t)0 - same_name(&u->users[i].right, c);
        found = (found & ~mask) | (i & mask);
    }
    return found;
}

bool http_guard_users_remember(const struct http_guard_users *u, const struct http_guard_claim *c)
{
    const struct user *user = &u->users[find(u, c)];
    return user->is_known & http_guard_claim_same(&user->right, c);
}

bool http_guard_users_check(const struct http_guard_users *u, const struct http_guard_claim *c)
{
    size_t index = find(u, c);
    bool matches = password_matches(&u->library, c->password, u->users[index].hash, u->work);
    return matches && index < u->count && !c->password_has_nul;
}

void http_guard_users_found_right(struct http_guard_users *u, const struct http_guard_claim *c)
{
    struct user *user = &u->users[find(u, c)];
    assert(user < u->users + u->count);
    user->right = *c;
    user->is_known = true;
}
