/* Passwords and their bcrypt hashes, by libxcrypt, opened at run time: a process without users does
 * not pay for it. Private to net. Documents: crypt(5), crypt(3), dlopen(3). */
#ifndef WEIR_NET_PASSWORD_H
#define WEIR_NET_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

struct crypt_data;
struct err;

#define PASSWORD_MAX_BYTES  72 /* that bcrypt reads; what follows makes no difference to it */
#define PASSWORD_HASH_BYTES 60 /* "$2b$12$", 22 characters of salt, 31 of the hash */

struct password_library {
    void *handle; /* of dlopen(3) */
    char *(*crypt_rn)(const char *phrase, const char *setting, struct crypt_data *data, int size);
};

/* 0, or -ENOENT with the sentence: no libcrypt, or one that does not know bcrypt. */
int password_open(struct err *e, struct password_library *ret);
void password_close(struct password_library *library);

/* NULL, or what is wrong with a hash: the rest of a sentence that begins with it. */
const char *password_check_hash(const char *hash);
/* The base-2 logarithm of its rounds. `hash` has passed password_check_hash. */
unsigned password_cost(const char *hash);

/* Is it the hash of that password, which ends with NUL? Blocks as long as a hash of the cost
 * `work`, which is at least the hash's own, takes, also where that is more. */
bool password_matches(const struct password_library *library, const char *password,
                      const char *hash, unsigned work);

/* Compares in a time that depends on `length` alone. */
bool password_same_bytes(const void *a, const void *b, size_t length);

#endif
