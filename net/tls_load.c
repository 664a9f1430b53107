/* What it knows: where OpenSSL is and which of its functions are used. It stays mapped once opened:
 * it leaves handlers behind that would point nowhere. Documents: dlopen(3), ssl(7). */
#include "net/tls_load.h"

#include "base/err.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define SSL_LIBRARY    "libssl.so.3" /* the ABI of all of OpenSSL 3 */
#define CRYPTO_LIBRARY "libcrypto.so.3"

/* A void pointer of dlsym(3) is a function's address on POSIX. */
#define TLS_FUNCTION_FIND(name)                          \
    found.name = (__typeof__(name) *)dlsym(from, #name); \
    if (!found.name)                                     \
        missing = #name;

/* Written once, under the lock; not under pthread_once, since OpenSSL may be installed between two
 * attempts. */
static struct {
    pthread_mutex_t lock;
    bool is_open;
    struct tls_functions functions;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int find_functions(void *ssl, void *crypto, struct err *e)
{
    struct tls_functions found = {0};
    const char *missing = NULL;
    void *from = ssl;
    TLS_SSL_LIST(TLS_FUNCTION_FIND)
    from = crypto;
    TLS_CRYPTO_LIST(TLS_FUNCTION_FIND)
    if (missing)
        return err_set(e, -ENOSYS,
                       "the OpenSSL of this host has no function %s: it is not one weir can use; "
                       "install the distribution's own OpenSSL 3 (package libssl3)",
                       missing);
    table.functions = found;
    table.is_open = true;
    return 0;
}

static int open_library(const char *name, struct err *e, void **ret_library)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return err_set(e, -ENOENT,
                       "serving TLS needs OpenSSL 3, and it cannot be opened (%.120s): install it, "
                       "e.g. apt install libssl3",
                       dlerror());
    *ret_library = library;
    return 0;
}

static int open_both(struct err *e)
{
    void *ssl = NULL;
    void *crypto = NULL;
    int r = open_library(CRYPTO_LIBRARY, e, &crypto);
    if (r == 0)
        r = open_library(SSL_LIBRARY, e, &ssl);
    return r < 0 ? r : find_functions(ssl, crypto, e);
}

int tls_load(struct err *e)
{
    (void)pthread_mutex_lock(&table.lock);
    int r = table.is_open ? 0 : open_both(e);
    (void)pthread_mutex_unlock(&table.lock);
    return r;
}

const struct tls_functions *tls_functions(void)
{
    assert(table.functions.SSL_new); /* tls_load was called */
    return &table.functions;
}

const char *tls_reason(void)
{
    const char *reason =
        table.functions.ERR_reason_error_string(table.functions.ERR_peek_last_error());
    return reason ? reason : "no reason told";
}
