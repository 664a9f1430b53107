/* One libcurl multi handle on one libuv loop. Private to net/. Documents: libcurl-multi(3),
 * curl_multi_socket_action(3). */
#ifndef WEIR_NET_CURL_LOOP_H
#define WEIR_NET_CURL_LOOP_H

#include "net/curl_load.h"

#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

struct curl_loop;

struct curl_loop_hooks {
    /* libcurl is about to run, and has run. Between the two no handle may be added or removed. `r`
     * is not CURLM_OK when the multi handle is broken. */
    void (*enter)(void *owner);
    void (*leave)(void *owner, struct curl_loop *l, CURLMcode r);
    /* A transfer has ended and is removed from the multi handle. */
    void (*ended)(void *owner, CURL *easy, CURLcode result);
    /* A libuv handle was opened; one of those is closed. */
    void (*opened)(void *owner);
    void (*released)(void *owner);
};

struct curl_loop {
    const struct curl_functions *curl;
    uv_loop_t *uv;
    CURLM *multi; /* NULL while it has no transfer and no connection */
    long max_kept;
    uv_timer_t timer;
    LIST_HEAD(curl_poll_list, curl_poll) polls;
    const struct curl_loop_hooks *hooks;
    void *owner;
};

/* `max_kept`: connections kept between requests. */
void curl_loop_init(struct curl_loop *l, uv_loop_t *uv, const struct curl_functions *curl,
                    long max_kept, const struct curl_loop_hooks *hooks, void *owner);
/* Starts a transfer; libcurl runs when the loop turns. */
void curl_loop_add(struct curl_loop *l, CURL *easy);
/* Ends a transfer that is under way; its connection is closed. */
void curl_loop_remove(struct curl_loop *l, CURL *easy);
/* Closes all connections; there must be no transfer. */
void curl_loop_forget(struct curl_loop *l);
/* As curl_loop_forget, and closes the handles; `released` tells. */
void curl_loop_close(struct curl_loop *l);
/* CURLOPT_CLOSESOCKETFUNCTION, with the loop as its data. */
int curl_loop_close_socket(void *loop, curl_socket_t fd);

#endif
