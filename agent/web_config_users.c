/* What it knows: basic_auth_users: who may be a user and what a hash looks like. A hash is never
 * part of a message. Documents: RFC 7617 section 2 (names), crypt(5) for bcrypt. */
#include "agent/config_text.h"
#include "agent/web_config_reader.h"

#include <string.h>

#define USERS_MAX   1024 /* a file with more is not written by hand; the guard looks through all */
#define HASH_LENGTH 60   /* characters: $2y$CC$, 22 of salt, 31 of hash */
#define HASH_DIGITS 53   /* of them after the cost */
#define COST_LEAST  4
#define COST_MOST   31
#define COST_SLOW   16 /* above it a look at a password takes over 3 s */

struct users {
    struct http_guard_user *items;
    size_t count;
    size_t room;
    size_t slow; /* hashes that take long */
    const char *first_slow;
    yaml_mark_t first_slow_mark;
};

/* What is wrong with a hash; NULL when nothing is. */
static const char *check_hash(const char *hash, int *ret_cost)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (hash[0] != '$' || hash[1] != '2' || hash[2] == '\0' || !strchr("aby", hash[2]) ||
        hash[3] != '$')
        return "it does not begin with $2a$, $2b$ or $2y$";
    if (strlen(hash) != HASH_LENGTH)
        return "it has not 60 characters";
    bool number = hash[4] >= '0' && hash[4] <= '9' && hash[5] >= '0' && hash[5] <= '9';
    int cost = number ? (hash[4] - '0') * 10 + (hash[5] - '0') : 0;
    if (cost < COST_LEAST || cost > COST_MOST || hash[6] != '$')
        return "its cost is not 04 to 31";
    if (strspn(hash + HASH_LENGTH - HASH_DIGITS, digits) != HASH_DIGITS)
        return "after the cost it has other characters than ./A-Za-z0-9";
    *ret_cost = cost;
    return NULL;
}

static const char *check_name(const char *name)
{
    if (name[0] == '\0')
        return "a user without a name";
    if (strlen(name) > HTTP_GUARD_NAME_MAX)
        return "a name of more than 255 bytes";
    if (strchr(name, ':'))
        return "a name with a colon, which cannot be sent (RFC 7617)";
    for (const char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return "a name with a control character, which cannot be sent (RFC 7617)";
    return NULL;
}

static int check_user(struct web_reader *r, const struct web_text *name, const struct users *users)
{
    const char *problem = check_name(name->text);
    if (problem)
        return web_refuse(r, name->mark, "basic_auth_users: %s: \"%s\"; choose another one",
                          problem, text_show(name->text).text);
    for (size_t i = 0; i < users->count; i++)
        if (text_equal(users->items[i].name, name->text))
            return web_refuse(r, name->mark,
                              "basic_auth_users: \"%s\" is there twice; keep one of them",
                              text_show(name->text).text);
    if (users->count == USERS_MAX)
        return web_refuse(r, name->mark,
                          "basic_auth_users: more than %d users; use client "
                          "certificates or a proxy for so many",
                          USERS_MAX);
    return 0;
}

static void add_user(struct web_reader *r, struct users *users, const char *name, const char *hash)
{
    if (users->count == users->room) {
        users->room = users->room > 0 ? 2 * users->room : 1;
        struct http_guard_user *items =
            arena_alloc(&r->config->memory, users->room * sizeof *items);
        for (size_t i = 0; i < users->count; i++)
            items[i] = users->items[i];
        users->items = items;
    }
    users->items[users->count++] = (struct http_guard_user){.name = name, .hash = hash};
}

static int read_user(struct web_reader *r, const struct web_text *key, void *target)
{
    struct users *users = target;
    struct web_text hash = {0};
    int cost = 0;
    int result = check_user(r, key, users);
    if (result == 0)
        result = web_read_text(r, text_show(key->text).text, &hash);
    if (result < 0)
        return result;
    const char *problem = check_hash(hash.text ? hash.text : "", &cost);
    if (problem)
        return web_refuse(r, hash.mark,
                          "basic_auth_users: the password of \"%s\" is no bcrypt hash: %s; mend: "
                          "htpasswd -nBC 10 NAME",
                          text_show(key->text).text, problem);
    if (cost > COST_SLOW && users->slow++ == 0) {
        users->first_slow = key->text;
        users->first_slow_mark = hash.mark;
    }
    add_user(r, users, key->text, hash.text);
    return 0;
}

int web_read_users(struct web_reader *r, const char *name, void *target)
{
    struct web_config *c = target;
    struct users users = {0};
    int result = web_read_entries(r, name, read_user, &users);
    if (result < 0)
        return result;
    if (users.slow > 0)
        web_warn(r, users.first_slow_mark,
                 "basic_auth_users: %zu hash(es), \"%s\" first, cost more than 2^%d: a look at the "
                 "password takes over 3 s; a cost of 10 to 12 is usual",
                 users.slow, text_show(users.first_slow).text, COST_SLOW);
    r->has_secrets = r->has_secrets || users.count > 0;
    c->guard.users = users.items;
    c->guard.user_count = users.count;
    return 0;
}
