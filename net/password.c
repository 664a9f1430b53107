/* What it knows: where libxcrypt is, what a bcrypt hash looks like, and how long one takes.
 * Documents: crypt(5), crypt(3), dlopen(3). */
#include "net/password.h"

#include "base/alloc.h"
#include "base/err.h"

#include <assert.h>
#include <crypt.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CRYPT_LIBRARY  "libcrypt.so.1" /* the ABI of glibc's time; libxcrypt added crypt_rn */
#define CRYPT_FUNCTION "crypt_rn"

#define COST_AT     4 /* "$2b$" comes before it */
#define COST_DIGITS 2
#define COST_MIN    4
#define COST_MAX    31
#define SALT_AT     7
#define HASH_AT     29 /* 22 characters of salt before it */
#define VARIANT_AT  2

static const char alphabet[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

_Static_assert(PASSWORD_MAX_BYTES < CRYPT_MAX_PASSPHRASE_SIZE, "no password is too long for it");

/* The hash of an empty password, as a setting for a library that may not know bcrypt. */
static const char probe[] = "$2b$04$......................w74bL5gU7LSJClZClCa.Pkz14aTv/XO";

const char *password_check_hash(const char *hash)
{
    static const char form[] = "is no bcrypt hash ($2a$, $2b$ or $2y$ with 60 characters)";
    if (strlen(hash) != PASSWORD_HASH_BYTES || strncmp(hash, "$2", VARIANT_AT) != 0 ||
        !strchr("aby", hash[VARIANT_AT]) || hash[COST_AT - 1] != '$' || hash[SALT_AT - 1] != '$' ||
        strspn(hash + SALT_AT, alphabet) != PASSWORD_HASH_BYTES - SALT_AT)
        return form;
    if (strspn(hash + COST_AT, "0123456789") < COST_DIGITS)
        return form;
    unsigned cost = password_cost(hash);
    return cost >= COST_MIN && cost <= COST_MAX ? NULL : "has a cost that is not from 04 to 31";
}

unsigned password_cost(const char *hash)
{
    return (unsigned)(hash[COST_AT] - '0') * 10 + (unsigned)(hash[COST_AT + 1] - '0');
}

bool password_same_bytes(const void *a, const void *b, size_t length)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    unsigned difference = 0;
    for (size_t i = 0; i < length; i++) {
        difference |= (unsigned)(left[i] ^ right[i]);
        /* Hides from the compiler that a difference stays one. */
        __asm__("" : "+r"(difference));
    }
    return difference == 0;
}

/* Computes with `cost` in place of the hash's own. False when the library refuses. Always as 2b:
 * Go's bcrypt and others have one algorithm for every letter, where the 2a of libxcrypt guards
 * against an old mistake and gives another hash for some passwords with bytes above 127. */
static bool compute(const struct password_library *library, const char *password, const char *hash,
                    unsigned cost, char ret[PASSWORD_HASH_BYTES + 1])
{
    char setting[PASSWORD_HASH_BYTES + 1];
    struct crypt_data *data = alloc_zeroed(1, sizeof *data); /* 32 kB: too much for a stack */
    memcpy(setting, hash, sizeof setting);
    setting[VARIANT_AT] = 'b';
    setting[COST_AT] = (char)('0' + cost / 10);
    setting[COST_AT + 1] = (char)('0' + cost % 10);
    const char *computed = library->crypt_rn(password, setting, data, (int)sizeof *data);
    bool done = computed && strlen(computed) == PASSWORD_HASH_BYTES;
    if (done)
        memcpy(ret, computed, PASSWORD_HASH_BYTES + 1);
    explicit_bzero(data, sizeof *data);
    free(data);
    return done;
}

/* Cost and salt went in, so what comes after them decides; the library writes the salt's last
 * character anew, of which two bits count. */
static bool is_hash_of(const struct password_library *library, const char *password,
                       const char *hash)
{
    char computed[PASSWORD_HASH_BYTES + 1];
    return compute(library, password, hash, password_cost(hash), computed) &&
           password_same_bytes(computed + HASH_AT, hash + HASH_AT, PASSWORD_HASH_BYTES - HASH_AT);
}

bool password_matches(const struct password_library *library, const char *password,
                      const char *hash, unsigned work)
{
    char cut[PASSWORD_MAX_BYTES + 1] = "";
    char ignored[PASSWORD_HASH_BYTES + 1];
    unsigned cost = password_cost(hash);
    assert(work >= cost && work <= COST_MAX);
    /* Longer ones the library refuses, past a length of its own. */
    memcpy(cut, password, strnlen(password, PASSWORD_MAX_BYTES));
    bool matches = is_hash_of(library, cut, hash);
    /* 2^cost rounds are done; these make it 2^work. */
    for (; cost < work; cost++)
        (void)compute(library, cut, hash, cost, ignored);
    explicit_bzero(cut, sizeof cut);
    return matches;
}

int password_open(struct err *e, struct password_library *ret)
{
    struct password_library library = {0};
    /* Kept mapped once opened, as any library with a state of its own. */
    library.handle = dlopen(CRYPT_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library.handle)
        return err_set(e, -ENOENT,
                       "passwords need libcrypt, and it cannot be opened (%.120s): install it, "
                       "e.g. apt install libcrypt1",
                       dlerror());
    /* A void pointer of dlsym(3) is a function's address on POSIX. */
    library.crypt_rn = dlsym(library.handle, CRYPT_FUNCTION);
    if (!library.crypt_rn || !is_hash_of(&library, "", probe)) {
        password_close(&library);
        return err_set(e, -ENOENT,
                       CRYPT_LIBRARY " does not know bcrypt hashes: install libxcrypt, e.g. apt "
                                     "install libcrypt1");
    }
    *ret = library;
    return 0;
}

void password_close(struct password_library *library)
{
    (void)dlclose(library->handle);
    *library = (struct password_library){0};
}
