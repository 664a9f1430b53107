/* What it knows: where libcurl is and which of its functions are used. It stays mapped once opened:
 * OpenSSL and others leave handlers behind that would point nowhere. Document: dlopen(3). */
#include "net/curl_load.h"

#include "base/err.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#define CURL_LIBRARY "libcurl.so.4" /* the ABI since 2006 */

/* A void pointer of dlsym(3) is a function's address on POSIX. */
#define CURL_FUNCTION_FIND(name)                      \
    curl->name = dlsym(curl->library, "curl_" #name); \
    if (!curl->name)                                  \
        missing = "curl_" #name;

static int find_functions(struct curl_functions *curl, struct err *e)
{
    const char *missing = NULL;
    CURL_FUNCTION_LIST(CURL_FUNCTION_FIND)
    if (!missing)
        return 0;
    return err_set(e, -ENOSYS,
                   CURL_LIBRARY " has no function %s: it is not a libcurl weir can use; install "
                                "libcurl 7.87 or newer",
                   missing);
}

int curl_load(struct curl_functions *ret_curl, struct err *e)
{
    struct curl_functions curl = {0};
    curl.library = dlopen(CURL_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!curl.library)
        return err_set(e, -ENOENT,
                       "pushing and TLS to engines need libcurl, and it cannot be opened (%.120s): "
                       "install it, e.g. apt install libcurl4",
                       dlerror());
    int r = find_functions(&curl, e);
    if (r == 0 && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        r = err_set(e, -EIO,
                    "libcurl cannot be initialised: its TLS library is broken, install "
                    "the packages of both again");
    if (r < 0) {
        (void)dlclose(curl.library);
        return r;
    }
    *ret_curl = curl;
    return 0;
}

void curl_unload(struct curl_functions *curl)
{
    curl->global_cleanup(); /* libcurl counts the calls of global_init */
    (void)dlclose(curl->library);
    *curl = (struct curl_functions){0};
}
