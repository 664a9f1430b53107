/* libcurl, opened at run time: a process that uses no TLS does not pay for it. Private to net/.
 * Document: dlopen(3), libcurl(3). */
#ifndef WEIR_NET_CURL_LOAD_H
#define WEIR_NET_CURL_LOAD_H

#include <curl/curl.h>

struct err;

#define CURL_FUNCTION_LIST(F) \
    F(global_init)            \
    F(global_cleanup)         \
    F(easy_init)              \
    F(easy_setopt)            \
    F(easy_getinfo)           \
    F(easy_cleanup)           \
    F(easy_strerror)          \
    F(multi_init)             \
    F(multi_cleanup)          \
    F(multi_setopt)           \
    F(multi_add_handle)       \
    F(multi_remove_handle)    \
    F(multi_socket_action)    \
    F(multi_assign)           \
    F(multi_info_read)        \
    F(multi_strerror)         \
    F(slist_append)           \
    F(slist_free_all)         \
    F(url)                    \
    F(url_set)                \
    F(url_cleanup)            \
    F(url_strerror)

#define CURL_FUNCTION_MEMBER(name) __typeof__(curl_##name) *name;

struct curl_functions {
    void *library; /* of dlopen(3) */
    CURL_FUNCTION_LIST(CURL_FUNCTION_MEMBER)
};

/* Opens and initialises libcurl; each call is balanced by curl_unload. 0, -ENOENT (not there, the
 * sentence names the package), -ENOSYS (it lacks a function), -EIO (it cannot be initialised). */
int curl_load(struct curl_functions *ret_curl, struct err *e);
void curl_unload(struct curl_functions *curl);

#endif
